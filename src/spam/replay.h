/* replay.h: would another configuration have decided otherwise about a message of the past? From the
 * facts and the score that the ledger kept; rules that look at fields need the message. Pure. */
#ifndef SPAM_REPLAY_H
#define SPAM_REPLAY_H

#include "core/cfg.h"
#include "spam/verdict.h"
#include "store/ledger.h"

enum replay_answer {
	REPLAY_SAME,
	REPLAY_FLIPS,
	REPLAY_NEEDS_MESSAGE, /* a rule looks at a field that only the message has */
	REPLAY_UNKNOWN,       /* the row is of a version that kept too little */
};
struct replay {
	struct verdict was, would; /* in the arena */
};
/* ${header}: of the message as it came, NULL: not at hand. ${now}: the configuration in force, ${next}: the
 * other one. Verdicts flip when their act, the folder, the flag or where a copy goes differ. */
enum replay_answer replay_row(struct arena *a, const struct ledger_row *row,
    const struct header *header, const struct cfg *now, const struct cfg *next, struct replay *ret);

#endif
