/* Sequence numbers and what is to be told. With g expunged uids not announced, number of uid =
 * those below it in the view + those below it among the gone + 1; the other way round is a binary
 * search over the gone. */
#include "imap/news.h"

#include <stdlib.h>

#include "core/mem.h"
#include "core/sorted.h"
#include "imap/write.h"

size_t uid_list_lower(const struct uid_list *l, uint32_t uid)
{
	return (sorted_lower(l->v, l->n, sizeof(*l->v), 0, uid));
}

bool uid_list_has(const struct uid_list *l, uint32_t uid)
{
	size_t at = uid_list_lower(l, uid);

	return (at < l->n && l->v[at] == uid);
}

void uid_list_merge(struct uid_list *l, const uint32_t *uids, size_t n)
{
	size_t a = l->n, b = n, at;

	if (n == 0)
		return;
	if (l->n + n > l->cap) {
		l->cap = l->n + n + l->n / 2;
		l->v = mem_grow(l->v, l->cap, sizeof(*l->v));
	}
	/* from the back, in place; equal ones leave a hole in front that is closed after. What comes
	 * behind the last moves nothing: lists grow so, one at a time. */
	for (at = l->n + n; b > 0 || (a > 0 && at > a);) {
		if (b == 0 || (a > 0 && l->v[a - 1] > uids[b - 1]))
			l->v[--at] = l->v[--a];
		else {
			if (a > 0 && l->v[a - 1] == uids[b - 1])
				a--;
			l->v[--at] = uids[--b];
		}
	}
	l->n += n;
	uid_list_drop_head(l, a == 0 ? at : 0);
}

void uid_list_drop_head(struct uid_list *l, size_t n)
{
	if (n == 0)
		return;
	l->n -= n;
	memmove(l->v, l->v + n, l->n * sizeof(*l->v));
	if (l->n == 0)
		uid_list_free(l);
}

void uid_list_remove(struct uid_list *l, const uint32_t *uids, size_t n)
{
	size_t kept = 0, at = 0;

	for (size_t i = 0; i < l->n; i++) {
		while (at < n && uids[at] < l->v[i])
			at++;
		if (at == n || uids[at] != l->v[i])
			l->v[kept++] = l->v[i];
	}
	l->n = kept;
	if (kept == 0)
		uid_list_free(l);
}

void uid_list_free(struct uid_list *l)
{
	free(l->v);
	*l = (struct uid_list){ 0 };
}

static uint32_t after_last(const struct view *v)
{
	size_t n = view_count(v);

	return (n == 0 ? 1 : view_at(v, n - 1)->uid + 1);
}

void news_init(struct news *n, struct view *v)
{
	*n = (struct news){
		.view = v, .next = after_last(v), .count = view_count(v), .recent_from = UINT32_MAX
	};
}

void news_done(struct news *n)
{
	uid_list_free(&n->gone);
	uid_list_free(&n->changed);
	n->view = NULL;
}

void news_heard(struct news *n, const struct view_change *ch, bool own)
{
	size_t known = 0;

	/* what came after the last EXISTS is told whole with the next one */
	while (known < ch->n && ch->uids[known] < n->next)
		known++;
	switch (ch->kind) {
	case VIEW_ADDED: break;
	case VIEW_FLAGS:
		if (!own)
			uid_list_merge(&n->changed, ch->uids, known);
		break;
	case VIEW_EXPUNGED:
		uid_list_merge(&n->gone, ch->uids, known);
		uid_list_remove(&n->changed, ch->uids, known);
		break;
	}
}

bool news_any(const struct news *n, const struct news_style *style)
{
	return (n->view != NULL &&
	    ((style->expunges && n->gone.n > 0) ||
		(!style->keep_flags && (n->changed.n > 0 || n->flags_too)) ||
		(!style->keep_new && view_count(n->view) + n->gone.n > n->count)));
}

bool news_is_gone(const struct news *n, uint32_t uid)
{
	return (uid_list_has(&n->gone, uid));
}

