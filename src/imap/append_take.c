/* APPEND: how do messages come? After each literal a line of words says what is next: the end, the
 * next part of a CATENATE, another message. What can be refused is refused before leave is given
 * to send it; what comes unasked (RFC 7888) is read and dropped. Octets go straight to a draft, as
 * they are: line ends are the store's. A slow sender is let go (L_RATEIN). RFC 9051 6.3.12, RFC
 * 3502, RFC 4469 5 (CATENATE), RFC 6855 4 (UTF8). */
#include "imap/append.h"

#include "core/limits.h"
#include "core/log.h"
#include "core/mem.h"
#include "msg/date.h"

const char append_too_big[] = "NO [TOOBIG] The message is larger than this server takes";

/* --- octets --- */

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

void append_refuse(struct append *x, const char *why)
{
	if (x->refused == NULL)
		x->refused = why;
}

bool append_add(struct append *x, struct slice in)
{
	if (x->refused != NULL || draft_add(x->v[x->n - 1].draft, in))
		return (true);
	x->full = true;
	return (false);
}

static void on_room(void *self)
{
	struct append *x = self;

	x->full = false;
	if (x->piece != NULL) {
		catenate_has_room(x);
		return;
	}
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
	if (x->is_url) {
		(void)buf_add_slice(&x->url, in);
	} else if (x->refused == NULL) {
		struct incoming *m = &x->v[x->n - 1];

		if (!m->binary && memchr(in.p, '\0', in.n) != NULL)
			m->has_nul = true; /* CHAR8 is 1 to 255; finish refuses it */
		else if (!append_add(x, in))
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

/* --- words --- */

void append_malformed(struct append *x, const char *why)
{
	struct imap *s = x->s;
	bool lost = x->has_marker && !x->waits;

	imap_bad(s, why);
	if (lost)
		imap_bye(s, "The message that follows cannot be told from commands");
}

/* Why not; NULL: it may come. */
const char *append_refusal(const struct append *x, uint64_t size)
{
	uint64_t limit = x->s->server->cfg->limits.size;

	if (size > limit || x->size + size > limit) /* RFC 4469 4.2: the sum counts */
		return (append_too_big);
	if (x->refused != NULL)
		return (x->refused);
	if (x->total + size > L_MULTIAPPEND_SIZES * limit)
		return ("NO [TOOBIG] Too much at once; send fewer messages");
	return (NULL);
}

/* The literal that ends the line may come, or why not. False: the command was answered. */
static bool begin_literal(struct append *x, bool is_url)
{
	struct imap *s = x->s;
	const char *why = is_url ? x->refused : append_refusal(x, x->marked);

	if (is_url && x->marked > L_URL)
		why = "NO [LIMIT] The URL is too long";
	if (why != NULL && x->waits) {
		imap_end(s, why);
		return (false);
	}
	if (why != NULL && x->marked > s->server->cfg->limits.size) {
		imap_end(s, why);
		imap_bye(s, "The message is too large to read past it"); /* RFC 7888 4 */
		return (false);
	}
	if (why != NULL)
		append_refuse(x, why);
	x->is_url = is_url;
	buf_reset(&x->url);
	x->left = x->marked;
	if (!is_url) {
		x->size += x->marked;
		x->total += x->marked;
		if (x->refused == NULL)
			x->v[x->n - 1].binary |= x->literal8;
	}
	if (x->waits)
		conn_sendz(s->conn, "+ Go on\r\n");
	s->rate_octets = conn_received(s->conn);
	stop_rate(s);
	s->rate_timer = timer_start(s->server->loop, (uint64_t)L_RATEIN_SECONDS * 1000, on_rate, s);
	if (x->left == 0)
		imap_read_lines(s, on_rest);
	else
		imap_read_octets(s, on_octets);
	return (true);
}

static void begin_message(struct append *x, const struct incoming *m)
{
	struct imap *s = x->s;
	struct err err;

	x->size = 0;
	if (x->refused == NULL && x->n == L_MULTIAPPEND)
		x->refused = "NO [LIMIT] Too many messages at once";
	if (x->refused == NULL && !store_accepts(s->server->store, &err))
		x->refused = "NO [UNAVAILABLE] The server takes no new mail now";
	if (x->refused != NULL)
		return;
	x->v[x->n] = *m;
	x->v[x->n].draft = draft_new(s->server->store, s->server->cfg->limits.size);
	draft_on_room(x->v[x->n++].draft, on_room, x);
}

/* [flag-list SP] [date-time SP], in front of what the message is */
static bool take_options(struct args *a, struct incoming *m)
{
	struct slice date;

	m->date = clock_wall();
	if (args_peek(a, '(') && (!args_flags(a, false, &m->flags) || !args_sp(a)))
		return (false);
	if (!args_peek(a, '"'))
		return (true);
	if (!args_string(a, &date) || !args_sp(a))
		return (false);
	/* date-day-fixed = (SP DIGIT) / 2DIGIT; some leave the space out */
	return (date_parse_imap(date, &m->date) ||
	    (date.n > 0 && date.p[0] != ' ' &&
		date_parse_imap(
		    slice_of(arena_fmt(a->arena, " " SLICE_FMT, SLICE_ARG(date))), &m->date)));
}

enum word { WORD_BAD, WORD_NEXT, WORD_WAITS /* for octets, a URL, or nothing more */ };

static enum word take_message(struct append *x)
{
	struct args *a = &x->words;
	struct incoming m = { 0 };

	if (!take_options(a, &m))
		return (WORD_BAD);
	if (args_word(a, "CATENATE")) { /* RFC 4469 5 */
		if (!args_sp(a) || !args_char(a, '('))
			return (WORD_BAD);
		begin_message(x, &m);
		x->state = APPEND_PART;
		return (WORD_NEXT);
	}
	x->is_utf8 = args_word(a, "UTF8"); /* append-data = "UTF8" SP "(" literal8 ")" */
	if ((x->is_utf8 && (!args_sp(a) || !args_char(a, '('))) || !args_end(a) || !x->has_marker)
		return (WORD_BAD);
	begin_message(x, &m);
	/* RFC 3502 6.3.11: an empty message cancels all */
	if (x->marked == 0)
		append_refuse(x, "NO [CANNOT] The message is empty");
	x->state = APPEND_ENDED;
	(void)begin_literal(x, false);
	return (WORD_WAITS);
}

/* cat-part = "TEXT" SP literal / "URL" SP astring */
static enum word take_part(struct append *x)
{
	struct args *a = &x->words;
	struct slice url;

	if (++x->parts > L_CATENATE)
		append_refuse(x, "NO [LIMIT] Too many parts at once");
	x->state = APPEND_PARTED;
	x->is_utf8 = false;
	if (args_word(a, "TEXT")) {
		if (!args_sp(a) || !args_end(a) || !x->has_marker)
			return (WORD_BAD);
		(void)begin_literal(x, false);
		return (WORD_WAITS);
	}
	if (!args_word(a, "URL") || !args_sp(a))
		return (WORD_BAD);
	if (args_end(a) && x->has_marker) {
		(void)begin_literal(x, true);
		return (WORD_WAITS);
	}
	if (!args_astring(a, &url))
		return (WORD_BAD);
	if (x->refused != NULL) /* the first that failed is told: RFC 4469 4.1 */
		return (WORD_NEXT);
	return (catenate_url(x, url) ? WORD_WAITS : WORD_NEXT);
}

static enum word take_word(struct append *x)
{
	struct args *a = &x->words;

	switch (x->state) {
	case APPEND_OPTIONS: return (take_message(x));
	case APPEND_PART: return (take_part(x));
	case APPEND_PARTED:
		if (args_char(a, ')'))
			x->state = APPEND_ENDED;
		else if (args_sp(a))
			x->state = APPEND_PART;
		else
			return (WORD_BAD);
		return (WORD_NEXT);
	case APPEND_ENDED:
		if (args_end(a) && !x->has_marker) {
			append_finish(x);
			return (WORD_WAITS);
		}
		if (x->is_replace || !args_sp(a)) /* RFC 8508 3.4: one message */
			return (WORD_BAD);
		x->state = APPEND_OPTIONS;
		return (WORD_NEXT);
	}
	return (WORD_BAD);
}

void append_words(struct append *x)
{
	enum word w;

	while ((w = take_word(x)) == WORD_NEXT)
		;
	if (w == WORD_BAD)
		append_malformed(x, "Flags, a date, CATENATE or a literal were expected");
}

/* The literal is over: the line behind it. */
static void on_rest(struct imap *s, struct slice line)
{
	struct append *x = s->call.data;
	size_t mark = 0;

	stop_rate(s);
	buf_reset(&x->line);
	(void)buf_add_slice(&x->line, line);
	line = buf_slice(&x->line);
	x->has_marker = reader_marker(line, &mark, &x->marked, &x->waits);
	x->literal8 = x->has_marker && line.p[mark] == '~';
	if (x->has_marker)
		line = slice_head(line, mark);
	x->words = (struct args){ cursor_of(line), s->call.arena };
	if (x->is_utf8 && !args_char(&x->words, ')')) {
		append_malformed(x, "UTF8 ( ends with a parenthesis");
		return;
	}
	x->is_utf8 = false;
	if (!x->is_url || x->refused != NULL || !catenate_url(x, buf_slice(&x->url)))
		append_words(x);
}
