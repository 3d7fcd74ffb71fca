/* spf_int.h: what spf.c (the record's way to a result), spf_lookup.c (one mechanism against the DNS) share. */
#ifndef DKIM_SPF_INT_H
#define DKIM_SPF_INT_H

#include "core/arena.h"
#include "core/dns.h"
#include "core/limits.h"
#include "dkim/spf.h"
#include "dkim/spf_macro.h"
#include "dkim/spf_record.h"

struct spf_level { /* a record under evaluation; those above the first are includes */
	struct slice domain;
	struct spf_record record;
	size_t at; /* the directive under evaluation */
};

struct spf_check {
	struct arena *arena; /* owned; holds this struct too */
	struct dns *dns;
	struct timer *deadline;  /* NULL: it came */
	struct later *begin;     /* NULL once begun */
	struct dns_query *query; /* at most one at a time; NULL: none */
	unsigned questions;      /* asked so far */
	struct spf_ask ask;      /* slices in the arena */
	struct slice local, sender_domain;
	struct spf_level levels[L_SPF + 1]; /* each include costs a lookup, so there are no more */
	size_t depth;
	/* names of the peer's address that lead back to it; asked for when first needed */
	struct slice validated[L_SPF_NAMES];
	size_t validated_n;
	bool validated_known;
	void (*then)(struct spf_check *c); /* what waited for them */
	struct slice names[L_SPF_NAMES];   /* of an MX or PTR answer, being resolved one by one */
	size_t names_n, names_at;
	bool explaining; /* the result stands, its explanation is being fetched */
	struct spf_answer answer;
	void (*on_result)(void *self, const struct spf_answer *a);
	void *self;
};

/* spf.c: a mechanism's outcome; each goes on with the evaluation and may free c. */
void spf_matched(struct spf_check *c, bool matched);
void spf_failed(struct spf_check *c, enum spf_result result, const char *why);
struct slice spf_target(
    struct spf_check *c, struct slice spec); /* expanded; the current domain when spec is empty */

/* spf_lookup.c: evaluate the a, mx, ptr or exists directive; answers through the two above, later. */
void spf_look_up(struct spf_check *c, const struct spf_directive *d);
/* Find the validated names, then go on with ${then}. */
void spf_validate(struct spf_check *c, void (*then)(struct spf_check *c));
/* The one to show for %{p} under that domain; empty: none. RFC 7208 7.3 */
struct slice spf_validated_for(const struct spf_check *c, struct slice domain);
void spf_put(struct spf_check *c, struct slice name, enum dns_type type,
    void (*on_answer)(void *self, const struct dns_answer *a)); /* ask, or end with temperror */
bool spf_void(struct spf_check *c,
    const struct dns_answer *a); /* counts; true: one too many, and c has ended */

#endif
