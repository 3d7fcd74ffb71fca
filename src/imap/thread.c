/* Which message answers which? Three ways of RFC 5256 and of the INTHREAD draft: by subject, by
 * references and subject, by references alone. Nodes are numbers into arrays; nothing recurses.
 * REFERENCES in the RFC's six steps: link, find the roots, prune, sort, gather by subject, sort.
 *
 * Looking for a loop means to walk up from the parent to be. A node without children can close
 * none, and in honest mail hardly any other is linked; walks have a budget all the same, and a
 * link that would need more is not made. RFC 5256 3, 4. */
#include "imap/thread.h"

#include <stdlib.h>

#include "core/limits.h"
#include "core/mem.h"

enum { NONE = 0xffffffff };

struct node {
	uint32_t parent;      /* 0: the root of all, which is node 0 */
	uint32_t first, last; /* children, 0: none */
	uint32_t next;        /* sibling, 0: none */
	uint32_t kids;        /* while linking */
	uint32_t message;     /* NONE: nobody has this message */
};

struct table { /* from hashes, made under a secret key, to numbers that are not 0 */
	uint64_t *keys;
	uint32_t *values;
	size_t mask;
};

struct threads {
	const struct thread_message *m;
	size_t n;
	struct node *nodes;
	uint32_t nodes_n;
	struct table ids;
	uint64_t walks;
};

struct at { /* a node and when it is */
	int64_t when;
	uint32_t number, node;
};

static void table_init(struct table *t, size_t most)
{
	size_t size = 16;

	while (size < 2 * most)
		size *= 2;
	t->keys = mem_new_array(size, sizeof(*t->keys));
	t->values = mem_new_array(size, sizeof(*t->values));
	t->mask = size - 1;
}

static uint32_t *table_at(struct table *t, uint64_t key)
{
	size_t i = (size_t)key & t->mask;

	while (t->values[i] != 0 && t->keys[i] != key)
		i = (i + 1) & t->mask;
	t->keys[i] = key;
	return (&t->values[i]);
}

static void table_free(struct table *t)
{
	free(t->keys);
	free(t->values);
}

static int by_when(const void *l, const void *r)
{
	const struct at *a = l, *b = r;

	if (a->when != b->when)
		return (a->when < b->when ? -1 : 1);
	return (a->number < b->number ? -1 : a->number > b->number);
}

/* --- step 1: links --- */

static uint32_t node_new(struct threads *t, uint32_t message)
{
	t->nodes[t->nodes_n] = (struct node){ .message = message };
	return (t->nodes_n++);
}

static uint32_t node_of_id(struct threads *t, uint64_t id)
{
	uint32_t *at = table_at(&t->ids, id);

	if (*at == 0)
		*at = node_new(t, NONE);
	return (*at);
}

/* Would ${parent} be below ${child}? Yes, too, when it cannot be found out cheaply. */
static bool is_loop(struct threads *t, uint32_t parent, uint32_t child)
{
	if (parent == child)
		return (true);
	if (t->nodes[child].kids == 0)
		return (false);
	for (; parent != 0; parent = t->nodes[parent].parent) {
		if (parent == child || t->walks == 0)
			return (true);
		t->walks--;
	}
	return (false);
}

static void link_nodes(struct threads *t, uint32_t parent, uint32_t child)
{
	if (parent == 0 || is_loop(t, parent, child))
		return;
	t->nodes[child].parent = parent;
	t->nodes[parent].kids++;
}

static void link_message(struct threads *t, uint32_t i, const uint64_t *refs)
{
	const struct thread_message *m = &t->m[i];
	uint32_t before = 0, own = 0;
	struct node *node;

	/* Of messages that share an id only the first has it. */
	if (m->id != 0) {
		own = node_of_id(t, m->id);
		if (t->nodes[own].message != NONE)
			own = 0;
		else
			t->nodes[own].message = i;
	}
	if (own == 0)
		own = node_new(t, i);
	for (uint32_t k = 0; k < m->refs_n; k++) { /* A */
		uint32_t ref = node_of_id(t, refs[m->refs_at + k]);

		if (t->nodes[ref].parent == 0)
			link_nodes(t, before, ref);
		before = ref;
	}
	node = &t->nodes[own];
	if (node->parent == before)
		return;
	if (node->parent != 0) { /* B: what others said of it was cut short */
		t->nodes[node->parent].kids--;
		node->parent = 0;
	}
	link_nodes(t, before, own);
}

