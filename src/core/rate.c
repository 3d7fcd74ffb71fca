/* rate.c: may this key do it once more now? Each bucket is one number, the time at which it will
 * be full again: a token moves that time by one interval, and a bucket is empty when it lies a
 * whole burst ahead. The number does not change as time passes, so a heap by it finds the fullest
 * bucket at once. */
#include "core/rate.h"

#include <stdlib.h>

#include "core/map.h"
#include "core/mem.h"

enum { RATE_KEY = 64 }; /* longer keys are known by their hash */

struct bucket {
	double full_at; /* milliseconds, monotonic */
	size_t at;      /* place in the heap */
	size_t key_n;
	char key[];
};

struct rate {
	double burst, interval; /* milliseconds a token takes to come back */
	size_t max, n;
	struct bucket **heap; /* owned; smallest full_at first */
	struct map *by_key;
};

struct rate *rate_new(double burst, double per_second, size_t keys)
{
	struct rate *r = NEW(struct rate);

	r->burst = burst;
	r->interval = per_second > 1e-9 ? 1000 / per_second : 1e12; /* never, for this process */
	r->max = keys > 0 ? keys : 1;
	r->by_key = map_new();
	return (r);
}

void rate_free(struct rate *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < r->n; i++)
		free(r->heap[i]);
	free(r->heap);
	map_free(r->by_key);
	free(r);
}

static void place(struct rate *r, size_t at, struct bucket *b)
{
	r->heap[at] = b;
	b->at = at;
}

static void sink(struct rate *r, struct bucket *b)
{
	size_t at = b->at;

	for (;;) {
		size_t child = at * 2 + 1;

		if (child >= r->n)
			break;
		if (child + 1 < r->n && r->heap[child + 1]->full_at < r->heap[child]->full_at)
			child++;
		if (b->full_at <= r->heap[child]->full_at)
			break;
		place(r, at, r->heap[child]);
		at = child;
	}
	place(r, at, b);
}

static void lift(struct rate *r, struct bucket *b)
{
	size_t at = b->at;

	for (; at > 0 && b->full_at < r->heap[(at - 1) / 2]->full_at; at = (at - 1) / 2)
		place(r, at, r->heap[(at - 1) / 2]);
	place(r, at, b);
}

static void drop_fullest(struct rate *r)
{
	struct bucket *first = r->heap[0], *last = r->heap[--r->n];

	(void)map_drop(r->by_key, (struct slice){ first->key, first->key_n });
	free(first);
	if (r->n > 0) {
		place(r, 0, last);
		sink(r, last);
	}
}

static struct bucket *bucket_of(struct rate *r, struct slice key, double now)
{
	struct bucket *b = map_get(r->by_key, key);

	if (b != NULL)
		return (b);
	if (r->n == r->max)
		drop_fullest(r);
	b = mem_new(sizeof(*b) + key.n);
	b->full_at = now;
	b->key_n = key.n;
	memcpy(b->key, key.p, key.n);
	(void)map_put(r->by_key, key, b);
	if ((r->n & (r->n - 1)) == 0) /* room for twice as many */
		r->heap = mem_grow(r->heap, r->n == 0 ? 1 : r->n * 2, sizeof(struct bucket *));
	r->n++;
	place(r, r->n - 1, b);
	lift(r, b);
	return (b);
}

bool rate_take(struct rate *r, struct slice key, uint64_t now_ms)
{
	double now = (double)now_ms, next;
	uint64_t hash;
	struct bucket *b;

	if (key.n > RATE_KEY) {
		hash = map_hash(key);
		key = (struct slice){ (const char *)&hash, sizeof(hash) };
	} else if (key.n == 0) {
		key = SLICE("");
	}
	b = bucket_of(r, key, now);
	next = (b->full_at > now ? b->full_at : now) + r->interval;
	if (next - now > r->burst * r->interval + 1e-6 * r->interval)
		return (false);
	b->full_at = next;
	sink(r, b);
	return (true);
}
