/* dot.c: which octets of a DATA or BDAT stream are the message, and where does it end?
 * Leaves what faults mean to in_data.c.  RFC 5321 4.5.2, RFC 3030. */
#include "smtp/dot.h"

void smtp_dot_init(struct smtp_dot *d, bool raw, uint64_t max_line)
{
	memset(d, 0, sizeof(*d));
	d->at = DOT_AT_START;
	d->raw = raw;
	d->max_line = max_line;
}

/* One octet that is part of a line. */
static void count_octet(struct smtp_dot *d, char c)
{
	if (c == '\0')
		d->faults |= SMTP_DOT_NUL;
	if (++d->line > d->max_line)
		d->faults |= SMTP_DOT_LONG;
}

/* One octet of content after the dot question is settled; never DOT_AFTER_DOT here. */
static void content_octet(struct smtp_dot *d, char c)
{
	if (d->at == DOT_AFTER_CR) {
		if (c == '\n') {
			d->at = DOT_AT_START;
			d->line = 0;
			return;
		}
		d->faults |= SMTP_DOT_STRAY;
		count_octet(d, '\r');
	}
	if (c == '\r') {
		d->at = DOT_AFTER_CR;
		return;
	}
	if (c == '\n')
		d->faults |= SMTP_DOT_STRAY; /* and no line starts after it: a dot there is a dot */
	count_octet(d, c);
	d->at = DOT_IN_LINE;
}

size_t smtp_dot_next(struct smtp_dot *d, struct slice input, struct slice *ret_content)
{
	static const char held_cr[] = "\r";
	size_t i = 0, from;

	*ret_content = (struct slice){ input.p, 0 };
	if (d->ended || input.n == 0)
		return (0);
	if (d->at == DOT_AFTER_DOT_CR) {
		if (input.p[0] == '\n') { /* CRLF "." CRLF */
			d->ended = true;
			return (1);
		}
		/* The CR held back was content after all, and stray: content_octet() notes that
		 * when the next call comes. */
		d->at = DOT_AFTER_CR;
		*ret_content = (struct slice){ held_cr, 1 };
		d->octets++;
		return (0);
	}
	if (d->at == DOT_AFTER_DOT) {
		if (input.p[0] == '\r') {
			d->at = DOT_AFTER_DOT_CR;
			return (1);
		}
		d->at = DOT_IN_LINE;
	}
	for (from = i; i < input.n; i++) {
		char c = input.p[i];

		if (d->at == DOT_AT_START && c == '.' && !d->raw) {
			d->at = DOT_AFTER_DOT;
			*ret_content = slice_between(input.p + from, input.p + i);
			d->octets += ret_content->n;
			return (i + 1);
		}
		content_octet(d, c);
	}
	*ret_content = slice_between(input.p + from, input.p + i);
	d->octets += ret_content->n;
	return (i);
}

void smtp_dot_finish(struct smtp_dot *d)
{
	if (d->at == DOT_AFTER_CR)
		d->faults |= SMTP_DOT_STRAY;
	d->ended = true;
}
