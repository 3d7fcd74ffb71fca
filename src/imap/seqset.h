/* seqset.h: number sets "1:5,9,20:*" (RFC 9051 9 sequence-set): sorted, without overlap, so that
 * each message is seen once and every question costs a binary search. Also writing sets, and the
 * saved result "$" (RFC 9051 6.4.4.1). */
#ifndef IMAP_SEQSET_H
#define IMAP_SEQSET_H

#include "core/arena.h"
#include "core/buf.h"

struct range {
	uint32_t from, to; /* both in it */
};

enum { SEQ_STAR = 0xffffffff }; /* "*" before seqset_fix; no message has this number */
enum { SEQ_OCTETS = 11 };       /* of a number and what parts it from the next */

struct seqset {
	struct range *v; /* in the arena */
	size_t n;
	bool is_saved; /* "$" */
	bool has_star;
};

/* False: not a set (0, overflow, bad grammar), or over L_ISET elements (*ret_over). */
bool seqset_parse(struct arena *a, struct slice s, struct seqset *ret, bool *ret_over);
/* seqset_fix: "*" means ${last} (0: there is no message; then elements with "*" are dropped).
 * Sorts and merges. */
void seqset_fix(struct seqset *s, uint32_t last);
bool seqset_has(const struct seqset *s, uint32_t n); /* after seqset_fix */
uint32_t seqset_max(const struct seqset *s);         /* 0 when empty */
/* Numbers, ascending without repetition, as a set: "1:3,7". Numbers that follow each other in the
 * list though not by one are joined only when they are neighbours. */
int seqset_write(struct buf *out, const uint32_t *v, size_t n);
/* In the order given (COPYUID pairs two lists): runs that go up by one become ranges. */
int seqset_write_range(struct buf *out, uint32_t from, uint32_t to, bool *first);

#endif
