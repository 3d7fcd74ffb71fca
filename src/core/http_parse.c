/* http_parse.c: what does this request ask? HTTP/1.1 heads, strictly: whatever two servers could read in two ways is refused
 * (RFC 9112 11.2). Leaves hosts, origins and bodies to http_serve.c. Failures: TAKE_BAD with the status to answer. */
#include "core/http.h"

#include "core/limits.h"

enum { URI_MAX = 4096 };

static enum take refuse(struct http_request *q, int status)
{
	q->refusal = status;
	return (TAKE_BAD);
}

static bool is_token(char c) /* RFC 9110 5.6.2 */
{
	return (ascii_alnum(c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL));
}

static bool is_value(char c) /* RFC 9110 5.5, without obs-text */
{
	return ((c >= ' ' && c < 0x7f) || c == '\t');
}

static bool all(struct slice s, bool (*is_in)(char))
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_in(s.p[i]))
			return (false);
	return (true);
}

static int hex_of(char c)
{
	c = ascii_lower(c);
	if (ascii_digit(c))
		return (c - '0');
	return (c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1);
}

/* In place; the head is complete, so it is never parsed again. */
static bool percent_decode(char *p, size_t *n)
{
	size_t to = 0;

	for (size_t from = 0; from < *n; from++) {
		char c = p[from];

		if (c == '%') {
			int high = from + 2 < *n ? hex_of(p[from + 1]) : -1;
			int low = from + 2 < *n ? hex_of(p[from + 2]) : -1;

			if (high < 0 || low < 0)
				return (false);
			c = (char)(high << 4 | low);
			if ((unsigned char)c < ' ' || c == 0x7f || c == '/') /* "%2F" would be two paths */
				return (false);
			from += 2;
		}
		p[to++] = c;
	}
	*n = to;
	return (true);
}

static bool is_target(char c)
{
	return (c > ' ' && c < 0x7f && c != '#' && c != '"' && c != '<' && c != '>' && c != '\\');
}

static int take_target(char *in, struct slice target, struct http_request *q)
{
	size_t n;

	if (target.n > URI_MAX)
		return (414);
	if (target.n == 0 || target.p[0] != '/' || !all(target, is_target))
		return (400); /* origin-form only: this is no proxy */
	(void)slice_cut(target, '?', &q->path, &q->query);
	n = q->path.n;
	if (!percent_decode(in + (q->path.p - in), &n))
		return (400);
	q->path.n = n;
	return (0);
}

/* request-line = method SP request-target SP HTTP-version (RFC 9112 3) */
static int take_request_line(char *in, struct slice line, struct http_request *q)
{
	static const struct slice methods[] = { SLICE_INIT("GET"), SLICE_INIT("HEAD"), SLICE_INIT("POST"),
		SLICE_INIT("PUT"), SLICE_INIT("DELETE") };
	struct slice target, version, rest;
	bool is_known = false;
	int refusal;

	if (!slice_cut(line, ' ', &q->method, &rest) || !slice_cut(rest, ' ', &target, &version))
		return (400);
	if (q->method.n == 0 || !all(q->method, is_token))
		return (400);
	if ((refusal = take_target(in, target, q)) != 0)
		return (refusal);
	if (slice_eq(version, SLICE("HTTP/1.1")))
		q->keep_alive = true;
	else if (version.n == 8 && slice_starts(version, SLICE("HTTP/")) && ascii_digit(version.p[5]) &&
	    version.p[6] == '.' && ascii_digit(version.p[7])) {
		if (!slice_eq(version, SLICE("HTTP/1.0")))
			return (version.p[5] == '0' ? 400 : 505);
	} else
		return (400);
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		is_known = is_known || slice_eq(q->method, methods[i]);
	return (is_known ? 0 : 405);
}

struct fields_seen {
	bool host, length, connection_close, encoding;
};

static bool has_word(struct slice list, struct slice word)
{
	struct slice head;

	while (list.n > 0) {
		(void)slice_cut(list, ',', &head, &list);
		if (slice_ieq(slice_trim(head), word))
			return (true);
	}
	return (false);
}

