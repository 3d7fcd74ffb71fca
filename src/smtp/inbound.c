/* inbound.c: the spine of receiving: gather, judge, stamp, commit, answer. Order and consequences
 * stand here; syntax is msg/'s, points are spam/'s, disks are store/'s.  RFC 5321 4.4, 6.1, 6.3;
 * RFC 8601 5. Ends: 250 (durable in every recipient's Maildir), 550 (every verdict says so), 554
 * (form, loop), 451 and 452 (our trouble). */
#include "smtp/inbound.h"

#include "core/log.h"
#include "dkim/results.h"
#include "msg/mime.h"
#include "msg/write.h"
#include "smtp/in_int.h"
#include "spam/classifier.h"
#include "spam/verdict.h"

struct share { /* one account's copy, however many of its addresses were named */
	struct account *account;
	const char *name;  /* lives as long as the account */
	struct slice rcpt; /* the first of its addresses */
	struct verdict verdict;
	struct slice prefix;
	bool junk; /* where it goes in the end */
};

struct inbound {
	struct smtp_end end;           /* in the transaction's arena, as all of this */
	struct classifier *classifier; /* borrowed; NULL: none */
	struct cfg_score score;        /* copied: the configuration may change under a wait */
	struct share *shares;
	size_t shares_n;
	struct span *drop; /* inbound fields only we may write */
	size_t drop_n;
};

static void gather(void *self);
static void examine(void *self);
static void judge(void *self);
static void stamp(void *self);
static void commit(void *self);
static void on_ended(void *self);

static const struct flow_step inbound_steps[] = {
	{ "gather", gather },   /* in_checks.c's early questions; the draft becomes readable */
	{ "examine", examine }, /* msg/header.h, spam/verdict.h: on a worker */
	{ "judge", judge },     /* one reply for all; may stop with 5xx */
	{ "stamp", stamp },     /* msg/write.h */
	{ "commit", commit },   /* store/draft.h: durable for every recipient, or for none */
	{ NULL, NULL },         /* on_ended answers */
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
	in->score = smtp_in_cfg(s)->score;
	smtp_end_begin(&in->end, s, inbound_steps, on_ended, in);
}

static void gather(void *self)
{
	struct inbound *in = self;

	divide(in);
	smtp_end_arrive(&in->end);
}

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

static void judge_share(struct inbound *in, struct share *share, const struct mime *mime,
    const struct features *features)
{
	struct facts facts = in->end.facts;
	struct spam_score score = { 0 };

	if (in->classifier != NULL)
		classifier_score(in->classifier, share->name, features, &score);
	facts.header = &in->end.header;
	facts.mime = mime;
	facts.account = share->name;
	facts.has_bayes = score.known;
	facts.bayes = score.probability;
	facts.bayes_confidence = score.confidence;
	verdict_judge(in->end.tx->arena, &facts, &in->score, &share->verdict);
}

static void run_examine(struct job *j) /* worker */
{
	struct smtp_end *e = smtp_end_of(j);
	struct inbound *in = (struct inbound *)e;
	struct features features = { 0 };
	struct mime mime = { 0 };

	if (smtp_end_examine(e) == -1)
		return;
	if (has_been_here(in)) {
		err_set(&e->err, ERR_LIMIT, "this message has been here before: mail loop");
		return;
	}
	in->drop = arena_array(
	    e->tx->arena, e->header.n > 0 ? e->header.n : 1, sizeof(*in->drop));
	in->drop_n = smtp_end_forgeries(e, in->drop);
	mime_parse(e->tx->arena, draft_bytes(e->tx->draft), &mime);
	if (in->classifier != NULL)
		features_of(in->classifier, &mime, &features);
	for (size_t i = 0; i < in->shares_n; i++)
		judge_share(in, &in->shares[i], &mime, &features);
	features_free(&features);
}

static void examine(void *self)
{
	struct inbound *in = self;

	smtp_end_work(&in->end, run_examine);
}

/* One reply covers all recipients: refused only if every verdict says so; else the harsher ones get
 * Junk. */
static void judge(void *self)
{
	struct inbound *in = self;
	size_t rejects = 0;
	const char *words;

	for (size_t i = 0; i < in->shares_n; i++) {
		in->shares[i].junk = in->shares[i].verdict.act != VERDICT_ACCEPT;
		rejects += in->shares[i].verdict.act == VERDICT_REJECT;
	}
	if (in->shares_n == 0 || rejects < in->shares_n)
		return;
	words = in->shares[0].verdict.reply;
	smtp_end_stop(&in->end, 550, "5.7.1",
	    words != NULL ? words : "this message looks like spam to us", "reject",
	    arena_strdup(in->end.tx->arena, in->shares[0].verdict.why));
}

