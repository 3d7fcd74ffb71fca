/* test_url.c tests src/imap/url.c: what a URL names, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/mem.h"
#include "imap/url.h"

static void urls_name_messages(void **state)
{
	static const struct {
		const char *text, *user, *host, *mailbox; /* NULL: none */
		uint32_t uidvalidity, uid;
		enum section_text section;
		size_t path_n;
		uint64_t from, count;
	} cases[] = {
		{ "/INBOX/;UID=1", NULL, NULL, "INBOX", 0, 1, SECTION_ALL, 0, 0, 0 },
		{ "/INBOX;UIDVALIDITY=385759045/;UID=20/;SECTION=HEADER", NULL, NULL, "INBOX",
		    385759045, 20, SECTION_HEADER, 0, 0, 0 },
		{ "/a/b%2fc/;uid=4294967295/;section=1.2.MIME", NULL, NULL, "a/b/c", 0, UINT32_MAX,
		    SECTION_MIME, 2, 0, 0 },
		{ "imap://h/K%C3%A4se/;UID=2/;SECTION=TEXT/;PARTIAL=3.9", NULL, "h", "K\xc3\xa4se",
		    0, 2, SECTION_TEXT, 0, 3, 9 },
		{ "IMAP://joe%40x;AUTH=PLAIN@h:1143/x/;UID=2/;PARTIAL=5", "joe@x", "h", "x", 0, 2,
		    SECTION_ALL, 0, 5, INT64_MAX },
		{ "//h/x/;UID=2", NULL, "h", "x", 0, 2, SECTION_ALL, 0, 0, 0 },
		{ ";UID=7/;SECTION=3", NULL, NULL, NULL, 0, 7, SECTION_ALL, 1, 0, 0 },
		{ "/x/;UID=2/;SECTION=HEADER.FIELDS.NOT%20(To%20Cc)", NULL, NULL, "x", 0, 2,
		    SECTION_FIELDS_NOT, 0, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct arena *a = arena_new(0);
		struct imap_url url;

		assert_true(url_parse(a, slice_of(cases[i].text), &url));
		assert_true(slice_eq(url.user, slice_of(cases[i].user == NULL ? "" : cases[i].user)));
		assert_true(slice_eq(url.host, slice_of(cases[i].host == NULL ? "" : cases[i].host)));
		assert_int_equal(url.mailbox.p == NULL, cases[i].mailbox == NULL);
		if (cases[i].mailbox != NULL)
			assert_true(slice_eq(url.mailbox, slice_of(cases[i].mailbox)));
		assert_int_equal(url.uidvalidity, cases[i].uidvalidity);
		assert_int_equal(url.uid, cases[i].uid);
		assert_int_equal(url.section.text, cases[i].section);
		assert_int_equal(url.section.path_n, cases[i].path_n);
		assert_int_equal(url.section.partial, cases[i].count > 0);
		assert_int_equal(url.section.from, cases[i].from);
		assert_int_equal(url.section.count, cases[i].count);
		arena_free(a);
	}
}

static void all_else_is_refused(void **state)
{
	static const char *const cases[] = { "", "/", "/INBOX", "/INBOX?ALL", "/INBOX;UID=1",
		"/;UID=1", "INBOX/;UID=1", "/INBOX/;UID=0", "/INBOX/;UID=4294967296",
		"/INBOX/;UID=1x", "/INBOX/;UID=1/", "/INBOX;UIDVALIDITY=0/;UID=1",
		"/INBOX;UIDVALIDITY=4294967296/;UID=1", "/INBOX/;UID=1/;SECTION=",
		"/INBOX/;UID=1/;SECTION=FOO", "/INBOX/;UID=1/;SECTION=1.",
		"/INBOX/;UID=1/;SECTION=1%5D%20FLAGS", "/INBOX/;UID=1/;SECTION=%22TEXT%22",
		"/INBOX/;UID=1/;SECTION=HEADER.FIELDS", "/INBOX/;UID=1/;SECTION=HEADER.FIELDS (To)",
		"/INBOX/;UID=1/;SECTION=HEADER.FIELDS%20(%7B2%7D%0D%0ATo)",
		"/INBOX/;UID=1/;SECTION=0", "/INBOX/;UID=1/;PARTIAL=1.0", "/INBOX/;UID=1/;PARTIAL=",
		"/INBOX/;UID=1/;URLAUTH=anonymous:internal:0123456789abcdef0123456789abcdef",
		"/INBOX%2/;UID=1", "/IN%00BOX/;UID=1", "/P%E4/;UID=5", "imap:///x/;UID=1",
		"imap://h", "imap://@/x/;UID=1", "http://h/x/;UID=1", ";SECTION=1",
		"/x/;UID=1/;PARTIAL=1/;SECTION=1", "/x/;UID=1;SECTION=1", "/a b/;UID=1",
		"/a\"b/;UID=1" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct arena *a = arena_new(0);
		struct imap_url url;

		if (url_parse(a, slice_of(cases[i]), &url))
			fail_msg("taken: %s", cases[i]);
		arena_free(a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(urls_name_messages),
		cmocka_unit_test(all_else_is_refused),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
