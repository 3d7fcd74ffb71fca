/* folder_ops.c: how are folders made, deleted, renamed and subscribed to? On the account's lane;
 * the loop's list follows in its order. A folder is built aside and renamed in; deleted ones are
 * renamed to deleted/ and swept afterwards; several names at once stand behind an intent. RFC
 * 9051 6.3.4 to 6.3.8. Failures: what was made is taken back. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/loop.h"
#include "store/fault.h"
#include "store/mail_int.h"

struct moving {
	struct folder *folder;
	char *name, *leaf;
};

struct folder_op {
	struct mail_job job;
	struct store_op op;
	folder_done *on_done;
	void *self;
	bool abandoned;
	char **names; /* to be made, parents first */
	size_t names_n;
	enum folder_role role; /* of the last */
	struct folder **made;
	size_t made_n;
	struct folder *victim;
	char gone_to[700];
	struct moving *moves;
	size_t moves_n;
	struct intent_job intent;
	bool has_intent;
	/* subscribe */
	struct buf text;
	char *sub;
	bool sub_on;
	/* INBOX */
	struct view *view;
};

static void op_cancel(struct store_op *op)
{
	LIST_OWNER(op, struct folder_op, op)->abandoned = true;
}

static void answer(struct folder_op *o)
{
	if (!o->abandoned)
		o->on_done(o->self, o->job.failed ? &o->job.err : NULL);
	for (size_t i = 0; i < o->names_n; i++)
		free(o->names[i]);
	for (size_t i = 0; i < o->moves_n; i++) {
		free(o->moves[i].name);
		free(o->moves[i].leaf);
	}
	free(o->names);
	free(o->made);
	free(o->moves);
	free(o->sub);
	buf_free(&o->text);
	buf_free(&o->intent.names);
	free(o);
}

static void on_refused(void *self)
{
	struct folder_op *o = self;

	o->job.m->ops--;
	answer(o);
}

static struct store_op *refuse(struct folder_op *o)
{
	o->job.failed = true;
	o->job.m->ops++;
	(void)loop_later(o->job.m->store->loop, on_refused, o);
	return (&o->op);
}

static struct folder_op *op_new(struct account *a, folder_done *on_done, void *self,
    int (*act)(struct mail_job *), void (*end)(struct mail_job *))
{
	struct folder_op *o = NEW(struct folder_op);

	mail_job_init(&o->job, a->mail, act, end);
	o->job.is_durable = true;
	o->op.cancel = op_cancel;
	o->on_done = on_done;
	o->self = self;
	buf_init(&o->text, (size_t)L_MBX * (L_MBX_NAME + 1));
	buf_init(&o->intent.names, 4 * 1024 * 1024);
	return (o);
}

static void on_intent_dropped(struct intent_job *ij)
{
	struct folder_op *o = ij->self;

	if (ij->failed && !o->job.failed) {
		o->job.failed = true;
		o->job.err = ij->err;
	}
	o->job.m->ops--;
	answer(o);
}

static void conclude(struct folder_op *o)
{
	if (!o->has_intent) {
		answer(o);
		return;
	}
	o->intent.kind = NULL;
	o->intent.end = on_intent_dropped;
	intent_start(&o->intent);
}

static void on_intent(struct intent_job *ij)
{
	struct folder_op *o = ij->self;

	if (ij->failed) {
		o->job.failed = true;
		o->job.err = ij->err;
		on_refused(o);
		return;
	}
	o->has_intent = true;
	mail_job_force(&o->job);
}

static struct store_op *op_start(struct folder_op *o, const char *intent)
{
	if (intent == NULL || o->job.m->stopping)
		return (mail_job_put(&o->job, &o->job.err) != 0 ? refuse(o) : &o->op);
	o->intent.s = o->job.m->store;
	o->intent.kind = intent;
	o->intent.self = o;
	o->intent.end = on_intent;
	o->job.m->ops++;
	intent_start(&o->intent);
	return (&o->op);
}

/* --- create --- */

static struct slice without_last_slash(struct slice name)
{
	return (name.n > 1 && name.p[name.n - 1] == '/' ? slice_head(name, name.n - 1) : name);
}

/* The name and those above it that are missing. */
static int plan_names(struct folder_op *o, struct account *a, struct slice name, bool parents_only)
{
	size_t at = 0;

	if (folder_name_check(name, &o->job.err) != 0)
		return (-1);
	o->names = mem_new_array(L_MBX_DEPTH + 1, sizeof(char *));
	while (at <= name.n) {
		size_t next = slice_chr(slice_from(name, at), '/');
		struct slice up = slice_head(name, next == SIZE_MAX ? name.n : at + next);

		if ((up.n < name.n || !parents_only) && folder_find(a, up) == NULL)
			o->names[o->names_n++] = mem_strndup(up.p, up.n);
		at = up.n + 1;
	}
	if (a->mail->folders_n + o->names_n > L_MBX)
		return (
		    err_set(&o->job.err, ERR_LIMIT, "an account has at most %d folders", L_MBX));
	return (0);
}

