/* append.h: an APPEND or REPLACE under way, as its files share it: cmd_append.c begins and ends it,
 * append_take.c takes what comes, catenate.c fetches what URLs name. */
#ifndef IMAP_APPEND_H
#define IMAP_APPEND_H

#include "imap/command.h"

struct incoming { /* one message */
	struct draft *draft;
	struct flag_list flags;
	int64_t date;
	bool binary;           /* came, in part at least, as literal8 */
	bool has_nul, old_nul; /* in a literal; in what a URL named */
};

enum append_state {
	APPEND_OPTIONS, /* flags, a date, then what the message is */
	APPEND_PART,    /* in "CATENATE (": a part is due */
	APPEND_PARTED,  /* ... behind a part */
	APPEND_ENDED,   /* behind a message: the end, or another one (RFC 3502) */
};

struct append {
	struct imap *s;
	struct folder *folder;
	struct incoming *v;      /* the last one is on its way */
	size_t n, ended;         /* ended: drafts that can be read */
	enum append_state state;
	uint64_t total, size;    /* octets announced so far: in all, of the last message */
	unsigned parts;          /* of all CATENATEs */
	/* the present line: words, then perhaps the marker of a literal */
	struct buf line;
	struct args words;
	bool has_marker, waits, literal8;
	uint64_t marked;
	/* the literal under way */
	uint64_t left;
	bool full;    /* the draft has no room now */
	bool is_utf8; /* it stands inside "UTF8 (...)" */
	struct buf url; /* it is a URL, not text, while ${is_url} */
	bool is_url;
	struct piece *piece; /* catenate.c: what a URL names is on its way */
	bool visiting;       /* the piece is the visit's */
	const char *refused; /* said at the end, when something was on its way already */
	bool is_replace;
	struct folder *from; /* REPLACE: where the old one is, and which */
	uint32_t replaces;
};

/* append_take.c */
void append_words(struct append *x);  /* go on with the present line */
void append_refuse(struct append *x, const char *why); /* from now on nothing is kept */
/* Before anything of that size may come: why not, or NULL. */
extern const char append_too_big[];
const char *append_refusal(const struct append *x, uint64_t size);
/* Octets of the last message. False: wait for room, append_has_room will be told. */
bool append_add(struct append *x, struct slice in);
void append_malformed(struct append *x, const char *why);
/* cmd_append.c */
void append_finish(struct append *x);
/* catenate.c */
/* True: it is on its way, append_words comes later. False: refused, go on. */
bool catenate_url(struct append *x, struct slice url);
void catenate_has_room(struct append *x);
void piece_forget(struct append *x); /* the command ends */

#endif
