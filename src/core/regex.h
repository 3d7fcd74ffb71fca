/* regex.h: patterns that the owner writes, over short subjects that a peer chose. PCRE2's interpreter
 * with limits on pattern, work and memory, so that no pattern and no subject can hold a thread. The one
 * door to that library. */
#ifndef CORE_REGEX_H
#define CORE_REGEX_H

#include "core/err.h"
#include "core/slice.h"

struct regex;

/* regex_new: caseless when ${fold}. NULL with err (ERR_PEER: what is wrong, and at which character)
 * for a pattern that cannot be compiled or is longer than L_REGEX. */
struct regex *regex_new(struct slice pattern, bool fold, struct err *err);
void regex_free(struct regex *r); /* accepts NULL */
/* regex_match: anywhere in the subject, of which the first L_REGEX_SUBJECT octets are looked at; they
 * need not be UTF-8. A match that would take more than L_REGEX_STEPS is none. Safe from any thread. */
bool regex_match(const struct regex *r, struct slice subject);

#endif
