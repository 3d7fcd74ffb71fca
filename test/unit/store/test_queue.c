/* test_queue.c: does a recipient leave the queue only by an outcome and with its notice, whatever happens in between? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/mem.h"
#include "fake_mail.h"
#include "store/fault.h"
#include "store/queue_int.h"

static const struct queue_rcpt two[] = {
	{ .address = SLICE_INIT("x@a.example"), .orcpt = SLICE_INIT("rfc822;x@a.example"), .notify = NOTIFY_FAILURE },
	{ .address = SLICE_INIT("y@b.example") },
};
static const struct queue_envelope envelope = {
	.from = SLICE_INIT("ann@example.org"), .account = SLICE_INIT("ann"), .envid = SLICE_INIT("e1"),
	.ret_full = true, .eightbit = true, .rcpts = two, .rcpts_n = 2,
};
static const struct slice content = SLICE_INIT("Subject: a\r\n\r\nline\r\r\nb\r\n");

static void add(struct store *s, char id[QUEUE_ID + 1])
{
	struct err err = { 0 };

	assert_int_equal(queue_add_blocking(s, &envelope, content, id, &err), 0);
}

static struct queue_entry *get(struct store *s, struct arena *a, const char *id)
{
	struct queue_entry *e = NULL;
	struct err err = { 0 };

	if (queue_get(s, a, id, &e, &err) == -1)
		assert_int_equal(err.kind, ERR_NOT_FOUND);
	return (e);
}

static size_t due(struct store *s, struct arena *a, int64_t now, int64_t *ret_next)
{
	struct queue_entry **list;
	struct err err = { 0 };
	size_t n;

	assert_int_equal(queue_due(s, a, now, 10, &list, &n, ret_next, &err), 0);
	return (n);
}

static bool has_body(const char *id)
{
	return (body_size(id) >= 0);
}

static void enters_whole_and_is_due(void **state)
{
	struct store *s = ((struct bench *)*state)->store;
	struct arena *a = arena_new(0);
	char id[QUEUE_ID + 1], path[64], text[64] = "";
	struct queue_entry *e;
	int64_t next;
	FILE *f;

	add(s, id);
	e = get(s, a, id);
	assert_int_equal(e->rcpts_n, 2);
	assert_true(slice_eq(e->rcpts[0].address, two[0].address));
	assert_true(slice_eq(e->rcpts[0].orcpt, two[0].orcpt));
	assert_int_equal(e->rcpts[0].notify, NOTIFY_FAILURE);
	assert_true(slice_eq(e->env.from, envelope.from) && slice_eq(e->env.envid, envelope.envid));
	assert_true(e->env.ret_full && e->env.eightbit && !e->env.smtputf8 && !e->broken);
	assert_int_equal(e->size, content.n);
	assert_int_equal(e->expires - e->arrived, 432000);
	queue_path(id, path);
	assert_non_null(f = fopen(path, "rb"));
	assert_int_equal(fread(text, 1, sizeof(text), f), content.n - 4);
	(void)fclose(f);
	assert_string_equal(text, "Subject: a\n\nline\r\nb\n"); /* only CRLF becomes LF */
	assert_int_equal(due(s, a, clock_wall() + 1, &next), 1);
	assert_int_equal(next, 0);
	assert_int_equal(due(s, a, e->arrived - 1, &next), 0);
	assert_int_equal(next, e->arrived);
	arena_free(a);
}

static void long_bodies_come_out_as_lf(void **state)
{
	struct err err = { 0 };
	size_t n = 300001, lines = 0;
	char *p = mem_new(n);

	(void)state;
	for (size_t i = 0; i + 1 < n; i++) {
		if (i % 71 == 69 || i == 65533 || i == 65534) {
			p[i] = '\r';
			p[++i] = '\n';
			lines++;
		} else {
			p[i] = 'x';
		}
	}
	p[n - 1] = '\r';
	assert_int_equal(body_write("abcdefghijklmnop", (struct slice){ p, n }, &err), 0);
	assert_int_equal(body_size("abcdefghijklmnop"), n - lines);
	free(p);
}

