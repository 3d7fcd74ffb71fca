/* What happened that this client wants to hear of, and has not been told? Lines that are ready
 * (names, annotations), folders whose STATUS is to be told, new messages whose FETCH is. Bounded by
 * L_NOTIFY_FOLDERS and L_NOTIFY_OCTETS: beyond, the client is told so and hears nothing more (RFC
 * 5465 5.8). When what is told is announce.c's. */
#include "imap/notify.h"

#include <stdlib.h>

#include "core/limits.h"
#include "core/mem.h"
#include "imap/announce.h"
#include "imap/command.h"
#include "imap/fetch.h"
#include "imap/status.h"

enum { FETCH_AT_ONCE = 1000 }; /* new messages of one silent FETCH */

struct dirty {
	struct folder *folder; /* stays while the account does */
	unsigned events;
	bool seen; /* \Seen of some message changed */
};

struct notify {
	struct notify_set *set; /* NULL: NONE, or NOTIFY was not used */
	bool is_used, patrols, metadata, server_metadata, overflow;
	struct store_watch watch;
	struct dirty *dirty;
	size_t dirty_n, dirty_cap;
	struct store_op *op; /* a STATUS that is asked for */
	struct dirty asked;
	struct buf lines;
	uint32_t fetched; /* new messages from here are not fetched yet */
	struct uid_list own; /* of those, the client's own */
	struct imap_call aside; /* IDLE, while a silent FETCH runs */
	bool has_aside;
};

/* --- what is wanted --- */

/* All groups that apply add up; NONE takes its mailboxes out of the others, in any order: RFC 5465
 * 6, 8 (events). */
unsigned notify_wanted(const struct imap *s, struct slice name, enum folder_role role)
{
	const struct notify_set *set = s->notify == NULL ? NULL : s->notify->set;
	unsigned wanted = 0;

	for (size_t i = 0; set != NULL && i < set->n; i++) {
		const struct notify_group *g = &set->groups[i];

		if (!filter_has(s, g->filter, g->names, g->names_n, name, role))
			continue;
		if (g->events == 0)
			return (0);
		wanted |= g->events;
	}
	return (wanted);
}

bool notify_listens(const struct imap *s)
{
	return (s->notify != NULL && s->notify->set != NULL);
}

void notify_style(const struct imap *s, bool between, struct news_style *st)
{
	const struct notify *n = s->notify;
	unsigned wanted;

	if (n == NULL || !n->is_used)
		return;
	wanted = n->set == NULL ? 0 : n->set->selected;
	st->keep_new = !(wanted & NOTIFY_NEW);
	st->keep_flags = !(wanted & NOTIFY_FLAGS);
	st->expunges = st->expunges && (wanted & NOTIFY_EXPUNGE) &&
	    !(between && n->set->is_delayed); /* RFC 5465 6.1.2 */
}

/* RFC 5465 5.1 to 5.3 */
unsigned notify_status_items(const struct imap *s, unsigned events)
{
	unsigned items = 0;

	if (events & (NOTIFY_NEW | NOTIFY_EXPUNGE))
		items |= ITEM_UIDNEXT | ITEM_MESSAGES;
	if (events & NOTIFY_FLAGS)
		items |= ITEM_UIDVALIDITY;
	if (s->condstore)
		items |= ITEM_MODSEQ;
	return (items);
}

/* --- what happens --- */

static void drop_waiting(struct notify *n)
{
	store_op_cancel(n->op);
	n->op = NULL;
	free(n->dirty);
	n->dirty = NULL;
	n->dirty_n = n->dirty_cap = 0;
	buf_free(&n->lines);
	n->lines.max = L_NOTIFY_OCTETS;
}

/* Other programs change folders that nobody has open; who listens to some has them all looked at. */
static void patrol(struct imap *s)
{
	struct notify *n = s->notify;
	bool wants = n->set != NULL && n->set->n > 0;

	if (wants != n->patrols)
		account_patrol(s->account, wants);
	n->patrols = wants;
}

/* RFC 5465 5.8: as if NOTIFY NONE had come. */
static void overflow(struct imap *s)
{
	struct notify *n = s->notify;

	drop_waiting(n);
	notify_set_free(n->set);
	n->set = NULL;
	n->metadata = n->server_metadata = false;
	n->overflow = true;
	patrol(s);
}

static void add_dirty(struct imap *s, struct folder *f, unsigned event, bool seen)
{
	struct notify *n = s->notify;

	for (size_t i = 0; i < n->dirty_n; i++)
		if (n->dirty[i].folder == f) {
			n->dirty[i].events |= event;
			n->dirty[i].seen |= seen;
			return;
		}
	if (n->dirty_n == L_NOTIFY_FOLDERS) {
		overflow(s);
		return;
	}
	if (n->dirty_n == n->dirty_cap) {
		n->dirty_cap = n->dirty_cap * 2 + 8;
		n->dirty = mem_grow(n->dirty, n->dirty_cap, sizeof(*n->dirty));
	}
	n->dirty[n->dirty_n++] = (struct dirty){ f, event, seen };
}

