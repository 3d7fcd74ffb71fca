/* text_int.h: for msg alone: small things that decoders share. */
#ifndef MSG_TEXT_INT_H
#define MSG_TEXT_INT_H

#include "msg/text.h"

/* All of it, which is UTF-8, as encoded words divided by blanks. */
void text_encode_all(struct slice utf8, struct buf *out);

static inline int text_hex(char c) /* -1: no hexadecimal digit */
{
	if (ascii_digit(c))
		return (c - '0');
	c = ascii_lower(c);
	return (c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1);
}

#endif
