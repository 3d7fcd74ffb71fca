/* header.h: header fields as they arrive. One parser for everybody (P15): SPF to IMAP see the same
 * fields. Input is a whole message or header section, CRLF or LF line ends. Never fails: past a
 * limit the rest of the header is left out and ${cut} says so. The fields tile the section exactly.
 * RFC 5322 2.2, 3.6.8. */
#ifndef MSG_HEADER_H
#define MSG_HEADER_H

#include "core/arena.h"
#include "core/err.h"

struct field {
	struct slice raw;  /* name to last line end, folding included */
	struct slice name; /* as written, without blanks before the colon */
	struct slice body; /* after the colon, raw: folding inside, without the last line end */
	unsigned offset;   /* of raw in the message */
};

struct header {
	const struct field *fields; /* in the arena; slices point into the input */
	size_t n;
	size_t size;        /* octets up to and with the blank line (or what ended the header) */
	bool cut;           /* over L_HDR, L_HDR1 or L_HDRN */
	bool ended_by_junk; /* a line that is no field ended the header, for every consumer alike
			       (SIN-21) */
	bool has_blank;     /* a blank line ended it */
	/* the line that ended it, not part of ${size}; empty unless ${ended_by_junk} */
	struct slice junk;
};

void header_parse(struct arena *a, struct slice message, struct header *ret);
/* header_nth: the nth (from 0, top first) field of that name, case folded; NULL. */
const struct field *header_nth(const struct header *h, struct slice name, size_t nth);
static inline const struct field *header_first(const struct header *h, struct slice name)
{
	return (header_nth(h, name, 0));
}
size_t header_count(const struct header *h, struct slice name);
/* header_unfold: line ends removed (RFC 5322 2.2.3), trimmed; in the arena only when there was
 * something to do. */
struct slice header_unfold(struct arena *a, struct slice body);
/* header_value: unfolded body of the first field of that name; empty when absent. */
struct slice header_value(struct arena *a, const struct header *h, struct slice name);

/* header_check: may this message be taken (SIN-21, SIN-22, AUT-05 to 08, MIM-04)? -1 with what to
 * tell the peer ("exactly one From field is needed") for 554 5.6.0. ${hops}: most Received fields;
 * ERR_LIMIT when over (554 5.4.6). */
int header_check(struct arena *a, const struct header *h, uint64_t hops, struct err *err);

#endif
