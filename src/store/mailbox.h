/* mailbox.h: folders, the shared view of an open folder, changing it, reading it, and hearing of
 * changes. All on the loop unless said otherwise. Folder names here are UTF-8 with "/" between
 * levels and "INBOX" spelled so; on disk Maildir++ with modified UTF-7. */
#ifndef STORE_MAILBOX_H
#define STORE_MAILBOX_H

#include "msg/mime.h"
#include "store/draft.h"

/* --- folders --- */
struct folder; /* stable pointer while the account lives, even when deleted (folder_exists false) */

struct folder *folder_find(
    struct account *a, struct slice name); /* INBOX in any case; NULL when it does not exist */
struct folder *folder_by_role(struct account *a, enum folder_role r);
struct folder *folder_next(
    struct account *a, struct folder *after); /* sorted by name, INBOX first; NULL: the first */
const char *folder_name(const struct folder *f);
enum folder_role folder_role(const struct folder *f);
bool folder_exists(const struct folder *f);
struct account *folder_account(const struct folder *f);
/* How long mail stays in this folder of the account, in ms; CFG_OFF: for ever. */
uint64_t expire_period(
    const struct cfg *cfg, const struct cfg_account *a, enum folder_role role);
/* Subscriptions are names; they may name what does not exist. */
bool folder_name_subscribed(struct account *a, struct slice name);
const char *subscription_next(struct account *a, const char *after); /* sorted; NULL: the first */
/* Is there a folder below that name? */
bool folder_has_children(struct account *a, struct slice name);
/* Is it a name we can keep? -1 with ERR_CANNOT / ERR_LIMIT and words (IMP-11). ${name} as a client
 * gave it, UTF-8, without trailing "/". */
int folder_name_check(struct slice name, struct err *err);

typedef void folder_done(void *self, const struct err *err);
/* Parents are made too. Role ROLE_NONE: ordinary. ERR_EXISTS, ERR_LIMIT, ERR_CANNOT. */
struct store_op *folder_create(
    struct account *a, struct slice name, enum folder_role role, folder_done *on_done, void *self);
/* Children stay. INBOX: ERR_CANNOT. */
struct store_op *folder_delete(
    struct account *a, struct slice name, folder_done *on_done, void *self);
/* With the whole tree below; INBOX: its messages move to the new folder, INBOX stays and is empty
 * (RFC 9051 6.3.6). */
struct store_op *folder_rename(
    struct account *a, struct slice from, struct slice to, folder_done *on_done, void *self);
struct store_op *folder_subscribe(
    struct account *a, struct slice name, bool on, folder_done *on_done, void *self);

/* Counted: somebody wants to hear (store_watch_add) what other programs do in any folder of the
 * account, open or not: at once where it has watches, else within about a minute (patrol.c). */
void account_patrol(struct account *a, bool on);

struct folder_status {
	uint32_t messages, unseen, deleted, recent, uidnext, uidvalidity;
	uint64_t highestmodseq, size, deleted_size; /* sizes of the CRLF forms */
};
/* Looks at the directory when its time changed. */
struct store_op *folder_status(struct folder *f,
    void (*on_status)(void *self, const struct folder_status *st, const struct err *err),
    void *self);

/* What the whole account keeps, for its quota. */
struct account_usage {
	uint64_t octets; /* on disk */
	uint64_t messages;
};
struct store_op *account_usage(struct account *a,
    void (*on_usage)(void *self, const struct account_usage *u, const struct err *err), void *self);

/* Annotations (RFC 5464), kept in the folder's own file, or for ${f} NULL, the account's, in
 * INBOX's. Entry names are lower case here. */
struct metadata {
	struct slice entry;
	struct slice value; /* p NULL: none */
};
/* All there are, in no order; valid during the call. */
struct store_op *metadata_read(struct account *a, struct folder *f,
    void (*on_read)(void *self, const struct metadata *v, size_t n, const struct err *err),
    void *self);
/* Sets, and removes where there is no value: all or none, durable. ERR_LIMIT beyond L_METADATA
 * octets or L_METADATA_ENTRIES a folder. */
struct store_op *metadata_write(struct account *a, struct folder *f, const struct metadata *v,
    size_t n, folder_done *on_done, void *self);

