/* The law: what parses is a tree within its bounds, in file order, with every key found again and
 * no key twice; every string ends with a NUL and holds none; what does not parse says on which
 * line. */
#include <stdint.h>
#include <stdlib.h>

#include "core/limits.h"
#include "core/toml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { DEEPEST = 4 * L_TOML_DEPTH };

static void check_text(struct slice s)
{
	if (s.p[s.n] != '\0' || slice_chr(s, '\0') != SIZE_MAX)
		abort();
}

static void check_node(const struct toml *parent, const struct toml *t, size_t lines)
{
	if (t->line < 1 || t->line > lines || t->key_line < 1 || t->key_line > t->line)
		abort();
	if (parent->type == TOML_TABLE) {
		check_text(t->key);
		if (toml_get(parent, t->key) != t)
			abort();
	}
	if (t->type == TOML_STRING || t->type == TOML_DATETIME)
		check_text(t->v.string);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena *a = arena_new(0);
	struct err err = { .text = "" };
	const struct toml *root = toml_parse(a, (struct slice){ (const char *)data, n }, &err);
	const struct toml *way[DEEPEST], *next;
	size_t depth = 0, lines = 1;

	for (size_t i = 0; i < n; i++)
		lines += data[i] == '\n';
	if (root == NULL && (err.kind == ERR_NONE || strncmp(err.text, "line ", 5) != 0))
		abort();
	if (root != NULL) /* else the walk is empty */
		way[depth++] = root;
	next = root != NULL ? root->first : NULL;
	while (depth > 0) {
		if (next == NULL) {
			next = way[--depth]->next;
			if (depth == 0)
				break;
			continue;
		}
		check_node(way[depth - 1], next, lines);
		if (next->type != TOML_TABLE && next->type != TOML_ARRAY) {
			next = next->next;
			continue;
		}
		if (depth == DEEPEST)
			abort();
		way[depth++] = next;
		next = next->first;
	}
	arena_free(a);
	return (0);
}
