/* LIST LSUB: which mailboxes are there? RFC 9051 6.3.9 (with LIST-EXTENDED, RFC 5258),
 * LIST-STATUS (RFC 5819), SPECIAL-USE (RFC 6154), LSUB (RFC 3501 6.3.9). The tree is taken once,
 * at the start: names may change while it is said. */
#include "imap/command.h"

#include <stdlib.h>

#include "core/limits.h"
#include "core/map.h"
#include "core/mem.h"
#include "imap/metadata.h"
#include "imap/pattern.h"
#include "imap/status.h"

enum {
	SELECT_SUBSCRIBED = 1,
	SELECT_REMOTE = 2,
	SELECT_RECURSIVE = 4,
	SELECT_SPECIAL = 8,
	RETURN_SUBSCRIBED = 16,
	RETURN_CHILDREN = 32,
	RETURN_SPECIAL = 64,
	RETURN_STATUS = 128,
	LIST_EXTENDED = 256,
	LIST_LSUB = 512,
	RETURN_METADATA = 1024, /* RFC 9590 */
};

struct entry {
	struct slice name;     /* UTF-8 */
	struct folder *folder; /* NULL: it does not exist; a parent, or subscribed only */
	enum folder_role role;
	bool subscribed, has_children, has_subscribed_below;
	bool is_listed; /* for itself, not for what is below it */
	bool has_hidden_below; /* subscribed, and matching no pattern */
};

struct listing {
	unsigned options, status_items;
	struct metadata_ask metadata;
	struct pattern **patterns;
	size_t patterns_n;
	struct entry **v;
	size_t n, cap, at;
	struct map *names;
};

static void listing_drop(void *data)
{
	struct listing *l = data;

	map_free(l->names);
	free(l->v);
}

/* --- the tree --- */

static struct entry *entry_of(struct imap *s, struct listing *l, struct slice name)
{
	struct entry *e = map_get(l->names, name);

	if (e != NULL)
		return (e);
	e = arena_alloc(s->call.arena, sizeof(*e));
	e->name = arena_dup(s->call.arena, name);
	(void)map_put(l->names, name, e);
	if (l->n == l->cap) {
		l->cap = l->cap * 2 + 64;
		l->v = mem_grow(l->v, l->cap, sizeof(struct entry *));
	}
	l->v[l->n++] = e;
	return (e);
}

static bool matches(const struct listing *l, const struct entry *e, bool *ret_percent)
{
	bool found = false;

	*ret_percent = false;
	for (size_t i = 0; i < l->patterns_n; i++)
		if (pattern_match(l->patterns[i], e->name)) {
			found = true;
			*ret_percent |= pattern_ends_with_percent(l->patterns[i]);
		}
	return (found);
}

static void tell_parents(struct imap *s, struct listing *l, const struct entry *e)
{
	struct slice name = e->name;
	size_t slash;
	bool percent, hidden = e->subscribed && (l->options & SELECT_RECURSIVE) != 0 &&
	    !matches(l, e, &percent);

	while ((slash = slice_rchr(name, '/')) != SIZE_MAX && slash > 0) {
		struct entry *parent;

		name = slice_head(name, slash);
		parent = entry_of(s, l, name);
		parent->has_children |= e->folder != NULL;
		parent->has_subscribed_below |= e->subscribed;
		parent->has_hidden_below |= hidden;
	}
}

static int by_name(const void *pa, const void *pb)
{
	const struct entry *a = *(struct entry *const *)pa, *b = *(struct entry *const *)pb;
	bool a_inbox = slice_eq(a->name, SLICE("INBOX")),
	     b_inbox = slice_eq(b->name, SLICE("INBOX"));

	if (a_inbox != b_inbox)
		return (a_inbox ? -1 : 1);
	return (slice_cmp(a->name, b->name));
}

