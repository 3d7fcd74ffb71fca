/* COPY MOVE: messages to another mailbox of the account. RFC 9051 6.4.7, 6.4.8; COPYUID (RFC 4315
 * 3). */
#include "imap/command.h"

#include "core/mem.h"
#include "store/quarantine.h"

struct copying {
	struct targets t;
	bool move;
	const char *code;       /* "[COPYUID ...] " or "" */
	const struct err *err; /* a MOVE that failed after some were moved */
	struct err copy;
};

static const char *copyuid(struct imap *s, const struct message_result *r)
{
	struct buf out = BUF_INIT(64 + 2 * SEQ_OCTETS * r->n);
	const char *text = "";

	if (r->n == 0)
		return (text);
	(void)buf_fmt(&out, "[COPYUID %u ", r->to_uidvalidity);
	(void)seqset_write(&out, r->uids, r->n);
	(void)buf_addc(&out, ' ');
	(void)seqset_write(&out, r->to_uids, r->n);
	(void)buf_addz(&out, "] ");
	if (!out.failed)
		text = arena_strdup(s->call.arena, buf_slice(&out));
	buf_free(&out);
	return (text);
}

static const char *status_of(struct imap *s)
{
	const struct copying *x = s->call.data;

	if (x->t.missing && !s->call.is_uid) /* RFC 5530 3: those that are there were done */
		return (x->t.n == 0 ? "NO [EXPUNGEISSUED] Those messages are gone"
				    : "OK [EXPUNGEISSUED] Done, but some of the messages are gone");
	return ("OK Done");
}

/* MOVE tells the new uids in an untagged OK, before the first EXPUNGE (RFC 6851 4.3). */
static void moved(struct imap *s)
{
	const struct copying *x = s->call.data;

	if (x->err != NULL)
		imap_end_err(s, x->err);
	else if (s->qresync && s->news.view != NULL &&
	    !s->view_gone) /* RFC 7162 3.2.7 in spirit: the state after */
		imap_endf(s, "OK [HIGHESTMODSEQ %llu] Done",
		    (unsigned long long)view_highestmodseq(s->news.view));
	else
		imap_end(s, status_of(s));
}

static void on_copied(void *self, const struct message_result *r)
{
	struct imap *s = self;
	struct copying *x = s->call.data;

	s->call.op = NULL;
	/* A failed MOVE may have moved some: they are told of too. */
	if (r->err == NULL || (x->move && r->n > 0))
		x->code = copyuid(s, r);
	if (r->err != NULL) {
		x->copy = *r->err;
		x->err = &x->copy;
	}
	if (x->code[0] == '\0' && x->err != NULL)
		imap_end_err(s, x->err);
	else if (x->code[0] == '\0')
		imap_end(s, status_of(s));
	else if (x->move)
		imap_say(s, slice_of(arena_fmt(s->call.arena, "* OK %sMoved\r\n", x->code)), moved);
	else
		imap_end(s, arena_fmt(s->call.arena, "OK %sDone", x->code));
}

static void copy(struct imap *s, bool move)
{
	struct copying *x = arena_alloc(s->call.arena, sizeof(*x));
	struct args *a = &s->call.args;
	struct seqset set;
	struct slice name;
	struct folder *to;
	struct err err;

	x->move = move;
	x->code = "";
	s->call.data = x;
	if (!imap_take_set(s, &x->t, &set))
		return;
	if (!args_sp(a) || !imap_take_mailbox(s, &name) || !args_end(a)) {
		imap_bad(s, "A set and a mailbox name are needed");
		return;
	}
	if ((to = folder_find(s->account, name)) == NULL) {
		imap_end(s,
		    folder_name_check(name, &err) == -1
			? "NO [CANNOT] No such mailbox, nor could there be"
			: "NO [TRYCREATE] No such mailbox");
		return;
	}
	if (move && to == view_folder(s->news.view)) { /* it is there already */
		imap_end(s, "NO [CANNOT] Source and destination are the same");
		return;
	}
	if (quarantine_takes(to, &err) == -1)
		imap_endf(s, "NO [CANNOT] %s", err.text);
	else if (x->t.n == 0)
		imap_end(s, status_of(s));
	else if ((s->call.op = message_copy(
		      s->news.view, x->t.uids, x->t.n, to, move, s, on_copied, s)) == NULL)
		imap_end(s, "NO [UNAVAILABLE] Too busy; try again");
}

void cmd_copy(struct imap *s)
{
	copy(s, false);
}

void cmd_move(struct imap *s)
{
	copy(s, true);
}
