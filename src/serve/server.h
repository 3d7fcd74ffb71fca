/* server.h: the running server, as main.c (start and end), reload.c and shown.c see it. */
#ifndef SERVE_SERVER_H
#define SERVE_SERVER_H

#include "admin/ops.h"
#include "core/list.h"
#include "core/listen.h"
#include "core/tls.h"
#include "imap/imap.h"
#include "smtp/smtp.h"

struct http_server;
struct wrote;
struct timer;

struct server {
	const char *config_path;
	struct cfg *cfg;    /* owned */
	struct cfg **spent; /* owned: replaced by reloads; sessions may still look at them */
	size_t spent_n;
	struct loop *loop;
	struct work *work;
	struct listeners *listeners;
	struct tls *tls_smtp, *tls_imap, *tls_client;
	struct dns *dns;
	struct suffixes *suffixes;
	struct store *store;
	struct classifier *classifier;
	struct wrote *wrote;
	struct smtp_server *smtp;
	struct smtp_sender *sender;
	struct imap_server *imap;
	struct http_server *http;
	struct ops ops;
	const char *root_degraded; /* NULL: privileges were given up */
	struct list reloads;     /* reload.c: asked for and not answered; the first is under way */
	struct err reload_fault; /* kind ERR_NONE: the last reload was good */
	struct timer *drain_timer, *watchdog;
	unsigned draining; /* parts that are not idle yet */
	bool stopping;
	int exit_code;
};

/* --- reload.c --- */
/* server_reload: apply the changed configuration, whole or not at all. Calls back once, never before
 * it returns; the answer of one that waits for another comes after it. */
void server_reload(void *server, void (*on_done)(void *self, const struct err *err), void *self);
void server_hangup(void *server, int signo); /* SIGHUP: the same, asked by nobody in particular */
/* The server stops: what waits is answered so. One that opens accounts is answered once they are
 * open, before the store is closed. */
void server_reload_stop(struct server *s);
struct listen_caps server_caps(const struct cfg *cfg);

/* --- shown.c: what status asks of the other folders, for struct ops --- */
void server_each_degraded(void *server, void (*on_reason)(void *arg, const char *why), void *arg);
void server_each_trace(void *server,
    void (*on_trace)(void *arg, const char *account, int64_t until, unsigned files), void *arg);
void server_each_list(
    void *server, void (*on_list)(void *arg, const struct list_status *l), void *arg);
void server_each_count(void *server,
    void (*on_count)(void *arg, const char *group, const char *name, uint64_t value, bool counter),
    void *arg);

#endif
