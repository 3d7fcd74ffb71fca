/* test_repute.c: whose reputation counts, what follows from it, and what a verdict says of the sender? */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>

#include "core/mem.h"
#include "spam/filter.h"
#include "spam/repute.h"
#include "store/store_int.h"

static const struct known {
	struct slice name;
	unsigned score;
} known[] = {
	{ SLICE_INIT("198.51.100.0/24"), 5 },
	{ SLICE_INIT("2a00:1:2::/48"), 60 },
	{ SLICE_INIT("127.0.0.0/24"), 1 },
	{ SLICE_INIT("10.1.2.0/24"), 1 },
	{ SLICE_INIT("shop.example"), 95 },
	{ SLICE_INIT("rogue.example"), 2 },
};

static struct store store;

static int setup(void **state)
{
	(void)state;
	store.standings = map_new();
	for (size_t i = 0; i < COUNT_OF(known); i++) {
		double share = sqrt(1 - known[i].score / 100.0);

		reputation_publish(&store, known[i].name,
		    &(struct standing){ .ham = 100 * (1 - share),
			.spam = 100 * share,
			.mails = 100,
			.at = clock_wall() });
	}
	return (0);
}

static int teardown(void **state)
{
	(void)state;
	reputation_close(&store);
	return (0);
}

static struct facts from(const char *peer, const char *writer, enum fact aligned)
{
	struct facts f = { .from = slice_of(writer), .aligned = aligned };

	assert_true(ip_parse(slice_of(peer), &f.peer));
	return (f);
}

static void the_proved_domain_counts_before_the_network(void **state)
{
	static const struct {
		const char *peer, *writer;
		enum fact aligned;
		bool trial;
		int score;
		const char *of;
	} cases[] = {
		{ "198.51.100.9", "a@shop.example", FACT_YES, false, 95, "shop.example" },
		{ "198.51.100.9", "a@mail.shop.example", FACT_YES, false, 95, "shop.example" },
		{ "198.51.100.9", "a@shop.example", FACT_NO, false, 5, "198.51.100.0/24" },
		{ "198.51.100.9", "a@shop.example", FACT_UNKNOWN, false, 5, "198.51.100.0/24" },
		{ "198.51.100.9", "a@new.example", FACT_YES, false, 5, "198.51.100.0/24" },
		{ "198.51.100.9", "", FACT_YES, false, 5, "198.51.100.0/24" },
		{ "198.51.101.9", "a@shop.example", FACT_NO, false, -1, "" },
		{ "198.51.101.9", "a@rogue.example", FACT_YES, false, 2, "rogue.example" },
		{ "2a00:1:2:3::4", "a@new.example", FACT_NO, false, 60, "2a00:1:2::/48" },
		{ "127.0.0.1", "a@rogue.example", FACT_YES, true, -1, "" },
		{ "127.0.0.2", "a@new.example", FACT_NO, true, 1, "127.0.0.0/24" },
		{ "127.0.0.2", "a@new.example", FACT_NO, false, -1, "" },
		{ "10.1.2.3", "a@new.example", FACT_NO, false, -1, "" },
	};
	struct err err = { 0 };
	struct suffixes *s = suffixes_open(NULL, &err);
	struct arena *a = arena_new(0);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct facts f = from(cases[i].peer, cases[i].writer, cases[i].aligned);
		struct cfg cfg = { .outbound.allow_private = cases[i].trial };

		repute_look(&store, &cfg, s, a, &f);
		assert_int_equal(f.has_reputation ? (int)f.reputation : -1, cases[i].score);
		assert_true(slice_eq(f.reputation_of, slice_of(cases[i].of)));
	}
	for (unsigned undecided = 0; undecided < 2; undecided++) { /* by a DNS that was silent */
		struct facts f = from("198.51.100.9", "a@mail.shop.example", FACT_UNKNOWN);
		struct cfg cfg = { 0 };

		f.proof_undecided = undecided != 0;
		repute_look(&store, &cfg, s, a, &f);
		assert_int_equal(f.has_reputation, !undecided);
		f.from = SLICE("a@rogue.example");
		repute_look(&store, &cfg, s, a, &f);
		assert_int_equal(f.reputation, 5);
	}
	arena_free(a);
	suffixes_free(s);
}

