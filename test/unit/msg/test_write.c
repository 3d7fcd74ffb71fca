/* test_write.c: does what a peer chose stay in its field, and are texts compared in one form? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/mem.h"
#include "msg/fold.h"
#include "msg/write.h"

static void fields_stay_one_field(void **state) /* SIN-30; RFC 5322 2.1.1, 2.2.3 */
{
	static const struct {
		struct slice value;
		const char *out;
	} cases[] = {
		{ SLICE_INIT("a"), "X: a\r\n" },
		{ SLICE_INIT(""), "X:\r\n" },
		{ SLICE_INIT(" a\tb "), "X: a\tb\r\n" },
		{ SLICE_INIT("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa "
			     "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"), /* 78 */
		    "X: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa "
		    "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\r\n" },
		{ SLICE_INIT("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa "
			     "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"),
		    "X: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n "
		    "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\r\n" },
		{ SLICE_INIT("a\r\nY: b"), "X: a\?\?Y: b\r\n" },
		{ SLICE_INIT("a\0\x7f"
			     "b"),
		    "X: a\?\?b\r\n" },
		{ SLICE_INIT("0123456789012345678901234567890123456789 "
			     "012345678901234567890123456789012345 b"),
		    "X: 0123456789012345678901234567890123456789\r\n "
		    "012345678901234567890123456789012345 b\r\n" },
		{ SLICE_INIT("012345678901234567890123456789012345678901234567890123456789012345678"
			     "90123456789 b"),
		    "X: "
		    "012345678901234567890123456789012345678901234567890123456789012345678901234567"
		    "89\r\n b\r\n" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf out = BUF_INIT(400);

		assert_int_equal(write_field(&out, "X", cases[i].value), 0);
		assert_string_equal(buf_z(&out), cases[i].out);
		buf_free(&out);
	}
}

static void phrases_are_quoted_or_encoded_where_they_must_be(void **state)
{
	static const struct {
		const char *in, *phrase, *quoted;
	} cases[] = {
		{ "Anna B", "Anna B", "\"Anna B\"" },
		{ "J. \"Q\" \\D", "\"J. \\\"Q\\\" \\\\D\"", "\"J. \\\"Q\\\" \\\\D\"" },
		{ "a  b", "\"a  b\"", "\"a  b\"" },
		{ "", "\"\"", "\"\"" },
		{ " a", "\" a\"", "\" a\"" },
		{ "J\xc3\xb6rg", "=?UTF-8?B?SsO2cmc=?=", "\"J\xc3\xb6rg\"" },
		{ "=?x", "=?UTF-8?B?PT94?=", "\"=?x\"" },
		{ "a\r\nb", "=?UTF-8?B?YQ0KYg==?=", "\"a\?\?b\"" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf out = BUF_INIT(400);

		assert_int_equal(write_phrase(&out, slice_of(cases[i].in)), 0);
		assert_string_equal(buf_z(&out), cases[i].phrase);
		buf_reset(&out);
		assert_int_equal(write_quoted(&out, slice_of(cases[i].in)), 0);
		assert_string_equal(buf_z(&out), cases[i].quoted);
		buf_free(&out);
	}
}

static void trace_fields_hold_only_what_is_harmless(void **state) /* RFC 5321 4.4 */
{
	static const struct {
		const char *helo, *rdns, *rcpt, *tls, *out;
	} cases[] = {
		{ "a.example", "b.example", "c@d.example", "TLSv1.3",
		    "Received: from a.example (b.example [192.0.2.1])\r\n\tby mx.example with "
		    "ESMTP (TLSv1.3)\r\n"
		    "\tid m-1\r\n\tfor <c@d.example>;\r\n\t" },
		{ "x)\r\nSubject: y", "a(b", "a b@c", "x)\r\n(y",
		    "Received: from unknown (unknown [192.0.2.1])\r\n\tby mx.example with ESMTP "
		    "(xy)\r\n"
		    "\tid m-1;\r\n\t" },
		{ "[192.0.2.9]", "", "c>@d", "",
		    "Received: from [192.0.2.9] (unknown [192.0.2.1])\r\n\tby mx.example with "
		    "ESMTP\r\n"
		    "\tid m-1;\r\n\t" },
	};
	struct buf out = BUF_INIT(4000);
	struct ip ip;

	(void)state;
	assert_true(ip_parse(SLICE("192.0.2.1"), &ip));
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct trace t = { .helo = slice_of(cases[i].helo),
			.rdns = slice_of(cases[i].rdns),
			.peer = &ip,
			.by = "mx.example",
			.with = "ESMTP",
			.tls = cases[i].tls,
			.id = "m-1",
			.rcpt = slice_of(cases[i].rcpt),
			.when = 0 };

		buf_reset(&out);
		assert_int_equal(write_received(&out, &t), 0);
		assert_true(slice_starts(buf_slice(&out), slice_of(cases[i].out)));
		assert_true(slice_ends(buf_slice(&out), SLICE("\r\n")));
	}
	buf_reset(&out);
	assert_int_equal(write_received(&out,
			     &(struct trace){ .by = "mx", .with = "LMTP", .tls = "", .id = "i" }),
	    0);
	assert_true(
	    slice_starts(buf_slice(&out), SLICE("Received: by mx with LMTP\r\n\tid i;\r\n\t")));
	buf_free(&out);
}

static void message_ids_differ(void **state)
{
	struct buf one = BUF_INIT(200), two = BUF_INIT(200);

	(void)state;
	assert_int_equal(write_message_id(&one, "mx.example"), 0);
	assert_int_equal(write_message_id(&two, "mx.example"), 0);
	assert_true(slice_starts(buf_slice(&one), SLICE("<")) &&
	    slice_ends(buf_slice(&one), SLICE("@mx.example>")));
	assert_int_equal(one.n, sizeof("<@mx.example>") - 1 + 26);
	assert_false(slice_eq(buf_slice(&one), buf_slice(&two)));
	buf_free(&one);
	buf_free(&two);
}

static void texts_that_look_alike_fold_alike(void **state) /* RFC 5051 */
{
	static const struct {
		const char *a, *b;
		bool same;
	} cases[] = {
		{ "Hello", "hELLO", true },
		{ "\xc3\x84", "\xc3\xa4", true },
		{ "\xc3\xa4", "a\xcc\x88", true },
		{ "\xef\xac\x81", "fi", true },
		{ "\xe2\x84\xa6", "\xcf\x89", true },
		{ "\xc7\x86", "\xc7\x84", true },
		{ "\xff", "\xef\xbf\xbd", true },
		{ "a\xff"
		  "b",
		    "a\xfe"
		    "B",
		    true },
		{ "\xc3\xa4", "a", false },
		{ "a b", "ab", false },
		{ "", "", true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf a = BUF_INIT(100), b = BUF_INIT(100);

		assert_int_equal(fold_text(slice_of(cases[i].a), &a), 0);
		assert_int_equal(fold_text(slice_of(cases[i].b), &b), 0);
		if (slice_eq(buf_slice(&a), buf_slice(&b)) != cases[i].same)
			print_error("case %zu: '%s' '%s'\n", i, buf_z(&a), buf_z(&b));
		assert_int_equal(slice_eq(buf_slice(&a), buf_slice(&b)), cases[i].same);
		buf_free(&a);
		buf_free(&b);
	}
}

static void what_is_folded_stays_so(void **state)
{
	struct buf one = BUF_INIT(200), two = BUF_INIT(800);

	(void)state;
	for (unsigned c = 0x80; c < 0x110000; c++) {
		char utf8[4] = { (char)(0xf0 | c >> 18), (char)(0x80 | (c >> 12 & 63)),
			(char)(0x80 | (c >> 6 & 63)), (char)(0x80 | (c & 63)) };
		struct slice s = { utf8, 4 };

		if (c < 0x800)
			s = (struct slice){ utf8 + 2, 2 };
		else if (c < 0x10000)
			s = (struct slice){ utf8 + 1, 3 };
		if (c < 0x800)
			utf8[2] = (char)(0xc0 | c >> 6);
		else if (c < 0x10000)
			utf8[1] = (char)(0xe0 | c >> 12);
		buf_reset(&one);
		buf_reset(&two);
		assert_int_equal(fold_text(s, &one), 0);
		assert_true(one.n > 0);
		assert_int_equal(fold_text(buf_slice(&one), &two), 0);
		if (!slice_eq(buf_slice(&one), buf_slice(&two)))
			print_error("U+%04X: '%s' '%s'\n", c, buf_z(&one), buf_z(&two));
		assert_true(slice_eq(buf_slice(&one), buf_slice(&two)));
	}
	buf_free(&one);
	buf_free(&two);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_stay_one_field),
		cmocka_unit_test(phrases_are_quoted_or_encoded_where_they_must_be),
		cmocka_unit_test(trace_fields_hold_only_what_is_harmless),
		cmocka_unit_test(message_ids_differ),
		cmocka_unit_test(texts_that_look_alike_fold_alike),
		cmocka_unit_test(what_is_folded_stays_so),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
