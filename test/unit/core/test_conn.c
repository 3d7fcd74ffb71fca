/* Does a connection keep its promises: three events and one death, nothing lost in order, both sides bounded, no octet
 * carried over into TLS, no truncated end taken for a clean one? */
#include "check.h"
#include "ends.h"

#include "core/limits.h"
#include "core/secret.h"
#include "core/tls.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static struct {
	char dir[64], cert[96], key[96];
	struct tls *server, *client, *trusting; /* ${trusting} believes our own certificate */
} tls;

static int make_tls(void **state)
{
	struct err err = { .kind = ERR_NONE };

	(void)state;
	(void)secret_init();
	(void)snprintf(tls.dir, sizeof(tls.dir), "/tmp/pennypost-test-XXXXXX");
	assert_non_null(mkdtemp(tls.dir));
	(void)snprintf(tls.cert, sizeof(tls.cert), "%s/cert.pem", tls.dir);
	(void)snprintf(tls.key, sizeof(tls.key), "%s/key.pem", tls.dir);
	assert_int_equal(tls_self_signed("mail.example.org", tls.cert, tls.key, &err), 0);
	tls.server = tls_server_new(tls.cert, tls.key, "smtp", &err);
	tls.client = tls_client_new(&err);
	(void)setenv("SSL_CERT_FILE", tls.cert, 1);
	tls.trusting = tls_client_new(&err);
	(void)unsetenv("SSL_CERT_FILE");
	return (tls.server != NULL && tls.client != NULL && tls.trusting != NULL ? 0 : -1);
}

static int drop_tls(void **state)
{
	(void)state;
	tls_free(tls.server);
	tls_free(tls.client);
	tls_free(tls.trusting);
	(void)unlink(tls.cert);
	(void)unlink(tls.key);
	return (rmdir(tls.dir));
}

static void assert_got(const struct end *e, const char *want)
{
	assert_int_equal(e->got.n, strlen(want));
	assert_memory_equal(e->got.p, want, e->got.n);
}

/* --- clear --- */

static void greet(struct pair *p)
{
	conn_sendf(p->server.conn, "220 %s\r\n", "hello");
	assert_int_equal(conn_queued(p->server.conn), 11); /* waits for the turn to end */
}

static void say_quit(struct end *e)
{
	conn_sendz(e->conn, "QUIT\r\n");
}

static void bye(struct end *e)
{
	conn_sendz(e->conn, "221 bye\r\n");
	conn_close(e->conn, "quit");
	conn_close(e->conn, "second why does not count");
	assert_int_equal(e->closes, 0); /* comes on a later turn */
}

static void close_flushes_and_tells_both_once(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	p.on_server = greet;
	p.client.on_input = say_quit;
	p.server.on_input = bye;
	p.client.keeps = false;
	pair_run(&p);
	assert_false(p.timed_out);
	assert_got(&p.server, "QUIT\r\n");
	assert_got(&p.client, "220 hello\r\n221 bye\r\n");
	assert_int_equal(p.server.closes, 1);
	assert_int_equal(p.client.closes, 1);
	assert_string_equal(p.server.why, "quit");
	assert_string_equal(p.client.why, "closed by peer");
	pair_done(&p);
}

static void abort_now(struct end *e)
{
	conn_abort(e->conn, "had enough");
	conn_abort(e->conn, "again");
	conn_sendz(e->conn, "nobody hears this");
	assert_int_equal(conn_input(e->conn).n, 0);
	assert_int_equal(e->closes, 0);
}

static void abort_tells_once_and_sends_nothing(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	p.on_server = greet;
	p.client.on_input = say_quit;
	p.server.on_input = abort_now;
	pair_run(&p);
	assert_false(p.timed_out);
	assert_string_equal(p.server.why, "had enough");
	assert_int_equal(p.server.closes, 1);
	assert_got(&p.client, "220 hello\r\n");
	pair_done(&p);
}

static void on_release(void *self)
{
	struct pair *p = self;

	assert_int_equal(p->server.inputs, 0);
	conn_hold(p->server.conn, false);
	assert_int_equal(p->server.inputs, 0); /* not from inside our call */
}

