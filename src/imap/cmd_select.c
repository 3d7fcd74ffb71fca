/* SELECT EXAMINE CLOSE UNSELECT, and what a selected mailbox is to a session. RFC 9051 6.3.2,
 * 6.4.1, 6.4.2; RFC 7162 3.2.5 (QRESYNC: what vanished and what changed since the client last
 * looked, told before the tagged answer). */
#include "imap/command.h"

#include <stdlib.h>

#include "core/limits.h"
#include "core/mem.h"
#include "imap/announce.h"
#include "imap/context.h"
#include "imap/notify.h"

struct selecting {
	bool condstore, qresync, has_known, has_numbers;
	uint32_t uidvalidity;
	uint64_t modseq;
	struct seqset known;
	struct folder *folder;
	bool examine;
	uint32_t next; /* uid looked at next; an index would move when others expunge */
};

/* --- the watch --- */

static void on_change(void *self, const struct view_change *ch)
{
	struct imap *s = self;

	news_heard(&s->news, ch, ch->by == s);
	notify_heard(s, ch, ch->by == s);
	contexts_heard(s, ch, ch->by == s);
	if (s->idling && s->notify == NULL && s->contexts == NULL)
		announce_now(s);
	else
		announce_soon(s);
}

static void on_gone(void *self)
{
	struct imap *s = self;

	s->view_gone = true;
	if (s->idling && announce_may(s)) /* the idle command has not ended: a warning, IDLE goes on until DONE */
		conn_sendz(s->conn, "* NO [NONEXISTENT] The selected mailbox was deleted\r\n");
}

static void on_keywords(void *self)
{
	struct imap *s = self;

	s->news.flags_too = true;
}

void imap_close_view(struct imap *s)
{
	contexts_free(s);
	if (s->news.view != NULL)
		view_close(s->news.view, &s->watch);
	news_done(&s->news);
	free(s->saved);
	s->saved = NULL;
	s->saved_n = 0;
}

bool imap_is_selected(const struct imap *s, const struct folder *f)
{
	return (s->news.view != NULL && !s->view_gone && view_folder(s->news.view) == f);
}

void imap_unselect(struct imap *s)
{
	imap_close_view(s);
	s->view_gone = s->read_only = false;
	if (s->state == IMAP_SELECTED)
		s->state = IMAP_AUTHENTICATED;
}

/* --- sets of the selected mailbox --- */

bool imap_resolve(struct imap *s, struct seqset *set, struct targets *ret)
{
	*ret = (struct targets){ 0 };
	if (set->is_saved) { /* RFC 9051 6.4.4.1: expunged ones have left "$" */
		ret->uids = mem_new_array(s->saved_n + 1, sizeof(*ret->uids));
		for (size_t i = 0; i < s->saved_n; i++)
			if (!news_is_gone(&s->news, s->saved[i]) &&
			    news_seq(&s->news, s->saved[i]) != 0)
				ret->uids[ret->n++] = s->saved[i];
	} else if (!news_resolve(
		       &s->news, set, s->call.is_uid, &ret->uids, &ret->n, &ret->missing)) {
		imap_bad(s, "A message number is beyond the last");
		return (false);
	}
	if (ret->uids != NULL)
		arena_on_free(s->call.arena, free, ret->uids);
	return (true);
}

bool imap_take_set(struct imap *s, struct targets *ret, struct seqset *ret_set)
{
	bool over;

	if (!args_set(&s->call.args, ret_set, &over)) {
		if (over)
			imap_end(s, "NO [LIMIT] Too many elements in the set");
		else
			imap_bad(s, "A set of message numbers is needed");
		return (false);
	}
	return (imap_resolve(s, ret_set, ret));
}

/* --- SELECT --- */

/* qresync = "QRESYNC" SP "(" uidvalidity SP mod-sequence-value [SP known-uids] [SP
 * seq-match-data] ")" */
static bool take_qresync(struct args *a, struct selecting *x)
{
	struct seqset numbers;
	bool over;

	x->qresync = true;
	if (!args_sp(a) || !args_char(a, '(') || !args_u32(a, &x->uidvalidity) || !args_sp(a) ||
	    !args_u64(a, INT64_MAX, &x->modseq))
		return (false);
	if (args_sp(a) && !args_peek(a, '(')) {
		x->has_known = true;
		if (!args_set(a, &x->known, &over) || x->known.is_saved || x->known.has_star)
			return (false);
		(void)args_sp(a);
	}
	/* Message numbers the client remembers with their uids: a hint for servers without a
	 * record of what was expunged. */
	x->has_numbers = args_char(a, '(');
	if (x->has_numbers &&
	    (!args_set(a, &numbers, &over) || !args_sp(a) || !args_set(a, &numbers, &over) ||
		!args_char(a, ')')))
		return (false);
	return (args_char(a, ')'));
}

