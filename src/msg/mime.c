/* mime.c: which parts does a message have, and where do they lie?
 *
 * One pass over the lines with a stack of what is open; a boundary line is looked for from the
 * innermost multipart outwards, so a missing end marker costs nothing. Limits: beyond L_DEPTH a
 * part is an opaque leaf; at L_PARTS, or when headers of parts hold too many fields, the rest of
 * the message is one. A multipart in which no boundary line was found, or which names no boundary,
 * is read as plain text. Values are left to mime_value.c, decoding to text.c. RFC 2045, 2046 5.1,
 * RFC 6532 (message/global). Never fails. */
#include "msg/mime_int.h"

#include <limits.h>

#include "core/limits.h"
#include "msg/header_int.h"
#include "msg/text.h"

enum {
	PART_FIELDS = 64 * 1024, /* fields of all headers together: what they cost in memory */
	BOUNDARY_MAX = 1000, /* RFC 2046 5.1.1 says 70; a longer one than a line can be is none */
};

struct open { /* a part that may still grow */
	unsigned part, last_child;
	struct slice boundary; /* empty: a leaf or message, or its last part is over */
	size_t lines_before;   /* line ends in front of its body */
	bool is_digest;
};

struct builder {
	struct arena *arena;
	struct mime *m;
	struct open open[L_DEPTH + 1];
	size_t depth; /* open ones */
	size_t cap, fields_left;
	size_t at, lines; /* octets read, line ends among them */
	bool full;        /* a limit for the whole message was hit */
};

struct delimiter {
	size_t level; /* which open part it belongs to */
	bool is_last;
};

static bool is_padding(struct slice s) /* RFC 2046 5.1.1: transport-padding */
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != ' ' && s.p[i] != '\t' && s.p[i] != '\r')
			return (false);
	return (true);
}

/* Is this line, which begins with "--", a boundary line of something open? */
static bool find_delimiter(const struct builder *b, struct slice line, struct delimiter *ret)
{
	struct slice text = slice_from(line, 2);

	for (size_t i = b->depth; i-- > 0;) {
		const struct open *o = &b->open[i];
		struct slice rest;

		if (o->boundary.n == 0 || !slice_starts(text, o->boundary))
			continue;
		rest = slice_from(text, o->boundary.n);
		ret->level = i;
		ret->is_last = slice_starts(rest, SLICE("--")) && is_padding(slice_from(rest, 2));
		if (ret->is_last || is_padding(rest))
			return (true);
	}
	return (false);
}

static bool ends_header(void *self, struct slice line)
{
	struct delimiter d;

	return (find_delimiter(self, line, &d));
}

static struct mime_part *part_add(struct builder *b)
{
	struct mime *m = b->m;

	if (m->n == b->cap) {
		size_t cap = b->cap > 0 ? b->cap * 4 : 4;
		struct mime_part *parts;

		if (cap > L_PARTS)
			cap = L_PARTS;
		parts = arena_array(b->arena, cap, sizeof(*parts));
		if (m->n > 0)
			memcpy(parts, m->parts, m->n * sizeof(*parts));
		m->parts = parts;
		b->cap = cap;
	}
	return (&m->parts[m->n++]);
}

static size_t count_line_ends(struct slice s)
{
	size_t n = 0, at;

	while ((at = slice_chr(s, '\n')) != SIZE_MAX) {
		n++;
		s = slice_from(s, at + 1);
	}
	return (n);
}

/* The Content fields of a part; of doubled ones the first (MIM-08). */
static void read_content_fields(struct builder *b, struct mime_part *p, bool *ret_encoding)
{
	struct mime *m = b->m;
	bool odd;

	*ret_encoding = false;
	for (size_t i = 0; i < p->header.n; i++) {
		const struct field *f = &p->header.fields[i];
		struct slice name, *text = NULL;

		if (!slice_istarts(f->name, SLICE("Content-")))
			continue;
		name = slice_from(f->name, sizeof("Content-") - 1);
		if (slice_ieq(name, SLICE("Type"))) {
			bool doubled = false;

			if (p->type.present)
				m->ambiguous = true;
			else
				mime_value_read(b->arena, f->body, false, &p->type, &doubled);
			m->ambiguous |= doubled;
		} else if (slice_ieq(name, SLICE("Disposition"))) {
			if (!p->disposition.present)
				mime_value_read(b->arena, f->body, false, &p->disposition, NULL);
		} else if (slice_ieq(name, SLICE("Transfer-Encoding"))) {
			if (*ret_encoding) {
				m->ambiguous = true;
				continue;
			}
			*ret_encoding = true;
			p->encoding = mime_encoding_of(f->body, &odd);
			m->ambiguous |= odd;
			text = &p->encoding_text;
		} else if (slice_ieq(name, SLICE("ID"))) {
			text = &p->id;
		} else if (slice_ieq(name, SLICE("Description"))) {
			text = &p->description;
		} else if (slice_ieq(name, SLICE("MD5"))) {
			text = &p->md5;
		} else if (slice_ieq(name, SLICE("Language"))) {
			text = &p->language;
		} else if (slice_ieq(name, SLICE("Location"))) {
			text = &p->location;
		}
		if (text != NULL && text->n == 0)
			*text = header_unfold(b->arena, f->body);
	}
}

