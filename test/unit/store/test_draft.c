/* test_draft.c: are the octets of a message what came in, however they came and however many they were? */
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

struct ended {
	bool is_over, room;
	bool failed;
};

static void on_ended(void *self, const struct err *err)
{
	struct ended *e = self;

	assert_false(e->is_over);
	e->is_over = true;
	e->failed = err != NULL;
}

static void on_room(void *self)
{
	((struct ended *)self)->room = true;
}

static void fill(char *p, size_t n)
{
	uint32_t x = 12345;

	for (size_t i = 0; i < n; i++) {
		x = x * 1664525 + 1013904223;
		p[i] = (char)(x >> 24);
	}
}

static void pour(struct bench *b, struct draft *d, const char *p, size_t n, size_t step,
    struct ended *e)
{
	draft_on_room(d, on_room, e);
	for (size_t at = 0; at < n; at += step) {
		size_t part = n - at < step ? n - at : step;

		e->room = false;
		if (!draft_add(d, (struct slice){ p + at, part }))
			bench_until(b, &e->room);
	}
}

static void gives_back_what_came(void **state)
{
	static const size_t sizes[] = { 0, 1, 65535, L_MEMORY_DRAFT - 1, L_MEMORY_DRAFT,
		L_MEMORY_DRAFT + 1, L_MEMORY_DRAFT + 65536, 3000000 };
	static const size_t steps[] = { 977, 65536, 1000000 };
	struct bench *b = *state;
	char *p = mem_new(3000000);

	fill(p, 3000000);
	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		for (size_t k = 0; k < COUNT_OF(steps); k++) {
			struct draft *d = draft_new(b->store, 4000000);
			struct ended e = { 0 };

			pour(b, d, p, sizes[i], steps[k], &e);
			draft_end(d, on_ended, &e);
			assert_false(e.is_over); /* never before it returned */
			bench_until(b, &e.is_over);
			assert_false(e.failed);
			assert_int_equal(draft_size(d), sizes[i]);
			assert_int_equal(draft_bytes(d).n, sizes[i]);
			assert_memory_equal(draft_bytes(d).p, p, sizes[i]);
			draft_free(d);
		}
	}
	free(p);
}

static void over_the_maximum_counts_and_keeps_nothing(void **state)
{
	static const size_t maxima[] = { 10, L_MEMORY_DRAFT, 1000000 };
	struct bench *b = *state;
	char *p = mem_new(2000000);

	for (size_t i = 0; i < COUNT_OF(maxima); i++) {
		struct draft *d = draft_new(b->store, maxima[i]);
		struct ended e = { 0 };

		pour(b, d, p, maxima[i], 65536, &e);
		assert_false(draft_is_over(d));
		pour(b, d, p, 2000000, 65536, &e);
		assert_true(draft_is_over(d));
		assert_int_equal(draft_size(d), maxima[i] + 2000000);
		draft_end(d, on_ended, &e);
		bench_until(b, &e.is_over);
		assert_int_equal(draft_bytes(d).n, 0);
		draft_free(d);
	}
	free(p);
}

static void freed_at_any_moment_is_silent(void **state)
{
	struct bench *b = *state;
	char *p = mem_new(1000000);

	for (int when = 0; when < 4; when++) {
		struct draft *d = draft_new(b->store, 2000000);
		struct ended e = { 0 };
		bool now = true;

		(void)draft_add(d, (struct slice){ p, when == 0 ? 100 : 1000000 });
		if (when == 2)
			bench_until(b, &now);
		if (when >= 1)
			draft_end(d, on_ended, &e);
		draft_free(d);
		bench_until(b, &now);
		assert_false(e.is_over);
	}
	draft_free(NULL);
	free(p);
}

static void kept_stays_readable_when_freed(void **state)
{
	struct bench *b = *state;
	char *p = mem_new(1000000);
	struct draft *d = draft_new(b->store, 2000000);
	struct ended e = { 0 };

	fill(p, 1000000);
	pour(b, d, p, 1000000, 65536, &e);
	draft_end(d, on_ended, &e);
	bench_until(b, &e.is_over);
	draft_keep(d);
	draft_keep(d);
	draft_free(d);
	draft_unkeep(d);
	assert_memory_equal(draft_bytes(d).p, p, 1000000);
	draft_unkeep(d);
	free(p);
}

static void a_full_lane_is_trouble_of_ours(void **state)
{
	struct bench *b = *state;
	struct lane *kept = b->store->sync;
	char *p = mem_new(1000000);
	struct draft *d = draft_new(b->store, 2000000);
	struct ended e = { 0 };

	b->store->sync = lane_new(b->work, WORK_SYNC, 1, 0);
	assert_true(draft_add(d, (struct slice){ p, 1000000 }));
	draft_end(d, on_ended, &e);
	bench_until(b, &e.is_over);
	assert_true(e.failed);
	draft_free(d);
	lane_free(b->store->sync);
	b->store->sync = kept;
	free(p);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, bench_start, bench_end)
	const struct CMUnitTest tests[] = {
		CASE(gives_back_what_came),
		CASE(over_the_maximum_counts_and_keeps_nothing),
		CASE(freed_at_any_moment_is_silent),
		CASE(kept_stays_readable_when_freed),
		CASE(a_full_lane_is_trouble_of_ours),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
