/* session.h: one IMAP connection: its state, the command under way, how a command waits, says
 * much, and ends. Inside src/imap only. */
#ifndef IMAP_SESSION_H
#define IMAP_SESSION_H

#include "core/clock.h"
#include "core/conn.h"
#include "core/list.h"
#include "core/loop.h"
#include "core/sasl.h"
#include "imap/args.h"
#include "imap/imap.h"
#include "imap/news.h"
#include "imap/token.h"
#include "imap/write.h"

struct imap;
struct imap_command;
struct notify;
struct contexts;
struct traces;

enum imap_state { /* RFC 9051 3; also bits of a command's row */
	IMAP_GREETED = 1,
	IMAP_AUTHENTICATED = 2,
	IMAP_SELECTED = 4,
};

enum imap_reading { /* who takes the input */
	READING_COMMAND,
	READING_NONE,    /* a command waits for the store: the rest stays unread */
	READING_LINE,    /* AUTHENTICATE, IDLE: on_line */
	READING_MESSAGE, /* APPEND: on_octets */
};

enum imap_step { STEP_MORE, STEP_WAIT, STEP_DONE };

struct imap_call {                      /* the command under way; all of it ends with the command */
	const struct imap_command *row; /* NULL: none is */
	struct arena *arena;
	char *tag;
	bool is_uid;
	struct args args;
	struct store_op *op; /* what it waits for, one at a time */
	struct visit *visit;
	enum imap_step (*step)(struct imap *s); /* says a piece; while there is room */
	void (*then)(struct imap *s);           /* after STEP_DONE */
	void (*on_line)(struct imap *s, struct slice line);
	/* Takes from input, returns how much; 0: nothing for now. */
	size_t (*on_octets)(struct imap *s, struct slice in);
	void *data;               /* the command's own */
	void (*drop)(void *data); /* frees what is in data and not in the arena */
	struct slice line;        /* what of imap_say's line is not said yet */
	const char *status;       /* "OK ...": the answer that waits behind the news */
	size_t status_at;
	bool is_ending;
};

struct imap {
	struct list node; /* of the server */
	struct imap_server *server;
	struct conn *conn;
	struct later *later;
	char id[12]; /* "i-xxxxxxxx" */
	enum imap_state state;
	enum imap_reading reading;
	struct reader reader;
	struct imap_call call;
	struct buf out; /* one response while it is put together; empty between */
	struct account *account;
	struct sasl *sasl;
	unsigned bad;                  /* commands answered BAD; once logged in, in a row */
	unsigned logins_failed, noops; /* before login */
	bool condstore, qresync, rev2, utf8_accept; /* enabled */
	bool utf8; /* mailbox names go and come in UTF-8 */
	uint64_t masked; /* capabilities this client breaks on (capability.c) */
	bool uid_only; /* RFC 9586: no message numbers, either way */
	bool greeted, running, pumping, closing,
	    leaving; /* leaving: BYE once the command under way has ended */
	bool idling;
	/* the selected mailbox */
	struct news news; /* news.view NULL: none, or it was deleted */
	struct view_watch watch;
	struct contexts *contexts; /* NULL: no search is kept up to date */
	struct notify *notify; /* NULL: NOTIFY was not used */
	bool read_only, view_gone;
	uint32_t *saved; /* "$": uids, sorted */
	size_t saved_n;
	/* slow senders (L_RATEIN) */
	struct timer *rate_timer;
	uint64_t rate_octets;
};

struct imap_server {
	struct loop *loop;
	struct store *store;
	struct tls *tls;
	const struct cfg *cfg;
	struct list sessions;
	struct traces *traces;
	struct imap_server_counts counts;
	bool draining;
	void (*on_idle)(void *self);
	void *idle_self;
	struct later *later;
};

void session_open(struct imap_server *srv, struct conn *c, bool is_tls);
void session_leave(struct imap *s);   /* drain: BYE now, or when the command under way has ended */
void session_abandon(struct imap *s); /* the server goes away: at once, everything let go */
void server_gone(struct imap_server *srv, struct imap *s); /* session.c tells server.c */
void server_look_idle(struct imap_server *srv); /* perhaps all have ended; tells whoever drains */

/* Answers. Only the last act of a command ends it: imap_end with "OK ...", "NO [CODE] ..." or
 * "BAD ..."; pending news is told first where the command's row allows it. Text that peers chose
 * goes through imap_endf's "%s": it is cleaned. */
void imap_end(struct imap *s, const char *status); /* a constant, or in the command's arena */
void imap_endf(struct imap *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void imap_bad(struct imap *s, const char *why);           /* "BAD why", counted */
void imap_end_err(struct imap *s, const struct err *err); /* NO with the code of the error */
/* imap_bye: "* BYE why" and close. ${why} may begin with a code. */
void imap_bye(struct imap *s, const char *why);
/* Untagged: put it together in s->out, then imap_flush. */
void imap_flush(struct imap *s);
/* imap_produce: call step while there is room, then(s) once it says STEP_DONE. STEP_WAIT: nothing
 * for now, imap_pump goes on. Either may end the command. */
void imap_produce(
    struct imap *s, enum imap_step (*step)(struct imap *s), void (*then)(struct imap *s));
void imap_pump(struct imap *s);
/* imap_say: a line of any length, its CRLF included, piece by piece as there is room; then(s).
 * ${line} stays until the command ends. */
void imap_say(struct imap *s, struct slice line, void (*then)(struct imap *s));
/* The command waits: input stays unread. Called by the dispatcher; commands that read themselves
 * set reading. */
void imap_read_lines(struct imap *s, void (*on_line)(struct imap *s, struct slice line));
void imap_read_octets(struct imap *s, size_t (*on_octets)(struct imap *s, struct slice in));
void imap_run(struct imap *s);
void imap_later(struct imap *s); /* on the next turn: what waits is told, and input read */
void imap_login(struct imap *s, struct account *a, const char *how);

/* The mailbox. */
bool imap_is_selected(const struct imap *s, const struct folder *f); /* and not deleted */
void imap_unselect(struct imap *s);
void imap_close_view(
    struct imap *s); /* it was deleted: nothing is shown any more, commands say so */
void imap_news_style(const struct imap *s, bool expunges, struct news_style *ret);
void imap_enable_condstore(struct imap *s);
/* imap_say_vanished: "* VANISHED (EARLIER) ..." of those in ${set} (NULL: any), fixed, that are no
 * more, when there are some; then(s). ${uids}: what view_vanished recorded, if ${complete}. */
void imap_say_vanished(struct imap *s, const struct seqset *set, bool complete,
    const uint32_t *uids, size_t n, void (*then)(struct imap *s));
bool imap_mailbox_name(
    struct imap *s, struct slice given, struct slice *ret); /* UTF-8, in the arena */
bool imap_take_mailbox(struct imap *s, struct slice *ret);

/* The messages of the set at the cursor, resolved; false: the command was answered. uids are
 * freed with the command. */
struct targets {
	uint32_t *uids;
	size_t n;
	bool missing;
};
bool imap_take_set(struct imap *s, struct targets *ret, struct seqset *ret_set);
bool imap_resolve(struct imap *s, struct seqset *set, struct targets *ret);

#endif
