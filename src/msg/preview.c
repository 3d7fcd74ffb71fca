/* What does a message say first? The first text a person would see, plain or HTML; attachments,
 * quoted lines and signatures are passed over. Linear in what is given. RFC 8970 3.2. */
#include "msg/preview.h"

#include "msg/html.h"
#include "msg/text.h"

enum { TEXT_MAX = 4 * PREVIEW_READ };

struct words {
	struct buf *out;
	unsigned characters;
	bool gap; /* a blank is due before the next character */
};

static bool is_continuation(char c)
{
	return (((unsigned char)c & 0xc0) == 0x80);
}

/* False: there is no more room. */
static bool add_text(struct words *w, struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 0x7f) {
			w->gap = w->characters > 0;
			continue;
		}
		if (!is_continuation(s.p[i])) {
			if (w->characters + 1 + w->gap > PREVIEW_CHARACTERS)
				return (false);
			if (w->gap)
				(void)buf_addc(w->out, ' ');
			w->characters += 1 + w->gap;
			w->gap = false;
		}
		(void)buf_addc(w->out, s.p[i]);
	}
	w->gap = w->characters > 0;
	return (true);
}

static void add_plain(struct words *w, struct slice text)
{
	struct slice line, rest = text;

	while (rest.n > 0) {
		(void)slice_cut(rest, '\n', &line, &rest);
		if (slice_eq(line, SLICE("-- ")) || slice_eq(line, SLICE("-- \r")))
			return; /* a signature */
		if (line.n > 0 && *line.p == '>')
			continue;
		if (!add_text(w, line))
			return;
	}
}

static void add_part(struct words *w, const struct mime *m, const struct mime_part *p)
{
	struct buf text = BUF_INIT(TEXT_MAX), seen = BUF_INIT(TEXT_MAX);

	(void)text_of_part(m, p, &text);
	if (mime_is(p, "text", "html")) {
		(void)html_text(buf_slice(&text), &seen);
		(void)add_text(w, buf_slice(&seen));
	} else
		add_plain(w, buf_slice(&text));
	buf_free(&text);
	buf_free(&seen);
}

int preview_write(struct slice message, struct buf *out)
{
	struct words w = { .out = out };
	struct arena *a = arena_new(0);
	struct mime m;

	mime_parse(a, message, &m);
	for (size_t i = 0; i < m.n && w.characters == 0; i++) {
		const struct mime_part *p = &m.parts[i];

		if (p->kind == MIME_LEAF && mime_is(p, "text", NULL) &&
		    !slice_ieq(p->disposition.type, SLICE("attachment")))
			add_part(&w, &m, p);
	}
	arena_free(a);
	return (out->failed ? -1 : 0);
}
