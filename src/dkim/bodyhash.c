/* bodyhash.c: what do the bodies that signatures speak of hash to? Leaves canonical forms to canon.c and comparison to those who
 * ask. Failures: a hash that could not be made is all zero, which no signature can hold but by a preimage. */
#include "dkim/bodyhash.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "core/limits.h"
#include "core/mem.h"

struct bodyhash {
	struct canon_body canon[CANON_RELAXED + 1];
	bool used[CANON_RELAXED + 1];
	uint64_t size[CANON_RELAXED + 1]; /* octets of the canonical form so far */
	struct want {
		enum canon how;
		uint64_t length;
		EVP_MD_CTX *md; /* owned */
		unsigned char digest[BODYHASH_OCTETS];
	} v[L_BODYHASH];
	size_t n;
};

static void take(struct bodyhash *b, enum canon how, struct slice octets)
{
	for (size_t i = 0; i < b->n; i++) {
		uint64_t left = b->v[i].length - b->size[how];
		struct slice part = octets;

		if (b->v[i].how != how || b->v[i].length <= b->size[how])
			continue;
		if (part.n > left)
			part.n = (size_t)left;
		(void)EVP_DigestUpdate(b->v[i].md, part.p, part.n);
	}
	b->size[how] += octets.n;
}

static void on_simple(void *self, struct slice octets)
{
	take(self, CANON_SIMPLE, octets);
}

static void on_relaxed(void *self, struct slice octets)
{
	take(self, CANON_RELAXED, octets);
}

struct bodyhash *bodyhash_new(void)
{
	struct bodyhash *b = NEW(struct bodyhash);

	b->canon[CANON_SIMPLE] =
	    (struct canon_body){ .how = CANON_SIMPLE, .sink = on_simple, .self = b };
	b->canon[CANON_RELAXED] =
	    (struct canon_body){ .how = CANON_RELAXED, .sink = on_relaxed, .self = b };
	return (b);
}

void bodyhash_free(struct bodyhash *b)
{
	if (b == NULL)
		return;
	for (size_t i = 0; i < b->n; i++)
		EVP_MD_CTX_free(b->v[i].md);
	free(b);
}

int bodyhash_want(struct bodyhash *b, enum canon how, uint64_t length)
{
	struct want *w = &b->v[b->n];

	for (size_t i = 0; i < b->n; i++)
		if (b->v[i].how == how && b->v[i].length == length)
			return ((int)i);
	if (b->n == L_BODYHASH)
		return (BODYHASH_NONE);
	if ((w->md = EVP_MD_CTX_new()) == NULL ||
	    EVP_DigestInit_ex(w->md, EVP_sha256(), NULL) != 1) {
		EVP_MD_CTX_free(w->md);
		return (BODYHASH_NONE);
	}
	w->how = how;
	w->length = length;
	b->used[how] = true;
	return ((int)b->n++);
}

void bodyhash_add(struct bodyhash *b, struct slice octets)
{
	for (int how = CANON_SIMPLE; how <= CANON_RELAXED; how++)
		if (b->used[how])
			canon_body_add(&b->canon[how], octets);
}

void bodyhash_end(struct bodyhash *b)
{
	for (int how = CANON_SIMPLE; how <= CANON_RELAXED; how++)
		if (b->used[how])
			canon_body_end(&b->canon[how]);
	for (size_t i = 0; i < b->n; i++)
		(void)EVP_DigestFinal_ex(b->v[i].md, b->v[i].digest, NULL);
}

void bodyhash_get(
    const struct bodyhash *b, int which, unsigned char ret[BODYHASH_OCTETS], uint64_t *ret_size)
{
	const struct want *w = &b->v[which];

	memcpy(ret, w->digest, BODYHASH_OCTETS);
	*ret_size = b->size[w->how];
}
