/* toml_decode.c: prints what toml_parse makes of each file named on standard input, one line of
 * JSON a file, as toml_suite.py wants it: {"value": ...} with tagged scalars, or {"error": "..."}. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/toml.h"

static void put_string(struct slice s)
{
	(void)putchar('"');
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c < 0x20 || c == '"' || c == '\\' || c == 0x7f)
			(void)printf("\\u%04x", c);
		else
			(void)putchar(c);
	}
	(void)putchar('"');
}

static void put_scalar(const struct toml *t)
{
	(void)printf("{\"type\":\"");
	switch (t->type) {
	case TOML_STRING:
		(void)printf("string\",\"value\":");
		put_string(t->v.string);
		break;
	case TOML_DATETIME:
		(void)printf("datetime\",\"value\":");
		put_string(t->v.string);
		break;
	case TOML_INTEGER: (void)printf("integer\",\"value\":\"%" PRId64 "\"", t->v.integer); break;
	case TOML_FLOAT: (void)printf("float\",\"value\":\"%.17g\"", t->v.real); break;
	case TOML_BOOL:
		(void)printf("bool\",\"value\":\"%s\"", t->v.boolean ? "true" : "false");
		break;
	case TOML_TABLE:
	case TOML_ARRAY: abort();
	}
	(void)putchar('}');
}

/* The depth is bounded by the parser; this is a test, so it may call itself. */
static void put_value(const struct toml *t)
{
	bool is_table = t->type == TOML_TABLE;

	if (!is_table && t->type != TOML_ARRAY) {
		put_scalar(t);
		return;
	}
	(void)putchar(is_table ? '{' : '[');
	for (const struct toml *c = t->first; c != NULL; c = c->next) {
		if (is_table) {
			put_string(c->key);
			(void)putchar(':');
		}
		put_value(c);
		if (c->next != NULL)
			(void)putchar(',');
	}
	(void)putchar(is_table ? '}' : ']');
}

static void decode(const char *path)
{
	static char text[1 << 20];
	FILE *f = fopen(path, "rb");
	struct arena *a = arena_new(0);
	struct err err = { .text = "" };
	struct toml *root;
	size_t n = f != NULL ? fread(text, 1, sizeof(text), f) : 0;

	if (f != NULL)
		(void)fclose(f);
	if ((root = toml_parse(a, (struct slice){ text, n }, &err)) == NULL) {
		(void)printf("{\"error\":");
		put_string(slice_of(err.text));
	} else {
		(void)printf("{\"value\":");
		put_value(root);
	}
	(void)printf("}\n");
	arena_free(a);
}

int main(void)
{
	char path[4096];

	while (fgets(path, sizeof(path), stdin) != NULL) {
		path[strcspn(path, "\n")] = '\0';
		decode(path);
	}
	return (0);
}