static void on_messages(struct imap *s, const struct store_event *ev)
{
	unsigned event = ev->kind == EVENT_ADDED ? NOTIFY_NEW
	    : ev->kind == EVENT_EXPUNGED	 ? NOTIFY_EXPUNGE
						 : NOTIFY_FLAGS;

	/* RFC 5465 5.1: without CONDSTORE there is nothing to say but UNSEEN */
	if (event == NOTIFY_FLAGS && !s->condstore && !ev->seen_changed)
		return;
	if (!imap_is_selected(s, ev->folder) &&
	    (notify_wanted(s, slice_of(folder_name(ev->folder)), folder_role(ev->folder)) & event))
		add_dirty(s, ev->folder, event, ev->seen_changed);
}

static unsigned wanted_by_name(const struct imap *s, const char *name)
{
	const struct folder *f = folder_find(s->account, slice_of(name));

	return (notify_wanted(s, slice_of(name), f == NULL ? ROLE_NONE : folder_role(f)));
}

/* Of a name made or gone the one above is affected too: RFC 5465 5.4. */
static void on_name(struct imap *s, const struct store_event *ev)
{
	struct buf *out = &s->notify->lines;
	bool sub = ev->act == FOLDER_SUBSCRIBED || ev->act == FOLDER_UNSUBSCRIBED;
	unsigned bit = sub ? NOTIFY_SUBSCRIPTION : NOTIFY_NAME;
	size_t slash = slice_rchr(slice_of(ev->name), '/');
	unsigned wanted = wanted_by_name(s, ev->name);

	/* who follows his subscriptions has to hear that one ended */
	if (ev->act == FOLDER_UNSUBSCRIBED && s->notify->set != NULL)
		for (size_t i = 0; i < s->notify->set->n; i++)
			if (s->notify->set->groups[i].filter == FILTER_SUBSCRIBED)
				wanted |= s->notify->set->groups[i].events;
	if (ev->old_name != NULL)
		wanted |= wanted_by_name(s, ev->old_name);
	if ((ev->act == FOLDER_CREATED || ev->act == FOLDER_DELETED) && slash != SIZE_MAX) {
		char *above = mem_strndup(ev->name, slash);

		if (wanted_by_name(s, above) & bit)
			notify_say_list(s, out, above, NULL);
		free(above);
	}
	if (wanted & bit)
		notify_say_list(s, out, ev->name, ev->old_name);
}

static void on_metadata(struct imap *s, const struct store_event *ev)
{
	const struct notify *n = s->notify;
	bool wanted = ev->folder == NULL ? n->server_metadata : n->metadata;

	if (ev->folder == NULL)
		for (size_t i = 0; n->set != NULL && i < n->set->n; i++)
			wanted |= (n->set->groups[i].events & NOTIFY_SERVER_METADATA) != 0;
	else
		wanted |= (notify_wanted(s, slice_of(folder_name(ev->folder)),
			       folder_role(ev->folder)) &
			      NOTIFY_METADATA) != 0;
	if (wanted)
		notify_say_metadata(s, &s->notify->lines,
		    ev->folder == NULL ? "" : folder_name(ev->folder), ev->entries, ev->entries_n);
}

static void on_event(void *self, const struct store_event *ev)
{
	struct imap *s = self;
	struct notify *n = s->notify;

	/* RFC 5465 5: not what this client did itself */
	if (ev->account != s->account || ev->by == s)
		return;
	switch (ev->kind) {
	case EVENT_ADDED:
	case EVENT_EXPUNGED:
	case EVENT_FLAGS: on_messages(s, ev); break;
	case EVENT_FOLDERS: on_name(s, ev); break;
	case EVENT_METADATA: on_metadata(s, ev); break;
	}
	if (n->lines.failed)
		overflow(s);
	if (n->dirty_n > 0 || n->lines.n > 0 || n->overflow)
		announce_soon(s);
}

/* --- life --- */

static struct notify *have(struct imap *s)
{
	struct notify *n = s->notify;

	if (n != NULL)
		return (n);
	n = s->notify = NEW(struct notify);
	buf_init(&n->lines, L_NOTIFY_OCTETS);
	n->watch.on_event = on_event;
	n->watch.self = s;
	store_watch_add(s->server->store, &n->watch);
	return (n);
}

void notify_use(struct imap *s, struct notify_set *set)
{
	struct notify *n = have(s);

	drop_waiting(n);
	notify_set_free(n->set);
	n->set = set;
	n->is_used = true;
	n->overflow = false;
	patrol(s);
	notify_on_select(s);
}

void notify_enable_metadata(struct imap *s, bool mailboxes, bool server)
{
	struct notify *n = have(s);

	n->metadata |= mailboxes;
	n->server_metadata |= server;
}

void notify_free(struct imap *s)
{
	struct notify *n = s->notify;

	if (n == NULL)
		return;
	if (n->patrols)
		account_patrol(s->account, false);
	s->notify = NULL;
	store_watch_drop(&n->watch);
	drop_waiting(n);
	notify_set_free(n->set);
	uid_list_free(&n->own);
	arena_free(n->aside.arena);
	free(n);
}

