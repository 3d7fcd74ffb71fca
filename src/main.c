/* main.c: brings the parts together and takes them down: configuration, sockets, sandbox, store,
 * servers, run, drain. Sees all folders, decides nothing about mail. Order of start: CATALOGUE 4.1:
 * bind, drop, then threads, then the call filter. Leaves what happens while all runs to serve/: a
 * reload, what status shows. Commands other than "serve" are rows of admin/commands.c. */
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin/commands.h"
#include "core/clock.h"
#include "core/dns.h"
#include "core/http.h"
#include "core/jail.h"
#include "core/limits.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/secret.h"
#include "core/service.h"
#include "core/work.h"
#include "dkim/suffixes.h"
#include "msg/charset.h"
#include "serve/server.h"
#include "spam/wrote.h"

enum { DRAIN_MS = 9000, WATCHDOG_MIN_MS = 1000 };

/* --- the end: SIGTERM drains --- */

static void on_store_closed(void *self)
{
	struct server *s = self;

	loop_stop(s->loop);
}

static void close_store(struct server *s)
{
	wrote_stop(s->wrote);
	s->wrote = NULL;
	classifier_stop(s->classifier);
	s->classifier = NULL;
	store_close(s->store, on_store_closed, s);
}

static void part_idle(void *self)
{
	struct server *s = self;

	if (--s->draining > 0)
		return;
	timer_cancel(s->drain_timer);
	s->drain_timer = NULL;
	close_store(s);
}

static void drain_over(
    void *self) /* somebody would not end: what is not acknowledged is nobody's loss */
{
	struct server *s = self;

	s->drain_timer = NULL;
	log_event(LOG_WARN, NULL, "stop", "why", "sessions were still open after 9 s", NULL);
	log_stop();
	_exit(s->exit_code);
}

static void stop(struct server *s)
{
	if (s->stopping)
		return;
	s->stopping = true;
	service_tell("STOPPING=1");
	log_event(LOG_INFO, NULL, "stopping", NULL);
	s->ops.ready = false;
	server_reload_stop(s);
	listeners_stop(s->listeners);
	http_server_free(s->http);
	s->http = NULL;
	timer_cancel(s->watchdog);
	s->watchdog = NULL;
	s->drain_timer = timer_start(s->loop, DRAIN_MS, drain_over, s);
	s->draining = 3;
	imap_server_drain(s->imap, part_idle, s);
	smtp_server_drain(s->smtp, part_idle, s);
	smtp_sender_drain(s->sender, part_idle, s);
}

static void on_terminate(void *self, int signo)
{
	(void)signo;
	stop(self);
}

/* --- the start --- */

static void queue_changed(void *self)
{
	smtp_sender_wake(((struct server *)self)->sender);
}

static int trace(void *self, struct slice account, unsigned minutes, struct err *err)
{
	return (imap_server_trace(((struct server *)self)->imap, account, minutes, err));
}

static void watchdog_feed(void *self)
{
	struct server *s = self;

	service_tell("WATCHDOG=1");
	s->watchdog = timer_start(s->loop, service_watchdog_ms(), watchdog_feed, s);
}

static void on_ready(void *self, const struct err *err)
{
	struct server *s = self;

	if (err != NULL)
		log_event(LOG_ERROR, NULL, "classifier", "why", err->text, "next",
		    "mail is judged without it", NULL);
	listeners_start(s->listeners);
	s->ops.ready = true;
	log_event(LOG_INFO, NULL, "ready", "version", PENNYPOST_VERSION, "hostname",
	    s->cfg->hostname, NULL);
	(void)fputs("ready\n", stdout);
	(void)fflush(stdout);
	service_tell("READY=1");
	if (service_watchdog_ms() >= WATCHDOG_MIN_MS)
		watchdog_feed(s);
}

/* Connections arrive here before the servers exist only in name: listeners start last. */
static void accept_smtp(void *self, struct conn *c)
{
	smtp_accept_mx(((struct server *)self)->smtp, c);
}

static void accept_submission(void *self, struct conn *c)
{
	smtp_accept_submission(((struct server *)self)->smtp, c);
}

static void accept_submissions(void *self, struct conn *c)
{
	smtp_accept_submissions(((struct server *)self)->smtp, c);
}

static void accept_imap(void *self, struct conn *c)
{
	imap_accept(((struct server *)self)->imap, c);
}

static void accept_imaps(void *self, struct conn *c)
{
	imap_accept_tls(((struct server *)self)->imap, c);
}

static void accept_http(void *self, struct conn *c)
{
	http_serve(((struct server *)self)->http, c);
}

#define BUSY_SMTP "421 4.7.0 Too many connections from your network, try again later\r\n"

