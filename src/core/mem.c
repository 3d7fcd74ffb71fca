/* mem.c: what happens when memory is gone? */
#include "core/mem.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *must(void *p)
{
	if (p == NULL) {
		(void)fputs("pennypost: out of memory\n", stderr);
		abort();
	}
	return (p);
}

void *mem_new(size_t n)
{
	return (must(calloc(1, n > 0 ? n : 1)));
}

void *mem_new_array(size_t count, size_t size)
{
	return (must(calloc(count > 0 ? count : 1, size)));
}

void *mem_grow(void *p, size_t count, size_t size)
{
	return (must(reallocarray(p, count > 0 ? count : 1, size)));
}

char *mem_strdup(const char *z)
{
	return (must(strdup(z)));
}

char *mem_strndup(const char *p, size_t n)
{
	char *copy = mem_new(n + 1);

	if (n > 0)
		memcpy(copy, p, n);
	return (copy);
}
