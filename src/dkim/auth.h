/* auth.h: who really sent this message? SPF, DKIM, DMARC and ARC in parallel while it arrives, one result at its end. Facts only:
 * what follows from them is spam/'s to say. */
#ifndef DKIM_AUTH_H
#define DKIM_AUTH_H

#include "dkim/arc.h"
#include "dkim/dmarc.h"
#include "dkim/spf.h"
#include "dkim/verify.h"

struct dkim_auth;

struct dkim_auth_ask { /* copied */
	struct ip ip;
	struct slice helo;
	struct slice local, domain; /* MAIL FROM; the null sender: both empty */
	const char *hostname;       /* ours */
	bool explain;               /* fetch SPF explanations */
	struct dns_budget *budget;  /* borrowed meanwhile; NULL: no end of questions */
};

struct dkim_auth_result { /* in the arena that was given */
	struct dkim_auth_ask ask;
	struct spf_answer helo;
	struct spf_answer mail_from; /* of the null sender: the same as helo */
	const struct dkim_signature *signatures;
	size_t signatures_n, signatures_ignored;
	struct dmarc_result dmarc;
	enum arc_state arc;
	const char *arc_why;
	const struct arc_set *arc_sets; /* oldest first */
	size_t arc_n;
};

/* At MAIL FROM: SPF begins. Everything lives in ${arena}, which must outlive the check; ${s} is borrowed. Never NULL. */
struct dkim_auth *dkim_auth_start(struct arena *arena, struct loop *l, struct dns *d,
    const struct suffixes *s, const struct dkim_auth_ask *ask, int64_t now);
/* Once, when the header is whole, in its CRLF form; needed during this call only. Keys and policy are asked for. */
void dkim_auth_header(struct dkim_auth *a, const struct header *h);
void dkim_auth_body(struct dkim_auth *a, struct slice octets); /* the CRLF form, in any pieces */
/* The message is whole. Later, once, on_result(self, r); not before this returns, not after dkim_auth_cancel. The check is over then,
 * ${r} stays as long as the arena. Without a header only SPF is said. */
void dkim_auth_end(struct dkim_auth *a,
    void (*on_result)(void *self, const struct dkim_auth_result *r), void *self);
void dkim_auth_cancel(struct dkim_auth *a); /* accepts NULL; before the arena goes */

/* Authentication-Results (RFC 8601) and, for the identity that counted, Received-SPF (RFC 7208 9.1); CRLF ended. -1: out is full.
 * (auth_write.c) */
int dkim_auth_write(struct buf *out, const struct dkim_auth_result *r);
int dkim_auth_write_received_spf(struct buf *out, const struct dkim_auth_result *r);

#endif
