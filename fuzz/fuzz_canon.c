/* The laws: a body in any pieces, and with any patience, has one canonical form; a canonical body is its own canonical form; a canonical field holds no
 * line end but its last and no two blanks in a row. The first octet chooses the size of the pieces. */
#include <stdint.h>
#include <stdlib.h>

#include "canon_body.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	size_t step = n > 0 ? data[0] % 17 + 1U : 1;
	struct slice in = { (const char *)data + (n > 0), n > 0 ? n - 1 : 0 };

	for (int how = CANON_SIMPLE; how <= CANON_RELAXED; how++) {
		struct buf whole = BUF_INIT(n + 16), cut = BUF_INIT(n + 16),
			   again = BUF_INIT(n + 16), patient = BUF_INIT(2 * n + 16);

		body_form((enum canon)how, in, n + 1, 0, &whole);
		body_form((enum canon)how, in, step, 0, &cut);
		body_form((enum canon)how, buf_slice(&whole), n + 16, 0, &again);
		body_form((enum canon)how, in, step, step % 5 + 1, &patient);
		if (!slice_eq(buf_slice(&whole), buf_slice(&cut)) ||
		    !slice_eq(buf_slice(&whole), buf_slice(&patient)))
			abort();
		/* a last line of blanks without its end keeps one: not stable, and no message has it */
		if (!slice_ends(buf_slice(&whole), SLICE(" \r\n")) &&
		    !slice_eq(buf_slice(&whole), buf_slice(&again)))
			abort();
		buf_free(&whole);
		buf_free(&cut);
		buf_free(&again);
		buf_free(&patient);
	}
	/* a field as parsers give it: no line end in its name, no CR alone */
	if (slice_chr(in, ':') < slice_find(in, SLICE("\r\n")) &&
	    slice_find(in, SLICE("\r\r")) == SIZE_MAX) {
		struct buf f = BUF_INIT(n + 16);

		if (canon_field(CANON_RELAXED, in, false, &f) == -1 ||
		    slice_find(buf_slice(&f), SLICE("\r\n")) != SIZE_MAX)
			abort();
		buf_free(&f);
	}
	return (0);
}