static void take_back(struct folder_op *o)
{
	for (size_t i = 0; i < o->made_n; i++) {
		struct folder *f = o->made[i];

		(void)tree_remove(f->lane.dir);
		(void)index_folder_drop(o->job.m, &f->lane);
		f->lane.gone = true;
	}
}

static int make_all(struct folder_op *o)
{
	struct mail *m = o->job.m;

	o->made = mem_new_array(o->names_n + 1, sizeof(struct folder *));
	for (size_t i = 0; i < o->names_n; i++) {
		bool is_last = i + 1 == o->names_n && o->moves_n == 0;
		struct folder *f;

		if (folder_build(m, o->names[i], is_last ? o->role : ROLE_NONE, &f, &o->job.err) ==
		    0) {
			o->made[o->made_n++] = f;
			continue;
		}
		/* A parent that another CREATE made a moment ago is as good. */
		if (o->job.err.kind == ERR_EXISTS && !is_last)
			continue;
		return (-1);
	}
	return (0);
}

static int create_act(struct mail_job *j)
{
	struct folder_op *o = (struct folder_op *)j;

	if (make_all(o) == 0)
		return (0);
	take_back(o);
	return (-1);
}

static void list_made(struct folder_op *o)
{
	for (size_t i = 0; i < o->made_n; i++) {
		folder_list(o->job.m, o->made[i]);
		if (o->job.failed) /* taken back: known to the lane, to nobody else */
			folder_unlist(o->job.m, o->made[i]);
	}
}

static void create_end(struct mail_job *j)
{
	struct folder_op *o = (struct folder_op *)j;

	list_made(o);
	if (!j->failed)
		watch_folders(j->m->account);
	conclude(o);
}

static void name_intent(struct folder_op *o)
{
	for (size_t i = 0; i < o->names_n; i++) {
		struct buf leaf = BUF_INIT(L_MBX_NAME);

		(void)leaf_of_name(slice_of(o->names[i]), &leaf, NULL);
		(void)buf_fmt(&o->intent.names, "%s\t%s\n", o->job.m->account->name, buf_z(&leaf));
		buf_free(&leaf);
	}
}

struct store_op *folder_create(
    struct account *a, struct slice name, enum folder_role role, folder_done *on_done, void *self)
{
	struct folder_op *o = op_new(a, on_done, self, create_act, create_end);

	name = without_last_slash(name);
	o->role = role;
	if (plan_names(o, a, name, false) != 0)
		return (refuse(o));
	if (folder_find(a, name) != NULL) {
		(void)err_set(&o->job.err, ERR_EXISTS, "the folder exists already");
		return (refuse(o));
	}
	if (o->names_n > 1)
		name_intent(o);
	return (op_start(o, o->names_n > 1 ? "folders" : NULL));
}

/* --- delete --- */

static int delete_act(struct mail_job *j)
{
	struct folder_op *o = (struct folder_op *)j;
	struct lane_folder *lf = &o->victim->lane;
	char deleted[600], number[48];

	if (lf->gone)
		return (err_set(&j->err, ERR_NOT_FOUND, "no such folder"));
	(void)snprintf(deleted, sizeof(deleted), "%s/deleted", j->m->root);
	(void)snprintf(number, sizeof(number), "%lld.%u", (long long)clock_wall_us(),
	    __atomic_fetch_add(&j->m->store->name_serial, 1, __ATOMIC_RELAXED));
	(void)snprintf(o->gone_to, sizeof(o->gone_to), "%s/%s", deleted, number);
	if (disk_rename(AT_FDCWD, lf->dir, AT_FDCWD, o->gone_to) != 0)
		return (err_errno(&j->err, "delete %s", lf->dir));
	lf->gone = true;
	if (disk_sync_dir(j->m->root) != 0)
		return (err_errno(&j->err, "sync %s", j->m->root));
	if (index_folder_drop(j->m, lf) != 0)
		j->m->index_failed = true;
	(void)index_usage(j->m, &j->m->usage);
	return (0);
}

struct sweep_job {
	struct job job;
	struct mail *m;
	char path[700];
};

static void sweep_run(struct job *job)
{
	(void)tree_remove(((struct sweep_job *)job)->path);
}

static void sweep_done(struct job *job)
{
	((struct sweep_job *)job)->m->ops--;
	free(job);
}

