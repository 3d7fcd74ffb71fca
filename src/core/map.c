/* map.c: what was stored under these octets? Open addressing with linear probing; a dropped place
 * keeps a mark until the next growth, so that a walk with map_next may drop as it goes. */
#include "core/map.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>

#include "core/mem.h"
#include "core/secret.h"

enum { MAP_FIRST = 16 }; /* a power of two, as every later size */

enum place_state { PLACE_FREE, PLACE_USED, PLACE_DROPPED };

struct place {
	char *key; /* owned */
	size_t key_n;
	void *value; /* borrowed */
	uint64_t hash;
	enum place_state state;
};

struct map {
	struct place *places;
	size_t cap, used, marked; /* marked: used or dropped */
};

static struct {
	pthread_once_t once;
	unsigned char key[crypto_shorthash_KEYBYTES];
} process = { .once = PTHREAD_ONCE_INIT }; /* written once, before the first use */

static void make_key(void)
{
	secret_random(process.key, sizeof(process.key));
}

uint64_t map_hash(struct slice key)
{
	unsigned char out[crypto_shorthash_BYTES];
	uint64_t h = 0;

	(void)pthread_once(&process.once, make_key);
	(void)crypto_shorthash(
	    out, (const unsigned char *)(key.n > 0 ? key.p : ""), key.n, process.key);
	for (size_t i = 0; i < sizeof(out); i++)
		h = h << 8 | out[i];
	return (h);
}

struct map *map_new(void)
{
	return (NEW(struct map));
}

void map_free(struct map *m)
{
	if (m == NULL)
		return;
	for (size_t i = 0; i < m->cap; i++)
		free(m->places[i].key);
	free(m->places);
	free(m);
}

/* The place that holds the key, or NULL. */
static struct place *find(const struct map *m, struct slice key, uint64_t hash)
{
	if (m->cap == 0)
		return (NULL);
	for (size_t i = (size_t)hash & (m->cap - 1);; i = (i + 1) & (m->cap - 1)) {
		struct place *p = &m->places[i];

		if (p->state == PLACE_FREE)
			return (NULL); /* growth leaves free places always */
		if (p->state == PLACE_USED && p->hash == hash &&
		    slice_eq((struct slice){ p->key, p->key_n }, key))
			return (p);
	}
}

static void resize(struct map *m)
{
	struct place *old = m->places;
	size_t old_cap = m->cap;

	m->cap = MAP_FIRST;
	while (m->cap < m->used * 2 + 2)
		m->cap *= 2;
	m->places = mem_new_array(m->cap, sizeof(*m->places));
	m->marked = m->used;
	for (size_t i = 0; i < old_cap; i++) {
		size_t at = (size_t)old[i].hash & (m->cap - 1);

		if (old[i].state != PLACE_USED)
			continue;
		while (m->places[at].state != PLACE_FREE)
			at = (at + 1) & (m->cap - 1);
		m->places[at] = old[i];
	}
	free(old);
}

void *map_get(const struct map *m, struct slice key)
{
	struct place *p = find(m, key, map_hash(key));

	return (p != NULL ? p->value : NULL);
}

void *map_put(struct map *m, struct slice key, void *value)
{
	uint64_t hash = map_hash(key);
	struct place *p = find(m, key, hash);
	size_t at;

	if (p != NULL) {
		void *was = p->value;

		p->value = value;
		return (was);
	}
	if ((m->marked + 1) * 4 > m->cap * 3)
		resize(m);
	at = (size_t)hash & (m->cap - 1);
	while (m->places[at].state == PLACE_USED)
		at = (at + 1) & (m->cap - 1);
	p = &m->places[at];
	if (p->state == PLACE_FREE)
		m->marked++;
	m->used++;
	*p = (struct place){ .key = mem_strndup(key.n > 0 ? key.p : "", key.n),
		.key_n = key.n,
		.value = value,
		.hash = hash,
		.state = PLACE_USED };
	return (NULL);
}

void *map_drop(struct map *m, struct slice key)
{
	struct place *p = find(m, key, map_hash(key));
	void *was;

	if (p == NULL)
		return (NULL);
	was = p->value;
	free(p->key); /* ${key} may have pointed here: not used after this */
	*p = (struct place){ .state = PLACE_DROPPED };
	m->used--;
	return (was);
}

size_t map_count(const struct map *m)
{
	return (m->used);
}

bool map_next(const struct map *m, size_t *at, struct slice *ret_key, void **ret_value)
{
	while (*at < m->cap) {
		const struct place *p = &m->places[(*at)++];

		if (p->state != PLACE_USED)
			continue;
		*ret_key = (struct slice){ p->key, p->key_n };
		*ret_value = p->value;
		return (true);
	}
	return (false);
}
