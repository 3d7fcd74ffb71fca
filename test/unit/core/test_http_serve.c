/* Are requests answered one by one, foreign hosts and origins turned away, and a client that leaves early survived? */
#include "check.h"
#include "ends.h"

#include "core/http.h"

static const char *const hosts[] = { "localhost", "127.0.0.1", NULL };

struct site {
	struct pair pair;
	struct http_server *http;
	const char *say;
	bool later, leave_early;
	struct http_reply *kept;
	unsigned handled, gone;
	char paths[128];
};

static void on_gone(void *self)
{
	struct site *s = self;

	s->gone++;
	s->kept = NULL;
}

static void on_later(void *self)
{
	struct site *s = self;

	if (s->kept != NULL)
		http_reply_send(s->kept, 200, "text/plain", SLICE("late"));
	s->kept = NULL;
	loop_stop(s->pair.loop);
}

static void handle(void *self, const struct http_request *q, struct http_reply *r)
{
	struct site *s = self;
	size_t n = strlen(s->paths);

	s->handled++;
	(void)snprintf(s->paths + n, sizeof(s->paths) - n, SLICE_FMT "=" SLICE_FMT " ", SLICE_ARG(q->path),
	    SLICE_ARG(q->body));
	if (!s->later) {
		http_reply_send(r, 200, "text/plain", SLICE("hello\n"));
		return;
	}
	s->kept = r;
	http_reply_on_gone(r, on_gone, s);
	if (s->leave_early)
		conn_abort(s->pair.client.conn, "left");
	(void)timer_start(s->pair.loop, 50, on_later, s);
}

static void on_accept(void *self, struct conn *c)
{
	struct site *s = self;

	http_serve(s->http, c);
}

static void say(struct pair *p)
{
	struct site *s = (struct site *)(void *)p; /* its first member */

	conn_sendz(p->client.conn, s->say);
}

static void visit(struct site *s, const char *text)
{
	static const struct listen_caps caps = { 100, 100, 100, 1000 };
	struct ip ip = { .octets = { 127, 0, 0, 1 } };
	bool later = s->later, leave_early = s->leave_early;
	struct err err;

	memset(s, 0, sizeof(*s));
	pair_init(&s->pair);
	listeners_free(s->pair.listeners);
	s->pair.listeners = listeners_new(s->pair.loop, &caps);
	s->later = later;
	s->leave_early = leave_early;
	s->http = http_server_new(s->pair.loop, handle, s, hosts);
	assert_int_equal(listen_bind(s->pair.listeners, false, &ip, 0, on_accept, s, NULL, &err), 0);
	listeners_start(s->pair.listeners);
	s->say = text;
	s->pair.on_client = say;
	pair_run(&s->pair);
	assert_false(s->pair.timed_out);
}

static void leave(struct site *s)
{
	http_server_free(s->http);
	pair_done(&s->pair);
}

static void requests_in_one_write_are_answered_in_turn(void **state)
{
	struct site s = { .later = false };
	const char *text, *second;

	(void)state;
	visit(&s, "GET /a HTTP/1.1\r\nHost: localhost:80\r\n\r\n"
		  "POST /b HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 4\r\n\r\nbody"
		  "HEAD /c HTTP/1.1\r\nHost: LOCALHOST\r\nConnection: close\r\n\r\n");
	assert_string_equal(s.paths, "/a= /b=body /c= ");
	text = buf_z(&s.pair.client.got);
	assert_int_equal(strncmp(text, "HTTP/1.1 200 OK\r\n", 17), 0);
	assert_non_null(second = strstr(text, "\r\n\r\nhello\nHTTP/1.1 200 OK\r\n"));
	assert_non_null(strstr(second + 4, "\r\n\r\nhello\nHTTP/1.1 200 OK\r\n"));
	assert_string_equal(text + strlen(text) - 4, "\r\n\r\n"); /* HEAD: no body */
	assert_non_null(strstr(text, "X-Content-Type-Options: nosniff\r\n"));
	leave(&s);
}

static void bad_requests_are_answered_and_closed(void **state)
{
	static const struct {
		const char *request, *status;
	} cases[] = {
		{ "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", "HTTP/1.1 421 " },
		{ "GET / HTTP/1.1\r\nHost: localhost.evil.example\r\n\r\n", "HTTP/1.1 421 " },
		{ "POST / HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\nContent-Length: 0\r\n\r\n",
		    "HTTP/1.1 403 " },
		{ "GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1 501 " },
		{ "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 65537\r\n\r\n", "HTTP/1.1 413 " },
		{ "BREW / HTTP/1.1\r\nHost: localhost\r\n\r\nGET /smuggled", "HTTP/1.1 405 " },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct site s = { .later = false };

		visit(&s, cases[i].request);
		assert_int_equal(s.handled, 0);
		assert_int_equal(strncmp(buf_z(&s.pair.client.got), cases[i].status, 13), 0);
		assert_non_null(strstr(buf_z(&s.pair.client.got), "Connection: close\r\n"));
		leave(&s);
	}
}

static void a_late_answer_arrives_or_is_dropped(void **state)
{
	struct site s = { .later = true };

	(void)state;
	visit(&s, "GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n");
	assert_int_equal(s.gone, 0);
	leave(&s);
	s.leave_early = true;
	s.later = true;
	visit(&s, "GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n");
	assert_int_equal(s.handled, 1);
	leave(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_in_one_write_are_answered_in_turn),
		cmocka_unit_test(bad_requests_are_answered_and_closed),
		cmocka_unit_test(a_late_answer_arrives_or_is_dropped),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
