/* test_reputation.c: is what mail says of its sender kept, told, corrected by its owner, and bounded? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/mem.h"
#include "fake_mail.h"
#include "store/reputation.h"

#define NET SLICE("192.0.2.0/24")
#define DOMAIN SLICE("shop.example")

static void settle(struct bench *b)
{
	while (!lane_idle(store_lane(b->store, STORE_LEDGER))) {
		bool now = true;

		bench_until(b, &now);
	}
}

static void note(struct bench *b, unsigned n, enum lesson_class is, struct slice domain)
{
	for (unsigned i = 0; i < n; i++) {
		unsigned char id[16] = { (unsigned char)i, (unsigned char)is };

		reputation_note(b->store,
		    &(struct evidence){ .net = NET,
			.domain = domain,
			.judged = is,
			.share = 1,
			.account = SLICE("ann"),
			.content_id = id });
		settle(b);
	}
}

static void teach(struct bench *b, unsigned first, unsigned n, enum lesson_class was,
    enum lesson_class is)
{
	struct reputation_lesson v[32] = { 0 };

	for (unsigned i = 0; i < n; i++) {
		v[i].content_id[0] = (unsigned char)(first + i);
		v[i].content_id[1] = (unsigned char)was;
		v[i].is = is;
	}
	reputation_taught(b->store, SLICE("ann"), v, n);
	settle(b);
}

static int score(struct bench *b, struct slice name)
{
	unsigned ret;

	settle(b);
	return (reputation_score(b->store, name, &ret) ? (int)ret : -1);
}

static void nineteen_are_silent_and_twenty_speak(void **state)
{
	struct bench *b = *state;

	note(b, 19, LESSON_SPAM, DOMAIN);
	assert_int_equal(score(b, NET), -1);
	note(b, 1, LESSON_SPAM, SLICE(""));
	assert_int_equal(score(b, NET), 0);
	assert_int_equal(score(b, DOMAIN), -1); /* the twentieth did not prove it */
	note(b, 1, LESSON_SPAM, DOMAIN);
	assert_int_equal(score(b, DOMAIN), 0);
	assert_int_equal(score(b, SLICE("192.0.3.0/24")), -1);
	assert_int_equal(score(b, SLICE("")), -1);
	bench_close(b);
	bench_open(b);
	assert_int_equal(score(b, NET), 0);
	assert_int_equal(score(b, DOMAIN), 0);
}

static void an_owners_word_outweighs_and_is_taken_back_exactly(void **state)
{
	struct bench *b = *state;

	note(b, 25, LESSON_SPAM, SLICE(""));
	assert_int_equal(score(b, NET), 0);
	teach(b, 0, 5, LESSON_SPAM, LESSON_HAM);
	assert_int_equal(score(b, NET), 80); /* 20 of 45 */
	teach(b, 0, 5, LESSON_SPAM, LESSON_HAM); /* known already: counts once */
	assert_int_equal(score(b, NET), 80);
	teach(b, 0, 5, LESSON_SPAM, LESSON_NONE);
	assert_int_equal(score(b, NET), 0);
	teach(b, 0, 5, LESSON_SPAM, LESSON_SPAM);
	teach(b, 200, 5, LESSON_SPAM, LESSON_HAM); /* nobody knows these */
	assert_int_equal(score(b, NET), 0);
}

static void mail_nobody_judged_waits_for_its_owner(void **state)
{
	struct bench *b = *state;

	note(b, 20, LESSON_NONE, DOMAIN);
	assert_int_equal(score(b, DOMAIN), -1);
	teach(b, 0, 20, LESSON_NONE, LESSON_SPAM);
	assert_int_equal(score(b, DOMAIN), 0);
	assert_int_equal(score(b, NET), 0);
}

static void a_friend_makes_his_network_silent(void **state)
{
	struct bench *b = *state;

	note(b, 25, LESSON_SPAM, DOMAIN);
	reputation_note(b->store,
	    &(struct evidence){ .net = NET, .judged = LESSON_NONE, .share = 1, .is_friend = true });
	assert_int_equal(score(b, NET), -1);
	assert_int_equal(score(b, DOMAIN), 0);
	bench_close(b);
	bench_open(b);
	assert_int_equal(score(b, NET), -1);
}

static void part_of_a_message_is_part_of_the_evidence(void **state)
{
	struct bench *b = *state;

	for (unsigned i = 0; i < 40; i++)
		reputation_note(b->store,
		    &(struct evidence){ .net = NET, .judged = LESSON_SPAM, .share = 0.5 });
	assert_int_equal(score(b, NET), 0);
	for (unsigned i = 0; i < 37; i++)
		reputation_note(b->store,
		    &(struct evidence){ .net = DOMAIN, .judged = LESSON_SPAM, .share = 0.5 });
	assert_int_equal(score(b, DOMAIN), -1);
}

