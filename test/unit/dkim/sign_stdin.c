/* For verify.py: in the folder given, makes keys for example.org once, prints them as "key NAME VALUE" lines and an empty
 * line, then the message of standard input with its signatures in front. */
#include <stdio.h>
#include <unistd.h>

#include "dkim/sign.h"

static void print_key(void *self, const char *name, const char *value)
{
	(void)self;
	(void)printf("key %s %s\n", name, value);
}

int main(int argc, char **argv)
{
	struct buf in = BUF_INIT(1 << 26), out = BUF_INIT(1 << 20);
	struct err err = { 0 };
	struct dkim_keys *ks;
	char *room;
	size_t got;
	int r = 1;

	if (argc < 2 || chdir(argv[1]) == -1)
		return (2);
	(void)dkim_keys_make("example.org", "20261123", NULL);
	if ((ks = dkim_keys_load("example.org", NULL, &err)) != NULL) {
		while ((room = buf_room(&in, 65536)) != NULL &&
		    (got = fread(room, 1, 65536, stdin)) > 0)
			buf_grew(&in, got);
		r = dkim_sign(ks, buf_slice(&in), 1795406400, &out, &err) == 0 ? 0 : 1;
		dkim_keys_each(ks, print_key, NULL);
		(void)printf("\n");
		(void)fwrite(out.p, 1, out.n, stdout);
		(void)fwrite(in.p, 1, in.n, stdout);
	}
	if (r != 0)
		(void)fprintf(stderr, "%s\n", err.text);
	dkim_keys_free(ks);
	buf_free(&in);
	buf_free(&out);
	return (r);
}
