/* signature.h (inside dkim): a signature as it stands in its field: DKIM-Signature (RFC 6376 3.5), ARC-Message-Signature and ARC-Seal
 * (RFC 8617 4.1). They share tags, algorithms and the way their own field is hashed. */
#ifndef DKIM_SIGNATURE_H
#define DKIM_SIGNATURE_H

#include "dkim/bodyhash.h"
#include "dkim/key.h"
#include "dkim/taglist.h"
#include "dkim/verify.h"

enum signature_kind { SIGNATURE_DKIM, SIGNATURE_ARC_MESSAGE, SIGNATURE_ARC_SEAL };

struct signature { /* slices point into the field or the arena */
	enum signature_kind kind;
	const struct field *field;
	struct taglist tags;
	enum dkim_algorithm algorithm;
	bool has_algorithm;
	enum canon header, body;
	struct slice domain, selector, identity;
	struct slice b, bh;         /* decoded */
	struct slice b_text;        /* the first 8 characters of b= */
	struct slice names;         /* h=, as written */
	uint64_t length;            /* l=; UINT64_MAX: not said */
	int64_t signed_at, expires; /* -1: not said */
	unsigned instance;          /* ARC i= */
	struct slice cv;            /* ARC-Seal */
};

/* DKIM_PASS: well-formed, else the result and why; ${ret} holds then what could be read. */
enum dkim_result signature_parse(struct arena *a, const struct field *f, enum signature_kind kind,
    int64_t now, struct signature *ret, const char **why);
/* The field itself, b= emptied, without its last line end (RFC 6376 3.7), appended to out. */
int signature_self(const struct signature *s, enum canon how, struct buf *out);
/* SHA-256 of the fields that h= names and the signature's own. False: too large, or the library fails. */
bool signature_hash(
    const struct signature *s, const struct header *h, unsigned char ret[BODYHASH_OCTETS]);
/* Times that h= names that field. */
size_t signature_names(const struct signature *s, struct slice name);

#endif
