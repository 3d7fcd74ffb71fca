/* deliver.c: how does a draft become mail, durably and everywhere or nowhere (P1, P3)? Each
 * target's file is written and synced in tmp/ on the sync lane, all in parallel; then each
 * account's lane gives the UID, renames, and syncs the directory together with all that waits;
 * then the answer. With more than one name (accounts, or an account and the queue) an intent is
 * durable before the first rename, and the queue's row and the end of the intent are one
 * transaction: that is the commit. What fails is taken back everywhere before the answer. Leaves
 * writing to deliver_write.c, undoing after a crash to intent.c. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/loop.h"
#include "store/deliver_int.h"
#include "store/fault.h"
#include "store/quarantine.h"

static void fail(struct commit_op *c, const struct err *err)
{
	if (!c->failed)
		c->err = *err;
	c->failed = true;
}

/* --- on the account's lane --- */

static int keyword_flags(struct target *t, struct lane_folder *lf, uint32_t *flags, struct err *err)
{
	for (size_t i = 0; i < t->keywords_n; i++) {
		uint32_t bit;

		if (keyword_bit(&t->job, lf, t->keywords[i], true, &bit, err) != 0)
			return (-1);
		*flags |= bit;
	}
	return (0);
}

static int link_file(struct target *t, struct mail *m, struct lane_folder *lf,
    const struct index_row *r, struct err *err)
{
	struct buf file = BUF_INIT(NAME_MAX_FILE);
	char from[512];
	int fd = batch_fd(m, lf, r->where), rc = 0;

	(void)snprintf(from, sizeof(from), "%s/tmp/%s", t->root, t->unique);
	(void)buf_addz(&file, r->base);
	(void)buf_addz(&file, r->info);
	if (fd == -1 || disk_rename(AT_FDCWD, from, fd, buf_z(&file)) != 0)
		rc = err_errno(err, "deliver to %s", lf->dir);
	buf_free(&file);
	return (rc);
}

static int target_act(struct mail_job *j)
{
	struct target *t = (struct target *)j;
	struct mail *m = j->m;
	struct lane_folder *lf = &t->folder->lane;
	struct index_row r = { .disk = t->disk,
		.m = { .size = (uint32_t)t->wire, .internal_date = t->date, .flags = t->flags } };
	struct buf base = BUF_INIT(NAME_MAX_FILE);
	char info[NAME_INFO_MAX] = "";
	struct delta *d;
	struct delta_message *dm;

	if (lf->gone && t->by_role && !t->is_refused)
		lf = inbox_lane(m);
	if (lf->gone)
		return (err_set(&j->err, ERR_NOT_FOUND, "no such folder"));
	if (t->is_refused && quarantine_room(j, lf, t->wire) != 0)
		return (-1);
	/* what a REPLACE puts in place of another makes no more of them */
	if ((!t->is_refused &&
		usage_fits(m, &t->quota, t->disk, t->op->replaces == NULL, &j->err) != 0) ||
	    keyword_flags(t, lf, &r.m.flags, &j->err) != 0 ||
	    uid_take(m, lf, 1, &r.m.uid, &j->err) != 0 ||
	    modseq_take(m, lf, &r.m.modseq, &j->err) != 0)
		return (-1);
	r.where = r.m.flags != 0;
	if (r.where)
		name_info(info, r.m.flags);
	(void)name_base(
	    &base, slice_of(t->unique), t->disk, t->wire, r.m.uid, lf->uidvalidity, t->cid);
	r.base = t->base = mem_strdup(buf_z(&base));
	r.info = t->info = mem_strdup(info);
	buf_free(&base);
	memcpy(r.cid, t->cid, 16);
	r.m.save_date = t->saved;
	if (link_file(t, m, lf, &r, &j->err) != 0)
		return (-1);
	batch_dirty(m, lf, r.where, true);
	t->lf = lf;
	t->where = r.where;
	t->uid = r.m.uid;
	t->uidvalidity = lf->uidvalidity;
	d = delta_add(j, lf, DELTA_ADDED, t->is_append ? CAUSE_APPEND : CAUSE_DELIVERY, t->op->by);
	d->uidnext = lf->uidnext;
	dm = delta_message_add(d, &r.m, r.cid);
	if (t->is_append) {
		struct known k = index_known(m, lf, r.cid);

		dm->known = k.is_known;
		dm->from = k.from;
	}
	if (index_put(m, lf, &r) == 0)
		(void)index_items_put(m, r.cid, &t->items);
	if (r.m.uid > lf->uid_told)
		lf->uid_told = r.m.uid;
	usage_add(m, lf, t->disk);
	return (0);
}

