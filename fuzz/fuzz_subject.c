/* Subjects and identifiers. The laws: a base subject is its own base, has no blanks at its ends and
 * none in a row; identifiers hold an "@" and not more octets than the text, and the first octets of
 * a text give no other identifiers than the whole. What a header's conversation is called holds an
 * "@" too, and the lines that name identifiers say the same without the others. */
#include <stdint.h>
#include <stdlib.h>

#include "core/buf.h"
#include "msg/subject.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void roots(struct arena *a, struct slice in)
{
	struct buf lines = BUF_INIT(in.n + 1);
	struct header whole, some;
	struct slice one, other;
	bool has;

	header_parse(a, in, &whole);
	for (size_t i = 0; i < whole.n; i++)
		if (slice_ieq(whole.fields[i].name, SLICE("References")) ||
		    slice_ieq(whole.fields[i].name, SLICE("In-Reply-To")) ||
		    slice_ieq(whole.fields[i].name, SLICE("Message-ID")))
			(void)buf_add_slice(&lines, whole.fields[i].raw);
	header_parse(a, buf_slice(&lines), &some);
	has = msgid_root(a, &whole, &one);
	if (has && slice_chr(one, '@') == SIZE_MAX)
		abort();
	if (msgid_root(a, &some, &other) != has || (has && !slice_eq(one, other)))
		abort();
	buf_free(&lines);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice in = { (const char *)data, n }, once, twice, id;
	struct arena *a = arena_new(0);
	struct cursor c = cursor_of(in);
	size_t octets = 0;
	bool is_reply, again;

	once = subject_base(a, in, &is_reply);
	for (size_t i = 0; i < once.n; i++)
		if (once.p[i] == ' ' && (i == 0 || i + 1 == once.n || once.p[i + 1] == ' '))
			abort();
	/* what was decoded is not to be decoded again, and one line end more is one too many */
	if (slice_find(once, SLICE("=?")) == SIZE_MAX && slice_chr(once, '\r') == SIZE_MAX &&
	    slice_chr(once, '\0') == SIZE_MAX) {
		twice = subject_base(a, once, &again);
		if (!slice_eq(once, twice) || again)
			abort();
	}
	while (msgid_take(a, &c, &id)) {
		octets += id.n;
		if (slice_chr(id, '@') == SIZE_MAX)
			abort();
	}
	if (octets > n)
		abort();
	roots(a, in);
	arena_free(a);
	return (0);
}
