/* json.h: a streaming JSON writer over a buf: commas and quoting are its business, nesting the caller's. Invalid UTF-8 becomes U+FFFD. */
#ifndef CORE_JSON_H
#define CORE_JSON_H

#include "core/buf.h"

struct json {
	struct buf *out; /* borrowed */
	bool need_comma;
};

void json_begin(struct json *j, struct buf *out);
void json_open(struct json *j, const char *key, char bracket); /* '{' or '['; key NULL in arrays and at the top */
void json_close(struct json *j, char bracket);		       /* '}' or ']' */
void json_put_string(struct json *j, const char *key, struct slice v);
void json_put_stringz(struct json *j, const char *key, const char *v); /* NULL: null */
void json_put_int(struct json *j, const char *key, int64_t v);
void json_put_uint(struct json *j, const char *key, uint64_t v);
void json_put_real(struct json *j, const char *key, double v);
void json_put_bool(struct json *j, const char *key, bool v);
void json_put_raw(struct json *j, const char *key, struct slice v); /* ${v} is JSON already */
void json_quote(struct buf *out, struct slice v); /* just the string with quotes */

#endif
