/* model.h (inside spam): the counts of one model in memory: feature to how many ham and spam messages had it. 16 octets a slot, open
 * addressing, at most 3/4 full. No locks: classifier.c holds them. Counts never go below zero. */
#ifndef SPAM_MODEL_H
#define SPAM_MODEL_H

#include "spam/classifier.h"

struct model {
	struct feature_count *slots; /* owned; feature 0: free */
	size_t cap, used;            /* used: with slots whose counts are zero again */
	struct model_totals totals;
};

void model_init(struct model *m);
void model_free(struct model *m);
/* NULL: never seen. Valid until the next change. */
const struct feature_count *model_get(const struct model *m, uint64_t feature);
void model_set(struct model *m, const struct feature_count *c); /* while loading */
/* One message's distinct features, learned as ${is} or, ${undo}, unlearned exactly. */
void model_learn(struct model *m, const struct features *f, enum lesson_class is, bool undo);
size_t model_count(const struct model *m); /* features with a count */

#endif
