/* ops_replay.c: which verdicts of the last days would a changed configuration flip? POST /replay?days=N&path=P,
 * the body is the configuration's text, P where it stands. The ledger is read in pieces, so that what happens
 * meanwhile is still written down; messages are looked for only when a rule asks for a field of theirs.
 * spam/replay.h judges; here it is counted and told. */
#include "admin/ops_int.h"

#include <stdlib.h>

#include "core/clock.h"
#include "core/mem.h"
#include "spam/delivered.h"
#include "spam/replay.h"
#include "store/content.h"

enum { DAYS_MAX = 90, PIECE = 200, TOLD_MAX = 1000, SOUGHT_MAX = 1000, ACTS = VERDICT_REJECT + 1 };

struct replaying {
	struct ops_call *call;
	const struct cfg *now;
	struct cfg *next; /* owned */
	int64_t since, before;
	bool more;
	uint64_t rows, same, flips, unknown, filed; /* filed: only folder, flag or forward differ */
	uint64_t table[ACTS][ACTS];
	struct buf told; /* owned: the rows of the answer */
	struct json list;
	size_t told_n;
	struct ledger_row *sought; /* in the call's arena: need their message */
	size_t sought_n;
	size_t *batch; /* of ${sought}: those of one account, while its mail is looked at */
	bool *seen;
};

static void add_verdict(struct json *j, const char *key, const struct verdict *v)
{
	json_open(j, key, '{');
	json_put_stringz(j, "act", verdict_act_name(v->act));
	json_put_string(j, "why", v->why);
	if (v->folder != NULL)
		json_put_stringz(j, "folder", v->folder);
	if (v->flag != NULL)
		json_put_stringz(j, "flag", v->flag);
	if (v->forward != NULL)
		json_put_stringz(j, "forward", verdict_forward(v));
	json_close(j, '}');
}

static void tell(struct replaying *p, const struct ledger_row *row, const struct replay *r)
{
	struct json *j = &p->list;

	if (p->told_n++ >= TOLD_MAX)
		return;
	json_open(j, NULL, '{');
	json_put_int(j, "at", row->at);
	json_put_string(j, "act", row->act);
	json_put_string(j, "rcpt", row->rcpt);
	json_put_string(j, "mail_from", row->mail_from);
	json_put_string(j, "header_from", row->header_from);
	json_put_string(j, "subject", row->subject);
	json_put_string(j, "message_id", row->message_id);
	json_put_real(j, "score", row->score);
	add_verdict(j, "was", &r->was);
	add_verdict(j, "would", &r->would);
	json_close(j, '}');
}

static void seek(struct replaying *p, const struct ledger_row *row)
{
	struct arena *a = p->call->arena;
	struct ledger_row *kept;

	if (p->sought_n == SOUGHT_MAX || row->content_id.n != 16) {
		p->unknown++;
		return;
	}
	kept = &p->sought[p->sought_n++];
	*kept = *row;
	kept->act = arena_dup(a, row->act);
	kept->peer = arena_dup(a, row->peer);
	kept->rdns = arena_dup(a, row->rdns);
	kept->helo = arena_dup(a, row->helo);
	kept->mail_from = arena_dup(a, row->mail_from);
	kept->rcpt = arena_dup(a, row->rcpt);
	kept->account = arena_dup(a, row->account);
	kept->message_id = arena_dup(a, row->message_id);
	kept->subject = arena_dup(a, row->subject);
	kept->header_from = arena_dup(a, row->header_from);
	kept->content_id = arena_dup(a, row->content_id);
	kept->facts = arena_dup(a, row->facts);
}

static void count(struct replaying *p, struct arena *scratch, const struct ledger_row *row,
    const struct header *header)
{
	struct replay r;

	switch (replay_row(scratch, row, header, p->now, p->next, &r)) {
	case REPLAY_SAME: p->same++; break;
	case REPLAY_UNKNOWN: p->unknown++; break;
	case REPLAY_NEEDS_MESSAGE: seek(p, row); break;
	case REPLAY_FLIPS:
		p->flips++;
		p->table[r.was.act][r.would.act]++;
		p->filed += r.was.act == r.would.act;
		tell(p, row, &r);
		break;
	}
}

static void finish(struct replaying *p)
{
	buf_free(&p->told);
	cfg_free(p->next);
	free(p);
}

/* --- the messages --- */

static void on_head(void *self, size_t i, struct slice head)
{
	struct replaying *p = self;
	struct arena *scratch = arena_new(0);
	struct slice text = message_form(scratch, head);
	struct delivered d;
	struct header h;

	if (delivered_read(scratch, text, p->now->hostname, &d))
		text = slice_from(text, d.size);
	header_parse(scratch, text, &h);
	p->seen[p->batch[i]] = true;
	count(p, scratch, &p->sought[p->batch[i]], &h);
	arena_free(scratch);
}

/* All that are sought of the account of this one. */
static void look_for(struct replaying *p, size_t first)
{
	struct slice *ids = arena_array(p->call->arena, p->sought_n, sizeof(*ids));
	struct slice account = p->sought[first].account;
	size_t n = 0;

	for (size_t i = first; i < p->sought_n; i++)
		if (!p->seen[i] && slice_eq(p->sought[i].account, account)) {
			p->batch[n] = i;
			ids[n++] = p->sought[i].content_id;
		}
	content_find(account.p, ids, n, on_head, p);
	for (size_t i = 0; i < n; i++)
		if (!p->seen[p->batch[i]]) {
			p->seen[p->batch[i]] = true; /* gone */
			p->unknown++;
		}
}

