/* test_sql.c: does a database keep its promises: migrations, errors in words, nothing touched that is newer? */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/mem.h"
#include "store/sql.h"

static const char *const steps[] = {
	"CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, v BLOB) STRICT",
	"ALTER TABLE t ADD COLUMN w REAL NOT NULL DEFAULT 1.5",
	"CREATE TABLE u(id INTEGER PRIMARY KEY) STRICT; INSERT INTO u VALUES(7)",
};

static char top[64];

static int in_a_folder(void **state)
{
	(void)state;
	(void)snprintf(top, sizeof(top), "/tmp/pennypost-sql-XXXXXX");
	assert_non_null(mkdtemp(top));
	return (chdir(top));
}

static int and_out(void **state)
{
	char command[128];

	(void)state;
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", top);
	return (chdir("/") == 0 ? system(command) : -1);
}

static struct sql *opened(unsigned n)
{
	struct err err = { 0 };
	struct sql *q = sql_open("t.sqlite", SQL_FULL, steps, n, &err);

	if (q == NULL)
		print_message("%s\n", err.text);
	assert_non_null(q);
	return (q);
}

static void binds_and_reads_every_type(void **state)
{
	struct sql *q = opened(3);
	struct err err = { 0 };
	struct slice nul = SLICE("a\0b");

	(void)state;
	assert_int_equal(sql_do(q, "INSERT INTO t VALUES(?,?,?,?)", &err, "isbd", (int64_t)1 << 40, SLICE("n"), nul, 2.25), 0);
	assert_int_equal(sql_do(q, "INSERT INTO t VALUES(?,?,?,?)", &err, "isnd", (int64_t)2, SLICE(""), 0.5), 0);
	assert_int_equal(sql_do(q, "INSERT INTO t VALUES(?,?,?,?)", &err, "isbd", (int64_t)3, SLICE("e"), ((struct slice){ NULL, 0 }), 0.5), 0);
	assert_int_equal(sql_ask(q, "SELECT id,name,v,w FROM t ORDER BY w DESC, id", &err, ""), 0);
	assert_int_equal(sql_step(q, &err), 1);
	assert_true(sql_int(q, 0) == (int64_t)1 << 40 && slice_eq(sql_text(q, 1), SLICE("n")));
	assert_true(slice_eq(sql_text(q, 2), nul));
	assert_true(sql_real(q, 3) > 2.2);
	assert_int_equal(sql_step(q, &err), 1);
	assert_true(sql_is_null(q, 2));
	assert_true(sql_text(q, 1).n == 0 && !sql_is_null(q, 1));
	assert_int_equal(sql_step(q, &err), 1);
	assert_false(sql_is_null(q, 2));
	assert_int_equal(sql_step(q, &err), 0);
	sql_done(q);
	assert_int_equal(sql_do(q, "INSERT INTO t(name) VALUES(?)", &err, "s", SLICE("n")), -1);
	assert_int_equal(err.kind, ERR_EXISTS);
	sql_close(q);
}

static void asks_inside_asking_even_the_same(void **state)
{
	static const char text[] = "SELECT 1 UNION ALL SELECT 2";
	struct sql *q = opened(3);
	struct err err = { 0 };
	int rows = 0;

	(void)state;
	assert_int_equal(sql_ask(q, text, &err, ""), 0);
	while (sql_step(q, &err) == 1) {
		int64_t outer = sql_int(q, 0);

		assert_int_equal(sql_ask(q, text, &err, ""), 0);
		while (sql_step(q, &err) == 1)
			rows++;
		sql_done(q);
		assert_int_equal(sql_int(q, 0), outer);
	}
	sql_done(q);
	assert_int_equal(rows, 4);
	for (int i = 0; i < 4; i++)
		assert_int_equal(sql_ask(q, text, &err, ""), 0);
	assert_int_equal(sql_ask(q, text, &err, ""), -1);
	for (int i = 0; i < 4; i++)
		sql_done(q);
	assert_int_equal(sql_do(q, "SELECT nonsense", &err, ""), -1);
	assert_int_equal(sql_do(q, text, &err, ""), 0);
	sql_close(q);
}

static void migrates_step_by_step_from_anywhere(void **state)
{
	struct err err = { 0 };

	(void)state;
	for (unsigned from = 0; from <= 3; from++) {
		(void)unlink("t.sqlite");
		sql_close(opened(from));
		struct sql *q = opened(3);

		assert_int_equal(sql_ask(q, "SELECT id FROM u", &err, ""), 0);
		assert_int_equal(sql_step(q, &err), 1);
		assert_int_equal(sql_int(q, 0), 7);
		sql_done(q);
		assert_int_equal(sql_check(q, &err), 0);
		sql_close(q);
	}
}

static void a_failing_step_leaves_the_last_good_version(void **state)
{
	static const char *const bad[] = { "CREATE TABLE t(id INTEGER) STRICT",
		"CREATE TABLE half(id INTEGER) STRICT; CREATE TABLE broken(" };
	struct err err = { 0 };
	struct sql *q;

	(void)state;
	assert_null(sql_open("t.sqlite", SQL_FULL, bad, 2, &err));
	q = sql_open("t.sqlite", SQL_FULL, bad, 1, &err);
	assert_non_null(q);
	assert_int_equal(sql_do(q, "SELECT * FROM half", &err, ""), -1);
	sql_close(q);
}

