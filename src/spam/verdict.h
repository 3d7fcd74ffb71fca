/* verdict.h: facts to one verdict, with the points and reasons that led there. DESIGN section 5. Pure.
 *
 * Order of trust: an [[allow]] of the owner; a [[deny]]; a [[rule]] that says where; what the From's
 * domain asks for (DMARC); a correspondent who proved his domain; then score and filters, of which the
 * harsher decides. An [[allow]] without ip or domain does not stand in for a proof that the From's
 * domain asks for: anybody can write a friend's address. */
#ifndef SPAM_VERDICT_H
#define SPAM_VERDICT_H

#include "core/arena.h"
#include "core/cfg.h"
#include "spam/facts.h"

enum verdict_act { /* in the order of harm */
	VERDICT_ACCEPT,
	VERDICT_GREYLIST, /* 451, unless this sender came again: the greylist knows */
	VERDICT_DEFER,    /* 451: a fact that decides could not be found out now */
	VERDICT_JUNK,
	VERDICT_REJECT,
};
struct verdict_point {
	const char *rule;
	double points;
};
struct verdict {
	enum verdict_act act;
	double score;
	bool by_owner; /* an [[allow]], [[deny]] or [[rule]] decided, not what the message is like */
	const struct verdict_point *points; /* in the arena, by rule order; only rules that fired */
	size_t n;
	const struct slice *notes; /* in the arena: what else was looked at, in words */
	size_t notes_n;
	struct slice why; /* "score 7.3; bayes-spam 5.1; ...; no-rdns: junk" for the owner: header,
			     ledger */
	unsigned code;    /* for the peer, with GREYLIST, DEFER and REJECT; else 0 */
	const char *enhanced, *reply; /* words an honest sender can act on, naming no rule of the
					 score */
	/* what a [[rule]] wants besides; NULL: nothing */
	const char *folder, *flag;
	/* the [[rule]] that sends a copy on; NULL: none does, and ${notes} say why when one wanted to
	 * (send_on.h) */
	const struct cfg_rule *forward;
};
/* ${cfg}: [score], filters and rules; what is pointed to from ${ret} lives as long as it. */
void verdict_judge(
    struct arena *a, const struct facts *f, const struct cfg *cfg, struct verdict *ret);
/* The same of a message whose points were added up before to ${score}: what counts now is the rest of
 * ${cfg}. */
void verdict_again(struct arena *a, const struct facts *f, double score, const struct cfg *cfg,
    struct verdict *ret);
/* Before the message comes: is this recipient refused for what is known of peer and envelope? True with
 * code, enhanced and reply filled in. False while an [[allow]] might still hold. A filter refuses here
 * only where f->sender_known says that nobody is known under the sender's domain: who is may yet prove
 * himself, and stands before filters in the order of trust. */
bool verdict_refuses(
    struct arena *a, const struct facts *f, const struct cfg *cfg, struct verdict *ret);
/* Could verdict_refuses be true for what DNS may still say of any peer? If not, nobody has to wait for it at
 * RCPT. */
bool verdict_may_refuse(const struct cfg *cfg);
/* Does a connect filter refuse this peer, unless somebody is trusted? */
bool verdict_filtered(const struct facts *f, const struct cfg *cfg);
/* "a@b.example, ..."; NULL: no copy goes on. */
static inline const char *verdict_forward(const struct verdict *v)
{
	return (v->forward != NULL ? v->forward->forward_text : NULL);
}
const char *verdict_act_name(
    enum verdict_act act); /* "accept", "greylist", "defer", "junk", "reject" */

#endif
