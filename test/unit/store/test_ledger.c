/* test_ledger.c: is what happened found again by every name it has, and forgotten in time? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/limits.h"
#include "core/mem.h"
#include "fake_mail.h"
#include "store/ledger.h"

static const struct ledger_row row = {
	.at = 1795392000, .session = SLICE_INIT("s-1"), .message = SLICE_INIT("m-1"), .act = SLICE_INIT("junk"),
	.peer = SLICE_INIT("192.0.2.1"), .mail_from = SLICE_INIT("Eve@Example.net"), .rcpt = SLICE_INIT("ann@example.org"),
	.account = SLICE_INIT("ann"), .message_id = SLICE_INIT("<1@example.net>"), .subject = SLICE_INIT("a\0b"),
	.header_from = SLICE_INIT("boss@example.org"), .content_id = SLICE_INIT("0123456789\0abcde"), .score = 7.5, .has_score = true,
};

static void settle(struct bench *b)
{
	while (!lane_idle(store_lane(b->store, STORE_LEDGER))) {
		bool now = true;

		bench_until(b, &now);
	}
}

static size_t found(struct bench *b, const char *what)
{
	struct arena *a = arena_new(0);
	struct ledger_row *rows;
	struct err err = { 0 };
	size_t n;

	settle(b);
	assert_int_equal(ledger_find(b->store, a, slice_of(what), 100, &rows, &n, &err), 0);
	arena_free(a);
	return (n);
}

static void found_by_every_name(void **state)
{
	static const char *const names[] = { "", "m-1", "s-1", "192.0.2.1", "eve@example.NET", "ann@example.org",
		"boss@example.org", "1@example.net", "<1@example.net>", "ann", "192.0.2.0/24", "192.0.2.1/32", "0.0.0.0/0", "M30313233343536373839006162636465",
		"30313233343536373839006162636465", "2026-11-23", "2026-11-23T00:00" };
	static const char *const others[] = { "m-2", "192.0.2.2", "192.0.3.0/24", "192.0.2.0/32", "2001:db8::/32", "M30313233343536373839006162636466", "2026-11-24", "nobody@example.org", "bob" };
	struct bench *b = *state;
	struct arena *a = arena_new(0);
	struct ledger_row *rows;
	struct err err = { 0 };
	size_t n;

	ledger_add(b->store, &row);
	for (size_t i = 0; i < COUNT_OF(names); i++)
		assert_int_equal(found(b, names[i]), 1);
	for (size_t i = 0; i < COUNT_OF(others); i++)
		assert_int_equal(found(b, others[i]), 0);
	assert_int_equal(ledger_find(b->store, a, SLICE("m-1"), 10, &rows, &n, &err), 0);
	assert_true(rows->has_score && rows->score > 7.4 && rows->at == row.at);
	assert_true(slice_eq(rows->content_id, row.content_id));
	assert_true(slice_eq(rows->subject, SLICE("a?b")));
	assert_true(slice_eq(rows->act, row.act) && slice_eq(rows->mail_from, row.mail_from));
	assert_int_equal(ledger_find(b->store, a, SLICE("a\0b"), 10, &rows, &n, &err), -1);
	assert_int_equal(err.kind, ERR_PEER);
	arena_free(a);
}

static size_t found_between(struct bench *b, const char *what, int64_t from, int64_t to)
{
	struct arena *a = arena_new(0);
	struct ledger_row *rows;
	struct err err = { 0 };
	size_t n;

	assert_int_equal(ledger_find_between(b->store, a, slice_of(what), from, to, 100, &rows, &n, &err), 0);
	arena_free(a);
	return (n);
}

/* A From with a name is found by its address; a network of IPv6 by its bits; and all of it within a time. */
static void found_by_address_net_and_time(void **state)
{
	static const char *const names[] = { "", "eve@x.example", "2001:db8:0:1::/64", "2001:db8::/31", "2001:db8:0:1::5", "m-9", "1970-01-01" };
	struct bench *b = *state;
	struct ledger_row r = { .at = 5000, .peer = SLICE("2001:db8:0:1::5"), .header_from = SLICE("\"Eve, of X\" <Eve@X.example>"),
		.message = SLICE("m-9"), .act = SLICE("accept") };

	ledger_add(b->store, &r);
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		assert_int_equal(found(b, names[i]), 1);
		assert_int_equal(found_between(b, names[i], 5000, 5001), 1);
		assert_int_equal(found_between(b, names[i], 5001, INT64_MAX), 0);
		assert_int_equal(found_between(b, names[i], INT64_MIN, 5000), 0);
	}
	assert_int_equal(found(b, "2001:db8:0:2::/64"), 0);
	assert_int_equal(found(b, "x@x.example"), 0);
}