static void delete_end(struct mail_job *j)
{
	struct folder_op *o = (struct folder_op *)j;

	if (o->victim->lane.gone && o->victim->exists) {
		struct sweep_job *s = NEW(struct sweep_job);

		folder_unlist(j->m, o->victim);
		view_gone(o->victim);
		watch_folders(j->m->account);
		s->job.run = sweep_run;
		s->job.done = sweep_done;
		s->m = j->m;
		memcpy(s->path, o->gone_to, sizeof(s->path));
		j->m->ops++;
		lane_force(j->m->store->sync, &s->job);
	}
	conclude(o);
}

struct store_op *folder_delete(
    struct account *a, struct slice name, folder_done *on_done, void *self)
{
	struct folder_op *o = op_new(a, on_done, self, delete_act, delete_end);

	o->victim = folder_find(a, name);
	if (o->victim == NULL) {
		(void)err_set(&o->job.err, ERR_NOT_FOUND, "no such folder");
		return (refuse(o));
	}
	if (o->victim == a->mail->folders[0]) {
		(void)err_set(&o->job.err, ERR_CANNOT, "INBOX cannot be deleted");
		return (refuse(o));
	}
	return (op_start(o, NULL));
}

/* --- rename --- */

static int move_one(struct mail *m, const char *from, const char *to, struct err *err)
{
	char old[600], new[600];

	(void)snprintf(old, sizeof(old), "%s/%s", m->root, from);
	(void)snprintf(new, sizeof(new), "%s/%s", m->root, to);
	if (access(new, F_OK) == 0)
		return (err_set(err, ERR_EXISTS, "a folder of that name exists"));
	return (
	    disk_rename(AT_FDCWD, old, AT_FDCWD, new) != 0 ? err_errno(err, "rename %s", old) : 0);
}

static void take_name(struct mail *m, struct lane_folder *lf, const char *leaf)
{
	struct buf dir = BUF_INIT(1024);

	(void)buf_fmt(&dir, "%s/%s", m->root, leaf);
	free(lf->dir);
	free(lf->leaf);
	lf->dir = mem_strdup(buf_z(&dir));
	lf->leaf = mem_strdup(leaf);
	buf_free(&dir);
	if (index_folder_rename(m, lf) != 0)
		index_trouble(m, lf);
}

static int rename_act(struct mail_job *j)
{
	struct folder_op *o = (struct folder_op *)j;
	size_t n = 0;
	int rc = make_all(o);

	for (; rc == 0 && n < o->moves_n; n++) {
		const struct lane_folder *lf = &o->moves[n].folder->lane;

		rc = lf->gone ? err_set(&j->err, ERR_NOT_FOUND, "no such folder")
			      : move_one(j->m, lf->leaf, o->moves[n].leaf, &j->err);
		if (rc != 0)
			break;
	}
	if (rc == 0 && disk_sync_dir(j->m->root) != 0)
		rc = err_errno(&j->err, "sync %s", j->m->root);
	if (rc != 0) {
		while (n-- > 0)
			(void)move_one(j->m, o->moves[n].leaf, o->moves[n].folder->lane.leaf, NULL);
		take_back(o);
		return (-1);
	}
	for (size_t i = 0; i < o->moves_n; i++)
		take_name(j->m, &o->moves[i].folder->lane, o->moves[i].leaf);
	return (0);
}

static void rename_end(struct mail_job *j)
{
	struct folder_op *o = (struct folder_op *)j;

	if (!j->failed) {
		for (size_t i = 0; i < o->moves_n; i++) {
			struct folder *f = o->moves[i].folder;

			free(f->name);
			f->name = mem_strdup(o->moves[i].name);
			view_moved(f);
		}
		folder_relist(j->m);
		watch_folders(j->m->account);
	}
	list_made(o);
	conclude(o);
}

static int plan_moves(struct folder_op *o, struct account *a, struct slice from, struct slice to)
{
	struct mail *m = a->mail;

	o->moves = mem_new_array(m->folders_n + 1, sizeof(*o->moves));
	for (size_t i = 0; i < m->folders_n; i++) {
		struct folder *f = m->folders[i];
		struct slice name = slice_of(f->name);
		struct buf fresh = BUF_INIT(L_MBX_NAME * 8), leaf = BUF_INIT(L_MBX_NAME);
		bool is_in =
		    slice_eq(name, from) || (slice_starts(name, from) && name.p[from.n] == '/');
		int rc = 0;

		if (is_in) {
			(void)buf_add_slice(&fresh, to);
			(void)buf_add_slice(&fresh, slice_from(name, from.n));
			rc = folder_name_check(buf_slice(&fresh), &o->job.err);
			if (rc == 0 && folder_find(a, buf_slice(&fresh)) != NULL)
				rc = err_set(
				    &o->job.err, ERR_EXISTS, "a folder of that name exists");
			if (rc == 0 && leaf_of_name(buf_slice(&fresh), &leaf, &o->job.err) == 0) {
				o->moves[o->moves_n++] = (struct moving){ f,
					mem_strdup(buf_z(&fresh)), mem_strdup(buf_z(&leaf)) };
				(void)buf_fmt(&o->intent.names, "%s\t%s\t%s\n", a->name,
				    f->lane.leaf, buf_z(&leaf));
			}
		}
		buf_free(&fresh);
		buf_free(&leaf);
		if (rc != 0)
			return (-1);
	}
	return (0);
}

