/* write.c: how is a field written so that it stays one field?
 *
 * Whatever a peer chose is either made of harmless characters or replaced as a whole; no octet of
 * it can end a line, a comment or a quoted string (SIN-30). Lines are folded at blanks near 78
 * octets; a longer word stays whole. RFC 5322 2.1.1, 2.2.3, 3.2.4; RFC 5321 4.4. */
#include "msg/write.h"

#include "core/limits.h"
#include "core/secret.h"
#include "msg/charset.h"
#include "msg/date.h"
#include "msg/text_int.h"

enum { LINE_WANTED = 78 };

static bool is_control(char c)
{
	return ((unsigned char)c < 32 || c == 127);
}

static bool is_blank(char c)
{
	return (c == ' ' || c == '\t');
}

int write_field(struct buf *out, const char *name, struct slice value)
{
	size_t column = strlen(name) + 1, at = 0;
	bool first = true;

	value = slice_trim(value);
	(void)buf_addz(out, name);
	(void)buf_addc(out, ':');
	while (at < value.n) {
		size_t blanks = 0, end;

		while (at + blanks < value.n && is_blank(value.p[at + blanks]))
			blanks++;
		end = at + blanks;
		while (end < value.n && !is_blank(value.p[end]))
			end++;
		if (first) {
			(void)buf_addc(out, ' ');
			column++;
		} else if (column + (end - at) > LINE_WANTED) {
			(void)buf_addz(out, "\r\n");
			column = 0;
		}
		for (size_t i = at; i < end; i++)
			(void)buf_addc(
			    out, is_control(value.p[i]) && value.p[i] != '\t' ? '?' : value.p[i]);
		column += end - at;
		at = end;
		first = false;
	}
	return (buf_addz(out, "\r\n"));
}

/* A name or address literal as it may stand bare in a trace field, else "unknown". */
static struct slice host_text(struct slice s)
{
	if (s.n == 0 || s.n > L_DOMAIN)
		return (SLICE("unknown"));
	for (size_t i = 0; i < s.n; i++)
		if (!ascii_alnum(s.p[i]) && memchr(".-_:[]", s.p[i], 6) == NULL)
			return (SLICE("unknown"));
	return (s);
}

static bool is_rcpt_text(struct slice s)
{
	if (s.n == 0 || s.n > L_PATH || !charset_is_utf8(s))
		return (false);
	for (size_t i = 0; i < s.n; i++)
		if (is_control(s.p[i]) || is_blank(s.p[i]) || memchr("<>()\"\\", s.p[i], 6) != NULL)
			return (false);
	return (true);
}

/* Text inside "(...)". */
static void comment(struct buf *out, struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_control(s.p[i]) && memchr("()\\", s.p[i], 3) == NULL)
			(void)buf_addc(out, s.p[i]);
}

int write_received(struct buf *out, const struct trace *t)
{
	char ip[IP_TEXT];

	(void)buf_addz(out, "Received: ");
	if (t->peer != NULL) {
		(void)buf_addz(out, "from ");
		(void)buf_add_slice(out, host_text(t->helo));
		(void)buf_addz(out, " (");
		(void)buf_add_slice(out, host_text(t->rdns));
		(void)buf_addz(out, t->peer->is_v6 ? " [IPv6:" : " [");
		(void)buf_addz(out, ip_text(t->peer, ip));
		(void)buf_addz(out, "])\r\n\t");
	}
	(void)buf_fmt(out, "by %s with %s", t->by, t->with);
	if (t->tls != NULL && t->tls[0] != '\0') {
		(void)buf_addz(out, " (");
		comment(out, slice_of(t->tls));
		(void)buf_addc(out, ')');
	}
	(void)buf_fmt(out, "\r\n\tid %s", t->id);
	if (is_rcpt_text(t->rcpt)) {
		(void)buf_addz(out, "\r\n\tfor <");
		(void)buf_add_slice(out, t->rcpt);
		(void)buf_addc(out, '>');
	}
	(void)buf_addz(out, ";\r\n\t");
	(void)date_write(out, t->when);
	return (buf_addz(out, "\r\n"));
}

int write_quoted(struct buf *out, struct slice s)
{
	(void)buf_addc(out, '"');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			(void)buf_addc(out, '\\');
		(void)buf_addc(out, is_control(s.p[i]) && s.p[i] != '\t' ? '?' : s.p[i]);
	}
	return (buf_addc(out, '"'));
}

static bool is_atext(char c) /* RFC 5322 3.2.3 */
{
	return (ascii_alnum(c) || (c != '\0' && memchr("!#$%&'*+-/=?^_`{|}~", c, 19) != NULL));
}

int write_phrase(struct buf *out, struct slice utf8)
{
	bool atoms = utf8.n > 0, ascii = true;

	for (size_t i = 0; i < utf8.n; i++) {
		char c = utf8.p[i];

		if ((c & 0x80) != 0 || is_control(c))
			ascii = false;
		if (c == ' ' ? i == 0 || i + 1 == utf8.n || utf8.p[i - 1] == ' ' : !is_atext(c))
			atoms = false;
	}
	if (!ascii || slice_find(utf8, SLICE("=?")) != SIZE_MAX) {
		struct buf clean = BUF_INIT(utf8.n * 3 + 4);
		int rc = charset_to_utf8(SLICE("utf-8"), utf8, &clean);

		if (rc == 0)
			text_encode_all(buf_slice(&clean), out);
		buf_free(&clean);
		return (rc == 0 && !out->failed ? 0 : -1);
	}
	return (atoms ? buf_add_slice(out, utf8) : write_quoted(out, utf8));
}

int write_message_id(struct buf *out, const char *hostname)
{
	char id[27]; /* 130 bits */

	secret_id(id, 26);
	return (buf_fmt(out, "<%s@%s>", id, hostname));
}
