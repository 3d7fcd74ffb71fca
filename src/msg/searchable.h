/* searchable.h: which texts of a message does a search look at? One answer for the search that reads
 * messages (imap/search_match.c) and the index that spares it (store/text_gather.c), so that the
 * two cannot differ. RFC 9051 6.4.4. */
#ifndef MSG_SEARCHABLE_H
#define MSG_SEARCHABLE_H

#include "msg/mime.h"

/* One text, as UTF-8, not yet folded, valid during the call. ${name}: of a header field, as
 * written; empty for the text of a part. ${part}: whose it is. True: no more. */
typedef bool searchable_fn(
    void *self, const struct mime_part *part, struct slice name, struct slice utf8);

enum searchable_end {
	SEARCHABLE_ALL,       /* all were told */
	SEARCHABLE_STOPPED,   /* the callback wanted no more */
	SEARCHABLE_TOO_LARGE, /* a text over ${max} octets was left out; the others were told */
};

/* BODY: text parts, decoded, HTML as a person sees it; and the header of each message inside, for
 * that is text of the outer one. */
enum searchable_end searchable_body(
    struct arena *a, const struct mime *m, size_t max, searchable_fn *on_text, void *self);
/* What TEXT adds: the message's header and those of its parts, "including MIME header fields". A
 * message inside has its header here too. */
enum searchable_end searchable_header(
    struct arena *a, const struct mime *m, searchable_fn *on_text, void *self);

#endif
