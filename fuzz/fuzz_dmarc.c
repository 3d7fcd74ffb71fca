/* The laws: what is parsed is a record; a policy is one of three and pct at most a hundred; nothing is asked that the text does not
 * name. */
#include <stdint.h>
#include <stdlib.h>

#include "dkim/dmarc_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice in = { (const char *)data, n };
	struct arena *a = arena_new(0);
	struct dmarc_record r;

	if (dmarc_record_parse(a, in, &r)) {
		if (!dmarc_record_is(in) || r.pct > 100)
			abort();
		if ((unsigned)r.p > DMARC_REJECT || (unsigned)r.sp > DMARC_REJECT ||
		    (unsigned)r.np > DMARC_REJECT)
			abort();
		if ((r.p == DMARC_REJECT || r.sp == DMARC_REJECT || r.np == DMARC_REJECT) &&
		    slice_ifind(in, SLICE("reject")) == SIZE_MAX)
			abort();
		if ((r.p == DMARC_QUARANTINE || r.sp == DMARC_QUARANTINE ||
			r.np == DMARC_QUARANTINE) &&
		    slice_ifind(in, SLICE("quarantine")) == SIZE_MAX)
			abort();
	}
	arena_free(a);
	return (0);
}
