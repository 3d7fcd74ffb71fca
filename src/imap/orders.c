/* orders.c: a few orders of a view, each as the rank of every message it knows. Those of fewer
 * messages are picked from it without comparing anything. What came since is in none of them: then
 * the order is made anew, and kept in the old one's place. RFC 5256 3. */
#include "imap/orders.h"

#include <stdlib.h>

#include "core/limits.h"
#include "core/mem.h"

struct known {
	struct sort_key keys[SORT_KEYS];
	size_t keys_n;
	uint32_t *uids, *ranks; /* owned; by UID; rank: place in the order */
	size_t n;
};

struct orders {
	struct known all[L_ISORT_KEPT]; /* the one used last is the first */
	size_t n;
};

static void forget(struct known *k)
{
	free(k->uids);
	free(k->ranks);
	*k = (struct known){ 0 };
}

static void orders_free(void *data)
{
	struct orders *all = data;

	for (size_t i = 0; i < all->n; i++)
		forget(&all->all[i]);
	free(all);
}

static bool is_same(const struct known *k, const struct order *o)
{
	if (k->keys_n != o->keys_n)
		return (false);
	for (size_t i = 0; i < o->keys_n; i++)
		if (k->keys[i].what != o->keys[i].what || k->keys[i].reverse != o->keys[i].reverse)
			return (false);
	return (true);
}

static bool may_keep(const struct order *o)
{
	/* Past a limit texts are shortened, by what else is sorted. */
	return (!o->is_thread && !o->by_relevancy && !o->is_guess && o->texts_n < L_ISORT_TEXTS);
}

/* Moves it to the front. */
static struct known *find(struct orders *all, const struct order *o)
{
	struct known k;
	size_t i = 0;

	while (i < all->n && !is_same(&all->all[i], o))
		i++;
	if (i == all->n)
		return (NULL);
	k = all->all[i];
	memmove(all->all + 1, all->all, i * sizeof(k));
	all->all[0] = k;
	return (&all->all[0]);
}

static struct known *make_room(struct orders *all)
{
	if (all->n == L_ISORT_KEPT)
		forget(&all->all[--all->n]);
	memmove(all->all + 1, all->all, all->n * sizeof(all->all[0]));
	all->n++;
	all->all[0] = (struct known){ 0 };
	return (&all->all[0]);
}

void orders_keep(struct view *v, struct order *o, const uint32_t *uids, size_t n)
{
	struct orders *all = view_note(v);
	struct known *k;

	/* Half of the folder at least: fewer are sorted quickly, and would drive out more. */
	if (!may_keep(o) || o->ranks == NULL || o->n != n || n < view_count(v) / 2 + 1)
		return;
	if (all == NULL) {
		all = NEW(struct orders);
		view_set_note(v, all, orders_free);
	}
	k = find(all, o);
	if (k == NULL)
		k = make_room(all);
	else
		forget(k);
	memcpy(k->keys, o->keys, sizeof(k->keys));
	k->keys_n = o->keys_n;
	k->uids = mem_new_array(n, sizeof(*k->uids));
	memcpy(k->uids, uids, n * sizeof(*uids));
	k->ranks = o->ranks;
	k->n = n;
	o->ranks = NULL;
}

uint32_t *orders_find(struct view *v, const struct order *o, const uint32_t *uids, size_t n)
{
	struct orders *all = view_note(v);
	struct known *k = all == NULL || !may_keep(o) ? NULL : find(all, o);
	size_t at = 0, kept = 0;
	uint32_t *ret;

	if (k == NULL || n > k->n)
		return (NULL);
	ret = mem_new_array(k->n, sizeof(*ret)); /* 0 is no UID: a message that is not wanted */
	for (size_t i = 0; i < n; i++, at++) {
		while (at < k->n && k->uids[at] < uids[i])
			at++;
		if (at == k->n || k->uids[at] != uids[i]) {
			free(ret);
			return (NULL);
		}
		ret[k->ranks[at]] = uids[i];
	}
	for (size_t i = 0; i < k->n && n < k->n; i++)
		if (ret[i] != 0)
			ret[kept++] = ret[i];
	return (ret);
}
