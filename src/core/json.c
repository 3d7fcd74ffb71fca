/* json.c: how is a value written as JSON (RFC 8259)? Output is always valid UTF-8 and safe inside HTML script and text: "<",
 * ">" and "&" are escaped too. Leaves nesting to the caller and reading to json_read.c. Failures: the buf's own. */
#include "core/json.h"

#include <math.h>
#include <stdio.h>

void json_begin(struct json *j, struct buf *out)
{
	j->out = out;
	j->need_comma = false;
}

/* Length of the well-formed UTF-8 sequence at the head of s, 0 where there is none (RFC 3629 4). */
static size_t utf8_head(struct slice s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	size_t n = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;

	if (n == 0 || n > s.n)
		return (0);
	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return (0);
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) || /* overlong, surrogates */
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return (0);
	return (n);
}

static void quote_octet(struct buf *out, char c)
{
	switch (c) {
	case '"':
		(void)buf_addz(out, "\\\"");
		return;
	case '\\':
		(void)buf_addz(out, "\\\\");
		return;
	case '\n':
		(void)buf_addz(out, "\\n");
		return;
	case '\r':
		(void)buf_addz(out, "\\r");
		return;
	case '\t':
		(void)buf_addz(out, "\\t");
		return;
	}
	if ((unsigned char)c < ' ' || c == 0x7f || c == '<' || c == '>' || c == '&')
		(void)buf_fmt(out, "\\u%04x", (unsigned)(unsigned char)c);
	else
		(void)buf_addc(out, c);
}

void json_quote(struct buf *out, struct slice v)
{
	(void)buf_addc(out, '"');
	while (v.n > 0) {
		size_t n = utf8_head(v);

		if (n == 0)
			(void)buf_addz(out, "\xef\xbf\xbd"); /* U+FFFD for each octet that is not text */
		else if (n == 1)
			quote_octet(out, v.p[0]);
		else
			(void)buf_add(out, v.p, n);
		v = slice_from(v, n == 0 ? 1 : n);
	}
	(void)buf_addc(out, '"');
}

static void lead(struct json *j, const char *key)
{
	if (j->need_comma)
		(void)buf_addc(j->out, ',');
	j->need_comma = true;
	if (key != NULL) {
		json_quote(j->out, slice_of(key));
		(void)buf_addc(j->out, ':');
	}
}

void json_open(struct json *j, const char *key, char bracket)
{
	lead(j, key);
	(void)buf_addc(j->out, bracket);
	j->need_comma = false;
}

void json_close(struct json *j, char bracket)
{
	(void)buf_addc(j->out, bracket);
	j->need_comma = true;
}

void json_put_string(struct json *j, const char *key, struct slice v)
{
	lead(j, key);
	json_quote(j->out, v);
}

void json_put_stringz(struct json *j, const char *key, const char *v)
{
	lead(j, key);
	if (v == NULL)
		(void)buf_addz(j->out, "null");
	else
		json_quote(j->out, slice_of(v));
}

void json_put_raw(struct json *j, const char *key, struct slice v)
{
	lead(j, key);
	(void)buf_add_slice(j->out, v);
}

void json_put_int(struct json *j, const char *key, int64_t v)
{
	lead(j, key);
	(void)buf_fmt(j->out, "%lld", (long long)v);
}

void json_put_uint(struct json *j, const char *key, uint64_t v)
{
	lead(j, key);
	(void)buf_add_u64(j->out, v);
}

void json_put_real(struct json *j, const char *key, double v)
{
	lead(j, key);
	if (!isfinite(v)) /* RFC 8259 6 has no word for these */
		(void)buf_addz(j->out, "null");
	else
		(void)buf_fmt(j->out, "%.15g", v);
}

void json_put_bool(struct json *j, const char *key, bool v)
{
	lead(j, key);
	(void)buf_addz(j->out, v ? "true" : "false");
}
