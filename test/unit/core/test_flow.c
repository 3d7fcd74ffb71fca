/* Does the runner keep the table's order, wait for every hold, and stay quiet when told? */
#include "check.h"

#include "core/flow.h"

#include <stdlib.h>
#include <string.h>

struct owner {
	struct flow flow;
	char trail[32];
	bool ended, free_in_end;
};

static void note(struct owner *o, char c)
{
	size_t n = strlen(o->trail);

	o->trail[n] = c;
}

static void step_a(void *self)
{
	note(self, 'a');
}

static void step_hold_twice(void *self)
{
	struct owner *o = self;

	note(o, 'h');
	flow_hold(&o->flow);
	flow_hold(&o->flow);
}

static void step_hold_and_release(void *self)
{
	struct owner *o = self;

	note(o, '[');
	flow_hold(&o->flow);
	flow_release(&o->flow); /* must not run the next step in here */
	note(o, ']');
}

static void step_stop(void *self)
{
	struct owner *o = self;

	note(o, 's');
	flow_stop(&o->flow);
}

static void step_abandon(void *self)
{
	struct owner *o = self;

	flow_abandon(&o->flow);
	free(o);
}

static void on_ended(void *self)
{
	struct owner *o = self;

	o->ended = true;
	note(o, '.');
	if (o->free_in_end)
		free(o);
}

static void steps_run_in_order_without_recursion(void **state)
{
	static const struct flow_step steps[] = { { "one", step_a }, { "two", step_hold_and_release },
		{ "three", step_a }, { NULL, NULL } };
	struct owner o = { .ended = false };

	(void)state;
	flow_start(&o.flow, steps, on_ended, &o);
	assert_string_equal(o.trail, "a[]a.");
}

static void next_step_waits_for_the_last_hold(void **state)
{
	static const struct flow_step steps[] = { { "wait", step_hold_twice }, { "go", step_a }, { NULL, NULL } };
	struct owner o = { .ended = false };

	(void)state;
	flow_start(&o.flow, steps, on_ended, &o);
	assert_string_equal(o.trail, "h");
	assert_string_equal(flow_at(&o.flow), "wait");
	flow_release(&o.flow);
	assert_string_equal(o.trail, "h");
	flow_release(&o.flow);
	assert_string_equal(o.trail, "ha.");
}

static void stop_skips_the_rest_but_ends(void **state)
{
	static const struct flow_step steps[] = { { "stop", step_stop }, { "never", step_a }, { NULL, NULL } };
	static const struct flow_step held[] = { { "wait", step_hold_twice }, { "never", step_a }, { NULL, NULL } };
	struct owner o = { .ended = false };

	(void)state;
	flow_start(&o.flow, steps, on_ended, &o);
	assert_string_equal(o.trail, "s.");
	memset(&o, 0, sizeof(o));
	flow_start(&o.flow, held, on_ended, &o);
	flow_stop(&o.flow);
	assert_false(o.ended);
	flow_release(&o.flow);
	flow_release(&o.flow);
	assert_string_equal(o.trail, "h.");
}

static void abandoned_flow_is_silent(void **state)
{
	static const struct flow_step inside[] = { { "gone", step_abandon }, { "never", step_a }, { NULL, NULL } };
	static const struct flow_step held[] = { { "wait", step_hold_twice }, { "never", step_a }, { NULL, NULL } };
	struct owner *o = calloc(1, sizeof(*o)), waiting = { .ended = false };

	(void)state;
	flow_start(&o->flow, inside, on_ended, o); /* under ASan: no use after free */
	flow_start(&waiting.flow, held, on_ended, &waiting);
	flow_abandon(&waiting.flow);
	flow_release(&waiting.flow);
	flow_release(&waiting.flow);
	assert_string_equal(waiting.trail, "h");
}

static void end_may_free_the_owner(void **state)
{
	static const struct flow_step steps[] = { { "wait", step_hold_twice }, { NULL, NULL } };
	struct owner *o = calloc(1, sizeof(*o));

	(void)state;
	o->free_in_end = true;
	flow_start(&o->flow, steps, on_ended, o);
	flow_release(&o->flow);
	flow_release(&o->flow);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(steps_run_in_order_without_recursion),
		cmocka_unit_test(next_step_waits_for_the_last_hold),
		cmocka_unit_test(stop_skips_the_rest_but_ends),
		cmocka_unit_test(abandoned_flow_is_silent),
		cmocka_unit_test(end_may_free_the_owner),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
