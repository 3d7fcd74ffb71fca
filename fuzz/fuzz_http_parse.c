/* Laws: an accepted head ends in a blank line and holds no bare CR, bare LF or NUL; its path is absolute and free of control
 * octets; what was refused with more input at hand is never accepted with less; what octets follow the head does not matter. */
#include "core/http.h"
#include "core/limits.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static enum take parse(const uint8_t *data, size_t n, struct http_request *q, size_t *head, char **copy)
{
	*copy = malloc(n + 1);
	if (*copy == NULL)
		abort();
	memcpy(*copy, data, n);
	*head = 0;
	return (http_parse(*copy, n, q, head));
}

static bool is_inside(struct slice s, const char *p, size_t n)
{
	return (s.n == 0 || (s.p >= p && s.p + s.n <= p + n) || slice_eq(s, SLICE("null")));
}

static void check_head(const uint8_t *data, size_t head, const struct http_request *q, const char *copy)
{
	if (head < 18 || head > L_HTTP || memcmp(data + head - 4, "\r\n\r\n", 4) != 0)
		abort();
	for (size_t i = 0; i < head; i++)
		if (data[i] == 0 || (data[i] == '\n' && data[i - 1] != '\r') ||
		    (data[i] == '\r' && data[i + 1] != '\n'))
			abort();
	if (q->path.n == 0 || q->path.p[0] != '/' || q->content_length > L_HTTP_MESSAGE)
		abort();
	for (size_t i = 0; i < q->path.n; i++)
		if ((unsigned char)q->path.p[i] < ' ' || q->path.p[i] == 0x7f)
			abort();
	if (!is_inside(q->method, copy, head) || !is_inside(q->path, copy, head) ||
	    !is_inside(q->query, copy, head) || !is_inside(q->host, copy, head) ||
	    !is_inside(q->origin, copy, head) || !is_inside(q->content_type, copy, head))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct http_request q, less;
	size_t head, less_head;
	char *copy, *less_copy;
	enum take t = parse(data, n, &q, &head, &copy);

	if (t == TAKE_BAD && (q.refusal < 400 || q.refusal > 505))
		abort();
	if (t == TAKE_OK) {
		check_head(data, head, &q, copy);
		if (parse(data, head, &less, &less_head, &less_copy) != TAKE_OK || less_head != head)
			abort();
		free(less_copy);
		if (parse(data, head - 1, &less, &less_head, &less_copy) != TAKE_MORE)
			abort();
		free(less_copy);
	} else if (n > 0) {
		if (parse(data, n / 2, &less, &less_head, &less_copy) == TAKE_OK && t == TAKE_MORE)
			abort();
		free(less_copy);
	}
	free(copy);
	return (0);
}
