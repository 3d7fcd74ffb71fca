/* fuzz_query.c: laws: what client_escape writes, ops_unescape reads back as it was; in a query it neither ends its pair nor hides
 * those beside it; any text unescapes to no more octets than it has, and is found whole or not at all. */
#include <stdlib.h>

#include "admin/client.h"
#include "admin/ops_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice in = { (const char *)data, n };
	struct ops_call c = { .arena = arena_new(0) };
	struct buf query = BUF_INIT(3 * n + 64);
	struct slice value;

	(void)buf_addz(&query, "first=1&what=");
	if (client_escape(&query, in) == -1 || buf_addz(&query, "&last=2") == -1)
		abort();
	c.q.query = buf_slice(&query);
	if (!slice_eq(ops_param(&c, "what"), in) || !slice_eq(ops_param(&c, "first"), SLICE("1")) ||
	    !slice_eq(ops_param(&c, "last"), SLICE("2")))
		abort();
	c.q.query = in; /* as a peer writes it */
	value = ops_param(&c, "what");
	if (ops_unescape(c.arena, in).n > n || value.n > n ||
	    (value.p == NULL && slice_starts(in, SLICE("what="))))
		abort();
	buf_free(&query);
	arena_free(c.arena);
	return (0);
}
