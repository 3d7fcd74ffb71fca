/* scan.c: what is in a folder's directories, and what does that mean against the index? The
 * names are the truth: rows follow them. A directory is read when its time differs from the
 * note, or when the note is too young to tell (two changes within one tick of the clock). A
 * message is gone only when a second look agrees, for readdir may miss what is renamed
 * meanwhile. A name is believed when its UIDVALIDITY is the folder's, its UID was given, is
 * unique here and was not expunged; any other message is new here and is renamed to a new UID
 * before anyone is told. Failures: the disk; the index (lane.c). */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/clock.h"
#include "store/crlf.h"
#include "store/fault.h"
#include "store/mail_int.h"

struct entry {
	const char *file; /* in the arena */
	struct name name; /* slices into it */
	unsigned char where;
	int64_t internal;
	uint64_t disk;
};

struct scan {
	struct mail_job *job;
	struct mail *m;
	struct lane_folder *lf;
	struct arena *arena;
	struct index_row *rows; /* by UID */
	struct entry **found;   /* beside rows: the file of each; NULL: none yet */
	size_t rows_n;
	struct entry **others; /* files without a row */
	size_t others_n, others_cap;
	const struct delta *added[2]; /* believed, foreign; NULL: none */
	uint64_t modseq; /* of this look; 0: none taken yet */
	enum store_cause cause;
};

