/* preview.h: the first words of a message, for lists (RFC 8970). */
#ifndef MSG_PREVIEW_H
#define MSG_PREVIEW_H

#include "core/buf.h"

enum {
	PREVIEW_CHARACTERS = 200, /* RFC 8970 3.2 */
	PREVIEW_READ = 65536,     /* octets of the body that are worth reading for it */
};

/* The beginning of a message, its header whole, its body perhaps cut: the first visible text of it
 * in UTF-8, blanks joined, without what is quoted. Nothing is added where there is no text. */
int preview_write(struct slice message, struct buf *out);

#endif
