/* list_keys.c: what the configuration knows, for the lint of the documents: "list_keys" prints name, type, default and help of every
 * key, tab between them; "list_keys FILE" loads FILE as the server would, prints its faults and exits 78 when there are any. */
#include <stdio.h>

#include "core/cfg.h"

enum { EXIT_CONFIG = 78 };

static void print_key(
    void *self, const char *name, const char *type, const char *def, const char *help)
{
	(void)self;
	(void)printf("%s\t%s\t%s\t%s\n", name, type, def, help);
}

static void print_fault(void *self, const char *text)
{
	(void)self;
	(void)puts(text);
}

int main(int argc, char **argv)
{
	struct cfg *cfg;

	if (argc < 2) {
		cfg_each_key(print_key, NULL);
		return (0);
	}
	if ((cfg = cfg_load(argv[1], print_fault, NULL)) == NULL)
		return (EXIT_CONFIG);
	cfg_free(cfg);
	return (0);
}
