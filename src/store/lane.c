/* lane.c: how do many changes of one account's mail share their syncs? All jobs that wait run in
 * one batch: each does its renames, then every directory touched is synced once, destinations
 * before sources, then the index commits, then all are told in order. Leaves what a job does to
 * its act(). Failures: a directory that cannot be synced fails the whole batch: files are taken
 * back, the index rolls back, the folders are read again (P9). An index that fails loses
 * nothing: the names are the truth, the folder is read again. */
#include "store/mail_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/clock.h"
#include "store/fault.h"

static const char *const places[] = { "new", "cur" };

/* --- deltas --- */

struct delta *delta_add(struct mail_job *j, struct lane_folder *lf, enum delta_kind kind,
    enum store_cause cause, const void *by)
{
	struct delta *d = NEW(struct delta);

	d->folder = lf->owner;
	d->kind = kind;
	d->cause = cause;
	d->by = by;
	list_push(&j->deltas, &d->node);
	return (d);
}

struct delta_message *delta_message_add(
    struct delta *d, const struct view_message *m, const unsigned char cid[16])
{
	struct delta_message *dm;

	if (d->n == d->cap) {
		d->cap = d->cap == 0 ? 4 : d->cap * 2;
		d->msgs = mem_grow(d->msgs, d->cap, sizeof(*d->msgs));
	}
	dm = &d->msgs[d->n++];
	*dm = (struct delta_message){ .m = *m };
	memcpy(dm->cid, cid, 16);
	if (m->modseq > d->modseq)
		d->modseq = m->modseq;
	return (dm);
}

static void copy_keywords(struct delta *d, const struct lane_folder *lf)
{
	for (unsigned k = 0; k < L_KW; k++)
		if (lf->keywords[k] != NULL && d->keywords[k] == NULL)
			d->keywords[k] = mem_strdup(lf->keywords[k]);
}

void delta_keywords(struct mail_job *j, struct lane_folder *lf)
{
	copy_keywords(delta_add(j, lf, DELTA_KEYWORDS, CAUSE_STORE, NULL), lf);
}

void delta_name_keywords(struct delta *d, const struct lane_folder *lf)
{
	uint32_t fresh = 0;

	for (size_t i = 0; i < d->n; i++)
		fresh |= d->msgs[i].m.flags & ~d->msgs[i].was;
	if ((fresh & (uint32_t)MAIL_KEYWORD_MASK) != 0)
		copy_keywords(d, lf);
}

void delta_free(struct delta *d)
{
	for (unsigned k = 0; k < L_KW; k++)
		free(d->keywords[k]);
	free(d->msgs);
	free(d);
}

/* A look inside an act that copies finds younger messages than those the act took its numbers for:
 * what is added to a folder is told by UID all the same. Each delta's UIDs are a run of their own. */
static void order_added(struct mail_job *j)
{
	LIST_EACH(&j->deltas, node)
	{
		struct delta *d = LIST_OWNER(node, struct delta, node);

		if (d->kind != DELTA_ADDED || d->n == 0)
			continue;
		LIST_EACH(&j->deltas, before)
		{
			struct delta *b = LIST_OWNER(before, struct delta, node);

			if (b == d)
				break;
			if (b->kind == DELTA_ADDED && b->folder == d->folder && b->n > 0 &&
			    b->msgs[0].m.uid > d->msgs[0].m.uid) {
				list_drop(&d->node);
				list_add_before(&b->node, &d->node);
				break;
			}
		}
	}
}

/* The act failed. What a look found on the way, and keywords, are there whatever became of the
 * rest, and the index has them; after a rollback the next look finds them again. */
static bool stays(const struct mail_job *j, const struct delta *d)
{
	if (d->kind == DELTA_KEYWORDS)
		return (true);
	return (!j->rolled_back && (d->cause == CAUSE_EXTERNAL || d->cause == CAUSE_REBUILD));
}

static void tell_deltas(struct mail_job *j)
{
	struct list *node;

	order_added(j);
	while ((node = list_shift(&j->deltas)) != NULL) {
		struct delta *d = LIST_OWNER(node, struct delta, node);

		if (!j->failed || stays(j, d))
			watch_tell(j, d);
		delta_free(d);
	}
}

/* --- directories of a batch --- */

