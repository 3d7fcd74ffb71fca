/* spf_macro.h (inside dkim): %{i}._spf.%{d} and what it stands for. RFC 7208 7. */
#ifndef DKIM_SPF_MACRO_H
#define DKIM_SPF_MACRO_H

#include "core/buf.h"
#include "core/ip.h"

enum spf_macro_place {
	SPF_MACRO_DOMAIN, /* domain-spec: macro-string and a domain-end; RFC 7208 7.1 */
	SPF_MACRO_VALUE,  /* macro-string alone: what an unknown modifier holds */
	SPF_MACRO_TEXT,   /* explanation: macro-string and blanks, and c r t too */
};

struct spf_macro_facts {                   /* all borrowed */
	struct slice local, sender_domain; /* %{l} %{o}, %{s} with an @ between */
	struct slice domain;               /* %{d}: the current one */
	struct slice validated;            /* %{p}; empty: "unknown" */
	struct slice helo, receiver;       /* %{h} %{r} */
	const struct ip *ip;               /* %{i} %{v} %{c} */
	int64_t now;                       /* %{t} */
};

bool spf_macro_ok(struct slice s, enum spf_macro_place place);
bool spf_macro_asks(struct slice s, char letter); /* is that macro in s? Of any case */
/* s must be ok. -1: out is full. */
int spf_macro_expand(const struct spf_macro_facts *f, struct slice s, struct buf *out);
/* A name that can be asked: without final dot, cut from the left at a label to 253 octets (RFC 7208 7.3). */
struct slice spf_macro_name(struct slice expanded);

#endif
