/* key.c: where do our signing keys come from, and what do we publish of them? Files of one domain in DATA/dkim/<domain>/, one
 * key each, PEM, 0600. RFC 6376 3.6.1, RFC 8301 (RSA of 2048 bits), RFC 8463 (Ed25519). Leaves signing to sign.c. Failures:
 * anything wrong with any key fails the load, since nothing may leave unsigned by accident. */
#include "dkim/key.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base64.h"
#include "core/domain.h"
#include "core/limits.h"
#include "core/mem.h"
#include "core/secret.h"

static const struct algorithm {
	const char *name, *suffix, *k, *mark; /* mark: last letter of the selectors we make */
} algorithms[DKIM_ALGORITHMS] = {
	[DKIM_RSA] = { "rsa-sha256", ".rsa.pem", "rsa", "r" },
	[DKIM_ED25519] = { "ed25519-sha256", ".ed25519.pem", "ed25519", "e" },
};

enum { KEY_PATH = 512, KEY_FILE = 16384, RSA_BITS = 2048, RSA_BITS_MAX = 8192 };

const char *dkim_algorithm_name(enum dkim_algorithm a)
{
	return (algorithms[a].name);
}

static int cmp_key(const void *a, const void *b)
{
	const struct dkim_key *x = a, *y = b;
	int c = strcmp(x->selector, y->selector);

	return (c != 0 ? c : (int)x->algorithm - (int)y->algorithm);
}

static int read_file(const char *path, struct buf *out, struct err *err)
{
	struct stat st;
	ssize_t got = 0;
	char *room;
	int fd;

	if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)) == -1) {
		(void)err_errno(err, "open signing key %s", path);
		goto fail;
	}
	if (fstat(fd, &st) == -1) {
		(void)err_errno(err, "look at signing key %s", path);
		goto fail_fd;
	}
	if (!S_ISREG(st.st_mode) || (st.st_mode & 077) != 0 || st.st_size > KEY_FILE) {
		(void)err_set(err, ERR_TEMPORARY,
		    "signing key %s: must be a small file only its owner can read (chmod 600)",
		    path);
		goto fail_fd;
	}
	while ((room = buf_room(out, 4096)) != NULL && (got = read(fd, room, 4096)) > 0)
		buf_grew(out, (size_t)got);
	if (room == NULL || got == -1) {
		(void)err_errno(err, "read signing key %s", path);
		goto fail_fd;
	}
	(void)close(fd);
	return (0);
fail_fd:
	(void)close(fd);
fail:
	if (err != NULL)
		err->kind = ERR_TEMPORARY; /* AUT-26: whatever it is, the sender may try again */
	return (-1);
}

static EVP_PKEY *load_one(const char *path, enum dkim_algorithm a, struct err *err)
{
	struct buf pem = BUF_INIT(KEY_FILE + 8192);
	EVP_PKEY *k = NULL;
	BIO *bio = NULL;
	bool right;

	if (read_file(path, &pem, err) == -1)
		goto out;
	if ((bio = BIO_new_mem_buf(pem.p, (int)pem.n)) == NULL ||
	    (k = PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)"")) == NULL) {
		(void)err_set(err, ERR_TEMPORARY, "signing key %s: not a PEM private key", path);
		goto out;
	}
	right = a == DKIM_RSA ? EVP_PKEY_base_id(k) == EVP_PKEY_RSA &&
		EVP_PKEY_bits(k) >= RSA_BITS && EVP_PKEY_bits(k) <= RSA_BITS_MAX
			      : EVP_PKEY_base_id(k) == EVP_PKEY_ED25519;
	if (!right) {
		(void)err_set(err, ERR_TEMPORARY, "signing key %s: not %s", path,
		    a == DKIM_RSA ? "RSA of 2048 to 8192 bits (RFC 8301)" : "Ed25519");
		EVP_PKEY_free(k);
		k = NULL;
	}
out:
	BIO_free(bio);
	if (pem.p != NULL)
		secret_wipe(pem.p, pem.n);
	buf_free(&pem);
	return (k);
}

