/* What does SEARCH ask? Keys to a postfix program, with a stack of our own in place of recursion:
 * at most L_INEST deep and L_IKEY keys. RFC 9051 6.4.4, 9 search-key; RFC 7162 3.1.5 (MODSEQ). */
#include "imap/search.h"

#include <stdlib.h>

#include "core/clock.h"
#include "core/limits.h"
#include "core/mem.h"
#include "msg/date.h"
#include "msg/fold.h"

enum frame_kind { FRAME_LIST, FRAME_NOT, FRAME_OR, FRAME_FUZZY };
struct frame {
	enum frame_kind kind;
	unsigned have; /* operands so far */
};

struct parsing {
	struct args *a;
	struct search *q;
	const struct view *view;
	uint32_t recent_from;
	enum search_fault fault;
	struct frame frames[2 * L_INEST + 2];
	size_t depth, nots, fuzzies; /* of the frames */
};

static bool fail(struct parsing *x, enum search_fault fault)
{
	x->fault = fault;
	return (false);
}

static bool add_op(struct parsing *x, enum op_what what, unsigned n)
{
	if (x->q->ops_n == 4 * L_IKEY)
		return (fail(x, SEARCH_LIMIT));
	x->q->ops[x->q->ops_n++] = (struct search_op){ what, n };
	return (true);
}

static struct search_key *add_key(struct parsing *x, enum key_what what)
{
	struct search *q = x->q;
	enum key_cost cost = what >= KEY_BODY ? COST_BODY
	    : what >= KEY_HEADER              ? COST_HEADER
					      : COST_VIEW;

	if (q->keys_n == L_IKEY || !add_op(x, OP_KEY, (unsigned)q->keys_n)) {
		(void)fail(x, SEARCH_LIMIT);
		return (NULL);
	}
	if (cost > q->cost)
		q->cost = cost;
	q->keys[q->keys_n].what = what;
	return (&q->keys[q->keys_n++]);
}

static bool take_needle(struct parsing *x, struct search_key *k)
{
	struct buf folded = BUF_INIT(4 * L_ILIT);
	struct slice text;

	if (!args_sp(x->a) || !args_astring(x->a, &text))
		return (fail(x, SEARCH_BAD));
	(void)fold_text(text, &folded);
	k->needle = arena_dup(x->q->arena, buf_slice(&folded));
	buf_free(&folded);
	if (x->fuzzies > 0) { /* of other keys FUZZY means nothing: RFC 6203 5 allows that */
		k->words = fuzzy_of(x->q->arena, k->needle, false);
		k->is_scored = x->nots % 2 == 0;
	}
	return (true);
}

static bool is_cached(struct slice name)
{
	for (size_t i = 0; mailbox_cached_fields[i] != NULL; i++)
		if (slice_ieq(name, slice_of(mailbox_cached_fields[i])))
			return (true);
	return (false);
}

static bool add_header(struct parsing *x, struct slice field)
{
	struct search_key *k = add_key(x, KEY_HEADER);

	if (k == NULL)
		return (false);
	k->field = arena_dup(x->q->arena, field);
	x->q->fields_missing += !is_cached(field);
	return (take_needle(x, k));
}

static bool add_flags(struct parsing *x, unsigned flags, bool negated)
{
	struct search_key *k = add_key(x, KEY_FLAGS);

	if (k == NULL)
		return (false);
	k->flags = flags;
	return (!negated || add_op(x, OP_NOT, 1));
}

static bool add_keyword(struct parsing *x, bool negated)
{
	struct slice name;
	int bit;

	if (!args_sp(x->a) || !args_atom(x->a, &name) || !args_is_keyword(name))
		return (fail(x, SEARCH_BAD));
	if (slice_ieq(name, SLICE("$Forwarded")))
		return (add_flags(x, FLAG_PASSED, negated));
	bit = x->view == NULL ? -1 : view_keyword_find(x->view, name);
	if (!add_flags(x, bit < 0 ? 0 : (unsigned)FLAG_KEYWORD0 << bit, negated))
		return (false);
	if (bit < 0) /* it may come to be while a result is kept up to date */
		x->q->keys[x->q->keys_n - 1].field = arena_dup(x->q->arena, name);
	return (true);
}

static bool add_day(struct parsing *x, enum key_what what, enum day_relation relation)
{
	struct search_key *k = add_key(x, what);
	struct slice text;

	if (k == NULL)
		return (false);
	k->relation = relation;
	k->field = SLICE("Date");
	if (what == KEY_SENT)
		x->q->fields_missing += !is_cached(k->field);
	/* date = date-text / DQUOTE date-text DQUOTE */
	if (!args_sp(x->a) || !args_astring(x->a, &text) || !date_parse_imap_day(text, &k->day))
		return (fail(x, SEARCH_BAD));
	return (true);
}

