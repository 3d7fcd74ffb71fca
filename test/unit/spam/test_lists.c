/* Lists in the DNS: how they are asked, which answers are believed, and which lists. RFC 5782; DNS-13. */
#include "check.h"

#include "fake_dns.h"

#include <stdio.h>

#include "core/limits.h"
#include "core/map.h"
#include "spam/lists_int.h"

static const struct cfg_code plain_codes[] = { { 0x7f000002, 0x7f00000b, 0, 3 },
	{ 0x7f000004, 0x7f000004, 0, 5 }, { 0x7f000100, 0x7f0001ff, 8, 1 } };
static struct cfg_dnsbl address_list = { .zone = SLICE_INIT("bl.example"),
	.action = ACTION_SCORE,
	.points = 3,
	.codes = plain_codes,
	.codes_n = COUNT_OF(plain_codes) };
static struct cfg_dnsbl link_list = { .zone = SLICE_INIT("links.example"),
	.kind = LIST_URI,
	.action = ACTION_SCORE,
	.points = 3,
	.codes = plain_codes,
	.codes_n = COUNT_OF(plain_codes) };

static void names_are_reversed_as_the_rfc_says(void **state)
{
	static const struct {
		const char *address, *name;
	} cases[] = {
		{ "192.0.2.99", "99.2.0.192.bl.example" }, /* RFC 5782 2.1 */
		{ "2001:db8:1:2:3:4:567:89ab",             /* RFC 5782 2.4 */
		    "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.bl.example" },
	};
	char name[LISTING_NAME], longest[260];
	struct ip ip;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		assert_true(ip_parse(slice_of(cases[i].address), &ip));
		assert_true(listing_of_address(&ip, address_list.zone, name));
		assert_string_equal(name, cases[i].name);
	}
	memset(longest, 'a', sizeof(longest));
	assert_false(listing_of_name((struct slice){ longest, 243 }, address_list.zone, name));
	assert_true(listing_of_name((struct slice){ longest, 242 }, address_list.zone, name));
	assert_false(listing_of_name(SLICE(""), address_list.zone, name));
}

