/* Do the caps hold per source and in all, does the longest silent stranger make room, and are unix sockets replaced only when
 * dead? And does dialling go through its addresses in order? */
#include "check.h"
#include "ends.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { MOST = 64 };

struct room {
	struct loop *loop;
	struct listeners *ls;
	struct conn *conns[MOST];
	unsigned n, closed, expect;
	bool trust;
	char why[128];
};

static void on_input(void *self)
{
	(void)self;
}

static void on_closed(void *self, const char *why)
{
	struct room *r = self;

	r->closed++;
	(void)snprintf(r->why, sizeof(r->why), "%s", why);
}

static const struct conn_events events = { .on_input = on_input, .on_closed = on_closed };

static void on_conn(void *self, struct conn *c)
{
	struct room *r = self;

	r->conns[r->n++] = c;
	conn_own(c, &events, r);
	if (r->trust)
		conn_set_trusted(c);
}

static void open_room(struct room *r, const struct listen_caps *caps)
{
	struct ip ip = { .octets = { 127, 0, 0, 1 } };
	struct err err;

	memset(r, 0, sizeof(*r));
	r->loop = loop_new();
	r->ls = listeners_new(r->loop, caps);
	assert_int_equal(listen_bind(r->ls, false, &ip, 0, on_conn, r, "421 4.7.0 too many\r\n", &err), 0);
	listeners_start(r->ls);
}

static void close_room(struct room *r)
{
	listeners_free(r->ls);
	loop_free(r->loop);
}

static int knock(const struct room *r)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	to.sin_port = htons((uint16_t)listeners_port(r->ls, 0));
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return (fd);
}

static void on_stop(void *self)
{
	loop_stop(self);
}

static void run_for(struct room *r, uint64_t ms)
{
	(void)timer_start(r->loop, ms, on_stop, r->loop);
	loop_run(r->loop);
}

static bool was_refused(int fd) /* told so, then FIN */
{
	char text[64] = "";
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return (poll(&p, 1, 0) == 1 && read(fd, text, sizeof(text) - 1) == 20 &&
	    strcmp(text, "421 4.7.0 too many\r\n") == 0 && read(fd, text, 1) == 0);
}

static void each_cap_refuses_the_next_one(void **state)
{
	static const struct {
		struct listen_caps caps;
		bool trust;
		unsigned let_in;
	} cases[] = {
		{ { 100, 3, 100, 100 }, false, 3 }, { { 100, 100, 2, 100 }, false, 2 },
		{ { 100, 100, 100, 4 }, false, 4 }, { { 5, 100, 100, 100 }, true, 5 },
		{ { 100, 100, 2, 100 }, true, 6 }, /* who has logged in is no guest */
		{ { 5, 100, 100, 100 }, false, 5 }, /* nobody has been silent long enough to be shed */
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct room r;
		int fds[6];

		open_room(&r, &cases[i].caps);
		r.trust = cases[i].trust;
		for (size_t k = 0; k < COUNT_OF(fds); k++) {
			fds[k] = knock(&r);
			run_for(&r, 20);
		}
		run_for(&r, 50);
		assert_int_equal(r.n, cases[i].let_in);
		assert_int_equal(listeners_count(r.ls), cases[i].let_in);
		for (size_t k = 0; k < COUNT_OF(fds); k++) {
			assert_int_equal(was_refused(fds[k]), k >= cases[i].let_in);
			(void)close(fds[k]);
		}
		run_for(&r, 50);
		assert_int_equal(listeners_count(r.ls), 0); /* seats come back */
		close_room(&r);
	}
}

static void longest_silent_stranger_is_shed(void **state)
{
	static const struct listen_caps caps = { 3, 100, 100, 100 };
	struct room r;
	int fds[4];

	(void)state;
	open_room(&r, &caps);
	for (size_t k = 0; k < 3; k++) {
		fds[k] = knock(&r);
		run_for(&r, 30);
	}
	conn_set_trusted(r.conns[0]);
	run_for(&r, 1100);
	assert_int_equal(write(fds[1], "x", 1), 1); /* this one speaks, so the third is the longest silent */
	run_for(&r, 50);
	fds[3] = knock(&r);
	run_for(&r, 50);
	assert_int_equal(r.n, 4);
	assert_int_equal(r.closed, 1);
	assert_string_equal(r.why, "shed: all connections are in use");
	assert_int_equal(listeners_count(r.ls), 3);
	{
		struct pollfd p = { .fd = fds[2], .events = POLLIN };

		assert_int_equal(poll(&p, 1, 0), 1); /* reset or FIN */
	}
	for (size_t k = 0; k < 4; k++)
		(void)close(fds[k]);
	run_for(&r, 50);
	close_room(&r);
}

struct ticker {
	struct room *r;
	unsigned last, most;
};

static void on_tick(void *self)
{
	struct ticker *t = self;

	if (t->r->n - t->last > t->most)
		t->most = t->r->n - t->last;
	t->last = t->r->n;
	if (t->r->n < t->r->expect)
		(void)loop_later(t->r->loop, on_tick, t);
	else
		loop_stop(t->r->loop);
}

/* Whoever else has something to do gets his turn while many knock. */
static void crowd_is_let_in_by_and_by(void **state)
{
	static const struct listen_caps caps = { 1000, 1000, 1000, 1000 };
	struct room r;
	struct ticker t = { .r = &r };
	int fds[MOST];

	(void)state;
	open_room(&r, &caps);
	for (unsigned i = 0; i < MOST; i++)
		fds[i] = knock(&r);
	r.expect = MOST;
	(void)loop_later(r.loop, on_tick, &t);
	loop_run(r.loop);
	assert_int_equal(r.n, MOST);
	assert_in_range(t.most, 1, 17);
	for (unsigned i = 0; i < MOST; i++)
		(void)close(fds[i]);
	close_room(&r);
}

