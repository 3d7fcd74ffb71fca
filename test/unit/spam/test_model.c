/* Counts: any number of lessons and reversals in any order equal training from scratch with what is left. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>

#include "core/mem.h"
#include "spam/model.h"

enum { MESSAGES = 200, ACTS = 10000, VOCABULARY = 3000 };

static uint64_t dice_state;

static unsigned dice(unsigned sides)
{
	dice_state = dice_state * 6364136223846793005 + 1442695040888963407;
	return ((unsigned)(dice_state >> 33) % sides);
}

static int cmp(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x < y ? -1 : x > y);
}

static void make_messages(struct features *v)
{
	dice_state = 42;
	for (int i = 0; i < MESSAGES; i++) {
		unsigned n = 1 + dice(60), kept = 0;

		v[i].v = mem_new_array(n, sizeof(uint64_t));
		for (unsigned k = 0; k < n; k++)
			v[i].v[k] = (uint64_t)(1 + dice(VOCABULARY)) << 3 | dice(5);
		qsort(v[i].v, n, sizeof(uint64_t), cmp);
		for (unsigned k = 0; k < n; k++)
			if (k == 0 || v[i].v[k] != v[i].v[k - 1])
				v[i].v[kept++] = v[i].v[k];
		v[i].n = kept;
	}
}

static void assert_same(const struct model *a, const struct model *b)
{
	assert_int_equal(a->totals.ham, b->totals.ham);
	assert_int_equal(a->totals.spam, b->totals.spam);
	assert_int_equal(model_count(a), model_count(b));
	for (uint64_t f = 8; f < (VOCABULARY + 2) << 3; f++) {
		const struct feature_count *x = model_get(a, f), *y = model_get(b, f);

		assert_int_equal(x == NULL ? 0 : x->ham, y == NULL ? 0 : y->ham);
		assert_int_equal(x == NULL ? 0 : x->spam, y == NULL ? 0 : y->spam);
	}
}

static void reversals_equal_training_from_scratch(void **state)
{
	struct features *v = mem_new_array(MESSAGES, sizeof(*v));
	enum lesson_class is[MESSAGES] = { LESSON_NONE };
	struct model lived, fresh, backwards;

	(void)state;
	make_messages(v);
	model_init(&lived);
	model_init(&fresh);
	model_init(&backwards);
	for (int act = 0; act < ACTS; act++) {
		unsigned i = dice(MESSAGES);
		enum lesson_class as = (enum lesson_class)dice(3);

		if (as == is[i])
			continue;
		model_learn(&lived, &v[i], is[i], true);
		model_learn(&lived, &v[i], as, false);
		is[i] = as;
	}
	for (int i = 0; i < MESSAGES; i++)
		model_learn(&fresh, &v[i], is[i], false);
	for (int i = MESSAGES - 1; i >= 0; i--)
		model_learn(&backwards, &v[i], is[i], false);
	assert_same(&lived, &fresh);
	assert_same(&fresh, &backwards);
	for (int i = 0; i < MESSAGES; i++)
		model_learn(&lived, &v[i], is[i], true);
	assert_int_equal(model_count(&lived), 0);
	assert_int_equal(lived.totals.ham + lived.totals.spam, 0);
	for (int i = 0; i < MESSAGES; i++)
		features_free(&v[i]);
	free(v);
	model_free(&lived);
	model_free(&fresh);
	model_free(&backwards);
}

static void counts_never_fall_below_zero(void **state)
{
	uint64_t one[] = { 16, 24 };
	struct features f = { one, 2 };
	struct model m;

	(void)state;
	model_init(&m);
	model_learn(&m, &f, LESSON_SPAM, true);
	assert_int_equal(m.totals.spam, 0);
	assert_null(model_get(&m, 16));
	model_learn(&m, &f, LESSON_HAM, false);
	model_learn(&m, &f, LESSON_SPAM, true);
	assert_int_equal(model_get(&m, 16)->spam, 0);
	assert_int_equal(model_get(&m, 16)->ham, 1);
	model_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reversals_equal_training_from_scratch),
		cmocka_unit_test(counts_never_fall_below_zero),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
