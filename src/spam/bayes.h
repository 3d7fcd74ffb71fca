/* bayes.h (inside spam): probability from counts. Pure arithmetic, no allocation: feed every feature of a message once. */
#ifndef SPAM_BAYES_H
#define SPAM_BAYES_H

#include "spam/classifier.h"

struct bayes_counts { /* messages, as real numbers: a person's counts blended over everybody's */
	double ham, spam;
};
struct bayes {
	struct bayes_counts totals;
	double prior;    /* keeps a ratio finite */
	double evidence; /* sum of weighted log odds */
	double weight;   /* sum of weights */
};

/* Counts of units as messages: an act is a whole one. */
struct bayes_counts bayes_messages(double ham, double spam);
void bayes_start(struct bayes *b, struct bayes_counts totals);
/* Returns what it added to the evidence: above 0 for spam. */
double bayes_add(struct bayes *b, unsigned class, struct bayes_counts c);
/* raw: the unbounded score (0 neutral, higher more spam), for ranking; may be NULL. */
void bayes_end(const struct bayes *b, struct spam_score *ret, double *ret_raw);
/* How far others' counts stand in for a person's own: 1 with nothing learned, towards 0 with experience of both classes. */
double bayes_share(const struct model_totals *own);
/* The points a score is worth, -3 to +6.5, in proportion to probability and confidence. */
double bayes_points(double probability, double confidence);

#endif
