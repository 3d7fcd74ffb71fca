/* Are dots doubled and line ends made, wherever the pieces are cut? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/mem.h"
#include "smtp/out_body.h"

static const struct {
	struct slice disk, wire;
} cases[] = {
	{ SLICE_INIT(""), SLICE_INIT(".\r\n") },
	{ SLICE_INIT("a\n"), SLICE_INIT("a\r\n.\r\n") },
	{ SLICE_INIT("a"), SLICE_INIT("a\r\n.\r\n") },
	{ SLICE_INIT(".\n"), SLICE_INIT("..\r\n.\r\n") },
	{ SLICE_INIT("..\n.a\n a.\n"), SLICE_INIT("...\r\n..a\r\n a.\r\n.\r\n") },
	{ SLICE_INIT("\n\n.\n\n"), SLICE_INIT("\r\n\r\n..\r\n\r\n.\r\n") },
	{ SLICE_INIT("a\r\n.b\r\n"), SLICE_INIT("a\r\n..b\r\n.\r\n") },
	{ SLICE_INIT("a\r"), SLICE_INIT("a\r\n.\r\n") },
};

static void pieces_of_any_size_give_the_same_wire(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		for (size_t step = 1; step <= cases[i].disk.n + 1; step++) {
			struct buf out = BUF_INIT(256);
			struct stuff s = { 0 };

			for (size_t at = 0; at < cases[i].disk.n; at += step)
				assert_int_equal(
				    stuff_add(&s, slice_head(slice_from(cases[i].disk, at), step),
					true, &out),
				    0);
			assert_int_equal(stuff_end(&s, true, &out), 0);
			assert_true(slice_eq(buf_slice(&out), cases[i].wire));
			buf_free(&out);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(
	    pieces_of_any_size_give_the_same_wire) };

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
