/* test_open.c: does the store open, refuse, heal and close as it says? */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/secret.h"
#include "fake_mail.h"
#include "store/ledger.h"

static size_t whole(const char *path, char *p, size_t max)
{
	FILE *f = fopen(path, "rb");
	size_t n;

	assert_non_null(f);
	n = fread(p, 1, max, f);
	(void)fclose(f);
	return (n);
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	for (int i = 0; i < 2000; i++)
		(void)fputs(text, f);
	(void)fclose(f);
}

static void makes_its_tree_and_keeps_its_marker(void **state)
{
	struct bench *b = *state;
	char first[16] = "", again[16] = "";
	struct stat st;

	assert_int_equal(whole("data-set", first, sizeof(first)), 9);
	assert_int_equal(stat("mail", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(stat("queue/tmp", &st), 0);
	assert_int_equal(stat("reserve", &st), 0);
	assert_int_equal(st.st_size, 2097152);
	assert_true(store_account(b->store, SLICE("ANN")) != NULL);
	assert_string_equal(account_name(store_account_next(b->store, NULL)), "ann");
	bench_close(b);
	assert_int_equal(b->stopped, 2);
	bench_open(b);
	assert_int_equal(whole("data-set", again, sizeof(again)), 9);
	assert_string_equal(first, again);
	assert_memory_equal(first, b->store->data_set, 8);
}

static void one_process_at_a_time(void **state)
{
	struct bench *b = *state;
	struct err err = { 0 };

	/* flock belongs to the open file, so a second open in the same process is refused as another's is. */
	assert_null(store_open(b->loop, b->work, &b->cfg, &err));
	assert_int_equal(err.kind, ERR_BUSY);
}

static void damaged_marker_is_refused_with_a_way_out(void **state)
{
	struct bench *b = *state;
	struct err err = { 0 };

	bench_close(b);
	write_file("data-set", "x");
	assert_null(store_open(b->loop, b->work, &b->cfg, &err));
	assert_non_null(strstr(err.text, "data-set"));
	assert_int_equal(unlink("data-set"), 0);
	bench_open(b);
}

static void damaged_caches_are_set_aside_damaged_truth_is_refused(void **state)
{
	struct bench *b = *state;
	struct err err = { 0 };

	bench_close(b);
	write_file("spam.sqlite", "rubbish ");
	write_file("ledger.sqlite", "rubbish ");
	bench_open(b);
	assert_int_equal(system("test $(ls | grep -c 'damaged-') = 2"), 0);
	bench_close(b);
	for (int i = 0; i < 2; i++) {
		const char *path = i == 0 ? "queue.sqlite" : "state.sqlite";

		assert_int_equal(rename(path, "kept"), 0);
		write_file(path, "rubbish ");
		assert_null(store_open(b->loop, b->work, &b->cfg, &err));
		assert_int_equal(err.kind, ERR_PERMANENT);
		assert_non_null(strstr(err.text, "backup"));
		assert_int_equal(rename("kept", path), 0);
	}
	bench_open(b);
}

static void newer_data_are_refused_unchanged(void **state)
{
	static char before[300000], after[300000];
	struct bench *b = *state;
	struct err err = { 0 };
	struct sql *q;
	size_t n;

	bench_close(b);
	q = sql_open("state.sqlite", SQL_FULL, schema_of(STORE_STATE)->steps,
	    schema_of(STORE_STATE)->steps_n, &err);
	assert_int_equal(sql_exec(q, "PRAGMA user_version = 99", &err), 0);
	sql_close(q);
	n = whole("state.sqlite", before, sizeof(before));
	assert_null(store_open(b->loop, b->work, &b->cfg, &err));
	assert_non_null(strstr(err.text, "newer version"));
	assert_int_equal(whole("state.sqlite", after, sizeof(after)), n);
	assert_memory_equal(before, after, n);
}

static void failed_sync_refuses_mail_until_a_probe_succeeds(void **state)
{
	struct bench *b = *state;
	struct err err = { 0 };
	bool is_well = false;

	assert_true(store_accepts(b->store, &err));
	assert_null(store_degraded(b->store));
	store_sync_failed(b->store, "m-1: Input/output error");
	assert_false(store_accepts(b->store, &err));
	assert_int_equal(err.kind, ERR_TEMPORARY);
	assert_non_null(strstr(store_degraded(b->store), "m-1"));
	for (int i = 0; i < 20000 && !is_well; i++) {
		bool now = true;

		bench_until(b, &now);
		is_well = store_degraded(b->store) == NULL;
		(void)usleep(1000);
	}
	assert_true(is_well);
	assert_true(store_accepts(b->store, &err));
	assert_int_equal(access("probe.tmp", F_OK), -1);
}

static void break_spam(void *self)
{
	struct store *s = self;
	struct err err;

	assert_int_equal(sql_reopen(s->spam, false, &err), 0);
	write_file("spam.sqlite", "rubbish ");
	assert_int_equal(sql_do(s->spam, "SELECT count(*) FROM model", &err, ""), -1);
	assert_int_equal(err.number, EBADMSG);
}

static void use_spam(void *self)
{
	struct store *s = self;
	struct err err;

	assert_int_equal(sql_do(s->spam, "SELECT count(*) FROM model", &err, ""), 0);
}

static void cache_damaged_in_use_is_made_afresh(void **state)
{
	struct bench *b = *state;
	bool is_well = false;

	bench_on_lane(b, STORE_SPAM, break_spam, b->store);
	assert_non_null(strstr(store_degraded(b->store), "spam.sqlite"));
	for (int i = 0; i < 20000 && !is_well; i++) {
		bool now = true;

		bench_until(b, &now);
		is_well = store_degraded(b->store) == NULL;
		(void)usleep(1000);
	}
	assert_true(is_well);
	bench_on_lane(b, STORE_SPAM, use_spam, b->store);
}

static void low_space_refuses_and_recovers(void **state)
{
	struct bench *b = *state;
	struct err err = { 0 };

	b->cfg.limits.free = UINT64_MAX;
	b->store->free_checked_ms = 0;
	assert_false(store_accepts(b->store, &err));
	assert_int_equal(err.kind, ERR_NO_SPACE);
	b->cfg.limits.free = 0;
	b->store->free_checked_ms = 0;
	assert_true(store_accepts(b->store, &err));
	store_no_space(b->store);
	struct stat st;

	assert_int_equal(stat("reserve", &st), 0);
	assert_int_equal(st.st_size, 0);
	b->store->free_checked_ms = 0;
	assert_true(store_accepts(b->store, &err));
	bench_close(b); /* waits for the reserve to be made again */
	assert_int_equal(stat("reserve", &st), 0);
	assert_int_equal(st.st_size, 2097152);
}

static void on_prepared(void *self, const struct err *err)
{
	assert_null(err);
	*(bool *)self = true;
}

static void reload_adds_and_retires_people(void **state)
{
	struct bench *b = *state;
	struct cfg_account cid = { .name = "cid", .next = &b->ann };
	struct cfg cfg = b->cfg;
	struct err err = { 0 };
	bool is_ready = false;

	cfg.accounts = &cid;
	b->ann.next = NULL;
	assert_int_equal(store_reload(b->store, &cfg, &err), -1); /* nobody prepared it */
	assert_null(store_account(b->store, SLICE("cid")));
	store_prepare(b->store, &cfg, on_prepared, &is_ready);
	assert_false(is_ready);
	bench_until(b, &is_ready);
	assert_true(account_is_gone(store_account(b->store, SLICE("cid"))));
	assert_int_equal(store_reload(b->store, &cfg, &err), 0);
	assert_non_null(store_account(b->store, SLICE("cid")));
	assert_true(account_is_gone(store_account(b->store, SLICE("bob"))));
	assert_false(account_is_gone(store_account(b->store, SLICE("ann"))));
	assert_ptr_equal(store_cfg(b->store), &cfg);
	assert_int_equal(store_reload(b->store, &b->cfg, &err), 0);
	bench_close(b);
	b->ann.next = &b->bob;
}

static void passwords_are_kept_and_checked(void *self)
{
	struct store *s = self;
	struct err err = { 0 };
	char hash[128], got[128];

	assert_int_equal(password_get(s, "ann", got, &err), -1);
	assert_int_equal(err.kind, ERR_NOT_FOUND);
	assert_int_equal(password_set(s, "ann", "$argon2id$rubbish", &err), -1);
	assert_int_equal(password_set(s, "ann", secret_dummy_hash(), &err), 0);
	assert_int_equal(secret_hash(SLICE("x"), hash), 0);
	assert_int_equal(password_set(s, "ann", hash, &err), 0);
	assert_int_equal(password_get(s, "ann", got, &err), 0);
	assert_string_equal(got, hash);
}

static void passwords(void **state)
{
	struct bench *b = *state;

	bench_on_lane(b, STORE_STATE, passwords_are_kept_and_checked, b->store);
}

static void turn(struct bench *b)
{
	bool now = true;

	bench_until(b, &now);
	(void)usleep(1000);
}

static void upkeep_comes(void **state)
{
	struct bench *b = *state;
	FILE *f;

	/* The first look at the clock has nothing to compare with. */
	b->store->upkeep_next_ms = 0;
	for (int i = 0; i < 20000 && access("clock", F_OK) != 0; i++)
		turn(b);
	while (!expire_idle(b->store))
		turn(b);
	assert_int_equal(b->purged, 0);
	assert_true(store_expire_held(b->store) > 0);
	/* What the look of an hour ago wrote down. */
	assert_non_null(f = fopen("clock", "w"));
	assert_true(fprintf(f, "%lld 0\n", (long long)clock_wall() - 3600) > 0);
	assert_int_equal(fclose(f), 0);
	b->store->upkeep_next_ms = 0;
	for (int i = 0; i < 20000 && b->purged < 2; i++)
		turn(b);
	assert_int_equal(b->purged, 2);
	assert_true(store_expire_held(b->store) == 0);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, bench_start, bench_end)
	const struct CMUnitTest tests[] = {
		CASE(makes_its_tree_and_keeps_its_marker),
		CASE(one_process_at_a_time),
		CASE(damaged_marker_is_refused_with_a_way_out),
		CASE(damaged_caches_are_set_aside_damaged_truth_is_refused),
		CASE(newer_data_are_refused_unchanged),
		CASE(failed_sync_refuses_mail_until_a_probe_succeeds),
		CASE(cache_damaged_in_use_is_made_afresh),
		CASE(low_space_refuses_and_recovers),
		CASE(reload_adds_and_retires_people),
		CASE(passwords),
		CASE(upkeep_comes),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
