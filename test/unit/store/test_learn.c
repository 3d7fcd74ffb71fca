/* test_learn.c: are lessons kept, and do counts come to the same whatever the order they were made in? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/mem.h"
#include "fake_mail.h"
#include "store/learn.h"

enum { MESSAGES = 12, FEATURES = 40 };

static void id_of(unsigned m, unsigned char ret[16])
{
	memset(ret, 0, 16);
	ret[0] = (unsigned char)m;
	ret[15] = 7;
}

/* Distinct features of message m; they overlap with its neighbours'. */
static size_t features_of(unsigned m, uint32_t *ret)
{
	size_t n = 0;

	for (uint32_t f = 0; f < FEATURES; f++) {
		if ((f * 7 + m * 3) % 5 < 2)
			ret[n++] = f == 0 ? UINT32_MAX : f << 24 | f;
	}
	return (n);
}

struct known { /* a model as loaded: FEATURES numbers at most */
	struct feature_count v[FEATURES];
	size_t n, fresh;
	struct model_totals totals;
};

static void on_change(void *self, const struct feature_change *c)
{
	struct known *k = self;
	size_t i = 0;

	while (i < k->n && k->v[i].feature != c->feature)
		i++;
	if (i == k->n) {
		assert_true(k->n < FEATURES);
		k->v[k->n++].feature = c->feature;
	}
	assert_true((int64_t)k->v[i].ham + c->ham >= 0 && (int64_t)k->v[i].spam + c->spam >= 0);
	k->v[i].ham += (uint32_t)c->ham;
	k->v[i].spam += (uint32_t)c->spam;
}

static int cmp_count(const void *a, const void *b)
{
	uint32_t x = ((const struct feature_count *)a)->feature,
		 y = ((const struct feature_count *)b)->feature;

	return (x < y ? -1 : x > y);
}

static void load(struct store *s, struct slice model, struct known *ret)
{
	struct err err = { 0 };
	size_t n = 0;

	memset(ret, 0, sizeof(*ret));
	assert_int_equal(tokens_load(s, model, &ret->totals, on_change, ret, &ret->fresh, &err), 0);
	qsort(ret->v, ret->n, sizeof(ret->v[0]), cmp_count);
	for (size_t i = 0; i < ret->n; i++) /* what nobody has any more is not there */
		if (ret->v[i].ham + ret->v[i].spam > 0)
			ret->v[n++] = ret->v[i];
	memset(ret->v + n, 0, (ret->n - n) * sizeof(ret->v[0]));
	ret->n = n;
}

static size_t list(const void *self, unsigned part, struct feature_count *v)
{
	const struct known *k = self;
	size_t n = 0;

	for (size_t i = 0; i < k->n; i++)
		if (k->v[i].feature >> 31 == part)
			v[n++] = k->v[i];
	return (n);
}

/* Written as a whole it is what it was, and nothing lies beside it. */
static void write_whole(struct store *s, struct slice model)
{
	struct known before, after;
	struct err err = { 0 };

	load(s, model, &before);
	assert_int_equal(tokens_write(s, model, 2, FEATURES, list, &before, &err), 0);
	load(s, model, &after);
	assert_int_equal(after.fresh, 0);
	assert_int_equal(before.n, after.n);
	assert_memory_equal(before.v, after.v, sizeof(before.v));
	assert_memory_equal(&before.totals, &after.totals, sizeof(before.totals));
}

static void learn(struct store *s, struct slice account, unsigned m, struct lesson_mark is)
{
	uint32_t features[FEATURES];
	unsigned char id[16];
	struct err err = { 0 };
	size_t n = features_of(m, features);

	id_of(m, id);
	assert_int_equal(tokens_apply(s, account, id, is, 1, features, n, &err), 0);
}

static void any_order_equals_from_scratch(void *self)
{
	static const struct slice accounts[] = { SLICE_INIT("ann"), SLICE_INIT("bob"),
		SLICE_INIT("") };
	struct lesson_mark now[3][MESSAGES] = { 0 };
	struct store *s = self;
	struct known walked[3], scratch[3];
	struct err err = { 0 };
	uint32_t x = 99;

	for (int step = 0; step < 400; step++) {
		unsigned a = (x = x * 1664525 + 1013904223) >> 16, m = x >> 24;
		struct lesson_mark is = { (enum lesson_class)((x >> 13) % 3), 1 + (x >> 9) % 4 };

		a %= 3;
		m %= MESSAGES;
		learn(s, accounts[a], m, is);
		now[a][m] = is;
		if (step % 37 == 0)
			write_whole(s, accounts[a]);
	}
	for (int a = 0; a < 3; a++)
		load(s, accounts[a], &walked[a]);
	assert_int_equal(tokens_forget(s, &err), 0);
	for (int m = MESSAGES - 1; m >= 0; m--) {
		for (int a = 0; a < 3; a++)
			learn(s, accounts[a], (unsigned)m, now[a][m]);
	}
	for (int a = 0; a < 3; a++) {
		load(s, accounts[a], &scratch[a]);
		assert_memory_equal(walked[a].v, scratch[a].v, sizeof(walked[a].v));
		assert_memory_equal(
		    &walked[a].totals, &scratch[a].totals, sizeof(walked[a].totals));
	}
	for (int a = 0; a < 3; a++) { /* and all undone leaves nothing */
		for (unsigned m = 0; m < MESSAGES; m++)
			learn(s, accounts[a], m, (struct lesson_mark){ LESSON_NONE, 4 });
	}
	for (int a = 0; a < 3; a++) {
		load(s, accounts[a], &walked[a]);
		assert_int_equal(walked[a].n, 0);
		assert_int_equal(walked[a].totals.ham + walked[a].totals.hams, 0);
		assert_int_equal(walked[a].totals.spam + walked[a].totals.spams, 0);
	}
}

