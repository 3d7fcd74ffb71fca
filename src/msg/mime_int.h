/* mime_int.h: for msg alone: how a parameter list is read. */
#ifndef MSG_MIME_INT_H
#define MSG_MIME_INT_H

#include "msg/mime.h"

/* As mime_value_parse; ${raw}: names and values as they stand, pieces of RFC 2231 neither joined
 * nor decoded. *ret_doubled: a parameter stood twice (the first was kept). May be NULL. */
void mime_value_read(
    struct arena *a, struct slice field_body, bool raw, struct mime_value *ret, bool *ret_doubled);

struct param2231 { /* "name*2*=..." taken apart */
	struct slice base;
	bool numbered, coded;
	unsigned number;
};
void param2231_split(struct slice name, struct param2231 *ret);
/* Joins and decodes the pieces among params[0..n); writes at most n results to out, their number is
 * returned. */
size_t param2231_join(
    struct arena *a, const struct mime_param *params, size_t n, struct mime_param *out);

/* A parsed token of a Content-Transfer-Encoding field. *ret_odd: something followed the token. */
enum mime_encoding mime_encoding_of(struct slice value, bool *ret_odd);

#endif
