/* test_expunge.c: what do EXPUNGE and STORE of many at once leave behind, on disk and in the record,
 * also when another program renames some of them meanwhile? */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "mail_bench.h"

static void fill(struct mail_bench *b, unsigned n)
{
	char text[64];

	for (unsigned i = 1; i <= n; i++) {
		(void)snprintf(text, sizeof(text), "Subject: %u\r\n\r\nx\r\n", i);
		mail_append(b, mail_folder(b, "ann", "INBOX"), text, 0, NULL);
		assert_int_equal(b->err.kind, ERR_NONE);
	}
}

static char *find(const char *dir, const char *holds, char ret[600])
{
	DIR *d = opendir(dir);
	const struct dirent *e;

	ret[0] = '\0';
	assert_non_null(d);
	while ((e = readdir(d)) != NULL)
		if (strstr(e->d_name, holds) != NULL)
			(void)snprintf(ret, 600, "%s/%s", dir, e->d_name);
	(void)closedir(d);
	return (ret[0] == '\0' ? NULL : ret);
}

static int64_t ask(const char *question)
{
	struct sql *q = sql_open_reader("mail/ann/index.sqlite", NULL);
	int64_t got;

	assert_non_null(q);
	assert_int_equal(sql_ask(q, question, NULL, ""), 0);
	assert_int_equal(sql_step(q, NULL), 1);
	got = sql_int(q, 0);
	sql_done(q);
	sql_close(q);
	return (got);
}

/* UIDs 1, 2, 4, 5, 6 of eight go: two runs. */
static void what_went_is_known_by_runs(void **state)
{
	static const uint32_t gone[] = { 1, 2, 4, 5, 6 };
	struct mail_bench *b = *state;
	struct view *v = mail_view(b, mail_folder(b, "ann", "INBOX"));
	uint64_t before;
	char path[600], to[700];

	fill(b, 8);
	for (size_t i = 0; i < COUNT_OF(gone); i++)
		mail_flags(b, v, gone[i], FLAGS_ADD, FLAG_DELETED, NULL, UINT64_MAX);
	before = view_highestmodseq(v);
	mail_expunge(b, v);
	assert_int_equal(b->err.kind, ERR_NONE);
	assert_int_equal(b->n, COUNT_OF(gone));
	assert_memory_equal(b->uids, gone, sizeof(gone));
	assert_int_equal(view_count(v), 3);
	assert_true(view_at(v, 0)->uid == 3 && view_at(v, 1)->uid == 7);
	assert_int_equal(ask("SELECT count(*) FROM vanished"), 2);
	assert_int_equal(ask("SELECT count(*) FROM msg"), 3);
	assert_int_equal(ask("SELECT count(*) FROM departed"), COUNT_OF(gone));
	mail_vanished(b, v, before);
	assert_true(b->complete && b->n == COUNT_OF(gone));
	assert_memory_equal(b->uids, gone, sizeof(gone));
	mail_status(b, mail_folder(b, "ann", "INBOX"));
	assert_true(b->st.messages == 3 && b->st.deleted == 0);
	/* A UID within a run is not taken again: put back by hand, it is a new message. */
	assert_non_null(find("mail/ann/expunged", ",P=5.", path));
	(void)snprintf(to, sizeof(to), "mail/ann/cur/%s", strchr(path, '_') + 1);
	assert_int_equal(rename(path, to), 0);
	mail_look(b, v);
	assert_int_equal(view_count(v), 4);
	assert_int_equal(view_at(v, 3)->uid, 9);
	view_close(v, NULL);
}

/* Of those asked for at once some have other names by now: one is no longer \Deleted, one is gone. */
static void others_rename_meanwhile(void **state)
{
	struct mail_bench *b = *state;
	struct view *v = mail_view(b, mail_folder(b, "ann", "INBOX"));
	char path[600], to[700];

	fill(b, 8);
	mail_flags(b, v, 0, FLAGS_ADD, FLAG_DELETED, NULL, UINT64_MAX);
	assert_non_null(find("mail/ann/cur", ",P=3.", path));
	(void)snprintf(to, sizeof(to), "%.*s:2,S", (int)(strchr(path, ':') - path), path);
	assert_int_equal(rename(path, to), 0);
	assert_non_null(find("mail/ann/cur", ",P=5.", path));
	assert_int_equal(unlink(path), 0);
	assert_non_null(find("mail/ann/cur", ",P=6.", path));
	(void)snprintf(to, sizeof(to), "%.*s:2,FT", (int)(strchr(path, ':') - path), path);
	assert_int_equal(rename(path, to), 0);
	mail_expunge(b, v);
	assert_int_equal(b->err.kind, ERR_NONE);
	assert_int_equal(b->n, 6); /* all but 3 and 5 */
	assert_int_equal(view_count(v), 1);
	assert_true(view_at(v, 0)->uid == 3 && view_at(v, 0)->flags == FLAG_SEEN);
	assert_non_null(find("mail/ann/expunged", ",P=6.", path));
	assert_non_null(strstr(path, ":2,FT"));
	assert_null(find("mail/ann/expunged", ",P=5.", path));
	assert_int_equal(ask("SELECT total(last - first + 1) FROM vanished"), 7);
	view_close(v, NULL);
}

