/* in_envelope.c: MAIL and RCPT: from whom, to whom, and may they? Leaves syntax to path.c, who
 * lives here to core/cfg.h. RFC 5321 4.1.1.2, 4.1.1.3; RFC 1870, 3461, 4954 5, 6152, 6531. Fails:
 * 501, 503, 552, 553, 555, 550 5.1.1, 550 5.5.3, 550 5.7.1 (relay), 451, 452. */
#include "smtp/in_proof.h"

#include <stdio.h>

#include "core/log.h"
#include "core/mem.h"
#include "core/secret.h"

static const struct smtp_reply reply_mail_syntax = { 501, "5.5.4", "write MAIL FROM:<address>" };
static const struct smtp_reply reply_rcpt_syntax = { 501, "5.5.4", "write RCPT TO:<address>" };
static const struct smtp_reply reply_malformed = { 553, "5.1.3", "no such address can exist" };
static const struct smtp_reply reply_long = { 501, "5.1.3", "address too long" };
static const struct smtp_reply reply_not_utf8 = { 501, "5.5.2", "address is not UTF-8" };
static const struct smtp_reply reply_needs_utf8 = { 553, "5.6.7", "this address needs SMTPUTF8" };
static const struct smtp_reply reply_param = { 555, "5.5.4",
	"parameter not known, not offered here, or given twice" };
static const struct smtp_reply reply_param_value = { 501, "5.5.4",
	"parameter value not understood" };
static const struct smtp_reply reply_too_big = { 552, "5.3.4",
	"message larger than this server takes" };
static const struct smtp_reply reply_no_space = { 452, "4.3.1",
	"no space for new mail now, try again later" };
static const struct smtp_reply reply_local_fault = { 451, "4.3.0",
	"trouble on our side, try again later" };
static const struct smtp_reply reply_not_yours = { 553, "5.7.1",
	"this sender address is not yours" };
static const struct smtp_reply reply_sender_ok = { 250, "2.1.0", "sender OK" };
static const struct smtp_reply reply_rcpt_ok = { 250, "2.1.5", "recipient OK" };
static const struct smtp_reply reply_unknown = { 550, "5.1.1", "no such mailbox here" };
static const struct smtp_reply reply_relay = { 550, "5.7.1", "this server does not relay" };
static const struct smtp_reply reply_one_for_null = { 550, "5.5.3", "a report has one recipient" };
static const struct smtp_reply reply_many = { 452, "4.5.3", "too many recipients" };
static const struct smtp_reply reply_rate = { 451, "4.7.1",
	"too many recipients within an hour, try again later" };
static const struct smtp_reply reply_guessing = { 421, "4.7.0",
	"too many unknown recipients, closing" };

void smtp_tx_free(struct smtp_tx *tx)
{
	if (tx == NULL)
		return;
	draft_free(tx->draft);
	smtp_proof_free(tx->proof);
	arena_free(tx->arena); /* frees tx: last */
}

void smtp_in_reset(struct smtp_in *s)
{
	smtp_tx_free(s->tx);
	s->tx = NULL;
	if (s->helo[0] != '\0' && s->state != S_CLOSING)
		s->state = S_READY;
}

static struct smtp_tx *tx_new(void)
{
	struct arena *a = arena_new(0);
	struct smtp_tx *tx = arena_alloc(a, sizeof(*tx));

	tx->arena = a;
	tx->rcpts_end = &tx->rcpts;
	memcpy(tx->id, "m-", 2);
	secret_id(tx->id + 2, SMTP_ID - 3);
	return (tx);
}

static const struct smtp_reply *path_reply(
    enum smtp_path_result r, const struct smtp_reply *syntax, bool smtputf8)
{
	switch (r) {
	case SMTP_PATH_OK: break;
	case SMTP_PATH_SYNTAX: return (syntax);
	case SMTP_PATH_MALFORMED: return (&reply_malformed);
	case SMTP_PATH_LONG: return (&reply_long);
	case SMTP_PATH_NOT_UTF8: return (smtputf8 ? &reply_not_utf8 : &reply_needs_utf8);
	}
	return (NULL);
}

/* Parameters: one row each; each may come once. */
struct param {
	struct smtp_in *s;
	struct smtp_tx *tx;
	struct smtp_rcpt *rcpt; /* RCPT only */
	struct arena *arena;    /* for what is kept of a value */
	struct slice value;
	bool has_value;
};

struct param_row {
	struct slice name;
	bool submission_only;
	const struct smtp_reply *(*set)(struct param *p); /* NULL: fine */
};

static const struct smtp_reply *set_size(struct param *p) /* RFC 1870 6.1 */
{
	uint64_t size;

	if (p->value.n > 20 || !slice_u64(p->value, UINT64_MAX, &size))
		return (&reply_param_value);
	return (size > smtp_in_cfg(p->s)->limits.size ? &reply_too_big : NULL);
}

