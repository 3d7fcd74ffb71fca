/* words.c: what does header text say to people, and how is text written into a header?
 *
 * Encoded words are taken generously: inside other words, with blanks in them, split in the middle
 * of a character or of a base64 quantum (adjoining words of one charset and encoding are joined
 * before decoding). What is no encoded word stays as it is; raw 8-bit text is UTF-8 or else
 * windows-1252. RFC 2047, RFC 2231 5. */
#include "core/limits.h"
#include "msg/charset.h"
#include "msg/text_int.h"

struct encoded_word {
	struct slice charset, text;
	bool is_base64;
	size_t size; /* octets from "=?" to "?=" */
};

static bool is_charset_octet(char c)
{
	return ((unsigned char)c > 32 && (unsigned char)c < 127 &&
	    memchr("()<>@,;:\"/[]?=", c, 14) == NULL);
}

/* =?charset?encoding?text?= at the beginning of s. *ret_endless: no "?=" follows at all, nor will
 * it later. */
static bool encoded_word_at(struct slice s, struct encoded_word *ret, bool *ret_endless)
{
	size_t i = 2, text, star;

	while (i < s.n && is_charset_octet(s.p[i]))
		i++;
	if (i == 2 || i + 3 >= s.n || s.p[i] != '?' || s.p[i + 2] != '?')
		return (false);
	ret->charset = slice_head(slice_from(s, 2), i - 2);
	if ((star = slice_chr(ret->charset, '*')) != SIZE_MAX) /* RFC 2231 5: a language */
		ret->charset = slice_head(ret->charset, star);
	ret->is_base64 = ascii_lower(s.p[i + 1]) == 'b';
	if (!ret->is_base64 && ascii_lower(s.p[i + 1]) != 'q')
		return (false);
	text = i + 3;
	for (i = text; i + 1 < s.n && s.p[i] != '\r' && s.p[i] != '\n'; i++) {
		if (s.p[i] != '?')
			continue;
		if (s.p[i + 1] != '=') {
			if (ret->is_base64)
				return (false);
			continue; /* a bare "?" in Q text: not allowed, but seen */
		}
		/* "=?x?q??=41?=": the text begins with "=", this is not its end */
		if (i == text && !ret->is_base64 && i + 3 < s.n && s.p[i + 2] != ' ' &&
		    s.p[i + 2] != '\t' && s.p[i + 2] != '\r' && s.p[i + 2] != '=')
			continue;
		ret->text = slice_between(s.p + text, s.p + i);
		ret->size = i + 2;
		return (true);
	}
	*ret_endless = true;
	return (false);
}

static void add_q(struct buf *out, struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i] == '_' ? ' ' : s.p[i]; /* RFC 2047 4.2 (2) */

		if (c == '=' && i + 2 < s.n && text_hex(s.p[i + 1]) >= 0 &&
		    text_hex(s.p[i + 2]) >= 0) {
			c = (char)(text_hex(s.p[i + 1]) * 16 + text_hex(s.p[i + 2]));
			i += 2;
		}
		(void)buf_addc(out, c);
	}
}

struct reader {
	struct buf *out;
	struct buf pending; /* encoded text of adjoining words */
	struct slice charset;
	bool is_base64, open;
};

static void pending_close(struct reader *r)
{
	struct buf octets = BUF_INIT(r->pending.n + 4);

	if (!r->open)
		return;
	if (r->is_base64)
		(void)text_decode(MIME_BASE64, buf_slice(&r->pending), &octets);
	else
		add_q(&octets, buf_slice(&r->pending));
	/* RFC 2047 gives no line ends to a header; an encoded one must not become one (IMP-23) */
	for (size_t i = 0; i < octets.n && !slice_istarts(r->charset, SLICE("utf-16")); i++)
		if (octets.p[i] == '\r' || octets.p[i] == '\n')
			octets.p[i] = ' ';
	(void)charset_to_utf8(r->charset, buf_slice(&octets), r->out);
	buf_free(&octets);
	buf_reset(&r->pending);
	r->open = false;
}

static void word_add(struct reader *r, const struct encoded_word *w)
{
	if (r->open && (r->is_base64 != w->is_base64 || !slice_ieq(r->charset, w->charset)))
		pending_close(r);
	r->open = true;
	r->is_base64 = w->is_base64;
	r->charset = w->charset;
	(void)buf_add_slice(&r->pending, w->text);
}

