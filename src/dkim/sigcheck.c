/* sigcheck.c: did the holder of that key sign these octets? RFC 6376 6.1.2, 6.1.3. Leaves the body to verify.c and arc.c. */
#include "dkim/sigcheck.h"

#include "core/arena.h"

static enum dkim_result check_key(struct sigcheck *c, struct slice text)
{
	const struct signature *s = &c->sig;
	struct publickey key;
	enum dkim_result r = publickey_read(text, s->algorithm, &key, &c->why);
	size_t at = slice_rchr(s->identity, '@');

	c->bits = key.bits;
	c->testing = key.testing;
	if (r == DKIM_PASS && s->kind == SIGNATURE_DKIM && key.exact_domain &&
	    !slice_eq(slice_from(s->identity, at + 1), s->domain)) {
		c->why = "the key is not for a subdomain in i=";
		r = DKIM_PERMERROR;
	}
	if (r == DKIM_PASS && !publickey_verify(&key, s->algorithm, c->digest, s->b)) {
		c->why = "the signature does not fit the header";
		r = DKIM_FAIL;
	}
	publickey_free(&key);
	return (r);
}

static void on_key(void *self, const struct dns_answer *a)
{
	struct sigcheck *c = self;

	c->query = NULL;
	if (a->status == DNS_TEMPORARY) {
		c->result = DKIM_TEMPERROR;
		c->why = "no answer about the key";
	} else if (a->status != DNS_OK) {
		c->result = DKIM_PERMERROR;
		c->why = "there is no key";
	} else if (a->n > 1) {
		c->result =
		    DKIM_PERMERROR; /* RFC 6376 3.6.2.2: undefined; whoever may add records would choose */
		c->why = "there is more than one key record";
	} else {
		c->result = check_key(c, a->records[0].u.text);
	}
	c->on_checked(c->self);
}

bool sigcheck_start(
    struct sigcheck *c, const struct sigcheck_dns *d, void (*on_checked)(void *self), void *self)
{
	struct buf name = BUF_INIT(1024);

	c->on_checked = on_checked;
	c->self = self;
	(void)buf_add_slice(&name, c->sig.selector);
	(void)buf_addz(&name, "._domainkey."); /* RFC 6376 3.6.2.1 */
	(void)buf_add_slice(&name, c->sig.domain);
	c->why = "too many questions are waiting for the DNS";
	if (!dns_budget_take(d->budget, d->keep))
		c->why = "the message asks the DNS too much";
	else
		c->query = dns_ask(d->dns, buf_slice(&name), DNS_TXT, on_key, c);
	buf_free(&name);
	if (c->query == NULL)
		c->result = DKIM_TEMPERROR;
	return (c->query != NULL);
}

void sigcheck_cancel(struct sigcheck *c)
{
	dns_cancel(c->query);
	c->query = NULL;
}
