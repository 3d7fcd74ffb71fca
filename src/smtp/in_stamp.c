/* in_stamp.c: what is written of a message that was judged: the fields in front of it, and the row for
 * the owner's "why". Decisions are made; here they are only told. RFC 5321 4.4; RFC 8601. */
#include "smtp/inbound_int.h"

#include "core/json.h"
#include "dkim/results.h"
#include "msg/write.h"
#include "spam/facts_text.h"
#include "spam/repute.h"

enum { FACTS_MAX = 16384 }; /* as the ledger takes them */

/* RFC 8601 2.2, RFC 7208 9.1. Where nothing was asked "none" is said. */
static void put_results(struct buf *out, const struct smtp_end *e)
{
	const struct dkim_auth_result *r = smtp_proof_result(e->tx->proof);

	if (r == NULL) {
		(void)results_write(out, e->hostname, NULL, 0);
		return;
	}
	(void)dkim_auth_write(out, r);
	(void)dkim_auth_write_received_spf(out, r);
}

static void put_reasons(
    struct buf *out, struct arena *a, const struct share *share, bool refused)
{
	(void)write_field(out, "X-Pennypost",
	    slice_of(arena_fmt(a, "%s; " SLICE_FMT, refused ? "reject" : share->junk ? "junk" : "accept",
		SLICE_ARG(share->verdict.why))));
}

void inbound_stamp(struct inbound *in)
{
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
		put_results(&out, e);
		put_reasons(&out, a, share, in->refused);
		/* Whom the owner allows who takes the copy out of Quarantine. */
		if (in->refused && e->facts.aligned == FACT_YES && e->facts.from.n > 0)
			(void)write_field(&out, QUARANTINE_SENDER, e->facts.from);
		smtp_end_trace(e, share->rcpt, true, &out);
		share->prefix = arena_dup(a, buf_slice(&out));
		failed = failed || out.failed;
	}
	if (failed && in->refused)
		flow_stop(&e->flow); /* refused all the same */
	else if (failed)
		smtp_end_stop_err(
		    e, &(struct err){ .kind = ERR_TEMPORARY, .text = "trace fields too long" });
	buf_free(&out);
}

/* The facts as the owner's "why" shows them, and "replay" judges them again; null: not known. */
static struct slice facts_of(struct arena *a, const struct smtp_end *e, const struct share *share)
{
	bool judged = share->verdict.why.n > 0;
	struct buf out = BUF_INIT(FACTS_MAX);
	struct slice text;
	struct json j;

	json_begin(&j, &out);
	json_open(&j, NULL, '{');
	facts_write(&j, judged ? &share->facts : &e->facts);
	json_put_bool(&j, "judged", judged);
	if (judged) {
		json_put_stringz(&j, "verdict", verdict_act_name(share->verdict.act));
		json_put_real(&j, "score", share->verdict.score);
	}
	/* Where the copy of a refused message lies, or why there is none. */
	if (share->copy != NULL)
		json_put_stringz(
		    &j, "quarantine", arena_fmt(a, "%s/%u", share->name, share->copy_uid));
	if (share->no_copy != NULL)
		json_put_stringz(&j, "no_copy", share->no_copy);
	if (share->forwarded != NULL)
		json_put_stringz(&j, "forwarded",
		    arena_fmt(a, "%s as m-%s", verdict_forward(&share->verdict), share->forwarded));
	if (share->not_forwarded != NULL)
		json_put_stringz(&j, "not_forwarded", share->not_forwarded);
	json_close(&j, '}');
	text = arena_dup(a, buf_slice(&out));
	buf_free(&out);
	return (text);
}

/* Told when the message is taken or refused; one that is put off is judged when it comes again. */
void inbound_tell(struct inbound *in)
{
	struct smtp_end *e = &in->end;
	char net[REPUTATION_NET];
	struct evidence one;

	if ((e->reply.code != 250 && e->reply.code < 500) || in->shares_n == 0 ||
	    !repute_counts(in->cfg, &e->facts.peer))
		return;
	one.net = slice_of(reputation_net(&e->facts.peer, net));
	one.domain = repute_domain(e->server->deps.suffixes, e->tx->arena, &e->facts);
	one.share = 1.0 / (double)in->shares_n;
	for (size_t i = 0; i < in->shares_n; i++) {
		const struct share *share = &in->shares[i];

		if (share->verdict.why.n == 0)
			continue; /* refused before it was judged */
		one.judged = repute_of_verdict(in->cfg, &share->verdict);
		one.is_friend = e->facts.aligned == FACT_YES && share->known == FACT_YES;
		one.account = slice_of(share->name);
		one.content_id =
		    e->reply.code == 250 || share->copy != NULL ? share->content : NULL;
		reputation_note(e->server->deps.store, &one);
	}
}

static struct slice folder_of(const struct share *share)
{
	if (share->junk)
		return (SLICE("Junk"));
	return (share->verdict.folder != NULL ? slice_of(share->verdict.folder) : SLICE("INBOX"));
}

static void record_share(struct inbound *in, const struct share *share, bool accepted)
{
	struct smtp_end *e = &in->end;
	struct ledger_row row = smtp_end_row(e);
	bool judged = share->verdict.why.n > 0;
	char peer[IP_TEXT];

	row.peer = slice_of(ip_text(&e->facts.peer, peer));
	row.rcpt = share->rcpt;
	row.account = slice_of(share->name);
	if (accepted) {
		row.act = share->junk ? SLICE("junk") : SLICE("accept");
		row.folder = folder_of(share);
		row.content_id = (struct slice){ (const char *)share->content, sizeof(share->content) };
	} else if (share->copy != NULL)
		row.folder = slice_of(share->copy);
	row.has_score = judged;
	row.score = share->verdict.score;
	row.points = share->verdict.why;
	row.facts = facts_of(e->tx->arena, e, share);
	ledger_add(e->server->deps.store, &row);
}

void inbound_record(struct inbound *in)
{
	struct smtp_end *e = &in->end;
	struct smtp_server_counts *counts = &e->server->counts;
	bool accepted = e->reply.code == 250, one = in->shares_n == 1;

	for (size_t i = 0; i < in->shares_n; i++)
		record_share(in, &in->shares[i], accepted);
	if (accepted) {
		counts->accepted++;
		counts->junked += one && in->shares[0].junk;
		e->act = one && in->shares[0].junk ? "junk" : "accept";
		e->cause = one ? arena_strdup(e->tx->arena, in->shares[0].verdict.why) : NULL;
	} else if (e->reply.code >= 500)
		counts->rejected++;
	else
		counts->deferred++;
}
