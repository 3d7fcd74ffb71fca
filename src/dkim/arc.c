/* arc.c: does every seal hold, and the last signature? RFC 8617 5.2. Leaves the text of a signature to signature.c, keys to
 * sigcheck.c. Failures are results. Each octet of a set is hashed once, however many seals cover it. */
#include "dkim/arc.h"

#include <openssl/evp.h>

#include "core/limits.h"
#include "core/loop.h"
#include "core/mem.h"
#include "dkim/sigcheck.h"

struct set { /* fields are the caller's: used while starting only */
	const struct field *results, *message, *seal;
	struct sigcheck message_check, seal_check;
};

struct arc_verify {
	struct arena *arena; /* owned; holds this struct too */
	struct loop *loop;
	struct bodyhash *body; /* borrowed */
	struct set *sets;      /* [0] is instance 1 */
	size_t n, waiting;
	int body_which;
	bool ended;
	struct later *later;
	struct arc_set *told;
	struct arc_verdict verdict;
	void (*on_result)(void *self, const struct arc_verdict *v);
	void *self;
};

const char *arc_state_name(enum arc_state s)
{
	static const char *const names[] = {
		[ARC_NONE] = "none",
		[ARC_PASS] = "pass",
		[ARC_FAIL] = "fail",
		[ARC_TEMPERROR] = "temperror",
	};

	return (names[s]);
}

/* arc-authres = "i=" instance ";" and an Authentication-Results body (RFC 8617 4.1.1); 0: it does not begin so */
static unsigned results_instance(struct slice body, struct slice *ret_rest)
{
	struct slice head, name, number;
	uint64_t v;

	if (!slice_cut(body, ';', &head, ret_rest) || !slice_cut(head, '=', &name, &number))
		return (0);
	name = slice_trim(name);
	if (!slice_eq(name, SLICE("i")) || !slice_u64(slice_trim(number), L_ARC, &v))
		return (0);
	return ((unsigned)v);
}

static const char *put_field(
    struct arc_verify *v, const struct field **place, const struct field *f, unsigned instance)
{
	if (*place != NULL)
		return ("an instance stands twice");
	*place = f;
	if (instance > v->n)
		v->n = instance;
	return (NULL);
}

static const char *put_results(struct arc_verify *v, const struct field *f)
{
	struct slice rest;
	unsigned i = results_instance(f->body, &rest);

	if (i == 0)
		return ("ARC-Authentication-Results without its instance");
	v->told[i - 1].results = rest;
	return (put_field(v, &v->sets[i - 1].results, f, i));
}

static const char *put_signature(
    struct arc_verify *v, const struct field *f, enum signature_kind kind)
{
	struct signature s;
	const char *why;
	struct set *set;

	if (signature_parse(v->arena, f, kind, 0, &s, &why) != DKIM_PASS)
		return (why);
	set = &v->sets[s.instance - 1];
	if (kind == SIGNATURE_ARC_SEAL) {
		set->seal_check.sig = s;
		v->told[s.instance - 1].domain = s.domain;
		v->told[s.instance - 1].selector = s.selector;
		return (put_field(v, &set->seal, f, s.instance));
	}
	set->message_check.sig = s;
	return (put_field(v, &set->message, f, s.instance));
}

/* Every ARC field to its place, of which there are 3 * L_ARC. NULL: all are good, and the sets whole (RFC 8617 5.2 steps 1 to 3). */
static const char *collect(struct arc_verify *v, const struct header *h)
{
	const char *why = NULL;

	for (size_t i = 0; i < h->n && why == NULL; i++) {
		const struct field *f = &h->fields[i];

		if (slice_ieq(f->name, SLICE("ARC-Authentication-Results")))
			why = put_results(v, f);
		else if (slice_ieq(f->name, SLICE("ARC-Message-Signature")))
			why = put_signature(v, f, SIGNATURE_ARC_MESSAGE);
		else if (slice_ieq(f->name, SLICE("ARC-Seal")))
			why = put_signature(v, f, SIGNATURE_ARC_SEAL);
	}
	for (size_t i = 0; i < v->n && why == NULL; i++) {
		struct set *s = &v->sets[i];

		if (s->results == NULL || s->message == NULL || s->seal == NULL)
			why = "a set is not whole";
		else if (!slice_eq(s->seal_check.sig.cv, i == 0 ? SLICE("none") : SLICE("pass")))
			why = slice_eq(s->seal_check.sig.cv, SLICE("fail"))
			    ? "the chain had failed before"
			    : "cv= does not fit the instance";
	}
	return (why);
}

static bool add_field(EVP_MD_CTX *md, const struct field *f)
{
	struct buf out = BUF_INIT(2 * (size_t)L_HDR1);
	bool good = canon_field(CANON_RELAXED, f->raw, true, &out) == 0 &&
	    EVP_DigestUpdate(md, out.p, out.n) == 1;

	buf_free(&out);
	return (good);
}

