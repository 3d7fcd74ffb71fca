/* mail_int.h (inside the Maildir half of store): an account's mail as its files see it. Two
 * sides that never share changing memory: the loop side owns the list of folders and the views,
 * the lane side (jobs of the account's lane, one at a time) owns reservations, keywords and the
 * index. What the lane changed comes to the loop as deltas, in the order of the lane. */
#ifndef STORE_MAIL_INT_H
#define STORE_MAIL_INT_H

#include <pthread.h>
#include <sys/stat.h>

#include "core/buf.h"
#include "core/limits.h"
#include "core/list.h"
#include "core/mem.h"
#include "core/work.h"
#include "store/mailbox.h"
#include "store/name.h"
#include "store/store_int.h"

enum {
	MAIL_KEYWORD_MASK = (int)~(unsigned)FLAG_SYSTEM,
	MAIL_FILE = 131072,       /* octets of pennypost-folder, dovecot-keywords, subscriptions */
	MAIL_DEAD_MAX = 50000,    /* folders deleted since the start: each keeps its struct */
	MAIL_GONE_MAX = 100000,   /* expunged messages remembered of a folder */
	MAIL_INDEX_MANY = 2000,   /* rows read or changed in a batch, after which the index gives memory back */
	MAIL_LANE_WAITING = 4096, /* jobs on an account's lane */
	MAIL_POLL_MS = 60000,     /* a look at an open folder without watches */
	MAIL_SETTLE_NS =
	    2000000000, /* a directory time younger than its note by less is not trusted */
	MAIL_TOOK_MAX_NS = 600000000, /* so a doubt waits for 30 s at most */
	MAIL_DOUBT = 50, /* doubts about our own changes take one 50th of the time at most */
	MAIL_READERS = L_SHARE_READ,
};

/* --- pennypost-folder (folder_file.c) --- */
struct folder_file {
	uint32_t uidvalidity, uidnext; /* uidnext: the ceiling, or with ${clean} the exact value */
	uint64_t modseq;
	bool clean;
	uint32_t counter; /* INBOX: the next UIDVALIDITY to give; 0: absent */
	enum folder_role role;
	bool has_role;
	struct buf rest; /* lines of others, kept */
};
int folder_file_parse(struct slice text,
    struct folder_file *ret); /* -1: not one of ours; ret->rest is to be freed either way */
int folder_file_print(const struct folder_file *f, struct buf *out);
const char *role_name(enum folder_role r);
enum folder_role role_by_name(struct slice name);
/* Whole small file; 0, or -1 (errno). */
int small_read(const char *path, struct buf *out);
/* Atomic: beside, sync, rename, directory sync. */
int small_write(const char *dir, const char *leaf, struct slice text, struct err *err);

/* --- a folder: both sides in one allocation, disciplined --- */
struct lane_folder {
	struct folder *owner; /* never looked into by the lane */
	int64_t id;           /* row of the index; stable while the process lives */
	char *dir;            /* "mail/gilles" or "mail/gilles/.Sent" */
	char *leaf;           /* "" or ".Sent" */
	enum folder_role role;
	bool gone;
	bool is_lost;      /* its file was missing: numbers are to be chosen */
	bool believe;      /* the index may lack rows: names are believed at the next look */
	bool trust_note;   /* believe all the same what the note says: the last stop was clean */
	bool is_clean;     /* its file carries the mark of a clean stop */
	bool is_new_index; /* what the next look adds is a rebuild */
	uint32_t uidvalidity, uidnext, uid_ceiling;
	uint64_t modseq, modseq_ceiling; /* modseq: the highest given */
	uint64_t floor;                  /* expunges are known since here */
	uint32_t uid_told;               /* the highest that any client may have seen */
	char *keywords[L_KW];
	int64_t note_ns[2], noted_ns; /* times of new/ and cur/ at the last look; 0: none */
	uint64_t gone_n;
	struct folder_status counts; /* messages, unseen, deleted and sizes, while ${counted} */
	bool counted;
	bool is_own[2];  /* the note moved with our own changes since the last reading */
	int64_t took_ns; /* the last reading */
	struct buf rest; /* other lines of its file */
};

