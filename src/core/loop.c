/* loop.c: what is a turn, and what happens at its ends? A turn is: timers, then what asked for "the next turn", then
 * one flush of every connection that has something to send, then waiting for the kernel and its events, then a second
 * flush of what these events caused. So all replies that one packet provokes leave in one write.
 * Leaves connections to conn.c, blocking work to work.c. Failures: none but memory, which ends the process. */
#include "core/loop.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>

#include "core/loop_int.h"
#include "core/mem.h"

static void on_closed_nothing(uv_handle_t *h)
{
	(void)h;
}

static void on_idle(uv_idle_t *h)
{
	(void)h;
}

static void wake(struct loop *l)
{
	(void)uv_idle_start(&l->idle, on_idle);
}

static void later_run(struct later *t)
{
	void (*on_turn)(void *self) = t->on_turn;
	void *self = t->self;

	if (t->heap)
		free(t);
	on_turn(self);
}

static void flush_all(struct loop *l)
{
	struct list *node;

	while ((node = list_shift(&l->flushes)) != NULL)
		later_run(LIST_OWNER(node, struct later, node));
}

static void settle_idle(struct loop *l)
{
	if (list_empty(&l->laters) && list_empty(&l->flushes))
		(void)uv_idle_stop(&l->idle);
}

static void on_prepare(uv_prepare_t *h)
{
	struct loop *l = h->data;
	struct list batch, *node;

	/* Only what waits now: what these add comes a turn later, after the kernel was asked. */
	list_init(&batch);
	if (!list_empty(&l->laters)) {
		list_add_before(&l->laters, &batch);
		list_drop(&l->laters);
	}
	while ((node = list_shift(&batch)) != NULL)
		later_run(LIST_OWNER(node, struct later, node));
	flush_all(l);
	settle_idle(l);
}

static void on_check(uv_check_t *h)
{
	struct loop *l = h->data;

	flush_all(l);
	settle_idle(l);
}

struct loop *loop_new(void)
{
	struct loop *l = NEW(struct loop);

	(void)signal(SIGPIPE, SIG_IGN); /* a peer that is gone is an error of write, not of the process */
	if (uv_loop_init(&l->uv) != 0)
		abort();
	l->owned.on_close = on_closed_nothing;
	list_init(&l->laters);
	list_init(&l->flushes);
	(void)uv_prepare_init(&l->uv, &l->prepare);
	(void)uv_check_init(&l->uv, &l->check);
	(void)uv_idle_init(&l->uv, &l->idle);
	l->prepare.data = l->check.data = l->idle.data = l;
	(void)uv_prepare_start(&l->prepare, on_prepare);
	(void)uv_check_start(&l->check, on_check);
	uv_unref((uv_handle_t *)&l->prepare);
	uv_unref((uv_handle_t *)&l->check);
	l->read = mem_new(LOOP_READ);
	l->plain = mem_new(LOOP_PLAIN);
	/* Records add at most 5 + 8 + 16 + 1 octets to each 16 KiB; alerts and a handshake come on top. */
	buf_init(&l->cipher, LOOP_CIPHER * 2);
	return (l);
}

static void close_left(uv_handle_t *h, void *arg)
{
	const struct owned *owned = h->data;

	(void)arg;
	if (!uv_is_closing(h))
		uv_close(h, owned->on_close);
}

static void drop_all(struct list *head)
{
	struct list *node;

	while ((node = list_shift(head)) != NULL) {
		struct later *t = LIST_OWNER(node, struct later, node);

		if (t->heap)
			free(t);
	}
}

void loop_free(struct loop *l)
{
	if (l == NULL)
		return;
	drop_all(&l->laters);
	drop_all(&l->flushes);
	uv_walk(&l->uv, close_left, NULL);
	(void)uv_run(&l->uv, UV_RUN_DEFAULT);
	drop_all(&l->laters);
	drop_all(&l->flushes);
	if (uv_loop_close(&l->uv) != 0)
		abort(); /* a handle of ours was not closed: our bug */
	if (l->bio_free != NULL)
		l->bio_free(l->bio);
	buf_free(&l->cipher);
	free(l->read);
	free(l->plain);
	free(l);
}

void loop_run(struct loop *l)
{
	l->thread = pthread_self();
	l->running = true;
	(void)uv_run(&l->uv, UV_RUN_DEFAULT);
	l->running = false;
}