static void outcomes_move_recipients(void **state)
{
	struct store *s = ((struct bench *)*state)->store;
	struct arena *a = arena_new(0);
	struct queue_outcome o[2] = { 0 };
	char id[QUEUE_ID + 1];
	struct queue_entry *e;
	struct queue_count count;
	struct err err = { 0 };
	int64_t next, later = clock_wall() + 900;

	add(s, id);
	e = get(s, a, id);
	o[0] = (struct queue_outcome){ .rcpt = e->rcpts[0].id, .kind = OUTCOME_DELIVERED, .reply = SLICE("250 ok") };
	o[1] = (struct queue_outcome){ .rcpt = e->rcpts[1].id, .kind = OUTCOME_RETRY, .next_try = later, .reply = SLICE("451 later") };
	assert_int_equal(queue_settle(s, id, o, 2, NULL, NULL, &err), 0);
	e = get(s, a, id);
	assert_int_equal(e->rcpts[0].state, RCPT_DONE);
	assert_int_equal(e->rcpts[1].state, RCPT_WAITING);
	assert_int_equal(e->rcpts[1].tries, 1);
	assert_int_equal(e->rcpts[1].next_try, later);
	assert_true(slice_eq(e->rcpts[1].last, SLICE("451 later")) && !e->rcpts[1].warned);
	assert_int_equal(due(s, a, later - 1, &next), 0);
	assert_int_equal(next, later);
	/* Once done, done: a late failure changes nothing. */
	o[0].kind = OUTCOME_FAILED;
	o[1].kind = OUTCOME_WARNED;
	assert_int_equal(queue_settle(s, id, o, 2, NULL, NULL, &err), 0);
	e = get(s, a, id);
	assert_int_equal(e->rcpts[0].state, RCPT_DONE);
	assert_true(e->rcpts[1].warned);
	assert_int_equal(queue_count(s, &count, &err), 0);
	assert_true(count.entries == 1 && count.recipients == 1 && count.held == 0);
	o[1].kind = OUTCOME_DELIVERED;
	assert_int_equal(queue_settle(s, id, o + 1, 1, NULL, NULL, &err), 0);
	assert_null(get(s, a, id));
	assert_false(has_body(id));
	assert_int_equal(queue_settle(s, id, o, 1, NULL, NULL, &err), -1);
	assert_int_equal(err.kind, ERR_NOT_FOUND);
	arena_free(a);
}

static const struct queue_report report = {
	.env = { .rcpts = two, .rcpts_n = 1 },
	.content = SLICE_INIT("Subject: it failed\r\n\r\nsorry\r\n"),
};

static int settle_all_failed(struct store *s, const char *id, char ret[QUEUE_ID + 1])
{
	struct arena *a = arena_new(0);
	struct queue_outcome o[2];
	struct queue_entry *e = get(s, a, id);
	struct err err = { 0 };
	int got;

	for (int i = 0; i < 2; i++)
		o[i] = (struct queue_outcome){ .rcpt = e->rcpts[i].id, .kind = OUTCOME_FAILED, .reply = SLICE("550 no") };
	got = queue_settle(s, id, o, 2, &report, ret, &err);
	arena_free(a);
	return (got);
}

static void failure_leaves_with_its_report(void **state)
{
	struct store *s = ((struct bench *)*state)->store;
	struct arena *a = arena_new(0);
	char id[QUEUE_ID + 1], rid[QUEUE_ID + 1];
	struct queue_entry *e;

	add(s, id);
	assert_int_equal(settle_all_failed(s, id, rid), 0);
	assert_null(get(s, a, id));
	e = get(s, a, rid);
	assert_true(e->env.from.n == 0 && e->env.account.n == 0 && e->rcpts_n == 1 && has_body(rid));
	arena_free(a);
}

/* Nothing between: as before, or settled and the report whole. */
static bool check_after(struct store *s, const char *id)
{
	struct arena *a = arena_new(0);
	struct queue_entry **list, *e;
	struct err err = { 0 };
	size_t n;
	bool is_settled;

	assert_int_equal(queue_recover(s, &err), 0);
	assert_int_equal(queue_list(s, a, 10, &list, &n, &err), 0);
	assert_int_equal(n, 1);
	assert_false(list[0]->broken);
	e = get(s, a, id);
	is_settled = e == NULL;
	if (!is_settled)
		assert_true(e->rcpts[0].state == RCPT_WAITING && e->rcpts[1].state == RCPT_WAITING);
	assert_int_equal(system("test $(ls queue | grep -vc '^tmp$') = 1 && test -z \"$(ls queue/tmp)\""), 0);
	arena_free(a);
	return (is_settled);
}

