/* The law: the fields tile the header exactly, whatever they hold, and what they say lies inside
 * them. */
#include <stdint.h>
#include <stdlib.h>

#include "msg/header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice in = { (const char *)data, n };
	struct arena *a = arena_new(0);
	struct header h, again;
	struct err err;
	size_t at = 0;

	header_parse(a, in, &h);
	must(h.size <= n);
	for (size_t i = 0; i < h.n; i++) {
		const struct field *f = &h.fields[i];

		must(f->offset == at && f->raw.p == in.p + at && f->raw.n > 0);
		must(f->name.n > 0 && f->name.p == f->raw.p &&
		    f->body.p > f->name.p + f->name.n - 1);
		must(f->body.p + f->body.n <= f->raw.p + f->raw.n);
		must(slice_chr(header_unfold(a, f->body), '\n') == SIZE_MAX);
		at += f->raw.n;
	}
	if (!h.cut)
		must(at == h.size || (h.has_blank && h.size - at <= 2));
	/* the section alone reads the same */
	header_parse(a, slice_head(in, h.size), &again);
	must(again.n == h.n && again.size == h.size && again.has_blank == h.has_blank);
	(void)header_check(a, &h, 50, &err);
	arena_free(a);
	return (0);
}