static void plain_add(struct reader *r, struct slice s)
{
	if (s.n == 0)
		return;
	pending_close(r);
	for (size_t i = 0; i < s.n; i++) {
		if ((s.p[i] & 0x80) != 0 || s.p[i] == '\0') {
			(void)charset_to_utf8(SLICE(""), s, r->out);
			return;
		}
	}
	(void)buf_add_slice(r->out, s);
}

static bool is_blank(struct slice s)
{
	return (slice_trim(s).n == 0);
}

/* Something needs more than trimming. */
static bool is_plain(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((s.p[i] & 0x80) != 0 || s.p[i] == '\0' ||
		    (s.p[i] == '=' && i + 1 < s.n && s.p[i + 1] == '?'))
			return (false);
	return (true);
}

struct slice text_words(struct arena *a, struct slice field_body)
{
	struct slice s = header_unfold(a, field_body), ret;
	struct buf out = BUF_INIT(L_HDR1 * 3);
	struct reader r = { .out = &out, .pending = BUF_INIT(L_HDR1) };
	size_t plain_from = 0, q = 0,
	       found; /* where unwritten plain text begins; where to search */
	bool endless = false;

	if (is_plain(s))
		return (s);
	s = slice_head(s, L_HDR1);
	while (!endless && (found = slice_find(slice_from(s, q), SLICE("=?"))) != SIZE_MAX) {
		struct slice before;
		struct encoded_word w;

		q += found;
		if (!encoded_word_at(slice_from(s, q), &w, &endless)) {
			q += 2;
			continue;
		}
		before = slice_head(slice_from(s, plain_from), q - plain_from);
		/* RFC 2047 6.2: blanks between two encoded words are not part of the text */
		if (!r.open || !is_blank(before))
			plain_add(&r, before);
		word_add(&r, &w);
		q += w.size;
		plain_from = q;
	}
	plain_add(&r, slice_from(s, plain_from));
	pending_close(&r);
	ret = arena_dup(a, buf_slice(&out));
	buf_free(&out);
	buf_free(&r.pending);
	return (ret);
}

/* Octets of the character at s (1 for what is no UTF-8). */
static size_t utf8_size(struct slice s)
{
	unsigned char c = (unsigned char)s.p[0];
	size_t n = c < 0xc0 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

	return (n <= s.n ? n : s.n);
}

static bool word_needs_encoding(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((s.p[i] & 0x80) != 0 || (unsigned char)s.p[i] < 32 || s.p[i] == 127)
			return (true);
	return (slice_find(s, SLICE("=?")) != SIZE_MAX || s.n > 900);
}

void text_encode_all(struct slice s, struct buf *out)
{
	while (s.n > 0) { /* RFC 2047 2: 75 octets a word at most, no character split */
		size_t n = 0, next;

		while (n < s.n && (next = utf8_size(slice_from(s, n))) + n <= 45)
			n += next;
		(void)buf_addz(out, "=?UTF-8?B?");
		{
			struct buf b = BUF_INIT(128);

			(void)text_encode_base64(slice_head(s, n), &b);
			(void)buf_add_slice(out, slice_trim(buf_slice(&b)));
			buf_free(&b);
		}
		(void)buf_addz(out, "?=");
		s = slice_from(s, n);
		if (s.n > 0)
			(void)buf_addc(out, ' ');
	}
}

int text_encode_words(struct slice utf8, struct buf *out)
{
	struct slice clean = utf8;
	struct buf fixed = BUF_INIT(utf8.n * 3 + 4);

	if (!charset_is_utf8(utf8) && charset_to_utf8(SLICE("utf-8"), utf8, &fixed) == 0)
		clean = buf_slice(&fixed);
	while (clean.n > 0) {
		size_t n = 0, end = 0;

		/* a stretch of words that all need it becomes one, so that its inner blanks survive
		 */
		while (n < clean.n) {
			size_t from = n;

			while (n < clean.n && clean.p[n] == ' ')
				n++;
			while (n < clean.n && clean.p[n] != ' ')
				n++;
			if (!word_needs_encoding(slice_head(slice_from(clean, from), n - from)))
				break;
			end = n;
		}
		if (end > 0) {
			size_t blank = 0;

			while (blank < end && clean.p[blank] == ' ' && out->n > 0)
				(void)buf_addc(out, clean.p[blank++]);
			text_encode_all(slice_head(slice_from(clean, blank), end - blank), out);
			clean = slice_from(clean, end);
		} else {
			(void)buf_add_slice(out, slice_head(clean, n));
			clean = slice_from(clean, n);
		}
	}
	buf_free(&fixed);
	return (out->failed ? -1 : 0);
}
