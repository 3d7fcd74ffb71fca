/* structure.c: what do IMAP's BODY and BODYSTRUCTURE say of a part tree?
 *
 * A walk along the tree's own links, no recursion. Parts past a limit show as
 * application/octet-stream. A message/rfc822 that is itself encoded cannot be looked into; the
 * grammar wants an envelope and a body there, so it gets empty ones. Parameters are given as they
 * stand, RFC 2231 pieces too: clients know them, and the raw form is ASCII. RFC 9051 7.5.2 and 9
 * (body, body-type-*). */
#include "msg/envelope_int.h"

#include "core/limits.h"
#include "msg/mime_int.h"

struct writer {
	struct buf *out;
	struct arena *arena;
	const struct mime *m;
	bool extended;
};

static void add(struct writer *w, const char *z)
{
	(void)buf_addz(w->out, z);
}

static void add_string(struct writer *w, struct slice s)
{
	(void)envelope_nstring(w->out, s, false);
}

static void add_nstring(struct writer *w, struct slice s)
{
	(void)envelope_nstring(w->out, s, s.n == 0);
}

/* body-fld-param = "(" string SP string *(SP string SP string) ")" / nil */
static void add_params(struct writer *w, const struct mime_value *v)
{
	if (v->params_n == 0) {
		add(w, "NIL");
		return;
	}
	add(w, "(");
	for (size_t i = 0; i < v->params_n; i++) {
		if (i > 0)
			add(w, " ");
		add_string(w, v->params[i].name);
		add(w, " ");
		add_string(w, v->params[i].value);
	}
	add(w, ")");
}

/* The field's parameters before RFC 2231 joins them. */
static void add_raw_params(struct writer *w, const struct mime_part *p, struct slice field)
{
	const struct field *f = header_first(&p->header, field);
	struct mime_value raw = { .params_n = 0 };

	if (f != NULL)
		mime_value_read(w->arena, f->body, true, &raw, NULL);
	add_params(w, &raw);
}

static void add_disposition(struct writer *w, const struct mime_part *p)
{
	if (!p->disposition.present || p->disposition.type.n == 0) {
		add(w, "NIL");
		return;
	}
	add(w, "(");
	add_string(w, p->disposition.type);
	add(w, " ");
	add_raw_params(w, p, SLICE("Content-Disposition"));
	add(w, ")");
}

/* body-fld-lang = nstring / "(" string *(SP string) ")" */
static void add_language(struct writer *w, struct slice s)
{
	struct slice one, rest = s;
	bool any = false;

	if (slice_chr(s, ',') == SIZE_MAX) {
		add_nstring(w, s);
		return;
	}
	while (rest.n > 0) {
		(void)slice_cut(rest, ',', &one, &rest);
		one = slice_trim(one);
		if (one.n == 0)
			continue;
		add(w, any ? " " : "(");
		add_string(w, one);
		any = true;
	}
	add(w, any ? ")" : "NIL");
}

static void add_disposition_to_location(struct writer *w, const struct mime_part *p)
{
	add(w, " ");
	add_disposition(w, p);
	add(w, " ");
	add_language(w, p->language);
	add(w, " ");
	add_nstring(w, p->location);
}

static struct slice encoding_name(const struct mime_part *p)
{
	switch (p->encoding) {
	case MIME_7BIT: return (SLICE("7bit"));
	case MIME_8BIT: return (SLICE("8bit"));
	case MIME_BINARY: return (SLICE("binary"));
	case MIME_BASE64: return (SLICE("base64"));
	case MIME_QP: return (SLICE("quoted-printable"));
	case MIME_UNKNOWN: break;
	}
	return (p->encoding_text);
}

/* Type, parameters and body-fields of a part that is no multipart. */
static void add_basic(struct writer *w, const struct mime_part *p)
{
	bool hidden = p->opaque && (mime_is(p, "multipart", NULL) || mime_is(p, "message", NULL));

	add_string(w, hidden ? SLICE("application") : p->type.type);
	add(w, " ");
	add_string(w, hidden ? SLICE("octet-stream") : p->type.subtype);
	add(w, " ");
	if (p->type.params_n > 0)
		add_raw_params(w, p, SLICE("Content-Type"));
	else if (!p->type.present && mime_is(p, "text", "plain")) /* RFC 2045 5.2 */
		add(w, "(\"charset\" \"us-ascii\")");
	else
		add(w, "NIL");
	add(w, " ");
	add_nstring(w, p->id);
	add(w, " ");
	add_nstring(w, p->description);
	add(w, " ");
	add_string(w, encoding_name(p));
	(void)buf_fmt(w->out, " %u", p->body_size);
	if (!hidden && p->kind == MIME_LEAF && mime_is(p, "text", NULL))
		(void)buf_fmt(w->out, " %u", p->body_lines);
}

static void add_extension(struct writer *w, const struct mime_part *p)
{
	if (!w->extended)
		return;
	add(w, " ");
	add_nstring(w, p->md5);
	add_disposition_to_location(w, p);
}

static bool is_closed_message(const struct mime_part *p)
{
	return (p->kind == MIME_LEAF && !p->opaque &&
	    (mime_is(p, "message", "rfc822") || mime_is(p, "message", "global")));
}

/* Up to the first child; a leaf is written whole. */
static void part_begin(struct writer *w, const struct mime_part *p)
{
	add(w, "(");
	switch (p->kind) {
	case MIME_MULTIPART: return;
	case MIME_MESSAGE:
		add_basic(w, p);
		add(w, " ");
		envelope_write_in(w->out, w->arena, &w->m->parts[p->first].header);
		add(w, " ");
		return;
	case MIME_LEAF: break;
	}
	add_basic(w, p);
	if (is_closed_message(p)) {
		add(w,
		    " (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL) "
		    "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 0 0");
		if (w->extended)
			add(w, " NIL NIL NIL NIL");
		(void)buf_fmt(w->out, ") %u", p->body_lines);
	}
	add_extension(w, p);
	add(w, ")");
}

/* After the last child. */
static void part_end(struct writer *w, const struct mime_part *p)
{
	if (p->kind == MIME_MULTIPART) {
		add(w, " ");
		add_string(w, p->type.subtype);
		if (w->extended) {
			add(w, " ");
			add_raw_params(w, p, SLICE("Content-Type"));
			add_disposition_to_location(w, p);
		}
	} else {
		(void)buf_fmt(w->out, " %u", p->body_lines);
		add_extension(w, p);
	}
	add(w, ")");
}

int structure_write(struct buf *out, const struct mime *m, bool extended)
{
	struct writer w = { .out = out, .arena = arena_new(0), .m = m, .extended = extended };
	unsigned at = 0;

	while (at != MIME_NONE) {
		const struct mime_part *p = &m->parts[at];

		part_begin(&w, p);
		if (p->first != MIME_NONE) {
			at = p->first;
			continue;
		}
		while (p->next == MIME_NONE && p->parent != MIME_NONE) {
			p = &m->parts[p->parent];
			part_end(&w, p);
		}
		at = p->next;
	}
	arena_free(w.arena);
	return (out->failed ? -1 : 0);
}
