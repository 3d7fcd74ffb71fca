/* What NOTIFY SET may ask, and what is refused how. */
#include "check.h"

#include "core/mem.h"
#include "imap/notify.h"

enum { OK = -1 };

static int verdict(const char *text, struct notify_set **ret)
{
	struct arena *arena = arena_new(0);
	struct args a = { cursor_of(slice_of(text)), arena };
	enum notify_fault fault = NOTIFY_BAD;
	struct notify_set *set = notify_parse(&a, &fault);

	arena_free(arena); /* the set is its own */
	if (ret != NULL)
		*ret = set;
	else
		notify_set_free(set);
	return (set != NULL ? OK : (int)fault);
}

static void asked_and_refused(void **state)
{
	static const struct {
		const char *text;
		int want;
	} cases[] = {
		{ "(selected NONE)", OK },
		{ "(SELECTED-Delayed (messagenew messageexpunge))", OK },
		{ "STATUS (personal (MessageNew MessageExpunge FlagChange))", OK },
		{ "(inboxes (MailboxName)) (subscribed (SubscriptionChange))", OK },
		{ "(subtree Lists NONE)", OK },
		{ "(subtree (Lists \"A b\") (MailboxMetadataChange ServerMetadataChange))", OK },
		{ "(mailboxes {3}\r\nBox NONE)", OK },
		{ "(selected (MessageNew (UID PREVIEW (LAZY) BODY.PEEK[]) MessageExpunge))", OK },
		{ "", NOTIFY_BAD },
		{ "STATUS", NOTIFY_BAD },
		{ "(selected)", NOTIFY_BAD },
		{ "(selected NONE) ", NOTIFY_BAD },
		{ "(selected NONE)x", NOTIFY_BAD },
		{ "(selected  NONE)", NOTIFY_BAD },
		{ "(selected ())", NOTIFY_BAD },
		{ "(everywhere NONE)", NOTIFY_BAD },
		{ "(mailboxes NONE)", NOTIFY_BAD },
		{ "(mailboxes () NONE)", NOTIFY_BAD },
		{ "(mailboxes (a b NONE)", NOTIFY_BAD },
		/* RFC 5465 5: together, or not at all */
		{ "(personal (MessageNew))", NOTIFY_BAD },
		{ "(personal (MessageExpunge))", NOTIFY_BAD },
		{ "(personal (FlagChange MessageNew))", NOTIFY_BAD },
		/* RFC 5465 6.1 */
		{ "(selected NONE) (selected NONE)", NOTIFY_BAD },
		{ "(selected (MailboxName))", NOTIFY_BAD },
		{ "(personal (MessageNew (UID) MessageExpunge))", NOTIFY_BAD },
		{ "(selected (MessageNew (WHAT) MessageExpunge))", NOTIFY_BAD },
		{ "(selected (MessageNew () MessageExpunge))", NOTIFY_BAD },
		{ "(personal (AnnotationChange))", NOTIFY_BADEVENT },
		{ "(personal (MessageNew MessageExpunge LaterEvent))", NOTIFY_BADEVENT },
		{ "(personal (LaterEvent)) (selected)", NOTIFY_BAD },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		if (verdict(cases[i].text, NULL) != cases[i].want)
			fail_msg("%s: %d", cases[i].text, verdict(cases[i].text, NULL));
}

static void is_what_was_said(void **state)
{
	struct notify_set *set;

	(void)state;
	assert_int_equal(
	    verdict("STATUS (selected-delayed (MessageNew (UID FLAGS) MessageExpunge)) "
		    "(subtree (A \"B c\") (MailboxName)) (personal NONE)",
		&set),
	    OK);
	assert_true(set->status && set->has_selected && set->is_delayed);
	assert_int_equal(set->selected, NOTIFY_NEW | NOTIFY_EXPUNGE);
	assert_true(slice_eq(set->fetch, SLICE("(UID FLAGS)")));
	assert_int_equal(set->n, 2);
	assert_int_equal(set->groups[0].filter, FILTER_SUBTREE);
	assert_int_equal(set->groups[0].events, NOTIFY_NAME);
	assert_int_equal(set->groups[0].names_n, 2);
	assert_true(slice_eq(set->groups[0].names[1], SLICE("B c")));
	assert_int_equal(set->groups[1].filter, FILTER_PERSONAL);
	assert_int_equal(set->groups[1].events, 0);
	notify_set_free(set);
}

static void no_more_than_the_limits(void **state)
{
	struct buf text = BUF_INIT(65536);

	(void)state;
	for (int i = 0; i < L_NOTIFY_GROUPS; i++)
		(void)buf_addz(&text, i == 0 ? "(personal NONE)" : " (personal NONE)");
	assert_int_equal(verdict(buf_z(&text), NULL), OK);
	(void)buf_addz(&text, " (selected NONE)"); /* one more, but none of the others */
	assert_int_equal(verdict(buf_z(&text), NULL), OK);
	(void)buf_addz(&text, " (personal NONE)");
	assert_int_equal(verdict(buf_z(&text), NULL), NOTIFY_LIMIT);
	(void)buf_addz(&text, " (");
	assert_int_equal(verdict(buf_z(&text), NULL), NOTIFY_BAD);
	buf_reset(&text);
	(void)buf_addz(&text, "(mailboxes (");
	for (int i = 0; i < L_NOTIFY_NAMES; i++)
		(void)buf_addz(&text, i == 0 ? "a" : " a");
	(void)buf_addz(&text, ") NONE)");
	assert_int_equal(verdict(buf_z(&text), NULL), OK);
	(void)buf_addz(&text, " (subtree b NONE)");
	assert_int_equal(verdict(buf_z(&text), NULL), NOTIFY_LIMIT);
	buf_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(asked_and_refused),
		cmocka_unit_test(is_what_was_said),
		cmocka_unit_test(no_more_than_the_limits),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
