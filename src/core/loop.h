/* loop.h: the one event loop, its signals and its delay. Everything in this folder that says "on the loop"
 * runs in the thread that called loop_run. No other folder sees libuv. */
#ifndef CORE_LOOP_H
#define CORE_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct later;

struct loop *loop_new(void);
void loop_free(struct loop *l); /* closes every handle left, runs their close callbacks */
void loop_run(struct loop *l);	/* until loop_stop, or until nothing is left to wait for */
void loop_stop(struct loop *l);
/* loop_later: call back on the next turn. Returns a handle; later_cancel promises silence. The callback's
 * first act is to forget the handle. */
struct later *loop_later(struct loop *l, void (*on_turn)(void *self), void *self);
void later_cancel(struct later *t);
/* One callback per signal number; the last one set counts. */
void loop_on_signal(struct loop *l, int signo, void (*on_signal)(void *self, int signo), void *self);
/* Delay of the loop: how late a 10 ms timer fires, in microseconds, since start. */
struct loop_delay {
	uint64_t max_us, p999_us, samples;
};
void loop_measure(struct loop *l); /* start measuring */
struct loop_delay loop_delay_get(const struct loop *l);

#endif
