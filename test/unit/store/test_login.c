/* test_login.c: do guesses cost more and more, without a stranger being able to lock anyone out? Meant to run with
 * PENNYPOST_CLOCK_SCALE (meson sets it), so that ten minutes pass in seconds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <sodium.h>

#include "core/ip.h"
#include "core/limits.h"
#include "core/mem.h"
#include "core/secret.h"
#include "fake_mail.h"

static const struct ip here = { .octets = { 192, 0, 2, 1 } }, there = { .octets = { 192, 0, 2, 2 } };

struct answer {
	bool came;
	enum login_result r;
	struct account *a;
	unsigned *order;
	unsigned place;
};

static void on_login(void *self, enum login_result r, struct account *a)
{
	struct answer *w = self;

	assert_false(w->came);
	w->came = true;
	w->r = r;
	w->a = a;
	if (w->order != NULL)
		w->place = ++*w->order;
}

static enum login_result attempt(struct bench *b, const struct ip *from, struct slice name,
    struct slice password)
{
	struct answer w = { 0 };

	assert_non_null(login_start(b->store, name, password, from, on_login, &w));
	assert_false(w.came);
	bench_until(b, &w.came);
	assert_int_equal(w.a != NULL, w.r == LOGIN_OK);
	return (w.r);
}

static void ring(void *self)
{
	*(bool *)self = true;
}

static void give_passwords(void *self)
{
	struct store *s = self;
	struct err err = { 0 };
	char hash[crypto_pwhash_STRBYTES];

	/* Cheap ones: twenty dear guesses could take longer here than the window that forgets them. */
	assert_int_equal(crypto_pwhash_str(hash, "right", 5, crypto_pwhash_OPSLIMIT_MIN,
			     crypto_pwhash_MEMLIMIT_MIN), 0);
	assert_int_equal(password_set(s, "ann", hash, &err), 0);
	assert_int_equal(password_set(s, "bob", hash, &err), 0);
}

static struct cfg *loaded; /* who may log in under which names is the configuration's to say */

static void on_fault(void *self, const char *text)
{
	(void)self;
	print_error("%s\n", text);
}

static int start(void **state)
{
	struct bench *b = bench_new();
	FILE *f = fopen("test.toml", "w");

	(void)fputs("hostname = \"mx.example.org\"\ndata = \"/tmp\"\n"
		    "[tls]\ncertificate = \"c.pem\"\nkey = \"k.pem\"\n"
		    "[domain.\"example.org\"]\n"
		    "[account.ann]\naddresses = [\"ann@example.org\"]\n"
		    "[account.bob]\naddresses = [\"bob@example.org\"]\n", f);
	(void)fclose(f);
	loaded = cfg_load("test.toml", on_fault, NULL);
	assert_non_null(loaded);
	b->store->cfg = loaded;

	bench_on_lane(b, STORE_STATE, give_passwords, b->store);
	*state = b;
	return (0);
}

static int end(void **state)
{
	bench_free(*state);
	cfg_free(loaded);
	return (0);
}

static void lets_in_who_knows(void **state)
{
	static char long_one[L_PASSWORD + 1];
	struct bench *b = *state;
	struct answer w = { 0 };

	memset(long_one, 'a', sizeof(long_one));
	assert_int_equal(attempt(b, &here, SLICE("ann"), SLICE("wrong")), LOGIN_WRONG);
	(void)login_start(b->store, SLICE("Ann@Example.org"), SLICE("right"), &here, on_login, &w);
	bench_until(b, &w.came);
	assert_int_equal(w.r, LOGIN_OK);
	assert_string_equal(account_name(w.a), "ann");
	assert_int_equal(attempt(b, &there, SLICE("nobody"), SLICE("right")), LOGIN_WRONG);
	assert_int_equal(attempt(b, &there, SLICE("bob"), SLICE("wrong")), LOGIN_WRONG);
	assert_int_equal(attempt(b, &there, SLICE(""), SLICE("")), LOGIN_WRONG);
	assert_int_equal(attempt(b, &there, SLICE("ann"), ((struct slice){ long_one, L_PASSWORD + 1 })),
	    LOGIN_WRONG);
	assert_int_equal(attempt(b, &there, SLICE("ann"), ((struct slice){ long_one, L_PASSWORD })),
	    LOGIN_WRONG);
}

static void guesser_waits_then_is_refused_owner_elsewhere_is_not(void **state)
{
	struct bench *b = *state;
	struct answer guess = { 0 }, owner = { 0 }, impatient = { 0 };
	unsigned order = 0;
	bool now = false;

	guess.order = owner.order = impatient.order = &order;
	assert_int_equal(attempt(b, &there, SLICE("ann"), SLICE("right")), LOGIN_OK);
	for (int i = 0; i < L_AUTH_FREE; i++)
		assert_int_equal(attempt(b, &here, SLICE("ann"), SLICE("guess")), LOGIN_WRONG);
	/* The sixth is delayed: whoever asks later from elsewhere is answered first. */
	(void)login_start(b->store, SLICE("ann"), SLICE("guess"), &here, on_login, &guess);
	(void)login_start(b->store, SLICE("ann"), SLICE("guess"), &here, on_login, &impatient);
	(void)login_start(b->store, SLICE("ann"), SLICE("right"), &there, on_login, &owner);
	bench_until(b, &guess.came);
	assert_true(owner.came && owner.place < guess.place && owner.r == LOGIN_OK);
	assert_true(impatient.came && impatient.r == LOGIN_THROTTLED);
	assert_int_equal(guess.r, LOGIN_WRONG);
	for (int i = L_AUTH_FREE + 1; i < L_AUTH_HARD; i++)
		assert_int_equal(attempt(b, &here, SLICE("ann"), SLICE("guess")), LOGIN_WRONG);
	assert_int_equal(attempt(b, &here, SLICE("ann"), SLICE("right")), LOGIN_THROTTLED);
	assert_int_equal(attempt(b, &here, SLICE("bob"), SLICE("right")), LOGIN_THROTTLED);
	assert_int_equal(attempt(b, &there, SLICE("ann"), SLICE("right")), LOGIN_OK);
	/* After ten minutes all is forgotten. */
	(void)timer_start(b->loop, L_AUTH_WINDOW * 1000 + 1000, ring, &now);
	bench_until(b, &now);
	assert_int_equal(attempt(b, &here, SLICE("ann"), SLICE("right")), LOGIN_OK);
}

