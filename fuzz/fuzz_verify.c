/* The laws of verifying: the same message in any pieces has the same results; each check ends once and not inside its start; a
 * signature that passed has a domain and left no octet unsigned; nothing is asked for a signature that cannot be read; sets of ARC
 * are told only when there is no fault in them. Input: a line, the key record that every question gets; then the message. */
#include <stdint.h>
#include <stdlib.h>

#include "core/domain.h"
#include "core/limits.h"
#include "dkim/arc.h"
#include "dkim/verify.h"
#include "fake_dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct told {
	unsigned ended;
	size_t n, sets, named; /* named: those of the signatures that say whose they are */
	enum dkim_result results[L_DKIM];
	enum arc_state arc;
};

static void on_dkim(void *self, const struct dkim_verdicts *v)
{
	struct told *t = self;

	t->ended++;
	t->n = v->n;
	if (v->n > L_DKIM || (v->ignored > 0 && v->n < L_DKIM))
		abort();
	for (size_t i = 0; i < v->n; i++) {
		const struct dkim_signature *s = &v->v[i];

		t->results[i] = s->result;
		t->named += s->domain.n > 0 ? 1 : 0;
		if ((s->result == DKIM_PASS) != (s->why == NULL) || s->result == DKIM_NONE)
			abort();
		if (s->result == DKIM_PASS &&
		    (!domain_ok(s->domain) || s->partial || s->added != NULL ||
			s->algorithm == NULL || s->key_bits == 0))
			abort();
		if (s->b.n > 8)
			abort();
	}
}

static void on_arc(void *self, const struct arc_verdict *v)
{
	struct told *t = self;

	t->ended++;
	t->arc = v->state;
	t->sets = v->n;
	if (v->n > L_ARC || (v->state == ARC_NONE && v->n > 0) ||
	    (v->state == ARC_PASS && v->n == 0))
		abort();
	if ((v->state == ARC_PASS || v->state == ARC_NONE) != (v->why == NULL))
		abort();
	for (size_t i = 0; i < v->n; i++)
		if (!domain_ok(v->v[i].domain))
			abort();
}

static struct told check(struct slice message, size_t piece)
{
	struct bodyhash *body = bodyhash_new();
	struct arena *a = arena_new(0);
	struct told t = { .ended = 0 };
	struct dkim_verify *v;
	struct arc_verify *c;
	struct header h;

	header_parse(a, message, &h);
	v = dkim_verify_start(fake.loop, NULL, NULL, &h, body, 2000000000);
	c = arc_verify_start(fake.loop, NULL, NULL, &h, body);
	for (struct slice rest = slice_from(message, h.size); rest.n > 0;
	     rest = slice_from(rest, piece))
		bodyhash_add(body, slice_head(rest, piece));
	bodyhash_end(body);
	arena_free(a);
	dkim_verify_end(v, on_dkim, &t);
	arc_verify_end(c, on_arc, &t);
	if (t.ended != 0)
		abort();
	loop_run(fake.loop);
	if (t.ended != 2 || fake.pending != 0)
		abort();
	bodyhash_free(body);
	return (t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice key, message;
	struct told whole, cut;

	(void)slice_cut((struct slice){ (const char *)data, n }, '\n', &key, &message);
	fake.loop = loop_new();
	fake.everything = key;
	fake.asked = 0;
	whole = check(message, message.n + 1);
	if (fake.asked > whole.named + (whole.sets > 0 ? whole.sets + 1 : 0))
		abort();
	cut = check(message, 1 + key.n % 7);
	if (whole.n != cut.n || whole.arc != cut.arc || whole.sets != cut.sets ||
	    memcmp(whole.results, cut.results, whole.n * sizeof(*cut.results)) != 0)
		abort();
	loop_free(fake.loop);
	return (0);
}
