/* dmarc_record.h: what the owner of a domain asks of those who receive mail in its name. RFC 7489 6.3, RFC 9091, RFC 9989. */
#ifndef DKIM_DMARC_RECORD_H
#define DKIM_DMARC_RECORD_H

#include "core/arena.h"

enum dmarc_policy { DMARC_ASKS_NOTHING, DMARC_QUARANTINE, DMARC_REJECT };
const char *dmarc_policy_name(enum dmarc_policy p); /* "none", "quarantine", "reject" */

enum dmarc_psd { DMARC_PSD_UNSAID, DMARC_PSD_YES, DMARC_PSD_NO };

struct dmarc_record {
	enum dmarc_policy p, sp, np; /* sp is p, np is sp where the record does not say */
	bool has_np;
	bool strict_dkim, strict_spf; /* adkim=s, aspf=s */
	unsigned pct;                 /* 0 to 100 */
	bool testing;                 /* t=y (RFC 9989): one step less than asked */
	enum dmarc_psd psd;
};

/* Is this TXT record a DMARC record (RFC 7489 6.4)? */
bool dmarc_record_is(struct slice text);
/* False: no policy can be taken from it (RFC 7489 6.6.3 step 6). ${a} is for the work alone. */
bool dmarc_record_parse(struct arena *a, struct slice text, struct dmarc_record *ret);

#endif
