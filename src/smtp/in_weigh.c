/* in_weigh.c: what is thought of this message, for each who is to have it? Reads it once, on a worker,
 * and turns facts into verdicts. Points and their order are spam/'s. RFC 5321 6.3; RFC 8601 5. */
#include "smtp/inbound_int.h"

#include "msg/mime.h"
#include "spam/gather.h"

/* RFC 5321 6.3: a message that has been in this mailbox by this address before goes round in a
 * circle. */
static bool has_been_here(const struct inbound *in)
{
	const struct header *h = &in->end.header;
	const struct field *f;

	for (size_t n = 0; (f = header_nth(h, SLICE("Delivered-To"), n)) != NULL; n++)
		for (size_t i = 0; i < in->shares_n; i++)
			if (slice_ieq(slice_trim(f->body), in->shares[i].rcpt))
				return (true);
	return (false);
}

int inbound_read(struct inbound *in)
{
	struct smtp_end *e = &in->end;

	if (smtp_end_examine(e) == -1)
		return (-1);
	if (has_been_here(in))
		return (
		    err_set(&e->err, ERR_LIMIT, "this message has been here before: mail loop"));
	in->drop = arena_array(e->tx->arena, e->header.n > 0 ? e->header.n : 1, sizeof(*in->drop));
	in->drop_n = smtp_end_forgeries(e, in->drop);
	mime_parse(e->tx->arena, draft_bytes(e->tx->draft), &in->mime);
	if (in->classifier != NULL)
		features_of(in->classifier, &in->mime, &in->features);
	if (in->wants_uris)
		uri_find(e->tx->arena, &in->mime, &in->uris);
	e->facts.from = gather_from(e->tx->arena, &e->header);
	return (0);
}

void inbound_acquaint(struct inbound *in)
{
	struct smtp_end *e = &in->end;
	bool known;

	for (size_t i = 0; i < in->shares_n; i++) {
		struct share *share = &in->shares[i];
		struct err err = { 0 };

		/* Not known whether known: no fact (P14). */
		if (correspondent_knows(e->server->deps.store, slice_of(share->name), e->facts.from,
			&known, &err) == 0)
			share->known = known ? FACT_YES : FACT_NO;
	}
}

static struct slice sender_domain(const struct inbound *in)
{
	struct slice text = in->end.facts.mail_from;
	size_t at = slice_rchr(text, '@');

	return (at == SIZE_MAX ? (struct slice){ 0 } : slice_from(text, at + 1));
}

void inbound_greylist(struct inbound *in)
{
	struct smtp_end *e = &in->end;
	enum greylist_state state = GREYLIST_PASS;
	struct err err = { 0 };

	/* A list that cannot be read must not keep anybody out. */
	if (greylist_try(e->server->deps.store, &e->facts.peer, sender_domain(in), clock_wall(),
		&state, &err) == -1)
		state = GREYLIST_PASS; /* nor one that cannot be written: he would wait for ever */
	in->came_again = state == GREYLIST_PASS;
}

static void weigh_share(struct inbound *in, struct share *share)
{
	struct facts *f = &share->facts;

	*f = in->end.facts;
	f->header = &in->end.header;
	f->mime = &in->mime;
	f->account = share->name;
	f->rcpt = share->rcpt;
	f->known_correspondent = share->known;
	gather_classify(in->classifier, &in->features, f);
	verdict_judge(in->end.tx->arena, f, in->cfg, &share->verdict);
}

void inbound_weigh(struct inbound *in)
{
	for (size_t i = 0; i < in->shares_n; i++)
		weigh_share(in, &in->shares[i]);
}