static void set_type(struct mime_part *p, struct slice type, struct slice subtype)
{
	p->type.type = type;
	p->type.subtype = subtype;
	p->type.params = NULL;
	p->type.params_n = 0;
}

static enum mime_kind kind_of(const struct mime_part *p)
{
	if (slice_ieq(p->type.type, SLICE("multipart")))
		return (MIME_MULTIPART); /* whatever encoding it claims: RFC 2045 6.4 allows none */
	if ((mime_is(p, "message", "rfc822") || mime_is(p, "message", "global")) &&
	    (p->encoding == MIME_7BIT || p->encoding == MIME_8BIT || p->encoding == MIME_BINARY))
		return (MIME_MESSAGE); /* an encoded one is not looked into: its offsets would mean
					  nothing */
	return (MIME_LEAF);
}

/* Octets of an mbox line in front of a message that was attached with it: no field (RFC 4155), and
 * no reason to take the header behind it for text. */
static size_t mbox_line(struct slice s)
{
	size_t lf = slice_chr(s, '\n'), at;

	if ((!slice_starts(s, SLICE("From ")) && !slice_starts(s, SLICE(">From "))) ||
	    lf == SIZE_MAX)
		return (0);
	for (at = slice_chr(s, ' '); s.p[at] == ' ' || s.p[at] == '\t';)
		at++;
	return (s.p[at] == ':' ? 0 : lf + 1); /* "From : x" is a field */
}

/* A part begins at b->at: read its header and put it on the stack. */
static void part_open(struct builder *b)
{
	struct header_stop stop = { ends_header, b };
	struct open *parent = b->depth > 0 ? &b->open[b->depth - 1] : NULL, *o;
	unsigned index = (unsigned)b->m->n;
	struct mime_part *p = part_add(b);
	bool has_encoding;
	struct slice boundary;
	size_t line = 0;

	*p = (struct mime_part){
		.parent = MIME_NONE, .first = MIME_NONE, .next = MIME_NONE, .number = 1
	};
	p->depth = (unsigned)b->depth;
	if (parent != NULL) {
		struct mime_part *up = &b->m->parts[parent->part];

		p->parent = parent->part;
		if (up->first == MIME_NONE) {
			up->first = index;
		} else {
			b->m->parts[parent->last_child].next = index;
			p->number = b->m->parts[parent->last_child].number + 1;
		}
		parent->last_child = index;
	}
	if (parent != NULL && b->m->parts[parent->part].kind == MIME_MESSAGE)
		line = mbox_line(slice_from(b->m->whole, b->at));
	header_parse_at(b->arena, b->m->whole, b->at + line, b->fields_left, &stop, &p->header);
	p->header.size += line;
	p->header_at = (unsigned)b->at;
	p->header_size = (unsigned)p->header.size;
	b->lines += count_line_ends(slice_head(slice_from(b->m->whole, b->at), p->header.size));
	b->at += p->header.size;
	p->body_at = (unsigned)b->at;
	b->fields_left -= p->header.n < b->fields_left ? p->header.n : b->fields_left;
	read_content_fields(b, p, &has_encoding);
	if (p->type.type.n == 0 || p->type.subtype.n == 0) { /* RFC 2045 5.2 */
		if (parent != NULL && parent->is_digest && !p->type.present)
			set_type(p, SLICE("message"), SLICE("rfc822")); /* RFC 2046 5.1.5 */
		else
			set_type(p, SLICE("text"), SLICE("plain"));
	}
	if (b->m->n == L_PARTS || b->fields_left == 0)
		b->full = true;
	p->kind = kind_of(p);
	boundary = SLICE("");
	if (p->kind == MIME_MULTIPART) {
		boundary = mime_param(&p->type, SLICE("boundary"));
		while (boundary.n > 0 &&
		    (boundary.p[boundary.n - 1] == ' ' || boundary.p[boundary.n - 1] == '\t'))
			boundary.n--; /* RFC 2046 5.1.1: it cannot end in a blank; padding could not
					 be told */
		if (boundary.n > BOUNDARY_MAX)
			boundary = SLICE("");
	}
	if (p->kind != MIME_LEAF && (b->full || b->depth == L_DEPTH)) {
		p->kind = MIME_LEAF;
		p->opaque = true;
		boundary = SLICE("");
	}
	p->opaque |= b->full;
	o = &b->open[b->depth++];
	*o = (struct open){ .part = index, .boundary = boundary, .lines_before = b->lines };
	o->is_digest = p->kind == MIME_MULTIPART && slice_ieq(p->type.subtype, SLICE("digest"));
}

