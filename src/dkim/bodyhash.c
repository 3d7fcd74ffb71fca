/* bodyhash.c: what do the bodies that signatures speak of hash to? Leaves canonical forms to canon.c and comparison to those who
 * ask. Failures: a hash that could not be made is all zero, which no signature can hold but by a preimage. */
#include "dkim/bodyhash.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "core/limits.h"
#include "core/mem.h"

/* Canonical forms come in words; the library is called for many at once. */
enum { STAGE = 2048, PATIENCE = 32768 };

struct bodyhash {
	struct form {
		struct bodyhash *body;
		struct canon_body canon;
		bool used;
		uint64_t size; /* octets of the canonical form so far, without those on the stage */
		uint64_t kept; /* the same before a guess */
		size_t n;
		char stage[STAGE];
	} forms[CANON_RELAXED + 1];
	struct want {
		enum canon how;
		uint64_t length;
		EVP_MD_CTX *md;   /* owned */
		EVP_MD_CTX *kept; /* owned; before a guess */
		unsigned char digest[BODYHASH_OCTETS];
	} v[L_BODYHASH];
	size_t n;
};

static void take(struct form *f)
{
	struct bodyhash *b = f->body;

	for (size_t i = 0; i < b->n; i++) {
		uint64_t left = b->v[i].length - f->size;

		if (b->v[i].how != f->canon.how || b->v[i].md == NULL || b->v[i].length <= f->size)
			continue;
		(void)EVP_DigestUpdate(b->v[i].md, f->stage, left < f->n ? (size_t)left : f->n);
	}
	f->size += f->n;
	f->n = 0;
}

static void on_octets(void *self, struct slice octets)
{
	struct form *f = self;
	struct slice part;

	for (; octets.n > 0; octets = slice_from(octets, part.n)) {
		part = slice_head(octets, STAGE - f->n);
		memcpy(f->stage + f->n, part.p, part.n);
		if ((f->n += part.n) == STAGE)
			take(f);
	}
}

/* What comes may not belong to the body. A copy that fails leaves a hash that is all zero. */
static void on_guess(void *self)
{
	struct form *f = self;
	struct bodyhash *b = f->body;

	take(f);
	f->kept = f->size;
	for (size_t i = 0; i < b->n; i++)
		if (b->v[i].how == f->canon.how && (b->v[i].kept = EVP_MD_CTX_new()) != NULL &&
		    EVP_MD_CTX_copy_ex(b->v[i].kept, b->v[i].md) != 1)
			(void)EVP_MD_CTX_reset(b->v[i].kept);
}

static void on_guessed(void *self, bool right)
{
	struct form *f = self;
	struct bodyhash *b = f->body;

	take(f);
	if (!right)
		f->size = f->kept;
	for (size_t i = 0; i < b->n; i++) {
		struct want *w = &b->v[i];

		if (w->how != f->canon.how)
			continue;
		EVP_MD_CTX_free(right ? w->kept : w->md);
		if (!right)
			w->md = w->kept;
		w->kept = NULL;
	}
}

struct bodyhash *bodyhash_new(void)
{
	struct bodyhash *b = NEW(struct bodyhash);

	for (int how = CANON_SIMPLE; how <= CANON_RELAXED; how++) {
		b->forms[how].body = b;
		b->forms[how].canon = (struct canon_body){ .how = (enum canon)how,
			.sink = on_octets,
			.self = &b->forms[how],
			.patience = PATIENCE,
			.guess = on_guess,
			.guessed = on_guessed };
	}
	return (b);
}

void bodyhash_free(struct bodyhash *b)
{
	if (b == NULL)
		return;
	for (size_t i = 0; i < b->n; i++) {
		EVP_MD_CTX_free(b->v[i].md);
		EVP_MD_CTX_free(b->v[i].kept);
	}
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
	b->forms[how].used = true;
	return ((int)b->n++);
}

void bodyhash_add(struct bodyhash *b, struct slice octets)
{
	for (int how = CANON_SIMPLE; how <= CANON_RELAXED; how++)
		if (b->forms[how].used)
			canon_body_add(&b->forms[how].canon, octets);
}

void bodyhash_end(struct bodyhash *b)
{
	for (int how = CANON_SIMPLE; how <= CANON_RELAXED; how++)
		if (b->forms[how].used) {
			canon_body_end(&b->forms[how].canon);
			take(&b->forms[how]);
		}
	for (size_t i = 0; i < b->n; i++)
		if (b->v[i].md != NULL)
			(void)EVP_DigestFinal_ex(b->v[i].md, b->v[i].digest, NULL);
}

void bodyhash_get(
    const struct bodyhash *b, int which, unsigned char ret[BODYHASH_OCTETS], uint64_t *ret_size)
{
	const struct want *w = &b->v[which];

	memcpy(ret, w->digest, BODYHASH_OCTETS);
	*ret_size = b->forms[w->how].size;
}
