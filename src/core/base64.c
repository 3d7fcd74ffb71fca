/* base64.c: which octets does this text stand for, and the way back? RFC 4648 4 and 5. */
#include "core/base64.h"

static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static int encode(struct slice in, const char *alphabet, bool padded, struct buf *out)
{
	const unsigned char *p = (const unsigned char *)in.p;
	size_t full = in.n / 3, rest = in.n % 3, n;
	char *to;

	if (in.n == 0)
		return (out->failed ? -1 : 0);
	if (full > SIZE_MAX / 4 - 1)
		return (-1);
	n = full * 4 + (rest == 0 ? 0 : padded ? 4 : rest + 1);
	if ((to = buf_room(out, n)) == NULL)
		return (-1);
	for (; full > 0; full--, p += 3) {
		*to++ = alphabet[p[0] >> 2];
		*to++ = alphabet[(p[0] & 3) << 4 | p[1] >> 4];
		*to++ = alphabet[(p[1] & 15) << 2 | p[2] >> 6];
		*to++ = alphabet[p[2] & 63];
	}
	if (rest > 0) {
		unsigned second = rest == 2 ? p[1] : 0;

		*to++ = alphabet[p[0] >> 2];
		*to++ = alphabet[(p[0] & 3u) << 4 | second >> 4];
		if (rest == 2)
			*to++ = alphabet[(second & 15) << 2];
		for (size_t i = rest; padded && i < 3; i++)
			*to++ = '=';
	}
	buf_grew(out, n);
	return (0);
}

int base64_encode(struct slice in, struct buf *out)
{
	return (encode(in, plain, true, out));
}

int base64url_encode(struct slice in, struct buf *out)
{
	return (encode(in, url, false, out));
}

static int value_of(char c, const char *alphabet)
{
	if (c >= 'A' && c <= 'Z')
		return (c - 'A');
	if (c >= 'a' && c <= 'z')
		return (c - 'a' + 26);
	if (c >= '0' && c <= '9')
		return (c - '0' + 52);
	return (c == alphabet[62] ? 62 : c == alphabet[63] ? 63 : -1);
}

static int decode(struct slice in, const char *alphabet, struct buf *out)
{
	size_t rest = in.n % 4, n = in.n / 4 * 3 + (rest == 0 ? 0 : rest - 1);
	unsigned char *to;
	unsigned bits = 0;

	if (rest == 1) /* six bits are no octet */
		return (-1);
	if (in.n == 0)
		return (out->failed ? -1 : 0);
	/* All is checked before the buf is touched, so that it is left out as it was. */
	for (size_t i = 0; i < in.n; i++)
		if (value_of(in.p[i], alphabet) < 0)
			return (-1);
	/* RFC 4648 3.5: the bits that no octet uses are zero. */
	if (rest > 0 && (value_of(in.p[in.n - 1], alphabet) & (rest == 2 ? 15 : 3)) != 0)
		return (-1);
	if ((to = (unsigned char *)buf_room(out, n)) == NULL)
		return (-1);
	for (size_t i = 0; i < in.n; i++) {
		bits = bits << 6 | (unsigned)value_of(in.p[i], alphabet);
		if (i % 4 > 0)
			*to++ = (unsigned char)(bits >> (6 - i % 4 * 2));
	}
	buf_grew(out, n);
	return (0);
}

int base64_decode(struct slice in, struct buf *out)
{
	if (in.n % 4 != 0)
		return (-1);
	if (slice_ends(in, SLICE("==")))
		in.n -= 2;
	else if (slice_ends(in, SLICE("=")))
		in.n--;
	return (decode(in, plain, out));
}

int base64url_decode(struct slice in, struct buf *out)
{
	return (decode(in, url, out));
}
