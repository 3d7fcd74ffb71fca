/* test_text.c: do octets become the text they stand for, and dates and fields what they say? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/mem.h"
#include "msg/charset.h"
#include "msg/date.h"
#include "msg/fold.h"
#include "msg/html.h"
#include "msg/text.h"
#include "msg/write.h"

static void broken_transfer_encodings_decode_as_far_as_they_go(void **state) /* MIM-06 */
{
	static const struct {
		enum mime_encoding encoding;
		const char *in, *out;
		bool clean;
	} cases[] = {
		{ MIME_BASE64, "aGVs\r\nbG8=\r\n", "hello", true },
		{ MIME_BASE64, "aGVsbG8", "hello", false },
		{ MIME_BASE64, "a!G?Vs\nbG8=", "hello", false },
		{ MIME_BASE64, "aA==aQ==", "hi", true },
		{ MIME_QP, "a=3D=\r\nb  \r\nc=", "a=b\r\nc", true },
		{ MIME_QP, "=3", "=3", false },
		{ MIME_QP, "=zz=e4", "=zz\xe4", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf out = BUF_INIT(100);

		assert_int_equal(text_decode(cases[i].encoding, slice_of(cases[i].in), &out), cases[i].clean);
		assert_string_equal(buf_z(&out), cases[i].out);
		buf_free(&out);
	}
}

static void encoded_words_become_text(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "=?utf-8?q?a?= =?utf-8?q?b?= c", "ab c" },
		{ "=?utf-8?q?=C3?= =?utf-8?q?=A4?=", "\xc3\xa4" },
		{ "x=?iso-8859-1?Q?=E5?=y", "x\xc3\xa5y" },
		{ "=?nonsense?q?=E5?=", "\xc3\xa5" },
		{ "=?utf-8?q?open", "=?utf-8?q?open" },
		{ "=?utf-8?q?a=0D=0Ab?=", "a  b" },
		{ "raw \xe4", "raw \xc3\xa4" },
	};
	struct arena *a = arena_new(0);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_true(slice_eq(text_words(a, slice_of(cases[i].in)), slice_of(cases[i].out)));
	arena_free(a);
}

static void charsets_never_fail(void **state) /* MIM-07 */
{
	static const struct {
		const char *label;
		struct slice in;
		const char *out;
	} cases[] = {
		{ "ISO-8859-1", SLICE_INIT("\xe4\x80"), "\xc3\xa4\xe2\x82\xac" },
		{ "utf-8", SLICE_INIT("a\xff" "b\xc3"), "a\xef\xbf\xbd" "b\xef\xbf\xbd" },
		{ "utf-8", SLICE_INIT("a\0b"), "a\xef\xbf\xbd" "b" },
		{ "utf-16", SLICE_INIT("a\0b"), "a\xef\xbf\xbd" },
		{ "utf-16", SLICE_INIT("\xfe\xff\0a"), "a" },
		{ "shift_jis", SLICE_INIT("\x82\xa0\x82"), "\xe3\x81\x82\xef\xbf\xbd" },
		{ "x//TRANSLIT", SLICE_INIT("\xe4"), "\xc3\xa4" },
	};

	(void)state;
	charset_setup();
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf out = BUF_INIT(100);

		assert_int_equal(charset_to_utf8(slice_of(cases[i].label), cases[i].in, &out), 0);
		assert_string_equal(buf_z(&out), cases[i].out);
		buf_free(&out);
	}
	assert_true(charset_known(SLICE("Latin1")) && !charset_known(SLICE("UTF-7")));
}

