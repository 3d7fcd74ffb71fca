/* inbound.c: the spine of receiving, from the end of the data to the answer. Order and consequences
 * stand here; syntax is msg/'s, points are spam/'s, disks are store/'s.  Ends: 250 (durable in every
 * recipient's Maildir), 550 (every verdict says so), 554 (form, loop), 451 and 452 (our trouble, or
 * every verdict asks to come again). */
#include "smtp/inbound.h"

#include "core/log.h"
#include "core/mem.h"
#include "smtp/inbound_int.h"
#include "spam/gather.h"
#include "spam/repute.h"
#include "store/mailbox.h"

static void gather(void *self);
static void read_message(void *self);
static void prove(void *self);
static void look_up(void *self);
static void acquaint(void *self);
static void weigh(void *self);
static void greylist(void *self);
static void decide(void *self);
static void stamp(void *self);
static void commit(void *self);
static void forward(void *self);
static void on_ended(void *self);

static const struct flow_step inbound_steps[] = {
	{ "gather", gather },     /* the draft becomes readable; in_peer.c's questions come home */
	{ "read", read_message }, /* in_weigh.c, on a worker: form, parts, words */
	{ "prove", prove }, /* dkim/auth.h: what was asked since MAIL comes home; lists are asked */
	{ "look up", look_up },   /* spam/lists.h: names that were proved; all answers come home */
	{ "acquaint", acquaint }, /* store/senders.h: who of the recipients wrote to the sender */
	{ "weigh", weigh },       /* in_weigh.c, on a worker: a verdict for each share */
	{ "greylist", greylist }, /* store/senders.h: did this stranger come again? */
	{ "decide", decide },     /* one reply for all; may stop with 4xx or 5xx */
	{ "stamp", stamp },       /* in_stamp.c */
	{ "commit", commit },     /* store/draft.h: durable for every recipient, or for none;
				     in_quarantine.c for what is refused */
	{ "forward", forward },   /* in_forward.c: what is durable here may go on too */
	{ NULL, NULL },           /* on_ended answers */
};

/* One share an account: duplicates and aliases make no second copy. */
static void divide(struct inbound *in)
{
	const struct smtp_tx *tx = in->end.tx;
	size_t most = 0, i;

	for (const struct smtp_rcpt *r = tx->rcpts; r != NULL; r = r->next)
		most += r->accounts_n;
	in->shares = arena_array(tx->arena, most > 0 ? most : 1, sizeof(*in->shares));
	for (const struct smtp_rcpt *r = tx->rcpts; r != NULL; r = r->next) {
		for (size_t k = 0; k < r->accounts_n; k++) {
			for (i = 0; i < in->shares_n && in->shares[i].account != r->accounts[k];
			     i++)
				;
			if (i < in->shares_n)
				continue;
			in->shares[i].account = r->accounts[k];
			in->shares[i].name = account_name(r->accounts[k]);
			in->shares[i].rcpt = r->address;
			in->shares_n++;
		}
	}
}

void inbound_start(struct smtp_in *s)
{
	struct inbound *in = arena_alloc(s->tx->arena, sizeof(*in));

	in->classifier = s->server->deps.classifier;
	in->cfg = smtp_in_cfg(s);
	in->peer = smtp_peer_hold(s->peer);
	smtp_end_begin(&in->end, s, inbound_steps, on_ended, in);
}

static void on_peer_known(void *self)
{
	struct inbound *in = self;

	flow_release(&in->end.flow);
}

static void gather(void *self)
{
	struct inbound *in = self;

	divide(in);
	if (!smtp_peer_known(in->peer)) {
		smtp_peer_await(in->peer, on_peer_known, in);
		flow_hold(&in->end.flow);
	}
	smtp_end_arrive(&in->end);
}

/* Lists are asked about those of whom DNS is asked at all. */
static bool asks_lists(const struct inbound *in)
{
	return (in->end.tx->proof != NULL && in->end.server->lists != NULL);
}

static void run_read(struct job *j) /* worker */
{
	(void)inbound_read((struct inbound *)smtp_end_of(j));
}

