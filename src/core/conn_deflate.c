/* conn_deflate.c: how does a connection speak DEFLATE, as a layer between TLS and its owner (RFC 1951, RFC 4978)? What comes
 * is kept compressed and inflated only while there is room below the mark, so a small input that grows large costs no more
 * memory than any other; what goes is flushed at the end of each turn. A small window keeps a session's state near 40 KiB, and one
 * that waits gives it up.
 * The one file that knows zlib. Failures: a stream that is none, or that ends, closes the connection. */
#include "core/conn_int.h"

#include <stdlib.h>
#include <zlib.h>

#include "core/limits.h"
#include "core/mem.h"

enum {
	OUT_WINDOW = -12, /* raw; 4 KiB: 38 KiB of state, and a third more on the wire than the largest */
	OUT_MEMORY = 5,
	OUT_LEVEL = 6,
	IN_WINDOW = -15, /* the client's choice is not known before it comes */
	IN_BETWEEN = 128, /* zlib's data_type between two blocks, all bits used */
	PIECE_IN = 8192, /* inflated at once */
	PIECE_OUT = 65536,
};

struct conn_deflate {
	z_stream in, out;
	bool has_in, has_out; /* those two are there */
	bool rests;	      /* and are given up once all that was said is on its way */
	struct buf history;   /* in place of ${in}: what the peer's next octets may refer to */
	struct buf waiting; /* came, not inflated yet */
	bool is_full;	    /* the last piece filled its room: zlib may hold more */
	bool is_broken;
};

/* A peer that was told everything, with a flush, can be told more by a stream that begins anew: it refers to nothing before,
 * and blocks end at octets (RFC 1951 3.2.4). */
static int wake_out(struct conn_deflate *d)
{
	if (!d->has_out)
		d->has_out = deflateInit2(&d->out, OUT_LEVEL, Z_DEFLATED, OUT_WINDOW, OUT_MEMORY,
		    Z_DEFAULT_STRATEGY) == Z_OK;
	return (d->has_out ? 0 : -1);
}

static void rest_out(struct conn_deflate *d)
{
	if (d->has_out)
		(void)deflateEnd(&d->out);
	d->has_out = false;
}

static int wake_in(struct conn_deflate *d)
{
	if (d->has_in)
		return (0);
	d->in = (z_stream){ 0 };
	if (inflateInit2(&d->in, IN_WINDOW) != Z_OK)
		return (-1);
	d->has_in = true;
	if (d->history.n > 0 &&
	    inflateSetDictionary(&d->in, (const Bytef *)d->history.p, (uInt)d->history.n) != Z_OK)
		return (-1);
	buf_free(&d->history);
	return (0);
}

/* Only between two blocks, with no bit of the next one read: data_type says 128 then. */
static void rest_in(struct conn_deflate *d)
{
	uInt n = 0;
	char *room;

	if (!d->has_in || d->waiting.n > 0 || d->is_full || d->is_broken || d->in.data_type != IN_BETWEEN ||
	    inflateGetDictionary(&d->in, NULL, &n) != Z_OK)
		return;
	if (n > 0) {
		if ((room = buf_room(&d->history, n)) == NULL ||
		    inflateGetDictionary(&d->in, (Bytef *)room, &n) != Z_OK) {
			buf_free(&d->history);
			return;
		}
		buf_grew(&d->history, n);
	}
	(void)inflateEnd(&d->in);
	d->has_in = false;
}

void conn_rest(struct conn *c)
{
	if (c->deflate == NULL)
		return;
	c->deflate->rests = true; /* once what is being said is on its way */
}

int conn_start_deflate(struct conn *c)
{
	struct conn_deflate *d;

	loop_assert(c->loop);
	/* Unread octets were sent before the peer could know: they would be taken for compressed ones. */
	if (c->state != CONN_OPEN || c->deflate != NULL || c->in.n > c->in_at || c->is_eof ||
	    (c->tls != NULL && !c->tls->is_ready))
		return (-1);
	d = NEW(struct conn_deflate);
	buf_init(&d->waiting, 3 * (size_t)LOOP_READ);
	buf_init(&d->history, 1 << -IN_WINDOW);
	if (wake_out(d) != 0 || wake_in(d) != 0) {
		conn_deflate_free(d);
		return (-1);
	}
	conn_pump(c); /* the answer that allows it leaves as it is */
	while (c->out.n > 0 && c->state == CONN_OPEN) {
		if (c->tls != NULL) {
			conn_tls_flush(c);
			continue;
		}
		conn_wire(c, buf_slice(&c->out));
		buf_free(&c->out);
	}
	c->deflate = d;
	return (c->state == CONN_OPEN ? 0 : -1);
}

