/* strip.c: where in a strip is what was rendered of a UID? Leaves reading and writing the index to
 * visit_strips.c. Failures: a damaged blob, which ends where it is damaged. */
#include "store/strip.h"

#include <string.h>

struct record { /* as kept, in the machine's order: an index does not travel; octets follow */
	uint32_t uid, n;
};

void strip_init(struct strip *s, uint32_t uid)
{
	s->first = uid - uid % STRIP_UIDS;
	memset(s->at, 0, sizeof(s->at));
	buf_init(&s->data, STRIP_OCTETS);
}

void strip_free(struct strip *s)
{
	buf_free(&s->data);
}

void strip_index(struct strip *s)
{
	size_t from = 0;
	struct record r;

	memset(s->at, 0, sizeof(s->at));
	while (s->data.n - from >= sizeof(r)) {
		memcpy(&r, s->data.p + from, sizeof(r));
		if (r.uid - s->first >= STRIP_UIDS || s->data.n - from - sizeof(r) < r.n)
			break;
		s->at[r.uid - s->first] = (uint32_t)from + 1;
		from += sizeof(r) + r.n;
	}
	buf_cut(&s->data, from);
}

bool strip_find(const struct strip *s, uint32_t uid, struct slice *ret)
{
	uint32_t nth = uid - s->first;
	struct record r;
	const char *at;

	if (nth >= STRIP_UIDS || s->at[nth] == 0)
		return (false);
	at = s->data.p + s->at[nth] - 1;
	memcpy(&r, at, sizeof(r));
	*ret = (struct slice){ at + sizeof(r), r.n };
	return (true);
}

bool strip_add(struct strip *s, uint32_t uid, struct slice octets)
{
	uint32_t nth = uid - s->first;
	struct record r = { uid, (uint32_t)octets.n };
	size_t at = s->data.n;

	if (nth >= STRIP_UIDS || s->at[nth] != 0 || octets.n > STRIP_OCTETS)
		return (false);
	(void)buf_add(&s->data, &r, sizeof(r));
	(void)buf_add_slice(&s->data, octets);
	if (s->data.failed) {
		s->data.failed = false;
		buf_cut(&s->data, at);
		return (false);
	}
	s->at[nth] = (uint32_t)at + 1;
	return (true);
}
