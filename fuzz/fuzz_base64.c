/* The law: encoding then decoding gives the same octets, in both alphabets; and what decodes at
 * all is exactly what encoding the result writes, so one text only stands for each value. */
#include <stdint.h>
#include <stdlib.h>

#include "core/base64.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check(struct slice in, int (*encode)(struct slice, struct buf *),
    int (*decode)(struct slice, struct buf *))
{
	struct buf text = BUF_INIT(in.n * 2 + 8), back = BUF_INIT(in.n * 2 + 8);

	if (encode(in, &text) == -1 || decode(buf_slice(&text), &back) == -1 ||
	    !slice_eq(buf_slice(&back), in))
		abort();
	buf_reset(&text);
	buf_reset(&back);
	if (decode(in, &back) == 0 &&
	    (encode(buf_slice(&back), &text) == -1 || !slice_eq(buf_slice(&text), in)))
		abort();
	buf_free(&text);
	buf_free(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice in = { (const char *)data, n };

	check(in, base64_encode, base64_decode);
	check(in, base64url_encode, base64url_decode);
	return (0);
}