/* Neighbours that become alike are one statement; what differs stays apart. */
static void flags_of_neighbours(void **state)
{
	static const unsigned want[] = { FLAG_SEEN, FLAG_SEEN, FLAG_SEEN | FLAG_FLAGGED, FLAG_SEEN,
		FLAG_SEEN | FLAG_ANSWERED, FLAG_SEEN };
	struct mail_bench *b = *state;
	struct view *v = mail_view(b, mail_folder(b, "ann", "INBOX"));
	char path[600], to[700];
	uint64_t before;

	fill(b, COUNT_OF(want));
	mail_flags(b, v, 3, FLAGS_ADD, FLAG_FLAGGED, NULL, UINT64_MAX);
	mail_flags(b, v, 4, FLAGS_ADD, FLAG_SEEN, NULL, UINT64_MAX);
	before = view_at(v, 3)->modseq;
	assert_non_null(find("mail/ann/new", ",P=5.", path)); /* another program's \Answered */
	(void)snprintf(to, sizeof(to), "mail/ann/cur/%s:2,R", strrchr(path, '/') + 1);
	assert_int_equal(rename(path, to), 0);
	mail_flags(b, v, 0, FLAGS_ADD, FLAG_SEEN, NULL, UINT64_MAX);
	assert_int_equal(b->err.kind, ERR_NONE);
	view_close(v, NULL);
	mail_bench_reopen(b);
	v = mail_view(b, mail_folder(b, "ann", "INBOX"));
	for (size_t i = 0; i < COUNT_OF(want); i++)
		assert_int_equal(view_at(v, i)->flags, want[i]);
	assert_true(view_at(v, 3)->modseq == before); /* had it already */
	assert_true(view_at(v, 0)->modseq == view_at(v, 1)->modseq);
	assert_int_equal(ask("SELECT count(*) FROM msg WHERE flags & 1"), COUNT_OF(want));
	view_close(v, NULL);
}

/* An index of before: each expunged message had a row. */
static void the_record_is_taken_over(void **state)
{
	unsigned before = 0;
	struct sql *q;

	(void)state;
	while (strstr(index_schema[before], "DROP TABLE gone") == NULL)
		before++;
	(void)unlink("old.sqlite");
	q = sql_open("old.sqlite", SQL_NORMAL, index_schema, before, NULL);
	assert_non_null(q);
	assert_int_equal(sql_exec(q,
		"INSERT INTO gone(folder, uid, modseq, at, cid) VALUES (1, 4, 9, 1, x'04'), (1, 5, 9, 1, "
		"x'05'), (1, 6, 9, 1, x'04'), (1, 8, 9, 1, x'08'), (1, 9, 12, 2, x'09'), (2, 7, 9, 3, x'05')",
		NULL), 0);
	sql_close(q);
	q = sql_open("old.sqlite", SQL_NORMAL, index_schema, index_schema_n, NULL);
	assert_non_null(q);
	assert_int_equal(sql_ask(q,
		"SELECT group_concat(folder || ':' || first || '-' || last || '@' || modseq) FROM (SELECT * "
		"FROM vanished ORDER BY folder, first)", NULL, ""), 0);
	assert_int_equal(sql_step(q, NULL), 1);
	assert_true(slice_eq(sql_text(q, 0), SLICE("1:4-6@9,1:8-8@9,1:9-9@12,2:7-7@9")));
	sql_done(q);
	assert_int_equal(sql_ask(q, "SELECT folder FROM departed WHERE cid = x'05'", NULL, ""), 0);
	assert_int_equal(sql_step(q, NULL), 1);
	assert_int_equal(sql_int(q, 0), 2); /* the last */
	sql_done(q);
	sql_close(q);
}

/* To a name with these flags in cur/, as another program does. */
static void rename_to(const char *holds, const char *info)
{
	char path[600], to[700];
	const char *file;

	if (find("mail/ann/cur", holds, path) == NULL)
		assert_non_null(find("mail/ann/new", holds, path));
	file = strrchr(path, '/') + 1;
	(void)snprintf(to, sizeof(to), "mail/ann/cur/%.*s%s", (int)strcspn(file, ":"), file, info);
	assert_int_equal(rename(path, to), 0);
}

