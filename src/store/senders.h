/* senders.h: whom we know of those who write to us: people an account wrote to, and senders that once
 * came again when asked to. Kept in state.sqlite. Every function: lane STORE_STATE, blocking. */
#ifndef STORE_SENDERS_H
#define STORE_SENDERS_H

#include "core/arena.h"
#include "core/ip.h"
#include "store/store.h"

/* --- correspondents: addresses an account wrote to; folded local@domain --- */

struct correspondent {
	struct slice address; /* in the arena */
	int64_t first, last;  /* wall seconds of the first and the latest letter */
	uint64_t letters;
};
int correspondent_knows(
    struct store *s, struct slice account, struct slice address, bool *ret, struct err *err);
/* Is the domain, or one it stands under, that of a correspondent of any account? */
int correspondent_of_domain(struct store *s, struct slice domain, bool *ret, struct err *err);
/* Notes letters to all of these at once; durable on return. Past L_CORRESPONDENTS of an account those
 * not written to for longest are forgotten. */
int correspondent_wrote(struct store *s, struct slice account, const struct slice *addresses,
    size_t n, int64_t now, struct err *err);
/* Letters that were sent elsewhere or long ago, of ${first} to ${last} each: who is not known yet gets one letter, of who is only the
 * times reach further. So a repetition changes nothing. Else as correspondent_wrote. */
int correspondent_import(struct store *s, struct slice account, const struct correspondent *v,
    size_t n, struct err *err);
/* One more the account never wrote to but wants to hear of (0 letters); known already: nothing changes. */
int correspondent_allow(
    struct store *s, struct slice account, struct slice address, int64_t now, struct err *err);
/* ERR_NOT_FOUND when there is none. */
int correspondent_forget(
    struct store *s, struct slice account, struct slice address, struct err *err);
int correspondent_list(struct store *s, struct arena *a, struct slice account,
    struct correspondent **ret, size_t *ret_n, struct err *err);

/* --- greylist: strangers are asked once to come again (DESIGN 5) --- */

enum greylist_state {
	GREYLIST_WAIT, /* not here yet, or too soon: 451 */
	GREYLIST_PASS, /* came again, or did so once, or the door stands open */
};
/* By the peer's /24 or /64 and the domain of the envelope's sender (empty for the null sender). The
 * first try is noted. One that comes again after L_GREY_SECONDS and within L_GREY_RETRY_SECONDS passes,
 * and is remembered for L_GREY_KEEP_SECONDS after its latest mail. */
int greylist_try(struct store *s, const struct ip *peer, struct slice domain, int64_t now,
    enum greylist_state *ret, struct err *err);
/* Nobody waits until then: for a code that one waits for. 0 closes the door. */
int greylist_open_until(struct store *s, int64_t until, struct err *err);
int greylist_expire(struct store *s, int64_t now, struct err *err);

#endif
