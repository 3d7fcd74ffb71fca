/* The law: a path that is taken, written back and taken again is the same path. */
#include <stdint.h>
#include <stdlib.h>

#include "core/buf.h"
#include "smtp/path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena *a = arena_new(0);
	struct cursor c = cursor_of((struct slice){ (const char *)data, n });
	struct smtp_path p, again;
	struct slice name, value;
	struct buf text = BUF_INIT(8192);
	bool has;

	(void)smtp_helo_ok(cursor_rest(&c));
	if (smtp_path_take(a, &c, &p) == SMTP_PATH_OK) {
		while (smtp_param_next(&c, &name, &value, &has) == TAKE_OK)
			(void)smtp_xtext_ok(value);
		buf_fmt(&text, "<" SLICE_FMT ">", SLICE_ARG(p.text));
		c = cursor_of(buf_slice(&text));
		if (text.n <= 256 &&
		    (smtp_path_take(a, &c, &again) != SMTP_PATH_OK ||
			!slice_eq(p.local, again.local) || !slice_eq(p.domain, again.domain) ||
			!slice_eq(p.text, again.text) || p.null != again.null))
			abort();
	}
	buf_free(&text);
	arena_free(a);
	return (0);
}
