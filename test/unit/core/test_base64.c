/* base64: only the canonical form decodes, and it is what encoding makes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base64.h"
#include "core/mem.h"

static void both_ways_agree(void **state)
{
	static const struct {
		struct slice plain, text, url;
	} cases[] = {
		/* RFC 4648 10 */
		{ SLICE_INIT(""), SLICE_INIT(""), SLICE_INIT("") },
		{ SLICE_INIT("f"), SLICE_INIT("Zg=="), SLICE_INIT("Zg") },
		{ SLICE_INIT("fo"), SLICE_INIT("Zm8="), SLICE_INIT("Zm8") },
		{ SLICE_INIT("foo"), SLICE_INIT("Zm9v"), SLICE_INIT("Zm9v") },
		{ SLICE_INIT("foob"), SLICE_INIT("Zm9vYg=="), SLICE_INIT("Zm9vYg") },
		{ SLICE_INIT("fooba"), SLICE_INIT("Zm9vYmE="), SLICE_INIT("Zm9vYmE") },
		{ SLICE_INIT("\xfb\xff\xfe\0"), SLICE_INIT("+//+AA=="), SLICE_INIT("-__-AA") },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf b = BUF_INIT(100);

		assert_int_equal(base64_encode(cases[i].plain, &b), 0);
		assert_true(slice_eq(buf_slice(&b), cases[i].text));
		buf_reset(&b);
		assert_int_equal(base64url_encode(cases[i].plain, &b), 0);
		assert_true(slice_eq(buf_slice(&b), cases[i].url));
		buf_reset(&b);
		assert_int_equal(base64_decode(cases[i].text, &b), 0);
		assert_true(slice_eq(buf_slice(&b), cases[i].plain));
		buf_reset(&b);
		assert_int_equal(base64url_decode(cases[i].url, &b), 0);
		assert_true(slice_eq(buf_slice(&b), cases[i].plain));
		buf_free(&b);
	}
}

static void other_forms_are_refused(void **state)
{
	static const struct slice cases[] = {
		SLICE_INIT("Zg"),
		SLICE_INIT("Zg="),
		SLICE_INIT("Zh=="),
		SLICE_INIT("Zm9="),
		SLICE_INIT("Z==="),
		SLICE_INIT("===="),
		SLICE_INIT("Zm 9"),
		SLICE_INIT("Zm9v\r\n"),
		SLICE_INIT("Zg==Zg=="),
		SLICE_INIT("-__-"),
		SLICE_INIT("Zm9\0"),
		SLICE_INIT("="),
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf b = BUF_INIT(100);

		assert_int_equal(buf_addz(&b, "was"), 0);
		assert_int_equal(base64_decode(cases[i], &b), -1);
		assert_string_equal(buf_z(&b), "was");
		buf_free(&b);
	}
}

static void the_maximum_of_the_buf_holds(void **state)
{
	struct buf b = BUF_INIT(7);

	(void)state;
	assert_int_equal(base64_encode(SLICE("foob"), &b), -1);
	assert_int_equal(b.n, 0);
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ways_agree),
		cmocka_unit_test(other_forms_are_refused),
		cmocka_unit_test(the_maximum_of_the_buf_holds),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
