/* model.h (inside spam): the counts of one model in memory: feature to the units of ham and of spam that had it (learn.h). 8 octets a slot at 2/3 to
 * 7/8 full: about 10 octets a feature. No locks: classifier.c holds them. Counts never go below zero and are exact whatever their size. */
#ifndef SPAM_MODEL_H
#define SPAM_MODEL_H

#include "spam/classifier.h"

enum { MODEL_PARTS = 256 };

struct model_part {
	uint64_t *slots;    /* owned; 0: free */
	uint32_t cap, used; /* used: with slots whose counts are zero again */
	uint32_t live;      /* features with a count */
};
struct map;
struct model {
	struct model_part parts[MODEL_PARTS];
	struct map *large; /* owned; NULL: none. Counts that do not fit a slot */
	struct model_totals totals;
};

void model_init(struct model *m);
void model_free(struct model *m);
/* Zeroes: never seen. */
struct feature_count model_get(const struct model *m, uint64_t feature);
void model_set(struct model *m, const struct feature_count *c); /* while loading */
/* One message's distinct features, learned as ${is} or, ${undo}, unlearned exactly: each count of that class changes by the weight. */
void model_learn(struct model *m, const struct features *f, struct lesson_mark is, bool undo);
/* All of ${what}, totals too, is taken out of ${m}. */
void model_take_out(struct model *m, const struct model *what);
size_t model_count(const struct model *m); /* features with a count */
/* The same of several models together, each feature once. */
size_t model_count_union(const struct model *const *v, size_t n);

#endif
