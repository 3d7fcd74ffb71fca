/* The laws: a field we write is ours when read back and no stranger's; and whatever the values, it stays one field: every line
 * end in it is followed by a tab, but the last. */
#include <stdint.h>
#include <stdlib.h>

#include "dkim/results.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice in = { (const char *)data, n }, a, b, field;
	struct results_method m = {
		.method = "spf", .result = "fail", .property = "smtp.mailfrom"
	};
	struct buf out = BUF_INIT(8192);

	(void)results_is_ours(in, "mail.example.org");
	(void)slice_cut(in, '\n', &a, &b);
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
