/* verdict.c: facts to one verdict: the order of trust, and what decides when nobody is trusted. Points
 * are rules.c's, filters filter.c's, the owner's rules owner.c's. Leaves carrying it out to smtp/.
 * Failures: none. RFC 7489 6.6.2, RFC 7372. */
#include "spam/verdict.h"

#include <math.h>
#include <string.h>

#include "core/buf.h"
#include "core/clock.h"
#include "core/limits.h"
#include "core/mem.h"
#include "spam/filter.h"
#include "spam/owner.h"
#include "spam/rules.h"
#include "spam/send_on.h"

enum { WHY_MAX = 2000, NOTES = FILTER_MAX + L_LISTS + 8 };

static const char reply_spam[] =
    "this message looks like unsolicited mail and was not delivered; if it is not, please send a "
    "short plain note first, or ask the recipient another way";
static const char reply_denied[] = "the recipient does not take mail from here";
static const char reply_dmarc[] = "the domain in From says that only mail it signs or sends itself "
				  "is its own, and this is neither";
static const char reply_unsure[] =
    "the domain in From has a policy that could not be checked now, please try again later";
static const char reply_unproved[] =
    "a DNS question about the sender could not be answered now, please try again later";
static const char reply_greylist[] =
    "we do not know you yet: please send this again in a few minutes, as mail servers do";

struct judging {
	struct arena *arena;
	const struct facts *facts;
	const struct cfg *cfg;
	struct verdict *v;
	struct slice notes[NOTES]; /* reasons beside points, in order */
	size_t notes_n;
};

const char *verdict_act_name(enum verdict_act act)
{
	static const char *const names[] = { "accept", "greylist", "defer", "junk", "reject" };

	return (names[act]);
}

static void note(struct judging *j, const char *what, const char *which)
{
	if (j->notes_n < NOTES)
		j->notes[j->notes_n++] = slice_of(
		    arena_fmt(j->arena, "%s%s%s", what, *which != '\0' ? ": " : "", which));
}

/* The harsher of what stands and this one. */
static void raise(
    struct judging *j, enum verdict_act act, unsigned code, const char *enhanced, const char *reply)
{
	if (act <= j->v->act)
		return;
	j->v->act = act;
	j->v->code = code;
	j->v->enhanced = enhanced;
	j->v->reply = reply;
}

static void settle(
    struct judging *j, enum verdict_act act, unsigned code, const char *enhanced, const char *reply)
{
	j->v->act = VERDICT_ACCEPT;
	j->v->code = 0;
	j->v->enhanced = j->v->reply = NULL;
	raise(j, act, code, enhanced, reply);
}

static void put_why(struct judging *j)
{
	struct verdict *v = j->v;
	struct buf b = BUF_INIT(WHY_MAX);

	(void)buf_fmt(&b, "score %.1f", v->score);
	for (size_t i = 0; i < v->n; i++)
		(void)buf_fmt(&b, "; %s %.1f", v->points[i].rule, v->points[i].points);
	for (size_t i = 0; i < j->notes_n; i++)
		(void)buf_fmt(&b, "; " SLICE_FMT, SLICE_ARG(j->notes[i]));
	v->notes = arena_array(j->arena, j->notes_n + 1, sizeof(*v->notes));
	memcpy((void *)(uintptr_t)v->notes, j->notes, j->notes_n * sizeof(*v->notes));
	v->notes_n = j->notes_n;
	v->why = arena_dup(j->arena, buf_slice(&b));
	buf_free(&b);
}

static void add_up(struct judging *j)
{
	struct rule_case c;
	struct verdict_point *points = arena_array(j->arena, rules_n, sizeof(*points));
	struct verdict *v = j->v;

	v->points = points;
	rule_case_begin(&c, j->arena, j->facts);
	for (size_t i = 0; i < rules_n; i++) {
		double p = rules[i].points * rules[i].test(&c);

		if (fabs(p) < 0.05)
			continue; /* would be shown as 0.0 */
		points[v->n++] = (struct verdict_point){ rules[i].name, p };
		v->score += p;
	}
}

/* Only strangers are asked to come again: whoever proved a domain or is known is not, nor a program of
 * this very host, which may never come again. */
static bool is_stranger(const struct facts *f)
{
	return (
	    f->proved_n == 0 && f->known_correspondent != FACT_YES && !ip_is_this_host(&f->peer));
}

