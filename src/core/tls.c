/* tls.c: with which certificate, which trust and which rules do we speak TLS? Makes contexts; conn_tls.c uses them.
 * RFC 8996 (nothing before 1.2), RFC 9325 4 (forward secrecy and AEAD), RFC 7301 (ALPN). Sessions keep the context they began
 * with, so a reload touches none of them. Failures: ERR_PERMANENT or from errno, naming the file and what to do. */
#include "core/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/conn_int.h"
#include "core/mem.h"
#include "core/secret.h"

enum { TEN_YEARS = 3650 * 86400 };

struct alpn {
	struct slice name;
	unsigned char wire[10]; /* length octet and name, as RFC 7301 3.1 lists them */
	unsigned wire_n;
};

static const struct alpn alpns[] = {
	{ SLICE_INIT("imap"), { 4, 'i', 'm', 'a', 'p' }, 5 },
	{ SLICE_INIT("smtp"), { 4, 's', 'm', 't', 'p' }, 5 },
	{ SLICE_INIT("http/1.1"), { 8, 'h', 't', 't', 'p', '/', '1', '.', '1' }, 9 },
};

struct tls {
	SSL_CTX *ctx;
	const struct alpn *alpn;
	long long expires;
};

SSL_CTX *tls_ctx(struct tls *t)
{
	return (t->ctx);
}

static const char *reason(void)
{
	unsigned long code = ERR_peek_error();
	const char *text = code != 0 ? ERR_reason_error_string(code) : NULL;

	return (text != NULL ? text : "unknown reason");
}

static SSL_CTX *make_ctx(const SSL_METHOD *method, struct err *err)
{
	SSL_CTX *ctx = SSL_CTX_new(method);

	if (ctx == NULL ||
	    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1 ||
	    SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL") != 1) {
		SSL_CTX_free(ctx);
		(void)err_set(err, ERR_PERMANENT, "set up TLS: %s", reason());
		return (NULL);
	}
	(void)SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
	    SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
	(void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	(void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	(void)SSL_CTX_set_num_tickets(ctx, 0);
	return (ctx);
}

/* A protocol that is not ours must not be answered as if it were (ALPACA; RFC 7301 3.2). */
static int on_alpn(SSL *ssl, const unsigned char **ret, unsigned char *ret_n, const unsigned char *in,
    unsigned in_n, void *self)
{
	const struct alpn *ours = self;

	(void)ssl;
	if (SSL_select_next_proto((unsigned char **)(uintptr_t)ret, ret_n, ours->wire, ours->wire_n,
	    in, in_n) != OPENSSL_NPN_NEGOTIATED)
		return (SSL_TLSEXT_ERR_ALERT_FATAL);
	return (SSL_TLSEXT_ERR_OK);
}

static int no_password(char *ret, int n, int is_writing, void *self) /* never ask a terminal */
{
	(void)ret;
	(void)n;
	(void)is_writing;
	(void)self;
	return (-1);
}

static int check_key_file(const char *key, struct err *err)
{
	struct stat st;

	if (stat(key, &st) != 0)
		return (err_errno(err, "read key %s", key));
	if ((st.st_mode & (S_IRWXO | S_IWGRP)) != 0)
		return (err_set(err, ERR_PERMANENT, "key %s can be read by others: chmod 600 it", key));
	return (0);
}

static long long expiry_of(SSL_CTX *ctx)
{
	struct tm tm;
	X509 *cert = SSL_CTX_get0_certificate(ctx);

	if (cert == NULL || ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm) != 1)
		return (0);
	return (timegm(&tm));
}

static SSL_CTX *load(const char *certificate, const char *key, const struct alpn *alpn, struct err *err)
{
	SSL_CTX *ctx;

	if (check_key_file(key, err) != 0)
		return (NULL);
	if (access(certificate, R_OK) != 0) {
		(void)err_errno(err, "read certificate %s", certificate);
		return (NULL);
	}
	ERR_clear_error();
	if ((ctx = make_ctx(TLS_server_method(), err)) == NULL)
		return (NULL);
	SSL_CTX_set_default_passwd_cb(ctx, no_password);
	if (SSL_CTX_use_certificate_chain_file(ctx, certificate) != 1) {
		(void)err_set(err, ERR_PERMANENT, "read certificate %s: %s", certificate, reason());
		goto err_ctx;
	}
	if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_check_private_key(ctx) != 1) {
		(void)err_set(err, ERR_PERMANENT, "key %s for certificate %s: %s", key, certificate,
		    reason());
		goto err_ctx;
	}
	if (alpn != NULL)
		SSL_CTX_set_alpn_select_cb(ctx, on_alpn, (void *)(uintptr_t)alpn);
	ERR_clear_error();
	return (ctx);
err_ctx:
	ERR_clear_error();
	SSL_CTX_free(ctx);
	return (NULL);
}

