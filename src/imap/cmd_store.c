/* STORE EXPUNGE: changing flags, and ending what is deleted. RFC 9051 6.4.6, 6.4.3, 6.4.9; RFC
 * 7162 3.1.3 (UNCHANGEDSINCE, MODIFIED). The changing is the store's; this file says what came of
 * it. */
#include "imap/command.h"

#include <stdlib.h>

#include "core/mem.h"

struct storing {
	struct targets t;
	struct flag_list flags;
	struct flags_change change;
	bool silent, conditional;
	size_t at;
	uint32_t *modified; /* uids not changed for UNCHANGEDSINCE; in the arena */
	size_t modified_n;
	uint64_t since; /* the view's MODSEQ before it */
	bool failed;
	struct err err;
};

static bool is_modified(const struct storing *x, uint32_t uid)
{
	struct uid_list l = { x->modified, x->modified_n, x->modified_n };

	return (uid_list_has(&l, uid));
}

static const char *modified_set(struct imap *s, const struct storing *x)
{
	struct buf out = BUF_INIT(64 + SEQ_OCTETS * x->modified_n);
	const char *text;

	(void)buf_addz(&out, "OK [MODIFIED ");
	if (!s->call.is_uid) { /* numbers in the command, numbers in the answer */
		uint32_t *seqs = arena_array(s->call.arena, x->modified_n, sizeof(*seqs));
		size_t n = 0;

		for (size_t i = 0; i < x->modified_n; i++)
			if ((seqs[n] = news_seq(&s->news, x->modified[i])) != 0)
				n++;
		(void)seqset_write(&out, seqs, n);
	} else
		(void)seqset_write(&out, x->modified, x->modified_n);
	(void)buf_addz(&out, "] Some were changed by others");
	text = out.failed ? "OK Some were changed by others"
			  : arena_strdup(s->call.arena, buf_slice(&out));
	buf_free(&out);
	return (text);
}

static void finish(struct imap *s)
{
	const struct storing *x = s->call.data;

	if (x->failed)
		imap_end_err(s, &x->err);
	else if (x->modified_n > 0)
		imap_end(s, modified_set(s, x));
	else if (x->t.missing && !s->call.is_uid)
		imap_end(s, "OK [EXPUNGEISSUED] Done, but some of the messages are gone");
	else
		imap_end(s, "OK Done");
}

static bool is_changed(const struct imap *s, const struct storing *x, uint32_t uid)
{
	size_t at = view_lower(s->news.view, uid);

	return (at < view_count(s->news.view) && view_at(s->news.view, at)->uid == uid &&
	    view_at(s->news.view, at)->modseq > x->since);
}

static enum imap_step say_some(struct imap *s)
{
	struct storing *x = s->call.data;
	bool modseq = s->condstore;

	if (s->view_gone)
		return (STEP_DONE);
	for (size_t many = 0; x->at < x->t.n && many < 128; x->at++, many++) {
		uint32_t uid = x->t.uids[x->at];
		bool failed = x->modified_n > 0 && is_modified(x, uid);

		if (x->failed && !is_changed(s, x, uid))
			continue;
		x->t.missing |= news_is_gone(&s->news, uid); /* expunged before its turn came */

		/* .SILENT: no flags, but the new MODSEQ all the same (RFC 7162 3.1.3); those not
		 * changed show how they stand */
		if (!x->silent || failed)
			news_write_flags(&s->news, uid, true, modseq, !s->rev2, &s->out);
		else if (modseq)
			news_write_flags(&s->news, uid, false, true, false, &s->out);
	}
	imap_flush(s);
	return (x->at < x->t.n ? STEP_MORE : STEP_DONE);
}

static void on_stored(void *self, const struct message_result *r)
{
	struct imap *s = self;
	struct storing *x = s->call.data;

	s->call.op = NULL;
	if (r->err != NULL) { /* what was changed before is not told as news: it is our own */
		x->failed = true;
		x->silent = false;
		x->err = *r->err;
	} else if (r->n > 0) {
		x->modified = arena_array(s->call.arena, r->n, sizeof(*x->modified));
		memcpy(x->modified, r->uids, r->n * sizeof(*x->modified));
		x->modified_n = r->n;
	}
	imap_produce(s, say_some, finish);
}

/* store-att-flags = (["+" / "-"] "FLAGS" [".SILENT"]) SP (flag-list / (flag *(SP flag))) */
static bool take_change(struct args *a, struct storing *x)
{
	struct slice name;

	x->change.mode = args_char(a, '+') ? FLAGS_ADD
	    : args_char(a, '-')            ? FLAGS_REMOVE
					   : FLAGS_SET;
	if (!args_atom(a, &name))
		return (false);
	x->silent = slice_ieq(name, SLICE("FLAGS.SILENT"));
	if (!x->silent && !slice_ieq(name, SLICE("FLAGS")))
		return (false);
	return (args_sp(a) && args_flags(a, true, &x->flags) && args_end(a));
}

static bool take_condition(struct args *a, struct storing *x)
{
	x->change.unchanged_since = UINT64_MAX;
	if (!args_char(a, '('))
		return (true);
	x->conditional = true;
	return (args_word(a, "UNCHANGEDSINCE") && args_sp(a) &&
	    args_u64(a, INT64_MAX, &x->change.unchanged_since) && args_char(a, ')') && args_sp(a));
}

void cmd_store(struct imap *s)
{
	struct storing *x = arena_alloc(s->call.arena, sizeof(*x));
	struct args *a = &s->call.args;
	struct seqset set;

	s->call.data = x;
	if (!imap_take_set(s, &x->t, &set))
		return;
	if (!args_sp(a) || !take_condition(a, x) || !take_change(a, x)) {
		imap_bad(s, "STORE takes a set, FLAGS and flags that can be set");
		return;
	}
	if (x->conditional)
		imap_enable_condstore(s);
	x->since = view_highestmodseq(s->news.view);
	x->change.flags = x->flags.flags;
	x->change.keywords = x->flags.keywords;
	x->change.keywords_n = x->flags.n;
	if (x->t.n == 0)
		finish(s);
	else if ((s->call.op = message_flags(
		      s->news.view, x->t.uids, x->t.n, &x->change, s, on_stored, s)) == NULL)
		imap_end(s, "NO [UNAVAILABLE] Too busy; try again");
}

static void on_expunged(void *self, const struct message_result *r)
{
	struct imap *s = self;

	s->call.op = NULL;
	if (r->err != NULL)
		imap_end_err(s, r->err);
	else if (s->qresync && !s->view_gone && s->news.view != NULL) /* RFC 7162 3.2.7 */
		imap_endf(s, "OK [HIGHESTMODSEQ %llu] Done",
		    (unsigned long long)view_highestmodseq(s->news.view));
	else
		imap_end(s, "OK Done"); /* what is gone is told as news, in front of this */
}

void cmd_expunge(struct imap *s)
{
	struct targets t = { 0 };
	struct seqset set;

	if (s->call.is_uid && !imap_take_set(s, &t, &set))
		return;
	if (!args_end(&s->call.args)) {
		imap_bad(s, s->call.is_uid ? "UID EXPUNGE takes a set" : "EXPUNGE takes nothing");
		return;
	}
	if (s->call.is_uid && t.n == 0) {
		imap_end(s, "OK Done");
		return;
	}
	s->call.op =
	    message_expunge(s->news.view, s->call.is_uid ? t.uids : NULL, t.n, s, on_expunged, s);
	if (s->call.op == NULL)
		imap_end(s, "NO [UNAVAILABLE] Too busy; try again");
}