struct folder {
	struct account *account;
	char *name; /* UTF-8, "/" */
	bool exists;
	enum folder_role role;
	uint32_t recent_from;    /* 0: nobody looked yet */
	struct view *view;       /* NULL: not open */
	struct patrol_watch *patrol; /* NULL: has no watches of its own (patrol.c) */
	struct lane_folder lane; /* touched by the lane alone, once made */
};

struct index_row {
	struct view_message m;
	uint64_t disk;       /* octets on disk */
	char *base, *info;   /* in the arena it was read into */
	unsigned char where; /* 0 new/, 1 cur/ */
	unsigned char cid[16];
};

struct batch_dir { /* a folder that the present batch works in */
	struct list node;
	struct lane_folder *lf;
	int fd[2];
	bool dirty[2], is_noted[2], is_dest;
};

struct mail {
	struct account *account;
	struct store *store;
	char *root; /* "mail/gilles" */
	struct lane *lane;
	/* loop side */
	struct folder **folders; /* those that exist, INBOX first, then by name */
	size_t folders_n;
	struct folder **dead;
	size_t dead_n;
	char **subs; /* sorted, UTF-8 */
	size_t subs_n;
	bool stopping, has_tree_act;
	struct list tree_acts; /* folder_op.turn: acts on the tree that wait for their turn */
	unsigned tree_acts_n;
	unsigned patrolled; /* how many want to hear of all folders: patrol.c */
	struct timer *patrol_timer;
	size_t patrol_at; /* the next folder's turn */
	bool patrol_busy, patrol_unwatched;
	unsigned ops; /* visits and operations with work elsewhere */
	uint64_t visited; /* clock_ms of the last slice of a visit; 0: none yet */
	/* lane side */
	struct lane_folder **lanes; /* INBOX first; deleted ones stay */
	size_t lanes_n;
	struct sql *index; /* NULL: could not be opened */
	struct list batch; /* of batch_dir */
	struct batch_dir *batch_last;
	bool index_failed; /* in this batch */
	size_t index_rows; /* read or changed in this batch */
	struct snap_clear { /* runs of a folder known to have no blob; until the transaction ends */
		int64_t folder, from, to;
	} snap_clear;
	bool no_tx;        /* the batch has none: another program locks the index; nothing waits for it again */
	uint32_t counter;
	int64_t next_id;
	struct account_usage usage; /* of all folders */
	int expunged_fd;
	bool expunged_dirty;
	/* readers */
	pthread_mutex_t lock;
	struct read_hint {
		unsigned char cid[16];
		uint64_t wire_at, file_at;
		bool after_cr;
	} hints[8]; /* where the last reads of large messages stopped */
	unsigned hints_at;
	struct sql *readers[MAIL_READERS];
	unsigned readers_n, epoch; /* epoch: counts indexes made anew */
	struct text *text;         /* the full-text index: text_int.h */
};

static inline struct mail *folder_mail(const struct folder *f)
{
	return (f->account->mail);
}

/* worker: a reading connection of the index, and back (visit.c); NULL: it cannot be opened */
struct sql *mail_reader_take(struct mail *m, unsigned *epoch, struct err *err);
void mail_reader_give(struct mail *m, struct sql *q, unsigned epoch);

/* --- usage.c; on the lane --- */
/* One message more or less in a folder; what lies in Quarantine does not count. */
void usage_add(struct mail *m, const struct lane_folder *lf, uint64_t octets);
void usage_sub(struct mail *m, const struct lane_folder *lf, uint64_t octets);
struct account_usage quota_of(const struct account *a); /* on the loop; 0: no such limit */
/* Do ${octets} more in ${messages} more keep within the quota? -1: ERR_OVER_QUOTA */
int usage_fits(const struct mail *m, const struct account_usage *quota, uint64_t octets,
    uint64_t messages, struct err *err);

