/* quarantine.h: a copy of mail that was refused, for the account that would have had it (DESIGN section
 * 5). It lies in an ordinary folder with ROLE_QUARANTINE, made when first needed and never subscribed,
 * outside the quota, for L_QUARANTINE_DAYS, and at most L_QUARANTINE octets and L_QUARANTINE_MESSAGES an
 * account: the oldest go first, and what goes for its age or for room goes for good. Nothing else is ever
 * put there: COPY, MOVE and APPEND are refused (quarantine_takes), as are RENAME and DELETE of it. */
#ifndef STORE_QUARANTINE_H
#define STORE_QUARANTINE_H

#include "store/mailbox.h"

/* The field that we alone write into such a copy: the one address of From, folded, whose domain was proved
 * when the message came. Its absence: nothing was proved. */
#define QUARANTINE_SENDER "X-Pennypost-Sender"

struct quarantined {
	const struct err *err; /* NULL: durable. ERR_NO_SPACE: the disk is below its reserve */
	struct folder *folder;
	uint32_t uid;
	const unsigned char *content_id; /* 16 octets, with no err; valid during the call */
};
/* quarantine_keep: on the loop. ${draft} borrowed until on_kept, ended; ${prefix} and ${drop} as in struct
 * commit, copied. Cannot be cancelled; on_kept comes once, later. */
void quarantine_keep(struct account *a, struct draft *draft, struct slice prefix,
    const struct span *drop, size_t drop_n,
    void (*on_kept)(void *self, const struct quarantined *q), void *self);
/* May a client put messages into this folder? -1: ERR_CANNOT, with words. */
int quarantine_takes(const struct folder *f, struct err *err);

#endif
