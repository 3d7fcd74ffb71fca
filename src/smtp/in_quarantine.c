/* in_quarantine.c: what is left of a message that is refused? A copy in the Quarantine of each account that
 * would have had it, so that nothing an honest sender wrote is out of the owner's reach. Every refusal that a
 * verdict decides at the end of the data leaves one: score, filter, [[deny]], [[rule]], DMARC. What is
 * refused for its form, its size or a loop does not: no client could show it, or it is there already.
 * The answer stays 550 whatever becomes of the copy, with 4xx the same message would only come again; it
 * waits for the copy, so that the ledger tells the truth. */
#include "smtp/inbound_int.h"

#include "core/log.h"

/* What the owner would ask next. */
static const char *advice(const struct err *err)
{
	return (err->kind == ERR_NO_SPACE ? "make room on the disk; the message is gone"
					  : "the message is gone");
}

static void on_kept(void *self, const struct quarantined *q)
{
	struct share *share = self;
	struct inbound *in = share->in;
	struct arena *a = in->end.tx->arena;

	if (q->err == NULL) {
		share->copy = arena_strdup(a, slice_of(folder_name(q->folder)));
		share->copy_uid = q->uid;
		memcpy(share->content, q->content_id, sizeof(share->content));
	} else {
		share->no_copy = arena_strdup(a, slice_of(q->err->text));
		log_event(LOG_WARN, in->end.tx->id, "quarantine", "account", share->name, "why",
		    share->no_copy, "now", "refused all the same, and no copy is kept", "next",
		    advice(q->err), NULL);
	}
	flow_release(&in->end.flow);
}

void inbound_quarantine(struct inbound *in)
{
	struct smtp_end *e = &in->end;

	for (size_t i = 0; i < in->shares_n; i++) {
		struct share *share = &in->shares[i];

		share->in = in;
		flow_hold(&e->flow);
		quarantine_keep(share->account, e->tx->draft, share->prefix, in->drop, in->drop_n,
		    on_kept, share);
	}
}
