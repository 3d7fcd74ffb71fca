/* send_on.h: may a copy of this message be sent on, as a [[rule]] with action "forward" wants? Of mail
 * that is accepted; that is verdict.c's to know. Pure. */
#ifndef SPAM_SEND_ON_H
#define SPAM_SEND_ON_H

#include "core/arena.h"
#include "core/cfg.h"
#include "msg/header.h"
#include "spam/facts.h"

/* Why not, in words for the owner (in the arena or static); NULL: it may. What is not known (a header
 * that is gone: f->header_partly) speaks against nothing. */
const char *send_on_against(
    struct arena *a, const struct facts *f, const struct cfg *cfg, const struct cfg_rule *r);

#endif
