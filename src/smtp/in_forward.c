/* in_forward.c: where does a copy of this message go on to, as a [[rule]] with action "forward" says? The
 * one at home is durable already; the copy is in the queue before the 250, so a crash between the two
 * lets the sender come again and none is lost. The envelope's sender is the account's own address: SPF
 * holds (RFC 7208 2.4), and what cannot be delivered is told to the owner, not to a stranger. Nothing of
 * the message is changed, only Received stands in front, so its signatures hold (RFC 6376 5.4). Which
 * messages may go is spam/send_on.h's. Failures: no copy goes, said in log and ledger; the 250 stays. */
#include "smtp/inbound_int.h"

#include "core/log.h"

static bool wants(const struct share *share)
{
	return (!share->junk && share->verdict.forward != NULL);
}

static void refuse(struct share *share, const char *why, const char *next)
{
	share->not_forwarded = arena_strdup(share->in->end.tx->arena, slice_of(why));
	log_event(LOG_WARN, share->in->end.tx->id, "not forwarded", "account", share->name, "to",
	    verdict_forward(&share->verdict), "why", why, "now",
	    "it is in the account's mailbox only", "next", next, NULL);
}

/* The account's first address that is one, not all of a domain; then the one the message came to. None of
 * its own (mail reaches it by an alias only): empty. */
static struct slice own_address(const struct share *share)
{
	const struct cfg_address *first = account_cfg(share->account)->addresses, *own = first;

	while (own != NULL && own->local.n == 0)
		own = own->next;
	if (own == NULL)
		return (first != NULL ? share->rcpt : (struct slice){ 0 });
	return (slice_of(arena_fmt(share->in->end.tx->arena, SLICE_FMT "@" SLICE_FMT,
	    SLICE_ARG(own->local), SLICE_ARG(own->domain))));
}

static bool has_8bit(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] >= 0x80)
			return (true);
	return (false);
}

static void on_queued(void *self, const struct commit_result *r)
{
	struct share *share = self;
	struct smtp_end *e = &share->in->end;

	if (r->err != NULL)
		refuse(share, r->err->text, "look after the disk that holds the queue");
	else {
		share->forwarded = arena_strdup(e->tx->arena, slice_of(r->queue_id));
		log_event(LOG_INFO, e->tx->id, "forwarded", "account", share->name, "to",
		    verdict_forward(&share->verdict), "queue", share->forwarded, NULL);
	}
	flow_release(&e->flow);
}

static void send_on(struct inbound *in, struct share *share, struct slice from)
{
	const struct cfg_rule *r = share->verdict.forward;
	struct smtp_end *e = &in->end;
	struct arena *a = e->tx->arena;
	struct queue_rcpt *to = arena_array(a, r->forward_n, sizeof(*to));
	struct queue_envelope env = { .from = from,
		.account = slice_of(share->name),
		.smtputf8 = e->tx->smtputf8 || has_8bit(from),
		.eightbit = e->tx->eightbit,
		.rcpts = to,
		.rcpts_n = r->forward_n };
	struct commit c = {
		.draft = e->tx->draft, .drop = in->drop, .drop_n = in->drop_n, .queue = &env
	};
	struct buf out = BUF_INIT(L_HDR);

	for (size_t i = 0; i < r->forward_n; i++) {
		to[i].address = r->forward[i];
		env.smtputf8 = env.smtputf8 || has_8bit(r->forward[i]);
	}
	smtp_end_trace(e, from, true, &out); /* for <the account>: how a circle is seen */
	c.queue_prefix = arena_dup(a, buf_slice(&out));
	if (out.failed)
		refuse(share, "the Received field is too long", NULL);
	else {
		flow_hold(&e->flow);
		(void)store_commit(
		    e->server->deps.store, &c, on_queued, share); /* never cancelled */
	}
	buf_free(&out);
}

static void try_one(struct inbound *in, struct share *share)
{
	struct slice from = own_address(share);

	if (account_is_gone(share->account))
		refuse(share, "the account is no more", NULL);
	else if (from.n == 0)
		refuse(share, "the account has no address that could be told of failures",
		    "give it one in [account]");
	else if (in->queued.entries >= in->cfg->limits.queue ||
	    in->queued.octets >= SMTP_QUEUE_OCTETS)
		refuse(share, "the queue is full", "see pennypost queue list");
	else if (!rate_take(in->end.server->forwarded, slice_of(share->name), clock_ms()))
		refuse(share, "too many messages were forwarded for this account in the last hour",
		    "make its [[rule]] narrower");
	else
		send_on(in, share, from);
}

static void run_count(struct job *j) /* STORE_QUEUE */
{
	struct inbound *in = LIST_OWNER(j, struct inbound, room_job);

	if (queue_count(in->end.server->deps.store, &in->queued, &in->room_err) == -1 &&
	    in->room_err.kind == ERR_NONE)
		in->room_err.kind = ERR_TEMPORARY;
}

static void on_counted(struct job *j)
{
	struct inbound *in = LIST_OWNER(j, struct inbound, room_job);

	for (size_t i = 0; i < in->shares_n; i++) {
		struct share *share = &in->shares[i];

		if (!wants(share))
			continue;
		if (in->room_err.kind != ERR_NONE)
			refuse(
			    share, in->room_err.text, "look after the disk that holds the queue");
		else
			try_one(in, share);
	}
	flow_release(&in->end.flow);
}

void inbound_forward(struct inbound *in)
{
	struct lane *lane = store_lane(in->end.server->deps.store, STORE_QUEUE);
	bool any = false;

	for (size_t i = 0; i < in->shares_n; i++) {
		in->shares[i].in = in;
		any = any || wants(&in->shares[i]);
	}
	if (!any)
		return;
	in->room_job.run = run_count;
	in->room_job.done = on_counted;
	if (lane_put(lane, &in->room_job) == 0) {
		flow_hold(&in->end.flow);
		return;
	}
	for (size_t i = 0; i < in->shares_n; i++)
		if (wants(&in->shares[i]))
			refuse(&in->shares[i], "too much waits for the queue", NULL);
}