static int64_t ns_of(const struct stat *st)
{
	return ((int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec);
}

static struct batch_dir *dir_of(struct mail *m, struct lane_folder *lf)
{
	struct batch_dir *b = m->batch_last;

	if (b != NULL && b->lf == lf)
		return (b);
	LIST_EACH(&m->batch, node)
	{
		b = LIST_OWNER(node, struct batch_dir, node);
		if (b->lf == lf) {
			m->batch_last = b;
			return (b);
		}
	}
	b = NEW(struct batch_dir);
	b->lf = lf;
	b->fd[0] = b->fd[1] = -1;
	list_push(&m->batch, &b->node);
	m->batch_last = b;
	return (b);
}

int batch_fd(struct mail *m, struct lane_folder *lf, unsigned where)
{
	struct batch_dir *b = dir_of(m, lf);
	char path[512];
	struct stat st;

	if (b->fd[where] != -1)
		return (b->fd[where]);
	(void)snprintf(path, sizeof(path), "%s/%s", lf->dir, places[where]);
	b->fd[where] = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (b->fd[where] != -1 && fstat(b->fd[where], &st) == 0)
		b->is_noted[where] = lf->note_ns[where] == ns_of(&st);
	return (b->fd[where]);
}

int batch_stat(
    struct mail *m, struct lane_folder *lf, unsigned where, struct stat *ret, bool *ret_is_own)
{
	const struct batch_dir *b = NULL;
	char path[512];

	*ret_is_own = false;
	LIST_EACH(&m->batch, node)
	{
		b = LIST_OWNER(node, struct batch_dir, node);
		if (b->lf == lf)
			break;
		b = NULL;
	}
	if (b != NULL && b->fd[where] != -1) {
		*ret_is_own = b->is_noted[where] && b->dirty[where];
		return (fstat(b->fd[where], ret));
	}
	(void)snprintf(path, sizeof(path), "%s/%s", lf->dir, places[where]);
	return (stat(path, ret));
}

void batch_dirty(struct mail *m, struct lane_folder *lf, unsigned where, bool is_dest)
{
	struct batch_dir *b = dir_of(m, lf);

	b->dirty[where] = true;
	b->is_dest |= is_dest;
}

int batch_expunged_fd(struct mail *m)
{
	char path[512];

	if (m->expunged_fd == -1) {
		(void)snprintf(path, sizeof(path), "%s/expunged", m->root);
		m->expunged_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (m->expunged_fd == -1 && errno == ENOENT && disk_mkdir(AT_FDCWD, path) == 0)
			m->expunged_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	m->expunged_dirty = true;
	return (m->expunged_fd);
}

void batch_expunged_lost(struct mail *m)
{
	if (m->expunged_fd != -1)
		(void)close(m->expunged_fd);
	m->expunged_fd = -1;
}

static int sync_batch(struct mail *m, struct err *err)
{
	if (m->expunged_dirty && m->expunged_fd != -1 && disk_fsync(m->expunged_fd) != 0)
		return (err_errno(err, "sync %s/expunged", m->root));
	m->expunged_dirty = false;
	/* What a message goes to is durable before the place it leaves: a crash in between shows
	 * it twice, never nowhere. */
	for (unsigned pass = 0; pass < 2; pass++)
		LIST_EACH(&m->batch, node)
		{
			struct batch_dir *b = LIST_OWNER(node, struct batch_dir, node);

			if (b->is_dest != (pass == 0))
				continue;
			for (unsigned where = 2; where-- > 0;)
				if (b->dirty[where] && b->fd[where] != -1 &&
				    disk_fsync(b->fd[where]) != 0)
					return (err_errno(
					    err, "sync %s/%s", b->lf->dir, places[where]));
		}
	return (0);
}

/* Our own changes are not news: when the directory was as noted before them, the note follows
 * them. */
static void note_batch(struct mail *m)
{
	LIST_EACH(&m->batch, node)
	{
		struct batch_dir *b = LIST_OWNER(node, struct batch_dir, node);
		bool noted = false;

		if (b->lf->gone)
			continue;
		for (unsigned where = 0; where < 2; where++) {
			struct stat st;

			if (!b->dirty[where])
				continue;
			noted = true;
			if (!b->is_noted[where] || fstat(b->fd[where], &st) != 0)
				continue;
			/* A doubt about others that is older than ours stays theirs. */
			if (b->lf->noted_ns - b->lf->note_ns[where] >= MAIL_SETTLE_NS)
				b->lf->is_own[where] = true;
			b->lf->note_ns[where] = ns_of(&st);
		}
		if (noted && index_folder_note(m, b->lf) != 0)
			index_trouble(m, b->lf);
	}
}

void batch_end(struct mail *m)
{
	struct list *node;

	while ((node = list_shift(&m->batch)) != NULL) {
		struct batch_dir *b = LIST_OWNER(node, struct batch_dir, node);

		for (unsigned where = 0; where < 2; where++)
			if (b->fd[where] != -1)
				(void)close(b->fd[where]);
		free(b);
	}
	m->batch_last = NULL;
}

/* --- the batch --- */

static void doubt_batch(struct mail *m)
{
	LIST_EACH(&m->batch, node)
	{
		struct lane_folder *lf = LIST_OWNER(node, struct batch_dir, node)->lf;

		lf->believe = true;
		lf->trust_note = false;
		lf->note_ns[0] = lf->note_ns[1] = 0;
	}
	for (size_t i = 0; i < m->lanes_n; i++)
		m->lanes[i]->counted = false;
}

static void fail_batch(struct mail *m, struct list *jobs, const struct err *err)
{
	store_sync_failed(m->store, err->text);
	LIST_EACH(jobs, node)
	{
		struct mail_job *j = (struct mail_job *)LIST_OWNER(node, struct job, node);

		j->rolled_back = true;
		if (j->failed || j->is_durable)
			continue;
		if (j->undo != NULL)
			j->undo(j);
		j->failed = true;
		j->err = *err;
	}
	if (m->index != NULL)
		sql_rollback(m->index);
	doubt_batch(m);
	for (size_t i = 0; i < m->lanes_n; i++)
		if (!m->lanes[i]->gone)
			(void)index_folder_note(m, m->lanes[i]);
	if (index_usage(m, &m->usage) != 0)
		m->index_failed = true;
}

static void mend_index(struct mail *m)
{
	struct err err;

	if (m->index == NULL)
		return;
	if (sql_is_corrupt(m->index)) {
		(void)pthread_mutex_lock(&m->lock);
		for (unsigned i = 0; i < m->readers_n; i++)
			sql_close(m->readers[i]);
		m->readers_n = 0;
		m->epoch++;
		(void)pthread_mutex_unlock(&m->lock);
		for (size_t i = 0; i < m->lanes_n; i++) {
			m->lanes[i]->believe = m->lanes[i]->is_new_index = true;
			m->lanes[i]->floor = m->lanes[i]->modseq;
			m->lanes[i]->gone_n = 0;
		}
		m->usage = (struct account_usage){ 0 }; /* counted again as the folders are read */
		(void)sql_reopen(m->index, true, &err);
		index_set_up(m);
	} else if (sql_is_failed(m->index)) {
		(void)sql_reopen(m->index, false, &err);
		index_set_up(m);
	}
}

void mail_run_all(void *self, struct list *jobs)
{
	struct mail *m = self;
	struct err err = { 0 };
	bool has_tx = m->index != NULL && sql_begin(m->index, &err) == 0;

	m->index_failed = m->no_tx = !has_tx;
	m->snap_clear = (struct snap_clear){ 0 };
	LIST_EACH(jobs, node)
	{
		struct mail_job *j = (struct mail_job *)LIST_OWNER(node, struct job, node);

		j->failed = j->act(j) != 0;
	}
	if (sync_batch(m, &err) != 0) {
		fail_batch(m, jobs, &err);
	} else {
		note_batch(m);
		if (has_tx && sql_commit(m->index, &err) != 0)
			m->index_failed = true;
		/* The files are in place: acknowledged all the same (STO-08); the folders are
		 * read again. */
		if (m->index_failed)
			doubt_batch(m);
	}
	batch_end(m);
	if (m->index_failed)
		mend_index(m);
	index_relax(m);
}

/* --- loop --- */

static void job_done(struct job *job)
{
	struct mail_job *j = (struct mail_job *)job;

	if (j->failed) {
		tell_deltas(j);
		j->end(j);
		return;
	}
	watch_begin(j);
	tell_deltas(j);
	watch_end(j); /* may end the job */
}

void mail_job_init(struct mail_job *j, struct mail *m, int (*act)(struct mail_job *),
    void (*end)(struct mail_job *))
{
	j->job.done = job_done;
	j->m = m;
	j->act = act;
	j->end = end;
	list_init(&j->deltas);
}

int mail_job_put(struct mail_job *j, struct err *err)
{
	if (j->m->stopping)
		return (err_set(err, ERR_TEMPORARY, "the store is closing"));
	if (lane_put(j->m->lane, &j->job) != 0)
		return (err_set(err, ERR_BUSY, "too much waits for this account"));
	return (0);
}

void mail_job_force(struct mail_job *j)
{
	lane_force(j->m->lane, &j->job);
}