uint32_t news_seq(const struct news *n, uint32_t uid)
{
	size_t at = view_lower(n->view, uid);

	if (uid >= n->next)
		return (0);
	if ((at == view_count(n->view) || view_at(n->view, at)->uid != uid) &&
	    !news_is_gone(n, uid))
		return (0);
	return ((uint32_t)(at + uid_list_lower(&n->gone, uid) + 1));
}

uint32_t news_uid(const struct news *n, uint32_t seq)
{
	size_t lo = 0, hi = n->gone.n;

	if (seq == 0 || seq > n->count)
		return (0);
	while (lo < hi) { /* how many of the gone have a lower number? */
		size_t mid = lo + (hi - lo) / 2;

		if (view_lower(n->view, n->gone.v[mid]) + mid + 1 < seq)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo < n->gone.n && view_lower(n->view, n->gone.v[lo]) + lo + 1 == seq)
		return (n->gone.v[lo]);
	return (view_at(n->view, seq - 1 - lo)->uid);
}

uint32_t news_last_uid(const struct news *n)
{
	return (n->count == 0 ? 0 : news_uid(n, (uint32_t)n->count));
}

/* Where a range lies in the view, of what the client knows: [*ret_at, *ret_end). */
static void find_range(const struct news *n, struct range r, bool is_uid, size_t *ret_at,
    size_t *ret_end, bool *ret_missing)
{
	uint32_t lo = is_uid ? r.from : news_uid(n, r.from);
	uint32_t hi = is_uid ? r.to : news_uid(n, r.to);
	size_t gone = uid_list_lower(&n->gone, lo);

	if (gone < n->gone.n && n->gone.v[gone] <= hi)
		*ret_missing = true;
	*ret_at = view_lower(n->view, lo);
	*ret_end = view_lower(n->view, hi < n->next ? hi + 1 : n->next);
	if (*ret_end < *ret_at)
		*ret_end = *ret_at;
}

bool news_resolve(const struct news *n, struct seqset *set, bool is_uid, uint32_t **ret,
    size_t *ret_n, bool *ret_missing)
{
	size_t count = 0, at, end;

	*ret = NULL;
	*ret_n = 0;
	*ret_missing = false;
	if (!is_uid && set->has_star && n->count == 0)
		return (
		    /* RFC 9051 9: "*" of an empty mailbox is an error for numbers, and nothing
		     * for UIDs */
		    false);
	seqset_fix(set, is_uid ? news_last_uid(n) : (uint32_t)n->count);
	if (!is_uid && seqset_max(set) > n->count)
		return (false);
	for (size_t i = 0; i < set->n; i++) {
		find_range(n, set->v[i], is_uid, &at, &end, ret_missing);
		count += end - at;
	}
	if (count == 0)
		return (true);
	*ret = mem_new_array(count, sizeof(**ret));
	for (size_t i = 0; i < set->n; i++)
		for (find_range(n, set->v[i], is_uid, &at, &end, ret_missing); at < end; at++)
			(*ret)[(*ret_n)++] = view_at(n->view, at)->uid;
	return (true);
}

void news_write_flags(
    const struct news *n, uint32_t uid, bool flags, bool modseq, bool recent, struct buf *out)
{
	struct keyword_names names;
	uint32_t seq = news_seq(n, uid);
	size_t at = view_lower(n->view, uid);
	const struct view_message *m;

	if (seq == 0 || at == view_count(n->view) || (m = view_at(n->view, at))->uid != uid)
		return;
	if (n->uid_only)
		(void)buf_fmt(out, "* %u UIDFETCH (", uid);
	else
		(void)buf_fmt(out, "* %u FETCH (UID %u ", seq, uid);
	if (flags) {
		if (m->flags >= FLAG_KEYWORD0)
			keyword_names_of(n->view, &names);
		(void)buf_addz(out, "FLAGS ");
		(void)write_flags(out, m->flags, recent && uid >= n->recent_from,
		    m->flags >= FLAG_KEYWORD0 ? &names : NULL);
	}
	if (modseq)
		(void)buf_fmt(out, "%sMODSEQ (%llu)", flags ? " " : "", (unsigned long long)m->modseq);
	(void)buf_addz(out, ")\r\n");
}

