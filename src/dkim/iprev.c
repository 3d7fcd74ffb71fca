/* iprev.c: does the reverse name lead back? One PTR question, then an address question for each of the
 * first L_IPREV names, all at once. RFC 8601 2.7.3, RFC 7208 5.5 for the number of names. */
#include "dkim/iprev.h"

#include <stdlib.h>
#include <string.h>

#include "core/arena.h"
#include "core/limits.h"
#include "core/mem.h"

struct name_ask {
	struct iprev *all;
	struct dns_query *query;
	struct slice name;
};

struct iprev {
	struct arena *arena; /* owned; holds this too */
	struct dns *dns;
	struct ip peer;
	void (*on_done)(void *self, const struct iprev_result *r);
	void *self;
	struct dns_query *ptr;
	struct name_ask asks[L_IPREV];
	size_t asks_n, open; /* open: address questions without an answer */
	struct iprev_result result;
	bool unsure; /* one of the address questions failed */
};

void iprev_cancel(struct iprev *q)
{
	if (q == NULL)
		return;
	dns_cancel(q->ptr);
	for (size_t i = 0; i < q->asks_n; i++)
		dns_cancel(q->asks[i].query);
	arena_free(q->arena);
}

static void end(struct iprev *q, enum iprev_state state)
{
	q->result.state = state;
	q->on_done(q->self, &q->result);
	iprev_cancel(q); /* also the questions whose answers no longer matter */
}

/* All names answered, and none led back. */
static void end_without(struct iprev *q)
{
	end(q, q->unsure ? IPREV_TEMPERROR : IPREV_FAIL);
}

static void on_address(void *self, const struct dns_answer *a)
{
	struct name_ask *ask = self;
	struct iprev *q = ask->all;

	ask->query = NULL;
	q->open--;
	if (a->status == DNS_TEMPORARY)
		q->unsure = true;
	for (size_t i = 0; a->status == DNS_OK && i < a->n; i++)
		if (ip_eq(&a->records[i].u.ip, &q->peer)) {
			q->result.name = ask->name;
			end(q, IPREV_PASS);
			return;
		}
	if (q->open == 0)
		end_without(q);
}

static void on_names(void *self, const struct dns_answer *a)
{
	struct iprev *q = self;

	q->ptr = NULL;
	if (a->status == DNS_TEMPORARY) {
		end(q, IPREV_TEMPERROR);
		return;
	}
	if (a->status != DNS_OK || a->n == 0) {
		end(q, IPREV_NONE);
		return;
	}
	q->result.has_name = true;
	for (size_t i = 0; i < a->n && q->asks_n < L_IPREV; i++) {
		struct name_ask *ask = &q->asks[q->asks_n++];

		ask->all = q;
		ask->name = arena_dup(q->arena, a->records[i].u.name);
		ask->query =
		    dns_ask(q->dns, ask->name, q->peer.is_v6 ? DNS_AAAA : DNS_A, on_address, ask);
		if (ask->query != NULL)
			q->open++;
		else
			q->unsure = true;
	}
	q->result.name = q->asks[0].name;
	if (q->open == 0)
		end_without(q);
}

struct iprev *iprev_start(struct dns *d, const struct ip *peer,
    void (*on_done)(void *self, const struct iprev_result *r), void *self)
{
	struct arena *a = arena_new(0);
	struct iprev *q = arena_alloc(a, sizeof(*q));
	char name[IP_NAME];

	q->arena = a;
	q->dns = d;
	q->peer = *peer;
	q->on_done = on_done;
	q->self = self;
	q->ptr = dns_ask(d, slice_of(ip_reverse(peer, name)), DNS_PTR, on_names, q);
	if (q->ptr == NULL) {
		arena_free(a);
		return (NULL);
	}
	return (q);
}
