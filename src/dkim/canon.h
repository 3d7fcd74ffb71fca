/* canon.h: header and body in the one form both sides hash. RFC 6376 3.4; errata 3758 read as section 3.4.4 says (an empty
 * relaxed body stays empty). Streaming: a body given in any pieces comes out the same. Input is the CRLF form; a CR or LF
 * alone is an octet like any other. Nothing allocates but the sink. */
#ifndef DKIM_CANON_H
#define DKIM_CANON_H

#include "core/buf.h"

enum canon { CANON_SIMPLE, CANON_RELAXED };

struct canon_body { /* embedded; all zero but these at the start */
	enum canon how;
	void (*sink)(void *self, struct slice octets); /* slices valid during the call */
	void *self;
	/* Not 0: so many line ends wait and no more, so that no octet makes up for millions. Beyond that guess(self) is called and
	 * they go to the sink as they come; then either guessed(self, true), the body went on, or guessed(self, false) at its
	 * end: what the sink got since guess() was not of the body. */
	uint64_t patience;
	void (*guess)(void *self);
	void (*guessed)(void *self, bool right);
	/* private */
	bool guessing;
	uint64_t line_ends; /* seen and not yet passed on: they may be the last ones */
	bool cr, blank, any;
};

void canon_body_add(struct canon_body *c, struct slice octets);
void canon_body_end(struct canon_body *c);
/* One field, raw from its name to its last line end, appended to out. ${with_end} false: without the CRLF (the signature's own
 * field, RFC 6376 3.7). */
int canon_field(enum canon how, struct slice raw, bool with_end, struct buf *out);

#endif
