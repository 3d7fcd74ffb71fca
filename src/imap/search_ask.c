/* search_ask.c: which keys of a SEARCH may the full-text index answer? Those that look for text. What it
 * answers is exact or unknown, so it counts like any other known key, under NOT and OR too. */
#include "imap/search.h"

#include "core/mem.h"

static bool field_of(const struct search_key *k, enum text_field *ret)
{
	static const struct {
		const char *name;
		enum text_field field;
	} own[] = {
		{ "Subject", TEXT_IN_SUBJECT },
		{ "From", TEXT_IN_FROM },
		{ "To", TEXT_IN_TO },
		{ "Cc", TEXT_IN_CC },
		{ "Bcc", TEXT_IN_BCC },
	};

	if (k->needle.n == 0 ||
	    (k->what != KEY_BODY && k->what != KEY_TEXT && k->what != KEY_HEADER))
		return (false);
	*ret = k->what == KEY_BODY ? TEXT_IN_BODY
	    : k->what == KEY_TEXT  ? TEXT_IN_ALL
				   : TEXT_IN_OTHER;
	for (size_t i = 0; k->what == KEY_HEADER && i < COUNT_OF(own); i++)
		if (slice_ieq(k->field, slice_of(own[i].name)))
			*ret = own[i].field;
	return (true);
}

struct store_op *search_ask(struct search *q, struct folder *f,
    void (*on_found)(void *self, struct text_found *found), void *self)
{
	struct text_key keys[TEXT_KEYS];
	size_t n = 0;

	for (size_t i = 0; i < q->keys_n && n < TEXT_KEYS; i++)
		if (field_of(&q->keys[i], &keys[n].field)) {
			keys[n].needle = q->keys[i].needle;
			keys[n].fuzzy = q->keys[i].words;
			q->keys[i].asked = ++n;
		}
	return (text_ask(f, keys, n, on_found, self));
}
