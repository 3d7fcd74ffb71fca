/* visit_keys.c: where do a visit's sort keys come from? From packs in the index, a run of UIDs at a
 * time; what they lack is read from the message's fields, as any visit does, and the grown pack goes
 * back through the account's lane. So the first SORT or THREAD of a folder reads header lines, and
 * those after it a few hundred blobs. Failures: none; a pack that is not there or damaged is made
 * anew. */
#include <stdlib.h>

#include "store/visit_int.h"

enum pack_kind { PACK_NUMBERS, PACK_TEXTS };

void grown_free(struct grown *g)
{
	if (g == NULL)
		return;
	pack_free(&g->pack);
	free(g);
}

int index_pack_put(struct mail *m, const struct grown *g)
{
	const struct buf *blobs[] = { &g->pack.numbers, &g->pack.texts };

	for (unsigned kind = PACK_NUMBERS; kind <= PACK_TEXTS; kind++)
		/* The folder may be gone meanwhile; its id is not given again while we run. */
		if (m->index == NULL || m->no_tx ||
		    sql_do(m->index,
			"INSERT OR REPLACE INTO pack(folder, kind, uid, data) SELECT ?1, ?2, ?3, "
			"?4 "
			"WHERE EXISTS(SELECT 1 FROM folder WHERE id = ?1)",
			NULL, "iiib", g->folder_id, (int64_t)kind, (int64_t)g->pack.first,
			buf_slice(blobs[kind])) != 0) {
			m->index_failed = true;
			return (-1);
		}
	return (0);
}

static void load(struct visit *v, enum pack_kind kind, struct buf *ret)
{
	if (sql_ask(v->reader, "SELECT data FROM pack WHERE folder = ?1 AND kind = ?2 AND uid = ?3",
		NULL, "iii", v->folder_id, (int64_t)kind, (int64_t)v->grown->pack.first) != 0)
		return;
	if (sql_step(v->reader, NULL) == 1)
		(void)buf_add_slice(ret, sql_text(v->reader, 0));
	ret->failed = false; /* longer than any of ours: as if it were not there */
	sql_done(v->reader);
}

void visit_keys_end(struct visit *v)
{
	if (v->grown == NULL)
		return;
	if (v->has_grown) {
		v->rendered_octets += v->grown->pack.numbers.n + v->grown->pack.texts.n;
		list_push(&v->packs, &v->grown->node);
	} else {
		grown_free(v->grown);
	}
	v->grown = NULL;
}

/* The pack of ${uid} is at hand, with texts when they are needed. */
static void turn_to(struct visit *v, uint32_t uid, bool texts)
{
	if (v->grown != NULL && uid - v->grown->pack.first >= PACK_UIDS)
		visit_keys_end(v);
	if (v->grown == NULL) {
		v->grown = NEW(struct grown);
		v->grown->folder_id = v->folder_id;
		pack_init(&v->grown->pack, uid);
		v->has_numbers = v->has_texts = v->has_grown = false;
	}
	if (v->has_numbers && (v->has_texts || !texts))
		return;
	if (!v->has_numbers)
		load(v, PACK_NUMBERS, &v->grown->pack.numbers);
	if (!v->has_texts && texts)
		load(v, PACK_TEXTS, &v->grown->pack.texts);
	v->has_numbers = true;
	v->has_texts |= texts;
	pack_index(&v->grown->pack);
}

bool visit_keys_kept(struct visit *v, uint32_t uid, struct visit_message *vm)
{
	bool texts = (v->want & VISIT_KEY_TEXTS) != 0;

	if (!v->keys_only)
		return (false);
	turn_to(v, uid, texts);
	if (!pack_find(&v->grown->pack, uid, texts, &vm->m, &v->keys))
		return (false);
	vm->keys = &v->keys;
	return (true);
}

void visit_keys_read(struct visit *v, struct visit_message *vm)
{
	keys_read(v->arena, vm->fields, &vm->m, &v->keys);
	vm->keys = &v->keys;
	turn_to(v, vm->m.uid, true); /* both halves grow, so both must be there */
	v->has_grown |= pack_add(&v->grown->pack, &vm->m, &v->keys);
}