static int unlink_target(struct mail_job *j, const struct target *t)
{
	char file[2 * NAME_MAX_FILE];
	int fd = batch_fd(j->m, t->lf, t->where);

	(void)snprintf(file, sizeof(file), "%s%s", t->base, t->info);
	if (fd == -1 || (disk_unlink(fd, file) != 0 && errno != ENOENT))
		return (err_errno(&j->err, "take a message back from %s", t->lf->dir));
	batch_dirty(j->m, t->lf, t->where, false);
	return (0);
}

/* The directory could not be synced: nobody was told, and the sender will try again. */
static void target_take_back(struct mail_job *j)
{
	(void)unlink_target(j, (struct target *)j);
}

/* It was made and told here, but another place failed: gone again. */
static int target_undo(struct mail_job *j)
{
	struct target *t = (struct target *)j;
	struct arena *a = arena_new(0);
	struct index_row r;
	uint64_t modseq;
	struct delta *d;
	int rc = index_get(j->m, t->lf, t->uid, a, &r, &j->err);

	if (rc == 1 && (rc = modseq_take(j->m, t->lf, &modseq, &j->err)) == 0) {
		d = delta_add(j, t->lf, DELTA_EXPUNGED, CAUSE_DELIVERY, NULL);
		rc = lane_expunge(j, t->lf, &r, 1, modseq, false, d, NULL);
	}
	arena_free(a);
	/* The index may be what failed: the name is known all the same, and the next look tells. */
	if (rc < 0)
		rc = unlink_target(j, t);
	return (rc < 0 ? -1 : 0);
}

/* --- the steps, on the loop --- */

static void keep_drafts(struct commit_op *c)
{
	if (c->draft != NULL)
		draft_keep(c->draft);
	for (size_t i = 0; i < c->targets_n; i++)
		draft_keep(c->targets[i].draft);
	c->kept = true;
}

static void let_drafts_go(struct commit_op *c)
{
	if (!c->kept)
		return;
	c->kept = false;
	for (size_t i = 0; i < c->targets_n; i++)
		draft_unkeep(c->targets[i].draft);
	if (c->draft != NULL)
		draft_unkeep(c->draft);
}

static void free_op(struct commit_op *c)
{
	for (size_t i = 0; i < c->targets_n; i++) {
		struct target *t = &c->targets[i];

		items_free(&t->items);
		free(t->base);
		free(t->info);
		t->account->mail->ops--;
	}
	later_cancel(c->later);
	let_drafts_go(c);
	buf_free(&c->intent.names);
	arena_free(c->arena);
}

static void answer(struct commit_op *c)
{
	uint32_t *uids = arena_array(c->arena, c->targets_n + 1, sizeof(uint32_t));
	uint32_t *validities = arena_array(c->arena, c->targets_n + 1, sizeof(uint32_t));
	unsigned char(*ids)[16] = arena_array(c->arena, c->targets_n + 1, sizeof(*ids));
	struct commit_result r = { .uids = uids, .uidvalidities = validities };

	for (size_t i = 0; i < c->targets_n; i++) {
		uids[i] = c->targets[i].uid;
		validities[i] = c->targets[i].uidvalidity;
		memcpy(ids[i], c->targets[i].cid, sizeof(ids[i]));
	}
	r.content_ids = (const unsigned char(*)[16])ids;
	if (c->failed)
		r.err = &c->err;
	else if (c->queue != NULL)
		r.queue_id = c->body.id;
	if (!c->failed && c->queue != NULL)
		queue_tell_added(c->s);
	let_drafts_go(c);
	if (!c->abandoned)
		c->on_done(c->self, &r);
	free_op(c);
}

