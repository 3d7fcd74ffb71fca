/* charset.c: how do octets in some charset become UTF-8?
 *
 * UTF-8 and UTF-16 are read here; all else through iconv, by the names of charset_labels.c only. A
 * descriptor is opened once a thread and charset and reset between texts; iconv_open needs files,
 * so charset_setup opens all before the sandbox closes and keeps them: later opens, by any thread,
 * find their module loaded. Nothing fails for what a text holds: one bad octet is U+FFFD (MIM-07).
 * The one use of iconv. */
#include "msg/charset.h"

#include <errno.h>
#include <iconv.h>
#include <pthread.h>
#include <stdlib.h>

#include "msg/charset_int.h"

struct descriptors { /* of one thread; freed with it */
	iconv_t cd[CHARSET_COUNT];
	bool opened[CHARSET_COUNT];
};

static const struct slice replacement = SLICE_INIT("\xef\xbf\xbd");
static pthread_key_t
    descriptors_key; /* where each thread keeps its own: set up once, then constant */
static pthread_once_t descriptors_once = PTHREAD_ONCE_INIT;

static void descriptors_free(void *self)
{
	struct descriptors *d = self;

	for (size_t i = 0; i < CHARSET_COUNT; i++)
		if (d->opened[i] && d->cd[i] != (iconv_t)-1)
			(void)iconv_close(d->cd[i]);
	free(d);
}

static void free_own_descriptors(void) /* a main thread that ends runs no key's destructor */
{
	struct descriptors *d = pthread_getspecific(descriptors_key);

	if (d == NULL)
		return;
	(void)pthread_setspecific(descriptors_key, NULL);
	descriptors_free(d);
}

static void descriptors_setup(void)
{
	if (pthread_key_create(&descriptors_key, descriptors_free) != 0)
		abort();
	(void)atexit(free_own_descriptors);
}

static iconv_t descriptor(enum charset charset) /* (iconv_t)-1: this system lacks it */
{
	struct descriptors *d;

	(void)pthread_once(&descriptors_once, descriptors_setup);
	d = pthread_getspecific(descriptors_key);
	if (d == NULL) {
		d = calloc(1, sizeof(*d));
		if (d == NULL || pthread_setspecific(descriptors_key, d) != 0) {
			free(d);
			return ((iconv_t)-1);
		}
	}
	if (!d->opened[charset]) {
		d->cd[charset] = iconv_open("UTF-8", charset_iconv_names[charset]);
		d->opened[charset] = true;
	}
	return (d->cd[charset]);
}

void charset_setup(void)
{
	for (size_t i = 0; i < CHARSET_COUNT; i++)
		if (charset_iconv_names[i] != NULL)
			(void)descriptor((enum charset)i);
}

bool charset_known(struct slice label)
{
	enum charset charset;

	return (charset_find(label, &charset));
}

