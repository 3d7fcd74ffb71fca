/* html.c: what would a person see of an HTML text, and where do its links lead?
 *
 * A tokeniser, no tree: text, tags with the few attributes that matter, comments, raw text (script,
 * style and the like, which nobody sees). One pass, each octet looked at a bounded number of times:
 * whatever is searched for and never found is searched once only (MIM-12). Hidden text is counted
 * by depth of the element that hides it, forgiving wrong nesting. Styles are html_style.c's,
 * character references html_entity.c's. WHATWG HTML 13.2.5. */
#include "msg/html.h"

#include "msg/html_int.h"
#include "msg/html_style.h"

enum {
	SHOWN_MAX = 256,  /* text of a link that is kept */
	VALUE_MAX = 8192, /* of an attribute that is looked at */
	HIDDEN_DEPTH =
	    32, /* names of hiding elements that are open; deeper ones hide by the outer one */
	TEXT_MAX = 4096, /* text handed on at once */
};

struct reader {
	struct slice s;
	size_t at;
	const struct html_events *ev;
	void *self;
	struct buf text, href, shown, value;
	struct slice hiding;   /* name of the outermost element that hides; empty: none */
	unsigned hiding_depth; /* elements of that name open, itself included */
	bool in_link;
	bool no_more_comment_ends; /* "-->" was searched for in vain */
	bool no_more_gt;
};

