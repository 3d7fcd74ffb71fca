/* local.c: how does a command work when no server runs? It opens the store as the server would,
 * hands in the request, and closes again. */
#include "admin/client.h"

#include <sys/stat.h>
#include <unistd.h>

#include "core/dns.h"
#include "core/loop.h"
#include "core/secret.h"
#include "dkim/suffixes.h"
#include "msg/charset.h"

struct local {
	struct loop *loop;
	struct work *work;
	struct store *store;
	struct dns *dns;
	struct suffixes *suffixes;
	struct ops ops;
	const struct ops_request *request;
	struct client_answer *answer;
	struct err *err;
	bool failed, closing;
};

static void on_closed(void *self)
{
	struct local *l = self;

	loop_stop(l->loop);
}

static void local_close(struct local *l)
{
	l->closing = true;
	classifier_stop(l->ops.classifier);
	store_close(l->store, on_closed, l);
}

static void on_answer(void *self, int status, const char *type, struct slice body)
{
	struct local *l = self;

	(void)type;
	l->answer->status = status;
	(void)buf_add_slice(&l->answer->body, body);
	local_close(l);
}

static void on_ready(void *self, const struct err *err)
{
	struct local *l = self;

	if (err != NULL) {
		*l->err = *err;
		l->failed = true;
		local_close(l);
		return;
	}
	(void)ops_run(&l->ops, l->request, on_answer, l);
}

/* What a message that is explained asks about its sender. Without a resolver it is explained on what is
 * known. */
static void open_questions(struct local *l, const struct cfg *cfg)
{
	struct dns_config dns = { .forward = cfg->dns.forward,
		.forward_n = cfg->dns.forward_n,
		.trust_anchor = cfg->dns.trust_anchor,
		.timeout_ms = cfg->dns.timeout_ms,
		.run_dir = "run" };
	struct err err;

	charset_setup();
	if ((l->suffixes = suffixes_open(NULL, &err)) != NULL)
		l->dns = dns_new(l->loop, &dns, &err);
	l->ops.suffixes = l->suffixes;
	l->ops.dns = l->dns;
}

int local_do(const struct cfg *cfg, const char *method, const char *path, struct slice body,
    struct client_answer *ret, struct err *err)
{
	struct slice target = slice_of(path);
	struct ops_request request = { .method = slice_of(method), .body = body };
	struct local l = { .request = &request, .answer = ret, .err = err };

	(void)slice_cut(target, '?', &request.path, &request.query);
	if (chdir(cfg->data) == -1)
		return (err_errno(err, "enter the data folder %s", cfg->data));
	(void)umask(077); /* what is made here is the owner's alone */
	if (secret_init() == -1)
		return (err_set(err, ERR_TEMPORARY, "the kernel gives no random numbers"));
	work_setup();
	l.loop = loop_new();
	l.work = work_new(l.loop);
	buf_init(&ret->body, 80 << 20);
	if ((l.store = store_open(l.loop, l.work, cfg, err)) == NULL) {
		l.failed = true;
	} else {
		l.ops = (struct ops){ .loop = l.loop, .store = l.store, .cfg = cfg };
		if (slice_eq(request.path, SLICE("/explain")))
			open_questions(&l, cfg);
		if (slice_starts(request.path, SLICE("/spam/")) ||
		    slice_starts(request.path, SLICE("/quarantine/")) || /* it teaches */
		    l.ops.suffixes != NULL)
			l.ops.classifier = classifier_start(l.store, on_ready, &l);
		else
			on_ready(&l, NULL);
		loop_run(l.loop);
	}
	dns_free(l.dns);
	suffixes_free(l.suffixes);
	work_free(l.work);
	loop_free(l.loop);
	return (l.failed ? -1 : 0);
}
