/* end_of_data.c: what both spines do alike between the last octet and the answer: take the
 * transaction over, have the draft readable, work on a lane, turn trouble into a reply, answer.
 * Leaves what to decide to inbound.c and submit.c. A connection that dies meanwhile is no reason to
 * stop what was begun on disk, only to begin nothing more. */
#include "smtp/in_int.h"

#include "core/log.h"
#include "msg/text.h"
#include "msg/write.h"
#include "dkim/results.h"

void smtp_end_begin(struct smtp_end *e, struct smtp_in *s, const struct flow_step *steps,
    void (*on_ended)(void *self), void *self)
{
	struct arena *a = s->tx->arena;

	e->server = s->server;
	e->session = s;
	e->tx = s->tx;
	s->tx = NULL;
	s->spine_back = &e->session;
	smtp_in_facts(s, &e->facts);
	e->facts.helo = arena_dup(a, e->facts.helo);
	e->facts.mail_from = e->tx->from.text;
	memcpy(e->session_id, s->id, sizeof(e->session_id));
	e->role = smtp_role_name(s);
	e->hostname = arena_strdup(a, slice_of(smtp_in_cfg(s)->hostname));
	e->with = smtp_role_with(s, e->tx->smtputf8);
	e->tls = arena_strdup(a, slice_of(conn_tls_text(s->conn)));
	e->hops = smtp_in_cfg(s)->limits.hop;
	e->reply = (struct smtp_reply){ 451, "4.3.0", "trouble on our side, try again later" };
	e->act = "defer";
	smtp_in_wait(s);
	smtp_server_spine_begun(e->server);
	flow_start(&e->flow, steps, on_ended, self);
}

void smtp_end_stop(struct smtp_end *e, unsigned code, const char *enhanced, const char *text,
    const char *act, const char *cause)
{
	e->reply = (struct smtp_reply){ code, enhanced, text };
	e->act = act;
	e->cause = cause;
	flow_stop(&e->flow);
}

void smtp_end_stop_err(struct smtp_end *e, const struct err *err)
{
	const char *cause = arena_strdup(e->tx->arena, slice_of(err->text));

	switch (err->kind) {
	case ERR_OVER_QUOTA:
		smtp_end_stop(e, 452, "4.2.2", "mailbox full, try again later", "defer", cause);
		break;
	case ERR_NO_SPACE:
		smtp_end_stop(
		    e, 452, "4.3.1", "no space for new mail now, try again later", "defer", cause);
		break;
	case ERR_NONE:
	case ERR_PEER:
	case ERR_TEMPORARY:
	case ERR_PERMANENT:
	case ERR_NOT_FOUND:
	case ERR_EXISTS:
	case ERR_LIMIT:
	case ERR_CANNOT:
	case ERR_BUSY:
		smtp_end_stop(
		    e, 451, "4.3.0", "trouble on our side, try again later", "defer", cause);
		break;
	}
}

static void on_readable(void *self, const struct err *err)
{
	struct smtp_end *e = self;

	if (err != NULL)
		smtp_end_stop_err(e, err);
	flow_release(&e->flow);
}

void smtp_end_arrive(struct smtp_end *e)
{
	flow_hold(&e->flow);
	draft_end(e->tx->draft, on_readable, e);
}

bool smtp_end_wanted(struct smtp_end *e)
{
	if (e->session != NULL)
		return (true);
	smtp_end_stop(
	    e, 451, "4.4.2", "connection lost", "lost", "the peer left before the answer");
	return (false);
}

struct smtp_end *smtp_end_of(struct job *j)
{
	return (LIST_OWNER(j, struct smtp_end, job));
}

static void on_worked(struct job *j)
{
	struct smtp_end *e = smtp_end_of(j);
	const char *text = arena_strdup(e->tx->arena, slice_of(e->err.text));

	switch (e->err.kind) {
	case ERR_NONE: break;
	case ERR_PEER: smtp_end_stop(e, 554, "5.6.0", text, "refuse", text); break;
	case ERR_LIMIT: smtp_end_stop(e, 554, "5.4.6", text, "refuse", text); break;
	case ERR_TEMPORARY:
	case ERR_PERMANENT:
	case ERR_NOT_FOUND:
	case ERR_EXISTS:
	case ERR_NO_SPACE:
	case ERR_OVER_QUOTA:
	case ERR_CANNOT:
	case ERR_BUSY: smtp_end_stop_err(e, &e->err); break;
	}
	flow_release(&e->flow);
}

void smtp_end_work(struct smtp_end *e, void (*run)(struct job *j))
{
	smtp_end_work_on(e, e->server->crypto, run);
}

