/* status.h: STATUS items: parsed once, said by STATUS and by LIST ... RETURN (STATUS ...). RFC
 * 9051 6.3.11, RFC 8438, 7162, 7889. */
#ifndef IMAP_STATUS_H
#define IMAP_STATUS_H

#include "imap/session.h"

/* status-att list in parentheses to bits; false: malformed or unknown. */
bool status_take_items(struct args *a, unsigned *ret);
void status_write(struct imap *s, const char *name, const struct folder_status *st, unsigned items);
bool status_wants_modseq(unsigned items);

#endif