/* The selector of a file name of ours; empty when it is none. */
static struct slice selector_of(struct slice file, enum dkim_algorithm *ret)
{
	for (unsigned a = 0; a < DKIM_ALGORITHMS; a++) {
		struct slice suffix = slice_of(algorithms[a].suffix);

		if (slice_ends(file, suffix) && file.n > suffix.n) {
			*ret = (enum dkim_algorithm)a;
			return (slice_head(file, file.n - suffix.n));
		}
	}
	return ((struct slice){ NULL, 0 });
}

static int load_dir(struct dkim_keys *ks, DIR *dir, const char *selector, struct err *err)
{
	struct dirent *e;

	while ((e = readdir(dir)) != NULL) {
		enum dkim_algorithm a = DKIM_RSA;
		struct slice s = selector_of(slice_of(e->d_name), &a);
		char path[KEY_PATH];
		struct dkim_key *k;

		if (s.n == 0 || s.p[0] == '.' ||
		    (selector != NULL && !slice_eq(s, slice_of(selector))))
			continue;
		if (!domain_ok(s) || ks->n == COUNT_OF(ks->v))
			return (err_set(err, ERR_TEMPORARY,
			    "signing keys of %s: \"%s\" is no selector, or more than %zu keys",
			    ks->domain, e->d_name, COUNT_OF(ks->v)));
		(void)snprintf(path, sizeof(path), "dkim/%s/%s", ks->domain, e->d_name);
		k = &ks->v[ks->n];
		if ((k->pkey = load_one(path, a, err)) == NULL)
			return (-1);
		k->algorithm = a;
		k->selector = mem_strndup(s.p, s.n);
		ks->n++;
	}
	return (0);
}

struct dkim_keys *dkim_keys_load(const char *domain, const char *selector, struct err *err)
{
	struct dkim_keys *ks = NULL;
	char path[KEY_PATH];
	DIR *dir = NULL;

	if (!domain_ok(slice_of(domain))) {
		(void)err_set(err, ERR_TEMPORARY, "signing keys: \"%s\" is no domain", domain);
		goto fail;
	}
	(void)snprintf(path, sizeof(path), "dkim/%s", domain);
	if ((dir = opendir(path)) == NULL) {
		(void)err_errno(err, "open folder of signing keys %s", path);
		goto fail;
	}
	ks = NEW(struct dkim_keys);
	ks->domain = mem_strdup(domain);
	if (load_dir(ks, dir, selector, err) == -1)
		goto fail;
	if (ks->n == 0) {
		(void)err_set(err, ERR_TEMPORARY, "no signing key %s%sin %s",
		    selector == NULL ? "" : selector, selector == NULL ? "" : " ", path);
		goto fail;
	}
	(void)closedir(dir);
	qsort(ks->v, ks->n, sizeof(ks->v[0]), cmp_key);
	return (ks);
fail:
	if (dir != NULL)
		(void)closedir(dir);
	dkim_keys_free(ks);
	if (err != NULL)
		err->kind = ERR_TEMPORARY;
	return (NULL);
}

void dkim_keys_free(struct dkim_keys *ks)
{
	if (ks == NULL)
		return;
	for (size_t i = 0; i < ks->n; i++) {
		EVP_PKEY_free(ks->v[i].pkey); /* wipes */
		free(ks->v[i].selector);
	}
	free(ks->domain);
	free(ks);
}

/* Write a new key under a name that must not exist: aside, synced, then linked. */
static int write_key(EVP_PKEY *k, const char *path, struct err *err)
{
	char aside[KEY_PATH + 8];
	FILE *f = NULL;
	int fd;

	(void)snprintf(aside, sizeof(aside), "%s.new", path);
	(void)unlink(aside); /* of an earlier attempt that died */
	if ((fd = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) == -1)
		return (err_errno(err, "create signing key %s", path));
	if ((f = fdopen(fd, "w")) == NULL) {
		(void)err_errno(err, "write signing key %s", path);
		(void)close(fd);
		goto fail;
	}
	if (PEM_write_PrivateKey(f, k, NULL, NULL, 0, NULL, NULL) != 1 || fflush(f) != 0 ||
	    fsync(fd) == -1) {
		(void)err_errno(err, "write signing key %s", path);
		goto fail;
	}
	if (fclose(f) != 0) {
		f = NULL;
		(void)err_errno(err, "close signing key %s", path);
		goto fail;
	}
	f = NULL;
	if (link(aside, path) == -1) {
		(void)err_errno(err, "name signing key %s", path);
		goto fail;
	}
	(void)unlink(aside);
	return (0);
fail:
	if (f != NULL)
		(void)fclose(f);
	(void)unlink(aside);
	return (-1);
}

