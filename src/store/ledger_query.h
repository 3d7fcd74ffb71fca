/* ledger_query.h (inside store): what does a person who asks the ledger mean? */
#ifndef STORE_LEDGER_QUERY_H
#define STORE_LEDGER_QUERY_H

#include "core/ip.h"
#include "core/slice.h"

enum ledger_kind {
	LEDGER_ALL,	/* nothing was asked: the newest */
	LEDGER_ADDRESS, /* an address, or a message id: key without <> */
	LEDGER_IP,	/* key: text in its one form */
	LEDGER_NET,	/* 192.0.2.0/24, 2001:db8::/48: low <= address as 16 octets <= high */
	LEDGER_CONTENT, /* low: a content id, as EMAILID has it ("M" and 32 digits) or bare */
	LEDGER_SPAN,	/* from <= at < to */
	LEDGER_WORD,	/* one of our ids, or an account's name */
};
enum { LEDGER_KEY = 1000 };

struct ledger_query {
	enum ledger_kind kind;
	int64_t from, to;    /* wall seconds; SPAN only */
	struct slice key;    /* into the text given, or into ip */
	char ip[IP_TEXT];
	unsigned char low[16], high[16];
};
/* An address as the ledger orders them: IPv4 as ::ffff:a.b.c.d. */
void ledger_peer_key(const struct ip *ip, unsigned char ret[16]);
/* False: too long, or nothing we can look for. Durations count back from ${now}; days and "2026-11-23T10:15" are UTC. */
bool ledger_query_parse(struct slice what, int64_t now, struct ledger_query *ret);

#endif
