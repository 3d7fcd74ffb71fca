/* What mail teaches that nobody moved: each line is a way in which it could teach the wrong thing. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>

#include "spam/unmoved.h"

enum { N = LESSON_NONE, H = LESSON_HAM, S = LESSON_SPAM, LOTS = 400 * LESSON_EXPLICIT };

static void what_lies_where_it_was_put(void **state)
{
	static const struct {
		bool junked, refiled, early;
		double score, others, points;
		enum folder_role role;
		unsigned flags;
		uint64_t ham, spam;
		int is;
		unsigned weight;
	} cases[] = {
		/* ham */
		{ .points = -2.5, .ham = LOTS, .spam = LOTS, .is = H, .weight = 1 },
		{ .points = -1.9, .ham = LOTS, .spam = LOTS, .is = N }, /* doubt */
		{ .points = -1.9, .ham = 10, .spam = LOTS, .is = H, .weight = 1 }, /* but it is needed */
		{ .points = 1.9, .ham = 10, .spam = LOTS, .is = H, .weight = 1 },
		{ .points = 2.0, .ham = 10, .spam = LOTS, .is = N },
		{ .points = 0, .is = H, .weight = 1 }, /* the very first */
		{ .points = 0, .ham = 8, .is = N },    /* without spam a few are enough */
		{ .points = 0, .ham = 8, .spam = 1, .is = H, .weight = 1 },
		{ .points = -3, .score = 2, .is = N },   /* it was doubtful when it came */
		{ .points = -3, .score = 1.9, .is = H, .weight = 1 },
		{ .points = -3, .role = ROLE_ARCHIVE, .is = H, .weight = 1 },
		{ .points = -3, .role = ROLE_TRASH, .is = N },
		{ .points = -3, .role = ROLE_TRASH, .refiled = true, .is = N },
		{ .points = -3, .role = ROLE_SENT, .is = N },
		{ .points = -3, .role = ROLE_DRAFTS, .is = N },
		{ .points = -3, .role = ROLE_QUARANTINE, .is = N },
		{ .points = -3, .role = ROLE_JUNK, .refiled = true, .is = N }, /* the move taught */
		{ .points = -3, .flags = FLAG_DELETED, .is = N },
		/* a sign of the owner weighs more, whatever the classifier thinks */
		{ .points = 6, .score = 5, .flags = FLAG_ANSWERED, .ham = LOTS, .is = H, .weight = 2 },
		{ .points = 6, .score = 5, .flags = FLAG_FLAGGED, .is = H, .weight = 2 },
		{ .points = 6, .score = 5, .flags = FLAG_PASSED, .early = true, .is = H, .weight = 2 },
		{ .points = 6, .score = 5, .refiled = true, .role = ROLE_NONE, .is = H, .weight = 2 },
		{ .points = 6, .flags = FLAG_ANSWERED | FLAG_DELETED, .is = N },
		{ .points = 6, .flags = FLAG_SEEN, .is = N },
		/* before the day is over */
		{ .points = -3, .early = true, .is = N },
		{ .points = -3, .early = true, .flags = FLAG_SEEN, .is = H, .weight = 1 },
		/* spam */
		{ .junked = true, .role = ROLE_JUNK, .score = 6.2, .points = 6.2, .is = S, .weight = 1 },
		{ .junked = true, .role = ROLE_JUNK, .score = 6.2, .points = 1.9, .is = N },
		{ .junked = true, .role = ROLE_JUNK, .score = 8, .others = 2, .points = 1, .is = S, .weight = 2 },
		{ .junked = true, .role = ROLE_JUNK, .score = 8, .others = 2, .points = -2, .is = N },
		{ .junked = true, .role = ROLE_JUNK, .score = 0, .points = 0, .is = N }, /* by a filter alone */
		{ .junked = true, .role = ROLE_JUNK, .score = 7, .points = 6, .early = true,
		    .flags = FLAG_SEEN, .is = N }, /* whom would it hurry? */
		{ .junked = true, .role = ROLE_TRASH, .score = 7, .points = 6, .is = N },
		{ .junked = true, .role = ROLE_INBOX, .score = 7, .points = 6, .is = N }, /* the move taught */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct unmoved_case m = { .junked = cases[i].junked,
			.score = cases[i].score,
			.junk = 6,
			.others = cases[i].others,
			.role = cases[i].role == ROLE_NONE && !cases[i].refiled ? ROLE_INBOX
									       : cases[i].role,
			.refiled = cases[i].refiled,
			.flags = cases[i].flags,
			.early = cases[i].early,
			.points = cases[i].points,
			.known = { cases[i].ham, cases[i].spam } };
		struct lesson_mark got = unmoved_mark(&m);

		if ((int)got.is != cases[i].is ||
		    (got.is != LESSON_NONE && got.weight != cases[i].weight))
			fail_msg("case %zu: class %d weight %u", i, (int)got.is, got.weight);
	}
}

static void doubt_moves_with_the_cut(void **state)
{
	struct unmoved_case m = { .role = ROLE_INBOX, .points = -3, .score = 2.5, .junk = 9 };

	(void)state;
	assert_int_equal(unmoved_mark(&m).is, LESSON_HAM);
	m.junk = (double)INFINITY; /* "off": nothing is called spam, and doubt begins where it always does */
	assert_int_equal(unmoved_mark(&m).is, LESSON_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(what_lies_where_it_was_put),
		cmocka_unit_test(doubt_moves_with_the_cut) };

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
