/* copy.c: how do messages go from folder to folder of one account? COPY makes hard links (or
 * synced copies where links fail), all or none: an intent stands behind more than one name. MOVE
 * is one rename a message, the destination synced before the source, atomic a message. New names
 * carry new UIDs in the order of the old ones. RFC 9051 6.4.7, 6.4.8; RFC 4315 3. Failures: COPY
 * takes back what it made; MOVE keeps what was moved and tells it. */
#include "store/message_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/loop.h"
#include "store/fault.h"
#include "store/quarantine.h"

enum {
	COPY_CHUNK = 131072,
	COPY_TRIES = 4, /* into the folder itself, while another program renames messages */
};

/* --- one file --- */

static int copy_bytes(int from, int to)
{
	char *chunk = mem_new(COPY_CHUNK);
	ssize_t n;
	int rc = 0;

	while (rc == 0 && (n = read(from, chunk, COPY_CHUNK)) != 0)
		rc = n < 0 ? -1 : disk_write_all(to, chunk, (size_t)n);
	free(chunk);
	return (rc);
}

/* Where links are not to be had: a copy, synced before it has its name. */
static int copy_file(struct mail *m, int from_dir, const char *from, int to_dir, const char *to)
{
	char tmp[512];
	struct stat st;
	struct timespec times[2];
	int in = openat(from_dir, from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), out, number, rc;

	if (in == -1)
		return (-1);
	(void)snprintf(tmp, sizeof(tmp), "%s/tmp/%.100s", m->root, to);
	out = disk_create(AT_FDCWD, tmp, 0600);
	if (out == -1) {
		number = errno;
		(void)close(in);
		errno = number;
		return (-1);
	}
	rc = copy_bytes(in, out) == 0 && fstat(in, &st) == 0 ? 0 : -1;
	if (rc == 0) {
		times[0] = times[1] = st.st_mtim;
		rc = futimens(out, times) == 0 && disk_fsync(out) == 0 ? 0 : -1;
	}
	number = errno;
	(void)close(in);
	if (close(out) != 0)
		rc = -1;
	if (rc == 0 && (rc = disk_rename(AT_FDCWD, tmp, to_dir, to)) != 0)
		number = errno;
	if (rc != 0)
		(void)unlink(tmp);
	errno = number;
	return (rc);
}

static int place(struct mail *m, const struct message_op *o, int from_dir, const char *from,
    int to_dir, const char *to)
{
	if (o->is_move)
		return (disk_rename(from_dir, from, to_dir, to));
	if (disk_link(from_dir, from, to_dir, to) == 0)
		return (0);
	if (errno != EXDEV && errno != EPERM && errno != EMLINK && errno != EOPNOTSUPP)
		return (-1);
	return (copy_file(m, from_dir, from, to_dir, to));
}

/* --- on the lane --- */

struct copying {
	struct message_op *o;
	struct mail *m;
	struct lane_folder *from, *to;
	struct arena *arena;
	uint32_t map[L_KW]; /* bit there of keyword k here; 0: not looked up yet */
	struct index_row *made;
	struct index_row *rows; /* sources */
	size_t n, told;
	uint64_t size; /* octets of those that are not told yet */
	bool again; /* the look on the way wants all of it done anew */
	uint64_t from_modseq, to_modseq;
	struct index_row *some; /* sources asked for at once: of o->uids before some_end */
	size_t some_n, some_at, some_end;
};

/* The row of o->uids[at]; asked for in order. 1, 0, -1 */
static int source(struct copying *c, size_t at, struct index_row *ret)
{
	const struct message_op *o = c->o;
	size_t n = o->n - at < MESSAGE_SOME ? o->n - at : MESSAGE_SOME;

	if (at >= c->some_end) {
		c->some_at = 0;
		c->some_end = at + n;
		if (index_some(c->m, c->from, o->uids + at, n, c->arena, c->some, &c->some_n,
			&c->o->err) != 0)
			return (-1);
	}
	while (c->some_at < c->some_n && c->some[c->some_at].m.uid < o->uids[at])
		c->some_at++;
	if (c->some_at == c->some_n || c->some[c->some_at].m.uid != o->uids[at])
		return (0);
	*ret = c->some[c->some_at];
	return (1);
}

