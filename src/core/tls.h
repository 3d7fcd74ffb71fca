/* tls.h: TLS contexts: certificates for servers with reload, trust for clients. TLS 1.2 with
 * forward secrecy and AEAD or 1.3; no compression, renegotiation, early data or tickets (session
 * tickets break some senders). */
#ifndef CORE_TLS_H
#define CORE_TLS_H

#include "core/err.h"

struct tls;

/* tls_server_new: ${alpn} "imap", "smtp" or NULL; when a client offers ALPN and ours is not among
 * it: fatal alert (ALPACA). Errors: unreadable, key does not match, key readable by others (remedy
 * in the text). */
struct tls *tls_server_new(
    const char *certificate, const char *key, const char *alpn, struct err *err);
/* tls_reload: read the files again; on failure the old pair stays. Live sessions keep what they
 * have. */
int tls_reload(struct tls *t, const char *certificate, const char *key, struct err *err);
/* tls_client_new: trust = the system's CA bundle, loaded once; verification is asked per
 * connection. */
struct tls *tls_client_new(struct err *err);
void tls_free(struct tls *t);
/* Seconds since 1970 when the certificate ends. */
long long tls_expires(const struct tls *t);
/* tls_self_signed: writes an ECDSA P-256 certificate (10 years) and key (0600) for a host name; for
 * trials and init. */
int tls_self_signed(
    const char *hostname, const char *certificate, const char *key, struct err *err);

#endif
