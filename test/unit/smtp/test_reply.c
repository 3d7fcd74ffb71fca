/* test_reply.c: replies written, and replies read strictly. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "core/limits.h"
#include "core/mem.h"
#include "smtp/reply.h"

static void replies_are_written_line_by_line_and_clean(void **state)
{
	static const struct {
		struct smtp_reply reply;
		struct slice want;
	} cases[] = {
		{ { 250, "2.0.0", "OK" }, SLICE_INIT("250 2.0.0 OK\r\n") },
		{ { 354, NULL, "go" }, SLICE_INIT("354 go\r\n") },
		{ { 214, "2.0.0", "a\nb" }, SLICE_INIT("214-2.0.0 a\r\n214 2.0.0 b\r\n") },
		{ { 550, "5.7.1", "x\r250 y\t\xff" }, SLICE_INIT("550 5.7.1 x?250 y??\r\n") },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf out = BUF_INIT(1024);

		assert_int_equal(smtp_reply_write(&out, &cases[i].reply), 0);
		assert_true(slice_eq(buf_slice(&out), cases[i].want));
		buf_free(&out);
	}
}

static void replies_are_read_strictly(void **state)
{
	static const struct {
		struct slice in;
		enum take want;
		unsigned code, lines;
		struct slice text;
		unsigned enhanced[3];
		size_t used;
	} cases[] = {
		{ SLICE_INIT("250 OK\r\n"), TAKE_OK, 250, 1, SLICE_INIT("OK"), { 0 }, 8 },
		{ SLICE_INIT("250\r\n"), TAKE_OK, 250, 1, SLICE_INIT(""), { 0 }, 5 },
		{ SLICE_INIT("250 \r\n354 x\r\n"), TAKE_OK, 250, 1, SLICE_INIT(""), { 0 }, 6 },
		{ SLICE_INIT("250-a\r\n250-b\r\n250 c\r\n"), TAKE_OK, 250, 3, SLICE_INIT("a\nb\nc"),
		    { 0 }, 21 },
		{ SLICE_INIT("550 5.1.1 no\r\n"), TAKE_OK, 550, 1, SLICE_INIT("5.1.1 no"),
		    { 5, 1, 1 }, 14 },
		{ SLICE_INIT("550 4.1.1 no\r\n"), TAKE_OK, 550, 1, SLICE_INIT("4.1.1 no"), { 0 },
		    14 },
		{ SLICE_INIT("250-a\r\n"), TAKE_MORE, 250, 1, SLICE_INIT("a"), { 0 }, 7 },
		{ SLICE_INIT("250-a\r\n250 "), TAKE_MORE, 250, 1, SLICE_INIT("a"), { 0 }, 7 },
		{ SLICE_INIT("250-a\r\n251 b\r\n"), TAKE_BAD, 0, 0, SLICE_INIT(""), { 0 }, 0 },
		{ SLICE_INIT("2a0 x\r\n"), TAKE_BAD, 0, 0, SLICE_INIT(""), { 0 }, 0 },
		{ SLICE_INIT("99\r\n"), TAKE_BAD, 0, 0, SLICE_INIT(""), { 0 }, 0 },
		{ SLICE_INIT("1000 x\r\n"), TAKE_BAD, 0, 0, SLICE_INIT(""), { 0 }, 0 },
		{ SLICE_INIT("600 x\r\n"), TAKE_BAD, 0, 0, SLICE_INIT(""), { 0 }, 0 },
		{ SLICE_INIT("\r\n"), TAKE_BAD, 0, 0, SLICE_INIT(""), { 0 }, 0 },
		{ SLICE_INIT("250 x\n"), TAKE_BAD, 0, 0, SLICE_INIT(""), { 0 }, 0 },
		{ SLICE_INIT("250 a\rb\r\n"), TAKE_BAD, 0, 0, SLICE_INIT(""), { 0 }, 0 },
		{ SLICE_INIT("250_x\r\n"), TAKE_BAD, 0, 0, SLICE_INIT(""), { 0 }, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct smtp_reply_in r;
		size_t used;

		smtp_reply_in_init(&r);
		assert_int_equal(smtp_reply_take(&r, cases[i].in, &used), cases[i].want);
		if (cases[i].want != TAKE_BAD) {
			assert_int_equal(r.code, cases[i].code);
			assert_int_equal(r.lines, cases[i].lines);
			assert_true(slice_eq(buf_slice(&r.text), cases[i].text));
			assert_int_equal(used, cases[i].used);
			assert_int_equal(r.has_enhanced, cases[i].enhanced[0] != 0);
			assert_memory_equal(r.enhanced, cases[i].enhanced, sizeof(r.enhanced));
		}
		smtp_reply_in_free(&r);
	}
}

static enum take read_lines(size_t lines, size_t width)
{
	struct buf in = BUF_INIT(1 << 24);
	struct smtp_reply_in r;
	enum take t;
	size_t used;

	for (size_t i = 0; i < lines; i++) {
		buf_addz(&in, i + 1 < lines ? "220-" : "220 ");
		for (size_t k = 0; k < width; k++)
			buf_addc(&in, 'x');
		buf_addz(&in, "\r\n");
	}
	smtp_reply_in_init(&r);
	t = smtp_reply_take(&r, buf_slice(&in), &used);
	smtp_reply_in_free(&r);
	buf_free(&in);
	return (t);
}

static void long_replies_are_cut_off(void **state)
{
	(void)state;
	assert_int_equal(read_lines(L_REPLY_LINES, 10), TAKE_OK);
	assert_int_equal(read_lines(L_REPLY_LINES + 1, 10), TAKE_BAD);
	assert_int_equal(read_lines(120, 10), TAKE_BAD);
	assert_int_equal(read_lines(1, 60000), TAKE_OK);
	assert_int_equal(read_lines(1, 70000), TAKE_BAD);
	assert_int_equal(read_lines(50, 2000), TAKE_BAD);
}

static void a_reply_becomes_one_harmless_line(void **state)
{
	struct buf out = BUF_INIT(4096);
	struct smtp_reply_in r;
	struct slice line;
	size_t used;

	(void)state;
	smtp_reply_in_init(&r);
	assert_int_equal(
	    smtp_reply_take(&r, SLICE("550-5.1.1 \x1b[1m\r\n550 5.1.1 caf\xe9\r\n"), &used),
	    TAKE_OK);
	assert_int_equal(smtp_reply_one_line(&r, &out), 0);
	assert_string_equal(buf_z(&out), "550 5.1.1 ?[1m 5.1.1 caf?");
	assert_true(smtp_reply_line(&r, 1, &line));
	assert_true(slice_eq(line, SLICE("5.1.1 caf\xe9")));
	assert_false(smtp_reply_line(&r, 2, &line));
	smtp_reply_in_free(&r);
	buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replies_are_written_line_by_line_and_clean),
		cmocka_unit_test(replies_are_read_strictly),
		cmocka_unit_test(long_replies_are_cut_off),
		cmocka_unit_test(a_reply_becomes_one_harmless_line),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