static int map_flags(struct copying *c, uint32_t flags, uint32_t *ret)
{
	*ret = flags & FLAG_SYSTEM;
	for (unsigned k = 0; k < L_KW; k++) {
		if ((flags & ((uint32_t)FLAG_KEYWORD0 << k)) == 0 || c->from->keywords[k] == NULL)
			continue;
		if (c->map[k] == 0 &&
		    keyword_bit(&c->o->job, c->to, slice_of(c->from->keywords[k]), true, &c->map[k],
			&c->o->err) != 0) {
			if (c->o->err.kind != ERR_LIMIT)
				return (-1);
			c->map[k] =
			    0; /* no letter left there: RFC 9051 6.4.7 says SHOULD preserve */
		}
		*ret |= c->map[k];
	}
	return (0);
}

static int name_copy(struct copying *c, struct index_row *r, uint32_t uid, size_t nth)
{
	struct buf base = BUF_INIT(NAME_MAX_FILE), unique = BUF_INIT(NAME_UNIQUE_MAX);
	char info[NAME_INFO_MAX];

	(void)buf_fmt(
	    &unique, "%sQ%u.%s", c->o->stamp, c->o->first + (uint32_t)nth, c->m->store->data_set);
	(void)name_base(
	    &base, buf_slice(&unique), r->disk, r->m.size, uid, c->to->uidvalidity, r->cid);
	name_info(info, r->m.flags);
	if (r->m.flags == 0 && r->where == 0)
		info[0] = '\0';
	else
		r->where = 1;
	r->base = arena_strdup(c->arena, buf_slice(&base));
	r->info = arena_strdup(c->arena, slice_of(info));
	buf_free(&base);
	buf_free(&unique);
	return (0);
}

static void take_back(struct copying *c)
{
	for (size_t i = 0; i < c->n; i++) {
		char file[NAME_MAX_FILE + 1];

		row_path(&c->made[i], file);
		(void)disk_unlink(batch_fd(c->m, c->to, c->made[i].where), file);
	}
	c->n = 0;
	c->size = 0;
}

/* What was made and was not told yet. */
static void tell(struct copying *c)
{
	enum store_cause cause = c->o->is_move ? CAUSE_MOVE : CAUSE_COPY;
	struct delta *added, *gone = NULL;

	if (c->n == c->told)
		return;
	added = delta_add(&c->o->job, c->to, DELTA_ADDED, cause, c->o->by);
	added->uidnext = c->to->uidnext;
	if (c->o->is_move)
		gone = delta_add(&c->o->job, c->from, DELTA_EXPUNGED, cause, c->o->by);
	for (size_t i = c->told; i < c->n; i++) {
		struct delta_message *dm = delta_message_add(added, &c->made[i].m, c->made[i].cid);

		dm->known = true;
		dm->from = c->from->role;
		(void)index_put(c->m, c->to, &c->made[i]);
		if (c->o->is_move) {
			(void)delta_message_add(gone, &c->rows[i].m, c->rows[i].cid);
			usage_sub(c->m, c->from, c->rows[i].disk);
		}
		usage_add(c->m, c->to, c->made[i].disk);
		if (c->made[i].m.uid > c->to->uid_told)
			c->to->uid_told = c->made[i].m.uid;
	}
	if (c->o->is_move) {
		gone->modseq = c->from_modseq;
		(void)index_drop(
		    c->m, c->from, c->rows + c->told, c->n - c->told, c->from_modseq);
	}
	c->told = c->n;
	c->size = 0;
}

/* The source is not where its row says: looks at the folder. A look takes what was moved away for
 * removed, and what was copied into the folder itself for mail that came: so the one is told before it,
 * and the other begins anew after it. What is told later has later numbers. 1, 0, -1 */
static int look_for(struct copying *c, uint32_t uid, struct index_row *ret)
{
	int got;

	c->some_end = 0; /* the look may find others, too */
	c->again = c->from == c->to;
	if (c->again)
		take_back(c);
	else if (c->o->is_move)
		tell(c);
	got = message_retry(c->o, c->from, uid, c->arena, ret);
	if (got >= 0 && c->o->is_move &&
	    modseq_take(c->m, c->from, &c->from_modseq, &c->o->err) != 0)
		return (-1);
	c->o->modseq = c->from_modseq;
	return (got > 0 && c->again ? 0 : got);
}