/* Octets of the well-formed character at s, 0 when there is none. RFC 3629 4. */
static size_t utf8_take(struct slice s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	size_t n;

	if (p[0] < 0x80)
		return (1);
	n = p[0] >= 0xc2 && p[0] <= 0xdf   ? 2
	    : (p[0] & 0xf0) == 0xe0        ? 3
	    : p[0] >= 0xf0 && p[0] <= 0xf4 ? 4
					   : 0;
	if (n == 0 || s.n < n)
		return (0);
	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return (0);
	if ((p[0] == 0xe0 && p[1] < 0xa0) ||
	    (p[0] == 0xed && p[1] > 0x9f) || /* overlong; surrogate */
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return (0);
	return (n);
}

bool charset_is_utf8(struct slice in)
{
	while (in.n > 0) {
		size_t n = utf8_take(in);

		if (n == 0)
			return (false);
		in = slice_from(in, n);
	}
	return (true);
}

static void from_utf8(struct slice in, struct buf *out)
{
	size_t good = 0;

	while (good < in.n) {
		size_t n = in.p[good] != '\0' ? utf8_take(slice_from(in, good)) : 0;

		if (n > 0) {
			good += n;
			continue;
		}
		(void)buf_add(out, in.p, good);
		(void)buf_add_slice(out, replacement);
		in = slice_from(in, good + 1);
		good = 0;
	}
	(void)buf_add_slice(out, in);
}

static void add_code_point(struct buf *out, unsigned c)
{
	char utf8[4];
	size_t n = 0;

	if (c == 0 || (c >= 0xd800 && c <= 0xdfff) || c > 0x10ffff) {
		(void)buf_add_slice(out, replacement);
		return;
	}
	if (c < 0x80) {
		utf8[n++] = (char)c;
	} else if (c < 0x800) {
		utf8[n++] = (char)(0xc0 | c >> 6);
	} else if (c < 0x10000) {
		utf8[n++] = (char)(0xe0 | c >> 12);
		utf8[n++] = (char)(0x80 | (c >> 6 & 63));
	} else {
		utf8[n++] = (char)(0xf0 | c >> 18);
		utf8[n++] = (char)(0x80 | (c >> 12 & 63));
		utf8[n++] = (char)(0x80 | (c >> 6 & 63));
	}
	if (c >= 0x80)
		utf8[n++] = (char)(0x80 | (c & 63));
	(void)buf_add(out, utf8, n);
}

static unsigned unit_at(struct slice s, bool big)
{
	unsigned first = (unsigned char)s.p[0], second = (unsigned char)s.p[1];

	return (big ? first << 8 | second : second << 8 | first);
}

/* A byte order mark decides; without one the label, "utf-16" meaning little-endian as in browsers.
 */
static void from_utf16(struct slice in, bool big, struct buf *out)
{
	if (in.n >= 2 && (unit_at(in, true) == 0xfeff || unit_at(in, false) == 0xfeff)) {
		big = unit_at(in, true) == 0xfeff;
		in = slice_from(in, 2);
	}
	while (in.n >= 2) {
		unsigned c = unit_at(in, big), low;

		in = slice_from(in, 2);
		if (c >= 0xd800 && c < 0xdc00 && in.n >= 2 && (low = unit_at(in, big)) >= 0xdc00 &&
		    low < 0xe000) {
			c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
			in = slice_from(in, 2);
		}
		add_code_point(out, c);
	}
	if (in.n > 0)
		(void)buf_add_slice(out, replacement);
}

static void from_iconv(iconv_t cd, struct slice in, struct buf *out)
{
	char chunk[4096];
	char *p = (char *)(uintptr_t)in.p; /* iconv does not write there */
	size_t left = in.n;

	(void)iconv(cd, NULL, NULL, NULL, NULL);
	while (left > 0 && !out->failed) {
		char *to = chunk;
		size_t room = sizeof(chunk), before = left, rc = iconv(cd, &p, &left, &to, &room);

		for (struct slice s = slice_between(chunk, to); s.n > 0;) { /* NUL never passes */
			size_t nul = slice_chr(s, '\0'), n = nul == SIZE_MAX ? s.n : nul;

			(void)buf_add(out, s.p, n);
			if (nul != SIZE_MAX)
				(void)buf_add_slice(out, replacement);
			s = slice_from(s, nul == SIZE_MAX ? s.n : nul + 1);
		}
		if (rc == (size_t)-1 && errno == E2BIG && (left < before || to > chunk))
			continue;
		if (left > 0) { /* EILSEQ, EINVAL at the end, or no progress at all */
			(void)buf_add_slice(out, replacement);
			p++;
			left--;
		}
	}
	/* what a stateful or composing decoder still holds */
	if (!out->failed) {
		char *to = chunk;
		size_t room = sizeof(chunk);

		(void)iconv(cd, NULL, NULL, &to, &room);
		(void)buf_add_slice(out, slice_between(chunk, to));
	}
}

int charset_to_utf8(struct slice label, struct slice in, struct buf *out)
{
	enum charset charset;
	iconv_t cd;

	if (!charset_find(label, &charset))
		charset = CHARSET_GUESS;
	if (charset == CHARSET_GUESS)
		charset = charset_is_utf8(in) ? CHARSET_UTF8 : CHARSET_WINDOWS_1252;
	if (charset == CHARSET_UTF16LE || charset == CHARSET_UTF16BE) {
		from_utf16(in, charset == CHARSET_UTF16BE, out);
	} else if (charset == CHARSET_UTF8 || (cd = descriptor(charset)) == (iconv_t)-1) {
		from_utf8(in, out);
	} else {
		from_iconv(cd, in, out);
	}
	return (out->failed ? -1 : 0);
}
