/* notify.h: what a client wants to hear that it does not ask for: the parsed NOTIFY SET (RFC 5465),
 * and what waits to be told because of it, or of ENABLE METADATA (RFC 5464 4.4). A session that
 * uses neither has none of it. */
#ifndef IMAP_NOTIFY_H
#define IMAP_NOTIFY_H

#include "imap/filter.h"

/* --- what is wanted (notify_parse.c): knows no session --- */
enum notify_event {
	NOTIFY_NEW = 1,
	NOTIFY_EXPUNGE = 2,
	NOTIFY_FLAGS = 4,
	NOTIFY_NAME = 8,
	NOTIFY_SUBSCRIPTION = 16,
	NOTIFY_METADATA = 32,
	NOTIFY_SERVER_METADATA = 64,
	NOTIFY_MESSAGES = NOTIFY_NEW | NOTIFY_EXPUNGE | NOTIFY_FLAGS,
};
struct notify_group {
	enum filter filter;
	unsigned events; /* 0: NONE */
	struct slice *names;
	size_t names_n;
};
struct notify_set {
	struct arena *arena; /* owned: all of it */
	bool status;
	bool has_selected, is_delayed;
	unsigned selected; /* events of the selected mailbox */
	struct slice fetch; /* "(UID FLAGS)": MessageNew of the selected one; p NULL: none */
	struct notify_group groups[L_NOTIFY_GROUPS]; /* of the others */
	size_t n;
};
enum notify_fault {
	NOTIFY_BAD,
	NOTIFY_BADEVENT, /* RFC 5465 3.1: an event we do not know */
	NOTIFY_LIMIT,    /* more than L_NOTIFY_GROUPS or L_NOTIFY_NAMES */
};
#define NOTIFY_EVENTS                                                                              \
	"MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange "                     \
	"MailboxMetadataChange ServerMetadataChange"

/* Behind "SET". Names as the client wrote them. NULL with *ret_fault. */
struct notify_set *notify_parse(struct args *a, enum notify_fault *ret_fault);
void notify_set_free(struct notify_set *set); /* accepts NULL */

/* --- what waits (notify.c) --- */
/* The command: replaces what was wanted before; NULL: NONE. Takes ${set}. */
void notify_use(struct imap *s, struct notify_set *set);
/* ENABLE METADATA, METADATA-SERVER: RFC 5464 4.4. */
void notify_enable_metadata(struct imap *s, bool mailboxes, bool server);
void notify_free(struct imap *s);
void notify_on_select(struct imap *s);
void notify_heard(struct imap *s, const struct view_change *ch, bool own);

bool notify_listens(const struct imap *s); /* between commands too */
/* What of the selected mailbox is not wanted, or not yet. ${between}: no command is under way. */
void notify_style(const struct imap *s, bool between, struct news_style *st);
/* Lines that wait: all of them into s->out. False: there are none. */
bool notify_say_lines(struct imap *s);
/* What takes time: STATUS of others; FETCH of new messages. Nothing else is under way, or IDLE. */
void notify_go_on(struct imap *s);
/* A silent FETCH of these, sorted, now. */
void notify_fetch(struct imap *s, struct slice list, const uint32_t *uids, size_t n);
bool notify_fetches(const struct imap *s, struct slice list); /* of new messages, this list */
void notify_fetched(struct imap *s); /* session.c: a silent command has ended */
/* Events of a mailbox that is not selected. */
unsigned notify_wanted(const struct imap *s, struct slice name, enum folder_role role);
unsigned notify_status_items(const struct imap *s, unsigned events);

/* --- lines (notify_say.c) --- */
/* "* LIST": attributes as they are now; ${old_name} NULL: it had no other. */
void notify_say_list(struct imap *s, struct buf *out, const char *name, const char *old_name);
void notify_say_metadata(
    struct imap *s, struct buf *out, const char *name, const struct slice *entries, size_t n);

#endif