/* --- jobs of the account's lane (lane.c) --- */
struct delta_message {
	struct view_message m;
	unsigned char cid[16];
	uint32_t was; /* FLAGS: flags before */
	bool known;
	enum folder_role from;
};
enum delta_kind { DELTA_ADDED, DELTA_FLAGS, DELTA_EXPUNGED, DELTA_KEYWORDS };
struct delta {
	struct list node;
	struct folder *folder;
	enum delta_kind kind;
	enum store_cause cause;
	const void *by;
	struct delta_message *msgs; /* in UID order */
	size_t n, cap;
	uint32_t uidnext;
	uint64_t modseq;
	char *keywords[L_KW]; /* KEYWORDS: all of them; FLAGS: those newly set somewhere */
};
struct mail_job {
	struct job job;
	struct mail *m;
	/* lane: do it; -1 with ${err} set: nothing happened (what was begun is taken back) */
	int (*act)(struct mail_job *j);
	void (*undo)(
	    struct mail_job *j); /* lane: a sync failed after act: take files back; may be NULL */
	void (*end)(
	    struct mail_job *j); /* loop: after the deltas are told and holds released; frees it */
	struct list deltas;
	bool is_durable;    /* act syncs for itself: a later failure in the batch is not its own */
	bool failed, waits; /* waits: watchers of the store may hold the answer */
	bool rolled_back;   /* a sync failed: the index forgot what this job and its batch wrote */
	struct err err;
	struct event_hold *hold;
};
void mail_job_init(struct mail_job *j, struct mail *m, int (*act)(struct mail_job *),
    void (*end)(struct mail_job *));
int mail_job_put(struct mail_job *j, struct err *err); /* ERR_BUSY */
void mail_job_force(struct mail_job *j);
struct delta *delta_add(struct mail_job *j, struct lane_folder *lf, enum delta_kind kind,
    enum store_cause cause, const void *by);
struct delta_message *delta_message_add(
    struct delta *d, const struct view_message *m, const unsigned char cid[16]);
void delta_keywords(struct mail_job *j, struct lane_folder *lf);
void delta_name_keywords(struct delta *d, const struct lane_folder *lf);
void delta_free(struct delta *d);
void mail_run_all(void *self, struct list *jobs);
/* Directory of the present batch: 0 new/, 1 cur/. -1 (errno). Dirty ones are synced at the end,
 * destinations first. */
/* As batch_fd and fstat, opening nothing. ${ret_is_own}: what changed since the note, this batch
 * did. */
int batch_stat(struct mail *m, struct lane_folder *lf, unsigned where, struct stat *ret, bool *ret_is_own);
int batch_fd(struct mail *m, struct lane_folder *lf, unsigned where);
void batch_dirty(struct mail *m, struct lane_folder *lf, unsigned where, bool is_dest);
int batch_expunged_fd(struct mail *m);
void batch_expunged_lost(struct mail *m); /* it is no longer where it was */
void batch_end(struct mail *m);
/* loop: news to view, sessions and store watchers (watch.c) */
void watch_tell(struct mail_job *j, struct delta *d);
void watch_name(struct account *a, enum folder_act act, const char *name, const char *old_name, const void *by);
void watch_metadata(struct account *a, struct folder *f, const struct metadata *v, size_t n, const void *by);
void view_apply(struct folder *f, const struct delta *d); /* view.c */
void view_moved(struct folder *f);                        /* renamed: watch the new place */
struct view;
void folder_look_soon(struct folder *f); /* its directories changed */
bool view_is_held(const struct folder *f); /* somebody has it open; a view may be there without */
void view_stop(struct view *v);    /* the store closes: no watches, no timers; freed when unheld */
void view_doubt(struct folder *f); /* a file was not as the index says: look again soon */
void view_gone(struct folder *f);
void view_keep(struct folder *f);  /* its view is about to go: the index keeps what the next one reads */
void watch_begin(struct mail_job *j); /* before the first watch_tell */
void watch_end(struct mail_job *j);   /* calls j->end, now or once nobody holds any more */

/* --- lane: folder.c --- */
int lane_folder_load(
    struct mail *m, struct lane_folder *lf, const char *default_role, struct err *err);
int lane_folder_save(struct mail *m, struct lane_folder *lf, bool clean, struct err *err);
void lane_folder_free(struct lane_folder *lf);
int uid_take(
    struct mail *m, struct lane_folder *lf, uint32_t n, uint32_t *ret_first, struct err *err);