/* --- rename of INBOX: its messages go, it stays (RFC 9051 6.3.6) --- */

static void inbox_moved(void *self, const struct message_result *r)
{
	struct folder_op *o = self;

	view_close(o->view, NULL);
	if (r->err != NULL) {
		o->job.failed = true;
		o->job.err = *r->err;
	}
	o->job.m->ops--;
	answer(o);
}

static void inbox_open(void *self, struct view *v, const struct err *err)
{
	struct folder_op *o = self;
	uint32_t *uids;
	size_t n;

	if (v == NULL) {
		o->job.failed = true;
		o->job.err = *err;
		on_refused(o);
		return;
	}
	o->view = v;
	n = view_count(v);
	uids = mem_new_array(n + 1, sizeof(*uids));
	for (size_t i = 0; i < n; i++)
		uids[i] = view_at(v, i)->uid;
	(void)message_copy(v, uids, n, o->victim, true, NULL, inbox_moved, o);
	free(uids);
}

static void inbox_made(void *self, const struct err *err)
{
	struct folder_op *o = self;

	o->victim = err == NULL ? folder_find(o->job.m->account, slice_of(o->sub)) : NULL;
	if (o->victim == NULL) {
		o->job.failed = true;
		if (err != NULL)
			o->job.err = *err;
		on_refused(o);
		return;
	}
	(void)view_open(o->job.m->folders[0], inbox_open, o);
}

struct store_op *folder_rename(
    struct account *a, struct slice from, struct slice to, folder_done *on_done, void *self)
{
	struct folder_op *o = op_new(a, on_done, self, rename_act, rename_end);
	struct folder *f;

	to = without_last_slash(to);
	from = without_last_slash(from);
	f = folder_find(a, from);
	if (f == NULL) {
		(void)err_set(&o->job.err, ERR_NOT_FOUND, "no such folder");
		return (refuse(o));
	}
	if (f == a->mail->folders[0]) {
		o->sub = mem_strndup(to.p, to.n);
		a->mail->ops++;
		(void)folder_create(a, to, ROLE_NONE, inbox_made, o);
		return (&o->op);
	}
	if (slice_starts(to, from) && to.n > from.n && to.p[from.n] == '/') {
		(void)err_set(&o->job.err, ERR_CANNOT, "a folder cannot move below itself");
		return (refuse(o));
	}
	if (plan_moves(o, a, slice_of(f->name), to) != 0 || plan_names(o, a, to, true) != 0)
		return (refuse(o));
	return (op_start(o, o->moves_n > 1 ? "rename" : NULL));
}

/* --- subscribe --- */

static int subscribe_act(struct mail_job *j)
{
	struct folder_op *o = (struct folder_op *)j;

	return (small_write(j->m->root, "subscriptions", buf_slice(&o->text), &j->err));
}

static void subscribe_end(struct mail_job *j)
{
	struct folder_op *o = (struct folder_op *)j;

	if (j->failed)
		(void)subs_set(j->m, slice_of(o->sub), !o->sub_on);
	else
		watch_folders(j->m->account);
	answer(o);
}

struct store_op *folder_subscribe(
    struct account *a, struct slice name, bool on, folder_done *on_done, void *self)
{
	struct folder_op *o = op_new(a, on_done, self, subscribe_act, subscribe_end);

	name = without_last_slash(name);
	if (folder_name_check(name, &o->job.err) != 0)
		return (refuse(o));
	o->sub = mem_strndup(name.p, name.n);
	o->sub_on = on;
	(void)subs_set(
	    a->mail, name, on); /* lists see it at once; undone should the file not be written */
	if (subs_print(a->mail, &o->text) != 0) {
		(void)subs_set(a->mail, name, !on);
		(void)err_set(&o->job.err, ERR_LIMIT, "too many subscriptions");
		return (refuse(o));
	}
	return (op_start(o, NULL));
}
