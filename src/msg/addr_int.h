/* addr_int.h: for addr.c and addr_lex.c alone: the tokens of an address field. */
#ifndef MSG_ADDR_INT_H
#define MSG_ADDR_INT_H

#include "msg/addr.h"

enum token { T_END, T_WORD, T_QUOTED, T_LITERAL, T_DOT, T_COMMENT, T_MARK };

struct lexer {
	struct slice s;
	size_t at;
	enum token token;
	size_t from, to; /* of the token just taken */
	char mark;       /* of a T_MARK: < > @ , ; : */
	bool faulty;
	bool endless_comment, endless_quote, endless_literal; /* one was opened and never closed */
};

bool addr_is_atom(
    char c); /* may stand in an atom, taken widely: all but blanks and the specials of mailboxes */
/* The next token from ${at}; a literal counts as one only ${in_domain}. A stray ")" is given as a
 * comment. */
enum token addr_lex(struct lexer *x, bool in_domain);

#endif
