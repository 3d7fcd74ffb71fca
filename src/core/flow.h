/* flow.h: run a table of steps, each of which may wait (ANCHORS P5). A step that waits takes a hold;
 * the next step runs when the last hold is released; several holds are parallel waits. The runner itself
 * holds while a step runs, so a release from inside cannot recurse. */
#ifndef CORE_FLOW_H
#define CORE_FLOW_H

#include <stdbool.h>

struct flow_step {
	const char *name;
	void (*run)(void *self);
}; /* a table ends with { NULL, NULL } */

struct flow { /* embedded in its owner */
	const struct flow_step *steps, *at;
	void (*on_ended)(void *self); /* the only place that may free the owner */
	void *self;
	unsigned holds;
	bool stopped;
	bool *gone; /* the runner's own: told when a step abandons its flow */
};

void flow_start(struct flow *f, const struct flow_step *steps, void (*on_ended)(void *self), void *self);
void flow_hold(struct flow *f);
void flow_release(struct flow *f); /* last act of a callback: may run the next step, even free the owner */
/* flow_stop: no further step; on_ended runs once the present holds are released. */
void flow_stop(struct flow *f);
/* flow_abandon: the owner is about to free itself: nothing runs any more, on_ended neither. */
void flow_abandon(struct flow *f);
const char *flow_at(const struct flow *f); /* name of the step under way, for logs */

#endif
