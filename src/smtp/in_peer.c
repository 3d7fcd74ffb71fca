/* in_peer.c: what does DNS say about the address of this peer? And which lists in the DNS know it? Asks and
 * keeps; what an answer is worth is spam/'s, what a name is dkim/iprev.h's, how lists are asked
 * spam/lists.h's. A question that fails leaves its fact unknown (P14). */
#include "smtp/in_peer.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "dkim/iprev.h"
#include "spam/lists.h"
#include "spam/gather.h"

struct smtp_peer {
	unsigned holders;
	unsigned open; /* questions without an answer */
	struct iprev *iprev;
	struct list_asks *lists; /* owned */
	const struct cfg_filters
	    *filters; /* as they were when it connected; see struct inbound.cfg */
	enum fact has_rdns, fcrdns, residential;
	char rdns[L_DOMAIN + 1]; /* empty: none, or not known */
	void (*on_known)(void *self);
	void *self;
};

/* An answer came. Last act of its callback: may free the peer. */
static void answered(struct smtp_peer *p)
{
	void (*on_known)(void *) = p->on_known;

	if (--p->open > 0 || on_known == NULL)
		return;
	p->on_known = NULL;
	on_known(p->self);
}

static void on_iprev(void *self, const struct iprev_result *r)
{
	struct smtp_peer *p = self;
	struct facts found = { 0 };

	p->iprev = NULL;
	gather_peer(r, p->filters, &found);
	p->has_rdns = found.has_rdns;
	p->fcrdns = found.fcrdns;
	p->residential = found.residential;
	if (found.rdns.n > 0 && found.rdns.n < sizeof(p->rdns)) {
		memcpy(p->rdns, found.rdns.p, found.rdns.n);
		p->rdns[found.rdns.n] = '\0';
	}
	answered(p);
}

static void on_lists(void *self)
{
	answered(self);
}

bool smtp_peer_may_ask(const struct cfg *cfg, const struct ip *address)
{
	return (gather_may_ask(cfg, address));
}

struct smtp_peer *smtp_peer_ask(struct smtp_server *server, const struct ip *address)
{
	struct smtp_peer *p;

	if (server->deps.dns == NULL || !gather_has_name(server->cfg, address))
		return (NULL);
	p = NEW(struct smtp_peer);
	p->holders = 1;
	p->filters = &server->cfg->filter;
	if ((p->iprev = iprev_start(server->deps.dns, address, on_iprev, p)) != NULL)
		p->open++;
	if (server->lists != NULL && lists_want(server->lists, LIST_ADDRESS)) {
		p->lists = list_asks_new(server->lists, NULL);
		list_asks_address(p->lists, address);
		if (!list_asks_known(p->lists)) {
			list_asks_await(p->lists, on_lists, p);
			p->open++;
		}
	}
	return (p);
}

struct smtp_peer *smtp_peer_hold(struct smtp_peer *p)
{
	if (p != NULL)
		p->holders++;
	return (p);
}

void smtp_peer_release(struct smtp_peer *p)
{
	if (p == NULL || --p->holders > 0)
		return;
	iprev_cancel(p->iprev);
	list_asks_free(p->lists);
	free(p);
}

bool smtp_peer_known(const struct smtp_peer *p)
{
	return (p == NULL || p->open == 0);
}

void smtp_peer_await(struct smtp_peer *p, void (*on_known)(void *self), void *self)
{
	p->on_known = on_known;
	p->self = self;
}

void smtp_peer_facts(const struct smtp_peer *p, struct facts *ret)
{
	if (p == NULL)
		return;
	ret->has_rdns = p->has_rdns;
	ret->fcrdns = p->fcrdns;
	ret->residential = p->residential;
	ret->rdns = slice_of(p->rdns);
	ret->listed_n = list_asks_hits(p->lists, &ret->listed);
}
