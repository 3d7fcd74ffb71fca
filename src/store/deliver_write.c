/* deliver_write.c: how is one message file written? On the sync lane: prefix and draft joined
 * into the form that is served, its content id and rendered items taken from that, then once to
 * disk in LF form, synced, closed. Failures: the file is removed; a full disk gives up the
 * reserve, a failed sync is remembered (P9). */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "msg/binary.h"
#include "store/crlf.h"
#include "store/deliver_int.h"
#include "store/fault.h"

enum { WRITE_CHUNK = 131072 };

struct writer {
	int fd;
	struct buf out; /* LF; or CRLF when it must stay */
	bool strip, held;
	uint64_t disk;
	unsigned state; /* of crlf_can_strip */
};

typedef int piece_fn(void *self, struct slice piece);

/* Calls back with the prefix and the draft without what is dropped. */
static int each_piece(const struct commit_op *c, const struct draft *draft, struct slice prefix,
    piece_fn *fn, void *self)
{
	size_t drop_n = draft == c->draft ? c->drop_n : 0;
	struct slice all = draft_bytes(draft);
	uint64_t at = 0;

	if (fn(self, prefix) != 0)
		return (-1);
	for (size_t i = 0; i <= drop_n; i++) {
		uint64_t end = i < drop_n ? c->drop[i].at : all.n;

		if (end > all.n)
			end = all.n;
		if (end > at && fn(self, (struct slice){ all.p + at, (size_t)(end - at) }) != 0)
			return (-1);
		if (i < drop_n && c->drop[i].at + c->drop[i].n > at)
			at = c->drop[i].at + c->drop[i].n;
	}
	return (0);
}

static int gather_piece(void *self, struct slice piece)
{
	return (buf_add_slice(self, piece));
}

static int write_piece(struct writer *w, struct slice wire)
{
	while (wire.n > 0) {
		struct slice part = slice_head(wire, WRITE_CHUNK);

		buf_reset(&w->out);
		if ((w->strip ? crlf_strip(part, &w->held, &w->out)
			      : buf_add_slice(&w->out, part)) != 0)
			return (-1);
		w->disk += w->out.n;
		if (disk_write_all(w->fd, w->out.p, w->out.n) != 0)
			return (-1);
		wire = slice_from(wire, part.n);
	}
	return (0);
}

/* NUL cannot be in a message that any client is to fetch: it is kept encoded, or not at all. */
static int without_binary(struct target *t, struct buf *wire)
{
	struct buf plain = BUF_INIT(SIZE_MAX / 4);
	int rc = binary_encode(buf_slice(wire), &plain);

	if (rc < 0) {
		buf_free(&plain);
		return (err_set(&t->job.err, ERR_CANNOT,
		    "a NUL stands where the transfer encoding is not binary"));
	}
	if (rc > 0) {
		buf_free(wire);
		*wire = plain;
	}
	return (0);
}

/* The wire form as it will be served: bare LF became CRLF (APPEND; SMTP refuses them). */
static int wire_form(const struct commit_op *c, const struct draft *draft, struct slice prefix,
    struct target *t, struct buf *out)
{
	struct buf raw = BUF_INIT(SIZE_MAX / 4);
	bool after_cr = false;
	int rc;

	if (each_piece(c, draft, prefix, gather_piece, &raw) != 0 ||
	    (t != NULL && t->is_octets && without_binary(t, &raw) != 0)) {
		buf_free(&raw);
		return (-1);
	}
	if (crlf_wire_size(buf_slice(&raw), &after_cr) == raw.n) {
		*out = raw;
		return (0);
	}
	after_cr = false;
	rc = crlf_wire(buf_slice(&raw), &after_cr, out);
	buf_free(&raw);
	return (rc);
}

static int write_file(
    const char *path, struct slice wire, int64_t date, uint64_t *ret_disk, struct err *err)
{
	struct writer w = { .out = BUF_INIT(WRITE_CHUNK + 16) };
	struct timespec times[2] = { { .tv_sec = date }, { .tv_sec = date } };
	int number;

	w.strip = crlf_can_strip(wire, &w.state);
	w.fd = disk_create(AT_FDCWD, path, 0600);
	if (w.fd == -1)
		return (err_errno(err, "create a message file"));
	if (write_piece(&w, wire) != 0)
		goto fail;
	buf_reset(&w.out);
	(void)crlf_strip_end(&w.held, &w.out);
	w.disk += w.out.n;
	if (disk_write_all(w.fd, w.out.p, w.out.n) != 0 ||
	    (date != 0 && futimens(w.fd, times) != 0) || disk_fsync(w.fd) != 0)
		goto fail;
	buf_free(&w.out);
	if (close(w.fd) != 0) {
		number = errno;
		(void)unlink(path);
		errno = number;
		return (err_errno(err, "write a message file"));
	}
	*ret_disk = w.disk;
	return (0);
fail:
	number = errno;
	(void)close(w.fd);
	(void)unlink(path);
	buf_free(&w.out);
	errno = number;
	return (err_errno(err, "write a message file"));
}

static void content_id(struct slice wire, unsigned char ret[16])
{
	unsigned char digest[crypto_hash_sha256_BYTES];

	(void)crypto_hash_sha256(digest, (const unsigned char *)wire.p, wire.n);
	memcpy(ret, digest, 16);
}

static void tell_disk(struct store *s, const struct err *err)
{
	if (err->kind == ERR_NO_SPACE)
		store_no_space(s);
	else if (err->number == EIO || err->number == EROFS)
		store_sync_failed(s, err->text);
}

void target_write(struct job *job)
{
	struct target *t = (struct target *)job;
	struct buf wire = BUF_INIT(SIZE_MAX / 4);
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/tmp/%s", t->root, t->unique);
	t->job.failed = true;
	if (wire_form(t->op, t->draft, t->prefix, t, &wire) != 0 || wire.n > UINT32_MAX) {
		if (t->job.err.kind != ERR_CANNOT)
			(void)err_set(
			    &t->job.err, ERR_TEMPORARY, "no memory for a message of this size");
	} else if (write_file(path, buf_slice(&wire), t->date, &t->disk, &t->job.err) == 0) {
		t->wire = wire.n;
		content_id(buf_slice(&wire), t->cid);
		items_render(&t->items, buf_slice(&wire), true);
		t->written = true;
		t->job.failed = false;
	}
	if (t->job.failed)
		tell_disk(t->op->s, &t->job.err);
	buf_free(&wire);
}

void outgoing_write(struct job *job)
{
	struct body *b = (struct body *)job;
	struct buf wire = BUF_INIT(SIZE_MAX / 4);
	char tmp[96], path[64];
	uint64_t disk;

	(void)snprintf(tmp, sizeof(tmp), "queue/tmp/%s", b->id);
	queue_path(b->id, path);
	b->failed = true;
	if (wire_form(b->op, b->op->draft, b->op->queue_prefix, NULL, &wire) != 0) {
		(void)err_set(&b->err, ERR_TEMPORARY, "no memory for a message of this size");
	} else if (write_file(tmp, buf_slice(&wire), 0, &disk, &b->err) == 0) {
		b->size = wire.n;
		if (disk_rename(AT_FDCWD, tmp, AT_FDCWD, path) != 0) {
			(void)err_errno(&b->err, "name a queued message");
			(void)unlink(tmp);
		} else {
			b->made = true;
			if (disk_sync_dir("queue") != 0)
				(void)err_errno(&b->err, "sync queue");
			else
				b->failed = false;
		}
	}
	if (b->failed)
		tell_disk(b->op->s, &b->err);
	buf_free(&wire);
}
