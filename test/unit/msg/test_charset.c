/* test_charset.c: do octets in each charset become the text they stand for, whatever they are? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/mem.h"
#include "msg/charset.h"

static int open_decoders(void **state)
{
	(void)state;
	charset_setup();
	return (0);
}

static void charsets_never_fail(void **state) /* MIM-07 */
{
	static const struct {
		const char *label;
		struct slice in;
		const char *out;
	} cases[] = {
		{ "ISO-8859-1", SLICE_INIT("\xe4\x80"), "\xc3\xa4\xe2\x82\xac" },
		{ "latin1", SLICE_INIT("\xe4"), "\xc3\xa4" },
		{ "iso-8859-15", SLICE_INIT("\xa4"), "\xe2\x82\xac" },
		{ "koi8-r", SLICE_INIT("\xc1"), "\xd0\xb0" },
		{ "windows-1251", SLICE_INIT("\xe0"), "\xd0\xb0" },
		{ "us-ascii", SLICE_INIT("a\xe4"), "a\xc3\xa4" },
		{ "", SLICE_INIT("\xc3\xa4"), "\xc3\xa4" },
		{ "", SLICE_INIT("\xe4"), "\xc3\xa4" },
		{ "utf-8",
		    SLICE_INIT("a\xff"
			       "b\xc3"),
		    "a\xef\xbf\xbd"
		    "b\xef\xbf\xbd" },
		{ "utf-8", SLICE_INIT("a\0b"),
		    "a\xef\xbf\xbd"
		    "b" },
		{ "utf-8", SLICE_INIT("\xed\xa0\x80"), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
		{ "utf-16", SLICE_INIT("a\0b"), "a\xef\xbf\xbd" },
		{ "utf-16", SLICE_INIT("\xfe\xff\0a"), "a" },
		{ "utf-16le", SLICE_INIT("\x3d\xd8\x00\xde"), "\xf0\x9f\x98\x80" },
		{ "utf-16le", SLICE_INIT("\x3d\xd8"), "\xef\xbf\xbd" },
		{ "utf-16be", SLICE_INIT("\xde\x00\0a"),
		    "\xef\xbf\xbd"
		    "a" },
		{ "shift_jis", SLICE_INIT("\x82\xa0\x82"), "\xe3\x81\x82\xef\xbf\xbd" },
		{ "euc-jp", SLICE_INIT("\xa4\xa2"), "\xe3\x81\x82" },
		{ "iso-2022-jp", SLICE_INIT("\x1b$B$\"\x1b(Ba"),
		    "\xe3\x81\x82"
		    "a" },
		{ "big5", SLICE_INIT("\xa4\xa4"), "\xe4\xb8\xad" },
		{ "gb2312", SLICE_INIT("\xd6\xd0"), "\xe4\xb8\xad" },
		{ "euc-kr", SLICE_INIT("\xb0\xa1"), "\xea\xb0\x80" },
		{ "x//TRANSLIT", SLICE_INIT("\xe4"), "\xc3\xa4" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf out = BUF_INIT(100);

		assert_int_equal(charset_to_utf8(slice_of(cases[i].label), cases[i].in, &out), 0);
		if (strcmp(buf_z(&out), cases[i].out) != 0)
			print_error("%s, case %zu\n", cases[i].label, i);
		assert_string_equal(buf_z(&out), cases[i].out);
		buf_free(&out);
	}
}

static void one_text_leaves_nothing_to_the_next(void **state)
{
	struct buf out = BUF_INIT(100);

	(void)state;
	assert_int_equal(
	    charset_to_utf8(SLICE("iso-2022-jp"), SLICE("\x1b$B$"), &out), 0); /* shifted, cut */
	buf_reset(&out);
	assert_int_equal(charset_to_utf8(SLICE("iso-2022-jp"), SLICE("ab"), &out), 0);
	assert_string_equal(buf_z(&out), "ab");
	buf_free(&out);
}

static void only_listed_labels_are_known(void **state)
{
	static const struct {
		const char *label;
		bool known;
	} cases[] = {
		{ "Latin1", true },
		{ "US-ASCII", true },
		{ "Utf-8", true },
		{ "utf8", true },
		{ "cp1252", true },
		{ "UTF-7", false },
		{ "", false },
		{ "utf-8//IGNORE", false },
		{ "../x", false },
		{ "utf-8 ", true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		if (charset_known(slice_of(cases[i].label)) != cases[i].known)
			print_error("%s\n", cases[i].label);
		assert_int_equal(charset_known(slice_of(cases[i].label)), cases[i].known);
	}
}

static void utf8_is_told_from_what_is_none(void **state) /* RFC 3629 3 */
{
	static const struct {
		struct slice in;
		bool is;
	} cases[] = {
		{ SLICE_INIT(""), true },
		{ SLICE_INIT(
		      "a\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"),
		    true },
		{ SLICE_INIT("\x80"), false },
		{ SLICE_INIT("\xc0\x80"), false },
		{ SLICE_INIT("\xc1\xbf"), false },
		{ SLICE_INIT("\xe0\x9f\xbf"), false },
		{ SLICE_INIT("\xed\xa0\x80"), false },
		{ SLICE_INIT("\xf0\x8f\xbf\xbf"), false },
		{ SLICE_INIT("\xf4\x90\x80\x80"), false },
		{ SLICE_INIT("\xf5\x80\x80\x80"), false },
		{ SLICE_INIT("\xe2\x82"), false },
		{ SLICE_INIT("\xe2\x82x"), false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_int_equal(charset_is_utf8(cases[i].in), cases[i].is);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(charsets_never_fail),
		cmocka_unit_test(one_text_leaves_nothing_to_the_next),
		cmocka_unit_test(only_listed_labels_are_known),
		cmocka_unit_test(utf8_is_told_from_what_is_none),
	};

	return (cmocka_run_group_tests(tests, open_decoders, NULL));
}
