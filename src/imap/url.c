/* Which message does a URL name? RFC 5092 11 without mailbox lists, searches and URLAUTH; nothing
 * is looked up here. Dot segments are not removed: no mailbox of ours is called "." or "..". */
#include "imap/url.h"

#include "msg/charset.h"

/* achar, bchar, "/" and "%": what may stand in a URL at all, but for what begins a query */
static bool is_url_char(char c)
{
	return (ascii_alnum(c) || (c != '\0' && strchr("-._~!$'()*+,&=:@/;%", c) != NULL));
}

static int hex(char c)
{
	if (ascii_digit(c))
		return (c - '0');
	c = (char)(c | 0x20);
	return (c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1);
}

/* RFC 3986 2.1; NUL can be meant nowhere. */
static bool decode(struct arena *a, struct slice s, struct slice *ret)
{
	char *out = arena_alloc(a, s.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		int high, low;

		if (s.p[i] != '%') {
			out[n++] = s.p[i];
			continue;
		}
		if (s.n - i < 3 || (high = hex(s.p[i + 1])) < 0 || (low = hex(s.p[i + 2])) < 0 ||
		    high + low == 0)
			return (false);
		out[n++] = (char)(high * 16 + low);
		i += 2;
	}
	*ret = (struct slice){ out, n };
	return (true);
}

/* [enc-user [";AUTH=" ...] "@"] host [":" port] */
static bool take_server(struct arena *a, struct cursor *c, struct imap_url *ret)
{
	struct slice all, user, host;
	size_t at;

	if (!take_until(c, '/', &all) || all.n == 0)
		return (false);
	host = all;
	if ((at = slice_rchr(all, '@')) != SIZE_MAX) {
		user = slice_head(all, at);
		host = slice_from(all, at + 1);
		if ((at = slice_chr(user, ';')) != SIZE_MAX) /* how to log in: it is done */
			user = slice_head(user, at);
		if (!decode(a, user, &ret->user))
			return (false);
	}
	if ((at = slice_rchr(host, ':')) != SIZE_MAX)
		host = slice_head(host, at);
	return (host.n > 0 && decode(a, host, &ret->host));
}

/* enc-mailbox [";UIDVALIDITY=" nz-number] "/" */
static bool take_mailbox(struct arena *a, struct cursor *c, struct imap_url *ret)
{
	struct slice name;
	uint64_t n;

	if (!take_until(c, ';', &name) || name.n == 0)
		return (false);
	if (name.p[name.n - 1] == '/') {
		name.n--;
	} else {
		if (!take_iliteral(c, SLICE(";UIDVALIDITY=")) || !take_u64(c, UINT32_MAX, &n) ||
		    n == 0 || !take_char(c, '/'))
			return (false);
		ret->uidvalidity = (uint32_t)n;
	}
	return (decode(a, name, &ret->mailbox) && ret->mailbox.n > 0 &&
	    charset_is_utf8(ret->mailbox)); /* RFC 5092 8 */
}

/* enc-section up to "/;" or the end: no ";" can be in it */
static bool take_section(struct arena *a, struct cursor *c, struct section *ret)
{
	struct slice text = cursor_rest(c);
	size_t at = slice_chr(text, ';');
	struct args args;

	if (at != SIZE_MAX) {
		if (at == 0 || text.p[at - 1] != '/')
			return (false);
		text = slice_head(text, at - 1);
	}
	c->p += text.n;
	if (text.n == 0 || !decode(a, text, &text))
		return (false);
	for (size_t i = 0; i < text.n; i++)
		if ((unsigned char)text.p[i] < ' ' || text.p[i] == 0x7f)
			return (false);
	args = (struct args){ cursor_of(text), a };
	return (section_take(a, &args, ret, false) && args_end(&args));
}

/* partial-range = number ["." nz-number] */
static bool take_partial(struct cursor *c, struct section *ret)
{
	ret->partial = true;
	ret->count = INT64_MAX;
	return (take_u64(c, INT64_MAX, &ret->from) &&
	    (!take_char(c, '.') || (take_u64(c, INT64_MAX, &ret->count) && ret->count > 0)));
}

bool url_parse(struct arena *a, struct slice text, struct imap_url *ret)
{
	struct cursor c = cursor_of(text);
	uint64_t n;

	*ret = (struct imap_url){ 0 };
	for (size_t i = 0; i < text.n; i++)
		if (!is_url_char(text.p[i]))
			return (false);
	if (take_iliteral(&c, SLICE("imap://")) || take_literal(&c, SLICE("//"))) {
		if (!take_server(a, &c, ret))
			return (false);
	}
	if (take_char(&c, '/') && !take_mailbox(a, &c, ret))
		return (false);
	if (!take_iliteral(&c, SLICE(";UID=")) || !take_u64(&c, UINT32_MAX, &n) || n == 0)
		return (false);
	ret->uid = (uint32_t)n;
	if (take_iliteral(&c, SLICE("/;SECTION=")) && !take_section(a, &c, &ret->section))
		return (false);
	if (take_iliteral(&c, SLICE("/;PARTIAL=")) && !take_partial(&c, &ret->section))
		return (false);
	return (cursor_at_end(&c));
}

int url_escape(struct slice text, struct buf *out)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];

		/* url-resp-text: text without "]"; we are stricter */
		if (c > ' ' && c < 0x7f && c != ']' && c != '"' && c != '\\') {
			(void)buf_addc(out, (char)c);
		} else {
			char three[3] = { '%', digits[c / 16], digits[c % 16] };

			(void)buf_add(out, three, 3);
		}
	}
	return (out->failed ? -1 : 0);
}
