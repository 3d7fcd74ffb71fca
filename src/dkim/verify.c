/* verify.c: which signatures are good, and for how much of the message? RFC 6376 6. Leaves the text of a signature to signature.c,
 * its key to sigcheck.c, the body to bodyhash.c, and what a pass is worth to dmarc.c. Failures are results. */
#include "dkim/verify.h"

#include "core/limits.h"
#include "core/loop.h"
#include "core/mem.h"
#include "dkim/sigcheck.h"

struct one {
	struct sigcheck check;
	struct dkim_signature said;
	int body; /* of bodyhash, or BODYHASH_NONE */
};

struct dkim_verify {
	struct arena *arena; /* owned; holds this struct too */
	struct loop *loop;
	struct bodyhash *body; /* borrowed */
	struct one v[L_DKIM];
	size_t n, ignored, waiting;
	bool ended;
	struct later *later; /* the result is ready */
	void (*on_result)(void *self, const struct dkim_verdicts *v);
	void *self;
};

const char *dkim_result_name(enum dkim_result r)
{
	static const char *const names[] = {
		[DKIM_NONE] = "none",
		[DKIM_PASS] = "pass",
		[DKIM_FAIL] = "fail",
		[DKIM_POLICY] = "policy",
		[DKIM_NEUTRAL] = "neutral",
		[DKIM_TEMPERROR] = "temperror",
		[DKIM_PERMERROR] = "permerror",
	};

	return (names[r]);
}

/* Fields that a message has once, and that people or their programs go by (RFC 5322 3.6, RFC 2045 3). */
static const char *const seen_fields[] = { "From", "Sender", "Reply-To", "Subject", "Date", "To",
	"Cc", "Message-ID", "MIME-Version", "Content-Type", "Content-Transfer-Encoding" };

/* RFC 6376 8.15: a second field of a kind that was signed once is shown by many instead of the signed one. */
static void look_at_coverage(
    const struct header *h, const struct signature *s, struct dkim_signature *said)
{
	for (size_t i = 0; i < COUNT_OF(seen_fields); i++) {
		size_t there = header_count(h, slice_of(seen_fields[i]));
		size_t named = signature_names(s, slice_of(seen_fields[i]));

		if (there > 0 && named == 0 && said->uncovered == NULL)
			said->uncovered = seen_fields[i];
		if (named > 0 && there > named && said->added == NULL)
			said->added = seen_fields[i];
	}
}

static void finish(struct dkim_verify *v);

static void on_later(void *self)
{
	struct dkim_verify *v = self;

	v->later = NULL;
	finish(v);
}

static void on_checked(void *self)
{
	struct dkim_verify *v = self;

	v->waiting--;
	if (v->ended && v->waiting == 0 && v->later == NULL)
		finish(v);
}

static void start_one(struct dkim_verify *v, const struct sigcheck_dns *d, const struct header *h,
    const struct field *f, int64_t now)
{
	struct one *o = &v->v[v->n++];
	struct sigcheck *c = &o->check;
	struct signature *s = &c->sig;

	c->result = signature_parse(v->arena, f, SIGNATURE_DKIM, now, s, &c->why);
	o->said = (struct dkim_signature){ .domain = s->domain,
		.selector = s->selector,
		.identity = s->identity,
		.b = s->b_text,
		.algorithm = s->has_algorithm ? dkim_algorithm_name(s->algorithm) : NULL,
		.signed_at = s->signed_at };
	if (c->result != DKIM_PASS)
		return;
	look_at_coverage(h, s, &o->said);
	o->body = bodyhash_want(v->body, s->body, s->length);
	if (o->body == BODYHASH_NONE || !signature_hash(s, h, c->digest)) {
		c->result = DKIM_TEMPERROR;
		c->why = "cannot be hashed";
	} else if (sigcheck_start(c, d, on_checked, v)) {
		v->waiting++;
	}
}

struct dkim_verify *dkim_verify_start(struct loop *l, struct dns *d, struct dns_budget *b,
    const struct header *h, struct bodyhash *body, int64_t now)
{
	const struct sigcheck_dns dns = { d, b, L_DNS_KEEP_DKIM };
	struct arena *arena = arena_new(0);
	struct dkim_verify *v = arena_alloc(arena, sizeof(*v));
	const struct field *f;

	v->arena = arena;
	v->loop = l;
	v->body = body;
	for (size_t i = 0; (f = header_nth(h, SLICE("DKIM-Signature"), i)) != NULL; i++) {
		if (i < L_DKIM)
			start_one(v, &dns, h, f, now);
		else
			v->ignored++;
	}
	return (v);
}

/* The body's part of the verdict. RFC 6376 3.4.5, 3.7, 8.2 */
static void judge_body(const struct dkim_verify *v, struct one *o)
{
	struct sigcheck *c = &o->check;
	unsigned char digest[BODYHASH_OCTETS];
	uint64_t size;

	bodyhash_get(v->body, o->body, digest, &size);
	o->said.partial = c->sig.length < size;
	if (memcmp(digest, c->sig.bh.p, sizeof(digest)) != 0) {
		c->result = DKIM_FAIL;
		c->why = "the body was changed";
	} else if (c->sig.length != UINT64_MAX && c->sig.length > size) {
		c->result = DKIM_FAIL;
		c->why = "l= is more than there is";
	} else if (o->said.partial) {
		c->result = DKIM_POLICY; /* AUT-09: what follows is anybody's */
		c->why = "l= leaves a part of the body unsigned";
	} else if (o->said.added != NULL) {
		c->result = DKIM_POLICY;
		c->why = "a field was added that is signed elsewhere in the header";
	}
}

static void finish(struct dkim_verify *v)
{
	struct dkim_verdicts out = { .n = v->n, .ignored = v->ignored };
	struct dkim_signature *said = arena_array(v->arena, L_DKIM, sizeof(*said));

	for (size_t i = 0; i < v->n; i++) {
		struct one *o = &v->v[i];

		if (o->check.result == DKIM_PASS)
			judge_body(v, o);
		o->said.result = o->check.result;
		o->said.why = o->check.result == DKIM_PASS ? NULL : o->check.why;
		o->said.key_bits = o->check.bits;
		o->said.testing = o->check.testing;
		said[i] = o->said;
	}
	out.v = said;
	v->on_result(v->self, &out);
	arena_free(v->arena);
}

void dkim_verify_end(
    struct dkim_verify *v, void (*on_result)(void *self, const struct dkim_verdicts *v), void *self)
{
	v->on_result = on_result;
	v->self = self;
	v->ended = true;
	if (v->waiting == 0)
		v->later = loop_later(v->loop, on_later, v);
}

void dkim_verify_cancel(struct dkim_verify *v)
{
	if (v == NULL)
		return;
	later_cancel(v->later);
	for (size_t i = 0; i < v->n; i++)
		sigcheck_cancel(&v->v[i].check);
	arena_free(v->arena);
}