static bool add_number(struct parsing *x, enum key_what what, uint64_t max)
{
	struct search_key *k = add_key(x, what);

	if (k == NULL)
		return (false);
	return ((args_sp(x->a) && args_u64(x->a, max, &k->number)) || fail(x, SEARCH_BAD));
}

/* "MODSEQ" [SP entry-name SP entry-type-req] SP mod-sequence-valzer: the entry is for per-flag
 * counters we do not keep. */
static bool add_modseq(struct parsing *x)
{
	struct slice entry;

	x->q->wants_modseq = true;
	if (x->a->c.end - x->a->c.p > 1 && x->a->c.p[1] == '"') {
		if (!args_sp(x->a) || !args_string(x->a, &entry) || !args_sp(x->a) ||
		    (!args_word(x->a, "all") && !args_word(x->a, "priv") &&
			!args_word(x->a, "shared")))
			return (fail(x, SEARCH_BAD));
	}
	return (add_number(x, KEY_MODSEQ, INT64_MAX));
}

static bool add_set(struct parsing *x, bool by_number)
{
	struct search_key *k = add_key(x, KEY_UIDS);
	struct args in = { x->a->c, x->q->arena };
	bool over, ok;

	if (k == NULL)
		return (false);
	ok = args_set(&in, &k->uids, &over);
	x->a->c = in.c;
	k->by_number = by_number;
	k->is_saved = k->uids.is_saved;
	return (ok || fail(x, over ? SEARCH_LIMIT : SEARCH_BAD));
}

static bool add_recent(struct parsing *x, bool negated)
{
	struct search_key *k = add_key(x, KEY_RECENT);

	if (k == NULL)
		return (false);
	k->number = x->recent_from;
	return (!negated || add_op(x, OP_NOT, 1));
}

static bool add_new(struct parsing *x)
{
	return (add_recent(x, false) && add_flags(x, FLAG_SEEN, true) && add_op(x, OP_AND, 2));
}

/* RFC 5032: so many seconds ago, from when the search was asked */
static bool add_interval(struct parsing *x, enum key_what what)
{
	struct search_key *k = add_key(x, what);
	uint64_t seconds;

	if (k == NULL)
		return (false);
	if (!args_sp(x->a) || !args_u64(x->a, UINT32_MAX, &seconds) || seconds == 0)
		return (fail(x, SEARCH_BAD));
	k->day = clock_wall() - (int64_t)seconds;
	return (true);
}

/* RFC 8474 6: an objectid; one that is none of ours matches nothing */
static bool add_objectid(struct parsing *x, enum key_what what)
{
	struct slice id;
	struct search_key *k;

	if (!args_sp(x->a) || !args_astring(x->a, &id))
		return (fail(x, SEARCH_BAD));
	if ((k = add_key(x, what)) == NULL)
		return (false);
	k->needle = arena_dup(x->q->arena, id);
	return (true);
}

enum word {
	W_ALL,
	W_FLAG,
	W_UNFLAG,
	W_KEYWORD,
	W_UNKEYWORD,
	W_NEW,
	W_RECENT,
	W_OLD,
	W_BEFORE,
	W_ON,
	W_SINCE,
	W_SENTBEFORE,
	W_SENTON,
	W_SENTSINCE,
	W_SAVEDBEFORE,
	W_SAVEDON,
	W_SAVEDSINCE,
	W_OLDER,
	W_YOUNGER,
	W_EMAILID,
	W_THREADID,
	W_LARGER,
	W_SMALLER,
	W_MODSEQ,
	W_UID,
	W_NAMED,
	W_HEADER,
	W_BODY,
	W_TEXT,
};

