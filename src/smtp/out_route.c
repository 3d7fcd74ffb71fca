/* out_route.c: at which addresses do we try to hand over mail for this domain, and in which
 * order? MX by preference, shuffled among equals; none: the domain's own addresses; a lone dot:
 * nowhere, ever. Of one host at most two addresses where there are several hosts, so that none
 * hides the others, and at most L_OUT_ADDRESSES in all (OUT-13). Never ourselves, never private
 * addresses unless the owner allows them. RFC 5321 5.1, RFC 7505. Answers: ROUTE_OK;
 * ROUTE_TEMPORARY (DNS); ROUTE_PERMANENT (5.1.2, 5.1.10, 5.4.4, 5.4.6). */
#include "smtp/out_int.h"

#include <stdlib.h>

#include "core/domain.h"
#include "core/mem.h"
#include "core/secret.h"

enum { HOSTS = 2 * L_OUT_ADDRESSES, EACH = 2, FOUND = 8 };

struct mx {
	unsigned preference;
	uint16_t shuffle;
	const char *name;
};

struct out_route {
	struct loop *loop;
	struct dns *dns;
	const struct cfg *cfg;
	struct arena *arena; /* borrowed */
	struct slice domain;
	unsigned port;
	bool is_smarthost;
	struct dns_query *query[2]; /* MX; or A and AAAA of host ${at} */
	struct later *turn;
	struct mx hosts[HOSTS];
	size_t n, at;
	bool is_implicit; /* no MX: the domain itself */
	bool some_private, some_temporary, some_self;
	struct ip found[2][FOUND]; /* of the host under way: A, AAAA */
	size_t found_n[2];
	struct out_hosts out;
	void (*on_routed)(void *self, const struct out_hosts *h);
	void *self;
};

static void ask_host(struct out_route *r);

void out_route_cancel(struct out_route *r)
{
	if (r == NULL)
		return;
	dns_cancel(r->query[0]);
	dns_cancel(r->query[1]);
	later_cancel(r->turn);
	free(r);
}

static void end(void *self)
{
	struct out_route *r = self;
	void (*on_routed)(void *owner, const struct out_hosts *h) = r->on_routed;
	void *owner = r->self;
	struct out_hosts out = r->out;

	r->turn = NULL;
	out_route_cancel(r);
	on_routed(owner, &out);
}

static void fail(
    struct out_route *r, enum route_status status, const char *enhanced, const char *why)
{
	r->out.status = status;
	r->out.enhanced = enhanced;
	r->out.why = why;
	end(r);
}

/* --- which addresses --- */

/* An address and port at which we listen for mail: handing it there is a loop. */
static bool is_ourselves(const struct out_route *r, const struct ip *ip)
{
	for (const struct cfg_listen *l = r->cfg->listens; l != NULL; l = l->next)
		if (l->service == SERVICE_SMTP &&
		    r->port == (l->port != 0 ? l->port : cfg_service_port(SERVICE_SMTP)) &&
		    (l->any ? ip_is_loopback(ip) : ip_eq(ip, &l->address)))
			return (true);
	return (false);
}

static void offer(struct out_route *r, const char *name, const struct ip *ip)
{
	struct out_host *h;

	if (!r->is_smarthost && is_ourselves(r, ip)) {
		r->some_self = true;
		return;
	}
	if (!r->is_smarthost && !r->cfg->outbound.allow_private && ip_is_private(ip)) {
		r->some_private = true;
		return;
	}
	if (r->out.n == COUNT_OF(r->out.v)) {
		r->out.cut = true;
		return;
	}
	h = &r->out.v[r->out.n++];
	h->name = name;
	h->ip = *ip;
	h->port = r->port;
}