static const struct {
	void (*on_conn)(void *self, struct conn *c);
	const char *refusal;
} services[SERVICE_COUNT] = {
	[SERVICE_SMTP] = { accept_smtp, BUSY_SMTP },
	[SERVICE_SUBMISSION] = { accept_submission, BUSY_SMTP },
	[SERVICE_SUBMISSIONS] = { accept_submissions, NULL },
	[SERVICE_IMAP] = { accept_imap,
	    "* BYE [LIMIT] Too many connections from your network, try again later\r\n" },
	[SERVICE_IMAPS] = { accept_imaps, NULL },
};

/* CFG-06: what could not be, and which setting asked for it. -1. */
static int name_setting(struct err *err, const char *table, const char *service)
{
	struct err why = *err;

	return (err_set(err, why.kind, "%s of the configuration, service \"%s\": %s", table,
	    service, why.text));
}

static int bind_all(struct server *s, struct err *err)
{
	struct listen_caps caps = server_caps(s->cfg);

	s->listeners = listeners_new(s->loop, &caps);
	for (const struct cfg_listen *l = s->cfg->listens; l != NULL; l = l->next)
		if (listen_bind(s->listeners, l->any, &l->address, l->port,
			services[l->service].on_conn, s, services[l->service].refusal, err) == -1)
			return (name_setting(err, "[[listen]]", cfg_service_name(l->service)));
	if (s->cfg->status.has &&
	    listen_bind(s->listeners, false, &s->cfg->status.address, s->cfg->status.port,
		accept_http, s, NULL, err) == -1)
		return (name_setting(err, "[status]", "http"));
	return (0);
}

/* Folder of a path, for the sandbox: renewed certificates come by rename. */
static const char *folder_of(struct arena *a, const char *path)
{
	size_t at = slice_rchr(slice_of(path), '/');

	return (at == SIZE_MAX ? "."
		: at == 0      ? "/"
			       : arena_strdup(a, slice_head(slice_of(path), at)));
}

/* The folder a link leads to: where a renewed certificate really lies. */
static const char *real_folder_of(struct arena *a, const char *path)
{
	char *real = realpath(path, NULL);
	const char *folder = folder_of(a, real != NULL ? real : path);

	free(real);
	return (folder);
}

static int close_in(
    struct server *s, struct arena *a, struct err *err) /* Landlock: before any thread */
{
	const char *patterns = s->cfg->filter.patterns_file; /* read again at each reload */
	const struct jail_path paths[] = {
		{ ".", true },
		{ patterns != NULL ? folder_of(a, patterns) : ".", false },
		{ folder_of(a, s->config_path), false },
		{ folder_of(a, s->cfg->tls.certificate), false },
		{ folder_of(a, s->cfg->tls.key), false },
		{ real_folder_of(a, s->cfg->tls.certificate), false },
		{ real_folder_of(a, s->cfg->tls.key), false },
		{ "/etc/ssl", false },
		{ "/usr/share/dns", false },
		{ "/usr/share/zoneinfo", false },
		{ "/etc/localtime", false },
		{ "/usr/lib", false },
		{ "/dev/urandom", false },
	};
	int level = jail_paths(paths, COUNT_OF(paths), err);

	if (level == -1)
		return (-1);
	s->ops.sandbox.landlock = level;
	return (0);
}

static int start_dns(struct server *s, struct err *err)
{
	struct dns_config dns = { .forward = s->cfg->dns.forward,
		.forward_n = s->cfg->dns.forward_n,
		.trust_anchor = s->cfg->dns.trust_anchor,
		.timeout_ms = s->cfg->dns.timeout_ms,
		.run_dir = "run" };

	s->dns = dns_new(s->loop, &dns, err);
	return (s->dns != NULL ? 0 : -1);
}

