/* http.h: a strict HTTP/1.1 server on conn: unix socket or loopback TCP. One request a connection,
 * or several on keep-alive. Refused: Transfer-Encoding, duplicate Host or Content-Length, folding,
 * bare LF, heads over L_HTTP, bodies over L_HTTP_BODY (or what http_server_max_body allows, at most
 * L_HTTP_MESSAGE). */
#ifndef CORE_HTTP_H
#define CORE_HTTP_H

#include "core/buf.h"
#include "core/conn.h"
#include "core/cursor.h"

struct http_request {
	struct slice method, path,
	    query; /* path without query, percent-decoded strictly; query raw */
	struct slice host, origin, content_type;
	struct slice body;
	bool keep_alive;
	size_t content_length;
	int refusal; /* with TAKE_BAD: the status to answer: 400 405 413 414 431 501 505 */
};

/* http_parse: head only (http_parse.c; fuzzed). TAKE_OK sets *ret_head to its length with the blank
 * line. Slices point into in, which may be changed in place by percent-decoding. */
enum take http_parse(char *in, size_t n, struct http_request *ret, size_t *ret_head);

struct http_reply;
/* A handler answers at once or keeps the reply and answers later; http_reply_send exactly once,
 * unless told gone. */
typedef void http_handler(void *self, const struct http_request *q, struct http_reply *r);

struct http_server;
struct http_server *http_server_new(
    struct loop *l, http_handler *handler, void *self, const char *const *hosts);
/* ${hosts}: Host values accepted (NULL-terminated), besides none; others get 421 (DNS rebinding). A
 * request with Origin gets 403. */
void http_server_max_body(struct http_server *h, size_t octets);
void http_server_free(struct http_server *h);
void http_serve(void *server, struct conn *c); /* fits listen_bind's and listen_unix's on_conn */
/* The request's body, handed over: what q->body points into stays as long as the caller keeps it. At
 * most once, in the handler. */
struct buf http_reply_take_body(struct http_reply *r);
void http_reply_send(struct http_reply *r, int status, const char *content_type, struct slice body);
void http_reply_on_gone(struct http_reply *r, void (*on_gone)(void *self),
    void *self); /* the client left first: forget r */

#endif