/* --- the view: one compact array of an open folder, shared by its sessions --- */
enum {
	FLAG_SEEN = 1,
	FLAG_ANSWERED = 2,
	FLAG_FLAGGED = 4,
	FLAG_DELETED = 8,
	FLAG_DRAFT = 16,
	FLAG_PASSED = 32, /* $Forwarded, "P" in names */
	FLAG_SYSTEM = 63,
	FLAG_KEYWORD0 = 64, /* keyword k is FLAG_KEYWORD0 << k, k < L_KW */
};

struct view;
struct view_message {
	uint32_t uid, flags, size; /* size: CRLF form */
	uint64_t modseq;
	int64_t internal_date, save_date;
};
enum view_change_kind { VIEW_ADDED, VIEW_FLAGS, VIEW_EXPUNGED };
struct view_change {
	enum view_change_kind kind;
	const uint32_t *uids; /* sorted */
	size_t n;
	const void *by; /* who asked for it (a session), NULL: others */
};
struct view_watch { /* embedded in the session; one view each */
	struct list node;
	void (*on_change)(void *self,
	    const struct view_change
		*ch);                    /* the view has changed already; must not close the view */
	void (*on_gone)(void *self);     /* the folder was deleted; close the view soon */
	void (*on_keywords)(void *self); /* a new keyword name exists; may be NULL */
	void *self;
};

/* view_open: reads the directory where needed, so it is true as of now. The view stays while anyone
 * holds it. */
struct store_op *view_open(struct folder *f,
    void (*on_open)(void *self, struct view *v, const struct err *err), void *self);
void view_watch(struct view *v, struct view_watch *w);
void view_close(struct view *v, struct view_watch *w); /* w may be NULL when none was set */
/* view_look: read the directory again if it may have changed (NOOP, CHECK, STATUS); changes come to
 * watchers before on_done. */
struct store_op *view_look(struct view *v, folder_done *on_done, void *self);
struct folder *view_folder(const struct view *v);
size_t view_count(const struct view *v);
const struct view_message *view_at(
    const struct view *v, size_t index); /* in UID order; valid until the next change */
size_t view_lower(const struct view *v,
    uint32_t uid); /* index of the first with that uid or a higher one; view_count() when none */
uint32_t view_uidvalidity(const struct view *v);
uint32_t view_uidnext(const struct view *v);
uint64_t view_highestmodseq(const struct view *v);
const char *view_keyword(const struct view *v, unsigned k); /* NULL: no such */
int view_keyword_find(
    const struct view *v, struct slice name);         /* bit number k, or -1; case folded */
uint32_t view_take_recent(struct view *v, bool keep); /* first uid that is \Recent for this opener;
							 !keep: later openers get none of them */
/* One thing that the openers of a view keep beside it for each other; freed with the view. */
void *view_note(const struct view *v); /* NULL: none yet */
void view_set_note(struct view *v, void *note, void (*free_note)(void *note));
/* view_vanished: uids expunged since a modseq, as recorded (QRESYNC). False when the record does
 * not reach back: then everything the client knows that is not there has vanished. Sorted; the
 * slice is malloc'd, the caller frees. */
struct store_op *view_vanished(struct view *v, uint64_t since,
    void (*on_vanished)(
	void *self, bool complete, const uint32_t *uids, size_t n, const struct err *err),
    void *self);

/* --- changing --- */
enum flags_mode { FLAGS_SET, FLAGS_ADD, FLAGS_REMOVE };
struct flags_change {
	enum flags_mode mode;
	unsigned flags;              /* FLAG_SYSTEM bits */
	const char *const *keywords; /* names; made when new; ERR_LIMIT when all 26 are taken */
	size_t keywords_n;
	uint64_t unchanged_since; /* UINT64_MAX: no condition (RFC 7162 3.1.3) */
};
struct message_result {
	const struct err *err;   /* NULL: durable */
	const uint32_t *uids;    /* flags: those NOT changed for UNCHANGEDSINCE; expunge: those
				    expunged; copy, move: source uids, ascending */
	const uint32_t *to_uids; /* copy, move: the new ones, in the same order */
	size_t n;
	uint32_t to_uidvalidity;
	uint64_t modseq; /* of the change */
};
typedef void message_done(void *self, const struct message_result *r);
/* uids sorted, copied; those not in the folder (any more) are passed over. by: see view_change. */
struct store_op *message_flags(struct view *v, const uint32_t *uids, size_t n,
    const struct flags_change *ch, const void *by, message_done *on_done, void *self);
