/* APPEND REPLACE: messages come in. Everything is checked before leave is given to send one; then
 * it goes straight to a draft, and OK is said when all of them are durable, or none is kept.
 * RFC 9051 6.3.12, RFC 3502 (MULTIAPPEND), RFC 4315 (APPENDUID), RFC 6855 4 (UTF8), RFC 7889
 * (APPENDLIMIT), RFC 7888, RFC 8508 (REPLACE). A bare LF becomes CRLF; NUL is refused; a slow
 * sender is let go (L_RATEIN). */
#include "imap/command.h"

#include "core/limits.h"
#include "core/log.h"
#include "core/mem.h"
#include "msg/date.h"

struct incoming {
	struct draft *draft;
	struct flag_list flags;
	int64_t date;
};

struct append {
	struct imap *s;
	struct folder *folder;
	struct incoming *v;  /* the last one is on its way */
	size_t n, ended;     /* ended: drafts that can be read */
	uint64_t total;      /* octets announced so far */
	uint64_t left;       /* octets of the literal still to come */
	char last;           /* the octet before */
	bool has_nul, full;  /* full: the draft has no room now */
	bool is_utf8;        /* the literal stands inside "UTF8 (...)" */
	const char *refused; /* said at the end, when the message was on its way already */
	struct folder *from; /* REPLACE: where the old one is, and which */
	uint32_t replaces;
};

static void append_drop(void *data)
{
	struct append *x = data;

	for (size_t i = 0; i < x->n; i++)
		draft_free(x->v[i].draft);
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

/* --- the end: all or nothing --- */

static void on_committed(void *self, const struct commit_result *r)
{
	struct imap *s = self;
	const struct append *x = s->call.data;
	struct buf set = BUF_INIT(L_MULTIAPPEND * 12);

	s->call.op = NULL;
	if (r->err != NULL) {
		imap_end_err(s, r->err);
	} else if (x->from != NULL) { /* RFC 8508 3.3: before the EXPUNGE */
		conn_sendf(
		    s->conn, "* OK [APPENDUID %u %u] Kept\r\n", r->uidvalidities[0], r->uids[0]);
		imap_end(s, "OK Replaced");
	} else {
		(void)seqset_write(&set, r->uids, x->n);
		imap_endf(s, "OK [APPENDUID %u %s] Kept", r->uidvalidities[0], buf_z(&set));
	}
	buf_free(&set);
}

static void commit(struct imap *s)
{
	struct append *x = s->call.data;
	struct commit_target *targets = arena_array(s->call.arena, x->n, sizeof(*targets));
	struct commit c = { .targets = targets,
		.targets_n = x->n,
		.by = s,
		.replaces = x->from,
		.replaces_uid = x->replaces };

	if (!folder_exists(x->folder)) {
		imap_end(s, "NO [TRYCREATE] No such mailbox");
		return;
	}
	for (size_t i = 0; i < x->n; i++)
		targets[i] = (struct commit_target){ .account = s->account,
			.folder = x->folder,
			.flags = x->v[i].flags.flags,
			.keywords = x->v[i].flags.keywords,
			.keywords_n = x->v[i].flags.n,
			.date = x->v[i].date,
			.draft = x->v[i].draft };
	if ((s->call.op = store_commit(s->server->store, &c, on_committed, s)) == NULL)
		imap_end(s, "NO [UNAVAILABLE] Too busy; try again");
}

static void on_ended(void *self, const struct err *err)
{
	struct imap *s = self;
	struct append *x = s->call.data;

	if (err != NULL)
		imap_end_err(s, err);
	else if (++x->ended < x->n)
		draft_end(x->v[x->ended].draft, on_ended, s);
	else
		commit(s);
}

static void finish(struct imap *s)
{
	struct append *x = s->call.data;

	if (x->refused == NULL && x->has_nul)
		x->refused = "NO [CANNOT] The message holds a NUL octet";
	for (size_t i = 0; i < x->n && x->refused == NULL; i++)
		if (draft_is_over(x->v[i].draft))
			x->refused = "NO [TOOBIG] The message is larger than this server takes";
	if (x->refused != NULL) {
		imap_end(s, x->refused);
		return;
	}
	conn_hold(s->conn, true);
	conn_deadline(s->conn, 0, "command");
	draft_end(x->v[0].draft, on_ended, s);
}

/* --- a message on its way --- */

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

			room &= draft_add(x->v[x->n - 1].draft, slice_head(in, n));
			x->last = in.p[n - 1];
			in = slice_from(in, n);
			continue;
		}
		room &= draft_add(x->v[x->n - 1].draft, line);
		room &= draft_add(x->v[x->n - 1].draft, SLICE("\r\n"));
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

