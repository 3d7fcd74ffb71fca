/* The first words of a message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/mem.h"
#include "msg/charset.h"
#include "msg/preview.h"

static void the_first_visible_text_is_shown(void **state)
{
	static const struct {
		const char *message, *want;
	} cases[] = {
		{ "Subject: x\r\n\r\nHello\r\n  there,\tBob\r\n\r\nbye\r\n",
		    "Hello there, Bob bye" },
		{ "Subject: x\r\n\r\n", "" },
		{ "Subject: x\r\n", "" },
		{ "A: b\r\n\r\n> old\r\n> words\r\nnew\r\n-- \r\nBob\r\n", "new" },
		{ "Content-Type: text/html\r\n\r\n<style>p{}</style><p>Hi <b>Bob</b></p>",
		    "Hi Bob" },
		{ "Content-Type: text/plain; charset=iso-8859-1\r\n"
		  "Content-Transfer-Encoding: quoted-printable\r\n\r\nk=E4se",
		    "k\xc3\xa4se" },
		{ "Content-Type: image/png\r\n\r\nbits", "" },
		{ "Content-Type: text/plain\r\nContent-Disposition: attachment\r\n\r\nlog", "" },
		{ "Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\r\n \r\n--b\r\n"
		  "Content-Type: text/html\r\n\r\n<p>rich</p>\r\n--b--\r\n",
		    "rich" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf out = BUF_INIT(4096);

		assert_int_equal(preview_write(slice_of(cases[i].message), &out), 0);
		assert_string_equal(buf_z(&out), cases[i].want);
		buf_free(&out);
	}
}

static void it_is_at_most_200_characters_of_valid_text(void **state)
{
	struct buf message = BUF_INIT(65536), out = BUF_INIT(4096);
	unsigned characters = 0;

	(void)state;
	(void)buf_addz(&message, "Content-Type: text/plain; charset=utf-8\r\n\r\n");
	for (unsigned i = 0; i < 2000; i++)
		(void)buf_addz(&message, i % 7 == 0 ? " " : "\xe2\x82\xac");
	assert_int_equal(preview_write(buf_slice(&message), &out), 0);
	assert_true(charset_is_utf8(buf_slice(&out)));
	for (size_t i = 0; i < out.n; i++)
		characters += ((unsigned char)out.p[i] & 0xc0) != 0x80;
	assert_in_range(characters, PREVIEW_CHARACTERS - 1, PREVIEW_CHARACTERS);
	buf_free(&message);
	buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_visible_text_is_shown),
		cmocka_unit_test(it_is_at_most_200_characters_of_valid_text),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
