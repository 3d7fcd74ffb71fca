/* Canonical forms: RFC 6376 3.4 by table, in one piece and octet by octet. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>

#include "core/mem.h"
#include "dkim/canon.h"

static void to_buf(void *self, struct slice octets)
{
	assert_int_equal(buf_add_slice(self, octets), 0);
}

/* What was guessed wrongly is taken back. */
struct guesser {
	struct buf *out;
	size_t kept;
	bool guessing;
};

static void to_guesser(void *self, struct slice octets)
{
	struct guesser *g = self;

	to_buf(g->out, octets);
}

static void on_guess(void *self)
{
	struct guesser *g = self;

	assert_true(!g->guessing);
	g->guessing = true;
	g->kept = g->out->n;
}

static void on_guessed(void *self, bool right)
{
	struct guesser *g = self;

	assert_true(g->guessing);
	g->guessing = false;
	if (!right)
		g->out->n = g->kept;
}

static void body_patient(
    enum canon how, struct slice in, size_t step, uint64_t patience, struct buf *out)
{
	struct guesser g = { .out = out };
	struct canon_body c = { .how = how,
		.sink = to_guesser,
		.self = &g,
		.patience = patience,
		.guess = on_guess,
		.guessed = on_guessed };

	for (size_t at = 0; at < in.n; at += step)
		canon_body_add(&c, slice_head(slice_from(in, at), step));
	canon_body_end(&c);
	assert_true(!g.guessing);
}

static void body(enum canon how, struct slice in, size_t step, struct buf *out)
{
	body_patient(how, in, step, 0, out);
}

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

			body(CANON_SIMPLE, cases[i].in, step, &s);
			body(CANON_RELAXED, cases[i].in, step, &r);
			assert_string_equal(buf_z(&s), cases[i].simple.p);
			assert_string_equal(buf_z(&r), cases[i].relaxed.p);
			for (uint64_t patience = 1; patience < 4; patience++) {
				buf_reset(&s);
				buf_reset(&r);
				body_patient(CANON_SIMPLE, cases[i].in, step, patience, &s);
				body_patient(CANON_RELAXED, cases[i].in, step, patience, &r);
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
	struct canon_body c = { .how = CANON_RELAXED, .sink = to_buf, .self = &out };

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
