/* secret.h: random ids, wiped memory, comparison that takes the same time whatever differs. */
#ifndef CORE_SECRET_H
#define CORE_SECRET_H

#include "core/slice.h"

int secret_init(void);			/* once, before any other call; -1: no randomness */
void secret_random(void *p, size_t n);
void secret_wipe(void *p, size_t n);
/* The one helper for every secret comparison (SUB-06). Lengths are not secret. */
bool secret_equal(struct slice a, struct slice b);
/* secret_id: n characters of [a-z2-7] and a NUL at ret; 5 bits of randomness each. */
void secret_id(char *ret, size_t n);

/* Password hashes: argon2id strings (libsodium's crypto_pwhash_str form), L_ARGON_MEM, L_ARGON_OPS.
 * Slow on purpose (20 ms, 19 MiB): only on the WORK_PASSWORD lane. */
enum { SECRET_HASH_MAX = 128 };
int secret_hash(struct slice password, char ret[SECRET_HASH_MAX]);
bool secret_verify(const char *hash, struct slice password);
/* A fixed hash of nothing anyone knows, verified for unknown users so that answers look the same. */
const char *secret_dummy_hash(void);
/* secret_hash_ok: is it an argon2id string whose cost stays within ours (SUB-10)? */
bool secret_hash_ok(const char *hash);

#endif