void smtp_end_work_on(struct smtp_end *e, struct lane *lane, void (*run)(struct job *j))
{
	e->err = (struct err){ 0 };
	e->job.run = run;
	e->job.done = on_worked;
	if (lane_put(lane, &e->job) == -1) {
		smtp_end_stop(
		    e, 451, "4.3.0", "too busy, try again soon", "defer", "work lane full");
		return;
	}
	flow_hold(&e->flow);
}

/* One field for people, short, out of the draft's reach. */
static struct slice summary(struct arena *a, const struct header *h, struct slice name)
{
	const struct field *f = header_first(h, name);

	if (f == NULL)
		return ((struct slice){ 0 });
	return (arena_dup(a,
	    slice_head(
		text_words(a, slice_head(f->body, (size_t)4 * SMTP_SUMMARY)), SMTP_SUMMARY)));
}

int smtp_end_examine(struct smtp_end *e)
{
	struct arena *a = e->tx->arena;

	header_parse(a, draft_bytes(e->tx->draft), &e->header);
	e->message_id = summary(a, &e->header, SLICE("Message-ID"));
	e->subject = summary(a, &e->header, SLICE("Subject"));
	e->header_from = summary(a, &e->header, SLICE("From"));
	if (header_check(a, &e->header, e->hops, &e->err) == 0)
		return (0);
	if (e->err.kind != ERR_LIMIT)
		e->err.kind = ERR_PEER;
	return (-1);
}

/* What claims to be from us is left out (RFC 8601 5), and nothing else (P4). Our own people's
 * programs get no say in it either: their neighbours read it. */
size_t smtp_end_forgeries(const struct smtp_end *e, struct span *drop)
{
	const struct header *h = &e->header;
	size_t n = 0;

	for (size_t i = 0; i < h->n; i++) {
		const struct field *f = &h->fields[i];

		if (slice_istarts(f->name, SLICE("X-Pennypost")) ||
		    (slice_ieq(f->name, SLICE("Authentication-Results")) &&
			results_is_ours(f->body, e->hostname)))
			drop[n++] = (struct span){ f->offset, f->raw.n };
	}
	return (n);
}

void smtp_end_trace(const struct smtp_end *e, struct slice rcpt, bool show_peer, struct buf *out)
{
	struct trace t = {
		.by = e->hostname,
		.with = e->with,
		.tls = e->tls,
		.id = e->tx->id,
		.rcpt = rcpt,
		.when = clock_wall(),
	};

	if (show_peer) {
		t.helo = e->facts.helo;
		if (e->facts.fcrdns == FACT_YES) /* else it is only what the peer claims */
			t.rdns = e->facts.rdns;
		t.peer = &e->facts.peer;
	}
	(void)write_received(out, &t);
}

struct ledger_row smtp_end_row(const struct smtp_end *e)
{
	return ((struct ledger_row){
	    .session = slice_of(e->session_id),
	    .message = slice_of(e->tx->id),
	    .act = slice_of(e->act),
	    .helo = e->facts.helo,
	    .rdns = e->facts.rdns,
	    .mail_from = e->tx->from.text,
	    .message_id = e->message_id,
	    .subject = e->subject,
	    .header_from = e->header_from,
	    .reply = smtp_reply_said(e->tx->arena, &e->reply),
	});
}

/* Which recipients, for the log: the first, and how many more. */
static const char *rcpts_text(const struct smtp_tx *tx)
{
	if (tx->rcpts == NULL)
		return (NULL);
	if (tx->rcpts_n == 1)
		return (arena_strdup(tx->arena, tx->rcpts->address));
	return (arena_fmt(
	    tx->arena, SLICE_FMT " and %zu more", SLICE_ARG(tx->rcpts->address), tx->rcpts_n - 1));
}

void smtp_end_answer(struct smtp_end *e)
{
	struct smtp_server *server = e->server;
	struct smtp_in *s = e->session;
	struct smtp_tx *tx = e->tx;
	struct arena *a = tx->arena;
	char peer[IP_TEXT];

	log_event(LOG_INFO, tx->id, arena_fmt(a, "%s %s", e->role, e->act), "session",
	    e->session_id, "peer", ip_text(&e->facts.peer, peer), "from",
	    arena_fmt(a, "<" SLICE_FMT ">", SLICE_ARG(tx->from.text)), "rcpt", rcpts_text(tx),
	    "size", arena_fmt(a, "%llu", (unsigned long long)tx->dot.octets), "message-id",
	    e->message_id.n > 0 ? arena_strdup(a, e->message_id) : NULL, "code",
	    arena_fmt(a, "%u", e->reply.code), "why", e->cause, NULL);
	if (s != NULL) {
		s->spine_back = NULL;
		if (e->reply.code == 250)
			s->junk = s->later = 0;
		smtp_in_say(s, &e->reply);
	}
	smtp_tx_free(tx); /* and e with it */
	smtp_server_spine_ended(server);
	if (s != NULL)
		smtp_in_resume(s);
}
