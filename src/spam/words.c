/* words.c: what is a message made of, as the classifier sees it? Words of the decoded text, pairs of words at most two
 * apart, words of header fields under the field's name, hosts of links, names and types of parts. Leaves parsing to msg/, header
 * fields to words_header.c, what the features mean to bayes.c. Failures: none; past a limit the rest is left out. */
#include "spam/words.h"

#include <stdlib.h>

#include "core/limits.h"
#include "core/mem.h"
#include "msg/fold.h"
#include "msg/html.h"
#include "msg/text.h"

enum { SET_SLOTS = 32768 };   /* over three times L_TOKENS */
enum { DIGEST_HEAD = 65536 }; /* octets of an attachment that say whether it is the same */

struct words_set {
	size_t n;
	uint64_t slots[SET_SLOTS]; /* 0: free */
};

/* The feature when it is new, else 0. */
static uint64_t add_feature(struct words *w, uint64_t hash, unsigned class)
{
	struct words_set *s = w->set;
	uint64_t f = (hash & ~(uint64_t)WORDS_CLASS) | class;
	size_t at = (size_t)(hash >> 16) % SET_SLOTS;

	if (f <= WORDS_CLASS)
		f |= 8; /* 0 means free, here and in models */
	while (s->slots[at] != 0) {
		if (s->slots[at] == f)
			return (0);
		at = (at + 1) % SET_SLOTS;
	}
	if (s->n >= L_TOKENS) /* MIM-14 */
		return (0);
	s->slots[at] = f;
	s->n++;
	return (f);
}

/* --- for a person who asks --- */

static size_t name_of(struct slice a, struct slice b, char text[WORDS_TRACED])
{
	a = slice_head(a, WORDS_TRACED / 2);
	b = slice_head(b, WORDS_TRACED / 2);
	if (a.n > 0)
		memcpy(text, a.p, a.n);
	if (b.n > 0)
		memcpy(text + a.n, b.p, b.n);
	return (a.n + b.n);
}

static void tell(struct words *w, uint64_t feature, struct slice a, struct slice b)
{
	char text[WORDS_TRACED];
	struct slice name = { text, 0 };

	if (w->trace == NULL || feature == 0)
		return;
	name.n = name_of(a, b, text);
	w->trace->on_feature(w->trace->self, feature, name);
}

/* A pair, and between its words a dot for each word left out. */
static void tell_pair(struct words *w, uint64_t feature, unsigned distance, struct slice word)
{
	struct words_trace *t = w->trace;
	char text[2 * WORDS_TRACED + 2 * WORDS_WINDOW];
	struct slice name = { text, 0 };

	if (t == NULL || feature == 0)
		return;
	memcpy(text, t->last[distance - 1].text, t->last[distance - 1].n);
	name.n = t->last[distance - 1].n;
	for (unsigned i = 1; i < distance; i++) {
		memcpy(text + name.n, " .", 2);
		name.n += 2;
	}
	text[name.n++] = ' ';
	name.n += name_of(w->prefix, word, text + name.n);
	t->on_feature(t->self, feature, name);
}

static void remember(struct words *w, struct slice word)
{
	struct words_trace *t = w->trace;

	if (t == NULL)
		return;
	for (unsigned d = WORDS_WINDOW - 1; d > 0; d--)
		t->last[d] = t->last[d - 1];
	t->last[0].n = name_of(w->prefix, word, t->last[0].text);
}

/* Two keyed hashes and their distance to one: mixing needs no key of its own. */
static uint64_t pair(uint64_t before, uint64_t word, unsigned distance)
{
	uint64_t x = before * 0x9e3779b97f4a7c15 + word + distance;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return (x ^ x >> 31);
}

void words_section(struct words *w, struct slice prefix)
{
	w->prefix = prefix;
	for (unsigned i = 0; i < WORDS_WINDOW; i++)
		w->last[i] = 0;
}

