/* loop_int.h: what the files of this folder that hold libuv handles share. Every handle's ${data} points at a struct
 * that begins with a struct owned, so that loop_free can close what is left. */
#ifndef CORE_LOOP_INT_H
#define CORE_LOOP_INT_H

#include <pthread.h>
#include <uv.h>

#include "core/buf.h"
#include "core/list.h"
#include "core/loop.h"

enum {
	LOOP_READ = 262144,	 /* the read buffer all connections share */
	LOOP_PLAIN = 16384,	 /* one TLS record's worth of clear text */
	LOOP_CIPHER = 262144,	 /* clear octets encrypted before they go to the kernel */
	LOOP_SIGNALS = 65,
	LOOP_BUCKETS = 27 * 8,	 /* delays: eight steps to each power of two, up to 2^26 us */
};

struct owned {
	uv_close_cb on_close; /* frees or forgets the owner */
};

struct later {
	struct list node;
	void (*on_turn)(void *self);
	void *self;
	bool heap; /* made by loop_later; the others are embedded in their owner */
};

struct loop_signal {
	struct owned owned;
	uv_signal_t h;
	bool open;
	void (*on_signal)(void *self, int signo);
	void *self;
};

struct loop {
	struct owned owned; /* of prepare, check, idle, lag */
	uv_loop_t uv;
	uv_prepare_t prepare;
	uv_check_t check;
	uv_idle_t idle; /* runs while something waits for the next turn, so that poll does not block */
	uv_timer_t lag;
	struct list laters, flushes;
	struct loop_signal signals[LOOP_SIGNALS];
	pthread_t thread;
	bool running, has_lag;
	uint64_t lag_due_us, lag_max_us, lag_n;
	uint32_t lag_buckets[LOOP_BUCKETS];
	char *read;	       /* LOOP_READ octets, valid during one read callback */
	char *plain;	       /* LOOP_PLAIN octets, valid during one call of OpenSSL */
	struct buf cipher;     /* what OpenSSL wrote during one call */
	struct slice tls_in;   /* what OpenSSL may read during one call */
	void *bio;	       /* BIO_METHOD, made at the first TLS connection */
	void (*bio_free)(void *bio);
};

/* Embedded laters. Putting one that waits already changes nothing. */
void loop_put(struct loop *l, struct later *t);	      /* on the next turn */
void loop_put_flush(struct loop *l, struct later *t); /* at the end of this turn */
void loop_drop(struct later *t);
/* Only the loop's own thread may touch what belongs to it. */
void loop_assert(const struct loop *l);

/* clock.c: how many real milliseconds a timer takes for so many of ours. */
uint64_t clock_to_real_ms(uint64_t ms);

#endif
