/* unmoved.h (inside spam): what mail teaches that nobody moved: the rule alone. Pure. */
#ifndef SPAM_UNMOVED_H
#define SPAM_UNMOVED_H

#include "spam/classifier.h"

struct unmoved_case {
	/* when it came */
	bool junked;
	double score;     /* all points together */
	double junk;      /* from which score mail went to Junk; INFINITY: never */
	double others;    /* of the score, what was not the classifier's */
	/* now */
	enum folder_role role; /* of the folder it lies in */
	bool refiled;          /* not the folder it was delivered to */
	unsigned flags;        /* FLAG_... */
	bool early;            /* only what was read counts yet */
	double points;         /* the classifier's, for this account */
	struct model_totals known; /* what the account taught so far, units */
};
/* LESSON_NONE: it says nothing. */
struct lesson_mark unmoved_mark(const struct unmoved_case *m);

#endif