static void hold_and_wait(struct pair *p)
{
	conn_hold(p->server.conn, true);
	(void)timer_start(p->loop, 50, on_release, p);
}

static void send_and_close(struct pair *p)
{
	conn_sendz(p->client.conn, "one\r\n");
	conn_close(p->client.conn, "done");
}

static void held_input_comes_on_release_and_before_the_end(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	p.on_server = hold_and_wait;
	p.on_client = send_and_close;
	pair_run(&p);
	assert_false(p.timed_out);
	assert_got(&p.server, "one\r\n");
	assert_string_equal(p.server.why, "closed by peer");
	pair_done(&p);
}

static void answer_at_eof(struct end *e)
{
	if (!conn_at_eof(e->conn))
		return;
	conn_sendz(e->conn, "late answer");
}

static void *half_closing_client(void *arg) /* plain sockets, in a thread */
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char *ret = calloc(1, 64);
	size_t have = 0;
	ssize_t n;

	to.sin_port = htons((uint16_t)(uintptr_t)arg);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 && write(fd, "ask", 3) == 3 &&
	    shutdown(fd, SHUT_WR) == 0)
		while (have < 63 && (n = read(fd, ret + have, 63 - have)) > 0)
			have += (size_t)n;
	(void)close(fd);
	return (ret);
}

static void half_closed_peer_still_gets_its_answer(void **state)
{
	struct pair p;
	pthread_t thread;
	void *text;

	(void)state;
	pair_init(&p);
	p.server.on_input = answer_at_eof;
	assert_int_equal(pthread_create(&thread, NULL, half_closing_client,
	    (void *)(uintptr_t)listeners_port(p.listeners, 0)), 0);
	loop_run(p.loop);
	assert_int_equal(pthread_join(thread, &text), 0);
	assert_false(p.timed_out);
	assert_string_equal(text, "late answer");
	assert_string_equal(p.server.why, "closed by peer");
	free(text);
	pair_done(&p);
}

/* --- backpressure --- */

enum { FLOOD = 4 << 20, CHUNK = 65536 };

static size_t flood_left, most_queued;

static void produce(struct end *e)
{
	static char chunk[CHUNK];

	while (flood_left > 0 && !conn_congested(e->conn)) {
		conn_send(e->conn, chunk, sizeof(chunk));
		flood_left -= sizeof(chunk);
		if (conn_queued(e->conn) > most_queued)
			most_queued = conn_queued(e->conn);
	}
	if (flood_left == 0)
		conn_close(e->conn, "all sent");
}

static void produce_first(struct pair *p)
{
	produce(&p->server);
}

static void run_large_answer(struct pair *p, void (*on_server)(struct pair *p))
{
	flood_left = FLOOD;
	most_queued = 0;
	p->on_server = on_server;
	p->server.on_drain = produce;
	pair_run(p);
	assert_false(p->timed_out);
	assert_int_equal(p->client.got.n, FLOOD);
	assert_true(p->server.drains > 0);
	assert_true(most_queued <= 262144 + CHUNK);
}

static void a_large_answer_is_produced_in_steps(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	run_large_answer(&p, produce_first);
	pair_done(&p);
}

static void produce_without_care(struct pair *p)
{
	static char chunk[CHUNK];

	for (size_t i = 0; i < FLOOD; i += sizeof(chunk))
		conn_send(p->server.conn, chunk, sizeof(chunk));
	assert_int_equal(p->server.closes, 0);
}

static void output_over_the_limit_closes(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	p.on_server = produce_without_care;
	pair_run(&p);
	assert_false(p.timed_out);
	assert_string_equal(p.server.why, "output queue full");
	pair_done(&p);
}

static size_t most_unread;

static void look_only(struct end *e)
{
	size_t n = conn_input(e->conn).n;

	if (n > most_unread)
		most_unread = n;
}

static void on_enough(void *self)
{
	struct pair *p = self;

	conn_abort(p->server.conn, "seen enough");
	conn_abort(p->client.conn, "seen enough");
}

static void flood_server(struct pair *p)
{
	flood_left = FLOOD;
	produce(&p->client);
	(void)timer_start(p->loop, 200, on_enough, p);
}

