/* toml.c: what does the file say, and on which line? TOML 1.0.0: keys, tables and nesting here,
 * strings, numbers and dates in toml_scalar.c. Nesting is a stack of fixed depth, never recursion;
 * finding a key is a hash look-up, so a hostile file costs time in proportion to its length. Stops
 * at the first fault. */
#include "core/toml.h"

#include <stdarg.h>
#include <stdio.h>

#include "core/limits.h"
#include "core/map.h"
#include "core/toml_int.h"

/* How a table came to be decides what may still be added to it. */
enum table_kind {
	KIND_NONE,     /* not a table */
	KIND_IMPLICIT, /* as the front part of a header: a header of its own may follow */
	KIND_HEADER,   /* by [header], [[header]], or the root */
	KIND_DOTTED,   /* by the dots of a key: no header of its own */
	KIND_CLOSED,   /* written as { } : complete */
};

enum { TOML_TREE = 64 << 20 }; /* octets a tree may take */

struct node {
	struct toml pub; /* first: a struct toml of this file is a node */
	struct toml *last;
	enum table_kind kind;
};

struct parser {
	struct toml_read r;
	struct map *by_key;        /* parent's address and key to node */
	struct node *root, *table; /* where "key = value" goes */
};

int toml_bad(struct toml_read *r, const char *fmt, ...)
{
	char what[200];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return (err_set(r->err, ERR_PEER, "line %u: %s", r->line, what));
}

static struct node *node_new(struct parser *p, struct node *parent, struct slice key)
{
	struct node *n = arena_alloc(p->r.arena, sizeof(*n));

	n->pub.key = key;
	n->pub.key_line = n->pub.line = p->r.line;
	if (parent == NULL)
		return (n);
	if (parent->last == NULL)
		parent->pub.first = &n->pub;
	else
		parent->last->next = &n->pub;
	parent->last = &n->pub;
	return (n);
}

static struct node *table_new(
    struct parser *p, struct node *parent, struct slice key, enum table_kind kind)
{
	struct node *n = node_new(p, parent, key);

	n->pub.type = TOML_TABLE;
	n->kind = kind;
	return (n);
}

/* The name of a child in by_key, in scratch. */
static struct slice child_name(struct parser *p, const struct node *parent, struct slice key)
{
	buf_reset(&p->r.scratch);
	(void)buf_add(&p->r.scratch, &parent, sizeof(parent));
	(void)buf_add_slice(&p->r.scratch, key);
	return (buf_slice(&p->r.scratch));
}

static struct node *child(struct parser *p, const struct node *parent, struct slice key)
{
	return (map_get(p->by_key, child_name(p, parent, key)));
}

static struct node *enter(struct parser *p, struct node *parent, struct node *n)
{
	(void)map_put(p->by_key, child_name(p, parent, n->pub.key), n);
	return (n);
}

static bool is_bare_key(char c)
{
	return (ascii_alnum(c) || c == '_' || c == '-');
}

/* key = simple-key *( ws "." ws simple-key ); ends behind the last part and its blanks. */
static int take_key(struct parser *p, struct slice parts[L_TOML_DEPTH], size_t *ret_n)
{
	size_t n = 0;

	do {
		take_blanks(&p->r.at);
		if (n == L_TOML_DEPTH)
			return (toml_bad(&p->r, "a key has at most %d parts", L_TOML_DEPTH));
		if (toml_peek(&p->r, 0) == '"' || toml_peek(&p->r, 0) == '\'') {
			if (toml_take_string(&p->r, false, &parts[n]) == -1)
				return (-1);
		} else if (take_run(&p->r.at, is_bare_key, &parts[n])) {
			parts[n] = arena_dup(p->r.arena, parts[n]);
		} else {
			return (toml_bad(&p->r, "a key is missing here"));
		}
		n++;
		take_blanks(&p->r.at);
	} while (take_char(&p->r.at, '.'));
	*ret_n = n;
	return (0);
}

static int bad_key(struct parser *p, struct slice key, const struct node *was)
{
	return (toml_bad(&p->r, "\"" SLICE_FMT "\" is defined already, on line %u",
	    SLICE_ARG(slice_head(key, 80)), was->pub.key_line));
}

/* Where ${parts} = value goes: makes the tables of the front parts and the node itself. */
static struct node *place_key(
    struct parser *p, struct node *at, const struct slice *parts, size_t n)
{
	struct node *next;

	for (size_t i = 0; i + 1 < n; i++) {
		if ((next = child(p, at, parts[i])) == NULL) {
			next = enter(p, at, table_new(p, at, parts[i], KIND_DOTTED));
		} else if (next->kind != KIND_DOTTED) {
			(void)bad_key(p, parts[i], next);
			return (NULL);
		}
		at = next;
	}
	if ((next = child(p, at, parts[n - 1])) != NULL) {
		(void)bad_key(p, parts[n - 1], next);
		return (NULL);
	}
	return (enter(p, at, node_new(p, at, parts[n - 1])));
}

