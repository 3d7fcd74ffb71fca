/* test_header.c: are fields found where they are, and is what could be read two ways refused? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/limits.h"
#include "core/mem.h"
#include "core/buf.h"
#include "msg/header.h"

static void fields_are_found_until_blank_or_junk(void **state)
{
	static const struct {
		const char *in;
		size_t n, size;
		bool junk, blank;
		const char *first_name, *first_value;
	} cases[] = {
		{ "A: b\r\nC: d\r\n\r\nbody", 2, 14, false, true, "A", "b" },
		{ "A: b\nC: d\n\nbody", 2, 11, false, true, "A", "b" },
		{ "A: b\r\n c\r\n\td\r\n\r\n", 1, 16, false, true, "A", "b c\td" },
		{ "A : b\r\n\r\n", 1, 9, false, true, "A", "b" },
		{ "A: b\r\njunk\r\nC: d\r\n", 1, 6, true, false, "A", "b" },
		{ " A: b\r\n", 0, 0, true, false, NULL, NULL },
		{ "A:", 1, 2, false, false, "A", "" },
		{ "A\xc3\xa4: b\r\n", 0, 0, true, false, NULL, NULL },
		{ ": b\r\n", 0, 0, true, false, NULL, NULL },
		{ "\r\nbody", 0, 2, false, true, NULL, NULL },
		{ "", 0, 0, false, false, NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct arena *a = arena_new(0);
		struct header h;

		header_parse(a, slice_of(cases[i].in), &h);
		assert_int_equal(h.n, cases[i].n);
		assert_int_equal(h.size, cases[i].size);
		assert_int_equal(h.ended_by_junk, cases[i].junk);
		assert_int_equal(h.has_blank, cases[i].blank);
		if (h.n > 0) {
			assert_true(slice_eq(h.fields[0].name, slice_of(cases[i].first_name)));
			assert_true(slice_eq(
			    header_unfold(a, h.fields[0].body), slice_of(cases[i].first_value)));
		}
		arena_free(a);
	}
}

static int check(const char *in, uint64_t hops, struct err *err)
{
	struct arena *a = arena_new(0);
	struct header h;
	int rc;

	header_parse(a, slice_of(in), &h);
	rc = header_check(a, &h, hops, err);
	arena_free(a);
	return (rc);
}

static void headers_with_two_readings_are_refused(void **state)
{
	static const struct {
		const char *in;
		bool ok;
	} cases[] = {
		{ "From: a@b.example\r\n\r\n", true },
		{ "From: a@b.example\r\n", true }, /* SIN-22 */
		{ "body only", false },
		{ "", false },
		{ " From: a@b.example\r\n", false }, /* SIN-21 */
		{ "From : a@b.example\r\n\r\n", false },
		{ "From\r\n : a@b.example\r\n\r\n", false },
		{ "From: a@b.example\r\nSubject : x\r\n\r\n", false },
		{ "From: a@b.example\r\nX-Odd : x\r\n\r\n", true },
		{ "From: a@b.example\r\nSubject x\r\n\r\n", false },
		{ "From: a@b.example\r\nMessage-ID : <x@y>\r\n\r\n", false },
		{ "From: a@b.example\r\nContent-Type : text/plain\r\n\r\n", false },
		{ "From: a@b.example\r\nDate\r\n : x\r\n\r\n", false },
		{ "From: a@b.example\r\nReceived x\r\n\r\n", true },
		{ "From: a@b.example\r\nhello there\r\n\r\n", true },
		{ "From: a@b.example\r\nConten\xc3\xa4t-Type: x\r\n\r\n", false },
		{ "From: a@b.example\r\nFrom: a@b.example\r\n\r\n", false },          /* AUT-05 */
		{ "Sender: a@b.example\r\nResent-From: a@b.example\r\n\r\n", false }, /* AUT-06 */
		{ "From: a@b.example, c@d.example\r\n\r\n", false },                  /* AUT-07 */
		{ "From: a@b.example <c@d.example>\r\n\r\n", false },
		{ "From: <a@b.example> <c@d.example>\r\n\r\n", false },
		{ "From: \"x <a@b.example>, c@d.example\r\n\r\n", false },
		{ "From: a@b.example, c@b.example\r\n\r\n", true },
		{ "From: a@b.example, c@B.Example.\r\n\r\n", true }, /* AUT-08 */
		{ "From: a@b\xe2\x80\x80.example\r\n\r\n", false },
		{ "From: a@b..example\r\n\r\n", false },
		{ "From: a@b\xef\xbc\x8e"
		  "example\r\n\r\n",
		    true },
		{ "From: a@b.example, c@xn--4ca.example\r\n\r\n", false },
		{ "From: a@\xc3\xa4.example, c@xn--4ca.EXAMPLE\r\n\r\n", true },
		{ "From: a@b.example..\r\n\r\n", false },
		{ "From: a@[192.0.2.1]\r\n\r\n", true },
		{ "From: a@[192.0.2.1].b.example\r\n\r\n", false },
		{ "From: a@[]\r\n\r\n", false },
		{ "From: <>\r\n\r\n", true },
		{ "From: nobody\r\n\r\n", true },
	};
	struct err err;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		int rc = check(cases[i].in, 50, &err);

		if ((rc == 0) != cases[i].ok)
			print_error("case %zu: %s\n", i, cases[i].in);
		assert_int_equal(rc == 0, cases[i].ok);
	}
}

static void limits_hold_on_both_sides(void **state)
{
	struct buf b = BUF_INIT(4u << 20);
	struct err err = { 0 };

	(void)state;
	for (int hops = 50; hops <= 51; hops++) { /* SIN-18 */
		buf_reset(&b);
		(void)buf_addz(&b, "From: a@b.example\r\n");
		for (int i = 0; i < hops; i++)
			(void)buf_addz(&b, "Received: x\r\n");
		assert_int_equal(check(buf_z(&b), 50, &err), hops == 50 ? 0 : -1);
	}
	assert_int_equal(err.kind, ERR_LIMIT);
	for (int n = L_HDRN; n <= L_HDRN + 1; n++) { /* MIM-04 */
		buf_reset(&b);
		(void)buf_addz(&b, "From: a@b.example\r\n");
		for (int i = 1; i < n; i++)
			(void)buf_addz(&b, "X: y\r\n");
		(void)buf_addz(&b, "\r\nbody");
		assert_int_equal(check(buf_z(&b), 50, &err), n == L_HDRN ? 0 : -1);
	}
	for (int n = L_HDR1; n <= L_HDR1 + 1; n++) {
		buf_reset(&b);
		(void)buf_addz(&b, "From: a@b.example\r\nX: ");
		for (int i = 5; i < n; i++)
			(void)buf_addc(&b, 'x');
		(void)buf_addz(&b, "\r\n\r\nbody");
		assert_int_equal(check(buf_z(&b), 50, &err), n == L_HDR1 ? 0 : -1);
	}
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_are_found_until_blank_or_junk),
		cmocka_unit_test(headers_with_two_readings_are_refused),
		cmocka_unit_test(limits_hold_on_both_sides),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
