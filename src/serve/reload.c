/* reload.c: how does a changed configuration come into force? Between two events, whole or not at all
 * (CFG-05). What blocks for long, the trees of new accounts, is done first, on a lane; the rest in one
 * go on the loop. Reloads take turns. Leaves what each part does with its new keys to the parts.
 * Failures: told, and shown by status; the old configuration stays in force, though the tree of an
 * account that was to be added may have been made. */
#include "serve/server.h"

#include <stdlib.h>

#include "core/loop.h"
#include "core/mem.h"

struct reload {
	struct list node; /* server.reloads */
	struct server *server;
	struct cfg *cfg; /* owned: the new one, while accounts are opened */
	struct later *later;
	void (*on_done)(void *self, const struct err *err); /* NULL: nobody waits for it */
	void *self;
};

static void begin(void *self);

static void keep_first_fault(void *self, const char *text)
{
	struct err *err = self;

	if (err->kind == ERR_NONE)
		(void)err_set(err, ERR_PEER, "%s", text);
	log_event(LOG_ERROR, NULL, "config", "fault", text, NULL);
}

struct listen_caps server_caps(const struct cfg *cfg)
{
	return ((struct listen_caps){ cfg->limits.conn, cfg->limits.conn_per_source,
	    cfg->limits.conn_guests, cfg->limits.conn_rate });
}

static bool same_listens(const struct cfg *a, const struct cfg *b)
{
	const struct cfg_listen *x = a->listens, *y = b->listens;

	for (; x != NULL && y != NULL; x = x->next, y = y->next)
		if (x->service != y->service || x->port != y->port || x->any != y->any ||
		    (!x->any && !ip_eq(&x->address, &y->address)))
			return (false);
	return (x == NULL && y == NULL);
}

static bool same_dns(const struct cfg *a, const struct cfg *b)
{
	bool same = a->dns.forward_n == b->dns.forward_n &&
	    a->dns.timeout_ms == b->dns.timeout_ms &&
	    (a->dns.trust_anchor == NULL) == (b->dns.trust_anchor == NULL) &&
	    (a->dns.trust_anchor == NULL ||
		slice_eq(slice_of(a->dns.trust_anchor), slice_of(b->dns.trust_anchor)));

	for (size_t i = 0; same && i < a->dns.forward_n; i++)
		same = slice_eq(slice_of(a->dns.forward[i]), slice_of(b->dns.forward[i]));
	return (same);
}

static bool same_status(const struct cfg *a, const struct cfg *b)
{
	return (a->status.has == b->status.has &&
	    (!a->status.has ||
		(ip_eq(&a->status.address, &b->status.address) &&
		    a->status.port == b->status.port)));
}

/* What a running server cannot change; NULL: nothing of it did. */
static const char *fixed_change(const struct cfg *a, const struct cfg *b)
{
	return (!slice_eq(slice_of(a->data), slice_of(b->data)) ? "data"
		: !same_listens(a, b)                           ? "[[listen]]"
		: !same_dns(a, b)                               ? "[dns]"
		: !same_status(a, b)                            ? "[status]"
								: NULL);
}

static int reload_certificates(struct server *s, const struct cfg *cfg, struct err *err)
{
	return (tls_reload(s->tls_smtp, cfg->tls.certificate, cfg->tls.key, err) == -1 ||
		    tls_reload(s->tls_imap, cfg->tls.certificate, cfg->tls.key, err) == -1
		? -1
		: 0);
}

/* The file says what it said: certificate and keys may be new. Nothing is kept, however often this
 * comes. */
static int reload_same(struct server *s, struct err *err)
{
	if (reload_certificates(s, s->cfg, err) == -1 || store_reload(s->store, s->cfg, err) == -1)
		return (-1);
	smtp_server_reload(s->smtp, s->cfg);
	smtp_sender_reload(s->sender, s->cfg);
	log_event(LOG_INFO, NULL, "reload", "config", s->config_path, "changed", "no", NULL);
	return (0);
}

