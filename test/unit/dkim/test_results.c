/* Authentication-Results: whose is it, and is what we write one field whatever peers chose? */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>

#include "core/mem.h"
#include "dkim/results.h"

static void a_field_is_ours_by_its_id_alone(void **state)
{
	static const struct {
		struct slice body;
		bool ours;
	} cases[] = {
		{ SLICE_INIT(" mail.example.org; spf=pass"), true },
		{ SLICE_INIT(" MAIL.Example.ORG;none"), true },
		{ SLICE_INIT(" mail.example.org"), true },
		{ SLICE_INIT(" mail.example.org 1; none"), true },
		{ SLICE_INIT(" (a (nested\\) ) comment)\r\n\t mail.example.org\r\n (x) ; spf=pass"),
		    true },
		{ SLICE_INIT(" \"mail.example.org\"; none"), true },
		{ SLICE_INIT(" \"mail.ex\\ample.org\"; none"), true },
		{ SLICE_INIT(" mail.example.org.; none"), true },
		{ SLICE_INIT(" xmail.example.org; none"), false },
		{ SLICE_INIT(" example.org; mail.example.org"), false },
		{ SLICE_INIT(" (mail.example.org) example.net; none"), false },
		{ SLICE_INIT(" (unclosed mail.example.org; none"), false },
		{ SLICE_INIT(" \"mail.example.org; none"), false },
		{ SLICE_INIT(""), false },
		{ SLICE_INIT(" ;"), false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_int_equal(results_is_ours(cases[i].body, "mail.example.org"), cases[i].ours);
	assert_true(
	    results_is_ours(SLICE(" m\xc3\xbcller.example; none"), "xn--mller-kva.example"));
	assert_true(
	    results_is_ours(SLICE(" xn--mller-kva.example; none"), "xn--mller-kva.example"));
}

static void values_are_quoted_as_needed(void **state)
{
	static const struct {
		struct slice value, written;
	} cases[] = {
		{ SLICE_INIT("example.org"), SLICE_INIT("example.org") },
		{ SLICE_INIT("a.b@example.org"), SLICE_INIT("a.b@example.org") },
		{ SLICE_INIT("@example.org"), SLICE_INIT("@example.org") },
		{ SLICE_INIT("a@b@example.org"), SLICE_INIT("\"a@b@example.org\"") },
		{ SLICE_INIT("a@"), SLICE_INIT("\"a@\"") },
		{ SLICE_INIT("x;y(z"), SLICE_INIT("\"x;y(z\"") },
		{ SLICE_INIT("q\"b\\"), SLICE_INIT("\"q\\\"b\\\\\"") },
		{ SLICE_INIT("a\r\nX-Evil: 1"), SLICE_INIT("\"a??X-Evil: 1\"") },
		{ SLICE_INIT("\xc3\xbc\xff"), SLICE_INIT("\"\xc3\xbc?\"") },
		{ SLICE_INIT(""), SLICE_INIT("\"\"") },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct results_method m = { .method = "spf",
			.result = "pass",
			.property = "smtp.mailfrom",
			.value = cases[i].value };
		struct buf out = BUF_INIT(2000), want = BUF_INIT(2000);

		assert_int_equal(results_write(&out, "mx.example", &m, 1), 0);
		(void)buf_fmt(&want,
		    "Authentication-Results: mx.example;\r\n\tspf=pass\r\n\tsmtp.mailfrom=%s\r\n",
		    cases[i].written.p);
		assert_string_equal(buf_z(&out), buf_z(&want));
		buf_free(&out);
		buf_free(&want);
	}
}

static void nothing_checked_is_said(void **state)
{
	struct buf out = BUF_INIT(200), small = BUF_INIT(8);

	(void)state;
	assert_int_equal(results_write(&out, "mx.example", NULL, 0), 0);
	assert_string_equal(buf_z(&out), "Authentication-Results: mx.example; none\r\n");
	assert_int_equal(results_write(&small, "mx.example", NULL, 0), -1);
	buf_free(&out);
	buf_free(&small);
}

static void what_a_sealer_wrote_is_a_pass_or_nothing(void **state)
{
	static const struct {
		struct slice body;
		bool passed;
	} cases[] = {
		{ SLICE_INIT(" mx.example; dmarc=pass header.from=bank.example"), true },
		{ SLICE_INIT(" mx.example 1;\r\n spf=fail (no: \\) x) smtp.mailfrom=a@b;\r\n\tdmarc=pass "
			     "(p=REJECT sp=NONE) action=none header.from=Bank.Example;"),
		    true },
		{ SLICE_INIT("mx.example;dkim=pass header.b=\"a/+\" header.i=@x.example "
			     "header.b=a/+=;DMARC / 1 = pass header.from = \"bank.ex\\ample\""),
		    true },
		{ SLICE_INIT(" mx.example; dkim=fail reason=\"dmarc=pass header.from=bank.example\"; "
			     "dmarc=pass header.from=bank.example"),
		    true },
		{ SLICE_INIT(" mx.example; dmarc=fail header.from=bank.example"), false },
		{ SLICE_INIT(" mx.example; dmarc=pass header.from=evil.example"), false },
		{ SLICE_INIT(" mx.example; dmarc=pass header.from=bank.example.evil.example"), false },
		{ SLICE_INIT(" mx.example; dmarc=pass"), false },
		{ SLICE_INIT(" mx.example; dmarc=pass header.d=bank.example"), false },
		{ SLICE_INIT(" mx.example; spf=pass header.from=bank.example"), false },
		{ SLICE_INIT(" mx.example; dmarc=pass header.from=bank.example header.from=x.example"),
		    false },
		{ SLICE_INIT(" mx.example; spf=fail (dmarc=pass header.from=bank.example)"), false },
		{ SLICE_INIT(" mx.example; spf=fail reason=\"x; dmarc=pass header.from=bank.example\""),
		    false },
		{ SLICE_INIT(" mx.example; dmarc=pass header.from=bank.example; dmarc=fail "
			     "header.from=bank.example"),
		    false },
		{ SLICE_INIT(" mx.example; dmarc=pass header.from=bank.example; dmarc=pass "
			     "header.from=bank.example"),
		    false },
		{ SLICE_INIT(" mx.example; dmarc=pass header.from=bank.example; spf"), false },
		{ SLICE_INIT(" mx.example; dmarc=pass header.from=bank.example (x"), false },
		{ SLICE_INIT(" dmarc=pass header.from=bank.example"), false },
		{ SLICE_INIT(" mx.example; none"), false },
		{ SLICE_INIT(" mx.example"), false },
		{ SLICE_INIT(""), false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_int_equal(results_say_pass(cases[i].body, SLICE("dmarc"),
				     SLICE("header.from"), SLICE("bank.example")),
		    cases[i].passed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_field_is_ours_by_its_id_alone),
		cmocka_unit_test(values_are_quoted_as_needed),
		cmocka_unit_test(nothing_checked_is_said),
		cmocka_unit_test(what_a_sealer_wrote_is_a_pass_or_nothing),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
