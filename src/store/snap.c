/* snap.c: how is a run of a view's messages kept as a blob? In the machine's order: an index does not
 * travel. A sum says that it is whole. Leaves when it is to be believed to index_view.c. Failures: none; a
 * damaged blob holds nothing. */
#include "store/snap.h"

#include <string.h>

struct head {
	uint64_t sum; /* of all that follows */
	uint64_t modseq;
	int64_t internal, saved; /* the least of each: records hold what is over it */
	uint32_t first, n;
};
struct record {
	uint32_t flags, size, modseq, internal, saved, uid; /* uid: over head.first */
};
_Static_assert(sizeof(struct head) == SNAP_HEAD && sizeof(struct record) == SNAP_RECORD, "no gaps");

static uint64_t sum_of(const char *p, size_t n) /* n: of whole words */
{
	uint64_t sum = n, word;

	for (size_t i = 0; i < n; i += sizeof(word)) {
		memcpy(&word, p + i, sizeof(word));
		sum = (sum ^ word) * UINT64_C(0x9e3779b97f4a7c15);
		sum ^= sum >> 29;
	}
	return (sum);
}

/* What ${v} is over ${least}; false when that is too much. */
static bool over(int64_t v, int64_t least, uint32_t *ret)
{
	uint64_t by = (uint64_t)v - (uint64_t)least;

	*ret = (uint32_t)by;
	return (by <= UINT32_MAX);
}

static struct head head_of(const struct view_message *m, size_t n)
{
	struct head h = { .modseq = m[0].modseq,
		.internal = m[0].internal_date,
		.saved = m[0].save_date,
		.first = m[0].uid >> SNAP_BITS << SNAP_BITS,
		.n = (uint32_t)n };

	for (size_t i = 1; i < n; i++) {
		h.modseq = m[i].modseq < h.modseq ? m[i].modseq : h.modseq;
		h.internal = m[i].internal_date < h.internal ? m[i].internal_date : h.internal;
		h.saved = m[i].save_date < h.saved ? m[i].save_date : h.saved;
	}
	return (h);
}

bool snap_write(const struct view_message *m, size_t n, struct buf *out)
{
	struct head h = head_of(m, n);
	size_t at = out->n;

	(void)buf_add(out, &h, sizeof(h));
	for (size_t i = 0; i < n; i++) {
		struct record r = { .flags = m[i].flags, .size = m[i].size, .uid = m[i].uid - h.first };

		if (!over((int64_t)m[i].modseq, (int64_t)h.modseq, &r.modseq) ||
		    !over(m[i].internal_date, h.internal, &r.internal) ||
		    !over(m[i].save_date, h.saved, &r.saved)) {
			buf_cut(out, at);
			return (false);
		}
		(void)buf_add(out, &r, sizeof(r));
	}
	if (out->failed)
		return (false);
	h.sum = sum_of(out->p + at + sizeof(h.sum), out->n - at - sizeof(h.sum));
	memcpy(out->p + at, &h, sizeof(h));
	return (true);
}

size_t snap_read(struct slice blob, uint32_t run, struct view_message *ret)
{
	struct head h;
	struct record r;
	const char *at = blob.p + sizeof(h);
	uint32_t last = 0;

	if (blob.n < sizeof(h))
		return (0);
	memcpy(&h, blob.p, sizeof(h));
	if (h.n == 0 || h.n > SNAP_UIDS || h.first >> SNAP_BITS != run ||
	    blob.n != sizeof(h) + h.n * sizeof(r) ||
	    h.sum != sum_of(blob.p + sizeof(h.sum), blob.n - sizeof(h.sum)))
		return (0);
	for (size_t i = 0; i < h.n; i++, at += sizeof(r)) {
		memcpy(&r, at, sizeof(r));
		if (r.uid >= SNAP_UIDS || (i > 0 && r.uid <= last))
			return (0);
		last = r.uid;
		ret[i] = (struct view_message){
			.uid = h.first + r.uid,
			.flags = r.flags,
			.size = r.size,
			.modseq = h.modseq + r.modseq,
			.internal_date = (int64_t)((uint64_t)h.internal + r.internal),
			.save_date = (int64_t)((uint64_t)h.saved + r.saved),
		};
	}
	return (h.n);
}