static void housemates_are_not_punished(void **state)
{
	struct bench *b = *state;

	assert_int_equal(attempt(b, &here, SLICE("ann"), SLICE("right")), LOGIN_OK);
	for (int i = 0; i < L_AUTH_HARD; i++)
		(void)attempt(b, &here, SLICE("bob"), SLICE("guess"));
	assert_int_equal(attempt(b, &here, SLICE("bob"), SLICE("guess")), LOGIN_THROTTLED);
	/* Remembered: not a guess. Anything else from there is refused. */
	assert_int_equal(attempt(b, &here, SLICE("ann"), SLICE("right")), LOGIN_OK);
	assert_int_equal(attempt(b, &here, SLICE("ann"), SLICE("other")), LOGIN_THROTTLED);
}

static void change_password(void *self)
{
	struct store *s = self;
	struct err err = { 0 };
	char hash[SECRET_HASH_MAX];

	assert_int_equal(secret_hash(SLICE("new"), hash), 0);
	assert_int_equal(password_set(s, "ann", hash, &err), 0);
}

static void changed_password_is_changed_at_once(void **state)
{
	struct bench *b = *state;

	assert_int_equal(attempt(b, &here, SLICE("ann"), SLICE("right")), LOGIN_OK);
	bench_on_lane(b, STORE_STATE, change_password, b->store);
	login_forget(b->store);
	assert_int_equal(attempt(b, &here, SLICE("ann"), SLICE("right")), LOGIN_WRONG);
	assert_int_equal(attempt(b, &here, SLICE("ann"), SLICE("new")), LOGIN_OK);
}

static void who_is_gone_stays_out(void **state)
{
	struct bench *b = *state;

	assert_int_equal(attempt(b, &here, SLICE("ann"), SLICE("right")), LOGIN_OK);
	store_account(b->store, SLICE("ann"))->cfg = NULL; /* as a reload leaves it */
	assert_int_equal(attempt(b, &here, SLICE("ann"), SLICE("right")), LOGIN_WRONG);
}

static void crowd_is_bounded(void **state)
{
	enum { CROWD = 80 };
	struct bench *b = *state;
	struct answer w[CROWD] = { 0 };
	unsigned ok = 0, busy = 0;

	for (unsigned i = 0; i < CROWD; i++) {
		struct ip from = { .octets = { 198, 51, 100, (unsigned char)i } };

		(void)login_start(b->store, SLICE("ann"), SLICE("right"), &from, on_login, &w[i]);
	}
	for (unsigned i = 0; i < CROWD; i++) {
		bench_until(b, &w[i].came);
		ok += w[i].r == LOGIN_OK;
		busy += w[i].r == LOGIN_BUSY;
	}
	assert_int_equal(ok, L_AUTH_RUNNING + L_AUTH_WAITING);
	assert_int_equal(busy, CROWD - ok);
}

static void cancelled_is_silent_and_counted(void **state)
{
	struct bench *b = *state;
	struct answer w = { 0 };
	bool now;

	for (int i = 0; i < L_AUTH_FREE; i++) {
		store_op_cancel(login_start(b->store, SLICE("ann"), SLICE("guess"), &here, on_login, &w));
		while (!lane_idle(b->store->lanes[STORE_STATE]) || !lane_idle(b->store->passwords)) {
			now = true;
			bench_until(b, &now);
		}
	}
	/* In its delay, and answered at once but not told yet. */
	store_op_cancel(login_start(b->store, SLICE("ann"), SLICE("guess"), &here, on_login, &w));
	store_op_cancel(login_start(b->store, SLICE("ann"), SLICE(""), &there, on_login, &w));
	(void)login_start(b->store, SLICE("ann"), SLICE("guess"), &here, on_login, &w); /* closed upon */
	now = true;
	bench_until(b, &now);
	bench_close(b);
	assert_false(w.came);
}

static void many_sources_take_bounded_room(void **state)
{
	struct bench *b = *state;
	struct answer *w = mem_new_array(10000, sizeof(*w));

	for (unsigned i = 0; i < 10000; i++) {
		struct ip from = { .is_v6 = true, .octets = { 0x20, 1, 0xd, 0xb8, (unsigned char)(i >> 8), (unsigned char)i } };

		(void)login_start(b->store, SLICE("ann"), SLICE(""), &from, on_login, &w[i]);
		if (i % 100 == 99)
			bench_until(b, &w[i].came);
	}
	assert_int_equal(attempt(b, &here, SLICE("ann"), SLICE("right")), LOGIN_OK);
	free(w);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, start, end)
	const struct CMUnitTest tests[] = {
		CASE(lets_in_who_knows),
		CASE(guesser_waits_then_is_refused_owner_elsewhere_is_not),
		CASE(housemates_are_not_punished),
		CASE(changed_password_is_changed_at_once),
		CASE(who_is_gone_stays_out),
		CASE(crowd_is_bounded),
		CASE(cancelled_is_silent_and_counted),
		CASE(many_sources_take_bounded_room),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
