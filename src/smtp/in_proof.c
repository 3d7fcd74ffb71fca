/* in_proof.c: what can the sender of this transaction prove? Cuts the content into header and body for
 * dkim/auth.h while it arrives, so that no octet is read twice, and turns its findings into facts. What
 * a proof is worth is spam/'s. RFC 7208, 6376, 7489, 8617. */
#include "smtp/in_proof.h"

#include "core/domain.h"
#include "core/mem.h"
#include "smtp/in_peer.h"

struct smtp_proof {
	struct arena *arena;    /* owned; holds this too */
	struct dkim_auth *auth; /* NULL once it has answered */
	struct dns_budget budget;
	struct buf head; /* owned; the header while it arrives */
	bool in_body;
	void (*on_proved)(void *self);
	void *self;
	const struct dkim_auth_result *result;
};

struct smtp_proof *smtp_proof_start(struct smtp_in *s, const struct smtp_path *from)
{
	struct smtp_deps *deps = &s->server->deps;
	struct smtp_proof *p;
	struct arena *a;

	if (s->role != ROLE_MX || deps->dns == NULL || deps->suffixes == NULL ||
	    !smtp_peer_may_ask(smtp_in_cfg(s), conn_peer(s->conn)))
		return (NULL);
	a = arena_new(0);
	p = arena_alloc(a, sizeof(*p));
	p->arena = a;
	p->budget.left = L_DNS_MESSAGE;
	p->head = (struct buf)BUF_INIT(L_HDR + 2); /* and the blank line */
	p->auth = dkim_auth_start(a, deps->loop, deps->dns, deps->suffixes,
	    &(struct dkim_auth_ask){
		.ip = *conn_peer(s->conn),
		.helo = slice_of(s->helo),
		.local = from->local,
		.domain = from->domain,
		.hostname = smtp_in_cfg(s)->hostname,
		.budget = &p->budget,
	    },
	    clock_wall());
	return (p);
}

void smtp_proof_free(struct smtp_proof *p)
{
	if (p == NULL)
		return;
	dkim_auth_cancel(p->auth);
	buf_free(&p->head);
	arena_free(p->arena); /* frees p: last */
}

/* Where the header ends, behind its blank line; SIZE_MAX: not yet. ${from}: what was looked at. */
static size_t header_end(struct slice head, size_t from)
{
	size_t at;

	if (slice_starts(head, SLICE("\r\n")))
		return (2); /* no field at all */
	from = from > 3 ? from - 3 : 0;
	at = slice_find(slice_from(head, from), SLICE("\r\n\r\n"));
	return (at == SIZE_MAX ? SIZE_MAX : from + at + 4);
}

/* The header is whole; what is behind it in the buffer is body already. */
static void header_is_whole(struct smtp_proof *p, size_t end)
{
	struct arena *scratch = arena_new(0);
	struct slice head = buf_slice(&p->head);
	struct header h;

	header_parse(scratch, head, &h);
	dkim_auth_header(p->auth, &h);
	/* A line that is no field ends the header too, and is the first of the body (SIN-21). */
	if (h.size < end)
		end = h.size;
	dkim_auth_body(p->auth, slice_from(head, end));
	arena_free(scratch);
	buf_free(&p->head);
	p->in_body = true;
}

void smtp_proof_take(struct smtp_proof *p, struct slice content)
{
	size_t was, end, fits;

	if (p == NULL || p->auth == NULL)
		return;
	if (p->in_body) {
		dkim_auth_body(p->auth, content);
		return;
	}
	was = p->head.n;
	fits = content.n < p->head.max - was ? content.n : p->head.max - was;
	(void)buf_add_slice(&p->head, slice_head(content, fits));
	if ((end = header_end(buf_slice(&p->head), was)) != SIZE_MAX)
		header_is_whole(p, end);
	else if (fits < content.n) /* longer than any that is taken: refused later */
		header_is_whole(p, p->head.n);
	else
		return;
	if (fits < content.n)
		dkim_auth_body(p->auth, slice_from(content, fits));
}

static void on_result(void *self, const struct dkim_auth_result *r)
{
	struct smtp_proof *p = self;

	p->auth = NULL;
	p->result = r;
	p->on_proved(p->self); /* last: may free */
}

void smtp_proof_end(struct smtp_proof *p, void (*on_proved)(void *self), void *self)
{
	p->on_proved = on_proved;
	p->self = self;
	if (!p->in_body)
		header_is_whole(p, p->head.n);
	dkim_auth_end(p->auth, on_result, p);
}

const struct dkim_auth_result *smtp_proof_result(const struct smtp_proof *p)
{
	return (p != NULL ? p->result : NULL);
}

struct dns_budget *smtp_proof_budget(struct smtp_proof *p)
{
	return (p != NULL ? &p->budget : NULL);
}

static enum fact spf_fact(const struct spf_answer *spf)
{
	switch (spf->result) {
	case SPF_PASS: return (spf->wide ? FACT_NO : FACT_YES); /* AUT-21 */
	case SPF_TEMPERROR: return (FACT_UNKNOWN);
	case SPF_NONE:
	case SPF_NEUTRAL:
	case SPF_FAIL:
	case SPF_SOFTFAIL:
	case SPF_PERMERROR: break;
	}
	return (FACT_NO);
}