static void killed_or_failing_anywhere_is_all_or_nothing(void **state)
{
	struct bench *b = *state;
	const struct schema *d = schema_of(STORE_QUEUE);
	bool was_settled = false;

	bench_close(b);
	for (int kill = 1; kill >= 0; kill--) {
		for (int at = 1;; at++) {
			struct store own = { .cfg = &b->cfg, .queue_max = b->cfg.limits.queue };
			struct err err = { 0 };
			char id[QUEUE_ID + 1], spec[32];
			int status;
			pid_t pid;

			own.queue = sql_open(d->path, d->sync, d->steps, d->steps_n, &err);
			add(&own, id);
			sql_close(own.queue);
			(void)snprintf(spec, sizeof(spec), "any:%d:%s", at, kill ? "kill" : "5");
			if ((pid = fork()) == 0) {
				char rid[QUEUE_ID + 1];

				own.queue = sql_open(d->path, d->sync, d->steps, d->steps_n, &err);
				fault_arm(spec);
				status = settle_all_failed(&own, id, rid) == 0 ? 0 : 7;
				_exit(fault_count() < (unsigned)at ? 42 : status);
			}
			assert_true(pid > 0);
			assert_int_equal(waitpid(pid, &status, 0), pid);
			own.queue = sql_open(d->path, d->sync, d->steps, d->steps_n, &err);
			assert_non_null(own.queue);
			was_settled = check_after(&own, id);
			/* What was answered as settled is settled. */
			if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
				assert_true(was_settled);
			if (WIFEXITED(status) && WEXITSTATUS(status) == 7)
				assert_false(was_settled);
			assert_int_equal(sql_exec(own.queue, "DELETE FROM entry", &err), 0);
			assert_int_equal(queue_recover(&own, &err), 0);
			sql_close(own.queue);
			if (WIFEXITED(status) && WEXITSTATUS(status) == 42) {
				assert_true(at > 5 && was_settled);
				break;
			}
			assert_true(at < 100);
		}
	}
}

static void broken_bodies_are_set_aside(void **state)
{
	struct store *s = ((struct bench *)*state)->store;
	struct arena *a = arena_new(0);
	char id[4][QUEUE_ID + 1], path[64];
	struct queue_entry **list;
	struct err err = { 0 };
	int64_t next;
	size_t n;

	for (int i = 0; i < 4; i++)
		add(s, id[i]);
	queue_path(id[0], path);
	assert_int_equal(truncate(path, 3), 0);
	queue_path(id[1], path);
	assert_int_equal(unlink(path), 0);
	queue_path(id[2], path);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/dev/zero", path), 0);
	assert_int_equal(due(s, a, clock_wall() + 1, &next), 1);
	assert_int_equal(due(s, a, clock_wall() + 1, &next), 1);
	assert_int_equal(next, 0);
	assert_int_equal(queue_list(s, a, 10, &list, &n, &err), 0);
	assert_int_equal(n, 4);
	for (int i = 0; i < 4; i++)
		assert_int_equal(list[i]->broken, i < 3);
	/* Back from a backup, it flows again. */
	queue_path(id[1], path);
	FILE *f = fopen(path, "wb");

	(void)fprintf(f, "%20s", "");
	(void)fclose(f);
	assert_int_equal(queue_act(s, id[1], 'r', &n, &err), 0);
	assert_int_equal(due(s, a, clock_wall() + 1, &next), 2);
	arena_free(a);
}

static void two_crashes_set_aside(void **state)
{
	struct bench *b = *state;
	struct arena *a = arena_new(0);
	char poison[QUEUE_ID + 1], unlucky[QUEUE_ID + 1];
	struct queue_entry *e;
	struct err err = { 0 };
	int64_t next;
	size_t n;

	add(b->store, poison);
	add(b->store, unlucky);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(due(b->store, a, clock_wall() + 1, &next), 2);
		assert_int_equal(queue_work_begin(b->store, poison, &err), 0);
		assert_int_equal(queue_work_begin(b->store, unlucky, &err), 0);
		if (i == 1) /* it came through this time */
			assert_int_equal(queue_work_end(b->store, unlucky, &err), 0);
		bench_close(b); /* as a crash: nobody says the work ended */
		bench_open(b);
	}
	e = get(b->store, a, poison);
	assert_int_equal(e->rcpts[0].state, RCPT_HELD);
	assert_true(slice_eq(e->rcpts[0].last, SLICE("set aside after two crashes")));
	assert_int_equal(get(b->store, a, unlucky)->rcpts[0].state, RCPT_WAITING);
	assert_int_equal(due(b->store, a, clock_wall() + 1, &next), 1);
	assert_int_equal(queue_act(b->store, poison, 'R', &n, &err), 0);
	/* Its first crash was forgiven when it came through, so one more is its first again. */
	assert_int_equal(queue_work_begin(b->store, unlucky, &err), 0);
	bench_close(b);
	bench_open(b);
	assert_int_equal(due(b->store, a, clock_wall() + 1, &next), 2);
	arena_free(a);
}

