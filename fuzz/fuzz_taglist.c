/* The laws: what is strictly a tag list is leniently the same one; its tags, written again, are the same list; no name stands
 * twice, no value holds a semicolon. */
#include <stdint.h>
#include <stdlib.h>

#include "core/limits.h"
#include "dkim/taglist.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void same(const struct taglist *x, const struct taglist *y)
{
	if (x->n != y->n)
		abort();
	for (size_t i = 0; i < x->n; i++)
		if (!slice_eq(x->v[i].name, y->v[i].name) ||
		    !slice_eq(x->v[i].value, y->v[i].value))
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice in = { (const char *)data, n };
	struct arena *a = arena_new(0);
	struct taglist strict, lenient, again;
	bool good = taglist_parse(a, in, TAGLIST_STRICT, &strict);

	if (taglist_parse(a, in, TAGLIST_LENIENT, &lenient)) {
		struct buf out = BUF_INIT(n + 2 * (size_t)L_TAGS + 2);

		if (good)
			same(&strict, &lenient);
		for (size_t i = 0; i < lenient.n; i++) {
			if (slice_chr(lenient.v[i].raw, ';') != SIZE_MAX)
				abort();
			(void)buf_add_slice(&out, lenient.v[i].name);
			(void)buf_addc(&out, '=');
			(void)buf_add_slice(&out, lenient.v[i].raw);
			(void)buf_addc(&out, ';');
		}
		if (out.failed ||
		    (lenient.n > 0 && !taglist_parse(a, buf_slice(&out), TAGLIST_STRICT, &again)))
			abort();
		if (lenient.n > 0)
			same(&lenient, &again);
		buf_free(&out);
	} else if (good) {
		abort();
	}
	arena_free(a);
	return (0);
}
