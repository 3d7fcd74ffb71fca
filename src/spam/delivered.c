/* delivered.c: is this file a message that we delivered, and what did we know when it came? Reads the fields
 * that smtp/in_stamp.c writes, in that order and nothing between them, so a stranger's own X-Pennypost
 * further down is never taken for ours. RFC 5321 4.4. Failures: false. */
#include "spam/delivered.h"

#include "dkim/results.h"
#include "msg/date.h"
#include "msg/header.h"
#include "store/quarantine.h"

static struct slice inner(struct slice s) /* "<x>" to "x" */
{
	s = slice_trim(s);
	if (s.n >= 2 && s.p[0] == '<' && s.p[s.n - 1] == '>')
		return (slice_head(slice_from(s, 1), s.n - 2));
	return (s);
}

/* "from HELO (NAME [ADDRESS]) by HOST with ...; DATE", unfolded */
static bool read_received(struct slice text, const char *hostname, struct delivered *ret)
{
	struct slice from, rest, address, date;
	size_t open, close;
	int zone;

	if (!slice_istarts(text, SLICE("from ")) ||
	    (close = slice_find(text, SLICE("])"))) == SIZE_MAX)
		return (false);
	rest = slice_trim(slice_from(text, close + 2)); /* folded in front of "by" */
	if (!slice_istarts(rest, SLICE("by ")) ||
	    !slice_istarts(rest = slice_from(rest, 3), slice_of(hostname)) ||
	    !slice_starts(slice_from(rest, slice_of(hostname).n), SLICE(" with ")))
		return (false);
	from = slice_from(slice_head(text, close), 5);
	if ((open = slice_rchr(from, '[')) == SIZE_MAX)
		return (false);
	address = slice_from(from, open + 1);
	if (slice_istarts(address, SLICE("IPv6:")))
		address = slice_from(address, 5);
	if (!ip_parse(address, &ret->peer))
		return (false);
	(void)slice_cut(from, ' ', &ret->helo, &rest);
	date = slice_from(rest = text, slice_rchr(text, ';') + 1);
	if (!date_parse(slice_trim(date), &ret->at, &zone))
		ret->at = 0;
	return (true);
}

bool delivered_read(
    struct arena *a, struct slice message, const char *hostname, struct delivered *ret)
{
	struct header h;
	size_t i = 2;

	*ret = (struct delivered){ 0 };
	header_parse(a, message, &h);
	if (h.n < 4 || !slice_eq(h.fields[0].name, SLICE("Return-Path")) ||
	    !slice_eq(h.fields[1].name, SLICE("Delivered-To")))
		return (false);
	ret->mail_from = inner(header_unfold(a, h.fields[0].body));
	ret->rcpt = slice_trim(header_unfold(a, h.fields[1].body));
	if (slice_ieq(h.fields[i].name, SLICE("Authentication-Results")) &&
	    results_is_ours(h.fields[i].body, hostname))
		i++;
	if (i < h.n && slice_ieq(h.fields[i].name, SLICE("Received-SPF")))
		i++;
	if (i >= h.n || !slice_eq(h.fields[i].name, SLICE("X-Pennypost")))
		return (false);
	ret->told = header_unfold(a, h.fields[i++].body);
	if (i < h.n && slice_eq(h.fields[i].name, SLICE(QUARANTINE_SENDER)))
		i++;
	if (i >= h.n || !slice_eq(h.fields[i].name, SLICE("Received")) ||
	    !read_received(header_unfold(a, h.fields[i].body), hostname, ret))
		return (false);
	ret->size = h.fields[i].offset + h.fields[i].raw.n;
	return (message.p[ret->size - 1] == '\n'); /* else it was cut off */
}
