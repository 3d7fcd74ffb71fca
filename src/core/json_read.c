/* json_read.c: what does a JSON text say? The one place that knows jansson. */
#include "core/json_read.h"

#include <jansson.h>

/* struct json_doc and struct json_value are jansson's json_t under other names, so that no other file needs its header. */

static json_t *own(const struct json_value *v)
{
	return ((json_t *)(uintptr_t)v);
}

struct json_doc *json_read(struct slice text, struct err *err)
{
	json_error_t why;
	json_t *root = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, &why);

	if (root == NULL)
		(void)err_set(err, ERR_PEER, "JSON line %d, column %d: %s", why.line, why.column, why.text);
	return ((struct json_doc *)root);
}

void json_doc_free(struct json_doc *d)
{
	json_decref((json_t *)d);
}

const struct json_value *json_root(const struct json_doc *d)
{
	return ((const struct json_value *)d);
}

const struct json_value *json_get(const struct json_value *v, const char *key)
{
	return ((const struct json_value *)json_object_get(own(v), key));
}

size_t json_count(const struct json_value *v)
{
	return (json_array_size(own(v)));
}

const struct json_value *json_at(const struct json_value *v, size_t index)
{
	return ((const struct json_value *)json_array_get(own(v), index));
}

struct slice json_text(const struct json_value *v)
{
	const char *z = json_string_value(own(v));

	return (z != NULL ? (struct slice){ z, json_string_length(own(v)) } : SLICE(""));
}

const char *json_textz(const struct json_value *v)
{
	const char *z = json_string_value(own(v));

	return (z != NULL ? z : "");
}

int64_t json_as_integer(const struct json_value *v)
{
	return (json_integer_value(own(v)));
}

double json_as_number(const struct json_value *v)
{
	return (json_number_value(own(v)));
}

bool json_as_true(const struct json_value *v)
{
	return (v != NULL && json_is_true(own(v)));
}

bool json_as_null(const struct json_value *v)
{
	return (v != NULL && json_is_null(own(v)));
}

bool json_next(const struct json_value *object, void **at, const char **ret_key, const struct json_value **ret_value)
{
	*at = *at == NULL ? json_object_iter(own(object)) : json_object_iter_next(own(object), *at);
	if (*at == NULL)
		return (false);
	*ret_key = json_object_iter_key(*at);
	*ret_value = (const struct json_value *)json_object_iter_value(*at);
	return (true);
}
