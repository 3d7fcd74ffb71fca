/* test_dot.c: what is content, where it ends, and that chunks make no difference. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "core/buf.h"
#include "core/mem.h"
#include "smtp/dot.h"

/* Feed in chunks of ${step}; returns how much was consumed. */
static size_t feed(struct smtp_dot *d, struct slice in, size_t step, struct buf *out)
{
	struct slice content;
	size_t at = 0;

	while (at < in.n && !d->ended) {
		size_t used = smtp_dot_next(d, slice_head(slice_from(in, at), step), &content);

		assert_true(used > 0 || content.n > 0);
		buf_add_slice(out, content);
		at += used;
	}
	return (at);
}

static const struct {
	struct slice in, content;
	bool raw, ended;
	unsigned faults;
	size_t used;
} cases[] = {
	{ SLICE_INIT(".\r\n"), SLICE_INIT(""), false, true, 0, 3 },
	{ SLICE_INIT("a\r\n.\r\nQUIT\r\n"), SLICE_INIT("a\r\n"), false, true, 0, 6 },
	{ SLICE_INIT("..x\r\n...\r\n.. \r\n.\r\n"), SLICE_INIT(".x\r\n..\r\n. \r\n"), false, true,
	    0, 18 },
	{ SLICE_INIT("a.\r\nb.c\r\n.\r\n"), SLICE_INIT("a.\r\nb.c\r\n"), false, true, 0, 12 },
	{ SLICE_INIT(".x\r\n.\r\n"), SLICE_INIT("x\r\n"), false, true, 0, 7 },
	{ SLICE_INIT("a\n.\nb\r\n.\r\n"), SLICE_INIT("a\n.\nb\r\n"), false, true, SMTP_DOT_STRAY,
	    10 },
	{ SLICE_INIT("a\n.\r\nb\r\n.\r\n"), SLICE_INIT("a\n.\r\nb\r\n"), false, true,
	    SMTP_DOT_STRAY, 11 },
	{ SLICE_INIT("a\r\n.\nb\r\n.\r\n"), SLICE_INIT("a\r\n\nb\r\n"), false, true, SMTP_DOT_STRAY,
	    11 },
	{ SLICE_INIT("a\r.\rb\r\n.\r\n"), SLICE_INIT("a\r.\rb\r\n"), false, true, SMTP_DOT_STRAY,
	    10 },
	{ SLICE_INIT("a\r\n.\rb\r\n.\r\n"), SLICE_INIT("a\r\n\rb\r\n"), false, true, SMTP_DOT_STRAY,
	    11 },
	{ SLICE_INIT("a\r\n.\r\r\n.\r\n"), SLICE_INIT("a\r\n\r\r\n"), false, true, SMTP_DOT_STRAY,
	    10 },
	{ SLICE_INIT("a\r.\r\nb\r\n.\r\n"), SLICE_INIT("a\r.\r\nb\r\n"), false, true,
	    SMTP_DOT_STRAY, 11 },
	{ SLICE_INIT("\n.\r\n.\r\n"), SLICE_INIT("\n.\r\n"), false, true, SMTP_DOT_STRAY, 7 },
	{ SLICE_INIT("\r\n.\r\n"), SLICE_INIT("\r\n"), false, true, 0, 5 },
	{ SLICE_INIT("a\0b\r\n.\r\n"), SLICE_INIT("a\0b\r\n"), false, true, SMTP_DOT_NUL, 8 },
	{ SLICE_INIT("12345678\r\n.\r\n"), SLICE_INIT("12345678\r\n"), false, true, 0, 13 },
	{ SLICE_INIT("..2345678\r\n.\r\n"), SLICE_INIT(".2345678\r\n"), false, true, 0, 14 },
	{ SLICE_INIT("123456789\r\n.\r\n"), SLICE_INIT("123456789\r\n"), false, true, SMTP_DOT_LONG,
	    14 },
	{ SLICE_INIT("a\r\n"), SLICE_INIT("a\r\n"), false, false, 0, 3 },
	{ SLICE_INIT(".\r\n..\r\n"), SLICE_INIT(".\r\n..\r\n"), true, false, 0, 7 },
	{ SLICE_INIT("a\nb"), SLICE_INIT("a\nb"), true, false, SMTP_DOT_STRAY, 3 },
};

static void content_and_end_are_found_whatever_the_chunks(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		for (size_t step = 1; step <= cases[i].in.n; step++) {
			struct buf out = BUF_INIT(1024);
			struct smtp_dot d;

			smtp_dot_init(&d, cases[i].raw, 8);
			assert_int_equal(feed(&d, cases[i].in, step, &out), cases[i].used);
			assert_true(slice_eq(buf_slice(&out), cases[i].content));
			assert_int_equal(d.octets, cases[i].content.n);
			assert_int_equal(d.ended, cases[i].ended);
			assert_int_equal(d.faults, cases[i].faults);
			buf_free(&out);
		}
	}
}

static void a_last_chunk_may_not_end_in_cr(void **state)
{
	struct buf out = BUF_INIT(64);
	struct smtp_dot d;

	(void)state;
	smtp_dot_init(&d, true, 8);
	(void)feed(&d, SLICE("a\r"), 1, &out);
	assert_int_equal(d.faults, 0);
	smtp_dot_finish(&d);
	assert_int_equal(d.faults, SMTP_DOT_STRAY);
	buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(content_and_end_are_found_whatever_the_chunks),
		cmocka_unit_test(a_last_chunk_may_not_end_in_cr),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
