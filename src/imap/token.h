/* token.h: when is a command complete? The reader takes octets as they come and keeps one
 * command, its literals in place, until the last line ends. It says when the client waits for
 * leave to send a literal, and stops in front of the message of an APPEND, which does not belong
 * in memory. RFC 9051 2.2.1, 4.3, 9; RFC 7888. Every limit is checked before memory is taken;
 * what is refused is never run, nor is anything inside it. */
#ifndef IMAP_TOKEN_H
#define IMAP_TOKEN_H

#include "core/buf.h"

struct reader_limits {
	size_t line, literal, total;
	unsigned literals, parens;
	bool append; /* stop in front of APPEND's message */
};
extern const struct reader_limits reader_before_login, reader_after_login;

enum reader_state { READER_LINE, READER_SKIP, READER_LITERAL };

struct reader {
	struct buf text;
	const struct reader_limits *limits;
	enum reader_state state;
	size_t line_at; /* in text, where the present line began */
	size_t line_n;  /* octets of it, also those skipped */
	uint64_t left;  /* of the literal under way */
	unsigned literals, depth;
	bool quoted, escaped, literal8;
	unsigned char tail[2];             /* the last two octets before the present one */
	const char *fault;                 /* "BAD ..." or "NO [...] ..." once something is wrong */
	uint64_t message_size;             /* READER_MESSAGE */
	bool message_ahead, message_waits; /* it follows; the client waits for "+" */
};

enum reader_event {
	READER_MORE,     /* all of the input was taken, the command is not complete */
	READER_COMMAND,  /* reader_text is a whole command without its last CRLF */
	READER_CONTINUE, /* send "+ ...", then go on */
	/* the message literal of an APPEND or REPLACE follows: message_size octets, not to be taken by
	 * the reader */
	READER_MESSAGE,
	READER_FAULT, /* answer reader_tag and reader->fault; the line is over */
	READER_CLOSE, /* the same, then close: what follows cannot be told from commands */
};

void reader_init(struct reader *r, const struct reader_limits *limits);
void reader_done(struct reader *r);
/* reader_next: forget the command (wiped, it may hold a password), be ready for another. */
void reader_next(struct reader *r);
void reader_limit(struct reader *r, const struct reader_limits *limits);
/* reader_take: *ret_used octets of ${in} were consumed. After any event but MORE and CONTINUE:
 * reader_next first. */
enum reader_event reader_take(struct reader *r, struct slice in, size_t *ret_used);
struct slice reader_text(const struct reader *r);
struct slice reader_tag(const struct reader *r); /* "*" when the command has none that is valid */
bool reader_is_tag(struct slice s);
/* Does a line (without its CRLF) end in the marker of a literal? Then where that begins (a "~"
 * included), how many octets follow, and whether the client waits for leave. */
bool reader_marker(struct slice line, size_t *ret_at, uint64_t *ret_size, bool *ret_waits);

#endif
