/* mime_value.c: which type and parameters does a Content-Type or Content-Disposition like field
 * give?
 *
 * Reads what mail really holds: values with blanks and specials but no quotes, missing semicolons,
 * comments. The first of doubled parameters wins (MIM-08). Pieces after RFC 2231 go to param2231.c.
 * At most L_PARAM parameters, the rest is left out. RFC 2045 5.1. Never fails: an unreadable type
 * is an empty type. */
#include "msg/mime_int.h"

#include "core/cursor.h"
#include "core/limits.h"
#include "msg/cfws.h"

static bool is_token(char c)
{
	return ((unsigned char)c > 32 && c != 127 && memchr("()<>@,;:\\\"/[]?=", c, 15) == NULL);
}

static bool is_name(char c) /* of a parameter; "*" and "'" are token characters */
{
	return (!ascii_white(c) && c != '=' && c != ';' && c != '"' && c != '(');
}

static bool is_type(char c)
{
	return (!ascii_white(c) && c != '/' && c != ';' && c != '(' && c != '"' && c != ',');
}

/* quoted-string, the cursor at its first quote. An unclosed one ends at the end. */
static struct slice take_quoted(struct arena *a, struct cursor *c)
{
	const char *from = ++c->p;
	bool plain = true;
	struct slice s;
	char *out;
	size_t n = 0;

	while (c->p < c->end && *c->p != '"') {
		if (*c->p == '\\' && c->p + 1 < c->end) {
			plain = false;
			c->p++;
		} else if (*c->p == '\r' || *c->p == '\n') {
			plain = false;
		}
		c->p++;
	}
	s = slice_between(from, c->p);
	if (c->p < c->end)
		c->p++;
	if (plain)
		return (s);
	out = arena_alloc(a, s.n);
	for (size_t i = 0; i < s.n; i++) {
		/* Only a quote, a backslash or a bracket needs one: "C:\temp" is no list of
		 * quoted-pairs. */
		if (s.p[i] == '\\' && i + 1 < s.n &&
		    memchr("\"\\()<>@,;:[]", s.p[i + 1], 12) != NULL)
			i++;
		if (s.p[i] != '\r' && s.p[i] != '\n')
			out[n++] = s.p[i];
	}
	return ((struct slice){ out, n });
}

/* Does "name=" begin here? Then the semicolon before it was forgotten. */
static bool is_param_start(struct cursor c)
{
	struct slice name;

	if (!take_run(&c, is_token, &name))
		return (false);
	take_blanks(&c);
	return (cursor_peek(&c) == '=');
}

/* A value without quotes: up to the semicolon; blanks end it when a comment, nothing, or another
 * parameter follows. */
static struct slice take_bare(struct cursor *c)
{
	const char *from = c->p, *end = c->p;

	while (c->p < c->end && *c->p != ';') {
		if (!ascii_white(*c->p)) {
			end = ++c->p;
			continue;
		}
		while (c->p < c->end && ascii_white(*c->p))
			c->p++;
		if (c->p < c->end && (*c->p == '(' || is_param_start(*c)))
			break;
	}
	return (slice_between(from, end));
}

static bool param_take(struct arena *a, struct cursor *c, struct mime_param *ret)
{
	struct slice name;

	for (;;) {
		cfws_skip(c);
		if (cursor_at_end(c))
			return (false);
		if (*c->p == ';') {
			c->p++;
			continue;
		}
		if (take_run(c, is_name, &name)) {
			cfws_skip(c);
			if (take_char(c, '='))
				break;
			continue; /* a word without value: left out */
		}
		c->p++; /* nothing a parameter begins with */
	}
	cfws_skip(c);
	ret->name = name;
	ret->value = cursor_peek(c) == '"' ? take_quoted(a, c) : take_bare(c);
	return (true);
}

static bool have_param(const struct mime_param *params, size_t n, struct slice name)
{
	for (size_t i = 0; i < n; i++)
		if (slice_ieq(params[i].name, name))
			return (true);
	return (false);
}

void mime_value_read(
    struct arena *a, struct slice field_body, bool raw, struct mime_value *ret, bool *ret_doubled)
{
	struct cursor c = cursor_of(field_body);
	struct mime_param found[L_PARAM], one;
	bool split = false;
	size_t n = 0;

	*ret = (struct mime_value){ .type = SLICE(""), .subtype = SLICE(""), .present = true };
	cfws_skip(&c);
	if (take_run(&c, is_type, &ret->type)) {
		cfws_skip(&c);
		if (take_char(&c, '/')) {
			cfws_skip(&c);
			if (!take_run(&c, is_type, &ret->subtype))
				ret->subtype = SLICE("");
		}
	}
	if (ret->type.n > 0 && ret->subtype.n == 0 &&
	    is_param_start((struct cursor){ ret->type.p, c.end })) {
		c.p = ret->type.p; /* no type at all: "name=x" */
		ret->type = SLICE("");
	}
	while (n < L_PARAM && param_take(a, &c, &one)) {
		struct param2231 piece;

		if (have_param(found, n, one.name)) {
			if (ret_doubled != NULL)
				*ret_doubled = true;
			continue;
		}
		param2231_split(one.name, &piece);
		split |= piece.numbered || piece.coded;
		found[n++] = one;
	}
	if (n > 0) {
		struct mime_param *params = arena_array(a, n, sizeof(*params));

		if (split && !raw)
			n = param2231_join(a, found, n, params);
		else
			memcpy(params, found, n * sizeof(*params));
		ret->params = params;
		ret->params_n = n;
	}
}

void mime_value_parse(struct arena *a, struct slice field_body, struct mime_value *ret)
{
	mime_value_read(a, field_body, false, ret, NULL);
}

struct slice mime_param(const struct mime_value *v, struct slice name)
{
	for (size_t i = 0; i < v->params_n; i++)
		if (slice_ieq(v->params[i].name, name))
			return (v->params[i].value);
	return ((struct slice){ NULL, 0 });
}

enum mime_encoding mime_encoding_of(struct slice value, bool *ret_odd)
{
	static const struct {
		struct slice name;
		enum mime_encoding encoding;
	} known[] = {
		{ SLICE_INIT("7bit"), MIME_7BIT },
		{ SLICE_INIT("8bit"), MIME_8BIT },
		{ SLICE_INIT("binary"), MIME_BINARY },
		{ SLICE_INIT("base64"), MIME_BASE64 },
		{ SLICE_INIT("quoted-printable"), MIME_QP },
	};
	struct cursor c = cursor_of(value);
	struct slice token;

	*ret_odd = false;
	cfws_skip(&c);
	if (!take_run(&c, is_token, &token)) {
		*ret_odd = c.p < c.end;
		return (*ret_odd ? MIME_UNKNOWN : MIME_7BIT);
	}
	cfws_skip(&c);
	*ret_odd = !cursor_at_end(&c);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (slice_ieq(token, known[i].name))
			return (known[i].encoding);
	return (MIME_UNKNOWN);
}
