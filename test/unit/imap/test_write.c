/* Can any content leave its quotes, its literal or its line (IMP-23)? */
#include "check.h"

#include <stdlib.h>

#include "imap/write.h"

#define BYTES(lit) SLICE_INIT(lit)

static void strings_stay_strings(void **state)
{
	static const struct {
		struct slice in;
		bool utf8;
		const char *want;
	} cases[] = {
		{ BYTES("abc"), false, "\"abc\"" },
		{ BYTES(""), false, "\"\"" },
		{ BYTES("a\"b\\c"), false, "\"a\\\"b\\\\c\"" },
		{ BYTES("a\r\nb"), false, "{4}\r\na\r\nb" },
		{ BYTES("a\nb"), true, "{3}\r\na\nb" },
		{ BYTES("a\0b"), false, "{3}\r\na?b" },
		{ BYTES("\xc3\xbc"), false, "{2}\r\n\xc3\xbc" },
		{ BYTES("\xc3\xbc"), true, "\"\xc3\xbc\"" },
		{ BYTES("\xff"), true, "{1}\r\n\xff" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf out = BUF_INIT(100);

		assert_int_equal(write_string(&out, cases[i].in, cases[i].utf8), 0);
		assert_string_equal(buf_z(&out), cases[i].want);
		buf_free(&out);
	}
}

static void atoms_are_only_for_what_is_one(void **state)
{
	static const char *const cases[][2] = {
		{ "Subject", "Subject" },
		{ "NIL", "\"NIL\"" },
		{ "nil", "\"nil\"" },
		{ "", "\"\"" },
		{ "a b", "\"a b\"" },
		{ "a)", "\"a)\"" },
		{ "a]", "\"a]\"" },
		{ "a*", "\"a*\"" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf out = BUF_INIT(100);

		(void)write_astring(&out, slice_of(cases[i][0]));
		assert_string_equal(buf_z(&out), cases[i][1]);
		buf_free(&out);
	}
}

static void names_are_encoded_for_old_clients(void **state)
{
	struct buf out = BUF_INIT(100);

	(void)state;
	(void)write_mailbox(&out,
	    SLICE("b\xc3\xbc"
		  "cher & co"),
	    false);
	assert_string_equal(buf_z(&out), "\"b&APw-cher &- co\"");
	buf_reset(&out);
	(void)write_mailbox(&out,
	    SLICE("b\xc3\xbc"
		  "cher & co"),
	    true);
	assert_string_equal(buf_z(&out),
	    "\"b\xc3\xbc"
	    "cher & co\"");
	buf_free(&out);
}

static void text_is_one_clean_line_and_never_empty(void **state)
{
	struct buf out = BUF_INIT(1000);

	(void)state;
	(void)write_text(&out, "a\r\n* BYE\x80\x01");
	assert_string_equal(buf_z(&out), "a??* BYE??");
	buf_reset(&out);
	(void)write_text(&out, "");
	assert_true(out.n > 0);
	buf_free(&out);
}

static void flags_are_listed_by_name(void **state)
{
	static struct keyword_names names;
	struct buf out = BUF_INIT(1000);

	(void)state;
	(void)strncpy(names.name[1], "$Work", sizeof(names.name[1]) - 1);
	(void)write_flags(&out, 0, false, &names);
	assert_string_equal(buf_z(&out), "()");
	buf_reset(&out);
	(void)write_flags(
	    &out, FLAG_SEEN | FLAG_PASSED | FLAG_KEYWORD0 | FLAG_KEYWORD0 << 1, true, &names);
	assert_string_equal(buf_z(&out), "(\\Seen $Forwarded $Work \\Recent)");
	buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strings_stay_strings),
		cmocka_unit_test(atoms_are_only_for_what_is_one),
		cmocka_unit_test(names_are_encoded_for_old_clients),
		cmocka_unit_test(text_is_one_clean_line_and_never_empty),
		cmocka_unit_test(flags_are_listed_by_name),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
