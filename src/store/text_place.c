/* text_place.c: which document is a message? A folder is known by its place and UIDVALIDITY together, for
 * then what a UID is never changes (RFC 9051 2.3.1.1). Pairs of UID and document, so many UIDs a row.
 * A UID without a pair is one the index has not read. */
#include "store/text_int.h"

#include <stddef.h>
#include <stdlib.h>

#include "core/sorted.h"

enum { PLACE_UIDS = 1024, PAIR = 8 };

static int places_append(struct text_places *p, struct slice blob, struct err *err)
{
	if (blob.n % PAIR != 0)
		return (text_damaged(err));
	if (p->n + blob.n / PAIR > p->cap) {
		p->cap = p->cap * 2 + blob.n / PAIR;
		p->v = mem_grow(p->v, p->cap, sizeof(*p->v));
	}
	for (size_t i = 0; i < blob.n; i += PAIR) {
		struct text_place *at = &p->v[p->n];

		memcpy(at, blob.p + i, PAIR);
		if (p->n > 0 && at[-1].uid >= at->uid)
			return (text_damaged(err));
		p->n++;
	}
	return (0);
}

int text_places_read(
    struct sql *q, struct slice leaf, uint32_t uidvalidity, struct text_places *ret, struct err *err)
{
	int got, rc = 0;

	*ret = (struct text_places){ 0 };
	if (sql_ask(q,
		"SELECT uids FROM place WHERE leaf = ?1 AND uidvalidity = ?2 ORDER BY part", err,
		"si", leaf, (int64_t)uidvalidity) != 0)
		return (-1);
	while (rc == 0 && (got = sql_step(q, err)) != 0)
		rc = got < 0 ? -1 : places_append(ret, sql_text(q, 0), err);
	sql_done(q);
	return (rc);
}

uint32_t text_places_find(const struct text_places *p, uint32_t uid)
{
	size_t at =
	    sorted_lower(p->v, p->n, sizeof(*p->v), offsetof(struct text_place, uid), uid);

	return (at < p->n && p->v[at].uid == uid ? p->v[at].document : 0);
}

static int part_read(struct sql *q, struct slice leaf, uint32_t uidvalidity, uint32_t part,
    struct text_places *ret, struct err *err)
{
	int got;

	ret->n = 0;
	if (sql_ask(q, "SELECT uids FROM place WHERE leaf = ?1 AND uidvalidity = ?2 AND part = ?3",
		err, "sii", leaf, (int64_t)uidvalidity, (int64_t)part) != 0)
		return (-1);
	if ((got = sql_step(q, err)) == 1)
		got = places_append(ret, sql_text(q, 0), err);
	sql_done(q);
	return (got);
}

/* Both sorted; the newer of two for one uid. */
static size_t places_merge(struct text_place *to, const struct text_places *old,
    const struct text_place *v, size_t n)
{
	size_t made = 0, i = 0, k = 0;

	while (i < old->n || k < n) {
		if (k == n || (i < old->n && old->v[i].uid < v[k].uid)) {
			to[made++] = old->v[i++];
			continue;
		}
		if (i < old->n && old->v[i].uid == v[k].uid)
			i++;
		to[made++] = v[k++];
	}
	return (made);
}

int text_places_add(struct sql *q, struct slice leaf, uint32_t uidvalidity,
    const struct text_place *v, size_t n, struct err *err)
{
	struct text_place made[2 * PLACE_UIDS];
	struct text_places old = { 0 };
	int rc = 0;

	while (n > 0 && rc == 0) {
		uint32_t part = v[0].uid / PLACE_UIDS;
		size_t some = 0, all;

		while (some < n && v[some].uid / PLACE_UIDS == part)
			some++;
		rc = part_read(q, leaf, uidvalidity, part, &old, err);
		if (rc == 0 && old.n + some > COUNT_OF(made))
			rc = text_damaged(err);
		if (rc != 0)
			break;
		all = places_merge(made, &old, v, some);
		rc = sql_do(q,
		    "INSERT OR REPLACE INTO place(leaf, uidvalidity, part, uids) VALUES(?1, ?2, "
		    "?3, ?4)",
		    err, "siib", leaf, (int64_t)uidvalidity, (int64_t)part,
		    (struct slice){ (const char *)made, all * PAIR });
		v += some;
		n -= some;
	}
	free(old.v);
	return (rc);
}

/* One row without the dead; 1: there was one, and *after is it. */
static int place_clean(
    struct sql *q, int64_t *after, const unsigned char *dead, int64_t most, struct err *err)
{
	struct text_places p = { 0 };
	size_t kept = 0;
	int got, rc = 0;

	if (sql_ask(q, "SELECT rowid, uids FROM place WHERE rowid > ?1 ORDER BY rowid LIMIT 1", err,
		"i", *after) != 0)
		return (-1);
	got = sql_step(q, err);
	if (got == 1) {
		*after = sql_int(q, 0);
		rc = places_append(&p, sql_text(q, 1), err);
	}
	sql_done(q);
	for (size_t i = 0; i < p.n; i++)
		if (p.v[i].document <= most && !text_bit(dead, p.v[i].document))
			p.v[kept++] = p.v[i];
	if (got == 1 && kept < p.n && rc == 0)
		rc = sql_do(q, "UPDATE place SET uids = ?2 WHERE rowid = ?1", err, "ib", *after,
		    (struct slice){ (const char *)p.v, kept * PAIR });
	free(p.v);
	return (got < 0 || rc != 0 ? -1 : got);
}

int text_places_drop(struct sql *q, const unsigned char *dead, int64_t most, struct err *err)
{
	int64_t after = INT64_MIN;
	int got;

	do
		got = place_clean(q, &after, dead, most, err);
	while (got == 1);
	return (got);
}
