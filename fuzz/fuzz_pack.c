/* Law: whatever a pack's blobs hold, a record that is found lies inside them and, put into a new
 * pack, is found there the same; so it is with a strip. Input: the length of the first blob in two
 * octets, then both; all of them are a strip's blob too. */
#include <stdlib.h>
#include <string.h>

#include "core/limits.h"
#include "store/keys.h"
#include "store/strip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void same(const struct pack *p, uint32_t uid)
{
	struct view_message m, m2;
	struct sort_keys k, k2;
	struct pack again;

	if (!pack_find(p, uid, true, &m, &k))
		return;
	if (m.uid != uid || k.refs_n > L_IREFS)
		abort();
	pack_init(&again, uid);
	if (!pack_add(&again, &m, &k) || pack_add(&again, &m, &k) ||
	    !pack_find(&again, uid, true, &m2, &k2))
		abort();
	if (m.uid != m2.uid || m.size != m2.size || m.internal_date != m2.internal_date ||
	    k.sent != k2.sent || k.id != k2.id || k.subject != k2.subject ||
	    k.refs_n != k2.refs_n || memcmp(k.refs, k2.refs, k.refs_n * sizeof(*k.refs)) != 0)
		abort();
	for (unsigned i = 0; i < SORT_TEXTS; i++)
		if (!slice_eq(k.text[i], k2.text[i]) || k.text[i].n > L_ISORT_TEXT)
			abort();
	pack_free(&again);
}

static void same_strip(const uint8_t *data, size_t n)
{
	struct strip s, again;
	struct slice a, b;

	strip_init(&s, 1024);
	strip_init(&again, 1024 + STRIP_UIDS - 1);
	(void)buf_add(&s.data, data, n);
	strip_index(&s);
	for (uint32_t uid = 1023; uid <= 1024 + STRIP_UIDS; uid++)
		if (strip_find(&s, uid, &a)) {
			if (uid < 1024 || uid >= 1024 + STRIP_UIDS || a.n > s.data.n ||
			    a.p < s.data.p || a.p + a.n > s.data.p + s.data.n)
				abort();
			if (!strip_add(&again, uid, a) || strip_add(&again, uid, a) ||
			    !strip_find(&again, uid, &b) || !slice_eq(a, b))
				abort();
		}
	strip_index(&again);
	for (uint32_t uid = 1024; uid < 1024 + STRIP_UIDS; uid++)
		if (strip_find(&s, uid, &a) != strip_find(&again, uid, &b) ||
		    (strip_find(&s, uid, &a) && !slice_eq(a, b)))
			abort();
	strip_free(&s);
	strip_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct pack p;
	size_t first;

	same_strip(data, n);
	if (n < 2)
		return (0);
	first = data[0] | (size_t)data[1] << 8;
	first = first < n - 2 ? first : n - 2;
	pack_init(&p, 1024);
	(void)buf_add(&p.numbers, data + 2, first);
	(void)buf_add(&p.texts, data + 2 + first, n - 2 - first);
	pack_index(&p);
	for (uint32_t uid = 1024; uid < 1024 + PACK_UIDS; uid++)
		same(&p, uid);
	pack_free(&p);
	return (0);
}
