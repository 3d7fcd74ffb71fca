/* form.c: how would a message that lies in a file have arrived? Without an mbox line in front, every line ended by CRLF: the form that is
 * scored, hashed and learned everywhere. Linear; failures: none. */
#include "spam/classifier.h"

#include <string.h>

struct slice message_form(struct arena *a, struct slice file)
{
	struct slice in = file, line;
	size_t lines = 0, n = 0;
	char *out;

	if (slice_starts(in, SLICE("From "))) {
		size_t end = slice_chr(in, '\n');

		in = slice_from(in, end == SIZE_MAX ? in.n : end + 1);
	}
	for (struct slice rest = in; slice_cut(rest, '\n', &line, &rest);)
		lines++;
	out = arena_alloc(a, in.n + lines + 1);
	for (struct slice rest = in; rest.n > 0;) {
		bool ended = slice_cut(rest, '\n', &line, &rest);

		if (line.n > 0)
			memcpy(out + n, line.p, line.n);
		n += line.n;
		if (!ended)
			break;
		if (line.n == 0 || line.p[line.n - 1] != '\r')
			out[n++] = '\r';
		out[n++] = '\n';
	}
	return ((struct slice){ out, n });
}
