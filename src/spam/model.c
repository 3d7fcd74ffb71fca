/* model.c: how often was each feature seen in ham and in spam? Open addressing in MODEL_PARTS tables, so that one
 * that grows copies little and holds up a lesson shortly. A slot of 32 bits holds 24 bits of the feature (8 more
 * are the table's number) and two counts as steps of four bits, fine at first and by whole messages then; the one
 * in twenty that is between or beyond has its counts in one wide table. Slots whose counts fell back to zero stay
 * until their table next grows. Failures: none (memory ends the process; what a message adds is at most L_TOKENS
 * slots). */
#include "spam/model.h"

#include <stdlib.h>

#include "core/mem.h"

enum { KEY_BITS = 24, CODE_BITS = 8, WIDE = 0xff, FIRST_SLOTS = 8, FIRST_WIDE = 64 };

static const unsigned char steps[15] = { 0, 1, 2, 3, 4, 5, 6, 8, 12, 16, 20, 24, 28, 32, 40 };

struct counts {
	uint32_t ham, spam;
};

void model_init(struct model *m)
{
	*m = (struct model){ 0 };
}

void model_free(struct model *m)
{
	for (size_t i = 0; i < MODEL_PARTS; i++)
		free(m->parts[i].slots);
	free(m->wide);
	model_init(m);
}

uint32_t model_feature(uint64_t feature)
{
	uint64_t mixed =
	    feature * 0x9e3779b97f4a7c15; /* the low bits are the class, and count too */
	uint32_t cut = (uint32_t)(mixed >> 32);

	return (cut + ((cut & ((1U << KEY_BITS) - 1)) == 0));
}

static unsigned part_of(uint32_t feature)
{
	return (feature >> KEY_BITS);
}

static uint32_t key_of(uint32_t slot)
{
	return (slot >> CODE_BITS);
}

static uint32_t home(uint32_t key, uint32_t cap)
{
	return ((uint32_t)((uint64_t)key * cap >> KEY_BITS));
}

/* A table is never full: see those that grow. Were one, what is not in it would be looked for without
 * end, under the lock that every score waits for. */
static void probed(uint32_t probes, uint32_t cap)
{
	if (probes >= cap)
		abort();
}

static uint32_t *find(const struct model_part *p, uint32_t key)
{
	uint32_t at = p->cap == 0 ? 0 : home(key, p->cap);

	for (uint32_t n = 0; p->cap > 0 && p->slots[at] != 0; n++) {
		if (key_of(p->slots[at]) == key)
			return (&p->slots[at]);
		probed(n, p->cap);
		at = at + 1 == p->cap ? 0 : at + 1;
	}
	return (NULL);
}

static uint32_t *put(struct model_part *p, uint32_t slot) /* there is room, and it is not there */
{
	uint32_t at = home(key_of(slot), p->cap);

	for (uint32_t n = 0; p->slots[at] != 0; n++) {
		probed(n, p->cap);
		at = at + 1 == p->cap ? 0 : at + 1;
	}
	p->slots[at] = slot;
	p->used++;
	return (&p->slots[at]);
}

static bool is_empty(uint32_t slot)
{
	return ((slot & WIDE) == 0);
}

/* To a table with room for a third as many again; slots without counts are left behind. */
static void grow(struct model_part *p)
{
	struct model_part old = *p;

	p->cap = old.live + old.live / 3 + FIRST_SLOTS;
	p->used = 0;
	p->slots = mem_new_array(p->cap, sizeof(*p->slots));
	for (uint32_t i = 0; i < old.cap; i++)
		if (!is_empty(old.slots[i]))
			(void)put(p, old.slots[i]);
	free(old.slots);
}

static uint32_t *find_or_make(struct model_part *p, uint32_t key)
{
	uint32_t *slot = find(p, key);

	if (slot != NULL)
		return (slot);
	if (p->cap == 0 || (uint64_t)(p->used + 1) * 8 > (uint64_t)p->cap * 7)
		grow(p);
	return (put(p, key << CODE_BITS));
}

/* --- counts: in the slot, or in the wide table when the slot says so --- */

static struct feature_count *wide_at(
    const struct model *m, uint32_t feature) /* or where it would be */
{
	uint32_t mask = m->wide_cap - 1, at = (feature * 0x9e3779b1U >> 8) & mask;

	for (uint32_t n = 0; m->wide[at].feature != 0 && m->wide[at].feature != feature; n++) {
		probed(n, m->wide_cap);
		at = (at + 1) & mask;
	}
	return (&m->wide[at]);
}

/* Entries whose counts went back into a slot are left behind. */
static void wide_grow(struct model *m)
{
	struct feature_count *old = m->wide;
	uint32_t n = m->wide_cap;

	if (n == 0 || m->wide_live >= n / 2)
		m->wide_cap = n == 0 ? FIRST_WIDE : n * 2;
	m->wide = mem_new_array(m->wide_cap, sizeof(*m->wide));
	m->wide_used = 0;
	for (uint32_t i = 0; i < n; i++) {
		if (old[i].ham == 0 && old[i].spam == 0)
			continue;
		*wide_at(m, old[i].feature) = old[i];
		m->wide_used++;
	}
	free(old);
}

