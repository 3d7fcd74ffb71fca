/* APPEND: a message comes in. Everything is checked before leave is given to send it; then it
 * goes straight to a draft, and OK is said when the draft is durable. RFC 9051 6.3.12, RFC 4315
 * (APPENDUID), RFC 7889 (APPENDLIMIT), RFC 7888. A bare LF becomes CRLF; NUL is refused; a slow
 * sender is let go (L_RATEIN). */
#include "imap/command.h"

#include "core/limits.h"
#include "core/log.h"
#include "core/mem.h"
#include "msg/date.h"

struct append {
	struct imap *s;
	struct draft *draft; /* NULL: the message is read and dropped */
	struct folder *folder;
	struct flag_list flags;
	int64_t date;
	uint64_t left;               /* octets of the literal still to come */
	char last;                   /* the octet before */
	bool has_nul, is_over, full; /* full: the draft has no room now */
	const char *refused;         /* said at the end, when the message was on its way already */
};

static void append_drop(void *data)
{
	struct append *x = data;

	draft_free(x->draft);
}

static void stop_rate(struct imap *s)
{
	timer_cancel(s->rate_timer);
	s->rate_timer = NULL;
}

static void on_rate(void *self)
{
	struct imap *s = self;
	uint64_t now = conn_received(s->conn);
	const struct append *x = s->call.data;

	s->rate_timer = NULL;
	if (!x->full && now - s->rate_octets < (uint64_t)L_RATEIN * L_RATEIN_SECONDS) {
		log_event(LOG_INFO, s->id, "imap append", "why", "too slow", NULL);
		imap_bye(s, "The message comes too slowly");
		return;
	}
	s->rate_octets = now;
	s->rate_timer = timer_start(s->server->loop, (uint64_t)L_RATEIN_SECONDS * 1000, on_rate, s);
}

static void on_committed(void *self, const struct commit_result *r)
{
	struct imap *s = self;

	s->call.op = NULL;
	if (r->err != NULL)
		imap_end_err(s, r->err);
	else
		imap_endf(s, "OK [APPENDUID %u %u] Kept", r->uidvalidities[0], r->uids[0]);
}

static void on_ended(void *self, const struct err *err)
{
	struct imap *s = self;
	struct append *x = s->call.data;
	struct commit_target target = {
		.account = s->account,
		.folder = x->folder,
		.flags = x->flags.flags,
		.keywords = x->flags.keywords,
		.keywords_n = x->flags.n,
		.date = x->date,
	};
	struct commit c = { .draft = x->draft, .targets = &target, .targets_n = 1, .by = s };

	if (err != NULL) {
		imap_end_err(s, err);
		return;
	}
	if (!folder_exists(x->folder)) {
		imap_end(s, "NO [TRYCREATE] No such mailbox");
		return;
	}
	if ((s->call.op = store_commit(s->server->store, &c, on_committed, s)) == NULL)
		imap_end(s, "NO [UNAVAILABLE] Too busy; try again");
}

/* The literal is over; the line must be too. One message a command: MULTIAPPEND is not offered. */
static void on_rest(struct imap *s, struct slice line)
{
	struct append *x = s->call.data;

	if (line.n > 0)
		imap_bad(s, "APPEND ends behind the message");
	else if (x->refused != NULL)
		imap_end(s, x->refused);
	else if (x->has_nul)
		imap_end(s, "NO [CANNOT] The message holds a NUL octet");
	else if (draft_is_over(x->draft))
		imap_end(s, "NO [TOOBIG] The message is larger than this server takes");
	else {
		conn_hold(s->conn, true);
		draft_end(x->draft, on_ended, s);
	}
}

/* Content is CRLF in a draft. CR alone stays as it is: the rest is kept octet by octet (IMP-17). */
static bool add_octets(struct append *x, struct slice in)
{
	bool room = true;

	while (in.n > 0) {
		size_t lf = slice_chr(in, '\n');
		struct slice line = slice_head(in, lf == SIZE_MAX ? in.n : lf);
		char before = line.n > 0 ? line.p[line.n - 1] : x->last;

		if (lf == SIZE_MAX || before == '\r') {
			size_t n = lf == SIZE_MAX ? in.n : lf + 1;

			room &= draft_add(x->draft, slice_head(in, n));
			x->last = in.p[n - 1];
			in = slice_from(in, n);
			continue;
		}
		room &= draft_add(x->draft, line);
		room &= draft_add(x->draft, SLICE("\r\n"));
		x->last = '\n';
		in = slice_from(in, lf + 1);
	}
	return (room);
}

