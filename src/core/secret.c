/* secret.c: what must not be guessed, kept in memory or told apart by time? libsodium does the
 * work. Password hashing blocks for about 20 ms: callers keep it off the loop. */
#include "core/secret.h"

#include <sodium.h>
#include <stdlib.h>

#include "core/cursor.h"
#include "core/limits.h"

_Static_assert(SECRET_HASH_MAX == crypto_pwhash_STRBYTES, "the contract holds libsodium's form");

int secret_init(void)
{
	return (sodium_init() < 0 ? -1 : 0);
}

void secret_random(void *p, size_t n)
{
	randombytes_buf(p, n);
}

void secret_wipe(void *p, size_t n)
{
	if (n > 0)
		sodium_memzero(p, n);
}

bool secret_equal(struct slice a, struct slice b)
{
	return (a.n == b.n && (a.n == 0 || sodium_memcmp(a.p, b.p, a.n) == 0));
}

void secret_id(char *ret, size_t n)
{
	static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";

	secret_random(ret, n);
	for (size_t i = 0; i < n; i++)
		ret[i] = alphabet[(unsigned char)ret[i] & 31];
	ret[n] = '\0';
}

int secret_hash(struct slice password, char ret[SECRET_HASH_MAX])
{
	if (password.n > L_PASSWORD)
		return (-1);
	return (crypto_pwhash_str(
	    ret, password.n > 0 ? password.p : "", password.n, L_ARGON_OPS, L_ARGON_MEM));
}

static bool is_base64(char c)
{
	return (ascii_alnum(c) || c == '+' || c == '/');
}

/* "$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>", both base64 without padding. What passes here
 * can be verified without surprise in memory, time or form. */
bool secret_hash_ok(const char *hash)
{
	struct cursor c = cursor_of(slice_of(hash));
	struct slice salt, sum;
	uint64_t mem, ops, lanes;

	if (cursor_left(&c) >= SECRET_HASH_MAX)
		return (false);
	if (!take_literal(&c, SLICE("$argon2id$v=19$m=")) || !take_u64(&c, UINT32_MAX, &mem) ||
	    !take_literal(&c, SLICE(",t=")) || !take_u64(&c, UINT32_MAX, &ops) ||
	    !take_literal(&c, SLICE(",p=")) || !take_u64(&c, UINT32_MAX, &lanes) ||
	    !take_char(&c, '$') || !take_run(&c, is_base64, &salt) || !take_char(&c, '$') ||
	    !take_run(&c, is_base64, &sum) || !cursor_at_end(&c))
		return (false);
	if (lanes < 1 || lanes > 4 || mem < 8 * lanes || mem > L_ARGON_MEM / 1024 || ops < 1 ||
	    ops > L_ARGON_OPS)
		return (false);
	/* 16 octets of salt, 32 of hash: what libsodium writes; a shorter one was cut off. */
	return (salt.n == 22 && sum.n == 43);
}

bool secret_verify(const char *hash, struct slice password)
{
	if (password.n > L_PASSWORD || !secret_hash_ok(hash))
		return (false);
	return (crypto_pwhash_str_verify(hash, password.n > 0 ? password.p : "", password.n) == 0);
}

const char *secret_dummy_hash(void)
{
	/* Salt and hash were drawn at random: no password belongs to them. */
	return ("$argon2id$v=19$m=19456,t=2,p=1$85RP8sUhjR/TT9s/AQMOWg"
		"$y93IWoKS/IAJIDO/kI+H66gkW0Azn+7YByITLWDPbEk");
}
