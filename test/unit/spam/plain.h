/* Counts kept the plain way, to compare a model with: one row a feature, looked for from the start. */
#ifndef TEST_SPAM_PLAIN_H
#define TEST_SPAM_PLAIN_H

#include "core/mem.h"
#include "spam/model.h"

enum { PLAIN_MAX = 8192 };

struct plain {
	struct feature_count v[PLAIN_MAX];
	size_t n;
	struct model_totals totals;
};

static inline struct feature_count *plain_row(struct plain *p, uint64_t feature)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].feature == feature)
			return (&p->v[i]);
	assert_true(p->n < PLAIN_MAX);
	p->v[p->n].feature = feature;
	return (&p->v[p->n++]);
}

static inline void plain_learn(
    struct plain *p, const struct features *f, struct lesson_mark is, bool undo)
{
	if (is.is == LESSON_NONE)
		return;
	*(is.is == LESSON_HAM ? &p->totals.ham : &p->totals.spam) +=
	    undo ? -(uint64_t)is.weight : is.weight;
	for (size_t i = 0; i < f->n; i++) {
		struct feature_count *c = plain_row(p, f->v[i]);

		*(is.is == LESSON_HAM ? &c->ham : &c->spam) += undo ? -is.weight : is.weight;
	}
}

/* The same counts, and none besides. */
static inline void assert_plain(const struct model *m, const struct plain *p)
{
	size_t live = 0;

	assert_int_equal(m->totals.ham, p->totals.ham);
	assert_int_equal(m->totals.spam, p->totals.spam);
	for (size_t i = 0; i < p->n; i++) {
		struct feature_count is = model_get(m, p->v[i].feature);

		assert_int_equal(is.ham, p->v[i].ham);
		assert_int_equal(is.spam, p->v[i].spam);
		live += is.ham + is.spam > 0;
	}
	assert_int_equal(model_count(m), live);
}

#endif
