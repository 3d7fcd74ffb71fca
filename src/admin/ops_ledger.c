/* ops_ledger.c: what happened to this mail, and why? */
#include "admin/ops_int.h"
#include "store/ledger.h"

enum { FIND_MAX = 1000 };

static void add_row(struct json *j, const struct ledger_row *r)
{
	const struct {
		const char *name;
		struct slice value;
	} texts[] = {
		{ "act", r->act },
		{ "session", r->session },
		{ "message", r->message },
		{ "peer", r->peer },
		{ "rdns", r->rdns },
		{ "helo", r->helo },
		{ "mail_from", r->mail_from },
		{ "rcpt", r->rcpt },
		{ "account", r->account },
		{ "folder", r->folder },
		{ "message_id", r->message_id },
		{ "subject", r->subject },
		{ "header_from", r->header_from },
		{ "reply", r->reply },
		{ "facts", r->facts },
		{ "points", r->points },
	};

	json_open(j, NULL, '{');
	json_put_int(j, "at", r->at);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (texts[i].value.n > 0)
			json_put_string(j, texts[i].name, texts[i].value);
	if (r->has_score)
		json_put_real(j, "score", r->score);
	json_close(j, '}');
}

static void find_work(struct ops_call *c)
{
	struct ledger_row *rows;
	struct json j;
	size_t n;

	if (ledger_find(
		c->ops->store, c->arena, c->arg[0], (size_t)c->number, &rows, &n, &c->err) == -1)
		return;
	json_begin(&j, &c->out);
	json_open(&j, NULL, '[');
	for (size_t i = 0; i < n; i++)
		add_row(&j, &rows[i]);
	json_close(&j, ']');
}

void ops_ledger(struct ops_call *c)
{
	struct slice max = ops_param(c, "max");

	c->arg[0] = ops_param(c, "what");
	c->number = 100;
	if (c->arg[0].n == 0 ||
	    (max.p != NULL && (!slice_u64(max, FIND_MAX, &c->number) || c->number == 0))) {
		(void)err_set(&c->err, ERR_PEER,
		    "ask /ledger?what=WHAT, WHAT a message id, address, IP or time; max at most %d",
		    FIND_MAX);
		ops_fail(c, &c->err);
		return;
	}
	ops_work(c, STORE_LEDGER, find_work, NULL);
}
