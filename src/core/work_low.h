/* work_low.h (inside core, for work.c): one thread of low priority, and what it is to run, in order. All
 * on the loop, but for run. */
#ifndef CORE_WORK_LOW_H
#define CORE_WORK_LOW_H

#include "core/list.h"

struct loop;
struct work_low;

struct work_low_job {
	struct list node;
	void (*run)(void *self);  /* the thread */
	void (*done)(void *self); /* loop; may free the job */
	void *self;
};

struct work_low *work_low_new(struct loop *l);
void work_low_put(struct work_low *w, struct work_low_job *j); /* keeps the loop running */
void work_low_free(struct work_low *w); /* all jobs are done; waits for the thread; accepts NULL */

#endif
