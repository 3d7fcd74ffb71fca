/* line.h: command and reply lines as RFC 5321 2.3.8 has them: CRLF ends a line, and nothing else
 * does. A bare LF or CR is never a line end; what follows one is never acted on (SIN-02). Pure: no
 * socket, no memory. */
#ifndef SMTP_LINE_H
#define SMTP_LINE_H

#include "core/cursor.h"

enum smtp_line_fault {
	SMTP_LINE_STRAY, /* holds a CR, LF or NUL that belongs to no line end */
	SMTP_LINE_LONG,  /* ended, but over ${max} */
	SMTP_LINE_FLOOD, /* no line end within L_FLOOD octets: close */
};

/* smtp_line_take: look for a whole line in ${input}. ${*seen} is the caller's: 0 for a new line;
 * kept over TAKE_MORE, so that bytes that arrive one by one are looked at once each; set to 0 again
 * with every other answer. ${max} counts the CRLF (L_CMD). TAKE_OK:   ${*ret_line} is the line
 * without CRLF, inside input; consume ${*ret_used}. TAKE_MORE: no whole line yet. TAKE_BAD:
 * ${*ret_fault} says why; consume ${*ret_used} and, but for SMTP_LINE_FLOOD, go on with what
 * follows. A line that ends in a bare LF where nothing else waits is answered at once, since its
 * sender waits for that. */
enum take smtp_line_take(struct slice input, size_t max, size_t *seen, struct slice *ret_line,
    size_t *ret_used, enum smtp_line_fault *ret_fault);

/* Do these first octets of a session belong to another protocol: HTTP, TLS, SSH, SMB (SIN-27)?
 * Judged on what is there. */
bool smtp_line_is_foreign(struct slice input);

#endif