/* --- steps 2 and 3: no dummies but at the top --- */

static bool is_dummy(const struct threads *t, uint32_t node)
{
	return (t->nodes[node].message == NONE);
}

/* Each message's parent becomes the nearest message above it or, where there is none, the topmost
 * dummy. Every dummy is asked once: it remembers the answer in ${next}. */
static uint32_t holder_of(struct threads *t, uint32_t node)
{
	uint32_t at = t->nodes[node].parent, up, ret;

	while (at != 0 && is_dummy(t, at) && t->nodes[at].next == 0 && t->nodes[at].parent != 0)
		at = t->nodes[at].parent;
	ret = at != 0 && is_dummy(t, at) && t->nodes[at].next != 0 ? t->nodes[at].next : at;
	for (at = t->nodes[node].parent;
	     at != ret && at != 0 && is_dummy(t, at) && t->nodes[at].next == 0; at = up) {
		up = t->nodes[at].parent;
		t->nodes[at].next = ret;
	}
	return (ret);
}

static void prune(struct threads *t)
{
	uint32_t *holders = mem_new_array(t->nodes_n, sizeof(*holders));

	for (uint32_t i = 1; i < t->nodes_n; i++)
		if (!is_dummy(t, i))
			holders[i] = holder_of(t, i);
	for (uint32_t i = 0; i < t->nodes_n; i++) {
		t->nodes[i].parent = holders[i];
		t->nodes[i].kids = t->nodes[i].next = 0;
	}
	for (uint32_t i = 1; i < t->nodes_n; i++)
		if (!is_dummy(t, i))
			t->nodes[holders[i]].kids++;
	for (uint32_t i = 1; i < t->nodes_n; i++) /* an only child is promoted */
		if (holders[i] != 0 && is_dummy(t, holders[i]) && t->nodes[holders[i]].kids == 1)
			t->nodes[i].parent = 0;
	for (uint32_t i = 1; i < t->nodes_n; i++)
		if (is_dummy(t, i) && t->nodes[i].kids == 1)
			t->nodes[i].kids = 0;
	free(holders);
}

/* --- steps 4 and 6: order --- */

/* Children in order of when they were sent: all messages are sorted once and hung up in that
 * order. */
static void hang(struct threads *t, const struct at *sorted)
{
	for (uint32_t i = 0; i < t->nodes_n; i++)
		t->nodes[i].first = t->nodes[i].last = t->nodes[i].next = 0;
	for (size_t i = 0; i < t->n; i++) {
		uint32_t node = sorted[i].node, parent = t->nodes[node].parent;
		struct node *p = &t->nodes[parent];

		if (parent == 0)
			continue; /* roots have an order of their own */
		if (p->first == 0)
			p->first = node;
		else
			t->nodes[p->last].next = node;
		p->last = node;
	}
}

static struct at *sort_messages(struct threads *t)
{
	struct at *ret = mem_new_array(t->n + 1, sizeof(*ret));
	size_t n = 0;

	for (uint32_t i = 1; i < t->nodes_n; i++)
		if (!is_dummy(t, i)) {
			const struct thread_message *m = &t->m[t->nodes[i].message];

			ret[n++] = (struct at){ m->sent, m->number, i };
		}
	qsort(ret, n, sizeof(*ret), by_when);
	return (ret);
}

/* The message that stands for a root: itself, or a dummy's first child. */
static const struct thread_message *face_of(const struct threads *t, uint32_t root)
{
	return (&t->m[t->nodes[is_dummy(t, root) ? t->nodes[root].first : root].message]);
}

static struct at *sort_roots(const struct threads *t, size_t *ret_n)
{
	struct at *ret = mem_new_array(t->nodes_n, sizeof(*ret));
	size_t n = 0;

