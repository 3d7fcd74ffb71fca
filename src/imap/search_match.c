/* Does this message match? In rounds of growing cost: first what the view knows, then the header,
 * then the text, and no further than the answer needs. Comparison is of decoded, case-folded text
 * (RFC 9051 6.4.4, RFC 5051). */
#include "imap/search.h"

#include "core/limits.h"
#include "core/mem.h"
#include "imap/relevancy.h"
#include "imap/write.h"
#include "msg/date.h"
#include "msg/fold.h"
#include "msg/searchable.h"
#include "msg/text.h"

enum { TEXT_MAX = 67108864 };

static enum key_cost cost_of(const struct search_key *k)
{
	return (k->what >= KEY_BODY ? COST_BODY : k->what >= KEY_HEADER ? COST_HEADER : COST_VIEW);
}

static bool holds_day(const struct search_key *k, int64_t day)
{
	switch (k->relation) {
	case DAY_BEFORE: return (day < k->day);
	case DAY_ON: return (day == k->day);
	case DAY_SINCE: return (day >= k->day);
	}
	return (false);
}

static bool holds_in_view(const struct search_key *k, const struct view_message *m)
{
	switch (k->what) {
	case KEY_ALL: return (true);
	case KEY_FLAGS: return ((m->flags & k->flags) != 0);
	case KEY_UIDS: return (seqset_has(&k->uids, m->uid));
	case KEY_LARGER: return (m->size > k->number);
	case KEY_SMALLER: return (m->size < k->number);
	case KEY_DAY: return (holds_day(k, date_day(m->internal_date, 0)));
	case KEY_MODSEQ: return (m->modseq >= k->number);
	case KEY_RECENT: return (m->uid >= k->number);
	/* RFC 8514 4: of a message whose day is not known, the day it came */
	case KEY_SAVED:
		return (
		    holds_day(k, date_day(m->save_date == 0 ? m->internal_date : m->save_date, 0)));
	case KEY_OLDER: return (m->internal_date <= k->day);
	case KEY_YOUNGER: return (m->internal_date >= k->day);
	case KEY_HEADER:
	case KEY_SENT:
	case KEY_EMAILID:
	case KEY_THREADID:
	case KEY_BODY:
	case KEY_TEXT: break;
	}
	return (false);
}

/* The program over what is known: an AND with a NO is NO whatever else (Kleene). */
static enum search_answer run(
    const struct search *q, const unsigned char *values, unsigned char *stack)
{
	size_t top = 0;

	for (size_t i = 0; i < q->ops_n; i++) {
		const struct search_op *op = &q->ops[i];
		unsigned char *at;

		switch (op->what) {
		case OP_KEY: stack[top++] = values[op->n]; break;
		case OP_NOT:
			at = &stack[top - 1];
			*at = *at == ANSWER_UNKNOWN ? ANSWER_UNKNOWN
			    : *at == ANSWER_YES     ? ANSWER_NO
						    : ANSWER_YES;
			break;
		case OP_OR:
			at = &stack[top - 2];
			if (at[0] == ANSWER_YES || at[1] == ANSWER_YES)
				at[0] = ANSWER_YES;
			else if (at[1] == ANSWER_UNKNOWN)
				at[0] = ANSWER_UNKNOWN;
			top--;
			break;
		case OP_AND: {
			unsigned char all = ANSWER_YES;

			for (unsigned n = 0; n < op->n; n++) {
				unsigned char one = stack[--top];

				if (one == ANSWER_NO ||
				    (one == ANSWER_UNKNOWN && all == ANSWER_YES))
					all = one;
			}
			stack[top++] = all;
			break;
		}
		}
	}
	return ((enum search_answer)stack[0]);
}

/* A match whose score is asked for, and not known yet, is not done. */
static enum search_answer run_scored(
    const struct search *q, const unsigned char *values, unsigned char *stack)
{
	enum search_answer answer = run(q, values, stack);

	if (answer == ANSWER_YES && !relevancy_is_known(q, values))
		answer = ANSWER_UNKNOWN;
	return (answer);
}

static enum search_answer answer_of(
    const struct search *q, const struct search_key *k, uint32_t uid)
{
	if (q->found == NULL || k->asked == 0)
		return (ANSWER_UNKNOWN);
	switch (text_found_get(q->found, k->asked - 1, uid)) {
	case TEXT_NO: return (ANSWER_NO);
	case TEXT_YES: return (ANSWER_YES);
	case TEXT_UNKNOWN: break;
	}
	return (ANSWER_UNKNOWN);
}

unsigned char *search_values(const struct search *q)
{
	return (mem_new_array(q->keys_n + q->ops_n + 1, 1)); /* answers, and the stack of run() */
}

enum search_answer search_match_view(
    const struct search *q, const struct view_message *m, unsigned char *values)
{
	for (size_t i = 0; i < q->keys_n; i++)
		if (cost_of(&q->keys[i]) != COST_VIEW)
			values[i] = (unsigned char)answer_of(q, &q->keys[i], m->uid);
		else
			values[i] = holds_in_view(&q->keys[i], m) ? ANSWER_YES : ANSWER_NO;
	return (run_scored(q, values, values + q->keys_n));
}

/* --- header --- */