static void answers_are_believed_inside_the_codes(void **state) /* DNS-13 */
{
	static const struct {
		const char *answers[3];
		enum listing said;
		double points;
	} cases[] = {
		{ { "127.0.0.2" }, LISTING_YES, 3 },
		{ { "127.0.0.11" }, LISTING_YES, 3 },
		{ { "127.0.0.4" }, LISTING_YES, 5 },
		{ { "127.0.0.2", "127.0.0.4" }, LISTING_YES, 5 },
		{ { "127.0.0.4", "127.0.0.2" }, LISTING_YES, 5 },
		{ { "127.0.0.99", "127.0.0.2" }, LISTING_YES, 3 },
		{ { "127.0.0.2", "127.0.0.99" }, LISTING_YES, 3 },
		{ { "127.0.1.9" }, LISTING_YES, 1 },
		{ { "127.0.1.7" }, LISTING_OTHER, 0 }, /* another bit */
		{ { "127.0.0.12" }, LISTING_OTHER, 0 },
		{ { "127.0.0.1" }, LISTING_REFUSED, 0 },
		{ { "127.255.255.254" }, LISTING_REFUSED, 0 },
		{ { "127.0.0.2", "127.255.255.255" }, LISTING_REFUSED, 0 },
		{ { "192.0.2.1" }, LISTING_REFUSED, 0 },
		{ { "128.0.0.2" }, LISTING_REFUSED, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct dns_record records[3];
		struct dns_answer a = { .status = DNS_OK, .records = records };
		struct listed l = { .points = 0 };

		while (a.n < 3 && cases[i].answers[a.n] != NULL) {
			assert_true(ip_parse(slice_of(cases[i].answers[a.n]), &records[a.n].u.ip));
			a.n++;
		}
		if (listing_read(&address_list, &a, &l) != cases[i].said ||
		    (cases[i].said == LISTING_YES &&
			(l.points < cases[i].points || l.points > cases[i].points)))
			fail_msg("case %zu", i);
		/* and it is told which of them said so */
		a.records = &(struct dns_record){ .u.ip = l.code };
		a.n = 1;
		assert_int_equal(listing_read(&address_list, &a, &(struct listed){ .points = 0 }),
		    cases[i].said);
	}
	assert_int_equal(listing_read(&address_list, &(struct dns_answer){ .status = DNS_NO_NAME },
			     &(struct listed){ 0 }),
	    LISTING_NO);
	assert_int_equal(
	    listing_read(&address_list, &(struct dns_answer){ .status = DNS_TEMPORARY },
		&(struct listed){ 0 }),
	    LISTING_UNKNOWN);
}

/* --- lists under test --- */

struct world {
	struct suffixes *suffixes;
	struct lists *lists;
	struct cfg *cfg;
	unsigned notices;
	char why[200], state[20], told[200]; /* of the last notice; by lists_each */
};

static void on_notice(void *self, const struct cfg_dnsbl *list, const char *why)
{
	struct world *w = self;

	(void)list;
	w->notices++;
	(void)snprintf(w->why, sizeof(w->why), "%s", why != NULL ? why : "well");
}

static void on_list(void *arg, const struct list_status *s)
{
	struct world *w = arg;

	(void)snprintf(w->state, sizeof(w->state), "%s", s->state);
	(void)snprintf(w->told, sizeof(w->told), "%s", s->why);
}

static const char *state_of(struct world *w)
{
	lists_each(w->lists, on_list, w);
	return (w->state);
}

static const struct list_one *first_of(const struct world *w)
{
	return (LIST_OWNER(w->lists->ones.next, struct list_one, node));
}

static int stop_turn; /* the loop has timers of a day: it is stopped once the answers are there */

static void on_stop(void *self)
{
	if (++stop_turn < 20)
		(void)loop_later(fake.loop, on_stop, self);
	else
		loop_stop(fake.loop);
}

static void settle(void)
{
	stop_turn = 0;
	(void)loop_later(fake.loop, on_stop, NULL);
	loop_run(fake.loop);
}

static void begin(struct world *w, struct cfg_dnsbl *list, const struct fake_row *rows)
{
	static char path[] = "test";

	*w = (struct world){ .notices = 0 };
	assert_non_null(w->suffixes = suffixes_open(NULL, NULL));
	w->cfg = calloc(1, sizeof(*w->cfg));
	w->cfg->path = path;
	w->cfg->who = map_new();
	w->cfg->filter.dnsbls = list;
	fake.rows = rows;
	fake.asked = 0;
	w->lists =
	    lists_new(&(struct lists_deps){ fake.loop, NULL, w->suffixes, on_notice, w }, w->cfg);
	settle();
}

static void end(struct world *w)
{
	lists_free(w->lists);
	suffixes_free(w->suffixes);
	map_free(w->cfg->who);
	free(w->cfg);
	settle();
	assert_int_equal(fake.pending, 0);
}

#define WELL                                                                                       \
	{                                                                                          \
		"2.0.0.127.bl.example", DNS_A, "127.0.0.2", DNS_OK                                 \
	}
#define END                                                                                        \
	{                                                                                          \
		NULL, DNS_A, NULL, DNS_OK                                                          \
	}

static void a_list_is_asked_once_its_test_succeeds(void **state)
{
	static const struct {
		struct fake_row rows[4];
		const char *state, *why;
	} cases[] = {
		{ { WELL, END }, "well", "" },
		{ { { "2.0.0.127.bl.example", DNS_A, "127.0.0.99", DNS_OK }, END }, "well", "" },
		{ { WELL, { "1.0.0.127.bl.example", DNS_A, "127.0.0.2", DNS_OK }, END }, "off",
		    "it lists 127.0.0.1, which no list may: it lists the whole world" },
		{ { WELL, { "1.0.0.127.bl.example", DNS_A, NULL, DNS_TEMPORARY }, END }, "waiting",
		    "" },
		{ { { "2.0.0.127.bl.example", DNS_A, "127.255.255.254", DNS_OK }, END }, "off",
		    "it answers 127.255.255.254, so it refuses our questions or is another's now" },
		{ { { "2.0.0.127.bl.example", DNS_A, "192.0.2.1", DNS_OK }, END }, "off",
		    "it answers 192.0.2.1, so it refuses our questions or is another's now" },
		{ { { "2.0.0.127.bl.example", DNS_A, NULL, DNS_TEMPORARY }, END }, "waiting", "" },
		{ { END }, "off", "it does not list 127.0.0.2, as every list must" },
	};
	struct world w;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		begin(&w, &address_list, cases[i].rows);
		if (strcmp(state_of(&w), cases[i].state) != 0 || strcmp(w.why, cases[i].why) != 0)
			fail_msg("case %zu: %s, %s", i, w.state, w.why);
		assert_int_equal(w.notices, cases[i].why[0] != '\0');
		assert_non_null(first_of(&w)->timer); /* whatever it is, it is tested again */
		assert_true(
		    lists_want(w.lists, LIST_ADDRESS) == (strcmp(cases[i].state, "well") == 0));
		end(&w);
	}
}

