/* Binary parts kept as base64. The laws: no NUL is left; what had no binary part stays as it is; the
 * tree is the same, no part says "binary" any more, and each leaf decodes to the octets it had. */
#include <stdint.h>
#include <stdlib.h>

#include "msg/binary.h"
#include "msg/mime.h"
#include "msg/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_leaf(const struct mime *was, const struct mime *is, size_t i)
{
	const struct mime_part *p = &was->parts[i], *q = &is->parts[i];
	struct buf octets = BUF_INIT(1 << 20);

	if (q->encoding == MIME_BINARY || q->kind != p->kind)
		abort();
	if (p->kind == MIME_LEAF && p->encoding == MIME_BINARY) {
		if (q->encoding != MIME_BASE64 ||
		    !text_decode(q->encoding, mime_body(is, q), &octets) ||
		    !slice_eq(buf_slice(&octets), mime_body(was, p)))
			abort();
	} else if (p->kind == MIME_LEAF && !slice_eq(mime_body(was, p), mime_body(is, q)))
		abort();
	buf_free(&octets);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice in = { (const char *)data, n };
	struct buf out = BUF_INIT(1 << 20);
	struct arena *a = arena_new(0);
	struct mime was, is;
	int rc;

	if (n > 65536)
		goto done;
	rc = binary_encode(in, &out);
	if (rc == 0 && (out.n > 0 || memchr(in.p, '\0', in.n) != NULL))
		abort();
	if (rc != 1)
		goto done;
	if (memchr(out.p, '\0', out.n) != NULL)
		abort();
	mime_parse(a, in, &was);
	mime_parse(a, buf_slice(&out), &is);
	if (was.n != is.n)
		abort();
	for (size_t i = 0; i < was.n; i++)
		check_leaf(&was, &is, i);
done:
	buf_free(&out);
	arena_free(a);
	return (0);
}