/* Who lists this mail, for the owner: rules count it, here it is named. */
static void note_lists(struct judging *j)
{
	for (size_t i = 0; i < j->facts->listed_n; i++) {
		const struct listed *l = &j->facts->listed[i];
		char code[IP_TEXT];

		note(j,
		    arena_fmt(j->arena, "listed by " SLICE_FMT " (%s)", SLICE_ARG(l->list->zone),
			ip_text(&l->code, code)),
		    arena_strdup(j->arena, l->what));
	}
}

/* What a refused peer is told about it: where he can have that changed. */
static const char *reply_listed(struct arena *a, const struct listed *l)
{
	return (arena_fmt(a,
	    "%s " SLICE_FMT " is listed by " SLICE_FMT
	    ", please have it removed there, or write from elsewhere",
	    l->list->kind == LIST_URI ? "this message links to what is not welcome here:"
				      : "mail from here is not taken:",
	    SLICE_ARG(l->what), SLICE_ARG(l->list->zone)));
}

static const char *reply_of_score(struct judging *j)
{
	const struct facts *f = j->facts;

	for (size_t i = 0; i < f->listed_n; i++)
		if (f->listed[i].points > 0 && f->listed[i].list->action != ACTION_TAG)
			return (arena_fmt(j->arena, "%s (" SLICE_FMT " is listed by " SLICE_FMT ")",
			    reply_spam, SLICE_ARG(f->listed[i].what),
			    SLICE_ARG(f->listed[i].list->zone)));
	return (reply_spam);
}

static void apply_score(struct judging *j)
{
	const struct cfg_score *n = &j->cfg->score;

	if (j->v->score >= n->reject)
		raise(j, VERDICT_REJECT, 550, "5.7.1", reply_of_score(j));
	else if (j->v->score >= n->junk)
		raise(j, VERDICT_JUNK, 0, NULL, NULL);
	else if (j->v->score >= n->greylist && is_stranger(j->facts))
		raise(j, VERDICT_GREYLIST, 451, "4.7.1", reply_greylist);
}

/* What the owner wants done with what a filter or list caught. */
static void act(struct judging *j, enum cfg_action action, const char *enhanced, const char *reply)
{
	switch (action) {
	case ACTION_OFF:
	case ACTION_TAG:
	case ACTION_SCORE: break;
	case ACTION_GREYLIST:
		if (is_stranger(j->facts))
			raise(j, VERDICT_GREYLIST, 451, "4.7.1", reply_greylist);
		break;
	case ACTION_JUNK: raise(j, VERDICT_JUNK, 0, NULL, NULL); break;
	case ACTION_REJECT: raise(j, VERDICT_REJECT, 550, enhanced, reply); break;
	}
}

static void apply_filters(struct judging *j)
{
	static const char *const actions[] = { "off", "tag", "greylist", "junk", "reject" };
	struct filter_hit hits[FILTER_MAX];
	size_t n = filter_look(&j->cfg->filter, j->facts, hits);

	for (size_t i = 0; i < n; i++) {
		note(j, hits[i].name, actions[hits[i].action]);
		act(j, hits[i].action, hits[i].enhanced, hits[i].reply);
	}
	for (size_t i = 0; i < j->facts->listed_n; i++)
		act(j, j->facts->listed[i].list->action, "5.7.1",
		    reply_listed(j->arena, &j->facts->listed[i]));
}

/* RFC 7489 6.6.2 and 10.3; a list or forwarder that broke the proof is no forger. */
static void apply_dmarc(struct judging *j)
{
	const struct facts *f = j->facts;

	if (f->dmarc_undecided) {
		note(j, "dmarc", "not known now");
		raise(j, VERDICT_DEFER, 451, "4.4.3", reply_unsure);
		return;
	}
	if (f->dmarc_pass == FACT_YES || f->dmarc_wish == DMARC_ASKS_NOTHING)
		return;
	if (f->indirect) { /* one step less than what is asked */
		note(j, "dmarc", "broken on its way, as lists do");
		if (f->dmarc_wish == DMARC_REJECT)
			raise(j, VERDICT_JUNK, 0, NULL, NULL);
		return;
	}
	if (f->dmarc_wish == DMARC_REJECT) {
		note(j, "dmarc", "reject");
		raise(j, VERDICT_REJECT, 550, "5.7.26", reply_dmarc); /* RFC 7372 3.2 */
	} else {
		note(j, "dmarc", "quarantine");
		raise(j, VERDICT_JUNK, 0, NULL, NULL);
	}
}

