/* Probability from counts: what it must and must not say on little evidence. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>

#include "spam/bayes.h"

/* A message of n features, each seen in so many ham and spam. */
static double judge(
    double hams, double spams, double in_ham, double in_spam, int n, struct spam_score *ret)
{
	struct bayes b;
	double raw;

	bayes_start(&b, (struct bayes_counts){ hams, spams });
	for (int i = 0; i < n; i++)
		(void)bayes_add(&b, (unsigned)i % 5, (struct bayes_counts){ in_ham, in_spam });
	bayes_end(&b, ret, &raw);
	return (bayes_points(ret->probability, ret->confidence));
}

static void nothing_learned_is_nothing_known(void **state)
{
	struct spam_score s;

	(void)state;
	assert_true(fabs(judge(0, 0, 0, 0, 100, &s)) < 1e-9);
	assert_false(s.known);
	assert_true(s.probability == 0.5 && s.confidence == 0);
	assert_true(fabs(judge(50, 50, 0, 0, 100, &s)) < 1e-9); /* a message of words never seen */
	assert_true(s.known && s.probability == 0.5 && s.confidence == 0);
}

static void one_class_known_speaks_without_confidence(void **state)
{
	struct spam_score s;

	(void)state;
	for (int n = 1; n <= 10; n++) {
		assert_true(judge(0, n, 0, n, 500, &s) < 1e-9);
		assert_true(s.known && s.probability > 0.5 && s.confidence == 0);
		assert_true(judge(n, 0, n, 0, 500, &s) > -1e-9);
		assert_true(s.known && s.probability < 0.5 && s.confidence == 0);
	}
	assert_true(judge(5000, 0, 5000, 0, 500, &s) > -1e-9); /* however much ham */
	/* one who only ever moves spam is heard in the end, or no ham would ever be moved out */
	assert_true(judge(0, 30, 0, 10, 500, &s) < 6);
	assert_true(judge(0, 200, 0, 60, 500, &s) > 6);
}

static void points_grow_with_evidence_and_stay_in_bounds(void **state)
{
	struct spam_score s;
	double before = 0;

	(void)state;
	assert_true(judge(1, 1, 0, 1, 1000, &s) < 5); /* one spam and one ham never junk */
	for (int n = 1; n < 2000; n *= 2) {
		double p = judge(n, n, 0, n, 1000, &s);

		assert_true(p > before && p <= 6.5);
		before = p;
	}
	assert_true(before > 6.4);
	assert_true(judge(1000, 1000, 900, 0, 1000, &s) < -2.9);
	assert_true(judge(1000, 1000, 900, 0, 1000, &s) >= -3);
	assert_true(judge(1000, 1000, 0, 1, 1, &s) < 6); /* one rare word is not enough */
	assert_true(
	    fabs(judge(1000, 1000, 500, 500, 1000, &s)) < 0.01); /* words of both tell nothing */
}

static void arithmetic_stays_finite(void **state)
{
	struct spam_score s;

	(void)state;
	(void)judge(1e9, 1, 1e9, 0, 10000, &s);
	assert_true(isfinite(s.probability) && isfinite(s.confidence));
	(void)judge(1, 1e9, 0, 1e9, 10000, &s);
	assert_true(isfinite(s.probability) && s.probability <= 1);
}

static void others_count_less_as_own_experience_grows(void **state)
{
	struct model_totals t = { 0, 0 };

	(void)state;
	assert_true(bayes_share(&t) == 1);
	t.ham = 1000 * LESSON_EXPLICIT;
	assert_true(bayes_share(&t) == 1); /* of one class only */
	t.spam = 50 * LESSON_EXPLICIT;
	assert_true(bayes_share(&t) == 0.5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_learned_is_nothing_known),
		cmocka_unit_test(one_class_known_speaks_without_confidence),
		cmocka_unit_test(points_grow_with_evidence_and_stay_in_bounds),
		cmocka_unit_test(arithmetic_stays_finite),
		cmocka_unit_test(others_count_less_as_own_experience_grows),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
