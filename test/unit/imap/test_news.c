/* Does a client that believes what it is told end up with the truth, and do numbers mean the same
 * on both sides at every moment between? A model client reads the responses; the view changes at
 * random. */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>

#include "fake_view.h"
#include "imap/news.h"

static struct view view;
static uint32_t client[1024]; /* uids by number; 0: a message whose uid it was not told */
static size_t client_n;
static unsigned seed;

static unsigned any(unsigned n)
{
	seed = seed * 1103515245 + 12345;
	return ((seed >> 16) % n);
}

static void client_hears(const struct news *n, struct slice all)
{
	struct slice line;

	while (slice_cut(all, '\n', &line, &all)) {
		unsigned a = 0, b = 0;
		char word[20] = "";

		if (sscanf(line.p, "* VANISHED %u", &a) == 1) {
			size_t at = 11;

			while (at < line.n && line.p[at] != '\r') {
				char *end;

				a = b = (unsigned)strtoul(line.p + at, &end, 10);
				if (*end == ':')
					b = (unsigned)strtoul(end + 1, &end, 10);
				for (; a <= b; a++)
					for (size_t i = 0; i < client_n; i++)
						if (client[i] == a) {
							client_n--;
							memmove(client + i, client + i + 1,
							    (client_n - i) * sizeof(*client));
							break;
						}
				at = (size_t)(end - line.p) + (*end == ',');
			}
		} else if (sscanf(line.p, "* %u %19s", &a, word) == 2) {
			if (strcmp(word, "EXISTS") == 0) {
				assert_true(a >= client_n); /* only EXPUNGE makes it smaller */
				for (; client_n < a; client_n++)
					client[client_n] = news_uid(n, (uint32_t)client_n + 1);
			} else if (strcmp(word, "EXPUNGE") == 0) {
				assert_true(a >= 1 && a <= client_n);
				client_n--;
				memmove(client + a - 1, client + a,
				    (client_n - a + 1) * sizeof(*client));
			} else if (strcmp(word, "FETCH") == 0) {
				assert_int_equal(sscanf(line.p, "* %u FETCH (UID %u", &a, &b), 2);
				assert_true(a <= client_n && client[a - 1] == b);
			}
		}
	}
}

static void numbers_agree(const struct news *n)
{
	assert_int_equal(n->count, client_n);
	for (size_t i = 0; i < client_n; i++) {
		assert_int_equal(news_uid(n, (uint32_t)i + 1), client[i]);
		assert_int_equal(news_seq(n, client[i]), i + 1);
	}
	assert_int_equal(news_uid(n, (uint32_t)client_n + 1), 0);
	for (size_t i = 0; i < view.n; i++) /* what was not announced has no number */
		assert_int_equal(news_seq(n, view.m[i].uid) == 0, view.m[i].uid >= n->next);
}

static void tell(struct news *n, bool expunges, bool vanished)
{
	struct news_style style = {
		.expunges = expunges, .vanished = vanished, .modseq = true, .recent = true
	};
	struct buf out = BUF_INIT(1 << 20);
	bool more = true;

	while (more) {
		buf_reset(&out);
		more = news_write(n, &style, &out);
		if (!expunges) {
			assert_int_equal(slice_find(buf_slice(&out), SLICE("EXPUNGE")), SIZE_MAX);
			assert_int_equal(slice_find(buf_slice(&out), SLICE("VANISHED")), SIZE_MAX);
		}
		(void)buf_z(&out);
		client_hears(n, buf_slice(&out));
	}
	buf_free(&out);
}

static void change(struct news *n)
{
	struct view_change ch = { .n = 0 };
	uint32_t uids[4];

	ch.uids = uids;
	switch (any(3)) {
	case 0:
		ch.kind = VIEW_ADDED;
		while (ch.n < 1 + any(3) && ch.n < 4 && view.n < 200) {
			view.uidnext += any(3);
			uids[ch.n++] = view.uidnext;
			view.m[view.n++] =
			    (struct view_message){ .uid = view.uidnext++, .modseq = 1 };
		}
		break;
	case 1:
		ch.kind = VIEW_EXPUNGED;
		for (size_t i = view.n > 0 ? any((unsigned)view.n) : 0; i < view.n && ch.n < 3;) {
			uids[ch.n++] = view.m[i].uid;
			view.n--;
			memmove(view.m + i, view.m + i + 1, (view.n - i) * sizeof(view.m[0]));
			i += any(4);
		}
		break;
	case 2:
		ch.kind = VIEW_FLAGS;
		if (view.n > 0)
			uids[ch.n++] = view.m[any((unsigned)view.n)].uid;
		break;
	}
	if (ch.n > 0)
		news_heard(n, &ch, any(4) == 0);
}

static void a_believing_client_has_the_truth(void **state)
{
	(void)state;
	for (seed = 1; seed < 400; seed++) {
		unsigned was = seed;
		bool vanished = any(2);
		struct news n;

		view = (struct view){ .uidnext = 1 };
		for (unsigned i = any(30); i > 0; i--)
			view.m[view.n++] = (struct view_message){ .uid = view.uidnext++ };
		news_init(&n, &view);
		client_n = view.n;
		for (size_t i = 0; i < view.n; i++)
			client[i] = view.m[i].uid;
		for (int i = 0; i < 60; i++) {
			change(&n);
			numbers_agree(&n);
			if (any(3) == 0) {
				tell(&n, any(2), vanished);
				numbers_agree(&n);
			}
		}
		tell(&n, true, vanished);
		assert_int_equal(client_n, view.n);
		for (size_t i = 0; i < view.n; i++)
			assert_int_equal(client[i], view.m[i].uid);
		assert_false(news_any(&n, &(struct news_style){ .expunges = true }));
		news_done(&n);
		seed = was;
	}
}

