/* verdict.h: facts to accept, junk or reject, with the points that led there. DESIGN section 5. Pure. */
#ifndef SPAM_VERDICT_H
#define SPAM_VERDICT_H

#include "core/arena.h"
#include "core/cfg.h"
#include "spam/facts.h"

enum verdict_act { VERDICT_ACCEPT, VERDICT_JUNK, VERDICT_REJECT };
struct verdict_point {
	const char *rule;
	double points;
};
struct verdict {
	enum verdict_act act;
	double score;
	const struct verdict_point *points; /* in the arena, by rule order; only rules that fired */
	size_t n;
	struct slice why; /* "score 7.3; bayes-spam 5.1; html-only 1.2; ..." for the owner: header, ledger */
	const char *reply; /* for the peer when rejecting: words an honest sender can act on, naming no rule */
};
void verdict_judge(struct arena *a, const struct facts *f, const struct cfg_score *numbers, struct verdict *ret);

#endif
