/* message.c: how are flags changed and messages expunged? On the account's lane: a rename each,
 * the directories synced once for all that waits, then the answer. A file that another program
 * renamed meanwhile is looked for once more. Failures: what was done before one stays done and
 * is told; the answer is NO all the same. Leaves COPY and MOVE to copy.c. RFC 9051 6.4.3, 6.4.6;
 * RFC 7162 3.1.3. */
#include "store/message_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/loop.h"
#include "store/fault.h"

void row_path(const struct index_row *r, char ret[NAME_MAX_FILE + 1])
{
	(void)snprintf(ret, NAME_MAX_FILE + 1, "%s%s", r->base, r->info);
}

/* --- the operation --- */

static void op_cancel(struct store_op *op)
{
	LIST_OWNER(op, struct message_op, op)->abandoned = true;
}

struct message_op *message_op_new(struct view *v, const uint32_t *uids, size_t n, const void *by,
    message_done *on_done, void *self, int (*act)(struct mail_job *),
    void (*end)(struct mail_job *))
{
	struct message_op *o = NEW(struct message_op);

	o->folder = view_folder(v);
	mail_job_init(&o->job, folder_mail(o->folder), act, end);
	o->job.waits = true;
	o->op.cancel = op_cancel;
	o->on_done = on_done;
	o->self = self;
	o->by = by;
	o->uids = mem_new_array(n + 1, sizeof(uint32_t));
	if (n > 0)
		memcpy(o->uids, uids, n * sizeof(uint32_t));
	o->n = n;
	o->ret = mem_new_array(n + 1, sizeof(uint32_t));
	o->ret_to = mem_new_array(n + 1, sizeof(uint32_t));
	return (o);
}

void message_op_answer(struct message_op *o)
{
	struct message_result r = {
		.uids = o->ret,
		.to_uids = o->ret_to,
		.n = o->ret_n,
		.to_uidvalidity = o->to_uidvalidity,
		.modseq = o->modseq,
	};

	if (o->job.failed)
		r.err = &o->job.err;
	else if (o->has_err)
		r.err = &o->err;
	if (!o->abandoned)
		o->on_done(o->self, &r);
	for (size_t i = 0; i < o->keywords_n; i++)
		free(o->keywords[i]);
	free(o->keywords);
	buf_free(&o->intent.names);
	free(o->uids);
	free(o->ret);
	free(o->ret_to);
	free(o);
}

static void op_end(struct mail_job *j)
{
	message_op_answer((struct message_op *)j);
}

static void on_refused(void *self)
{
	struct message_op *o = self;

	o->job.m->ops--;
	message_op_answer(o);
}

struct store_op *message_op_start(struct message_op *o)
{
	if (mail_job_put(&o->job, &o->job.err) != 0) {
		o->job.failed = true;
		o->job.m->ops++;
		(void)loop_later(o->job.m->store->loop, on_refused, o);
	}
	return (&o->op);
}

int message_fail(struct message_op *o, const struct err *err)
{
	o->has_err = true;
	o->err = *err;
	return (0);
}

int message_retry(struct message_op *o, struct lane_folder *lf, uint32_t uid, struct arena *a,
    struct index_row *ret)
{
	lf->note_ns[0] = lf->note_ns[1] = 0;
	if (scan_look(&o->job, lf, true, &o->err) != 0)
		return (-1);
	return (index_get(o->job.m, lf, uid, a, ret, &o->err));
}

/* What the look finds is told, and has numbers, after what this act did so far: what it does from
 * here on comes later again, or a flag found now would win over one stored now. */
static int retry_later(struct message_op *o, struct lane_folder *lf, uint32_t uid, struct arena *a,
    struct index_row *ret, struct delta **d)
{
	int got = message_retry(o, lf, uid, a, ret);

	*d = NULL;
	if (got > 0 && o->modseq != 0 && modseq_take(o->job.m, lf, &o->modseq, &o->err) != 0)
		return (-1);
	return (got);
}

/* --- flags --- */

static int keyword_bits(struct message_op *o, struct lane_folder *lf, uint32_t *flags)
{
	*flags = o->flags;
	for (size_t i = 0; i < o->keywords_n; i++) {
		uint32_t bit = 0;

		if (keyword_bit(&o->job, lf, slice_of(o->keywords[i]), o->mode != FLAGS_REMOVE,
			&bit, &o->err) != 0)
			return (-1);
		*flags |= bit;
	}
	return (0);
}

