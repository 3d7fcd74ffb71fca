/* path.c: is this a path, and whose? Leaves who lives there to core/cfg.h and in_envelope.c.
 * RFC 5321 4.1.2, 4.5.3.1; RFC 6531 3.3; RFC 3461 4.  Fails: the kinds of enum smtp_path_result. */
#include "smtp/path.h"

#include "core/domain.h"
#include "core/ip.h"
#include "core/limits.h"
#include "msg/addr.h"
#include "msg/charset.h"

static bool is_atext(char c)
{
	return (ascii_alnum(c) || (unsigned char)c >= 0x80 ||
	    (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL));
}

static bool is_domain_octet(char c)
{
	return (ascii_alnum(c) || c == '-' || c == '_');
}

bool smtp_domain_ok(struct slice s)
{
	struct slice label, rest = s;
	bool more;

	if (s.n == 0 || s.n > L_DOMAIN)
		return (false);
	do {
		more = slice_cut(rest, '.', &label, &rest);
		if (label.n == 0 || label.n > 63 || label.p[0] == '-' ||
		    label.p[label.n - 1] == '-')
			return (false);
		for (size_t i = 0; i < label.n; i++)
			if (!is_domain_octet(label.p[i]))
				return (false);
	} while (more);
	return (true);
}

/* address-literal = "[" ( IPv4 / "IPv6:" IPv6 ) "]"; General-address-literal has no registered tag
 * to accept. */
static bool literal_ok(struct slice s)
{
	struct slice in = slice_between(s.p + 1, s.p + s.n - 1);
	struct ip ip;

	if (s.n < 2 || s.p[0] != '[' || s.p[s.n - 1] != ']')
		return (false);
	if (slice_istarts(in, SLICE("IPv6:")))
		return (slice_chr(slice_from(in, 5), ':') != SIZE_MAX &&
		    ip_parse(slice_from(in, 5), &ip));
	return (slice_chr(in, ':') == SIZE_MAX && ip_parse(in, &ip));
}

bool smtp_helo_ok(struct slice s)
{
	if (s.n == 0 || s.n > L_DOMAIN)
		return (false);
	if (s.p[0] == '[')
		return (s.n > 2 && literal_ok(s));
	for (size_t i = 0; i < s.n; i++)
		if (!is_domain_octet(s.p[i]) && s.p[i] != '.')
			return (false);
	return (true);
}

/* Dot-string = Atom *("." Atom) */
static bool take_dot_string(struct cursor *c, struct slice *ret)
{
	const char *from = c->p;
	struct slice atom;

	do {
		if (!take_run(c, is_atext, &atom))
			return (false);
	} while (take_char(c, '.'));
	*ret = slice_between(from, c->p);
	return (true);
}

/* Quoted-string = DQUOTE *( %d32-33 / %d35-91 / %d93-126 / "\" %d32-126 ) DQUOTE; ret_n: octets
 * with the quotes resolved. */
static bool take_quoted(struct arena *a, struct cursor *c, struct slice *ret)
{
	char *out = arena_alloc(a, cursor_left(c) + 1);
	size_t n = 0;

	if (!take_char(c, '"'))
		return (false);
	while (!take_char(c, '"')) {
		if (take_char(c, '\\') && cursor_peek(c) >= 0x80)
			return (false); /* quoted-pairSMTP is ASCII, also in RFC 6531 */
		if (cursor_at_end(c) || (unsigned char)*c->p < 0x20 || (unsigned char)*c->p == 0x7f)
			return (false);
		out[n++] = *c->p++;
	}
	*ret = (struct slice){ out, n };
	return (true);
}

static bool is_ascii(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] >= 0x80)
			return (false);
	return (true);
}

/* Too long is told apart from malformed (SIN-29): some part, were it shorter, would be fine. */
static bool domain_is_long(struct slice s)
{
	struct slice label, rest = s;
	bool more;

	if (s.n > L_DOMAIN)
		return (true);
	do {
		more = slice_cut(rest, '.', &label, &rest);
		if (label.n > 63)
			return (true);
	} while (more);
	return (false);
}

static enum smtp_path_result settle_domain(
    struct arena *a, struct slice written, struct smtp_path *ret)
{
	char *lower;

	if (written.n > 0 && written.p[0] == '[') {
		if (!literal_ok(written))
			return (SMTP_PATH_MALFORMED);
		ret->literal = true;
		ret->domain = arena_dup(a, written);
		return (SMTP_PATH_OK);
	}
	if (domain_is_long(written))
		return (SMTP_PATH_LONG);
	if (!is_ascii(written)) {
		ret->domain = domain_ascii(a, written); /* RFC 5890: one name, one form */
		return (ret->domain.n > 0 ? SMTP_PATH_OK : SMTP_PATH_MALFORMED);
	}
	if (!smtp_domain_ok(written))
		return (SMTP_PATH_MALFORMED);
	lower = arena_strdup(a, written);
	for (size_t i = 0; i < written.n; i++)
		lower[i] = ascii_lower(lower[i]);
	ret->domain = (struct slice){ lower, written.n };
	return (SMTP_PATH_OK);
}

