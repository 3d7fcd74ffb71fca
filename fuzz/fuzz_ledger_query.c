/* fuzz_ledger_query.c: laws: a question is understood the same way twice; a span is not empty and does not lie before 1970; a
 * key is part of the question, or an address in its one form, which asked again means itself; a network is
 * not empty. */
#include <stdlib.h>
#include <string.h>

#include "store/ledger_query.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice what = { (const char *)data, n };
	struct ledger_query q, again;

	if (!ledger_query_parse(what, 1795392000, &q))
		return (0);
	if (!ledger_query_parse(what, 1795392000, &again) || q.kind != again.kind ||
	    q.from != again.from || q.to != again.to || !slice_eq(q.key, again.key))
		abort();
	if (q.kind == LEDGER_SPAN && (q.from < 0 || q.from >= q.to))
		abort();
	if ((q.kind == LEDGER_ADDRESS || q.kind == LEDGER_WORD) &&
	    (q.key.n == 0 || q.key.p < what.p || q.key.p + q.key.n > what.p + what.n))
		abort();
	if (q.kind == LEDGER_IP && (!ledger_query_parse(q.key, 0, &again) ||
				       again.kind != LEDGER_IP || !slice_eq(q.key, again.key)))
		abort();
	if (q.kind == LEDGER_NET && memcmp(q.low, q.high, sizeof(q.low)) > 0)
		abort();
	return (0);
}