void words_token(struct words *w, struct slice word)
{
	char lower[L_TOKEN];
	uint64_t h;

	word = slice_head(word, sizeof(lower));
	for (size_t i = 0; i < word.n; i++)
		lower[i] = ascii_lower(word.p[i]);
	word.p = lower;
	h = words_hash(w->key, w->prefix, word) | 1;
	tell(w, add_feature(w, h, 0), w->prefix, word);
	for (unsigned d = 0; d < WORDS_WINDOW && w->last[d] != 0; d++)
		tell_pair(w, add_feature(w, pair(w->last[d], h, d + 1), d + 1), d + 1, word);
	remember(w, word);
	for (unsigned d = WORDS_WINDOW - 1; d > 0; d--)
		w->last[d] = w->last[d - 1];
	w->last[0] = h;
}

void words_alone(struct words *w, struct slice kind, struct slice value)
{
	char lower[L_TOKEN];

	value = slice_head(value, sizeof(lower));
	for (size_t i = 0; i < value.n; i++)
		lower[i] = ascii_lower(value.p[i]);
	value.p = lower;
	tell(w, add_feature(w, words_hash(w->key, kind, value), 0), kind, value);
}

/* The same thing sent again is known by its digest, whatever its name. */
static void add_digest(struct words *w, struct slice octets)
{
	uint64_t h = words_hash(w->key, SLICE("digest:"), octets);

	tell(w, add_feature(w, h, 0), SLICE("digest:"), SLICE("(attachment)"));
}

void words_shape(struct words *w, struct slice kind, struct slice text)
{
	char shape[32];
	size_t n = 0;

	for (size_t i = 0; i < text.n && n < sizeof(shape); i++) {
		char c = text.p[i];
		char s = ascii_digit(c)    ? '9'
		    : c >= 'a' && c <= 'z' ? 'a'
		    : c >= 'A' && c <= 'Z' ? 'A'
					   : c;

		if (n == 0 || shape[n - 1] != s)
			shape[n++] = s;
	}
	tell(w, add_feature(w, words_hash(w->key, kind, (struct slice){ shape, n }), 0), kind,
	    (struct slice){ shape, n });
}

void words_host(struct words *w, struct slice kind, struct slice host)
{
	for (unsigned labels = 0; host.n > 0 && labels < 5; labels++) {
		size_t dot = slice_chr(host, '.');

		words_alone(w, kind, host);
		if (dot == SIZE_MAX)
			return;
		host = slice_from(host, dot + 1);
	}
}

/* --- text to words --- */

/* Octets of the sign at s, and whether it is part of a word, a word of its own, or a gap. */
enum sign { SIGN_GAP, SIGN_PART, SIGN_WHOLE };

static enum sign sign_at(struct slice s, size_t *ret_n)
{
	unsigned char c = (unsigned char)s.p[0], d;

	*ret_n = 1;
	if (c < 0x80)
		return (
		    ascii_alnum((char)c) || strchr("$%!'_.-", c) != NULL ? SIGN_PART : SIGN_GAP);
	d = s.n > 1 ? (unsigned char)s.p[1] : 0;
	if (c >= 0xe3 && c <= 0xe9 &&
	    s.n >= 3) { /* kana and Chinese signs: no blanks between words */
		*ret_n = 3;
		return (c == 0xe3 && d == 0x80 ? SIGN_GAP : SIGN_WHOLE);
	}
	if (s.n >= 3 && /* nor in Thai, Lao, Burmese, Khmer */
	    ((c == 0xe0 && d >= 0xb8 && d <= 0xbb) ||
		(c == 0xe1 && ((d >= 0x80 && d <= 0x82) || d == 0x9e || d == 0x9f)))) {
		*ret_n = 3;
		return (SIGN_WHOLE);
	}
	if (c == 0xf0 && d >= 0xa0 && d <= 0xb1 && s.n >= 4) { /* rare Chinese signs */
		*ret_n = 4;
		return (SIGN_WHOLE);
	}
	if (c == 0xc2 && d == 0xa0) { /* no-break space */
		*ret_n = 2;
		return (SIGN_GAP);
	}
	if (c == 0xe2 && (d == 0x80 || d == 0x81) && s.n >= 3) { /* general punctuation */
		*ret_n = 3;
		return (SIGN_GAP);
	}
	return (SIGN_PART);
}

static bool is_edge(char c)
{
	return (c == '.' || c == '-' || c == '\'' || c == '_');
}

