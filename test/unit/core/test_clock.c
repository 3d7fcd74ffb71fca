/* Are timers called once, in order, never from inside their start, and not at all when cancelled? And laters? */
#include "check.h"

#include "core/clock.h"
#include "core/loop.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

struct seen {
	struct loop *loop;
	char trail[16];
	struct timer *victim;
	struct later *later_victim;
};

struct mark {
	struct seen *seen;
	char c;
};

static void on_mark(void *self)
{
	struct mark *m = self;

	m->seen->trail[strlen(m->seen->trail)] = m->c;
}

static void on_cancel(void *self)
{
	struct seen *s = self;

	timer_cancel(s->victim);
	s->victim = NULL;
	later_cancel(s->later_victim);
	s->later_victim = NULL;
}

static void timers_fire_in_order_of_time(void **state)
{
	struct seen s = { .loop = loop_new() };
	struct mark a = { &s, 'a' }, b = { &s, 'b' }, c = { &s, 'c' }, d = { &s, 'd' };

	(void)state;
	(void)timer_start(s.loop, 60, on_mark, &c);
	(void)timer_start(s.loop, 0, on_mark, &a);
	(void)timer_start(s.loop, 20, on_mark, &b);
	s.victim = timer_start(s.loop, 40, on_mark, &d);
	(void)timer_start(s.loop, 10, on_cancel, &s);
	assert_string_equal(s.trail, "");
	loop_run(s.loop); /* ends by itself: nothing is left to wait for */
	assert_string_equal(s.trail, "abc");
	timer_cancel(NULL);
	loop_free(s.loop);
}

static void later_comes_on_the_next_turn_unless_cancelled(void **state)
{
	struct seen s = { .loop = loop_new() };
	struct mark a = { &s, 'a' }, b = { &s, 'b' };

	(void)state;
	(void)loop_later(s.loop, on_mark, &a);
	(void)loop_later(s.loop, on_cancel, &s);
	s.later_victim = loop_later(s.loop, on_mark, &b);
	assert_string_equal(s.trail, "");
	loop_run(s.loop);
	assert_string_equal(s.trail, "a");
	loop_free(s.loop);
}

static void freeing_the_loop_frees_what_waits(void **state)
{
	struct seen s = { .loop = loop_new() };
	struct mark a = { &s, 'a' };

	(void)state;
	(void)timer_start(s.loop, 1000000, on_mark, &a);
	(void)loop_later(s.loop, on_mark, &a);
	loop_measure(s.loop);
	loop_free(s.loop); /* LeakSanitizer is the judge */
	assert_string_equal(s.trail, "");
}

static void on_signal(void *self, int signo)
{
	struct seen *s = self;

	assert_int_equal(signo, SIGUSR1);
	s->trail[0] = 'u';
	loop_stop(s->loop);
}

static void on_raise(void *self)
{
	(void)self;
	(void)raise(SIGUSR1);
}

static void on_never(void *self)
{
	(void)self;
}

static void signal_reaches_the_loop(void **state)
{
	struct seen s = { .loop = loop_new() };
	struct timer *keep;

	(void)state;
	loop_on_signal(s.loop, SIGUSR1, NULL, NULL);
	loop_on_signal(s.loop, SIGUSR1, on_signal, &s); /* the last one counts */
	keep = timer_start(s.loop, 1000000, on_never, NULL);
	(void)timer_start(s.loop, 0, on_raise, NULL);
	loop_run(s.loop);
	assert_string_equal(s.trail, "u");
	timer_cancel(keep);
	loop_free(s.loop);
}

static void on_block(void *self)
{
	(void)self;
	(void)usleep(60000);
}

static void a_blocked_loop_shows_in_its_delay(void **state)
{
	struct seen s = { .loop = loop_new() };
	struct loop_delay d;

	(void)state;
	loop_measure(s.loop);
	(void)timer_start(s.loop, 5, on_block, NULL);
	(void)timer_start(s.loop, 120, on_never, NULL);
	loop_run(s.loop);
	d = loop_delay_get(s.loop);
	assert_true(d.samples >= 1);
	assert_true(d.max_us >= 30000);
	assert_true(d.p999_us <= d.max_us && d.p999_us > 0);
	loop_free(s.loop);
}

static void wall_and_monotonic_agree_on_their_units(void **state)
{
	int64_t s = clock_wall(), us = clock_wall_us();

	(void)state;
	assert_true(us / 1000000 >= s && us / 1000000 - s <= 5);
	assert_true(clock_ms() > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timers_fire_in_order_of_time),
		cmocka_unit_test(later_comes_on_the_next_turn_unless_cancelled),
		cmocka_unit_test(freeing_the_loop_frees_what_waits),
		cmocka_unit_test(signal_reaches_the_loop),
		cmocka_unit_test(a_blocked_loop_shows_in_its_delay),
		cmocka_unit_test(wall_and_monotonic_agree_on_their_units),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
