/* draft.h: a message while it arrives, and the one commit function behind every 250 and every
 * APPEND's OK. A draft is in memory up to L_MEMORY_DRAFT octets, beyond that in an unlinked
 * temporary file that is never synced; at commit the stamped fields and the body are written once
 * to tmp/ of each recipient (DESIGN section 3). Content is CRLF, or in an APPEND what the client
 * sent: the commit makes CRLF of a bare LF. */
#ifndef STORE_DRAFT_H
#define STORE_DRAFT_H

#include "store/store.h"

struct draft;

struct draft *draft_new(struct store *s, uint64_t max);
void draft_free(struct draft *d); /* accepts NULL; abandons what is under way */
/* draft_add: copies. Beyond max: counts on but keeps nothing (draft_is_over). False: wait for
 * on_room before adding more. */
bool draft_add(struct draft *d, struct slice octets);
void draft_on_room(struct draft *d, void (*on_room)(void *self), void *self);
uint64_t draft_size(const struct draft *d);
bool draft_is_over(const struct draft *d);
/* draft_end: no more octets; on_ended once all is readable (err: temporary trouble). Then
 * draft_bytes gives the whole message, valid until draft_free or commit's callback; readable from
 * any thread. */
void draft_end(struct draft *d, void (*on_ended)(void *self, const struct err *err), void *self);
struct slice draft_bytes(const struct draft *d);

enum folder_role {
	ROLE_NONE,
	ROLE_INBOX,
	ROLE_SENT,
	ROLE_DRAFTS,
	ROLE_JUNK,
	ROLE_TRASH,
	ROLE_ARCHIVE,
	ROLE_QUARANTINE,
};

struct span { /* of the draft's octets */
	uint64_t at, n;
};

struct commit_target {
	struct account *account;
	enum folder_role role; /* ROLE_INBOX or ROLE_JUNK ...; INBOX where there is none, but for
				  ROLE_QUARANTINE: quarantine.h */
	struct folder *folder; /* instead of role, when not NULL (APPEND) */
	struct slice prefix;   /* stamped fields, CRLF ended; copied */
	unsigned flags;        /* FLAG_... (mailbox.h) */
	const char *const *keywords;
	size_t keywords_n;
	int64_t date;        /* INTERNALDATE */
	bool is_octets;      /* any octets, NUL too: parts that say "binary" are kept as base64
				(RFC 3516 4.4); ERR_CANNOT when NULs are left elsewhere */
	struct draft *draft; /* its own message; NULL: the commit's (MULTIAPPEND: several messages,
				one act) */
};

struct queue_envelope; /* queue.h */

struct commit {
	struct draft *draft; /* borrowed until on_done, as those of the targets are; NULL when each
				target has its own */
	const struct span
	    *drop; /* octets of the draft to leave out (inbound fields removed), sorted; copied */
	size_t drop_n;
	const struct commit_target *targets;
	size_t targets_n;
	const struct queue_envelope *queue; /* NULL: nothing goes out; copied */
	struct slice
	    queue_prefix; /* in front of the body that is sent (signatures, Received); copied */
	const void *by;   /* see view_change.by */
	/* REPLACE: once all is durable this message goes, whatever its flags; when it is not there
	 * any more, nothing was done (ERR_NOT_FOUND). A crash between the two leaves both, never
	 * neither. */
	struct folder *replaces;
	uint32_t replaces_uid;
};

struct commit_result {
	const struct err *err;                /* NULL: durable everywhere (P1, P3) */
	const uint32_t *uids, *uidvalidities; /* per target */
	const unsigned char (*content_ids)[16]; /* per target */
	const char *queue_id;                 /* NULL: none */
};

/* store_commit: all targets and the queue entry, or none (P3). One name needs no intent. Runs
 * behind group commit; the callback comes when all is durable and announced. Quota and free space
 * are checked here too (ERR_OVER_QUOTA, ERR_NO_SPACE). */
struct store_op *store_commit(struct store *s, const struct commit *c,
    void (*on_done)(void *self, const struct commit_result *r), void *self);

#endif
