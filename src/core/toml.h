/* toml.h: TOML 1.0 to a tree with positions. The tree lives in the caller's arena; strings are NUL-terminated
 * there and hold no NUL (U+0000 is refused). At most L_TOML octets, L_TOML_DEPTH nested, no recursion. */
#ifndef CORE_TOML_H
#define CORE_TOML_H

#include "core/arena.h"
#include "core/err.h"

enum toml_type {
	TOML_TABLE, TOML_ARRAY, TOML_STRING, TOML_INTEGER, TOML_FLOAT, TOML_BOOL, TOML_DATETIME,
};

struct toml {
	enum toml_type type;
	struct slice key;	  /* empty for array elements and the root */
	unsigned key_line, line;  /* of the key and of the value; from 1 */
	struct toml *first, *next; /* children of tables and arrays in file order; next sibling */
	bool is_table_array;	  /* an ARRAY made by [[...]] */
	union {
		struct slice string; /* STRING; DATETIME as written, normalised */
		int64_t integer;
		double real;
		bool boolean;
	} v;
};

/* toml_parse: root table, or NULL with err ("line 3: ...", kind ERR_PEER). */
struct toml *toml_parse(struct arena *a, struct slice text, struct err *err);
const struct toml *toml_get(const struct toml *table, struct slice key); /* NULL when absent */

#endif
