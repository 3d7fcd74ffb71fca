/* suffixes.h: under which domain do independent owners begin? The Public Suffix List through libpsl, private part included: hosts
 * under one provider are strangers to each other. */
#ifndef DKIM_SUFFIXES_H
#define DKIM_SUFFIXES_H

#include "core/arena.h"
#include "core/err.h"

struct suffixes;

/* ${file}: a list in the format of publicsuffix.org; NULL: the newest of the packaged one and the one built into the library.
 * Reads files: before the sandbox. NULL with ${err} when there is none. */
struct suffixes *suffixes_open(const char *file, struct err *err);
void suffixes_free(struct suffixes *s); /* accepts NULL */
/* The organisational domain (RFC 7489 3.2) of a name in any form: A-labels, lower case, in the arena. Empty: no name, or itself a
 * public suffix. */
struct slice suffixes_org(const struct suffixes *s, struct arena *a, struct slice domain);
/* Does it end in a suffix that is on the list? A name of any form; false for one under no domain that anybody can have. */
bool suffixes_known(const struct suffixes *s, struct arena *a, struct slice domain);
/* The public suffix it stands under, or is; empty: no name. */
struct slice suffixes_public(const struct suffixes *s, struct arena *a, struct slice domain);

#endif
