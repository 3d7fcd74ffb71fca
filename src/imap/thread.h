/* thread.h: which message answers which (RFC 5256 4)? Over plain arrays, so that it may run on a
 * worker and be tested without a store. Time is in proportion to n log n and the number of
 * references, whatever they say: loops, self-references, chains (MIM-13, IMP-29). */
#ifndef IMAP_THREAD_H
#define IMAP_THREAD_H

#include "core/buf.h"

enum thread_kind { THREAD_ORDEREDSUBJECT, THREAD_REFERENCES, THREAD_REFS };

/* of one message in the answer, with what parts it from others */
enum { THREAD_NUMBER_OCTETS = 16 };

struct thread_message {
	uint32_t number;          /* as it is to be said; ascending */
	int64_t sent, received;   /* sent: the Date field's, else received */
	uint64_t id;              /* hash of the Message-ID; 0: it has none */
	uint64_t subject;         /* hash of the folded base subject; 0: empty */
	uint32_t refs_at, refs_n; /* in refs */
	bool is_reply;
};

/* "(1)(2 3)" into out, whose maximum must be THREAD_NUMBER_OCTETS * (n + 1) at least. */
void thread_write(enum thread_kind kind, const struct thread_message *m, size_t n,
    const uint64_t *refs, struct buf *out);

#endif
