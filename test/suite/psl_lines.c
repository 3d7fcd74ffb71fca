/* For psl_suite.py: LIST; each name on standard input gets its organisational domain, or "null". */
#include "common.h"

#include "dkim/suffixes.h"

int main(int argc, char **argv)
{
	struct err err = { .kind = ERR_NONE };
	struct suffixes *s = suffixes_open(argc > 1 ? argv[1] : NULL, &err);
	struct buf in = BUF_INIT(1 << 20);
	struct slice line, rest;

	if (s == NULL) {
		(void)fprintf(stderr, "%s\n", err.text);
		return (1);
	}
	suite_read(&in);
	for (rest = buf_slice(&in); slice_cut(rest, '\n', &line, &rest);) {
		struct arena *a = arena_new(0);
		struct slice org = suffixes_org(s, a, line);

		(void)printf(SLICE_FMT "\n", SLICE_ARG(org.n > 0 ? org : SLICE("null")));
		arena_free(a);
	}
	buf_free(&in);
	suffixes_free(s);
	return (0);
}
