/* What are the arguments? Over a complete command; literals are in place. RFC 9051 9. Linear, no
 * recursion. */
#include "imap/args.h"

#include "core/limits.h"
#include "core/mem.h"
#include "store/mailbox.h"

bool args_is_atom_char(char c)
{
	/* atom-specials = "(" / ")" / "{" / SP / CTL / list-wildcards / quoted-specials /
	 * resp-specials */
	return (
	    (unsigned char)c > ' ' && (unsigned char)c < 0x7f && strchr("(){%*\"\\]", c) == NULL);
}

static bool is_astring_char(char c)
{
	return (args_is_atom_char(c) || c == ']');
}

static bool is_list_char(char c)
{
	/* 8-bit too: clients that think in UTF-8 send it, and a name's check decides */
	return (is_astring_char(c) || c == '%' || c == '*' || (unsigned char)c >= 0x80);
}

bool args_sp(struct args *a)
{
	return (take_char(&a->c, ' '));
}

bool args_end(const struct args *a)
{
	return (cursor_at_end(&a->c));
}

bool args_char(struct args *a, char c)
{
	return (take_char(&a->c, c));
}

bool args_peek(const struct args *a, char c)
{
	return (cursor_peek(&a->c) == (unsigned char)c);
}

bool args_atom(struct args *a, struct slice *ret)
{
	return (take_run(&a->c, args_is_atom_char, ret));
}

bool args_word(struct args *a, const char *word)
{
	struct cursor was = a->c;
	struct slice s;

	if (args_atom(a, &s) && slice_ieq(s, slice_of(word)))
		return (true);
	a->c = was;
	return (false);
}

static bool take_quoted(struct args *a, struct slice *ret)
{
	const char *from = a->c.p;
	bool escapes = false;
	char *out;

	for (;; a->c.p++) {
		if (a->c.p == a->c.end)
			return (false);
		if (*a->c.p == '"')
			break;
		if (*a->c.p == '\r' || *a->c.p == '\n')
			return (false);
		if (*a->c.p == '\\') {
			escapes = true;
			if (++a->c.p == a->c.end || (*a->c.p != '"' && *a->c.p != '\\'))
				return (false); /* quoted = "\" quoted-specials, nothing else */
		}
	}
	*ret = slice_between(from, a->c.p++);
	if (!escapes)
		return (true);
	out = arena_alloc(a->arena, ret->n + 1);
	size_t n = 0;

	for (size_t i = 0; i < ret->n; i++) {
		if (ret->p[i] == '\\')
			i++;
		out[n++] = ret->p[i];
	}
	*ret = (struct slice){ out, n };
	return (true);
}

bool args_string(struct args *a, struct slice *ret)
{
	uint64_t n;

	if (take_char(&a->c, '"'))
		return (take_quoted(a, ret));
	(void)take_char(&a->c, '~');
	if (!take_char(&a->c, '{') || !take_u64(&a->c, L_ITOT, &n))
		return (false);
	(void)take_char(&a->c, '+');
	if (!take_literal(&a->c, SLICE("}\r\n")) || cursor_left(&a->c) < n)
		return (false);
	*ret = (struct slice){ a->c.p, (size_t)n };
	a->c.p += n;
	return (true);
}

bool args_astring(struct args *a, struct slice *ret)
{
	return (take_run(&a->c, is_astring_char, ret) || args_string(a, ret));
}

bool args_nstring(struct args *a, struct slice *ret)
{
	if (args_word(a, "NIL")) {
		*ret = (struct slice){ NULL, 0 };
		return (true);
	}
	return (args_string(a, ret));
}

bool args_pattern(struct args *a, struct slice *ret)
{
	return (take_run(&a->c, is_list_char, ret) || args_string(a, ret));
}

bool args_u64(struct args *a, uint64_t max, uint64_t *ret)
{
	return (take_u64(&a->c, max, ret));
}

bool args_u32(struct args *a, uint32_t *ret)
{
	uint64_t v;

	if (!take_u64(&a->c, UINT32_MAX, &v))
		return (false);
	*ret = (uint32_t)v;
	return (true);
}

static bool is_set_char(char c)
{
	return (ascii_digit(c) || c == ':' || c == ',' || c == '*' || c == '$');
}

bool args_set(struct args *a, struct seqset *ret, bool *ret_over)
{
	struct slice s;

	*ret_over = false;
	return (take_run(&a->c, is_set_char, &s) && seqset_parse(a->arena, s, ret, ret_over));
}

bool args_is_keyword(struct slice s)
{
	if (s.n == 0 || s.n > L_KW_NAME)
		return (false);
	for (size_t i = 0; i < s.n; i++)
		if (!args_is_atom_char(s.p[i]))
			return (false);
	return (true);
}

static bool take_flag(struct args *a, struct flag_list *ret)
{
	static const struct {
		struct slice name;
		unsigned flag;
	} system[] = {
		{ SLICE_INIT("Seen"), FLAG_SEEN },
		{ SLICE_INIT("Answered"), FLAG_ANSWERED },
		{ SLICE_INIT("Flagged"), FLAG_FLAGGED },
		{ SLICE_INIT("Deleted"), FLAG_DELETED },
		{ SLICE_INIT("Draft"), FLAG_DRAFT },
	};
	bool is_system = take_char(&a->c, '\\');
	struct slice s;

	if (!args_atom(a, &s))
		return (false);
	if (is_system) { /* \Recent is nobody's to set, others we do not know: RFC 9051 2.3.2 */
		for (size_t i = 0; i < COUNT_OF(system); i++)
			if (slice_ieq(s, system[i].name)) {
				ret->flags |= system[i].flag;
				return (true);
			}
		return (false);
	}
	if (!args_is_keyword(s))
		return (false);
	if (slice_ieq(s, SLICE("$Forwarded"))) {
		ret->flags |= FLAG_PASSED;
		return (true);
	}
	for (size_t i = 0; i < ret->n; i++)
		if (slice_ieq(slice_of(ret->keywords[i]), s))
			return (true);
	if (ret->n == 2 * L_KW) /* more than any folder can hold: the store refuses it */
		return (true);
	if (ret->keywords == NULL)
		ret->keywords = arena_array(a->arena, (size_t)2 * L_KW, sizeof(char *));
	ret->keywords[ret->n++] = arena_strdup(a->arena, s);
	return (true);
}

bool args_flags(struct args *a, bool bare, struct flag_list *ret)
{
	bool parens = take_char(&a->c, '(');

	*ret = (struct flag_list){ 0 };
	if (!parens && !bare)
		return (false);
	if (parens && take_char(&a->c, ')'))
		return (true);
	do {
		if (!take_flag(a, ret))
			return (false);
	} while (args_sp(a));
	return (parens ? take_char(&a->c, ')') : true);
}
