/* Counts: any number of lessons and reversals in any order equal training from scratch with what is left. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>

#include "core/mem.h"
#include "spam/bayes.h"
#include "spam/model.h"

#include "plain.h"

enum { MESSAGES = 200, ACTS = 10000, VOCABULARY = 3000 };

static uint64_t dice_state;

static unsigned dice(unsigned sides)
{
	dice_state = dice_state * 6364136223846793005 + 1442695040888963407;
	return ((unsigned)(dice_state >> 33) % sides);
}

static struct lesson_mark one_unit(enum lesson_class is)
{
	return ((struct lesson_mark){ is, 1 });
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
		assert_int_equal(
		    model_get(a, model_feature(f)).ham, model_get(b, model_feature(f)).ham);
		assert_int_equal(
		    model_get(a, model_feature(f)).spam, model_get(b, model_feature(f)).spam);
	}
}

static void reversals_equal_training_from_scratch(void **state)
{
	struct features *v = mem_new_array(MESSAGES, sizeof(*v));
	struct lesson_mark is[MESSAGES] = { { LESSON_NONE, 0 } };
	struct model lived, fresh, backwards;
	static struct plain plain;

	(void)state;
	make_messages(v);
	model_init(&lived);
	model_init(&fresh);
	model_init(&backwards);
	for (int act = 0; act < ACTS; act++) {
		unsigned i = dice(MESSAGES);
		struct lesson_mark as = { (enum lesson_class)dice(3), 1 + dice(LESSON_EXPLICIT) };

		model_learn(&lived, &v[i], is[i], true);
		model_learn(&lived, &v[i], as, false);
		is[i] = as;
	}
	for (int i = 0; i < MESSAGES; i++) {
		model_learn(&fresh, &v[i], is[i], false);
		plain_learn(&plain, &v[i], is[i], false);
	}
	for (int i = MESSAGES - 1; i >= 0; i--)
		model_learn(&backwards, &v[i], is[i], false);
	assert_same(&lived, &fresh);
	assert_same(&fresh, &backwards);
	assert_plain(&fresh, &plain);
	for (int i = 0; i < MESSAGES; i++)
		model_learn(&lived, &v[i], is[i], true);
	assert_int_equal(model_count(&lived), 0);
	assert_int_equal(lived.wide_live, 0);
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
	model_learn(&m, &f, one_unit(LESSON_SPAM), true);
	assert_int_equal(m.totals.spam, 0);
	assert_int_equal(model_get(&m, model_feature(16)).spam, 0);
	assert_int_equal(model_count(&m), 0);
	model_learn(&m, &f, one_unit(LESSON_HAM), false);
	model_learn(&m, &f, one_unit(LESSON_SPAM), true);
	assert_int_equal(model_get(&m, model_feature(16)).spam, 0);
	assert_int_equal(model_get(&m, model_feature(16)).ham, 1);
	model_free(&m);
}

/* A word of every message, for years: counts have no top, and come back as exactly. */
static void large_counts_are_exact(void **state)
{
	enum { MANY = 10000 };
	uint64_t words[] = { 16, 24, 32 };
	struct features all = { words, 3 }, one = { words, 1 };
	struct model m;

	(void)state;
	model_init(&m);
	for (int i = 0; i < MANY; i++)
		model_learn(&m, &all, one_unit(LESSON_HAM), false);
	for (int i = 0; i < MANY; i++)
		model_learn(&m, &one, one_unit(LESSON_SPAM), false);
	assert_int_equal(model_get(&m, model_feature(16)).ham, MANY);
	assert_int_equal(model_get(&m, model_feature(16)).spam, MANY);
	assert_int_equal(model_get(&m, model_feature(24)).ham, MANY);
	assert_int_equal(model_get(&m, model_feature(24)).spam, 0);
	model_change(&m, &(struct feature_change){ model_feature(40), 4094, UINT32_MAX });
	assert_int_equal(model_get(&m, model_feature(40)).ham, 4094);
	assert_int_equal(model_get(&m, model_feature(40)).spam, UINT32_MAX);
	for (int i = 0; i < MANY; i++) {
		assert_int_equal(model_get(&m, model_feature(32)).ham, MANY - i);
		model_learn(&m, &all, one_unit(LESSON_HAM), true);
	}
	assert_int_equal(model_get(&m, model_feature(16)).ham, 0);
	assert_int_equal(model_get(&m, model_feature(16)).spam, MANY);
	assert_int_equal(model_count(&m), 2);
	model_free(&m);
}

