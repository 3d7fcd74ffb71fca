/* Is the search that is asked the search that is run? Parsing to the postfix program, and its
 * answers over the view. */
#include "check.h"

#include <stdlib.h>

#include "core/limits.h"
#include "fake_view.h"
#include "imap/relevancy.h"

const char *const mailbox_cached_fields[] = { "Date", "From", "Subject", "To", NULL };

int visit_read(struct visit *v, uint64_t at, uint64_t n, struct buf *out, struct err *err)
{
	(void)v;
	(void)at;
	(void)n;
	(void)out;
	return (err_set(err, ERR_TEMPORARY, "nothing to read here"));
}

int visit_whole(struct visit *v, struct slice *ret, struct err *err)
{
	(void)v;
	(void)ret;
	return (err_set(err, ERR_TEMPORARY, "nothing to read here"));
}

static struct search *parse(struct arena *a, const char *text, enum search_fault *ret_fault)
{
	struct args args = { cursor_of(slice_of(text)), a };
	struct view v = { .n = 0 };

	return (search_parse(&args, &v, 100, ret_fault));
}

static void programs_answer(void **state)
{
	/* uid 7, seen and $Work, 1000 octets, internal date 23-Nov-2026 */
	static const struct view_message m = { .uid = 7,
		.flags = FLAG_SEEN | FLAG_KEYWORD0,
		.size = 1000,
		.modseq = 50,
		.internal_date = 1795402800 };
	static const struct {
		const char *text;
		enum search_answer want;
	} cases[] = {
		{ "ALL", ANSWER_YES },
		{ "SEEN", ANSWER_YES },
		{ "UNSEEN", ANSWER_NO },
		{ "NOT SEEN", ANSWER_NO },
		{ "not not seen", ANSWER_YES },
		{ "OR UNSEEN SEEN", ANSWER_YES },
		{ "OR UNSEEN FLAGGED", ANSWER_NO },
		{ "SEEN UNFLAGGED", ANSWER_YES },
		{ "SEEN FLAGGED", ANSWER_NO },
		{ "(SEEN UNFLAGGED)", ANSWER_YES },
		{ "NOT (SEEN FLAGGED)", ANSWER_YES },
		{ "OR (SEEN FLAGGED) (UID 7)", ANSWER_YES },
		{ "OR OR FLAGGED DRAFT NOT DELETED", ANSWER_YES },
		{ "UID 1:6,8", ANSWER_NO },
		{ "LARGER 999", ANSWER_YES },
		{ "LARGER 1000", ANSWER_NO },
		{ "SMALLER 1001", ANSWER_YES },
		{ "KEYWORD $work", ANSWER_YES },
		{ "UNKEYWORD $Work", ANSWER_NO },
		{ "KEYWORD none", ANSWER_NO },
		{ "UNKEYWORD none", ANSWER_YES },
		{ "MODSEQ 50", ANSWER_YES },
		{ "MODSEQ 51", ANSWER_NO },
		{ "MODSEQ \"/flags/\\\\seen\" all 50", ANSWER_YES },
		{ "ON 23-Nov-2026", ANSWER_YES },
		{ "ON \"23-Nov-2026\"", ANSWER_YES },
		{ "BEFORE 23-Nov-2026", ANSWER_NO },
		{ "SINCE 23-Nov-2026", ANSWER_YES },
		{ "SINCE 24-Nov-2026", ANSWER_NO },
		{ "SAVEDON 23-Nov-2026", ANSWER_YES }, /* not known: as it came */
		{ "SAVEDBEFORE 23-Nov-2026", ANSWER_NO },
		{ "SAVEDSINCE 24-Nov-2026", ANSWER_NO },
		{ "SAVEDATESUPPORTED", ANSWER_YES },
		{ "OR OLDER 86400 YOUNGER 86401", ANSWER_YES },
		{ "THREADID T1", ANSWER_UNKNOWN },
		{ "EMAILID M1", ANSWER_UNKNOWN },
		{ "OLD", ANSWER_YES },
		{ "NEW", ANSWER_NO },
		{ "RECENT", ANSWER_NO },
		{ "SUBJECT x", ANSWER_UNKNOWN },
		{ "UNSEEN SUBJECT x", ANSWER_NO },
		{ "SUBJECT x UNSEEN", ANSWER_NO },
		{ "OR SEEN BODY x", ANSWER_YES },
		{ "OR BODY x SEEN", ANSWER_YES },
		{ "OR BODY x UNSEEN", ANSWER_UNKNOWN },
		{ "NOT BODY x", ANSWER_UNKNOWN },
		{ "FUZZY SEEN", ANSWER_YES }, /* RFC 6203 5: as without */
		{ "FUZZY NOT SEEN", ANSWER_NO },
		{ "NOT FUZZY SEEN", ANSWER_NO },
		{ "FUZZY (SEEN LARGER 999 SINCE 23-Nov-2026)", ANSWER_YES },
		{ "FUZZY OR UNSEEN fuzzy FUZZY SEEN", ANSWER_YES },
		{ "OR FUZZY FLAGGED UNSEEN", ANSWER_NO },
		{ "FUZZY FLAGGED SEEN", ANSWER_NO },
		{ "FUZZY 1:*", ANSWER_YES },
		{ "FUZZY UID 8", ANSWER_NO },
		{ "FUZZY TEXT x", ANSWER_UNKNOWN },
		{ "UNSEEN FUZZY (TEXT x)", ANSWER_NO },
		{ "CHARSET us-ascii SEEN", ANSWER_YES },
		{ "CHARSET \"UTF-8\" SEEN", ANSWER_YES },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena *a = arena_new(0);
		enum search_fault fault;
		struct search *q = parse(a, cases[i].text, &fault);
		unsigned char values[3000];

		if (q == NULL)
			fail_msg("%s", cases[i].text);
		for (size_t k = 0; k < q->keys_n; k++)
			seqset_fix(&q->keys[k].uids, 1000);
		if (search_match_view(q, &m, values) != cases[i].want)
			fail_msg("%s", cases[i].text);
		search_free(q);
		arena_free(a);
	}
}

