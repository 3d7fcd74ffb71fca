/* results.c: how do we say, in a field, what we found out about a sender, and how do we know a field that only pretends to be
 * ours; what does one of somebody else's say? RFC 8601 2.2, 2.3, 5. Leaves the checks to others and removal to the one who stamps. Failures: none but a full buffer;
 * a field whose id cannot be read is nobody's, and stays. */
#include "dkim/results.h"

#include "core/cursor.h"
#include "core/domain.h"
#include "core/limits.h"

enum { VALUE_MAX = 512 };

static bool is_token(char c) /* RFC 2045 5.1, which RFC 8601 names; a dot may be part of an id */
{
	return (c > ' ' && c < 127 && strchr("()<>@,;:\\\"/[]?=", c) == NULL);
}

static bool is_id(char c) /* as people write ids: U-labels too */
{
	return (is_token(c) || (unsigned char)c >= 0x80);
}

/* CFWS: blanks, folds and comments, nested ones counted, no recursion (RFC 5322 3.2.2). False: a comment without end. */
static bool skip_cfws(struct cursor *c)
{
	unsigned depth = 0;

	for (; c->p < c->end; c->p++) {
		if (*c->p == '(') {
			depth++;
		} else if (depth > 0 && *c->p == ')') {
			depth--;
		} else if (depth > 0 && *c->p == '\\') {
			if (++c->p == c->end)
				return (false);
		} else if (depth == 0 && strchr(" \t\r\n", *c->p) == NULL) {
			return (true);
		}
	}
	return (depth == 0);
}

/* value = token / quoted-string, quotes resolved into out. */
static bool take_value(struct cursor *c, struct buf *out)
{
	struct slice s;

	if (!take_char(c, '"')) {
		if (!take_run(c, is_id, &s))
			return (false);
		return (buf_add_slice(out, s) == 0);
	}
	for (; c->p < c->end && *c->p != '"'; c->p++) {
		if (*c->p == '\r' || *c->p == '\n')
			continue; /* folding */
		if (*c->p == '\\' && ++c->p == c->end)
			return (false);
		if (buf_addc(out, *c->p) == -1)
			return (false);
	}
	return (take_char(c, '"'));
}

bool results_is_ours(struct slice field_body, const char *hostname)
{
	struct cursor c = cursor_of(field_body);
	struct buf id = BUF_INIT(L_DOMAIN + 1);
	struct slice found, own = slice_of(hostname);
	bool ours = false;

	if (skip_cfws(&c) && take_value(&c, &id)) {
		found = slice_trim(buf_slice(&id));
		if (found.n > 0 && found.p[found.n - 1] == '.')
			found.n--;
		ours = slice_ieq(found, own) || domain_same(found, own);
	}
	buf_free(&id);
	return (ours);
}

static bool is_word(char c) /* of methods, results and properties, a type's dot among them */
{
	return (is_token(c) && c != '=');
}

/* As people write values: up to a blank, a comment or the next method. */
static bool is_bare(char c)
{
	return ((unsigned char)c > ' ' && c != 127 && strchr(";(\"", c) == NULL);
}

/* [CFWS] name [CFWS] "=" [CFWS]; a method may have a version, "/1", before the sign. */
static bool take_name(struct cursor *c, struct slice *ret)
{
	struct slice version;

	if (!skip_cfws(c) || !take_run(c, is_word, ret) || !skip_cfws(c))
		return (false);
	if (take_char(c, '/') && !(skip_cfws(c) && take_run(c, is_word, &version) && skip_cfws(c)))
		return (false);
	return (take_char(c, '=') && skip_cfws(c));
}

/* reasonspec and propspecs up to the next method or the end. ${*ret_found}: one is the property, with this value. */
static bool take_properties(
    struct cursor *c, struct slice property, struct slice value, bool *ret_found)
{
	struct slice name, bare;
	size_t seen = 0;
	bool good = skip_cfws(c);

	*ret_found = false;
	while (good && !cursor_at_end(c) && cursor_peek(c) != ';') {
		struct buf b = BUF_INIT(cursor_left(c) + 1);

		good = take_name(c, &name);
		if (good && cursor_peek(c) == '"')
			good = take_value(c, &b);
		else if (good && (good = take_run(c, is_bare, &bare)))
			good = buf_add_slice(&b, bare) == 0;
		if (good && slice_ieq(name, property)) /* twice is no answer */
			*ret_found = seen++ == 0 && slice_ieq(buf_slice(&b), value);
		good = good && skip_cfws(c);
		buf_free(&b);
	}
	return (good);
}