static void html_shows_what_a_person_sees(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "V<b></b>ia<x>gra<br>now", "Viagra now" },
		{ "<p>a</p><p>b</p>", "a b" },
		{ "<style>p{}</style>x<script>if (a<b) </script>y", "x y" },
		{ "a<!-- b -->c<!-- never > d", "ac d" },
		{ "<div style='display: none'>no<div>no</div>no</div>yes", "yes" },
		{ "<font color=\"#fffffe\">no</font>yes", "yes" },
		{ "&lt;a&gt; &#x41;&euro;&bogus;", "<a> A\xe2\x82\xac&bogus;" },
		{ "1 < 2 <b", "1 < 2" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf out = BUF_INIT(1000);

		assert_int_equal(html_text(slice_of(cases[i].in), &out), 0);
		assert_string_equal(buf_z(&out), cases[i].out);
		buf_free(&out);
	}
}

static void dates_are_read_both_ways(void **state)
{
	struct buf out = BUF_INIT(100);
	int64_t t;
	int zone;

	(void)state;
	assert_true(date_parse(SLICE("Mon, 23 Nov 2026 04:00:00 -0130 (x)"), &t, &zone));
	assert_int_equal(t, 1795411800);
	assert_int_equal(zone, -90);
	assert_true(date_parse(SLICE("1 Jan 70 00:00 -9999"), &t, &zone) && t == 0 && zone == 0); /* MIM-13 */
	assert_false(date_parse(SLICE("1 Jan 0000 00:00:00 +0000"), &t, &zone));
	assert_false(date_parse(SLICE("1 Jan 99999 00:00:00 +0000"), &t, &zone));
	assert_false(date_parse_imap(SLICE("31-Feb-2020 00:00:00 +0000"), &t)); /* IMP-17 */
	assert_false(date_parse_imap(SLICE("01-Jan-99999 00:00:00 +0000"), &t));
	assert_true(date_parse_imap(SLICE(" 1-Jan-1970 01:00:00 +0100"), &t) && t == 0);
	assert_int_equal(date_write_imap(&out, -1), 0);
	assert_string_equal(buf_z(&out), "31-Dec-1969 23:59:59 +0000");
	assert_true(date_parse_imap_day(SLICE("1-Feb-1970"), &t) && t == 31);
	assert_int_equal(date_day(-1, 0), -1);
	buf_free(&out);
}

static void what_a_peer_said_stays_in_its_field(void **state) /* SIN-30 */
{
	struct buf out = BUF_INIT(4000);
	struct ip ip;
	struct trace t = { .helo = SLICE("x)\r\nSubject: y"), .rdns = SLICE("a(b"), .by = "mx.example",
		.with = "ESMTP", .tls = "", .id = "m-1", .rcpt = SLICE("a@b.example"), .when = 0 };

	(void)state;
	assert_true(ip_parse(SLICE("192.0.2.1"), &ip));
	t.peer = &ip;
	assert_int_equal(write_received(&out, &t), 0);
	assert_int_equal(slice_find(buf_slice(&out), SLICE("Received: from unknown (unknown [192.0.2.1])\r\n"
							   "\tby mx.example with ESMTP\r\n\tid m-1\r\n"
							   "\tfor <a@b.example>;\r\n\t")), 0);
	assert_int_equal(slice_find(buf_slice(&out), SLICE("Subject")), SIZE_MAX);
	buf_reset(&out);
	assert_int_equal(write_field(&out, "X", SLICE("a\r\nY: b")), 0);
	assert_string_equal(buf_z(&out), "X: a??Y: b\r\n");
	buf_reset(&out);
	assert_int_equal(write_phrase(&out, SLICE("J. \"Q\" D")), 0);
	assert_string_equal(buf_z(&out), "\"J. \\\"Q\\\" D\"");
	buf_reset(&out);
	assert_int_equal(fold_text(SLICE("Stra\xc3\x9f" "e \xef\xac\x81"), &out), 0);
	assert_true(slice_starts(buf_slice(&out), SLICE("STRA")));
	buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(broken_transfer_encodings_decode_as_far_as_they_go),
		cmocka_unit_test(encoded_words_become_text),
		cmocka_unit_test(charsets_never_fail),
		cmocka_unit_test(html_shows_what_a_person_sees),
		cmocka_unit_test(dates_are_read_both_ways),
		cmocka_unit_test(what_a_peer_said_stays_in_its_field),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