static void take_tree(struct imap *s, struct listing *l)
{
	size_t n;

	l->names = map_new();
	for (struct folder *f = folder_next(s->account, NULL); f != NULL;
	     f = folder_next(s->account, f)) {
		struct entry *e = entry_of(s, l, slice_of(folder_name(f)));

		e->folder = f;
		e->role = folder_role(f);
	}
	for (const char *z = subscription_next(s->account, NULL); z != NULL;
	     z = subscription_next(s->account, z))
		entry_of(s, l, slice_of(z))->subscribed = true;
	n = l->n; /* parents that are made on the way tell nobody: their children did */
	for (size_t i = 0; i < n; i++)
		tell_parents(s, l, l->v[i]);
	qsort(l->v, l->n, sizeof(struct entry *), by_name);
}

/* --- which, and how --- */

static bool is_wanted(
    const struct listing *l, struct entry *e, bool percent, bool *ret_childinfo)
{
	bool wanted = true;

	/* Not for what is told itself: no CHILDINFO that says nothing new (RFC 9051 6.3.9.6) */
	*ret_childinfo = (l->options & SELECT_RECURSIVE) && (l->options & SELECT_SUBSCRIBED) &&
	    e->has_hidden_below;
	if (l->options & SELECT_SUBSCRIBED)
		wanted =
		    e->subscribed || (l->options & LIST_LSUB && percent && e->has_subscribed_below);
	else if (e->folder ==
	    /* the parent of a mailbox, itself deleted: shown so that "%" finds its way down */
	    NULL)
		wanted = percent && e->has_children;
	if (l->options & SELECT_SPECIAL)
		wanted = wanted && role_attribute(e->role) != NULL;
	e->is_listed = wanted; /* of another no STATUS is told: RFC 5819 3 */
	return (wanted || *ret_childinfo);
}

static void add_attribute(struct buf *out, const char **gap, const char *name)
{
	(void)buf_addz(out, *gap);
	(void)buf_addz(out, name);
	*gap = " ";
}

static void say_entry(
    struct imap *s, const struct listing *l, const struct entry *e, bool childinfo)
{
	struct buf *out = &s->out;
	const char *gap = "", *use = role_attribute(e->role);
	bool lsub = (l->options & LIST_LSUB) != 0;

	(void)buf_addz(out, lsub ? "* LSUB (" : "* LIST (");
	if (e->folder == NULL) {
		/* RFC 9051 7.3.1: \NonExistent implies \NoSelect; older clients know the second
		 * only */
		if ((l->options & LIST_EXTENDED) || s->rev2)
			add_attribute(out, &gap, "\\NonExistent");
		if (!lsub || !e->subscribed)
			add_attribute(out, &gap, "\\Noselect");
	} else if (lsub && !e->subscribed) /* here for what is below it: RFC 3501 6.3.9 */
		add_attribute(out, &gap, "\\Noselect");
	if (!lsub) {
		add_attribute(out, &gap,
		    e->has_children ? "\\HasChildren" : "\\HasNoChildren"); /* RFC 3348 */
		if (e->subscribed && (l->options & (RETURN_SUBSCRIBED | SELECT_SUBSCRIBED)))
			add_attribute(out, &gap, "\\Subscribed");
		if (use != NULL) /* RFC 6154 2: plain LIST may say it too, and phones need it */
			add_attribute(out, &gap, use);
	}
	(void)buf_addz(out, ") \"/\" ");
	(void)write_mailbox(out, e->name, s->utf8);
	if (childinfo)
		(void)buf_addz(out, " (\"CHILDINFO\" (\"SUBSCRIBED\"))");
	(void)buf_addz(out, "\r\n");
}

static enum imap_step say_some(struct imap *s)
{
	struct listing *l = s->call.data;

	for (unsigned i = 0; i < 64 && l->at < l->n; i++, l->at++) {
		struct entry *e = l->v[l->at];
		bool percent, childinfo;

		if (!matches(l, e, &percent) || !is_wanted(l, e, percent, &childinfo))
			continue;
		say_entry(s, l, e, childinfo);
	}
	imap_flush(s);
	return (l->at < l->n ? STEP_MORE : STEP_DONE);
}

