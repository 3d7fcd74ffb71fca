/* model.c: how often was each feature seen in ham and in spam? Open addressing in MODEL_PARTS tables, so that one that grows copies
 * little and holds up a lesson shortly. Features are keyed hashes; 48 bits of them are kept, 8 by the part and 40 in the slot, beside two
 * counts of 12 bits; the few features with more are in a map. Of 10 million features less than one
 * pair is expected to share its 48 bits and so be counted as one. Slots whose counts fell back to zero stay until their table next grows. Failures: none (memory ends the process; what a
 * message adds is at most L_TOKENS slots). */
#include "spam/model.h"

#include <stdlib.h>

#include "core/map.h"
#include "core/mem.h"

enum { COUNT_BITS = 12, LARGE = (1 << COUNT_BITS) - 1, FIRST_SLOTS = 8 };

struct large {
	uint32_t ham, spam;
};

struct place { /* of a feature */
	unsigned part;
	uint64_t key; /* 40 bits, never 0 */
};

void model_init(struct model *m)
{
	*m = (struct model){ 0 };
}

void model_free(struct model *m)
{
	struct slice key;
	size_t at = 0;
	void *value;

	for (size_t i = 0; i < MODEL_PARTS; i++)
		free(m->parts[i].slots);
	while (m->large != NULL && map_next(m->large, &at, &key, &value))
		free(value);
	map_free(m->large);
	model_init(m);
}

static struct place place_of(uint64_t feature)
{
	uint64_t mixed =
	    feature * 0x9e3779b97f4a7c15; /* the low bits are the class, and count too */
	struct place p = { (unsigned)(mixed >> 56), mixed >> 16 & 0xffffffffff };

	p.key += p.key == 0;
	return (p);
}

static uint64_t key_of(uint64_t slot)
{
	return (slot >> (2 * COUNT_BITS));
}

static uint32_t home(uint64_t key, uint32_t cap)
{
	return ((uint32_t)((key >> 8) * cap >> 32));
}

static uint64_t *find(const struct model_part *p, uint64_t key)
{
	uint32_t at;

	if (p->cap == 0)
		return (NULL);
	for (at = home(key, p->cap); p->slots[at] != 0; at = at + 1 == p->cap ? 0 : at + 1)
		if (key_of(p->slots[at]) == key)
			return (&p->slots[at]);
	return (NULL);
}

static uint64_t *put(struct model_part *p, uint64_t slot) /* there is room, and it is not there */
{
	uint32_t at = home(key_of(slot), p->cap);

	while (p->slots[at] != 0)
		at = at + 1 == p->cap ? 0 : at + 1;
	p->slots[at] = slot;
	p->used++;
	return (&p->slots[at]);
}

static bool is_empty(uint64_t slot)
{
	return ((slot & ((1 << 2 * COUNT_BITS) - 1)) == 0);
}

/* To a table with room for half as many again; slots without counts are left behind. */
static void grow(struct model_part *p)
{
	struct model_part old = *p;

	p->cap = old.live + old.live / 2 + FIRST_SLOTS;
	p->used = 0;
	p->slots = mem_new_array(p->cap, sizeof(*p->slots));
	for (uint32_t i = 0; i < old.cap; i++)
		if (!is_empty(old.slots[i]))
			(void)put(p, old.slots[i]);
	free(old.slots);
}

static uint64_t *find_or_make(struct model_part *p, uint64_t key)
{
	uint64_t *slot = find(p, key);

	if (slot != NULL)
		return (slot);
	if (p->cap == 0 || (uint64_t)(p->used + 1) * 8 > (uint64_t)p->cap * 7)
		grow(p);
	return (put(p, key << (2 * COUNT_BITS)));
}

/* --- counts: in the slot, or in the map when the slot says so --- */

static struct slice large_key(const struct place *at, char text[8])
{
	uint64_t whole = (uint64_t)at->part << 40 | at->key;

	memcpy(text, &whole, 8);
	return ((struct slice){ text, 8 });
}

static struct large counts_of(const struct model *m, const struct place *at, uint64_t slot)
{
	char text[8];

	if ((slot & LARGE) == LARGE)
		return (*(const struct large *)map_get(m->large, large_key(at, text)));
	return ((struct large){ (uint32_t)(slot >> COUNT_BITS & LARGE), (uint32_t)(slot & LARGE) });
}

