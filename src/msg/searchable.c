/* searchable.c: which texts of a message does a search look at? Leaves parsing to mime.c, decoding to
 * text.c and html.c, comparing to its callers. RFC 9051 6.4.4. Failures: a text that is larger than
 * its bound is left out, and said so. */
#include "msg/searchable.h"

#include "msg/html.h"
#include "msg/text.h"

static bool tell_header(
    struct arena *a, const struct mime_part *p, searchable_fn *on_text, void *self)
{
	for (size_t i = 0; i < p->header.n; i++)
		if (on_text(self, p, p->header.fields[i].name,
			text_words(a, p->header.fields[i].body)))
			return (true);
	return (false);
}

static enum searchable_end tell_text(const struct mime *m, const struct mime_part *p, size_t max,
    searchable_fn *on_text, void *self)
{
	struct buf text = BUF_INIT(max), seen = BUF_INIT(max);
	bool is_html = mime_is(p, "text", "html"), too_large, stopped;

	(void)text_of_part(m, p, &text);
	if (is_html)
		(void)html_text(buf_slice(&text), &seen);
	too_large = text.failed || seen.failed;
	stopped = on_text(
	    self, p, (struct slice){ "", 0 }, is_html ? buf_slice(&seen) : buf_slice(&text));
	buf_free(&text);
	buf_free(&seen);
	return (stopped ? SEARCHABLE_STOPPED : too_large ? SEARCHABLE_TOO_LARGE : SEARCHABLE_ALL);
}

enum searchable_end searchable_body(
    struct arena *a, const struct mime *m, size_t max, searchable_fn *on_text, void *self)
{
	enum searchable_end all = SEARCHABLE_ALL, one;

	for (size_t i = 0; i < m->n; i++) {
		const struct mime_part *p = &m->parts[i];

		if (p->kind == MIME_MESSAGE && p->first != MIME_NONE) {
			if (tell_header(a, &m->parts[p->first], on_text, self))
				return (SEARCHABLE_STOPPED);
			continue;
		}
		if (p->kind != MIME_LEAF || !mime_is(p, "text", NULL))
			continue;
		one = tell_text(m, p, max, on_text, self);
		if (one == SEARCHABLE_STOPPED)
			return (one);
		if (one == SEARCHABLE_TOO_LARGE)
			all = one;
	}
	return (all);
}

enum searchable_end searchable_header(
    struct arena *a, const struct mime *m, searchable_fn *on_text, void *self)
{
	for (size_t i = 0; i < m->n; i++)
		if (tell_header(a, &m->parts[i], on_text, self))
			return (SEARCHABLE_STOPPED);
	return (SEARCHABLE_ALL);
}