static uint32_t changed(enum flags_mode mode, uint32_t was, uint32_t flags)
{
	switch (mode) {
	case FLAGS_SET: return (flags);
	case FLAGS_ADD: return (was | flags);
	case FLAGS_REMOVE: return (was & ~flags);
	}
	return (was);
}

/* 0, or -1 with errno. */
static int rename_flags(
    struct mail *m, struct lane_folder *lf, struct index_row *r, const char *info)
{
	char from[NAME_MAX_FILE + 1], to[NAME_MAX_FILE + 1];
	int from_fd = batch_fd(m, lf, r->where), to_fd = batch_fd(m, lf, 1);

	row_path(r, from);
	if (snprintf(to, sizeof(to), "%s%s", r->base, info) >= (int)sizeof(to)) {
		errno = ENAMETOOLONG;
		return (-1);
	}
	if (from_fd == -1 || to_fd == -1 || disk_rename(from_fd, from, to_fd, to) != 0)
		return (-1);
	batch_dirty(m, lf, 1, r->where == 0);
	if (r->where == 0)
		batch_dirty(m, lf, 0, false);
	return (0);
}

static int flag_one(struct message_op *o, struct lane_folder *lf, uint32_t uid, uint32_t bits,
    struct delta **d, struct arena *a)
{
	struct mail *m = o->job.m;
	char info[NAME_INFO_MAX];

	for (unsigned tries = 0; tries < 2; tries++) {
		struct index_row r;
		int got = tries == 0 ? index_get(m, lf, uid, a, &r, &o->err)
				     : retry_later(o, lf, uid, a, &r, d);
		uint32_t was;

		if (got <= 0)
			return (got);
		if (r.m.modseq > o->unchanged_since) {
			o->ret[o->ret_n++] = uid;
			return (0);
		}
		was = r.m.flags;
		r.m.flags = changed(o->mode, was, bits);
		if (r.m.flags == was)
			return (0);
		name_info(info, r.m.flags);
		if (rename_flags(m, lf, &r, info) != 0) {
			if (errno == ENOENT)
				continue;
			return (err_errno(&o->err, "set flags in %s", lf->dir));
		}
		if (o->modseq == 0 && modseq_take(m, lf, &o->modseq, &o->err) != 0) {
			lf->believe = true; /* the name changed: the next look tells it */
			lf->note_ns[0] = 0;
			return (-1);
		}
		r.where = 1;
		r.info = info;
		r.m.modseq = o->modseq;
		(void)index_flags(m, lf, &r, was);
		if (*d == NULL)
			*d = delta_add(&o->job, lf, DELTA_FLAGS, CAUSE_STORE, o->by);
		delta_message_add(*d, &r.m, r.cid)->was = was;
		return (0);
	}
	return (0);
}

static int flags_act(struct mail_job *j)
{
	struct message_op *o = (struct message_op *)j;
	struct lane_folder *lf = &o->folder->lane;
	struct delta *d = NULL;
	uint32_t bits;

	if (lf->gone)
		return (err_set(&j->err, ERR_NOT_FOUND, "the folder was deleted"));
	if (keyword_bits(o, lf, &bits) != 0) {
		j->err = o->err;
		return (-1);
	}
	for (size_t i = 0; i < o->n && !o->has_err; i++) {
		struct arena *a = arena_new(0);

		o->has_err = flag_one(o, lf, o->uids[i], bits, &d, a) < 0;
		arena_free(a);
	}
	if (d != NULL)
		delta_name_keywords(d, lf);
	return (0);
}

struct store_op *message_flags(struct view *v, const uint32_t *uids, size_t n,
    const struct flags_change *ch, const void *by, message_done *on_done, void *self)
{
	struct message_op *o = message_op_new(v, uids, n, by, on_done, self, flags_act, op_end);

	o->mode = ch->mode;
	o->flags = ch->flags & FLAG_SYSTEM;
	o->unchanged_since = ch->unchanged_since;
	o->keywords = mem_new_array(ch->keywords_n + 1, sizeof(char *));
	o->keywords_n = ch->keywords_n;
	for (size_t i = 0; i < ch->keywords_n; i++)
		o->keywords[i] = mem_strdup(ch->keywords[i]);
	return (message_op_start(o));
}