/* Files nobody will name any more. */
static void sweep_run(struct job *job)
{
	struct commit_op *c = ((struct body *)job)->op;
	char path[512];

	for (size_t i = 0; i < c->targets_n; i++) {
		const struct target *t = &c->targets[i];

		if (!t->written || t->linked)
			continue;
		(void)snprintf(path, sizeof(path), "%s/tmp/%s", t->root, t->unique);
		(void)unlink(path);
	}
	if (c->body.made) {
		queue_path(c->body.id, path);
		(void)unlink(path);
	}
}

static void on_intent_dropped(struct intent_job *j)
{
	answer(j->self);
}

static void sweep_done(struct job *job)
{
	struct commit_op *c = ((struct body *)job)->op;

	/* What could not be taken back now, the next start takes back. */
	if (!c->has_intent || c->keeps_intent) {
		answer(c);
		return;
	}
	c->intent.kind = NULL;
	c->intent.end = on_intent_dropped;
	intent_start(&c->intent);
}

static void sweep(struct commit_op *c)
{
	c->body.op = c;
	c->body.job.run = sweep_run;
	c->body.job.done = sweep_done;
	lane_force(c->s->sync, &c->body.job);
}

static void target_undone(struct mail_job *j)
{
	struct commit_op *c = ((struct target *)j)->op;

	c->keeps_intent |= j->failed;
	if (--c->waiting == 0)
		sweep(c);
}

/* Takes back what was made elsewhere, then answers. */
static void give_up(struct commit_op *c)
{
	for (size_t i = 0; i < c->targets_n; i++)
		c->waiting += c->targets[i].linked;
	if (c->waiting == 0) {
		sweep(c);
		return;
	}
	for (size_t i = 0; i < c->targets_n; i++) {
		struct target *t = &c->targets[i];

		if (!t->linked)
			continue;
		mail_job_init(&t->job, t->account->mail, target_undo, target_undone);
		t->job.undo = NULL;
		mail_job_force(&t->job);
	}
}

static void settle_run(struct job *job)
{
	struct body *b = (struct body *)job;
	struct commit_op *c = b->op;

	b->failed = queue_insert(c->s, b->id, c->queue, b->size, clock_wall(),
			c->has_intent ? c->intent.id : 0, &b->err) != 0;
}

static void settle_done(struct job *job)
{
	struct body *b = (struct body *)job;

	if (b->failed) {
		fail(b->op, &b->err);
		give_up(b->op);
	} else {
		answer(b->op);
	}
}

static void on_committed(struct intent_job *j)
{
	struct commit_op *c = j->self;

	if (j->failed) {
		fail(c, &j->err);
		give_up(c);
	} else {
		answer(c);
	}
}

static void old_gone(struct mail_job *j)
{
	struct commit_op *c = LIST_OWNER(j, struct commit_op, old);

	if (j->failed)
		fail(c, &j->err);
	if (j->failed && !c->old_taken)
		give_up(c);
	else
		answer(c);
}

static void finish(struct commit_op *c)
{
	if (c->failed) {
		give_up(c);
	} else if (c->replaces != NULL) {
		mail_job_init(&c->old, folder_mail(c->replaces), replaced_act, old_gone);
		c->old.waits = true;
		mail_job_force(&c->old);
	} else if (c->queue != NULL) {
		c->body.job.run = settle_run;
		c->body.job.done = settle_done;
		lane_force(c->s->lanes[STORE_QUEUE], &c->body.job);
	} else if (c->has_intent) {
		c->intent.kind = NULL;
		c->intent.end = on_committed;
		intent_start(&c->intent);
	} else {
		answer(c);
	}
}

static void target_linked(struct mail_job *j)
{
	struct target *t = (struct target *)j;

	if (j->failed)
		fail(t->op, &j->err);
	else
		t->linked = true;
	if (--t->op->waiting == 0)
		finish(t->op);
}

