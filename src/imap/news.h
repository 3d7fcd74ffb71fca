/* news.h: which number does a message have for this session, and what has it not been told yet?
 * The view is shared and changes at once; a session's numbers may change only where RFC 9051
 * 7.5.1 allows, so each keeps a small difference: the uids expunged but not announced, the first
 * uid not announced, the uids whose flags changed. */
#ifndef IMAP_NEWS_H
#define IMAP_NEWS_H

#include "core/buf.h"
#include "imap/seqset.h"
#include "store/mailbox.h"

struct uid_list { /* sorted */
	uint32_t *v;
	size_t n, cap;
};
void uid_list_merge(struct uid_list *l, const uint32_t *uids, size_t n);
void uid_list_drop_head(struct uid_list *l, size_t n);
void uid_list_remove(struct uid_list *l, const uint32_t *uids, size_t n); /* sorted too */
bool uid_list_has(const struct uid_list *l, uint32_t uid);
size_t uid_list_lower(const struct uid_list *l, uint32_t uid);
void uid_list_free(struct uid_list *l);

struct news {
	struct view *view;
	struct uid_list gone;    /* announced once, now expunged, not told */
	struct uid_list changed; /* flags changed by others, not told */
	uint32_t next;           /* first uid not announced */
	size_t count;            /* messages the client knows of */
	uint32_t recent_from;    /* uids from here are \Recent to this session; UINT32_MAX: none */
	bool uid_only;           /* UIDFETCH in place of FETCH: RFC 9586 */
	bool flags_too;          /* keyword names grew: FLAGS and PERMANENTFLAGS are news */
};

void news_init(struct news *n, struct view *v); /* as SELECT is about to tell it */
void news_done(struct news *n);
/* What the view says it did. ${own}: flags changed by this session, which answers for them
 * itself. */
void news_heard(struct news *n, const struct view_change *ch, bool own);
struct news_style;
bool news_any(const struct news *n, const struct news_style *style);

/* Numbers, as the client knows them. */
uint32_t news_seq(const struct news *n, uint32_t uid); /* 0: not known to the client */
uint32_t news_uid(const struct news *n, uint32_t seq); /* 0: beyond; gone ones have theirs still */
uint32_t news_last_uid(const struct news *n);          /* 0: none */
bool news_is_gone(const struct news *n, uint32_t uid);
/* The messages of a set that are there: uids ascending (malloc'd, the caller frees; NULL when
 * none). ${set} is fixed here. *ret_missing: some of the numbers are expunged, though not yet
 * announced. False: a sequence number beyond the last. */
bool news_resolve(const struct news *n, struct seqset *set, bool is_uid, uint32_t **ret,
    size_t *ret_n, bool *ret_missing);

/* Announcing. Each adds a piece of at most a few KiB to out and returns true while there is more.
 */
struct news_style {
	bool vanished; /* QRESYNC: VANISHED in place of EXPUNGE */
	bool modseq;   /* CONDSTORE: MODSEQ with FLAGS */
	bool recent;   /* IMAP4rev1 */
	bool expunges; /* allowed now */
	bool keep_new, keep_flags; /* NOTIFY does not want them: they wait */
};
bool news_write(struct news *n, const struct news_style *style, struct buf *out);
/* "* n FETCH (UID u FLAGS (...) MODSEQ (m))" for one message; nothing when it is not there. */
void news_write_flags(
    const struct news *n, uint32_t uid, bool flags, bool modseq, bool recent, struct buf *out);

/* Of the uids in ${set}, fixed, below the next: those that are not there and not about to be
 * announced as gone. */
void news_write_missing(
    const struct news *n, const struct seqset *set, struct buf *out, bool *first);

#endif