/* *words: of a FUZZY key, those that other texts have; this one's are added. */
static bool finds(struct slice utf8, const struct search_key *k, uint64_t *words)
{
	struct buf folded = BUF_INIT(TEXT_MAX);
	bool found;

	(void)fold_text(utf8, &folded);
	if (k->words != NULL) {
		*words = fuzzy_in(k->words, buf_slice(&folded), *words);
		found = fuzzy_all(k->words, *words);
	} else
		found = k->needle.n == 0 || slice_find(buf_slice(&folded), k->needle) != SIZE_MAX;
	buf_free(&folded);
	return (found);
}

static bool holds_in_header(struct arena *a, const struct search_key *k, const struct header *h)
{
	uint64_t words = 0;

	for (size_t i = 0; i < h->n; i++) {
		int64_t when;
		int zone;

		if (!slice_ieq(h->fields[i].name, k->field))
			continue;
		if (k->what ==
		    KEY_SENT) /* "disregarding time and timezone": the day that is written there */
			return (date_parse(header_unfold(a, h->fields[i].body), &when, &zone) &&
			    holds_day(k, date_day(when, zone)));
		if (k->needle.n == 0 || finds(text_words(a, h->fields[i].body), k, &words))
			return (true);
	}
	return (false);
}

/* --- body --- */

struct holding {
	const struct search_key *key;
	uint64_t words;
};

static bool on_text(void *self, const struct mime_part *part, struct slice name, struct slice utf8)
{
	struct holding *h = self;

	(void)part;
	return ((name.n > 0 && finds(name, h->key, &h->words)) || finds(utf8, h->key, &h->words));
}

static bool holds_in_body(struct arena *a, const struct search_key *k, const struct mime *m)
{
	struct holding h = { k, 0 };

	return (k->needle.n == 0 ||
	    searchable_body(a, m, TEXT_MAX, on_text, &h) == SEARCHABLE_STOPPED ||
	    (k->what == KEY_TEXT && searchable_header(a, m, on_text, &h) == SEARCHABLE_STOPPED));
}

/* --- rounds --- */

static bool is_object(const struct search_key *k, char kind, const unsigned char object[16])
{
	struct buf id = BUF_INIT(64);
	bool is;

	write_objectid(&id, kind, object);
	is = slice_eq(buf_slice(&id), k->needle);
	buf_free(&id);
	return (is);
}

static bool round_of_headers(const struct search *q, const struct visit_message *m, struct arena *a,
    unsigned char *values, bool have_whole, struct slice whole)
{
	struct slice lines = have_whole ? whole : m->fields;
	struct buf head = BUF_INIT(L_HDR + 65536);
	struct header h;
	struct err err;
	bool ok = true;

	if (!have_whole && q->fields_missing > 0) {
		ok = m->map_n > 0 &&
		    visit_read(m->visit, 0, m->map[0].header_size, &head, &err) == 0;
		lines = buf_slice(&head);
	}
	header_parse(a, lines, &h);
	for (size_t i = 0; i < q->keys_n && ok; i++)
		if (values[i] != ANSWER_UNKNOWN)
			continue;
		else if (q->keys[i].what == KEY_EMAILID)
			values[i] = is_object(&q->keys[i], OBJECT_EMAIL, m->content_id)
			    ? ANSWER_YES
			    : ANSWER_NO;
		else if (q->keys[i].what == KEY_THREADID)
			values[i] = is_object(&q->keys[i], OBJECT_THREAD, m->thread_id)
			    ? ANSWER_YES
			    : ANSWER_NO;
		else if (cost_of(&q->keys[i]) == COST_HEADER)
			values[i] = holds_in_header(a, &q->keys[i], &h) ? ANSWER_YES : ANSWER_NO;
	buf_free(&head);
	return (ok);
}

bool search_match(const struct search *q, const struct visit_message *m, unsigned char *values,
    bool *ret_unreadable)
{
	unsigned char *stack = values + q->keys_n;
	enum search_answer answer = search_match_view(q, &m->m, values);
	struct arena *a = NULL;
	struct slice whole;
	struct mime mime;
	struct err err;

	*ret_unreadable = false;
	if (answer != ANSWER_UNKNOWN)
		return (answer == ANSWER_YES);
	if (m->unreadable)
		goto unreadable;
	a = arena_new(0);
	if (!round_of_headers(q, m, a, values, false, (struct slice){ 0 }))
		goto unreadable;
	answer = run_scored(q, values, stack);
	if (answer == ANSWER_UNKNOWN) {
		if (visit_whole(m->visit, &whole, &err) == -1)
			goto unreadable;
		mime_parse(a, whole, &mime);
		for (size_t i = 0; i < q->keys_n && answer == ANSWER_UNKNOWN; i++)
			if (values[i] == ANSWER_UNKNOWN) {
				values[i] =
				    holds_in_body(a, &q->keys[i], &mime) ? ANSWER_YES : ANSWER_NO;
				answer = run_scored(q, values, stack);
			}
	}
	arena_free(a);
	return (answer == ANSWER_YES);
unreadable:
	arena_free(a);
	if (run(q, values, stack) == ANSWER_YES) /* for its score alone it would be read */
		return (true);
	*ret_unreadable = true;
	return (false);
}