static void stamp(void *self)
{
	struct inbound *in = self;
	struct smtp_end *e = &in->end;
	struct arena *a = e->tx->arena;
	struct buf out = BUF_INIT(L_HDR);
	bool failed = false;

	for (size_t i = 0; i < in->shares_n; i++) {
		struct share *share = &in->shares[i];

		buf_reset(&out);
		(void)write_field(&out, "Return-Path",
		    slice_of(arena_fmt(
			a, "<" SLICE_FMT ">", SLICE_ARG(e->tx->from.text)))); /* RFC 5321 4.4 */
		(void)write_field(&out, "Delivered-To", share->rcpt);
		(void)results_write(
		    &out, e->hostname, NULL, 0); /* nothing is checked yet: "none" */
		(void)write_field(&out, "X-Pennypost",
		    slice_of(arena_fmt(a, "%s; " SLICE_FMT, share->junk ? "junk" : "accept",
			SLICE_ARG(share->verdict.why))));
		smtp_end_trace(e, share->rcpt, true, &out);
		share->prefix = arena_dup(a, buf_slice(&out));
		failed = failed || out.failed;
	}
	if (failed)
		smtp_end_stop_err(
		    e, &(struct err){ .kind = ERR_TEMPORARY, .text = "trace fields too long" });
	buf_free(&out);
}

static void on_committed(void *self, const struct commit_result *r)
{
	struct inbound *in = self;
	struct smtp_end *e = &in->end;

	if (r->err != NULL)
		smtp_end_stop_err(e, r->err);
	else {
		e->reply = (struct smtp_reply){ 250, "2.0.0",
			arena_fmt(e->tx->arena, "accepted as %s", e->tx->id) };
		e->act = "accept";
	}
	flow_release(&e->flow);
}

static void commit(void *self)
{
	struct inbound *in = self;
	struct smtp_end *e = &in->end;
	struct commit_target *targets;
	struct commit c = { .draft = e->tx->draft, .drop = in->drop, .drop_n = in->drop_n };

	if (!smtp_end_wanted(e))
		return;
	targets = arena_array(e->tx->arena, in->shares_n, sizeof(*targets));
	for (size_t i = 0; i < in->shares_n; i++) {
		targets[i].account = in->shares[i].account;
		targets[i].role = in->shares[i].junk ? ROLE_JUNK : ROLE_INBOX;
		targets[i].prefix = in->shares[i].prefix;
		targets[i].date = clock_wall();
	}
	c.targets = targets;
	c.targets_n = in->shares_n;
	flow_hold(&e->flow);
	(void)store_commit(e->server->deps.store, &c, on_committed,
	    in); /* never cancelled: what is durable is told to the log */
}

/* The facts as the owner's "why" shows them. */
static struct slice facts_text(
    struct arena *a, const struct facts *f, const struct verdict *v, bool judged)
{
	static const char *const words[] = { "null", "false", "true" };

	return (
	    slice_of(arena_fmt(a, "{\"tls\":%s,\"early_talker\":%s,\"judged\":%s,\"score\":%.2f}",
		f->tls ? "true" : "false", words[f->early_talker], judged ? "true" : "false",
		judged ? v->score : 0.0)));
}

static struct slice points_text(struct arena *a, const struct verdict *v)
{
	struct buf out = BUF_INIT(L_REPLY_OCTETS);
	struct slice s;

	for (size_t i = 0; i < v->n; i++)
		buf_fmt(
		    &out, "%s%s %.1f", i > 0 ? "; " : "", v->points[i].rule, v->points[i].points);
	s = arena_dup(a, buf_slice(&out));
	buf_free(&out);
	return (s);
}

/* A row for each recipient's copy: nothing is silent. */
static void record(struct inbound *in)
{
	struct smtp_end *e = &in->end;
	struct arena *a = e->tx->arena;
	struct smtp_server_counts *counts = &e->server->counts;
	bool accepted = e->reply.code == 250, judged = accepted || strcmp(e->act, "reject") == 0;
	char peer[IP_TEXT];

	for (size_t i = 0; i < in->shares_n; i++) {
		const struct share *share = &in->shares[i];
		struct ledger_row row = smtp_end_row(e);

		row.peer = slice_of(ip_text(&e->facts.peer, peer));
		row.rcpt = share->rcpt;
		row.account = slice_of(share->name);
		if (accepted) {
			row.act = share->junk ? SLICE("junk") : SLICE("accept");
			row.folder = share->junk ? SLICE("Junk") : SLICE("INBOX");
		}
		row.has_score = judged;
		row.score = share->verdict.score;
		row.points = points_text(a, &share->verdict);
		row.facts = facts_text(a, &e->facts, &share->verdict, judged);
		ledger_add(e->server->deps.store, &row);
	}
	if (accepted) {
		counts->accepted++;
		counts->junked += in->shares_n == 1 && in->shares[0].junk;
		e->act = in->shares_n == 1 && in->shares[0].junk ? "junk" : "accept";
		e->cause = in->shares_n == 1 ? arena_strdup(a, in->shares[0].verdict.why) : NULL;
	} else if (e->reply.code >= 500)
		counts->rejected++;
	else
		counts->deferred++;
}

static void on_ended(void *self)
{
	struct inbound *in = self;

	record(in);
	smtp_end_answer(&in->end);
}
