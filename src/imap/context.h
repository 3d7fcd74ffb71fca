/* context.h: searches whose results are kept up to date: SEARCH and SORT with RETURN (UPDATE),
 * CONTEXT=SEARCH, CONTEXT=SORT (RFC 5267 4.3). They live while the mailbox stays selected. */
#ifndef IMAP_CONTEXT_H
#define IMAP_CONTEXT_H

#include "imap/searching.h"

struct context;

enum context_begun { CONTEXT_BEGUN, CONTEXT_REFUSED /* NOUPDATE was said */, CONTEXT_TAG /* in use */ };
/* A search with UPDATE begins: what changes from now on is noted. */
enum context_begun context_begin(
    struct imap *s, bool is_uid, struct slice fetch, struct context **ret);
/* "* NO [NOUPDATE tag] why": RFC 5267 4.3.1 */
void context_refuse(struct imap *s, const char *tag, const char *why);
/* It has its result, in ${order} where there is one; takes q and order from ${look}, unless there
 * is no room for the result: then NOUPDATE is said and the context is gone. */
void context_keep(struct context *c, struct looking *look, const uint32_t *uids, size_t n);
void context_drop(struct context *c); /* the search did not end well; accepts NULL */
bool context_cancel(struct imap *s, struct slice tag);
void contexts_free(struct imap *s); /* the mailbox is left */

void contexts_heard(struct imap *s, const struct view_change *ch, bool own);
/* One line more into the output; false: nothing is to be said. Removed: of expunged messages, which
 * go before the EXPUNGE. */
bool contexts_say_removed(struct imap *s);
bool contexts_say_changed(struct imap *s);
void contexts_go_on(struct imap *s); /* FETCH of what UPDATE (...) asked for */

#endif
