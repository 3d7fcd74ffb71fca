/* reputation.h: what is known of the networks and domains that mail comes from, by what became of their
 * mail here. Kept in ledger.sqlite beside what it was learned from: losing it makes everybody
 * unknown, no more. Names: "192.0.2.0/24", "2001:db8:1::/48", or a domain in A-labels and lower case.
 * What is evidence, and what a score is for, is spam/'s and smtp/'s business. */
#ifndef STORE_REPUTATION_H
#define STORE_REPUTATION_H

#include "core/arena.h"
#include "core/ip.h"
#include "core/limits.h"
#include "store/learn.h"
#include "store/standing.h"
#include "store/store.h"

enum { REPUTATION_NET = IP_TEXT + 4, REPUTATION_NAME = L_DOMAIN + 1 };

/* The network's name: IPv4 /24, IPv6 /48. Returns ret. */
const char *reputation_net(const struct ip *ip, char ret[REPUTATION_NET]);
/* What a person may write for one: an address, a network, a domain. Empty: none of these. */
struct slice reputation_name(struct arena *a, struct slice text);

/* On the loop, from memory. False: nothing is known, or too little, or a friend writes from there. */
bool reputation_score(const struct store *s, struct slice name, unsigned *ret);

struct evidence { /* a message that was judged, for one account; all borrowed */
	struct slice net, domain; /* domain: proved to be that of From; either may be empty */
	enum lesson_class judged; /* LESSON_NONE: nothing was said of it, yet */
	double share;             /* of the message: 1 / accounts it was for */
	bool is_friend;           /* a correspondent who proved himself: marks the network */
	struct slice account;
	const unsigned char *content_id; /* 16 octets, so that its owner can say more of it; NULL: it
					    was not kept */
};
/* On the loop; copied; written on the ledger's lane. A full lane counts it as dropped with the rows of the
 * ledger. */
void reputation_note(struct store *s, const struct evidence *e);

struct reputation_lesson {
	unsigned char content_id[16];
	enum lesson_class is; /* LESSON_NONE: taken back, so the verdict holds again */
};
/* On the loop; copied: what an owner said of mail, in place of what we had judged. Mail of which there is no
 * evidence (any more) changes nothing. */
void reputation_taught(
    struct store *s, struct slice account, const struct reputation_lesson *v, size_t n);

/* Lane STORE_LEDGER, blocking. */
struct reputation_row {
	struct slice name; /* in the arena */
	struct standing standing;
};
/* Of this name, or of all (empty name), those with most behind them first. */
int reputation_list(struct store *s, struct arena *a, struct slice name, size_t max,
    struct reputation_row **ret, size_t *ret_n, struct err *err);
/* ERR_NOT_FOUND: nothing is known. What its mail said is forgotten too. Then, on the loop,
 * reputation_forgot. */
int reputation_forget(struct store *s, struct slice name, struct err *err);
void reputation_forgot(struct store *s, struct slice name);
/* What is worth nothing any more; what is beyond L_REPUTATION and L_EVIDENCE, the least and oldest first. */
int reputation_expire(struct store *s, int64_t now, struct err *err);

#endif
