/* Do lanes keep order, widths, maxima and shares, and is every job told done exactly once, on the loop? */
#include "check.h"

#include "core/limits.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/work.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

enum { MOST = 64 };

struct run {
	struct loop *loop;
	struct work *work;
	struct lane *lane;
	pthread_t thread;
	unsigned order[MOST], done;
	atomic_uint running, peak, batches;
	atomic_bool wrong_thread;
};

struct number {
	struct job job;
	struct run *run;
	unsigned n;
};

static void enter_and_leave(struct run *r)
{
	unsigned now = atomic_fetch_add(&r->running, 1) + 1, peak = atomic_load(&r->peak);

	while (now > peak && !atomic_compare_exchange_weak(&r->peak, &peak, now))
		;
	if (pthread_equal(pthread_self(), r->thread))
		atomic_store(&r->wrong_thread, true);
	(void)usleep(2000);
	(void)atomic_fetch_sub(&r->running, 1);
}

static void on_run(struct job *j)
{
	enter_and_leave(((struct number *)j)->run);
}

static void on_done(struct job *j)
{
	struct number *n = (struct number *)j;
	struct run *r = n->run;

	assert_true(pthread_equal(pthread_self(), r->thread));
	r->order[r->done++] = n->n;
	free(n);
}

static void on_run_all(void *self, struct list *jobs)
{
	struct run *r = self;

	assert_false(list_empty(jobs));
	(void)atomic_fetch_add(&r->batches, 1);
	enter_and_leave(r);
}

static struct job *make(struct run *r, unsigned n)
{
	struct number *x = NEW(struct number);

	x->job.run = on_run;
	x->job.done = on_done;
	x->run = r;
	x->n = n;
	return (&x->job);
}

static void setup(struct run *r)
{
	*r = (struct run){ .loop = loop_new(), .thread = pthread_self() };
	r->work = work_new(r->loop);
}

static void finish(struct run *r)
{
	loop_run(r->loop);
	assert_true(work_idle(r->work));
	assert_false(atomic_load(&r->wrong_thread));
	lane_free(r->lane);
	work_free(r->work);
	loop_free(r->loop);
}

static void narrow_lane_keeps_order(void **state)
{
	struct run r;

	(void)state;
	setup(&r);
	r.lane = lane_new(r.work, WORK_ACCOUNT, 1, L_JOBS);
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(lane_put(r.lane, make(&r, i)), 0);
	assert_false(lane_idle(r.lane));
	finish(&r);
	assert_int_equal(r.done, 20);
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(r.order[i], i);
	assert_int_equal(atomic_load(&r.peak), 1);
}

static void batch_lane_takes_all_that_wait(void **state)
{
	struct run r;

	(void)state;
	setup(&r);
	r.lane = lane_new_batch(r.work, WORK_ACCOUNT, L_JOBS, on_run_all, &r);
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(lane_put(r.lane, make(&r, i)), 0);
	finish(&r);
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(r.order[i], i);
	/* The first is taken at once, the other 19 wait for it and go together. */
	assert_int_equal(atomic_load(&r.batches), 2);
}

static void full_lane_refuses_but_can_be_forced(void **state)
{
	struct run r;
	struct job *j;

	(void)state;
	setup(&r);
	r.lane = lane_new(r.work, WORK_PASSWORD, 1, 3);
	for (unsigned i = 0; i < 4; i++) /* one runs, three wait */
		assert_int_equal(lane_put(r.lane, make(&r, i)), 0);
	assert_int_equal(lane_waiting(r.lane), 3);
	j = make(&r, 4);
	assert_int_equal(lane_put(r.lane, j), -1);
	lane_force(r.lane, j);
	finish(&r);
	assert_int_equal(r.done, 5);
	assert_int_equal(r.order[4], 4);
}

static unsigned place_of(const struct run *r, unsigned n)
{
	unsigned i = 0;

	while (i < r->done && r->order[i] != n)
		i++;
	return (i);
}

static void share_bounds_all_its_lanes_together(void **state)
{
	struct run r;
	struct lane *others[5];

	(void)state;
	setup(&r);
	r.lane = lane_new(r.work, WORK_READ, 8, L_JOBS);
	for (unsigned i = 0; i < COUNT_OF(others); i++) {
		others[i] = lane_new(r.work, WORK_READ, 8, L_JOBS);
		for (unsigned k = 0; k < 5; k++)
			assert_int_equal(lane_put(others[i], make(&r, i * 10 + k)), 0);
	}
	loop_run(r.loop);
	for (unsigned i = 0; i < COUNT_OF(others); i++)
		lane_free(others[i]);
	assert_int_equal(r.done, 25);
	assert_int_equal(atomic_load(&r.peak), L_SHARE_READ);
	/* Lanes take turns: the last lane's first job comes before the first lane's last. */
	assert_true(place_of(&r, 40) < place_of(&r, 4));
	finish(&r);
}

static void on_done_free_lane(struct job *j)
{
	struct number *n = (struct number *)j;
	struct run *r = n->run;

	assert_true(lane_idle(r->lane));
	lane_free(r->lane);
	r->lane = NULL;
	free(n);
}

static void last_done_may_free_the_lane(void **state)
{
	struct run r;
	struct job *j;

	(void)state;
	setup(&r);
	r.lane = lane_new(r.work, WORK_SYNC, 1, 1);
	j = make(&r, 0);
	j->done = on_done_free_lane;
	assert_int_equal(lane_put(r.lane, j), 0);
	finish(&r);
}

static void pool_has_the_threads_its_shares_need(void **state)
{
	(void)state;
	assert_string_equal(getenv("UV_THREADPOOL_SIZE"), "16");
	assert_true(L_SHARE_SYNC + L_SHARE_ACCOUNT + L_SHARE_READ + L_SHARE_PASSWORD + L_SHARE_CRYPTO <=
	    L_THREADS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pool_has_the_threads_its_shares_need),
		cmocka_unit_test(narrow_lane_keeps_order),
		cmocka_unit_test(batch_lane_takes_all_that_wait),
		cmocka_unit_test(full_lane_refuses_but_can_be_forced),
		cmocka_unit_test(share_bounds_all_its_lanes_together),
		cmocka_unit_test(last_done_may_free_the_lane),
	};

	work_setup();
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
