/* changes.c: what is in a folder in numbers, and what went since a MODSEQ? Asked of the index on
 * the account's lane, after a look at the directory. The record of expunges has a floor; below
 * it everything that is not there may have vanished. RFC 7162 3.2.5, 3.2.10; RFC 9051 6.3.11. */
#include <stdlib.h>

#include "core/loop.h"
#include "store/view_int.h"

struct ask_op {
	struct mail_job job;
	struct store_op op;
	struct folder *folder;
	bool abandoned;
	void *self;
	void (*on_status)(void *self, const struct folder_status *st, const struct err *err);
	void (*on_vanished)(
	    void *self, bool complete, const uint32_t *uids, size_t n, const struct err *err);
	struct folder_status st;
	uint32_t recent_from;
	uint64_t since;
	bool complete;
	uint32_t *uids;
	size_t n, cap;
};

static void ask_cancel(struct store_op *op)
{
	LIST_OWNER(op, struct ask_op, op)->abandoned = true;
}

static void on_refused(void *self)
{
	struct ask_op *o = self;

	o->job.m->ops--;
	o->job.end(&o->job);
}

static struct store_op *ask_start(struct ask_op *o)
{
	o->op.cancel = ask_cancel;
	if (mail_job_put(&o->job, &o->job.err) != 0) {
		o->job.failed = true;
		o->job.m->ops++;
		(void)loop_later(o->job.m->store->loop, on_refused, o);
	}
	return (&o->op);
}

static int status_act(struct mail_job *j)
{
	struct ask_op *o = (struct ask_op *)j;
	struct lane_folder *lf = &o->folder->lane;
	struct sql *q = j->m->index;

	if (scan_look(j, lf, true, &j->err) != 0 || index_count(j->m, lf, &j->err) != 0)
		return (-1);
	o->st = lf->counts;
	if (o->recent_from < lf->uidnext) {
		if (sql_ask(q, "SELECT count(*) FROM msg WHERE folder = ?1 AND uid >= ?2", &j->err,
			"ii", lf->id, (int64_t)o->recent_from) != 0)
			return (-1);
		if (sql_step(q, NULL) == 1)
			o->st.recent = (uint32_t)sql_int(q, 0);
		sql_done(q);
	}
	o->st.uidnext = lf->uidnext;
	o->st.uidvalidity = lf->uidvalidity;
	o->st.highestmodseq = lf->modseq;
	return (0);
}

static void status_end(struct mail_job *j)
{
	struct ask_op *o = (struct ask_op *)j;

	if (!o->abandoned)
		o->on_status(o->self, j->failed ? NULL : &o->st, j->failed ? &j->err : NULL);
	free(o);
}

struct store_op *folder_status(struct folder *f,
    void (*on_status)(void *self, const struct folder_status *st, const struct err *err),
    void *self)
{
	struct ask_op *o = NEW(struct ask_op);

	mail_job_init(&o->job, folder_mail(f), status_act, status_end);
	o->folder = f;
	o->recent_from = f->recent_from;
	o->on_status = on_status;
	o->self = self;
	return (ask_start(o));
}

/* False: more than is ever remembered, so the index is not to be believed. */
static bool take_run(struct ask_op *o, int64_t first, int64_t last)
{
	size_t n = (size_t)(last - first + 1);

	if (last < first || last > UINT32_MAX || o->n + n > 2 * (size_t)MAIL_GONE_MAX)
		return (false);
	if (o->n + n > o->cap) {
		o->cap = (o->n + n) * 2;
		o->uids = mem_grow(o->uids, o->cap, sizeof(*o->uids));
	}
	for (int64_t uid = first; uid <= last; uid++)
		o->uids[o->n++] = (uint32_t)uid;
	return (true);
}

static int vanished_act(struct mail_job *j)
{
	struct ask_op *o = (struct ask_op *)j;
	const struct lane_folder *lf = &o->folder->lane;
	struct sql *q = j->m->index;
	int got;

	if (lf->gone || q == NULL)
		return (err_set(&j->err, ERR_TEMPORARY, "the folder cannot be read"));
	o->complete = o->since >= lf->floor;
	if (!o->complete)
		return (0);
	if (sql_ask(q, "SELECT first, last FROM vanished WHERE folder = ?1 AND modseq > ?2", &j->err,
		"ii", lf->id, (int64_t)(o->since > INT64_MAX ? INT64_MAX : o->since)) != 0)
		return (-1);
	while ((got = sql_step(q, &j->err)) == 1)
		if (!take_run(o, sql_int(q, 0), sql_int(q, 1))) {
			o->complete = false;
			o->n = 0;
			got = 0;
			break;
		}
	sql_done(q);
	return (got);
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return ((x > y) - (x < y));
}

static void vanished_end(struct mail_job *j)
{
	struct ask_op *o = (struct ask_op *)j;

	if (o->n > 1)
		qsort(o->uids, o->n, sizeof(*o->uids), by_number);
	if (o->abandoned || j->failed)
		free(o->uids);
	if (!o->abandoned)
		o->on_vanished(o->self, !j->failed && o->complete, j->failed ? NULL : o->uids,
		    j->failed ? 0 : o->n, j->failed ? &j->err : NULL);
	free(o);
}

struct store_op *view_vanished(struct view *v, uint64_t since,
    void (*on_vanished)(
	void *self, bool complete, const uint32_t *uids, size_t n, const struct err *err),
    void *self)
{
	struct ask_op *o = NEW(struct ask_op);

	mail_job_init(&o->job, folder_mail(v->folder), vanished_act, vanished_end);
	o->folder = v->folder;
	o->since = since;
	o->on_vanished = on_vanished;
	o->self = self;
	return (ask_start(o));
}