	for (uint32_t i = 1; i < t->nodes_n; i++)
		if (t->nodes[i].parent == 0 && (!is_dummy(t, i) || t->nodes[i].first != 0)) {
			const struct thread_message *m = face_of(t, i);

			ret[n++] = (struct at){ m->sent, m->number, i };
		}
	qsort(ret, n, sizeof(*ret), by_when);
	*ret_n = n;
	return (ret);
}

/* REFS: threads stand where their newest message is, as it was received. */
static void sort_by_newest(struct threads *t, struct at *roots, size_t n, const struct at *sorted)
{
	uint32_t *top = mem_new_array(t->nodes_n, sizeof(*top)), *stack;
	int64_t *newest = mem_new_array(t->nodes_n, sizeof(*newest));
	size_t depth = 0;

	stack = mem_new_array(t->n + 1, sizeof(*stack));
	for (size_t i = 0; i < n; i++) {
		top[roots[i].node] = roots[i].node;
		newest[roots[i].node] = INT64_MIN;
	}
	for (size_t i = 0; i < t->n; i++) { /* up to what is known, and down again */
		uint32_t at = sorted[i].node;
		int64_t when = t->m[t->nodes[at].message].received;

		for (; top[at] == 0; at = t->nodes[at].parent)
			stack[depth++] = at;
		for (; depth > 0; depth--)
			top[stack[depth - 1]] = top[at];
		if (newest[top[at]] < when)
			newest[top[at]] = when;
	}
	for (size_t i = 0; i < n; i++)
		roots[i].when = newest[roots[i].node];
	qsort(roots, n, sizeof(*roots), by_when);
	free(top);
	free(newest);
	free(stack);
}

/* --- step 5: gather by subject --- */

/* Does ${node} serve better than ${there} as the one that others join? 5 B iv */
static bool is_better(const struct threads *t, uint32_t node, uint32_t there)
{
	if (is_dummy(t, there))
		return (false);
	return (is_dummy(t, node) || (face_of(t, there)->is_reply && !face_of(t, node)->is_reply));
}

static void join(struct threads *t, uint32_t node, uint32_t *there)
{
	uint32_t dummy;

	if (is_dummy(t, node)) { /* and so is the other: is_better saw to it */
		for (uint32_t kid = t->nodes[node].first; kid != 0; kid = t->nodes[kid].next)
			t->nodes[kid].parent = *there;
		return;
	}
	if (is_dummy(t, *there) || (face_of(t, node)->is_reply && !face_of(t, *there)->is_reply)) {
		t->nodes[node].parent = *there;
		return;
	}
	dummy = node_new(t, NONE);
	t->nodes[dummy].first = *there; /* its face, until all is hung up again */
	t->nodes[*there].parent = t->nodes[node].parent = dummy;
	*there = dummy;
}

static void gather(struct threads *t, const struct at *roots, size_t n)
{
	struct table subjects;

	table_init(&subjects, n);
	for (size_t i = 0; i < n; i++) {
		uint64_t subject = face_of(t, roots[i].node)->subject;
		uint32_t *there = subject == 0 ? NULL : table_at(&subjects, subject);

		if (there != NULL && (*there == 0 || is_better(t, roots[i].node, *there)))
			*there = roots[i].node;
	}
	for (size_t i = 0; i < n; i++) {
		uint64_t subject = face_of(t, roots[i].node)->subject;
		uint32_t *there = subject == 0 ? NULL : table_at(&subjects, subject);

		/* one that others joined already stands under their dummy */
		if (there != NULL && *there != roots[i].node && t->nodes[roots[i].node].parent == 0)
			join(t, roots[i].node, there);
	}
	table_free(&subjects);
}

/* --- saying --- */

static void say_number(const struct threads *t, uint32_t node, struct buf *out)
{
	if (!is_dummy(t, node))
		(void)buf_add_u64(out, t->m[t->nodes[node].message].number);
}

/* thread-list = "(" (thread-members / thread-nested) ")": one child follows its parent, more are in
 * lists of their own. */
