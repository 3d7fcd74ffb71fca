/* json_read.h: reading JSON (RFC 8259) through jansson: duplicate keys, bad UTF-8, trailing text and deep nesting are refused. Values belong to their document. */
#ifndef CORE_JSON_READ_H
#define CORE_JSON_READ_H

#include "core/err.h"
#include "core/slice.h"

struct json_doc;
struct json_value; /* borrowed from its document */

struct json_doc *json_read(struct slice text, struct err *err); /* NULL: malformed, with line and column */
void json_doc_free(struct json_doc *d);				/* accepts NULL */
const struct json_value *json_root(const struct json_doc *d);
/* All of these accept NULL and values of another type, and answer with nothing: NULL, empty, 0, false. */
const struct json_value *json_get(const struct json_value *v, const char *key);
size_t json_count(const struct json_value *v); /* of an array */
const struct json_value *json_at(const struct json_value *v, size_t index);
struct slice json_text(const struct json_value *v);
const char *json_textz(const struct json_value *v); /* "" when none */
int64_t json_as_integer(const struct json_value *v);
double json_as_number(const struct json_value *v);
bool json_as_true(const struct json_value *v);
bool json_as_null(const struct json_value *v); /* the word null; absence is not */
/* Members of an object in file order: iterate with *at = NULL first; false at the end. */
bool json_next(const struct json_value *object, void **at, const char **ret_key, const struct json_value **ret_value);

#endif
