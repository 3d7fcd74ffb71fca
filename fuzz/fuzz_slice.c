/* The law: the parts of a cut and the mark add up to the whole. */
#include <stdint.h>
#include <stdlib.h>

#include "core/slice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice in = { (const char *)data, n }, head, tail;

	if (slice_cut(in, ' ', &head, &tail) ? head.n + 1 + tail.n != n : head.n != n)
		abort();
	return (0);
}
