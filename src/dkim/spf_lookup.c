/* spf_lookup.c: does the DNS say that the peer is one of these? The a, mx, ptr and exists mechanisms and the validated names of
 * an address. RFC 7208 5.3 to 5.7, 4.6.4. Leaves what a match means to spf.c. Failures: temperror when the DNS does not answer,
 * permerror past L_SPF_NAMES, L_SPF_VOID,
 * L_SPF_QUESTIONS or what the message may ask. */
#include "dkim/spf_int.h"

#include "core/domain.h"

static const struct spf_directive *current(const struct spf_check *c)
{
	const struct spf_level *l = &c->levels[c->depth];

	return (&l->record.v[l->at]);
}

static enum dns_type address_type(const struct spf_check *c)
{
	return (c->ask.ip.is_v6 ? DNS_AAAA : DNS_A);
}

void spf_put(struct spf_check *c, struct slice name, enum dns_type type,
    void (*on_answer)(void *self, const struct dns_answer *a))
{
	if (c->questions++ == L_SPF_QUESTIONS || !dns_budget_take(c->ask.budget, L_DNS_KEEP_SPF))
		spf_failed(c, SPF_PERMERROR, "the record asks the DNS too much");
	else if ((c->query = dns_ask_odd(c->dns, name, type, on_answer, c)) == NULL)
		spf_failed(c, SPF_TEMPERROR, "too many questions are waiting for the DNS");
}

/* RFC 7208 4.6.4: a term whose question has no answer. Once a term, so that a sender's MX hosts without IPv6 addresses do not
 * void the record for every peer that comes over IPv6. */
bool spf_void(struct spf_check *c, const struct dns_answer *a)
{
	if (a->status != DNS_NO_DATA && a->status != DNS_NO_NAME)
		return (false);
	if (++c->answer.voids <= L_SPF_VOID)
		return (false);
	spf_failed(c, SPF_PERMERROR, "more than 2 terms ask for what does not exist");
	return (true);
}

static bool has_address(
    const struct spf_check *c, const struct dns_answer *a, unsigned bits4, unsigned bits6)
{
	for (size_t i = 0; a->status == DNS_OK && i < a->n; i++)
		if (ip_in(&c->ask.ip, &a->records[i].u.ip, c->ask.ip.is_v6 ? bits6 : bits4))
			return (true);
	return (false);
}

static void on_a(void *self, const struct dns_answer *a)
{
	struct spf_check *c = self;

	c->query = NULL;
	if (a->status == DNS_TEMPORARY)
		spf_failed(c, SPF_TEMPERROR, a->why);
	else if (!spf_void(c, a))
		spf_matched(c, has_address(c, a, current(c)->bits4, current(c)->bits6));
}

static void on_exists(void *self, const struct dns_answer *a)
{
	struct spf_check *c = self;

	c->query = NULL;
	if (a->status == DNS_TEMPORARY)
		spf_failed(c, SPF_TEMPERROR, a->why);
	else if (!spf_void(c, a))
		spf_matched(c, a->status == DNS_OK);
}

/* --- mx --- */

static void on_mx_address(void *self, const struct dns_answer *a);

static void next_mx(struct spf_check *c)
{
	if (c->names_at < c->names_n)
		spf_put(c, c->names[c->names_at++], address_type(c), on_mx_address);
	else
		spf_matched(c, false);
}

static void on_mx_address(void *self, const struct dns_answer *a)
{
	struct spf_check *c = self;

	c->query = NULL;
	if (a->status == DNS_TEMPORARY)
		spf_failed(c, SPF_TEMPERROR, a->why);
	else if (has_address(c, a, current(c)->bits4, current(c)->bits6))
		spf_matched(c, true);
	else
		next_mx(c);
}

static void on_mx(void *self, const struct dns_answer *a)
{
	struct spf_check *c = self;

	c->query = NULL;
	if (a->status == DNS_TEMPORARY) {
		spf_failed(c, SPF_TEMPERROR, a->why);
		return;
	}
	if (spf_void(c, a))
		return;
	if (a->status == DNS_OK && a->n > L_SPF_NAMES) { /* RFC 7208 4.6.4: MUST be permerror */
		spf_failed(c, SPF_PERMERROR, "more than 10 MX records");
		return;
	}
	c->names_n = c->names_at = 0;
	for (size_t i = 0; a->status == DNS_OK && i < a->n; i++)
		if (a->records[i].u.mx.host.n > 0) /* RFC 7505: the null MX is no host */
			c->names[c->names_n++] = arena_dup(c->arena, a->records[i].u.mx.host);
	next_mx(c);
}

/* --- ptr and %{p} --- */

static void on_ptr_address(void *self, const struct dns_answer *a);

static void next_ptr(struct spf_check *c)
{
	if (c->names_at < c->names_n) {
		spf_put(c, c->names[c->names_at++], address_type(c), on_ptr_address);
		return;
	}
	c->validated_known = true;
	c->then(c);
}

static void on_ptr_address(void *self, const struct dns_answer *a)
{
	struct spf_check *c = self;

	c->query = NULL;
	if (has_address(c, a, 32, 128)) /* RFC 7208 5.5: an error here only skips the name */
		c->validated[c->validated_n++] = c->names[c->names_at - 1];
	next_ptr(c);
}

static void on_ptr(void *self, const struct dns_answer *a)
{
	struct spf_check *c = self;

	c->query = NULL;
	c->names_n = c->names_at = 0;
	/* RFC 7208 4.6.4: those past the tenth are ignored; 5.5: an error is as if there were none */
	for (size_t i = 0; a->status == DNS_OK && i < a->n && i < L_SPF_NAMES; i++)
		c->names[c->names_n++] = arena_dup(c->arena, a->records[i].u.name);
	next_ptr(c);
}

void spf_validate(struct spf_check *c, void (*then)(struct spf_check *c))
{
	char reverse[IP_NAME];

	if (c->validated_known) {
		then(c);
		return;
	}
	c->then = then;
	spf_put(c, slice_of(ip_reverse(&c->ask.ip, reverse)), DNS_PTR, on_ptr);
}

struct slice spf_validated_for(const struct spf_check *c, struct slice domain)
{
	for (size_t i = 0; i < c->validated_n; i++)
		if (slice_ieq(c->validated[i], domain))
			return (c->validated[i]);
	for (size_t i = 0; i < c->validated_n; i++)
		if (domain_is_within(c->validated[i], domain))
			return (c->validated[i]);
	return (c->validated_n > 0 ? c->validated[0] : (struct slice){ "", 0 });
}

static void match_ptr(struct spf_check *c)
{
	struct slice target = spf_target(c, current(c)->domain);
	bool matched = false;

	for (size_t i = 0; i < c->validated_n && target.n > 0; i++)
		matched = matched || domain_is_within(c->validated[i], target);
	spf_matched(c, matched);
}

void spf_look_up(struct spf_check *c, const struct spf_directive *d)
{
	struct slice target;

	if (d->mechanism == SPF_PTR) {
		spf_validate(c, match_ptr);
		return;
	}
	target = spf_target(c, d->domain);
	if (d->mechanism == SPF_A)
		spf_put(c, target, address_type(c), on_a);
	else if (d->mechanism == SPF_MX)
		spf_put(c, target, DNS_MX, on_mx);
	else
		spf_put(
		    c, target, DNS_A, on_exists); /* RFC 7208 5.7: A, whatever the peer's family */
}