static void link_all(struct commit_op *c)
{
	c->waiting = (unsigned)c->targets_n;
	if (c->waiting == 0)
		finish(c);
	for (size_t i = 0; i < c->targets_n; i++) {
		struct target *t = &c->targets[i];

		mail_job_init(&t->job, t->account->mail, target_act, target_linked);
		t->job.undo = target_take_back;
		t->job.waits = t->is_append;
		mail_job_force(&t->job);
	}
}

static void on_intent(struct intent_job *j)
{
	struct commit_op *c = j->self;

	if (j->failed) {
		fail(c, &j->err);
		give_up(c);
		return;
	}
	c->has_intent = true;
	link_all(c);
}

static void all_written(struct commit_op *c)
{
	size_t names = c->targets_n + (c->queue != NULL);

	if (c->failed) {
		give_up(c);
		return;
	}
	if (names < 2) {
		link_all(c);
		return;
	}
	buf_init(&c->intent.names, SIZE_MAX / 4);
	for (size_t i = 0; i < c->targets_n; i++) {
		const struct target *t = &c->targets[i];

		intent_name(&c->intent.names, t->folder, c->stamp, t->serial, 1);
	}
	if (c->queue != NULL)
		(void)buf_fmt(&c->intent.names, "queue\t%s\n", c->body.id);
	c->intent.s = c->s;
	c->intent.kind = "names";
	c->intent.end = on_intent;
	c->intent.self = c;
	intent_start(&c->intent);
}

static void target_written(struct job *job)
{
	struct target *t = (struct target *)job;

	if (t->job.failed)
		fail(t->op, &t->job.err);
	if (--t->op->waiting == 0)
		all_written(t->op);
}

static void body_written(struct job *job)
{
	struct body *b = (struct body *)job;

	if (b->failed)
		fail(b->op, &b->err);
	if (--b->op->waiting == 0)
		all_written(b->op);
}

/* --- start --- */

static void commit_cancel(struct store_op *op)
{
	((struct commit_op *)op)->abandoned = true; /* what was begun is finished */
}

static void on_refused(void *self)
{
	struct commit_op *c = self;

	c->later = NULL;
	answer(c);
}

static struct folder *target_folder(const struct commit_target *ct)
{
	struct folder *f = ct->folder;

	if (f == NULL && ct->role != ROLE_NONE && ct->role != ROLE_INBOX)
		f = folder_by_role(ct->account, ct->role);
	return (f != NULL ? f : ct->account->mail->folders[0]);
}

static void take_target(struct commit_op *c, struct target *t, const struct commit_target *ct)
{
	t->op = c;
	t->account = ct->account;
	t->folder = target_folder(ct);
	t->draft = ct->draft != NULL ? ct->draft : c->draft;
	t->by_role = ct->folder == NULL;
	t->is_append = ct->folder != NULL;
	t->is_refused = ct->role == ROLE_QUARANTINE;
	t->is_octets = ct->is_octets;
	t->prefix = arena_dup(c->arena, ct->prefix);
	t->flags = ct->flags & FLAG_SYSTEM;
	t->keywords = arena_array(c->arena, ct->keywords_n + 1, sizeof(*t->keywords));
	t->keywords_n = ct->keywords_n;
	for (size_t i = 0; i < ct->keywords_n; i++)
		t->keywords[i] = arena_dup(c->arena, slice_of(ct->keywords[i]));
	t->date = ct->date != 0 ? ct->date : clock_wall();
	t->saved = c->saved;
	/* Copied: a reload may take the configuration away under the lane. */
	t->quota = quota_of(ct->account);
	t->root = arena_strdup(c->arena, slice_of(t->account->mail->root));
	t->serial = __atomic_fetch_add(&c->s->name_serial, 1, __ATOMIC_RELAXED);
	(void)snprintf(
	    t->unique, sizeof(t->unique), "%sQ%u.%s", c->stamp, t->serial, c->s->data_set);
	t->account->mail->ops++;
}

static struct queue_envelope *dup_envelope(struct arena *a, const struct queue_envelope *env)
{
	struct queue_envelope *e = arena_alloc(a, sizeof(*e));
	struct queue_rcpt *rcpts = arena_array(a, env->rcpts_n + 1, sizeof(*rcpts));

