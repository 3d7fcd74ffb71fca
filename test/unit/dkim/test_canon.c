/* Canonical forms: RFC 6376 3.4 by table, in one piece and octet by octet. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>

#include "core/mem.h"
#include "canon_body.h"

static void bodies_have_one_form_however_they_are_cut(void **state)
{
	static const struct {
		struct slice in, simple, relaxed;
	} cases[] = {
		{ SLICE_INIT(""), SLICE_INIT("\r\n"), SLICE_INIT("") },
		{ SLICE_INIT("\r\n"), SLICE_INIT("\r\n"), SLICE_INIT("") },
		{ SLICE_INIT("\r\n\r\n\r\n"), SLICE_INIT("\r\n"), SLICE_INIT("") },
		{ SLICE_INIT("  \r\n"), SLICE_INIT("  \r\n"), SLICE_INIT("") },
		{ SLICE_INIT("\t\r\n \r\n"), SLICE_INIT("\t\r\n \r\n"), SLICE_INIT("") },
		{ SLICE_INIT(" C \r\nD \t E\r\n\r\n\r\n"), SLICE_INIT(" C \r\nD \t E\r\n"),
		    SLICE_INIT(" C\r\nD E\r\n") }, /* RFC 6376 3.4.5 */
		{ SLICE_INIT("no end"), SLICE_INIT("no end\r\n"), SLICE_INIT("no end\r\n") },
		{ SLICE_INIT("no end \t"), SLICE_INIT("no end \t\r\n"), SLICE_INIT("no end \r\n") },
		{ SLICE_INIT("a\r\n\r\n \r\nb"), SLICE_INIT("a\r\n\r\n \r\nb\r\n"),
		    SLICE_INIT("a\r\n\r\n\r\nb\r\n") },
		{ SLICE_INIT("a\rb\r\r\nc\n"), SLICE_INIT("a\rb\r\r\nc\n\r\n"),
		    SLICE_INIT("a\rb\r\r\nc\n\r\n") },
		{ SLICE_INIT("end \r"), SLICE_INIT("end \r\r\n"), SLICE_INIT("end \r\r\n") },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		for (size_t step = 1; step <= cases[i].in.n + 1; step++) {
			struct buf s = BUF_INIT(1000), r = BUF_INIT(1000);

			for (uint64_t patience = 0; patience < 4; patience++) {
				buf_reset(&s);
				buf_reset(&r);
				body_form(CANON_SIMPLE, cases[i].in, step, patience, &s);
				body_form(CANON_RELAXED, cases[i].in, step, patience, &r);
				assert_string_equal(buf_z(&s), cases[i].simple.p);
				assert_string_equal(buf_z(&r), cases[i].relaxed.p);
			}
			buf_free(&s);
			buf_free(&r);
		}
	}
}

static void a_million_blank_lines_cost_no_memory(void **state)
{
	struct buf out = BUF_INIT(16);
	struct body_taker t = { .out = &out };
	struct canon_body c = { .how = CANON_RELAXED, .sink = body_take, .self = &t };

	(void)state;
	canon_body_add(&c, SLICE("x\r\n"));
	for (int i = 0; i < 1000000; i++)
		canon_body_add(&c, SLICE(" \t\r\n"));
	canon_body_end(&c);
	assert_string_equal(buf_z(&out), "x\r\n");
	buf_free(&out);
}

static void fields_are_relaxed(void **state)
{
	static const struct {
		struct slice in, out;
	} cases[] = {
		{ SLICE_INIT("A: X\r\n"), SLICE_INIT("a:X\r\n") },
		{ SLICE_INIT("B : Y\t\r\n\tZ  \r\n"),
		    SLICE_INIT("b:Y Z\r\n") }, /* RFC 6376 3.4.5 */
		{ SLICE_INIT("SUBJect:\r\n \r\n"), SLICE_INIT("subject:\r\n") },
		{ SLICE_INIT("x:a\r\n  \t b  c "), SLICE_INIT("x:a b c\r\n") },
		{ SLICE_INIT("x"), SLICE_INIT("x:\r\n") },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf out = BUF_INIT(100);

		assert_int_equal(canon_field(CANON_RELAXED, cases[i].in, true, &out), 0);
		assert_string_equal(buf_z(&out), cases[i].out.p);
		buf_reset(&out);
		assert_int_equal(
		    canon_field(CANON_SIMPLE, SLICE("B : Y\t\r\n\tZ  \r\n"), false, &out), 0);
		assert_string_equal(buf_z(&out), "B : Y\t\r\n\tZ  ");
		buf_free(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bodies_have_one_form_however_they_are_cut),
		cmocka_unit_test(a_million_blank_lines_cost_no_memory),
		cmocka_unit_test(fields_are_relaxed),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
