/* The laws: fed in slices, DATA gives the same content, end and faults as fed whole; and it ends
 * where a scanner that knows nothing but CRLF "." CRLF says, never earlier. */
#include <stdint.h>
#include <stdlib.h>

#include "core/buf.h"
#include "smtp/dot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static size_t feed(struct smtp_dot *d, struct slice in, size_t step, struct buf *out)
{
	struct slice content;
	size_t at = 0;

	while (at < in.n && !d->ended) {
		size_t used = smtp_dot_next(d, slice_head(slice_from(in, at), step), &content);

		if (used == 0 && content.n == 0)
			abort();
		(void)buf_add_slice(out, content);
		at += used;
	}
	return (at);
}

/* Octets up to and with the terminator; SIZE_MAX without one. */
static size_t reference(struct slice in)
{
	size_t at;

	if (slice_starts(in, SLICE(".\r\n")))
		return (3);
	at = slice_find(in, SLICE("\r\n.\r\n"));
	return (at == SIZE_MAX ? SIZE_MAX : at + 5);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct smtp_dot whole, sliced;
	struct buf a = BUF_INIT(1 << 24), b = BUF_INIT(1 << 24);
	struct slice in;
	size_t step, end;

	if (n < 2)
		return (0);
	step = (size_t)(data[0] >> 1) % 17 + 1;
	in = (struct slice){ (const char *)data + 1, n - 1 };
	smtp_dot_init(&whole, data[0] & 1, 64);
	smtp_dot_init(&sliced, data[0] & 1, 64);
	end = feed(&whole, in, SIZE_MAX, &a);
	if (feed(&sliced, in, step, &b) != end || !slice_eq(buf_slice(&a), buf_slice(&b)) ||
	    whole.ended != sliced.ended || whole.faults != sliced.faults || whole.octets != a.n)
		abort();
	if (!whole.raw && (whole.ended ? end != reference(in) : reference(in) != SIZE_MAX))
		abort();
	if (whole.raw && (whole.ended || !slice_eq(buf_slice(&a), in)))
		abort();
	buf_free(&a);
	buf_free(&b);
	return (0);
}
