/* ops_explain.c: what would become of this message, and why? POST /explain, the body is the message; what
 * is known besides is in the query: account, ip, helo, from, offline. spam/explain.h does it; here it is
 * told. */
#include "admin/ops_int.h"
#include "core/limits.h"
#include "spam/explain.h"
#include "spam/facts_text.h"

static void put_delivered(struct json *j, const struct explained *e)
{
	if (!e->was_delivered) {
		json_put_stringz(j, "delivered", NULL);
		return;
	}
	json_open(j, "delivered", '{');
	json_put_int(j, "at", e->delivered.at);
	json_put_string(j, "told", e->delivered.told);
	json_close(j, '}');
}

static void put_envelope(struct json *j, const struct explained *e)
{
	char peer[IP_TEXT];

	json_put_stringz(j, "account", e->account);
	json_put_stringz(j, "peer", e->has_peer ? ip_text(&e->facts.peer, peer) : NULL);
	json_put_string(j, "reverse_name", e->facts.rdns);
	json_put_string(j, "helo", e->facts.helo);
	json_put_string(j, "mail_from", e->facts.mail_from);
	json_put_string(j, "rcpt", e->facts.rcpt);
}

static void put_proofs(struct json *j, const struct dkim_auth_result *r)
{
	if (r == NULL) {
		json_put_stringz(j, "proofs", NULL);
		return;
	}
	json_open(j, "proofs", '{');
	json_put_stringz(j, "spf", spf_result_name(r->mail_from.result));
	json_put_string(j, "spf_domain", r->mail_from.domain);
	json_put_stringz(j, "spf_why", r->mail_from.why);
	json_open(j, "dkim", '[');
	for (size_t i = 0; i < r->signatures_n; i++) {
		json_open(j, NULL, '{');
		json_put_string(j, "domain", r->signatures[i].domain);
		json_put_stringz(j, "result", dkim_result_name(r->signatures[i].result));
		json_put_stringz(j, "why", r->signatures[i].why);
		json_close(j, '}');
	}
	json_close(j, ']');
	json_put_stringz(j, "dmarc", dmarc_state_name(r->dmarc.state));
	json_put_string(j, "dmarc_from", r->dmarc.from);
	json_put_stringz(j, "dmarc_policy", dmarc_policy_name(r->dmarc.policy));
	json_put_stringz(j, "arc", arc_state_name(r->arc));
	json_close(j, '}');
}

static void put_words(struct json *j, const char *key, const struct strong_word *v, size_t n)
{
	json_open(j, key, '[');
	for (size_t i = 0; i < n; i++) {
		json_open(j, NULL, '{');
		json_put_string(j, "word", v[i].text);
		json_put_real(j, "pull", v[i].pull);
		json_put_real(j, "ham", v[i].ham);
		json_put_real(j, "spam", v[i].spam);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void put_verdict(struct json *j, const struct explained *e)
{
	const struct verdict *v = &e->verdict;

	json_open(j, "points", '[');
	for (size_t i = 0; i < v->n; i++) {
		json_open(j, NULL, '{');
		json_put_stringz(j, "rule", v->points[i].rule);
		json_put_real(j, "points", v->points[i].points);
		json_close(j, '}');
	}
	json_close(j, ']');
	json_open(j, "notes", '[');
	for (size_t i = 0; i < v->notes_n; i++)
		json_put_string(j, NULL, v->notes[i]);
	json_close(j, ']');
	json_put_real(j, "score", v->score);
	json_put_stringz(j, "verdict", e->refused != NULL ? "refuse" : verdict_act_name(v->act));
	json_put_stringz(j, "refused", e->refused);
	json_put_stringz(j, "folder", v->folder);
	json_put_stringz(j, "flag", v->flag);
	json_put_stringz(j, "forward", verdict_forward(v));
	json_put_stringz(j, "reply", v->reply);
}

static void on_explained(void *self, const struct explained *e)
{
	struct ops_call *c = self;
	struct json j;

	c->on_cancel = NULL;
	if (e == NULL) {
		(void)err_set(&c->err, ERR_BUSY, "the filter is busy; try again in a moment");
		ops_fail(c, &c->err);
		return;
	}
	json_begin(&j, &c->out);
	json_open(&j, NULL, '{');
	put_delivered(&j, e);
	put_envelope(&j, e);
	json_open(&j, "facts", '{');
	facts_write(&j, &e->facts);
	json_close(&j, '}');
	put_proofs(&j, e->auth);
	put_words(&j, "words_for_spam", e->words.spam, e->words.spam_n);
	put_words(&j, "words_for_ham", e->words.ham, e->words.ham_n);
	put_verdict(&j, e);
	json_close(&j, '}');
	ops_reply_json(c);
}

static void on_freed(void *self)
{
	ops_end(self);
}

static void on_cancel(struct ops_call *c)
{
	explain_cancel(c->under_way, on_freed);
}

void ops_explain(struct ops_call *c)
{
	struct explain_deps deps = { c->ops->store, c->ops->dns, c->ops->suffixes,
		c->ops->classifier, c->ops->cfg, c->ops->lists };
	struct slice ip = ops_param(c, "ip"), from = ops_param(c, "from");
	struct explain_ask ask = { .file = c->q.body,
		.has_from = from.p != NULL,
		.helo = ops_param(c, "helo"),
		.mail_from = from,
		.offline = ops_param(c, "offline").n > 0 };

	if (c->q.body.n == 0 || c->q.body.n > L_HTTP_MESSAGE)
		(void)err_set(&c->err, ERR_PEER, "no message was given");
	else if (ip.n > 0 && !(ask.has_ip = ip_parse(ip, &ask.ip)))
		(void)err_set(&c->err, ERR_PEER, "\"%.*s\" is no address of a host", SLICE_ARG(ip));
	else if (ask.helo.n > L_DOMAIN || from.n > L_PATH)
		(void)err_set(&c->err, ERR_PEER, "that name or sender is longer than any may be");
	if (c->err.kind != ERR_NONE) {
		ops_fail(c, &c->err);
		return;
	}
	if (!ops_account(c, &ask.account))
		return;
	if (ask.account[0] == '\0')
		ask.account = NULL;
	c->under_way = explain_start(&deps, &ask, on_explained, c);
	c->on_cancel = on_cancel;
}
