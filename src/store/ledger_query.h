/* ledger_query.h (inside store): what does a person who asks the ledger mean? */
#ifndef STORE_LEDGER_QUERY_H
#define STORE_LEDGER_QUERY_H

#include "core/ip.h"
#include "core/slice.h"

enum ledger_kind {
	LEDGER_ALL,	/* nothing was asked: the newest */
	LEDGER_ADDRESS, /* an address, or a message id: key without <> */
	LEDGER_IP,	/* key: text in its one form */
	LEDGER_SPAN,	/* from <= at < to */
	LEDGER_WORD,	/* one of our ids, or an account's name */
};
enum { LEDGER_KEY = 1000 };

struct ledger_query {
	enum ledger_kind kind;
	int64_t from, to;    /* wall seconds; SPAN only */
	struct slice key;    /* into the text given, or into ip */
	char ip[IP_TEXT];
};
/* False: too long, or nothing we can look for. Durations count back from ${now}; days and "2026-11-23T10:15" are UTC. */
bool ledger_query_parse(struct slice what, int64_t now, struct ledger_query *ret);

#endif
