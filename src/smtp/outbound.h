/* outbound.h: the spine of sending (outbound.c). Its parts see each other in out_int.h. */
#ifndef SMTP_OUTBOUND_H
#define SMTP_OUTBOUND_H

#include "smtp/out_int.h"

/* outbound_start: takes ${item}; out_schedule_ended gives it back on a later turn. */
void outbound_start(struct smtp_sender *s, struct out_item *item);
/* The sender drains: let go of what can be let go; may end the attempt. */
void outbound_drain(struct outbound *o, bool patience_over);

#endif