	*e = *env;
	e->from = arena_dup(a, env->from);
	e->account = arena_dup(a, env->account);
	e->envid = arena_dup(a, env->envid);
	for (size_t i = 0; i < env->rcpts_n; i++) {
		rcpts[i] = env->rcpts[i];
		rcpts[i].address = arena_dup(a, env->rcpts[i].address);
		rcpts[i].orcpt = arena_dup(a, env->rcpts[i].orcpt);
		rcpts[i].last = arena_dup(a, env->rcpts[i].last);
	}
	e->rcpts = rcpts;
	return (e);
}

static struct commit_op *make_op(struct store *s, const struct commit *in,
    void (*on_done)(void *self, const struct commit_result *r), void *self)
{
	struct arena *a = arena_new(0);
	struct commit_op *c = arena_alloc(a, sizeof(*c));
	int64_t us = clock_wall_us();

	c->op.cancel = commit_cancel;
	c->s = s;
	c->arena = a;
	c->on_done = on_done;
	c->self = self;
	c->draft = in->draft;
	c->by = in->by;
	c->replaces = in->replaces;
	c->replaces_uid = in->replaces_uid;
	c->body.op = c;
	c->saved = us / 1000000;
	(void)snprintf(c->stamp, sizeof(c->stamp), "%lld.M%lldP%d", (long long)(us / 1000000),
	    (long long)(us % 1000000), (int)getpid());
	c->drop = arena_array(a, in->drop_n + 1, sizeof(*c->drop));
	if (in->drop_n > 0)
		memcpy(c->drop, in->drop, in->drop_n * sizeof(*c->drop));
	c->drop_n = in->drop_n;
	c->targets = arena_array(a, in->targets_n + 1, sizeof(*c->targets));
	c->targets_n = in->targets_n;
	for (size_t i = 0; i < in->targets_n; i++)
		take_target(c, &c->targets[i], &in->targets[i]);
	if (in->queue != NULL) {
		c->queue = dup_envelope(a, in->queue);
		c->queue_prefix = arena_dup(a, in->queue_prefix);
		queue_new_id(c->body.id);
	}
	return (c);
}

static bool may_start(struct commit_op *c)
{
	if (!store_accepts(c->s, &c->err))
		return (false);
	for (size_t i = 0; i < c->targets_n; i++) {
		const struct target *t = &c->targets[i];

		if (t->account->mail->stopping)
			return (err_set(&c->err, ERR_TEMPORARY, "the store is closing"), false);
		if (lane_waiting(t->account->mail->lane) >= MAIL_LANE_WAITING)
			return (
			    err_set(&c->err, ERR_BUSY, "too much waits for this account"), false);
		if (t->is_append && quarantine_takes(t->folder, &c->err) != 0)
			return (false);
		if (!t->folder->exists || (t->is_refused && t->folder->role != ROLE_QUARANTINE))
			return (err_set(&c->err, ERR_NOT_FOUND, "no such folder"), false);
	}
	if (lane_waiting(c->s->sync) >= L_JOBS)
		return (err_set(&c->err, ERR_BUSY, "too much waits to be written"), false);
	return (true);
}

struct store_op *store_commit(struct store *s, const struct commit *in,
    void (*on_done)(void *self, const struct commit_result *r), void *self)
{
	struct commit_op *c = make_op(s, in, on_done, self);

	if (!may_start(c)) {
		c->failed = true;
		c->later = loop_later(s->loop, on_refused, c);
		return (&c->op);
	}
	keep_drafts(c);
	c->waiting = (unsigned)c->targets_n + (c->queue != NULL);
	for (size_t i = 0; i < c->targets_n; i++) {
		struct target *t = &c->targets[i];

		t->job.job.run = target_write;
		t->job.job.done = target_written;
		lane_force(s->sync, &t->job.job);
	}
	if (c->queue != NULL) {
		c->body.job.run = outgoing_write;
		c->body.job.done = body_written;
		lane_force(s->sync, &c->body.job);
	}
	return (&c->op);
}