static void run_flood(struct pair *p, void (*on_client)(struct pair *p), size_t over_the_mark)
{
	most_unread = 0;
	p->server.keeps = true;
	p->server.on_input = look_only;
	p->client.on_drain = produce;
	p->on_client = on_client;
	pair_run(p);
	assert_false(p->timed_out);
	assert_true(most_unread >= 65536 && most_unread < 65536 + over_the_mark);
}

static void unread_input_stops_at_its_mark(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	run_flood(&p, flood_server, 4096);
	pair_done(&p);
}

/* --- DEFLATE --- */

static void deflate_client(struct pair *p)
{
	assert_int_equal(conn_start_deflate(p->client.conn), 0);
	assert_true(conn_is_deflated(p->client.conn));
	assert_int_equal(conn_start_deflate(p->client.conn), -1);
}

static void deflate_and_produce(struct pair *p)
{
	assert_int_equal(conn_start_deflate(p->server.conn), 0);
	produce(&p->server);
}

static void deflate_carries_a_large_answer(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	p.on_client = deflate_client;
	run_large_answer(&p, deflate_and_produce);
	for (size_t i = 0; i < p.client.got.n; i++)
		assert_int_equal(p.client.got.p[i], 0);
	assert_string_equal(p.client.why, "closed by peer");
	pair_done(&p);
}

static void deflate_server(struct pair *p)
{
	assert_int_equal(conn_start_deflate(p->server.conn), 0);
}

static void deflate_and_flood(struct pair *p)
{
	deflate_client(p);
	flood_server(p);
}

static void little_that_grows_large_stops_at_the_mark(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	p.on_server = deflate_server;
	run_flood(&p, deflate_and_flood, 8192);
	pair_done(&p);
}

static void say_no_deflate(struct pair *p)
{
	conn_sendz(p->client.conn, "this is no deflate stream at all\r\n");
}

static void what_is_no_deflate_closes(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	p.on_server = deflate_server;
	p.on_client = say_no_deflate;
	pair_run(&p);
	assert_false(p.timed_out);
	assert_string_equal(p.server.why, "deflate: broken input");
	assert_int_equal(p.server.got.n, 0);
	pair_done(&p);
}

/* --- deadlines --- */

static void one_second(struct pair *p)
{
	conn_deadline(p->server.conn, 1, "command");
}

static void say_timeout(void *self, const char *phase)
{
	struct end *e = self;

	conn_sendf(e->conn, "421 %s\r\n", phase);
	conn_close(e->conn, "told");
}

static void one_second_with_words(struct pair *p)
{
	conn_deadline(p->server.conn, 100, "longer");
	conn_deadline(p->server.conn, 1, "command");
	conn_on_deadline(p->server.conn, say_timeout);
}

static void deadline_closes_or_asks(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	p.on_server = one_second;
	pair_run(&p);
	assert_false(p.timed_out);
	assert_string_equal(p.server.why, "timeout: command");
	pair_done(&p);
	pair_init(&p);
	p.on_server = one_second_with_words;
	pair_run(&p);
	assert_false(p.timed_out);
	assert_string_equal(p.server.why, "told");
	assert_got(&p.client, "421 command\r\n");
	pair_done(&p);
}

/* --- TLS --- */

static void secure_server(struct pair *p)
{
	assert_int_equal(conn_start_tls(p->server.conn, tls.server), 0);
	conn_sendz(p->server.conn, "220 secured\r\n"); /* waits for the handshake */
}

static void secure_client(struct pair *p)
{
	assert_int_equal(conn_start_tls_client(p->client.conn, tls.client, "mail.example.org", false), 0);
}

static void secure_client_trusting(struct pair *p)
{
	assert_int_equal(conn_start_tls_client(p->client.conn, tls.trusting, "mail.example.org", true), 0);
}

static void secure_client_other_name(struct pair *p)
{
	assert_int_equal(conn_start_tls_client(p->client.conn, tls.trusting, "mail.example.com", true), 0);
}

static void secure_client_distrusting(struct pair *p)
{
	assert_int_equal(conn_start_tls_client(p->client.conn, tls.client, "mail.example.org", true), 0);
}

