/* envelope_int.h: for structure.c: an envelope within a structure. */
#ifndef MSG_ENVELOPE_INT_H
#define MSG_ENVELOPE_INT_H

#include "msg/envelope.h"

void envelope_write_in(
    struct buf *out, struct arena *a, const struct header *h); /* failure is in out */

#endif
