/* bodyhash.h: the hashes of a body that signatures ask for, made while it arrives, once for each canonical form and length.
 * RFC 6376 3.4.3, 3.4.4, 3.4.5, 3.7. Nothing of the body is kept. */
#ifndef DKIM_BODYHASH_H
#define DKIM_BODYHASH_H

#include "dkim/canon.h"

enum { BODYHASH_OCTETS = 32, BODYHASH_NONE = -1 };

struct bodyhash;

struct bodyhash *bodyhash_new(void);
void bodyhash_free(struct bodyhash *b); /* accepts NULL */
/* Before the first octet: the hash of the first ${length} octets of that form (UINT64_MAX: of all). A number to ask with later;
 * BODYHASH_NONE: more than L_BODYHASH different ones, or the library fails. */
int bodyhash_want(struct bodyhash *b, enum canon how, uint64_t length);
void bodyhash_add(struct bodyhash *b, struct slice octets); /* the CRLF form, in any pieces */
void bodyhash_end(struct bodyhash *b);
/* After the end. ${ret_size}: octets of the canonical form, of which at most ${length} were hashed. */
void bodyhash_get(
    const struct bodyhash *b, int which, unsigned char ret[BODYHASH_OCTETS], uint64_t *ret_size);

#endif