static int make_dir(const char *path, struct err *err)
{
	if (mkdir(path, 0700) == -1 && errno != EEXIST)
		return (err_errno(err, "make folder of signing keys %s", path));
	return (0);
}

static int sync_dir(const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;

	if (fd == -1)
		return (err_errno(err, "open folder %s", path));
	if ((r = fsync(fd)) == -1)
		(void)err_errno(err, "sync folder %s", path);
	(void)close(fd);
	return (r);
}

int dkim_keys_make(const char *domain, const char *date, struct err *err)
{
	char dir[KEY_PATH], path[DKIM_ALGORITHMS][KEY_PATH];
	int r = 0;

	if (!domain_ok(slice_of(domain)) || !domain_ok(slice_of(date)) ||
	    strlen(domain) + strlen(date) + 32 > KEY_PATH)
		return (err_set(err, ERR_PERMANENT,
		    "make signing keys: bad domain \"%s\" or name \"%s\"", domain, date));
	(void)snprintf(dir, sizeof(dir), "dkim/%s", domain);
	if (make_dir("dkim", err) == -1 || make_dir(dir, err) == -1)
		return (-1);
	for (unsigned a = 0; a < DKIM_ALGORITHMS; a++) {
		(void)snprintf(path[a], sizeof(path[a]), "dkim/%s/%s%s%s", domain, date,
		    algorithms[a].mark, algorithms[a].suffix);
		if (access(path[a], F_OK) == 0)
			return (err_set(err, ERR_EXISTS, "signing key %s exists already", path[a]));
	}
	for (unsigned a = 0; a < DKIM_ALGORITHMS && r == 0; a++) {
		EVP_PKEY *k = a == DKIM_RSA ? EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)RSA_BITS)
					    : EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");

		if (k == NULL)
			r = err_set(err, ERR_TEMPORARY, "make a signing key: the library refused");
		else
			r = write_key(k, path[a], err);
		EVP_PKEY_free(k);
	}
	return (r == -1 ? -1 : sync_dir(dir, err) == -1 || sync_dir("dkim", err) == -1 ? -1 : 0);
}

static int public_value(const struct dkim_key *k, struct buf *out)
{
	unsigned char *der = NULL, raw[64];
	size_t raw_n = sizeof(raw);
	int n, r;

	(void)buf_fmt(out, "v=DKIM1; k=%s; p=", algorithms[k->algorithm].k);
	if (k->algorithm == DKIM_ED25519) { /* RFC 8463 4: the bare 32 octets */
		if (EVP_PKEY_get_raw_public_key(k->pkey, raw, &raw_n) != 1)
			return (-1);
		return (base64_encode((struct slice){ (char *)raw, raw_n }, out));
	}
	if ((n = i2d_PUBKEY(k->pkey, &der)) <= 0)
		return (-1);
	r = base64_encode((struct slice){ (char *)der, (size_t)n }, out);
	OPENSSL_free(der);
	return (r);
}

void dkim_keys_each(const struct dkim_keys *ks,
    void (*on_key)(void *self, const char *name, const char *value), void *self)
{
	for (size_t i = 0; i < ks->n; i++) {
		struct buf value = BUF_INIT(L_KEY + 64), name = BUF_INIT(1024);

		(void)buf_fmt(&name, "%s._domainkey.%s", ks->v[i].selector, ks->domain);
		if (public_value(&ks->v[i], &value) == 0)
			on_key(self, buf_z(&name), buf_z(&value));
		buf_free(&value);
		buf_free(&name);
	}
}