void notify_on_select(struct imap *s)
{
	if (s->notify == NULL)
		return;
	s->notify->fetched = s->news.view == NULL ? 0 : s->news.next;
	uid_list_free(&s->notify->own);
}

/* RFC 5465 5.2: of what the client brought itself there is no FETCH. */
void notify_heard(struct imap *s, const struct view_change *ch, bool own)
{
	if (own && ch->kind == VIEW_ADDED && notify_listens(s) && s->notify->set->fetch.p != NULL)
		uid_list_merge(&s->notify->own, ch->uids, ch->n);
}

/* --- telling --- */

bool notify_say_lines(struct imap *s)
{
	struct notify *n = s->notify;

	if (n == NULL || (n->lines.n == 0 && !n->overflow))
		return (false);
	(void)buf_add_slice(&s->out, buf_slice(&n->lines));
	buf_free(&n->lines);
	n->lines.max = L_NOTIFY_OCTETS;
	if (n->overflow)
		(void)buf_addz(&s->out,
		    "* OK [NOTIFICATIONOVERFLOW] Too much happens; NOTIFY is off, ask anew\r\n");
	n->overflow = false;
	imap_flush(s);
	return (true);
}

static void on_status(void *self, const struct folder_status *st, const struct err *err)
{
	struct imap *s = self;
	struct notify *n = s->notify;
	struct dirty d = n->asked;
	unsigned items;

	n->op = NULL;
	if (err == NULL && !imap_is_selected(s, d.folder)) {
		if (!announce_may(s)) { /* a command came in between */
			add_dirty(s, d.folder, d.events, d.seen);
			return;
		}
		items = notify_status_items(s, d.events);
		if ((d.events & NOTIFY_FLAGS) && d.seen)
			items |= ITEM_UNSEEN;
		status_write(s, folder_name(d.folder), st, items);
	} else if (err != NULL && folder_exists(d.folder)) {
		add_dirty(s, d.folder, d.events, d.seen); /* with what happens next */
		return;
	}
	announce_soon(s);
}

static void next_status(struct imap *s)
{
	struct notify *n = s->notify;

	while (n->op == NULL && n->dirty_n > 0) {
		n->asked = n->dirty[0];
		memmove(n->dirty, n->dirty + 1, --n->dirty_n * sizeof(*n->dirty));
		if (folder_exists(n->asked.folder))
			n->op = folder_status(n->asked.folder, on_status, s);
	}
}

static const struct imap_command unasked = { SLICE_INIT("?"), 7, CMD_SILENT, NULL };

void notify_fetch(struct imap *s, struct slice list, const uint32_t *uids, size_t many)
{
	struct notify *n = have(s);

	if (s->call.row != NULL) {
		n->aside = s->call;
		n->has_aside = true;
	}
	s->call = (struct imap_call){ .row = &unasked, .arena = arena_new(0), .tag = NULL };
	s->reading = READING_NONE;
	fetch_unasked(s, list, uids, many);
}

bool notify_fetches(const struct imap *s, struct slice list)
{
	return (notify_listens(s) && (s->notify->set->selected & NOTIFY_NEW) &&
	    s->notify->set->fetch.p != NULL && slice_ieq(s->notify->set->fetch, list));
}

/* New messages that were told by EXISTS and have not been fetched, the client's own left out. */
static void next_fetch(struct imap *s)
{
	struct notify *n = s->notify;
	const struct view *v = s->news.view;
	uint32_t *uids;
	size_t at, many = 0;

	if (v == NULL || s->view_gone || n->set->fetch.p == NULL ||
	    !(n->set->selected & NOTIFY_NEW) || n->fetched >= s->news.next)
		return;
	uids = mem_new_array(FETCH_AT_ONCE, sizeof(*uids));
	at = view_lower(v, n->fetched);
	for (; at < view_count(v) && view_at(v, at)->uid < s->news.next && many < FETCH_AT_ONCE; at++) {
		n->fetched = view_at(v, at)->uid + 1;
		if (!uid_list_has(&n->own, view_at(v, at)->uid))
			uids[many++] = view_at(v, at)->uid;
	}
	if (many < FETCH_AT_ONCE)
		n->fetched = s->news.next;
	uid_list_drop_head(&n->own, uid_list_lower(&n->own, n->fetched));
	if (many > 0)
		notify_fetch(s, n->set->fetch, uids, many);
	free(uids);
}

void notify_go_on(struct imap *s)
{
	if (!notify_listens(s))
		return;
	next_status(s);
	next_fetch(s);
}

void notify_fetched(struct imap *s)
{
	struct notify *n = s->notify;

	s->reading = READING_COMMAND;
	if (n != NULL && n->has_aside) {
		s->call = n->aside;
		n->aside = (struct imap_call){ 0 };
		n->has_aside = false;
		s->reading = READING_LINE;
	}
}