static int take_length(struct slice value, struct http_request *q)
{
	uint64_t length;

	for (size_t i = 0; i < value.n; i++)
		if (!ascii_digit(value.p[i]))
			return (400);
	if (value.n == 0)
		return (400);
	if (!slice_u64(value, L_HTTP_MESSAGE, &length))
		return (413);
	q->content_length = (size_t)length;
	return (0);
}

/* field-line = field-name ":" OWS field-value OWS (RFC 9112 5) */
static int take_field(struct slice line, struct http_request *q, struct fields_seen *seen)
{
	struct slice name, value;

	if (!slice_cut(line, ':', &name, &value) || name.n == 0 || !all(name, is_token) ||
	    !all(value, is_value))
		return (400); /* folding and "Name :" too */
	value = slice_trim(value);
	if (slice_ieq(name, SLICE("Host"))) {
		if (seen->host)
			return (400); /* RFC 9112 3.2 */
		seen->host = true;
		q->host = value;
	} else if (slice_ieq(name, SLICE("Content-Length"))) {
		if (seen->length)
			return (400);
		seen->length = true;
		return (take_length(value, q));
	} else if (slice_ieq(name, SLICE("Transfer-Encoding"))) {
		seen->encoding = true;
	} else if (slice_ieq(name, SLICE("Connection"))) {
		seen->connection_close = seen->connection_close || has_word(value, SLICE("close"));
	} else if (slice_ieq(name, SLICE("Content-Type"))) {
		q->content_type = value;
	} else if (slice_ieq(name, SLICE("Origin"))) {
		q->origin = value.n > 0 ? value : SLICE("null");
	}
	return (0);
}

/* Length of the head with its blank line; 0 while it is not all there, SIZE_MAX for a bare LF or CR. */
static size_t head_length(struct slice in)
{
	for (size_t i = 0; i < in.n; i++) {
		if (in.p[i] == '\n' && (i == 0 || in.p[i - 1] != '\r'))
			return (SIZE_MAX);
		if (in.p[i] == '\r' && i + 1 < in.n && in.p[i + 1] != '\n')
			return (SIZE_MAX);
		if (in.p[i] == '\n' && i >= 3 && in.p[i - 2] == '\n')
			return (i + 1);
		if (in.p[i] == '\n' && i == 1)
			return (SIZE_MAX); /* an empty request line */
	}
	return (0);
}

static int take_head(char *in, size_t n, struct http_request *q)
{
	struct slice rest = { in, n }, line;
	struct fields_seen seen = { false, false, false, false };
	int refusal;

	(void)slice_cut(rest, '\n', &line, &rest);
	line.n--; /* CR */
	if ((refusal = take_request_line(in, line, q)) != 0)
		return (refusal);
	while (slice_cut(rest, '\n', &line, &rest) && line.n > 1) {
		line.n--;
		if ((refusal = take_field(line, q, &seen)) != 0)
			return (refusal);
	}
	if (seen.encoding) /* with a length: the classic smuggling (RFC 9112 6.1) */
		return (seen.length ? 400 : 501);
	if (q->keep_alive && !seen.host)
		return (400); /* RFC 9112 3.2: HTTP/1.1 must name the host */
	q->keep_alive = q->keep_alive && !seen.connection_close;
	return (0);
}

enum take http_parse(char *in, size_t n, struct http_request *ret, size_t *ret_head)
{
	struct slice seen = { in, n < L_HTTP ? n : L_HTTP };
	size_t head;
	int refusal;

	memset(ret, 0, sizeof(*ret));
	head = head_length(seen);
	if (head == SIZE_MAX)
		return (refuse(ret, 400));
	if (head == 0) {
		/* A TLS or HTTP/2 greeting, or any line that starts with what no method does. */
		if (n > 0 && !is_token(in[0]))
			return (refuse(ret, 400));
		if (n > URI_MAX + 32 && slice_chr(slice_head(seen, URI_MAX + 32), '\n') == SIZE_MAX)
			return (refuse(ret, 414));
		return (n >= L_HTTP ? refuse(ret, 431) : TAKE_MORE);
	}
	if ((refusal = take_head(in, head, ret)) != 0)
		return (refuse(ret, refusal));
	*ret_head = head;
	return (TAKE_OK);
}
