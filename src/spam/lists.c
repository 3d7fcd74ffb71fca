/* lists.c: which lists are there, and what do those that are well know about a peer or a message? Leaves names
 * and answers to listing.c, the lists' own health to lists_test.c, and what being listed costs to rules.c
 * and verdict.c. Failures: a question that cannot be put or is not answered finds nothing (P14). */
#include <stdlib.h>

#include "core/domain.h"
#include "core/mem.h"
#include "spam/lists_int.h"

struct ask {
	struct list_asks *all;
	struct list_one *one;
	struct dns_query *query;
	struct slice what, name; /* in the arena */
};

struct list_asks {
	struct arena *arena; /* owned; holds this struct too */
	struct lists *lists;
	struct dns_budget *budget;
	struct ask v[L_LIST_QUESTIONS];
	size_t n;
	unsigned open;
	struct listed hits[L_LISTS];
	size_t hits_n;
	void (*on_known)(void *self);
	void *self;
};

/* --- the lists --- */

static struct list_one *find_one(const struct lists *l, const struct cfg_dnsbl *list)
{
	LIST_EACH(&l->ones, node)
	{
		struct list_one *o = LIST_OWNER(node, struct list_one, node);

		if (slice_eq(o->list->zone, list->zone) && o->list->kind == list->kind)
			return (o);
	}
	return (NULL);
}

void lists_reload(struct lists *l, const struct cfg *cfg)
{
	l->cfg = cfg;
	LIST_EACH(&l->ones, node)
	LIST_OWNER(node, struct list_one, node)->gone = true;
	for (const struct cfg_dnsbl *d = cfg->filter.dnsbls; d != NULL; d = d->next) {
		struct list_one *o = find_one(l, d);

		if (d->action == ACTION_OFF)
			continue;
		if (o == NULL) {
			o = NEW(struct list_one);
			o->all = l;
			list_push(&l->ones, &o->node);
		}
		o->list = d;
		o->gone = false;
		list_test_start(o);
	}
	/* What is gone stays for those that wait for its answers, and may come back. */
	LIST_EACH(&l->ones, node)
	{
		struct list_one *o = LIST_OWNER(node, struct list_one, node);

		if (o->gone)
			list_test_stop(o);
	}
}

struct lists *lists_new(const struct lists_deps *deps, const struct cfg *cfg)
{
	struct lists *l = NEW(struct lists);

	l->deps = *deps;
	list_init(&l->ones);
	lists_reload(l, cfg);
	return (l);
}

void lists_free(struct lists *l)
{
	if (l == NULL)
		return;
	while (!list_empty(&l->ones)) {
		struct list_one *o = LIST_OWNER(l->ones.next, struct list_one, node);

		list_test_stop(o);
		list_drop(&o->node);
		free(o);
	}
	free(l);
}

void lists_each(
    const struct lists *l, void (*on_list)(void *arg, const struct list_status *s), void *arg)
{
	static const char *const states[] = { "waiting", "well", "off" };

	LIST_EACH(&l->ones, node)
	{
		const struct list_one *o = LIST_OWNER(node, struct list_one, node);
		struct list_status s = { o->list, states[o->state], o->why, o->asked, o->listed,
			o->unknown };

		if (!o->gone)
			on_list(arg, &s);
	}
}

static bool is_asked(const struct list_one *o, enum cfg_list_kind kind)
{
	return (!o->gone && o->state == LIST_WELL && o->list->kind == kind);
}

bool lists_want(const struct lists *l, enum cfg_list_kind kind)
{
	LIST_EACH(&l->ones, node)
	if (is_asked(LIST_OWNER(node, struct list_one, node), kind))
		return (true);
	return (false);
}

/* --- asking --- */

struct list_asks *list_asks_new(struct lists *l, struct dns_budget *b)
{
	struct arena *a = arena_new(0);
	struct list_asks *q = arena_alloc(a, sizeof(*q));

	q->arena = a;
	q->lists = l;
	q->budget = b;
	return (q);
}

void list_asks_free(struct list_asks *q)
{
	if (q == NULL)
		return;
	for (size_t i = 0; i < q->n; i++)
		dns_cancel(q->v[i].query);
	arena_free(q->arena);
}

static void keep(struct list_asks *q, const struct listed *hit)
{
	size_t i = 0;

	while (i < q->hits_n && q->hits[i].list != hit->list)
		i++;
	if (i == L_LISTS || (i < q->hits_n && q->hits[i].points >= hit->points))
		return;
	q->hits[i] = *hit;
	q->hits_n += i == q->hits_n;
}

static void on_answer(void *self, const struct dns_answer *a)
{
	struct ask *ask = self;
	struct list_asks *q = ask->all;
	struct list_one *o = ask->one;
	struct listed hit = { .list = o->list, .what = ask->what };
	void (*on_known)(void *) = q->on_known;

	ask->query = NULL;
	switch (listing_read(o->list, a, &hit)) {
	case LISTING_YES:
		o->listed++;
		/* A list may begin to list the world at any time of the day (RFC 5782 3). */
		if (++o->run == L_LIST_RUN)
			list_test_start(o);
		if (o->state == LIST_WELL)
			keep(q, &hit);
		break;
	case LISTING_REFUSED: list_refused(o, &hit.code); break;
	case LISTING_UNKNOWN: o->unknown++; break;
	case LISTING_NO:
	case LISTING_OTHER: o->run = 0; break;
	}
	if (--q->open > 0 || on_known == NULL)
		return;
	q->on_known = NULL;
	on_known(q->self); /* last: may free */
}

