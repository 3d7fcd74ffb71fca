/* Dots and line ends of out_body.c. Laws: pieces of any size give the same wire as the whole;
 * dot.c, which reads what others send, gets back exactly the CRLF form of what was on disk.
 * Input: size of pieces, then the file. */
#include <stdint.h>
#include <stdlib.h>

#include "smtp/dot.h"
#include "smtp/out_body.h"

static void convert(struct slice disk, size_t step, bool dots, struct buf *out)
{
	struct stuff s = { 0 };

	for (size_t at = 0; at < disk.n; at += step)
		stuff_add(&s, slice_head(slice_from(disk, at), step), dots, out);
	stuff_end(&s, dots, out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct buf whole = BUF_INIT(1 << 22), pieces = BUF_INIT(1 << 22), plain = BUF_INIT(1 << 22),
		   back = BUF_INIT(1 << 22);
	struct slice disk, content, rest;
	struct smtp_dot d;

	if (n < 2 || n > 262144)
		return (0);
	disk = (struct slice){ (const char *)data + 1, n - 1 };
	convert(disk, disk.n, true, &whole);
	convert(disk, (size_t)data[0] + 1, true, &pieces);
	convert(disk, disk.n, false, &plain);
	if (!slice_eq(buf_slice(&whole), buf_slice(&pieces)))
		abort();
	if (!slice_ends(buf_slice(&plain), SLICE("\r\n")) && plain.n > 0)
		buf_addz(&plain, slice_ends(buf_slice(&plain), SLICE("\r")) ? "\n" : "\r\n");
	smtp_dot_init(&d, false, UINT64_MAX);
	for (rest = buf_slice(&whole); rest.n > 0 && !d.ended;) {
		size_t took = smtp_dot_next(&d, rest, &content);

		buf_add_slice(&back, content);
		rest = slice_from(rest, took);
	}
	if (!d.ended || rest.n > 0 || !slice_eq(buf_slice(&back), buf_slice(&plain)))
		abort();
	buf_free(&whole);
	buf_free(&pieces);
	buf_free(&plain);
	buf_free(&back);
	return (0);
}
