/* Law: a folder file that parses, printed and parsed again, is printed the same. */
#include <stdlib.h>

#include "store/mail_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice in = { (const char *)data, n };
	struct buf a = BUF_INIT(1 << 20), b = BUF_INIT(1 << 20);
	struct folder_file f, g = { 0 };

	if (folder_file_parse(in, &f) == 0) {
		if (folder_file_print(&f, &a) != 0 || folder_file_parse(buf_slice(&a), &g) != 0 ||
		    folder_file_print(&g, &b) != 0 || !slice_eq(buf_slice(&a), buf_slice(&b)))
			abort();
		buf_free(&g.rest);
	}
	buf_free(&f.rest);
	buf_free(&a);
	buf_free(&b);
	return (0);
}
