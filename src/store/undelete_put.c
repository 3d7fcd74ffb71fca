/* undelete_put.c: how does a message come back? On the account's lane, some at a time: a rename each
 * to a new UID, so that it is always in one place whole; then the folders, then the places the files
 * left are synced; only then index, sessions and the answer hear of it. Leaves which ones and where to
 * to undelete.c. Failures: a file that is gone is passed over, for somebody else brought it back; when
 * a sync fails the renames are taken back. RFC 9051 2.3.1.1: what comes back is a new message. */
#include "store/undelete_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/fault.h"

struct placed {
	struct found *f;
	struct lane_folder *lf;
	struct index_row row;
	char *file; /* in cur/ */
};

struct put_job {
	struct mail_job job;
	struct undelete *u;
	size_t at, n;
	void (*end)(struct undelete *u, const struct err *err);
	struct account_usage quota;
	bool has_err; /* what came before it stays */
	struct err err;
	struct arena *arena; /* of the act */
	struct placed *placed;
	size_t placed_n;
};

static const char *keyword_of(const struct undelete *u, const struct found *f, unsigned k)
{
	const struct origin *o = f->origin == SIZE_MAX ? NULL : &u->origins[f->origin];

	return (o == NULL ? NULL : o->live != NULL ? o->live->lane.keywords[k] : o->keywords[k]);
}

/* Keywords by name: letters are each folder's own. */
static int flags_there(
    struct put_job *p, const struct found *f, struct lane_folder *lf, uint32_t *ret)
{
	*ret = f->name.flags & (uint32_t)(FLAG_SYSTEM & ~FLAG_DELETED);
	for (unsigned k = 0; k < L_KW; k++) {
		const char *name = keyword_of(p->u, f, k);
		uint32_t bit = 0;

		if ((f->name.flags & ((uint32_t)FLAG_KEYWORD0 << k)) == 0 || name == NULL)
			continue;
		if (keyword_bit(&p->job, lf, slice_of(name), true, &bit, &p->err) != 0 &&
		    p->err.kind != ERR_LIMIT) /* no letter left there: it goes without */
			return (-1);
		*ret |= bit;
	}
	return (0);
}

static int name_it(struct put_job *p, struct placed *w)
{
	struct store *s = p->job.m->store;
	struct buf base = BUF_INIT(NAME_MAX_FILE);
	char unique[NAME_UNIQUE_MAX + 1], info[NAME_INFO_MAX];
	int64_t now = clock_wall_us();

	if (flags_there(p, w->f, w->lf, &w->row.m.flags) != 0 ||
	    uid_take(p->job.m, w->lf, 1, &w->row.m.uid, &p->err) != 0)
		return (-1);
	/* A new time: in this folder it is from now on, and Junk does not let go of it at once. */
	name_unique(unique, now, __atomic_fetch_add(&s->name_serial, 1, __ATOMIC_RELAXED),
	    s->data_set);
	(void)name_base(&base, slice_of(unique), w->row.disk, w->row.m.size, w->row.m.uid,
	    w->lf->uidvalidity, w->row.cid);
	name_info(info, w->row.m.flags);
	w->row.m.save_date = now / 1000000;
	w->row.where = 1;
	w->row.base = arena_strdup(p->arena, buf_slice(&base));
	w->row.info = arena_strdup(p->arena, slice_of(info));
	w->file = arena_fmt(p->arena, "%s%s", w->row.base, w->row.info);
	buf_free(&base);
	return (0);
}

static uint64_t more(const struct put_job *p)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < p->placed_n; i++)
		sum += p->placed[i].row.disk;
	return (sum);
}

/* MODSEQ of this act in the folder. */
static int take_modseq(struct put_job *p, struct placed *w)
{
	for (size_t i = 0; i < p->placed_n; i++)
		if (p->placed[i].lf == w->lf) {
			w->row.m.modseq = p->placed[i].row.m.modseq;
			return (0);
		}
	return (modseq_take(p->job.m, w->lf, &w->row.m.modseq, &p->err));
}

