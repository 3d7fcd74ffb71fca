/* ops.h: everything that can be asked of, or done to, a mail server, as requests: the status socket
 * hands them in over HTTP; a command whose server does not run opens the store itself and hands in
 * the same request (local.h). So there is one way in, and never two writers (CFG-09). */
#ifndef ADMIN_OPS_H
#define ADMIN_OPS_H

#include "core/buf.h"
#include "core/json.h"
#include "spam/classifier.h"
#include "spam/lists.h"
#include "store/store.h"

struct dns;
struct suffixes;
struct smtp_server;
struct smtp_sender;
struct imap_server;

struct ops { /* all borrowed; NULL where there is none (a command working alone) */
	struct loop *loop;
	struct store *store;
	struct classifier *classifier;
	struct dns *dns;
	const struct suffixes *suffixes;
	struct lists *lists; /* spam/lists.h */
	const struct cfg *cfg;
	bool ready;
	int64_t started; /* wall seconds */
	struct {
		int landlock; /* ABI level; 0: the kernel has none */
		bool seccomp, root;
	} sandbox;
	/* What other folders can tell, through main.c, since they do not see each other. */
	/* Calls back for each counter or gauge: "smtp", "accepted", 12, true. */
	void (*each_count)(void *self,
	    void (*on_count)(
		void *arg, const char *group, const char *name, uint64_t value, bool counter),
	    void *arg);
	/* Calls back for each thing that is not well, in words with the remedy. */
	void (*each_degraded)(void *self, void (*on_reason)(void *arg, const char *why), void *arg);
	void (*queue_changed)(void *self); /* wake the sender */
	/* Trace an account's sessions for so many minutes, 0: no longer; and which are traced. */
	int (*trace)(void *self, struct slice account, unsigned minutes, struct err *err);
	void (*each_trace)(void *self,
	    void (*on_trace)(void *arg, const char *account, int64_t until, unsigned files),
	    void *arg);
	/* The lists in the DNS, and how they are. */
	void (*each_list)(
	    void *self, void (*on_list)(void *arg, const struct list_status *l), void *arg);
	/* Calls back once, later. */
	void (*reload)(
	    void *self, void (*on_done)(void *arg, const struct err *err), void *arg);
	void *self;
};

struct ops_request {
	struct slice method, path, query, body;
	struct buf *taken; /* NULL, or what ${body} lies in: it may be large, so it is handed over */
};
/* body is valid during the call. */
typedef void ops_answer(void *self, int status, const char *content_type, struct slice body);

struct ops_call; /* one request under way */
/* ops_run: later, never before it returns, on_answer once; ops_cancel promises silence, though what
 * was begun is finished. The request is copied, but for a body that is handed over. */
struct ops_call *ops_run(
    struct ops *o, const struct ops_request *q, ops_answer *on_answer, void *self);
void ops_cancel(struct ops_call *c); /* accepts NULL */

/* An http_handler over ops: self is the struct ops. */
struct http_request;
struct http_reply;
void ops_http(void *ops, const struct http_request *q, struct http_reply *r);

#endif
