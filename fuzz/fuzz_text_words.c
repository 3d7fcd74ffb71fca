/* Words of the full-text index. The first octet says how long the needle behind it is; the rest is the text. The laws, for both
 * folded: a text that has the needle has every word looked for in its place; one that has them all
 * has the needle, where the plan says that is exact; and the words are at most so much longer than the text. */
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct buf text = BUF_INIT(1 << 24), needle = BUF_INIT(1 << 16), words = BUF_INIT(1 << 26);
	struct slice in = { (const char *)data, n };
	struct text_plan plan;
	bool all = true, has;

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
	for (size_t i = 0; i < plan.n; i++)
		all = all && slice_find(buf_slice(&words), (struct slice){ plan.terms[i].pattern, plan.terms[i].n }) != SIZE_MAX;
	has = slice_find(buf_slice(&text), buf_slice(&needle)) != SIZE_MAX;
	if ((has && !all) || (plan.is_exact && all && !has))
		abort();
	buf_free(&text);
	buf_free(&needle);
	buf_free(&words);
	return (0);
}
