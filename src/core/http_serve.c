/* http_serve.c: who may ask over HTTP, how long may it take, and how does the answer leave? One
 * request at a time on each connection; while its handler thinks, the connection is held. Leaves
 * the head to http_parse.c and what to answer to the handler. A foreign Host is answered 421 (DNS
 * rebinding), any Origin 403 (nothing here is for other sites' scripts). Failures: answered with
 * their status, then closed. */
#include "core/http.h"

#include <stdlib.h>

#include "core/limits.h"
#include "core/list.h"
#include "core/mem.h"

enum { PIECE = 131072 }; /* of an answer, at a time */

struct http_reply {
	struct http_conn *conn; /* NULL once the client has left */
	bool is_head, keep_alive;
	void (*on_gone)(void *self);
	void *self;
};

struct http_conn {
	struct list node;
	struct http_server *server;
	struct conn *conn;
	char *head;       /* L_HTTP octets while a request arrives or is handled, else NULL */
	size_t had;       /* octets of it that are there */
	bool is_complete; /* the head is; now the body */
	struct buf body;
	struct http_request q; /* points into ${head} and ${body} */
	struct http_reply *reply;
	struct buf rest; /* of a large answer, waiting for room in the output */
	size_t rest_at;
	bool keep_alive;
};

struct http_server {
	struct loop *loop;
	http_handler *handler;
	void *self;
	const char *const *hosts;
	struct list conns;
	unsigned count;
	size_t max_body;
};

