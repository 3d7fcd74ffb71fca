/* records.h: the DNS records a domain has to publish, as zone file lines. */
#ifndef ADMIN_RECORDS_H
#define ADMIN_RECORDS_H

#include "core/buf.h"
#include "core/cfg.h"
#include "core/err.h"

/* For one domain of the configuration; the process stands in DATA (keys are read from dkim/<domain>/). */
int records_write(struct buf *out, const struct cfg *cfg, const char *domain, struct err *err);

#endif
