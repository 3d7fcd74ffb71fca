/* Counts kept the plain way, to compare a model with: one row a feature, looked for from the start. */
#ifndef TEST_SPAM_PLAIN_H
#define TEST_SPAM_PLAIN_H

#include <stdlib.h>

#include "core/mem.h"
#include "spam/model.h"

enum { PLAIN_MAX = 8192 };

struct plain {
	struct feature_count v[PLAIN_MAX];
	size_t n;
	struct model_totals totals;
};

static inline struct feature_count *plain_row(struct plain *p, uint32_t feature)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].feature == feature)
			return (&p->v[i]);
	assert_true(p->n < PLAIN_MAX);
	p->v[p->n].feature = feature;
	return (&p->v[p->n++]);
}

static inline void plain_count(
    struct plain *p, const uint32_t *v, size_t n, struct lesson_mark is, bool undo)
{
	if (is.is == LESSON_NONE)
		return;
	*(is.is == LESSON_HAM ? &p->totals.ham : &p->totals.spam) +=
	    undo ? -(uint64_t)is.weight : is.weight;
	*(is.is == LESSON_HAM ? &p->totals.hams : &p->totals.spams) += undo ? (uint64_t)-1 : 1;
	for (size_t i = 0; i < n; i++) {
		struct feature_count *c = plain_row(p, v[i]);

		*(is.is == LESSON_HAM ? &c->ham : &c->spam) += undo ? -is.weight : is.weight;
	}
}

static inline void plain_learn(
    struct plain *p, const struct features *f, struct lesson_mark is, bool undo)
{
	uint32_t *v = mem_new_array(f->n + 1, sizeof(*v));

	for (size_t i = 0; i < f->n; i++)
		v[i] = model_feature(f->v[i]);
	plain_count(p, v, f->n, is, undo);
	free(v);
}

/* The same counts, and none besides. */
static inline void assert_plain(const struct model *m, const struct plain *p)
{
	size_t live = 0;

	assert_int_equal(m->totals.ham, p->totals.ham);
	assert_int_equal(m->totals.spam, p->totals.spam);
	assert_int_equal(m->totals.hams, p->totals.hams);
	assert_int_equal(m->totals.spams, p->totals.spams);
	for (size_t i = 0; i < p->n; i++) {
		struct feature_count is = model_get(m, p->v[i].feature);

		assert_int_equal(is.ham, p->v[i].ham);
		assert_int_equal(is.spam, p->v[i].spam);
		live += is.ham + is.spam > 0;
	}
	assert_int_equal(model_count(m), live);
}

#endif
