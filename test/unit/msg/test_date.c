/* test_date.c: is the moment a date names found, and does each form come back as it was written? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/mem.h"
#include "msg/date.h"

static void mail_dates_are_read_generously(void **state) /* RFC 5322 3.3, 4.3 */
{
	static const struct {
		const char *in;
		int64_t t;
		int zone;
	} cases[] = {
		{ "Mon, 23 Nov 2026 04:00:00 -0130 (x)", 1795411800, -90 },
		{ "23 Nov 2026 04:00 +0000", 1795406400, 0 },
		{ "Thu, 1 Jan 1970 00:00:00 GMT", 0, 0 },
		{ "1 Jan 70 00:00:00 UT", 0, 0 },
		{ "1 Jan 49 00:00:00 +0000", 2493072000, 0 },
		{ "1 Jan 50 00:00:00 +0000", -631152000, 0 },
		{ "1 Jan 100 00:00:00 +0000", 946684800, 0 },
		{ "Fri, 21 Nov 1997 09(comment):   55  :  06 -0600", 880127706, -360 },
		{ "29 Feb 2000 12:00:00 EST", 951843600, -300 },
		{ "29 Feb 2000 12:00:00 PDT", 951850800, -420 },
		{ "31 Dec 1998 23:59:60 +0000", 915148799,
		    0 },                          /* a leap second is the one before it */
		{ "1 Jan 70 00:00 -9999", 0, 0 }, /* MIM-13 */
		{ "1 Jan 70 00:00 XYZ", 0, 0 },
		{ "31 Dec 1969 23:59:59 +0000", -1, 0 },
		{ "1 Jan 1900 00:00:00 +0000", -2208988800, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		int64_t t = 99;
		int zone = 99;

		if (!date_parse(slice_of(cases[i].in), &t, &zone) || t != cases[i].t ||
		    zone != cases[i].zone)
			print_error("%s: %lld %d\n", cases[i].in, (long long)t, zone);
		assert_true(date_parse(slice_of(cases[i].in), &t, &zone));
		assert_int_equal(t, cases[i].t);
		assert_int_equal(zone, cases[i].zone);
	}
}

static void what_is_no_date_is_refused(void **state) /* MIM-13 */
{
	static const char *const cases[] = {
		"",
		"nonsense",
		"1 Jan 0000 00:00:00 +0000",
		"1 Jan 99999 00:00:00 +0000",
		"1 Jan 1899 00:00:00 +0000",
		"32 Jan 2000 00:00:00 +0000",
		"0 Jan 2000 00:00:00 +0000",
		"1 Foo 2000 00:00:00 +0000",
		"1 Jan 2000 24:00:00 +0000",
		"1 Jan 2000 00:60:00 +0000",
		"1 Jan 2000 00:00:61 +0000",
		"29 Feb 2001 00:00:00 +0000",
		"Mon,",
		"99999999999999999999 Jan 2000 00:00:00 +0000",
	};
	int64_t t;
	int zone;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		if (date_parse(slice_of(cases[i]), &t, &zone))
			print_error("%s\n", cases[i]);
		assert_false(date_parse(slice_of(cases[i]), &t, &zone));
	}
}

static void imap_dates_are_read_strictly(void **state) /* RFC 9051 9; IMP-17 */
{
	static const struct {
		const char *in;
		bool ok;
		int64_t t;
	} cases[] = {
		{ " 1-Jan-1970 01:00:00 +0100", true, 0 },
		{ "01-Jan-1970 00:00:00 +0000", true, 0 },
		{ "29-Feb-2000 00:00:00 -0030", true, 951784200 },
		{ "31-Feb-2020 00:00:00 +0000", false, 0 },
		{ "29-Feb-1900 00:00:00 +0000", false, 0 },
		{ "01-Jan-99999 00:00:00 +0000", false, 0 },
		{ "1-Jan-1970 00:00:00 +0000", false, 0 }, /* date-day-fixed is two octets */
		{ "01-Jan-1970 00:00:00", false, 0 },
		{ "01-Jan-1970 00:00:00 GMT", false, 0 },
		{ "01-Jan-1970 00:00:00 +0000 ", false, 0 },
		{ "01-Jan-1970 24:00:00 +0000", false, 0 },
		{ "01-Jan-1970  0:00:00 +0000", false, 0 },
		{ "", false, 0 },
	};
	int64_t t;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		bool ok = date_parse_imap(slice_of(cases[i].in), &t);

		if (ok != cases[i].ok || (ok && t != cases[i].t))
			print_error("%s: %d %lld\n", cases[i].in, ok, (long long)t);
		assert_int_equal(ok, cases[i].ok);
		assert_true(!ok || t == cases[i].t);
	}
	assert_true(date_parse_imap_day(SLICE("1-Feb-1970"), &t) && t == 31);
	assert_true(date_parse_imap_day(SLICE("01-Feb-1970"), &t) && t == 31);
	assert_false(date_parse_imap_day(SLICE("1-Feb-70"), &t));
	assert_false(date_parse_imap_day(SLICE("30-Feb-1970"), &t));
	assert_false(date_parse_imap_day(SLICE("1-Feb-1970 "), &t));
}

static void dates_come_back_as_written(void **state)
{
	static const int64_t moments[] = { 0, -1, 951827696, 951868800, 4102444799, -2208988800,
		253402300799 };
	struct buf out = BUF_INIT(100);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(moments); i++) {
		int64_t t;
		int zone;

		buf_reset(&out);
		assert_int_equal(date_write_imap(&out, moments[i]), 0);
		assert_true(date_parse_imap(buf_slice(&out), &t) && t == moments[i]);
		buf_reset(&out);
		assert_int_equal(date_write(&out, moments[i]), 0);
		assert_true(date_parse(buf_slice(&out), &t, &zone) && t == moments[i]);
	}
	buf_reset(&out);
	assert_int_equal(date_write_imap(&out, -1), 0);
	assert_string_equal(buf_z(&out), "31-Dec-1969 23:59:59 +0000");
	assert_int_equal(date_day(-1, 0), -1);
	assert_int_equal(date_day(-1, 1), 0);
	assert_int_equal(date_day(86399, 0), 0);
	assert_int_equal(date_day(86400, -1), 0);
	buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mail_dates_are_read_generously),
		cmocka_unit_test(what_is_no_date_is_refused),
		cmocka_unit_test(imap_dates_are_read_strictly),
		cmocka_unit_test(dates_come_back_as_written),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
