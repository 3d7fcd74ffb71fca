/* Who is connected, and how do all of them end? Listeners hand over connections; main.c drains. */
#include "imap/imap.h"

#include <stdlib.h>

#include "core/mem.h"
#include "imap/session.h"
#include "imap/trace.h"

struct imap_server *imap_server_new(struct loop *l, struct work *w, struct store *s,
    struct tls *tls, const struct cfg *cfg)
{
	struct imap_server *srv = NEW(struct imap_server);

	srv->loop = l;
	srv->store = s;
	srv->tls = tls;
	srv->cfg = cfg;
	list_init(&srv->sessions);
	srv->traces = traces_new(srv, w);
	return (srv);
}

void imap_server_reload(struct imap_server *srv, const struct cfg *cfg)
{
	srv->cfg = cfg;
	traces_reload(srv->traces);
	/* An account that is gone is out, now: its sessions hold nothing that would outlive it. */
	LIST_EACH(&srv->sessions, it)
	{
		struct imap *s = LIST_OWNER(it, struct imap, node);

		if (s->account != NULL && account_is_gone(s->account))
			session_leave(s);
	}
}

static void accept_one(struct imap_server *srv, struct conn *c, bool is_tls)
{
	if (srv->draining) {
		conn_abort(c, "draining");
		return;
	}
	srv->counts.sessions++;
	srv->counts.live++;
	session_open(srv, c, is_tls);
}

void imap_accept(void *server, struct conn *c)
{
	accept_one(server, c, false);
}

void imap_accept_tls(void *server, struct conn *c)
{
	accept_one(server, c, true);
}

static void tell_idle(void *self)
{
	struct imap_server *srv = self;

	srv->later = NULL;
	srv->on_idle(srv->idle_self);
}

void server_look_idle(struct imap_server *srv)
{
	if (srv->draining && list_empty(&srv->sessions) && traces_idle(srv->traces) &&
	    srv->later == NULL)
		srv->later = loop_later(srv->loop, tell_idle, srv);
}

void server_gone(struct imap_server *srv, struct imap *s)
{
	list_drop(&s->node);
	if (srv == NULL)
		return;
	srv->counts.live--;
	if (s->account != NULL)
		srv->counts.logged_in--;
	server_look_idle(srv);
}

void imap_server_drain(struct imap_server *srv, void (*on_idle)(void *self), void *self)
{
	srv->draining = true;
	srv->on_idle = on_idle;
	srv->idle_self = self;
	LIST_EACH(&srv->sessions, it)
	{
		session_leave(LIST_OWNER(it, struct imap, node));
	}
	server_look_idle(srv);
}

void imap_server_free(struct imap_server *srv)
{
	if (srv == NULL)
		return;
	later_cancel(srv->later);
	LIST_EACH(&srv->sessions, it)
	{
		struct imap *s = LIST_OWNER(it, struct imap, node);

		session_abandon(s);
	}
	traces_free(srv->traces);
	free(srv);
}

void imap_server_counts(const struct imap_server *srv, struct imap_server_counts *ret)
{
	*ret = srv->counts;
	ret->idle = 0;
	for (const struct list *it = srv->sessions.next; it != &srv->sessions; it = it->next)
		ret->idle += LIST_OWNER(it, struct imap, node)->idling;
}