/* The look on the way finds a message gone, and another flagged: what is done after it is later still. */
static void what_comes_after_a_look_is_later(void **state)
{
	struct mail_bench *b = *state;
	struct view *v = mail_view(b, mail_folder(b, "ann", "INBOX"));
	char path[600];
	uint64_t found;

	fill(b, 6);
	assert_non_null(find("mail/ann/new", ",P=2.", path));
	assert_int_equal(unlink(path), 0);
	rename_to(",P=4.", ":2,S");
	mail_flags(b, v, 0, FLAGS_ADD, FLAG_FLAGGED, NULL, UINT64_MAX);
	assert_int_equal(b->err.kind, ERR_NONE);
	assert_int_equal(view_at(v, 2)->flags, FLAG_SEEN | FLAG_FLAGGED);
	for (size_t i = 1; i < view_count(v); i++)
		assert_int_equal(view_at(v, i)->modseq, view_highestmodseq(v));
	mail_flags(b, v, 0, FLAGS_ADD, FLAG_DELETED, NULL, UINT64_MAX);
	assert_non_null(find("mail/ann/cur", ",P=3.", path));
	assert_int_equal(unlink(path), 0);
	rename_to(",P=6.", ":2,T");
	mail_expunge(b, v);
	assert_int_equal(b->n, 4); /* 1, 4, 5, 6 */
	found = (uint64_t)ask("SELECT modseq FROM vanished WHERE first = 3");
	mail_vanished(b, v, found);
	assert_true(b->complete && b->n == 3); /* 4, 5, 6 came after it */
	view_close(v, NULL);
}

/* MOVE finds in its midst that another program renamed some: what it moved before is told once. */
static void a_move_that_has_to_look_tells_once(void **state)
{
	struct mail_bench *b = *state;
	struct folder *inbox = mail_folder(b, "ann", "INBOX");
	struct view *v = mail_view(b, inbox);
	uint64_t before;
	size_t n = 0;

	fill(b, 6);
	mail_status(b, inbox); /* counted, and from here on kept */
	before = view_highestmodseq(v);
	rename_to(",P=3.", ":2,S");
	rename_to(",P=5.", ":2,F");
	b->events_n = 0;
	mail_copy(b, v, mail_folder(b, "ann", "Archive"), true);
	assert_int_equal(b->err.kind, ERR_NONE);
	assert_int_equal(b->n, 6);
	assert_int_equal(view_count(v), 0);
	for (size_t i = 0; i < b->events_n; i++)
		if (b->events[i].kind == EVENT_EXPUNGED) {
			assert_int_equal(b->events[i].cause, CAUSE_MOVE);
			n += b->events[i].n;
		}
	assert_int_equal(n, 6);
	mail_status(b, inbox);
	assert_true(b->st.messages == 0 && b->st.unseen == 0 && b->st.size == 0);
	mail_status(b, mail_folder(b, "ann", "Archive"));
	assert_true(b->st.messages == 6 && b->st.unseen == 5);
	mail_vanished(b, v, before);
	assert_true(b->complete && b->n == 6);
	assert_true((uint64_t)ask("SELECT max(modseq) FROM vanished WHERE last = 6") ==
	    view_highestmodseq(v));
	view_close(v, NULL);
}

/* COPY into the folder itself: the look must not take the copies for mail that came. */
static void a_copy_of_its_own_that_has_to_look_tells_once(void **state)
{
	struct mail_bench *b = *state;
	struct folder *inbox = mail_folder(b, "ann", "INBOX");
	struct view *v = mail_view(b, inbox);

	fill(b, 4);
	mail_status(b, inbox); /* counted, and from here on kept */
	rename_to(",P=3.", ":2,S");
	mail_bench_put("mail/ann/new/1234567890.1_5.host", "Subject: foreign\n\nx\n");
	mail_copy(b, v, inbox, false);
	assert_int_equal(b->err.kind, ERR_NONE);
	assert_int_equal(b->n, 4);
	assert_int_equal(view_count(v), 9);
	mail_status(b, inbox);
	assert_true(b->st.messages == 9 && b->st.unseen == 7);
	for (size_t i = 0; i < b->n; i++)
		assert_int_equal(view_at(v, view_lower(v, b->to_uids[i]))->uid, b->to_uids[i]);
	mail_look(b, v);
	assert_int_equal(view_count(v), 9);
	view_close(v, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    what_went_is_known_by_runs, mail_bench_setup, mail_bench_teardown),
		cmocka_unit_test_setup_teardown(
		    others_rename_meanwhile, mail_bench_setup, mail_bench_teardown),
		cmocka_unit_test_setup_teardown(
		    flags_of_neighbours, mail_bench_setup, mail_bench_teardown),
		cmocka_unit_test_setup_teardown(
		    the_record_is_taken_over, mail_bench_setup, mail_bench_teardown),
		cmocka_unit_test_setup_teardown(
		    what_comes_after_a_look_is_later, mail_bench_setup, mail_bench_teardown),
		cmocka_unit_test_setup_teardown(
		    a_move_that_has_to_look_tells_once, mail_bench_setup, mail_bench_teardown),
		cmocka_unit_test_setup_teardown(a_copy_of_its_own_that_has_to_look_tells_once,
		    mail_bench_setup, mail_bench_teardown),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
