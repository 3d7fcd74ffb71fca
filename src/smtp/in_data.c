/* in_data.c: DATA and BDAT: the content on its way into a draft, in one pass. Leaves dots to dot.c,
 * memory and disk to store/draft.h, what the message says to the spines.  RFC 5321 4.1.1.4, 4.5.2;
 * RFC 3030 2. Fails, once, after the true end: 554 5.6.0 (stray CR or LF, NUL, line too long),
 * 552 5.3.4; past twice L_SIZE 421. */
#include "smtp/in_proof.h"

#include <stdio.h>

#include "core/log.h"
#include "smtp/inbound.h"

static const struct smtp_reply reply_go = { 354, NULL, "end with CRLF.CRLF" };
static const struct smtp_reply reply_chunk_ok = { 250, "2.0.0", "chunk taken" };
static const struct smtp_reply reply_bdat_syntax = { 501, "5.5.4", "write BDAT octets [LAST]" };
static const struct smtp_reply reply_bdat_order = { 503, "5.5.1", "no transaction for this chunk" };
static const struct smtp_reply reply_stray = { 554, "5.6.0",
	"message holds a CR or LF that is no part of a CRLF" };
static const struct smtp_reply reply_nul = { 554, "5.6.0", "message holds a NUL" };
static const struct smtp_reply reply_line = { 554, "5.6.0",
	"message holds a line that is too long" };
static const struct smtp_reply reply_too_big = { 552, "5.3.4",
	"message larger than this server takes" };
static const struct smtp_reply reply_endless = { 421, "4.7.0",
	"far larger than this server takes, closing" };

static void begin(struct smtp_in *s, bool raw)
{
	s->tx->draft = draft_new(s->server->deps.store, smtp_in_cfg(s)->limits.size);
	smtp_dot_init(&s->tx->dot, raw, smtp_role_line(s));
}

void smtp_cmd_data(struct smtp_in *s, struct slice args)
{
	(void)args;
	begin(s, false);
	s->state = S_DATA;
	smtp_in_say(s, &reply_go);
}

/* bdat-cmd = "BDAT" SP chunk-size [ SP end-marker ] */
void smtp_cmd_bdat(struct smtp_in *s, struct slice args)
{
	struct slice size, marker;

	(void)slice_cut(args, ' ', &size, &marker);
	marker = slice_trim(marker);
	if (!slice_u64(size, UINT64_MAX, &s->chunk_left) ||
	    (marker.n > 0 && !slice_ieq(marker, SLICE("LAST")))) {
		/* How many octets follow is not known: they must not be taken for commands. */
		smtp_in_fail(s, &reply_bdat_syntax, "bad chunk size");
		return;
	}
	if (s->chunk_left > 2 * smtp_in_cfg(s)->limits.size) {
		smtp_in_fail(s, &reply_endless, "endless chunk");
		return;
	}
	s->chunk_last = marker.n > 0;
	/* Without a transaction the octets are there all the same, and must not be taken for
	 * commands. */
	s->chunk_void = (s->state & (S_RCPT | S_CHUNKS)) == 0;
	if (s->state == S_RCPT)
		begin(s, true);
	s->chunk_back = s->state == S_RCPT ? S_CHUNKS : s->state;
	s->state = S_CHUNK;
}

static const struct smtp_reply *fault(const struct smtp_tx *tx)
{
	if (draft_is_over(tx->draft))
		return (&reply_too_big);
	if (tx->dot.faults & SMTP_DOT_STRAY)
		return (&reply_stray);
	if (tx->dot.faults & SMTP_DOT_NUL)
		return (&reply_nul);
	return ((tx->dot.faults & SMTP_DOT_LONG) ? &reply_line : NULL);
}

/* Refused for its form: one reply, and the session goes on in step. Such a message is no failing
 * command: a peer with much mail may send several. */
static void refuse(struct smtp_in *s, const struct smtp_reply *no)
{
	struct smtp_tx *tx = s->tx;
	char peer[IP_TEXT], size[24];
	struct ledger_row row = {
		.session = slice_of(s->id),
		.message = slice_of(tx->id),
		.act = SLICE("refuse"),
		.peer = slice_of(ip_text(conn_peer(s->conn), peer)),
		.helo = slice_of(s->helo),
		.mail_from = tx->from.text,
		.reply = smtp_reply_said(tx->arena, no),
	};

	(void)snprintf(size, sizeof(size), "%llu", (unsigned long long)tx->dot.octets);
	log_event(LOG_INFO, s->id, smtp_role_name(s), "refuse", "DATA", "msg", tx->id, "from",
	    arena_strdup(tx->arena, tx->from.text), "size", size, "why", no->text, NULL);
	for (const struct smtp_rcpt *r = tx->rcpts; r != NULL; r = r->next) {
		row.rcpt = r->address;
		ledger_add(s->server->deps.store, &row);
	}
	smtp_in_reset(s);
	smtp_in_say(s, no);
	smtp_in_watch(s);
}

static void end_of_message(struct smtp_in *s)
{
	const struct smtp_reply *no = fault(s->tx);

	s->state = S_READY;
	if (no != NULL)
		refuse(s, no);
	else if (s->role == ROLE_SUBMISSION)
		submit_start(s);
	else
		inbound_start(s);
}

static void end_of_chunk(struct smtp_in *s)
{
	s->state = s->chunk_back;
	if (s->chunk_void) {
		smtp_in_reply(s, &reply_bdat_order);
	} else if (s->chunk_last) {
		smtp_dot_finish(&s->tx->dot);
		end_of_message(s);
		return;
	} else if (draft_is_over(s->tx->draft)) {
		refuse(s, &reply_too_big); /* later chunks find no transaction */
		return;
	} else
		smtp_in_say(s, &reply_chunk_ok);
	smtp_in_watch(s);
}

static void on_room(void *self)
{
	smtp_in_resume(self);
}

/* One piece of input; false: it cannot be kept before there is room again. */
static bool take_piece(struct smtp_in *s, struct slice input, size_t *ret_used)
{
	struct smtp_tx *tx = s->tx;
	struct slice content;
	bool room = true;

	*ret_used = smtp_dot_next(&tx->dot, input, &content);
	/* What will be refused need not be kept. */
	if (content.n > 0 && tx->dot.faults == 0) {
		smtp_proof_take(tx->proof, content);
		room = draft_add(tx->draft, content);
	}
	return (room);
}

bool smtp_in_data_take(struct smtp_in *s)
{
	struct slice input = conn_input(s->conn);
	size_t used = 0;
	bool room = true;

	if (s->state == S_CHUNK) {
		if (s->chunk_left == 0) {
			end_of_chunk(s);
			return (true);
		}
		if (input.n > s->chunk_left)
			input = slice_head(input, (size_t)s->chunk_left);
	}
	if (input.n == 0)
		return (false);
	if (s->state == S_CHUNK && s->chunk_void)
		used = input.n;
	else
		room = take_piece(s, input, &used);
	conn_consume(s->conn, used);
	if (s->state == S_CHUNK)
		s->chunk_left -= used;
	if (!(s->state == S_CHUNK && s->chunk_void)) {
		if (s->tx->dot.octets > 2 * smtp_in_cfg(s)->limits.size) {
			smtp_in_fail(s, &reply_endless, "endless message");
			return (false);
		}
		if (s->state == S_DATA && s->tx->dot.ended)
			end_of_message(s);
		else if (!room) {
			smtp_in_wait(s);
			draft_on_room(s->tx->draft, on_room, s);
		}
	}
	return (true);
}
