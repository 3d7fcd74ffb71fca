/* in_proof.c: what can the sender of this transaction prove? Cuts the content into header and body for
 * dkim/auth.h while it arrives, so that no octet is read twice. What its findings are as facts is
 * spam/gather.c's. */
#include "smtp/in_proof.h"

#include "core/mem.h"
#include "smtp/in_peer.h"
#include "spam/gather.h"

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

void smtp_proof_facts(const struct smtp_proof *p, struct arena *a, const struct header *h,
    const struct cfg_filters *c, struct facts *ret)
{
	if (smtp_proof_result(p) != NULL)
		gather_proof(p->result, a, h, c, ret);
}
