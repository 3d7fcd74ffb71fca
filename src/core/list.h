/* list.h: intrusive doubly linked list. A head is a node that points at itself when empty; a node
 * that is on no list is zeroed or points at itself, and list_drop() is harmless on it. */
#ifndef CORE_LIST_H
#define CORE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *next, *prev;
};

static inline void list_init(struct list *l)
{
	l->next = l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
	return (l->next == NULL || l->next == l);
}

static inline void list_add_before(struct list *at, struct list *node)
{
	node->prev = at->prev;
	node->next = at;
	at->prev->next = node;
	at->prev = node;
}

static inline void list_push(struct list *head, struct list *node) /* at the end */
{
	list_add_before(head, node);
}

static inline void list_unshift(struct list *head, struct list *node) /* at the front */
{
	list_add_before(head->next, node);
}

static inline void list_drop(struct list *node)
{
	if (node->next == NULL)
		return;
	node->prev->next = node->next;
	node->next->prev = node->prev;
	node->next = node->prev = node;
}

static inline struct list *list_shift(struct list *head) /* NULL when empty */
{
	struct list *first = head->next;

	if (list_empty(head))
		return (NULL);
	list_drop(first);
	return (first);
}

#define LIST_OWNER(node, type, member) ((type *)(void *)((char *)(node) - offsetof(type, member)))
/* Body may drop the current node. */
#define LIST_EACH(head, it)                                                                        \
	for (struct list *it = (head)->next, *it##_next = it->next; it != (head);                  \
	     it = it##_next, it##_next = it->next)

#endif
