/* test_filter.c tests src/imap/filter.c: which mailboxes a filter means. */
#include "check.h"

#include "core/mem.h"
#include "imap/filter.h"

static void filters_have_their_mailboxes(void **state)
{
	static const struct {
		enum filter filter;
		const char *named, *name;
		enum folder_role role;
		bool want;
	} cases[] = {
		{ FILTER_PERSONAL, "", "anything", ROLE_NONE, true },
		/* RFC 5465 6.3: where mail is delivered; of a name that is not there yet, too */
		{ FILTER_INBOXES, "", "INBOX", ROLE_NONE, true },
		{ FILTER_INBOXES, "", "INBOX", ROLE_INBOX, true },
		{ FILTER_INBOXES, "", "Spam", ROLE_JUNK, true },
		{ FILTER_INBOXES, "", "Held", ROLE_QUARANTINE, true },
		{ FILTER_INBOXES, "", "Junk", ROLE_NONE, false },
		{ FILTER_INBOXES, "", "INBOX/sub", ROLE_NONE, false },
		{ FILTER_INBOXES, "", "Sent", ROLE_SENT, false },
		{ FILTER_SUBTREE, "a", "a", ROLE_NONE, true },
		{ FILTER_SUBTREE, "a", "a/b", ROLE_NONE, true },
		{ FILTER_SUBTREE, "a", "a/b/c", ROLE_NONE, true },
		{ FILTER_SUBTREE, "a", "ab", ROLE_NONE, false },
		{ FILTER_SUBTREE, "a/b", "a", ROLE_NONE, false },
		{ FILTER_SUBTREE, "x y a", "a/b", ROLE_NONE, true },
		{ FILTER_SUBTREE_ONE, "a", "a", ROLE_NONE, true },
		{ FILTER_SUBTREE_ONE, "a", "a/b", ROLE_NONE, true },
		{ FILTER_SUBTREE_ONE, "a", "a/b/c", ROLE_NONE, false },
		{ FILTER_MAILBOXES, "a", "a", ROLE_NONE, true },
		{ FILTER_MAILBOXES, "x a", "a", ROLE_NONE, true },
		{ FILTER_MAILBOXES, "a", "a/b", ROLE_NONE, false },
		{ FILTER_MAILBOXES, "a", "A", ROLE_NONE, false },
		/* the session's to say */
		{ FILTER_SELECTED, "", "INBOX", ROLE_INBOX, false },
		{ FILTER_SELECTED_DELAYED, "", "INBOX", ROLE_INBOX, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct slice names[4], rest = slice_of(cases[i].named);
		size_t n = 0;

		while (rest.n > 0)
			(void)slice_cut(rest, ' ', &names[n++], &rest);
		if (filter_has(NULL, cases[i].filter, names, n, slice_of(cases[i].name),
			cases[i].role) != cases[i].want)
			fail_msg("%d of \"%s\": %s", (int)cases[i].filter, cases[i].named,
			    cases[i].name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(filters_have_their_mailboxes),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
