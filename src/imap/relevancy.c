/* relevancy.c: how well does a message answer a FUZZY search (RFC 6203 4)? A score is made of the answers to
 * further keys: are the words whole, does the needle stand there as it was written, is it in the
 * Subject? They are asked like any key, so the full-text index helps, and a score is the same with it and
 * without. */
#include "imap/relevancy.h"

#include <stdlib.h>

#include "core/mem.h"

enum { POINTS = 99, ANY_WHOLE = 55, TEXT_WHOLE = 40, TEXT_SUBJECT = 25 };

static size_t copy(struct search *q, size_t key)
{
	q->keys[q->keys_n] = q->keys[key];
	return (q->keys_n++);
}

void relevancy_prepare(struct search *q)
{
	size_t n = q->keys_n;
	struct search_key *keys = arena_array(q->arena, 4 * n, sizeof(*keys));

	memcpy(keys, q->keys, n * sizeof(*keys));
	q->keys = keys;
	q->marks = arena_array(q->arena, n, sizeof(*q->marks));
	q->wants_score = true;
	for (size_t i = 0; i < n; i++) {
		struct search_mark *m = &q->marks[q->marks_n];

		if (!q->keys[i].is_scored)
			continue;
		*m = (struct search_mark){ i, i, i, i };
		q->marks_n++;
		if (q->keys[i].words == NULL)
			continue;
		m->whole = copy(q, i);
		q->keys[m->whole].words = fuzzy_of(q->arena, q->keys[i].needle, true);
		m->literal = copy(q, i);
		q->keys[m->literal].words = NULL;
		if (q->keys[i].what != KEY_TEXT)
			continue;
		m->subject = copy(q, i);
		q->keys[m->subject].what = KEY_HEADER;
		q->keys[m->subject].field = SLICE("Subject");
	}
}

bool relevancy_is_known(const struct search *q, const unsigned char *values)
{
	for (size_t i = 0; i < q->marks_n; i++) {
		const struct search_mark *m = &q->marks[i];

		if (values[m->key] == ANSWER_NO)
			continue;
		if (values[m->key] == ANSWER_UNKNOWN || values[m->whole] == ANSWER_UNKNOWN ||
		    values[m->literal] == ANSWER_UNKNOWN || values[m->subject] == ANSWER_UNKNOWN)
			return (false);
	}
	return (true);
}

unsigned relevancy_of(const struct search *q, const unsigned char *values)
{
	size_t points = 0;

	for (size_t i = 0; i < q->marks_n; i++) {
		const struct search_mark *m = &q->marks[i];
		bool has_subject = m->subject != m->key;
		unsigned whole = has_subject ? TEXT_WHOLE : ANY_WHOLE,
			 subject = has_subject ? TEXT_SUBJECT : 0;

		if (values[m->key] != ANSWER_YES)
			continue;
		points += values[m->whole] == ANSWER_YES ? whole : 0;
		points += values[m->subject] == ANSWER_YES ? subject : 0;
		points += values[m->literal] == ANSWER_YES ? POINTS - whole - subject : 0;
	}
	return (q->marks_n == 0 ? 1 + POINTS : 1 + (unsigned)(points / q->marks_n));
}

/* --- kept --- */

void scores_add(struct scores *s, uint32_t uid, unsigned score)
{
	struct uid_list *l = &s->uids;

	if (l->n == l->cap) {
		l->cap = l->cap * 2 + 64;
		l->v = mem_grow(l->v, l->cap, sizeof(*l->v));
		s->v = mem_grow(s->v, l->cap, 1);
	}
	s->v[l->n] = (unsigned char)score;
	l->v[l->n++] = uid;
}

unsigned scores_of(const struct scores *s, uint32_t uid)
{
	size_t at = uid_list_lower(&s->uids, uid);

	return (at < s->uids.n && s->uids.v[at] == uid ? s->v[at] : 0);
}

void scores_free(struct scores *s)
{
	uid_list_free(&s->uids);
	free(s->v);
	s->v = NULL;
}
