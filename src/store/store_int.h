/* store_int.h (inside store): the store and an account as their files see them. */
#ifndef STORE_STORE_INT_H
#define STORE_STORE_INT_H

#include <pthread.h>

#include "core/clock.h"
#include "core/list.h"
#include "core/map.h"
#include "store/draft.h"
#include "store/op.h" /* struct store_op; store_op_cancel is in op.c */
#include "store/sql.h"

struct watch_dirs;
struct mail;   /* an account's folders and lane: mail_int.h */
struct logins; /* login.c: throttles, remembered passwords */
struct expire; /* expire.c: the clock, and the hourly walk over Junk and Trash */
struct mend;   /* health.c: a repair after a failed sync, under way */

struct store {
	struct loop *loop;
	struct work *work;
	const struct cfg *cfg; /* borrowed; replaced by store_reload */
	int lock_fd, reserve_fd;
	char data_set[9];                          /* 8 characters in every name: DATA/data-set */
	unsigned name_serial;                      /* Q<n> of names: atomic */
	struct sql *state, *queue, *ledger, *spam; /* each used by its lane only */
	struct lane *lanes[STORE_LANES];
	struct lane *sync; /* WORK_SYNC, width L_SHARE_SYNC: writing and syncing message files */
	struct lane *read; /* WORK_READ, width L_SHARE_READ */
	struct lane *passwords;  /* WORK_PASSWORD, width L_AUTH_RUNNING, max L_AUTH_WAITING */
	struct list accounts;    /* struct account.node, in order of the configuration */
	struct list watches;     /* struct store_watch.node */
	struct watch_dirs *dirs; /* NULL: poll */
	struct list patrols;     /* watches of folders that are not open: patrol.c */
	struct list lingering;   /* views that nobody holds, the oldest first: view.c */
	struct logins *logins;
	void (*on_queue_added)(void *self);
	void *queue_self;
	uint64_t ledger_dropped;
	unsigned ledger_added; /* since the size was last looked at */
	struct map *standings; /* owned: struct standing by name; the loop's (reputation.c) */
	/* health: a failed sync stays until a probe file was written and synced (P9) */
	pthread_mutex_t health; /* guards the next two: any thread reports */
	char failed_sync[128];
	unsigned failed_serial; /* counts reports, so that a repair does not hide a later one */
	char degraded[192];     /* what store_degraded last said */
	struct mend *mend;      /* NULL: none under way */
	bool reserve_busy, closing;
	struct expire *expire;  /* owned */
	int64_t *stale_intents; /* rows of table intent that could not be dropped: intent_retry */
	size_t stale_intents_n;
	bool intent_busy;
	uint64_t queue_max; /* limits.queue, for the queue's lane: atomic */
	int64_t purge_next_ms,
	    purge_window; /* window: seconds that undelete copies are kept for as things stand */
	int64_t upkeep_next_ms; /* when the hourly part is due */
	int64_t free_checked_ms;
	bool free_low;
	void (*on_closed)(void *self);
	void *closed_self;
	struct timer *close_timer, *upkeep;
};

struct account {
	struct list node;
	struct store *store;
	const struct cfg_account *cfg; /* borrowed from store->cfg; NULL once gone */
	char *name;                    /* owned */
	struct mail *mail;             /* owned; mail_open / mail_close */
};

/* What open.c calls in the mailbox half (mail.c), blocking unless said otherwise, at start: */
int mail_open(
    struct account *a, struct err *err); /* any thread: tree, folders, reservations, index */
void mail_start(struct account *a);      /* loop: the lane; before anything is asked of it */
bool mail_idle(const struct account *a);
void mail_configure(struct account *a); /* loop: a->cfg may say something else now */
void mail_stop(struct account *a);  /* loop: no new work; close watches and timers */
void mail_close(struct account *a); /* idle: clean-stop marks, index closed, freed */
/* loop: a job on the account's lane removes what lies in expunged/ since before ${older_than},
 * leftovers of deleted/ and dead files of tmp/. */