/* --- RETURN (STATUS ...), RETURN (METADATA ...) --- */

static void next_status(struct imap *s);
static void next_metadata(struct imap *s);

static enum imap_step wait_room(struct imap *s)
{
	(void)s;
	return (STEP_DONE); /* called only when there is room */
}

static void on_metadata(
    void *self, const struct metadata *v, size_t n, const struct err *err)
{
	struct imap *s = self;
	struct listing *l = s->call.data;

	s->call.op = NULL;
	if (err == NULL)
		metadata_say(s, l->v[l->at]->name, &l->metadata, v, n);
	l->at++;
	imap_produce(s, wait_room, next_metadata);
}

static void next_metadata(struct imap *s)
{
	struct listing *l = s->call.data;

	for (; l->at < l->n; l->at++) {
		struct entry *e = l->v[l->at];

		if (!e->is_listed || e->folder == NULL || !folder_exists(e->folder))
			continue;
		if ((s->call.op = metadata_read(s->account, e->folder, on_metadata, s)) != NULL)
			return;
	}
	imap_end(s, "OK Done");
}

static void begin_metadata(struct imap *s)
{
	struct listing *l = s->call.data;

	l->at = l->options & RETURN_METADATA ? 0 : l->n;
	next_metadata(s);
}

static void on_status(void *self, const struct folder_status *st, const struct err *err)
{
	struct imap *s = self;
	struct listing *l = s->call.data;

	s->call.op = NULL;
	if (err ==
	    /* else the mailbox went away meanwhile, or cannot be read: no STATUS for it (RFC
	     * 5819 2) */
	    NULL)
		status_write(s, folder_name(l->v[l->at]->folder), st, l->status_items);
	l->at++;
	imap_produce(s, wait_room, next_status);
}

static void next_status(struct imap *s)
{
	struct listing *l = s->call.data;

	for (; l->at < l->n; l->at++) {
		struct entry *e = l->v[l->at];

		if (!e->is_listed || e->folder == NULL || !folder_exists(e->folder))
			continue;
		if ((s->call.op = folder_status(e->folder, on_status, s)) != NULL)
			return;
	}
	begin_metadata(s);
}

static void said(struct imap *s)
{
	struct listing *l = s->call.data;

	if (!(l->options & RETURN_STATUS)) {
		begin_metadata(s);
		return;
	}
	l->at = 0;
	next_status(s);
}

/* --- the command --- */

static bool take_options(struct args *a, struct listing *l, bool returns)
{
	static const struct {
		const char *name;
		bool returns;
		unsigned bit;
	} known[] = {
		{ "SUBSCRIBED", false, SELECT_SUBSCRIBED },
		{ "REMOTE", false, SELECT_REMOTE },
		{ "RECURSIVEMATCH", false, SELECT_RECURSIVE },
		{ "SPECIAL-USE", false, SELECT_SPECIAL },
		{ "SUBSCRIBED", true, RETURN_SUBSCRIBED },
		{ "CHILDREN", true, RETURN_CHILDREN },
		{ "SPECIAL-USE", true, RETURN_SPECIAL },
		{ "STATUS", true, RETURN_STATUS },
		{ "METADATA", true, RETURN_METADATA },
	};
	struct slice name;

	l->options |= LIST_EXTENDED;
	if (!args_char(a, '('))
		return (false);
	if (args_char(a, ')'))
		return (true);
	do {
		unsigned bit = 0;

		if (!args_atom(a, &name))
			return (false);
		for (size_t i = 0; i < COUNT_OF(known); i++)
			if (known[i].returns == returns && slice_ieq(name, slice_of(known[i].name)))
				bit = known[i].bit;
		if (bit == 0 ||
		    (bit == RETURN_STATUS &&
			(!args_sp(a) || !status_take_items(a, &l->status_items))) ||
		    (bit == RETURN_METADATA &&
			(!args_sp(a) || !metadata_take_entries(a, &l->metadata))))
			return (false);
		l->options |= bit;
	} while (args_sp(a));
	return (args_char(a, ')'));
}

