/* store.h: opening what we keep, its lanes, its people. The other public headers here: draft.h (a
 * message while it arrives, and its commit), mailbox.h (folders, views, changes, reading), queue.h,
 * ledger.h, learn.h. The process stands in DATA: all paths are relative.
 *
 * Two kinds of functions. Asynchronous ones, called on the loop, take a callback and return a
 * struct store_op: the callback comes once, later, on the loop, or never after store_op_cancel
 * (what was begun is still finished). Blocking ones (marked "lane: X") must be called from a job on
 * store_lane(s, X), where they have the database to themselves. */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "core/cfg.h"
#include "core/err.h"
#include "core/work.h"

/* In the data folder: traces of sessions, one a file; those of L_TRACE_DAYS go. */
#define STORE_TRACES "run/trace"

struct loop;
struct store;
struct store_op;
struct account; /* a person's mail; lives as long as the store */

enum store_lane {
	STORE_STATE,  /* state.sqlite: passwords, lessons, what expires */
	STORE_QUEUE,  /* queue.sqlite: outbound, intents */
	STORE_LEDGER, /* ledger.sqlite */
	STORE_SPAM,   /* spam.sqlite */
	STORE_LANES,
};

/* store_open: in the present folder (DATA). Blocking, at start: takes the lock (ERR_BUSY when
 * another process has it), migrates, finishes or undoes intents, makes missing accounts and their
 * folders (INBOX Sent Drafts Junk Trash Archive, all subscribed), resumes reservations. */
struct store *store_open(struct loop *l, struct work *w, const struct cfg *cfg, struct err *err);
/* store_prepare: opens the trees of the accounts that ${cfg} has and this store has not, on a lane
 * (they may be large). Then on_ready, on the loop, also when the store closes meanwhile: the accounts
 * are there, but gone (account_is_gone) until store_reload() says otherwise; on failure some of them
 * are. ${cfg} stays until then. */
void store_prepare(struct store *s, const struct cfg *cfg,
    void (*on_ready)(void *self, const struct err *err), void *self);
/* store_reload: cfg changed, and was prepared: its accounts are in force, those no longer there are
 * gone. -1: one was not prepared; the others still change over. */
int store_reload(struct store *s, const struct cfg *cfg, struct err *err);
/* store_close: on_closed once every lane is idle, clean-stop marks are written and databases are
 * closed; then the store is gone. */
void store_close(struct store *s, void (*on_closed)(void *self), void *self);
struct lane *store_lane(struct store *s, enum store_lane which);
struct work *store_work(struct store *s);
struct loop *store_loop(struct store *s);
const struct cfg *store_cfg(const struct store *s);
void store_op_cancel(struct store_op *op); /* accepts NULL */

/* Health, for status: NULL or the reason why new mail is refused ("disk below its reserve", "a sync
 * failed: ..."). 4xx / NO then. */
const char *store_degraded(const struct store *s);
/* New mail may be taken now (free space over L_FREE, no failed sync)? Cheap: remembered for a
 * second. */
bool store_accepts(struct store *s, struct err *err);

/* Nothing goes because of its age for so many seconds yet: the clock jumped, or was not looked at
 * before. 0: it runs evenly. */
int64_t store_expire_held(const struct store *s);

/* Accounts. */
struct account *store_account(struct store *s, struct slice name);
struct account *store_account_next(struct store *s, struct account *after); /* NULL: the first */
const char *account_name(const struct account *a);
const struct cfg_account *account_cfg(const struct account *a);
bool account_is_gone(const struct account *a);

/* login_start: may this person in? Throttled by source and source+account (L_AUTHF, clock on the
 * loop), hashed on its own lane (L_AUTH_RUNNING, L_AUTH_WAITING), a verified password remembered
 * for 10 min in memory under a keyed hash. Unknown names cost the same. LOGIN_BUSY: 454 4.7.0 / NO
 * [UNAVAILABLE]. Delays happen inside: the answer comes late. */
enum login_result { LOGIN_OK, LOGIN_WRONG, LOGIN_BUSY, LOGIN_THROTTLED };
struct store_op *login_start(struct store *s, struct slice name, struct slice password,
    const struct ip *peer, void (*on_login)(void *self, enum login_result r, struct account *a),
    void *self);
/* lane: STORE_STATE. Hash is a secret_hash string. get: ERR_NOT_FOUND when none. Setting forgets
 * remembered passwords (call login_forget on the loop). */
int password_set(struct store *s, const char *account, const char *hash, struct err *err);
int password_get(struct store *s, const char *account, char ret_hash[128], struct err *err);
void login_forget(struct store *s);

#endif
