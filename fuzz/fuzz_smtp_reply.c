/* The laws: a reply read in slices is the reply read whole; one that is read has a code of three
 * digits and no line end inside a line; and what we write, we can read. */
#include <stdint.h>
#include <stdlib.h>

#include "smtp/reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static enum take feed(struct smtp_reply_in *r, struct slice in, size_t step)
{
	size_t shown = 0, used, at = 0;
	enum take t;

	do {
		shown = shown + step < in.n ? shown + step : in.n;
		t = smtp_reply_take(r, slice_between(in.p + at, in.p + shown), &used);
		at += used;
	} while (t == TAKE_MORE && shown < in.n);
	return (t);
}

static void write_and_read(struct slice in)
{
	struct buf text = BUF_INIT(4096), out = BUF_INIT(1 << 20);
	struct smtp_reply reply = { 550, "5.7.1", NULL };
	struct smtp_reply_in r;
	size_t used;

	(void)buf_add_slice(&text, slice_head(in, 400));
	reply.text = buf_z(&text);
	smtp_reply_in_init(&r);
	if (smtp_reply_write(&out, &reply) == 0 &&
	    slice_find(slice_of(reply.text), SLICE("\n")) == SIZE_MAX &&
	    (smtp_reply_take(&r, buf_slice(&out), &used) != TAKE_OK || r.code != 550 ||
		r.lines != 1 || used != out.n))
		abort();
	smtp_reply_in_free(&r);
	buf_free(&text);
	buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct smtp_reply_in a, b;
	struct buf line = BUF_INIT(4096);
	struct slice in;
	enum take t;

	if (n < 2)
		return (0);
	in = (struct slice){ (const char *)data + 1, n - 1 };
	smtp_reply_in_init(&a);
	smtp_reply_in_init(&b);
	t = feed(&a, in, SIZE_MAX / 4);
	/* A bare LF at the end of what is there is told at once, so slices may differ there, and
	 * only there. */
	if (slice_chr(in, '\n') == SIZE_MAX ||
	    slice_find(in, SLICE("\r\n")) + 1 == slice_chr(in, '\n')) {
		enum take u = feed(&b, in, (size_t)data[0] % 13 + 1);

		if (t == TAKE_OK && u == TAKE_OK &&
		    (a.code != b.code || !slice_eq(buf_slice(&a.text), buf_slice(&b.text))))
			abort();
		if (t == TAKE_OK && u == TAKE_MORE)
			abort();
	}
	if (t == TAKE_OK) {
		if (a.code < 200 || a.code > 559 || a.lines == 0)
			abort();
		(void)smtp_reply_one_line(&a, &line);
		if (slice_chr(buf_slice(&line), '\r') != SIZE_MAX ||
		    slice_chr(buf_slice(&line), '\n') != SIZE_MAX)
			abort();
	}
	write_and_read(in);
	smtp_reply_in_free(&a);
	smtp_reply_in_free(&b);
	buf_free(&line);
	return (0);
}
