/* The laws: features of any message are at most L_TOKENS, distinct, sorted, of a known class; the same message has the same ones; and
 * learning them adds their number of units, whatever shares a slot, and unlearning them leaves a model that knows
 * nothing. */
#include <stdint.h>
#include <stdlib.h>

#include "core/limits.h"
#include "spam/model.h"
#include "spam/words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static uint64_t sum_of(const struct model *m)
{
	static struct feature_count v[L_TOKENS];
	uint64_t sum = 0;

	for (unsigned part = 0; part < MODEL_PARTS; part++)
		for (size_t n = model_list(m, part, v); n > 0; n--)
			sum += (uint64_t)v[n - 1].ham + v[n - 1].spam;
	return (sum);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const unsigned char key[16] = "0123456789abcde";
	struct features once, twice;
	struct arena *a = arena_new(0);
	struct model model;
	struct mime m;

	mime_parse(a, (struct slice){ (const char *)data, n }, &m);
	words_of(key, "mx.example", &m, NULL, &once);
	words_of(key, "mx.example", &m, NULL, &twice);
	if (once.n > L_TOKENS || once.n != twice.n)
		abort();
	for (size_t i = 0; i < once.n; i++)
		if (once.v[i] != twice.v[i] || (once.v[i] & WORDS_CLASS) > WORDS_WINDOW ||
		    (i > 0 && once.v[i] <= once.v[i - 1]) || once.v[i] == 0)
			abort();
	model_init(&model);
	model_learn(&model, &once, (struct lesson_mark){ LESSON_SPAM, 3 }, false);
	if (sum_of(&model) != 3 * once.n)
		abort();
	model_learn(&model, &once, (struct lesson_mark){ LESSON_SPAM, 3 }, true);
	if (model_count(&model) != 0 || sum_of(&model) != 0 || model.totals.spam != 0)
		abort();
	model_free(&model);
	features_free(&once);
	features_free(&twice);
	arena_free(a);
	return (0);
}
