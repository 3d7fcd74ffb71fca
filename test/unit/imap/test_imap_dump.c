/* test_imap_dump.c: shows what src/imap makes of its input, for drivers that compare it with others'
 * answers.
 *
 * test_imap_dump MODE: stdin and stdout are records "<octets>\n<bytes>"; each input record is
 * answered by one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "imap/pattern.h"
#include "imap/seqset.h"

enum { INPUT_MAX = 65536, NUMBERS = 1000 };

/* PATTERN 0x1f NAME: yes or no */
static void dump_match(struct arena *a, struct slice in, struct buf *out)
{
	struct slice pattern, name;

	(void)slice_cut(in, '\x1f', &pattern, &name);
	(void)buf_addz(out, pattern_match(pattern_new(a, pattern), name) ? "yes" : "no");
}

/* A set: its numbers, each with a blank, then a line with the first of them as a set for every
 * count there is. */
static void dump_set(struct arena *a, struct slice in, struct buf *out)
{
	uint32_t v[NUMBERS];
	struct seqset set;
	size_t n = 0;
	bool over;

	if (!seqset_parse(a, in, &set, &over)) {
		(void)buf_addz(out, "bad");
		return;
	}
	seqset_fix(&set, 0);
	for (size_t i = 0; i < set.n; i++)
		for (uint32_t u = set.v[i].from; u <= set.v[i].to && n < NUMBERS; u++)
			v[n++] = u;
	for (size_t i = 0; i < n; i++)
		(void)buf_fmt(out, "%u ", v[i]);
	for (size_t i = 1; i <= n; i++) {
		(void)buf_addc(out, '\n');
		(void)seqset_write(out, v, i);
	}
}

static const struct {
	const char *name;
	void (*dump)(struct arena *a, struct slice in, struct buf *out);
} modes[] = {
	{ "match", dump_match },
	{ "set", dump_set },
};

static int run(void (*dump)(struct arena *a, struct slice in, struct buf *out))
{
	size_t n;

	while (scanf("%zu", &n) == 1 && getchar() == '\n' && n <= INPUT_MAX) {
		char *p = malloc(n > 0 ? n : 1); /* exact size: an over-read is seen */
		struct buf out = BUF_INIT(1u << 20);
		struct arena *a = arena_new(0);

		if (p == NULL || fread(p, 1, n, stdin) != n)
			return (1);
		dump(a, (struct slice){ p, n }, &out);
		(void)printf("%zu\n", out.n);
		(void)fwrite(out.n > 0 ? out.p : "", 1, out.n, stdout);
		(void)fflush(stdout);
		arena_free(a);
		buf_free(&out);
		free(p);
	}
	return (0);
}

int main(int argc, char **argv)
{
	for (size_t i = 0; argc == 2 && i < sizeof(modes) / sizeof(modes[0]); i++)
		if (strcmp(argv[1], modes[i].name) == 0)
			return (run(modes[i].dump));
	(void)fprintf(stderr, "usage: test_imap_dump MODE\n");
	return (2);
}