static void find_run(struct job *j)
{
	struct replaying *p = ((struct ops_call *)j)->under_way;

	p->batch = arena_array(p->call->arena, SOUGHT_MAX, sizeof(*p->batch));
	p->seen = arena_array(p->call->arena, SOUGHT_MAX, sizeof(*p->seen));
	for (size_t i = 0; i < p->sought_n; i++)
		if (!p->seen[i])
			look_for(p, i);
}

/* --- the answer --- */

static void answer(struct replaying *p)
{
	struct ops_call *c = p->call;
	struct json j;

	json_close(&p->list, ']');
	json_begin(&j, &c->out);
	json_open(&j, NULL, '{');
	json_put_uint(&j, "days", c->number);
	json_put_uint(&j, "judged", p->rows);
	json_put_uint(&j, "same", p->same);
	json_put_uint(&j, "flips", p->flips);
	json_put_uint(&j, "unknown", p->unknown);
	json_put_uint(&j, "filed_elsewhere", p->filed);
	json_open(&j, "changes", '[');
	for (size_t was = 0; was < ACTS; was++)
		for (size_t would = 0; would < ACTS; would++) {
			if (was == would || p->table[was][would] == 0)
				continue;
			json_open(&j, NULL, '{');
			json_put_stringz(&j, "was", verdict_act_name((enum verdict_act)was));
			json_put_stringz(&j, "would", verdict_act_name((enum verdict_act)would));
			json_put_uint(&j, "messages", p->table[was][would]);
			json_close(&j, '}');
		}
	json_close(&j, ']');
	json_put_raw(&j, "rows", buf_slice(&p->told));
	json_close(&j, '}');
	finish(p);
	ops_reply_json(c);
}

static void fail(struct replaying *p)
{
	struct ops_call *c = p->call;
	struct err err = c->err;

	finish(p);
	ops_fail(c, &err);
}

static void find_done(struct job *j)
{
	answer(((struct ops_call *)j)->under_way);
}

static void put(struct replaying *p, enum store_lane lane, void (*run)(struct job *),
    void (*done)(struct job *))
{
	struct ops_call *c = p->call;

	c->job = (struct job){ .run = run, .done = done };
	if (lane_put(store_lane(c->ops->store, lane), &c->job) == 0)
		return;
	(void)err_set(&c->err, ERR_BUSY, "the server is busy; try again in a moment");
	fail(p);
}

static void piece_run(struct job *j) /* lane: STORE_LEDGER */
{
	struct ops_call *c = (struct ops_call *)j;
	struct replaying *p = c->under_way;
	struct arena *scratch = arena_new(0);
	struct ledger_row *rows;
	size_t n;

	if (ledger_judged(c->ops->store, scratch, p->since, p->before, PIECE, &rows, &n, &c->err) ==
	    0) {
		for (size_t i = 0; i < n; i++)
			count(p, scratch, &rows[i], NULL);
		p->rows += n;
		p->more = n == PIECE;
		if (n > 0)
			p->before = rows[n - 1].id;
	}
	arena_free(scratch);
}

static void piece_done(struct job *j)
{
	struct ops_call *c = (struct ops_call *)j;
	struct replaying *p = c->under_way;

	if (c->err.kind != ERR_NONE || c->on_answer == NULL)
		fail(p); /* who asked may have left: nobody hears it */
	else if (p->more)
		put(p, STORE_LEDGER, piece_run, piece_done);
	else if (p->sought_n > 0)
		put(p, STORE_SPAM, find_run, find_done);
	else
		answer(p);
}

static void keep_fault(void *self, const char *text)
{
	struct err *err = self;

	if (err->kind == ERR_NONE)
		(void)err_set(err, ERR_PEER, "%s", text);
}

void ops_replay(struct ops_call *c)
{
	struct slice days = ops_param(c, "days"), path = ops_param(c, "path");
	struct replaying *p;
	struct cfg *next = NULL;

	if (!slice_u64(days, DAYS_MAX, &c->number) || c->number == 0)
		(void)err_set(&c->err, ERR_PEER,
		    "days is a number, at most %d: so far back the "
		    "ledger goes",
		    DAYS_MAX);
	else if (path.n == 0 || path.p[0] != '/')
		(void)err_set(&c->err, ERR_PEER, "path is where the configuration stands");
	else
		next = cfg_load_text(arena_strdup(c->arena, path), c->q.body, keep_fault, &c->err);
	if (next == NULL) {
		ops_fail(c, &c->err);
		return;
	}
	p = NEW(struct replaying);
	p->call = c;
	p->now = c->ops->cfg;
	p->next = next;
	p->since = clock_wall() - (int64_t)c->number * 86400;
	p->before = INT64_MAX;
	p->sought = arena_array(c->arena, SOUGHT_MAX, sizeof(*p->sought));
	buf_init(&p->told, OPS_OUT_MAX);
	json_begin(&p->list, &p->told);
	json_open(&p->list, NULL, '[');
	c->under_way = p;
	put(p, STORE_LEDGER, piece_run, piece_done);
}