int modseq_take(struct mail *m, struct lane_folder *lf, uint64_t *ret, struct err *err);
int uidvalidity_take(struct mail *m, uint32_t *ret, struct err *err);
/* Bit of a keyword; made (durably) when missing and told with a delta. */
int keyword_bit(struct mail_job *j, struct lane_folder *lf, struct slice name, bool make,
    uint32_t *ret, struct err *err);
static inline struct lane_folder *inbox_lane(struct mail *m)
{
	return (m->lanes[0]);
}
int lane_folder_settle(struct mail *m, struct lane_folder *lf,
    struct err *err); /* choose lost numbers, make the index row */

/* --- lane: index.c; all -1 with err when the index fails, and note that in m->index_failed --- */
extern const char *const index_schema[];
extern const unsigned index_schema_n;
int index_open(struct mail *m, struct err *err);
void index_set_up(struct mail *m); /* the connection is new */
void index_relax(struct mail *m);  /* between batches */
void index_trouble(struct mail *m, struct lane_folder *lf);
int index_folder_load(struct mail *m,
    struct lane_folder *lf); /* row made when missing; sets id, floor, note, gone_n */
int index_folder_note(struct mail *m, const struct lane_folder *lf);
int index_folder_drop(struct mail *m, const struct lane_folder *lf);
int index_folder_rename(struct mail *m, const struct lane_folder *lf);
int index_get(struct mail *m, const struct lane_folder *lf, uint32_t uid, struct arena *a,
    struct index_row *ret, struct err *err); /* 1, 0 none, -1 */
int index_all(struct mail *m, const struct lane_folder *lf, struct arena *a, struct index_row **ret,
    size_t *ret_n, struct err *err);
int index_put(struct mail *m, struct lane_folder *lf, const struct index_row *r);
int index_flags(
    struct mail *m, struct lane_folder *lf, const struct index_row *r, uint32_t was);
/* The same of many, by UID: neighbours that became alike are one statement. Until index_flags_end the
 * index does not know of the last ones. */
struct index_flagged {
	uint32_t first, last, flags; /* last 0: none */
	uint64_t modseq;
	unsigned char where;
	char info[NAME_MAX_FILE + 1];
};
void index_flags_add(struct mail *m, struct lane_folder *lf, struct index_flagged *run,
    const struct index_row *r, uint32_t was);
int index_flags_end(struct mail *m, const struct lane_folder *lf, struct index_flagged *run);
/* lf->counts; counted anew only after trouble. */
int index_count(struct mail *m, struct lane_folder *lf, struct err *err);
/* Takes out the rows of uids (ascending) that are there: ret has room for n. */
int index_some(struct mail *m, const struct lane_folder *lf, const uint32_t *uids, size_t n,
    struct arena *a, struct index_row *ret, size_t *ret_n, struct err *err);
int index_no(struct mail *m); /* notes that the index failed; -1 */
/* One message more (1) or less (-1) with these flags, in lf->counts. */
void index_tally(struct lane_folder *lf, uint32_t flags, uint32_t size, int by);

/* --- lane: index_view.c; failures as index.c --- */
/* What a view knows of all, by UID: malloc'd, the caller frees. */
int index_view(struct mail *m, struct lane_folder *lf, struct view_message **ret, size_t *ret_n,
    struct err *err);
/* Before any row of these UIDs changes: on -1 it must not. */
int snap_drop(struct mail *m, const struct lane_folder *lf, uint32_t first, uint32_t last);
/* So that the next index_view reads few rows: what it cannot write is read from rows. */
void snap_fill(struct mail *m, const struct lane_folder *lf);

/* --- lane: index_gone.c; failures as index.c --- */
/* ${rows}, by UID, into the expunge history. */
int index_drop(struct mail *m, struct lane_folder *lf, const struct index_row *rows, size_t n,
    uint64_t modseq);
void index_gone_sweep(struct mail *m); /* what is older than the floors, or of no folder */
int index_was_gone(struct mail *m, const struct lane_folder *lf, uint32_t uid);
struct known {
	bool is_known;
	enum folder_role from;
};
struct known index_known(struct mail *m, const struct lane_folder *lf, const unsigned char cid[16]);
int index_usage(struct mail *m, struct account_usage *ret);

