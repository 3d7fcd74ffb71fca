/* cursor.c: how does a parser take one thing and move on? */
#include "core/cursor.h"

bool take_char(struct cursor *c, char want)
{
	if (c->p == c->end || *c->p != want)
		return (false);
	c->p++;
	return (true);
}

bool take_literal(struct cursor *c, struct slice want)
{
	if (!slice_starts(cursor_rest(c), want))
		return (false);
	c->p += want.n;
	return (true);
}

bool take_iliteral(struct cursor *c, struct slice want)
{
	if (!slice_istarts(cursor_rest(c), want))
		return (false);
	c->p += want.n;
	return (true);
}

bool take_run(struct cursor *c, bool (*is_in)(char), struct slice *ret)
{
	const char *from = c->p;

	while (c->p < c->end && is_in(*c->p))
		c->p++;
	if (c->p == from)
		return (false);
	*ret = slice_between(from, c->p);
	return (true);
}

bool take_until(struct cursor *c, char stop, struct slice *ret)
{
	size_t at = slice_chr(cursor_rest(c), stop);

	if (at == SIZE_MAX)
		return (false);
	*ret = slice_head(cursor_rest(c), at);
	c->p += at;
	return (true);
}

bool take_u64(struct cursor *c, uint64_t max, uint64_t *ret)
{
	struct cursor at = *c;
	struct slice digits;

	while (at.p < at.end && ascii_digit(*at.p))
		at.p++;
	digits = slice_between(c->p, at.p);
	if (!slice_u64(digits, max, ret))
		return (false);
	*c = at;
	return (true);
}

void take_blanks(struct cursor *c)
{
	while (c->p < c->end && (*c->p == ' ' || *c->p == '\t'))
		c->p++;
}