int scan_read(int dir, const char *file, uint64_t *ret_disk, uint64_t *ret_wire,
    unsigned char cid[16], struct err *err)
{
	enum { CHUNK = 65536 };
	int fd = openat(dir, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	crypto_hash_sha256_state hash;
	unsigned char digest[crypto_hash_sha256_BYTES];
	struct buf wire = BUF_INIT(CHUNK * 2);
	char *chunk;
	bool after_cr = false;
	ssize_t n;

	if (fd == -1)
		return (err_errno(err, "open %s", file));
	chunk = mem_new(CHUNK);
	(void)crypto_hash_sha256_init(&hash);
	*ret_disk = *ret_wire = 0;
	while ((n = read(fd, chunk, CHUNK)) > 0) {
		buf_reset(&wire);
		(void)crlf_wire((struct slice){ chunk, (size_t)n }, &after_cr, &wire);
		(void)crypto_hash_sha256_update(&hash, (const unsigned char *)wire.p, wire.n);
		*ret_disk += (uint64_t)n;
		*ret_wire += wire.n;
	}
	if (n < 0)
		(void)err_errno(err, "read %s", file);
	(void)crypto_hash_sha256_final(&hash, digest);
	memcpy(cid, digest, 16);
	(void)close(fd);
	buf_free(&wire);
	free(chunk);
	return (n < 0 ? -1 : 0);
}

/* --- reading the directories --- */

static size_t row_of(const struct scan *s, uint32_t uid)
{
	size_t lo = 0, hi = s->rows_n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->rows[mid].m.uid < uid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return (lo < s->rows_n && s->rows[lo].m.uid == uid ? lo : SIZE_MAX);
}

static bool is_there(struct scan *s, const struct entry *e)
{
	int fd = batch_fd(s->m, s->lf, e->where);

	return (fd != -1 && faccessat(fd, e->file, F_OK, AT_SYMLINK_NOFOLLOW) == 0);
}

static void take_other(struct scan *s, struct entry *e)
{
	if (s->others_n == s->others_cap) {
		s->others_cap = s->others_cap == 0 ? 64 : s->others_cap * 2;
		s->others = mem_grow(s->others, s->others_cap, sizeof(struct entry *));
	}
	s->others[s->others_n++] = e;
}

static void take_entry(struct scan *s, struct entry *e, bool is_second)
{
	size_t at = e->name.has_p && e->name.uidvalidity == s->lf->uidvalidity
	    ? row_of(s, e->name.uid)
	    : SIZE_MAX;

	if (at == SIZE_MAX || !slice_eq(e->name.base, slice_of(s->rows[at].base))) {
		if (!is_second)
			take_other(s, e);
		return;
	}
	if (s->found[at] == NULL) {
		s->found[at] = e;
		return;
	}
	if (is_second)
		return;
	/* The same base twice: renamed while we read, or copied by hand. */
	if (!is_there(s, s->found[at]))
		s->found[at] = e;
	else if (is_there(s, e))
		take_other(s, e);
}

static int read_dir(struct scan *s, unsigned where, bool is_second, struct err *err)
{
	int fd = batch_fd(s->m, s->lf, where), dup_fd;
	const struct dirent *de;
	DIR *d;

	if (fd == -1)
		return (err_errno(err, "open %s", s->lf->dir));
	dup_fd = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	d = dup_fd == -1 ? NULL : fdopendir(dup_fd);
	if (d == NULL) {
		if (dup_fd != -1)
			(void)close(dup_fd);
		return (err_errno(err, "read %s", s->lf->dir));
	}
	errno = 0;
	while ((de = readdir(d)) != NULL) {
		struct name name;
		struct entry *e;
		struct slice file;

		errno = 0;
		if ((de->d_type != DT_REG && de->d_type != DT_UNKNOWN) || de->d_name[0] == '.')
			continue;
		file = slice_of(arena_strdup(s->arena, slice_of(de->d_name)));
		if (!name_parse(file, &name))
			continue;
		e = arena_alloc(s->arena, sizeof(*e));
		e->file = file.p;
		e->name = name;
		e->where = (unsigned char)where;
		take_entry(s, e, is_second);
		errno = 0;
	}
	if (errno != 0) {
		(void)err_errno(err, "read %s", s->lf->dir);
		(void)closedir(d);
		return (-1);
	}
	(void)closedir(d);
	return (0);
}

static int need_modseq(struct scan *s, struct err *err)
{
	return (s->modseq != 0 ? 0 : modseq_take(s->m, s->lf, &s->modseq, err));
}

/* --- rows whose file is there, with other flags perhaps --- */

static int follow_flags(struct scan *s, struct err *err)
{
	struct delta *d = NULL;

	for (size_t i = 0; i < s->rows_n; i++) {
		struct index_row *r = &s->rows[i];
		const struct entry *e = s->found[i];
		uint32_t was = r->m.flags;

		if (e == NULL ||
		    (e->where == r->where && slice_eq(e->name.info, slice_of(r->info))))
			continue;
		r->where = e->where;
		r->info = arena_strdup(s->arena, e->name.info);
		if (e->name.flags != was) {
			if (need_modseq(s, err) != 0)
				return (-1);
			r->m.flags = e->name.flags;
			r->m.modseq = s->modseq;
			if (d == NULL)
				d = delta_add(s->job, s->lf, DELTA_FLAGS, CAUSE_EXTERNAL, NULL);
			delta_message_add(d, &r->m, r->cid)->was = was;
		}
		(void)index_flags(s->m, s->lf, r, was);
	}
	if (d != NULL)
		delta_name_keywords(d, s->lf);
	return (0);
}

/* --- rows whose file is not --- */

static bool some_missing(const struct scan *s)
{
	for (size_t i = 0; i < s->rows_n; i++)
		if (s->found[i] == NULL)
			return (true);
	return (false);
}

static int drop_missing(struct scan *s, struct err *err)
{
	struct delta *d = NULL;
	struct index_row *gone;
	size_t n = 0;

	if (!some_missing(s))
		return (0);
	if (read_dir(s, 1, true, err) != 0 || read_dir(s, 0, true, err) != 0)
		return (-1);
	gone = arena_array(s->arena, s->rows_n, sizeof(*gone));
	for (size_t i = 0; i < s->rows_n; i++) {
		const struct index_row *r = &s->rows[i];

		if (s->found[i] != NULL)
			continue;
		if (need_modseq(s, err) != 0)
			return (-1);
		if (d == NULL)
			d = delta_add(s->job, s->lf, DELTA_EXPUNGED, CAUSE_EXTERNAL, NULL);
		d->modseq = s->modseq;
		(void)delta_message_add(d, &r->m, r->cid);
		gone[n++] = *r;
		usage_sub(s->m, s->lf, r->disk);
	}
	if (n > 0)
		(void)index_drop(s->m, s->lf, gone, n, s->modseq);
	return (0);
}

/* --- files without a row --- */

static int by_uid(const void *a, const void *b)
{
	const struct entry *x = *(struct entry *const *)a, *y = *(struct entry *const *)b;

	if (x->name.uid != y->name.uid)
		return (x->name.uid < y->name.uid ? -1 : 1);
	return (slice_cmp(x->name.base, y->name.base));
}

static int by_message_uid(const void *a, const void *b)
{
	const struct view_message *x = a, *y = b;

	return (x->uid < y->uid ? -1 : x->uid > y->uid);
}

static int by_arrival(const void *a, const void *b)
{
	const struct entry *x = *(struct entry *const *)a, *y = *(struct entry *const *)b;

	if (x->internal != y->internal)
		return (x->internal < y->internal ? -1 : 1);
	return (strcmp(x->file, y->file));
}

static bool is_believed(struct scan *s, const struct entry *e)
{
	const struct name *n = &e->name;

	return (n->has_p && n->has_s && n->has_w && n->has_i &&
	    n->uidvalidity == s->lf->uidvalidity && n->uid < s->lf->uidnext && n->s == e->disk &&
	    n->w <= UINT32_MAX && (s->lf->believe || n->uid > s->lf->uid_told) &&
	    row_of(s, n->uid) == SIZE_MAX && index_was_gone(s->m, s->lf, n->uid) == 0);
}

static void put_row(struct scan *s, struct delta *d, const struct index_row *r, bool is_news)
{
	struct delta_message *dm = delta_message_add(d, &r->m, r->cid);

	if (is_news) {
		struct known k = index_known(s->m, s->lf, r->cid);

		dm->known = k.is_known;
		dm->from = k.from;
	}
	(void)index_put(s->m, s->lf, r);
	usage_add(s->m, s->lf, r->disk);
	if (r->m.uid > s->lf->uid_told)
		s->lf->uid_told = r->m.uid;
}

static int take_believed(struct scan *s, const struct entry *e, struct delta **d, struct err *err)
{
	struct index_row r = {
		.m = {
			.uid = e->name.uid,
			.flags = e->name.flags,
			.size = (uint32_t)e->name.w,
			.internal_date = e->internal,
			.save_date = e->name.time,
		},
		.disk = e->disk,
		.where = e->where,
		.base = arena_strdup(s->arena, e->name.base),
		.info = arena_strdup(s->arena, e->name.info),
	};

	if (need_modseq(s, err) != 0)
		return (-1);
	r.m.modseq = s->modseq;
	memcpy(r.cid, e->name.cid, 16);
	if (*d == NULL)
		*d = delta_add(s->job, s->lf, DELTA_ADDED, CAUSE_REBUILD, NULL);
	put_row(s, *d, &r, false);
	return (0);
}

/* A new UID and a name of ours. 0 also when it went away meanwhile. */
static int take_foreign(struct scan *s, const struct entry *e, struct delta **d, struct err *err)
{
	struct index_row r = { .where = e->where,
		.m = { .flags = e->name.flags, .internal_date = e->internal } };
	char unique[NAME_UNIQUE_MAX + 1], own_info[NAME_INFO_MAX];
	struct slice info = e->name.info;
	struct buf base = BUF_INIT(NAME_MAX_FILE), file = BUF_INIT(NAME_MAX_FILE);
	struct slice u = e->name.unique;
	uint64_t wire = e->name.w;
	uint32_t uid;
	int fd = batch_fd(s->m, s->lf, e->where), rc = -1;

	r.disk = e->disk;
	memcpy(r.cid, e->name.cid, 16);
	if (!(e->name.has_s && e->name.has_w && e->name.has_i && e->name.s == e->disk) &&
	    scan_read(fd, e->file, &r.disk, &wire, r.cid, err) != 0)
		return (err->kind == ERR_NOT_FOUND                    ? 0
			: err->number == EACCES || err->number == EIO ? 0
								      : -1);
	if (wire > UINT32_MAX)
		return (0); /* never to be served */
	if (!name_unique_ok(u)) {
		name_unique(unique, clock_wall_us(),
		    __atomic_fetch_add(&s->m->store->name_serial, 1, __ATOMIC_RELAXED),
		    s->m->store->data_set);
		u = slice_of(unique);
	}
	if (need_modseq(s, err) != 0 || uid_take(s->m, s->lf, 1, &uid, err) != 0)
		return (-1);
	(void)name_base(&base, u, r.disk, wire, uid, s->lf->uidvalidity, r.cid);
	/* What others wrote behind the flags is kept while there is room for it. */
	if (base.n + info.n >= NAME_MAX_FILE) {
		name_info(own_info, r.m.flags);
		info = slice_of(own_info);
	}
	(void)buf_add_slice(&file, buf_slice(&base));
	(void)buf_add_slice(&file, info);
	if (disk_rename(fd, e->file, fd, buf_z(&file)) != 0) {
		rc = errno == ENOENT ? 0 : err_errno(err, "rename %s", e->file);
		goto out;
	}
	batch_dirty(s->m, s->lf, e->where, true);
	r.m.uid = uid;
	r.m.modseq = s->modseq;
	r.m.size = (uint32_t)wire;
	r.m.save_date = e->name.time != 0 ? e->name.time : e->internal;
	r.base = arena_strdup(s->arena, buf_slice(&base));
	r.info = arena_strdup(s->arena, info);
	if (*d == NULL)
		*d = delta_add(s->job, s->lf, DELTA_ADDED, s->cause, NULL);
	put_row(s, *d, &r, true);
	rc = 0;
out:
	buf_free(&base);
	buf_free(&file);
	return (rc);
}

/* Leaves those that are messages. */
static void stat_others(struct scan *s)
{
	size_t n = 0;
	int fd[2] = { batch_fd(s->m, s->lf, 0), batch_fd(s->m, s->lf, 1) };

	for (size_t i = 0; i < s->others_n; i++) {
		struct entry *e = s->others[i];
		struct stat st;

		if (fstatat(fd[e->where], e->file, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
		    !S_ISREG(st.st_mode))
			continue;
		e->internal = st.st_mtim.tv_sec;
		e->disk = (uint64_t)st.st_size;
		s->others[n++] = e;
	}
	s->others_n = n;
}

static int take_others(struct scan *s, struct err *err)
{
	struct delta *believed = NULL, *foreign = NULL;
	size_t n = 0;
	uint32_t last = 0;

	stat_others(s);
	if (s->others_n == 0)
		return (0);
	qsort(s->others, s->others_n, sizeof(struct entry *), by_uid);
	for (size_t i = 0; i < s->others_n; i++) {
		struct entry *e = s->others[i];

		if (e->name.uid != last && is_believed(s, e)) {
			last = e->name.uid;
			if (take_believed(s, e, &believed, err) != 0)
				return (-1);
		} else {
			s->others[n++] = e;
		}
	}
	qsort(s->others, n, sizeof(struct entry *), by_arrival);
	for (size_t i = 0; i < n; i++)
		if (take_foreign(s, s->others[i], &foreign, err) != 0)
			return (-1);
	if (foreign != NULL)
		foreign->uidnext = s->lf->uidnext;
	s->added[0] = believed;
	s->added[1] = foreign;
	return (0);
}

/* --- the look --- */

static int64_t wall_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	return ((int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec);
}

static int look(struct scan *s, struct err *err)
{
	if (index_all(s->m, s->lf, s->arena, &s->rows, &s->rows_n, err) != 0)
		return (-1);
	s->found = arena_array(s->arena, s->rows_n + 1, sizeof(struct entry *));
	/* new/ before cur/: what is moved along meanwhile is seen in one of them at least. */
	if (read_dir(s, 0, false, err) != 0 || read_dir(s, 1, false, err) != 0)
		return (-1);
	/* What went before the index was lost is not known: the record begins with a MODSEQ that
	 * no client has. */
	if (s->lf->is_new_index && need_modseq(s, err) != 0)
		return (-1);
	if (follow_flags(s, err) != 0 || drop_missing(s, err) != 0 || take_others(s, err) != 0)
		return (-1);
	return (0);
}

/* The note moved with our own changes: another program's, in the very same moment, would not show
 * in the time. So it is read again sooner or later, but not so often that this is all we do. */
static bool may_wait(const struct lane_folder *lf, int64_t now)
{
	return (now >= lf->noted_ns && now - lf->noted_ns < lf->took_ns * MAIL_DOUBT);
}

/* What the look found, so that the index need not be read again. */
static void load(const struct scan *s, struct view_message **ret, size_t *ret_n)
{
	size_t n = s->rows_n + 1;
	bool ordered = true;

	for (unsigned k = 0; k < COUNT_OF(s->added); k++)
		n += s->added[k] == NULL ? 0 : s->added[k]->n;
	*ret = mem_new_array(n, sizeof(**ret));
	n = 0;
	for (size_t i = 0; i < s->rows_n; i++)
		if (s->found[i] != NULL)
			(*ret)[n++] = s->rows[i].m;
	for (unsigned k = 0; k < COUNT_OF(s->added); k++)
		for (size_t i = 0; s->added[k] != NULL && i < s->added[k]->n; i++)
			(*ret)[n++] = s->added[k]->msgs[i].m;
	for (size_t i = 1; i < n && ordered; i++)
		ordered = (*ret)[i - 1].uid < (*ret)[i].uid;
	if (!ordered)
		qsort(*ret, n, sizeof(**ret), by_message_uid);
	*ret_n = n;
}

static int look_or_load(struct mail_job *j, struct lane_folder *lf, bool hard,
    struct view_message **ret, size_t *ret_n, struct err *err)
{
	struct scan s = { .job = j, .m = j->m, .lf = lf, .cause = CAUSE_EXTERNAL };
	int64_t now = wall_ns(), at[2];
	bool is_noted = !lf->believe || lf->trust_note;
	int rc;

	if (lf->gone)
		return (err_set(err, ERR_NOT_FOUND, "the folder was deleted"));
	for (unsigned where = 0; where < 2; where++) {
		struct stat st;
		bool is_own;

		if (batch_stat(j->m, lf, where, &st, &is_own) != 0)
			return (err_errno(err, "look at %s", lf->dir));
		at[where] = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
		if ((at[where] != lf->note_ns[where] && !is_own) ||
		    (hard && lf->noted_ns - at[where] < MAIL_SETTLE_NS &&
			!(lf->is_own[where] && may_wait(lf, now))))
			is_noted = false;
	}
	if (is_noted) {
		lf->believe = false;
		return (0);
	}
	lf->trust_note = false;
	s.arena = arena_new(0);
	rc = look(&s, err);
	if (rc == 0 && ret != NULL)
		load(&s, ret, ret_n);
	arena_free(s.arena);
	free(s.others);
	if (rc != 0) {
		lf->note_ns[0] = lf->note_ns[1] = 0;
		return (-1);
	}
	if (lf->is_new_index)
		lf->floor = lf->modseq;
	lf->believe = lf->is_new_index = false;
	for (unsigned where = 0; where < 2; where++) {
		lf->note_ns[where] = at[where];
		/* batch_fd noted before this look: renames of ours after it are followed again. */
		LIST_EACH(&j->m->batch, node)
		{
			struct batch_dir *b = LIST_OWNER(node, struct batch_dir, node);
			if (b->lf == lf)
				b->is_noted[where] = true;
		}
	}
	lf->noted_ns = now;
	lf->is_own[0] = lf->is_own[1] = false;
	lf->took_ns = wall_ns() - now;
	if (lf->took_ns > MAIL_TOOK_MAX_NS)
		lf->took_ns = MAIL_TOOK_MAX_NS;
	if (index_folder_note(j->m, lf) != 0)
		index_trouble(j->m, lf);
	return (0);
}

int scan_look(struct mail_job *j, struct lane_folder *lf, bool hard, struct err *err)
{
	return (look_or_load(j, lf, hard, NULL, NULL, err));
}

int scan_load(struct mail_job *j, struct lane_folder *lf, bool hard, struct view_message **ret,
    size_t *ret_n, struct err *err)
{
	*ret = NULL;
	if (look_or_load(j, lf, hard, ret, ret_n, err) != 0)
		return (-1);
	/* What the index could not take is as if it were not there. */
	if (*ret != NULL && !j->m->index_failed)
		return (0);
	free(*ret);
	return (index_view(j->m, lf, ret, ret_n, err));
}