/* Only those that have \Deleted at that moment. NULL uids: all of them. */
struct store_op *message_expunge(struct view *v, const uint32_t *uids, size_t n, const void *by,
    message_done *on_done, void *self);
/* Same account. MOVE is atomic a message; COPY all or nothing. */
struct store_op *message_copy(struct view *v, const uint32_t *uids, size_t n, struct folder *to,
    bool move, const void *by, message_done *on_done, void *self);

/* --- finding a content again --- */
enum { WHERE_COPIES = 4 };
struct message_place {
	size_t which; /* of those asked for */
	struct folder *folder;
	uint32_t uid;
	unsigned flags; /* FLAG_... */
};
/* message_where: where the account has these contents now, as far as its folders were looked at: at most WHERE_COPIES places each. */
struct store_op *message_where(struct account *a, const unsigned char (*content_ids)[16], size_t n,
    void (*on_where)(void *self, const struct message_place *v, size_t n, const struct err *err),
    void *self);

/* --- reading: visiting messages on a read lane --- */
enum {                       /* what a visit wants loaded for each message */
	VISIT_ENVELOPE = 1,  /* rendered envelope */
	VISIT_STRUCTURE = 2, /* rendered BODYSTRUCTURE */
	VISIT_BODY = 4,      /* rendered BODY */
	VISIT_MAP = 8,       /* part map */
	VISIT_FIELDS = 16,   /* raw lines of the often asked fields (mailbox_cached_fields) */
	VISIT_FILE = 32,     /* the message itself may be read */
	VISIT_PREVIEW = 64,  /* its first words, UTF-8 (msg/preview.h) */
	VISIT_THREAD = 128,  /* thread_id */
	/* What it sorts and threads by. Alone or with the next, of m only uid, size and date. */
	VISIT_KEYS = 256,
	VISIT_KEY_TEXTS = 512, /* with VISIT_KEYS: the texts too */
	/* Ids are not wanted, and uids ascend: what an open view and kept answers say will do. Then
	 * content_id and thread_id say nothing. */
	VISIT_LIGHT = 1024,
};
enum sort_text {
	SORT_TEXT_SUBJECT,
	SORT_TEXT_FROM,
	SORT_TEXT_TO,
	SORT_TEXT_CC,
	SORT_TEXT_DISPLAYFROM,
	SORT_TEXT_DISPLAYTO,
	SORT_TEXTS,
};
struct sort_keys {            /* of a message's header: RFC 5256, RFC 5957 */
	int64_t sent;         /* the Date field's, else when it came */
	uint64_t id, subject; /* hashes: Message-ID, folded base subject; 0: there is none */
	bool is_reply;
	const uint64_t *refs; /* hashes of what it refers to, the last L_IREFS */
	size_t refs_n;
	/* Folded, L_ISORT_TEXT octets at most; only with VISIT_KEY_TEXTS. */
	struct slice text[SORT_TEXTS];
};
struct visit_message {
	struct view_message m;           /* as of the start of this slice */
	const unsigned char *content_id; /* 16 octets (EMAILID) */
	/* 16 octets (THREADID), the same for each message of a conversation: a hash of its
	 * msgid_root (msg/subject.h), else the content id. Made of the content alone. */
	const unsigned char *thread_id;
	struct slice envelope, structure, body_structure, fields, preview; /* valid during the call */
	const struct mime_map_part *map;
	size_t map_n;
	const struct sort_keys *keys; /* NULL: not wanted, or it could not be read */
	struct visit *visit; /* for visit_read */
	bool unreadable;     /* file missing or damaged: say NO for this one (STO-09) */
};
/* Names whose lines VISIT_FIELDS holds: NULL-terminated, e.g. "Date" "From" ... (message-id,
 * references, list-id, ...). */
extern const char *const mailbox_cached_fields[];
/* On the worker: read [at, at + n) of the CRLF form into out; short at the end. Sequential reads
 * are cheap. Only with VISIT_FILE. */