void mail_purge_expunged(struct account *a, int64_t older_than);
/* expire_mail.c. Does nothing wait on the account's lane? */
bool mail_is_quiet(const struct account *a);
/* loop: a batch of what came to ${f} before that time and has a UID above ${after} is expunged; calls
 * back once, later: how many, the last UID looked at, and whether there may be more. */
struct folder;
void mail_expire(struct account *a, struct folder *f, int64_t before, uint32_t after,
    void (*on_done)(void *self, uint32_t n, uint32_t last_uid, bool more), void *self);
/* intent.c: rows of queue.sqlite table intent, finished or undone at start, before accounts open.
 */
int intent_recover(struct store *s, struct err *err);
void intent_retry(struct store
	*s); /* loop, now and then: rows that could not be dropped when their act was done */
/* Health. Any thread may report a failed sync; it is remembered until store_probe() succeeds on the
 * upkeep timer. */
void store_sync_failed(struct store *s, const char *what); /* thread-safe */
/* A write found the disk full: the 2 MiB reserve is given up at once, so that EXPUNGE works (P10).
 * Any thread; made again when there is room. */
void store_no_space(struct store *s);
/* health.c */
void health_start(struct store *s);
void health_stop(struct store *s);
bool health_idle(const struct store *s);
int reserve_make(int fd); /* blocking */
void health_purge(struct store *s); /* undelete copies past their window */
/* expire.c */
void expire_start(struct store *s);
void expire_hourly(struct store *s);
void expire_stop(struct store *s);
bool expire_idle(const struct store *s);
/* For how many seconds more nothing goes because of its age, when the last look at the clock was at
 * ${last} (0: never), said ${held}, and it is ${now}. */
int64_t clock_hold(int64_t last, int64_t held, int64_t now);
/* login.c */
struct logins *logins_new(struct store *s);
void logins_free(struct logins *l); /* pending ones fall silent; only when the lanes are idle */
void logins_stop(struct logins *l); /* no more: delayed ones are dropped */
/* ledger.c, lane STORE_LEDGER: at most so many octets in use, the oldest go first */
int ledger_bound(struct store *s, uint64_t max, struct err *err);
/* reputation.c */
struct standing;
void reputation_open(struct store *s);	 /* at start, blocking */
void reputation_hourly(struct store *s); /* loop: makes room in memory */
void reputation_close(struct store *s);
int reputation_load(
    struct store *s, struct slice name, struct standing *ret, struct err *err); /* lane */
void reputation_publish(
    struct store *s, struct slice name, const struct standing *now); /* loop */
/* queue.c, at open: crash marks (P22), bodies no row and no intent names */
int queue_recover(struct store *s, struct err *err);
/* schema.c */
struct schema {
	const char *path;
	enum sql_sync sync;
	bool cache; /* damaged: set aside and started afresh; else refused */
	const char *const *steps;
	unsigned steps_n;
};
const struct schema *schema_of(enum store_lane which);
/* queue.c, on the queue lane, for the commit function: insert an entry whose body file is already
 * durable as queue/<id>, and in the same transaction delete the row
 * ${intent} of table intent (0: none). ERR_LIMIT at limits.queue when env->account is not empty.
 * Bodies are made under queue/tmp/, which is emptied at open. */
struct queue_envelope;
int queue_insert(struct store *s, const char *id, const struct queue_envelope *env, uint64_t size,
    int64_t now, int64_t intent, struct err *err);
void queue_new_id(char ret[17]);
void queue_tell_added(struct store *s); /* loop */
/* draft.c, on the loop: while kept, draft_free leaves an ended draft readable; the last unkeep
 * frees it then. */
struct draft;
void draft_keep(struct draft *d);
void draft_unkeep(struct draft *d);
/* Is a body with this id named by a row? For intent_recover. 1, 0, -1. */
int queue_has(struct store *s, const char *id, struct err *err);

#endif