static void set_counts(struct model *m, const struct place *at, uint64_t *slot, struct large c)
{
	struct model_part *p = &m->parts[at->part];
	bool was_large = (*slot & LARGE) == LARGE, is_large = c.ham >= LARGE || c.spam >= LARGE;
	uint64_t kept = key_of(*slot) << (2 * COUNT_BITS);
	struct large *l;
	char text[8];

	p->live -= !is_empty(*slot);
	p->live += c.ham > 0 || c.spam > 0;
	if (!is_large && was_large)
		free(map_drop(m->large, large_key(at, text)));
	if (!is_large) {
		*slot = kept | (uint64_t)c.ham << COUNT_BITS | c.spam;
		return;
	}
	if (m->large == NULL)
		m->large = map_new();
	if (!was_large) {
		l = NEW(struct large);
		(void)map_put(m->large, large_key(at, text), l);
	} else {
		l = map_get(m->large, large_key(at, text));
	}
	*l = c;
	*slot = kept | LARGE;
}

struct feature_count model_get(const struct model *m, uint64_t feature)
{
	struct place at = place_of(feature);
	const uint64_t *slot = find(&m->parts[at.part], at.key);
	struct large c = { 0 };

	if (slot != NULL)
		c = counts_of(m, &at, *slot);
	return ((struct feature_count){ feature, c.ham, c.spam });
}

void model_set(struct model *m, const struct feature_count *c)
{
	struct place at = place_of(c->feature);

	if (c->ham == 0 && c->spam == 0 && find(&m->parts[at.part], at.key) == NULL)
		return;
	set_counts(
	    m, &at, find_or_make(&m->parts[at.part], at.key), (struct large){ c->ham, c->spam });
}

static void step(uint32_t *count, unsigned by, bool undo)
{
	if (!undo)
		*count = *count > UINT32_MAX - by ? UINT32_MAX : *count + by;
	else
		*count -= *count < by ? *count : by;
}

void model_learn(struct model *m, const struct features *f, struct lesson_mark is, bool undo)
{
	uint64_t *total = is.is == LESSON_HAM ? &m->totals.ham : &m->totals.spam;

	if (is.is == LESSON_NONE)
		return;
	if (undo)
		*total -= *total < is.weight ? *total : is.weight;
	else
		*total += is.weight;
	for (size_t i = 0; i < f->n; i++) {
		struct place at = place_of(f->v[i]);
		struct model_part *p = &m->parts[at.part];
		uint64_t *slot = undo ? find(p, at.key) : find_or_make(p, at.key);
		struct large c;

		if (slot == NULL)
			continue;
		c = counts_of(m, &at, *slot);
		step(is.is == LESSON_HAM ? &c.ham : &c.spam, is.weight, undo);
		set_counts(m, &at, slot, c);
	}
}

static uint32_t less(uint32_t a, uint32_t b)
{
	return (a > b ? a - b : 0);
}

void model_take_out(struct model *m, const struct model *what)
{
	m->totals.ham -= m->totals.ham < what->totals.ham ? m->totals.ham : what->totals.ham;
	m->totals.spam -= m->totals.spam < what->totals.spam ? m->totals.spam : what->totals.spam;
	for (unsigned part = 0; part < MODEL_PARTS; part++) {
		const struct model_part *p = &what->parts[part];

		for (uint32_t i = 0; i < p->cap; i++) {
			struct place at = { part, key_of(p->slots[i]) };
			uint64_t *slot =
			    is_empty(p->slots[i]) ? NULL : find(&m->parts[part], at.key);
			struct large a, b;

			if (slot == NULL)
				continue;
			a = counts_of(m, &at, *slot);
			b = counts_of(what, &at, p->slots[i]);
			set_counts(m, &at, slot,
			    (struct large){ less(a.ham, b.ham), less(a.spam, b.spam) });
		}
	}
}

size_t model_count(const struct model *m)
{
	size_t n = 0;

	for (size_t i = 0; i < MODEL_PARTS; i++)
		n += m->parts[i].live;
	return (n);
}

/* Has any of the first n models a count there? */
static bool any_has(const struct model *const *v, size_t n, unsigned part, uint64_t key)
{
	for (size_t i = 0; i < n; i++) {
		const uint64_t *slot = find(&v[i]->parts[part], key);

		if (slot != NULL && !is_empty(*slot))
			return (true);
	}
	return (false);
}

size_t model_count_union(const struct model *const *v, size_t n)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++) {
		for (unsigned part = 0; part < MODEL_PARTS; part++) {
			const struct model_part *p = &v[i]->parts[part];

			for (uint32_t k = 0; i > 0 && k < p->cap; k++)
				count += !is_empty(p->slots[k]) &&
				    !any_has(v, i, part, key_of(p->slots[k]));
			count += i == 0 ? p->live : 0;
		}
	}
	return (count);
}
