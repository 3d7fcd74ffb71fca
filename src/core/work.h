/* work.h: lanes: blocking work off the loop (ANCHORS P7, DESIGN section 4). A job owns everything
 * it touches. It runs on a worker thread; its done() runs on the loop, exactly once, in the order
 * the lane finished its jobs. A job that has started cannot be stopped: to cancel is to abandon
 * (the job's own field, set to NULL). */
#ifndef CORE_WORK_H
#define CORE_WORK_H

#include "core/list.h"

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct work; /* the pool: 16 threads with fixed shares */
struct lane;

enum work_share { /* how many jobs of a kind run at once: L_SHARE_... */
	WORK_SYNC,
	WORK_ACCOUNT,
	WORK_READ,
	WORK_PASSWORD,
	WORK_CRYPTO,
	WORK_LOW, /* what nobody waits for: one thread of its own, of low priority */
	WORK_SHARES,
};

struct job { /* first member of a job's own struct */
	struct list node;
	void (*run)(struct job *j);  /* worker thread; for a batch lane see below */
	void (*done)(struct job *j); /* loop; frees the job */
};

/* work_setup must run before any other use of libuv's pool. */
void work_setup(void);
struct work *work_new(struct loop *l);
void work_free(struct work *w); /* all lanes must be freed before */
/* lane_new: FIFO; at most ${width} of its jobs run at once (1: strictly ordered), at most ${max}
 * wait. */
struct lane *lane_new(struct work *w, enum work_share share, unsigned width, unsigned max);
/* A batch lane (width 1): all jobs that wait when a worker gets to it are handed to one call, in
 * order, as a list of struct job.node; it must leave the list complete and in order: each job's
 * done() follows in that order. */
struct lane *lane_new_batch(struct work *w, enum work_share share, unsigned max,
    void (*run_all)(void *self, struct list *jobs), void *self);
int lane_put(struct lane *l, struct job *j); /* -1: full, and the job is still the caller's */
void lane_force(
    struct lane *l, struct job *j); /* for what must not be refused (settling what was begun) */
unsigned lane_waiting(const struct lane *l);
bool lane_idle(const struct lane *l); /* nothing waits, runs, or is to be told done */
void lane_free(struct lane *l);       /* must be idle */
bool work_idle(const struct work *w); /* all lanes */

#endif
