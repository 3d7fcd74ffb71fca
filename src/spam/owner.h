/* owner.h: the owner's own rules ([[allow]], [[deny]], [[rule]]): does one hold for what is known? Pure. */
#ifndef SPAM_OWNER_H
#define SPAM_OWNER_H

#include "core/arena.h"
#include "core/cfg.h"
#include "spam/facts.h"

/* Does this one hold? FACT_UNKNOWN: it turns on something that is not known yet (f->header NULL: the
 * message has not come) or that could not be found out. ${a}: scratch. */
enum fact owner_holds(struct arena *a, const struct cfg_rule *r, const struct facts *f);
/* The first of the list that holds; NULL: none does. ${*ret_unsure}, unless NULL: one before it, or any
 * when none holds, is unknown. */
const struct cfg_rule *owner_first(
    struct arena *a, const struct cfg_rule *list, const struct facts *f, bool *ret_unsure);

#endif
