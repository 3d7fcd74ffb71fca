/* test_line.c: where lines end, and where they do not. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>

#include "core/limits.h"
#include "core/mem.h"
#include "smtp/line.h"

static void only_crlf_ends_a_line(void **state)
{
	static const struct {
		struct slice in;
		enum take want;
		enum smtp_line_fault fault;
		size_t used;
	} cases[] = {
		{ SLICE_INIT("NOOP\r\n"), TAKE_OK, 0, 6 },
		{ SLICE_INIT("\r\n"), TAKE_OK, 0, 2 },
		{ SLICE_INIT("NOOP\r\nQUIT\r\n"), TAKE_OK, 0, 6 },
		{ SLICE_INIT(""), TAKE_MORE, 0, 0 },
		{ SLICE_INIT("NOOP"), TAKE_MORE, 0, 0 },
		{ SLICE_INIT("NOOP\r"), TAKE_MORE, 0, 0 },
		{ SLICE_INIT("NOOP\n"), TAKE_BAD, SMTP_LINE_STRAY, 5 },
		{ SLICE_INIT("\n"), TAKE_BAD, SMTP_LINE_STRAY, 1 },
		{ SLICE_INIT("NOOP\nQUIT\r\n"), TAKE_BAD, SMTP_LINE_STRAY, 11 },
		{ SLICE_INIT("NOOP\nQUIT\r\nRSET\r\n"), TAKE_BAD, SMTP_LINE_STRAY, 11 },
		{ SLICE_INIT("A\rB\r\n"), TAKE_BAD, SMTP_LINE_STRAY, 5 },
		{ SLICE_INIT("A\r\r\n"), TAKE_BAD, SMTP_LINE_STRAY, 4 },
		{ SLICE_INIT("A\0B\r\n"), TAKE_BAD, SMTP_LINE_STRAY, 5 },
		{ SLICE_INIT("NOOP\nQUI"), TAKE_MORE, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		size_t seen = 0, used = 0;
		enum smtp_line_fault fault = 0;
		struct slice line;
		enum take got = smtp_line_take(cases[i].in, L_CMD, &seen, &line, &used, &fault);

		assert_int_equal(got, cases[i].want);
		if (got != TAKE_MORE)
			assert_int_equal(used, cases[i].used);
		if (got == TAKE_BAD)
			assert_int_equal(fault, cases[i].fault);
		if (got == TAKE_OK)
			assert_int_equal(line.n, cases[i].used - 2);
	}
}

static void limits_hold_on_both_sides(void **state)
{
	static const struct {
		size_t octets; /* with CRLF; 0: L_FLOOD of them without */
		enum take want;
		enum smtp_line_fault fault;
	} cases[] = {
		{ L_CMD, TAKE_OK, 0 },
		{ L_CMD + 1, TAKE_BAD, SMTP_LINE_LONG },
		{ L_FLOOD, TAKE_BAD, SMTP_LINE_LONG },
		{ L_FLOOD + 1, TAKE_BAD, SMTP_LINE_FLOOD },
		{ 0, TAKE_BAD, SMTP_LINE_FLOOD },
	};
	char *text = mem_new(L_FLOOD + 2);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		size_t n = cases[i].octets > 0 ? cases[i].octets : L_FLOOD, seen = 0, used;
		enum smtp_line_fault fault = 0;
		struct slice line;

		memset(text, 'x', L_FLOOD + 2);
		if (cases[i].octets > 0)
			memcpy(text + n - 2, "\r\n", 2);
		assert_int_equal(
		    smtp_line_take((struct slice){ text, n }, L_CMD, &seen, &line, &used, &fault),
		    cases[i].want);
		assert_int_equal(fault, cases[i].fault);
	}
	free(text);
}

static void a_line_may_come_octet_by_octet(void **state)
{
	static const char text[] = "MAIL FROM:<a@b.example>\r\n";
	size_t seen = 0, used, n = sizeof(text) - 1;
	enum smtp_line_fault fault;
	struct slice line;

	(void)state;
	for (size_t i = 0; i < n; i++)
		assert_int_equal(
		    smtp_line_take((struct slice){ text, i }, L_CMD, &seen, &line, &used, &fault),
		    TAKE_MORE);
	assert_int_equal(
	    smtp_line_take((struct slice){ text, n }, L_CMD, &seen, &line, &used, &fault), TAKE_OK);
	assert_int_equal(line.n, n - 2);
	assert_int_equal(seen, 0);
}

static void other_protocols_are_told_apart(void **state)
{
	static const struct {
		struct slice in;
		bool foreign;
	} cases[] = {
		{ SLICE_INIT("GET / HTTP/1.1\r\n"), true },
		{ SLICE_INIT("post /x"), true },
		{ SLICE_INIT("\x16\x03\x01"), true },
		{ SLICE_INIT("SSH-2.0-x"), true },
		{ SLICE_INIT("\0\0\0T\xffSMB"), true },
		{ SLICE_INIT("EHLO a"), false },
		{ SLICE_INIT("GETX"), false },
		{ SLICE_INIT(""), false },
		{ SLICE_INIT("\r\n"), false },
		{ SLICE_INIT("HELP"), false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_int_equal(smtp_line_is_foreign(cases[i].in), cases[i].foreign);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_crlf_ends_a_line),
		cmocka_unit_test(limits_hold_on_both_sides),
		cmocka_unit_test(a_line_may_come_octet_by_octet),
		cmocka_unit_test(other_protocols_are_told_apart),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
