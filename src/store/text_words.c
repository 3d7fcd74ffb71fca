/* text_words.c: which words is a text made of, and which of them must a message have that holds a
 * needle? Text and needle are folded (msg/fold.h) and cut by the same rule, at places that each
 * character decides for itself: so a run of letters in a needle stands in any text that has the
 * needle, in one run of the same kind, at its end where the needle goes on after it. Chinese and Japanese
 * write no blanks: their runs are kept as pairs of characters. Words over TEXT_WORD_MAX octets
 * are cut into pieces that overlap by more than TEXT_WORD_SURE. */
#include "store/text_int.h"

enum kind { KIND_NONE, KIND_WORD, KIND_SIGN };

static enum kind kind_of(uint32_t c)
{
	if (c < 0x80)
		return (ascii_alnum((char)c) ? KIND_WORD : KIND_NONE);
	if ((c >= 0x2000 && c <= 0x206f) || (c >= 0x3000 && c <= 0x303f))
		return (KIND_NONE); /* blanks and points, general and of East Asia */
	if ((c >= 0x2e80 && c <= 0xa4cf) || (c >= 0xf900 && c <= 0xfaff) ||
	    (c >= 0x20000 && c <= 0x3ffff))
		return (KIND_SIGN);
	return (KIND_WORD);
}

/* One character of folded text, which is valid UTF-8 always. */
static size_t take(struct slice s, size_t at, enum kind *ret)
{
	const unsigned char *p = (const unsigned char *)s.p + at;
	size_t n = p[0] < 0x80 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	uint32_t c = p[0] < 0x80 ? p[0] : p[0] & (0xffu >> (n + 1));

	if (n > s.n - at)
		n = s.n - at;
	for (size_t i = 1; i < n; i++)
		c = c << 6 | (p[i] & 0x3f);
	*ret = kind_of(c);
	return (n);
}

/* The first place at or before ${at} where a character begins. */
static size_t begin_of(struct slice s, size_t at)
{
	while (at > 0 && at < s.n && ((unsigned char)s.p[at] & 0xc0) == 0x80)
		at--;
	return (at);
}

/* The next run of one kind from *at on; false at the end. */
static bool run_next(struct slice s, size_t *at, enum kind *ret_kind, struct slice *ret)
{
	enum kind kind = KIND_NONE, next;
	size_t from = *at;

	while (*at < s.n) {
		size_t n = take(s, *at, &next);

		if (kind == KIND_NONE)
			from = *at;
		else if (next != kind)
			break;
		kind = next;
		*at += n;
	}
	*ret_kind = kind;
	*ret = slice_head(slice_from(s, from), *at - from);
	return (kind != KIND_NONE);
}

static void cut_word(struct slice word, text_word_fn *on_word, void *self)
{
	char piece[TEXT_WORD_MAX + 2];
	size_t from = 0;

	if (word.n <= TEXT_WORD_MAX) {
		on_word(self, word);
		return;
	}
	for (bool last = false; !last;) {
		size_t n = 0, end;

		last = word.n - from <= TEXT_WORD_MAX;
		end = last ? word.n : begin_of(word, from + TEXT_WORD_MAX);
		if (from > 0)
			piece[n++] = TEXT_CUT;
		memcpy(piece + n, word.p + from, end - from);
		n += end - from;
		if (!last)
			piece[n++] = TEXT_CUT;
		on_word(self, (struct slice){ piece, n });
		from = begin_of(word, from + TEXT_WORD_STEP);
	}
}

static void cut_signs(struct slice run, text_word_fn *on_word, void *self)
{
	enum kind kind;
	size_t at = take(run, 0, &kind);

	if (at == run.n)
		on_word(self, run);
	for (size_t before = 0; at < run.n;) {
		size_t n = take(run, at, &kind);

		on_word(self, slice_head(slice_from(run, before), at + n - before));
		before = at;
		at += n;
	}
}

void text_words_of(struct slice folded, text_word_fn *on_word, void *self)
{
	struct slice run;
	enum kind kind;

	for (size_t at = 0; run_next(folded, &at, &kind, &run);)
		if (kind == KIND_WORD)
			cut_word(run, on_word, self);
		else
			cut_signs(run, on_word, self);
}

size_t text_signs_in(struct slice word)
{
	size_t n = 0;

	for (size_t at = 0; at < word.n; n++) {
		enum kind kind;

		at += take(word, at, &kind);
		if (kind != KIND_SIGN)
			return (0);
	}
	return (n);
}

/* --- needles --- */

static void term_add(struct text_plan *p, struct slice part, bool bound_left, bool bound_right)
{
	struct text_term *t;

	if (p->n == TEXT_TERMS) {
		p->is_exact = false;
		return;
	}
	t = &p->terms[p->n++];
	if (bound_left)
		t->pattern[t->n++] = '\n';
	memcpy(t->pattern + t->n, part.p, part.n);
	t->n += part.n;
	if (bound_right)
		t->pattern[t->n++] = '\n';
}

static void plan_word(struct text_plan *p, struct slice run, bool bound_left, bool bound_right)
{
	size_t cut;

	if (run.n <= TEXT_WORD_SURE) {
		term_add(p, run, bound_left, bound_right);
		return;
	}
	term_add(p, slice_head(run, begin_of(run, TEXT_WORD_SURE)), bound_left, false);
	cut = run.n - TEXT_WORD_SURE;
	while (cut < run.n && ((unsigned char)run.p[cut] & 0xc0) == 0x80)
		cut++;
	term_add(p, slice_from(run, cut), false, bound_right);
	p->is_exact = false;
}

struct signs {
	struct text_plan *plan;
	size_t n;
};

static void on_pair(void *self, struct slice pair)
{
	struct signs *s = self;

	s->n++;
	term_add(s->plan, pair, true, true);
}

static void plan_signs(struct text_plan *p, struct slice run)
{
	struct signs s = { p, 0 };
	enum kind kind;

	if (take(run, 0, &kind) == run.n) {
		term_add(p, run, false, false); /* it is in some pair, or alone */
		return;
	}
	cut_signs(run, on_pair, &s);
	p->is_exact &= s.n == 1;
}

void text_plan_of(struct slice folded, struct text_plan *ret)
{
	struct slice run;
	enum kind kind;

	*ret = (struct text_plan){ .is_exact = true };
	for (size_t at = 0; run_next(folded, &at, &kind, &run);) {
		size_t from = (size_t)(run.p - folded.p);

		ret->is_exact &= run.n == folded.n;
		if (kind == KIND_WORD)
			plan_word(ret, run, from > 0, at < folded.n);
		else
			plan_signs(ret, run);
	}
	ret->is_exact &= ret->n > 0;
}
