/* lists.h: the lists in the DNS of the configuration: are they well, and what do they know about a peer or
 * a message? Asynchronous, on the loop. RFC 5782.
 *
 * A list is asked once its self-test has shown that it lists what every list must, and not what none may
 * (RFC 5782 5). It is tested again daily; one that fails, refuses us or lists the world is off until a
 * later test succeeds. A question that is not answered is unknown, and costs nobody anything (P14). */
#ifndef SPAM_LISTS_H
#define SPAM_LISTS_H

#include "dkim/suffixes.h"
#include "msg/uri.h"
#include "spam/listing.h"

struct lists;
struct list_asks;
struct loop;

struct lists_deps { /* all borrowed */
	struct loop *loop;
	struct dns *dns;
	const struct suffixes *suffixes;
	/* A list went off, and why; NULL: it is well again. */
	void (*on_notice)(void *self, const struct cfg_dnsbl *list, const char *why);
	void *self;
};

/* ${cfg} is borrowed until the next reload, its lists as long as the process. Tests begin at once. */
struct lists *lists_new(const struct lists_deps *deps, const struct cfg *cfg);
void lists_reload(struct lists *l, const struct cfg *cfg); /* tests all again */
void lists_free(struct lists *l); /* accepts NULL; after the last list_asks_free */

struct list_status {
	const struct cfg_dnsbl *list;
	const char *state;               /* "well", "off", "waiting": not tested yet */
	const char *why;                 /* of off and waiting; else "" */
	uint64_t asked, listed, unknown; /* questions about mail; answers */
};
void lists_each(
    const struct lists *l, void (*on_list)(void *arg, const struct list_status *s), void *arg);
/* Is any list of this kind to be asked? */
bool lists_want(const struct lists *l, enum cfg_list_kind kind);

/* Questions about one peer or message; at most L_LIST_QUESTIONS, each name once a list. ${b}: of the message,
 * borrowed, or NULL. Never NULL. */
struct list_asks *list_asks_new(struct lists *l, struct dns_budget *b);
void list_asks_free(struct list_asks *q); /* what is open is dropped; accepts NULL */
void list_asks_address(struct list_asks *q, const struct ip *peer);
/* A domain the sender uses: its organisation is asked about. Our own and those of an [[allow]] are not. */
void list_asks_name(struct list_asks *q, struct slice domain);
/* Where the links lead: organisations and addresses, the first and last of at most L_URI_HOSTS. */
void list_asks_uris(struct list_asks *q, const struct uri_hosts *hosts);
bool list_asks_known(const struct list_asks *q); /* are all answers there? True for NULL */
/* One waits, while not all is known: on_known(self) comes once, later, and may free ${q}. NULL: nobody. */
void list_asks_await(struct list_asks *q, void (*on_known)(void *self), void *self);
/* Each list that knows something, once, with the answer that has the most points. The slices live as long
 * as ${q}. */
size_t list_asks_hits(const struct list_asks *q, const struct listed **ret);

#endif