/* --- expunge --- */

int lane_expunge_one(struct mail_job *j, struct lane_folder *lf, const struct index_row *r,
    uint64_t modseq, bool keep, struct delta *d)
{
	struct mail *m = j->m;
	char from[NAME_MAX_FILE + 1], to[NAME_MAX_FILE + 32], info[NAME_INFO_MAX];
	int fd = batch_fd(m, lf, r->where), kept = keep ? batch_expunged_fd(m) : -1;

	if (fd == -1)
		return (err_errno(&j->err, "open %s", lf->dir));
	row_path(r, from);
	(void)snprintf(to, sizeof(to), "%lld_%s", (long long)clock_wall(), from);
	if (strlen(to) > NAME_MAX_FILE) { /* without what others wrote behind the flags */
		name_info(info, r->m.flags);
		(void)snprintf(to, sizeof(to), "%lld_%s%s", (long long)clock_wall(), r->base, info);
	}
	/* With a full disk even the rename may find no room: then it is gone at once. */
	if (kept == -1 || (disk_rename(fd, from, kept, to) != 0 && errno != ENOENT))
		if (disk_unlink(fd, from) != 0 && errno != ENOENT)
			return (err_errno(&j->err, "expunge from %s", lf->dir));
	if (faccessat(fd, from, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return (err_set(
		    &j->err, ERR_TEMPORARY, "expunge from %s: the file is still there", lf->dir));
	batch_dirty(m, lf, r->where, false);
	d->modseq = modseq;
	(void)delta_message_add(d, &r->m, r->cid);
	(void)index_drop(m, lf, r, modseq);
	usage_sub(m, lf, r->disk);
	return (1);
}

static int expunge_one(
    struct message_op *o, struct lane_folder *lf, uint32_t uid, struct delta **d, struct arena *a)
{
	struct mail *m = o->job.m;
	struct index_row r;
	char file[NAME_MAX_FILE + 1];
	int got = index_get(m, lf, uid, a, &r, &o->err), fd;

	if (got <= 0)
		return (got);
	row_path(&r, file);
	fd = batch_fd(m, lf, r.where);
	/* Renamed by another program: its flags may say otherwise now. */
	if (fd != -1 && faccessat(fd, file, F_OK, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT) {
		got = retry_later(o, lf, uid, a, &r, d);
		if (got <= 0)
			return (got);
	}
	if ((r.m.flags & FLAG_DELETED) == 0)
		return (0);
	if (o->modseq == 0 && modseq_take(m, lf, &o->modseq, &o->err) != 0)
		return (-1);
	if (*d == NULL)
		*d = delta_add(&o->job, lf, DELTA_EXPUNGED, CAUSE_STORE, o->by);
	if (lane_expunge_one(&o->job, lf, &r, o->modseq, true, *d) < 0) {
		o->err = o->job.err;
		return (-1);
	}
	o->ret[o->ret_n++] = uid;
	return (0);
}

static int expunge_act(struct mail_job *j)
{
	struct message_op *o = (struct message_op *)j;
	struct lane_folder *lf = &o->folder->lane;
	struct delta *d = NULL;

	if (lf->gone)
		return (err_set(&j->err, ERR_NOT_FOUND, "the folder was deleted"));
	for (size_t i = 0; i < o->n && !o->has_err; i++) {
		struct arena *a = arena_new(0);

		o->has_err = expunge_one(o, lf, o->uids[i], &d, a) < 0;
		arena_free(a);
	}
	return (0);
}

struct store_op *message_expunge(struct view *v, const uint32_t *uids, size_t n, const void *by,
    message_done *on_done, void *self)
{
	struct message_op *o;
	uint32_t *all = NULL;

	if (uids == NULL) {
		all = mem_new_array(view_count(v) + 1, sizeof(*all));
		n = 0;
		for (size_t i = 0; i < view_count(v); i++)
			if (view_at(v, i)->flags & FLAG_DELETED)
				all[n++] = view_at(v, i)->uid;
		uids = all;
	}
	o = message_op_new(v, uids, n, by, on_done, self, expunge_act, op_end);
	free(all);
	return (message_op_start(o));
}
