/* command.h: the table of commands and what its rows say. A row carries what the dispatcher must
 * know; run may assume it (ANCHORS P4). */
#ifndef IMAP_COMMAND_H
#define IMAP_COMMAND_H

#include "imap/session.h"

enum {
	CMD_NO_ARGS = 1, /* nothing may follow the name */
	CMD_NEWS = 2,    /* all news may be told before the tagged answer */
	CMD_NEWS_NO_EXPUNGE =
	    4,           /* RFC 9051 7.5.1: not while FETCH, STORE, SEARCH by number are answered */
	CMD_UID = 8,     /* "UID " may stand in front; then expunges may be told too */
	CMD_WRITES = 16, /* refused in a mailbox opened by EXAMINE */
	CMD_SILENT = 64,  /* nobody gave it: no tagged answer */
	CMD_PRIVATE = 32, /* needs TLS; arguments are secrets */
};

struct imap_command {
	struct slice name;
	unsigned states; /* enum imap_state bits in which it is allowed */
	unsigned flags;
	void (*run)(struct imap *s); /* s->call.args stands behind the name and its space */
};

/* A complete command: finds the row, checks state, runs it. */
void command_dispatch(struct imap *s, struct slice text);

/* cmd_basic.c */
void cmd_capability(struct imap *s);
void cmd_noop(struct imap *s);
void cmd_check(struct imap *s);
void cmd_logout(struct imap *s);
void cmd_id(struct imap *s);
void cmd_enable(struct imap *s);
void cmd_namespace(struct imap *s);
/* cmd_login.c */
void cmd_starttls(struct imap *s);
void cmd_login(struct imap *s);
void cmd_authenticate(struct imap *s);
/* cmd_select.c */
void cmd_select(struct imap *s);
void cmd_examine(struct imap *s);
void cmd_close(struct imap *s);
void cmd_unselect(struct imap *s);
/* cmd_mailbox.c */
void cmd_create(struct imap *s);
void cmd_delete(struct imap *s);
void cmd_rename(struct imap *s);
void cmd_subscribe(struct imap *s);
void cmd_unsubscribe(struct imap *s);
/* cmd_list.c, cmd_status.c */
void cmd_list(struct imap *s);
void cmd_lsub(struct imap *s);
void cmd_status(struct imap *s);
/* cmd_append.c, cmd_fetch.c, cmd_store.c, cmd_copy.c, cmd_search.c, cmd_idle.c */
void cmd_append(struct imap *s);
void cmd_replace(struct imap *s);
void cmd_fetch(struct imap *s);
void cmd_store(struct imap *s);
void cmd_expunge(struct imap *s);
void cmd_copy(struct imap *s);
void cmd_move(struct imap *s);
void cmd_search(struct imap *s);
void cmd_esearch(struct imap *s); /* cmd_multisearch.c */
void cmd_sort(struct imap *s);
void cmd_thread(struct imap *s);
void cmd_idle(struct imap *s);
void cmd_compress(struct imap *s);
void cmd_unauthenticate(struct imap *s);
/* cmd_metadata.c, cmd_quota.c, cmd_acl.c */
void cmd_getmetadata(struct imap *s);
void cmd_setmetadata(struct imap *s);
void cmd_getquota(struct imap *s);
void cmd_getquotaroot(struct imap *s);
void cmd_getacl(struct imap *s);
void cmd_myrights(struct imap *s);
void cmd_listrights(struct imap *s);
void cmd_not_yours(struct imap *s);
void cmd_cancelupdate(struct imap *s);
void cmd_notify(struct imap *s);

#endif