static void on_room(void *self)
{
	struct append *x = self;

	x->full = false;
	if (x->s->reading != READING_MESSAGE)
		return;
	conn_hold(x->s->conn, false);
	imap_run(x->s);
}

static size_t on_octets(struct imap *s, struct slice in)
{
	struct append *x = s->call.data;

	if (x->full)
		return (0);
	if (in.n > x->left)
		in.n = (size_t)x->left;
	x->has_nul |= memchr(in.p, '\0', in.n) != NULL;
	if (x->draft != NULL && !x->has_nul && !add_octets(x, in)) {
		x->full = true;
		conn_hold(s->conn, true);
	}
	x->left -= in.n;
	if (x->left == 0) {
		stop_rate(s);
		conn_deadline(s->conn, L_IPRE_SECONDS, "append");
		imap_read_lines(s, on_rest);
	}
	return (in.n);
}

/* Why not; NULL: it may come. */
static const char *refusal(struct imap *s, struct append *x, struct slice name)
{
	struct err err;

	x->folder = folder_find(s->account, name);
	if (s->reader.message_size > s->server->cfg->limits.size)
		return ("NO [TOOBIG] The message is larger than this server takes");
	if (x->folder == NULL) /* RFC 9051 6.3.12 */
		return (folder_name_check(name, &err) == -1
			? "NO [CANNOT] No such mailbox, nor could there be"
			: "NO [TRYCREATE] No such mailbox");
	if (s->reader.message_size == 0) /* RFC 3502: an empty message cancels */
		return ("NO [CANNOT] The message is empty");
	if (!store_accepts(s->server->store, &err))
		return ("NO [UNAVAILABLE] The server takes no new mail now");
	return (NULL);
}

static bool take_args(struct imap *s, struct append *x, struct slice *ret_name)
{
	struct args *a = &s->call.args;
	struct slice date;

	if (!imap_take_mailbox(s, ret_name) || !args_sp(a))
		return (false);
	if (args_peek(a, '(') && (!args_flags(a, false, &x->flags) || !args_sp(a)))
		return (false);
	if (args_peek(a, '"')) {
		if (!args_string(a, &date) || !args_sp(a))
			return (false);
		/* date-day-fixed = (SP DIGIT) / 2DIGIT; some leave the space out */
		if (!date_parse_imap(date, &x->date) &&
		    (date.n == 0 || date.p[0] == ' ' ||
			!date_parse_imap(
			    slice_of(arena_fmt(a->arena, " " SLICE_FMT, SLICE_ARG(date))),
			    &x->date)))
			return (false);
	}
	return (args_end(a));
}

void cmd_append(struct imap *s)
{
	struct append *x = arena_alloc(s->call.arena, sizeof(*x));
	bool waits = s->reader.message_waits;
	const char *why;
	struct slice name;

	x->s = s;
	x->date = clock_wall();
	x->left = s->reader.message_size;
	s->call.data = x;
	s->call.drop = append_drop;
	/* The reader stops in front of the message; a command that is complete without one has
	 * none. */
	if (!s->reader.message_ahead || !take_args(s, x, &name)) {
		bool lost = s->reader.message_ahead && !waits;

		imap_bad(s, "APPEND takes a mailbox, perhaps flags and a date, and a literal");
		if (lost)
			imap_bye(s, "The message that follows cannot be told from commands");
		return;
	}
	why = refusal(s, x, name);
	if (why != NULL && waits) {
		imap_end(s, why);
		return;
	}
	if (why != NULL && x->left > s->server->cfg->limits.size) {
		imap_end(s, why);
		imap_bye(s, "The message is too large to read past it"); /* RFC 7888 4 */
		return;
	}
	x->refused = why;
	if (why == NULL) {
		x->draft = draft_new(s->server->store, s->server->cfg->limits.size);
		draft_on_room(x->draft, on_room, x);
	}
	if (waits)
		conn_sendz(s->conn, "+ Go on\r\n");
	s->rate_octets = conn_received(s->conn);
	stop_rate(s);
	s->rate_timer = timer_start(s->server->loop, (uint64_t)L_RATEIN_SECONDS * 1000, on_rate, s);
	if (x->left == 0)
		imap_read_lines(s, on_rest);
	else
		imap_read_octets(s, on_octets);
}