static unsigned known;

static void on_known(void *self)
{
	(void)self;
	known++;
}

static size_t ask_address(struct world *w, const char *address, double *ret_points)
{
	struct list_asks *q = list_asks_new(w->lists, NULL);
	const struct listed *hits;
	struct ip ip;
	size_t n;

	assert_true(ip_parse(slice_of(address), &ip));
	list_asks_address(q, &ip);
	known = 0;
	if (!list_asks_known(q)) {
		list_asks_await(q, on_known, NULL);
		settle();
		assert_int_equal(known, 1);
	}
	n = list_asks_hits(q, &hits);
	*ret_points = n > 0 ? hits[0].points : 0;
	list_asks_free(q);
	return (n);
}

static void what_a_list_cannot_hold_is_not_asked(void **state)
{
	static const struct fake_row rows[] = { WELL,
		{ "1.2.0.192.bl.example", DNS_A, "127.0.0.4", DNS_OK },
		{ "2.2.0.192.bl.example", DNS_A, NULL, DNS_TEMPORARY }, END };
	struct world w;
	double points;
	unsigned asked;

	(void)state;
	begin(&w, &address_list, rows);
	assert_int_equal(ask_address(&w, "192.0.2.1", &points), 1);
	assert_true(points > 4.9 && points < 5.1);
	assert_int_equal(ask_address(&w, "192.0.2.2", &points), 0);
	asked = fake.asked;
	assert_int_equal(
	    ask_address(&w, "2001:db8::1", &points), 0); /* its IPv6 entry is not there */
	assert_int_equal(fake.asked, asked);
	end(&w);
}

static void a_list_that_begins_to_refuse_or_to_list_all_goes_off_and_comes_back(void **state)
{
	static struct fake_row rows[] = { WELL,
		{ "1.2.0.192.bl.example", DNS_A, "127.255.255.254", DNS_OK }, END, END };
	struct world w;
	double points;

	(void)state;
	begin(&w, &address_list, rows);
	assert_int_equal(ask_address(&w, "192.0.2.1", &points), 0);
	assert_string_equal(state_of(&w), "off");
	assert_int_equal(w.notices, 1);
	rows[1].value = "127.0.0.2";
	assert_int_equal(ask_address(&w, "192.0.2.1", &points), 0); /* not asked */
	lists_reload(w.lists, w.cfg);
	settle();
	assert_string_equal(state_of(&w), "well");
	assert_string_equal(w.why, "well");
	assert_string_equal(w.told, "");
	/* So many in a row: is it the whole world? */
	rows[2] = (struct fake_row){ "1.0.0.127.bl.example", DNS_A, "127.0.0.2", DNS_OK };
	for (int i = 0; i < L_LIST_RUN; i++)
		assert_int_equal(ask_address(&w, "192.0.2.1", &points), 1);
	settle();
	assert_string_equal(state_of(&w), "off");
	assert_int_equal(ask_address(&w, "192.0.2.1", &points), 0);
	rows[2] = (struct fake_row)END;
	end(&w);
}

