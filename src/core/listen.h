/* listen.h: bind, accept, caps. Caps count per source (ip_source: IPv4 address or IPv6 /64):
 * L_CONN_SOURCE in all, L_CONN_GUEST not logged in, L_CONN_RATE new a minute; L_CONN over all
 * listeners, where the oldest untrusted silent connection is shed first. */
#ifndef CORE_LISTEN_H
#define CORE_LISTEN_H

#include "core/conn.h"
#include "core/err.h"

struct listeners; /* all of them share one set of caps */
struct loop;

struct listen_caps {
	uint64_t conn, conn_per_source, conn_guests, conn_rate; /* cfg_limits */
};

struct listeners *listeners_new(struct loop *l, const struct listen_caps *caps);
void listeners_set_caps(struct listeners *ls, const struct listen_caps *caps); /* on reload */
/* listen_bind: binds now (while still privileged); accepts nothing before listeners_start. ${any}:
 * both families.
 * ${on_conn}: a new connection within the caps, not yet owned. ${refusal}: what an over-limit peer
 * is sent in clear before close ("421 4.7.0 ...\r\n"), NULL for TLS ports. */
int listen_bind(struct listeners *ls, bool any, const struct ip *address, unsigned port,
    void (*on_conn)(void *self, struct conn *c), void *self, const char *refusal, struct err *err);
int listen_unix(struct listeners *ls, const char *path, void (*on_conn)(void *self, struct conn *c),
    void *self, struct err *err); /* mode 0600; replaces a dead socket file; not counted by caps */
void listeners_start(struct listeners *ls);
void listeners_stop(struct listeners *ls); /* no more accepts; connections live on */
void listeners_free(struct listeners *ls);
unsigned listeners_count(const struct listeners *ls); /* live connections */
/* The port the index-th bound socket has (where 0 was asked for, the kernel chose); 0 past the end
 * and for unix sockets. */
unsigned listeners_port(const struct listeners *ls, size_t index);

#endif
