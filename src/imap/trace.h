/* trace.h: what sessions of an account say, written down for a while (imap_server_trace in imap.h). Inside src/imap only. */
#ifndef IMAP_TRACE_H
#define IMAP_TRACE_H

#include <stdbool.h>

struct imap;
struct imap_server;
struct traces; /* of a server */
struct work;

struct traces *traces_new(struct imap_server *srv, struct work *w);
void traces_free(struct traces *ts); /* no session is traced any more, and traces_idle */
bool traces_idle(const struct traces *ts); /* nothing waits to be written */
void traces_reload(struct traces *ts);     /* forgets accounts that are gone */
/* trace_look: the session is between two commands, or in IDLE, or soon will be and says so again:
 * begin its file if its account is traced and it has none. */
void trace_look(struct imap *s);
/* trace_gone: the session ends, or is nobody's again: its file ends too, and says why. */
void trace_gone(struct imap *s, const char *why);

#endif
