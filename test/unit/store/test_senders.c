/* test_senders.c: is who was written to known, and is who comes again let in, once and for long enough? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/limits.h"
#include "core/mem.h"
#include "fake_mail.h"
#include "store/senders.h"

static const struct ip peer = { .octets = { 192, 0, 2, 7 } };
static const struct ip neighbour = { .octets = { 192, 0, 2, 200 } };
static const struct ip stranger = { .octets = { 192, 0, 3, 7 } };
static const struct ip six = { .is_v6 = true, .octets = { 0x20, 1, 0xd, 0xb8, [15] = 1 } };
static const struct ip six_too = { .is_v6 = true, .octets = { 0x20, 1, 0xd, 0xb8, [15] = 9 } };
enum { T = 1795392000 };

static bool passes(struct bench *b, const struct ip *ip, const char *domain, int64_t now)
{
	enum greylist_state state;
	struct err err = { 0 };

	assert_int_equal(greylist_try(b->store, ip, slice_of(domain), now, &state, &err), 0);
	return (state == GREYLIST_PASS);
}

static void who_comes_again_is_let_in(void **state)
{
	struct bench *b = *state;

	assert_false(passes(b, &peer, "a.example", T));
	assert_false(passes(b, &peer, "a.example", T + L_GREY_SECONDS - 1)); /* too soon */
	assert_true(passes(b, &peer, "a.example", T + L_GREY_SECONDS));
	assert_true(passes(b, &neighbour, "a.example", T + L_GREY_SECONDS)); /* a pool of senders */
	assert_false(passes(b, &peer, "b.example", T + L_GREY_SECONDS));
	assert_false(passes(b, &stranger, "a.example", T + L_GREY_SECONDS));
	assert_false(passes(b, &six, "", T));
	assert_true(passes(b, &six_too, "", T + L_GREY_SECONDS));
	/* remembered after its latest mail, not its first */
	assert_true(passes(b, &peer, "a.example", T + L_GREY_KEEP_SECONDS));
	assert_true(passes(b, &peer, "a.example", T + 2 * (int64_t)L_GREY_KEEP_SECONDS - 1));
	assert_false(passes(b, &peer, "a.example", T + 3 * (int64_t)L_GREY_KEEP_SECONDS + 9));
}

static void who_comes_too_late_begins_anew(void **state)
{
	struct bench *b = *state;

	assert_false(passes(b, &peer, "a.example", T));
	assert_false(passes(b, &peer, "a.example", T + L_GREY_RETRY_SECONDS + 1));
	assert_true(passes(
	    b, &peer, "a.example", T + L_GREY_RETRY_SECONDS + 1 + L_GREY_SECONDS));
	assert_false(passes(b, &peer, "c.example", T + 1000));
	assert_false(passes(b, &peer, "c.example", T)); /* the clock went back: no eternal wait */
	assert_true(passes(b, &peer, "c.example", T + L_GREY_SECONDS));
}

static void the_door_opens_for_a_while(void **state)
{
	struct bench *b = *state;
	struct err err = { 0 };

	assert_int_equal(greylist_open_until(b->store, T + 600, &err), 0);
	assert_true(passes(b, &peer, "a.example", T));
	assert_false(passes(b, &peer, "b.example", T + 600));
	assert_true(passes(b, &peer, "a.example", T + 700)); /* who came in stays in */
	assert_int_equal(greylist_open_until(b->store, 0, &err), 0);
	assert_false(passes(b, &peer, "c.example", T + 10));
}

static int64_t pairs_of(struct bench *b)
{
	struct err err = { 0 };
	int64_t n;

	assert_int_equal(sql_ask(b->store->state, "SELECT count(*) FROM greylist", &err, ""), 0);
	assert_int_equal(sql_step(b->store->state, &err), 1);
	n = sql_int(b->store->state, 0);
	sql_done(b->store->state);
	return (n);
}

static void what_is_old_goes(void **state)
{
	struct bench *b = *state;
	struct err err = { 0 };

	assert_false(passes(b, &peer, "a.example", T));
	assert_false(passes(b, &peer, "b.example", T));
	assert_true(passes(b, &peer, "b.example", T + L_GREY_SECONDS));
	assert_int_equal(greylist_expire(b->store, T + L_GREY_RETRY_SECONDS + 1, &err), 0);
	assert_int_equal(pairs_of(b), 1);
}

static void the_greylist_has_an_end(void **state)
{
	struct bench *b = *state;
	struct err err = { 0 };

	assert_false(passes(b, &peer, "a.example", T));
	assert_int_equal(sql_do(b->store->state,
			     "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE "
			     "i<?1) INSERT INTO greylist SELECT x'01020304','d'||i,?2,?2,0 FROM n",
			     &err, "ii", (int64_t)L_GREYLIST, (int64_t)T + 1),
	    0);
	assert_int_equal(pairs_of(b), L_GREYLIST + 1);
	assert_int_equal(greylist_expire(b->store, T + 2, &err), 0);
	assert_int_equal(pairs_of(b), L_GREYLIST);
	assert_false(passes(b, &peer, "a.example", T + L_GREY_SECONDS)); /* the oldest went */
}