static const struct {
	const char *name;
	enum word word;
	unsigned flag;
} words[] = {
	{ "ALL", W_ALL, 0 },
	{ "ANSWERED", W_FLAG, FLAG_ANSWERED },
	{ "DELETED", W_FLAG, FLAG_DELETED },
	{ "DRAFT", W_FLAG, FLAG_DRAFT },
	{ "FLAGGED", W_FLAG, FLAG_FLAGGED },
	{ "SEEN", W_FLAG, FLAG_SEEN },
	{ "UNANSWERED", W_UNFLAG, FLAG_ANSWERED },
	{ "UNDELETED", W_UNFLAG, FLAG_DELETED },
	{ "UNDRAFT", W_UNFLAG, FLAG_DRAFT },
	{ "UNFLAGGED", W_UNFLAG, FLAG_FLAGGED },
	{ "UNSEEN", W_UNFLAG, FLAG_SEEN },
	{ "KEYWORD", W_KEYWORD, 0 },
	{ "UNKEYWORD", W_UNKEYWORD, 0 },
	{ "NEW", W_NEW, 0 },
	{ "RECENT", W_RECENT, 0 },
	{ "OLD", W_OLD, 0 },
	{ "BEFORE", W_BEFORE, 0 },
	{ "ON", W_ON, 0 },
	{ "SINCE", W_SINCE, 0 },
	{ "SENTBEFORE", W_SENTBEFORE, 0 },
	{ "SENTON", W_SENTON, 0 },
	{ "SENTSINCE", W_SENTSINCE, 0 },
	{ "SAVEDBEFORE", W_SAVEDBEFORE, 0 }, /* RFC 8514 */
	{ "SAVEDON", W_SAVEDON, 0 },
	{ "SAVEDSINCE", W_SAVEDSINCE, 0 },
	{ "SAVEDATESUPPORTED", W_ALL, 0 }, /* in every folder */
	{ "OLDER", W_OLDER, 0 },           /* RFC 5032 */
	{ "YOUNGER", W_YOUNGER, 0 },
	{ "EMAILID", W_EMAILID, 0 }, /* RFC 8474 */
	{ "THREADID", W_THREADID, 0 },
	{ "LARGER", W_LARGER, 0 },
	{ "SMALLER", W_SMALLER, 0 },
	{ "MODSEQ", W_MODSEQ, 0 },
	{ "UID", W_UID, 0 },
	{ "BCC", W_NAMED, 0 },
	{ "CC", W_NAMED, 0 },
	{ "FROM", W_NAMED, 0 },
	{ "SUBJECT", W_NAMED, 0 },
	{ "TO", W_NAMED, 0 },
	{ "HEADER", W_HEADER, 0 },
	{ "BODY", W_BODY, 0 },
	{ "TEXT", W_TEXT, 0 },
};

static bool add_text(struct parsing *x, enum key_what what)
{
	struct search_key *k = add_key(x, what);

	return (k != NULL && take_needle(x, k));
}

static bool take_word(struct parsing *x, size_t i)
{
	struct slice field;

	switch (words[i].word) {
	case W_ALL: return (add_key(x, KEY_ALL) != NULL);
	case W_FLAG:
	case W_UNFLAG: return (add_flags(x, words[i].flag, words[i].word == W_UNFLAG));
	case W_KEYWORD:
	case W_UNKEYWORD: return (add_keyword(x, words[i].word == W_UNKEYWORD));
	case W_NEW: return (add_new(x));
	case W_RECENT:
	case W_OLD: return (add_recent(x, words[i].word == W_OLD));
	case W_BEFORE:
	case W_ON:
	case W_SINCE: return (add_day(x, KEY_DAY, (enum day_relation)(words[i].word - W_BEFORE)));
	case W_SENTBEFORE:
	case W_SENTON:
	case W_SENTSINCE:
		return (add_day(x, KEY_SENT, (enum day_relation)(words[i].word - W_SENTBEFORE)));
	case W_SAVEDBEFORE:
	case W_SAVEDON:
	case W_SAVEDSINCE:
		return (add_day(x, KEY_SAVED, (enum day_relation)(words[i].word - W_SAVEDBEFORE)));
	case W_OLDER: return (add_interval(x, KEY_OLDER));
	case W_YOUNGER: return (add_interval(x, KEY_YOUNGER));
	case W_EMAILID: return (add_objectid(x, KEY_EMAILID));
	case W_THREADID: return (add_objectid(x, KEY_THREADID));
	case W_LARGER: return (add_number(x, KEY_LARGER, INT64_MAX));
	case W_SMALLER: return (add_number(x, KEY_SMALLER, INT64_MAX));
	case W_MODSEQ: return (add_modseq(x));
	case W_UID: return ((args_sp(x->a) || fail(x, SEARCH_BAD)) && add_set(x, false));
	case W_NAMED: return (add_header(x, slice_of(words[i].name)));
	case W_HEADER:
		if (!args_sp(x->a) || !args_astring(x->a, &field))
			return (fail(x, SEARCH_BAD));
		return (add_header(x, field));
	case W_BODY: return (add_text(x, KEY_BODY));
	case W_TEXT: return (add_text(x, KEY_TEXT));
	}
	return (false);
}

