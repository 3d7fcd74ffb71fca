/* ops, client: how do names and values travel in a request, and does what one side writes mean the same on the other? Each request
 * goes the whole way: ops_run, a turn of the loop, an answer. */
#include "check.h"

#include <stdio.h>
#include <string.h>

#include "admin/client.h"
#include "admin/ops_int.h"
#include "core/json_read.h"
#include "core/loop.h"
#include "core/mem.h"

static void escapes_are_read_as_octets(void **state)
{
	static const struct {
		struct slice in, out;
	} cases[] = {
		{ SLICE_INIT(""), SLICE_INIT("") },
		{ SLICE_INIT("plain-._~"), SLICE_INIT("plain-._~") },
		{ SLICE_INIT("a%40b"), SLICE_INIT("a@b") },
		{ SLICE_INIT("%3cid%3E"), SLICE_INIT("<id>") },
		{ SLICE_INIT("two+words"), SLICE_INIT("two words") },
		{ SLICE_INIT("%2B"), SLICE_INIT("+") },
		{ SLICE_INIT("%00x"), SLICE_INIT("\0x") },
		{ SLICE_INIT("%2525"), SLICE_INIT("%25") }, /* once, not twice */
		{ SLICE_INIT("100%"), SLICE_INIT("100%") }, /* what is no escape stays */
		{ SLICE_INIT("%4"), SLICE_INIT("%4") },
		{ SLICE_INIT("%4g"), SLICE_INIT("%4g") },
		{ SLICE_INIT("%g4"), SLICE_INIT("%g4") },
		{ SLICE_INIT("%%41"), SLICE_INIT("%A") },
	};
	struct arena *a = arena_new(0);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_true(slice_eq(ops_unescape(a, cases[i].in), cases[i].out));
	/* what stands behind the slice is not read */
	assert_true(slice_eq(ops_unescape(a, slice_head(SLICE("%41"), 2)), SLICE("%4")));
	assert_true(slice_eq(ops_unescape(a, slice_head(SLICE("%41"), 1)), SLICE("%")));
	arena_free(a);
}

static void a_parameter_is_found_by_its_whole_name(void **state)
{
	static const struct {
		struct slice query;
		const char *name;
		bool there;
		struct slice value;
	} cases[] = {
		{ SLICE_INIT("what=x"), "what", true, SLICE_INIT("x") },
		{ SLICE_INIT("a=1&what=x&b=2"), "what", true, SLICE_INIT("x") },
		{ SLICE_INIT("what=x&what=y"), "what", true, SLICE_INIT("x") },
		{ SLICE_INIT("what="), "what", true, SLICE_INIT("") },
		{ SLICE_INIT("what"), "what", true, SLICE_INIT("") },
		{ SLICE_INIT("what=a=b"), "what", true, SLICE_INIT("a=b") },
		{ SLICE_INIT("what=a%26b"), "what", true, SLICE_INIT("a&b") },
		{ SLICE_INIT("whatever=x"), "what", false, SLICE_INIT("") },
		{ SLICE_INIT("hat=x&wha=y"), "what", false, SLICE_INIT("") },
		{ SLICE_INIT("&&a=what=1&"), "what", false, SLICE_INIT("") },
		{ SLICE_INIT(""), "what", false, SLICE_INIT("") },
	};
	struct ops_call c = { .arena = arena_new(0) };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct slice value;

		c.q.query = cases[i].query;
		value = ops_param(&c, cases[i].name);
		assert_int_equal(value.p != NULL, cases[i].there);
		assert_true(slice_eq(value, cases[i].value));
	}
	arena_free(c.arena);
}

static void what_the_client_escapes_the_server_reads(void **state)
{
	struct arena *a = arena_new(0);
	struct buf out = BUF_INIT(4096);
	char all[256];

	(void)state;
	for (int i = 0; i < 256; i++)
		all[i] = (char)i;
	assert_int_equal(client_escape(&out, (struct slice){ all, sizeof(all) }), 0);
	for (size_t i = 0; i < out.n;
	     i++) /* RFC 3986 2.3 and the sign of an escape, nothing else */
		assert_true(ascii_alnum(out.p[i]) || strchr("-._~%", out.p[i]) != NULL);
	assert_true(slice_eq(ops_unescape(a, buf_slice(&out)), (struct slice){ all, sizeof(all) }));
	buf_free(&out);
	arena_free(a);
}

static void what_does_not_fit_is_said(void **state)
{
	struct buf out = BUF_INIT(8);

	(void)state;
	assert_int_equal(client_escape(&out, SLICE("@@@@@@@@")), -1);
	buf_free(&out);
}

