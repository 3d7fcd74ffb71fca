/* line.c: where does a line end? Leaves what the line means to in_command.c and reply.c.
 * RFC 5321 2.3.8: only CRLF ends a line.  Fails: stray octet, line too long, no line end at all. */
#include "smtp/line.h"

#include "core/limits.h"
#include "core/mem.h"

static bool has_stray(struct slice line)
{
	return (memchr(line.p, '\r', line.n) != NULL || memchr(line.p, '\n', line.n) != NULL ||
	    memchr(line.p, '\0', line.n) != NULL);
}

static enum take bad(enum smtp_line_fault fault, size_t used, size_t *seen, size_t *ret_used,
    enum smtp_line_fault *ret_fault)
{
	*seen = 0;
	*ret_used = used;
	*ret_fault = fault;
	return (TAKE_BAD);
}

enum take smtp_line_take(struct slice input, size_t max, size_t *seen, struct slice *ret_line,
    size_t *ret_used, enum smtp_line_fault *ret_fault)
{
	size_t at = *seen, end = input.n < L_FLOOD ? input.n : L_FLOOD;

	while (at < end) {
		const char *lf = memchr(input.p + at, '\n', end - at);

		if (lf == NULL) {
			at = end;
			break;
		}
		at = (size_t)(lf - input.p) + 1;
		if (at < 2 || lf[-1] != '\r')
			continue; /* a bare LF ends nothing; remembered by has_stray() below */
		*ret_line = slice_head(input, at - 2);
		if (at > max)
			return (bad(SMTP_LINE_LONG, at, seen, ret_used, ret_fault));
		if (has_stray(*ret_line))
			return (bad(SMTP_LINE_STRAY, at, seen, ret_used, ret_fault));
		*seen = 0;
		*ret_used = at;
		return (TAKE_OK);
	}
	if (input.n >= L_FLOOD)
		return (bad(SMTP_LINE_FLOOD, input.n, seen, ret_used, ret_fault));
	if (input.n > 0 && input.p[input.n - 1] == '\n')
		return (bad(SMTP_LINE_STRAY, input.n, seen, ret_used, ret_fault));
	*seen = at;
	return (TAKE_MORE);
}

bool smtp_line_is_foreign(struct slice input)
{
	static const struct slice starts[] = {
		SLICE_INIT("GET "),
		SLICE_INIT("POST "),
		SLICE_INIT("PUT "),
		SLICE_INIT("HEAD "),
		SLICE_INIT("CONNECT "),
		SLICE_INIT("OPTIONS "),
		SLICE_INIT("DELETE "),
		SLICE_INIT("TRACE "),
		SLICE_INIT("PATCH "),
		SLICE_INIT("PRI * HTTP"),
		SLICE_INIT("SSH-"),
	};
	unsigned char first;

	if (input.n == 0)
		return (false);
	first = (unsigned char)input.p[0];
	/* No command begins with such an octet; a TLS hello (0x16) and SMB (0x00) do. CR, LF and
	 * blanks are bad lines instead. */
	if ((first < 0x20 && first != '\r' && first != '\n' && first != '\t') || first >= 0x7f)
		return (true);
	for (size_t i = 0; i < COUNT_OF(starts); i++)
		if (slice_istarts(input, starts[i]))
			return (true);
	return (false);
}
