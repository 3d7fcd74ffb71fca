/* cursor.h: the reading head that parsers are built on. Each take_ function moves the head past what it
 * took and returns true, or leaves the head where it was and returns false. Nothing allocates. */
#ifndef CORE_CURSOR_H
#define CORE_CURSOR_H

#include "core/slice.h"

enum take { /* what parsers of a stream answer */
	TAKE_OK,
	TAKE_MORE, /* incomplete: call again with more input */
	TAKE_BAD,
};

struct cursor {
	const char *p, *end;
};

static inline struct cursor cursor_of(struct slice s)
{
	return ((struct cursor){ s.p, s.p + s.n });
}

static inline bool cursor_at_end(const struct cursor *c)
{
	return (c->p == c->end);
}

static inline size_t cursor_left(const struct cursor *c)
{
	return ((size_t)(c->end - c->p));
}

static inline int cursor_peek(const struct cursor *c) /* octet value, or -1 at the end */
{
	return (c->p < c->end ? (unsigned char)*c->p : -1);
}

static inline struct slice cursor_rest(const struct cursor *c)
{
	return ((struct slice){ c->p, cursor_left(c) });
}

bool take_char(struct cursor *c, char want);
bool take_literal(struct cursor *c, struct slice want);	 /* exact octets */
bool take_iliteral(struct cursor *c, struct slice want); /* ASCII case folded */
/* The longest run, at least one octet, for which is_in() holds. */
bool take_run(struct cursor *c, bool (*is_in)(char), struct slice *ret);
/* Up to but without ${stop}; false when it does not occur. */
bool take_until(struct cursor *c, char stop, struct slice *ret);
/* Decimal digits with a value of at most max. */
bool take_u64(struct cursor *c, uint64_t max, uint64_t *ret);
void take_blanks(struct cursor *c); /* any number of SP and HT */

#endif
