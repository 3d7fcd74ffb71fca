/* model.c: how often was each feature seen in ham and in spam? An open-addressing table; features are keyed hashes already, so their
 * own bits place them. Slots whose counts fell back to zero stay until the table next grows. Failures: none (memory ends the process;
 * what a message adds is at most L_TOKENS slots). */
#include "spam/model.h"

#include <stdlib.h>

#include "core/mem.h"

enum { FIRST_SLOTS = 1024 };

void model_init(struct model *m)
{
	*m = (struct model){ 0 };
}

void model_free(struct model *m)
{
	free(m->slots);
	model_init(m);
}

static size_t place(uint64_t feature, size_t cap)
{
	return ((size_t)(feature >> 3) & (cap - 1)); /* the low bits are the class */
}

static struct feature_count *find(const struct model *m, uint64_t feature)
{
	size_t at;

	if (m->cap == 0)
		return (NULL);
	for (at = place(feature, m->cap); m->slots[at].feature != 0; at = (at + 1) & (m->cap - 1))
		if (m->slots[at].feature == feature)
			return (&m->slots[at]);
	return (NULL);
}

const struct feature_count *model_get(const struct model *m, uint64_t feature)
{
	return (find(m, feature));
}

size_t model_count(const struct model *m)
{
	size_t n = 0;

	for (size_t i = 0; i < m->cap; i++)
		n += m->slots[i].ham + m->slots[i].spam > 0;
	return (n);
}

/* To a table with room for as many again; empty slots are left behind. */
static void grow(struct model *m)
{
	struct model old = *m;
	size_t live = model_count(m), cap = FIRST_SLOTS;

	while (cap < live * 2)
		cap *= 2;
	m->slots = mem_new_array(cap, sizeof(*m->slots));
	m->cap = cap;
	m->used = 0;
	for (size_t i = 0; i < old.cap; i++)
		if (old.slots[i].ham + old.slots[i].spam > 0)
			model_set(m, &old.slots[i]);
	free(old.slots);
}

static struct feature_count *find_or_make(struct model *m, uint64_t feature)
{
	struct feature_count *c = find(m, feature);
	size_t at;

	if (c != NULL)
		return (c);
	if (m->used + 1 > m->cap / 4 * 3)
		grow(m);
	at = place(feature, m->cap);
	while (m->slots[at].feature != 0)
		at = (at + 1) & (m->cap - 1);
	m->used++;
	m->slots[at] = (struct feature_count){ .feature = feature };
	return (&m->slots[at]);
}

void model_set(struct model *m, const struct feature_count *c)
{
	struct feature_count *mine;

	if (c->feature == 0)
		return;
	mine = find_or_make(m, c->feature);
	mine->ham = c->ham;
	mine->spam = c->spam;
}

static void step(uint32_t *count, bool undo)
{
	if (!undo)
		*count += *count < UINT32_MAX;
	else
		*count -= *count > 0;
}

void model_learn(struct model *m, const struct features *f, enum lesson_class is, bool undo)
{
	uint64_t *total = is == LESSON_HAM ? &m->totals.ham : &m->totals.spam;

	if (is == LESSON_NONE)
		return;
	if (undo)
		*total -= *total > 0;
	else
		(*total)++;
	for (size_t i = 0; i < f->n; i++) {
		struct feature_count *c = undo ? find(m, f->v[i]) : find_or_make(m, f->v[i]);

		if (c != NULL)
			step(is == LESSON_HAM ? &c->ham : &c->spam, undo);
	}
}
