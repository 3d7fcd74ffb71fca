/* test_mutf7.c: mailbox names in modified UTF-7: one encoding for each name, both ways (RFC 3501
 * 5.1.3). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/mem.h"
#include "msg/mutf7.h"

static void names_go_both_ways(void **state)
{
	static const struct {
		const char *utf8, *mutf7;
	} cases[] = {
		{ "INBOX", "INBOX" },
		{ "a&b", "a&-b" },
		{ "&&", "&-&-" },
		{ "~peter/mail/\xe5\x8f\xb0\xe5\x8c\x97/\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e",
		    "~peter/mail/&U,BTFw-/&ZeVnLIqe-" },
		{ "W\xc3\xb6rk", "W&APY-rk" },
		{ "\xf0\x9f\x90\xb1", "&2D3cMQ-" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf out = BUF_INIT(200);

		assert_int_equal(mutf7_from_utf8(slice_of(cases[i].utf8), &out), 0);
		assert_string_equal(buf_z(&out), cases[i].mutf7);
		buf_reset(&out);
		assert_int_equal(mutf7_to_utf8(slice_of(cases[i].mutf7), &out), 0);
		assert_string_equal(buf_z(&out), cases[i].utf8);
		buf_free(&out);
	}
}

static void malformed_is_refused(void **state)
{
	static const char *const bad[] = { "&", "a&", "&AGE-", "&Jjo!-", "&A-", "&AP-", "&APYA-",
		"&APY-&APY-", "\xc3\xb6", "a\x7f", "&2D0-", "&3DE-", "&AAA-", "&APZ-" };
	static const char *const bad_utf8[] = { "\xc3", "\xc0\x80", "\xed\xa0\x80", "\xff",
		"\xf4\x90\x80\x80", "\x80" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct buf out = BUF_INIT(200);

		assert_int_equal(mutf7_to_utf8(slice_of(bad[i]), &out), -1);
		buf_free(&out);
	}
	for (size_t i = 0; i < COUNT_OF(bad_utf8); i++) {
		struct buf out = BUF_INIT(200);

		assert_int_equal(mutf7_from_utf8(slice_of(bad_utf8[i]), &out), -1);
		buf_free(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_go_both_ways),
		cmocka_unit_test(malformed_is_refused),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