static void wide_set(struct model *m, uint32_t feature, struct counts c)
{
	struct feature_count *w;

	if (m->wide_cap == 0 || (uint64_t)(m->wide_used + 1) * 8 > (uint64_t)m->wide_cap * 7)
		wide_grow(m);
	w = wide_at(m, feature);
	m->wide_used += w->feature == 0;
	m->wide_live += w->ham == 0 && w->spam == 0;
	*w = (struct feature_count){ feature, c.ham, c.spam };
}

static void wide_drop(struct model *m, uint32_t feature)
{
	struct feature_count *w = wide_at(m, feature);

	w->ham = w->spam = 0;
	m->wide_live--;
}

static unsigned step_of(uint32_t count)
{
	for (unsigned i = 0; i < COUNT_OF(steps); i++)
		if (steps[i] == count)
			return (i);
	return (COUNT_OF(steps));
}

static struct counts counts_of(const struct model *m, uint32_t feature, uint32_t slot)
{
	const struct feature_count *w;

	if ((slot & WIDE) != WIDE)
		return ((struct counts){ steps[slot >> 4 & 15], steps[slot & 15] });
	w = wide_at(m, feature);
	return ((struct counts){ w->ham, w->spam });
}

static void set_counts(struct model *m, uint32_t feature, uint32_t *slot, struct counts c)
{
	struct model_part *p = &m->parts[part_of(feature)];
	unsigned ham = step_of(c.ham), spam = step_of(c.spam);
	bool was_wide = (*slot & WIDE) == WIDE,
	     is_wide = ham == COUNT_OF(steps) || spam == COUNT_OF(steps);

	p->live -= !is_empty(*slot);
	p->live += c.ham > 0 || c.spam > 0;
	if (is_wide)
		wide_set(m, feature, c);
	else if (was_wide)
		wide_drop(m, feature);
	*slot = key_of(*slot) << CODE_BITS | (is_wide ? WIDE : ham << 4 | spam);
}

struct feature_count model_get(const struct model *m, uint32_t feature)
{
	const uint32_t *slot = find(&m->parts[part_of(feature)], feature & ((1U << KEY_BITS) - 1));
	struct counts c = { 0 };

	if (slot != NULL)
		c = counts_of(m, feature, *slot);
	return ((struct feature_count){ feature, c.ham, c.spam });
}

static uint32_t moved(uint32_t count, int64_t by)
{
	int64_t n = (int64_t)count + by;

	return (n < 0 ? 0 : n > UINT32_MAX ? UINT32_MAX : (uint32_t)n);
}

void model_change(struct model *m, const struct feature_change *c)
{
	struct model_part *p = &m->parts[part_of(c->feature)];
	uint32_t key = c->feature & ((1U << KEY_BITS) - 1), *slot = find(p, key);
	struct counts now;

	if (slot == NULL) {
		if (c->ham <= 0 && c->spam <= 0)
			return; /* nothing to take from */
		slot = find_or_make(p, key);
	}
	now = counts_of(m, c->feature, *slot);
	set_counts(m, c->feature, slot,
	    (struct counts){ moved(now.ham, c->ham), moved(now.spam, c->spam) });
}

static uint64_t less(uint64_t a, uint64_t b)
{
	return (a > b ? a - b : 0);
}

void model_learn(struct model *m, const struct features *f, struct lesson_mark is, bool undo)
{
	bool ham = is.is == LESSON_HAM;
	uint64_t *units = ham ? &m->totals.ham : &m->totals.spam,
		 *lessons = ham ? &m->totals.hams : &m->totals.spams;
	int64_t by = undo ? -(int64_t)is.weight : (int64_t)is.weight;

	if (is.is == LESSON_NONE)
		return;
	*units = undo ? less(*units, is.weight) : *units + is.weight;
	*lessons = undo ? less(*lessons, 1) : *lessons + 1;
	for (size_t i = 0; i < f->n; i++)
		model_change(m,
		    &(struct feature_change){ model_feature(f->v[i]), ham ? by : 0, ham ? 0 : by });
	m->fresh += f->n;
}

size_t model_list(const struct model *m, unsigned part, struct feature_count *v)
{
	const struct model_part *p = &m->parts[part];
	size_t n = 0;

	/* Linear probing by rising key: what went round the end comes first, the rest is nearly in order. */
	for (uint32_t i = 0; i < p->cap; i++) {
		uint32_t feature = (uint32_t)part << KEY_BITS | key_of(p->slots[i]);
		struct counts c;
		size_t at;

		if (is_empty(p->slots[i]))
			continue;
		c = counts_of(m, feature, p->slots[i]);
		for (at = n; at > 0 && v[at - 1].feature > feature; at--)
			v[at] = v[at - 1];
		v[at] = (struct feature_count){ feature, c.ham, c.spam };
		n++;
	}
	return (n);
}

size_t model_count(const struct model *m)
{
	size_t n = 0;

	for (size_t i = 0; i < MODEL_PARTS; i++)
		n += m->parts[i].live;
	return (n);
}

/* Has any of the first n models a count there? */
static bool any_has(const struct model *const *v, size_t n, unsigned part, uint32_t key)
{
	for (size_t i = 0; i < n; i++) {
		const uint32_t *slot = find(&v[i]->parts[part], key);

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

size_t model_octets(const struct model *m)
{
	size_t n = sizeof(*m) + m->wide_cap * sizeof(*m->wide);

	for (size_t i = 0; i < MODEL_PARTS; i++)
		n += m->parts[i].cap * sizeof(uint32_t);
	return (n);
}
