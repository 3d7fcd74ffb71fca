/* conn_int.h: a connection's inside, for the files that make connections (listen.c, dial.c) and that secure them
 * (conn_tls.c). */
#ifndef CORE_CONN_INT_H
#define CORE_CONN_INT_H

#include <openssl/ssl.h>

#include "core/conn.h"
#include "core/loop_int.h"

enum {
	CONN_MARK = 65536,	      /* unread input at which reading stops, unless told otherwise */
	CONN_LOW = 32768,	      /* on_drain below */
	CONN_CONGESTED = 262144,
	CONN_CLOSE_MS = 5000,	      /* to send what is queued */
	CONN_LINGER_MS = 2000,	      /* for the peer to read it before a reset can overtake it */
	CONN_LINGER_OCTETS = 1048576, /* dropped meanwhile */
	CONN_EOF_MS = 5000,	      /* unread input after the peer has ended */
	CONN_WHY = 128,
};

enum conn_state {
	CONN_OPEN,
	CONN_CLOSING,	/* sending the rest of the output */
	CONN_LINGERING, /* FIN sent, the owner has been told; dropping input until the peer's FIN */
	CONN_DEAD,	/* handles are closing */
};

struct conn_tls { /* one allocation per secured connection */
	SSL *ssl;
	bool is_client, is_ready, has_ended, verified;
	char text[64];
};

struct conn_watch { /* who counts connections (listen.c) */
	void (*on_active)(void *self);
	void (*on_trusted)(void *self);
	void (*on_gone)(void *self); /* last */
	void *self;
};

struct conn {
	struct owned owned;
	union {
		uv_stream_t stream;
		uv_tcp_t tcp;
		uv_pipe_t pipe;
	} h;
	uv_timer_t timer;
	struct loop *loop;
	enum conn_state state;
	unsigned handles; /* still open; the last one's close callback frees */
	const struct conn_events *ev;
	void *self;
	struct conn_watch watch;
	const struct conn_tap *tap; /* NULL: nobody listens */

	struct buf in; /* unread octets from in_at on */
	size_t in_at, mark, dropped;
	uint64_t received;
	bool is_connected, is_reading, is_held, is_eof, is_hurried;
	bool wants_input, wants_secure, wants_closed; /* events for the next turn */
	struct later event;

	struct buf out;	 /* clear octets of this turn, or waiting for the kernel */
	struct buf wire; /* octets for the kernel behind those it has */
	size_t writing;	 /* octets in the write under way */
	bool was_full;	 /* passed CONN_LOW since the last on_drain */
	bool has_shut;
	struct later flush;
	uv_shutdown_t shut;

	uint64_t deadline_at, handshake_at, eof_at, close_at, stall_at, timer_at; /* clock_ms, 0: none */
	size_t stall_size;
	const char *phase;
	void (*on_expired)(void *self, const char *phase);

	struct conn_tls *tls;
	struct conn_deflate *deflate; /* NULL: octets are as they are */
	struct ip peer, local;
	unsigned peer_port, local_port;
	char why[CONN_WHY];
};

/* conn_new: not connected, reads nothing; conn_connected once its stream is. */
struct conn *conn_new(struct loop *l, bool is_unix);
void conn_connected(struct conn *c);

/* For conn_tls.c. */
void conn_wire(struct conn *c, struct slice s); /* to the kernel, now or behind what waits */
void conn_got(struct conn *c, struct slice s);	/* octets have arrived, TLS taken off */
void conn_clear(struct conn *c, struct slice s); /* and DEFLATE: they are input */
void conn_ended(struct conn *c);		/* the peer has ended in good order */
void conn_fail(struct conn *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void conn_timer(struct conn *c);		/* after a change of any ..._at */
void conn_pump(struct conn *c);
void conn_settle_reading(struct conn *c); /* after a change of what may_read looks at */
void conn_flush_turn(void *self);	 /* conn_out.c: at the end of a turn */

/* conn_tls.c */
void conn_tls_input(struct conn *c, struct slice s); /* from the wire */
void conn_tls_flush(struct conn *c);		     /* encrypts a part of c->out */
void conn_tls_write(struct conn *c, struct slice s); /* encrypts all of this */
void conn_tls_goodbye(struct conn *c);		     /* close_notify */
void conn_tls_free(struct conn_tls *t);

/* conn_deflate.c */
void conn_deflate_input(struct conn *c, struct slice s); /* from the peer */
void conn_deflate_more(struct conn *c);			 /* inflates while there is room for input */
bool conn_deflate_waits(const struct conn *c);		 /* some is not inflated yet */
void conn_deflate_flush(struct conn *c);		 /* compresses a part of c->out and sends it */
void conn_deflate_free(struct conn_deflate *d);

/* tls.c */
SSL_CTX *tls_ctx(struct tls *t);

#endif