static void newest_first_cut_and_now(void **state)
{
	static char big[5000];
	struct bench *b = *state;
	struct arena *a = arena_new(0);
	struct ledger_row r = { .act = SLICE("accept") }, *rows;
	struct err err = { 0 };
	size_t n;

	memset(big, 'x', sizeof(big));
	for (int i = 0; i < 30; i++) {
		r.at = i == 29 ? 0 : 1000 + i;
		r.subject = (struct slice){ big, sizeof(big) };
		ledger_add(b->store, &r);
	}
	settle(b);
	assert_int_equal(ledger_find(b->store, a, SLICE(""), 20, &rows, &n, &err), 0);
	assert_int_equal(n, 20);
	assert_true(rows[0].at > 1700000000 && rows[1].at == 1028 && rows[19].at == 1010);
	assert_true(rows[0].subject.n == 1024 && !rows[0].has_score);
	assert_int_equal(found(b, "10m"), 1);
	arena_free(a);
}

static void what_finds_no_room_is_counted(void **state)
{
	struct bench *b = *state;

	for (unsigned i = 0; i < L_JOBS * 3; i++)
		ledger_add(b->store, &row);
	assert_true(ledger_dropped(b->store) > 0);
	settle(b);
	struct arena *a = arena_new(0);
	struct ledger_row *rows;
	struct err err = { 0 };
	size_t n;

	assert_int_equal(ledger_find(b->store, a, SLICE("m-1"), 10000, &rows, &n, &err), 0);
	assert_int_equal(n + ledger_dropped(b->store), L_JOBS * 3);
	arena_free(a);
}

static void forgets_by_age_and_by_size(void **state)
{
	struct bench *b = *state;
	struct err err = { 0 };
	struct arena *a = arena_new(0);
	struct ledger_row *rows;
	size_t n;

	assert_int_equal(sql_exec(b->store->ledger,
		"WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM c WHERE n<9000)"
		"INSERT INTO row(at,session,message,act,peer,rdns,helo,mail_from,rcpt,account,folder,"
		"message_id,subject,header_from,content,reply,facts,points) SELECT n,'','','','','','','',"
		"'','','','','','',x'',hex(zeroblob(200)),'','' FROM c", &err), 0);
	assert_int_equal(ledger_expire(b->store, 3000, &err), 0);
	assert_int_equal(ledger_find(b->store, a, SLICE(""), 10000, &rows, &n, &err), 0);
	assert_int_equal(n, 6001);
	assert_int_equal(rows[n - 1].at, 3000);
	assert_int_equal(ledger_bound(b->store, 100 * 1048576, &err), 0);
	assert_int_equal(ledger_find(b->store, a, SLICE(""), 10000, &rows, &n, &err), 0);
	assert_int_equal(n, 6001);
	assert_int_equal(ledger_bound(b->store, 1048576, &err), 0);
	assert_int_equal(ledger_find(b->store, a, SLICE(""), 10000, &rows, &n, &err), 0);
	assert_true(n > 0 && n < 4500 && rows[0].at == 9000); /* the oldest went */
	arena_free(a);
}

/* What was delivered, oldest first, in pieces; a ledger that was begun anew is read from its start. */
static void deliveries_are_walked_in_order(void **state)
{
	static const struct {
		const char *act;
		bool kept;
	} rows[] = { { "accept", true }, { "junk", true }, { "accept", false }, { "reject", true },
		{ "accept", true } };
	struct bench *b = *state;
	struct arena *a = arena_new(0);
	struct ledger_row *got;
	struct err err = { 0 };
	size_t n;

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		ledger_add(b->store, &(struct ledger_row){ .at = 1000 + (int64_t)i,
			.act = slice_of(rows[i].act), .account = SLICE("ann"),
			.message_id = SLICE("<once@x>"),
			.content_id = rows[i].kept ? SLICE("0123456789abcdef") : SLICE("") });
	settle(b);
	assert_int_equal(ledger_delivered(b->store, a, 0, 1004, 10, &got, &n, &err), 0);
	assert_int_equal(n, 2); /* the last is too young */
	assert_int_equal(got[0].at, 1000);
	assert_int_equal(got[1].at, 1001);
	assert_int_equal(ledger_delivered(b->store, a, got[0].id, 2000, 1, &got, &n, &err), 0);
	assert_int_equal(n, 1);
	assert_int_equal(got[0].at, 1001);
	assert_int_equal(ledger_delivered(b->store, a, got[0].id, 2000, 10, &got, &n, &err), 0);
	assert_int_equal(n, 1);
	assert_int_equal(got[0].at, 1004);
	assert_int_equal(ledger_delivered(b->store, a, got[0].id, 2000, 10, &got, &n, &err), 0);
	assert_int_equal(n, 0);
	assert_int_equal(ledger_delivered(b->store, a, 99999, 2000, 10, &got, &n, &err), 0);
	assert_int_equal(n, 3);
	arena_free(a);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, bench_start, bench_end)
	const struct CMUnitTest tests[] = { CASE(found_by_every_name), CASE(found_by_address_net_and_time), CASE(newest_first_cut_and_now),
		CASE(what_finds_no_room_is_counted), CASE(forgets_by_age_and_by_size), CASE(deliveries_are_walked_in_order) };

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
