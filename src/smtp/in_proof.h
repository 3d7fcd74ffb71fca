/* in_proof.h (inside smtp): what the sender of a transaction can prove: SPF from MAIL on, DKIM, DMARC
 * and ARC while the content arrives (dkim/auth.h). Has an arena of its own, since workers use the
 * transaction's. On the loop. */
#ifndef SMTP_IN_PROOF_H
#define SMTP_IN_PROOF_H

#include "dkim/auth.h"
#include "smtp/in_int.h"

struct smtp_proof;

/* At MAIL, for the session's peer. NULL: nothing is asked about this peer (in_peer.h says whom). */
struct smtp_proof *smtp_proof_start(struct smtp_in *s, const struct smtp_path *from);
void smtp_proof_free(struct smtp_proof *p); /* accepts NULL; whatever is still open is dropped */
void smtp_proof_take(struct smtp_proof *p, struct slice content); /* CRLF form, any pieces */
/* The content is whole. Later, once, on_proved(self); not after smtp_proof_free. */
void smtp_proof_end(struct smtp_proof *p, void (*on_proved)(void *self), void *self);
/* What else may be asked about this message; NULL for NULL. Lives as long as the proof. */
struct dns_budget *smtp_proof_budget(struct smtp_proof *p);
/* After on_proved, until smtp_proof_free; NULL before, and for NULL. */
const struct dkim_auth_result *smtp_proof_result(const struct smtp_proof *p);
/* Fills the sender's part of the facts; ${h} is the message's header. Slices live as long as the proof
 * and ${a}. */
void smtp_proof_facts(const struct smtp_proof *p, struct arena *a, const struct header *h,
    const struct cfg_filters *c, struct facts *ret);

#endif
