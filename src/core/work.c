/* work.c: which blocking job runs next? Lanes keep order, shares keep one kind of work from starving another: each share
 * runs at most so many jobs at once, its lanes taking turns. All bookkeeping happens on the loop; a worker sees only the
 * jobs it was handed. Leaves what a job does to its owner. Failures: a full lane (lane_put answers -1). */
#include "core/work.h"

#include <assert.h>
#include <stdlib.h>

#include "core/limits.h"
#include "core/loop_int.h"
#include "core/mem.h"
#include "core/work_low.h"

struct share {
	unsigned running, limit;
	struct list ready; /* of lane.node: lanes with jobs that wait and room to run them */
};

struct work {
	struct loop *loop;
	struct share shares[WORK_SHARES];
	unsigned lanes;
	struct work_low *low; /* NULL: nothing of low priority was put yet */
	size_t jobs; /* put and not yet told done */
};

struct lane {
	struct list node; /* on its share's ready list, or on none */
	struct work *work;
	enum work_share share;
	unsigned width, max, waiting, running;
	size_t untold; /* handed to a worker, done() not yet called */
	struct list jobs;
	void (*run_all)(void *self, struct list *jobs);
	void *self;
};

struct handful { /* what one worker got in one go */
	uv_work_t req; /* or, of low priority: */
	struct work_low_job low;
	struct lane *lane;
	struct list jobs;
};

void work_setup(void)
{
	char threads[8];
	unsigned n = L_THREADS, at = sizeof(threads) - 1;

	threads[at] = '\0';
	for (; n > 0; n /= 10)
		threads[--at] = (char)('0' + n % 10);
	(void)setenv("UV_THREADPOOL_SIZE", threads + at, 1);
}

struct work *work_new(struct loop *l)
{
	static const unsigned limits[WORK_SHARES] = {
		[WORK_SYNC] = L_SHARE_SYNC,
		[WORK_ACCOUNT] = L_SHARE_ACCOUNT,
		[WORK_READ] = L_SHARE_READ,
		[WORK_PASSWORD] = L_SHARE_PASSWORD,
		[WORK_CRYPTO] = L_SHARE_CRYPTO,
		[WORK_LOW] = 1,
	};
	struct work *w = NEW(struct work);

	w->loop = l;
	for (unsigned i = 0; i < WORK_SHARES; i++) {
		w->shares[i].limit = limits[i];
		list_init(&w->shares[i].ready);
	}
	return (w);
}

void work_free(struct work *w)
{
	if (w == NULL)
		return;
	assert(w->lanes == 0 && w->jobs == 0);
	work_low_free(w->low);
	free(w);
}

static struct lane *make_lane(struct work *w, enum work_share share, unsigned width, unsigned max)
{
	struct lane *l = NEW(struct lane);

	l->work = w;
	l->share = share;
	l->width = width;
	l->max = max;
	list_init(&l->jobs);
	w->lanes++;
	return (l);
}

struct lane *lane_new(struct work *w, enum work_share share, unsigned width, unsigned max)
{
	assert(width > 0);
	return (make_lane(w, share, width, max));
}

struct lane *lane_new_batch(struct work *w, enum work_share share, unsigned max,
    void (*run_all)(void *self, struct list *jobs), void *self)
{
	struct lane *l = make_lane(w, share, 1, max);

	l->run_all = run_all;
	l->self = self;
	return (l);
}

static void get_ready(struct lane *l)
{
	bool is_on = l->node.next != NULL && l->node.next != &l->node;

	if (!is_on && l->waiting > 0 && l->running < l->width)
		list_push(&l->work->shares[l->share].ready, &l->node);
}

static void run_handful(struct handful *h) /* worker thread */
{
	if (h->lane->run_all != NULL) {
		h->lane->run_all(h->lane->self, &h->jobs);
		return;
	}
	LIST_EACH(&h->jobs, node) {
		struct job *j = LIST_OWNER(node, struct job, node);

		j->run(j);
	}
}

static void on_worker(uv_work_t *req)
{
	run_handful(req->data);
}

static void on_low(void *self)
{
	run_handful(self);
}

static void pump(struct share *s);

static void handful_done(struct handful *h)
{
	struct lane *l = h->lane;
	struct work *w = l->work;
	struct share *s = &w->shares[l->share];
	struct list *node;

	l->running--;
	s->running--;
	get_ready(l);
	pump(s); /* the worker goes on while we tell */
	while ((node = list_shift(&h->jobs)) != NULL) {
		struct job *j = LIST_OWNER(node, struct job, node);

		assert(l->untold > 0);
		l->untold--;
		w->jobs--;
		j->done(j); /* after the last one l may be freed */
	}
	free(h);
}

static void on_worker_done(uv_work_t *req, int status)
{
	(void)status; /* we never cancel */
	handful_done(req->data);
}

static void on_low_done(void *self)
{
	handful_done(self);
}

static void hand_out(struct work *w, struct handful *h)
{
	if (h->lane->share == WORK_LOW) {
		if (w->low == NULL)
			w->low = work_low_new(w->loop);
		h->low = (struct work_low_job){ .run = on_low, .done = on_low_done, .self = h };
		work_low_put(w->low, &h->low);
	} else if (uv_queue_work(&w->loop->uv, &h->req, on_worker, on_worker_done) != 0)
		abort();
}

static void pump(struct share *s)
{
	struct list *node;

	while (s->running < s->limit && (node = list_shift(&s->ready)) != NULL) {
		struct lane *l = LIST_OWNER(node, struct lane, node);
		struct handful *h = NEW(struct handful);

		h->lane = l;
		h->req.data = h;
		list_init(&h->jobs);
		do {
			list_push(&h->jobs, list_shift(&l->jobs));
			l->waiting--;
			l->untold++;
		} while (l->run_all != NULL && l->waiting > 0);
		l->running++;
		s->running++;
		get_ready(l); /* at the end: the other lanes come first */
		hand_out(l->work, h);
	}
}

void lane_force(struct lane *l, struct job *j)
{
	loop_assert(l->work->loop);
	list_push(&l->jobs, &j->node);
	l->waiting++;
	l->work->jobs++;
	get_ready(l);
	pump(&l->work->shares[l->share]);
}

int lane_put(struct lane *l, struct job *j)
{
	if (l->waiting >= l->max)
		return (-1);
	lane_force(l, j);
	return (0);
}

unsigned lane_waiting(const struct lane *l)
{
	return (l->waiting);
}

bool lane_idle(const struct lane *l)
{
	return (l->waiting == 0 && l->running == 0 && l->untold == 0);
}

void lane_free(struct lane *l)
{
	if (l == NULL)
		return;
	assert(lane_idle(l));
	list_drop(&l->node);
	l->work->lanes--;
	free(l);
}

bool work_idle(const struct work *w)
{
	return (w->jobs == 0);
}