static void finish(struct out_route *r)
{
	if (r->out.n > 0) {
		r->out.status = ROUTE_OK;
		end(r);
	} else if (r->some_temporary) {
		fail(r, ROUTE_TEMPORARY, "4.4.3",
		    "the addresses of its mail hosts could not be looked up");
	} else if (r->some_self) {
		fail(r, ROUTE_PERMANENT, "5.4.6",
		    "mail for this domain would come back to this host");
	} else if (r->some_private) {
		fail(r, ROUTE_PERMANENT, "5.4.4", "its mail hosts have no public address");
	} else if (r->is_implicit) {
		fail(r, ROUTE_PERMANENT, "5.1.2",
		    "the domain has neither mail hosts nor an address");
	} else {
		fail(r, ROUTE_PERMANENT, "5.4.4", "its mail hosts have no address");
	}
}

static void rotate(struct ip *v, size_t n)
{
	uint32_t by;
	struct ip all[FOUND];

	if (n < 2)
		return;
	secret_random(&by, sizeof(by));
	memcpy(all, v, n * sizeof(*v));
	for (size_t i = 0; i < n; i++)
		v[i] = all[(i + by) % n];
}

static void take_found(struct out_route *r)
{
	const char *name = r->hosts[r->at].name;
	size_t given = 0, most = r->n > 1 ? EACH : FOUND;

	rotate(r->found[0], r->found_n[0]);
	rotate(r->found[1], r->found_n[1]);
	/* One family after the other, so that a host without the newer one costs one refused
	 * connection, not all. */
	for (size_t i = 0; i < FOUND; i++) {
		for (size_t family = 2; family-- > 0;) {
			if (i >= r->found_n[family])
				continue;
			if (given == most)
				r->out.cut = true;
			else
				offer(r, name, &r->found[family][i]);
			given += given < most;
		}
	}
	r->at++;
	ask_host(r);
}

static void note_addresses(struct out_route *r, size_t which, const struct dns_answer *a)
{
	r->query[which] = NULL;
	if (a->status == DNS_TEMPORARY)
		r->some_temporary = true;
	if (a->status == DNS_OK)
		for (size_t i = 0; i < a->n && r->found_n[which] < FOUND; i++)
			r->found[which][r->found_n[which]++] = a->records[i].u.ip;
	if (r->query[1 - which] == NULL)
		take_found(r);
}

static void on_a(void *self, const struct dns_answer *a)
{
	note_addresses(self, 0, a);
}

static void on_aaaa(void *self, const struct dns_answer *a)
{
	note_addresses(self, 1, a);
}

static void ask_host(struct out_route *r)
{
	struct slice name;

	if (r->at >= r->n || r->out.n == COUNT_OF(r->out.v)) {
		r->out.cut = r->out.cut || r->at < r->n;
		finish(r);
		return;
	}
	name = slice_of(r->hosts[r->at].name);
	r->found_n[0] = r->found_n[1] = 0;
	r->query[0] = dns_ask(r->dns, name, DNS_A, on_a, r);
	r->query[1] = dns_ask(r->dns, name, DNS_AAAA, on_aaaa, r);
	if (r->query[0] == NULL || r->query[1] == NULL)
		r->some_temporary = true;
	if (r->query[0] == NULL && r->query[1] == NULL)
		finish(r); /* the resolver takes no questions: others would fail too */
}

/* --- which hosts --- */

static int by_preference(const void *a, const void *b)
{
	const struct mx *x = a, *y = b;

	if (x->preference != y->preference)
		return (x->preference < y->preference ? -1 : 1);
	return (x->shuffle < y->shuffle ? -1 : x->shuffle > y->shuffle);
}

static void add_host(struct out_route *r, unsigned preference, struct slice name)
{
	struct mx *m = &r->hosts[r->n++];

	m->preference = preference;
	m->name = arena_strdup(r->arena, name);
	secret_random(&m->shuffle, sizeof(m->shuffle)); /* RFC 5321 5.1: spread over equals */
}

