/* out_body.c: how do the octets of a queued message get to the wire? Read from the file in
 * pieces on a lane, never all at once; line ends become CRLF, and for DATA a dot at the start of
 * a line is doubled. RFC 5321 4.5.2, 2.3.8. Leaves pace and connection to out_talk.c. Failures:
 * the file is gone or cannot be read: on_open or on_chunk say so. */
#include "smtp/out_body.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/mem.h"
#include "core/work.h"
#include "store/queue.h"

enum { PIECE = 32768, WIRE_MAX = 4 * PIECE };

struct read_job { /* a worker's; the body learns of it in done */
	struct job job;
	struct out_body *body; /* NULL: nobody asks any more */
	bool owns_fd;          /* the body was closed meanwhile */
	bool opens, dots;
	char path[64];
	int fd;
	uint64_t at;
	struct stuff stuff;
	struct buf wire;
	bool is_last;
	struct body_facts facts;
	struct err err;
};

struct out_body {
	struct lane *lane;
	int fd; /* -1 until opened */
	uint64_t at;
	struct stuff stuff;
	struct read_job *job; /* under way, or NULL */
	void (*on_open)(void *self, const struct body_facts *f, const struct err *err);
	void (*on_chunk)(void *self, struct slice wire, bool is_last, const struct err *err);
	void *self;
};

/* --- conversion --- */

int stuff_add(struct stuff *s, struct slice disk, bool dots, struct buf *out)
{
	size_t from = 0;

	for (size_t i = 0; i < disk.n; i++) {
		char c = disk.p[i];

		if (dots && !s->in_line && c == '.') { /* RFC 5321 4.5.2 */
			buf_add(out, disk.p + from, i - from);
			buf_addc(out, '.');
			from = i;
		}
		if (c == '\n' && !s->after_cr) {
			buf_add(out, disk.p + from, i - from);
			buf_addc(out, '\r');
			from = i;
		}
		s->in_line = c != '\n';
		s->after_cr = c == '\r';
	}
	buf_add(out, disk.p + from, disk.n - from);
	return (out->failed ? -1 : 0);
}

int stuff_end(struct stuff *s, bool dots, struct buf *out)
{
	if (!dots)
		return (0);
	if (s->in_line)
		buf_addz(out, s->after_cr ? "\n" : "\r\n");
	buf_addz(out, ".\r\n");
	return (out->failed ? -1 : 0);
}

/* --- on the worker --- */

static ssize_t read_piece(int fd, char *to, uint64_t at)
{
	ssize_t n;

	do
		n = pread(fd, to, PIECE, (off_t)at);
	while (n == -1 && errno == EINTR);
	return (n);
}

static void look_at(struct body_facts *f, struct slice s, bool *in_body, bool *at_start)
{
	for (size_t i = 0; i < s.n; i++) {
		if (!*in_body && *at_start && s.p[i] == '\n')
			*in_body = true;
		if ((unsigned char)s.p[i] >= 0x80) {
			f->body_8bit = f->body_8bit || *in_body;
			f->header_8bit = f->header_8bit || !*in_body;
		}
		*at_start = s.p[i] == '\n' || (*at_start && s.p[i] == '\r');
	}
}

static void run_open(struct read_job *r)
{
	bool in_body = false, at_start = true;
	char *piece;
	ssize_t n;

	if ((r->fd = open(r->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)) == -1) {
		err_errno(&r->err, "open the queued message %s", r->path);
		return;
	}
	piece = mem_new(PIECE);
	while ((n = read_piece(r->fd, piece, r->at)) > 0) {
		look_at(&r->facts, (struct slice){ piece, (size_t)n }, &in_body, &at_start);
		r->at += (uint64_t)n;
	}
	if (n == -1)
		err_errno(&r->err, "read the queued message %s", r->path);
	free(piece);
}

static void run(struct job *j)
{
	struct read_job *r = (struct read_job *)j;
	char *piece;
	ssize_t n;

	if (r->opens) {
		run_open(r);
		return;
	}
	piece = mem_new(PIECE);
	if ((n = read_piece(r->fd, piece, r->at)) == -1) {
		err_errno(&r->err, "read the queued message");
	} else {
		r->at += (uint64_t)n;
		r->is_last = n == 0;
		if (stuff_add(&r->stuff, (struct slice){ piece, (size_t)n }, r->dots, &r->wire) ==
			-1 ||
		    (r->is_last && stuff_end(&r->stuff, r->dots, &r->wire) == -1))
			err_set(&r->err, ERR_TEMPORARY, "read the queued message: out of memory");
	}
	free(piece);
}

/* --- on the loop --- */

static void job_free(struct read_job *r)
{
	if (r->owns_fd && r->fd != -1)
		(void)close(r->fd);
	buf_free(&r->wire);
	free(r);
}

static void done(struct job *j)
{
	struct read_job *r = (struct read_job *)j;
	struct out_body *b = r->body;
	const struct err *err = r->err.kind != ERR_NONE ? &r->err : NULL;

	if (b != NULL) {
		b->job = NULL;
		if (r->opens) {
			b->fd = r->fd;
			b->on_open(b->self, &r->facts, err);
		} else {
			b->at = r->at;
			b->stuff = r->stuff;
			b->on_chunk(b->self, buf_slice(&r->wire), r->is_last, err);
		}
	}
	job_free(r);
}

static struct read_job *job_new(struct out_body *b)
{
	struct read_job *r = NEW(struct read_job);

	r->job.run = run;
	r->job.done = done;
	r->body = b;
	r->fd = b->fd;
	r->at = b->at;
	r->stuff = b->stuff;
	buf_init(&r->wire, WIRE_MAX);
	b->job = r;
	return (r);
}

struct out_body *out_body_open(struct lane *l, const char *queue_id,
    void (*on_open)(void *self, const struct body_facts *f, const struct err *err), void *self)
{
	struct out_body *b = NEW(struct out_body);
	struct read_job *r;

	b->lane = l;
	b->fd = -1;
	b->on_open = on_open;
	b->self = self;
	r = job_new(b);
	r->opens = true;
	queue_path(queue_id, r->path);
	lane_force(l, &r->job); /* one a connection: L_OUT_CONNS bounds them */
	return (b);
}

void out_body_next(struct out_body *b, bool dots,
    void (*on_chunk)(void *self, struct slice wire, bool is_last, const struct err *err),
    void *self)
{
	struct read_job *r = job_new(b);

	b->on_chunk = on_chunk;
	b->self = self;
	r->dots = dots;
	lane_force(b->lane, &r->job);
}

/* A job under way reads from the descriptor, which therefore stays open until it is done. */
static void silence(struct out_body *b, bool closing)
{
	if (b->job == NULL) {
		if (closing && b->fd != -1)
			(void)close(b->fd);
		return;
	}
	b->job->body = NULL;
	b->job->owns_fd = closing;
	b->job = NULL;
}

void out_body_rewind(struct out_body *b)
{
	silence(b, false);
	b->at = 0;
	b->stuff = (struct stuff){ 0 };
}

void out_body_close(struct out_body *b)
{
	if (b == NULL)
		return;
	silence(b, true);
	free(b);
}