static void on_applied(
    void *self, struct slice account, const unsigned char content_id[16], struct lesson_mark is)
{
	unsigned char id[16];

	id_of(3, id);
	assert_memory_equal(content_id, id, 16);
	assert_true(slice_eq(account, SLICE("ann")) && is.is == LESSON_SPAM &&
	    is.weight == LESSON_IMPLICIT);
	(*(int *)self)++;
}

static void marks_versions_and_key(void *self)
{
	struct store *s = self;
	unsigned char id[16], key[16], again[16];
	uint32_t features[FEATURES];
	struct err err = { 0 };
	struct lesson_mark is;
	bool stale;
	int seen = 0;

	assert_int_equal(tokens_key(s, key, &err), 0);
	assert_int_equal(tokens_key(s, again, &err), 0);
	assert_memory_equal(key, again, 16);
	learn(s, SLICE("ann"), 3, (struct lesson_mark){ LESSON_SPAM, LESSON_IMPLICIT });
	id_of(3, id);
	assert_int_equal(tokens_applied(s, SLICE("ann"), id, &is, &err), 0);
	assert_int_equal(is.is, LESSON_SPAM);
	assert_int_equal(tokens_applied(s, SLICE("bob"), id, &is, &err), 0);
	assert_int_equal(is.is, LESSON_NONE);
	assert_int_equal(tokens_each_applied(s, on_applied, &seen, &err), 0);
	assert_int_equal(seen, 1);
	assert_int_equal(tokens_stale(s, 1, &stale, &err), 0);
	assert_false(stale);
	assert_int_equal(tokens_stale(s, 2, &stale, &err), 0);
	assert_true(stale);
	assert_int_equal(tokens_apply(s, SLICE("ann"), id, (struct lesson_mark){ LESSON_HAM, 4 }, 2,
			     features, features_of(3, features), &err),
	    -1);
	assert_int_equal(err.kind, ERR_CANNOT);
	assert_int_equal(tokens_applied(s, SLICE("ann"), id, &is, &err), 0);
	assert_int_equal(is.is, LESSON_SPAM);
}

static void on_lesson(void *self, const struct lesson *l)
{
	assert_int_equal(l->mark.is, LESSON_HAM);
	assert_int_equal(l->mark.weight, LESSON_IMPLICIT);
	(*(int *)self)++;
}

static void lessons_are_replaced_and_removed(void *self)
{
	struct store *s = self;
	struct lesson l = { .account = SLICE("ann"),
		.mark = { LESSON_SPAM, LESSON_IMPLICIT },
		.version = 3 },
		      got;
	struct err err = { 0 };
	int n = 0;

	id_of(1, l.content_id);
	assert_int_equal(lesson_get(s, l.account, l.content_id, &got, &err), 0);
	assert_int_equal(got.mark.is, LESSON_NONE);
	assert_int_equal(lesson_put(s, &l, &err), 0);
	l.mark.is = LESSON_HAM;
	assert_int_equal(lesson_put(s, &l, &err), 0);
	assert_int_equal(lesson_get(s, l.account, l.content_id, &got, &err), 0);
	assert_int_equal(got.mark.is, LESSON_HAM);
	assert_int_equal(got.version, 3);
	assert_true(got.at > 0 && slice_eq(got.account, SLICE("ann")));
	id_of(2, l.content_id);
	l.account = SLICE("");
	assert_int_equal(lesson_put(s, &l, &err), 0);
	assert_int_equal(lesson_each(s, on_lesson, &n, &err), 0);
	assert_int_equal(n, 2);
	l.mark.is = LESSON_NONE;
	assert_int_equal(lesson_put(s, &l, &err), 0);
	n = 0;
	assert_int_equal(lesson_each(s, on_lesson, &n, &err), 0);
	assert_int_equal(n, 1);
}

static void counts(void **state)
{
	struct bench *b = *state;

	bench_on_lane(b, STORE_SPAM, any_order_equals_from_scratch, b->store);
}

static void marks(void **state)
{
	struct bench *b = *state;

	bench_on_lane(b, STORE_SPAM, marks_versions_and_key, b->store);
}

static void lessons(void **state)
{
	struct bench *b = *state;

	bench_on_lane(b, STORE_STATE, lessons_are_replaced_and_removed, b->store);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, bench_start, bench_end)
	const struct CMUnitTest tests[] = { CASE(counts), CASE(marks), CASE(lessons) };

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
