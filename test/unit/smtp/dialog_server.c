/* dialog_server.c: a receiving server for test/dialog/run.py: dialog_server CONFIG SMTP SUBMISSION
 * SUBMISSIONS (ports on 127.0.0.1). Says "ready", serves until SIGTERM, drains, frees everything,
 * so that a leak or a session that will not end shows. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/listen.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/secret.h"
#include "dkim/sign.h"
#include "msg/charset.h"
#include "smtp/smtp.h"

#include "dialog_world.h"

struct world {
	struct loop *loop;
	struct work *work;
	struct store *store;
	struct listeners *listeners;
	struct smtp_server *server;
	struct classifier *classifier;
	struct smtp_deps deps;
	char **ports;
};

static void on_fault(void *self, const char *text)
{
	(void)self;
	(void)fprintf(stderr, "%s\n", text);
}

static void on_store_closed(void *self)
{
	struct world *w = self;

	loop_stop(w->loop);
}

static void on_idle(void *self)
{
	struct world *w = self;

	smtp_server_free(w->server);
	w->server = NULL;
	listeners_free(w->listeners);
	dialog_world_stop(w->classifier);
	store_close(w->store, on_store_closed, w);
}

static void on_signal(void *self, int signo)
{
	struct world *w = self;

	(void)signo;
	listeners_stop(w->listeners);
	smtp_server_drain(w->server, on_idle, w);
}

static void fail(const char *what, const struct err *err)
{
	(void)fprintf(stderr, "%s: %s\n", what, err->text);
	exit(1);
}

static void on_world_ready(void *self, struct classifier *classifier)
{
	static void (*const accepts[])(void *, struct conn *) = { smtp_accept_mx,
		smtp_accept_submission, smtp_accept_submissions };
	struct listen_caps caps = {
		.conn = 1000, .conn_per_source = 1000, .conn_guests = 1000, .conn_rate = 100000
	};
	struct world *w = self;
	struct err err = { 0 };
	struct ip local;

	w->deps.classifier = w->classifier = classifier;
	if ((w->server = smtp_server_new(&w->deps, &err)) == NULL)
		fail("server", &err);
	w->listeners = listeners_new(w->loop, &caps);
	(void)ip_parse(SLICE("127.0.0.1"), &local);
	for (size_t i = 0; i < COUNT_OF(accepts); i++)
		if (listen_bind(w->listeners, false, &local,
			(unsigned)strtoul(w->ports[i], NULL, 10), accepts[i], w->server, NULL,
			&err) == -1)
			fail("listen", &err);
	listeners_start(w->listeners);
	loop_on_signal(w->loop, SIGTERM, on_signal, w);
	(void)printf("ready\n");
	(void)fflush(stdout);
}

int main(int argc, char **argv)
{
	struct world w = { .ports = argv + 2 };
	struct err err = { 0 };
	struct cfg *cfg;

	if (argc != 5)
		return (64);
	(void)signal(SIGPIPE, SIG_IGN);
	work_setup();
	if (secret_init() == -1)
		return (1);
	charset_setup();
	if ((cfg = cfg_load(argv[1], on_fault, NULL)) == NULL)
		return (78);
	if (chdir(cfg->data) == -1)
		return (1);
	if (tls_self_signed(cfg->hostname, "cert.pem", "key.pem", &err) == -1)
		fail("certificate", &err);
	for (const struct cfg_domain *d = cfg->domains; d != NULL; d = d->next) {
		char *name = mem_strndup(d->name.p, d->name.n);

		if (!slice_starts(d->name, SLICE("keyless")) &&
		    dkim_keys_make(name, "20260101", &err) == -1)
			fail("keys", &err);
		free(name);
	}
	w.loop = loop_new();
	w.work = work_new(w.loop);
	if ((w.store = store_open(w.loop, w.work, cfg, &err)) == NULL)
		fail("store", &err);
	w.deps = (struct smtp_deps){ .loop = w.loop, .work = w.work, .store = w.store, .cfg = cfg };
	if ((w.deps.tls = tls_server_new("cert.pem", "key.pem", "smtp", &err)) == NULL)
		fail("tls", &err);
	dialog_world_start(w.store, cfg, on_world_ready, &w);
	loop_run(w.loop);
	work_free(w.work);
	loop_free(w.loop);
	tls_free(w.deps.tls);
	cfg_free(cfg);
	return (0);
}