static const char *reason_of(int status)
{
	static const struct {
		int status;
		const char *reason;
	} rows[] = {
		{ 200, "OK" },
		{ 202, "Accepted" },
		{ 204, "No Content" },
		{ 302, "Found" },
		{ 303, "See Other" },
		{ 304, "Not Modified" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 408, "Request Timeout" },
		{ 409, "Conflict" },
		{ 413, "Content Too Large" },
		{ 414, "URI Too Long" },
		{ 415, "Unsupported Media Type" },
		{ 421, "Misdirected Request" },
		{ 422, "Unprocessable Content" },
		{ 429, "Too Many Requests" },
		{ 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" },
		{ 501, "Not Implemented" },
		{ 503, "Service Unavailable" },
		{ 505, "HTTP Version Not Supported" },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (rows[i].status == status)
			return (rows[i].reason);
	return ("Unknown");
}

/* ${rest}: takes what is more than one piece of the body; NULL: there is no more than that. */
static void send_reply(struct conn *c, int status, const char *type, struct slice body,
    bool is_head, bool keep_alive, struct buf *rest)
{
	/* The fields that keep a browser from reading anything into what we say (WEB-05). */
	conn_sendf(c,
	    "HTTP/1.1 %d %s\r\n"
	    "Content-Type: %s\r\n"
	    "Content-Length: %zu\r\n"
	    "Cache-Control: no-store\r\n"
	    "X-Content-Type-Options: nosniff\r\n"
	    "Referrer-Policy: no-referrer\r\n"
	    "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; img-src "
	    "'self'; "
	    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'\r\n"
	    "%s%s\r\n",
	    status, reason_of(status), type, body.n,
	    status == 405 ? "Allow: GET, HEAD, POST\r\n" : "",
	    keep_alive ? "" : "Connection: close\r\n");
	if (is_head)
		return;
	conn_send_slice(c, slice_head(body, PIECE));
	if (rest != NULL && body.n > PIECE) {
		buf_init(rest, body.n);
		(void)buf_add_slice(rest, slice_from(body, PIECE));
	}
}

static void answered(struct http_conn *hc)
{
	if (hc->keep_alive) {
		conn_deadline(hc->conn, L_HTTP_SECONDS, "request");
		conn_hold(hc->conn, false);
	} else {
		conn_close(hc->conn, "answered");
	}
}

/* What did not fit goes out as the client reads. */
static void on_drain(void *self)
{
	struct http_conn *hc = self;
	struct slice left = slice_from(buf_slice(&hc->rest), hc->rest_at);

	if (left.n == 0)
		return;
	left = slice_head(left, PIECE);
	conn_send_slice(hc->conn, left);
	hc->rest_at += left.n;
	conn_deadline(hc->conn, L_HTTP_SECONDS, "answer");
	if (hc->rest_at == hc->rest.n) {
		buf_free(&hc->rest);
		hc->rest_at = 0;
		answered(hc);
	}
}

static void refuse(struct conn *c, int status, bool is_head)
{
	struct buf text = BUF_INIT(128);

	(void)buf_fmt(&text, "%d %s\n", status, reason_of(status));
	send_reply(c, status, "text/plain; charset=utf-8", buf_slice(&text), is_head, false, NULL);
	buf_free(&text);
	conn_close(c, reason_of(status));
}

static bool host_is_ours(const struct http_server *h, struct slice host)
{
	size_t colon = slice_rchr(host, ':');

	if (h->hosts == NULL || host.n == 0)
		return (true);
	/* Without the port; the last colon of "[::1]" is none. */
	if (colon != SIZE_MAX && slice_chr(slice_from(host, colon), ']') == SIZE_MAX)
		host = slice_head(host, colon);
	for (size_t i = 0; h->hosts[i] != NULL; i++)
		if (slice_ieq(host, slice_of(h->hosts[i])))
			return (true);
	return (false);
}

static void hand_over(struct http_conn *hc)
{
	struct http_request *q = &hc->q;
	struct http_server *h = hc->server;
	bool is_head = slice_eq(q->method, SLICE("HEAD"));
	struct http_reply *r;

	if (!host_is_ours(h, q->host)) {
		refuse(hc->conn, 421, is_head);
		return;
	}
	if (q->origin.n > 0) {
		refuse(hc->conn, 403, is_head);
		return;
	}
	r = NEW(struct http_reply);
	r->conn = hc;
	r->is_head = is_head;
	r->keep_alive = q->keep_alive;
	hc->reply = r;
	q->body = buf_slice(&hc->body);
	conn_deadline(hc->conn, 0, NULL); /* the handler's time is its own */
	conn_hold(hc->conn, true);
	h->handler(h->self, q, r);
}

/* Takes what belongs to this request and no octet more. False: more is needed, or the connection is
 * closing. */
static bool take_head(struct http_conn *hc)
{
	struct slice in = conn_input(hc->conn);
	size_t had = hc->had, n = in.n < L_HTTP - had ? in.n : L_HTTP - had, head;

	if (n == 0)
		return (false);
	if (hc->head == NULL)
		hc->head = mem_new(L_HTTP);
	memcpy(hc->head + had, in.p, n);
	hc->had += n;
	switch (http_parse(hc->head, hc->had, &hc->q, &head)) {
	case TAKE_MORE: conn_consume(hc->conn, n); break;
	case TAKE_BAD: refuse(hc->conn, hc->q.refusal, false); break;
	case TAKE_OK:
		if (hc->q.content_length > hc->server->max_body) {
			refuse(hc->conn, 413, false);
			return (false);
		}
		conn_consume(hc->conn, head - had);
		hc->is_complete = true;
		return (true);
	}
	return (false);
}

static bool take_body(struct http_conn *hc)
{
	struct slice in = conn_input(hc->conn);
	size_t want = hc->q.content_length - hc->body.n;

	in = slice_head(in, want);
	if (buf_add_slice(&hc->body, in) != 0) {
		refuse(hc->conn, 413, false);
		return (false);
	}
	conn_consume(hc->conn, in.n);
	return (hc->body.n == hc->q.content_length);
}

static void forget_request(struct http_conn *hc)
{
	free(hc->head);
	hc->head = NULL;
	hc->had = 0;
	hc->is_complete = false;
	buf_free(&hc->body);
}

static void on_input(void *self)
{
	struct http_conn *hc = self;

	if (hc->reply != NULL)
		return; /* one at a time; the release of the hold brings us back */
	if ((hc->is_complete || take_head(hc)) && take_body(hc))
		hand_over(hc);
}

static void on_closed(void *self, const char *why)
{
	struct http_conn *hc = self;
	struct http_reply *r = hc->reply;

	(void)why;
	if (r != NULL) {
		r->conn = NULL;
		if (r->on_gone != NULL) { /* the handler forgets it */
			r->on_gone(r->self);
			free(r);
		}
	}
	list_drop(&hc->node);
	hc->server->count--;
	forget_request(hc);
	buf_free(&hc->rest);
	free(hc);
}

static const struct conn_events events = {
	.on_input = on_input, .on_drain = on_drain, .on_closed = on_closed
};

struct http_server *http_server_new(
    struct loop *l, http_handler *handler, void *self, const char *const *hosts)
{
	struct http_server *h = NEW(struct http_server);

	h->loop = l;
	h->handler = handler;
	h->self = self;
	h->hosts = hosts;
	h->max_body = L_HTTP_BODY;
	list_init(&h->conns);
	return (h);
}

void http_server_free(struct http_server *h)
{
	struct list *node;

	if (h == NULL)
		return;
	while ((node = list_shift(&h->conns)) != NULL) {
		struct http_conn *hc = LIST_OWNER(node, struct http_conn, node);

		conn_own(hc->conn, NULL, NULL);
		conn_abort(hc->conn, "server stops");
		on_closed(hc, "server stops");
	}
	free(h);
}

void http_server_max_body(struct http_server *h, size_t octets)
{
	h->max_body = octets < L_HTTP_MESSAGE ? octets : L_HTTP_MESSAGE;
}

void http_serve(void *server, struct conn *c)
{
	struct http_server *h = server;
	struct http_conn *hc;

	if (h->count >= L_HTTP_CONNS) {
		refuse(c, 503, false);
		return;
	}
	hc = NEW(struct http_conn);
	hc->server = h;
	hc->conn = c;
	buf_init(&hc->body, h->max_body);
	h->count++;
	list_push(&h->conns, &hc->node);
	conn_own(c, &events, hc);
	conn_deadline(c, L_HTTP_SECONDS, "request");
}

struct buf http_reply_take_body(struct http_reply *r)
{
	struct buf body = r->conn->body;

	buf_init(&r->conn->body, r->conn->server->max_body);
	return (body);
}

void http_reply_send(struct http_reply *r, int status, const char *content_type, struct slice body)
{
	struct http_conn *hc = r->conn;

	if (hc != NULL) {
		hc->keep_alive = r->keep_alive;
		send_reply(
		    hc->conn, status, content_type, body, r->is_head, r->keep_alive, &hc->rest);
		hc->reply = NULL;
		forget_request(hc);
		if (hc->rest.n == 0)
			answered(hc);
		else
			conn_deadline(hc->conn, L_HTTP_SECONDS, "answer");
	}
	free(r);
}

void http_reply_on_gone(struct http_reply *r, void (*on_gone)(void *self), void *self)
{
	r->on_gone = on_gone;
	r->self = self;
}
