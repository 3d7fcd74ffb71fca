/* write.h: responses that no content can break out of (IMP-23): what is not safe between quotes
 * becomes a literal, and what may not stand in a literal is replaced. RFC 9051 7, 9. All add to a
 * buf and are safe on any thread. */
#ifndef IMAP_WRITE_H
#define IMAP_WRITE_H

#include "core/buf.h"
#include "core/limits.h"
#include "store/mailbox.h"

/* The names of a folder's keywords at one moment, for threads that may not look at the view. */
struct keyword_names {
	char name[L_KW][L_KW_NAME + 1]; /* "": no such keyword */
};
void keyword_names_of(const struct view *v, struct keyword_names *ret);

/* string = quoted / literal. 8-bit goes in a literal unless ${utf8} (IMAP4rev2 is enabled) and
 * valid. NUL becomes "?". */
int write_string(struct buf *out, struct slice s, bool utf8);
int write_astring(struct buf *out, struct slice s); /* an atom where it can be */
int write_mailbox(struct buf *out, struct slice name,
    bool utf8); /* name in UTF-8; modified UTF-7 unless ${utf8} */
/* Text behind a status: only printable ASCII passes, cut at 200 octets, never empty. */
int write_text(struct buf *out, const char *text);
/* "(\Seen $Junk)" */
int write_flags(struct buf *out, unsigned flags, bool recent, const struct keyword_names *names);
/* ${kind} and 32 hexadecimal digits (RFC 8474 7: no id of one kind reads as one of another) */
enum { OBJECT_EMAIL = 'M', OBJECT_THREAD = 'T' };
void write_objectid(struct buf *out, char kind, const unsigned char id[16]);
int write_special_use(struct buf *out, enum folder_role role,
    const char *before);                           /* nothing for an ordinary folder */
const char *role_attribute(enum folder_role role); /* "\Sent", or NULL */
/* "[UNAVAILABLE]" and the like (RFC 5530), for a failure of the store. */
const char *code_of(const struct err *err);

#endif
