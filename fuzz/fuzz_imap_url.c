/* URLs of CATENATE. The laws: what is taken names a mailbox in UTF-8 (or none) and a uid; written
 * plainly, every octet of the mailbox escaped, the same is read again; what is escaped for a
 * response can end neither the code nor the line, and says the same octets. */
#include <stdint.h>
#include <stdlib.h>

#include "imap/url.h"
#include "msg/charset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_escape(struct slice text)
{
	struct buf out = BUF_INIT(1 << 16);
	size_t at = 0;

	if (url_escape(text, &out) != 0)
		abort();
	for (size_t i = 0; i < out.n; i++, at++) {
		unsigned char c = (unsigned char)out.p[i];
		char two[3] = { 0 };

		if (c <= ' ' || c >= 0x7f || c == ']' || at == text.n)
			abort();
		if (c == '%' && text.p[at] != '%') {
			two[0] = out.p[i + 1];
			two[1] = out.p[i + 2];
			c = (unsigned char)strtoul(two, NULL, 16);
			i += 2;
		}
		if (c != (unsigned char)text.p[at])
			abort();
	}
	if (at != text.n)
		abort();
	buf_free(&out);
}

static void check_again(struct arena *a, const struct imap_url *url)
{
	struct buf out = BUF_INIT(1 << 16);
	struct imap_url again;

	if (url->mailbox.p != NULL)
		(void)buf_addc(&out, '/');
	for (size_t i = 0; i < url->mailbox.n; i++)
		(void)buf_fmt(&out, "%%%02x", (unsigned char)url->mailbox.p[i]);
	if (url->uidvalidity != 0)
		(void)buf_fmt(&out, ";uidvalidity=%u", url->uidvalidity);
	(void)buf_fmt(&out, "%s;uid=%u", url->mailbox.p != NULL ? "/" : "", url->uid);
	if (!url_parse(a, buf_slice(&out), &again) || again.uid != url->uid ||
	    again.uidvalidity != url->uidvalidity || !slice_eq(again.mailbox, url->mailbox))
		abort();
	buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice text = { (const char *)data, n };
	struct arena *a = arena_new(0);
	struct imap_url url;

	if (n > 8192)
		goto out;
	check_escape(text);
	if (!url_parse(a, text, &url))
		goto out;
	if (url.uid == 0 || (url.mailbox.p == NULL && url.uidvalidity != 0) ||
	    (url.mailbox.p != NULL && (url.mailbox.n == 0 || !charset_is_utf8(url.mailbox))) ||
	    slice_chr(url.mailbox, '\0') != SIZE_MAX)
		abort();
	check_again(a, &url);
out:
	arena_free(a);
	return (0);
}