/* 1 it is there, 0 it was gone, -1 */
static int place(struct put_job *p, struct found *f)
{
	struct placed w = { .f = f, .lf = &f->to->lane };
	const struct name *n = &f->name;
	struct stat st;
	uint64_t wire = n->w;
	int fd;

	if (w.lf->gone)
		w.lf = inbox_lane(p->job.m);
	if (fstatat(AT_FDCWD, f->path, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode))
		return (0);
	w.row.disk = (uint64_t)st.st_size;
	w.row.m.internal_date = st.st_mtim.tv_sec;
	memcpy(w.row.cid, n->cid, 16);
	if (!(n->has_s && n->has_w && n->has_i && n->s == w.row.disk) &&
	    scan_read(AT_FDCWD, f->path, &w.row.disk, &wire, w.row.cid, &p->err) != 0)
		return (p->err.kind == ERR_NOT_FOUND ? 0 : -1);
	if (wire > UINT32_MAX)
		return (0);
	w.row.m.size = (uint32_t)wire;
	if (usage_fits(p->job.m, &p->quota, more(p) + w.row.disk, p->placed_n + 1, &p->err) != 0)
		return (err_set(&p->err, ERR_OVER_QUOTA,
		    "the mailbox is full; make room or raise its quota, then try again"));
	if (take_modseq(p, &w) != 0 || name_it(p, &w) != 0)
		return (-1);
	if ((fd = batch_fd(p->job.m, w.lf, 1)) == -1)
		return (err_errno(&p->err, "open %s", w.lf->dir));
	if (disk_rename(AT_FDCWD, f->path, fd, w.file) != 0)
		return (errno == ENOENT ? 0 : err_errno(&p->err, "bring back to %s", w.lf->dir));
	batch_dirty(p->job.m, w.lf, 1, true);
	p->placed[p->placed_n++] = w;
	return (1);
}

static void take_back(struct put_job *p)
{
	while (p->placed_n > 0) {
		const struct placed *w = &p->placed[--p->placed_n];

		(void)disk_rename(
		    batch_fd(p->job.m, w->lf, 1), w->file, AT_FDCWD, w->f->path);
	}
}

static char *folder_of(struct arena *a, const char *path)
{
	return (arena_strdup(a, slice_head(slice_of(path), slice_rchr(slice_of(path), '/'))));
}

/* Where they came to first, then what they left: a power cut in between shows one twice, never
 * nowhere. */
static int sync_all(struct put_job *p)
{
	const char *last = "";

	for (size_t i = 0; i < p->placed_n; i++) {
		bool is_done = false;

		for (size_t k = 0; k < i && !is_done; k++)
			is_done = p->placed[k].lf == p->placed[i].lf;
		if (!is_done && disk_fsync(batch_fd(p->job.m, p->placed[i].lf, 1)) != 0)
			return (err_errno(&p->job.err, "sync %s", p->placed[i].lf->dir));
	}
	for (size_t i = 0; i < p->placed_n; i++) {
		const char *dir = folder_of(p->arena, p->placed[i].f->path);

		if (strcmp(dir, last) != 0 && disk_sync_dir(dir) != 0)
			return (err_errno(&p->job.err, "sync %s", dir));
		last = dir;
	}
	return (0);
}

static struct delta *delta_of(struct put_job *p, struct lane_folder *lf)
{
	LIST_EACH(&p->job.deltas, node)
	{
		struct delta *d = LIST_OWNER(node, struct delta, node);

		if (d->folder == lf->owner && d->cause == CAUSE_UNDELETE)
			return (d);
	}
	return (delta_add(&p->job, lf, DELTA_ADDED, CAUSE_UNDELETE, NULL));
}

static void tell(struct put_job *p)
{
	for (size_t i = 0; i < p->placed_n; i++) {
		struct placed *w = &p->placed[i];
		struct delta *d = delta_of(p, w->lf);
		struct delta_message *dm = delta_message_add(d, &w->row.m, w->row.cid);

		dm->known = true;
		dm->from = w->lf->role;
		d->uidnext = w->lf->uidnext;
		(void)index_put(p->job.m, w->lf, &w->row);
		usage_add(p->job.m, w->lf, w->row.disk);
		if (w->row.m.uid > w->lf->uid_told)
			w->lf->uid_told = w->row.m.uid;
		w->f->back = w->lf->owner;
		w->f->m.uid = w->row.m.uid;
	}
}

static int put_act(struct mail_job *j)
{
	struct put_job *p = (struct put_job *)j;
	int rc = 0;

	p->arena = arena_new(0);
	p->placed = arena_array(p->arena, p->n + 1, sizeof(*p->placed));
	for (size_t i = 0; i < p->n && !p->has_err; i++)
		p->has_err = place(p, p->u->found[p->at + i]) < 0;
	if (sync_all(p) != 0) {
		take_back(p);
		rc = -1;
	} else {
		tell(p);
	}
	arena_free(p->arena);
	return (rc);
}

static void put_end(struct mail_job *j)
{
	struct put_job *p = (struct put_job *)j;

	for (size_t i = 0; j->failed && i < p->n; i++)
		p->u->found[p->at + i]->back = NULL;
	p->end(p->u, j->failed ? &j->err : p->has_err ? &p->err : NULL);
	free(p);
}

void undelete_put(struct undelete *u, size_t at, size_t n,
    void (*end)(struct undelete *u, const struct err *err))
{
	struct put_job *p = NEW(struct put_job);

	mail_job_init(&p->job, u->m, put_act, put_end);
	p->u = u;
	p->at = at;
	p->n = n;
	p->end = end;
	p->quota = quota_of(u->m->account);
	mail_job_force(&p->job);
}
