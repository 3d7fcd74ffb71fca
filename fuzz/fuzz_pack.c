/* Law: whatever a pack's blobs hold, a record that is found lies inside them and, put into a new
 * pack, is found there the same; so it is with a strip, and with what a view keeps of a run, which is
 * whole or nothing. Input: the length of the first blob in two
 * octets, then both; all of them are a strip's blob, and a run's, too. */
#include <stdlib.h>
#include <string.h>

#include "core/limits.h"
#include "store/keys.h"
#include "store/snap.h"
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

static void same_run(const struct view_message *a, const struct view_message *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (a[i].uid != b[i].uid || a[i].flags != b[i].flags || a[i].size != b[i].size ||
		    a[i].modseq != b[i].modseq || a[i].internal_date != b[i].internal_date ||
		    a[i].save_date != b[i].save_date)
			abort();
}

static void same_snap(const uint8_t *data, size_t n)
{
	static struct view_message m[SNAP_UIDS], back[SNAP_UIDS];
	struct buf out = BUF_INIT(SNAP_OCTETS);
	size_t count = snap_read((struct slice){ (const char *)data, n }, 1, m);

	if (count == 0 && n > 0) { /* what the octets would say, had they a sum */
		for (; count < SNAP_UIDS && n >= SNAP_RECORD; count++, n -= SNAP_RECORD)
			memcpy(&m[count], data + count * SNAP_RECORD, SNAP_RECORD);
		for (size_t i = 0; i < count; i++)
			m[i].uid = SNAP_UIDS + (uint32_t)i;
	}
	if (count == 0 || !snap_write(m, count, &out)) {
		buf_free(&out);
		return;
	}
	if (snap_read(buf_slice(&out), 1, back) != count)
		abort();
	same_run(m, back, count);
	out.p[n % out.n] = (char)~out.p[n % out.n];
	if (snap_read(buf_slice(&out), 1, back) != 0)
		abort();
	buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct pack p;
	size_t first;

	same_strip(data, n);
	same_snap(data, n);
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
