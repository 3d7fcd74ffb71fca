/* fuzz_exported.c: laws: what is read of a file of lessons, written and read again, is the same; each content of an account stands there
 * once, in order; and a file with a wrong line is nothing, and says which line. */
#include <stdlib.h>

#include "spam/exported.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check(const struct lesson *a, const struct lesson *b)
{
	if (!slice_eq(a->account, b->account) || memcmp(a->content_id, b->content_id, 16) != 0 ||
	    a->mark.is != b->mark.is || a->mark.weight != b->mark.weight ||
	    a->version != b->version || a->at != b->at)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena *a = arena_new(0);
	struct buf out = BUF_INIT(64 * n + 4096);
	struct lesson *v, *again;
	size_t count, count_again;
	struct err err = { 0 };

	if (exported_read(a, (struct slice){ (const char *)data, n }, &v, &count, &err) == -1) {
		if (count != 0 || slice_find(slice_of(err.text), SLICE("line ")) == SIZE_MAX)
			abort();
	} else {
		exported_begin(&out);
		for (size_t i = 0; i < count; i++)
			exported_write(&out, &v[i]);
		if (out.failed ||
		    exported_read(a, buf_slice(&out), &again, &count_again, &err) == -1 ||
		    count_again != count)
			abort();
		for (size_t i = 0; i < count; i++) {
			int c = i == 0 ? -1 : slice_cmp(v[i - 1].account, v[i].account);

			check(&v[i], &again[i]);
			if (c > 0 || (c == 0 && memcmp(v[i - 1].content_id, v[i].content_id, 16) >= 0))
				abort();
		}
	}
	buf_free(&out);
	arena_free(a);
	return (0);
}