/* The list of one model is what it adds to the sum, and the union counts each feature once. */
static void models_add_up_feature_by_feature(void **state)
{
	struct features *v = mem_new_array(MESSAGES, sizeof(*v));
	struct model sum, part, other;
	const struct model *both[] = { &part, &other };

	(void)state;
	make_messages(v);
	model_init(&sum);
	model_init(&part);
	model_init(&other);
	for (int i = 0; i < 50 * MESSAGES; i++) { /* large counts too */
		struct model *of = i % 3 == 0 ? &part : &other;

		model_learn(
		    &sum, &v[i % MESSAGES], one_unit(i % 2 ? LESSON_HAM : LESSON_SPAM), false);
		model_learn(
		    of, &v[i % MESSAGES], one_unit(i % 2 ? LESSON_HAM : LESSON_SPAM), false);
	}
	assert_int_equal(model_count_union(both, 2), model_count(&sum));
	for (unsigned p = 0; p < MODEL_PARTS; p++) { /* what is listed is all there is */
		struct feature_count *list = mem_new_array(part.parts[p].live + 1, sizeof(*list));
		size_t n = model_list(&part, p, list);

		assert_int_equal(n, part.parts[p].live);
		for (size_t i = 0; i < n; i++) {
			assert_true(i == 0 || list[i - 1].feature < list[i].feature);
			model_change(&sum,
			    &(struct feature_change){
				list[i].feature, -(int64_t)list[i].ham, -(int64_t)list[i].spam });
		}
		free(list);
	}
	sum.totals = other.totals;
	assert_same(&sum, &other);
	for (int i = 0; i < MESSAGES; i++)
		features_free(&v[i]);
	free(v);
	model_free(&sum);
	model_free(&part);
	model_free(&other);
}

/* A lesson stuffed with every word there is outweighs nothing: it adds its own weight to each, once. */
static void one_message_adds_no_more_than_its_weight(void **state)
{
	enum { WORDS = 10000 };
	uint64_t *words = mem_new_array(WORDS, sizeof(*words));
	struct features all = { words, WORDS }, some = { words, 100 };
	struct lesson_mark ham = { LESSON_HAM, LESSON_EXPLICIT },
			   spam = { LESSON_SPAM, LESSON_EXPLICIT };
	struct bayes_counts totals;
	struct spam_score before, after;
	struct model m;

	(void)state;
	model_init(&m);
	for (uint64_t i = 0; i < WORDS; i++)
		words[i] = (i + 1) << 3;
	for (int i = 0; i < 200; i++)
		model_learn(&m, &some, ham, false);
	for (int lesson = 0; lesson < 2; lesson++) {
		struct bayes b;

		totals = bayes_messages((double)m.totals.ham, (double)m.totals.spam);
		bayes_start(&b, totals);
		for (size_t i = 0; i < some.n; i++) {
			struct feature_count c = model_get(&m, model_feature(words[i]));

			(void)bayes_add(&b, 0, bayes_messages(c.ham, c.spam));
		}
		bayes_end(&b, lesson == 0 ? &before : &after, NULL);
		model_learn(&m, &all, spam, false);
	}
	assert_true(before.probability < 0.5);
	assert_true(bayes_points(after.probability, after.confidence) < 2); /* below unsure */
	for (size_t i = 0; i < WORDS; i++)
		assert_in_range(
		    model_get(&m, model_feature(words[i])).spam, 8, 16); /* twice; 16: shared */
	assert_int_equal(m.totals.spam, 8);
	model_free(&m);
	free(words);
}

/* 10,000 learned messages of one account fit 16 MiB: they have 2.5 million features, of which one in twenty does not fit its slot. */
static void slots_are_few_for_what_they_hold(void **state)
{
	enum { WORDS = 600000 };
	struct model m;

	(void)state;
	model_init(&m);
	for (uint64_t i = 1; i <= WORDS; i++) {
		uint64_t word = i * 0xd1342543de82ef95;
		struct features f = { &word, 1 };

		model_learn(&m, &f, (struct lesson_mark){ LESSON_HAM, LESSON_EXPLICIT }, false);
		for (int k = 0; i % 20 == 0 && k < 9; k++)
			model_learn(&m, &f, one_unit(LESSON_HAM), false);
		assert_true(m.wide_used * 8 <= m.wide_cap * 7); /* else it is searched end to end */
		if (i < 50000 || i % 5000 != 0)
			continue;
		assert_in_range(model_octets(&m), 4 * i, 7 * i);
	}
	assert_in_range(model_count(&m), WORDS - 100, WORDS); /* few share their 32 bits */
	model_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reversals_equal_training_from_scratch),
		cmocka_unit_test(counts_never_fall_below_zero),
		cmocka_unit_test(large_counts_are_exact),
		cmocka_unit_test(models_add_up_feature_by_feature),
		cmocka_unit_test(one_message_adds_no_more_than_its_weight),
		cmocka_unit_test(slots_are_few_for_what_they_hold),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