static void on_rest(struct imap *s, struct slice line);

static size_t on_octets(struct imap *s, struct slice in)
{
	struct append *x = s->call.data;

	if (x->full)
		return (0);
	if (in.n > x->left)
		in.n = (size_t)x->left;
	x->has_nul |= memchr(in.p, '\0', in.n) != NULL;
	if (x->refused == NULL && !x->has_nul && !add_octets(x, in)) {
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

/* --- before it comes --- */

/* append-opts and what stands in front of the literal; the words end there. */
static bool take_options(struct append *x, struct args *a, struct incoming *m)
{
	struct slice date;

	m->date = clock_wall();
	if (args_peek(a, '(') && (!args_flags(a, false, &m->flags) || !args_sp(a)))
		return (false);
	if (args_peek(a, '"')) {
		if (!args_string(a, &date) || !args_sp(a))
			return (false);
		/* date-day-fixed = (SP DIGIT) / 2DIGIT; some leave the space out */
		if (!date_parse_imap(date, &m->date) &&
		    (date.n == 0 || date.p[0] == ' ' ||
			!date_parse_imap(
			    slice_of(arena_fmt(a->arena, " " SLICE_FMT, SLICE_ARG(date))),
			    &m->date)))
			return (false);
	}
	x->is_utf8 = args_word(a, "UTF8"); /* append-data = "UTF8" SP "(" literal8 ")" */
	if (x->is_utf8 && (!args_sp(a) || !args_char(a, '(')))
		return (false);
	return (args_end(a));
}

/* Why not; NULL: it may come. */
static const char *refusal(const struct append *x, uint64_t size)
{
	uint64_t limit = x->s->server->cfg->limits.size;
	struct err err;

	if (size > limit)
		return ("NO [TOOBIG] The message is larger than this server takes");
	if (x->refused != NULL)
		return (x->refused);
	if (size == 0) /* RFC 3502 6.3.11: an empty message cancels all */
		return ("NO [CANNOT] The message is empty");
	if (x->n == L_MULTIAPPEND)
		return ("NO [LIMIT] Too many messages at once");
	if (x->total + size > L_MULTIAPPEND_SIZES * limit)
		return ("NO [TOOBIG] Too much at once; send fewer messages");
	if (!store_accepts(x->s->server->store, &err))
		return ("NO [UNAVAILABLE] The server takes no new mail now");
	return (NULL);
}

/* The words in front of a literal were right: it may come, or why not. */
static void begin_message(struct append *x, const struct incoming *m, uint64_t size, bool waits)
{
	struct imap *s = x->s;
	const char *why = refusal(x, size);

	if (why != NULL && waits) {
		imap_end(s, why);
		return;
	}
	if (why != NULL && size > s->server->cfg->limits.size) {
		imap_end(s, why);
		imap_bye(s, "The message is too large to read past it"); /* RFC 7888 4 */
		return;
	}
	x->refused = why;
	x->left = size;
	x->total += size;
	x->last = 0;
	if (why == NULL) {
		x->v[x->n] = *m;
		x->v[x->n].draft = draft_new(s->server->store, s->server->cfg->limits.size);
		draft_on_room(x->v[x->n++].draft, on_room, x);
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

static void malformed(struct imap *s, const char *why, bool lost)
{
	imap_bad(s, why);
	if (lost)
		imap_bye(s, "The message that follows cannot be told from commands");
}

/* The literal is over: what stands behind it? The end, or another message (RFC 3502). */
static void on_rest(struct imap *s, struct slice line)
{
	struct append *x = s->call.data;
	struct incoming m = { 0 };
	struct args a;
	uint64_t size = 0;
	bool waits = true, found;
	size_t mark = 0;

	stop_rate(s);
	found = reader_marker(line, &mark, &size, &waits);
	if (x->is_utf8) {
		if (line.n == 0 || line.p[0] != ')') {
			malformed(s, "UTF8 ( ends with a parenthesis", found && !waits);
			return;
		}
		line = slice_from(line, 1);
		mark -= found ? 1 : 0;
	}
	if (line.n == 0) {
		finish(s);
		return;
	}
	if (!found || x->from != NULL || line.p[0] != ' ' || mark == 0) {
		malformed(s, "The command ends behind the message", found && !waits);
		return;
	}
	line = arena_dup(s->call.arena, slice_from(slice_head(line, mark), 1));
	a = (struct args){ cursor_of(line), s->call.arena };
	if (!take_options(x, &a, &m))
		malformed(s, "Flags, a date or a literal were expected", !waits);
	else
		begin_message(x, &m, size, waits);
}

static struct append *append_new(struct imap *s)
{
	struct append *x = arena_alloc(s->call.arena, sizeof(*x));

	x->s = s;
	x->v = arena_array(s->call.arena, L_MULTIAPPEND, sizeof(*x->v));
	s->call.data = x;
	s->call.drop = append_drop;
	return (x);
}

/* The reader stops in front of the message; a command that is complete without one has none. */
static void begin(struct append *x)
{
	struct imap *s = x->s;
	struct args *a = &s->call.args;
	struct incoming m = { 0 };
	struct slice name;
	struct err err;

	if (!s->reader.message_ahead || !imap_take_mailbox(s, &name) || !args_sp(a) ||
	    !take_options(x, a, &m)) {
		malformed(s, "A mailbox, perhaps flags and a date, and a literal are needed",
		    s->reader.message_ahead && !s->reader.message_waits);
		return;
	}
	x->folder = folder_find(s->account, name);
	if (x->folder == NULL && x->refused == NULL) /* RFC 9051 6.3.12 */
		x->refused = folder_name_check(name, &err) == -1
		    ? "NO [CANNOT] No such mailbox, nor could there be"
		    : "NO [TRYCREATE] No such mailbox";
	begin_message(x, &m, s->reader.message_size, s->reader.message_waits);
}

void cmd_append(struct imap *s)
{
	begin(append_new(s));
}

/* --- REPLACE --- */

/* The uid of the message meant; 0: none such. RFC 8508 3.1: a number, or "*". */
static uint32_t take_message(struct imap *s, struct args *a, bool *ret_ok)
{
	const struct news *news = &s->news;
	uint32_t n = 0, uid;
	bool last = args_char(a, '*');
	size_t at;

	*ret_ok = (last || (args_u32(a, &n) && n > 0)) && args_sp(a);
	if (!*ret_ok || news->view == NULL || s->view_gone)
		return (0);
	uid = last ? news_last_uid(news) : s->call.is_uid ? n : news_uid(news, n);
	at = view_lower(news->view, uid);
	return (uid != 0 && at < view_count(news->view) && view_at(news->view, at)->uid == uid ? uid
											       : 0);
}

void cmd_replace(struct imap *s)
{
	struct append *x = append_new(s);
	bool ok;

	x->replaces = take_message(s, &s->call.args, &ok);
	if (!ok) {
		malformed(s, "REPLACE takes the number of a message first",
		    s->reader.message_ahead && !s->reader.message_waits);
		return;
	}
	if (s->news.view == NULL || s->view_gone)
		x->refused = "BAD Select a mailbox first";
	else if (s->uid_only && !s->call.is_uid) /* RFC 9586 3.1 */
		x->refused = "BAD [UIDREQUIRED] Message numbers are not used any more";
	else if (s->read_only)
		x->refused = "NO [READ-ONLY] The mailbox was opened read-only";
	else if (x->replaces == 0)
		x->refused = "NO [NONEXISTENT] No such message";
	else
		x->from = view_folder(s->news.view);
	begin(x);
}