static void what_is_no_search_is_refused(void **state)
{
	static const struct {
		const char *text;
		enum search_fault want;
	} cases[] = {
		{ "", SEARCH_BAD },
		{ "(", SEARCH_BAD },
		{ "()", SEARCH_BAD },
		{ "ALL ", SEARCH_BAD },
		{ "ALL)", SEARCH_BAD },
		{ "(ALL", SEARCH_BAD },
		{ "NOT", SEARCH_BAD },
		{ "OR ALL", SEARCH_BAD },
		{ "OR ALL ", SEARCH_BAD },
		{ "SUBJECT", SEARCH_BAD },
		{ "FUZZY", SEARCH_BAD },
		{ "FUZZY ", SEARCH_BAD },
		{ "FUZZY x", SEARCH_BAD },
		{ "FUZZY )", SEARCH_BAD },
		{ "(FUZZY) ALL", SEARCH_BAD },
		{ "FUZZY CHARSET utf-8 ALL", SEARCH_BAD },
		{ "SUBJECT ", SEARCH_BAD },
		{ "HEADER x", SEARCH_BAD },
		{ "LARGER -1", SEARCH_BAD },
		{ "LARGER x", SEARCH_BAD },
		{ "ON 31-Feb-2020", SEARCH_BAD },
		{ "UID 0", SEARCH_BAD },
		{ "OLDER 0", SEARCH_BAD },
		{ "YOUNGER 4294967296", SEARCH_BAD },
		{ "YOUNGER", SEARCH_BAD },
		{ "SAVEDON", SEARCH_BAD },
		{ "EMAILID", SEARCH_BAD },
		{ "UID", SEARCH_BAD },
		{ "KEYWORD a)", SEARCH_BAD },
		{ "X-KEY", SEARCH_BAD },
		{ "ALL  ALL", SEARCH_BAD },
		{ "CHARSET utf-7 ALL", SEARCH_CHARSET },
		{ "CHARSET", SEARCH_BAD },
		{ "CHARSET utf-8", SEARCH_BAD },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena *a = arena_new(0);
		enum search_fault fault;
		struct search *q = parse(a, cases[i].text, &fault);

		if (q != NULL || fault != cases[i].want)
			fail_msg("%s", cases[i].text);
		arena_free(a);
	}
}

