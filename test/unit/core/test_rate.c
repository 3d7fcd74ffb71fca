/* rate: so many at once, then as they come back; bounded memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "core/rate.h"

static void a_burst_then_the_rate(void **state)
{
	struct rate *r = rate_new(3, 2, 10); /* one every 500 ms */
	uint64_t now = 1000000;

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_true(rate_take(r, SLICE("a"), now));
	assert_false(rate_take(r, SLICE("a"), now));
	assert_true(rate_take(r, SLICE("b"), now)); /* each key for itself */
	assert_false(rate_take(r, SLICE("a"), now + 499));
	assert_true(rate_take(r, SLICE("a"), now + 500));
	assert_false(rate_take(r, SLICE("a"), now + 500));
	for (int i = 0; i < 3; i++) /* never more than the burst, however long it rested */
		assert_true(rate_take(r, SLICE("a"), now + 1000000));
	assert_false(rate_take(r, SLICE("a"), now + 1000000));
	rate_free(r);
	rate_free(NULL);
}

static void a_refusal_costs_nothing(void **state)
{
	struct rate *r = rate_new(1, 1, 10);

	(void)state;
	assert_true(rate_take(r, SLICE("a"), 0));
	for (uint64_t t = 1; t < 1000; t++)
		assert_false(rate_take(r, SLICE("a"), t));
	assert_true(rate_take(r, SLICE("a"), 1000));
	rate_free(r);
}

static void without_refill_it_stays_empty(void **state)
{
	struct rate *r = rate_new(2, 0, 10);

	(void)state;
	assert_true(rate_take(r, SLICE("a"), 5));
	assert_true(rate_take(r, SLICE("a"), 6));
	assert_false(rate_take(r, SLICE("a"), 1000000000));
	rate_free(r);
}

static void the_least_used_go_first(void **state)
{
	struct rate *r = rate_new(2, 0.001, 100);
	char z[100];

	(void)state;
	assert_true(rate_take(r, SLICE("busy"), 0));
	assert_true(rate_take(r, SLICE("busy"), 0));
	for (int i = 0; i < 10000; i++) { /* a flood of keys, each used once */
		struct slice key = { z, (size_t)snprintf(z, sizeof(z), "%060d and %020d", i, i) };

		assert_true(rate_take(r, key, 1));
	}
	assert_false(rate_take(r, SLICE("busy"), 2)); /* is still known */
	rate_free(r);
}

static void a_key_in_use_outlives_idle_ones(void **state)
{
	struct rate *r = rate_new(5, 0.001, 3);

	(void)state;
	assert_true(rate_take(r, SLICE("a"), 0));
	assert_true(rate_take(r, SLICE("b"), 0));
	assert_true(rate_take(r, SLICE("c"), 0));
	for (int i = 0; i < 4; i++)
		assert_true(rate_take(r, SLICE("c"), 0));
	assert_true(rate_take(r, SLICE("d"), 0)); /* a or b makes room */
	assert_false(rate_take(r, SLICE("c"), 0));
	rate_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_burst_then_the_rate),
		cmocka_unit_test(a_refusal_costs_nothing),
		cmocka_unit_test(without_refill_it_stays_empty),
		cmocka_unit_test(the_least_used_go_first),
		cmocka_unit_test(a_key_in_use_outlives_idle_ones),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
