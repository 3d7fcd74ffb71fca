/* fetch.h: what a FETCH asks, shared by cmd_fetch.c (which messages, in what order, how it flows)
 * and fetch_body.c (what BODY[...] and BINARY[...] are of one message). A struct fetch is what
 * the worker sees: it owns all it points to. */
#ifndef IMAP_FETCH_H
#define IMAP_FETCH_H

#include "imap/section.h"
#include "imap/session.h"
#include "imap/window.h"

enum fetch_what {
	FETCH_UID,
	FETCH_FLAGS,
	FETCH_INTERNALDATE,
	FETCH_SIZE,
	FETCH_MODSEQ,
	FETCH_SAVEDATE, /* up to here the view knows */
	FETCH_ENVELOPE,
	FETCH_BODY,
	FETCH_BODYSTRUCTURE,
	FETCH_SECTION,
	FETCH_BINARY,
	FETCH_BINARY_SIZE,
	FETCH_PREVIEW, /* from here on fetch_extra.c says it */
	FETCH_EMAILID,
	FETCH_THREADID,
};

enum { FETCH_ITEMS = 100 };

struct fetch_item {
	enum fetch_what what;
	bool peek;
	struct section section;
	struct slice label; /* as said in the answer: "BODY[1.MIME]<0>" */
	struct fetch_item *next;
};

struct fetch_place {                   /* where the visitor is inside one message */
	bool begun;                    /* its first item is said */
	const struct fetch_item *item; /* NULL: between messages */
	bool streaming;                /* the literal's size is said; octets follow */
	uint64_t at, left;             /* from the file */
	char *decoded;                 /* or from here, owned */
	size_t decoded_at, decoded_n;
};

struct fetch {
	struct arena *arena; /* items, labels */
	struct fetch_item *items, **items_end;
	unsigned items_n, want; /* VISIT_... */
	bool sees;              /* sets \Seen */
	bool on_loop;           /* nothing but the view is needed */
	bool utf8;
	bool uid_only;
	uint32_t *uids, *seqs; /* owned */
	size_t n, at;
	uint64_t changed_since;
	struct seqset asked; /* in the command's arena: for the loop only */
	bool has_changed_since, vanished;
	struct window window; /* PARTIAL; from is 0 without */
	uint32_t recent_from;
	struct keyword_names names;
	struct buf out; /* of one slice */
	struct buf lines; /* of one message, while they are picked */
	size_t sent;
	struct fetch_place place;
	unsigned unreadable, unknown_cte, bad_section;
	uint32_t lost[64]; /* the first that could not be read: expunged meanwhile, or damaged? */
	bool broken; /* a message ended before the size that was said: the connection must end */
	bool is_done, some_gone, has_looked;
};

/* Parse "BODY[...]", "BODY.PEEK[...]", "BINARY...[...]" behind the name and the "[" ; label made.
 */
bool fetch_take_section(struct fetch *f, struct args *a, struct fetch_item *item, const char *name);

/* What is asked (fetch_parse.c): items, modifiers, the end. */
bool fetch_take_items(struct fetch *f, struct args *a);
/* "(" fetch-att *(SP fetch-att) ")" alone: NOTIFY, UPDATE (RFC 5465 8) */
bool fetch_take_list(struct fetch *f, struct args *a);
bool fetch_has_item(const struct fetch *f, enum fetch_what what);
/* What the visit must load, and where the answer can be made. */
void fetch_plan(struct imap *s, struct fetch *f);

struct fetch *fetch_new(void);
void fetch_free(void *f);
/* Nobody asked in a command: "* n FETCH" of these, sorted, with the items of ${list}, then
 * imap_end. The call under way is CMD_SILENT; \Seen stays as it is. */
void fetch_unasked(struct imap *s, struct slice list, const uint32_t *uids, size_t n);

/* PREVIEW, EMAILID, THREADID (fetch_extra.c). */
void fetch_extra(struct fetch *f, const struct visit_message *m, const struct fetch_item *item);

void fetch_lost(struct fetch *f); /* the message at hand could not be read */

enum body_result { BODY_DONE, BODY_MORE /* call again for the same item */ };
/* Say one section item, or go on with it. On the worker. */
enum body_result fetch_body(
    struct fetch *f, const struct visit_message *m, const struct fetch_item *item);
enum { FETCH_SLICE = 196608 }; /* octets of output after which a slice is full */

#endif