/* May this rule stand in for a proof? Only one that names where mail comes from, or what was proved. */
static bool overrides_dmarc(const struct cfg_rule *r, const struct facts *f)
{
	bool asked = f->dmarc_wish != DMARC_ASKS_NOTHING && f->dmarc_pass != FACT_YES;

	/* Not because it came through a list: anybody may call himself one. */
	return (r->ip != NULL || r->domain != NULL || !(asked || f->dmarc_undecided));
}

static const char *line_of(struct judging *j, const struct cfg_rule *r)
{
	return (arena_fmt(j->arena, "line %u", r->line));
}

/* True: the owner's word decides. */
static bool apply_rule(struct judging *j, const struct cfg_rule *r)
{
	struct verdict *v = j->v;

	note(j, "rule", line_of(j, r));
	v->flag = r->flag;
	switch (r->act) {
	case ACT_JUNK: settle(j, VERDICT_JUNK, 0, NULL, NULL); return (true);
	case ACT_REJECT: settle(j, VERDICT_REJECT, 550, "5.7.1", reply_denied); return (true);
	case ACT_FOLDER: v->folder = r->folder; break;
	case ACT_INBOX:
		if (!overrides_dmarc(r, j->facts))
			return (false);
		settle(j, VERDICT_ACCEPT, 0, NULL, NULL);
		return (true);
	case ACT_FORWARD: v->forward = r; break;
	case ACT_FLAG: break;
	}
	return (false); /* and judged like any other mail */
}

/* The first that holds and may stand in for what is missing. ${*ret_vain}: one held that may not. */
static const struct cfg_rule *find_allow(struct judging *j, bool *ret_vain)
{
	const struct cfg_rule *r = j->cfg->allows;

	*ret_vain = false;
	while ((r = owner_first(j->arena, r, j->facts, NULL)) != NULL) {
		if (overrides_dmarc(r, j->facts))
			return (r);
		*ret_vain = true;
		r = r->next;
	}
	return (NULL);
}

static bool apply_owner(struct judging *j)
{
	bool vain;
	const struct cfg_rule *allow = find_allow(j, &vain),
			      *rule = owner_first(j->arena, j->cfg->rules, j->facts, NULL), *deny;

	/* An allow is about trust, a rule about order: mail that is allowed is still filed. */
	if (allow != NULL) {
		if (rule != NULL)
			(void)apply_rule(j, rule);
		note(j, "allow", line_of(j, allow));
		settle(j, VERDICT_ACCEPT, 0, NULL, NULL);
		return (true);
	}
	if (vain)
		note(j, "allow", "not proved, so not used");
	if ((deny = owner_first(j->arena, j->cfg->denies, j->facts, NULL)) != NULL) {
		note(j, "deny", line_of(j, deny));
		settle(j, VERDICT_REJECT, 550, "5.7.1", reply_denied);
		return (true);
	}
	return (rule != NULL && apply_rule(j, rule));
}

/* DNS-01: nobody is refused for good while a failed lookup alone keeps him from being one whom the owner
 * lets in, or one he wrote to. */
static void spare_the_undecided(struct judging *j, bool owner_decided)
{
	const struct facts *f = j->facts;
	bool may_be_allowed, may_be_trusted;

	if (j->v->act != VERDICT_REJECT || !f->proof_undecided)
		return;
	(void)owner_first(j->arena, j->cfg->allows, f, &may_be_allowed);
	may_be_trusted =
	    !owner_decided && f->known_correspondent == FACT_YES && f->aligned == FACT_UNKNOWN;
	if (!may_be_allowed && !may_be_trusted)
		return;
	note(j, "sender", "not known now");
	settle(j, VERDICT_DEFER, 451, "4.4.3", reply_unproved);
}

/* Someone the account wrote to, under a domain that was proved: not junked for his host or his words,
 * unless they are those of plain spam. */
static bool is_trusted(const struct judging *j)
{
	return (j->facts->known_correspondent == FACT_YES && j->facts->aligned == FACT_YES);
}

