/* model.h (inside spam): the counts of one model in memory: feature to the units of ham and of spam that had it (learn.h). A feature is
 * cut to 32 bits here, and what shares them is counted as one: of 2.5 million, one in 3,400. 4 octets a slot at 3/4 to 7/8 full, and 12
 * for the few whose counts do not fit: 6 to 7 octets a feature. No locks: classifier.c holds them. Counts never go below zero and are exact whatever their size. */
#ifndef SPAM_MODEL_H
#define SPAM_MODEL_H

#include "spam/classifier.h"

enum { MODEL_PARTS = 256 };

struct model_part {
	uint32_t *slots;    /* owned; 0: free */
	uint32_t cap, used; /* used: with slots whose counts are zero again */
	uint32_t live;      /* features with a count */
};
struct model {
	struct model_part parts[MODEL_PARTS];
	struct feature_count *wide; /* owned; NULL: none. Counts that do not fit a slot */
	uint32_t wide_cap, wide_used, wide_live;
	struct model_totals totals;
	size_t fresh; /* features changed since the counts were last written as a whole */
};

void model_init(struct model *m);
void model_free(struct model *m);
uint32_t model_feature(uint64_t feature); /* of the words of a message, cut; never 0 */
/* Zeroes: never seen. */
struct feature_count model_get(const struct model *m, uint32_t feature);
void model_change(struct model *m, const struct feature_change *c); /* while loading */
/* One message's distinct features, learned as ${is} or, ${undo}, unlearned exactly: each count of that class changes by the weight. */
void model_learn(struct model *m, const struct features *f, struct lesson_mark is, bool undo);
size_t model_count(const struct model *m); /* features with a count */
/* The same of several models together, each feature once. */
size_t model_count_union(const struct model *const *v, size_t n);
/* All of one part, by rising feature; ${v} has room for its ${live}. The features of a part share their highest eight bits. */
size_t model_list(const struct model *m, unsigned part, struct feature_count *v);
size_t model_octets(const struct model *m); /* of memory, for tests and figures */

#endif
