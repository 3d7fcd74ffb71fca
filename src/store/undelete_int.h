/* undelete_int.h (undelete.c, undelete_find.c, undelete_put.c): one undelete under way. */
#ifndef STORE_UNDELETE_INT_H
#define STORE_UNDELETE_INT_H

#include "core/arena.h"
#include "store/mail_int.h"
#include "store/undelete.h"

struct origin { /* a folder that messages were in */
	uint32_t uidvalidity;
	struct slice name;
	struct folder *live; /* NULL: it was deleted */
	enum folder_role role;
	char *keywords[L_KW]; /* of a deleted one */
};

struct found {
	int64_t at;
	char *path; /* from DATA */
	struct name name;
	size_t origin; /* SIZE_MAX: not known */
	struct folder *to;
	struct folder *back; /* where it is now; NULL: it did not come back */
	struct undelete_message m;
};

struct undelete {
	struct job job;
	struct store_op op;
	struct mail *m;
	struct arena *arena; /* owned: all below, and this */
	struct undelete_filter filter;
	struct slice into;
	bool restores, abandoned, failed, is_cut;
	struct err err;
	undelete_done *on_done;
	void *self;
	/* the search: on the read lane, one run at a time */
	bool is_listed;
	struct origin *origins;
	size_t origins_n, origins_cap;
	struct found **found; /* newest first once listed */
	size_t found_n, found_cap;
	size_t at, kept; /* looked at; of these, what fits */
	/* bringing back */
	size_t put; /* of found[0..kept) */
};

/* read lane: some more of the search; done when ->at == ->found_n or enough is kept. */
void undelete_find(struct undelete *u);
bool undelete_is_found(const struct undelete *u);
/* loop: brings back found[at .. at + n), whose ->to is set; then end(). */
void undelete_put(struct undelete *u, size_t at, size_t n,
    void (*end)(struct undelete *u, const struct err *err));

#endif