/* One that libuv has taken and we have not, when all ends. */
static void end_in_the_middle_of_a_crowd_leaks_nothing(void **state)
{
	static const struct listen_caps caps = { 1000, 1000, 1000, 1000 };
	struct room r;
	struct ticker t = { .r = &r };
	int fds[MOST];

	(void)state;
	open_room(&r, &caps);
	for (unsigned i = 0; i < MOST; i++)
		fds[i] = knock(&r);
	r.expect = 1;
	(void)loop_later(r.loop, on_tick, &t);
	loop_run(r.loop);
	assert_in_range(r.n, 1, MOST - 1);
	close_room(&r);
	for (unsigned i = 0; i < MOST; i++)
		(void)close(fds[i]);
}

static void port_taken_is_an_error(void **state)
{
	static const struct listen_caps caps = { 3, 3, 3, 3 };
	struct ip ip = { .octets = { 127, 0, 0, 1 } };
	struct err err = { .kind = ERR_NONE };
	struct room r;

	(void)state;
	open_room(&r, &caps);
	assert_int_equal(listen_bind(r.ls, false, &ip, listeners_port(r.ls, 0), on_conn, &r, NULL, &err), -1);
	assert_non_null(strstr(err.text, "listen on 127.0.0.1:"));
	close_room(&r);
}

static void unix_sockets_are_private_and_replaced_when_dead(void **state)
{
	static const struct listen_caps caps = { 3, 3, 3, 3 };
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	char dir[] = "/tmp/pennypost-test-XXXXXX", path[64];
	struct err err;
	struct stat st;
	struct room a, b;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/s", dir);
	(void)snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/s", dir);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	(void)close(fd); /* a dead socket is left behind */
	open_room(&a, &caps);
	open_room(&b, &caps);
	assert_int_equal(listen_unix(a.ls, path, on_conn, &a, &err), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(listen_unix(b.ls, path, on_conn, &b, &err), -1);
	assert_int_equal(err.kind, ERR_EXISTS);
	close_room(&b);
	close_room(&a);
	assert_int_equal(rmdir(dir), 0); /* the socket went with its listener */
}

/* --- dialling --- */

struct call {
	struct loop *loop;
	struct dial *dial;
	struct conn *conn;
	unsigned calls;
	size_t index;
	struct err err;
};

static void on_dialled(void *self, struct conn *c, size_t index, const struct err *err)
{
	struct call *call = self;

	call->dial = NULL;
	call->calls++;
	call->conn = c;
	call->index = index;
	assert_true((c == NULL) == (err != NULL));
	if (err != NULL)
		call->err = *err;
	conn_abort(c, "enough");
	loop_stop(call->loop);
}

static unsigned refusing_port(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&sin, n), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &n), 0);
	(void)close(fd);
	return (ntohs(sin.sin_port));
}

static void addresses_are_tried_in_order(void **state)
{
	static const struct listen_caps caps = { 9, 9, 9, 9 };
	struct dial_to to[3] = { { .ip = { .octets = { 127, 0, 0, 1 } } } };
	struct ip source = { .octets = { 127, 0, 0, 7 } };
	struct call call = { .calls = 0 };
	struct room r;

	(void)state;
	open_room(&r, &caps);
	to[1] = to[2] = to[0];
	to[0].port = refusing_port();
	to[1].port = to[2].port = listeners_port(r.ls, 0);
	call.loop = r.loop;
	call.dial = dial_start(r.loop, to, 3, &source, NULL, 10, on_dialled, &call);
	assert_int_equal(call.calls, 0);
	loop_run(r.loop);
	run_for(&r, 30);
	assert_int_equal(call.calls, 1);
	assert_int_equal(call.index, 1);
	assert_int_equal(r.n, 1);
	close_room(&r);
}

static void failure_names_address_and_reason(void **state)
{
	struct dial_to to = { .ip = { .octets = { 127, 0, 0, 1 } } };
	struct call call = { .loop = loop_new() };

	(void)state;
	to.port = refusing_port();
	(void)dial_start(call.loop, &to, 1, NULL, NULL, 10, on_dialled, &call);
	loop_run(call.loop);
	assert_int_equal(call.calls, 1);
	assert_int_equal(call.err.kind, ERR_TEMPORARY);
	assert_non_null(strstr(call.err.text, "connect to 127.0.0.1:"));
	assert_non_null(strstr(call.err.text, "connection refused"));
	(void)dial_start(call.loop, NULL, 0, NULL, NULL, 10, on_dialled, &call);
	loop_run(call.loop);
	assert_int_equal(call.calls, 2);
	(void)dial_unix(call.loop, "/nonexistent/socket", on_dialled, &call);
	loop_run(call.loop);
	assert_int_equal(call.calls, 3);
	assert_non_null(strstr(call.err.text, "/nonexistent/socket"));
	call.dial = dial_start(call.loop, &to, 1, NULL, NULL, 10, on_dialled, &call);
	dial_cancel(call.dial);
	dial_cancel(NULL);
	loop_run(call.loop);
	assert_int_equal(call.calls, 3);
	loop_free(call.loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_cap_refuses_the_next_one),
		cmocka_unit_test(longest_silent_stranger_is_shed),
		cmocka_unit_test(crowd_is_let_in_by_and_by),
		cmocka_unit_test(end_in_the_middle_of_a_crowd_leaks_nothing),
		cmocka_unit_test(port_taken_is_an_error),
		cmocka_unit_test(unix_sockets_are_private_and_replaced_when_dead),
		cmocka_unit_test(addresses_are_tried_in_order),
		cmocka_unit_test(failure_names_address_and_reason),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