void conn_deflate_free(struct conn_deflate *d)
{
	if (d == NULL)
		return;
	rest_out(d);
	if (d->has_in)
		(void)inflateEnd(&d->in);
	buf_free(&d->history);
	buf_free(&d->waiting);
	free(d);
}

bool conn_is_deflated(const struct conn *c)
{
	return (c->deflate != NULL);
}

bool conn_deflate_waits(const struct conn *c)
{
	return (c->deflate != NULL && !c->deflate->is_broken && (c->deflate->waiting.n > 0 || c->deflate->is_full));
}

/* One piece; false: nothing more to be had now. */
static bool inflate_piece(struct conn *c)
{
	struct conn_deflate *d = c->deflate;
	char piece[PIECE_IN];
	size_t had = d->waiting.n;
	int got;

	d->in.next_in = (Bytef *)d->waiting.p;
	d->in.avail_in = (uInt)had;
	d->in.next_out = (Bytef *)piece;
	d->in.avail_out = PIECE_IN;
	got = inflate(&d->in, Z_SYNC_FLUSH);
	if (got != Z_OK && got != Z_BUF_ERROR) {
		d->is_broken = true;
		conn_close(c, got == Z_STREAM_END ? "the peer ended compression" : "deflate: broken input");
		return (false);
	}
	d->is_full = d->in.avail_out == 0;
	if (d->in.avail_in == 0)
		buf_free(&d->waiting);
	else
		buf_drop(&d->waiting, had - d->in.avail_in);
	if (d->in.avail_out < PIECE_IN)
		conn_clear(c, (struct slice){ piece, PIECE_IN - d->in.avail_out });
	else if (had == d->waiting.n && had > 0) { /* input that moves nothing on */
		d->is_broken = true;
		conn_close(c, "deflate: broken input");
	}
	return (d->waiting.n > 0 || d->is_full);
}

void conn_deflate_more(struct conn *c)
{
	while (c->state == CONN_OPEN && conn_deflate_waits(c) && c->in.n - c->in_at < c->mark)
		if (!inflate_piece(c))
			break;
}

void conn_deflate_input(struct conn *c, struct slice s)
{
	if (c->deflate->is_broken)
		return;
	c->deflate->rests = false;
	if (wake_in(c->deflate) != 0) {
		conn_abort(c, "out of memory for input");
		return;
	}
	if (buf_add_slice(&c->deflate->waiting, s) != 0) {
		conn_abort(c, "out of memory for input");
		return;
	}
	conn_deflate_more(c);
}

void conn_deflate_flush(struct conn *c)
{
	z_stream *z = &c->deflate->out;
	size_t n = c->out.n < PIECE_OUT ? c->out.n : PIECE_OUT;
	int flush = n == c->out.n ? Z_SYNC_FLUSH : Z_NO_FLUSH;
	struct buf now = BUF_INIT(2 * PIECE_OUT);

	if (wake_out(c->deflate) != 0) {
		conn_abort(c, "out of memory for output");
		return;
	}
	z->next_in = (Bytef *)c->out.p;
	z->avail_in = (uInt)n;
	do {
		char *room = buf_room(&now, PIECE_IN);

		if (room == NULL)
			break;
		z->next_out = (Bytef *)room;
		z->avail_out = PIECE_IN;
		(void)deflate(z, flush);
		buf_grew(&now, PIECE_IN - z->avail_out);
	} while (z->avail_out == 0);
	if (z->avail_in > 0 || now.failed) {
		buf_free(&now);
		conn_abort(c, "deflate: too much output");
		return;
	}
	if (n == c->out.n)
		buf_free(&c->out);
	else
		buf_drop(&c->out, n);
	if (c->tls != NULL)
		conn_tls_write(c, buf_slice(&now));
	else
		conn_wire(c, buf_slice(&now));
	buf_free(&now);
	if (c->deflate->rests && flush == Z_SYNC_FLUSH) {
		rest_out(c->deflate);
		rest_in(c->deflate);
	}
}
