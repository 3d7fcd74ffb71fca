/* test_ledger_query.c: is a question to the ledger understood as a person means it? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/mem.h"
#include "store/ledger_query.h"

static void kinds(void **state)
{
	static const struct {
		struct slice what;
		bool ok;
		enum ledger_kind kind;
		struct slice key;
		int64_t from, to;
	} cases[] = {
		{ SLICE_INIT(" "), true, LEDGER_ALL, SLICE_INIT(""), 0, 0 },
		{ SLICE_INIT("ann@example.org"), true, LEDGER_ADDRESS, SLICE_INIT("ann@example.org"), 0, 0 },
		{ SLICE_INIT("<1.2@example.org>"), true, LEDGER_ADDRESS, SLICE_INIT("1.2@example.org"), 0, 0 },
		{ SLICE_INIT("<>"), true, LEDGER_WORD, SLICE_INIT("<>"), 0, 0 },
		{ SLICE_INIT("m-7f3a"), true, LEDGER_WORD, SLICE_INIT("m-7f3a"), 0, 0 },
		{ SLICE_INIT("192.0.2.1"), true, LEDGER_IP, SLICE_INIT("192.0.2.1"), 0, 0 },
		{ SLICE_INIT("::ffff:192.0.2.1"), true, LEDGER_IP, SLICE_INIT("192.0.2.1"), 0, 0 },
		{ SLICE_INIT("2001:DB8:0:0::1"), true, LEDGER_IP, SLICE_INIT("2001:db8::1"), 0, 0 },
		{ SLICE_INIT("10m"), true, LEDGER_SPAN, SLICE_INIT(""), 1000000 - 600, INT64_MAX },
		{ SLICE_INIT("99999d"), true, LEDGER_SPAN, SLICE_INIT(""), 0, INT64_MAX },
		{ SLICE_INIT("1970-01-01"), true, LEDGER_SPAN, SLICE_INIT(""), 0, 86400 },
		{ SLICE_INIT("2026-11-23"), true, LEDGER_SPAN, SLICE_INIT(""), 1795392000, 1795478400 },
		{ SLICE_INIT("2024-02-29T23:59"), true, LEDGER_SPAN, SLICE_INIT(""), 1709251140, 1709251200 },
		{ SLICE_INIT("2023-02-29"), true, LEDGER_WORD, SLICE_INIT("2023-02-29"), 0, 0 },
		{ SLICE_INIT("2026-11-23 24:00"), true, LEDGER_WORD, SLICE_INIT("2026-11-23 24:00"), 0, 0 },
		{ SLICE_INIT("a\0b"), false, LEDGER_ALL, SLICE_INIT(""), 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct ledger_query q;

		assert_int_equal(ledger_query_parse(cases[i].what, 1000000, &q), cases[i].ok);
		if (!cases[i].ok)
			continue;
		assert_int_equal(q.kind, cases[i].kind);
		assert_true(slice_eq(q.key, cases[i].key));
		assert_int_equal(q.from, cases[i].from);
		assert_int_equal(q.to, cases[i].to);
	}
}

static void too_long(void **state)
{
	static char text[LEDGER_KEY + 1];
	struct ledger_query q;

	(void)state;
	memset(text, 'a', sizeof(text));
	assert_true(ledger_query_parse((struct slice){ text, LEDGER_KEY }, 0, &q));
	assert_false(ledger_query_parse((struct slice){ text, LEDGER_KEY + 1 }, 0, &q));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(kinds), cmocka_unit_test(too_long) };

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
