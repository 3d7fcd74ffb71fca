/* test_quirks.c tests src/imap/quirks.c: which rows take a capability from whom. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/mem.h"
#include "imap/quirks.h"

static void versions_are_compared_by_number(void **state)
{
	static const struct {
		const char *a, *b;
		int want;
	} cases[] = {
		{ "", "", 0 },
		{ "1", "1.0", 0 },
		{ "15.9", "15.20", -1 },
		{ "15.20.9160.4", "15.20", 1 },
		{ "2", "10", -1 },
		{ "1.2beta", "1.2", 0 },
		{ "x", "1", -1 },
		{ "99999999999999999999999999", "3", 1 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct slice a = slice_of(cases[i].a), b = slice_of(cases[i].b);

		assert_int_equal(version_compare(a, b), cases[i].want);
		assert_int_equal(version_compare(b, a), -cases[i].want);
	}
}

static void rows_take_from_one_client_within_its_versions(void **state)
{
	static const struct quirk rows[] = {
		{ SLICE_INIT("Old Mail"), SLICE_INIT("2"), SLICE_INIT("3.1"), SLICE_INIT("MOVE"),
		    "a test" },
		{ SLICE_INIT("Any Mail"), SLICE_INIT(""), SLICE_INIT(""), SLICE_INIT("IDLE"),
		    "a test" },
	};
	static const struct {
		const char *name, *version, *capability;
		bool want;
	} cases[] = {
		{ "old mail", "2", "MOVE", true },
		{ "Old Mail", "3.0.9", "move", true },
		{ "Old Mail", "3.1", "MOVE", false },
		{ "Old Mail", "1.9", "MOVE", false },
		{ "Old Mail", "", "MOVE", false },
		{ "Old Mail", "2", "IDLE", false },
		{ "Old Mail 2", "2", "MOVE", false },
		{ "Any Mail", "", "IDLE", true },
		{ "", "", "IDLE", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_int_equal(quirk_masks(rows, COUNT_OF(rows), slice_of(cases[i].name),
				     slice_of(cases[i].version), slice_of(cases[i].capability)),
		    cases[i].want);
}

static void every_row_says_why(void **state)
{
	(void)state;
	for (size_t i = 0; i < quirks_n; i++) {
		assert_true(quirks[i].name.n > 0 && quirks[i].capability.n > 0);
		assert_true(slice_starts(slice_of(quirks[i].why), SLICE("https://")));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(versions_are_compared_by_number),
		cmocka_unit_test(rows_take_from_one_client_within_its_versions),
		cmocka_unit_test(every_row_says_why),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