static void note_verified(struct end *e)
{
	(void)buf_fmt(&e->got, "[%d %s]", conn_tls_verified(e->conn), conn_tls_text(e->conn));
}

static void handshake_secures_and_says_how(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	p.on_server = secure_server;
	p.on_client = secure_client_trusting;
	p.client.on_secure = note_verified;
	p.client.on_input = say_quit;
	p.server.on_input = bye;
	pair_run(&p);
	assert_false(p.timed_out);
	assert_int_equal(p.server.secures, 1);
	assert_int_equal(p.client.secures, 1);
	assert_got(&p.server, "QUIT\r\n");
	assert_got(&p.client, "[1 TLS1.3 TLS_AES_256_GCM_SHA384]220 secured\r\n221 bye\r\n");
	assert_string_equal(p.client.why, "closed by peer"); /* close_notify came */
	pair_done(&p);
}

static void unverified_client_goes_on_and_knows(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	p.on_server = secure_server;
	p.on_client = secure_client;
	p.client.on_secure = note_verified;
	p.client.on_input = say_quit;
	p.server.on_input = bye;
	pair_run(&p);
	assert_false(p.timed_out);
	assert_int_equal(p.client.got.p[1], '0');
	pair_done(&p);
}

static void wrong_certificates_are_refused(void **state)
{
	static void (*const clients[])(struct pair *p) = { secure_client_other_name,
		secure_client_distrusting };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(clients); i++) {
		struct pair p;

		pair_init(&p);
		p.on_server = secure_server;
		p.on_client = clients[i];
		pair_run(&p);
		assert_false(p.timed_out);
		assert_int_equal(p.client.secures, 0);
		assert_int_equal(p.client.got.n, 0);
		assert_non_null(strstr(p.client.why, "certificate verify failed"));
		assert_non_null(strstr(p.client.why, i == 0 ? "hostname mismatch" : "self-signed"));
		pair_done(&p);
	}
}

static void starttls_server(struct end *e)
{
	struct slice in = conn_input(e->conn);

	if (conn_is_tls(e->conn)) {
		(void)buf_add_slice(&e->got, in);
		conn_consume(e->conn, in.n);
		return;
	}
	assert_true(in.n >= 10);
	conn_consume(e->conn, 10); /* "STARTTLS\r\n" */
	conn_sendz(e->conn, "220 go ahead\r\n");
	if (conn_start_tls(e->conn, tls.server) != 0)
		conn_close(e->conn, "pipelined");
}

static void ask_starttls(struct pair *p)
{
	conn_sendz(p->client.conn, "STARTTLS\r\n");
}

static void go_ahead(struct end *e)
{
	if (conn_is_tls(e->conn)) {
		return;
	}
	assert_int_equal(conn_start_tls_client(e->conn, tls.client, "x.example", false), 0);
	conn_sendz(e->conn, "EHLO again\r\n");
	conn_close(e->conn, "not yet secure: nothing of this may leave in clear");
}

static void go_ahead_and_talk(struct end *e)
{
	if (!conn_is_tls(e->conn))
		assert_int_equal(conn_start_tls_client(e->conn, tls.client, "x.example", false), 0);
}

static void talk(struct end *e)
{
	conn_sendz(e->conn, "EHLO again\r\n");
	conn_close(e->conn, "done");
}

static void starttls_switches_between_two_octets(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	p.server.keeps = true;
	p.server.on_input = starttls_server;
	p.on_client = ask_starttls;
	p.client.on_input = go_ahead_and_talk;
	p.client.on_secure = talk;
	pair_run(&p);
	assert_false(p.timed_out);
	assert_got(&p.client, "220 go ahead\r\n");
	assert_got(&p.server, "EHLO again\r\n");
	pair_done(&p);
}

static void nothing_leaves_in_clear_when_closed_in_handshake(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	p.server.keeps = true;
	p.server.on_input = starttls_server;
	p.on_client = ask_starttls;
	p.client.on_input = go_ahead;
	pair_run(&p);
	assert_false(p.timed_out);
	assert_int_equal(p.server.got.n, 0);
	pair_done(&p);
}

