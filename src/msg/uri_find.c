/* uri_find.c: which hosts are named by the texts of a message? Links, sources and forms of HTML, what people
 * see, and addresses wrapped in the query of another. Linear; what a peer can make us keep is bounded by
 * L_URI_FOUND. Leaves reading one URI to uri.c. Failures: none, what cannot be read names nobody. */
#include "core/limits.h"
#include "core/mem.h"
#include "msg/html.h"
#include "msg/text.h"
#include "msg/uri.h"

enum { HALF = L_URI_FOUND / 2 };

struct finder {
	struct arena *arena;   /* of what is kept */
	struct arena *scratch; /* of what is only looked at */
	struct uri_hosts *to;
};

/* --- keeping --- */

static struct uri_host *find(const struct uri_hosts *to, struct slice name)
{
	for (size_t i = 0; i < to->n; i++)
		if (slice_eq(to->v[i].name, name))
			return (&to->v[i]);
	return (NULL);
}

/* Of more than there is room for the first half stays, and the last of them in turn: who writes many good
 * links must not hide a bad one before or behind them. */
static void keep(struct finder *f, const struct uri_host *h)
{
	struct uri_hosts *to = f->to;
	struct uri_host *known = find(to, h->name), kept = *h;

	if (known != NULL) {
		known->bare = known->bare && h->bare;
		return;
	}
	if (to->v == NULL)
		to->v = arena_array(f->arena, L_URI_FOUND, sizeof(*to->v));
	kept.name = arena_dup(f->arena, h->name);
	if (to->n < L_URI_FOUND) {
		to->v[to->n++] = kept;
		to->next = to->n;
		return;
	}
	if (to->next == L_URI_FOUND)
		to->next = HALF;
	to->v[to->next++] = kept;
}

const struct uri_host *uri_hosts_at(const struct uri_hosts *hosts, size_t i)
{
	if (hosts->n == L_URI_FOUND && i >= HALF)
		i = HALF + (i + hosts->next - 2 * HALF) % HALF;
	return (&hosts->v[i]);
}

static void keep_uri(struct finder *f, struct slice uri)
{
	struct uri_host h;

	if (uri_host(f->scratch, uri, &h))
		keep(f, &h);
}

/* --- one URI and those inside it --- */

static bool is_scheme_char(char c)
{
	return (ascii_alnum(c) || c == '+' || c == '-');
}

/* Each "scheme://" of s, percent signs already resolved: "https://a.example/go?to=http://b.example/". The
 * slashes of the next one end the host of this one, so each octet is looked at by two at most. */
static void find_schemes(struct finder *f, struct slice s)
{
	size_t at = 0, found = slice_find(s, SLICE("://"));

	while (found != SIZE_MAX) {
		size_t sign = at + found, start = sign;

		while (start > at && is_scheme_char(s.p[start - 1]))
			start--;
		/* "seehttp://": whatever letters stand before it belong to the text. */
		for (; start < sign; start++)
			if (slice_istarts(slice_from(s, start), SLICE("http:")) ||
			    slice_istarts(slice_from(s, start), SLICE("https:")) ||
			    slice_istarts(slice_from(s, start), SLICE("ftp:")))
				break;
		at = sign + 3;
		found = slice_find(slice_from(s, at), SLICE("://"));
		if (start < sign)
			keep_uri(f,
			    slice_head(slice_from(s, start),
				(found == SIZE_MAX ? s.n : at + found + 3) - start));
	}
}

static void on_url(void *self, struct slice url)
{
	struct finder *f = self;

	url = slice_head(url, L_URI);
	keep_uri(f, url);
	if (slice_find(slice_from(url, 1), SLICE("://")) != SIZE_MAX ||
	    slice_ifind(url, SLICE("%3a")) != SIZE_MAX ||
	    slice_ifind(url, SLICE("%2f")) != SIZE_MAX)
		find_schemes(f, uri_unescape(f->scratch, url));
}

/* --- text --- */

static bool ends_word(char c)
{
	return ((unsigned char)c <= ' ' || c == 127 || strchr("<>\"'`(){}|^,;", c) != NULL);
}