int visit_read(struct visit *v, uint64_t at, uint64_t n, struct buf *out, struct err *err);
/* On the worker: the whole CRLF form (at most L_SIZE * 2), valid during the call. */
int visit_whole(struct visit *v, struct slice *ret, struct err *err);

enum visit_next {
	VISIT_DONE,  /* this message is finished: the next one */
	VISIT_PAUSE, /* finished, and enough for this slice (output is large): back to the loop */
	VISIT_AGAIN, /* back to the loop, then this same message again (the visitor remembers where
			it was) */
	VISIT_STOP,  /* enough of all */
};
struct visitor {
	enum visit_next (*on_message)(void *ctx,
	    const struct visit_message
		*m); /* worker thread; ctx is owned by the visit while it runs */
	void (*on_slice)(void
		*self); /* loop: a slice is finished: take ctx's output, then visit_go_on or wait */
	void (*on_end)(void *self, const struct err *err); /* loop: all done; the visit is gone */
};
/* visit_start: slices of 64 messages or 5 ms, one slice at a time. Uids sorted or in the order
 * wanted, copied. visit_cancel: on the loop; when a slice runs, free_ctx is called later, else at
 * once; no events follow. Otherwise ctx stays its owner's. Works on a folder without an open view
 * too. */
struct visit *visit_start(struct folder *f, const uint32_t *uids, size_t n, unsigned want,
    const struct visitor *v, void *self, void *ctx, void (*free_ctx)(void *ctx));
void visit_go_on(struct visit *v);
void visit_cancel(struct visit *v); /* accepts NULL */

/* --- watching the whole store (the classifier listens here) --- */
enum store_event_kind {
	EVENT_ADDED,
	EVENT_FLAGS,
	EVENT_EXPUNGED,
	EVENT_FOLDERS, /* the list of folders or subscriptions changed: see folder_act */
	EVENT_METADATA /* annotations of a folder, or of the account, changed */
};
enum folder_act {
	FOLDER_CREATED,
	FOLDER_DELETED,
	FOLDER_RENAMED, /* with all below it, which is told of once */
	FOLDER_SUBSCRIBED,
	FOLDER_UNSUBSCRIBED
};
enum store_cause {
	CAUSE_DELIVERY,
	CAUSE_APPEND,
	CAUSE_COPY,
	CAUSE_MOVE,
	CAUSE_STORE,
	CAUSE_EXTERNAL,
	CAUSE_REBUILD,
	CAUSE_UNDELETE, /* ADDED: it was here before, and was brought back */
};
struct event_message {
	uint32_t uid;
	unsigned char content_id[16];
	unsigned flags;
	bool known;            /* ADDED: the account had this content before (from says where) */
	enum folder_role from; /* ADDED: role of the folder it came from */
};
struct store_event {
	enum store_event_kind kind;
	enum store_cause cause;
	struct account *account;
	struct folder *folder;
	const struct event_message *messages;
	size_t n;
	const char *const *keywords_added; /* FLAGS: names newly set on all of these messages */
	size_t keywords_added_n;
	bool seen_changed; /* FLAGS: \Seen of some of these messages */
	const void *by;	   /* see view_change.by; of FOLDERS and METADATA the self of who asked */
	/* FOLDERS: what became of which name; ${old_name}: RENAMED, and "INBOX" when its messages
	 * went to a new folder */
	enum folder_act act;
	const char *name, *old_name;
	/* METADATA: the names; ${folder} NULL: of the account */
	const struct slice *entries;
	size_t entries_n;
	struct event_hold
	    *hold; /* not NULL: the act waits for its answer; take it with store_event_hold */
};
struct store_watch {
	struct list node;
	void (*on_event)(void *self, const struct store_event *ev);
	void *self;
};
void store_watch_add(struct store *s, struct store_watch *w);
void store_watch_drop(struct store_watch *w);
/* The act's OK waits until every hold taken is released (durable lessons before the OK). Sessions
 * hear of the change at once all the same. */
struct event_hold *store_event_hold(
    const struct store_event *ev); /* NULL when the event cannot wait */
void store_event_release(struct event_hold *h,
    const struct err
	*err); /* err: the act is answered NO with it, though it happened; accepts NULL */

#endif