void loop_stop(struct loop *l)
{
	uv_stop(&l->uv);
}

void loop_assert(const struct loop *l)
{
	assert(!l->running || pthread_equal(l->thread, pthread_self()));
	(void)l;
}

static bool waits(const struct later *t)
{
	return (t->node.next != NULL && t->node.next != &t->node);
}

void loop_put(struct loop *l, struct later *t)
{
	loop_assert(l);
	if (waits(t))
		return;
	list_push(&l->laters, &t->node);
	wake(l);
}

void loop_put_flush(struct loop *l, struct later *t)
{
	loop_assert(l);
	if (waits(t))
		return;
	list_push(&l->flushes, &t->node);
	wake(l);
}

void loop_drop(struct later *t)
{
	list_drop(&t->node);
}

struct later *loop_later(struct loop *l, void (*on_turn)(void *self), void *self)
{
	struct later *t = NEW(struct later);

	t->on_turn = on_turn;
	t->self = self;
	t->heap = true;
	loop_put(l, t);
	return (t);
}

void later_cancel(struct later *t)
{
	if (t == NULL)
		return;
	list_drop(&t->node);
	free(t);
}

static void on_uv_signal(uv_signal_t *h, int signo)
{
	const struct loop_signal *s = h->data;

	if (s->on_signal != NULL)
		s->on_signal(s->self, signo);
}

void loop_on_signal(struct loop *l, int signo, void (*on_signal)(void *self, int signo), void *self)
{
	struct loop_signal *s;

	assert(signo > 0 && signo < LOOP_SIGNALS);
	s = &l->signals[signo];
	if (!s->open) {
		s->open = true;
		s->owned.on_close = on_closed_nothing;
		(void)uv_signal_init(&l->uv, &s->h);
		s->h.data = s;
		(void)uv_signal_start(&s->h, on_uv_signal, signo);
		uv_unref((uv_handle_t *)&s->h);
	}
	s->on_signal = on_signal;
	s->self = self;
}

/* --- delay --- */

enum { LAG_EVERY_MS = 10 };

static unsigned bucket_of(uint64_t us)
{
	unsigned power = 0;

	while (power < 26 && (us >> (power + 1)) != 0)
		power++;
	if ((us >> power) > 1)
		return (LOOP_BUCKETS - 1); /* over a minute */
	return (power * 8 + (power >= 3 ? (unsigned)((us >> (power - 3)) & 7) : 0));
}

static uint64_t bucket_top(unsigned bucket) /* the least delay that is over this bucket */
{
	unsigned power = bucket / 8, step = bucket % 8;

	if (power < 3)
		return ((uint64_t)1 << (power + 1));
	return (((uint64_t)8 + step + 1) << (power - 3));
}

static void on_lag(uv_timer_t *h)
{
	struct loop *l = h->data;
	uint64_t now = uv_hrtime() / 1000, late = now > l->lag_due_us ? now - l->lag_due_us : 0;

	if (late > l->lag_max_us)
		l->lag_max_us = late;
	l->lag_buckets[bucket_of(late)]++;
	l->lag_n++;
	l->lag_due_us = now + LAG_EVERY_MS * 1000;
	(void)uv_timer_start(h, on_lag, LAG_EVERY_MS, 0);
}

void loop_measure(struct loop *l)
{
	if (l->has_lag)
		return;
	l->has_lag = true;
	(void)uv_timer_init(&l->uv, &l->lag);
	l->lag.data = l;
	uv_update_time(&l->uv);
	l->lag_due_us = uv_hrtime() / 1000 + LAG_EVERY_MS * 1000;
	(void)uv_timer_start(&l->lag, on_lag, LAG_EVERY_MS, 0);
	uv_unref((uv_handle_t *)&l->lag);
}

struct loop_delay loop_delay_get(const struct loop *l)
{
	struct loop_delay d = { .max_us = l->lag_max_us, .samples = l->lag_n };
	uint64_t over = l->lag_n / 1000, seen = 0; /* that many may be later than the answer */

	if (l->lag_n == 0)
		return (d);
	for (unsigned i = LOOP_BUCKETS; i-- > 0;) {
		seen += l->lag_buckets[i];
		if (seen > over) {
			d.p999_us = bucket_top(i);
			break;
		}
	}
	if (d.p999_us > d.max_us)
		d.p999_us = d.max_us;
	return (d);
}
