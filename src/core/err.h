/* err.h: why something failed: whose fault, and in words. Functions that take a struct err fill it on
 * failure only and return -1 (or NULL). Text says what we tried, on what, and why it failed. */
#ifndef CORE_ERR_H
#define CORE_ERR_H

#include <stdbool.h>

enum err_kind {
	ERR_NONE,
	ERR_PEER,	/* the peer's or user's fault: 5xx, BAD */
	ERR_TEMPORARY,	/* our trouble, or weather: 4xx, NO; try again later */
	ERR_PERMANENT,	/* will not work however often it is tried */
	ERR_NOT_FOUND,	/* the named thing does not exist */
	ERR_EXISTS,	/* the named thing exists already */
	ERR_LIMIT,	/* over a named limit */
	ERR_NO_SPACE,	/* disk full, or below L_FREE */
	ERR_OVER_QUOTA, /* the account's quota */
	ERR_CANNOT,	/* understood, but never possible here */
	ERR_BUSY,	/* a bounded queue is full: 4xx, NO */
};

struct err {
	enum err_kind kind;
	int number; /* errno where there was one, else 0 */
	char text[256];
};

/* Both return -1, so that "return (err_set(...))" reads well. err may be NULL. */
int err_set(struct err *e, enum err_kind kind, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* From errno: "<what>: <reason>". ENOSPC and EDQUOT become ERR_NO_SPACE, ENOENT ERR_NOT_FOUND,
 * EEXIST ERR_EXISTS, all else ERR_TEMPORARY. */
int err_errno(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
const char *err_kind_name(enum err_kind kind);

#endif
