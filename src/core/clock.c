/* clock.c: what time is it, and who is to be called when? Deadlines count the monotonic clock, so a step of the wall
 * clock moves none of them; wall time only labels things (P19). Failures: none. */
#include "core/clock.h"

#include <stdlib.h>

#include "core/loop_int.h"
#include "core/mem.h"

struct timer {
	struct owned owned;
	uv_timer_t h;
	void (*on_time)(void *self);
	void *self;
};

static uint64_t now_us(clockid_t id)
{
	struct timespec t;

	(void)clock_gettime(id, &t);
	return ((uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000);
}

#ifdef PENNYPOST_TEST_HOOKS
static struct { /* set once, before main(); read only afterwards */
	uint64_t scale, start_us;
} hook = { .scale = 1 };

__attribute__((constructor)) static void hook_init(void)
{
	const char *text = getenv("PENNYPOST_CLOCK_SCALE");
	unsigned long long n = text != NULL ? strtoull(text, NULL, 10) : 1;

	hook.scale = n >= 1 && n <= 100000 ? n : 1;
	hook.start_us = now_us(CLOCK_REALTIME);
}

static uint64_t clock_scale(void)
{
	return (hook.scale);
}

static uint64_t wall_us(void)
{
	uint64_t now = now_us(CLOCK_REALTIME);

	return (now < hook.start_us ? now : hook.start_us + (now - hook.start_us) * hook.scale);
}
#else
static uint64_t clock_scale(void)
{
	return (1);
}

static uint64_t wall_us(void)
{
	return (now_us(CLOCK_REALTIME));
}
#endif

uint64_t clock_to_real_ms(uint64_t ms)
{
	uint64_t scale = clock_scale();

	return (ms / scale + (ms % scale != 0));
}

uint64_t clock_ms(void)
{
	/* Not from zero, so that 0 can mean "none" to whoever keeps a time. */
	return (now_us(CLOCK_MONOTONIC) * clock_scale() / 1000 + 1);
}

int64_t clock_wall_us(void)
{
	return ((int64_t)wall_us());
}

int64_t clock_wall(void)
{
	return (clock_wall_us() / 1000000);
}

static void on_closed(uv_handle_t *h)
{
	free(h->data);
}

static void on_uv_timer(uv_timer_t *h)
{
	struct timer *t = h->data;
	void (*on_time)(void *self) = t->on_time;
	void *self = t->self;

	uv_close((uv_handle_t *)h, on_closed);
	on_time(self);
}

struct timer *timer_start(struct loop *l, uint64_t ms, void (*on_time)(void *self), void *self)
{
	struct timer *t = NEW(struct timer);

	loop_assert(l);
	t->owned.on_close = on_closed;
	t->on_time = on_time;
	t->self = self;
	(void)uv_timer_init(&l->uv, &t->h);
	t->h.data = t;
	uv_update_time(&l->uv); /* libuv's own idea of now is that of the turn's beginning */
	(void)uv_timer_start(&t->h, on_uv_timer, clock_to_real_ms(ms), 0);
	return (t);
}

void timer_cancel(struct timer *t)
{
	if (t == NULL)
		return;
	uv_close((uv_handle_t *)&t->h, on_closed);
}
