/* explain.h: what would become of this message, and why? The whole way of a message from outside, but
 * for its consequences: facts, points, verdict; nothing is learned, stored or put on the greylist. On the
 * loop. */
#ifndef SPAM_EXPLAIN_H
#define SPAM_EXPLAIN_H

#include "core/cfg.h"
#include "dkim/auth.h"
#include "spam/classifier.h"
#include "spam/delivered.h"
#include "spam/verdict.h"

struct explain;
struct lists; /* spam/lists.h */

struct explain_deps { /* borrowed; cfg for as long as it runs */
	struct store *store;
	struct dns *dns; /* NULL: nobody is asked */
	const struct suffixes *suffixes;
	struct classifier *classifier; /* NULL: none */
	const struct cfg *cfg;
	struct lists *lists; /* NULL: none is asked */
};
struct explain_ask {
	struct slice file;   /* borrowed until the answer: as message_form takes it */
	const char *account; /* NULL: whose the recipient we stamped is, else nobody's in particular */
	/* What stands here counts before what we stamped. */
	bool has_ip, has_from;
	struct ip ip;
	struct slice helo, mail_from; /* text; copied */
	bool offline;                 /* DNS is not asked: what it would say stays unknown */
};
struct explained {
	bool was_delivered; /* ours: ${delivered} is filled in */
	struct delivered delivered;
	bool has_peer; /* an address was known: SPF and names could be asked about */
	const char *account; /* "": nobody's in particular */
	struct facts facts;
	const struct dkim_auth_result *auth; /* NULL: not asked */
	struct verdict verdict;
	struct strongest words; /* that said most */
	const char *refused; /* not taken at all, for its form: why; NULL: its form is right */
};
/* Later, once, on_explained(self, e), valid during the call; not before this returns, not after
 * explain_cancel. ${e} NULL: the server was too busy. Never NULL. */
struct explain *explain_start(const struct explain_deps *deps, const struct explain_ask *ask,
    void (*on_explained)(void *self, const struct explained *e), void *self);
/* No answer any more. What a worker has begun is finished first: the file is needed until
 * on_freed(self), which may be before this returns. */
void explain_cancel(struct explain *x, void (*on_freed)(void *self));

#endif