/* Its accounts are open. Takes the new configuration over, or leaves it to the caller (-1). */
static int reload_changed(struct server *s, struct cfg *cfg, struct err *err)
{
	struct listen_caps caps;

	if (reload_certificates(s, cfg, err) == -1 || store_reload(s->store, cfg, err) == -1) {
		/* Whole or not at all: nothing may go on looking at what is freed next. */
		(void)store_reload(s->store, s->cfg, NULL);
		(void)reload_certificates(s, s->cfg, NULL);
		return (-1);
	}
	log_setup(cfg->log_level, cfg->log_json);
	caps = server_caps(cfg);
	listeners_set_caps(s->listeners, &caps);
	smtp_server_reload(s->smtp, cfg);
	smtp_sender_reload(s->sender, cfg);
	imap_server_reload(s->imap, cfg);
	s->ops.cfg = cfg;
	s->spent = mem_grow(s->spent, s->spent_n + 1, sizeof(struct cfg *));
	s->spent[s->spent_n++] = s->cfg;
	s->cfg = cfg;
	log_event(LOG_INFO, NULL, "reload", "config", s->config_path, NULL);
	return (0);
}

/* Ends it; the next one, if any, has its turn. */
static void finish(struct reload *r, const struct err *fault)
{
	struct server *s = r->server;

	s->reload_fault = fault != NULL ? *fault : (struct err){ 0 };
	if (fault != NULL)
		log_event(LOG_ERROR, NULL, "reload refused", "why", fault->text, "next",
		    "the old configuration stays in force", NULL);
	list_drop(&r->node);
	if (r->on_done != NULL)
		r->on_done(r->self, fault);
	cfg_free(r->cfg);
	free(r);
	if (!list_empty(&s->reloads) && !s->stopping) {
		r = LIST_OWNER(s->reloads.next, struct reload, node);
		r->later = loop_later(s->loop, begin, r);
	}
}

static void on_accounts_open(void *self, const struct err *err)
{
	struct reload *r = self;
	struct err fault = { 0 };

	if (err != NULL)
		fault = *err;
	else if (r->server->stopping)
		(void)err_set(&fault, ERR_TEMPORARY, "the server is stopping");
	else if (reload_changed(r->server, r->cfg, &fault) == 0)
		r->cfg = NULL; /* the server's now */
	finish(r, fault.kind != ERR_NONE ? &fault : NULL);
}

static void begin(void *self)
{
	struct reload *r = self;
	struct server *s = r->server;
	struct err fault = { 0 };
	const char *fixed;

	r->later = NULL;
	if ((r->cfg = cfg_load(s->config_path, keep_first_fault, &fault)) == NULL) {
		finish(r, &fault); /* the faults are told already */
	} else if (r->cfg->text_hash == s->cfg->text_hash) {
		finish(r, reload_same(s, &fault) == -1 ? &fault : NULL);
	} else if ((fixed = fixed_change(r->cfg, s->cfg)) != NULL) {
		(void)err_set(&fault, ERR_PEER,
		    "%s cannot change while the server runs; restart it", fixed);
		finish(r, &fault);
	} else {
		store_prepare(s->store, r->cfg, on_accounts_open, r);
	}
}

void server_reload(void *server, void (*on_done)(void *self, const struct err *err), void *self)
{
	struct server *s = server;
	struct reload *r = NEW(struct reload);

	r->server = s;
	r->on_done = on_done;
	r->self = self;
	if (list_empty(&s->reloads))
		r->later = loop_later(s->loop, begin, r);
	list_push(&s->reloads, &r->node);
}

void server_hangup(void *server, int signo)
{
	struct server *s = server;
	const struct list *last = s->reloads.prev;

	(void)signo;
	if (s->stopping)
		return;
	/* One that has not begun will read the file as it is now. */
	if (list_empty(&s->reloads) || last == s->reloads.next)
		server_reload(s, NULL, NULL);
}

void server_reload_stop(struct server *s)
{
	struct list *node = s->reloads.next, *next;
	struct err stops = { 0 };

	(void)err_set(&stops, ERR_TEMPORARY, "the server is stopping");
	for (; node != &s->reloads; node = next) {
		struct reload *r = LIST_OWNER(node, struct reload, node);

		next = node->next;
		if (r->cfg != NULL)
			continue; /* on_accounts_open comes */
		later_cancel(r->later);
		finish(r, &stops);
	}
}
