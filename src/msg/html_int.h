/* html_int.h: for html.c alone: character references. */
#ifndef MSG_HTML_INT_H
#define MSG_HTML_INT_H

#include "core/buf.h"

/* The character reference at the beginning of s, which starts with "&": its UTF-8 to ret; the
 * octets it takes, 0 when it is none. */
size_t html_entity_take(struct slice s, char ret[8], size_t *ret_n);
/* s with its character references resolved. */
void html_entities(struct slice s, struct buf *out);

#endif
