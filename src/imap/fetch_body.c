/* What is BODY[...], what BINARY[...] of a message? Found by the part map, without parsing again;
 * read from the file in pieces, so that a large part costs no memory. On the worker, but for the
 * parsing of the item; what a section is, section.c knows. RFC 9051 6.4.5, 6.4.5.1. */
#include "imap/fetch.h"

#include <stdlib.h>

#include "core/limits.h"
#include "core/mem.h"
#include "msg/text.h"

enum {
	BODY_SMALL = 131072, /* read whole before its size is said */
};

static void make_label(struct fetch *f, struct fetch_item *item, const char *name)
{
	static const char *const texts[] = { "", "HEADER", "HEADER.FIELDS", "HEADER.FIELDS.NOT",
		"TEXT", "MIME" };
	const struct section *sec = &item->section;
	struct buf out = BUF_INIT(L_ITOT * 2);

	(void)buf_fmt(&out, "%s[", name);
	for (size_t i = 0; i < sec->path_n; i++)
		(void)buf_fmt(&out, "%s%u", i > 0 ? "." : "", sec->path[i]);
	if (sec->text != SECTION_ALL)
		(void)buf_fmt(&out, "%s%s", sec->path_n > 0 ? "." : "", texts[sec->text]);
	for (size_t i = 0; i < sec->fields_n; i++) {
		(void)buf_addz(&out, i == 0 ? " (" : " ");
		(void)write_astring(&out, sec->fields[i]);
	}
	(void)buf_addz(&out, sec->fields_n > 0 ? ")]" : "]");
	if (sec->partial)
		(void)buf_fmt(&out, "<%llu>", (unsigned long long)sec->from);
	item->label = arena_dup(f->arena, buf_slice(&out));
	buf_free(&out);
}

static bool is_cached(const struct section *sec)
{
	if (sec->path_n > 0 || sec->text != SECTION_FIELDS)
		return (false);
	for (size_t i = 0; i < sec->fields_n; i++) {
		bool found = false;

		for (size_t k = 0; mailbox_cached_fields[k] != NULL && !found; k++)
			found = slice_ieq(sec->fields[i], slice_of(mailbox_cached_fields[k]));
		if (!found)
			return (false);
	}
	return (true);
}

bool fetch_take_section(struct fetch *f, struct args *a, struct fetch_item *item, const char *name)
{
	struct section *sec = &item->section;

	if (!args_char(a, '[') || !section_take(f->arena, a, sec, item->what != FETCH_SECTION) ||
	    !args_char(a, ']'))
		return (false);
	if (item->what != FETCH_BINARY_SIZE &&
	    args_char(a, '<')) { /* partial = "<" number64 "." nz-number64 ">" */
		if (!args_u64(a, INT64_MAX, &sec->from) || !args_char(a, '.') ||
		    !args_u64(a, INT64_MAX, &sec->count) || sec->count == 0 || !args_char(a, '>'))
			return (false);
		sec->partial = true;
	}
	sec->cached = is_cached(sec);
	make_label(f, item, name);
	return (true);
}

static void begin_item(struct fetch *f, const struct fetch_item *item)
{
	(void)buf_addz(&f->out, f->place.begun ? " " : "");
	(void)buf_add_slice(&f->out, item->label);
	(void)buf_addc(&f->out, ' ');
	f->place.begun = true;
}

static void say_octets(struct fetch *f, const struct fetch_item *item, struct slice s)
{
	uint64_t at = 0, n = s.n;

	section_clip(&item->section, &at, &n);
	s = slice_head(slice_from(s, (size_t)at), (size_t)n);
	begin_item(f, item);
	/* NUL may not stand in a literal: literal8, RFC 9051 4.3.1 */
	(void)buf_addz(&f->out, memchr(s.p == NULL ? "" : s.p, '\0', s.n) != NULL ? "~{" : "{");
	(void)buf_add_u64(&f->out, s.n);
	(void)buf_addz(&f->out, "}\r\n");
	(void)buf_add_slice(&f->out, s);
}

static enum body_result say_nil(struct fetch *f, const struct fetch_item *item)
{
	begin_item(f, item);
	/* "BINARY.SIZE" section-binary SP number: no NIL there (RFC 9051 9) */
	(void)buf_addz(&f->out, item->what == FETCH_BINARY_SIZE ? "0" : "NIL");
	return (BODY_DONE);
}

static enum body_result say_fields(
    struct fetch *f, const struct fetch_item *item, struct slice lines)
{
	struct buf out = BUF_INIT(SECTION_HEADER_MAX);

	section_fields(&item->section, lines, &out);
	say_octets(f, item, buf_slice(&out));
	buf_free(&out);
	return (BODY_DONE);
}

static bool read_part(
    const struct visit_message *m, struct extent x, size_t most, struct buf *out, struct err *err)
{
	buf_init(out, most);
	return (x.n <= most && visit_read(m->visit, x.at, x.n, out, err) == 0 && !out->failed);
}

static enum body_result body_lost(struct fetch *f, const struct fetch_item *item)
{
	fetch_lost(f);
	return (say_nil(f, item));
}

/* --- whole parts --- */

static enum body_result stream(struct fetch *f, const struct visit_message *m)
{
	struct fetch_place *p = &f->place;
	size_t room = f->out.n < FETCH_SLICE ? FETCH_SLICE - f->out.n : 0, before = f->out.n;
	uint64_t n = p->left < room ? p->left : room;
	struct err err;

