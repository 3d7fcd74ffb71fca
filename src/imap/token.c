/* When is a command complete? Line by line and literal by literal, each octet looked at once.
 * What the words mean is left to args.c. Faults: see the texts below; the rest of a faulty line
 * is skipped without being kept. */
#include "imap/token.h"

#include "core/limits.h"
#include "core/secret.h"

const struct reader_limits reader_before_login = {
	.line = L_IPRE_OCTETS,
	.literal = L_IPRE_OCTETS,
	.total = L_IPRE_OCTETS,
	.literals = 16,
	.parens = L_IPRE_PARENS,
};
const struct reader_limits reader_after_login = {
	.line = L_ICMD,
	.literal = L_ILIT,
	.total = L_ITOT,
	.literals = L_ILITN,
	.parens = L_INEST,
	.append = true,
};

static const char fault_line[] = "BAD Line too long";
static const char fault_octet[] = "BAD NUL, stray CR or other octet that cannot be in a command";
static const char fault_end[] = "BAD Lines end with CRLF";
static const char fault_parens[] = "BAD Too many parentheses";
static const char fault_quote[] = "BAD Quoted string without end";
static const char fault_literal[] = "BAD Literal with NUL or a bad size";
static const char fault_big[] = "NO [TOOBIG] Command or literal too large";
static const char fault_many[] = "NO [LIMIT] Too many literals";

void reader_init(struct reader *r, const struct reader_limits *limits)
{
	*r = (struct reader){ .limits = limits };
	buf_init(&r->text, limits->total + 8); /* the last CRLF and a marker's end */
}

void reader_done(struct reader *r)
{
	if (r->text.p != NULL)
		secret_wipe(r->text.p, r->text.cap);
	buf_free(&r->text);
}

void reader_next(struct reader *r)
{
	const struct reader_limits *limits = r->limits;
	struct buf text = r->text;

	if (text.p != NULL)
		secret_wipe(text.p, text.n);
	if (text.cap > 4096) /* an idle session keeps little */
		buf_free(&text);
	else
		buf_reset(&text);
	*r = (struct reader){ .limits = limits, .text = text };
	r->text.max = limits->total + 8;
}

void reader_limit(struct reader *r, const struct reader_limits *limits)
{
	r->limits = limits;
	r->text.max = limits->total + 8;
}

struct slice reader_text(const struct reader *r)
{
	return (buf_slice(&r->text));
}

bool reader_is_tag(struct slice s)
{
	if (s.n == 0 || s.n > 256)
		return (false);
	for (size_t i = 0; i < s.n; i++) { /* tag = 1*<any ASTRING-CHAR except "+"> */
		unsigned char c = (unsigned char)s.p[i];

		if (c <= ' ' || c >= 0x7f || strchr("(){%*\"\\+", (char)c) != NULL)
			return (false);
	}
	return (true);
}

struct slice reader_tag(const struct reader *r)
{
	struct slice tag, rest;

	if (!slice_cut(slice_head(reader_text(r), 300), ' ', &tag, &rest))
		tag = slice_trim(tag);
	return (reader_is_tag(tag) ? tag : SLICE("*"));
}

static enum reader_event fail(struct reader *r, const char *fault, bool close)
{
	r->fault = fault;
	return (close ? READER_CLOSE : READER_FAULT);
}

/* Does the text up to ${mark} read "tag SP APPEND SP mailbox ...", so that the literal there is
 * the message? A literal right behind "APPEND SP" is the mailbox. */
static bool is_message(const struct reader *r, size_t mark)
{
	struct slice tag, rest;

	if (!slice_cut(slice_head(reader_text(r), mark), ' ', &tag, &rest))
		return (false);
	if (slice_istarts(rest, SLICE("APPEND ")))
		return (rest.n > 7);
	if (slice_istarts(rest, SLICE("UID ")))
		rest = slice_from(rest, 4);
	if (!slice_istarts(rest, SLICE("REPLACE "))) /* RFC 8508: a number, then as APPEND */
		return (false);
	return (slice_cut(slice_from(rest, 8), ' ', &tag, &rest) && rest.n > 0);
}

/* literal = "{" number ["+"] "}" CRLF, literal8 = "~{" ...; the line in text has lost its CRLF. */
static bool find_marker(struct slice line, size_t *ret_at, uint64_t *ret_size, bool *ret_waits)
{
	struct slice digits;
	size_t at;

	if (line.n < 3 || line.p[line.n - 1] != '}')
		return (false);
	at = slice_rchr(line, '{');
	if (at == SIZE_MAX)
		return (false);
	digits = slice_from(slice_head(line, line.n - 1), at + 1);
	*ret_waits = true;
	if (digits.n > 0 && digits.p[digits.n - 1] == '+') { /* RFC 7888 */
		*ret_waits = false;
		digits.n--;
	}
	if (digits.n == 0)
		return (false);
	for (size_t i = 0; i < digits.n; i++)
		if (!ascii_digit(digits.p[i]))
			return (false);
	if (!slice_u64(digits, UINT64_MAX / 2, ret_size))
		*ret_size = UINT64_MAX / 2;
	*ret_at = at;
	return (true);
}