bool results_say_pass(
    struct slice field_body, struct slice method, struct slice property, struct slice value)
{
	struct cursor c = cursor_of(field_body);
	struct buf id = BUF_INIT(L_DOMAIN + 1);
	struct slice name, result, version;
	size_t passed = 0, others = 0;
	bool found, good = skip_cfws(&c) && take_value(&c, &id) && skip_cfws(&c);

	buf_free(&id);
	if (good && take_run(&c, is_word, &version))
		good = skip_cfws(&c);
	while (good && take_char(&c, ';') && (good = skip_cfws(&c)) && !cursor_at_end(&c)) {
		good = take_name(&c, &name) && take_run(&c, is_word, &result) &&
		    take_properties(&c, property, value, &found);
		if (!good || !slice_ieq(name, method))
			continue;
		if (found && slice_ieq(result, SLICE("pass")))
			passed++;
		else
			others++;
	}
	return (good && cursor_at_end(&c) && passed == 1 && others == 0);
}

/* RFC 8601 2.2: pvalue = ( value / [ [ local-part ] "@" ] domain-name ): what needs no quotes goes without. */
static bool is_plain(struct slice s)
{
	size_t at = slice_chr(s, '@');

	if (s.n == 0)
		return (false);
	for (size_t i = 0; i < s.n; i++)
		if (!(is_token(s.p[i]) || i == at) || s.p[i] == '\'')
			return (false);
	/* an address: dot-atoms on both sides, or nothing before the sign */
	return (at == SIZE_MAX ||
	    (domain_ok(slice_from(s, at + 1)) &&
		(at == 0 || (s.p[0] != '.' && s.p[at - 1] != '.'))));
}

/* Length of the UTF-8 sequence at s, 0 when there is none: what a peer chose must stay text (RFC 6532 3.2). */
static size_t utf8_length(struct slice s)
{
	unsigned char c = (unsigned char)s.p[0];
	size_t n = c < 0x80         ? 1
	    : c >= 0xc2 && c < 0xe0 ? 2
	    : c >= 0xe0 && c < 0xf0 ? 3
	    : c >= 0xf0 && c < 0xf5 ? 4
				    : 0;

	if (n > s.n)
		return (0);
	for (size_t i = 1; i < n; i++)
		if (((unsigned char)s.p[i] & 0xc0) != 0x80)
			return (0);
	if ((c == 0xe0 && (unsigned char)s.p[1] < 0xa0) ||
	    (c == 0xed && (unsigned char)s.p[1] > 0x9f) ||
	    (c == 0xf0 && (unsigned char)s.p[1] < 0x90) ||
	    (c == 0xf4 && (unsigned char)s.p[1] > 0x8f))
		return (0);
	return (n);
}

static void add_value(struct buf *out, struct slice s)
{
	size_t n;

	s = slice_head(s, VALUE_MAX);
	if (is_plain(s)) {
		(void)buf_add_slice(out, s);
		return;
	}
	(void)buf_addc(out, '"');
	for (; s.n > 0; s = slice_from(s, n)) {
		if ((n = utf8_length(s)) == 0 ||
		    (n == 1 && ((unsigned char)s.p[0] < 32 || s.p[0] == 127))) {
			(void)buf_addc(out, '?');
			n = 1;
			continue;
		}
		if (s.p[0] == '"' || s.p[0] == '\\')
			(void)buf_addc(out, '\\');
		(void)buf_add_slice(out, slice_head(s, n));
	}
	(void)buf_addc(out, '"');
}

int results_write(struct buf *out, const char *hostname, const struct results_method *m, size_t n)
{
	(void)buf_fmt(out, "Authentication-Results: %s", hostname);
	if (n == 0)
		(void)buf_addz(out, "; none"); /* RFC 8601 2.2: no-result */
	for (size_t i = 0; i < n; i++) {
		(void)buf_fmt(out, ";\r\n\t%s=%s", m[i].method, m[i].result);
		if (m[i].reason.n > 0) {
			(void)buf_addz(out, " reason=");
			add_value(out, m[i].reason);
		}
		if (m[i].property != NULL) {
			(void)buf_fmt(out, "\r\n\t%s=", m[i].property);
			add_value(out, m[i].value);
		}
		for (size_t k = 0; k < m[i].more_n; k++) {
			(void)buf_fmt(out, "\r\n\t%s=", m[i].more[k].name);
			add_value(out, m[i].more[k].value);
		}
	}
	return (buf_addz(out, "\r\n"));
}