static void acts_of_an_operator(void **state)
{
	struct store *s = ((struct bench *)*state)->store;
	struct arena *a = arena_new(0);
	char id[2][QUEUE_ID + 1];
	struct queue_outcome o;
	struct queue_count count;
	struct err err = { 0 };
	int64_t next;
	size_t n;

	add(s, id[0]);
	add(s, id[1]);
	assert_int_equal(queue_act(s, NULL, 'h', &n, &err), 0);
	assert_int_equal(n, 2);
	assert_int_equal(due(s, a, clock_wall() + 1, &next), 0);
	assert_int_equal(next, 0);
	assert_int_equal(queue_count(s, &count, &err), 0);
	assert_int_equal(count.held, 4);
	/* Held while it was being tried: a retry leaves it held. */
	o = (struct queue_outcome){ .rcpt = get(s, a, id[0])->rcpts[0].id, .kind = OUTCOME_RETRY };
	assert_int_equal(queue_settle(s, id[0], &o, 1, NULL, NULL, &err), 0);
	assert_int_equal(get(s, a, id[0])->rcpts[0].state, RCPT_HELD);
	assert_int_equal(queue_act(s, id[0], 'R', &n, &err), 0);
	assert_int_equal(due(s, a, clock_wall() + 1, &next), 1);
	assert_int_equal(queue_act(s, id[1], 'd', &n, &err), 0);
	assert_null(get(s, a, id[1]));
	assert_false(has_body(id[1]));
	assert_int_equal(queue_act(s, id[1], 'r', &n, &err), -1);
	assert_int_equal(err.kind, ERR_NOT_FOUND);
	assert_int_equal(queue_act(s, id[0], 'x', &n, &err), -1);
	arena_free(a);
}

static void insert_ends_the_intent_and_knows_its_limit(void **state)
{
	struct bench *b = *state;
	struct store *s = b->store;
	char id[17];
	struct err err = { 0 };

	queue_new_id(id);
	assert_int_equal(queue_insert(s, id, &envelope, 5, 1, 0, &err), -1); /* no body */
	assert_int_equal(body_write(id, SLICE("a\r\nb"), &err), 0);
	assert_int_equal(sql_exec(s->queue, "INSERT INTO intent VALUES(7,'k','n')", &err), 0);
	b->cfg.limits.queue = 0;
	assert_int_equal(store_reload(s, &b->cfg, NULL), 0);
	assert_int_equal(queue_insert(s, id, &envelope, 4, 1, 7, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	b->cfg.limits.queue = 1;
	assert_int_equal(store_reload(s, &b->cfg, NULL), 0);
	assert_int_equal(queue_insert(s, id, &envelope, 4, 1, 7, &err), 0);
	assert_int_equal(queue_has(s, id, &err), 1);
	assert_int_equal(queue_has(s, "nothing", &err), 0);
	assert_int_equal(sql_exec(s->queue, "INSERT INTO intent VALUES(7,'k','n')", &err), 0);
}

static void sweep_keeps_what_a_row_or_an_intent_names(void **state)
{
	struct bench *b = *state;
	char row[QUEUE_ID + 1], intent[17], nobody[17], text[128];
	struct err err = { 0 };

	add(b->store, row);
	queue_new_id(intent);
	queue_new_id(nobody);
	assert_int_equal(body_write(intent, SLICE("a"), &err), 0);
	assert_int_equal(body_write(nobody, SLICE("a"), &err), 0);
	assert_int_equal(system("touch queue/README queue/tmp/left"), 0);
	(void)snprintf(text, sizeof(text), "INSERT INTO intent VALUES(1,'commit','queue/%s')", intent);
	assert_int_equal(sql_exec(b->store->queue, text, &err), 0);
	assert_int_equal(queue_recover(b->store, &err), 0);
	assert_true(has_body(row) && has_body(intent) && !has_body(nobody));
	assert_int_equal(access("queue/README", F_OK), 0);
	assert_int_equal(access("queue/tmp/left", F_OK), -1);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, bench_start, bench_end)
	const struct CMUnitTest tests[] = {
		CASE(enters_whole_and_is_due),
		CASE(long_bodies_come_out_as_lf),
		CASE(outcomes_move_recipients),
		CASE(failure_leaves_with_its_report),
		CASE(killed_or_failing_anywhere_is_all_or_nothing),
		CASE(broken_bodies_are_set_aside),
		CASE(two_crashes_set_aside),
		CASE(acts_of_an_operator),
		CASE(insert_ends_the_intent_and_knows_its_limit),
		CASE(sweep_keeps_what_a_row_or_an_intent_names),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
