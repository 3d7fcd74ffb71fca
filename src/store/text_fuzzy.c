/* text_fuzzy.c: does a text have a needle's words, in any order (RFC 6203)? Cut as the full-text index
 * cuts (text_words.c), accents left out after that, so what is found by reading a message is what is
 * found by its words. Of a word longer than a piece, the first piece counts. */
#include "store/fuzzy.h"

#include "msg/fold.h"
#include "store/text_int.h"

_Static_assert((int)FUZZY_OCTETS <= (int)TEXT_WORD_SURE, "a word is a term");

struct cutting {
	struct arena *arena;
	struct fuzzy *f;
	bool whole;
};

static bool is_sign(struct slice word)
{
	return (text_signs_in(word) > 0);
}

static bool has(const struct fuzzy *f, struct slice text)
{
	for (size_t i = 0; i < f->n; i++)
		if (slice_eq(f->words[i].text, text))
			return (true);
	return (false);
}

static void on_needle_word(void *self, struct slice word)
{
	struct cutting *c = self;
	struct buf bare = BUF_INIT(TEXT_WORD_MAX + 2);
	bool cut = false;
	struct slice text;
	size_t n;

	if (c->f->n == FUZZY_WORDS || *word.p == TEXT_CUT)
		return;
	(void)fold_bare(word, &bare);
	text = buf_slice(&bare);
	if (text.n > 0 && text.p[text.n - 1] == TEXT_CUT) {
		text.n--;
		cut = true;
	}
	if (text.n > FUZZY_OCTETS) {
		for (n = FUZZY_OCTETS; ((unsigned char)text.p[n] & 0xc0) == 0x80;)
			n--;
		text.n = n;
		cut = true;
	}
	if (text.n > 0 && !has(c->f, text))
		c->f->words[c->f->n++] = (struct fuzzy_word){ arena_dup(c->arena, text),
			text_signs_in(text) == 1 ? FUZZY_IN
			    : is_sign(text)      ? FUZZY_WHOLE
			    : c->whole && !cut   ? FUZZY_WHOLE
						 : FUZZY_BEGIN };
	buf_free(&bare);
}

struct fuzzy *fuzzy_of(struct arena *a, struct slice folded, bool whole)
{
	struct cutting c = { a, arena_alloc(a, sizeof(*c.f)), whole };

	text_words_of(folded, on_needle_word, &c);
	return (c.f->n == 0 ? NULL : c.f);
}

struct looking {
	const struct fuzzy *f;
	uint64_t found;
	struct buf bare;
};

static bool fits(const struct fuzzy_word *w, struct slice word)
{
	switch (w->fit) {
	case FUZZY_BEGIN: return (slice_starts(word, w->text));
	case FUZZY_WHOLE: return (slice_eq(word, w->text));
	case FUZZY_IN: return (slice_find(word, w->text) != SIZE_MAX);
	}
	return (false);
}

static void on_word(void *self, struct slice word)
{
	struct looking *l = self;

	buf_reset(&l->bare);
	(void)fold_bare(word, &l->bare);
	for (size_t i = 0; i < l->f->n; i++)
		if (!(l->found & (uint64_t)1 << i) && fits(&l->f->words[i], buf_slice(&l->bare)))
			l->found |= (uint64_t)1 << i;
}

uint64_t fuzzy_in(const struct fuzzy *f, struct slice folded, uint64_t found)
{
	struct looking l = { f, found, BUF_INIT(TEXT_WORD_MAX + 2) };

	text_words_of(folded, on_word, &l);
	buf_free(&l.bare);
	return (l.found);
}

bool fuzzy_all(const struct fuzzy *f, uint64_t found)
{
	return (found == UINT64_MAX >> (64 - f->n));
}

void text_plan_fuzzy(const struct fuzzy *f, struct text_plan *ret)
{
	*ret = (struct text_plan){ .is_exact = f->n <= TEXT_TERMS };
	for (size_t i = 0; i < f->n && i < TEXT_TERMS; i++) {
		const struct fuzzy_word *w = &f->words[i];
		struct text_term *t = &ret->terms[ret->n++];

		if (w->fit != FUZZY_IN)
			t->pattern[t->n++] = '\n';
		memcpy(t->pattern + t->n, w->text.p, w->text.n);
		t->n += w->text.n;
		if (w->fit == FUZZY_WHOLE)
			t->pattern[t->n++] = '\n';
	}
}
