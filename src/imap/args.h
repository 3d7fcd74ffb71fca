/* args.h: typed access to the arguments of a complete command (RFC 9051 9). Each takes what it
 * names and returns true, or returns false and leaves the cursor somewhere in it: the command is
 * then answered BAD. Slices point into the command or the arena. Spaces are taken explicitly: the
 * grammar has exactly one between words. */
#ifndef IMAP_ARGS_H
#define IMAP_ARGS_H

#include "core/arena.h"
#include "core/cursor.h"
#include "imap/seqset.h"

struct args {
	struct cursor c;
	struct arena *arena;
};

bool args_sp(struct args *a);
bool args_end(const struct args *a); /* nothing is left */
bool args_char(struct args *a, char c);
bool args_peek(const struct args *a, char c);
bool args_atom(struct args *a, struct slice *ret);
/* An atom that is this word, in any case; takes nothing when it is another. */
bool args_word(struct args *a, const char *word);
bool args_string(struct args *a, struct slice *ret);  /* quoted, literal or literal8 */
bool args_astring(struct args *a, struct slice *ret); /* atom with "]" allowed, or string */
bool args_nstring(struct args *a, struct slice *ret); /* NIL gives p NULL */
/* list-mailbox: like astring, with % and * too. */
bool args_pattern(struct args *a, struct slice *ret);
bool args_u64(struct args *a, uint64_t max, uint64_t *ret);
bool args_u32(struct args *a, uint32_t *ret);
/* A number set. False with *ret_over for more than L_ISET elements: NO [LIMIT], not BAD. */
bool args_set(struct args *a, struct seqset *ret, bool *ret_over);

/* flag-list or, where ${bare} allows it, flags without parentheses (STORE). "$Forwarded" is a
 * flag here, not a keyword. */
struct flag_list {
	unsigned flags;
	const char **keywords;
	size_t n;
};
bool args_flags(struct args *a, bool bare, struct flag_list *ret);
/* May this be a keyword: atom of at most L_KW_NAME octets? */
bool args_is_keyword(struct slice s);
bool args_is_atom_char(char c);

#endif
