/* in_known.c: did somebody here write to the domain of this sender? Asked before a connect filter refuses
 * a recipient for good: whom an account wrote to goes before filters (spam/verdict.h), and whether he
 * proves himself is known at the end of the data only. What follows is spam/'s. Failures: not known, and
 * then nobody is refused before his message was seen (P14). */
#include "smtp/in_int.h"

#include <stdlib.h>

#include "core/mem.h"
#include "store/senders.h"

struct smtp_known {
	struct job job;
	struct store *store;
	struct smtp_in *s; /* NULL: nobody waits any more */
	void (*on_known)(struct smtp_in *s);
	char *domain; /* owned */
	enum fact known;
};

static void ask_run(struct job *j) /* STORE_STATE */
{
	struct smtp_known *k = LIST_OWNER(j, struct smtp_known, job);
	struct err err = { 0 };
	bool known;

	if (correspondent_of_domain(k->store, slice_of(k->domain), &known, &err) == 0)
		k->known = known ? FACT_YES : FACT_NO;
}

static void ask_done(struct job *j)
{
	struct smtp_known *k = LIST_OWNER(j, struct smtp_known, job);
	struct smtp_in *s = k->s;

	if (s != NULL) {
		s->known = NULL;
		s->tx->sender_known = k->known;
		k->on_known(s);
	}
	free(k->domain);
	free(k);
}

bool smtp_in_ask_known(struct smtp_in *s, void (*on_known)(struct smtp_in *s))
{
	struct smtp_known *k;

	s->tx->sender_asked = true;
	k = NEW(struct smtp_known);
	k->store = s->server->deps.store;
	k->s = s;
	k->on_known = on_known;
	k->domain = mem_strndup(s->tx->from.domain.p, s->tx->from.domain.n);
	k->job = (struct job){ .run = ask_run, .done = ask_done };
	if (lane_put(store_lane(k->store, STORE_STATE), &k->job) == -1) {
		free(k->domain);
		free(k);
		return (false);
	}
	s->known = k;
	return (true);
}

void smtp_in_forget_known(struct smtp_in *s)
{
	if (s->known != NULL)
		s->known->s = NULL; /* what was begun is finished */
	s->known = NULL;
}
