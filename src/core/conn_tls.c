/* conn_tls.c: how does a connection become secure, and stay so? OpenSSL reads what libuv just read and writes into one
 * buffer of the loop's, both through a BIO of our own, so an idle connection keeps no buffers. Nothing that came in clear
 * survives the change (no injection), and an end without close_notify is never a clean end (conn.c says "truncated").
 * Leaves certificates and policy to tls.c. RFC 8446, RFC 3207 6. Failures: close with why. */
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/clock.h"
#include "core/conn_int.h"
#include "core/limits.h"
#include "core/mem.h"
#include "core/tls.h"

/* --- the BIO --- */

static int bio_read(BIO *b, char *ret, int want)
{
	struct conn *c = BIO_get_data(b);
	struct slice *in = &c->loop->tls_in;
	size_t n = want > 0 ? (size_t)want : 0;

	BIO_clear_retry_flags(b);
	if (in->n == 0) {
		BIO_set_retry_read(b);
		return (-1);
	}
	if (n > in->n)
		n = in->n;
	memcpy(ret, in->p, n);
	*in = slice_from(*in, n);
	return ((int)n);
}

static int bio_write(BIO *b, const char *p, int n)
{
	struct conn *c = BIO_get_data(b);

	BIO_clear_retry_flags(b);
	if (n <= 0)
		return (0);
	return (buf_add(&c->loop->cipher, p, (size_t)n) == 0 ? n : -1);
}

static long bio_ctrl(BIO *b, int cmd, long arg, void *p)
{
	(void)b;
	(void)arg;
	(void)p;
	return (cmd == BIO_CTRL_FLUSH ? 1 : 0);
}

static void bio_method_free(void *method)
{
	BIO_meth_free(method);
}

static BIO *bio_new(struct conn *c)
{
	struct loop *l = c->loop;
	BIO *b;

	if (l->bio == NULL) {
		BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(), "conn");

		if (m == NULL)
			return (NULL);
		(void)BIO_meth_set_read(m, bio_read);
		(void)BIO_meth_set_write(m, bio_write);
		(void)BIO_meth_set_ctrl(m, bio_ctrl);
		l->bio = m;
		l->bio_free = bio_method_free;
	}
	if ((b = BIO_new(l->bio)) == NULL)
		return (NULL);
	BIO_set_data(b, c);
	BIO_set_init(b, 1);
	return (b);
}

/* Every call of OpenSSL stands between these two. */
static void enter(struct conn *c, struct slice in)
{
	ERR_clear_error();
	buf_reset(&c->loop->cipher);
	c->loop->tls_in = in;
}

static void leave(struct conn *c)
{
	struct buf *cipher = &c->loop->cipher;

	c->loop->tls_in = (struct slice){ NULL, 0 };
	if (cipher->failed)
		conn_abort(c, "tls: too much output");
	else
		conn_wire(c, buf_slice(cipher));
	buf_reset(cipher);
}

/* --- handshake and records --- */

void conn_tls_free(struct conn_tls *t)
{
	if (t == NULL)
		return;
	SSL_free(t->ssl);
	free(t);
}

static void note_secured(struct conn *c)
{
	struct conn_tls *t = c->tls;
	const char *version = SSL_get_version(t->ssl); /* "TLSv1.3" */
	bool is_known = slice_starts(slice_of(version), SLICE("TLSv1"));
	X509 *cert = SSL_get0_peer_certificate(t->ssl);

	t->is_ready = true;
	t->verified = t->is_client && cert != NULL && SSL_get_verify_result(t->ssl) == X509_V_OK;
	(void)snprintf(t->text, sizeof(t->text), "%s%s %s", is_known ? "TLS" : "",
	    is_known ? version + 4 : version, SSL_get_cipher_name(t->ssl));
	c->handshake_at = 0;
	c->wants_secure = true;
}

/* What OpenSSL refused, in words: its own reason, and for a certificate what was wrong with it. */
static void fail(struct conn *c, const char *what)
{
	unsigned long code = ERR_peek_last_error();
	const char *reason = code != 0 ? ERR_reason_error_string(code) : NULL;
	long verify = SSL_get_verify_result(c->tls->ssl);
	char why[CONN_WHY];

	if (reason == NULL)
		reason = "broken";
	if (c->tls->is_client && verify != X509_V_OK &&
	    SSL_get_verify_mode(c->tls->ssl) != SSL_VERIFY_NONE)
		(void)snprintf(why, sizeof(why), "%s: %s: %s", what, reason,
		    X509_verify_cert_error_string(verify));
	else
		(void)snprintf(why, sizeof(why), "%s: %s", what, reason);
	ERR_clear_error();
	leave(c); /* the alert */
	c->tls->is_ready = false; /* no close_notify after a fatal alert */
	buf_free(&c->out);
	conn_close(c, why);
}

/* take_records: everything in the wire's slice becomes clear input. */
static bool take_records(struct conn *c)
{
	for (;;) {
		int n = SSL_read(c->tls->ssl, c->loop->plain, LOOP_PLAIN);

		if (n > 0) {
			conn_got(c, (struct slice){ c->loop->plain, (size_t)n });
			continue;
		}
		switch (SSL_get_error(c->tls->ssl, n)) {
		case SSL_ERROR_WANT_READ:
		case SSL_ERROR_WANT_WRITE:
			return (true);
		case SSL_ERROR_ZERO_RETURN: /* close_notify */
			c->tls->has_ended = true;
			conn_ended(c);
			return (true);
		default: /* of OpenSSL's many */
			fail(c, "tls");
			return (false);
		}
	}
}

