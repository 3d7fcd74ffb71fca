/* Do sets name each number once, in linear time, whatever their order and overlap? */
#include "check.h"

#include <stdlib.h>

#include "core/limits.h"
#include "imap/seqset.h"

static void sets_become_sorted_ranges(void **state)
{
	static const struct {
		const char *in;
		uint32_t last;
		const char *want; /* NULL: not a set */
	} cases[] = {
		{ "1", 9, "1" },
		{ "1:3", 9, "1:3" },
		{ "3:1", 9, "1:3" },
		{ "5,1:3,2:4", 9, "1:5" },
		{ "*", 9, "9" },
		{ "*:*", 9, "9" },
		{ "7:*", 9, "7:9" },
		{ "12:*", 9, "9:12" },
		{ "*:4", 9, "4:9" },
		{ "1:*,1:*,1:*", 9, "1:9" },
		{ "1,1,1,1", 9, "1" },
		{ "4294967294", 9, "4294967294" },
		{ "4294967295:1", 9, "1:4294967294" },
		{ "*", 0, "" },
		{ "1,*", 0, "1" },
		{ "1,3,5", 9, "1,3,5" },
		{ "2,1", 9, "1:2" },
		{ "0", 9, NULL },
		{ "1:0", 9, NULL },
		{ "4294967296", 9, NULL },
		{ "", 9, NULL },
		{ ",", 9, NULL },
		{ "1,", 9, NULL },
		{ "1:", 9, NULL },
		{ ":1", 9, NULL },
		{ "1:2:3", 9, NULL },
		{ "**", 9, NULL },
		{ "$,1", 9, NULL },
		{ "-1", 9, NULL },
		{ "1 2", 9, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena *a = arena_new(0);
		struct buf out = BUF_INIT(1000);
		struct seqset s;
		bool over, first = true;
		bool ok = seqset_parse(a, slice_of(cases[i].in), &s, &over);

		assert_false(over);
		if (ok != (cases[i].want != NULL))
			fail_msg("%s", cases[i].in);
		if (ok) {
			seqset_fix(&s, cases[i].last);
			for (size_t r = 0; r < s.n; r++)
				(void)seqset_write_range(&out, s.v[r].from, s.v[r].to, &first);
			assert_string_equal(buf_z(&out), cases[i].want);
		}
		buf_free(&out);
		arena_free(a);
	}
}

static void the_number_of_elements_has_a_limit(void **state)
{
	struct arena *a = arena_new(0);
	struct buf in = BUF_INIT(100000);
	struct seqset s;
	bool over;

	(void)state;
	for (int i = 1; i < L_ISET; i++)
		(void)buf_addz(&in, "1,");
	(void)buf_addz(&in, "1");
	assert_true(seqset_parse(a, buf_slice(&in), &s, &over));
	seqset_fix(&s, 3);
	assert_int_equal(s.n, 1);
	(void)buf_addz(&in, ",1");
	assert_false(seqset_parse(a, buf_slice(&in), &s, &over));
	assert_true(over);
	buf_free(&in);
	arena_free(a);
}

static void membership_is_what_was_written(void **state)
{
	struct arena *a = arena_new(0);
	struct seqset s;
	bool over;

	(void)state;
	assert_true(seqset_parse(a, SLICE("10:20,5,30:*"), &s, &over));
	seqset_fix(&s, 40);
	for (uint32_t x = 0; x < 60; x++)
		assert_int_equal(
		    seqset_has(&s, x), x == 5 || (x >= 10 && x <= 20) || (x >= 30 && x <= 40));
	assert_int_equal(seqset_max(&s), 40);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sets_become_sorted_ranges),
		cmocka_unit_test(the_number_of_elements_has_a_limit),
		cmocka_unit_test(membership_is_what_was_written),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