/* o->uids[at]: 1 made, 0 passed over, -1 */
static int one(struct copying *c, size_t at, uint32_t to_uid, size_t nth)
{
	uint32_t uid = c->o->uids[at];

	for (unsigned tries = 0; tries < 2; tries++) {
		struct index_row src, dst;
		char from[NAME_MAX_FILE + 1], to[NAME_MAX_FILE + 1];
		int got = tries == 0 ? source(c, at, &src) : look_for(c, uid, &src);
		int from_fd, to_fd;

		if (got <= 0)
			return (got);
		dst = src;
		if (map_flags(c, src.m.flags, &dst.m.flags) != 0)
			return (-1);
		(void)name_copy(c, &dst, to_uid, nth);
		row_path(&src, from);
		row_path(&dst, to);
		from_fd = batch_fd(c->m, c->from, src.where);
		to_fd = batch_fd(c->m, c->to, dst.where);
		if (from_fd == -1 || to_fd == -1)
			return (err_errno(&c->o->err, "open %s", c->to->dir));
		if (place(c->m, c->o, from_fd, from, to_fd, to) != 0) {
			if (errno == ENOENT)
				continue;
			return (err_errno(
			    &c->o->err, "%s to %s", c->o->is_move ? "move" : "copy", c->to->dir));
		}
		batch_dirty(c->m, c->to, dst.where, true);
		if (c->o->is_move)
			batch_dirty(c->m, c->from, src.where, c->from == c->to);
		dst.m.uid = to_uid;
		dst.m.modseq = c->to_modseq;
		dst.m.save_date = c->o->saved;
		c->rows[c->n] = src;
		c->made[c->n] = dst;
		c->o->ret[c->n] = uid;
		c->o->ret_to[c->n++] = to_uid;
		return (1);
	}
	return (0);
}

static int take_numbers(struct copying *c, uint32_t *ret_next)
{
	struct message_op *o = c->o;

	/* Those that are there take the numbers, without gaps as far as can be known now. */
	if (uid_take(c->m, c->to, (uint32_t)o->n, ret_next, &o->job.err) != 0 ||
	    modseq_take(c->m, c->to, &c->to_modseq, &o->job.err) != 0)
		return (-1);
	c->from_modseq = c->to_modseq;
	if (c->from != c->to && o->is_move &&
	    modseq_take(c->m, c->from, &c->from_modseq, &o->job.err) != 0)
		return (-1);
	o->modseq = c->from_modseq;
	return (0);
}

/* All of them, until one fails or all is to be done anew. */
static int copy_each(struct copying *c, uint32_t next)
{
	struct message_op *o = c->o;
	int got = 1;

	for (size_t i = 0; i < o->n && got >= 0 && !c->again; i++) {
		/* Out of Quarantine, where it did not count, while there is any room. */
		if (o->is_move && c->from->role == ROLE_QUARANTINE)
			got = usage_fits(
			    c->m, &o->quota, c->size + 1, c->n - c->told + 1, &o->err);
		if (got >= 0)
			got = one(c, i, next, c->n);
		if (got > 0) {
			next++;
			c->size += c->made[c->n - 1].disk;
		}
		if (got >= 0 && !o->is_move)
			got = usage_fits(c->m, &o->quota, c->size, c->n, &o->err);
	}
	return (got < 0 ? -1 : 0);
}

static int copy_all(struct copying *c)
{
	struct message_op *o = c->o;
	uint32_t next;

	if (c->from->gone || c->to->gone)
		return (err_set(&o->job.err, ERR_NOT_FOUND, "no such folder"));
	o->to_uidvalidity = c->to->uidvalidity;
	for (unsigned tries = 0; tries == 0 || c->again; tries++) {
		if (tries == COPY_TRIES)
			return (err_set(&o->job.err, ERR_TEMPORARY,
			    "copy to %s: another program renames its messages; try again", c->to->dir));
		c->again = false;
		if (take_numbers(c, &next) != 0)
			return (-1);
		o->has_err = copy_each(c, next) != 0;
		if (o->has_err && !o->is_move) {
			take_back(c);
			o->job.err = o->err;
			return (-1);
		}
		if (o->has_err)
			break;
	}
	tell(c);
	o->ret_n = c->n;
	return (0);
}

static int copy_act(struct mail_job *j)
{
	struct message_op *o = (struct message_op *)j;
	struct copying c = { .o = o, .m = j->m, .from = &o->folder->lane, .to = &o->to->lane };
	int rc;

	c.arena = arena_new(0);
	c.made = mem_new_array(o->n + 1, sizeof(*c.made));
	c.rows = mem_new_array(o->n + 1, sizeof(*c.rows));
	c.some = arena_array(c.arena, MESSAGE_SOME, sizeof(*c.some));
	rc = copy_all(&c);
	free(c.made);
	free(c.rows);
	arena_free(c.arena);
	return (rc);
}