/* Nobody is sent what may be junk, in our name. */
static void decide_forward(struct judging *j)
{
	struct verdict *v = j->v;
	const char *why;

	if (v->forward == NULL)
		return;
	why = v->act != VERDICT_ACCEPT
	    ? arena_fmt(j->arena, "the verdict is %s", verdict_act_name(v->act))
	    : send_on_against(j->arena, j->facts, j->cfg, v->forward);
	if (why != NULL) {
		note(j, "not forwarded", why);
		v->forward = NULL;
	}
}

static void decide(struct judging *j)
{
	struct verdict *v = j->v;
	bool owner_decided;

	if (!(owner_decided = apply_owner(j))) {
		apply_dmarc(j);
		if (!is_trusted(j)) {
			apply_filters(j);
			apply_score(j);
		} else if (v->score >= j->cfg->score.reject)
			raise(j, VERDICT_JUNK, 0, NULL, NULL);
	}
	j->v->by_owner = owner_decided;
	spare_the_undecided(j, owner_decided);
	/* Filing is for mail that is taken; one that is put off may be yet. */
	if (v->act >= VERDICT_JUNK)
		v->folder = NULL;
	decide_forward(j);
	put_why(j);
}

void verdict_judge(
    struct arena *a, const struct facts *f, const struct cfg *cfg, struct verdict *ret)
{
	struct judging j = { .arena = a, .facts = f, .cfg = cfg, .v = ret };

	*ret = (struct verdict){ .act = VERDICT_ACCEPT };
	add_up(&j);
	note_lists(&j);
	decide(&j);
}

void verdict_again(struct arena *a, const struct facts *f, double score, const struct cfg *cfg,
    struct verdict *ret)
{
	struct judging j = { .arena = a, .facts = f, .cfg = cfg, .v = ret };

	*ret = (struct verdict){ .act = VERDICT_ACCEPT, .score = score };
	decide(&j);
}

bool verdict_may_refuse(const struct cfg *cfg)
{
	const struct cfg_filters *c = &cfg->filter;

	for (const struct cfg_dnsbl *d = c->dnsbls; d != NULL; d = d->next)
		if (d->kind == LIST_ADDRESS && d->action == ACTION_REJECT)
			return (true);
	return (cfg->denies != NULL || c->rdns_pattern == ACTION_REJECT ||
	    c->no_rdns == ACTION_REJECT || c->no_fcrdns == ACTION_REJECT);
}

/* The filter or list that refuses this peer; NULL: none does. */
static const struct filter_hit *refusing(struct arena *a, const struct facts *f,
    const struct cfg *cfg, struct filter_hit hits[FILTER_MAX])
{
	size_t n = filter_look(&cfg->filter, f, hits);

	for (size_t i = 0; i < n; i++)
		if (hits[i].action == ACTION_REJECT)
			return (&hits[i]);
	for (size_t i = 0; i < f->listed_n; i++)
		if (f->listed[i].list->action == ACTION_REJECT) {
			hits[0] = (struct filter_hit){ "dnsbl", ACTION_REJECT, "5.7.1",
				reply_listed(a, &f->listed[i]) };
			return (&hits[0]);
		}
	return (NULL);
}

bool verdict_filtered(const struct facts *f, const struct cfg *cfg)
{
	struct filter_hit hits[FILTER_MAX];
	struct arena *a = arena_new(0);
	bool refused = refusing(a, f, cfg, hits) != NULL;

	arena_free(a);
	return (refused);
}

bool verdict_refuses(
    struct arena *a, const struct facts *f, const struct cfg *cfg, struct verdict *ret)
{
	struct filter_hit hits[FILTER_MAX];
	const struct filter_hit *hit;
	bool unsure;

	*ret = (struct verdict){ .act = VERDICT_ACCEPT };
	if (owner_first(a, cfg->allows, f, &unsure) != NULL || unsure)
		return (false);
	if (owner_first(a, cfg->denies, f, NULL) != NULL) {
		*ret = (struct verdict){ .act = VERDICT_REJECT,
			.code = 550,
			.enhanced = "5.7.1",
			.reply = reply_denied };
		return (true);
	}
	if (f->sender_known != FACT_NO || (hit = refusing(a, f, cfg, hits)) == NULL)
		return (false);
	*ret = (struct verdict){
		.act = VERDICT_REJECT, .code = 550, .enhanced = hit->enhanced, .reply = hit->reply
	};
	return (true);
}