static void put(struct list_asks *q, struct list_one *o, const char *name, struct slice what)
{
	struct slice asked = slice_of(name);
	struct ask *ask;

	for (size_t i = 0; i < q->n; i++)
		if (q->v[i].one == o && slice_eq(q->v[i].name, asked))
			return;
	if (q->n == L_LIST_QUESTIONS || !dns_budget_take(q->budget, L_DNS_KEEP_LISTS)) {
		o->unknown++;
		return;
	}
	ask = &q->v[q->n];
	*ask = (struct ask){ .all = q, .one = o, .what = what };
	ask->name = arena_dup(q->arena, asked);
	o->asked++;
	if ((ask->query = dns_ask(q->lists->deps.dns, ask->name, DNS_A, on_answer, ask)) == NULL) {
		o->unknown++;
		return;
	}
	q->n++;
	q->open++;
}

/* Every list of this kind, about an address. */
static void put_address(struct list_asks *q, enum cfg_list_kind kind, const struct ip *ip)
{
	char name[LISTING_NAME], text[IP_TEXT];
	struct slice what = arena_dup(q->arena, slice_of(ip_text(ip, text)));

	LIST_EACH(&q->lists->ones, node)
	{
		struct list_one *o = LIST_OWNER(node, struct list_one, node);

		if (is_asked(o, kind) && (ip->is_v6 ? o->takes_v6 : o->takes_v4) &&
		    listing_of_address(ip, o->list->zone, name))
			put(q, o, name, what);
	}
}

void list_asks_address(struct list_asks *q, const struct ip *peer)
{
	put_address(q, LIST_ADDRESS, peer);
}

/* Nobody asks strangers about himself, or about those whom the owner trusts. */
static bool is_trusted(const struct cfg *cfg, struct slice name)
{
	if (cfg_domain_is_local(cfg, name))
		return (true);
	for (const struct cfg_rule *r = cfg->allows; r != NULL; r = r->next)
		for (const struct cfg_match *m = r->domain; m != NULL; m = m->next)
			if (domain_is_within(name, m->text))
				return (true);
	return (false);
}

/* The organisation behind a name, where lists have their entries; empty: nothing to ask. */
static struct slice subject(struct list_asks *q, struct slice name)
{
	struct slice org = suffixes_org(q->lists->deps.suffixes, q->arena, name);

	if (org.n == 0 || is_trusted(q->lists->cfg, org) ||
	    is_trusted(q->lists->cfg, domain_ascii(q->arena, name)))
		org.n = 0;
	return (org);
}

static void put_name(struct list_asks *q, enum cfg_list_kind kind, struct slice org)
{
	char name[LISTING_NAME];

	LIST_EACH(&q->lists->ones, node)
	{
		struct list_one *o = LIST_OWNER(node, struct list_one, node);

		if (is_asked(o, kind) && o->takes_names &&
		    listing_of_name(org, o->list->zone, name))
			put(q, o, name, org);
	}
}

void list_asks_name(struct list_asks *q, struct slice domain)
{
	struct slice org;

	if (lists_want(q->lists, LIST_NAME) && (org = subject(q, domain)).n > 0)
		put_name(q, LIST_NAME, org);
}

/* --- links --- */

struct target {           /* of links */
	struct slice org; /* empty: an address */
	struct ip ip;
};

static void add_target(struct target *v, size_t *n, const struct target *t)
{
	for (size_t i = 0; i < *n; i++)
		if (t->org.n > 0 ? slice_eq(v[i].org, t->org)
				 : v[i].org.n == 0 && ip_eq(&v[i].ip, &t->ip))
			return;
	v[(*n)++] = *t;
}

static size_t collect(
    struct list_asks *q, const struct uri_hosts *hosts, bool bare, struct target *v, size_t n)
{
	for (size_t i = 0; i < hosts->n; i++) {
		const struct uri_host *h = uri_hosts_at(hosts, i);
		struct target t = { .ip = h->ip };

		if (h->bare != bare || (h->is_address && ip_is_private(&h->ip)))
			continue;
		/* "report.txt" is no link, though mail programs make one of "shop.example". */
		if (bare && !suffixes_known(q->lists->deps.suffixes, q->arena, h->name))
			continue;
		if (!h->is_address && (t.org = subject(q, h->name)).n == 0)
			continue;
		add_target(v, &n, &t);
	}
	return (n);
}

void list_asks_uris(struct list_asks *q, const struct uri_hosts *hosts)
{
	struct target *v = arena_array(q->arena, hosts->n + 1, sizeof(*v));
	size_t n, skip_from = L_URI_HOSTS / 2, skip_to = skip_from;

	if (hosts->n == 0 || !lists_want(q->lists, LIST_URI))
		return;
	n = collect(q, hosts, false, v, 0);
	if (n > L_URI_HOSTS) /* those in the middle */
		skip_to = n - L_URI_HOSTS / 2;
	else if ((n = collect(q, hosts, true, v, n)) > L_URI_HOSTS)
		n = L_URI_HOSTS;
	for (size_t i = 0; i < n; i++) {
		if (i >= skip_from && i < skip_to)
			continue;
		if (v[i].org.n > 0)
			put_name(q, LIST_URI, v[i].org);
		else
			put_address(q, LIST_URI, &v[i].ip);
	}
}

/* --- answers --- */

bool list_asks_known(const struct list_asks *q)
{
	return (q == NULL || q->open == 0);
}

void list_asks_await(struct list_asks *q, void (*on_known)(void *self), void *self)
{
	q->on_known = on_known;
	q->self = self;
}

size_t list_asks_hits(const struct list_asks *q, const struct listed **ret)
{
	*ret = q != NULL ? q->hits : NULL;
	return (q != NULL ? q->hits_n : 0);
}
