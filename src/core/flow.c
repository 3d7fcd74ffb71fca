/* flow.c: which step comes next? One runner, never recursive: it holds the flow itself while a step runs, so whatever
 * the step releases is only counted. Steps decide nothing about order; their table does. Failures: none; a step that
 * fails tells its owner and calls flow_stop. */
#include "core/flow.h"

#include <assert.h>
#include <stddef.h>

static void run(struct flow *f)
{
	while (f->holds == 0) {
		const struct flow_step *step = f->at;
		bool gone = false;

		if (f->stopped || step->run == NULL) {
			void (*on_ended)(void *self) = f->on_ended;

			f->steps = NULL;
			on_ended(f->self); /* may free f */
			return;
		}
		f->at++;
		f->holds = 1;
		f->gone = &gone;
		step->run(f->self);
		if (gone)
			return; /* abandoned by its own step; f may be freed */
		f->gone = NULL;
		f->holds--;
	}
}

void flow_start(struct flow *f, const struct flow_step *steps, void (*on_ended)(void *self), void *self)
{
	f->steps = f->at = steps;
	f->on_ended = on_ended;
	f->self = self;
	f->holds = 0;
	f->stopped = false;
	f->gone = NULL;
	run(f);
}

void flow_hold(struct flow *f)
{
	assert(f->steps != NULL);
	f->holds++;
}

void flow_release(struct flow *f)
{
	if (f->steps == NULL)
		return; /* abandoned */
	assert(f->holds > 0);
	f->holds--;
	if (f->holds == 0)
		run(f);
}

void flow_stop(struct flow *f)
{
	f->stopped = true;
}

void flow_abandon(struct flow *f)
{
	if (f->gone != NULL)
		*f->gone = true;
	f->gone = NULL;
	f->steps = NULL;
}

const char *flow_at(const struct flow *f)
{
	if (f->steps == NULL || f->at == f->steps)
		return ("");
	return (f->at[-1].name);
}
