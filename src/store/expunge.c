/* expunge.c: how do messages leave a folder for good? On the account's lane: a rename each into
 * expunged/, where undelete finds them, the directories synced once for all that waits, then the
 * answer. A file that another program renamed meanwhile is looked for once more, for its flags may
 * say otherwise. Failures: what went before one is told; the answer is NO all the same. RFC 9051
 * 6.4.3, 6.4.9; RFC 7162 3.2.7. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/clock.h"
#include "store/fault.h"
#include "store/message_int.h"

static void name_kept(const struct index_row *r, char ret[NAME_MAX_FILE + 32])
{
	char info[NAME_INFO_MAX];
	int n = snprintf(ret, NAME_MAX_FILE + 32, "%lld_%s%s", (long long)clock_wall(), r->base, r->info);

	if (n <= NAME_MAX_FILE)
		return;
	name_info(info, r->m.flags); /* without what others wrote behind the flags */
	(void)snprintf(ret, NAME_MAX_FILE + 32, "%lld_%s%s", (long long)clock_wall(), r->base, info);
}

/* 1 it went, 0 there is no such file (any more), -1 with j->err */
static int take_away(struct mail_job *j, struct lane_folder *lf, const struct index_row *r, bool keep)
{
	struct mail *m = j->m;
	char from[NAME_MAX_FILE + 1], to[NAME_MAX_FILE + 32];
	int fd = batch_fd(m, lf, r->where), kept = keep ? batch_expunged_fd(m) : -1, rc = -1;

	if (fd == -1)
		return (err_errno(&j->err, "open %s", lf->dir));
	row_path(r, from);
	if (kept != -1) {
		name_kept(r, to);
		rc = disk_rename(fd, from, kept, to);
	}
	/* With a full disk even the rename may find no room: then it is gone at once. */
	if (rc != 0 && (kept == -1 || errno != ENOENT))
		rc = disk_unlink(fd, from);
	if (rc != 0 && errno != ENOENT)
		return (err_errno(&j->err, "expunge from %s", lf->dir));
	if (rc == 0) {
		batch_dirty(m, lf, r->where, false);
		return (1);
	}
	if (faccessat(fd, from, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
		return (0);
	batch_expunged_lost(m); /* somebody removed it under us: made again the next time */
	return (err_set(&j->err, ERR_TEMPORARY,
	    "expunge from %s: %s/expunged was removed; try again", lf->dir, m->root));
}

static void tell_gone(struct mail_job *j, struct lane_folder *lf, const struct index_row *rows, size_t n,
    uint64_t modseq, struct delta *d)
{
	if (n == 0)
		return;
	d->modseq = modseq;
	for (size_t i = 0; i < n; i++) {
		(void)delta_message_add(d, &rows[i].m, rows[i].cid);
		usage_sub(j->m, lf, rows[i].disk);
	}
	(void)index_drop(j->m, lf, rows, n, modseq);
}

int lane_expunge(struct mail_job *j, struct lane_folder *lf, const struct index_row *rows, size_t n,
    uint64_t modseq, bool keep, struct delta *d, size_t *ret_n)
{
	size_t done = 0;
	int rc = 0;

	while (done < n && (rc = take_away(j, lf, &rows[done], keep)) >= 0)
		done++;
	tell_gone(j, lf, rows, done, modseq, d);
	if (ret_n != NULL)
		*ret_n = done;
	return (rc < 0 ? -1 : 0);
}

/* --- EXPUNGE --- */

struct expunging {
	struct message_op *o;
	struct lane_folder *lf;
	struct delta *d;
	struct index_row *taken; /* not told yet */
	size_t taken_n;
};

static void tell_taken(struct expunging *x)
{
	struct message_op *o = x->o;

	if (x->taken_n > 0 && x->d == NULL)
		x->d = delta_add(&o->job, x->lf, DELTA_EXPUNGED, CAUSE_STORE, o->by);
	for (size_t i = 0; i < x->taken_n; i++)
		o->ret[o->ret_n++] = x->taken[i].m.uid;
	tell_gone(&o->job, x->lf, x->taken, x->taken_n, o->modseq, x->d);
	x->taken_n = 0;
}

/* 1 done, 0 the file has no such name (any more), -1 */
static int expunge_row(struct expunging *x, const struct index_row *r)
{
	struct message_op *o = x->o;
	int got;

	if ((r->m.flags & FLAG_DELETED) == 0)
		return (1);
	if (o->modseq == 0 && modseq_take(o->job.m, x->lf, &o->modseq, &o->err) != 0)
		return (-1);
	got = take_away(&o->job, x->lf, r, true);
	if (got > 0)
		x->taken[x->taken_n++] = *r;
	else if (got < 0)
		o->err = o->job.err;
	return (got);
}

/* Some from o->uids[at] on; where to go on. */
static size_t expunge_some(struct expunging *x, size_t at)
{
	struct message_op *o = x->o;
	size_t n = o->n - at < MESSAGE_SOME ? o->n - at : MESSAGE_SOME, rows_n = 0, next = at + n;
	struct arena *a = arena_new(0);
	struct index_row *rows = arena_array(a, n, sizeof(*rows)), r;
	int got = index_some(o->job.m, x->lf, o->uids + at, n, a, rows, &rows_n, &o->err);

	x->taken = arena_array(a, n + 1, sizeof(*x->taken));
	for (size_t i = 0; got >= 0 && i < rows_n; i++) {
		got = expunge_row(x, &rows[i]);
		if (got != 0)
			continue;
		/* Renamed by another program: its flags may say otherwise now. */
		tell_taken(x);
		got = message_retry_later(o, x->lf, rows[i].m.uid, a, &r, &x->d);
		if (got > 0)
			got = expunge_row(x, &r);
		next = message_behind(o, at, rows[i].m.uid);
		break;
	}
	tell_taken(x);
	o->has_err = got < 0;
	arena_free(a);
	return (next);
}

static int expunge_act(struct mail_job *j)
{
	struct message_op *o = (struct message_op *)j;
	struct expunging x = { .o = o, .lf = &o->folder->lane };

	if (x.lf->gone)
		return (err_set(&j->err, ERR_NOT_FOUND, "the folder was deleted"));
	for (size_t i = 0; i < o->n && !o->has_err;)
		i = expunge_some(&x, i);
	return (0);
}

static void expunge_end(struct mail_job *j)
{
	message_op_answer((struct message_op *)j);
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
	o = message_op_new(v, uids, n, by, on_done, self, expunge_act, expunge_end);
	free(all);
	return (message_op_start(o));
}
