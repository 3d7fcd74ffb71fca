/* map.h: keyed-hash map from octets to pointers. The hash is keyed at random per process, so a peer who
 * chooses the keys cannot choose the collisions. Keys are copied; values are borrowed. */
#ifndef CORE_MAP_H
#define CORE_MAP_H

#include "core/slice.h"

struct map;

struct map *map_new(void);
void map_free(struct map *m); /* not the values; accepts NULL */
void *map_get(const struct map *m, struct slice key);
/* map_put: sets; returns the value that was there, or NULL. */
void *map_put(struct map *m, struct slice key, void *value);
void *map_drop(struct map *m, struct slice key); /* returns what was there */
size_t map_count(const struct map *m);
/* Iteration: *at starts at 0; false at the end. The map must not change meanwhile, but map_drop of the
 * entry just returned is allowed. */
bool map_next(const struct map *m, size_t *at, struct slice *ret_key, void **ret_value);
/* The keyed hash itself (SipHash-2-4 under the process key), for others that need one. */
uint64_t map_hash(struct slice key);

#endif
