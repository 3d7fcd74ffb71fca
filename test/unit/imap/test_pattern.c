/* Do LIST patterns match what they say, and in linear time? */
#include "check.h"

#include <stdlib.h>

#include "core/buf.h"
#include "imap/pattern.h"

static void patterns_match(void **state)
{
	static const struct {
		const char *pattern, *name;
		bool is;
	} cases[] = {
		{ "*", "INBOX", true },
		{ "*", "a/b/c", true },
		{ "%", "a", true },
		{ "%", "a/b", false },
		{ "a/%", "a/b", true },
		{ "a/%", "a/b/c", false },
		{ "a/%/c", "a/b/c", true },
		{ "a%", "abc", true },
		{ "%b%", "abc", true },
		{ "%b%", "a/bc", false },
		{ "*b%", "a/bc", true },
		{ "*b%", "a/b/c", false },
		{ "", "", true },
		{ "", "a", false },
		{ "a", "A", false },
		{ "inbox", "INBOX", true },
		{ "iNb%", "INBOX", true },
		{ "inbox/x", "INBOX/x", true },
		{ "inbox/X", "INBOX/x", false },
		{ "inboxes", "INBOXes", false },
		{ "*%", "a/b", true },
		{ "%*", "a/b", true },
		{ "%%", "a/b", false },
		{ "**a", "ba", true },
		{ "a*a*a", "aba", false },
		{ "a*a*a", "a/aba", true },
		{ "%/%", "a/b", true },
		{ "%/%", "a", false },
		{ "*/c", "a/b/c", true },
		{ "%/c", "a/b/c", false },
		{ "\xc3\xbc%",
		    "\xc3\xbc"
		    "b",
		    true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena *a = arena_new(0);
		bool is = pattern_match(
		    pattern_new(a, slice_of(cases[i].pattern)), slice_of(cases[i].name));

		if (is != cases[i].is)
			fail_msg("%s %s", cases[i].pattern, cases[i].name);
		arena_free(a);
	}
}

/* The plain definition, exponential, for short strings. */
static bool plain(const char *p, const char *s)
{
	if (*p == '\0')
		return (*s == '\0');
	if (*p == '*' || *p == '%')
		return (
		    plain(p + 1, s) || (*s != '\0' && (*p == '*' || *s != '/') && plain(p, s + 1)));
	return (*p == *s && plain(p + 1, s + 1));
}

static void agrees_with_the_definition(void **state)
{
	static const char letters[] = "ab/*%";
	unsigned seed = 1;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		char p[9], s[9];
		struct arena *a = arena_new(0);

		for (int k = 0; k < 8; k++) {
			p[k] = letters[(seed = seed * 1103515245 + 12345) >> 16 & 0x7fff
				? (seed >> 16) % 5
				: 0];
			s[k] = letters[((seed = seed * 1103515245 + 12345) >> 16) % 3];
		}
		p[(seed >> 8) % 9] = '\0';
		s[(seed >> 11) % 9] = '\0';
		p[8] = s[8] = '\0';
		if (pattern_match(pattern_new(a, slice_of(p)), slice_of(s)) != plain(p, s))
			fail_msg("%s %s", p, s);
		arena_free(a);
	}
}

static void long_patterns_cost_no_more(void **state)
{
	struct arena *a = arena_new(0);
	struct buf p = BUF_INIT(10000), s = BUF_INIT(10000);

	(void)state;
	for (int i = 0; i < 250; i++)
		(void)buf_addz(&p, "a*");
	for (int i = 0; i < 255; i++)
		(void)buf_addc(&s, 'a');
	assert_true(pattern_match(pattern_new(a, buf_slice(&p)), buf_slice(&s)));
	(void)buf_addc(&p, 'b');
	for (int i = 0; i < 1000; i++)
		assert_false(pattern_match(pattern_new(a, buf_slice(&p)), buf_slice(&s)));
	for (int i = 0; i < 300; i++)
		(void)buf_addz(&p, "a*");
	assert_false(pattern_match(pattern_new(a, buf_slice(&p)), buf_slice(&s)));
	buf_free(&p);
	buf_free(&s);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns_match),
		cmocka_unit_test(agrees_with_the_definition),
		cmocka_unit_test(long_patterns_cost_no_more),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
