/* cfws.c: what may stand between two tokens of a structured field? */
#include "msg/cfws.h"

static void skip_comment(struct cursor *c)
{
	unsigned depth = 0;

	for (; c->p < c->end; c->p++) {
		if (*c->p == '\\' && c->p + 1 < c->end) {
			c->p++;
		} else if (*c->p == '(') {
			depth++;
		} else if (*c->p == ')' && --depth == 0) {
			c->p++;
			return;
		}
	}
}

void cfws_skip(struct cursor *c)
{
	while (c->p < c->end) {
		if (*c->p == ' ' || *c->p == '\t' || *c->p == '\r' || *c->p == '\n')
			c->p++;
		else if (*c->p == '(')
			skip_comment(c);
		else
			return;
	}
}