/* As many answers in a row as make it be tested again: none but these count. */
static void a_run_ends_with_a_test_or_another_answer(void **state)
{
	static const struct fake_row rows[] = { WELL,
		{ "1.2.0.192.bl.example", DNS_A, "127.0.0.4", DNS_OK }, END };
	struct world w;
	double points;
	unsigned asked;

	(void)state;
	begin(&w, &address_list, rows);
	for (int twice = 0; twice < 2; twice++) {
		for (int i = 1; i < L_LIST_RUN; i++)
			assert_int_equal(ask_address(&w, "192.0.2.1", &points), 1);
		if (twice == 0)
			assert_int_equal(ask_address(&w, "192.0.2.9", &points), 0);
		else
			lists_reload(w.lists, w.cfg);
		settle();
		asked = fake.asked;
		assert_int_equal(ask_address(&w, "192.0.2.1", &points), 1);
		assert_int_equal(fake.asked, asked + 1);
		assert_int_equal(ask_address(&w, "192.0.2.9", &points), 0);
	}
	end(&w);
}

static void a_list_is_asked_once_and_its_worst_answer_counts(void **state)
{
	static const char *const peers[] = { "192.0.2.1", "192.0.2.2", "192.0.2.1" };
	static const struct fake_row rows[] = { WELL,
		{ "1.2.0.192.bl.example", DNS_A, "127.0.0.4", DNS_OK },
		{ "2.2.0.192.bl.example", DNS_A, "127.0.0.2", DNS_OK }, END };
	const struct listed *hits;
	struct list_asks *q;
	struct world w;
	struct ip ip;

	(void)state;
	begin(&w, &address_list, rows);
	for (size_t from = 0; from < 2; from++) { /* either first */
		unsigned asked = fake.asked;

		q = list_asks_new(w.lists, NULL);
		for (size_t i = 0; i < 2 + from; i++) {
			assert_true(ip_parse(slice_of(peers[from + i == 3 ? 1 : from + i]), &ip));
			list_asks_address(q, &ip);
		}
		settle();
		assert_int_equal(fake.asked, asked + 2);
		assert_int_equal(list_asks_hits(q, &hits), 1);
		assert_true(hits[0].points > 4.9);
		assert_true(slice_eq(hits[0].what, SLICE("192.0.2.1")));
		list_asks_free(q);
	}
	end(&w);
}

static unsigned asked_about(struct world *w, const char *text)
{
	struct list_asks *q = list_asks_new(w->lists, NULL);
	struct arena *a = arena_new(0);
	struct uri_hosts hosts = { .n = 0 };
	unsigned before = fake.asked;

	uri_find_text(a, slice_of(text), &hosts);
	list_asks_uris(q, &hosts);
	settle();
	list_asks_free(q);
	arena_free(a);
	return (fake.asked - before);
}

