/* folder_ops.c: how are folders made, deleted and subscribed to? On the account's lane; the
 * loop's list follows in its order. Acts on the tree take turns: one is planned only when the one
 * before it is answered, so that no plan and no intent speaks of names that another act is about
 * to change. A folder is built aside and renamed in; deleted ones are renamed to deleted/ and
 * swept afterwards; several names at once stand behind an intent. Leaves RENAME to
 * folder_rename.c. RFC 9051 6.3.4 to 6.3.8. Failures: what was made is taken back. */
#include "store/folder_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/loop.h"
#include "store/fault.h"

static void op_cancel(struct store_op *op)
{
	LIST_OWNER(op, struct folder_op, op)->abandoned = true;
}

static void go(struct folder_op *o);

void folder_op_answer(struct folder_op *o)
{
	struct mail *m = o->job.m;
	bool has_turn = o->has_turn;
	struct list *next;

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
	free(o->name);
	free(o->to);
	buf_free(&o->text);
	buf_free(&o->intent.names);
	free(o);
	m->ops--;
	if (!has_turn)
		return;
	m->has_tree_act = false;
	if ((next = list_shift(&m->tree_acts)) != NULL) {
		m->tree_acts_n--;
		go(LIST_OWNER(next, struct folder_op, turn));
	}
}

static void on_refused(void *self)
{
	folder_op_answer(self);
}

struct store_op *folder_op_refuse(struct folder_op *o)
{
	o->job.failed = true;
	(void)loop_later(o->job.m->store->loop, on_refused, o);
	return (&o->op);
}

struct folder_op *folder_op_new(struct account *a, folder_done *on_done, void *self,
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
	a->mail->ops++;
	return (o);
}

static void on_intent_dropped(struct intent_job *ij)
{
	struct folder_op *o = ij->self;

	if (ij->failed && !o->job.failed) {
		o->job.failed = true;
		o->job.err = ij->err;
	}
	folder_op_answer(o);
}

void folder_op_conclude(struct folder_op *o)
{
	if (!o->has_intent || o->keeps_intent) {
		folder_op_answer(o);
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
		folder_op_answer(o);
		return;
	}
	o->has_intent = true;
	mail_job_force(&o->job);
}

/* Its turn. Calls nobody back before it returns. */
static void go(struct folder_op *o)
{
	struct mail *m = o->job.m;

	m->has_tree_act = o->has_turn = true;
	if (m->stopping) {
		(void)err_set(&o->job.err, ERR_TEMPORARY, "the store is closing");
		(void)folder_op_refuse(o);
	} else if (o->plan(o) != 0) {
		(void)folder_op_refuse(o);
	} else if (o->intent.kind == NULL) {
		if (mail_job_put(&o->job, &o->job.err) != 0)
			(void)folder_op_refuse(o);
	} else {
		o->intent.s = m->store;
		o->intent.self = o;
		o->intent.end = on_intent;
		intent_start(&o->intent);
	}
}

struct store_op *folder_op_start(struct folder_op *o, int (*plan)(struct folder_op *o))
{
	struct mail *m = o->job.m;

	o->plan = plan;
	if (!m->has_tree_act) {
		go(o);
	} else if (m->tree_acts_n >= MAIL_LANE_WAITING) {
		(void)err_set(&o->job.err, ERR_BUSY, "too much waits for this account");
		return (folder_op_refuse(o));
	} else {
		list_push(&m->tree_acts, &o->turn);
		m->tree_acts_n++;
	}
	return (&o->op);
}

/* --- create --- */

struct slice folder_name_trim(struct slice name)
{
	return (name.n > 1 && name.p[name.n - 1] == '/' ? slice_head(name, name.n - 1) : name);
}

/* The name and those above it that are missing. */
int folder_plan_names(struct folder_op *o, struct slice name, bool parents_only)
{
	struct account *a = o->job.m->account;
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
	if (a->mail->dead_n > MAIL_DEAD_MAX)
		return (err_set(&o->job.err, ERR_LIMIT,
		    "too many folders were made and deleted since the last start"));
	if (a->mail->folders_n + o->names_n > L_MBX)
		return (
		    err_set(&o->job.err, ERR_LIMIT, "an account has at most %d folders", L_MBX));
	return (0);
}

void folder_take_back(struct folder_op *o)
{
	for (size_t i = 0; i < o->made_n; i++) {
		struct folder *f = o->made[i];

		(void)tree_remove(f->lane.dir);
		(void)index_folder_drop(o->job.m, &f->lane);
		f->lane.gone = true;
	}
}

int folder_make_all(struct folder_op *o)
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

	if (folder_make_all(o) == 0)
		return (0);
	folder_take_back(o);
	return (-1);
}

void folder_list_made(struct folder_op *o)
{
	for (size_t i = 0; i < o->made_n; i++) {
		folder_list(o->job.m, o->made[i]);
		if (o->job.failed) /* taken back: known to the lane, to nobody else */
			folder_unlist(o->job.m, o->made[i]);
	}
}

const void *folder_op_by(const struct folder_op *o)
{
	return (o->abandoned ? NULL : o->self);
}

void folder_tell_made(struct folder_op *o)
{
	for (size_t i = 0; i < o->made_n; i++)
		watch_name(o->job.m->account, FOLDER_CREATED, o->made[i]->name, NULL, folder_op_by(o));
}

static void create_end(struct mail_job *j)
{
	struct folder_op *o = (struct folder_op *)j;

	folder_list_made(o);
	if (!j->failed)
		folder_tell_made(o);
	folder_op_conclude(o);
}