/* The text between the brackets. */
static enum smtp_path_result inner(struct arena *a, struct slice s, struct smtp_path *ret)
{
	struct cursor c = cursor_of(s);
	enum smtp_path_result r = SMTP_PATH_OK;
	const char *from = c.p;
	struct buf text;

	if (s.n == 0) {
		ret->null = true;
		return (SMTP_PATH_OK);
	}
	/* RFC 5321 C: source routes may be refused, and are: nobody honest writes them (SIN-10). */
	if (cursor_peek(&c) == '"' ? !take_quoted(a, &c, &ret->local)
				   : !take_dot_string(&c, &ret->local))
		return (SMTP_PATH_MALFORMED);
	if (c.p - from > L_LOCAL) /* RFC 5321 4.5.3.1.1: as written */
		r = SMTP_PATH_LONG;
	if (cursor_at_end(&c)) { /* RFC 5321 4.1.1.3: "<postmaster>" alone needs no domain */
		if (!slice_ieq(ret->local, SLICE("postmaster")))
			return (SMTP_PATH_MALFORMED);
	} else {
		enum smtp_path_result of_domain;

		if (!take_char(&c, '@'))
			return (SMTP_PATH_MALFORMED);
		if ((of_domain = settle_domain(a, cursor_rest(&c), ret)) != SMTP_PATH_OK)
			return (of_domain);
	}
	if (r != SMTP_PATH_OK)
		return (r);
	ret->local = arena_dup(a, ret->local);
	buf_init(&text, (size_t)4 * L_PATH);
	if (ret->domain.n == 0)
		buf_add_slice(&text, ret->local);
	else if (addr_write(&text, ret->local, ret->domain) == -1)
		r = SMTP_PATH_LONG;
	ret->text = arena_dup(a, buf_slice(&text));
	buf_free(&text);
	return (r);
}

enum smtp_path_result smtp_path_take(struct arena *a, struct cursor *c, struct smtp_path *ret)
{
	struct smtp_path path = { 0 };
	enum smtp_path_result r;
	const char *from;
	bool quoted = false;

	take_blanks(c);
	from = c->p;
	if (!take_char(c, '<'))
		return (SMTP_PATH_SYNTAX);
	for (; !cursor_at_end(c) && (quoted || *c->p != '>'); c->p++) {
		if (*c->p == '\\' && quoted && cursor_left(c) > 1)
			c->p++;
		else if (*c->p == '"')
			quoted = !quoted;
	}
	if (!take_char(c, '>') || (!cursor_at_end(c) && cursor_peek(c) != ' '))
		return (SMTP_PATH_SYNTAX);
	if (!is_ascii(slice_between(from, c->p))) {
		path.is_utf8 = true;
		if (!charset_is_utf8(slice_between(from, c->p)))
			return (SMTP_PATH_NOT_UTF8);
	}
	r = inner(a, slice_between(from + 1, c->p - 1), &path);
	if (r == SMTP_PATH_OK && c->p - from > L_PATH)
		r = SMTP_PATH_LONG; /* RFC 5321 4.5.3.1.3: with its punctuation */
	if (r == SMTP_PATH_OK)
		*ret = path;
	return (r);
}

static bool is_keyword(char c)
{
	return (ascii_alnum(c) || c == '-');
}

/* esmtp-value = 1*(%d33-60 / %d62-126); RFC 6531 adds UTF-8 */
static bool is_value(char c)
{
	return ((unsigned char)c > 0x20 && c != 0x7f && c != '=');
}

enum take smtp_param_next(
    struct cursor *c, struct slice *ret_name, struct slice *ret_value, bool *ret_has_value)
{
	while (take_char(c, ' '))
		;
	*ret_value = (struct slice){ c->p, 0 };
	*ret_has_value = false;
	if (cursor_at_end(c))
		return (TAKE_MORE);
	if (cursor_peek(c) == '-' || !take_run(c, is_keyword, ret_name))
		return (TAKE_BAD);
	if (take_char(c, '=')) {
		*ret_has_value = true;
		if (!take_run(c, is_value, ret_value))
			return (TAKE_BAD);
	}
	return (cursor_at_end(c) || cursor_peek(c) == ' ' ? TAKE_OK : TAKE_BAD);
}

static bool is_upper_hex(char c)
{
	return (ascii_digit(c) || (c >= 'A' && c <= 'F'));
}

bool smtp_xtext_ok(struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '+') {
			if (s.n - i < 3 || !is_upper_hex(s.p[i + 1]) || !is_upper_hex(s.p[i + 2]))
				return (false);
			i += 2;
		} else if ((unsigned char)s.p[i] < 0x21 || (unsigned char)s.p[i] > 0x7e ||
		    s.p[i] == '=')
			return (false);
	}
	return (true);
}
