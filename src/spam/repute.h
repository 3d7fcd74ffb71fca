/* repute.h: whose reputation counts for a message, and what does its verdict say of whoever sent it?
 * store/reputation.h keeps it. Both on the loop. */
#ifndef SPAM_REPUTE_H
#define SPAM_REPUTE_H

#include "core/cfg.h"
#include "dkim/suffixes.h"
#include "spam/facts.h"
#include "spam/verdict.h"
#include "store/reputation.h"

/* Is anything learned of this address, or held against it? Not of this very host, nor of a private network
 * outside of trials. */
bool repute_counts(const struct cfg *cfg, const struct ip *peer);
/* The organisational domain of From when it was proved, A-labels, in the arena; else empty. ${s} NULL:
 * none. */
struct slice repute_domain(const struct suffixes *s, struct arena *a, const struct facts *f);
/* Fills the reputation of the facts: the proved domain's where it has one, else the network's;
 * of a domain that only a failed lookup keeps from being proved as repute_look_early. */
void repute_look(const struct store *store, const struct cfg *cfg, const struct suffixes *s,
    struct arena *a, struct facts *f);
/* The same before the message comes: a network's, unless the domain that the envelope names has a
 * better one: at the end of the data it may prove itself. */
void repute_look_early(const struct store *store, const struct cfg *cfg, const struct suffixes *s,
    struct arena *a, struct slice domain, struct facts *f);
/* What this verdict says of the sender: what the message itself looked like. Neither filters count (or a
 * network without a reverse name would end up refused, and one that is junked for its reputation could
 * never mend) nor DMARC's policy (a friend's forwarder would pay), nor what the owner's rules decided
 * beforehand; what an owner says of a message does, but later. LESSON_NONE: too little to say. */
enum lesson_class repute_of_verdict(const struct cfg *cfg, const struct verdict *v);

#endif