static void the_number_of_keys_has_a_limit(void **state)
{
	struct buf text = BUF_INIT(100000);

	(void)state;
	for (int extra = 0; extra < 2; extra++) {
		struct arena *a = arena_new(0);
		enum search_fault fault;
		struct search *q;

		buf_reset(&text);
		for (int i = 0; i < L_IKEY + extra; i++)
			(void)buf_addz(&text, i == 0 ? "ALL" : " ALL");
		q = parse(a, buf_z(&text), &fault);
		assert_int_equal(q != NULL, extra == 0);
		if (q == NULL)
			assert_int_equal(fault, SEARCH_LIMIT);
		search_free(q);
		arena_free(a);
	}
	buf_free(&text);
}

/* Which keys are of words, which count for the score, and what that is. */
static void scores_are_made_of_answers(void **state)
{
	static const struct {
		const char *text, *values; /* of all keys, N Y or ? */
		size_t words, marks;
		unsigned score; /* 0: not known yet */
	} cases[] = {
		{ "FUZZY SEEN", "Y", 0, 0, 100 },
		{ "SUBJECT a FUZZY SEEN", "YY", 0, 0, 100 },
		{ "FUZZY NOT BODY a", "N", 1, 0, 100 },
		{ "NOT FUZZY NOT BODY a", "YY?", 1, 1, 0 },
		{ "FUZZY (BODY a FROM \"a b\") TO c", "YYYYYYY", 2, 2, 100 },
		{ "FUZZY BODY a", "YYY", 1, 1, 100 },
		{ "FUZZY BODY a", "YNY", 1, 1, 45 },
		{ "FUZZY BODY a", "YYN", 1, 1, 56 },
		{ "FUZZY BODY a", "YNN", 1, 1, 1 },
		{ "FUZZY BODY a", "Y?Y", 1, 1, 0 },
		{ "FUZZY BODY a", "YY?", 1, 1, 0 },
		{ "FUZZY BODY a", "N??", 1, 1, 1 },
		{ "FUZZY TEXT a", "YYYY", 1, 1, 100 },
		{ "FUZZY TEXT a", "YYYN", 1, 1, 75 },
		{ "FUZZY TEXT a", "YNNY", 1, 1, 26 },
		{ "FUZZY TEXT a", "YNN?", 1, 1, 0 },
		{ "FUZZY OR BODY a BODY b", "YNYY??", 2, 2, 50 },
		{ "OR FUZZY BODY a FUZZY BODY b", "YYYYY?", 2, 2, 0 },
		{ "FUZZY BODY @", "Y", 0, 1, 100 }, /* no words: as it stands */
		{ "FUZZY SUBJECT \"\"", "Y", 0, 1, 100 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena *a = arena_new(0);
		enum search_fault fault;
		struct search *q = parse(a, cases[i].text, &fault);
		unsigned char values[64] = { 0 };
		size_t words = 0;
		unsigned score;

		assert_non_null(q);
		assert_true(q->is_fuzzy);
		for (size_t k = 0; k < q->keys_n; k++)
			words += q->keys[k].words != NULL;
		assert_int_equal(words, cases[i].words);
		relevancy_prepare(q);
		assert_int_equal(q->marks_n, cases[i].marks);
		for (size_t k = 0; k < strlen(cases[i].values); k++)
			values[k] = cases[i].values[k] == 'N' ? ANSWER_NO
			    : cases[i].values[k] == 'Y'       ? ANSWER_YES
							      : ANSWER_UNKNOWN;
		score = relevancy_is_known(q, values) ? relevancy_of(q, values) : 0;
		if (score != cases[i].score)
			fail_msg("%s %s: %u", cases[i].text, cases[i].values, score);
		search_free(q);
		arena_free(a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(programs_answer),
		cmocka_unit_test(what_is_no_search_is_refused),
		cmocka_unit_test(the_number_of_keys_has_a_limit),
		cmocka_unit_test(scores_are_made_of_answers),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
