/* What of a session may be written down? Its lines, but no password and no literal: where a literal
 * begins, and whether it comes at all, is told by both sides together, as the server itself sees it
 * (token.c). In doubt more is left out. Leaves time, file and bounds to trace.c. RFC 9051 2.2.1,
 * 4.3, 6.3.13 (IDLE); RFC 7888 (literals that do not wait). Failures: none. */
#include "imap/trace_mask.h"

#include "core/limits.h"
#include "core/mem.h"
#include "core/secret.h"

#define MASKED "***"

void mask_init(struct mask *m, bool idling,
    void (*on_line)(void *self, enum mask_who who, struct slice line), void *self)
{
	*m = (struct mask){
		.is_idle = idling, .is_plain = idling, .on_line = on_line, .self = self
	};
	buf_init(&m->side[MASK_CLIENT].line, L_TRACE_LINE);
	buf_init(&m->side[MASK_SERVER].line, L_TRACE_LINE);
}

static void side_done(struct mask_side *s)
{
	if (s->line.p != NULL)
		secret_wipe(s->line.p, s->line.cap);
	buf_free(&s->line);
}

void mask_done(struct mask *m)
{
	side_done(&m->side[MASK_CLIENT]);
	side_done(&m->side[MASK_SERVER]);
}

/* --- words --- */

/* The next run of octets over SP, as a client might mistype it; its end in the line. */
static struct slice word_at(struct slice line, size_t *at)
{
	size_t from;

	while (*at < line.n && (unsigned char)line.p[*at] <= ' ')
		++*at;
	from = *at;
	while (*at < line.n && (unsigned char)line.p[*at] > ' ')
		++*at;
	return (slice_head(slice_from(line, from), *at - from));
}

static bool is_login(struct slice word)
{
	return (slice_ieq(word, SLICE("LOGIN")) || slice_ieq(word, SLICE("AUTHENTICATE")));
}

/* What the first line of a command says about it; how much of the line may be shown. */
static size_t judge(struct mask *m, struct slice line, bool has_literal)
{
	size_t at = 0, end;
	struct slice tag = word_at(line, &at), name;

	end = at;
	m->is_idle = false;
	m->secret = is_login(tag); /* the tag was forgotten */
	if (m->secret)
		return (end);
	name = word_at(line, &at);
	m->is_idle = slice_ieq(name, SLICE("IDLE"));
	m->secret = is_login(name);
	if (m->secret)
		return (at);
	/* A name that comes as a literal is no command, but it could have been meant as one. */
	if (has_literal && (name.n == 0 || slice_chr(name, '{') != SIZE_MAX)) {
		m->secret = true;
		return (end);
	}
	return (line.n);
}

/* --- a line is over --- */

static void add_shown(struct buf *out, struct slice s)
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c >= ' ' && c < 0x7f) {
			(void)buf_addc(out, (char)c);
			continue;
		}
		(void)buf_addz(out, "\\x");
		(void)buf_addc(out, hex[c >> 4]);
		(void)buf_addc(out, hex[c & 15]);
	}
}

/* ${shown} octets of the line, then what is left out. */
static void tell(struct mask *m, enum mask_who who, size_t shown, bool secret, bool has_literal)
{
	struct mask_side *s = &m->side[who];
	struct buf out = BUF_INIT(4 * (size_t)L_TRACE_LINE + 128);
	struct slice line = slice_head(buf_slice(&s->line), shown);

	if (has_literal && !secret)
		line = slice_head(line, s->mark_at);
	add_shown(&out, line);
	if (secret)
		(void)buf_addz(&out, line.n > 0 ? " " MASKED : MASKED);
	else if (s->dropped > 0)
		(void)buf_fmt(&out, " [%llu octets more]", (unsigned long long)s->dropped);
	if (has_literal && !secret)
		(void)buf_fmt(&out, "{%llu%s octets}", (unsigned long long)s->mark_size,
		    s->mark_waits || who == MASK_SERVER ? "" : "+");
	m->on_line(m->self, who, buf_slice(&out));
	buf_free(&out);
}

static void next_command(struct mask *m)
{
	m->side[MASK_CLIENT].state = MASK_LINE;
	m->side[MASK_CLIENT].goes_on = false;
	m->secret = false;
}

