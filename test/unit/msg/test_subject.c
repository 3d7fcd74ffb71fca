/* Base subjects and message identifiers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "core/mem.h"
#include "msg/subject.h"

static void marks_of_replies_forwards_and_lists_are_peeled_off(void **state)
{
	static const struct {
		const char *in, *base;
		bool is_reply;
	} cases[] = {
		{ " hello", "hello", false },
		{ "", "", false },
		{ " \t ", "", false },
		{ " Re: hello", "hello", true },
		{ " RE :  hello   world ", "hello world", true },
		{ " Fw: hello", "hello", true },
		{ " fwd: re: hello", "hello", true },
		{ " Re[2]: hello", "hello", true },
		{ " Re [x] : hello", "hello", true },
		{ " [list] hello", "hello", false },
		{ " [list] Re: [list] hello", "hello", true },
		{ " Re: [a][b] [c] hello", "hello", true },
		{ " [a] [b]", "[b]", false },
		{ " [a]", "[a]", false },
		{ " [a] Re:", "", true },
		{ " hello (fwd)", "hello", true },
		{ " hello (FWD) (fwd) ", "hello", true },
		{ " (fwd)", "", true },
		{ " [Fwd: hello]", "hello", true },
		{ " [Fwd: [Fwd: re: hello (fwd)]]", "hello", true },
		{ " [Fwd: hello", "[Fwd: hello", false },
		{ " Re: [Fwd: Re: [x] hi]", "hi", true },
		{ " regard: me", "regard: me", false },
		{ " =?utf-8?q?Re=3A_gr=C3=BCn?=", "gr\xc3\xbcn", true },
		{ " a\r\n\t b", "a b", false },
		{ " [unclosed hello", "[unclosed hello", false },
		{ " [a[b] hello", "[a[b] hello", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct arena *a = arena_new(0);
		bool is_reply;
		struct slice base = subject_base(a, slice_of(cases[i].in), &is_reply);

		if (!slice_eq(base, slice_of(cases[i].base)) || is_reply != cases[i].is_reply)
			fail_msg("\"%s\" gave \"" SLICE_FMT "\" %d", cases[i].in, SLICE_ARG(base),
			    is_reply);
		arena_free(a);
	}
}

static void a_base_is_its_own_base(void **state)
{
	static const char *const parts[] = { "Re:", "[x]", " ", "(fwd)", "[fwd:", "]", "w", "fw",
		":" };
	unsigned seed = 1;

	(void)state;
	for (unsigned round = 0; round < 2000; round++) {
		struct arena *a = arena_new(0);
		char text[128] = "";
		size_t n = 0;
		bool is_reply;
		struct slice once, twice;

		for (unsigned k = 0; k < 12; k++) {
			seed = seed * 1103515245 + 12345;
			struct slice p = slice_of(parts[(seed >> 16) % COUNT_OF(parts)]);

			memcpy(text + n, p.p, p.n);
			n += p.n;
		}
		once = subject_base(a, (struct slice){ text, n }, &is_reply);
		twice = subject_base(a, once, &is_reply);
		if (!slice_eq(once, twice))
			fail_msg("\"%s\": \"" SLICE_FMT "\" then \"" SLICE_FMT "\"", text,
			    SLICE_ARG(once), SLICE_ARG(twice));
		arena_free(a);
	}
}

static void a_long_row_of_blobs_costs_little(void **state)
{
	struct arena *a = arena_new(0);
	size_t n = 262144;
	char *text = mem_new(n);
	bool is_reply;

	(void)state;
	for (size_t i = 0; i + 3 <= n; i += 3)
		memcpy(text + i, "[a]", 3);
	assert_int_equal(subject_base(a, (struct slice){ text, n / 3 * 3 }, &is_reply).n, 3);
	free(text);
	arena_free(a);
}

static void identifiers_are_found_and_compared_without_needless_quotes(void **state)
{
	static const struct {
		const char *in, *ids;
	} cases[] = {
		{ " <a@b>", "a@b;" },
		{ " <a@b> <c@d>\r\n <e@f>", "a@b;c@d;e@f;" },
		{ "<a@b><c@d>", "a@b;c@d;" },
		{ " your message of Monday <a@b>", "a@b;" },
		{ " <\"01K.X\"@b>", "01K.X@b;" },
		{ " <\"a>b\"@c>", "a>b@c;" },
		{ " <a\r\n b@c>", "ab@c;" },
		{ " <no-at> <@x> <x@> <a@b>", "a@b;" },
		{ " <a@b <c@d>", "c@d;" },
		{ " <a@b", "" },
		{ " <\"a@b>", "" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct arena *a = arena_new(0);
		struct cursor c = cursor_of(slice_of(cases[i].in));
		char got[256] = "";
		size_t n = 0;
		struct slice id;

		while (msgid_take(a, &c, &id)) {
			memcpy(got + n, id.p, id.n);
			n += id.n;
			got[n++] = ';';
		}
		got[n] = '\0';
		assert_string_equal(got, cases[i].ids);
		arena_free(a);
	}
}

static void the_root_is_the_first_that_is_named(void **state)
{
	static const struct {
		const char *header, *root; /* NULL: none */
	} cases[] = {
		{ "Message-ID: <own@a>\r\n", "own@a" },
		{ "In-Reply-To: <up@a>\r\nMessage-ID: <own@a>\r\n", "up@a" },
		{ "Message-ID: <own@a>\r\nReferences: <root@a>\r\n <up@a>\r\nIn-Reply-To: <up@a>\r\n",
		    "root@a" },
		{ "references:<root@a><up@a>\r\n", "root@a" },
		{ "References: gone\r\nIn-Reply-To: <up@a>\r\n", "up@a" },
		{ "References: <no-at> <up@a>\r\n", "up@a" },
		{ "References:\r\nIn-Reply-To: yours of Monday\r\nMessage-ID: <own@a>\r\n",
		    "own@a" },
		{ "References: <\"root\"@a>\r\n", "root@a" }, /* one form */
		{ "In-Reply-To: ann's <up@a> <more@a>\r\n", "up@a" },
		{ "Message-ID: own@a\r\n", NULL },
		{ "Subject: <x@a>\r\n", NULL },
		{ "X: y\r\n\r\nMessage-ID: <body@a>\r\n", NULL },
		{ "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct arena *a = arena_new(0);
		struct header h;
		struct slice root;

		header_parse(a, slice_of(cases[i].header), &h);
		if (msgid_root(a, &h, &root) != (cases[i].root != NULL))
			fail_msg("%s", cases[i].header);
		if (cases[i].root != NULL && !slice_eq(root, slice_of(cases[i].root)))
			fail_msg("%s gave " SLICE_FMT, cases[i].header, SLICE_ARG(root));
		arena_free(a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(marks_of_replies_forwards_and_lists_are_peeled_off),
		cmocka_unit_test(a_base_is_its_own_base),
		cmocka_unit_test(a_long_row_of_blobs_costs_little),
		cmocka_unit_test(identifiers_are_found_and_compared_without_needless_quotes),
		cmocka_unit_test(the_root_is_the_first_that_is_named),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
