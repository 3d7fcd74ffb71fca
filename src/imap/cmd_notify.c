/* NOTIFY: what does the client want to hear without asking? RFC 5465 3.1. With STATUS it is told
 * how each mailbox stands that it will hear of, once and before the tagged answer. What happens
 * after is notify.c's. */
#include "core/mem.h"
#include "imap/command.h"
#include "imap/notify.h"
#include "imap/status.h"

enum { ASKED_AT_ONCE = 32 }; /* folders in a turn: each is held against every group */

struct asking {
	struct folder *at; /* the last one looked at; NULL: none yet */
	unsigned items;
};

static void next_status(struct imap *s);

static enum imap_step wait_room(struct imap *s)
{
	(void)s;
	return (STEP_DONE); /* called only when there is room */
}

static void on_status(void *self, const struct folder_status *st, const struct err *err)
{
	struct imap *s = self;
	const struct asking *x = s->call.data;

	s->call.op = NULL;
	if (err == NULL) /* else it is gone, or cannot be read now: the others are told */
		status_write(s, folder_name(x->at), st, x->items);
	imap_produce(s, wait_room, next_status);
}

/* RFC 5465 3.1: of each that a message event is wanted of, but for the selected one */
static void next_status(struct imap *s)
{
	struct asking *x = s->call.data;
	struct folder *f = x->at;
	unsigned many = 0;

	while ((f = folder_next(s->account, f)) != NULL) {
		unsigned events = notify_wanted(s, slice_of(folder_name(f)), folder_role(f));

		x->at = f;
		x->items = 0;
		if (imap_is_selected(s, f) || !(events & NOTIFY_MESSAGES)) {
			if (++many < ASKED_AT_ONCE)
				continue;
			imap_produce(s, wait_room, next_status);
			return;
		}
		x->items = ITEM_MESSAGES | ITEM_UIDNEXT | ITEM_UIDVALIDITY;
		if (events & NOTIFY_FLAGS)
			x->items |= ITEM_MODSEQ;
		if ((s->call.op = folder_status(f, on_status, s)) != NULL)
			return;
	}
	imap_end(s, "OK Will notify");
}

/* As other commands take names, and as folders are called here. */
static bool know_names(struct imap *s, struct notify_set *set)
{
	for (size_t i = 0; i < set->n; i++)
		for (size_t k = 0; k < set->groups[i].names_n; k++) {
			struct slice *name = &set->groups[i].names[k];
			const struct folder *f;

			if (!imap_mailbox_name(s, *name, name))
				return (false);
			/* what does not exist is kept too: it may come (RFC 5465 3.1) */
			f = folder_find(s->account, *name);
			*name = arena_dup(set->arena, f == NULL ? *name : slice_of(folder_name(f)));
		}
	return (true);
}

void cmd_notify(struct imap *s)
{
	struct args *a = &s->call.args;
	enum notify_fault fault = NOTIFY_BAD;
	struct notify_set *set;

	if (args_word(a, "NONE") && args_end(a)) {
		notify_use(s, NULL);
		imap_end(s, "OK Will not notify");
		return;
	}
	set = args_word(a, "SET") && args_sp(a) ? notify_parse(a, &fault) : NULL;
	if (set != NULL && !know_names(s, set)) {
		notify_set_free(set);
		set = NULL;
	}
	if (set == NULL) {
		switch (fault) {
		case NOTIFY_BAD:
			imap_bad(s, "NOTIFY takes NONE, or SET and groups of mailboxes and events");
			break;
		case NOTIFY_BADEVENT:
			imap_end(s, "NO [BADEVENT (" NOTIFY_EVENTS ")] Not all events are known");
			break;
		case NOTIFY_LIMIT:
			imap_end(s, "NO [NOTIFICATIONOVERFLOW] Too many mailboxes are named");
			break;
		}
		return;
	}
	notify_use(s, set);
	if (!set->status) {
		imap_end(s, "OK Will notify");
		return;
	}
	s->call.data = arena_alloc(s->call.arena, sizeof(struct asking));
	next_status(s);
}
