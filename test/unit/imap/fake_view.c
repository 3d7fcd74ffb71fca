/* A view that is an array the test changes, for what needs nothing else of the store. */
#include "fake_view.h"

size_t view_count(const struct view *v)
{
	return (v->n);
}

const struct view_message *view_at(const struct view *v, size_t index)
{
	return (&v->m[index]);
}

size_t view_lower(const struct view *v, uint32_t uid)
{
	size_t i = 0;

	while (i < v->n && v->m[i].uid < uid)
		i++;
	return (i);
}

uint32_t view_uidnext(const struct view *v)
{
	return (v->uidnext);
}

const char *view_keyword(const struct view *v, unsigned k)
{
	(void)v;
	return (k == 0 ? "$Work" : NULL);
}

int view_keyword_find(const struct view *v, struct slice name)
{
	(void)v;
	return (slice_ieq(name, SLICE("$Work")) ? 0 : -1);
}

enum text_answer text_found_get(const struct text_found *f, size_t key, uint32_t uid)
{
	(void)f;
	(void)key;
	(void)uid;
	return (TEXT_UNKNOWN);
}

void text_found_free(struct text_found *f)
{
	(void)f;
}