static void one_word(struct words *w, struct slice s)
{
	size_t dots = 0, digits = 0;

	while (s.n > 0 && is_edge(s.p[0]))
		s = slice_from(s, 1);
	while (s.n > 0 && is_edge(s.p[s.n - 1]))
		s.n--;
	if (s.n == 0)
		return;
	words_token(w, s);
	for (size_t i = 0; i < s.n && i < L_TOKEN; i++) {
		dots += s.p[i] == '.';
		digits += ascii_digit(s.p[i]);
	}
	if (dots == 3 && digits + 3 == s.n) { /* an address: its /24 and /16 too */
		size_t at = slice_rchr(s, '.');

		words_alone(w, SLICE("net:"), slice_head(s, at));
		words_alone(w, SLICE("net:"), slice_head(s, slice_rchr(slice_head(s, at), '.')));
	} else if (dots > 0 && digits < s.n / 2) {
		words_host(w, SLICE("host:"), s);
	}
}

void words_text(struct words *w, struct slice s)
{
	size_t from = 0, at = 0, n;

	while (at < s.n && w->set->n < L_TOKENS) {
		enum sign sign = sign_at(slice_from(s, at), &n);

		if (sign != SIGN_PART) {
			one_word(w, slice_head(slice_from(s, from), at - from));
			if (sign == SIGN_WHOLE)
				words_token(w, slice_head(slice_from(s, at), n));
			from = at + n;
		}
		at += n;
	}
	if (at > s.n)
		at = s.n;
	if (from < at)
		one_word(w, slice_head(slice_from(s, from), at - from));
}

/* --- parts --- */

static struct slice host_of(struct slice url)
{
	size_t at = slice_find(url, SLICE("//"));
	struct slice host;

	if (at == SIZE_MAX)
		return ((struct slice){ url.p, 0 });
	host = slice_from(url, at + 2);
	for (size_t i = 0; i < host.n; i++)
		if (strchr("/?#\\ \t\r\n", host.p[i]) != NULL)
			host.n = i;
	if ((at = slice_rchr(host, '@')) != SIZE_MAX)
		host = slice_from(host, at + 1);
	if ((at = slice_chr(host, ':')) != SIZE_MAX)
		host = slice_head(host, at);
	return (host);
}

static void on_link(void *self, struct slice href, struct slice shown)
{
	struct slice host = host_of(href), said = host_of(shown);
	struct words *w = self;

	if (host.n == 0) {
		words_alone(w, SLICE("link:"),
		    slice_head(href, slice_chr(href, ':') == SIZE_MAX ? 0 : slice_chr(href, ':')));
		return;
	}
	words_host(w, SLICE("href:"), host);
	if (said.n > 0)
		words_alone(
		    w, SLICE("link:"), slice_ieq(host, said) ? SLICE("same") : SLICE("other"));
}

static void on_image(void *self, struct slice src)
{
	words_host(self, SLICE("img:"), host_of(src));
}

static void on_tag(void *self, struct slice name)
{
	words_alone(self, SLICE("tag:"), name);
}

static void on_text(void *self, struct slice utf8, bool hidden)
{
	struct words *w = self;

	if (!hidden)
		return; /* html_text brings it in order */
	words_section(w, SLICE("hidden:"));
	words_text(w, utf8);
}

/* Text of a leaf, at most ${room} octets of it; folded to one case. */
static void leaf_text(const struct mime *m, const struct mime_part *p, size_t room, struct buf *out)
{
	struct mime_part head = *p;
	struct buf raw = BUF_INIT(8 * (size_t)L_TOKEN_TEXT);

	if (head.body_size > 2 * room)
		head.body_size = (unsigned)(2 * room);
	(void)text_of_part(m, &head, &raw);
	if (raw.n > room)
		buf_cut(&raw, room);
	(void)buf_add_slice(out, buf_slice(&raw));
	buf_free(&raw);
}

/* Words that shout: known as such before case is folded. */
static void read_capitals(struct words *w, struct slice s)
{
	size_t from = 0, large = 0;

	for (size_t at = 0; at <= s.n; at++) {
		if (at < s.n && ascii_alnum(s.p[at])) {
			large += s.p[at] >= 'A' && s.p[at] <= 'Z';
			continue;
		}
		if (large > 2 && large == at - from)
			words_alone(w, SLICE("caps:"), slice_head(slice_from(s, from), at - from));
		from = at + 1;
		large = 0;
	}
}