struct tls *tls_server_new(const char *certificate, const char *key, const char *alpn, struct err *err)
{
	const struct alpn *row = NULL;
	struct tls *t;
	SSL_CTX *ctx;

	for (size_t i = 0; alpn != NULL && i < COUNT_OF(alpns); i++)
		if (slice_eq(slice_of(alpn), alpns[i].name))
			row = &alpns[i];
	if (alpn != NULL && row == NULL) {
		(void)err_set(err, ERR_CANNOT, "no such protocol for ALPN: %s", alpn);
		return (NULL);
	}
	if ((ctx = load(certificate, key, row, err)) == NULL)
		return (NULL);
	t = NEW(struct tls);
	t->ctx = ctx;
	t->alpn = row;
	t->expires = expiry_of(ctx);
	return (t);
}

int tls_reload(struct tls *t, const char *certificate, const char *key, struct err *err)
{
	SSL_CTX *ctx = load(certificate, key, t->alpn, err);

	if (ctx == NULL)
		return (-1);
	SSL_CTX_free(t->ctx); /* live sessions hold it on */
	t->ctx = ctx;
	t->expires = expiry_of(ctx);
	return (0);
}

struct tls *tls_client_new(struct err *err)
{
	static const char *const bundles[] = {
		"/etc/ssl/certs/ca-certificates.crt", /* Debian and kin */
		"/etc/pki/tls/certs/ca-bundle.crt",
		"/etc/ssl/cert.pem",
	};
	const char *own = getenv("SSL_CERT_FILE");
	struct tls *t;
	SSL_CTX *ctx;
	bool have = false;

	if ((ctx = make_ctx(TLS_client_method(), err)) == NULL)
		return (NULL);
	if (own != NULL && *own != '\0')
		have = SSL_CTX_load_verify_file(ctx, own) == 1;
	for (size_t i = 0; !have && own == NULL && i < COUNT_OF(bundles); i++)
		have = SSL_CTX_load_verify_file(ctx, bundles[i]) == 1;
	if (!have)
		(void)SSL_CTX_set_default_verify_paths(ctx);
	ERR_clear_error();
	t = NEW(struct tls);
	t->ctx = ctx;
	return (t);
}

void tls_free(struct tls *t)
{
	if (t == NULL)
		return;
	SSL_CTX_free(t->ctx);
	free(t);
}

long long tls_expires(const struct tls *t)
{
	return (t->expires);
}

/* --- self-signed --- */

static int add_extension(X509 *cert, int nid, const char *text)
{
	X509V3_CTX v3;
	X509_EXTENSION *ext;
	int ok;

	X509V3_set_ctx_nodb(&v3);
	X509V3_set_ctx(&v3, cert, cert, NULL, NULL, 0);
	if ((ext = X509V3_EXT_conf_nid(NULL, &v3, nid, text)) == NULL)
		return (0);
	ok = X509_add_ext(cert, ext, -1);
	X509_EXTENSION_free(ext);
	return (ok);
}

