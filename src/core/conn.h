/* conn.h: a byte stream: TCP, or a unix socket, with or without TLS. Three events, one death
 * (ANCHORS P3). No event is called from inside a call of the owner's: it comes on a later turn or
 * from the loop. */
#ifndef CORE_CONN_H
#define CORE_CONN_H

#include "core/buf.h"
#include "core/ip.h"

struct conn;
struct loop;
struct tls;

struct conn_events {
	void (*on_input)(
	    void *self); /* unread bytes grew, or (after conn_at_eof) the peer has ended */
	void (*on_drain)(void *self);  /* output fell below the low mark (32 KiB): produce more */
	void (*on_secure)(void *self); /* a TLS handshake begun here is complete; may be NULL */
	void (*on_closed)(
	    void *self, const char *why); /* last event ever; cancel, free yourself here */
};

/* conn_own: who gets the events from now on. A conn without owner reads nothing. */
void conn_own(struct conn *c, const struct conn_events *ev, void *self);

/* Input. It is unread until consumed; reading stops while unread input is at the mark (default 64
 * KiB), while held, or while output is above the high mark (L_IOUT). */
struct slice conn_input(const struct conn *c);
void conn_consume(struct conn *c, size_t n);
void conn_input_mark(struct conn *c, size_t octets);
void conn_hold(struct conn *c,
    bool held); /* true: no on_input until released; on release comes one if there is input */
/* The peer has ended in good order; nothing more will come. What is unread can still be taken:
 * on_input comes once more. A connection that is then neither held nor has unread input closes
 * itself ("closed by peer"), with unread input after 5 s. So an owner that waits for something
 * before it can answer holds the connection. An end inside TLS without close_notify is no good
 * order: on_closed says "truncated" at once. */
bool conn_at_eof(const struct conn *c);
/* conn_hurry: acknowledge what comes at once instead of with the next answer (TCP_QUICKACK). For
 * while the peer sends one thing that is answered at its end: with Nagle on, it keeps the last
 * piece until the one before is acknowledged, 40 ms later. */
void conn_hurry(struct conn *c, bool on);
/* Octets ever received (after TLS), for rate rules. */
uint64_t conn_received(const struct conn *c);

/* Output. conn_send copies; all that one turn sends goes out in one write. Never fails to its
 * caller: a connection whose queue passes L_IOUT + 256 KiB or whose peer is gone closes itself.
 * Check conn_congested() before producing more of something large, and go on in on_drain. */
void conn_send(struct conn *c, const void *p, size_t n);
void conn_send_slice(struct conn *c, struct slice s);
void conn_sendz(struct conn *c, const char *z);
void conn_sendf(struct conn *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
size_t conn_queued(const struct conn *c);
bool conn_congested(const struct conn *c); /* above 256 KiB */

/* One deadline at a time; expiry closes with why "timeout: <phase>". seconds 0: none. */
void conn_deadline(struct conn *c, unsigned seconds, const char *phase);
/* If set, expiry calls this instead of closing (to say 421 or BYE first, then conn_close). */
void conn_on_deadline(struct conn *c, void (*on_expired)(void *self, const char *phase));

/* TLS. Server side: refuses (-1) while unread input exists, so that nothing said in clear counts as
 * secured (RFC 3207 6). Output queued before leaves in clear, first. The handshake has L_HS_SECONDS
 * of its own. */
int conn_start_tls(struct conn *c, struct tls *t);
/* Client side: name for SNI and, where verify, for the certificate check. */
int conn_start_tls_client(struct conn *c, struct tls *t, const char *name, bool verify);
bool conn_is_tls(const struct conn *c);
/* "TLS1.3 TLS_AES_256_GCM_SHA384" for Received and logs; "" without TLS. */
const char *conn_tls_text(const struct conn *c);
bool conn_tls_verified(const struct conn *c); /* client: certificate and name were right */

/* DEFLATE over what follows, both ways (RFC 4978): what was sent until now leaves as it is. -1, and
 * nothing has changed, while unread input exists: it was sent before the peer could know. About 45
 * KiB of memory, and 32 KiB more for a peer that uses a large window; input is inflated only as far
 * as it is read. Lasts as long as the connection. */
int conn_start_deflate(struct conn *c);
bool conn_is_deflated(const struct conn *c);
/* The peer will say nothing for a while: what DEFLATE remembers is given up with the next output, and made anew when something
 * comes. Its answers compress a little less. */
void conn_rest(struct conn *c);

const struct ip *conn_peer(const struct conn *c);
unsigned conn_peer_port(const struct conn *c);
const struct ip *conn_local(const struct conn *c);
unsigned conn_local_port(const struct conn *c);
/* conn_tap: somebody listens, from now on until it is called with NULL: to what the owner consumes
 * and to what is sent, as it is before DEFLATE and TLS. The tap is borrowed; its functions call
 * nothing of the connection's. */
struct conn_tap {
	void (*on_taken)(void *self, struct slice s);
	void (*on_sent)(void *self, struct slice s);
	void *self;
};
void conn_tap(struct conn *c, const struct conn_tap *tap);
/* Logged-in peers are counted apart (L_CONN_GUEST) and are shed last. */
void conn_set_trusted(struct conn *c);

/* conn_close: send what is queued (within 5 s), say goodbye (close_notify, FIN), then on_closed on
 * a later turn. Input is ignored from now on. conn_abort: at once, nothing more is sent; on_closed
 * on a later turn. Both may be called more than once. A conn frees itself after on_closed. */
void conn_close(struct conn *c, const char *why);
void conn_abort(struct conn *c, const char *why);

#endif
