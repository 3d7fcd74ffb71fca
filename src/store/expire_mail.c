/* expire_mail.c: how does mail that was kept long enough leave a folder? On the account's lane, a batch
 * of the oldest UIDs at a time, expunged like any other: into expunged/, into the record for QRESYNC,
 * told to sessions; out of Quarantine for good. The classifier learns nothing from an expunge. Leaves when, and what is old, to
 * expire.c. Failures: the rest waits for the next hour. */
#include "store/mail_int.h"

#include <stdlib.h>

#include "core/arena.h"

enum { EXPIRE_BATCH = 100 };

struct expire_job {
	struct mail_job job;
	struct folder *folder;
	int64_t before;
	uint32_t after, n, done;
	uint32_t uids[EXPIRE_BATCH];
	void (*on_done)(void *self, uint32_t n, uint32_t last_uid, bool more);
	void *self;
};

static int choose(struct expire_job *x, struct lane_folder *lf)
{
	struct sql *q = x->job.m->index;
	int got;

	if (q == NULL)
		return (err_set(&x->job.err, ERR_TEMPORARY, "the index cannot be read"));
	if (sql_ask(q,
		"SELECT uid FROM msg WHERE folder = ?1 AND uid > ?2 AND saved > 0 AND saved < ?3 "
		"ORDER BY uid LIMIT ?4",
		&x->job.err, "iiii", lf->id, (int64_t)x->after, x->before,
		(int64_t)EXPIRE_BATCH) != 0)
		return (-1);
	while ((got = sql_step(q, &x->job.err)) == 1 && x->n < EXPIRE_BATCH)
		x->uids[x->n++] = (uint32_t)sql_int(q, 0);
	sql_done(q);
	return (got < 0 ? -1 : 0);
}

static int expire_act(struct mail_job *j)
{
	struct expire_job *x = (struct expire_job *)j;
	struct lane_folder *lf = &x->folder->lane;
	struct index_row *rows;
	size_t n, done = 0;
	struct arena *a;
	uint64_t modseq;

	if (lf->gone)
		return (err_set(&j->err, ERR_NOT_FOUND, "the folder was deleted"));
	if (scan_look(j, lf, true, &j->err) != 0 || choose(x, lf) != 0)
		return (-1);
	if (x->n == 0)
		return (0);
	if (modseq_take(j->m, lf, &modseq, &j->err) != 0)
		return (-1);
	a = arena_new(0);
	rows = arena_array(a, x->n, sizeof(*rows));
	if (index_some(j->m, lf, x->uids, x->n, a, rows, &n, &j->err) == 0 && n > 0 &&
	    lane_expunge(j, lf, rows, n, modseq, lf->role != ROLE_QUARANTINE,
		delta_add(j, lf, DELTA_EXPUNGED, CAUSE_STORE, NULL), &done) != 0)
		x->n = 0; /* the rest waits; what went before it went */
	x->done = (uint32_t)done;
	arena_free(a);
	return (0);
}

static void expire_end(struct mail_job *j)
{
	struct expire_job *x = (struct expire_job *)j;
	bool more = !j->failed && x->n == EXPIRE_BATCH;

	x->on_done(x->self, j->failed ? 0 : x->done, x->n > 0 ? x->uids[x->n - 1] : 0, more);
	free(x);
}

bool mail_is_quiet(const struct account *a)
{
	return (lane_idle(a->mail->lane));
}

void mail_expire(struct account *a, struct folder *f, int64_t before, uint32_t after,
    void (*on_done)(void *self, uint32_t n, uint32_t last_uid, bool more), void *self)
{
	struct expire_job *x = NEW(struct expire_job);

	mail_job_init(&x->job, a->mail, expire_act, expire_end);
	x->folder = f;
	x->before = before;
	x->after = after;
	x->on_done = on_done;
	x->self = self;
	mail_job_force(&x->job);
}