/* The sync failed: links go again. What MOVE renamed stays where it is; the next look tells. */
static void copy_undo(struct mail_job *j)
{
	struct message_op *o = (struct message_op *)j;

	if (o->is_move)
		return;
	for (unsigned where = 0; where < 2; where++) {
		char prefix[128];
		int fd = batch_fd(j->m, &o->to->lane, where);

		for (size_t i = 0; i < o->ret_n; i++) {
			struct arena *a = arena_new(0);
			struct index_row r;
			char file[NAME_MAX_FILE + 1];

			(void)snprintf(prefix, sizeof(prefix), "%sQ", o->stamp);
			if (index_get(j->m, &o->to->lane, o->ret_to[i], a, &r, NULL) == 1 &&
			    r.where == where && strncmp(r.base, prefix, strlen(prefix)) == 0) {
				row_path(&r, file);
				(void)disk_unlink(fd, file);
			}
			arena_free(a);
		}
	}
}

/* --- on the loop --- */

static void on_dropped(struct intent_job *ij)
{
	struct message_op *o = ij->self;

	/* Made and told, but a crash before the row has gone would take it back: say so. */
	if (ij->failed && !o->job.failed) {
		o->job.failed = true;
		o->job.err = ij->err;
	}
	o->job.m->ops--;
	message_op_answer(o);
}

static void copy_end(struct mail_job *j)
{
	struct message_op *o = (struct message_op *)j;

	if (!o->has_intent) {
		message_op_answer(o);
		return;
	}
	o->intent.kind = NULL;
	o->intent.end = on_dropped;
	intent_start(&o->intent);
}

static void on_failed_start(void *self)
{
	struct message_op *o = self;

	o->job.m->ops--;
	message_op_answer(o);
}

static void on_intent(struct intent_job *ij)
{
	struct message_op *o = ij->self;

	if (ij->failed) {
		o->job.failed = true;
		o->job.err = ij->err;
		on_failed_start(o);
		return;
	}
	o->has_intent = true;
	mail_job_force(&o->job);
}

void message_stamp(char ret[64], int64_t us)
{
	(void)snprintf(ret, 64, "%lld.M%lldP%d", (long long)(us / 1000000),
	    (long long)(us % 1000000), (int)getpid());
}

static struct message_op *copy_new(struct view *v, const uint32_t *uids, size_t n,
    struct folder *to, bool move, const void *by, message_done *on_done, void *self)
{
	struct message_op *o = message_op_new(v, uids, n, by, on_done, self, copy_act, copy_end);
	int64_t us = clock_wall_us();

	o->job.undo = copy_undo;
	o->to = to;
	o->is_move = move;
	o->saved = us / 1000000;
	o->quota = quota_of(to->account); /* the lane must not see it change */
	o->first = __atomic_fetch_add(&o->job.m->store->name_serial, (unsigned)n, __ATOMIC_RELAXED);
	message_stamp(o->stamp, us);
	return (o);
}

struct store_op *message_move_as(struct view *v, const uint32_t *uids, size_t n, struct folder *to,
    const char *stamp, message_done *on_done, void *self)
{
	struct message_op *o = copy_new(v, uids, n, to, true, NULL, on_done, self);

	if (stamp != NULL)
		(void)snprintf(o->stamp, sizeof(o->stamp), "%s", stamp);
	return (message_op_start(o));
}

struct store_op *message_copy(struct view *v, const uint32_t *uids, size_t n, struct folder *to,
    bool move, const void *by, message_done *on_done, void *self)
{
	struct message_op *o = copy_new(v, uids, n, to, move, by, on_done, self);
	struct store *s = o->job.m->store;

	if (quarantine_takes(to, &o->job.err) != 0 ||
	    (!move && !store_accepts(s, &o->job.err))) {
		o->job.failed = true;
		o->job.m->ops++;
		(void)loop_later(s->loop, on_failed_start, o);
		return (&o->op);
	}
	if (move || n < 2)
		return (message_op_start(o));
	buf_init(&o->intent.names, 1024);
	intent_name(&o->intent.names, to, o->stamp, o->first, (uint32_t)n);
	o->intent.s = s;
	o->intent.kind = "names";
	o->intent.self = o;
	o->intent.end = on_intent;
	o->job.m->ops++;
	intent_start(&o->intent);
	return (&o->op);
}