static bool is_space(char c)
{
	return (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f');
}

/* At most max octets of s, no character cut in two. */
static struct slice head_of_text(struct slice s, size_t max)
{
	size_t n = max;

	if (s.n <= max)
		return (s);
	while (n > 0 && (s.p[n] & 0xc0) == 0x80)
		n--;
	return (slice_head(s, n));
}

static void text_flush(struct reader *r)
{
	struct slice s = buf_slice(&r->text);

	if (s.n == 0)
		return;
	if (r->in_link && r->hiding.n == 0)
		(void)buf_add_slice(&r->shown, head_of_text(s, SHOWN_MAX - r->shown.n));
	if (r->ev->on_text != NULL)
		r->ev->on_text(r->self, s, r->hiding.n > 0);
	buf_reset(&r->text);
}

static void text_add(struct reader *r, struct slice s)
{
	while (s.n > 0) {
		size_t n = s.n < TEXT_MAX ? s.n : TEXT_MAX;

		while (n < s.n && n > TEXT_MAX - 4 && (s.p[n] & 0xc0) == 0x80)
			n--; /* never within a character */
		if (r->text.n + n > TEXT_MAX)
			text_flush(r);
		(void)buf_add(&r->text, s.p, n);
		s = slice_from(s, n);
	}
}

static void link_close(struct reader *r)
{
	if (!r->in_link)
		return;
	text_flush(r);
	if (r->ev->on_link != NULL)
		r->ev->on_link(r->self, buf_slice(&r->href), buf_slice(&r->shown));
	r->in_link = false;
}

/* name[=value] inside a tag; false at its end. */
static bool attribute_take(struct slice *tag, struct slice *name, struct slice *value)
{
	size_t i = 0, from;

	while (i < tag->n && (is_space(tag->p[i]) || tag->p[i] == '/'))
		i++;
	if (i == tag->n)
		return (false);
	from = i++;
	while (i < tag->n && !is_space(tag->p[i]) && tag->p[i] != '=' && tag->p[i] != '/')
		i++;
	*name = slice_between(tag->p + from, tag->p + i);
	*value = SLICE("");
	while (i < tag->n && is_space(tag->p[i]))
		i++;
	if (i < tag->n && tag->p[i] == '=') {
		i++;
		while (i < tag->n && is_space(tag->p[i]))
			i++;
		if (i < tag->n && (tag->p[i] == '"' || tag->p[i] == '\'')) {
			size_t end = slice_chr(slice_from(*tag, i + 1), tag->p[i]);

			*value = slice_head(slice_from(*tag, i + 1), end);
			i = end == SIZE_MAX ? tag->n : i + 1 + end + 1;
		} else {
			from = i;
			while (i < tag->n && !is_space(tag->p[i]))
				i++;
			*value = slice_between(tag->p + from, tag->p + i);
		}
	}
	*value = slice_head(*value, VALUE_MAX);
	*tag = slice_from(*tag, i);
	return (true);
}

static struct slice resolved(struct buf *into, struct slice value)
{
	buf_reset(into);
	html_entities(slice_trim(value), into);
	return (buf_slice(into));
}

static bool is_void(struct slice name) /* has no end tag, so can hide nothing */
{
	static const struct slice names[] = { SLICE_INIT("br"), SLICE_INIT("img"), SLICE_INIT("hr"),
		SLICE_INIT("meta"), SLICE_INIT("input"), SLICE_INIT("link"), SLICE_INIT("area"),
		SLICE_INIT("base"), SLICE_INIT("col"), SLICE_INIT("embed"), SLICE_INIT("param"),
		SLICE_INIT("source"), SLICE_INIT("wbr") };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (slice_ieq(name, names[i]))
			return (true);
	return (false);
}

static bool parts_words(struct slice name) /* "V<b></b>iagra" is one word, "a<br>b" are two */
{
	static const struct slice names[] = { SLICE_INIT("p"), SLICE_INIT("div"), SLICE_INIT("br"),
		SLICE_INIT("tr"), SLICE_INIT("td"), SLICE_INIT("th"), SLICE_INIT("table"),
		SLICE_INIT("li"), SLICE_INIT("ul"), SLICE_INIT("ol"), SLICE_INIT("dl"),
		SLICE_INIT("dt"), SLICE_INIT("dd"), SLICE_INIT("h1"), SLICE_INIT("h2"),
		SLICE_INIT("h3"), SLICE_INIT("h4"), SLICE_INIT("h5"), SLICE_INIT("h6"),
		SLICE_INIT("hr"), SLICE_INIT("blockquote"), SLICE_INIT("pre"), SLICE_INIT("center"),
		SLICE_INIT("head"), SLICE_INIT("title"), SLICE_INIT("body"), SLICE_INIT("html"),
		SLICE_INIT("form"), SLICE_INIT("address"), SLICE_INIT("section"),
		SLICE_INIT("article"), SLICE_INIT("header"), SLICE_INIT("footer"),
		SLICE_INIT("caption"), SLICE_INIT("option"), SLICE_INIT("select"),
		SLICE_INIT("script"), SLICE_INIT("style") };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (slice_ieq(name, names[i]))
			return (true);
	return (false);
}

static bool is_raw(struct slice name) /* what it holds is never shown and holds no tags */
{
	static const struct slice names[] = { SLICE_INIT("script"), SLICE_INIT("style"),
		SLICE_INIT("title"), SLICE_INIT("textarea"), SLICE_INIT("noembed"),
		SLICE_INIT("noframes"), SLICE_INIT("iframe"), SLICE_INIT("xmp") };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (slice_ieq(name, names[i]))
			return (true);
	return (false);
}

/* Past "</name" of the raw text element. Each octet is looked at once: the search goes from "<" to
 * "<". */
static void skip_raw(struct reader *r, struct slice name)
{
	for (;;) {
		size_t lt = slice_chr(slice_from(r->s, r->at), '<');

		if (lt == SIZE_MAX) {
			r->at = r->s.n;
			return;
		}
		r->at += lt;
		if (slice_starts(slice_from(r->s, r->at), SLICE("</")) &&
		    slice_istarts(slice_from(r->s, r->at + 2), name))
			return;
		r->at++;
	}
}

static bool names_a_place(struct slice key)
{
	static const struct slice keys[] = { SLICE_INIT("href"), SLICE_INIT("src"),
		SLICE_INIT("action"), SLICE_INIT("formaction"), SLICE_INIT("background"),
		SLICE_INIT("data"), SLICE_INIT("poster"), SLICE_INIT("xlink:href") };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (slice_ieq(key, keys[i]))
			return (true);
	return (false);
}

static void tag_begin(struct reader *r, struct slice name, struct slice rest)
{
	struct slice key, value, size = SLICE(""), color = SLICE("");
	bool hides = false, is_link = slice_ieq(name, SLICE("a")) || slice_ieq(name, SLICE("area"));
	bool is_image = slice_ieq(name, SLICE("img"));

	if (is_link) {
		link_close(r);
		buf_reset(&r->href);
		buf_reset(&r->shown);
	}
	while (attribute_take(&rest, &key, &value)) {
		if (r->ev->on_url != NULL && names_a_place(key))
			r->ev->on_url(r->self, resolved(&r->value, value));
		if (slice_ieq(key, SLICE("style")))
			hides |= html_style_hides(resolved(&r->value, value));
		else if (slice_ieq(key, SLICE("hidden")))
			hides = true;
		else if (slice_ieq(key, SLICE("size")))
			size = value;
		else if (slice_ieq(key, SLICE("color")))
			color = value;
		else if (is_link && slice_ieq(key, SLICE("href")) && r->href.n == 0)
			html_entities(slice_trim(value), &r->href);
		else if (is_image && slice_ieq(key, SLICE("src")) && r->ev->on_image != NULL)
			r->ev->on_image(r->self, resolved(&r->value, value));
	}
	if (slice_ieq(name, SLICE("font")))
		hides |= html_font_hides(size, color);
	if (is_link)
		r->in_link = r->href.n > 0;
	if (slice_ieq(name, SLICE("area")))
		link_close(r);
	if (r->hiding.n > 0) {
		if (slice_ieq(name, r->hiding))
			r->hiding_depth++;
	} else if (hides && !is_void(name)) {
		r->hiding = name;
		r->hiding_depth = 1;
	}
	if (is_raw(name))
		skip_raw(r, name);
}

static void tag_end(struct reader *r, struct slice name)
{
	if (slice_ieq(name, SLICE("a")))
		link_close(r);
	if (r->hiding.n > 0 && slice_ieq(name, r->hiding) && --r->hiding_depth == 0)
		r->hiding = SLICE("");
}

/* Octets to the ">" that ends the tag at r->at, quotes respected; SIZE_MAX when there is none. A
 * quote that is never closed is no quote. */
static size_t tag_size(const struct reader *r)
{
	struct slice s = slice_from(r->s, r->at);
	bool after_equals = false;

	for (size_t i = 1; i < s.n; i++) {
		if (s.p[i] == '>')
			return (i);
		if (after_equals && (s.p[i] == '"' || s.p[i] == '\'')) {
			size_t end = slice_chr(slice_from(s, i + 1), s.p[i]);

			if (end == SIZE_MAX)
				return (SIZE_MAX);
			i += 1 + end;
			after_equals = false;
			continue;
		}
		after_equals = s.p[i] == '=' || (after_equals && is_space(s.p[i]));
	}
	return (SIZE_MAX);
}

/* "<!" or "<?": a comment, declaration or the like. True when one was passed. */
static bool skip_comment(struct reader *r)
{
	struct slice s = slice_from(r->s, r->at);
	size_t end;

	if (slice_starts(s, SLICE("<!--")) && !r->no_more_comment_ends) {
		if (slice_starts(s, SLICE("<!-->"))) {
			r->at += 5;
			return (true);
		}
		end = slice_find(slice_from(s, 4), SLICE("-->"));
		if (end != SIZE_MAX) {
			r->at += 4 + end + 3;
			return (true);
		}
		r->no_more_comment_ends = true; /* never closed: as clients do, end it at ">" */
	}
	end = slice_chr(s, '>');
	r->at += end == SIZE_MAX ? s.n : end + 1;
	return (true);
}

/* At "<": what it opens. False: nothing, it is text. */
static bool markup_take(struct reader *r)
{
	struct slice s = slice_from(r->s, r->at), name, rest;
	bool is_end = s.n > 1 && s.p[1] == '/';
	size_t from = is_end ? 2 : 1, n = from, size;

	if (s.n > 1 && (s.p[1] == '!' || s.p[1] == '?'))
		return (skip_comment(r));
	if (from >= s.n || !ascii_alpha(s.p[from]) || r->no_more_gt)
		return (false);
	size = tag_size(r);
	if (size == SIZE_MAX) { /* an unclosed quote: end the tag at the first ">" */
		size = slice_chr(s, '>');
		if (size == SIZE_MAX) {
			r->no_more_gt = true;
			r->at = r->s.n; /* a tag cut off: nothing of it is shown */
			return (true);
		}
	}
	while (n < size && !is_space(s.p[n]) && s.p[n] != '/')
		n++;
	name = slice_between(s.p + from, s.p + n);
	rest = slice_head(slice_from(s, n), size - n);
	if (parts_words(name))
		text_add(r, SLICE("\n"));
	text_flush(r);
	r->at += size + 1;
	if (!is_end && r->ev->on_tag != NULL)
		r->ev->on_tag(r->self, name);
	if (is_end)
		tag_end(r, name);
	else
		tag_begin(r, name, rest);
	return (true);
}

static void character_reference(struct reader *r)
{
	char utf8[8];
	size_t n = 0, taken = html_entity_take(slice_from(r->s, r->at), utf8, &n);

	if (taken == 0) {
		text_add(r, SLICE("&"));
		r->at++;
		return;
	}
	text_add(r, (struct slice){ utf8, n });
	r->at += taken;
}

void html_read(struct slice utf8, const struct html_events *ev, void *self)
{
	struct reader r = { .s = utf8, .ev = ev, .self = self, .hiding = SLICE("") };

	buf_init(&r.text, TEXT_MAX * 2);
	buf_init(&r.href, VALUE_MAX * 3);
	buf_init(&r.shown, SHOWN_MAX);
	buf_init(&r.value, VALUE_MAX * 3);
	while (r.at < r.s.n) {
		size_t n = 0;
		struct slice rest = slice_from(r.s, r.at);

		while (n < rest.n && rest.p[n] != '<' && rest.p[n] != '&')
			n++;
		text_add(&r, slice_head(rest, n));
		r.at += n;
		if (n == rest.n)
			break;
		if (rest.p[n] == '&') {
			character_reference(&r);
		} else if (!markup_take(&r)) {
			text_add(&r, SLICE("<"));
			r.at++;
		}
	}
	text_flush(&r);
	link_close(&r);
	buf_free(&r.text);
	buf_free(&r.href);
	buf_free(&r.shown);
	buf_free(&r.value);
}

struct visible {
	struct buf *out;
	bool blank; /* one is due before the next word */
};

static void on_visible(void *self, struct slice utf8, bool hidden)
{
	struct visible *v = self;

	if (hidden)
		return;
	for (size_t i = 0; i < utf8.n; i++) {
		if (is_space(utf8.p[i]) ||
		    (utf8.p[i] == '\xc2' && i + 1 < utf8.n && utf8.p[i + 1] == '\xa0')) {
			i += utf8.p[i] == '\xc2' ? 1 : 0; /* a no-break space */
			v->blank = true;
			continue;
		}
		if (v->blank && v->out->n > 0)
			(void)buf_addc(v->out, ' ');
		v->blank = false;
		(void)buf_addc(v->out, utf8.p[i]);
	}
}

int html_text(struct slice utf8, struct buf *out)
{
	static const struct html_events ev = { .on_text = on_visible };
	struct visible v = { .out = out };

	html_read(utf8, &ev, &v);
	return (out->failed ? -1 : 0);
}
