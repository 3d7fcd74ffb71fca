/* Words of the full-text index. The first octet says how long the needle behind it is; the rest is the text. The laws, for both
 * folded: a text that has the needle has every word looked for in its place; one that has them all
 * has the needle, where the plan says that is exact; and the words are at most so much longer than the text. Taken word
 * by word (FUZZY) a needle is in the text exactly when its terms are in the words, accents left out of both. */
#include <stdint.h>
#include <stdlib.h>

#include "msg/fold.h"
#include "store/text_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void on_word(void *self, struct slice word)
{
	struct buf *words = self;

	if (word.n == 0 || word.n > TEXT_WORD_MAX + 2 || slice_chr(word, '\n') != SIZE_MAX)
		abort();
	(void)buf_add_slice(words, word);
	(void)buf_addc(words, '\n');
}

static bool has_terms(struct slice words, const struct text_plan *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (slice_find(words, (struct slice){ p->terms[i].pattern, p->terms[i].n }) == SIZE_MAX)
			return (false);
	return (true);
}

static void fuzzy(struct slice needle, struct slice text, struct slice words, bool whole)
{
	struct arena *a = arena_new(0);
	struct fuzzy *f = fuzzy_of(a, needle, whole);
	struct buf bare = BUF_INIT(1 << 26);
	struct text_plan plan;
	bool has;

	if (f != NULL) {
		(void)fold_bare(words, &bare);
		text_plan_fuzzy(f, &plan);
		has = fuzzy_all(f, fuzzy_in(f, text, 0));
		if (plan.n == 0 || has != (has_terms(buf_slice(&bare), &plan) && (plan.is_exact || has)))
			abort();
	}
	buf_free(&bare);
	arena_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct buf text = BUF_INIT(1 << 24), needle = BUF_INIT(1 << 16), words = BUF_INIT(1 << 26);
	struct slice in = { (const char *)data, n };
	struct text_plan plan;
	bool all, has;

	if (n > 0) {
		(void)fold_text(slice_head(slice_from(in, 1), data[0]), &needle);
		(void)fold_text(slice_from(in, 1 + (size_t)data[0]), &text);
	}
	(void)buf_addc(&words, '\n');
	text_words_of(buf_slice(&text), on_word, &words);
	if (words.n > 3 * text.n + 1)
		abort();
	text_plan_of(buf_slice(&needle), &plan);
	if (plan.n > TEXT_TERMS || (plan.n == 0 && plan.is_exact))
		abort();
	all = has_terms(buf_slice(&words), &plan);
	has = slice_find(buf_slice(&text), buf_slice(&needle)) != SIZE_MAX;
	if ((has && !all) || (plan.is_exact && all && !has))
		abort();
	fuzzy(buf_slice(&needle), buf_slice(&text), buf_slice(&words), false);
	fuzzy(buf_slice(&needle), buf_slice(&text), buf_slice(&words), true);
	buf_free(&text);
	buf_free(&needle);
	buf_free(&words);
	return (0);
}