static bool is_host_octet(char c)
{
	return (ascii_alnum(c) || c == '-' || c == '.' || c == '_' || (unsigned char)c >= 0x80);
}

/* The last label of a name may not begin with a digit or be one letter: versions, sums, initials. */
static bool may_be_name(struct slice s)
{
	size_t dot = slice_rchr(s, '.');
	struct slice last = slice_from(s, dot + 1);

	return (dot != SIZE_MAX && dot > 0 && last.n > 1 && !ascii_digit(last.p[0]));
}

/* "shop.example/buy", "www.shop.example": no scheme, not the right side of an address. */
static void find_bare(struct finder *f, struct slice word)
{
	struct uri_host h = { .bare = true };
	struct slice host;
	size_t from = 0, n;

	while (from < word.n && (!is_host_octet(word.p[from]) || word.p[from] == '.'))
		from++;
	word = slice_from(word, from);
	for (n = 0; n < word.n && is_host_octet(word.p[n]); n++)
		;
	host = slice_head(word, n);
	if (n < word.n && word.p[n] == '@')
		return;
	while (host.n > 0 && host.p[host.n - 1] == '.')
		host.n--;
	if (host.n > L_DOMAIN || !may_be_name(host))
		return;
	if (uri_host(
		f->scratch, slice_of(arena_fmt(f->scratch, "//" SLICE_FMT, SLICE_ARG(host))), &h)) {
		h.bare = true;
		keep(f, &h);
	}
}

/* A word of another script may follow a link without a blank: what comes before it is a link too. */
static void find_ascii_head(struct finder *f, struct slice word)
{
	size_t n = 0;

	while (n < word.n && (unsigned char)word.p[n] < 0x80)
		n++;
	if (n < word.n)
		find_schemes(f, slice_head(word, n));
}

static void find_in_word(struct finder *f, struct slice word)
{
	word = slice_head(word, L_URI);
	if (slice_find(word, SLICE("://")) != SIZE_MAX) {
		find_schemes(f, uri_unescape(f->scratch, word));
		find_ascii_head(f, word);
	} else if (slice_chr(word, '.') != SIZE_MAX && slice_chr(word, '@') == SIZE_MAX) {
		find_bare(f, word);
	}
}

void uri_find_text(struct arena *a, struct slice utf8, struct uri_hosts *ret)
{
	struct finder f = { a, arena_new(0), ret };
	size_t at = 0;

	while (at < utf8.n) {
		size_t n = 0;

		while (at + n < utf8.n && !ends_word(utf8.p[at + n]))
			n++;
		if (n > 3)
			find_in_word(&f, slice_head(slice_from(utf8, at), n));
		at += n + 1;
	}
	arena_free(f.scratch);
}

void uri_find_html(struct arena *a, struct slice utf8, struct uri_hosts *ret)
{
	static const struct html_events events = { .on_url = on_url };
	struct buf seen = BUF_INIT(utf8.n * 4 + 16);
	struct finder f = { a, arena_new(0), ret };

	html_read(utf8, &events, &f);
	arena_free(f.scratch);
	(void)html_text(utf8, &seen);
	uri_find_text(a, buf_slice(&seen), ret);
	buf_free(&seen);
}

/* --- a message --- */

void uri_find(struct arena *a, const struct mime *m, struct uri_hosts *ret)
{
	unsigned looked = 0;

	for (size_t i = 0; i < m->n && looked < L_URI_PARTS; i++) {
		struct mime_part part = m->parts[i];
		struct buf text = BUF_INIT(8 * (size_t)L_URI_TEXT);
		bool html = mime_is(&part, "text", "html");

		if (part.kind != MIME_LEAF || !mime_is(&part, "text", NULL) ||
		    slice_ieq(part.disposition.type, SLICE("attachment")))
			continue;
		looked++;
		if (part.body_size > L_URI_TEXT)
			part.body_size = L_URI_TEXT;
		(void)text_of_part(m, &part, &text);
		if (html)
			uri_find_html(a, buf_slice(&text), ret);
		else
			uri_find_text(a, buf_slice(&text), ret);
		buf_free(&text);
	}
}