struct answered {
	int status, times;
	struct buf body;
	char type[64];
};

static void on_answer(void *self, int status, const char *type, struct slice body)
{
	struct answered *w = self;

	w->times++;
	w->status = status;
	buf_reset(&w->body);
	(void)buf_add_slice(&w->body, body);
	(void)snprintf(w->type, sizeof(w->type), "%s", type);
}

static void end_loop(void *self)
{
	loop_stop(self);
}

static void ask(struct ops *o, const char *method, const char *path, struct answered *w)
{
	struct ops_request q = { .method = slice_of(method) };

	(void)slice_cut(slice_of(path), '?', &q.path, &q.query);
	assert_non_null(ops_run(o, &q, on_answer, w));
	assert_int_equal(w->times, 0); /* a start never calls back before it returns */
	(void)loop_later(o->loop, end_loop, o->loop);
	loop_run(o->loop);
	assert_int_equal(w->times, 1);
	w->times = 0;
}

/* Requests that need no store. */
static void pages_are_found_by_path_and_method(void **state)
{
	static const struct {
		const char *method, *path;
		int status;
	} cases[] = {
		{ "GET", "/health", 503 }, { "POST", "/health", 405 }, /* not ready */
		{ "GET", "/reload", 405 }, /* what changes something is never a GET */
		{ "GET", "/passwd", 405 }, { "GET", "/queue/all/delete", 405 },
		{ "GET", "/spam/learn?class=spam", 405 }, { "get", "/health", 405 },
		{ "GET", "/healthy", 404 }, { "GET", "/health/", 404 }, { "GET", "//health", 404 },
		{ "GET", "health", 404 }, { "GET", "", 404 }, { "GET", "/queue//", 404 },
		{ "POST", "/queue/a/b/c", 404 }, { "GET", "/ledger", 400 },
		{ "GET", "/ledger?what=x&max=0", 400 }, { "GET", "/ledger?what=x&max=1001", 400 },
		{ "GET", "/ledger?what=x&max=many", 400 }, { "POST", "/queue/all/burn", 400 },
		{ "POST", "/passwd", 400 }, /* no body */
		{ "POST", "/spam/learn?class=spam", 400 }, { "POST", "/spam/classify", 400 },
		{ "POST", "/reload", 400 }, /* nobody to do it */
	};
	struct ops o = { .loop = loop_new() };
	struct answered w = { .body = BUF_INIT(4096) };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		ask(&o, cases[i].method, cases[i].path, &w);
		if (w.status != cases[i].status)
			fail_msg("%s %s: %d", cases[i].method, cases[i].path, w.status);
		if (w.status == 400) { /* every refusal says why, as JSON */
			struct json_doc *doc = json_read(buf_slice(&w.body), NULL);

			assert_string_equal(w.type, "application/json");
			assert_true(json_text(json_get(json_root(doc), "error")).n > 10);
			json_doc_free(doc);
		}
	}
	buf_free(&w.body);
	loop_free(o.loop);
}

/* With a store the word is "ok" or "degraded": test/e2e/test_care.py. */
static void health_says_starting_before_ready(void **state)
{
	struct ops o = { .loop = loop_new() };
	struct answered w = { .body = BUF_INIT(4096) };

	(void)state;
	ask(&o, "GET", "/health", &w);
	assert_int_equal(w.status, 503);
	assert_string_equal(buf_z(&w.body), "starting\n");
	buf_free(&w.body);
	loop_free(o.loop);
}

static void a_cancelled_request_is_silent(void **state)
{
	struct ops o = { .loop = loop_new(), .ready = true };
	struct ops_request q = { .method = SLICE("GET"), .path = SLICE("/health") };
	struct answered w = { .body = BUF_INIT(4096) };

	(void)state;
	ops_cancel(ops_run(&o, &q, on_answer, &w));
	ops_cancel(NULL);
	(void)loop_later(o.loop, end_loop, o.loop);
	loop_run(o.loop);
	assert_int_equal(w.times, 0);
	buf_free(&w.body);
	loop_free(o.loop);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(escapes_are_read_as_octets),
		cmocka_unit_test(a_parameter_is_found_by_its_whole_name),
		cmocka_unit_test(what_the_client_escapes_the_server_reads),
		cmocka_unit_test(what_does_not_fit_is_said),
		cmocka_unit_test(pages_are_found_by_path_and_method),
		cmocka_unit_test(health_says_starting_before_ready),
		cmocka_unit_test(a_cancelled_request_is_silent),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