static bool take_params(struct args *a, struct selecting *x)
{
	if (!args_char(a, '('))
		return (false);
	do {
		if (args_word(a, "CONDSTORE"))
			x->condstore = true;
		else if (!args_word(a, "QRESYNC") || x->qresync || !take_qresync(a, x))
			return (false);
	} while (args_sp(a));
	return (args_char(a, ')'));
}

static unsigned keyword_count(const struct view *v)
{
	unsigned n = 0;

	for (unsigned k = 0; k < L_KW; k++)
		n += view_keyword(v, k) != NULL;
	return (n);
}

static void say_flags(struct imap *s, const struct view *v)
{
	struct keyword_names names;
	size_t at;

	keyword_names_of(v, &names);
	(void)buf_addz(&s->out, "* FLAGS ");
	(void)write_flags(&s->out, UINT32_MAX, false, &names);
	(void)buf_addz(&s->out, "\r\n* OK [PERMANENTFLAGS ");
	at = s->out.n;
	if (s->read_only)
		(void)buf_addz(&s->out, "()");
	else
		(void)write_flags(&s->out, UINT32_MAX, false, &names);
	if (!s->read_only && keyword_count(v) < L_KW && !s->out.failed &&
	    s->out.n > at) { /* room for new ones */
		buf_cut(&s->out, s->out.n - 1);
		(void)buf_addz(&s->out, " \\*)");
	}
	(void)buf_addz(&s->out, "] Flags that are kept\r\n");
}

static void say_counts(struct imap *s, const struct view *v)
{
	size_t n = view_count(v), unseen = 0;

	(void)buf_fmt(&s->out, "* %zu EXISTS\r\n", n);
	if (!s->rev2) {
		size_t recent =
		    s->news.recent_from == UINT32_MAX ? n : view_lower(v, s->news.recent_from);

		(void)buf_fmt(&s->out, "* %zu RECENT\r\n", n - recent);
		while (unseen < n && (view_at(v, unseen)->flags & FLAG_SEEN))
			unseen++;
		if (unseen < n && !s->uid_only)
			(void)buf_fmt(&s->out, "* OK [UNSEEN %zu] First unseen\r\n", unseen + 1);
	}
	(void)buf_fmt(&s->out, "* OK [UIDVALIDITY %u] UIDs are valid\r\n", view_uidvalidity(v));
	(void)buf_fmt(&s->out, "* OK [MAILBOXID (F%u)] Of this mailbox\r\n", /* RFC 8474 4.2 */
	    view_uidvalidity(v));
	(void)buf_fmt(&s->out, "* OK [UIDNEXT %u] Next UID\r\n", view_uidnext(v));
	(void)buf_fmt(&s->out, "* OK [HIGHESTMODSEQ %llu] Highest\r\n",
	    (unsigned long long)view_highestmodseq(v));
}

static void finish(struct imap *s)
{
	imap_end(s, s->read_only ? "OK [READ-ONLY] Selected" : "OK [READ-WRITE] Selected");
}

/* Those that are there and changed since: one FETCH each. */
static enum imap_step say_changed(struct imap *s)
{
	struct selecting *x = s->call.data;
	const struct view *v = s->news.view;
	size_t at = view_lower(v, x->next), looked = 0;

	for (; at < view_count(v) && looked < 4096; at++, looked++) {
		const struct view_message *m = view_at(v, at);

		x->next = m->uid + 1;
		if (m->modseq <= x->modseq || m->uid >= s->news.next ||
		    (x->has_known && !seqset_has(&x->known, m->uid)))
			continue;
		news_write_flags(&s->news, m->uid, true, true, !s->rev2, &s->out);
		looked += 64;
	}
	imap_flush(s);
	return (at < view_count(v) && !s->view_gone ? STEP_MORE : STEP_DONE);
}

static void start_changed(struct imap *s)
{
	imap_produce(s, say_changed, finish);
}

/* Only uids the client can know (RFC 7162 3.2.10.1). With a record, those in it; without, every
 * uid below the next that is not there. Those about to be announced as gone are left to that. */
void imap_say_vanished(struct imap *s, const struct seqset *set, bool complete,
    const uint32_t *uids, size_t n, void (*then)(struct imap *s))
{
	const struct news *news = &s->news;
	struct range all = { 1, UINT32_MAX };
	struct seqset every = { .v = &all, .n = 1 };
	size_t ranges = complete ? n : view_count(news->view) + news->gone.n;
	struct buf line;
	bool first = true;

	set = set == NULL ? &every : set;
	buf_init(&line, 64 + 2 * SEQ_OCTETS * (ranges + set->n));
	(void)buf_addz(&line, "* VANISHED (EARLIER) ");
	if (!complete)
		news_write_missing(news, set, &line, &first);
	for (size_t i = 0, j; i < n && complete; i = j) {
		j = i + 1;
		if (!seqset_has(set, uids[i]) || news_is_gone(news, uids[i]))
			continue;
		while (j < n && uids[j] == uids[j - 1] + 1 && seqset_has(set, uids[j]) &&
		    !news_is_gone(news, uids[j]))
			j++;
		(void)seqset_write_range(&line, uids[i], uids[j - 1], &first);
	}
	(void)buf_addz(&line, "\r\n");
	if (first)
		then(s);
	else
		imap_say(s, arena_dup(s->call.arena, buf_slice(&line)), then);
	buf_free(&line);
}