static size_t whole(const char *path, char *p, size_t max)
{
	FILE *f = fopen(path, "rb");
	size_t n;

	assert_non_null(f);
	n = fread(p, 1, max, f);
	(void)fclose(f);
	return (n);
}

static void refuses_newer_and_changes_nothing(void **state)
{
	static char before[65536], after[65536];
	struct err err = { 0 };
	size_t n;

	(void)state;
	sql_close(opened(3));
	n = whole("t.sqlite", before, sizeof(before));
	assert_null(sql_open("t.sqlite", SQL_FULL, steps, 2, &err));
	assert_int_equal(err.kind, ERR_PERMANENT);
	assert_non_null(strstr(err.text, "newer version"));
	assert_int_equal(whole("t.sqlite", after, sizeof(after)), n);
	assert_memory_equal(before, after, n);
	assert_int_equal(access("t.sqlite-wal", F_OK), -1);
}

static void says_damaged_and_sets_aside(void **state)
{
	struct err err = { 0 };
	struct sql *q;
	FILE *f = fopen("t.sqlite", "wb");

	(void)state;
	for (int i = 0; i < 2000; i++)
		(void)fputs("rubbish ", f);
	(void)fclose(f);
	assert_null(sql_open("t.sqlite", SQL_FULL, steps, 3, &err));
	assert_int_equal(err.kind, ERR_PERMANENT);
	assert_int_equal(err.number, EBADMSG);
	assert_int_equal(sql_set_aside("t.sqlite", &err), 0);
	assert_int_equal(access("t.sqlite", F_OK), -1);
	q = opened(3);
	assert_false(sql_is_corrupt(q));
	sql_close(q);
}

static void finds_damage_in_use_and_starts_fresh(void **state)
{
	struct err err = { 0 };
	struct sql *q = opened(3);
	FILE *f;

	(void)state;
	assert_int_equal(sql_exec(q,
		"WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM c WHERE n<2000)"
		"INSERT INTO t(name) SELECT 'name '||n FROM c; PRAGMA wal_checkpoint(TRUNCATE)", &err), 0);
	assert_int_equal(sql_reopen(q, false, &err), 0);
	sql_close(q);
	assert_non_null(f = fopen("t.sqlite", "r+b"));
	for (long at = 4096; at < 40960; at += 4096) {
		(void)fseek(f, at, SEEK_SET);
		for (int i = 0; i < 4096; i++)
			(void)fputc('x', f);
	}
	(void)fclose(f);
	q = opened(3);
	assert_int_equal(sql_do(q, "SELECT max(name||w) FROM t", &err, ""), -1);
	assert_int_equal(err.number, EBADMSG);
	assert_true(sql_is_corrupt(q));
	assert_int_equal(sql_reopen(q, false, &err), -1);
	assert_true(sql_is_failed(q));
	assert_int_equal(sql_do(q, "SELECT 1", &err, ""), -1);
	assert_int_equal(sql_reopen(q, true, &err), 0);
	assert_false(sql_is_failed(q) || sql_is_corrupt(q));
	assert_int_equal(sql_do(q, "INSERT INTO t(name) VALUES('fresh')", &err, ""), 0);
	sql_close(q);
}

static void reader_reads_only(void **state)
{
	struct err err = { 0 };
	struct sql *q = opened(3), *r = sql_open_reader("t.sqlite", &err);

	(void)state;
	assert_non_null(r);
	assert_int_equal(sql_do(r, "SELECT * FROM u", &err, ""), 0);
	assert_int_equal(sql_do(r, "INSERT INTO u VALUES(9)", &err, ""), -1);
	assert_null(sql_open_reader("none.sqlite", &err));
	sql_close(r);
	sql_close(q);
}

static void transactions_roll_back(void **state)
{
	struct err err = { 0 };
	struct sql *q = opened(3);

	(void)state;
	assert_int_equal(sql_begin(q, &err), 0);
	assert_int_equal(sql_do(q, "INSERT INTO u VALUES(8)", &err, ""), 0);
	assert_int_equal(sql_changes(q), 1);
	assert_int_equal(sql_last_id(q), 8);
	sql_rollback(q);
	sql_rollback(q);
	assert_int_equal(sql_begin(q, &err), 0);
	assert_int_equal(sql_do(q, "INSERT INTO u VALUES(8)", &err, ""), 0);
	assert_int_equal(sql_commit(q, &err), 0);
	sql_close(q);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, in_a_folder, and_out)
	const struct CMUnitTest tests[] = {
		CASE(binds_and_reads_every_type),
		CASE(asks_inside_asking_even_the_same),
		CASE(migrates_step_by_step_from_anywhere),
		CASE(a_failing_step_leaves_the_last_good_version),
		CASE(refuses_newer_and_changes_nothing),
		CASE(says_damaged_and_sets_aside),
		CASE(finds_damage_in_use_and_starts_fresh),
		CASE(reader_reads_only),
		CASE(transactions_roll_back),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