static void client_line(struct mask *m, struct slice line, bool has_literal)
{
	struct mask_side *s = &m->side[MASK_CLIENT];
	size_t shown = line.n;

	if (m->is_plain) {
		m->is_plain = false;
		tell(m, MASK_CLIENT, m->is_idle ? line.n : 0, !m->is_idle, false);
		next_command(m);
		return;
	}
	if (!s->goes_on)
		shown = judge(m, line, has_literal);
	else if (m->secret)
		shown = 0;
	tell(m, MASK_CLIENT, shown, m->secret, has_literal);
	if (!has_literal) {
		next_command(m);
		return;
	}
	s->goes_on = true;
	s->left = s->mark_size;
	s->state = s->mark_waits ? MASK_WAIT : s->left > 0 ? MASK_LITERAL : MASK_LINE;
}

/* Free text may end like a literal's marker. Data cannot without being one. */
static bool is_data(struct slice line)
{
	static const struct slice status[] = { SLICE_INIT("OK"), SLICE_INIT("NO"),
		SLICE_INIT("BAD"), SLICE_INIT("BYE"), SLICE_INIT("PREAUTH") };
	size_t at = 2;
	struct slice word;

	if (!slice_starts(line, SLICE("* ")))
		return (false);
	word = word_at(line, &at);
	for (size_t i = 0; i < COUNT_OF(status); i++)
		if (slice_ieq(word, status[i]))
			return (false);
	return (true);
}

static void server_line(struct mask *m, struct slice line, bool has_literal)
{
	struct mask_side *s = &m->side[MASK_SERVER], *client = &m->side[MASK_CLIENT];
	bool goes_on = s->goes_on;

	if (has_literal && !goes_on && !is_data(line))
		has_literal = false;
	tell(m, MASK_SERVER, line.n, false, has_literal);
	s->goes_on = has_literal;
	s->left = s->mark_size;
	s->state = has_literal && s->left > 0 ? MASK_LITERAL : MASK_LINE;
	if (goes_on)
		return;
	if (slice_starts(line, SLICE("+"))) {
		if (client->state == MASK_WAIT)
			client->state = client->left > 0 ? MASK_LITERAL : MASK_LINE;
		else
			m->is_plain = true;
	} else if (client->state == MASK_WAIT && !slice_starts(line, SLICE("* "))) {
		next_command(m); /* leave was not given */
	}
}

static void end_of_line(struct mask *m, enum mask_who who)
{
	struct mask_side *s = &m->side[who];
	bool has_literal = s->mark == MARK_CLOSED || s->mark == MARK_CR;
	struct slice line = buf_slice(&s->line);

	if (s->dropped == 0 && line.n > 0 && line.p[line.n - 1] == '\r')
		buf_cut(&s->line, --line.n);
	if (who == MASK_CLIENT)
		client_line(m, line, has_literal);
	else
		server_line(m, line, has_literal);
	if (s->line.p != NULL)
		secret_wipe(s->line.p, s->line.n);
	if (s->line.cap > 512)
		buf_free(&s->line);
	else
		buf_reset(&s->line);
	s->dropped = 0;
	s->mark = MARK_NONE;
}

/* --- octets --- */

static void look_for_marker(struct mask_side *s, char c)
{
	if (c == '{') {
		s->mark = MARK_OPEN;
		s->mark_at = s->line.n;
		s->mark_size = 0;
		s->mark_waits = true;
	} else if (ascii_digit(c) && (s->mark == MARK_OPEN || s->mark == MARK_DIGITS)) {
		s->mark = MARK_DIGITS;
		if (s->mark_size < UINT64_MAX / 20)
			s->mark_size = s->mark_size * 10 + (uint64_t)(c - '0');
	} else if (c == '+' && s->mark == MARK_DIGITS) {
		s->mark = MARK_PLUS;
		s->mark_waits = false;
	} else if (c == '}' && (s->mark == MARK_DIGITS || s->mark == MARK_PLUS))
		s->mark = MARK_CLOSED;
	else
		s->mark = c == '\r' && s->mark == MARK_CLOSED ? MARK_CR : MARK_NONE;
}

void mask_take(struct mask *m, enum mask_who who, struct slice in)
{
	struct mask_side *s = &m->side[who];

	while (in.n > 0) {
		char c = in.p[0];

		if (s->state == MASK_WAIT) /* nobody said no */
			s->state = s->left > 0 ? MASK_LITERAL : MASK_LINE;
		if (s->state == MASK_LITERAL) {
			size_t n = in.n < s->left ? in.n : (size_t)s->left;

			s->left -= n;
			if (s->left == 0)
				s->state = MASK_LINE;
			in = slice_from(in, n);
			continue;
		}
		in = slice_from(in, 1);
		if (c == '\n') {
			end_of_line(m, who);
			continue;
		}
		look_for_marker(s, c);
		if (s->line.n < L_TRACE_LINE)
			(void)buf_addc(&s->line, c);
		else
			s->dropped++;
	}
}
