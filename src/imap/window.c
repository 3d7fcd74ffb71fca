/* Which places of a result? RFC 9394 3.1: counted from the first or from the last, in either
 * order, and beyond the ends there is nothing. */
#include "imap/window.h"

bool window_take(struct args *a, struct window *ret)
{
	ret->from_end = args_char(a, '-');
	return (args_u32(a, &ret->from) && ret->from > 0 && args_char(a, ':') &&
	    args_char(a, '-') == ret->from_end && args_u32(a, &ret->to) && ret->to > 0);
}

void window_of(const struct window *w, size_t n, size_t *ret_from, size_t *ret_end)
{
	size_t low = w->from < w->to ? w->from : w->to, high = w->from < w->to ? w->to : w->from;

	if (high > n)
		high = n;
	if (low > high)
		*ret_from = *ret_end = 0;
	else if (w->from_end) {
		*ret_from = n - high;
		*ret_end = n - low + 1;
	} else {
		*ret_from = low - 1;
		*ret_end = high;
	}
}

void window_write(const struct window *w, struct buf *out)
{
	const char *sign = w->from_end ? "-" : "";

	(void)buf_fmt(out, "%s%u:%s%u", sign, w->from, sign, w->to);
}
