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

static void what_is_old_goes(void **state)
{
	struct bench *b = *state;
	struct err err = { 0 };

	assert_false(passes(b, &peer, "a.example", T));
	assert_false(passes(b, &peer, "b.example", T));
	assert_true(passes(b, &peer, "b.example", T + L_GREY_SECONDS));
	assert_int_equal(greylist_expire(b->store, T + L_GREY_RETRY_SECONDS + 1, &err), 0);
	assert_int_equal(sql_ask(b->store->state, "SELECT count(*) FROM greylist", &err, ""), 0);
	assert_int_equal(sql_step(b->store->state, &err), 1);
	assert_int_equal(sql_int(b->store->state, 0), 1);
	sql_done(b->store->state);
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

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, bench_start, bench_end)
	const struct CMUnitTest tests[] = { CASE(who_comes_again_is_let_in),
		CASE(who_comes_too_late_begins_anew), CASE(the_door_opens_for_a_while),
		CASE(what_is_old_goes), CASE(letters_make_correspondents) };

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
