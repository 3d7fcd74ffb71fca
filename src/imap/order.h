/* order.h: messages in an order that the header decides: what SORT and THREAD keep of each message
 * that was found, and what they make of it. A worker may own one; nothing here looks at a session.
 * RFC 5256, RFC 5957. */
#ifndef IMAP_ORDER_H
#define IMAP_ORDER_H

#include "imap/args.h"
#include "imap/thread.h"
#include "store/mailbox.h"

enum sort_what { /* in the order of their names, in order.c */
	SORT_ARRIVAL,
	SORT_CC,
	SORT_DATE,
	SORT_DISPLAYFROM,
	SORT_DISPLAYTO,
	SORT_FROM,
	SORT_RELEVANCY, /* RFC 6203 6 */
	SORT_SIZE,
	SORT_SUBJECT,
	SORT_TO,
};
enum { SORT_KEYS = 10 /* one of each: a second could not decide anything */ };
struct sort_key {
	enum sort_what what;
	bool reverse;
};

struct order {
	bool is_thread, by_relevancy;
	bool is_guess; /* of a message that could not be read */
	bool needs_header, needs_texts; /* what the view does not know */
	enum thread_kind thread;
	struct sort_key keys[SORT_KEYS];
	size_t keys_n;
	/* SORT: what is compared */
	struct arena *texts;
	size_t texts_n; /* octets kept of them */
	char *rows;
	/* THREAD */
	struct thread_message *messages;
	uint64_t *refs;
	size_t refs_n, refs_cap;
	size_t n, cap;
	/* the result */
	uint32_t *uids;   /* SORT: in order */
	uint32_t *ranks;  /* SORT: of each that was added, its place in the order */
	struct buf lists; /* THREAD */
};

/* "(" sort-criteria ")" */
struct order *order_take_sort(struct args *a);
/* thread-alg */
struct order *order_take_thread(struct args *a);
void order_free(struct order *o); /* accepts NULL */
/* One message more, numbers ascending. ${number}: what it is called in the answer. ${k}: copied;
 * NULL when needs_header is not set, or it could not be read. Of ${m} uid, size and date count.
 * ${score}: for by_relevancy. */
void order_add(struct order *o, const struct view_message *m, uint32_t number,
    const struct sort_keys *k, unsigned score);
void order_finish(struct order *o);
unsigned order_wants(const struct order *o); /* VISIT_...; ${o} may be NULL */

/* One message of a SORT with what is compared, on its own: the caller frees it with free(). */
union order_value;
struct order_entry {
	uint32_t uid;
	size_t octets;		    /* of its texts */
	const union order_value *v; /* behind it */
};
struct order_entry *order_entry_of(const struct order *o, uint32_t uid); /* of one that was added */
int order_entry_cmp(
    const struct order *o, const struct order_entry *a, const struct order_entry *b);
struct order *order_like(const struct order *o); /* the same criteria, and no message */

#endif
