/* clock.h: time. Deadlines use the loop's monotonic time; wall time only labels things (P19). In builds with
 * PENNYPOST_TEST_HOOKS the environment variable PENNYPOST_CLOCK_SCALE=N makes all timers N times faster and wall
 * time since start run N times as fast, so ten-minute rules can run in seconds. */
#ifndef CORE_CLOCK_H
#define CORE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct loop;
struct timer;

uint64_t clock_ms(void);     /* monotonic, scaled; any thread */
int64_t clock_wall(void);    /* seconds since 1970, any thread */
int64_t clock_wall_us(void); /* microseconds since 1970 */
/* timer_start: after ms (0: next turn) call back once. First act of the callback: forget the handle. */
struct timer *timer_start(struct loop *l, uint64_t ms, void (*on_time)(void *self), void *self);
void timer_cancel(struct timer *t); /* accepts NULL */

#endif