static X509 *make_certificate(const char *hostname, EVP_PKEY *key)
{
	X509 *cert = X509_new();
	X509_NAME *name;
	ASN1_OCTET_STRING *dns = ASN1_OCTET_STRING_new();
	GENERAL_NAMES *names = GENERAL_NAMES_new();
	GENERAL_NAME *alt = GENERAL_NAME_new();
	uint64_t serial;
	bool ok = false;

	secret_random(&serial, sizeof(serial));
	if (cert == NULL || dns == NULL || names == NULL || alt == NULL)
		goto out;
	/* Built, not parsed from text: a host name is data. */
	if (ASN1_STRING_set(dns, hostname, -1) != 1)
		goto out;
	GENERAL_NAME_set0_value(alt, GEN_DNS, dns);
	dns = NULL;
	if (sk_GENERAL_NAME_push(names, alt) <= 0)
		goto out;
	alt = NULL;
	name = X509_get_subject_name(cert);
	ok = X509_set_version(cert, X509_VERSION_3) == 1 &&
	    ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert), serial >> 1 | 1) == 1 &&
	    X509_gmtime_adj(X509_getm_notBefore(cert), -3600) != NULL &&
	    X509_gmtime_adj(X509_getm_notAfter(cert), TEN_YEARS) != NULL &&
	    X509_set_pubkey(cert, key) == 1 &&
	    /* A common name holds 64 octets at most; the alternative name is what counts. */
	    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
	    (const unsigned char *)(strlen(hostname) <= 64 ? hostname : "pennypost"), -1, -1, 0) == 1 &&
	    X509_set_issuer_name(cert, name) == 1 &&
	    X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 0, 0) == 1 &&
	    add_extension(cert, NID_basic_constraints, "critical,CA:FALSE") == 1 &&
	    X509_sign(cert, key, EVP_sha256()) > 0;
out:
	ASN1_OCTET_STRING_free(dns);
	GENERAL_NAME_free(alt);
	GENERAL_NAMES_free(names);
	if (!ok) {
		X509_free(cert);
		cert = NULL;
	}
	return (cert);
}

/* A file that was not there before, synced; removed again when it cannot be written. */
static int write_pem(const char *path, mode_t mode, BIO *pem, struct err *err)
{
	char *p;
	long n = BIO_get_mem_data(pem, &p);
	int fd, number;
	ssize_t wrote;

	if ((fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)) == -1)
		return (err_errno(err, "create %s", path));
	wrote = write(fd, p, (size_t)n);
	if (wrote == n && fchmod(fd, mode) == 0 && fsync(fd) == 0 && close(fd) == 0)
		return (0);
	number = wrote == -1 || wrote == n ? errno : ENOSPC;
	(void)close(fd);
	(void)unlink(path);
	errno = number;
	return (err_errno(err, "write %s", path));
}

int tls_self_signed(const char *hostname, const char *certificate, const char *key, struct err *err)
{
	EVP_PKEY *pkey = EVP_EC_gen("P-256");
	X509 *cert = pkey != NULL ? make_certificate(hostname, pkey) : NULL;
	BIO *cert_pem = BIO_new(BIO_s_mem()), *key_pem = BIO_new(BIO_s_secmem());
	int failed = -1;

	if (cert == NULL || cert_pem == NULL || key_pem == NULL ||
	    PEM_write_bio_X509(cert_pem, cert) != 1 ||
	    PEM_write_bio_PrivateKey(key_pem, pkey, NULL, NULL, 0, NULL, NULL) != 1) {
		(void)err_set(err, ERR_TEMPORARY, "make a certificate for %s: %s", hostname, reason());
	} else if (write_pem(key, 0600, key_pem, err) == 0) {
		if (write_pem(certificate, 0644, cert_pem, err) == 0)
			failed = 0;
		else
			(void)unlink(key);
	}
	ERR_clear_error();
	BIO_free(cert_pem);
	BIO_free(key_pem);
	X509_free(cert);
	EVP_PKEY_free(pkey);
	return (failed);
}