/* RFC 8617 5.1.1: all sets up to this one, each as results, signature, seal, the last seal with b= emptied. */
static bool hash_seals(struct arc_verify *v)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new(), *copy = EVP_MD_CTX_new();
	bool good = md != NULL && copy != NULL && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1;

	for (size_t i = 0; i < v->n && good; i++) {
		struct set *s = &v->sets[i];
		struct buf self = BUF_INIT(2 * (size_t)L_HDR1);

		good = add_field(md, s->results) && add_field(md, s->message) &&
		    EVP_MD_CTX_copy_ex(copy, md) == 1 &&
		    signature_self(&s->seal_check.sig, CANON_RELAXED, &self) == 0 &&
		    EVP_DigestUpdate(copy, self.p, self.n) == 1 &&
		    EVP_DigestFinal_ex(copy, s->seal_check.digest, NULL) == 1 &&
		    add_field(md, s->seal);
		buf_free(&self);
	}
	EVP_MD_CTX_free(md);
	EVP_MD_CTX_free(copy);
	return (good);
}

static void give_up(struct arc_verify *v, enum arc_state state, const char *why)
{
	if (v->verdict.state != ARC_FAIL) { /* what is broken stays broken, whatever the DNS does */
		v->verdict.state = state;
		v->verdict.why = why;
	}
}

static void take_check(struct arc_verify *v, const struct sigcheck *c)
{
	if (c->result == DKIM_TEMPERROR)
		give_up(v, ARC_TEMPERROR, c->why);
	else if (c->result != DKIM_PASS)
		give_up(v, ARC_FAIL, c->why);
}

static void judge(struct arc_verify *v)
{
	struct sigcheck *last = &v->sets[v->n - 1].message_check;
	unsigned char digest[BODYHASH_OCTETS];
	uint64_t size;

	for (size_t i = 0; i < v->n; i++)
		take_check(v, &v->sets[i].seal_check);
	take_check(v, last);
	bodyhash_get(v->body, v->body_which, digest, &size);
	if (memcmp(digest, last->sig.bh.p, sizeof(digest)) != 0)
		give_up(v, ARC_FAIL, "the body was changed");
	else if (last->sig.length != UINT64_MAX && last->sig.length != size)
		give_up(v, ARC_FAIL, "l= is not all of the body");
}

static void finish(struct arc_verify *v)
{
	if (v->verdict.state == ARC_PASS)
		judge(v);
	v->on_result(v->self, &v->verdict);
	arena_free(v->arena);
}

static void on_later(void *self)
{
	struct arc_verify *v = self;

	v->later = NULL;
	finish(v);
}

static void on_checked(void *self)
{
	struct arc_verify *v = self;

	v->waiting--;
	if (v->ended && v->waiting == 0 && v->later == NULL)
		finish(v);
}

static void start_check(struct arc_verify *v, const struct sigcheck_dns *d, struct sigcheck *c)
{
	c->result = DKIM_PASS;
	if (sigcheck_start(c, d, on_checked, v))
		v->waiting++;
}

static const char *start(struct arc_verify *v, const struct sigcheck_dns *d, const struct header *h)
{
	struct sigcheck *last;
	const char *why;

	v->sets = arena_array(v->arena, L_ARC, sizeof(*v->sets));
	v->told = arena_array(v->arena, L_ARC, sizeof(*v->told));
	if ((why = collect(v, h)) != NULL)
		return (why);
	last = &v->sets[v->n - 1].message_check;
	v->body_which = bodyhash_want(v->body, last->sig.body, last->sig.length);
	if (v->body_which == BODYHASH_NONE || !signature_hash(&last->sig, h, last->digest) ||
	    !hash_seals(v))
		return ("cannot be hashed");
	for (size_t i = 0; i < v->n; i++) {
		v->told[i].results = arena_dup(v->arena, v->told[i].results);
		start_check(v, d, &v->sets[i].seal_check);
	}
	start_check(v, d, last);
	return (NULL);
}

struct arc_verify *arc_verify_start(struct loop *l, struct dns *d, struct dns_budget *b,
    const struct header *h, struct bodyhash *body)
{
	const struct sigcheck_dns dns = { d, b, L_DNS_KEEP_ARC };
	struct arena *arena = arena_new(0);
	struct arc_verify *v = arena_alloc(arena, sizeof(*v));

	v->arena = arena;
	v->loop = l;
	v->body = body;
	if (header_first(h, SLICE("ARC-Seal")) == NULL &&
	    header_first(h, SLICE("ARC-Message-Signature")) == NULL &&
	    header_first(h, SLICE("ARC-Authentication-Results")) == NULL)
		return (v);
	v->verdict.state = ARC_PASS;
	if ((v->verdict.why = start(v, &dns, h)) != NULL) {
		v->verdict.state = ARC_FAIL;
	} else {
		v->verdict.v = v->told;
		v->verdict.n = v->n;
	}
	return (v);
}

void arc_verify_end(
    struct arc_verify *v, void (*on_result)(void *self, const struct arc_verdict *v), void *self)
{
	v->on_result = on_result;
	v->self = self;
	v->ended = true;
	if (v->waiting == 0)
		v->later = loop_later(v->loop, on_later, v);
}

void arc_verify_cancel(struct arc_verify *v)
{
	if (v == NULL)
		return;
	later_cancel(v->later);
	for (size_t i = 0; i < v->n; i++) {
		sigcheck_cancel(&v->sets[i].seal_check);
		sigcheck_cancel(&v->sets[i].message_check);
	}
	arena_free(v->arena);
}
