/* domain.h: domain names as mail compares them. IDNA2008 with UTS #46 through libidn2; LDH, empty labels
 * and lengths are checked here, since that library lets some through. */
#ifndef CORE_DOMAIN_H
#define CORE_DOMAIN_H

#include "core/arena.h"
#include "core/buf.h"

/* domain_ok: letters, digits, hyphen, underscore; labels 1 to 63, whole 1 to 253; no final dot. ASCII only. */
bool domain_ok(struct slice s);
/* domain_ascii: lower-case A-label form of a U- or A-label name, in the arena; empty slice when invalid. */
struct slice domain_ascii(struct arena *a, struct slice s);
/* domain_same: equal after domain_ascii on both. */
bool domain_same(struct slice a, struct slice b);
/* domain_is_within: is ${name} that domain, or below it? Whole labels: "evilbank.example" is not within
 * "bank.example". ASCII case is folded, nothing else: both are A-labels, or both as written. False for an
 * empty domain. */
bool domain_is_within(struct slice name, struct slice domain);

#endif
