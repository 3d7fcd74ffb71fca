/* replay.c: a row of the ledger judged again, under the configuration in force and under another one: only
 * what differs between these two can make a difference, so neither a greylist that let somebody in since
 * nor a message for several people counts as one. What rules found stays as it was then: the score is the
 * row's. Failures: said in the answer. */
#include "spam/replay.h"

#include <string.h>

#include "core/buf.h"
#include "msg/write.h"
#include "spam/facts_text.h"
#include "spam/filter.h"
#include "spam/owner.h"

enum { HEAD_MAX = 8192 };

/* What the row remembers of the header. */
static const struct header *header_of(struct arena *a, const struct ledger_row *row)
{
	struct header *h = arena_alloc(a, sizeof(*h));
	struct buf b = BUF_INIT(HEAD_MAX);

	if (row->header_from.n > 0)
		(void)write_field(&b, "From", row->header_from);
	if (row->subject.n > 0)
		(void)write_field(&b, "Subject", row->subject);
	(void)buf_addz(&b, "\r\n");
	header_parse(a, arena_dup(a, buf_slice(&b)), h);
	buf_free(&b);
	return (h);
}

static bool read_row(struct arena *a, const struct ledger_row *row, const struct json_doc *doc,
    const struct header *header, struct facts *ret)
{
	if (!row->has_score || !facts_read(a, json_root(doc), ret) ||
	    !ip_parse(row->peer, &ret->peer))
		return (false);
	ret->arrived = row->at;
	ret->helo = row->helo;
	ret->rdns = row->rdns;
	ret->mail_from = row->mail_from;
	ret->rcpt = row->rcpt;
	ret->account = arena_strdup(a, row->account);
	ret->header_partly = header == NULL;
	ret->header = header != NULL ? header : header_of(a, row);
	return (true);
}

/* May a rule hold that would decide, but for a field that is not there? */
static bool list_needs_message(struct arena *a, const struct cfg_rule *r, const struct facts *f)
{
	for (; r != NULL; r = r->next) {
		enum fact holds = owner_holds(a, r, f);

		if (holds == FACT_YES)
			return (false);
		if (holds == FACT_UNKNOWN && r->header != NULL)
			return (true);
	}
	return (false);
}

static bool needs_message(struct arena *a, const struct cfg *c, const struct facts *f)
{
	return (f->header_partly &&
	    (list_needs_message(a, c->allows, f) || list_needs_message(a, c->denies, f) ||
		list_needs_message(a, c->rules, f)));
}

static void judge(struct arena *a, const struct ledger_row *row, const struct json_doc *doc,
    struct facts f, const struct cfg *c, struct verdict *ret)
{
	facts_read_listed(a, json_root(doc), c, &f);
	if (f.rdns.n > 0)
		f.residential = filter_is_residential(&c->filter, f.rdns) ? FACT_YES : FACT_NO;
	verdict_again(a, &f, row->score, c, ret);
}

static bool same_text(const char *a, const char *b)
{
	return (a == NULL || b == NULL ? a == b : strcmp(a, b) == 0);
}

static enum replay_answer look(struct arena *a, const struct ledger_row *row,
    const struct json_doc *doc, const struct header *header, const struct cfg *now,
    const struct cfg *next, struct replay *ret)
{
	struct facts f = { 0 };

	if (!read_row(a, row, doc, header, &f))
		return (REPLAY_UNKNOWN);
	if (needs_message(a, now, &f) || needs_message(a, next, &f))
		return (REPLAY_NEEDS_MESSAGE);
	judge(a, row, doc, f, now, &ret->was);
	judge(a, row, doc, f, next, &ret->would);
	if (ret->was.act == ret->would.act && same_text(ret->was.folder, ret->would.folder) &&
	    same_text(ret->was.flag, ret->would.flag) &&
	    same_text(verdict_forward(&ret->was), verdict_forward(&ret->would)))
		return (REPLAY_SAME);
	return (REPLAY_FLIPS);
}

enum replay_answer replay_row(struct arena *a, const struct ledger_row *row,
    const struct header *header, const struct cfg *now, const struct cfg *next, struct replay *ret)
{
	struct json_doc *doc = json_read(row->facts, NULL);
	enum replay_answer answer = look(a, row, doc, header, now, next, ret);

	json_doc_free(doc);
	return (answer);
}
