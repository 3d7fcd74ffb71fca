/* addr.h: mailboxes and groups of address fields. RFC 5322 3.4 with its obsolete forms; at most
 * L_ADDR addresses, comments L_CMT deep. */
#ifndef MSG_ADDR_H
#define MSG_ADDR_H

#include "core/arena.h"

enum addr_kind { ADDR_MAILBOX, ADDR_GROUP, ADDR_GROUP_END };

struct addr {
	enum addr_kind kind;
	struct slice name;   /* display name or group name: quotes and comments resolved, encoded
				words left as they are; may be empty */
	struct slice local;  /* quotes resolved */
	struct slice domain; /* as written without blanks and comments; may be empty */
	struct slice route;  /* obsolete "@a,@b" route, else empty */
};

struct addr_list {
	const struct addr *v; /* in the arena */
	size_t n;
	bool faulty; /* something was skipped to go on */
	bool cut;    /* over L_ADDR */
};

/* Linear; never fails. */
void addr_parse(struct arena *a, struct slice field_body, struct addr_list *ret);
/* The one domain of a From field's mailboxes, without a final dot; false when none has one, or there are
 * several. Of a faulty field too: people see its address all the same, and so its domain's policy holds. */
bool addr_single_domain(const struct addr_list *l, struct slice *ret_domain);
/* local@domain written so that it parses back: quoted where needed. */
struct buf;
int addr_write(struct buf *out, struct slice local, struct slice domain);
/* The form in which addresses are compared: local@domain in lower case, the domain as A-labels. Empty
 * when the domain is none. In the arena. */
struct slice addr_fold(struct arena *a, struct slice local, struct slice domain);

#endif
