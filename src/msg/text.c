/* text.c: which octets does a transfer-encoded body stand for, and the other way round?
 *
 * Decoding never gives up: what is no base64 is skipped, a broken "=" of quoted-printable stands
 * for itself (MIM-06). After padding base64 goes on: mail readers do so too, and a filter must not
 * see less than they. Charsets are charset.c's, encoded words words.c's. RFC 2045 6.7, 6.8. */
#include "msg/text_int.h"

#include "msg/charset.h"

static int base64_value(unsigned char c)
{
	if (c >= 'A' && c <= 'Z')
		return (c - 'A');
	if (c >= 'a' && c <= 'z')
		return (c - 'a' + 26);
	if (c >= '0' && c <= '9')
		return (c - '0' + 52);
	return (c == '+' ? 62 : c == '/' ? 63 : -1);
}

static bool decode_base64(struct slice in, struct buf *out)
{
	char *at = buf_room(out, in.n / 4 * 3 + 3), *start = at;
	unsigned bits = 0, have = 0;
	bool clean = true;

	if (at == NULL)
		return (false);
	for (size_t i = 0; i < in.n; i++) {
		int v = base64_value((unsigned char)in.p[i]);

		if (v >= 0) {
			bits = (bits << 6 | (unsigned)v) & 0xffffff;
			if (++have == 4) {
				*at++ = (char)(bits >> 16 & 255);
				*at++ = (char)(bits >> 8 & 255);
				*at++ = (char)(bits & 255);
				have = 0;
			}
			continue;
		}
		if (in.p[i] == '\r' || in.p[i] == '\n' || in.p[i] == ' ' || in.p[i] == '\t')
			continue;
		if (in.p[i] != '=') {
			clean = false;
			continue;
		}
		if (have >= 2)
			*at++ = (char)(have == 3 ? bits >> 10 & 255 : bits >> 4 & 255);
		if (have == 3)
			*at++ = (char)(bits >> 2 & 255);
		clean &= have != 1;
		have = 0; /* further "=" find nothing to end */
	}
	if (have >= 2) /* no padding at the end */
		*at++ = (char)(have == 3 ? bits >> 10 & 255 : bits >> 4 & 255);
	if (have == 3)
		*at++ = (char)(bits >> 2 & 255);
	buf_grew(out, (size_t)(at - start));
	return (clean && have == 0);
}

/* One line without its line end, blanks at its end already gone. True: its line end is soft. */
static bool decode_qp_line(struct slice line, char **at, bool *clean)
{
	for (size_t i = 0; i < line.n; i++) {
		int high, low;

		if (line.p[i] != '=') {
			*(*at)++ = line.p[i];
			continue;
		}
		if (i + 1 == line.n)
			return (true);
		high = i + 2 < line.n ? text_hex(line.p[i + 1]) : -1;
		low = high >= 0 ? text_hex(line.p[i + 2]) : -1;
		if (low < 0) { /* RFC 2045 6.7: left as it is */
			*clean = false;
			*(*at)++ = '=';
			continue;
		}
		*(*at)++ = (char)(high * 16 + low);
		i += 2;
	}
	return (false);
}

static bool decode_qp(struct slice in, struct buf *out)
{
	char *at = buf_room(out, in.n), *start = at;
	bool clean = true;

	if (at == NULL)
		return (false);
	while (in.n > 0) {
		size_t lf = slice_chr(in, '\n'), raw = lf == SIZE_MAX ? in.n : lf + 1, end = raw;
		struct slice line_end;

		if (lf != SIZE_MAX) {
			end--;
			if (end > 0 && in.p[end - 1] == '\r')
				end--;
		}
		line_end = slice_head(slice_from(in, end), raw - end);
		while (end > 0 &&
		    (in.p[end - 1] == ' ' || in.p[end - 1] == '\t')) /* RFC 2045 6.7 (3) */
			end--;
		if (!decode_qp_line(slice_head(in, end), &at, &clean))
			for (size_t i = 0; i < line_end.n; i++)
				*at++ = line_end.p[i];
		in = slice_from(in, raw);
	}
	buf_grew(out, (size_t)(at - start));
	return (clean);
}

bool text_decode(enum mime_encoding encoding, struct slice in, struct buf *out)
{
	switch (encoding) {
	case MIME_BASE64: return (decode_base64(in, out));
	case MIME_QP: return (decode_qp(in, out));
	case MIME_7BIT:
	case MIME_8BIT:
	case MIME_BINARY:
	case MIME_UNKNOWN: /* RFC 2045 6.4: opaque; its octets are all there is */ break;
	}
	return (buf_add_slice(out, in) == 0 && encoding != MIME_UNKNOWN);
}

int text_encode_base64(struct slice in, struct buf *out)
{
	static const char letters[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t column = 0;

	for (size_t i = 0; i < in.n; i += 3) {
		size_t n = in.n - i < 3 ? in.n - i : 3;
		unsigned bits = (unsigned)(unsigned char)in.p[i] << 16;
		char four[4];

		if (n > 1)
			bits |= (unsigned)(unsigned char)in.p[i + 1] << 8;
		if (n > 2)
			bits |= (unsigned char)in.p[i + 2];
		four[0] = letters[bits >> 18];
		four[1] = letters[bits >> 12 & 63];
		four[2] = n > 1 ? letters[bits >> 6 & 63] : '=';
		four[3] = n > 2 ? letters[bits & 63] : '=';
		(void)buf_add(out, four, 4);
		if ((column += 4) == 76) {
			(void)buf_addz(out, "\r\n");
			column = 0;
		}
	}
	if (column > 0)
		(void)buf_addz(out, "\r\n");
	return (out->failed ? -1 : 0);
}

/* Line ends of the text (CRLF or LF) stay line ends; everything else that needs it is written as
 * "=XX". */
int text_encode_qp(struct slice in, struct buf *out)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t column = 0;

	for (size_t i = 0; i < in.n; i++) {
		unsigned char c = (unsigned char)in.p[i];
		bool at_end, plain;
		size_t width;

		if (c == '\n' || (c == '\r' && i + 1 < in.n && in.p[i + 1] == '\n')) {
			i += c == '\r' ? 1 : 0;
			(void)buf_addz(out, "\r\n");
			column = 0;
			continue;
		}
		at_end = i + 1 == in.n || in.p[i + 1] == '\n' || in.p[i + 1] == '\r';
		plain = (c > 32 && c < 127 && c != '=') || ((c == ' ' || c == '\t') && !at_end);
		/* "From " and a lone "." are changed by some transports (RFC 2049 3) */
		if (column == 0 &&
		    (c == '.' || (c == 'F' && slice_starts(slice_from(in, i), SLICE("From ")))))
			plain = false;
		width = plain ? 1 : 3;
		if (column + width > 75) {
			(void)buf_addz(out, "=\r\n");
			column = 0;
		}
		if (plain) {
			(void)buf_addc(out, (char)c);
		} else {
			char three[3] = { '=', digits[c / 16], digits[c % 16] };

			(void)buf_add(out, three, 3);
		}
		column += width;
	}
	return (out->failed ? -1 : 0);
}

int text_of_part(const struct mime *m, const struct mime_part *p, struct buf *out)
{
	struct buf octets = BUF_INIT(out->max);
	int rc;

	(void)text_decode(p->encoding, mime_body(m, p), &octets);
	rc = charset_to_utf8(mime_param(&p->type, SLICE("charset")), buf_slice(&octets), out);
	buf_free(&octets);
	return (rc);
}