static void read_message(void *self)
{
	struct inbound *in = self;

	smtp_peer_facts(in->peer, &in->end.facts);
	in->wants_uris = asks_lists(in) && lists_want(in->end.server->lists, LIST_URI);
	smtp_end_work(&in->end, run_read);
}

static void on_proved(void *self)
{
	struct inbound *in = self;
	struct smtp_end *e = &in->end;

	smtp_proof_facts(
	    e->tx->proof, e->tx->arena, &e->header, &in->cfg->filter, &e->facts);
	flow_release(&e->flow);
}

static void ask_lists(struct inbound *in)
{
	struct smtp_end *e = &in->end;

	if (!asks_lists(in))
		return;
	in->lists = list_asks_new(e->server->lists, smtp_proof_budget(e->tx->proof));
	gather_ask_lists(in->lists, &e->facts, &in->uris);
}

static void prove(void *self)
{
	struct inbound *in = self;

	if (in->end.tx->proof == NULL)
		return;
	ask_lists(in);
	flow_hold(&in->end.flow);
	smtp_proof_end(in->end.tx->proof, on_proved, in);
}

static void on_looked_up(void *self)
{
	struct inbound *in = self;

	flow_release(&in->end.flow);
}

static void look_up(void *self)
{
	struct inbound *in = self;

	gather_ask_proved(in->lists, &in->end.facts);
	if (list_asks_known(in->lists))
		return;
	flow_hold(&in->end.flow);
	list_asks_await(in->lists, on_looked_up, in);
}

static void run_acquaint(struct job *j) /* worker */
{
	inbound_acquaint((struct inbound *)smtp_end_of(j));
}

static void acquaint(void *self)
{
	struct inbound *in = self;

	gather_listed(in->lists, in->end.tx->arena, &in->end.facts);
	if (in->end.facts.from.n > 0)
		smtp_end_work_on(
		    &in->end, store_lane(in->end.server->deps.store, STORE_STATE), run_acquaint);
}

static void run_weigh(struct job *j) /* worker */
{
	inbound_weigh((struct inbound *)smtp_end_of(j));
}

static void weigh(void *self)
{
	struct inbound *in = self;
	struct smtp_end *e = &in->end;
	struct smtp_deps *deps = &e->server->deps;

	repute_look(deps->store, in->cfg, deps->suffixes, e->tx->arena, &e->facts);
	/* The tarpit is for those of whom nothing better is known. */
	if (e->session != NULL && e->facts.has_reputation &&
	    slice_eq(e->facts.reputation_of,
		repute_domain(deps->suffixes, e->tx->arena, &e->facts)) &&
	    e->facts.reputation >= in->cfg->filter.junk_below)
		smtp_in_trust(e->session);
	smtp_end_work(e, run_weigh);
}

static void run_greylist(struct job *j) /* worker */
{
	inbound_greylist((struct inbound *)smtp_end_of(j));
}

static void greylist(void *self)
{
	struct inbound *in = self;
	bool asked = false;

	for (size_t i = 0; i < in->shares_n; i++)
		asked = asked || in->shares[i].verdict.act == VERDICT_GREYLIST;
	if (asked)
		smtp_end_work_on(
		    &in->end, store_lane(in->end.server->deps.store, STORE_STATE), run_greylist);
}

/* One reply covers all recipients: refused or put off only if every verdict says so; else the harsher
 * ones get Junk. */
static void decide(void *self)
{
	struct inbound *in = self;
	const struct verdict *first = &in->shares[0].verdict;
	size_t rejects = 0, waits = 0;

	for (size_t i = 0; i < in->shares_n; i++) {
		enum verdict_act act = in->shares[i].verdict.act;

		if (act == VERDICT_GREYLIST && in->came_again)
			act = in->shares[i].verdict.act = VERDICT_ACCEPT;
		in->shares[i].junk = act != VERDICT_ACCEPT;
		rejects += act == VERDICT_REJECT;
		waits += act == VERDICT_GREYLIST || act == VERDICT_DEFER;
	}
	if (in->shares_n > 0 && rejects == in->shares_n) {
		in->refused = true; /* with a copy for the owner: two more steps */
		in->end.reply = (struct smtp_reply){ first->code, first->enhanced, first->reply };
		in->end.act = "reject";
		in->end.cause = arena_strdup(in->end.tx->arena, first->why);
	} else if (in->shares_n > 0 && waits == in->shares_n)
		smtp_end_stop(&in->end, first->code, first->enhanced, first->reply,
		    verdict_act_name(first->act), arena_strdup(in->end.tx->arena, first->why));
}

