/* gather.h: what was found about a message, as facts: the one way in, whether it arrives or lies in a file.
 * Pure, any thread, but for what asks lists: the loop's. A question that failed leaves its fact unknown (P14). */
#ifndef SPAM_GATHER_H
#define SPAM_GATHER_H

#include "core/cfg.h"
#include "dkim/auth.h"
#include "dkim/iprev.h"
#include "spam/classifier.h"
#include "spam/facts.h"

struct list_asks; /* spam/lists.h */
struct uri_hosts; /* msg/uri.h */

/* May DNS be asked about this address at all? Nobody can publish anything about private networks, and
 * what runs on this very host is not to be judged by its neighbours' names; a trial's own DNS can. */
bool gather_may_ask(const struct cfg *cfg, const struct ip *address);
/* May it be asked for the address's own name? */
bool gather_has_name(const struct cfg *cfg, const struct ip *address);
/* The peer's part; rdns is ${r}'s. */
void gather_peer(const struct iprev_result *r, const struct cfg_filters *c, struct facts *ret);
/* The sender's part; ${h} is the message's header. Slices live as long as ${r} and ${a}. */
void gather_proof(const struct dkim_auth_result *r, struct arena *a, const struct header *h,
    const struct cfg_filters *c, struct facts *ret);
/* Asks about what is known before the proofs are, so that they overlap: From, the envelope, HELO, links. */
void gather_ask_lists(
    struct list_asks *q, const struct facts *f, const struct uri_hosts *uris);
void gather_ask_proved(struct list_asks *q, const struct facts *f); /* then; ${q} may be NULL */
/* Once all is known: adds to those that list the peer, in the arena. ${q} may be NULL. */
void gather_listed(const struct list_asks *q, struct arena *a, struct facts *ret);
/* The one address of From, folded, in the arena; empty when there are none or several. */
struct slice gather_from(struct arena *a, const struct header *h);
/* The classifier's answer for ret->account. ${c} NULL: it knows nothing. */
void gather_classify(struct classifier *c, const struct features *words, struct facts *ret);

#endif
