/* The laws: what is encoded decodes to the same; decoding never grows; all text that comes out is
 * UTF-8 without NUL; a written header text reads back, and dates that were written read the same.
 */
#include <stdint.h>
#include <stdlib.h>

#include "msg/charset.h"
#include "msg/date.h"
#include "msg/fold.h"
#include "msg/html.h"
#include "msg/text.h"
#include "msg/write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void must_be_text(struct slice s)
{
	must(charset_is_utf8(s) && slice_chr(s, '\0') == SIZE_MAX);
}

static void transfer(struct slice in)
{
	struct buf coded = BUF_INIT(1u << 26), back = BUF_INIT(1u << 26);

	must(text_encode_base64(in, &coded) == 0 &&
	    text_decode(MIME_BASE64, buf_slice(&coded), &back));
	must(slice_eq(buf_slice(&back), in));
	buf_reset(&coded);
	buf_reset(&back);
	must(text_encode_qp(in, &coded) == 0 && text_decode(MIME_QP, buf_slice(&coded), &back));
	/* line ends became CRLF */
	for (size_t i = 0, k = 0; i < in.n; i++, k++) {
		if (in.p[i] == '\n' && (i == 0 || in.p[i - 1] != '\r'))
			must(back.p[k++] == '\r');
		must(k < back.n && back.p[k] == in.p[i]);
	}
	buf_reset(&back);
	(void)text_decode(MIME_BASE64, in, &back);
	must(back.n <= in.n);
	buf_reset(&back);
	(void)text_decode(MIME_QP, in, &back);
	must(back.n <= in.n);
	buf_free(&coded);
	buf_free(&back);
}

static void words(struct arena *a, struct slice in)
{
	struct slice text = text_words(a, in);
	struct buf out = BUF_INIT(1u << 26), field = BUF_INIT(1u << 26);

	must_be_text(text);
	must(text_encode_words(text, &out) == 0);
	for (size_t i = 0; i < out.n; i++)
		must((unsigned char)out.p[i] < 127 && (unsigned char)out.p[i] >= 32);
	must(write_field(&field, "Subject", buf_slice(&out)) == 0);
	if (text.n < 10000 && slice_chr(text, '\r') == SIZE_MAX &&
	    slice_chr(text, '\n') == SIZE_MAX && slice_chr(text, '\t') == SIZE_MAX)
		must(slice_eq(text_words(a, slice_from(buf_slice(&field), 8)), slice_trim(text)) ||
		    slice_find(text, SLICE("  ")) != SIZE_MAX);
	buf_free(&out);
	buf_free(&field);
}

static void charsets(struct slice in)
{
	static const char *const labels[] = { "utf-8", "us-ascii", "iso-8859-1", "koi8-r", "gb2312",
		"big5", "euc-jp", "iso-2022-jp", "shift_jis", "euc-kr", "utf-16", "utf-16be",
		"nonsense", "windows-1258" };

	for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++) {
		struct buf out = BUF_INIT(1u << 26), folded = BUF_INIT(1u << 26);

		must(charset_to_utf8(slice_of(labels[i]), in, &out) == 0);
		must_be_text(buf_slice(&out));
		must(out.n <= in.n * 8 + 16);
		must(fold_text(buf_slice(&out), &folded) == 0 &&
		    charset_is_utf8(buf_slice(&folded)));
		buf_free(&out);
		buf_free(&folded);
	}
}

static void dates(struct slice in)
{
	struct buf out = BUF_INIT(100);
	int64_t t, again;
	int zone;

	if (date_parse_imap(in, &t) && t >= -62135596800 + 86400 && t < 253402300800) {
		must(date_write_imap(&out, t) == 0 && date_parse_imap(buf_slice(&out), &again) &&
		    again == t);
		buf_reset(&out);
	}
	if (date_parse(in, &t, &zone)) {
		must(zone > -1440 && zone < 1440 && date_write(&out, t) == 0);
		if (t > -2208988800 + 86400 && t < 253402300800 - 86400) /* years that are read */
			must(date_parse(buf_slice(&out), &again, &zone) && again == t);
	}
	(void)date_parse_imap_day(in, &t);
	buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice in = { (const char *)data, n };
	struct arena *a = arena_new(0);

	transfer(in);
	words(a, in);
	charsets(in);
	dates(in);
	arena_free(a);
	return (0);
}