static void letters_make_correspondents(void **state)
{
	const struct slice both[] = { SLICE_INIT("x@a.example"), SLICE_INIT("y@b.example") };
	struct bench *b = *state;
	struct arena *a = arena_new(0);
	struct correspondent *list;
	struct err err = { 0 };
	bool known;
	size_t n;

	assert_int_equal(correspondent_wrote(b->store, SLICE("ann"), both, 2, T, &err), 0);
	assert_int_equal(correspondent_wrote(b->store, SLICE("ann"), both, 1, T + 5, &err), 0);
	assert_int_equal(
	    correspondent_knows(b->store, SLICE("ann"), both[1], &known, &err), 0);
	assert_true(known);
	assert_int_equal(
	    correspondent_knows(b->store, SLICE("bob"), both[1], &known, &err), 0);
	assert_false(known);
	assert_int_equal(correspondent_list(b->store, a, SLICE("ann"), &list, &n, &err), 0);
	assert_int_equal(n, 2);
	assert_true(slice_eq(list[0].address, both[0]));
	assert_int_equal(list[0].letters, 2);
	assert_int_equal(list[0].first, T);
	assert_int_equal(list[0].last, T + 5);
	assert_int_equal(correspondent_forget(b->store, SLICE("ann"), both[0], &err), 0);
	assert_int_equal(correspondent_forget(b->store, SLICE("ann"), both[0], &err), -1);
	assert_int_equal(err.kind, ERR_NOT_FOUND);
	arena_free(a);
}

static void imported_letters_count_once(void **state)
{
	const struct slice bob = SLICE_INIT("bob@a.example"), eve = SLICE_INIT("eve@a.example");
	const struct correspondent old[] = { { bob, T - 900, T - 800, 0 },
		{ eve, T - 700, T - 700, 0 } };
	struct bench *b = *state;
	struct arena *a = arena_new(0);
	struct correspondent *list;
	struct err err = { 0 };
	size_t n;

	assert_int_equal(correspondent_wrote(b->store, SLICE("carl"), &bob, 1, T, &err), 0);
	assert_int_equal(correspondent_wrote(b->store, SLICE("carl"), &bob, 1, T + 1, &err), 0);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(correspondent_import(b->store, SLICE("carl"), old, 2, &err), 0);
	assert_int_equal(correspondent_list(b->store, a, SLICE("carl"), &list, &n, &err), 0);
	assert_int_equal(n, 2);
	assert_int_equal(list[0].letters, 2);
	assert_int_equal(list[0].first, T - 900);
	assert_int_equal(list[0].last, T + 1);
	assert_true(slice_eq(list[1].address, eve));
	assert_int_equal(list[1].letters, 1);
	assert_int_equal(list[1].last, T - 700);
	arena_free(a);
}

static void a_domain_is_known_with_what_stands_under_it(void **state)
{
	static const struct {
		const char *domain;
		bool known;
	} cases[] = { { "a.example", true }, { "mail.a.example", true },
		{ "x.y.mail.a.example", true }, { "ba.example", false }, { "example", false },
		{ "c.example", false }, { "", false }, { "a.example.org", false },
		{ "1.2.3.4.5.6.7.8.9.a.example", false } };
	struct bench *b = *state;
	struct slice one = SLICE("friend@a.example");
	struct err err = { 0 };

	assert_int_equal(correspondent_wrote(b->store, SLICE("bob"), &one, 1, T, &err), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		bool known = !cases[i].known;

		assert_int_equal(
		    correspondent_of_domain(b->store, slice_of(cases[i].domain), &known, &err), 0);
		assert_int_equal(known, cases[i].known);
	}
	assert_int_equal(correspondent_forget(b->store, SLICE("bob"), one, &err), 0);
}

static void correspondents_have_an_end(void **state)
{
	const struct slice old = SLICE_INIT("old@a.example"), more = SLICE_INIT("more@a.example");
	struct bench *b = *state;
	struct arena *a = arena_new(0);
	struct slice *many = arena_array(a, L_CORRESPONDENTS, sizeof(*many));
	struct correspondent *list;
	struct err err = { 0 };
	bool known;
	size_t n;

	for (unsigned i = 0; i < L_CORRESPONDENTS - 1; i++)
		many[i] = slice_of(arena_fmt(a, "%u@a.example", i));
	assert_int_equal(correspondent_wrote(b->store, SLICE("ann"), &old, 1, T - 9, &err), 0);
	assert_int_equal(correspondent_wrote(b->store, SLICE("bob"), &old, 1, T - 9, &err), 0);
	assert_int_equal(correspondent_wrote(
			     b->store, SLICE("ann"), many, L_CORRESPONDENTS - 1, T, &err),
	    0);
	assert_int_equal(correspondent_knows(b->store, SLICE("ann"), old, &known, &err), 0);
	assert_true(known); /* as many as there may be */
	assert_int_equal(correspondent_wrote(b->store, SLICE("ann"), &more, 1, T + 1, &err), 0);
	assert_int_equal(correspondent_knows(b->store, SLICE("ann"), old, &known, &err), 0);
	assert_false(known); /* the one not written to for longest */
	assert_int_equal(correspondent_knows(b->store, SLICE("bob"), old, &known, &err), 0);
	assert_true(known); /* each account has its own */
	assert_int_equal(correspondent_list(b->store, a, SLICE("ann"), &list, &n, &err), 0);
	assert_int_equal(n, L_CORRESPONDENTS);
	assert_true(slice_eq(list[0].address, more));
	arena_free(a);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, bench_start, bench_end)
	const struct CMUnitTest tests[] = { CASE(who_comes_again_is_let_in),
		CASE(who_comes_too_late_begins_anew), CASE(the_door_opens_for_a_while),
		CASE(what_is_old_goes), CASE(the_greylist_has_an_end),
		CASE(letters_make_correspondents), CASE(imported_letters_count_once),
		CASE(a_domain_is_known_with_what_stands_under_it),
		CASE(correspondents_have_an_end) };

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
