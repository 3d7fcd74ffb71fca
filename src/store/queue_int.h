/* queue_int.h (inside store): what the files of the queue share: queue_body.c (files), queue_read.c (questions), queue.c (changes). */
#ifndef STORE_QUEUE_INT_H
#define STORE_QUEUE_INT_H

#include "store/queue.h"
#include "store/store_int.h"

/* queue_body.c: files queue/<id>, LF. */
/* body_write: durable under its final name on return; nothing is left behind on failure. ${content} is CRLF. */
int body_write(const char *id, struct slice content, struct err *err);
void body_remove(const char *id); /* a failure is healed by the sweep at open */
/* body_is_whole: there, readable, and as long as it was. */
bool body_is_whole(const char *id, int64_t stored);
int64_t body_size(const char *id); /* octets on disk; -1: not there */
bool queue_id_ok(struct slice id); /* the form of an id, so that it may stand in a path */
/* body_sweep: empties queue/tmp/, and removes bodies for which is_named answers 0 (1: keep; -1: stop, failed). */
int body_sweep(int (*is_named)(void *self, const char *id, struct err *err), void *self, struct err *err);

#endif
