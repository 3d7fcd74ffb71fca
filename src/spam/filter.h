/* filter.h: the connect filters: which of them does this peer meet, and what does the owner want done
 * then? Pure. A fact that is unknown meets no filter. */
#ifndef SPAM_FILTER_H
#define SPAM_FILTER_H

#include "core/cfg.h"
#include "spam/facts.h"

struct filter_hit {
	const char *name;             /* "no-rdns": as in [filter.no-rdns] */
	enum cfg_action action;       /* never ACTION_OFF */
	const char *enhanced, *reply; /* what a refused peer is told */
};
enum { FILTER_MAX = 5 };

/* Is this reverse name like one of the owner's patterns? Runs them all: once a peer. */
bool filter_is_residential(const struct cfg_filters *c, struct slice rdns);
/* The number of hits, in the order in which they are told. */
size_t filter_look(
    const struct cfg_filters *c, const struct facts *f, struct filter_hit ret[FILTER_MAX]);

#endif
