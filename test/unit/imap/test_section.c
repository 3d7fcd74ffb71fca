/* test_section.c: fields picked from lines that the index keeps are those picked from a header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/mem.h"
#include "imap/section.h"

static void kept_lines_are_picked_as_headers_are(void **state)
{
	static const struct {
		const char *lines, *names[3], *picked;
	} rows[] = {
		{ "", { "Subject" }, "\r\n" },
		{ "Subject: a\r\n", { "SUBJECT" }, "Subject: a\r\n\r\n" },
		{ "Subject: a\r\n", { "Subjec", "Subjects" }, "\r\n" },
		{ "subject \t: a\r\nTo: b\r\n", { "Subject" }, "subject \t: a\r\n\r\n" },
		{ "To: a\r\n b\r\n\tc\r\nCc: d\r\n", { "To" }, "To: a\r\n b\r\n\tc\r\n\r\n" },
		{ "To: a\r\n b\r\nCc: d\r\n", { "Cc", "To" }, "To: a\r\n b\r\nCc: d\r\n\r\n" },
		{ "To: a\r\nDate: x\r\nTo: b\r\n", { "To" }, "To: a\r\nTo: b\r\n\r\n" },
		{ "To:\r\n Cc: no\r\nCc:\r\n", { "Cc" }, "Cc:\r\n\r\n" },
		{ "To: a\r\n   \r\nCc: b\r\n", { "To" }, "To: a\r\n   \r\n\r\n" },
		{ "Cc: a\rTo: b\r\nTo: c", { "To" }, "To: c\r\n" },
		{ "To: a\nCc: b\n", { "To" }, "To: a\n\r\n" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct section sec = { .text = SECTION_FIELDS };
		struct buf kept = BUF_INIT(1000), parsed = BUF_INIT(1000);
		struct slice names[3];

		sec.fields = names;
		while (sec.fields_n < 3 && rows[i].names[sec.fields_n] != NULL) {
			names[sec.fields_n] = slice_of(rows[i].names[sec.fields_n]);
			sec.fields_n++;
		}
		section_kept(&sec, slice_of(rows[i].lines), &kept);
		section_fields(&sec, slice_of(rows[i].lines), &parsed);
		assert_string_equal(buf_z(&kept), rows[i].picked);
		assert_string_equal(buf_z(&parsed), rows[i].picked);
		buf_free(&kept);
		buf_free(&parsed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kept_lines_are_picked_as_headers_are),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
