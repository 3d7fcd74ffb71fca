/* message.c: how are flags changed? On the account's lane: a rename each, the directories synced once
 * for all that waits, then the answer. A file that another program renamed meanwhile is looked for
 * once more. Failures: what was done before one stays done and is told; the answer is NO all the
 * same. Leaves EXPUNGE to expunge.c, COPY and MOVE to copy.c. RFC 9051 6.4.6; RFC 7162 3.1.3. */
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
int message_retry_later(struct message_op *o, struct lane_folder *lf, uint32_t uid, struct arena *a,
    struct index_row *ret, struct delta **d)
{
	int got = message_retry(o, lf, uid, a, ret);

	*d = NULL;
	if (got >= 0 && o->modseq != 0 && modseq_take(o->job.m, lf, &o->modseq, &o->err) != 0)
		return (-1);
	return (got);
}

size_t message_behind(const struct message_op *o, size_t at, uint32_t uid)
{
	while (at < o->n && o->uids[at] <= uid)
		at++;
	return (at);
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

struct flagging {
	struct message_op *o;
	struct mail *m;
	struct lane_folder *lf;
	uint32_t bits;
	struct delta *d;
	struct index_flagged run;
};

/* 1 done, 0 the file has no such name (any more), -1 */
static int flag_row(struct flagging *f, struct index_row *r)
{
	struct message_op *o = f->o;
	char info[NAME_INFO_MAX];
	uint32_t was = r->m.flags;

	if (r->m.modseq > o->unchanged_since) {
		o->ret[o->ret_n++] = r->m.uid;
		return (1);
	}
	r->m.flags = changed(o->mode, was, f->bits);
	if (r->m.flags == was)
		return (1);
	name_info(info, r->m.flags);
	if (rename_flags(f->m, f->lf, r, info) != 0)
		return (errno == ENOENT ? 0 : err_errno(&o->err, "set flags in %s", f->lf->dir));
	if (o->modseq == 0 && modseq_take(f->m, f->lf, &o->modseq, &o->err) != 0) {
		f->lf->believe = true; /* the name changed: the next look tells it */
		f->lf->note_ns[0] = 0;
		return (-1);
	}
	r->where = 1;
	r->info = info;
	r->m.modseq = o->modseq;
	index_flags_add(f->m, f->lf, &f->run, r, was);
	if (f->d == NULL)
		f->d = delta_add(&o->job, f->lf, DELTA_FLAGS, CAUSE_STORE, o->by);
	delta_message_add(f->d, &r->m, r->cid)->was = was;
	return (1);
}

/* Some from o->uids[at] on; where to go on. A look finds other names for those to come, too: they
 * are asked for again. */
static size_t flag_some(struct flagging *f, size_t at)
{
	struct message_op *o = f->o;
	size_t n = o->n - at < MESSAGE_SOME ? o->n - at : MESSAGE_SOME, rows_n = 0, next = at + n;
	struct arena *a = arena_new(0);
	struct index_row *rows = arena_array(a, n, sizeof(*rows)), r;
	int got = index_some(f->m, f->lf, o->uids + at, n, a, rows, &rows_n, &o->err);

	for (size_t i = 0; got >= 0 && i < rows_n; i++) {
		got = flag_row(f, &rows[i]);
		if (got != 0)
			continue;
		(void)index_flags_end(f->m, f->lf, &f->run);
		got = message_retry_later(o, f->lf, rows[i].m.uid, a, &r, &f->d);
		if (got > 0)
			got = flag_row(f, &r);
		next = message_behind(o, at, rows[i].m.uid);
		break;
	}
	(void)index_flags_end(f->m, f->lf, &f->run);
	o->has_err = got < 0;
	arena_free(a);
	return (next);
}

static int flags_act(struct mail_job *j)
{
	struct message_op *o = (struct message_op *)j;
	struct flagging f = { .o = o, .m = j->m, .lf = &o->folder->lane };

	if (f.lf->gone)
		return (err_set(&j->err, ERR_NOT_FOUND, "the folder was deleted"));
	if (keyword_bits(o, f.lf, &f.bits) != 0) {
		j->err = o->err;
		return (-1);
	}
	for (size_t i = 0; i < o->n && !o->has_err;)
		i = flag_some(&f, i);
	if (f.d != NULL)
		delta_name_keywords(f.d, f.lf);
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
