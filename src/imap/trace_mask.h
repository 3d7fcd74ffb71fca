/* trace_mask.h: both sides of an IMAP session as lines that hold no secret: LOGIN and AUTHENTICATE
 * lose what follows the word, SASL responses all they are, literals everything but their length.
 * Pure: no clock, no file. RFC 9051 2.2.1, 4.3; RFC 7888. */
#ifndef IMAP_TRACE_MASK_H
#define IMAP_TRACE_MASK_H

#include "core/buf.h"

enum mask_who { MASK_CLIENT, MASK_SERVER };
enum mask_state {
	MASK_LINE,
	MASK_WAIT, /* client: a literal is announced, and the server has not said "+" yet */
	MASK_LITERAL,
};

struct mask_side {
	enum mask_state state;
	struct buf line;  /* the first octets of the present line, without its end */
	uint64_t dropped; /* octets of it behind those */
	uint64_t left;    /* of the literal */
	/* how much of "{" number ["+"] "}" the last octets were */
	enum { MARK_NONE, MARK_OPEN, MARK_DIGITS, MARK_PLUS, MARK_CLOSED, MARK_CR } mark;
	size_t mark_at;     /* in the line */
	uint64_t mark_size;
	bool mark_waits;
	bool goes_on; /* the line stands behind a literal */
};

struct mask {
	struct mask_side side[2]; /* by enum mask_who */
	bool secret;   /* the client's command holds a password */
	bool is_idle;  /* it is IDLE */
	bool is_plain; /* the client's next line answers a "+": no command, no literal */
	/* A line, escaped: printable ASCII, without its end; valid during the call. */
	void (*on_line)(void *self, enum mask_who who, struct slice line);
	void *self;
};

/* mask_init: both sides are about to begin a line. ${idling}: the client is in IDLE. */
void mask_init(struct mask *m, bool idling,
    void (*on_line)(void *self, enum mask_who who, struct slice line), void *self);
void mask_done(struct mask *m);
/* mask_take: what a side said, in pieces of any size, in the order the server took and sent it. */
void mask_take(struct mask *m, enum mask_who who, struct slice in);

#endif
