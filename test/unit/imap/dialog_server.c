/* dialog_server.c: an IMAP server over a real store, for test/dialog/imap.py: dialog_server
 * CONFIG IMAP IMAPS (ports on 127.0.0.1). Every account's password is "secret". Says "ready",
 * serves until SIGTERM, drains, frees everything, so that a leak or a session that will not end
 * shows. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/listen.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/secret.h"
#include "imap/imap.h"
#include "msg/charset.h"

struct world {
	struct loop *loop;
	struct work *work;
	struct store *store;
	struct listeners *listeners;
	struct imap_server *server;
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

	imap_server_free(w->server);
	w->server = NULL;
	listeners_free(w->listeners);
	store_close(w->store, on_store_closed, w);
}

static void on_signal(void *self, int signo)
{
	struct world *w = self;

	(void)signo;
	listeners_stop(w->listeners);
	imap_server_drain(w->server, on_idle, w);
}

static void fail(const char *what, const struct err *err)
{
	(void)fprintf(stderr, "%s: %s\n", what, err->text);
	exit(1);
}

int main(int argc, char **argv)
{
	static void (*const accepts[])(void *, struct conn *) = { imap_accept, imap_accept_tls };
	struct listen_caps caps = {
		.conn = 1000, .conn_per_source = 1000, .conn_guests = 1000, .conn_rate = 100000
	};
	char hash[SECRET_HASH_MAX];
	struct world w = { 0 };
	struct err err = { 0 };
	struct tls *tls;
	struct ip local;
	struct cfg *cfg;

	if (argc != 4)
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
	w.loop = loop_new();
	w.work = work_new(w.loop);
	if ((w.store = store_open(w.loop, w.work, cfg, &err)) == NULL)
		fail("store", &err);
	if (secret_hash(SLICE("secret"), hash) == -1)
		fail("hash", &err);
	for (const struct cfg_account *a = cfg->accounts; a != NULL;
	     a = a->next) /* no lane runs yet */
		if (password_set(w.store, a->name, hash, &err) == -1)
			fail("password", &err);
	if ((tls = tls_server_new("cert.pem", "key.pem", "imap", &err)) == NULL)
		fail("tls", &err);
	w.server = imap_server_new(w.loop, w.work, w.store, tls, cfg);
	w.listeners = listeners_new(w.loop, &caps);
	(void)ip_parse(SLICE("127.0.0.1"), &local);
	for (size_t i = 0; i < COUNT_OF(accepts); i++)
		if (listen_bind(w.listeners, false, &local,
			(unsigned)strtoul(argv[2 + i], NULL, 10), accepts[i], w.server, NULL,
			&err) == -1)
			fail("listen", &err);
	listeners_start(w.listeners);
	loop_on_signal(w.loop, SIGTERM, on_signal, &w);
	(void)printf("ready\n");
	(void)fflush(stdout);
	loop_run(w.loop);
	work_free(w.work);
	loop_free(w.loop);
	tls_free(tls);
	cfg_free(cfg);
	return (0);
}