/* Domains that were proved, and whether any signature passed. */
static void prove(const struct dkim_auth_result *r, struct arena *a, struct facts *ret)
{
	struct slice *proved = arena_array(a, r->signatures_n + 1, sizeof(*proved));
	bool unsure = false; /* of a signature */

	for (size_t i = 0; i < r->signatures_n; i++) {
		if (r->signatures[i].result == DKIM_PASS)
			proved[ret->proved_n++] = r->signatures[i].domain;
		unsure = unsure || r->signatures[i].result == DKIM_TEMPERROR;
	}
	ret->dkim_pass = ret->proved_n > 0 ? FACT_YES : unsure ? FACT_UNKNOWN : FACT_NO;
	ret->spf_pass = spf_fact(&r->mail_from);
	ret->spf_fail = r->mail_from.result == SPF_FAIL;
	ret->proof_undecided = unsure || r->mail_from.result == SPF_TEMPERROR;
	if (ret->spf_pass == FACT_YES && r->mail_from.domain.n > 0)
		proved[ret->proved_n++] = r->mail_from.domain;
	ret->proved = proved;
}

/* A From whose domain has no policy: does something that was proved speak for it? */
static bool speaks_for(const struct facts *f, struct slice from)
{
	for (size_t i = 0; i < f->proved_n; i++)
		if (domain_is_within(from, f->proved[i]))
			return (true);
	return (false);
}

static void say_dmarc(const struct dmarc_result *d, struct facts *ret)
{
	ret->aligned = ret->proof_undecided ? FACT_UNKNOWN : FACT_NO;
	switch (d->state) {
	case DMARC_PASS:
		ret->dmarc_pass = FACT_YES;
		/* An SPF record that lets half the internet in passes, and earns no trust (AUT-21). */
		if (d->dkim_aligned || ret->spf_pass == FACT_YES)
			ret->aligned = FACT_YES;
		break;
	case DMARC_FAIL:
		ret->dmarc_pass = ret->aligned = FACT_NO;
		ret->dmarc_wish = d->disposition;
		break;
	case DMARC_TEMPERROR:
		ret->dmarc_undecided = d->policy != DMARC_ASKS_NOTHING;
		ret->aligned = FACT_UNKNOWN;
		break;
	case DMARC_NONE:
		ret->dmarc_pass = FACT_NO;
		if (speaks_for(ret, d->from))
			ret->aligned = FACT_YES;
		break;
	case DMARC_PERMERROR: ret->dmarc_pass = ret->aligned = FACT_NO; break;
	}
}

/* RFC 2919 3: what stands between < and > at the end of List-Id. */
static struct slice list_id(const struct header *h)
{
	const struct field *f = header_first(h, SLICE("List-Id"));
	struct slice text = f != NULL ? slice_trim(f->body) : (struct slice){ 0 };
	size_t at = slice_rchr(text, '<');

	if (at == SIZE_MAX || text.p[text.n - 1] != '>')
		return ((struct slice){ 0 });
	text = slice_from(text, at + 1);
	return (slice_trim(slice_head(text, text.n - 1)));
}

/* What lists write beside their name. RFC 2369 3; Precedence is older than any RFC on lists. */
static bool looks_like_list(const struct header *h)
{
	const struct field *f = header_first(h, SLICE("Precedence"));

	return (header_first(h, SLICE("List-Post")) != NULL ||
	    header_first(h, SLICE("List-Unsubscribe")) != NULL ||
	    (f != NULL && (slice_ieq(slice_trim(f->body), SLICE("list")) ||
			      slice_ieq(slice_trim(f->body), SLICE("bulk")))));
}

/* A list that says which it is, looks like one, and proved that the name is under its own domain: it
 * may have broken what the writer had proved. Who merely writes List-Id proves nothing by it. */
static bool is_list(const struct header *h, const struct facts *f)
{
	struct slice id = list_id(h);

	if (id.n == 0 || !looks_like_list(h))
		return (false);
	for (size_t i = 0; i < f->proved_n; i++)
		if (domain_is_within(id, f->proved[i]))
			return (true);
	return (false);
}

/* A list, or a forwarder that sealed what it found and proved its own domain. Lowers what a failure
 * costs by one step, and raises nobody's trust: whoever makes a list of his own to forge with gets from
 * the refusal into Junk, no further. RFC 7489 10.3, RFC 8617. */
static bool is_indirect(
    const struct dkim_auth_result *r, const struct header *h, const struct facts *f)
{
	return (is_list(h, f) || (f->proved_n > 0 && r->arc == ARC_PASS));
}

void smtp_proof_facts(
    const struct smtp_proof *p, struct arena *a, const struct header *h, struct facts *ret)
{
	if (smtp_proof_result(p) == NULL)
		return;
	prove(p->result, a, ret);
	say_dmarc(&p->result->dmarc, ret);
	ret->indirect = is_indirect(p->result, h, ret);
}
