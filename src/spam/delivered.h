/* delivered.h: the fields we put in front of a message from outside, read back: who brought it, for whom,
 * when, and what was thought of it. Pure. */
#ifndef SPAM_DELIVERED_H
#define SPAM_DELIVERED_H

#include "core/arena.h"
#include "core/ip.h"

struct delivered {
	size_t size;            /* octets of our fields; the message as it came is behind them */
	struct slice mail_from; /* text between < and > */
	struct slice rcpt;
	struct slice told; /* X-Pennypost: "junk; score 7.1; ..." */
	struct slice helo; /* as Received has it; "unknown" where it could not be written */
	struct ip peer;
	int64_t at; /* wall seconds; 0: unreadable */
};
/* ${message} in CRLF form, ${hostname}: ours. False: not one we delivered from outside. Slices are in
 * the arena or the message. */
bool delivered_read(
    struct arena *a, struct slice message, const char *hostname, struct delivered *ret);

#endif