static void on_vanished(
    void *self, bool complete, const uint32_t *uids, size_t n, const struct err *err)
{
	struct imap *s = self;
	const struct selecting *x = s->call.data;

	s->call.op = NULL;
	if (!s->view_gone)
		imap_say_vanished(s, x->has_known ? &x->known : NULL, complete && err == NULL,
		    uids, n, start_changed);
	else
		finish(s);
	free((void *)(uintptr_t)uids);
}

static void on_open(void *self, struct view *v, const struct err *err)
{
	struct imap *s = self;
	struct selecting *x = s->call.data;

	s->call.op = NULL;
	if (err != NULL) {
		imap_end_err(s, err);
		return;
	}
	news_init(&s->news, v);
	s->news.uid_only = s->uid_only;
	notify_on_select(s);
	s->news.recent_from = view_take_recent(v, x->examine);
	s->watch = (struct view_watch){
		.on_change = on_change, .on_gone = on_gone, .on_keywords = on_keywords, .self = s
	};
	view_watch(v, &s->watch);
	s->state = IMAP_SELECTED;
	s->read_only = x->examine;
	say_flags(s, v);
	say_counts(s, v);
	if (s->rev2) { /* RFC 9051 6.3.2: the name as we know it */
		(void)buf_addz(&s->out, "* LIST () \"/\" ");
		(void)write_mailbox(&s->out, slice_of(folder_name(x->folder)), true);
		(void)buf_addz(&s->out, "\r\n");
	}
	imap_flush(s);
	s->condstore |= x->condstore || x->qresync;
	if (!x->qresync || x->uidvalidity != view_uidvalidity(v)) {
		finish(s);
		return;
	}
	seqset_fix(&x->known, UINT32_MAX);
	s->call.op = view_vanished(v, x->modseq, on_vanished, s);
	if (s->call.op == NULL)
		on_vanished(s, false, NULL, 0, NULL);
}

static void open_mailbox(struct imap *s, bool examine)
{
	struct selecting *x = arena_alloc(s->call.arena, sizeof(*x));
	struct args *a = &s->call.args;
	struct slice name;

	s->call.data = x;
	x->examine = examine;
	if (!imap_take_mailbox(s, &name) || (args_sp(a) && !take_params(a, x)) || !args_end(a) ||
	    (x->qresync && !s->qresync)) { /* RFC 7162 3.2.5: BAD unless enabled */
		imap_bad(s,
		    "SELECT takes a mailbox name, and perhaps CONDSTORE or (once enabled) QRESYNC");
		return;
	}
	if (s->uid_only && x->has_numbers) {
		imap_bad(s, "[UIDREQUIRED] Message numbers are not used any more");
		return;
	}
	if (s->state == IMAP_SELECTED) /* whatever is enabled: RFC 7162 3.2.11 */
		conn_sendz(s->conn, "* OK [CLOSED] The mailbox before is closed\r\n");
	imap_unselect(s); /* even when this one fails: RFC 9051 6.3.2 */
	x->folder = folder_find(s->account, name);
	if (x->folder == NULL)
		imap_end(s, "NO [NONEXISTENT] No such mailbox");
	else if ((s->call.op = view_open(x->folder, on_open, s)) == NULL)
		imap_end(s, "NO [UNAVAILABLE] Too busy; try again");
}

void cmd_select(struct imap *s)
{
	open_mailbox(s, false);
}

void cmd_examine(struct imap *s)
{
	open_mailbox(s, true);
}

/* --- CLOSE --- */

static void on_expunged(void *self, const struct message_result *r)
{
	struct imap *s = self;

	s->call.op = NULL;
	imap_unselect(s);
	if (r->err != NULL)
		imap_end_err(s, r->err);
	else
		imap_end(s, "OK Closed");
}

void cmd_close(struct imap *s)
{
	/* Deleted ones go without a word, unless opened by EXAMINE: RFC 9051 6.4.1 */
	if (!s->read_only && s->news.view != NULL && !s->view_gone &&
	    (s->call.op = message_expunge(s->news.view, NULL, 0, s, on_expunged, s)) != NULL)
		return;
	imap_unselect(s);
	imap_end(s, "OK Closed");
}

void cmd_unselect(struct imap *s)
{
	imap_unselect(s);
	imap_end(s, "OK Unselected");
}
