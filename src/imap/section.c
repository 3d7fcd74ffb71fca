/* What does a section name, "1.2.HEADER.FIELDS (To)" for one, and where is that in a message?
 * Found by the part map, without parsing the message again. For FETCH and for the URLs of
 * CATENATE. RFC 9051 6.4.5, RFC 5092 11. */
#include "imap/section.h"

#include "core/mem.h"
#include "msg/header.h"

static bool take_fields(struct arena *arena, struct args *a, struct section *sec)
{
	struct slice *v = arena_array(arena, 16, sizeof(*v)), name;
	size_t n = 0, cap = 16;

	if (!args_sp(a) || !args_char(a, '('))
		return (false);
	do {
		if (n == SECTION_FIELDS_MAX || !args_astring(a, &name))
			return (false);
		if (n == cap) {
			struct slice *more = arena_array(arena, cap * 2, sizeof(*v));

			memcpy(more, v, cap * sizeof(*v));
			v = more;
			cap *= 2;
		}
		v[n++] = arena_dup(arena, name);
	} while (args_sp(a));
	sec->fields = v;
	sec->fields_n = n;
	return (args_char(a, ')'));
}

/* section-part = nz-number *("." nz-number), then perhaps "." and section-text */
static bool take_path(struct arena *arena, struct args *a, struct section *sec, bool *ret_text)
{
	unsigned path[SECTION_PATH], *kept;
	uint32_t number;

	*ret_text = false;
	while (ascii_digit((char)cursor_peek(&a->c))) {
		if (sec->path_n == SECTION_PATH || !args_u32(a, &number) || number == 0)
			return (false);
		path[sec->path_n++] = number;
		if (!args_char(a, '.'))
			break;
		*ret_text = true;
		if (ascii_digit((char)cursor_peek(&a->c)))
			*ret_text = false;
	}
	if (sec->path_n > 0) {
		kept = arena_array(arena, sec->path_n, sizeof(*kept));
		memcpy(kept, path, sec->path_n * sizeof(*kept));
		sec->path = kept;
	}
	return (true);
}

static bool is_name_char(char c)
{
	return (ascii_alpha(c) || c == '.');
}

static bool take_text(struct arena *arena, struct args *a, struct section *sec)
{
	struct slice name;

	if (!take_run(&a->c, is_name_char, &name))
		return (false);
	if (slice_ieq(name, SLICE("HEADER")))
		sec->text = SECTION_HEADER;
	else if (slice_ieq(name, SLICE("TEXT")))
		sec->text = SECTION_TEXT;
	else if (slice_ieq(name, SLICE("MIME")) && sec->path_n > 0)
		sec->text = SECTION_MIME;
	else if (slice_ieq(name, SLICE("HEADER.FIELDS")) ||
	    slice_ieq(name, SLICE("HEADER.FIELDS.NOT"))) {
		sec->text = name.n > 13 ? SECTION_FIELDS_NOT : SECTION_FIELDS;
		return (take_fields(arena, a, sec));
	} else
		return (false);
	return (true);
}

bool section_take(struct arena *arena, struct args *a, struct section *sec, bool binary)
{
	bool text;

	if (!take_path(arena, a, sec, &text))
		return (false);
	if (text)
		return (!binary && take_text(arena, a, sec));
	return (sec->path_n > 0 || binary || args_peek(a, ']') || args_end(a) ||
	    take_text(arena, a, sec));
}

bool section_find(
    const struct visit_message *m, const struct section *sec, struct extent *ret)
{
	const struct mime_map_part *part, *inner;

	if (m->map_n == 0)
		return (false);
	if (sec->path_n == 0) {
		part = &m->map[0];
		if (sec->text == SECTION_ALL)
			*ret = (struct extent){ 0, m->m.size };
		else if (sec->text == SECTION_TEXT)
			*ret = (struct extent){ part->header_size,
				m->m.size > part->header_size ? m->m.size - part->header_size : 0 };
		else
			*ret = (struct extent){ part->header_at, part->header_size };
		return (true);
	}
	part = mime_map_find(m->map, m->map_n, sec->path, sec->path_n);
	if (part == NULL)
		return (false);
	if (sec->text == SECTION_ALL)
		*ret = (struct extent){ part->body_at, part->body_size };
	else if (sec->text == SECTION_MIME)
		*ret = (struct extent){ part->header_at, part->header_size };
	else { /* HEADER and TEXT of a part are those of the message inside it */
		if (part->kind != MIME_MESSAGE || part->first == MIME_NONE ||
		    part->first >= m->map_n)
			return (false);
		inner = &m->map[part->first];
		*ret = sec->text == SECTION_TEXT
		    ? (struct extent){ inner->body_at, inner->body_size }
		    : (struct extent){ inner->header_at, inner->header_size };
	}
	return (true);
}

void section_clip(const struct section *sec, uint64_t *at, uint64_t *n)
{
	uint64_t skip;

	if (!sec->partial)
		return;
	skip = sec->from < *n ? sec->from : *n; /* beyond the end: empty, RFC 9051 6.4.5 */
	*at += skip;
	*n -= skip;
	if (*n > sec->count)
		*n = sec->count;
}

static bool is_named(const struct section *sec, struct slice name)
{
	for (size_t i = 0; i < sec->fields_n; i++)
		if (slice_ieq(sec->fields[i], name))
			return (true);
	return (false);
}

/* The first field of ${lines}, with what is folded. */
static struct slice field_take(struct slice *lines)
{
	size_t n = 0;
	struct slice ret;

	do {
		size_t lf = slice_chr(slice_from(*lines, n), '\n');

		n = lf == SIZE_MAX ? lines->n : n + lf + 1;
	} while (n < lines->n && (lines->p[n] == ' ' || lines->p[n] == '\t'));
	ret = slice_head(*lines, n);
	*lines = slice_from(*lines, n);
	return (ret);
}

void section_kept(const struct section *sec, struct slice lines, struct buf *out)
{
	while (lines.n > 0) {
		struct slice raw = field_take(&lines);
		size_t name = 0;

		while (name < raw.n && raw.p[name] != ':' && raw.p[name] != ' ' &&
		    raw.p[name] != '\t') /* RFC 5322 4.5: blanks before the colon */
			name++;
		if (is_named(sec, slice_head(raw, name)))
			(void)buf_add_slice(out, raw);
	}
	(void)buf_addz(out, "\r\n"); /* the blank line is always there: RFC 9051 6.4.5 */
}

void section_fields(const struct section *sec, struct slice lines, struct buf *out)
{
	struct arena *arena = arena_new(0);
	struct header h;

	header_parse(arena, lines, &h);
	for (size_t i = 0; i < h.n; i++)
		if (is_named(sec, h.fields[i].name) == (sec->text == SECTION_FIELDS))
			(void)buf_add_slice(out, h.fields[i].raw);
	(void)buf_addz(out, "\r\n"); /* the blank line is always there: RFC 9051 6.4.5 */
	arena_free(arena);
}