static const struct smtp_reply *set_body(
    struct param *p) /* RFC 6152 3; RFC 3030 3 is not offered */
{
	p->tx->eightbit = slice_ieq(p->value, SLICE("8BITMIME"));
	if (slice_ieq(p->value, SLICE("BINARYMIME")))
		return (&reply_param);
	return (p->tx->eightbit || slice_ieq(p->value, SLICE("7BIT")) ? NULL : &reply_param_value);
}

static const struct smtp_reply *set_smtputf8(struct param *p) /* RFC 6531 3.4 */
{
	p->tx->smtputf8 = true;
	return (p->has_value ? &reply_param_value : NULL);
}

/* RFC 4954 5: who wrote it first. Nobody here is trusted to say so; a well-formed value is passed
 * over. */
static const struct smtp_reply *set_auth(struct param *p)
{
	return (p->value.n > 0 && smtp_xtext_ok(p->value) ? NULL : &reply_param_value);
}

static const struct smtp_reply *set_ret(struct param *p) /* RFC 3461 4.3 */
{
	p->tx->dsn_full = slice_ieq(p->value, SLICE("FULL"));
	return (p->tx->dsn_full || slice_ieq(p->value, SLICE("HDRS")) ? NULL : &reply_param_value);
}

static const struct smtp_reply *set_envid(
    struct param *p) /* RFC 3461 4.4: at most 100 characters */
{
	if (p->value.n == 0 || p->value.n > 100 || !smtp_xtext_ok(p->value))
		return (&reply_param_value);
	p->tx->envid = arena_dup(p->arena, p->value);
	return (NULL);
}

static const struct smtp_reply *set_notify(struct param *p) /* RFC 3461 4.1 */
{
	static const struct {
		struct slice name;
		unsigned bit;
	} words[] = { { SLICE_INIT("NEVER"), NOTIFY_NEVER },
		{ SLICE_INIT("SUCCESS"), NOTIFY_SUCCESS },
		{ SLICE_INIT("FAILURE"), NOTIFY_FAILURE }, { SLICE_INIT("DELAY"), NOTIFY_DELAY } };
	struct slice word, rest = p->value;
	bool more, found;

	do {
		more = slice_cut(rest, ',', &word, &rest);
		found = false;
		for (size_t i = 0; i < COUNT_OF(words); i++) {
			if (slice_ieq(word, words[i].name)) {
				p->rcpt->notify |= words[i].bit;
				found = true;
			}
		}
		if (!found)
			return (&reply_param_value);
	} while (more);
	if ((p->rcpt->notify & NOTIFY_NEVER) && p->rcpt->notify != NOTIFY_NEVER)
		return (&reply_param_value);
	return (NULL);
}

static const struct smtp_reply *set_orcpt(
    struct param *p) /* RFC 3461 4.2: addr-type ";" xtext, at most 500 */
{
	struct slice type, address;

	if (p->value.n > 500 || !slice_cut(p->value, ';', &type, &address) || type.n == 0 ||
	    address.n == 0 || !smtp_xtext_ok(type) || !smtp_xtext_ok(address))
		return (&reply_param_value);
	p->rcpt->orcpt = arena_dup(p->arena, p->value);
	return (NULL);
}

static const struct param_row mail_params[] = {
	{ SLICE_INIT("SIZE"), false, set_size },
	{ SLICE_INIT("BODY"), false, set_body },
	{ SLICE_INIT("SMTPUTF8"), false, set_smtputf8 },
	{ SLICE_INIT("AUTH"), true, set_auth },
	{ SLICE_INIT("RET"), true, set_ret },
	{ SLICE_INIT("ENVID"), true, set_envid },
};
static const struct param_row rcpt_params[] = {
	{ SLICE_INIT("NOTIFY"), true, set_notify },
	{ SLICE_INIT("ORCPT"), true, set_orcpt },
};

static const struct smtp_reply *take_params(
    struct param *p, struct cursor *c, const struct param_row *rows, size_t n)
{
	const struct smtp_reply *no;
	struct slice name;
	unsigned seen = 0;
	enum take t;
	size_t i;

	while ((t = smtp_param_next(c, &name, &p->value, &p->has_value)) == TAKE_OK) {
		for (i = 0; i < n && !slice_ieq(name, rows[i].name); i++)
			;
		if (i == n || !p->s->esmtp ||
		    (rows[i].submission_only && p->s->role != ROLE_SUBMISSION))
			return (&reply_param); /* RFC 5321 4.1.1.11 */
		if (seen & (1U << i))
			return (rows[i].set == set_size ? &reply_param_value : &reply_param);
		seen |= 1U << i;
		if ((no = rows[i].set(p)) != NULL)
			return (no);
	}
	return (t == TAKE_BAD ? &reply_param_value : NULL);
}

