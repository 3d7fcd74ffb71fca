/* ops_ledger.c: what happened to this mail, and why? */
#include "admin/ops_int.h"

#include <stdio.h>

#include "core/clock.h"
#include "store/ledger.h"

enum { FIND_MAX = 1000, ABOUT = 300, DAY = 86400 };

/* As IMAP says it (RFC 8474 5.1). */
static void put_email_id(struct json *j, struct slice content)
{
	char text[34] = "M";

	if (content.n != 16)
		return;
	for (size_t i = 0; i < content.n; i++)
		(void)snprintf(text + 1 + 2 * i, 3, "%02x", (unsigned)(unsigned char)content.p[i]);
	json_put_stringz(j, "email_id", text);
}

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
	put_email_id(j, r->content_id);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (texts[i].value.n > 0)
			json_put_string(j, texts[i].name, texts[i].value);
	if (r->has_score)
		json_put_real(j, "score", r->score);
	json_close(j, '}');
}

struct bounds {
	int64_t from, to;
};

static void find_work(struct ops_call *c)
{
	const struct bounds *b = c->under_way;
	struct ledger_row *rows;
	struct json j;
	size_t n;

	if (ledger_find_between(c->ops->store, c->arena, c->arg[0], b->from, b->to,
		(size_t)c->number, &rows, &n, &c->err) == -1)
		return;
	json_begin(&j, &c->out);
	json_open(&j, NULL, '[');
	for (size_t i = 0; i < n; i++)
		add_row(&j, &rows[i]);
	json_close(&j, ']');
}

/* since, until, at: each bounds it further. False: one is no time. */
static bool read_bounds(struct ops_call *c, struct bounds *ret, bool *ret_any)
{
	static const char *const names[] = { "since", "until", "at" };
	int64_t now = clock_wall(), from, to;

	*ret = (struct bounds){ INT64_MIN, INT64_MAX };
	*ret_any = false;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct slice text = ops_param(c, names[i]);

		if (text.p == NULL)
			continue;
		*ret_any = true;
		if (!ledger_time(text, now, &from, &to))
			return (false);
		if (i == 2) { /* about then; of a day the whole day */
			if (to == INT64_MAX)
				to = from;
			from -= to - from < DAY ? ABOUT : 0;
			to += to - from < DAY ? ABOUT : 0;
		}
		if (i != 1 && from > ret->from)
			ret->from = from;
		if (i == 2 && to < ret->to)
			ret->to = to;
		/* "--until 2h": as it was then; a day or minute is meant with its end. */
		if (i == 1 && (to == INT64_MAX ? from : to) < ret->to)
			ret->to = to == INT64_MAX ? from : to;
	}
	return (true);
}

void ops_ledger(struct ops_call *c)
{
	struct slice max = ops_param(c, "max");
	struct bounds *b = arena_alloc(c->arena, sizeof(*b));
	bool bounded, ok = read_bounds(c, b, &bounded);

	c->arg[0] = ops_param(c, "what");
	c->number = 100;
	c->under_way = b;
	if (!ok || (c->arg[0].n == 0 && !bounded) ||
	    (max.p != NULL && (!slice_u64(max, FIND_MAX, &c->number) || c->number == 0))) {
		(void)err_set(&c->err, ERR_PEER,
		    "ask /ledger?what=WHAT, WHAT a message id, EMAILID, address, IP, network or "
		    "time, or by since, until and at, times as \"2h\" or \"2026-11-23T10:15\"; max "
		    "at most %d",
		    FIND_MAX);
		ops_fail(c, &c->err);
		return;
	}
	ops_work(c, STORE_LEDGER, find_work, NULL);
}
