/* records.h: the DNS records a domain has to publish. */
#ifndef ADMIN_RECORDS_H
#define ADMIN_RECORDS_H

#include "core/buf.h"
#include "core/cfg.h"
#include "core/err.h"

/* For one domain of the configuration; the process stands in DATA (keys are read from
 * dkim/<domain>/). Names without a dot at their end; ${value} as in a zone file but TXT whole and
 * without quotes, NULL where only the owner knows it. */
typedef void records_add(void *self, const char *name, const char *type, const char *value);
int records_each(
    const struct cfg *cfg, const char *domain, records_add *add, void *self, struct err *err);
/* The same as lines of a zone file. */
int records_write(struct buf *out, const struct cfg *cfg, const char *domain, struct err *err);

#endif
