/* words_plain.c: what does a text say to a person's eyes? Signs that nobody sees are taken out of words they were put into, and letters of
 * another script that only look like Latin ones are read as Latin where a word mixes the two. Leaves case and composed signs to msg/fold.h,
 * cutting to words.c. Linear; invalid UTF-8 is kept as it is. */
#include "core/mem.h"
#include "spam/words.h"

/* Octets of the invisible sign at s: joiners, direction marks, soft hyphens; 0: it is none. */
static size_t invisible_at(struct slice s)
{
	unsigned char a = (unsigned char)s.p[0], b = s.n > 1 ? (unsigned char)s.p[1] : 0,
		      c = s.n > 2 ? (unsigned char)s.p[2] : 0;

	if ((a == 0xc2 && b == 0xad) || (a == 0xcd && b == 0x8f) || (a == 0xd8 && b == 0x9c))
		return (2);
	if (a == 0xe2 && b == 0x80 && ((c >= 0x8b && c <= 0x8f) || (c >= 0xaa && c <= 0xae)))
		return (3);
	if ((a == 0xe2 && b == 0x81 && c >= 0xa0 && c <= 0xaf) ||
	    (a == 0xe1 && b == 0xa0 && c == 0x8e) || (a == 0xef && b == 0xbb && c == 0xbf))
		return (3);
	return (0);
}

/* The Latin letter that this sign of two octets looks like; 0: none. */
static char latin_of(unsigned char a, unsigned char b)
{
	static const struct {
		unsigned sign;
		char latin;
	} alike[] = {
		{ 0xce91, 'a' },
		{ 0xce92, 'b' },
		{ 0xce95, 'e' },
		{ 0xce96, 'z' }, /* Greek */
		{ 0xce97, 'h' },
		{ 0xce99, 'i' },
		{ 0xce9a, 'k' },
		{ 0xce9c, 'm' },
		{ 0xce9d, 'n' },
		{ 0xce9f, 'o' },
		{ 0xcea1, 'p' },
		{ 0xcea4, 't' },
		{ 0xcea5, 'y' },
		{ 0xcea7, 'x' },
		{ 0xceb1, 'a' },
		{ 0xceb9, 'i' },
		{ 0xceba, 'k' },
		{ 0xcebd, 'v' },
		{ 0xcebf, 'o' },
		{ 0xcf81, 'p' },
		{ 0xcf85, 'u' },
		{ 0xd085, 's' },
		{ 0xd086, 'i' },
		{ 0xd088, 'j' }, /* Cyrillic */
		{ 0xd090, 'a' },
		{ 0xd092, 'b' },
		{ 0xd095, 'e' },
		{ 0xd09a, 'k' },
		{ 0xd09c, 'm' },
		{ 0xd09d, 'h' },
		{ 0xd09e, 'o' },
		{ 0xd0a0, 'p' },
		{ 0xd0a1, 'c' },
		{ 0xd0a2, 't' },
		{ 0xd0a3, 'y' },
		{ 0xd0a5, 'x' },
		{ 0xd0b0, 'a' },
		{ 0xd0b5, 'e' },
		{ 0xd0ba, 'k' },
		{ 0xd0be, 'o' },
		{ 0xd180, 'p' },
		{ 0xd181, 'c' },
		{ 0xd183, 'y' },
		{ 0xd185, 'x' },
		{ 0xd195, 's' },
		{ 0xd196, 'i' },
		{ 0xd198, 'j' },
		{ 0xd2bb, 'h' },
	};
	unsigned sign = (unsigned)a << 8 | b;

	for (size_t i = 0; i < COUNT_OF(alike); i++)
		if (alike[i].sign == sign)
			return (alike[i].latin);
	return (0);
}

static bool is_letter(char c)
{
	return (ascii_alnum(c) && !ascii_digit(c));
}

/* A word that mixes Latin letters with look-alikes is written in Latin alone. */
static bool add_word(struct buf *out, struct slice word)
{
	bool latin = false, other = false;

	for (size_t i = 0; i < word.n; i++) {
		unsigned char c = (unsigned char)word.p[i];

		latin |= is_letter(word.p[i]);
		other |= c >= 0xce && c <= 0xd2;
	}
	if (!latin || !other) {
		(void)buf_add_slice(out, word);
		return (false);
	}
	for (size_t i = 0; i < word.n; i++) {
		char as = i + 1 < word.n
		    ? latin_of((unsigned char)word.p[i], (unsigned char)word.p[i + 1])
		    : 0;

		(void)buf_add_slice(out, (struct slice){ as != 0 ? &as : word.p + i, 1 });
		i += as != 0;
	}
	return (true);
}

void words_plain(struct words *w, struct slice utf8, struct buf *out)
{
	struct buf seen = BUF_INIT(utf8.n + 1);
	bool hidden = false, disguised = false;
	struct slice s;
	size_t from = 0, n;

	for (size_t at = 0; at < utf8.n; at += n) {
		if ((n = invisible_at(slice_from(utf8, at))) > 0) {
			hidden = true;
			continue;
		}
		n = 1;
		while (at + n < utf8.n && (utf8.p[at + n] & 0x80) == 0)
			n++; /* plain ASCII in one go */
		(void)buf_add_slice(&seen, slice_head(slice_from(utf8, at), n));
	}
	s = buf_slice(&seen);
	for (size_t at = 0; at <= s.n; at++) {
		if (at < s.n && (ascii_alnum(s.p[at]) || (s.p[at] & 0x80) != 0))
			continue;
		disguised |= add_word(out, slice_head(slice_from(s, from), at - from));
		if (at < s.n)
			(void)buf_add_slice(out, slice_head(slice_from(s, at), 1));
		from = at + 1;
	}
	if (hidden)
		words_alone(w, SLICE("text:"), SLICE("invisible signs"));
	if (disguised)
		words_alone(w, SLICE("text:"), SLICE("letters in disguise"));
	buf_free(&seen);
}
