/* dot.h: the content of DATA and BDAT: dots removed, its true end found, its faults noted. RFC
 * 5321 4.5.2, 4.1.1.4: only CRLF "." CRLF ends the data; a CR or LF on its own is content that
 * makes the message unacceptable, never a line end. A parser object: fed with chunks of any size,
 * it gives the same octets as fed with the whole. No memory, no socket. */
#ifndef SMTP_DOT_H
#define SMTP_DOT_H

#include "core/slice.h"

enum {                      /* smtp_dot.faults */
	SMTP_DOT_STRAY = 1, /* CR or LF outside CRLF */
	SMTP_DOT_NUL = 2,
	SMTP_DOT_LONG = 4, /* a line over max_line */
};

struct smtp_dot {
	enum { DOT_AT_START, DOT_AFTER_DOT, DOT_AFTER_DOT_CR, DOT_IN_LINE, DOT_AFTER_CR } at;
	bool raw;   /* BDAT: no dots, no end in the bytes */
	bool ended; /* the terminator has been consumed */
	unsigned faults;
	uint64_t line;     /* octets of the present line, without CRLF, after removal of its dot */
	uint64_t max_line; /* L_LINE or L_LINE_SUBMISSION */
	uint64_t octets;   /* content given so far */
};

void smtp_dot_init(struct smtp_dot *d, bool raw, uint64_t max_line);
/* smtp_dot_next: consume the first octets of ${input} and point ${*ret_content} at what of them is
 * content (inside input, or a constant; may be empty). Returns how many were consumed. Go on while
 * input is left and the data has not ended; each call makes progress, though one that gives back an
 * octet held from an earlier chunk consumes none. */
size_t smtp_dot_next(struct smtp_dot *d, struct slice input, struct slice *ret_content);
/* smtp_dot_finish: after the last chunk of BDAT: a CR that still waits for its LF is stray. */
void smtp_dot_finish(struct smtp_dot *d);

#endif
