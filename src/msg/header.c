/* header.c: which fields does a header hold, where, and where does the body begin?
 *
 * One pass over the lines. A line that is neither field, continuation nor blank ends the header
 * before it, for every consumer alike (SIN-21): the body begins with that line. Over a limit the
 * fields that follow are left out but the pass goes on, so that the body is found where other
 * programs find it. Values are left to addr.c, date.c, mime_value.c and words.c; what may be
 * accepted from a stranger, to header_check.c. RFC 5322 2.2, 3.6.8, 4.5 (blanks before the colon).
 * Never fails. */
#include "msg/header_int.h"

#include <limits.h>

#include "core/limits.h"

enum line_kind { LINE_FIELD, LINE_CONTINUED, LINE_BLANK, LINE_JUNK };

struct lines { /* takes one line after the other */
	struct slice whole;
	size_t at;
};

static struct slice line_take(struct lines *l, struct slice *ret_raw)
{
	struct slice rest = slice_from(l->whole, l->at), line;
	size_t lf = slice_chr(rest, '\n');

	line = lf == SIZE_MAX ? rest : slice_head(rest, lf);
	*ret_raw = slice_head(rest, lf == SIZE_MAX ? rest.n : lf + 1);
	if (lf != SIZE_MAX && line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	return (line);
}

static bool is_name_octet(char c)
{
	return (c > 32 && c < 127 && c != ':'); /* RFC 5322 2.2: printable US-ASCII except colon */
}

/* What is this line, and where does its name end and its value begin? */
static enum line_kind line_sort(struct slice line, size_t *ret_name, size_t *ret_value)
{
	size_t n = 0, colon;

	if (line.n == 0)
		return (LINE_BLANK);
	if (line.p[0] == ' ' || line.p[0] == '\t')
		return (LINE_CONTINUED);
	while (n < line.n && is_name_octet(line.p[n]))
		n++;
	for (colon = n; colon < line.n && (line.p[colon] == ' ' || line.p[colon] == '\t');)
		colon++;
	if (n == 0 || colon == line.n || line.p[colon] != ':')
		return (LINE_JUNK);
	*ret_name = n;
	*ret_value = colon + 1;
	return (LINE_FIELD);
}

struct collect {
	struct arena *arena;
	struct field *v;
	size_t n, cap, max;
	struct field open; /* the field being read; raw.n is 0 when there is none */
	size_t value_at;   /* of its body in the whole */
};

static bool collect_close(struct collect *c, struct slice whole)
{
	struct field *f = &c->open;
	size_t end;

	if (f->raw.n == 0)
		return (true);
	if (f->raw.n > L_HDR1 || c->n == c->max)
		return (false);
	end = f->offset + f->raw.n;
	if (end > c->value_at && whole.p[end - 1] == '\n')
		end--;
	if (end > c->value_at && whole.p[end - 1] == '\r')
		end--;
	f->body = (struct slice){ whole.p + c->value_at, end - c->value_at };
	if (c->n == c->cap) {
		size_t cap = c->cap > 0 ? c->cap * 2 : 16;
		struct field *v = arena_array(c->arena, cap, sizeof(*v));

		if (c->n > 0)
			memcpy(v, c->v, c->n * sizeof(*v));
		c->v = v;
		c->cap = cap;
	}
	c->v[c->n++] = *f;
	*f = (struct field){ 0 };
	return (true);
}

void header_parse_at(struct arena *a, struct slice whole, size_t at, size_t max_fields,
    const struct header_stop *stop, struct header *ret)
{
	struct collect c = { .arena = a, .max = max_fields < L_HDRN ? max_fields : L_HDRN };
	struct lines l;
	bool any = false; /* a field was seen: a continuation has something to continue */

	if (whole.n > UINT_MAX - 1)
		whole.n = UINT_MAX - 1;
	l = (struct lines){ whole, at };
	*ret = (struct header){ 0 };
	while (l.at < whole.n) {
		struct slice raw, line = line_take(&l, &raw);
		size_t name = 0, value = 0;
		enum line_kind kind = line_sort(line, &name, &value);

		if (stop != NULL && slice_starts(line, SLICE("--")) &&
		    stop->is_end(stop->self, line))
			break;
		if (kind == LINE_BLANK) {
			ret->has_blank = true;
			l.at += raw.n;
			break;
		}
		if (kind == LINE_JUNK || (kind == LINE_CONTINUED && !any)) {
			ret->ended_by_junk = true;
			ret->junk = line;
			break;
		}
		if (kind == LINE_FIELD) {
			if (!ret->cut && !collect_close(&c, whole))
				ret->cut = true;
			any = true;
			if (!ret->cut) {
				c.open = (struct field){ .raw = raw, .offset = (unsigned)l.at };
				c.open.name = slice_head(raw, name);
				c.value_at = l.at + value;
			}
		} else if (!ret->cut) {
			c.open.raw.n += raw.n;
		}
		l.at += raw.n;
		if (l.at - at > L_HDR)
			ret->cut = true;
	}
	if (!ret->cut && !collect_close(&c, whole))
		ret->cut = true;
	ret->fields = c.v;
	ret->n = c.n;
	ret->size = l.at - at;
}

void header_parse(struct arena *a, struct slice message, struct header *ret)
{
	header_parse_at(a, message, 0, L_HDRN, NULL, ret);
}

const struct field *header_nth(const struct header *h, struct slice name, size_t nth)
{
	for (size_t i = 0; i < h->n; i++)
		if (slice_ieq(h->fields[i].name, name) && nth-- == 0)
			return (&h->fields[i]);
	return (NULL);
}

size_t header_count(const struct header *h, struct slice name)
{
	size_t count = 0;

	for (size_t i = 0; i < h->n; i++)
		count += slice_ieq(h->fields[i].name, name) ? 1 : 0;
	return (count);
}

struct slice header_unfold(struct arena *a, struct slice body)
{
	char *out;
	size_t n = 0;

	body = slice_trim(body);
	if (slice_chr(body, '\n') == SIZE_MAX)
		return (body);
	out = arena_alloc(a, body.n);
	for (size_t i = 0; i < body.n; i++) {
		if (body.p[i] == '\n' ||
		    (body.p[i] == '\r' && i + 1 < body.n && body.p[i + 1] == '\n'))
			continue; /* RFC 5322 2.2.3: the line end goes, the blank after it stays */
		out[n++] = body.p[i];
	}
	return ((struct slice){ out, n });
}

struct slice header_value(struct arena *a, const struct header *h, struct slice name)
{
	const struct field *f = header_first(h, name);

	return (f != NULL ? header_unfold(a, f->body) : SLICE(""));
}