/* comment = "#" *( tab / printable ) */
static int skip_comment(struct parser *p)
{
	if (toml_peek(&p->r, 0) != '#')
		return (0);
	for (int c; (c = toml_peek(&p->r, 0)) != -1 && c != '\n'; p->r.at.p++) {
		if (c == '\r' && toml_peek(&p->r, 1) == '\n')
			break;
		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return (toml_bad(&p->r, "a control character in a comment"));
	}
	return (0);
}

/* Blanks, comments and line ends. */
static int skip_space(struct parser *p)
{
	do {
		take_blanks(&p->r.at);
		if (skip_comment(p) == -1)
			return (-1);
	} while (toml_take_newline(&p->r));
	return (0);
}

/* The next element of an array: ready for its value, or NULL at "]" or on a fault. */
static struct node *next_element(struct parser *p, struct node *array, bool *ret_ended)
{
	*ret_ended = false;
	if (skip_space(p) == -1)
		return (NULL);
	if (array->last != NULL && toml_peek(&p->r, 0) != ']') {
		if (!take_char(&p->r.at, ',')) {
			(void)toml_bad(&p->r, "\",\" or \"]\" is missing in the list");
			return (NULL);
		}
		if (skip_space(p) == -1)
			return (NULL);
	}
	if ((*ret_ended = take_char(&p->r.at, ']')))
		return (NULL);
	return (node_new(p, array, (struct slice){ "", 0 }));
}

/* The next pair of an inline table, likewise; it stands on one line and has no comma at its end. */
static struct node *next_pair(struct parser *p, struct node *table, bool *ret_ended)
{
	struct slice parts[L_TOML_DEPTH];
	struct node *n;
	size_t count;

	take_blanks(&p->r.at);
	if ((*ret_ended = take_char(&p->r.at, '}')))
		return (NULL);
	if (table->last != NULL && !take_char(&p->r.at, ',')) {
		(void)toml_bad(&p->r, "\",\" or \"}\" is missing in the table");
		return (NULL);
	}
	if (take_key(p, parts, &count) == -1 || (n = place_key(p, table, parts, count)) == NULL)
		return (NULL);
	if (!take_char(&p->r.at, '=')) {
		(void)toml_bad(&p->r, "\"=\" is missing after the key");
		return (NULL);
	}
	take_blanks(&p->r.at);
	return (n);
}

/* The beginning of a value: a whole scalar, or an opened array or table. */
static int begin_value(struct parser *p, struct node *n, bool *ret_opened)
{
	int c = toml_peek(&p->r, 0);

	n->pub.line = p->r.line;
	*ret_opened = c == '[' || c == '{';
	if (*ret_opened) {
		p->r.at.p++;
		n->pub.type = c == '[' ? TOML_ARRAY : TOML_TABLE;
		n->kind = c == '[' ? KIND_NONE : KIND_CLOSED;
		return (0);
	}
	if (c == '"' || c == '\'') {
		n->pub.type = TOML_STRING;
		return (toml_take_string(&p->r, true, &n->pub.v.string));
	}
	return (toml_take_bare(&p->r, &n->pub));
}

static int take_value(struct parser *p, struct node *n)
{
	struct node *open[L_TOML_DEPTH];
	size_t depth = 0;
	bool opened, ended;

	for (;;) {
		if (begin_value(p, n, &opened) == -1)
			return (-1);
		if (arena_used(p->r.arena) > TOML_TREE)
			return (toml_bad(&p->r, "the file holds too many values"));
		if (opened && depth == L_TOML_DEPTH)
			return (toml_bad(&p->r, "values nest at most %d deep", L_TOML_DEPTH));
		if (opened)
			open[depth++] = n;
		do { /* close what ends here, until something follows */
			if (depth == 0)
				return (0);
			n = open[depth - 1]->pub.type == TOML_ARRAY
			    ? next_element(p, open[depth - 1], &ended)
			    : next_pair(p, open[depth - 1], &ended);
			if (n == NULL && !ended)
				return (-1);
			if (ended)
				depth--;
		} while (ended);
	}
}

/* The front parts of a header: through tables however made, and the last element of [[tables]]. */
static struct node *walk_header(struct parser *p, const struct slice *parts, size_t n)
{
	struct node *at = p->root, *next;

	for (size_t i = 0; i + 1 < n; i++) {
		if ((next = child(p, at, parts[i])) == NULL)
			next = enter(p, at, table_new(p, at, parts[i], KIND_IMPLICIT));
		else if (next->pub.is_table_array)
			next = (struct node *)next->last;
		if (next->kind == KIND_NONE || next->kind == KIND_CLOSED) {
			(void)bad_key(p, parts[i], next);
			return (NULL);
		}
		at = next;
	}
	return (at);
}