static bool push(struct parsing *x, enum frame_kind kind)
{
	if (x->depth == COUNT_OF(x->frames))
		return (fail(x, SEARCH_LIMIT));
	x->frames[x->depth++] = (struct frame){ kind, 0 };
	x->nots += kind == FRAME_NOT;
	x->fuzzies += kind == FRAME_FUZZY;
	x->q->is_fuzzy |= kind == FRAME_FUZZY;
	return (true);
}

/* One step: a key is added (*ret_operand), or a frame is opened. */
static bool take_key(struct parsing *x, bool *ret_operand)
{
	static const struct {
		const char *name;
		enum frame_kind kind;
	} prefixes[] = {
		{ "NOT", FRAME_NOT }, { "OR", FRAME_OR }, { "FUZZY", FRAME_FUZZY }, /* RFC 6203 7 */
	};
	struct slice name;

	*ret_operand = true;
	if (args_char(x->a, '(')) {
		*ret_operand = false;
		return (push(x, FRAME_LIST));
	}
	if (ascii_digit((char)cursor_peek(&x->a->c)) || args_peek(x->a, '*') ||
	    args_peek(x->a, '$'))
		return (add_set(x, true));
	if (!args_atom(x->a, &name))
		return (fail(x, SEARCH_BAD));
	for (size_t i = 0; i < COUNT_OF(prefixes); i++)
		if (slice_ieq(name, slice_of(prefixes[i].name))) {
			*ret_operand = false;
			return (
			    (args_sp(x->a) || fail(x, SEARCH_BAD)) && push(x, prefixes[i].kind));
		}
	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (slice_ieq(name, slice_of(words[i].name)))
			return (take_word(x, i));
	return (fail(x, SEARCH_BAD));
}

/* An operand is complete: close every frame that it completes. *ret_done: the whole program is. */
static bool close_frames(struct parsing *x, bool *ret_done)
{
	*ret_done = false;
	for (;;) {
		struct frame *f = &x->frames[x->depth - 1];

		f->have++;
		if (f->kind == FRAME_NOT) {
			if (!add_op(x, OP_NOT, 1))
				return (false);
			x->nots--;
		} else if (f->kind == FRAME_FUZZY) {
			x->fuzzies--;
		} else if (f->kind == FRAME_OR && f->have == 2) {
			if (!add_op(x, OP_OR, 2))
				return (false);
		} else if (f->kind == FRAME_OR)
			return (args_sp(x->a) || fail(x, SEARCH_BAD));
		else if (x->depth > 1 && args_char(x->a, ')')) {
			if (f->have > 1 && !add_op(x, OP_AND, f->have))
				return (false);
		} else if (x->depth == 1 && args_end(x->a)) {
			*ret_done = true;
			return (f->have == 1 || add_op(x, OP_AND, f->have));
		} else
			return (args_sp(x->a) || fail(x, SEARCH_BAD));
		x->depth--;
	}
}

static bool parse(struct parsing *x)
{
	bool operand, done = false;

	if (!push(x, FRAME_LIST))
		return (false);
	while (!done)
		if (!take_key(x, &operand) || (operand && !close_frames(x, &done)))
			return (false);
	return (true);
}

struct search *search_parse(
    struct args *a, const struct view *v, uint32_t recent_from, enum search_fault *ret_fault)
{
	struct search *q = NEW(struct search);
	struct parsing x = { .a = a, .q = q, .view = v, .recent_from = recent_from };
	struct slice charset;

	q->arena = arena_new(0);
	q->keys = arena_array(q->arena, L_IKEY, sizeof(*q->keys));
	q->ops = arena_array(q->arena, (size_t)4 * L_IKEY, sizeof(*q->ops));
	if (args_word(a, "CHARSET")) {
		if (!args_sp(a) || !args_astring(a, &charset) || !args_sp(a))
			(void)fail(&x, SEARCH_BAD);
		else if (slice_ieq(charset, SLICE("UTF-8")) ||
		    slice_ieq(charset, SLICE("US-ASCII"))) {
			if (parse(&x))
				return (q);
		} else
			(void)fail(&x, SEARCH_CHARSET);
	} else if (parse(&x))
		return (q);
	*ret_fault = x.fault;
	search_free(q);
	return (NULL);
}

void search_free(struct search *q)
{
	if (q == NULL)
		return;
	text_found_free(q->found);
	arena_free(q->arena);
	free(q);
}