bool reader_marker(struct slice line, size_t *ret_at, uint64_t *ret_size, bool *ret_waits)
{
	if (!find_marker(line, ret_at, ret_size, ret_waits))
		return (false);
	if (*ret_at > 0 && line.p[*ret_at - 1] == '~')
		--*ret_at;
	return (true);
}

static enum reader_event end_of_line(struct reader *r)
{
	size_t mark;
	uint64_t size;
	bool waits;

	buf_cut(&r->text, r->text.n - 2);
	if (r->quoted)
		return (fail(r, fault_quote, r->tail[0] == '}'));
	if (!find_marker(slice_from(reader_text(r), r->line_at), &mark, &size, &waits))
		return (READER_COMMAND);
	mark += r->line_at;
	r->literal8 = mark > 0 && r->text.p[mark - 1] == '~';
	if (r->limits->append && is_message(r, mark)) {
		buf_cut(&r->text, r->literal8 ? mark - 1 : mark);
		r->message_size = size;
		r->message_ahead = true;
		r->message_waits = waits;
		return (READER_MESSAGE);
	}
	if (++r->literals > r->limits->literals)
		return (fail(r, fault_many, !waits));
	if (size > r->limits->literal || r->text.n + 2 + size > r->limits->total)
		return (fail(r, fault_big, !waits)); /* before anything is allocated for it */
	(void)buf_addz(&r->text, "\r\n");
	r->tail[0] = r->tail[1] = 0;
	r->left = size;
	r->line_at = r->text.n + (size_t)size;
	r->line_n = 0;
	r->state = size > 0 ? READER_LITERAL : READER_LINE;
	return (waits ? READER_CONTINUE : READER_MORE);
}

/* One octet inside a line that is not its end; a fault text, or NULL. */
static const char *look(struct reader *r, char c)
{
	if (c == '\0')
		return (fault_octet);
	if (r->tail[1] == '\r') /* only LF may follow, and that is seen elsewhere */
		return (fault_octet);
	if (c == '\r')
		return (NULL);
	if (r->escaped)
		r->escaped = false;
	else if (r->quoted && c == '\\')
		r->escaped = true;
	else if (c == '"')
		r->quoted = !r->quoted;
	else if (!r->quoted && c == '(' && ++r->depth > r->limits->parens)
		return (fault_parens);
	else if (!r->quoted && c == ')' && r->depth > 0)
		r->depth--;
	return (NULL);
}

static enum reader_event take_line(struct reader *r, struct slice in, size_t *used)
{
	while (*used < in.n) {
		char c = in.p[*used];
		const char *fault;

		++*used;
		r->line_n++;
		if (c == '\n') {
			if (r->state ==
			    READER_SKIP) /* a literal that is already on its way must not be run */
				return (fail(r, r->fault, r->tail[0] == '}' || r->tail[1] == '}'));
			if (r->tail[1] != '\r' || r->line_n < 2)
				return (fail(r, fault_end, r->tail[1] == '}'));
			if (buf_addc(&r->text, c) == -1)
				return (fail(r, fault_big, true));
			return (end_of_line(r));
		}
		if (r->state == READER_LINE) {
			if ((fault = look(r, c)) == NULL && r->line_n > r->limits->line)
				fault = fault_line;
			if (fault == NULL && r->text.n >= r->limits->total + 1)
				fault = fault_big;
			if (fault == NULL && buf_addc(&r->text, c) == -1)
				fault = fault_big;
			if (fault != NULL) {
				r->fault = fault;
				r->state = READER_SKIP;
			}
		} else if (r->line_n > 2 * (size_t)L_ITOT)
			return (fail(r, fault_line, true));
		r->tail[0] = r->tail[1];
		r->tail[1] = (unsigned char)c;
	}
	return (READER_MORE);
}

enum reader_event reader_take(struct reader *r, struct slice in, size_t *ret_used)
{
	enum reader_event ev;
	struct slice piece;

	*ret_used = 0;
	while (*ret_used < in.n) {
		if (r->state != READER_LITERAL) {
			if ((ev = take_line(r, in, ret_used)) != READER_MORE)
				return (ev);
			continue;
		}
		piece = slice_from(in, *ret_used);
		if (piece.n > r->left)
			piece.n = (size_t)r->left;
		if (!r->literal8 && memchr(piece.p, '\0', piece.n) != NULL)
			return (fail(r, fault_literal, true)); /* CHAR8 is 1 to 255 */
		if (buf_add_slice(&r->text, piece) == -1)
			return (fail(r, fault_big, true));
		*ret_used += piece.n;
		r->left -= piece.n;
		if (r->left == 0)
			r->state = READER_LINE;
	}
	return (READER_MORE);
}
