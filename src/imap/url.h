/* url.h: IMAP URLs as clients write them in CATENATE: which octets of which message of ours.
 * RFC 5092, RFC 4469 3. */
#ifndef IMAP_URL_H
#define IMAP_URL_H

#include "imap/section.h"

struct imap_url {
	struct slice user, host; /* decoded; empty: not said */
	struct slice mailbox;    /* UTF-8; p NULL: relative to the selected mailbox */
	uint32_t uidvalidity;    /* 0: not said */
	uint32_t uid;
	struct section section; /* the whole message when none is said; PARTIAL is its partial */
};

/* url_parse: a message or a part of one; absolute ("imap://host/..."), from the root ("/..."), or
 * ";UID=..." in the selected mailbox. What is kept is in the arena. False: anything else, a
 * mailbox, a search, a URL that carries authority (URLAUTH) among it. */
bool url_parse(struct arena *a, struct slice text, struct imap_url *ret);
/* url_escape: a URL, or what was sent for one, as it may stand in a response code: what may not
 * becomes %XX. */
int url_escape(struct slice text, struct buf *out);

#endif
