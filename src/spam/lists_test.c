/* lists_test.c: is this list well? RFC 5782 5: every list of addresses has 127.0.0.2 and not 127.0.0.1 (of
 * IPv6 ::ffff:7f00:2 and ::ffff:7f00:1), every list of names has TEST and not INVALID. What its own entries
 * show it can answer is asked of it, no more. Failures: an answer that does not come leaves it as it was. */
#include <stdio.h>

#include "core/clock.h"
#include "core/mem.h"
#include "spam/lists_int.h"

struct entry {
	const char *name; /* in front of the zone */
	const char *shown;
};

#define V6_TAIL "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0"

/* By kind: what must be there and what must not, for each of two things that it may list. */
static const struct entry entries[][LIST_PROBES] = {
	[LIST_ADDRESS] = { { "2.0.0.127", "127.0.0.2" }, { "1.0.0.127", "127.0.0.1" },
	    { "2.0.0.0.0.0.f.7.f.f.f.f." V6_TAIL, "::ffff:7f00:2" },
	    { "1.0.0.0.0.0.f.7.f.f.f.f." V6_TAIL, "::ffff:7f00:1" } },
	[LIST_NAME] = { { "test", "TEST" }, { "invalid", "INVALID" }, { NULL, NULL },
	    { NULL, NULL } },
	[LIST_URI] = { { "test", "TEST" }, { "invalid", "INVALID" }, { "2.0.0.127", "127.0.0.2" },
	    { "1.0.0.127", "127.0.0.1" } },
};

static void on_time(void *self)
{
	struct list_one *o = self;

	o->timer = NULL;
	list_test_start(o);
}

static void test_in(struct list_one *o, uint64_t seconds)
{
	timer_cancel(o->timer);
	o->timer = timer_start(o->all->deps.loop, seconds * 1000, on_time, o);
}

void list_turn_off(struct list_one *o, const char *why)
{
	bool news = o->state != LIST_OFF || strcmp(o->why, why) != 0;

	o->state = LIST_OFF;
	o->run = 0;
	if (why != o->why)
		(void)snprintf(o->why, sizeof(o->why), "%s", why);
	if (o->open == 0)
		test_in(o, L_LIST_OFF_SECONDS);
	if (news)
		o->all->deps.on_notice(o->all->deps.self, o->list, o->why);
}

void list_refused(struct list_one *o, const struct ip *code)
{
	char text[IP_TEXT], why[LIST_WHY];

	(void)snprintf(why, sizeof(why),
	    "it answers %s, so it refuses our questions or is another's now", ip_text(code, text));
	list_turn_off(o, why);
}

/* True: what must be listed is, by any answer, and what must not is not, by a documented one. */
static bool place_is_well(const struct list_one *o, size_t place)
{
	enum listing must = o->probes[2 * place].said, mustnt = o->probes[2 * place + 1].said;

	return ((must == LISTING_YES || must == LISTING_OTHER) &&
	    (mustnt == LISTING_NO || mustnt == LISTING_OTHER));
}

static void turn_on(struct list_one *o)
{
	bool names = o->list->kind != LIST_ADDRESS, news = o->state == LIST_OFF;

	o->takes_names = names && place_is_well(o, 0);
	o->takes_v4 = place_is_well(o, names ? 1 : 0);
	o->takes_v6 = !names && place_is_well(o, 1);
	o->state = LIST_WELL;
	o->run = 0;
	o->why[0] = '\0';
	test_in(o, L_LIST_DAY_SECONDS);
	if (news)
		o->all->deps.on_notice(o->all->deps.self, o->list, NULL);
}

/* All probes are answered. */
static void judge(struct list_one *o)
{
	const struct entry *e = entries[o->list->kind];
	bool unknown = false;
	char why[LIST_WHY];

	for (size_t i = 0; i < LIST_PROBES; i++)
		if (o->probes[i].said == LISTING_REFUSED) {
			list_refused(o, &o->probes[i].code);
			return;
		}
	for (size_t i = 0; i < LIST_PROBES; i++) {
		unknown = unknown || o->probes[i].said == LISTING_UNKNOWN;
		if (i % 2 == 0 || o->probes[i].said != LISTING_YES)
			continue;
		(void)snprintf(why, sizeof(why),
		    "it lists %s, which no list may: it lists the whole world", e[i].shown);
		list_turn_off(o, why);
		return;
	}
	if (place_is_well(o, 0) || place_is_well(o, 1)) {
		turn_on(o);
	} else if (unknown) {
		if (o->state == LIST_WAITING)
			(void)snprintf(
			    o->why, sizeof(o->why), "its self-test is not answered by the DNS");
		test_in(o, L_LIST_AGAIN_SECONDS);
	} else {
		(void)snprintf(
		    why, sizeof(why), "it does not list %s, as every list must", e[0].shown);
		list_turn_off(o, why);
	}
}

static void on_probe(void *self, const struct dns_answer *a)
{
	struct list_probe *p = self;
	struct list_one *o = p->one;
	struct listed listed = { .points = 0 };

	p->query = NULL;
	p->said = listing_read(o->list, a, &listed);
	p->code = listed.code;
	if (--o->open == 0)
		judge(o);
}

void list_test_start(struct list_one *o)
{
	const struct entry *e = entries[o->list->kind];

	if (o->open > 0 || o->gone)
		return;
	timer_cancel(o->timer);
	o->timer = NULL;
	for (size_t i = 0; i < LIST_PROBES; i++) {
		struct list_probe *p = &o->probes[i];
		char name[LISTING_NAME];

		*p = (struct list_probe){ .one = o, .said = LISTING_NO };
		if (e[i].name == NULL)
			continue;
		p->said = LISTING_UNKNOWN;
		if (listing_of_name(slice_of(e[i].name), o->list->zone, name) &&
		    (p->query = dns_ask(o->all->deps.dns, slice_of(name), DNS_A, on_probe, p)) !=
			NULL)
			o->open++;
	}
	if (o->open == 0) /* none could be put */
		test_in(o, L_LIST_AGAIN_SECONDS);
}

void list_test_stop(struct list_one *o)
{
	timer_cancel(o->timer);
	o->timer = NULL;
	for (size_t i = 0; i < LIST_PROBES; i++) {
		dns_cancel(o->probes[i].query);
		o->probes[i].query = NULL;
	}
	o->open = 0;
}
