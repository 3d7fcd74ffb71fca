/* How is a message with binary parts kept as text? The tree of parts says where each
 * Content-Transfer-Encoding and each body is; the rest is copied. A multipart cannot be base64, what
 * is inside it is (RFC 2045 6.4). Nothing is lost: decoding gives the same octets (RFC 3516 4.4). */
#include "msg/binary.h"

#include "msg/mime.h"
#include "msg/text.h"

struct copying {
	struct slice from;
	size_t at; /* copied up to here */
	struct buf *out;
};

static void copy_to(struct copying *c, size_t at)
{
	if (at <= c->at)
		return;
	(void)buf_add_slice(c->out, slice_head(slice_from(c->from, c->at), at - c->at));
	c->at = at;
}

static void name_encoding(struct copying *c, const struct mime_part *p, const char *line)
{
	const struct field *f =
	    header_first(&p->header, SLICE("Content-Transfer-Encoding")); /* MIM-08: the first */

	if (f == NULL || f->raw.p < c->from.p + c->at)
		return;
	copy_to(c, (size_t)(f->raw.p - c->from.p));
	(void)buf_addz(c->out, line);
	c->at += f->raw.n;
}

static void encode_body(struct copying *c, const struct mime *m, const struct mime_part *p)
{
	copy_to(c, p->body_at);
	(void)text_encode_base64(mime_body(m, p), c->out);
	/* the line end before a boundary is the boundary's */
	if (p->parent != MIME_NONE && p->body_size > 0)
		buf_cut(c->out, c->out->n - 2);
	c->at = (size_t)p->body_at + p->body_size;
}

int binary_encode(struct slice message, struct buf *out)
{
	struct copying c = { .from = message, .out = out };
	struct arena *a = arena_new(0);
	bool any = false;
	struct mime m;

	mime_parse(a, message, &m);
	for (size_t i = 0; i < m.n; i++) {
		const struct mime_part *p = &m.parts[i];

		if (p->encoding != MIME_BINARY || p->opaque || p->header_at < c.at)
			continue;
		any = true;
		name_encoding(&c, p, p->kind == MIME_LEAF
			? "Content-Transfer-Encoding: base64\r\n"
			: "Content-Transfer-Encoding: 8bit\r\n");
		if (p->kind == MIME_LEAF)
			encode_body(&c, &m, p);
	}
	arena_free(a);
	if (any)
		copy_to(&c, message.n);
	if (out->failed)
		return (-1);
	message = any ? buf_slice(out) : message;
	if (message.n > 0 && memchr(message.p, '\0', message.n) != NULL)
		return (-1);
	return (any);
}
