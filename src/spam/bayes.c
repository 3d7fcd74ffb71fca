/* bayes.c: what do counts say about a message? Each known feature gives the logarithm of its odds, weighted by the confidence that it
 * tells the classes apart and, for pairs, by the distance of their words; the sum is divided by a power of the summed weights, because
 * features of one message lean on each other. Pure arithmetic. README.md has what each choice buys. */
#include "spam/bayes.h"

#include <math.h>

#define PRIOR 0.2      /* of a message, given to each class of each feature */
#define SPREAD 0.75    /* power of the summed weights: 0.5 for independent features, 1 a mean */
#define COLD 3.0       /* messages of the rarer class at which the score has half its strength */
#define COLD_TRUST 0.5 /* and the confidence */
#define ONE_CLASS 0.05 /* strength of the score while one class is unknown: it speaks, softly */
/* Spam known beyond ham by more than this many stands in for ham, at a quarter: a person who only ever
 * moves spam would else have a filter that never speaks up, and so never learns ham. */
#define ALONE 50.0
#define ALONE_WORTH 4.0
#define OWN_HALF 50.0 /* own messages of the rarer class at which others' count half */
#define POINTS_SPAM 6.5
#define POINTS_HAM 3.0

static const double by_distance[8] = { 1, 1, 0.7, 0.7, 0.7, 0.7, 0.7, 0.7 };

struct bayes_counts bayes_messages(double ham, double spam)
{
	return ((struct bayes_counts){ ham / LESSON_EXPLICIT, spam / LESSON_EXPLICIT });
}

void bayes_start(struct bayes *b, struct bayes_counts totals)
{
	*b = (struct bayes){ .totals = totals, .prior = PRIOR / (totals.ham + totals.spam + 1) };
}

double bayes_add(struct bayes *b, unsigned class, struct bayes_counts c)
{
	double ham = b->totals.ham > 0 ? c.ham / b->totals.ham : 0;
	double spam = b->totals.spam > 0 ? c.spam / b->totals.spam : 0;
	double difference, weight, evidence;

	if (!(ham + spam > 0))
		return (0);
	difference = (spam - ham) / (spam + ham);
	difference *= difference;
	weight = difference * difference * difference * by_distance[class & 7];
	evidence = weight * log((spam + b->prior) / (ham + b->prior));
	b->evidence += evidence;
	b->weight += weight;
	return (evidence);
}

void bayes_end(const struct bayes *b, struct spam_score *ret, double *ret_raw)
{
	double rarer = fmin(b->totals.ham, b->totals.spam), strength;
	double raw;

	rarer += fmax(0, b->totals.spam - b->totals.ham - ALONE) / ALONE_WORTH;
	strength = rarer > 0 ? rarer / (rarer + COLD) : ONE_CLASS;
	raw = strength * b->evidence / pow(b->weight + 1, SPREAD);
	ret->known = b->totals.ham + b->totals.spam > 0;
	ret->probability = 1 / (1 + exp(-raw)); /* the raw score is the logarithm of the odds */
	ret->confidence = rarer / (rarer + COLD_TRUST) * (b->weight / (b->weight + 1));
	if (ret_raw != NULL)
		*ret_raw = raw;
}

double bayes_share(const struct model_totals *own)
{
	double rarer = (double)(own->ham < own->spam ? own->ham : own->spam) / LESSON_EXPLICIT;

	return (OWN_HALF / (OWN_HALF + rarer));
}

double bayes_points(double probability, double confidence)
{
	double lean = 2 * probability - 1; /* -1 to 1 */

	return (confidence * lean * (lean > 0 ? POINTS_SPAM : POINTS_HAM));
}
