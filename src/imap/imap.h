/* imap.h: what main.c and admin/ see of IMAP. */
#ifndef IMAP_IMAP_H
#define IMAP_IMAP_H

#include "core/cfg.h"
#include "core/conn.h"
#include "core/tls.h"
#include "store/store.h"

struct imap_server;

struct imap_server *imap_server_new(
    struct loop *l, struct store *s, struct tls *tls, const struct cfg *cfg);
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

#endif
