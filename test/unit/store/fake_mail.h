/* fake_mail.h: the database half of the store alone: mailboxes that hold nothing, a folder of its own for each test, a loop
 * to run until something happened. */
#ifndef TEST_FAKE_MAIL_H
#define TEST_FAKE_MAIL_H

#include "core/cfg.h"
#include "core/loop.h"
#include "store/store_int.h"

struct bench {
	struct loop *loop;
	struct work *work;
	struct store *store; /* NULL once closed */
	struct cfg cfg;
	struct cfg_account ann, bob;
	struct cfg_address ann_address;
	char top[64];
	unsigned stopped, purged; /* what mailboxes were told */
};

struct bench *bench_new(void); /* a fresh folder, the process in it, the store open */
void bench_free(struct bench *b);
void bench_close(struct bench *b); /* the store alone */
void bench_open(struct bench *b);
int bench_start(void **state); /* cmocka's setup and teardown */
int bench_end(void **state);
/* Run the loop until *flag, at most a minute. */
void bench_until(struct bench *b, const bool *flag);
/* Run f(self) as if on this lane: here, once the lane is idle, so that a failed assertion ends the test. */
void bench_on_lane(struct bench *b, enum store_lane which, void (*f)(void *self), void *self);

#endif