static void ask_starttls_pipelining(struct pair *p)
{
	conn_sendz(p->client.conn, "STARTTLS\r\nMAIL FROM:<injected@example.org>\r\n");
}

static void octets_behind_starttls_refuse_it(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	p.server.keeps = true;
	p.server.on_input = starttls_server;
	p.on_client = ask_starttls_pipelining;
	pair_run(&p);
	assert_false(p.timed_out);
	assert_string_equal(p.server.why, "pipelined");
	assert_int_equal(p.server.secures, 0);
	assert_int_equal(p.server.got.n, 0);
	pair_done(&p);
}

static void send_clear(struct pair *p)
{
	conn_sendz(p->client.conn, "EHLO plain.example\r\n");
}

static void clear_text_to_a_tls_port_is_closed(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	p.on_server = secure_server;
	p.on_client = send_clear;
	pair_run(&p);
	assert_false(p.timed_out);
	assert_int_equal(p.server.got.n, 0);
	assert_non_null(strstr(p.server.why, "tls handshake: "));
	pair_done(&p);
}

static void *vanishing_client(void *arg)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl = SSL_new(ctx);
	void *ret = NULL;

	to.sin_port = htons((uint16_t)(uintptr_t)arg);
	(void)SSL_set_fd(ssl, fd);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 && SSL_connect(ssl) == 1 &&
	    SSL_write(ssl, "DATA unfinished", 15) == 15)
		ret = &tls;
	(void)close(fd); /* FIN, no close_notify */
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	return (ret);
}

static void tls_only(struct pair *p)
{
	assert_int_equal(conn_start_tls(p->server.conn, tls.server), 0);
}

static void fin_inside_tls_says_truncated(void **state)
{
	struct pair p;
	pthread_t thread;
	void *ok;

	(void)state;
	pair_init(&p);
	p.on_server = tls_only;
	assert_int_equal(pthread_create(&thread, NULL, vanishing_client,
	    (void *)(uintptr_t)listeners_port(p.listeners, 0)), 0);
	loop_run(p.loop);
	assert_int_equal(pthread_join(thread, &ok), 0);
	assert_non_null(ok);
	assert_false(p.timed_out);
	assert_got(&p.server, "DATA unfinished");
	assert_string_equal(p.server.why, "truncated");
	pair_done(&p);
}

static void a_large_answer_survives_tls(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p);
	flood_left = FLOOD;
	p.on_server = tls_only;
	p.on_client = secure_client;
	p.server.on_secure = produce;
	p.server.on_drain = produce;
	pair_run(&p);
	assert_false(p.timed_out);
	assert_int_equal(p.client.got.n, FLOOD);
	assert_string_equal(p.client.why, "closed by peer");
	pair_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(close_flushes_and_tells_both_once),
		cmocka_unit_test(abort_tells_once_and_sends_nothing),
		cmocka_unit_test(held_input_comes_on_release_and_before_the_end),
		cmocka_unit_test(half_closed_peer_still_gets_its_answer),
		cmocka_unit_test(a_large_answer_is_produced_in_steps),
		cmocka_unit_test(output_over_the_limit_closes),
		cmocka_unit_test(unread_input_stops_at_its_mark),
		cmocka_unit_test(deflate_carries_a_large_answer),
		cmocka_unit_test(little_that_grows_large_stops_at_the_mark),
		cmocka_unit_test(what_is_no_deflate_closes),
		cmocka_unit_test(deadline_closes_or_asks),
		cmocka_unit_test(handshake_secures_and_says_how),
		cmocka_unit_test(unverified_client_goes_on_and_knows),
		cmocka_unit_test(wrong_certificates_are_refused),
		cmocka_unit_test(starttls_switches_between_two_octets),
		cmocka_unit_test(nothing_leaves_in_clear_when_closed_in_handshake),
		cmocka_unit_test(octets_behind_starttls_refuse_it),
		cmocka_unit_test(clear_text_to_a_tls_port_is_closed),
		cmocka_unit_test(fin_inside_tls_says_truncated),
		cmocka_unit_test(a_large_answer_survives_tls),
	};

	return (cmocka_run_group_tests(tests, make_tls, drop_tls));
}
