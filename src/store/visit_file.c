/* visit_file.c: how is a message's file read as CRLF, piece by piece? Memory is bounded by one
 * piece. On the worker. Failures: the file is gone (looked for once under its base name, for its
 * flags may have changed), or cannot be read. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/crlf.h"
#include "store/visit_int.h"

static const char *const places[] = { "cur", "new" };

/* Renamed since the index was read: the base stays. */
static int open_by_base(struct visit *v)
{
	for (size_t i = 0; i < COUNT_OF(places); i++) {
		char path[600];
		DIR *d;
		const struct dirent *e;
		int fd = -1;

		(void)snprintf(path, sizeof(path), "%s/%s", v->dir, places[i]);
		d = opendir(path);
		if (d == NULL)
			continue;
		while (fd == -1 && (e = readdir(d)) != NULL) {
			struct name name;

			if (name_parse(slice_of(e->d_name), &name) && slice_eq(name.base, v->base))
				fd = openat(dirfd(d), e->d_name,
				    O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
		}
		(void)closedir(d);
		if (fd != -1)
			return (fd);
	}
	errno = ENOENT;
	return (-1);
}

int visit_file_open(struct visit *v, struct err *err)
{
	char path[1200];

	if (v->fd != -1)
		return (0);
	(void)snprintf(path, sizeof(path), "%s/%s/" SLICE_FMT SLICE_FMT, v->dir,
	    v->where != 0 ? "cur" : "new", SLICE_ARG(v->base), SLICE_ARG(v->info));
	v->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (v->fd == -1 && errno == ENOENT)
		v->fd = open_by_base(v);
	if (v->fd == -1)
		return (err_errno(err, "open a message of %s", v->dir));
	v->file_at = v->piece_at = v->piece_file_at = 0;
	v->after_cr = v->piece_after_cr = v->at_end = false;
	buf_reset(&v->piece);
	return (0);
}

void visit_file_close(struct visit *v)
{
	struct mail *m = v->m;

	if (v->fd == -1)
		return;
	if (v->piece_at > VISIT_CHUNK && !v->is_wire) {
		(void)pthread_mutex_lock(&m->lock);
		m->hints[m->hints_at] = (struct read_hint){ .wire_at = v->piece_at,
			.file_at = v->piece_file_at,
			.after_cr = v->piece_after_cr };
		memcpy(m->hints[m->hints_at].cid, v->cid, 16);
		m->hints_at = (m->hints_at + 1) % COUNT_OF(m->hints);
		(void)pthread_mutex_unlock(&m->lock);
	}
	(void)close(v->fd);
	v->fd = -1;
	v->file_uid = 0;
}

/* Go to the nearest known place at or before ${at}. */
static void seek(struct visit *v, uint64_t at)
{
	struct read_hint best = { .wire_at = 0 };

	if (v->is_wire) {
		best.wire_at = best.file_at = at;
	} else {
		(void)pthread_mutex_lock(&v->m->lock);
		for (size_t i = 0; i < COUNT_OF(v->m->hints); i++) {
			const struct read_hint *h = &v->m->hints[i];

			if (h->wire_at <= at && h->wire_at > best.wire_at &&
			    memcmp(h->cid, v->cid, 16) == 0)
				best = *h;
		}
		(void)pthread_mutex_unlock(&v->m->lock);
		/* Where we are may be nearer still. */
		if (at >= v->piece_at + v->piece.n && v->piece_at + v->piece.n >= best.wire_at)
			return;
	}
	buf_reset(&v->piece);
	v->piece_at = best.wire_at;
	v->file_at = v->piece_file_at = best.file_at;
	v->after_cr = v->piece_after_cr = best.after_cr;
	v->at_end = false;
}

static int next_piece(struct visit *v, struct err *err)
{
	char chunk[VISIT_CHUNK];
	ssize_t n = pread(v->fd, chunk, sizeof(chunk), (off_t)v->file_at);

	if (n < 0)
		return (err_errno(err, "read a message of %s", v->dir));
	v->piece_at += v->piece.n;
	v->piece_file_at = v->file_at;
	v->piece_after_cr = v->after_cr;
	buf_reset(&v->piece);
	if (v->is_wire) {
		(void)buf_add(&v->piece, chunk, (size_t)n);
	} else {
		(void)crlf_wire((struct slice){ chunk, (size_t)n }, &v->after_cr, &v->piece);
	}
	v->file_at += (uint64_t)n;
	v->at_end = (size_t)n < sizeof(chunk); /* a regular file gives all it has */
	return (v->piece.failed ? err_set(err, ERR_TEMPORARY, "no memory to read a message") : 0);
}

int visit_read(struct visit *v, uint64_t at, uint64_t n, struct buf *out, struct err *err)
{
	if (visit_file_open(v, err) != 0)
		return (-1);
	if (at < v->piece_at || at > v->piece_at + v->piece.n)
		seek(v, at);
	while (n > 0) {
		struct slice piece = buf_slice(&v->piece);

		if (at >= v->piece_at && at - v->piece_at < piece.n) {
			struct slice part = slice_from(piece, (size_t)(at - v->piece_at));

			if (part.n > n)
				part = slice_head(part, (size_t)n);
			if (buf_add_slice(out, part) != 0)
				return (
				    err_set(err, ERR_LIMIT, "a message is too large to be read"));
			at += part.n;
			n -= part.n;
			continue;
		}
		if (v->at_end)
			break;
		if (next_piece(v, err) != 0)
			return (-1);
	}
	return (0);
}

int visit_whole(struct visit *v, struct slice *ret, struct err *err)
{
	if (v->whole.n == 0 && visit_read(v, 0, (uint64_t)L_SIZE * 2, &v->whole, err) != 0)
		return (-1);
	*ret = buf_slice(&v->whole);
	return (0);
}