/* RFC 5321 5.1: if we are one of them, only better ones may be tried. */
static void leave_out_ourselves(struct out_route *r)
{
	struct slice own = slice_of(r->cfg->hostname);

	for (size_t i = 0; i < r->n; i++) {
		if (!slice_ieq(slice_of(r->hosts[i].name), own))
			continue;
		r->some_self = true;
		for (size_t k = 0; k < r->n; k++)
			if (r->hosts[k].preference >= r->hosts[i].preference)
				r->hosts[k].name = NULL;
		break; /* sorted: the first is our best */
	}
	while (r->n > 0 && r->hosts[r->n - 1].name == NULL)
		r->n--;
}

static void on_mx(void *self, const struct dns_answer *a)
{
	struct out_route *r = self;

	r->query[0] = NULL;
	switch (a->status) {
	case DNS_TEMPORARY:
		fail(r, ROUTE_TEMPORARY, "4.4.3", "its mail hosts could not be looked up");
		return;
	case DNS_NO_NAME:
	case DNS_BAD_NAME: fail(r, ROUTE_PERMANENT, "5.1.2", "there is no such domain"); return;
	case DNS_NO_DATA:
		r->is_implicit = true; /* RFC 5321 5.1: the implicit MX */
		add_host(r, 0, r->domain);
		break;
	case DNS_OK:
		if (a->n == 1 && a->records[0].u.mx.host.n == 0) {
			fail(r, ROUTE_PERMANENT, "5.1.10",
			    "the domain takes no mail"); /* RFC 7505 */
			return;
		}
		r->out.cut = a->n > HOSTS;
		for (size_t i = 0; i < a->n && r->n < HOSTS; i++) /* the best, since sorted */
			if (a->records[i].u.mx.host.n > 0)
				add_host(r, a->records[i].u.mx.preference, a->records[i].u.mx.host);
		qsort(r->hosts, r->n, sizeof(r->hosts[0]), by_preference);
		leave_out_ourselves(r);
		break;
	}
	ask_host(r);
}

/* address-literal = "[" ( IPv4 / "IPv6:" IPv6 ) "]" */
static bool literal(struct slice domain, struct ip *ret)
{
	struct slice s = domain;

	if (s.n < 3 || s.p[0] != '[' || s.p[s.n - 1] != ']')
		return (false);
	s = slice_head(slice_from(s, 1), s.n - 2);
	if (slice_istarts(s, SLICE("IPv6:")))
		s = slice_from(s, 5);
	return (ip_parse(s, ret));
}

static void on_turn(void *self)
{
	struct out_route *r = self;
	struct ip ip;

	r->turn = NULL;
	if (literal(r->domain, &ip) || (r->is_smarthost && ip_parse(r->domain, &ip))) {
		offer(r, arena_strdup(r->arena, r->domain), &ip);
		r->is_implicit = true;
		finish(r);
	} else if (r->domain.n > 0 && r->domain.p[0] == '[') {
		fail(r, ROUTE_PERMANENT, "5.1.2", "not an address this host can reach");
	} else if (r->dns == NULL) {
		fail(r, ROUTE_TEMPORARY, "4.4.3", "there is no resolver");
	} else if (r->is_smarthost) {
		r->is_implicit = true;
		add_host(r, 0, r->domain);
		ask_host(r);
	} else if ((r->query[0] = dns_ask(r->dns, r->domain, DNS_MX, on_mx, r)) == NULL) {
		fail(r, ROUTE_TEMPORARY, "4.4.3", "the resolver takes no more questions now");
	}
}

struct out_route *out_route_start(struct loop *l, struct dns *dns, const struct cfg *cfg,
    struct arena *a, struct slice domain, bool smarthost,
    void (*on_routed)(void *self, const struct out_hosts *h), void *self)
{
	struct out_route *r = NEW(struct out_route);

	r->loop = l;
	r->dns = dns;
	r->cfg = cfg;
	r->arena = a;
	r->domain = smarthost ? slice_of(cfg->smarthost.host) : domain;
	r->port = smarthost ? cfg->smarthost.port : cfg->outbound.port;
	r->is_smarthost = smarthost;
	r->on_routed = on_routed;
	r->self = self;
	r->turn = loop_later(l, on_turn, r);
	return (r);
}