void folder_name_made(struct folder_op *o)
{
	for (size_t i = 0; i < o->names_n; i++) {
		struct buf leaf = BUF_INIT(L_MBX_NAME);

		(void)leaf_of_name(slice_of(o->names[i]), &leaf, NULL);
		(void)buf_fmt(&o->intent.names, "%s\t%s\n", o->job.m->account->name, buf_z(&leaf));
		buf_free(&leaf);
	}
}

static int create_plan(struct folder_op *o)
{
	if (folder_plan_names(o, slice_of(o->name), false) != 0)
		return (-1);
	if (folder_find(o->job.m->account, slice_of(o->name)) != NULL)
		return (err_set(&o->job.err, ERR_EXISTS, "the folder exists already"));
	if (o->names_n > 1) {
		folder_name_made(o);
		o->intent.kind = "folders";
	}
	return (0);
}

struct store_op *folder_create(
    struct account *a, struct slice name, enum folder_role role, folder_done *on_done, void *self)
{
	struct folder_op *o = folder_op_new(a, on_done, self, create_act, create_end);

	name = folder_name_trim(name);
	o->name = mem_strndup(name.p, name.n);
	o->role = role;
	return (folder_op_start(o, create_plan));
}

/* --- delete --- */

static int delete_act(struct mail_job *j)
{
	struct folder_op *o = (struct folder_op *)j;
	struct lane_folder *lf = &o->victim->lane;
	char deleted[400], top[500];
	bool keeps = lf->uidnext > 1;

	if (lf->gone)
		return (err_set(&j->err, ERR_NOT_FOUND, "no such folder"));
	(void)snprintf(deleted, sizeof(deleted), "%s/deleted", j->m->root);
	(void)snprintf(top, sizeof(top), "%s/%lld.%u", deleted, (long long)clock_wall_us(),
	    __atomic_fetch_add(&j->m->store->name_serial, 1, __ATOMIC_RELAXED));
	/* With mail in it, it lies there under its own name until the undelete window ends; one that
	 * never had any, or for which there is no room, goes at once. */
	keeps = keeps && disk_mkdir(AT_FDCWD, top) == 0;
	(void)snprintf(o->gone_to, sizeof(o->gone_to), "%s%s%s", top, keeps ? "/" : "",
	    keeps ? lf->leaf : "");
	o->sweeps = !keeps;
	if (disk_rename(AT_FDCWD, lf->dir, AT_FDCWD, o->gone_to) != 0) {
		(void)err_errno(&j->err, "delete %s", lf->dir);
		(void)rmdir(top);
		return (-1);
	}
	lf->gone = true;
	if ((keeps && (disk_sync_dir(top) != 0 || disk_sync_dir(deleted) != 0)) ||
	    disk_sync_dir(j->m->root) != 0)
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

static void sweep(const struct folder_op *o)
{
	struct sweep_job *s = NEW(struct sweep_job);

	s->job.run = sweep_run;
	s->job.done = sweep_done;
	s->m = o->job.m;
	memcpy(s->path, o->gone_to, sizeof(s->path));
	s->m->ops++;
	lane_force(s->m->store->sync, &s->job);
}

static void delete_end(struct mail_job *j)
{
	struct folder_op *o = (struct folder_op *)j;

	if (o->victim->lane.gone && o->victim->exists) {
		folder_unlist(j->m, o->victim);
		view_gone(o->victim);
		watch_name(j->m->account, FOLDER_DELETED, o->victim->name, NULL, folder_op_by(o));
		if (o->sweeps)
			sweep(o);
	}
	folder_op_conclude(o);
}

static int delete_plan(struct folder_op *o)
{
	struct account *a = o->job.m->account;

	o->victim = folder_find(a, slice_of(o->name));
	if (o->victim == NULL)
		return (err_set(&o->job.err, ERR_NOT_FOUND, "no such folder"));
	if (o->victim == a->mail->folders[0])
		return (err_set(&o->job.err, ERR_CANNOT, "INBOX cannot be deleted"));
	if (o->victim->role == ROLE_QUARANTINE)
		return (err_set(&o->job.err, ERR_CANNOT,
		    "refused mail waits there; expunge what is in it instead"));
	return (0);
}

struct store_op *folder_delete(
    struct account *a, struct slice name, folder_done *on_done, void *self)
{
	struct folder_op *o = folder_op_new(a, on_done, self, delete_act, delete_end);

	o->name = mem_strndup(name.p, name.n);
	return (folder_op_start(o, delete_plan));
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

	if (!j->failed && o->sub_changed)
		watch_name(j->m->account, o->sub_on ? FOLDER_SUBSCRIBED : FOLDER_UNSUBSCRIBED, o->name,
		    NULL, folder_op_by(o));
	else if (j->failed && o->sub_changed)
		(void)subs_set(j->m, slice_of(o->name), !o->sub_on);
	folder_op_answer(o);
}

struct store_op *folder_subscribe(
    struct account *a, struct slice name, bool on, folder_done *on_done, void *self)
{
	struct folder_op *o = folder_op_new(a, on_done, self, subscribe_act, subscribe_end);

	name = folder_name_trim(name);
	if (folder_name_check(name, &o->job.err) != 0)
		return (folder_op_refuse(o));
	o->name = mem_strndup(name.p, name.n);
	o->sub_on = on;
	/* Lists see it at once; undone should the file not be written. */
	o->sub_changed = subs_set(a->mail, name, on);
	if (folder_name_subscribed(a, name) != on || subs_print(a->mail, &o->text) != 0) {
		(void)(o->sub_changed && subs_set(a->mail, name, !on));
		(void)err_set(&o->job.err, ERR_LIMIT, "too many subscriptions");
		return (folder_op_refuse(o));
	}
	return (mail_job_put(&o->job, &o->job.err) != 0
		? ((void)(o->sub_changed && subs_set(a->mail, name, !on)), folder_op_refuse(o))
		: &o->op);
}
