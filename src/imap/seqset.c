/* Which numbers does a set name? Linear parse, one sort, merged: "1:*,1:*,..." costs no more than
 * one of them. */
#include "imap/seqset.h"

#include <stddef.h>
#include <stdlib.h>

#include "core/cursor.h"
#include "core/limits.h"
#include "core/sorted.h"

static bool take_number(struct cursor *c, uint32_t *ret, bool *star)
{
	uint64_t v;

	if (take_char(c, '*')) {
		*ret = SEQ_STAR;
		*star = true;
		return (true);
	}
	/* seq-number = nz-number; 2^32-1 stands for "*" here, and no message gets that far: one
	 * less says the same */
	if (!take_u64(c, UINT32_MAX, &v) || v == 0)
		return (false);
	*ret = v == SEQ_STAR ? SEQ_STAR - 1 : (uint32_t)v;
	return (true);
}

bool seqset_parse(struct arena *a, struct slice s, struct seqset *ret, bool *ret_over)
{
	struct cursor c = cursor_of(s);
	size_t count = 1, n = 0;

	*ret = (struct seqset){ 0 };
	*ret_over = false;
	if (slice_eq(s, SLICE("$"))) {
		ret->is_saved = true;
		return (true);
	}
	for (size_t i = 0; i < s.n; i++)
		count += s.p[i] == ',';
	if (count > L_ISET) {
		*ret_over = true;
		return (false);
	}
	ret->v = arena_array(a, count, sizeof(*ret->v));
	do {
		struct range *r = &ret->v[n++];

		if (!take_number(&c, &r->from, &ret->has_star))
			return (false);
		r->to = r->from;
		if (take_char(&c, ':') && !take_number(&c, &r->to, &ret->has_star))
			return (false);
	} while (take_char(&c, ','));
	ret->n = n;
	return (cursor_at_end(&c));
}

static int by_from(const void *pa, const void *pb)
{
	const struct range *a = pa, *b = pb;

	return (a->from < b->from ? -1 : a->from > b->from);
}

void seqset_fix(struct seqset *s, uint32_t last)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++) {
		struct range r = s->v[i];

		if ((r.from == SEQ_STAR || r.to == SEQ_STAR) && last == 0)
			continue;
		r.from = r.from == SEQ_STAR ? last : r.from;
		r.to = r.to == SEQ_STAR ? last : r.to;
		if (r.from > r.to) /* 4:2 is 2:4, and 559:* with fewer messages holds the last */
			r = (struct range){ r.to, r.from };
		s->v[n++] = r;
	}
	s->n = n;
	s->has_star = false;
	if (n < 2)
		return;
	qsort(s->v, n, sizeof(*s->v), by_from);
	n = 0;
	for (size_t i = 1; i < s->n; i++) {
		struct range *at = &s->v[n];

		if (at->to == UINT32_MAX || s->v[i].from <= at->to + 1) {
			if (s->v[i].to > at->to)
				at->to = s->v[i].to;
		} else
			s->v[++n] = s->v[i];
	}
	s->n = n + 1;
}

bool seqset_has(const struct seqset *s, uint32_t x)
{
	size_t at = sorted_lower(s->v, s->n, sizeof(*s->v), offsetof(struct range, to), x);

	return (at < s->n && s->v[at].from <= x);
}

uint32_t seqset_max(const struct seqset *s)
{
	return (s->n == 0 ? 0 : s->v[s->n - 1].to);
}

int seqset_write_range(struct buf *out, uint32_t from, uint32_t to, bool *first)
{
	if (!*first)
		(void)buf_addc(out, ',');
	*first = false;
	(void)buf_add_u64(out, from);
	if (to != from) {
		(void)buf_addc(out, ':');
		(void)buf_add_u64(out, to);
	}
	return (out->failed ? -1 : 0);
}

int seqset_write(struct buf *out, const uint32_t *v, size_t n)
{
	bool first = true;

	for (size_t i = 0, j; i < n; i = j) {
		for (j = i + 1; j < n && v[j] == v[j - 1] + 1; j++)
			;
		(void)seqset_write_range(out, v[i], v[j - 1], &first);
	}
	return (out->failed ? -1 : 0);
}