static bool shake(struct conn *c)
{
	int n = SSL_do_handshake(c->tls->ssl);

	if (n == 1) {
		note_secured(c);
		return (true);
	}
	if (SSL_get_error(c->tls->ssl, n) == SSL_ERROR_WANT_READ)
		return (true);
	fail(c, "tls handshake");
	return (false);
}

void conn_tls_input(struct conn *c, struct slice s)
{
	bool was_ready = c->tls->is_ready;

	enter(c, s);
	if (!c->tls->is_ready && !shake(c))
		return;
	if (c->tls->is_ready && !take_records(c))
		return;
	leave(c);
	if (!was_ready && c->tls->is_ready && c->state == CONN_OPEN)
		loop_put_flush(c->loop, &c->flush); /* what was sent meanwhile */
}

/* How much of it was encrypted: a part when it is long and ${all} is false; SIZE_MAX: broken. */
static size_t encrypt(struct conn *c, struct slice s, bool all)
{
	size_t done = 0;

	while (done < s.n && (all || done < LOOP_CIPHER)) {
		size_t part = s.n - done < LOOP_PLAIN ? s.n - done : LOOP_PLAIN;
		int n = SSL_write(c->tls->ssl, s.p + done, (int)part);

		if (n <= 0) {
			fail(c, "tls");
			return (SIZE_MAX);
		}
		done += (size_t)n;
	}
	return (done);
}

void conn_tls_flush(struct conn *c)
{
	size_t done;

	enter(c, (struct slice){ NULL, 0 });
	if ((done = encrypt(c, buf_slice(&c->out), false)) == SIZE_MAX)
		return;
	if (done == c->out.n)
		buf_free(&c->out);
	else
		buf_drop(&c->out, done);
	leave(c);
}

/* At most LOOP_CIPHER octets, which do not stand in c->out. */
void conn_tls_write(struct conn *c, struct slice s)
{
	enter(c, (struct slice){ NULL, 0 });
	if (encrypt(c, s, true) != SIZE_MAX)
		leave(c);
}

void conn_tls_goodbye(struct conn *c)
{
	if (!c->tls->is_ready || (SSL_get_shutdown(c->tls->ssl) & SSL_SENT_SHUTDOWN) != 0 ||
	    SSL_in_init(c->tls->ssl))
		return;
	enter(c, (struct slice){ NULL, 0 });
	(void)SSL_shutdown(c->tls->ssl);
	ERR_clear_error();
	leave(c);
}

/* --- beginning --- */

static int begin(struct conn *c, struct tls *t, bool is_client)
{
	BIO *b = NULL;
	SSL *ssl = NULL;

	loop_assert(c->loop);
	/* RFC 3207 4.2: what came before TLS came from anybody. Unread octets would be taken for secured ones. */
	if (c->state != CONN_OPEN || c->tls != NULL || c->in.n > c->in_at || c->is_eof)
		return (-1);
	if ((ssl = SSL_new(tls_ctx(t))) == NULL || (b = bio_new(c)) == NULL) {
		SSL_free(ssl);
		return (-1);
	}
	SSL_set_bio(ssl, b, b);
	if (is_client)
		SSL_set_connect_state(ssl);
	else
		SSL_set_accept_state(ssl);
	conn_pump(c); /* "220 ready" leaves in clear, before the first record */
	if (c->state != CONN_OPEN) {
		SSL_free(ssl);
		return (-1);
	}
	if (c->out.n > 0) { /* the kernel would not take it yet: it waits on the wire, in clear */
		conn_wire(c, buf_slice(&c->out));
		buf_free(&c->out);
	}
	c->tls = NEW(struct conn_tls);
	c->tls->ssl = ssl;
	c->tls->is_client = is_client;
	c->handshake_at = clock_ms() + (uint64_t)L_HS_SECONDS * 1000;
	conn_timer(c);
	return (0);
}

/* A second change of state may have to start reading. */
static void go_on(struct conn *c)
{
	conn_input_mark(c, c->mark);
}

int conn_start_tls(struct conn *c, struct tls *t)
{
	if (begin(c, t, false) != 0)
		return (-1);
	go_on(c);
	return (0);
}

int conn_start_tls_client(struct conn *c, struct tls *t, const char *name, bool verify)
{
	struct ip ip;
	SSL *ssl;
	int n;

	if (begin(c, t, true) != 0)
		return (-1);
	ssl = c->tls->ssl;
	if (ip_parse(slice_of(name), &ip)) {
		(void)X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name);
	} else {
		(void)SSL_set_tlsext_host_name(ssl, name); /* RFC 6066 3: names only, no addresses */
		SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
		(void)SSL_set1_host(ssl, name);
	}
	SSL_set_verify(ssl, verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
	enter(c, (struct slice){ NULL, 0 });
	n = SSL_do_handshake(ssl);
	if (n != 1 && SSL_get_error(ssl, n) != SSL_ERROR_WANT_READ)
		fail(c, "tls handshake");
	else
		leave(c);
	go_on(c);
	return (0);
}

bool conn_is_tls(const struct conn *c)
{
	return (c->tls != NULL && c->tls->is_ready);
}

const char *conn_tls_text(const struct conn *c)
{
	return (conn_is_tls(c) ? c->tls->text : "");
}

bool conn_tls_verified(const struct conn *c)
{
	return (conn_is_tls(c) && c->tls->verified);
}
