/* rate.h: token buckets by key, in bounded memory: when full, the fullest (least used) keys go first. */
#ifndef CORE_RATE_H
#define CORE_RATE_H

#include "core/slice.h"

struct rate;

/* ${burst} tokens at most, ${per_second} refilled; at most ${keys} keys are remembered. */
struct rate *rate_new(double burst, double per_second, size_t keys);
void rate_free(struct rate *r);
/* rate_take: one token for this key at this time (milliseconds, monotonic); false: none left. */
bool rate_take(struct rate *r, struct slice key, uint64_t now_ms);

#endif
