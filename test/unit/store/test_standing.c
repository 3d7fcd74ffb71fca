/* test_standing.c: does evidence add up to the score it should, fade as it should, and go back exactly? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/mem.h"
#include "store/standing.h"

enum { T = 1795392000, HALF = STANDING_HALF_LIFE };

static struct standing of(unsigned ham, unsigned spam)
{
	struct standing s = { 0 };

	for (unsigned i = 0; i < ham; i++)
		standing_add(&s, false, 1, 1, T, T);
	for (unsigned i = 0; i < spam; i++)
		standing_add(&s, true, 1, 1, T, T);
	return (s);
}

static void a_share_of_spam_is_a_score(void **state)
{
	static const struct {
		unsigned ham, spam, score;
		bool speaks;
	} cases[] = {
		{ 0, 0, 100, false },
		{ 0, 19, 0, false },
		{ 0, 20, 0, true },
		{ 20, 0, 100, true },
		{ 19, 1, 100, true },
		{ 18, 2, 99, true },
		{ 10, 10, 75, true },
		{ 9, 11, 70, true },
		{ 8, 12, 64, true },
		{ 5, 95, 10, true },
		{ 4, 96, 8, true },
		{ 0, 1000, 0, true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct standing s = of(cases[i].ham, cases[i].spam);

		assert_int_equal(standing_score(&s), cases[i].score);
		assert_int_equal(standing_speaks(&s, T), cases[i].speaks);
	}
}

static void evidence_fades_by_half(void **state)
{
	struct standing s = of(0, 80);

	(void)state;
	assert_true(standing_speaks(&s, T + 2 * HALF));
	assert_false(standing_speaks(&s, T + 2 * HALF + 86400));
	assert_true(standing_speaks(&s, T - 86400)); /* a clock set back */
	/* what is new weighs more than what is old */
	for (unsigned i = 0; i < 40; i++)
		standing_add(&s, false, 1, 1, T + 3 * HALF, T + 3 * HALF);
	assert_float_equal(s.spam, 10, 1e-6);
	assert_float_equal(s.ham, 40, 1e-6);
	assert_int_equal(standing_score(&s), 96);
}

static void an_hour_between_twenty_messages_is_nothing(void **state)
{
	struct standing s = { 0 };

	(void)state;
	for (int i = 0; i < STANDING_MAILS; i++) {
		assert_false(standing_speaks(&s, T + i * 180));
		standing_add(&s, true, 1, 1, T + i * 180, T + i * 180);
	}
	assert_true(standing_speaks(&s, T + 3600));
}

static void what_is_taken_back_is_gone_whenever_it_was_said(void **state)
{
	struct standing s = of(30, 0), was;

	(void)state;
	standing_add(&s, true, 0, 0, T, T + HALF);
	was = s;
	standing_add(&s, true, 5, 1, T + HALF, T + HALF);
	standing_add(&s, false, 1, 1, T + HALF, T + 2 * HALF);
	standing_add(&s, true, -5, -1, T + HALF, T + 3 * HALF);
	standing_add(&s, false, -1, -1, T + HALF, T + 3 * HALF);
	assert_float_equal(s.ham, was.ham / 4, 1e-6);
	assert_float_equal(s.mails, was.mails / 4, 1e-6);
	assert_float_equal(s.spam, 0, 1e-9);
	standing_add(&s, true, -50, -50, T, T + 3 * HALF);
	assert_true(s.spam >= 0 && s.mails >= 0);
}

static void mass_is_no_merit(void **state)
{
	struct standing s = of(100000, 0), bad = of(0, 100000);

	(void)state;
	assert_float_equal(s.mails, STANDING_MOST, 1e-6);
	for (unsigned i = 0; i < 2 * STANDING_MOST; i++)
		standing_add(&s, true, 1, 1, T, T);
	assert_true(standing_score(&s) < 40);
	assert_false(standing_speaks(&bad, T + 4 * HALF)); /* and guilt ends */
}

static void a_friend_makes_a_network_silent_for_a_while(void **state)
{
	struct standing s = of(0, 200);

	(void)state;
	s.friend_at = T;
	assert_false(standing_speaks(&s, T + 1));
	standing_add(&s, true, 200, 200, T + STANDING_FRIEND, T + STANDING_FRIEND);
	assert_true(standing_speaks(&s, T + STANDING_FRIEND));
	assert_true(standing_until(&s) > T + STANDING_FRIEND + 4 * HALF);
	assert_true(standing_until(&(struct standing){ .at = T, .friend_at = T }) ==
	    T + STANDING_FRIEND);
	assert_true(standing_until(&(struct standing){ .at = T, .ham = 1, .mails = 1 }) ==
	    T + 4 * HALF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_share_of_spam_is_a_score),
		cmocka_unit_test(evidence_fades_by_half),
		cmocka_unit_test(an_hour_between_twenty_messages_is_nothing),
		cmocka_unit_test(what_is_taken_back_is_gone_whenever_it_was_said),
		cmocka_unit_test(mass_is_no_merit),
		cmocka_unit_test(a_friend_makes_a_network_silent_for_a_while),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
