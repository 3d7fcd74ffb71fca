/* fold.c: which form of a text is compared? The one use of utf8proc.
 *
 * i;unicode-casemap: each character to its titlecase, then compatibility decomposition. The order
 * of combining marks is left as it stands (RFC 5051 2 decomposes; it does not sort). Linear. RFC
 * 5051. */
#include "msg/fold.h"

#include <utf8proc.h>

enum { DECOMPOSED_MAX = 64 }; /* the longest decomposition in Unicode has 18 characters */

static void add_folded(struct buf *out, utf8proc_int32_t c)
{
	utf8proc_int32_t parts[DECOMPOSED_MAX];
	int boundary = 0;
	utf8proc_ssize_t n = utf8proc_decompose_char(utf8proc_totitle(c), parts, DECOMPOSED_MAX,
	    UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT, &boundary);

	for (utf8proc_ssize_t i = 0; i < n && i < DECOMPOSED_MAX; i++) {
		utf8proc_uint8_t utf8[4];
		/* again, beyond RFC 5051, or the ligature of f and i be "fi", which "FI" is not */
		utf8proc_ssize_t size = utf8proc_encode_char(utf8proc_totitle(parts[i]), utf8);

		(void)buf_add(out, utf8, (size_t)size);
	}
}

int fold_text(struct slice utf8, struct buf *out)
{
	const utf8proc_uint8_t *p = (const utf8proc_uint8_t *)utf8.p;
	size_t at = 0;

	while (at < utf8.n && !out->failed) {
		utf8proc_int32_t c;
		utf8proc_ssize_t n;

		if (p[at] < 0x80) {
			(void)buf_addc(out, ascii_upper(utf8.p[at++]));
			continue;
		}
		n = utf8proc_iterate(
		    p + at, (utf8proc_ssize_t)(utf8.n - at < 4 ? utf8.n - at : 4), &c);
		if (n <= 0) {
			c = 0xfffd;
			n = 1;
		}
		add_folded(out, c);
		at += (size_t)n;
	}
	return (out->failed ? -1 : 0);
}

/* Accents stand beside a letter: their combining classes say where. Below are signs that a letter is
 * another without: of Indian scripts (7, 9), of kana (8); between, vowels of Thai and Tibetan. */
static bool is_accent(utf8proc_int32_t c)
{
	utf8proc_propval_t class = utf8proc_get_property(c)->combining_class;

	return ((class >= 10 && class <= 35) || class >= 200);
}

int fold_bare(struct slice folded, struct buf *out)
{
	const utf8proc_uint8_t *p = (const utf8proc_uint8_t *)folded.p;
	size_t at = 0, from = 0;

	while (at < folded.n) {
		utf8proc_int32_t c;
		utf8proc_ssize_t n;

		if (p[at] < 0xcc) { /* U+0300 is the first of them */
			at++;
			continue;
		}
		n = utf8proc_iterate(
		    p + at, (utf8proc_ssize_t)(folded.n - at < 4 ? folded.n - at : 4), &c);
		if (n > 0 && is_accent(c)) {
			(void)buf_add(out, p + from, at - from);
			from = at + (size_t)n;
		}
		at += n > 0 ? (size_t)n : 1;
	}
	if (at > from)
		(void)buf_add(out, p + from, at - from);
	return (out->failed ? -1 : 0);
}