/* Rendered items of a content. */
struct items {
	struct buf envelope, structure, body, map, fields, preview;
	struct buf thread; /* 16 octets made of msgid_root; empty: none, its content stands for it */
	bool has_preview;
};
/* ${has_preview}: it takes longer than the rest together, and few clients ask for it. */
void items_render(struct items *it, struct slice wire, bool has_preview);
struct header;
void items_fields(const struct header *h, struct buf *out); /* the lines that are kept of it */
void items_free(struct items *it);
size_t items_octets(const struct items *it); /* of memory */
int index_items_put(struct mail *m, const unsigned char cid[16], const struct items *it);

/* --- lane: quarantine.c: room for one message more of that size (CRLF form): the oldest go for good. -1
 * with the job's err --- */
int quarantine_room(struct mail_job *j, struct lane_folder *lf, uint64_t octets);

/* --- lane: scan.c --- */
int scan_look(struct mail_job *j, struct lane_folder *lf, bool hard, struct err *err);
/* The same, and all that is there now, by UID: malloc'd, the caller frees. */
int scan_load(struct mail_job *j, struct lane_folder *lf, bool hard, struct view_message **ret,
    size_t *ret_n, struct err *err);
/* Size, wire size and content id of a file by reading it. */
int scan_read(int dir, const char *file, uint64_t *ret_disk, uint64_t *ret_wire,
    unsigned char cid[16], struct err *err);
/* lane: expunge.c: takes messages (by UID) away, into expunged/ when ${keep}; their rows, delta and
 * usage. -1 with j->err; ${ret_n} (may be NULL): how many went, the first of them. */
int lane_expunge(struct mail_job *j, struct lane_folder *lf, const struct index_row *rows, size_t n,
    uint64_t modseq, bool keep, struct delta *d, size_t *ret_n);
void row_path(const struct index_row *r, char ret[NAME_MAX_FILE + 1]);

/* --- loop: mail.c --- */
struct folder *folder_make(
    struct account *a, const char *name, const char *leaf); /* not yet in the list */
void folder_list(struct mail *m, struct folder *f);
void folder_unlist(struct mail *m, struct folder *f);
void folder_relist(struct mail *m); /* names changed: sort */
int subs_load(struct mail *m, struct err *err);
int subs_print(struct mail *m, struct buf *out);
bool subs_set(struct mail *m, struct slice name, bool on); /* false: it was so already */
/* lane or at open: a folder on disk and in the index; in the loop's list not yet. */
int folder_build(
    struct mail *m, const char *name, enum folder_role role, struct folder **ret, struct err *err);
void folder_free(struct folder *f);
void items_sweep(struct mail *m); /* lane: rendered items of no message */
int leaf_of_name(struct slice name, struct buf *out, struct err *err); /* "" for INBOX */
int name_of_leaf(struct slice leaf, struct buf *out);
void sweep_dead(struct mail *m, int64_t now); /* blocking: tmp/ over 36 h, half-made folders */
/* A name in deleted/ that holds a folder until the undelete window ends: since when? */
bool deleted_time(const char *name, int64_t *ret);
void deleted_remove(const char *path); /* blocking: what it holds, and itself */
int maildir_make(const char *path, struct err *err); /* path and cur new tmp */
int tree_remove(const char *path);
int folder_remove_empty(const char *path); /* 1 gone; 0 a message is there, it stays; -1 */

/* --- intents (intent.c): durable rows of queue.sqlite, undone at start; blocking ones are for
 * STORE_QUEUE's lane --- */
int intent_put(
    struct store *s, const char *kind, struct slice names, int64_t *ret, struct err *err);
int intent_drop(struct store *s, int64_t id, struct err *err);
/* A line of kind "names": where, and how the names begin. On the loop. */
void intent_name(
    struct buf *names, const struct folder *f, const char *stamp, uint32_t first, uint32_t n);
struct intent_job {
	struct job job;
	struct store *s;
	const char *kind; /* NULL: drop ${id} */
	struct buf names;
	int64_t id;
	bool failed;
	struct err err;
	void (*end)(struct intent_job *j); /* loop; the job stays its owner's */
	void *self;
};
void intent_start(struct intent_job *j); /* on the loop; forced */

#endif
