/* orders.h: which orders of a folder are known already? What a message sorts by never changes, so an
 * order that was made for one SORT serves the next by the same criteria, of the same messages or
 * fewer, of any session. Kept beside the open view and freed with it. */
#ifndef IMAP_ORDERS_H
#define IMAP_ORDERS_H

#include "imap/order.h"

/* orders_keep: ${uids}, sorted, are in the order ${o}, which is finished; its ranks are taken. Does
 * nothing for criteria that are not of the message alone, or too few messages. */
void orders_keep(struct view *v, struct order *o, const uint32_t *uids, size_t n);
/* orders_find: ${uids}, sorted, in the order that ${o} asks for: malloc'd, the caller frees. NULL: it
 * is not known. Time is in proportion to the view. */
uint32_t *orders_find(struct view *v, const struct order *o, const uint32_t *uids, size_t n);

#endif