/* Patterns are mailbox names too, in the old encoding before IMAP4rev2 is enabled; wildcards are
 * outside of it. */
static bool add_pattern(
    struct imap *s, struct listing *l, struct slice reference, struct slice given)
{
	struct slice text = { arena_fmt(s->call.arena, SLICE_FMT SLICE_FMT, SLICE_ARG(reference),
				  SLICE_ARG(given)),
		reference.n + given.n };

	if (!imap_mailbox_name(s, text, &text))
		return (false);
	l->patterns[l->patterns_n++] = pattern_new(s->call.arena, text);
	return (true);
}

/* False: answered. ${ret_root}: the one pattern was empty, which asks for the delimiter. */
static bool take_patterns(struct imap *s, struct listing *l, bool *ret_root)
{
	struct args *a = &s->call.args;
	struct slice reference, given;
	bool many;

	*ret_root = false;
	l->patterns = arena_array(s->call.arena, L_IPATTERN, sizeof(struct pattern *));
	if (!args_astring(a, &reference) || !args_sp(a))
		goto bad;
	many = args_char(a, '(');
	l->options |= many ? LIST_EXTENDED : 0U;
	do {
		if (!args_pattern(a, &given))
			goto bad;
		if (l->patterns_n == L_IPATTERN) {
			imap_end(s, "NO [LIMIT] Too many patterns");
			return (false);
		}
		if (!many && given.n == 0)
			*ret_root = true;
		else if (!add_pattern(s, l, reference, given))
			goto bad;
	} while (many && args_sp(a));
	if (!many || args_char(a, ')'))
		return (true);
bad:
	imap_bad(s, "LIST takes a reference and one pattern or a list of them");
	return (false);
}

static void start(struct imap *s, unsigned options)
{
	struct listing *l = arena_alloc(s->call.arena, sizeof(*l));
	struct args *a = &s->call.args;
	bool root;

	s->call.data = l;
	s->call.drop = listing_drop;
	l->options = options;
	l->metadata.maxsize = UINT64_MAX;
	if (!(options & LIST_LSUB) && args_peek(a, '(') &&
	    (!take_options(a, l, false) || !args_sp(a))) {
		imap_bad(s, "Unknown selection option");
		return;
	}
	/* RECURSIVEMATCH needs another selection than REMOTE: RFC 5258 3 */
	if ((l->options & SELECT_RECURSIVE) &&
	    !(l->options & (SELECT_SUBSCRIBED | SELECT_SPECIAL))) {
		imap_bad(s, "RECURSIVEMATCH alone selects nothing");
		return;
	}
	if (!take_patterns(s, l, &root))
		return;
	if (!args_end(a) &&
	    ((options & LIST_LSUB) || !args_sp(a) || !args_word(a, "RETURN") || !args_sp(a) ||
		!take_options(a, l, true) || !args_end(a))) {
		imap_bad(s, "Unknown return option");
		return;
	}
	if (status_wants_modseq(l->status_items))
		imap_enable_condstore(s);
	if (root && l->patterns_n == 0) {
		(void)buf_addz(&s->out,
		    (options & LIST_LSUB) ? "* LSUB (\\Noselect) \"/\" \"\"\r\n"
					  : "* LIST (\\Noselect) \"/\" \"\"\r\n");
		imap_flush(s);
		imap_end(s, "OK Done");
		return;
	}
	take_tree(s, l);
	imap_produce(s, say_some, said);
}

void cmd_list(struct imap *s)
{
	start(s, 0);
}

void cmd_lsub(struct imap *s)
{
	start(s, LIST_LSUB | SELECT_SUBSCRIBED);
}