static void write_new_keywords(const struct news *n, struct buf *out)
{
	struct keyword_names names;

	keyword_names_of(n->view, &names);
	(void)buf_addz(out, "* FLAGS ");
	(void)write_flags(out, UINT32_MAX, false, &names);
	(void)buf_addz(out, "\r\n");
}

enum { NEWS_PIECE = 256 };

static void write_expunges(struct news *n, const struct news_style *style, struct buf *out)
{
	if (style->vanished) { /* RFC 7162 3.2.10.2 */
		size_t told = n->gone.n < 1024 ? n->gone.n : 1024;

		(void)buf_addz(out, "* VANISHED ");
		(void)seqset_write(out, n->gone.v, told);
		(void)buf_addz(out, "\r\n");
		uid_list_drop_head(&n->gone, told);
		n->count -= told;
		return;
	}
	/* lowest first: those below are told and gone, so a number counts the view alone */
	size_t told = n->gone.n < NEWS_PIECE ? n->gone.n : NEWS_PIECE;

	for (size_t i = 0; i < told; i++)
		(void)buf_fmt(out, "* %zu EXPUNGE\r\n", view_lower(n->view, n->gone.v[i]) + 1);
	uid_list_drop_head(&n->gone, told);
	n->count -= told;
}

static void write_exists(struct news *n, const struct news_style *style, struct buf *out)
{
	n->count = view_count(n->view) + n->gone.n;
	(void)buf_fmt(out, "* %zu EXISTS\r\n", n->count);
	if (view_count(n->view) > 0 && after_last(n->view) > n->next)
		n->next = after_last(n->view);
	if (style->recent && n->recent_from != UINT32_MAX)
		(void)buf_fmt(out, "* %zu RECENT\r\n",
		    view_count(n->view) - view_lower(n->view, n->recent_from));
}

bool news_write(struct news *n, const struct news_style *style, struct buf *out)
{
	if (n->view == NULL)
		return (false);
	if (style->expunges && n->gone.n > 0)
		write_expunges(n, style, out);
	else if (n->flags_too && !style->keep_flags) {
		write_new_keywords(n, out);
		n->flags_too = false;
	} else if (!style->keep_new && view_count(n->view) + n->gone.n > n->count)
		write_exists(n, style, out);
	else if (!style->keep_flags && n->changed.n > 0) {
		size_t told = n->changed.n < NEWS_PIECE / 4 ? n->changed.n : NEWS_PIECE / 4;

		for (size_t i = 0; i < told; i++)
			news_write_flags(
			    n, n->changed.v[i], true, style->modseq, style->recent, out);
		uid_list_drop_head(&n->changed, told);
	}
	return (news_any(n, style));
}

/* [from, to] without the gone, which are told as gone later. */
static void write_without_gone(
    const struct news *n, uint32_t from, uint32_t to, struct buf *out, bool *first)
{
	for (size_t g = uid_list_lower(&n->gone, from); g < n->gone.n && n->gone.v[g] <= to; g++) {
		if (n->gone.v[g] > from)
			(void)seqset_write_range(out, from, n->gone.v[g] - 1, first);
		from = n->gone.v[g] + 1;
	}
	if (from <= to)
		(void)seqset_write_range(out, from, to, first);
}

void news_write_missing(
    const struct news *n, const struct seqset *set, struct buf *out, bool *first)
{
	const struct view *v = n->view;

	for (size_t i = 0; i < set->n; i++) {
		uint32_t from = set->v[i].from, to = set->v[i].to;

		if (to >= view_uidnext(v))
			to = view_uidnext(v) - 1;
		for (size_t at = view_lower(v, from); from <= to; at++) {
			uint32_t next = at < view_count(v) ? view_at(v, at)->uid : UINT32_MAX;

			if (next > from)
				write_without_gone(n, from, next > to ? to : next - 1, out, first);
			if (next >= to)
				break;
			from = next + 1;
		}
	}
}
