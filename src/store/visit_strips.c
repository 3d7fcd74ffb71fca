/* visit_strips.c: how is a list of many messages answered without a row for each? What is rendered
 * of a run of UIDs is read as one blob for each item (strip.h), and uid, flags, size and dates come
 * from the open view, as of the start of the slice. What a strip lacks is read from its row as
 * always, and the grown strip goes back through the account's lane. A few messages of a run are
 * cheaper by their rows, and strips are neither read nor made for them. Failures: none; a strip that
 * is not there or damaged is made anew. */
#include <stdlib.h>

#include "store/visit_int.h"

enum {
	RUN_LEAST = 16,   /* so many messages of a run are wanted, or it is left alone */
	GROWN_LEAST = 8,  /* so many records more, or it is not written again */
	KNOWN_FIRST = 512 /* messages whose view is taken for the first slice; after it twice what the
			     last one used */
};

static const unsigned wants[STRIP_ITEMS] = {
	[STRIP_ENVELOPE] = VISIT_ENVELOPE,
	[STRIP_STRUCTURE] = VISIT_STRUCTURE,
	[STRIP_BODY] = VISIT_BODY,
	[STRIP_FIELDS] = VISIT_FIELDS,
	[STRIP_PREVIEW] = VISIT_PREVIEW,
};

static struct slice *place_of(struct visit_message *vm, unsigned item)
{
	switch ((enum strip_item)item) {
	case STRIP_ENVELOPE: return (&vm->envelope);
	case STRIP_STRUCTURE: return (&vm->structure);
	case STRIP_BODY: return (&vm->body_structure);
	case STRIP_FIELDS: return (&vm->fields);
	case STRIP_PREVIEW:
	case STRIP_ITEMS: break;
	}
	return (&vm->preview);
}

bool visit_strips_serve(unsigned want)
{
	unsigned all = VISIT_LIGHT;

	for (unsigned i = 0; i < STRIP_ITEMS; i++)
		all |= wants[i];
	return ((want & VISIT_LIGHT) != 0 && (want & ~all) == 0 && want != VISIT_LIGHT);
}

void visit_strips_know(struct visit *v)
{
	const struct view *view = v->folder->view;
	size_t used = v->at - v->known_at, most = v->known == NULL ? KNOWN_FIRST : used * 2 + 64;
	size_t n = v->n - v->at, at, count;

	if (!v->by_strips)
		return;
	v->known_at = v->at;
	v->known_n = 0;
	if (view == NULL)
		return;
	n = n < most ? n : most;
	if (n > v->known_cap) {
		v->known_cap = n;
		v->known = mem_grow(v->known, n, sizeof(*v->known));
	}
	count = view_count(view);
	at = n > 0 ? view_lower(view, v->uids[v->at]) : 0;
	for (; v->known_n < n; v->known_n++) {
		uint32_t uid = v->uids[v->at + v->known_n];

		if (at >= count || view_at(view, at)->uid != uid)
			at = view_lower(view, uid); /* some between are not wanted */
		if (at < count && view_at(view, at)->uid == uid)
			v->known[v->known_n] = *view_at(view, at++);
		else
			v->known[v->known_n] = (struct view_message){ 0 };
	}
}

void strips_free(struct strips *s)
{
	if (s == NULL)
		return;
	for (unsigned i = 0; i < STRIP_ITEMS; i++)
		strip_free(&s->strip[i]);
	free(s);
}

int index_strips_put(struct mail *m, const struct strips *s)
{
	for (unsigned i = 0; i < STRIP_ITEMS; i++)
		/* The folder may be gone meanwhile; its id is not given again while we run. */
		if ((s->grown & 1u << i) != 0 &&
		    (m->index == NULL || m->no_tx ||
			sql_do(m->index,
			    "INSERT OR REPLACE INTO pack(folder, kind, uid, data) SELECT ?1, ?2, "
			    "?3, ?4 WHERE EXISTS(SELECT 1 FROM folder WHERE id = ?1)",
			    NULL, "iiib", s->folder_id, (int64_t)(STRIP_KIND + i),
			    (int64_t)s->strip[i].first, buf_slice(&s->strip[i].data)) != 0)) {
			m->index_failed = true;
			return (-1);
		}
	return (0);
}

void visit_strips_end(struct visit *v)
{
	if (v->strips == NULL)
		return;
	if (v->strips->added >= GROWN_LEAST) {
		for (unsigned i = 0; i < STRIP_ITEMS; i++)
			v->rendered_octets += v->strips->strip[i].data.n;
		list_push(&v->grown_strips, &v->strips->node);
	} else {
		strips_free(v->strips);
	}
	v->strips = NULL;
}

static void load(struct visit *v, unsigned item)
{
	struct strip *s = &v->strips->strip[item];

	if (sql_ask(v->reader, "SELECT data FROM pack WHERE folder = ?1 AND kind = ?2 AND uid = ?3",
		NULL, "iii", v->folder_id, (int64_t)(STRIP_KIND + item), (int64_t)s->first) != 0)
		return;
	if (sql_step(v->reader, NULL) == 1)
		(void)buf_add_slice(&s->data, sql_text(v->reader, 0));
	s->data.failed = false; /* longer than any of ours: as if it were not there */
	sql_done(v->reader);
	strip_index(s);
}

/* The strips of the run that ${uid} is in are at hand; false: it is not worth it. */
static bool turn_to(struct visit *v, uint32_t uid)
{
	uint32_t first = uid - uid % STRIP_UIDS;
	size_t last = v->at + RUN_LEAST - 1;

	if (v->strips != NULL && v->strips->strip[0].first == first)
		return (true);
	visit_strips_end(v);
	if (last >= v->n || v->uids[last] < uid || v->uids[last] - first >= STRIP_UIDS)
		return (false);
	v->strips = NEW(struct strips);
	v->strips->folder_id = v->folder_id;
	for (unsigned i = 0; i < STRIP_ITEMS; i++) {
		strip_init(&v->strips->strip[i], uid);
		if ((v->want & wants[i]) != 0)
			load(v, i);
	}
	return (true);
}

bool visit_strips_kept(struct visit *v, uint32_t uid, struct visit_message *vm)
{
	if (!v->by_strips || v->at - v->known_at >= v->known_n ||
	    v->known[v->at - v->known_at].uid != uid || !turn_to(v, uid))
		return (false);
	for (unsigned i = 0; i < STRIP_ITEMS; i++)
		if ((v->want & wants[i]) != 0 &&
		    !strip_find(&v->strips->strip[i], uid, place_of(vm, i)))
			return (false);
	vm->m = v->known[v->at - v->known_at];
	return (true);
}

void visit_strips_read(struct visit *v, struct visit_message *vm)
{
	struct strips *s = v->strips;
	bool any = false;

	if (s == NULL || vm->unreadable || vm->m.uid - s->strip[0].first >= STRIP_UIDS)
		return;
	for (unsigned i = 0; i < STRIP_ITEMS; i++)
		if ((v->want & wants[i]) != 0 &&
		    strip_add(&s->strip[i], vm->m.uid, *place_of(vm, i))) {
			s->grown |= 1u << i;
			any = true;
		}
	s->added += any;
}