static void say_thread(const struct threads *t, uint32_t root, struct buf *out)
{
	uint32_t at = root;

	(void)buf_addc(out, '(');
	for (;;) {
		uint32_t kid = t->nodes[at].first;

		say_number(t, at, out);
		if (kid != 0) {
			(void)buf_addz(out, is_dummy(t, at) ? "" : " ");
			(void)buf_addz(out, t->nodes[kid].next != 0 ? "(" : "");
			at = kid;
			continue;
		}
		while (at != root) {
			uint32_t up = t->nodes[at].parent;

			if (t->nodes[up].first != t->nodes[up].last)
				(void)buf_addc(out, ')');
			if (t->nodes[at].next != 0) {
				(void)buf_addc(out, '(');
				at = t->nodes[at].next;
				break;
			}
			at = up;
		}
		if (at == root)
			break;
	}
	(void)buf_addc(out, ')');
}

static void by_references(
    enum thread_kind kind, struct threads *t, const uint64_t *refs, struct buf *out)
{
	struct at *sorted, *roots;
	size_t all = 0, n;

	for (size_t i = 0; i < t->n; i++)
		all += t->m[i].refs_n;
	/* a node for each id, and for each join of step 5 */
	t->nodes = mem_new_array(1 + 3 * t->n + all, sizeof(*t->nodes));
	t->walks = L_IWALKS * (t->n + all);
	(void)node_new(t, NONE);
	table_init(&t->ids, t->n + all + 1);
	for (uint32_t i = 0; i < t->n; i++)
		link_message(t, i, refs);
	table_free(&t->ids);
	prune(t);
	sorted = sort_messages(t);
	hang(t, sorted);
	roots = sort_roots(t, &n);
	if (kind == THREAD_REFERENCES) {
		gather(t, roots, n);
		free(roots);
		hang(t, sorted);
		roots = sort_roots(t, &n);
	} else
		sort_by_newest(t, roots, n, sorted);
	for (size_t i = 0; i < n; i++)
		say_thread(t, roots[i].node, out);
	free(sorted);
	free(roots);
	free(t->nodes);
}

/* --- by subject --- */

struct subject {
	uint64_t subject;
	struct at at;
};

static int by_subject(const void *l, const void *r)
{
	const struct subject *a = l, *b = r;

	if (a->subject != b->subject)
		return (a->subject < b->subject ? -1 : 1);
	return (by_when(&a->at, &b->at));
}

static void by_ordered_subject(const struct threads *t, struct buf *out)
{
	struct subject *all = mem_new_array(t->n + 1, sizeof(*all));
	struct at *heads = mem_new_array(t->n + 1, sizeof(*heads));
	size_t n = 0;

	for (uint32_t i = 0; i < t->n; i++)
		all[i] = (struct subject){ t->m[i].subject, { t->m[i].sent, t->m[i].number, i } };
	qsort(all, t->n, sizeof(*all), by_subject);
	for (uint32_t i = 0; i < t->n; i++)
		if (i == 0 || all[i].subject != all[i - 1].subject)
			heads[n++] = (struct at){ all[i].at.when, all[i].at.number, i };
	qsort(heads, n, sizeof(*heads), by_when);
	for (size_t h = 0; h < n; h++) { /* "(1)", "(1 2)", "(1 (2)(3))": no grandchildren */
		size_t from = heads[h].node, end = from + 1;

		while (end < t->n && all[end].subject == all[from].subject)
			end++;
		(void)buf_fmt(out, "(%u", heads[h].number);
		for (size_t i = from + 1; i < end; i++)
			(void)buf_fmt(out,
			    end - from == 2     ? " %u"
				: i == from + 1 ? " (%u)"
						: "(%u)",
			    all[i].at.number);
		(void)buf_addc(out, ')');
	}
	free(all);
	free(heads);
}

void thread_write(enum thread_kind kind, const struct thread_message *m, size_t n,
    const uint64_t *refs, struct buf *out)
{
	struct threads t = { .m = m, .n = n };

	switch (kind) {
	case THREAD_ORDEREDSUBJECT: by_ordered_subject(&t, out); break;
	case THREAD_REFERENCES:
	case THREAD_REFS: by_references(kind, &t, refs, out); break;
	}
}