/* What is open above the level ends at ${end}; ${ends} line ends lie before that. */
static void close_down_to(struct builder *b, size_t level, size_t end, size_t ends)
{
	while (b->depth > level) {
		struct open *o = &b->open[--b->depth];
		struct mime_part *p = &b->m->parts[o->part];

		if (end > p->body_at) { /* else empty; its header's blank line may be the boundary's
					   line end */
			p->body_size = (unsigned)(end - p->body_at);
			p->body_lines = (unsigned)(ends - o->lines_before);
			if (b->m->whole.p[end - 1] != '\n')
				p->body_lines++;
		}
		if (p->kind == MIME_MULTIPART && p->first == MIME_NONE) {
			p->kind = MIME_LEAF;
			set_type(p, SLICE("text"), SLICE("plain"));
		}
	}
}

static void parts_open(struct builder *b) /* a part, and the message in it, and so on */
{
	do
		part_open(b);
	while (b->m->parts[b->m->n - 1].kind == MIME_MESSAGE);
}

/* The line end in front of a boundary line belongs to the line: RFC 2046 5.1.1. */
static size_t without_line_end(struct slice whole, size_t at)
{
	if (at > 0 && whole.p[at - 1] == '\n')
		at--;
	if (at > 0 && whole.p[at - 1] == '\r' && whole.p[at] == '\n')
		at--;
	return (at);
}

static void read_body_line(struct builder *b)
{
	struct slice rest = slice_from(b->m->whole, b->at), line;
	size_t lf = slice_chr(rest, '\n'), next = lf == SIZE_MAX ? rest.n : lf + 1;
	struct delimiter d;

	line = slice_head(rest, lf == SIZE_MAX ? rest.n : lf);
	if (line.n >= 2 && line.p[0] == '-' && line.p[1] == '-' && !b->full &&
	    find_delimiter(b, line, &d)) {
		size_t end = without_line_end(b->m->whole, b->at);

		close_down_to(b, d.level + 1, end, b->lines - (end < b->at ? 1 : 0));
		b->at += next;
		b->lines += lf != SIZE_MAX ? 1 : 0;
		if (d.is_last)
			b->open[d.level].boundary = SLICE("");
		else
			parts_open(b);
		return;
	}
	b->at += next;
	b->lines += lf != SIZE_MAX ? 1 : 0;
}

void mime_parse(struct arena *a, struct slice whole, struct mime *ret)
{
	struct builder b = { .arena = a, .m = ret, .fields_left = PART_FIELDS };

	if (whole.n > UINT_MAX - 1)
		whole.n = UINT_MAX - 1;
	*ret = (struct mime){ .whole = whole };
	parts_open(&b);
	while (b.at < whole.n)
		read_body_line(&b);
	close_down_to(&b, 0, whole.n, b.lines);
}

struct slice mime_body(const struct mime *m, const struct mime_part *p)
{
	return (slice_head(slice_from(m->whole, p->body_at), p->body_size));
}

struct slice mime_header_bytes(const struct mime *m, const struct mime_part *p)
{
	return (slice_head(slice_from(m->whole, p->header_at), p->header_size));
}

bool mime_is(const struct mime_part *p, const char *type, const char *subtype)
{
	struct slice have = p->type.type, have_sub = p->type.subtype;

	if (have.n == 0 || have_sub.n == 0) {
		have = SLICE("text");
		have_sub = SLICE("plain");
	}
	return (slice_ieq(have, slice_of(type)) &&
	    (subtype == NULL || slice_ieq(have_sub, slice_of(subtype))));
}

struct slice mime_filename(struct arena *a, const struct mime_part *p)
{
	struct slice name = mime_param(&p->disposition, SLICE("filename"));

	if (name.n == 0)
		name = mime_param(&p->type, SLICE("name"));
	/* RFC 2047 5 forbids encoded words here; much software writes them all the same */
	return (name.n > 0 ? text_words(a, name) : SLICE(""));
}