static int start(struct server *s, struct arena *a, struct err *err)
{
	static const char *const hosts[] = { "pennypost", "localhost", "127.0.0.1", "[::1]", NULL };
	struct smtp_deps deps;

	if ((s->tls_smtp = tls_server_new(s->cfg->tls.certificate, s->cfg->tls.key, "smtp", err)) ==
		NULL ||
	    (s->tls_imap = tls_server_new(s->cfg->tls.certificate, s->cfg->tls.key, "imap", err)) ==
		NULL ||
	    (s->tls_client = tls_client_new(err)) == NULL || bind_all(s, err) == -1 ||
	    (s->suffixes = suffixes_open(NULL, err)) == NULL)
		return (-1);
	if (mkdir(s->cfg->data, 0700) == -1 && access(s->cfg->data, F_OK) == -1)
		return (err_errno(err, "make the data folder %s", s->cfg->data));
	if (chdir(s->cfg->data) == -1)
		return (err_errno(err, "enter the data folder %s", s->cfg->data));
	charset_setup();
	if (jail_drop(".", &s->root_degraded, err) == -1 || close_in(s, a, err) == -1)
		return (-1);
	s->ops.sandbox.root = geteuid() == 0;
	if (mkdir("run", 0700) == -1 && access("run", F_OK) == -1)
		return (err_errno(err, "make %s/run", s->cfg->data));
	log_start();
	s->work = work_new(s->loop);
	if ((s->store = store_open(s->loop, s->work, s->cfg, err)) == NULL ||
	    start_dns(s, err) == -1)
		return (-1);
	s->ops.loop = s->loop;
	s->ops.store = s->store;
	s->ops.cfg = s->cfg;
	s->ops.dns = s->dns;
	s->ops.suffixes = s->suffixes;
	s->ops.started = clock_wall();
	s->ops.each_count = server_each_count;
	s->ops.each_degraded = server_each_degraded;
	s->ops.each_list = server_each_list;
	s->ops.queue_changed = queue_changed;
	s->ops.trace = trace;
	s->ops.each_trace = server_each_trace;
	s->ops.reload = server_reload;
	s->ops.self = s;
	s->classifier = classifier_start(s->store, on_ready, s);
	s->ops.classifier = s->classifier;
	s->wrote = wrote_start(s->store);
	deps = (struct smtp_deps){ s->loop, s->work, s->store, s->dns, s->classifier, s->tls_smtp,
		s->tls_client, s->cfg, s->suffixes };
	if ((s->smtp = smtp_server_new(&deps, err)) == NULL)
		return (-1);
	s->ops.lists = smtp_server_lists(s->smtp);
	s->sender = smtp_sender_new(&deps);
	s->imap = imap_server_new(s->loop, s->work, s->store, s->tls_imap, s->cfg);
	s->http = http_server_new(s->loop, ops_http, &s->ops, hosts);
	http_server_max_body(s->http, L_HTTP_MESSAGE); /* messages to classify and learn */
	if (listen_unix(s->listeners, "run/status.sock", accept_http, s, err) == -1)
		return (-1);
	if (jail_calls(err) == 0)
		s->ops.sandbox.seccomp = true;
	else
		log_event(LOG_WARN, NULL, "sandbox", "why", err->text, NULL);
	return (0);
}

static void server_free(struct server *s)
{
	smtp_sender_free(s->sender);
	smtp_server_free(s->smtp);
	imap_server_free(s->imap);
	dns_free(s->dns);
	suffixes_free(s->suffixes);
	listeners_free(s->listeners);
	work_free(s->work);
	loop_free(s->loop);
	tls_free(s->tls_smtp);
	tls_free(s->tls_imap);
	tls_free(s->tls_client);
	for (size_t i = 0; i < s->spent_n; i++)
		cfg_free(s->spent[i]);
	free(s->spent);
	cfg_free(s->cfg);
}

static int serve(const struct command_line *cl)
{
	struct server s = { 0 };
	struct arena *a;
	struct err err = { 0 };

	(void)mallopt(M_ARENA_MAX, 2);
	if (jail_early(16384, &err) == -1) {
		(void)fprintf(stderr, "pennypost: %s\n", err.text);
		return (EXIT_TEMPORARY);
	}
	(void)signal(SIGPIPE, SIG_IGN);
	if (secret_init() == -1)
		return (EXIT_TEMPORARY);
	if ((s.cfg = command_cfg(cl)) == NULL)
		return (EXIT_CONFIG);
	log_setup(s.cfg->log_level, s.cfg->log_json);
	work_setup();
	service_setup();
	a = arena_new(0);
	s.config_path = realpath(cl->config, NULL);
	list_init(&s.reloads);
	s.loop = loop_new();
	loop_on_signal(s.loop, SIGTERM, on_terminate, &s);
	loop_on_signal(s.loop, SIGINT, on_terminate, &s);
	loop_on_signal(s.loop, SIGHUP, server_hangup, &s);
	if (start(&s, a, &err) == -1) {
		log_event(LOG_ERROR, NULL, "start failed", "why", err.text, NULL);
		log_stop();
		_exit(err.kind == ERR_PERMANENT || err.kind == ERR_PEER || err.kind == ERR_CANNOT
			? EXIT_CONFIG
			: EXIT_TEMPORARY);
	}
	loop_measure(s.loop);
	loop_run(s.loop);
	log_event(LOG_INFO, NULL, "stopped", NULL);
	log_stop();
	server_free(&s);
	free((void *)(uintptr_t)s.config_path);
	arena_free(a);
	return (s.exit_code);
}

int main(int argc, char **argv)
{
	return (command_main(argc, argv, serve));
}