static void stamp(void *self)
{
	inbound_stamp(self);
}

static void on_committed(void *self, const struct commit_result *r)
{
	struct inbound *in = self;
	struct smtp_end *e = &in->end;

	if (r->err != NULL)
		smtp_end_stop_err(e, r->err);
	else {
		for (size_t i = 0; i < in->shares_n; i++)
			memcpy(in->shares[i].content, r->content_ids[i], sizeof(r->content_ids[i]));
		e->reply = (struct smtp_reply){ 250, "2.0.0",
			arena_fmt(e->tx->arena, "accepted as %s", e->tx->id) };
		e->act = "accept";
	}
	flow_release(&e->flow);
}

/* Where a [[rule]] files it; a folder that is not there is no reason to lose sight of mail. */
static struct folder *rule_folder(const struct smtp_end *e, struct share *share)
{
	struct folder *f;

	if (share->verdict.folder == NULL)
		return (NULL);
	if ((f = folder_find(share->account, slice_of(share->verdict.folder))) == NULL) {
		log_event(LOG_WARN, e->tx->id, "rule", "account", share->name, "folder",
		    share->verdict.folder, "why", "there is no such folder", "now",
		    "filed into INBOX; make the folder, or change the rule", NULL);
		share->verdict.folder = NULL; /* what the ledger tells is where it is */
	}
	return (f);
}

/* "\\Seen" and its like are flags, anything else a keyword. */
static void set_flag(const struct share *share, struct commit_target *target)
{
	static const struct {
		struct slice name;
		unsigned flag;
	} flags[] = { { SLICE_INIT("\\Seen"), FLAG_SEEN },
		{ SLICE_INIT("\\Flagged"), FLAG_FLAGGED },
		{ SLICE_INIT("\\Answered"), FLAG_ANSWERED }, { SLICE_INIT("\\Draft"), FLAG_DRAFT },
		{ SLICE_INIT("\\Deleted"), FLAG_DELETED } };
	struct slice name = slice_of(share->verdict.flag);

	for (size_t i = 0; i < COUNT_OF(flags); i++)
		if (slice_ieq(name, flags[i].name)) {
			target->flags |= flags[i].flag;
			return;
		}
	if (name.n > 0) {
		target->keywords = &share->verdict.flag;
		target->keywords_n = 1;
	}
}

static void commit(void *self)
{
	struct inbound *in = self;
	struct smtp_end *e = &in->end;
	struct commit_target *targets;
	struct commit c = { .draft = e->tx->draft, .drop = in->drop, .drop_n = in->drop_n };

	if (!smtp_end_wanted(e))
		return;
	if (in->refused) {
		inbound_quarantine(in);
		return;
	}
	targets = arena_array(e->tx->arena, in->shares_n, sizeof(*targets));
	for (size_t i = 0; i < in->shares_n; i++) {
		targets[i].account = in->shares[i].account;
		targets[i].role = in->shares[i].junk ? ROLE_JUNK : ROLE_INBOX;
		targets[i].folder = in->shares[i].junk ? NULL : rule_folder(e, &in->shares[i]);
		set_flag(&in->shares[i], &targets[i]);
		targets[i].prefix = in->shares[i].prefix;
		targets[i].date = clock_wall();
	}
	c.targets = targets;
	c.targets_n = in->shares_n;
	flow_hold(&e->flow);
	(void)store_commit(e->server->deps.store, &c, on_committed,
	    in); /* never cancelled: what is durable is told to the log */
}

static void forward(void *self)
{
	struct inbound *in = self;

	if (!in->refused)
		inbound_forward(in);
}

static void on_ended(void *self)
{
	struct inbound *in = self;

	inbound_tell(in);
	inbound_record(in);
	features_free(&in->features);
	list_asks_free(in->lists);
	smtp_peer_release(in->peer);
	smtp_end_answer(&in->end);
}
