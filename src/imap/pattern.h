/* pattern.h: does a mailbox name match a LIST pattern? "*" is anything, "%" anything but "/" (RFC
 * 9051 6.3.9). Linear in the name whatever the pattern: all states of the match are kept at once,
 * as bits. */
#ifndef IMAP_PATTERN_H
#define IMAP_PATTERN_H

#include "core/arena.h"

struct pattern;

/* The pattern is in UTF-8. Runs of wildcards count as one. */
struct pattern *pattern_new(struct arena *a, struct slice text);
/* "INBOX", alone or as first level, is compared in any case. */
bool pattern_match(const struct pattern *p, struct slice name);
bool pattern_ends_with_percent(const struct pattern *p);

#endif
