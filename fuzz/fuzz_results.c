/* The laws: what is read as a pass of one domain is not of another, nor with an open comment at its end; a pass
 * that we write is read as one, and a fail is not, whatever peers chose beside it; a field we write is ours when
 * read back and no stranger's; and whatever the values, it stays one field: every line end in it is followed by
 * a tab, but the last. */
#include <stdint.h>
#include <stdlib.h>

#include "dkim/results.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static bool says(struct slice body, struct slice from)
{
	return (results_say_pass(body, SLICE("dmarc"), SLICE("header.from"), from));
}

static void read_others(struct slice in)
{
	struct buf open = BUF_INIT(in.n + 2);

	(void)buf_add_slice(&open, in);
	(void)buf_addc(&open, '(');
	if (says(in, SLICE("a.example")) &&
	    (says(in, SLICE("b.example")) || says(buf_slice(&open), SLICE("a.example"))))
		abort();
	buf_free(&open);
}

/* Whatever a sender chose, before or behind: it neither hides the pass nor makes one. */
static void read_own(struct slice value, struct slice reason)
{
	struct results_method m[] = {
		{ .method = "spf", .result = "fail", .property = "smtp.mailfrom", .value = value, .reason = reason },
		{ .method = "dmarc", .result = "pass", .property = "header.from", .value = SLICE("a.example"),
		    .reason = reason },
		{ .method = "dkim", .result = "fail", .property = "header.d", .value = value },
	};

	for (int pass = 0; pass < 2; pass++) {
		struct buf out = BUF_INIT(16384);
		struct slice body;

		m[1].result = pass ? "pass" : "fail";
		if (results_write(&out, "mail.example.org", m, 3) == -1)
			abort();
		body = slice_from(buf_slice(&out), slice_chr(buf_slice(&out), ':') + 1);
		if (says(body, SLICE("a.example")) != pass || says(body, SLICE("b.example")))
			abort();
		buf_free(&out);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice in = { (const char *)data, n }, a, b, field;
	struct results_method m = {
		.method = "spf", .result = "fail", .property = "smtp.mailfrom"
	};
	struct buf out = BUF_INIT(8192);

	(void)results_is_ours(in, "mail.example.org");
	(void)slice_cut(in, '\n', &a, &b);
	read_others(in);
	read_own(a, b);
	m.value = a;
	m.reason = b;
	if (results_write(&out, "mail.example.org", &m, 1) == -1)
		abort();
	field = buf_slice(&out);
	for (size_t i = 0; i + 1 < field.n; i++)
		if ((field.p[i] == '\n' && field.p[i + 1] != '\t') ||
		    (field.p[i] == '\n') != (i > 0 && field.p[i - 1] == '\r'))
			abort();
	field = slice_from(field, slice_chr(field, ':') + 1);
	if (!results_is_ours(field, "mail.example.org") || results_is_ours(field, "example.org"))
		abort();
	buf_free(&out);
	return (0);
}
