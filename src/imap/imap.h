/* imap.h: what main.c and admin/ see of IMAP. */
#ifndef IMAP_IMAP_H
#define IMAP_IMAP_H

#include "core/cfg.h"
#include "core/conn.h"
#include "core/tls.h"
#include "store/store.h"

struct imap_server;
struct work;

struct imap_server *imap_server_new(struct loop *l, struct work *w, struct store *s,
    struct tls *tls, const struct cfg *cfg);
void imap_server_reload(struct imap_server *s, const struct cfg *cfg);
/* These fit listen_bind's on_conn; self is the server. */
void imap_accept(void *server, struct conn *c);     /* 143: STARTTLS */
void imap_accept_tls(void *server, struct conn *c); /* 993 */
void imap_server_drain(struct imap_server *s, void (*on_idle)(void *self),
    void *self); /* BYE to all; commits under way finish */
void imap_server_free(struct imap_server *s);
struct imap_server_counts {
	uint64_t sessions, live, logged_in, idle;
};
void imap_server_counts(const struct imap_server *s, struct imap_server_counts *ret);

/* imap_server_trace: for so many minutes (L_TRACE_MINUTES at most; 0: no longer) write down what the
 * sessions of an account and the server say, each session in a file of its own in STORE_TRACES, from
 * its login on, without passwords and literals (trace.c). Again: the time counts anew. -1: no such
 * account, too many minutes, or L_TRACE_ACCOUNTS are traced. Ends with the account or the server. */
int imap_server_trace(
    struct imap_server *s, struct slice account, unsigned minutes, struct err *err);
/* Calls back for each account that is traced: until when (seconds since 1970), and how many files
 * were begun. */
void imap_server_each_trace(const struct imap_server *s,
    void (*on_trace)(void *arg, const char *account, int64_t until, unsigned files), void *arg);

#endif