	if (p->decoded != NULL) {
		(void)buf_add(&f->out, p->decoded + p->decoded_at, (size_t)n);
		p->decoded_at += (size_t)n;
	} else if (n > 0 &&
	    (visit_read(m->visit, p->at, n, &f->out, &err) == -1 || f->out.n - before != n)) {
		f->broken = true; /* the size was said: nothing else can be */
		return (BODY_DONE);
	}
	p->at += n;
	p->left -= n;
	if (p->left > 0)
		return (BODY_MORE);
	p->streaming = false;
	free(p->decoded);
	p->decoded = NULL;
	return (BODY_DONE);
}

static enum body_result say_extent(
    struct fetch *f, const struct visit_message *m, const struct fetch_item *item, struct extent x)
{
	struct buf body;
	struct err err;

	section_clip(&item->section, &x.at, &x.n);
	if (x.n <= BODY_SMALL) { /* the true length, whatever the index thought (STO-09) */
		if (!read_part(m, x, BODY_SMALL, &body, &err)) {
			buf_free(&body);
			return (body_lost(f, item));
		}
		begin_item(f, item);
		(void)buf_fmt(&f->out, "%s{%zu}\r\n",
		    body.n > 0 && memchr(body.p, '\0', body.n) != NULL ? "~" : "", body.n);
		(void)buf_add_slice(&f->out, buf_slice(&body));
		buf_free(&body);
		return (BODY_DONE);
	}
	/* Is its last octet there? Then all are. */
	if (!read_part(m, (struct extent){ x.at, BODY_SMALL }, BODY_SMALL, &body, &err) ||
	    body.n != BODY_SMALL) {
		buf_free(&body);
		return (body_lost(f, item));
	}
	begin_item(f, item);
	(void)buf_fmt(&f->out, "{%llu}\r\n", (unsigned long long)x.n);
	(void)buf_add_slice(&f->out, buf_slice(&body));
	buf_free(&body);
	f->place.streaming = true;
	f->place.at = x.at + BODY_SMALL;
	f->place.left = x.n - BODY_SMALL;
	return (stream(f, m));
}

/* BINARY: the transfer encoding undone (RFC 9051 6.4.5.1). A multipart or a message is no encoded
 * octets. */
static enum body_result say_binary(
    struct fetch *f, const struct visit_message *m, const struct fetch_item *item)
{
	const struct section *sec = &item->section;
	const struct mime_map_part *part =
	    sec->path_n == 0 ? &m->map[0] : mime_map_find(m->map, m->map_n, sec->path, sec->path_n);
	struct buf raw, out;
	struct err err;
	uint64_t at = 0, n;
	bool identity;

	if (m->map_n == 0 || part == NULL)
		return (say_nil(f, item));
	if (part->kind == MIME_MULTIPART && sec->path_n > 0) {
		f->bad_section++;
		return (say_nil(f, item));
	}
	if (part->encoding == MIME_UNKNOWN && sec->path_n > 0) {
		f->unknown_cte++;
		return (say_nil(f, item));
	}
	identity = sec->path_n == 0 || part->kind != MIME_LEAF ||
	    (part->encoding != MIME_BASE64 && part->encoding != MIME_QP);
	if (identity) {
		struct extent x = { part->body_at, part->body_size };

		if (sec->path_n == 0)
			x = (struct extent){ 0, m->m.size };
		if (item->what == FETCH_BINARY)
			return (say_extent(f, m, item, x));
		begin_item(f, item);
		(void)buf_add_u64(&f->out, x.n);
		return (BODY_DONE);
	}
	if (!read_part(m, (struct extent){ part->body_at, part->body_size }, (size_t)L_SIZE * 2,
		&raw, &err)) {
		buf_free(&raw);
		return (body_lost(f, item));
	}
	buf_init(&out, (size_t)L_SIZE * 2);
	(void)text_decode(part->encoding, buf_slice(&raw), &out);
	buf_free(&raw);
	n = out.n;
	begin_item(f, item);
	if (item->what == FETCH_BINARY_SIZE) {
		(void)buf_add_u64(&f->out, n);
		buf_free(&out);
		return (BODY_DONE);
	}
	section_clip(sec, &at, &n);
	(void)buf_fmt(&f->out, "%s{%llu}\r\n",
	    n > 0 && memchr(out.p + at, '\0', (size_t)n) != NULL ? "~" : "", (unsigned long long)n);
	if (n == 0) {
		buf_free(&out);
		return (BODY_DONE);
	}
	f->place.streaming = true;
	f->place.left = n;
	f->place.decoded_at = (size_t)at;
	f->place.decoded = buf_steal(&out, &f->place.decoded_n);
	return (stream(f, m));
}

enum body_result fetch_body(
    struct fetch *f, const struct visit_message *m, const struct fetch_item *item)
{
	const struct section *sec = &item->section;
	enum body_result r;
	struct extent x;
	struct buf head;
	struct err err;

	if (f->place.streaming)
		return (stream(f, m));
	if (item->what != FETCH_SECTION)
		return (say_binary(f, m, item));
	if (sec->cached && !(f->want & VISIT_FILE)) {
		buf_reset(&f->lines);
		section_kept(sec, m->fields, &f->lines);
		say_octets(f, item, buf_slice(&f->lines));
		return (BODY_DONE);
	}
	if (!section_find(m, sec, &x))
		return (say_nil(f, item));
	if (sec->text != SECTION_FIELDS && sec->text != SECTION_FIELDS_NOT)
		return (say_extent(f, m, item, x));
	if (!read_part(m, x, SECTION_HEADER_MAX, &head, &err)) {
		buf_free(&head);
		return (body_lost(f, item));
	}
	r = say_fields(f, item, buf_slice(&head));
	buf_free(&head);
	return (r);
}