/* Nobody's links to the owner's own domains, to those he allows or to private networks are told to a list. */
static void what_is_nobody_elses_business_is_not_asked(void **state)
{
	static const struct fake_row rows[] = { { "test.links.example", DNS_A, "127.0.0.2", DNS_OK },
		{ "2.0.0.127.links.example", DNS_A, "127.0.0.2", DNS_OK }, END };
	static struct cfg_match friend = { .text = SLICE_INIT("news.friend.com") },
				domain = { .text = SLICE_INIT("buddy.com") };
	static struct cfg_rule second = { .kind = RULE_ALLOW, .domain = &domain },
			       first = { .kind = RULE_ALLOW, .domain = &friend, .next = &second };
	struct world w;

	(void)state;
	begin(&w, &link_list, rows);
	assert_int_equal(asked_about(&w, "http://a.ours.com http://www.buddy.com http://news.friend.com"), 3);
	assert_int_equal(asked_about(&w, "http://8.8.8.8/"), 1);
	assert_int_equal(asked_about(&w, "http://10.0.0.1/ http://127.0.0.1/"), 0);
	(void)map_put(w.cfg->who, SLICE("D@ours.com"), &w);
	w.cfg->allows = &first;
	assert_int_equal(asked_about(&w, "http://a.ours.com http://ours.com http://www.buddy.com http://news.friend.com"), 0);
	assert_int_equal(asked_about(&w, "http://www.friend.com"), 1);
	w.cfg->allows = NULL;
	end(&w);
}

static void links_are_asked_about_by_organisation_and_no_more_than_so_many(void **state)
{
	static const struct fake_row rows[] = { { "test.links.example", DNS_A, "127.0.0.2",
						    DNS_OK },
		{ "evil.com.links.example", DNS_A, "127.0.0.2", DNS_OK }, END };
	struct arena *a = arena_new(0);
	struct dns_budget budget = { .left = L_DNS_MESSAGE };
	struct uri_hosts hosts = { .n = 0 };
	const struct listed *hits;
	struct list_asks *q;
	struct world w;
	unsigned before;

	(void)state;
	begin(&w, &link_list, rows);
	uri_find_text(a, SLICE("http://a.evil.com http://b.evil.com report.txt 192.0.2.1"), &hosts);
	before = fake.asked;
	q = list_asks_new(w.lists, &budget);
	list_asks_uris(q, &hosts);
	assert_int_equal(fake.asked - before, 1);
	settle();
	assert_int_equal(list_asks_hits(q, &hits), 1);
	assert_true(slice_eq(hits[0].what, SLICE("evil.com")));
	list_asks_free(q);
	/* Many, the bad one last. */
	hosts = (struct uri_hosts){ .n = 0 };
	for (unsigned i = 0; i < 100; i++)
		uri_find_text(
		    a, slice_of(arena_fmt(a, "http://h%u.com http://evil.com", i)), &hosts);
	before = fake.asked;
	q = list_asks_new(w.lists, &budget);
	list_asks_uris(q, &hosts);
	assert_int_equal(fake.asked - before, L_URI_HOSTS);
	assert_int_equal(budget.left, L_DNS_MESSAGE - 1 - L_URI_HOSTS);
	list_asks_free(q); /* before any answer */
	/* What others need of the budget stays. */
	budget.left = L_DNS_KEEP_LISTS + 2;
	before = fake.asked;
	q = list_asks_new(w.lists, &budget);
	list_asks_uris(q, &hosts);
	assert_int_equal(fake.asked - before, 2);
	list_asks_free(q);
	end(&w);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_reversed_as_the_rfc_says),
		cmocka_unit_test(answers_are_believed_inside_the_codes),
		cmocka_unit_test(a_list_is_asked_once_its_test_succeeds),
		cmocka_unit_test(what_a_list_cannot_hold_is_not_asked),
		cmocka_unit_test(
		    a_list_that_begins_to_refuse_or_to_list_all_goes_off_and_comes_back),
		cmocka_unit_test(a_run_ends_with_a_test_or_another_answer),
		cmocka_unit_test(a_list_is_asked_once_and_its_worst_answer_counts),
		cmocka_unit_test(what_is_nobody_elses_business_is_not_asked),
		cmocka_unit_test(links_are_asked_about_by_organisation_and_no_more_than_so_many),
	};

	return (cmocka_run_group_tests(tests, fake_begin, fake_end));
}
