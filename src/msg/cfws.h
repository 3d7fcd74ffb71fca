/* cfws.h (inside msg): comments and folding white space between tokens (RFC 5322 3.2.2). */
#ifndef MSG_CFWS_H
#define MSG_CFWS_H

#include "core/cursor.h"

/* Past any blanks, line ends and comments, nested ones too; an unclosed comment takes the rest. */
void cfws_skip(struct cursor *c);

#endif