static int open_table(struct parser *p, struct node *parent, struct slice key)
{
	struct node *n = child(p, parent, key);

	if (n == NULL) {
		n = enter(p, parent, table_new(p, parent, key, KIND_HEADER));
	} else if (n->kind == KIND_IMPLICIT) {
		n->kind = KIND_HEADER;
		n->pub.key_line = n->pub.line = p->r.line;
	} else {
		return (bad_key(p, key, n));
	}
	p->table = n;
	return (0);
}

static int open_element(struct parser *p, struct node *parent, struct slice key)
{
	struct node *array = child(p, parent, key);

	if (array == NULL) {
		array = enter(p, parent, node_new(p, parent, key));
		array->pub.type = TOML_ARRAY;
		array->pub.is_table_array = true;
	} else if (!array->pub.is_table_array) {
		return (bad_key(p, key, array));
	}
	p->table = table_new(p, array, (struct slice){ "", 0 }, KIND_HEADER);
	return (0);
}

/* std-table = "[" key "]", array-table = "[[" key "]]"; the head stands on the first bracket. */
static int take_header(struct parser *p)
{
	struct slice parts[L_TOML_DEPTH];
	struct node *parent;
	bool is_array = toml_peek(&p->r, 1) == '[';
	size_t n;

	p->r.at.p += is_array ? 2 : 1;
	if (take_key(p, parts, &n) == -1)
		return (-1);
	if (!take_literal(&p->r.at, is_array ? SLICE("]]") : SLICE("]")))
		return (toml_bad(
		    &p->r, "\"%s\" is missing after the name of the table", is_array ? "]]" : "]"));
	if ((parent = walk_header(p, parts, n)) == NULL)
		return (-1);
	return (
	    is_array ? open_element(p, parent, parts[n - 1]) : open_table(p, parent, parts[n - 1]));
}

static int take_pair(struct parser *p)
{
	struct slice parts[L_TOML_DEPTH];
	struct node *n;
	size_t count;

	if (take_key(p, parts, &count) == -1)
		return (-1);
	if (!take_char(&p->r.at, '='))
		return (toml_bad(&p->r, "\"=\" is missing after the key"));
	if ((n = place_key(p, p->table, parts, count)) == NULL)
		return (-1);
	take_blanks(&p->r.at);
	return (take_value(p, n));
}

static int take_lines(struct parser *p)
{
	for (;;) {
		if (skip_space(p) == -1)
			return (-1);
		if (cursor_at_end(&p->r.at))
			return (0);
		if (arena_used(p->r.arena) > TOML_TREE)
			return (toml_bad(&p->r, "the file holds too many tables"));
		if ((toml_peek(&p->r, 0) == '[' ? take_header(p) : take_pair(p)) == -1)
			return (-1);
		take_blanks(&p->r.at);
		if (skip_comment(p) == -1)
			return (-1);
		if (!cursor_at_end(&p->r.at) && !toml_take_newline(&p->r))
			return (toml_bad(&p->r, "more text where the line should end"));
	}
}

static int check_utf8(struct parser *p, struct slice text)
{
	for (size_t i = 0, len; i < text.n; i += len) {
		if ((len = toml_utf8(text.p + i, text.n - i)) == 0)
			return (toml_bad(&p->r, "not UTF-8 text"));
		if (text.p[i] == '\n')
			p->r.line++;
	}
	p->r.line = 1;
	return (0);
}

struct toml *toml_parse(struct arena *a, struct slice text, struct err *err)
{
	struct parser p = { .r = { .arena = a, .err = err, .line = 1 } };
	int done;

	if (text.n > L_TOML) {
		(void)err_set(err, ERR_LIMIT, "line 1: the file is larger than %d octets", L_TOML);
		return (NULL);
	}
	if (check_utf8(&p, text) == -1)
		return (NULL);
	p.r.at = cursor_of(text.n > 0 ? text : SLICE(""));
	(void)take_literal(&p.r.at, SLICE("\xef\xbb\xbf")); /* a byte order mark says nothing */
	buf_init(&p.r.scratch, L_TOML + sizeof(void *));
	p.by_key = map_new();
	p.root = p.table = table_new(&p, NULL, (struct slice){ "", 0 }, KIND_HEADER);
	done = take_lines(&p);
	buf_free(&p.r.scratch);
	map_free(p.by_key);
	return (done == -1 ? NULL : &p.root->pub);
}

const struct toml *toml_get(const struct toml *table, struct slice key)
{
	for (const struct toml *t = table->first; t != NULL; t = t->next)
		if (slice_eq(t->key, key))
			return (t);
	return (NULL);
}