static void forget(void *self)
{
	struct bench *b = self;
	struct err err = { 0 };

	assert_int_equal(reputation_forget(b->store, NET, &err), 0);
	assert_int_equal(reputation_forget(b->store, NET, &err), -1);
	assert_int_equal(err.kind, ERR_NOT_FOUND);
}

static size_t known(struct bench *b, struct slice name)
{
	struct arena *a = arena_new(0);
	struct reputation_row *v;
	struct err err = { 0 };
	size_t n;

	assert_int_equal(reputation_list(b->store, a, name, 10, &v, &n, &err), 0);
	arena_free(a);
	return (n);
}

static void counts(void *self)
{
	struct bench *b = self;
	struct err err = { 0 };
	int64_t now = clock_wall();

	assert_int_equal(known(b, SLICE("")), 2);
	assert_int_equal(known(b, NET), 1);
	assert_int_equal(reputation_expire(b->store, now, &err), 0);
	assert_int_equal(known(b, NET), 1);
	assert_int_equal(reputation_expire(b->store, now + 20 * STANDING_HALF_LIFE, &err), 0);
	assert_int_equal(known(b, SLICE("")), 0);
}

static void what_is_forgotten_does_not_come_back_with_a_lesson(void **state)
{
	struct bench *b = *state;

	note(b, 25, LESSON_SPAM, DOMAIN);
	bench_on_lane(b, STORE_LEDGER, forget, b);
	reputation_forgot(b->store, NET);
	assert_int_equal(score(b, NET), -1);
	note(b, 25, LESSON_HAM, SLICE(""));
	teach(b, 0, 20, LESSON_SPAM, LESSON_HAM); /* of the mail that is forgotten */
	assert_int_equal(score(b, NET), 100);
	teach(b, 0, 20, LESSON_SPAM, LESSON_NONE);
	assert_int_equal(score(b, NET), 100);
	bench_on_lane(b, STORE_LEDGER, counts, b);
}

static void add_many(void *self)
{
	struct bench *b = self;
	struct err err = { 0 };

	assert_int_equal(sql_do(b->store->ledger,
			     "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE"
			     " i<?1) INSERT INTO standing SELECT 'd'||i,0,1,1,1,0,?2+i FROM n",
			     &err, "ii", (int64_t)L_REPUTATION, clock_wall() + 1000), 0);
	assert_int_equal(reputation_expire(b->store, clock_wall(), &err), 0);
	assert_int_equal(known(b, SLICE("d1")), 0);
	assert_int_equal(known(b, SLICE("d2")), 1);
	assert_int_equal(known(b, NET), 1); /* more behind it than behind any of those */
}

static void many_names_push_out_the_least(void **state)
{
	struct bench *b = *state;

	note(b, 25, LESSON_SPAM, SLICE(""));
	bench_on_lane(b, STORE_LEDGER, add_many, b);
}

static void names_are_found_as_people_write_them(void **state)
{
	static const struct {
		struct slice in, out;
	} cases[] = {
		{ SLICE_INIT("192.0.2.77"), SLICE_INIT("192.0.2.0/24") },
		{ SLICE_INIT("192.0.2.0/24"), SLICE_INIT("192.0.2.0/24") },
		{ SLICE_INIT("::ffff:192.0.2.1"), SLICE_INIT("192.0.2.0/24") },
		{ SLICE_INIT("2001:db8:1:2::9"), SLICE_INIT("2001:db8:1::/48") },
		{ SLICE_INIT("2001:db8:1::/48"), SLICE_INIT("2001:db8:1::/48") },
		{ SLICE_INIT("Shop.Example"), SLICE_INIT("shop.example") },
		{ SLICE_INIT("bücher.example"), SLICE_INIT("xn--bcher-kva.example") },
		{ SLICE_INIT("a b"), SLICE_INIT("") },
	};
	struct arena *a = arena_new(0);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_true(slice_eq(reputation_name(a, cases[i].in), cases[i].out));
	arena_free(a);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, bench_start, bench_end)
	const struct CMUnitTest tests[] = { CASE(nineteen_are_silent_and_twenty_speak),
		CASE(an_owners_word_outweighs_and_is_taken_back_exactly),
		CASE(mail_nobody_judged_waits_for_its_owner), CASE(a_friend_makes_his_network_silent),
		CASE(part_of_a_message_is_part_of_the_evidence),
		CASE(what_is_forgotten_does_not_come_back_with_a_lesson),
		CASE(many_names_push_out_the_least),
		cmocka_unit_test(names_are_found_as_people_write_them) };

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
