/* inbound.h: the spine of receiving: what happens to a message between its last octet and the
 * answer (inbound.c). */
#ifndef SMTP_INBOUND_H
#define SMTP_INBOUND_H

struct smtp_in;

/* inbound_start: takes the session's transaction, whose data is complete and well-formed. The
 * session waits; it is answered once, unless its connection dies first. */
void inbound_start(struct smtp_in *s);

#endif
