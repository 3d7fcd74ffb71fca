/* subject.h: what a message is about, and what it answers: the base subject (RFC 5256 2.1) and
 * message identifiers in References, In-Reply-To and Message-ID (RFC 5322 3.6.4). Linear. */
#ifndef MSG_SUBJECT_H
#define MSG_SUBJECT_H

#include "core/arena.h"
#include "core/cursor.h"
#include "msg/header.h"

/* subject_base: from a raw Subject body: decoded, blanks joined, without "Re:", "Fwd:", "[list]" and
 * "(fwd)"; not case-folded. *ret_is_reply: some mark of a reply or forward was removed. In the
 * arena. */
struct slice subject_base(struct arena *a, struct slice field_body, bool *ret_is_reply);

/* msgid_take: the next msg-id, without "<" ">" and with needless quoting removed, so that octets
 * may be compared (RFC 5256 3, REFERENCES step 1). What is none is passed over; false at the end. */
bool msgid_take(struct arena *a, struct cursor *c, struct slice *ret);

/* msgid_root: by which identifier is this message's conversation known? The first of References, for
 * replies add theirs behind it (RFC 5322 3.6.4); else of In-Reply-To; else its own. From this header
 * alone, so it is the same whatever else is there or comes (RFC 8474 5.2: never another once told),
 * and a reply without References counts only with what it answers. As msgid_take gives it. false:
 * there is none. */
bool msgid_root(struct arena *a, const struct header *h, struct slice *ret);

#endif
