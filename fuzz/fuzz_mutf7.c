/* Law: a name that decodes encodes back to itself, and a name that encodes decodes back to
 * itself. */
#include <stdlib.h>

#include "msg/mutf7.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice in = { (const char *)data, n };
	struct buf a = BUF_INIT(1 << 20), b = BUF_INIT(1 << 20);

	if (mutf7_to_utf8(in, &a) == 0 &&
	    (mutf7_from_utf8(buf_slice(&a), &b) != 0 || !slice_eq(buf_slice(&b), in)))
		abort();
	buf_reset(&a);
	buf_reset(&b);
	if (mutf7_from_utf8(in, &a) == 0 &&
	    (mutf7_to_utf8(buf_slice(&a), &b) != 0 || !slice_eq(buf_slice(&b), in)))
		abort();
	buf_free(&a);
	buf_free(&b);
	return (0);
}
