/* path.h: the arguments of MAIL and RCPT: a path and its parameters. RFC 5321 4.1.2, RFC 6531 3.3.
 * Strict, with one kindness: blanks between the colon and "<" are passed over, since many senders
 * write them. */
#ifndef SMTP_PATH_H
#define SMTP_PATH_H

#include "core/arena.h"
#include "core/cursor.h"

enum smtp_path_result {
	SMTP_PATH_OK,
	SMTP_PATH_SYNTAX,    /* no "<...>" at all, or junk behind it: 501 5.5.4 */
	SMTP_PATH_MALFORMED, /* brackets, but no address that could exist; source routes too:
				553 5.1.3 */
	SMTP_PATH_LONG,      /* over L_PATH, L_LOCAL, L_DOMAIN or a label over 63: 501 5.1.3 */
	SMTP_PATH_NOT_UTF8,  /* 8-bit that is no UTF-8: 501 5.5.2 */
};

struct smtp_path {
	bool null;           /* <> */
	bool literal;        /* domain is an address literal with its brackets */
	bool is_utf8;        /* holds non-ASCII: needs SMTPUTF8 */
	struct slice local;  /* quotes resolved, case kept */
	struct slice domain; /* A-label form, lower case; empty for <postmaster> */
	struct slice text;   /* written back so that it parses: local@domain, local quoted where
				needed; empty when null */
};

/* smtp_path_take: "<" path ">" at the head, then the end or SP. Strings live in the arena. ${*ret}
 * is set with SMTP_PATH_OK only. */
enum smtp_path_result smtp_path_take(struct arena *a, struct cursor *c, struct smtp_path *ret);
/* The HELO argument: a name or an address literal, at most L_DOMAIN octets. Names are taken as
 * loosely as the world writes them: letters, digits,
 * "-", "_" and ".". */
bool smtp_helo_ok(struct slice s);
/* Is it the domain of a mailbox, in ASCII (LDH and "_", labels 1 to 63, at most L_DOMAIN)? */
bool smtp_domain_ok(struct slice s);

/* smtp_param_next: TAKE_OK: a parameter; TAKE_MORE: no further one; TAKE_BAD: not esmtp-param
 * (501 5.5.4). Value empty without "=". */
enum take smtp_param_next(
    struct cursor *c, struct slice *ret_name, struct slice *ret_value, bool *ret_has_value);
/* xtext of RFC 3461 4: printable ASCII without "+" and "=", or "+" and two upper-case hex digits.
 */
bool smtp_xtext_ok(struct slice s);

#endif
