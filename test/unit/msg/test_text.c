/* test_text.c: do encoded bodies, words and HTML become the text they stand for? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/mem.h"
#include "msg/html.h"
#include "msg/text.h"

static void broken_transfer_encodings_decode_as_far_as_they_go(void **state) /* MIM-06 */
{
	static const struct {
		enum mime_encoding encoding;
		const char *in, *out;
		bool clean;
	} cases[] = {
		{ MIME_BASE64, "aGVs\r\nbG8=\r\n", "hello", true },
		{ MIME_BASE64, "aGVsbG8", "hello", false },
		{ MIME_BASE64, "a!G?Vs\nbG8=", "hello", false },
		{ MIME_BASE64, "aA==aQ==", "hi", true },
		{ MIME_QP, "a=3D=\r\nb  \r\nc=", "a=b\r\nc", true },
		{ MIME_QP, "=3", "=3", false },
		{ MIME_QP, "=zz=e4", "=zz\xe4", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf out = BUF_INIT(100);

		assert_int_equal(
		    text_decode(cases[i].encoding, slice_of(cases[i].in), &out), cases[i].clean);
		assert_string_equal(buf_z(&out), cases[i].out);
		buf_free(&out);
	}
}

static void encoded_words_become_text(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "=?utf-8?q?a?= =?utf-8?q?b?= c", "ab c" },
		{ "=?utf-8?q?=C3?= =?utf-8?q?=A4?=", "\xc3\xa4" },
		{ "x=?iso-8859-1?Q?=E5?=y", "x\xc3\xa5y" },
		{ "=?nonsense?q?=E5?=", "\xc3\xa5" },
		{ "=?utf-8?q?open", "=?utf-8?q?open" },
		{ "=?utf-8?q?a=0D=0Ab?=", "a  b" },
		{ "raw \xe4", "raw \xc3\xa4" },
	};
	struct arena *a = arena_new(0);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_true(slice_eq(text_words(a, slice_of(cases[i].in)), slice_of(cases[i].out)));
	arena_free(a);
}

static void html_shows_what_a_person_sees(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "V<b></b>ia<x>gra<br>now", "Viagra now" },
		{ "<p>a</p><p>b</p>", "a b" },
		{ "<style>p{}</style>x<script>if (a<b) </script>y", "x y" },
		{ "a<!-- b -->c<!-- never > d", "ac d" },
		{ "<div style='display: none'>no<div>no</div>no</div>yes", "yes" },
		{ "<font color=\"#fffffe\">no</font>yes", "yes" },
		{ "&lt;a&gt; &#x41;&euro;&bogus;", "<a> A\xe2\x82\xac&bogus;" },
		{ "1 < 2 <b", "1 < 2" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf out = BUF_INIT(1000);

		assert_int_equal(html_text(slice_of(cases[i].in), &out), 0);
		assert_string_equal(buf_z(&out), cases[i].out);
		buf_free(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(broken_transfer_encodings_decode_as_far_as_they_go),
		cmocka_unit_test(encoded_words_become_text),
		cmocka_unit_test(html_shows_what_a_person_sees),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