/* RFC 6409 6.1: a submitted message comes from an address of its writer. <> is for reports of mail
 * programs; what they put into From is looked at later all the same. */
static bool sender_is_theirs(const struct smtp_in *s, const struct smtp_path *from)
{
	return (from->null ||
	    (!from->literal &&
		cfg_owns(smtp_in_cfg(s), account_cfg(s->account), from->local, from->domain)));
}

static const struct smtp_reply *begin(struct smtp_in *s, struct smtp_tx *tx, struct slice args)
{
	struct cursor c = cursor_of(args);
	struct param p = { .s = s, .tx = tx, .arena = tx->arena };
	const struct smtp_reply *no;
	struct err err = { 0 };

	if (!take_iliteral(&c, SLICE("FROM:")))
		return (&reply_mail_syntax);
	if ((no = path_reply(smtp_path_take(tx->arena, &c, &tx->from), &reply_mail_syntax,
		 slice_ifind(args, SLICE(" SMTPUTF8")) != SIZE_MAX)) != NULL)
		return (no);
	if ((no = take_params(&p, &c, mail_params, COUNT_OF(mail_params))) != NULL)
		return (no);
	if (tx->from.is_utf8 && !tx->smtputf8)
		return (&reply_needs_utf8);
	if (!tx->from.null && tx->from.domain.n == 0)
		return (&reply_malformed);
	if (s->role == ROLE_SUBMISSION && !sender_is_theirs(s, &tx->from))
		return (&reply_not_yours);
	if (!store_accepts(s->server->deps.store, &err)) {
		log_event(LOG_WARN, s->id, "smtp-in defer", "where", "MAIL", "why", err.text, NULL);
		return (err.kind == ERR_NO_SPACE ? &reply_no_space : &reply_local_fault);
	}
	return (NULL);
}

void smtp_cmd_mail(struct smtp_in *s, struct slice args)
{
	struct smtp_tx *tx = tx_new();
	const struct smtp_reply *no;

	if ((no = begin(s, tx, args)) != NULL) {
		if (no->code >= 500)
			log_event(LOG_INFO, s->id, smtp_role_name(s), "refuse", "MAIL", "args",
			    arena_strdup(tx->arena, args), "why", no->text, NULL);
		smtp_tx_free(tx);
		smtp_in_reply(s, no);
		return;
	}
	s->tx = tx;
	s->state = S_MAIL;
	tx->proof = smtp_proof_start(s, &tx->from);
	smtp_in_say(s, &reply_sender_ok);
}

/* Characters that once meant "send it on from there" (SIN-10). */
static bool asks_relay(struct slice local)
{
	return (slice_chr(local, '%') != SIZE_MAX || slice_chr(local, '!') != SIZE_MAX ||
	    slice_chr(local, '@') != SIZE_MAX);
}

static const struct smtp_reply *whose(
    struct smtp_in *s, struct arena *a, const struct smtp_path *path, struct smtp_rcpt *rcpt)
{
	const struct cfg *cfg = smtp_in_cfg(s);
	struct slice domain = path->domain;
	struct cfg_targets targets = { 0 };
	struct err err = { 0 };

	if (domain.n == 0 && cfg->domains != NULL)
		domain = cfg->domains->name; /* RFC 5321 4.5.1: <postmaster> */
	if (path->literal || (s->role == ROLE_MX && asks_relay(path->local)))
		return (&reply_relay);
	if (cfg_resolve(cfg, a, path->local, domain, &targets, &err) == -1) {
		if (err.kind != ERR_CANNOT)
			return (&reply_unknown);
		return (s->role == ROLE_SUBMISSION ? NULL : &reply_relay);
	}
	rcpt->accounts = arena_array(a, targets.n, sizeof(struct account *));
	for (size_t i = 0; i < targets.n; i++) {
		struct account *account =
		    store_account(s->server->deps.store, slice_of(targets.accounts[i]->name));

		if (account == NULL || account_is_gone(account))
			return (&reply_local_fault);
		rcpt->accounts[rcpt->accounts_n++] = account;
	}
	return (rcpt->accounts_n > 0 ? NULL : &reply_unknown);
}

static bool is_known(const struct smtp_tx *tx, struct slice address)
{
	for (const struct smtp_rcpt *r = tx->rcpts; r != NULL; r = r->next)
		if (slice_eq(r->address, address)) /* RFC 5321 2.4: elsewhere case may matter */
			return (true);
	return (false);
}

