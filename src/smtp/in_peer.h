/* in_peer.h (inside smtp): what DNS says about the address of a peer. Asked when the connection opens,
 * so that the answers are there by the time they are needed; they are waited for after RCPT or at the
 * end of the data, whichever needs them first. Only for port 25: who logs in is not judged by his
 * address. */
#ifndef SMTP_IN_PEER_H
#define SMTP_IN_PEER_H

#include "smtp/in_int.h"

struct smtp_peer;

/* The questions are put at once. NULL: nothing is asked about this peer (no DNS; this very host; a
 * private address outside of trials): its facts stay unknown. */
struct smtp_peer *smtp_peer_ask(struct smtp_server *server, const struct ip *address);
/* May DNS be asked about this address at all? Nobody can publish anything about private networks, and
 * what runs on this very host is not to be judged by its neighbours' names; a trial's own DNS can. */
bool smtp_peer_may_ask(const struct cfg *cfg, const struct ip *address);
/* Shared by the session and the spines of its messages: each holds, each releases. The last release
 * drops the questions that are still open. Both accept NULL. */
struct smtp_peer *smtp_peer_hold(struct smtp_peer *p);
void smtp_peer_release(struct smtp_peer *p);
/* Are all answers there, or given up? True for NULL. */
bool smtp_peer_known(const struct smtp_peer *p);
/* One waits at a time, while not all is known: on_known(self) comes once, later. NULL: nobody waits
 * any more. */
void smtp_peer_await(struct smtp_peer *p, void (*on_known)(void *self), void *self);
/* Fills the connection's half of the facts; slices live as long as the peer is held. */
void smtp_peer_facts(const struct smtp_peer *p, struct facts *ret);

#endif
