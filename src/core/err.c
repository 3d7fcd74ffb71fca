/* err.c: how is a failure told to the one who asked? */
#include "core/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int err_set(struct err *e, enum err_kind kind, const char *fmt, ...)
{
	va_list ap;

	if (e == NULL)
		return (-1);
	e->kind = kind;
	e->number = 0;
	va_start(ap, fmt);
	(void)vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	return (-1);
}

static enum err_kind kind_of(int number)
{
	switch (number) {
	case ENOSPC:
	case EDQUOT: return (ERR_NO_SPACE);
	case ENOENT: return (ERR_NOT_FOUND);
	case EEXIST: return (ERR_EXISTS);
	default: return (ERR_TEMPORARY);
	}
}

int err_errno(struct err *e, const char *fmt, ...)
{
	int number = errno;
	char reason[96];
	va_list ap;
	size_t n;

	if (e == NULL)
		return (-1);
	e->kind = kind_of(number);
	e->number = number;
	va_start(ap, fmt);
	(void)vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	n = strlen(e->text);
	(void)snprintf(e->text + n, sizeof(e->text) - n, ": %s",
	    strerror_r(number, reason, sizeof(reason)));
	return (-1);
}

const char *err_kind_name(enum err_kind kind)
{
	switch (kind) {
	case ERR_NONE: return ("none");
	case ERR_PEER: return ("peer");
	case ERR_TEMPORARY: return ("temporary");
	case ERR_PERMANENT: return ("permanent");
	case ERR_NOT_FOUND: return ("not found");
	case ERR_EXISTS: return ("exists");
	case ERR_LIMIT: return ("limit");
	case ERR_NO_SPACE: return ("no space");
	case ERR_OVER_QUOTA: return ("over quota");
	case ERR_CANNOT: return ("cannot");
	case ERR_BUSY: return ("busy");
	}
	return ("?");
}
