/* folder_rename.c: how does a folder get another name, with the whole tree below it, and what
 * does RENAME do to INBOX? Missing parents, the renames and, for INBOX, the moves of its messages
 * stand behind one intent. RFC 9051 6.3.6. Failures: what was done is taken back; where even that
 * fails the intent stays, and the next start takes it back. */
#include "store/folder_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/loop.h"
#include "store/fault.h"
#include "store/message_int.h"

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
	int rc = folder_make_all(o);

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
			if (move_one(j->m, o->moves[n].leaf, o->moves[n].folder->lane.leaf, NULL) !=
			    0)
				o->keeps_intent = true;
		folder_take_back(o);
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
	}
	folder_list_made(o);
	if (!j->failed) {
		folder_tell_made(o);
		watch_name(j->m->account, FOLDER_RENAMED, o->to, o->name, folder_op_by(o));
	}
	folder_op_conclude(o);
}

static int plan_moves(struct folder_op *o, struct slice from, struct slice to)
{
	struct mail *m = o->job.m;
	struct account *a = m->account;

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
				    f->lane.leaf, buf_z(&leaf)); /* changed by turns only: at rest now */
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

/* What the moves did not do as a whole is moved back, and the folders made for them go again. */
static int unmake_act(struct mail_job *j)
{
	struct folder_op *o = (struct folder_op *)j;

	for (size_t i = o->made_n; i-- > 0;) {
		struct lane_folder *lf = &o->made[i]->lane;

		if (lf->gone || folder_remove_empty(lf->dir) <= 0)
			continue;
		lf->gone = true;
		(void)index_folder_drop(j->m, lf);
	}
	(void)disk_sync_dir(j->m->root);
	return (0);
}

static void unmake_end(struct mail_job *j)
{
	struct folder_op *o = (struct folder_op *)j;

	for (size_t i = 0; i < o->made_n; i++) {
		if (!o->made[i]->lane.gone)
			continue;
		folder_unlist(j->m, o->made[i]);
		view_gone(o->made[i]);
		watch_name(j->m->account, FOLDER_DELETED, o->made[i]->name, NULL, NULL);
	}
	j->failed = true; /* why is in err since the moves failed */
	folder_op_conclude(o);
}

static void unmake(struct folder_op *o)
{
	struct err why = o->job.err;

	mail_job_init(&o->job, o->job.m, unmake_act, unmake_end);
	o->job.err = why;
	o->job.failed = false;
	mail_job_force(&o->job);
}

static void moved_back(void *self, const struct message_result *r)
{
	struct folder_op *o = self;

	o->keeps_intent |= r->err != NULL;
	view_close(o->view, NULL);
	unmake(o);
}

static void move_all(struct view *v, struct folder *to, const char *stamp, message_done *on_done,
    struct folder_op *o)
{
	size_t n = view_count(v);
	uint32_t *uids = mem_new_array(n + 1, sizeof(*uids));

	for (size_t i = 0; i < n; i++)
		uids[i] = view_at(v, i)->uid;
	(void)message_move_as(v, uids, n, to, stamp, on_done, o);
	free(uids);
}

static void back_open(void *self, struct view *v, const struct err *err)
{
	struct folder_op *o = self;

	(void)err; /* why the moves failed is what is told */
	o->view = v;
	if (v == NULL) {
		o->keeps_intent = true;
		unmake(o);
		return;
	}
	move_all(v, o->job.m->folders[0], NULL, moved_back, o);
}

static void inbox_moved(void *self, const struct message_result *r)
{
	struct folder_op *o = self;

	view_close(o->view, NULL);
	o->view = NULL;
	if (r->err == NULL) {
		folder_op_conclude(o);
		return;
	}
	o->job.failed = true;
	o->job.err = *r->err;
	(void)view_open(o->victim, back_open, o);
}

static void inbox_open(void *self, struct view *v, const struct err *err)
{
	struct folder_op *o = self;

	if (v == NULL) {
		o->job.failed = true;
		o->job.err = *err;
		unmake(o);
		return;
	}
	o->view = v;
	move_all(v, o->victim, o->stamp, inbox_moved, o);
}

static int inbox_act(struct mail_job *j)
{
	struct folder_op *o = (struct folder_op *)j;

	if (folder_make_all(o) == 0)
		return (0);
	folder_take_back(o);
	return (-1);
}

static void inbox_end(struct mail_job *j)
{
	struct folder_op *o = (struct folder_op *)j;

	folder_list_made(o);
	if (j->failed) {
		folder_op_conclude(o);
		return;
	}
	o->victim = o->made[o->made_n - 1];
	o->made_n--; /* the last is told as INBOX renamed; parents were made */
	folder_tell_made(o);
	o->made_n++;
	watch_name(j->m->account, FOLDER_RENAMED, o->victim->name, "INBOX", folder_op_by(o));
	(void)view_open(j->m->folders[0], inbox_open, o);
}

static int plan_inbox(struct folder_op *o, struct slice to)
{
	struct buf leaf = BUF_INIT(L_MBX_NAME);
	int64_t us = clock_wall_us();

	if (folder_plan_names(o, to, false) != 0)
		return (-1);
	if (folder_find(o->job.m->account, to) != NULL)
		return (err_set(&o->job.err, ERR_EXISTS, "a folder of that name exists"));
	o->job.act = inbox_act;
	o->job.end = inbox_end;
	message_stamp(o->stamp, us);
	(void)leaf_of_name(to, &leaf, NULL);
	(void)buf_fmt(&o->intent.names, "%s\t%s\t%s\n", o->job.m->account->name, buf_z(&leaf),
	    o->stamp);
	buf_free(&leaf);
	folder_name_made(o);
	o->intent.kind = "inbox";
	return (0);
}

/* --- which of them --- */

static int rename_plan(struct folder_op *o)
{
	struct account *a = o->job.m->account;
	struct slice from = slice_of(o->name), to = slice_of(o->to);
	struct folder *f = folder_find(a, from);

	if (f == NULL)
		return (err_set(&o->job.err, ERR_NOT_FOUND, "no such folder"));
	if (f == a->mail->folders[0])
		return (plan_inbox(o, to));
	if (f->role == ROLE_QUARANTINE)
		return (err_set(&o->job.err, ERR_CANNOT, "refused mail is looked for there"));
	if (slice_starts(to, from) && to.n > from.n && to.p[from.n] == '/')
		return (err_set(&o->job.err, ERR_CANNOT, "a folder cannot move below itself"));
	if (plan_moves(o, slice_of(f->name), to) != 0 || folder_plan_names(o, to, true) != 0)
		return (-1);
	folder_name_made(o);
	if (o->moves_n + o->names_n > 1)
		o->intent.kind = "rename";
	return (0);
}

struct store_op *folder_rename(
    struct account *a, struct slice from, struct slice to, folder_done *on_done, void *self)
{
	struct folder_op *o = folder_op_new(a, on_done, self, rename_act, rename_end);

	to = folder_name_trim(to);
	from = folder_name_trim(from);
	o->name = mem_strndup(from.p, from.n);
	o->to = mem_strndup(to.p, to.n);
	return (folder_op_start(o, rename_plan));
}