static void keep_rcpt(struct smtp_tx *tx, const struct smtp_rcpt *rcpt)
{
	struct smtp_rcpt *kept = arena_alloc(tx->arena, sizeof(*kept));

	*kept = *rcpt;
	kept->address = arena_dup(tx->arena, rcpt->address);
	kept->orcpt = arena_dup(tx->arena, rcpt->orcpt);
	kept->accounts = arena_array(tx->arena, rcpt->accounts_n, sizeof(struct account *));
	for (size_t i = 0; i < rcpt->accounts_n; i++)
		kept->accounts[i] = rcpt->accounts[i];
	*tx->rcpts_end = kept;
	tx->rcpts_end = &kept->next;
}

/* ${scratch}: what only a refusal needs. A peer may be refused often; the transaction keeps what it
 * took. */
static const struct smtp_reply *add_rcpt(
    struct smtp_in *s, struct arena *scratch, struct slice args, struct smtp_rcpt *rcpt)
{
	struct smtp_tx *tx = s->tx;
	struct cursor c = cursor_of(args);
	struct param p = { .s = s, .tx = tx, .rcpt = rcpt, .arena = scratch };
	struct smtp_path path = { 0 };
	const struct smtp_reply *no;

	if (!take_iliteral(&c, SLICE("TO:")))
		return (&reply_rcpt_syntax);
	if ((no = path_reply(
		 smtp_path_take(scratch, &c, &path), &reply_rcpt_syntax, tx->smtputf8)) != NULL)
		return (no);
	if (path.null)
		return (&reply_malformed);
	if (path.is_utf8 && !tx->smtputf8)
		return (&reply_needs_utf8);
	if ((no = take_params(&p, &c, rcpt_params, COUNT_OF(rcpt_params))) != NULL)
		return (no);
	if (tx->from.null && tx->rcpts_n > 0)
		return (&reply_one_for_null); /* RFC 5321 4.5.5 */
	rcpt->address = path.text;
	if (is_known(tx, rcpt->address))
		return (++s->junk > smtp_in_cfg(s)->limits.junk ? &reply_many : &reply_rcpt_ok);
	if (tx->rcpts_n >= smtp_role_rcpts(s))
		return (&reply_many);
	if ((no = whose(s, scratch, &path, rcpt)) != NULL)
		return (no);
	if ((no = smtp_in_refusal(s, scratch, rcpt)) != NULL)
		return (no);
	if (s->role == ROLE_SUBMISSION &&
	    !rate_take(s->server->submitted, slice_of(account_name(s->account)), clock_ms()))
		return (&reply_rate);
	keep_rcpt(tx, rcpt);
	tx->rcpts_n++;
	s->state = S_RCPT;
	return (&reply_rcpt_ok);
}

/* A refusal is told to the owner too; too many of them from one source end the conversation
 * (SIN-17). */
static const struct smtp_reply *refused(
    struct smtp_in *s, struct arena *scratch, const struct smtp_reply *no, struct slice said)
{
	char peer[IP_TEXT], code[8];
	struct ip source = ip_source(conn_peer(s->conn));
	struct ledger_row row = {
		.session = slice_of(s->id),
		.message = slice_of(s->tx->id),
		.act = SLICE("refuse"),
		.peer = slice_of(ip_text(conn_peer(s->conn), peer)),
		.helo = slice_of(s->helo),
		.mail_from = s->tx->from.text,
		.rcpt = slice_head(said, L_PATH),
		.reply = smtp_reply_said(scratch, no),
	};

	(void)snprintf(code, sizeof(code), "%u", no->code);
	log_event(LOG_INFO, s->id, smtp_role_name(s), "refuse", "RCPT", "code", code, "msg",
	    s->tx->id, "from", arena_strdup(scratch, s->tx->from.text), "rcpt",
	    arena_strdup(scratch, row.rcpt), "why", no->text, NULL);
	if (row.rcpt.n > 0) /* else nobody was named */
		ledger_add(s->server->deps.store, &row);
	s->server->counts.refused_rcpt++;
	if (no == &reply_unknown && s->role == ROLE_MX &&
	    !rate_take(s->server->guesses,
		(struct slice){ (const char *)source.octets, sizeof(source.octets) }, clock_ms()))
		return (&reply_guessing);
	return (no);
}

void smtp_cmd_rcpt(struct smtp_in *s, struct slice args)
{
	struct arena *scratch;
	struct smtp_rcpt rcpt = { 0 };
	const struct smtp_reply *r;

	if (smtp_in_hold_rcpt(s, args))
		return;
	scratch = arena_new(0);
	r = add_rcpt(s, scratch, args, &rcpt);
	if (r->code >= 400)
		r = refused(s, scratch, r, rcpt.address.n > 0 ? rcpt.address : args);
	if (r->code == 421)
		smtp_in_fail(s, r, "guessing recipients");
	else
		smtp_in_reply(s, r);
	arena_free(scratch); /* the reply may lie in it */
}
