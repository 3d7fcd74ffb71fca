/* addr_lex.c: where does a word, quoted string, literal or comment of an address field end, and how
 * is an address written so that it reads back?
 *
 * Widely taken: whatever is no special belongs to a word; what is never closed goes on to the end,
 * ${faulty}. Meaning is left to addr.c. RFC 5322 3.2, 3.4; RFC 6532. */
#include "msg/addr_int.h"

#include "core/buf.h"
#include "core/limits.h"

bool addr_is_atom(char c)
{
	return (c != ' ' && c != '\t' && c != '\r' && c != '\n' &&
	    memchr("()<>@,;:\".\\", c, 11) == NULL);
}

/* Past the end of a comment, quoted string or literal that begins at i; SIZE_MAX when it is never
 * closed. */
static size_t comment_end(struct slice s, size_t i, bool *faulty)
{
	unsigned depth = 0;

	for (; i < s.n; i++) {
		if (s.p[i] == '\\') {
			i++;
		} else if (s.p[i] == '(') {
			if (++depth > L_CMT)
				*faulty = true;
		} else if (s.p[i] == ')' && --depth == 0) {
			return (i + 1);
		}
	}
	return (SIZE_MAX);
}

static size_t quoted_end(struct slice s, size_t i, char close)
{
	for (i++; i < s.n; i++) {
		if (s.p[i] == '\\')
			i++;
		else if (s.p[i] == close)
			return (i + 1);
	}
	return (SIZE_MAX);
}

/* What opens something that is never closed says nothing: it is skipped, and what follows is still
 * read, or an address could be hidden behind it (AUT-07). What was searched for in vain is not
 * searched for again. */
static size_t open_end(struct lexer *x, size_t i)
{
	char c = x->s.p[i];
	bool *endless = c == '(' ? &x->endless_comment
	    : c == '"'           ? &x->endless_quote
				 : &x->endless_literal;
	size_t end = SIZE_MAX;

	if (!*endless)
		end = c == '(' ? comment_end(x->s, i, &x->faulty)
			       : quoted_end(x->s, i, c == '"' ? '"' : ']');
	if (end != SIZE_MAX)
		return (end);
	*endless = true;
	x->faulty = true;
	x->token = T_COMMENT;
	return (i + 1);
}

/* An encoded word may, against RFC 2047 5 (3), hold commas, dots and brackets; it is one word all
 * the same unless it could be taken for an address. In a domain there is none: its atoms hold no
 * specials. */
static size_t encoded_word_end(struct slice s, size_t i)
{
	unsigned marks = 0;

	for (size_t k = i + 2; k < s.n && k < i + 256; k++) {
		char c = s.p[k];

		if (c == '?' && ++marks == 3)
			return (k + 1 < s.n && s.p[k + 1] == '=' ? k + 2 : i);
		if (c == ' ' || c == '\t' || c == '@' || c == '<' || c == '>' || c == '"')
			return (i);
	}
	return (i);
}

static size_t word_end(struct lexer *x, size_t i, bool in_domain)
{
	if (!in_domain && x->s.p[i] == '=' && i + 1 < x->s.n && x->s.p[i + 1] == '?') {
		size_t end = encoded_word_end(x->s, i);

		if (end > i)
			return (end);
	}
	while (i < x->s.n && (addr_is_atom(x->s.p[i]) || x->s.p[i] == '\\')) {
		if (x->s.p[i] ==
		    '\\') { /* quoted-pair outside quotes: obsolete and broken, but seen */
			x->faulty = true;
			if (++i == x->s.n)
				break;
		}
		i++;
	}
	return (i);
}

enum token addr_lex(struct lexer *x, bool in_domain)
{
	struct slice s = x->s;
	size_t i = x->at;

	while (i < s.n && (s.p[i] == ' ' || s.p[i] == '\t' || s.p[i] == '\r' || s.p[i] == '\n'))
		i++;
	x->from = i;
	if (i == s.n) {
		x->token = T_END;
	} else if (s.p[i] == '(' || s.p[i] == '"' || (in_domain && s.p[i] == '[')) {
		x->token = s.p[i] == '(' ? T_COMMENT : s.p[i] == '"' ? T_QUOTED : T_LITERAL;
		i = open_end(x, i);
	} else if (s.p[i] == '.') {
		x->token = T_DOT;
		i++;
	} else if (memchr("<>@,;:", s.p[i], 6) != NULL) {
		x->token = T_MARK;
		x->mark = s.p[i++];
	} else if (s.p[i] == ')') { /* closes nothing */
		x->faulty = true;
		x->token = T_COMMENT;
		i++;
	} else {
		x->token = T_WORD;
		i = word_end(x, i, in_domain);
	}
	x->at = x->to = i < s.n ? i : s.n;
	return (x->token);
}

static char safe_octet(char c)
{
	return (
	    c == '\r' || c == '\n' || c == '\0' ? '?' : c); /* cannot be said in a field at all */
}

static bool is_dot_atom(struct slice s)
{
	if (s.n == 0 || s.p[0] == '.' || s.p[s.n - 1] == '.')
		return (false);
	for (size_t i = 0; i < s.n; i++) {
		char c = safe_octet(s.p[i]);

		if (c == '.' && s.p[i - 1] != '.')
			continue;
		if (!addr_is_atom(c) || (unsigned char)c < 32 || c == 127 || c == '[' || c == ']')
			return (false);
	}
	return (true);
}

int addr_write(struct buf *out, struct slice local, struct slice domain)
{
	if (is_dot_atom(local)) {
		for (size_t i = 0; i < local.n; i++)
			(void)buf_addc(out, safe_octet(local.p[i]));
	} else if (local.n > 0 || domain.n > 0) { /* RFC 5322 3.2.4 */
		(void)buf_addc(out, '"');
		for (size_t i = 0; i < local.n; i++) {
			if (local.p[i] == '"' || local.p[i] == '\\')
				(void)buf_addc(out, '\\');
			(void)buf_addc(out, safe_octet(local.p[i]));
		}
		(void)buf_addc(out, '"');
	}
	if (domain.n > 0) {
		(void)buf_addc(out, '@');
		for (size_t i = 0; i < domain.n; i++)
			(void)buf_addc(out, safe_octet(domain.p[i]));
	}
	return (out->failed ? -1 : 0);
}