static void sets_find_what_is_there(void **state)
{
	static const struct {
		const char *set;
		bool is_uid;
		const char *want; /* NULL: beyond the last */
		bool missing;
	} cases[] = {
		/* the client knows uids 10 20 30 40; 20 is gone, 50 is new */
		{ "1:4", false, "10,30,40", true },
		{ "2", false, "", true },
		{ "3:*", false, "30,40", false },
		{ "*", false, "40", false },
		{ "5", false, NULL, false },
		{ "1:*", true, "10,30,40", true },
		{ "50", true, "", false },
		{ "50:*", true, "40", false },
		{ "20:30", true, "30", true },
		{ "1:9", true, "", false },
		{ "10,10,1:10", true, "10", false },
	};
	uint32_t gone = 20;
	struct view_change ch = { VIEW_EXPUNGED, &gone, 1, NULL };
	struct news n;

	(void)state;
	view = (struct view){ .uidnext = 41, .n = 4 };
	for (unsigned i = 0; i < 4; i++)
		view.m[i].uid = 10 * (i + 1);
	news_init(&n, &view);
	view.m[1] = view.m[2];
	view.m[2] = view.m[3];
	view.m[3].uid = 50;
	view.uidnext = 51;
	news_heard(&n, &ch, false);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena *a = arena_new(0);
		struct buf out = BUF_INIT(100);
		struct seqset s;
		uint32_t *uids = NULL;
		size_t count;
		bool over, missing, ok;

		assert_true(seqset_parse(a, slice_of(cases[i].set), &s, &over));
		ok = news_resolve(&n, &s, cases[i].is_uid, &uids, &count, &missing);
		if (ok != (cases[i].want != NULL))
			fail_msg("%s", cases[i].set);
		for (size_t u = 0; ok && u < count; u++)
			(void)buf_fmt(&out, "%s%u", u > 0 ? "," : "", uids[u]);
		if (ok) {
			assert_string_equal(buf_z(&out), cases[i].want);
			assert_int_equal(missing, cases[i].missing);
		}
		free(uids);
		buf_free(&out);
		arena_free(a);
	}
	news_done(&n);
}

static void missing_uids_are_those_not_there(void **state)
{
	struct range r[] = { { 1, 12 }, { 15, 60 } };
	struct seqset set = { .v = r, .n = 2 };
	struct buf out = BUF_INIT(100);
	struct news n;
	bool first = true;

	(void)state;
	view = (struct view){ .uidnext = 51, .n = 2 };
	view.m[0].uid = 10;
	view.m[1].uid = 40;
	news_init(&n, &view);
	uid_list_merge(
	    &n.gone, (const uint32_t[]){ 20 }, 1); /* told later, as VANISHED without (EARLIER) */
	news_write_missing(&n, &set, &out, &first);
	assert_string_equal(buf_z(&out), "1:9,11:12,15:19,21:39,41:50");
	buf_free(&out);
	news_done(&n);
}

static void lists_merge_and_lose(void **state)
{
	static const struct {
		uint32_t a[4], b[4];
		const char *merged, *removed;
	} cases[] = {
		{ { 0 }, { 0 }, "", "" },
		{ { 0 }, { 3, 5 }, "3,5", "" },
		{ { 3, 5 }, { 0 }, "3,5", "3,5" },
		{ { 3, 5 }, { 7, 9 }, "3,5,7,9", "3,5" },
		{ { 3, 5 }, { 5, 7 }, "3,5,7", "3" },
		{ { 3, 5, 9 }, { 1, 5, 7 }, "1,3,5,7,9", "3,9" },
		{ { 3, 5, 9 }, { 3, 5, 9 }, "3,5,9", "" },
		{ { 7, 9 }, { 3, 5 }, "3,5,7,9", "7,9" },
		{ { 3, 5, 9 }, { 9 }, "3,5,9", "3,5" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (unsigned removes = 0; removes < 2; removes++) {
			struct uid_list l = { 0 };
			char text[64] = "";
			size_t n = 0, a = 0;

			while (n < 4 && cases[i].b[n] != 0)
				n++;
			while (a < 4 && cases[i].a[a] != 0)
				uid_list_merge(&l, &cases[i].a[a++], 1);
			if (removes)
				uid_list_remove(&l, cases[i].b, n);
			else
				uid_list_merge(&l, cases[i].b, n);
			for (size_t k = 0; k < l.n; k++)
				(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%u",
				    k > 0 ? "," : "", l.v[k]);
			assert_string_equal(text, removes ? cases[i].removed : cases[i].merged);
			uid_list_free(&l);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_believing_client_has_the_truth),
		cmocka_unit_test(sets_find_what_is_there),
		cmocka_unit_test(lists_merge_and_lose),
		cmocka_unit_test(missing_uids_are_those_not_there),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