static void a_better_name_in_the_envelope_waits_for_its_proof(void **state)
{
	static const struct {
		const char *peer, *domain;
		int score;
	} cases[] = {
		{ "198.51.100.9", "shop.example", -1 },
		{ "198.51.100.9", "news.shop.example", -1 },
		{ "198.51.100.9", "rogue.example", 5 },
		{ "198.51.100.9", "new.example", 5 },
		{ "198.51.100.9", "", 5 },
		{ "198.51.101.9", "rogue.example", -1 },
	};
	struct err err = { 0 };
	struct suffixes *s = suffixes_open(NULL, &err);
	struct arena *a = arena_new(0);
	struct cfg cfg = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct facts f = from(cases[i].peer, "", FACT_UNKNOWN);

		repute_look_early(&store, &cfg, s, a, slice_of(cases[i].domain), &f);
		assert_int_equal(f.has_reputation ? (int)f.reputation : -1, cases[i].score);
	}
	arena_free(a);
	suffixes_free(s);
}

static void two_marks_and_an_action(void **state)
{
	static const struct {
		enum cfg_action action;
		int score;
		enum cfg_action follows;
	} cases[] = {
		{ ACTION_JUNK, -1, ACTION_OFF },
		{ ACTION_JUNK, 0, ACTION_REJECT },
		{ ACTION_JUNK, 9, ACTION_REJECT },
		{ ACTION_JUNK, 10, ACTION_JUNK },
		{ ACTION_JUNK, 69, ACTION_JUNK },
		{ ACTION_JUNK, 70, ACTION_OFF },
		{ ACTION_GREYLIST, 9, ACTION_REJECT },
		{ ACTION_GREYLIST, 10, ACTION_GREYLIST },
		{ ACTION_REJECT, 69, ACTION_REJECT },
		{ ACTION_REJECT, 70, ACTION_OFF },
		{ ACTION_TAG, 0, ACTION_TAG },
		{ ACTION_TAG, 70, ACTION_OFF },
		{ ACTION_OFF, 0, ACTION_OFF },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct cfg_filters c = { .reputation = cases[i].action,
			.block_below = 10,
			.junk_below = 70 };
		struct facts f = { .has_reputation = cases[i].score >= 0,
			.reputation = (unsigned)(cases[i].score < 0 ? 0 : cases[i].score) };
		struct filter_hit hits[FILTER_MAX];
		size_t n = filter_look(&c, &f, hits);

		assert_int_equal(n, cases[i].follows != ACTION_OFF);
		assert_true(n == 0 || hits[0].action == cases[i].follows);
	}
}

static void a_verdict_speaks_of_the_message_alone(void **state)
{
	static const struct {
		double score, greylist, junk, reject;
		enum verdict_act act;
		bool by_owner;
		enum lesson_class says;
	} cases[] = {
		{ 0, 4, 6, 15, VERDICT_ACCEPT, false, LESSON_HAM },
		{ 3.9, 4, 6, 15, VERDICT_JUNK, false, LESSON_HAM }, /* for a filter */
		{ -2, 4, 6, 15, VERDICT_REJECT, false, LESSON_HAM }, /* for DMARC */
		{ 4, 4, 6, 15, VERDICT_ACCEPT, false, LESSON_NONE },
		{ 6, 4, 6, 15, VERDICT_JUNK, false, LESSON_SPAM },
		{ 20, 4, 6, 15, VERDICT_REJECT, false, LESSON_SPAM },
		{ 20, 4, 6, 15, VERDICT_ACCEPT, true, LESSON_NONE },
		{ 0, 4, 6, 15, VERDICT_REJECT, true, LESSON_NONE },
		{ 20, INFINITY, INFINITY, 15, VERDICT_REJECT, false, LESSON_SPAM },
		{ 5, INFINITY, 6, 15, VERDICT_ACCEPT, false, LESSON_HAM },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct cfg cfg = { .score = { cases[i].greylist, cases[i].junk, cases[i].reject } };
		struct verdict v = { .act = cases[i].act,
			.score = cases[i].score,
			.by_owner = cases[i].by_owner };

		assert_int_equal(repute_of_verdict(&cfg, &v), cases[i].says);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_proved_domain_counts_before_the_network),
		cmocka_unit_test(a_better_name_in_the_envelope_waits_for_its_proof),
		cmocka_unit_test(two_marks_and_an_action),
		cmocka_unit_test(a_verdict_speaks_of_the_message_alone),
	};

	return (cmocka_run_group_tests(tests, setup, teardown));
}
