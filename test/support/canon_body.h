/* canon_body.h: the canonical form of a body in one piece, for tests: cut anyhow, with any patience. What breaks the contract of
 * dkim/canon.h ends the test. */
#ifndef TEST_CANON_BODY_H
#define TEST_CANON_BODY_H

#include <stdlib.h>

#include "dkim/canon.h"

struct body_taker {
	struct buf *out;
	size_t kept;
	bool guessing;
};

static inline void body_take(void *self, struct slice octets)
{
	struct body_taker *t = self;

	if (buf_add_slice(t->out, octets) == -1)
		abort();
}

static inline void body_guess(void *self)
{
	struct body_taker *t = self;

	if (t->guessing)
		abort();
	t->guessing = true;
	t->kept = t->out->n;
}

static inline void body_guessed(void *self, bool right)
{
	struct body_taker *t = self;

	if (!t->guessing)
		abort();
	t->guessing = false;
	if (!right)
		t->out->n = t->kept; /* what was guessed wrongly is taken back */
}

/* ${patience} 0: all line ends wait. */
static inline void body_form(
    enum canon how, struct slice in, size_t step, uint64_t patience, struct buf *out)
{
	struct body_taker t = { .out = out };
	struct canon_body c = { .how = how,
		.sink = body_take,
		.self = &t,
		.patience = patience,
		.guess = body_guess,
		.guessed = body_guessed };

	for (size_t at = 0; at < in.n; at += step)
		canon_body_add(&c, slice_head(slice_from(in, at), step));
	canon_body_end(&c);
	if (t.guessing)
		abort();
}

#endif
