/* Is every head that two servers could read in two ways refused, with the status it deserves? */
#include "check.h"

#include "core/http.h"
#include "core/limits.h"
#include "core/mem.h"

#include <stdlib.h>
#include <string.h>

#define HEAD(line) line "\r\nHost: localhost\r\n"

static enum take parse(struct slice in, struct http_request *q, size_t *head, char **keep)
{
	*keep = mem_strndup(in.p, in.n);
	return (http_parse(*keep, in.n, q, head));
}

static void heads_are_accepted_or_refused(void **state)
{
	static const struct {
		struct slice in;
		int refusal; /* 0: accepted; -1: more */
	} cases[] = {
		{ SLICE_INIT(HEAD("GET / HTTP/1.1") "\r\n"), 0 },
		{ SLICE_INIT("GET / HTTP/1.0\r\n\r\n"), 0 },
		{ SLICE_INIT(HEAD("POST /a HTTP/1.1") "Content-Length: 65536\r\n\r\n"), 0 },
		{ SLICE_INIT(""), -1 },
		{ SLICE_INIT("GET / HT"), -1 },
		{ SLICE_INIT("GET / HTTP/1.1\r"), -1 },
		{ SLICE_INIT(HEAD("GET / HTTP/1.1")), -1 },
		{ SLICE_INIT("GET / HTTP/1.1\r\n\r\n"), 400 },			       /* no Host */
		{ SLICE_INIT(HEAD("GET / HTTP/1.1") "host: b\r\n\r\n"), 400 },	       /* two */
		{ SLICE_INIT(HEAD("GET / HTTP/1.1") "Content-Length: 1\r\nContent-Length: 1\r\n\r\n"), 400 },
		{ SLICE_INIT(HEAD("GET / HTTP/1.1") "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"), 400 },
		{ SLICE_INIT(HEAD("GET / HTTP/1.1") "Transfer-Encoding: chunked\r\n\r\n"), 501 },
		{ SLICE_INIT(HEAD("GET / HTTP/1.1") "Content-Length: +1\r\n\r\n"), 400 },
		{ SLICE_INIT(HEAD("GET / HTTP/1.1") "Content-Length:\r\n\r\n"), 400 },
		{ SLICE_INIT(HEAD("GET / HTTP/1.1") "Content-Length: 104857601\r\n\r\n"), 413 },
		{ SLICE_INIT(HEAD("GET / HTTP/1.1") "Content-Length: 4294967296\r\n\r\n"), 413 },
		{ SLICE_INIT(HEAD("GET / HTTP/1.1") "Content-Length: 99999999999999999999999\r\n\r\n"), 413 },
		{ SLICE_INIT(HEAD("GET / HTTP/1.1") "A: b\r\n c\r\n\r\n"), 400 },      /* folding */
		{ SLICE_INIT(HEAD("GET / HTTP/1.1") "A : b\r\n\r\n"), 400 },
		{ SLICE_INIT(HEAD("GET / HTTP/1.1") "A\r\n\r\n"), 400 },
		{ SLICE_INIT("GET / HTTP/1.1\nHost: a\n\n"), 400 },		       /* bare LF */
		{ SLICE_INIT("GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n"), 400 },	       /* bare CR */
		{ SLICE_INIT(HEAD("GET / HTTP/1.1") "A: b\0c\r\n\r\n"), 400 },
		{ SLICE_INIT("GET /\r\n\r\n"), 400 },				       /* HTTP/0.9 */
		{ SLICE_INIT(HEAD("GET / HTTP/0.9") "\r\n"), 400 },
		{ SLICE_INIT("PRI * HTTP/2.0\r\n\r\n"), 400 },
		{ SLICE_INIT(HEAD("GET / HTTP/2.0") "\r\n"), 505 },
		{ SLICE_INIT(HEAD("GET / http/1.1") "\r\n"), 400 },
		{ SLICE_INIT(HEAD("GET  / HTTP/1.1") "\r\n"), 400 },
		{ SLICE_INIT(HEAD("FOO / HTTP/1.1") "\r\n"), 405 },
		{ SLICE_INIT(HEAD("GET http://a/ HTTP/1.1") "\r\n"), 400 },
		{ SLICE_INIT(HEAD("GET /%zz HTTP/1.1") "\r\n"), 400 },
		{ SLICE_INIT(HEAD("GET /%4 HTTP/1.1") "\r\n"), 400 },
		{ SLICE_INIT(HEAD("GET /a%00b HTTP/1.1") "\r\n"), 400 },
		{ SLICE_INIT(HEAD("GET /a%2fb HTTP/1.1") "\r\n"), 400 },
		{ SLICE_INIT("\x16\x03\x01\x02"), 400 },			       /* a TLS greeting */
		{ SLICE_INIT("\r\n"), 400 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct http_request q;
		size_t head = 0;
		char *keep;
		enum take t = parse(cases[i].in, &q, &head, &keep);

		if (t != (cases[i].refusal == 0 ? TAKE_OK : cases[i].refusal < 0 ? TAKE_MORE : TAKE_BAD) ||
		    (t == TAKE_BAD && q.refusal != cases[i].refusal))
			print_message("case %zu: %d %d\n", i, (int)t, q.refusal);
		assert_int_equal(t, cases[i].refusal == 0 ? TAKE_OK : cases[i].refusal < 0 ? TAKE_MORE : TAKE_BAD);
		if (t == TAKE_BAD)
			assert_int_equal(q.refusal, cases[i].refusal);
		if (t == TAKE_OK)
			assert_int_equal(head, cases[i].in.n);
		free(keep);
	}
}

static void parts_are_where_they_should_be(void **state)
{
	struct http_request q;
	size_t head = 0;
	char *keep;

	(void)state;
	assert_int_equal(parse(SLICE("POST /why%20not/x?q=%41 HTTP/1.1\r\nHost: [::1]:80\r\nOrigin: https://a\r\n"
				     "Content-Type: text/plain\r\nContent-Length: 4\r\nConnection: x, close\r\n\r\nbody"),
			     &q, &head, &keep), TAKE_OK);
	assert_true(slice_eq(q.method, SLICE("POST")));
	assert_true(slice_eq(q.path, SLICE("/why not/x")));
	assert_true(slice_eq(q.query, SLICE("q=%41")));
	assert_true(slice_eq(q.host, SLICE("[::1]:80")));
	assert_true(slice_eq(q.origin, SLICE("https://a")));
	assert_true(slice_eq(q.content_type, SLICE("text/plain")));
	assert_int_equal(q.content_length, 4);
	assert_false(q.keep_alive);
	assert_memory_equal(keep + head, "body", 4);
	free(keep);
}

static void long_heads_are_refused_at_their_limits(void **state)
{
	char *p = mem_new(L_HTTP + 1);
	struct http_request q;
	size_t head;

	(void)state;
	memset(p, 'a', L_HTTP + 1);
	memcpy(p, "GET /", 5);
	assert_int_equal(http_parse(p, 4096, &q, &head), TAKE_MORE);
	assert_int_equal(http_parse(p, 4200, &q, &head), TAKE_BAD);
	assert_int_equal(q.refusal, 414);
	memcpy(p, "GET / HTTP/1.1\r\nA: ", 19);
	assert_int_equal(http_parse(p, L_HTTP - 1, &q, &head), TAKE_MORE);
	assert_int_equal(http_parse(p, L_HTTP, &q, &head), TAKE_BAD);
	assert_int_equal(q.refusal, 431);
	memcpy(p + L_HTTP - 3, "\r\n\r\n", 4); /* the last octet is one too far */
	assert_int_equal(http_parse(p, L_HTTP + 1, &q, &head), TAKE_BAD);
	assert_int_equal(q.refusal, 431);
	free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(heads_are_accepted_or_refused),
		cmocka_unit_test(parts_are_where_they_should_be),
		cmocka_unit_test(long_heads_are_refused_at_their_limits),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