static size_t read_text(
    struct words *w, const struct mime *m, const struct mime_part *p, size_t room)
{
	static const struct html_events events = {
		.on_text = on_text, .on_link = on_link, .on_image = on_image, .on_tag = on_tag
	};
	struct buf text = BUF_INIT((size_t)L_TOKEN_TEXT), seen = BUF_INIT(2 * (size_t)L_TOKEN_TEXT),
		   plain = BUF_INIT(2 * (size_t)L_TOKEN_TEXT),
		   folded = BUF_INIT(4 * (size_t)L_TOKEN_TEXT);
	size_t used;

	leaf_text(m, p, room, &text);
	used = text.n;
	if (mime_is(p, "text", "html")) {
		(void)html_text(buf_slice(&text), &seen);
		html_read(buf_slice(&text), &events, w);
		words_alone(w, SLICE("html:"),
		    seen.n * 4 < text.n ? SLICE("mostly marks") : SLICE("mostly text"));
	} else {
		(void)buf_add_slice(&seen, buf_slice(&text));
	}
	words_plain(w, buf_slice(&seen), &plain);
	read_capitals(w, buf_slice(&plain));
	words_section(w, SLICE(""));
	if (fold_text(buf_slice(&plain), &folded) == 0)
		words_text(w, buf_slice(&folded));
	else
		words_text(w, buf_slice(&plain));
	buf_free(&text);
	buf_free(&seen);
	buf_free(&plain);
	buf_free(&folded);
	return (used);
}

static const struct slice encodings[] = {
	[MIME_7BIT] = SLICE_INIT("7bit"),
	[MIME_8BIT] = SLICE_INIT("8bit"),
	[MIME_BINARY] = SLICE_INIT("binary"),
	[MIME_BASE64] = SLICE_INIT("base64"),
	[MIME_QP] = SLICE_INIT("qp"),
	[MIME_UNKNOWN] = SLICE_INIT("unknown"),
};

static void read_part(struct words *w, struct arena *a, const struct mime_part *p)
{
	struct slice name = mime_filename(a, p), charset = mime_param(&p->type, SLICE("charset"));
	struct slice boundary = mime_param(&p->type, SLICE("boundary"));

	words_section(w, SLICE("part:"));
	words_token(w, p->type.type);
	words_token(w, p->type.subtype);
	words_token(w, encodings[p->encoding]);
	if (charset.n > 0)
		words_token(w, charset);
	if (p->disposition.present)
		words_token(w, p->disposition.type);
	if (boundary.n > 0)
		words_shape(w, SLICE("boundary:"), boundary);
	if (name.n > 0) {
		size_t dot = slice_rchr(name, '.');

		words_section(w, SLICE("file:"));
		words_text(w, name);
		if (dot != SIZE_MAX)
			words_alone(w, SLICE("ext:"), slice_from(name, dot + 1));
	}
}

static int cmp_feature(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x < y ? -1 : x > y);
}

void words_of(const unsigned char key[16], const char *hostname, const struct mime *m,
    struct words_trace *trace, struct features *ret)
{
	struct words w = { .set = NEW(struct words_set), .trace = trace };
	struct arena *a = arena_new(0);
	size_t room = L_TOKEN_TEXT;

	memcpy(w.key, key, sizeof(w.key));
	words_header(&w, &m->parts[0].header, hostname);
	for (size_t i = 0; i < m->n; i++) {
		const struct mime_part *p = &m->parts[i];

		read_part(&w, a, p);
		if (p->kind == MIME_LEAF && !p->opaque && room > 0 && mime_is(p, "text", NULL))
			room -= read_text(&w, m, p, room);
		else if (p->kind == MIME_LEAF && p->body_size > 0)
			add_digest(&w, slice_head(mime_body(m, p), DIGEST_HEAD));
	}
	ret->v = mem_new_array(w.set->n + 1, sizeof(uint64_t));
	ret->n = 0;
	for (size_t i = 0; i < SET_SLOTS; i++)
		if (w.set->slots[i] != 0)
			ret->v[ret->n++] = w.set->slots[i];
	qsort(ret->v, ret->n, sizeof(uint64_t), cmp_feature);
	arena_free(a);
	free(w.set);
}

void features_free(struct features *f)
{
	if (f == NULL)
		return;
	free(f->v);
	f->v = NULL;
	f->n = 0;
}
