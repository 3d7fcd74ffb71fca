/* The laws: valid UTF-8 stays valid in text, links and shown text; the text is no longer than the
 * source but for character references; shown text of a link is cut where promised. */
#include <stdint.h>
#include <stdlib.h>

#include "msg/charset.h"
#include "msg/html.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void on_text(void *self, struct slice utf8, bool hidden)
{
	(void)hidden;
	must(utf8.n > 0 && (!*(bool *)self || charset_is_utf8(utf8)));
}

static void on_link(void *self, struct slice href, struct slice shown)
{
	must(shown.n <= 256 && href.n > 0 && (!*(bool *)self || charset_is_utf8(shown)));
}

static void on_slice(void *self, struct slice s)
{
	(void)self;
	must(s.n < 1u << 20);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const struct html_events ev = { on_text, on_link, on_slice, on_slice, on_slice };
	struct slice in = { (const char *)data, n };
	struct buf out = BUF_INIT(n * 4 + 16);
	bool is_utf8 = charset_is_utf8(in);

	html_read(in, &ev, &is_utf8);
	must(html_text(in, &out) == 0);
	must(!is_utf8 || charset_is_utf8(buf_slice(&out)));
	buf_free(&out);
	return (0);
}
