/* test_binary.c tests src/msg/binary.c: binary parts become base64, the rest stays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/mem.h"
#include "msg/binary.h"

#define CTE "Content-Transfer-Encoding: "

static void binary_parts_become_base64(void **state)
{
	static const struct {
		struct slice in, want;
		int rc;
	} cases[] = {
		{ SLICE_INIT("Subject: x\r\n\r\nabc\n"), SLICE_INIT(""), 0 },
		{ SLICE_INIT("Subject: x\r\n\r\na\0c\n"), SLICE_INIT(""), -1 },
		{ SLICE_INIT("X: \0\r\n" CTE "binary\r\n\r\nac\n"), SLICE_INIT(""), -1 },
		{ SLICE_INIT(CTE "Binary\r\nX: y\r\n\r\na\0c\n"),
		    SLICE_INIT(CTE "base64\r\nX: y\r\n\r\nYQBjCg==\r\n"), 1 },
		{ SLICE_INIT("X: y\n" CTE "\n binary\n\n\r\r\n\n"),
		    SLICE_INIT("X: y\n" CTE "base64\r\n\nDQ0KCg==\r\n"), 1 },
		{ SLICE_INIT(CTE "binary\r\n\r\n"), SLICE_INIT(CTE "base64\r\n\r\n"), 1 },
		/* the multipart says 8bit, its leaf is encoded, its neighbour and what stands
		 * around stay */
		{ SLICE_INIT("Content-Type: multipart/mixed; boundary=b\r\n" CTE "binary\r\n\r\n"
			     "before\r\n--b\r\n" CTE "binary\r\n\r\n\0\0\0\r\n--b\r\n\r\ntext\n"
			     "--b--\r\nafter\r\n"),
		    SLICE_INIT("Content-Type: multipart/mixed; boundary=b\r\n" CTE "8bit\r\n\r\n"
			       "before\r\n--b\r\n" CTE "base64\r\n\r\nAAAA\r\n--b\r\n\r\ntext\n"
			       "--b--\r\nafter\r\n"),
		    1 },
		/* a message inside is no octets: its leaf is */
		{ SLICE_INIT("Content-Type: message/rfc822\r\n" CTE "binary\r\n\r\n" CTE
			     "binary\r\n\r\n\0\0\0"),
		    SLICE_INIT("Content-Type: message/rfc822\r\n" CTE "8bit\r\n\r\n" CTE
			       "base64\r\n\r\nAAAA"),
		    1 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf out = BUF_INIT(1 << 16);

		assert_int_equal(binary_encode(cases[i].in, &out), cases[i].rc);
		if (cases[i].rc >= 0)
			assert_true(slice_eq(buf_slice(&out), cases[i].want));
		buf_free(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(binary_parts_become_base64),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
