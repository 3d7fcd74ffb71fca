/* A whole receiving session. The first octet says: submission or port 25, TLS or not, and how large
 * the slices are. The laws: every reply parses; no more messages are accepted than the input has
 * true ends; and when the peer is gone, nothing of the session is left. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/log.h"
#include "core/loop.h"
#include "core/secret.h"
#include "fake_conn.h"
#include "smtp/reply.h"
#include "smtp/smtp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void on_line(void *self, struct slice line)
{
	(void)self;
	(void)line;
}

static void on_fault(void *self, const char *text)
{
	(void)self;
	(void)fprintf(stderr, "%s\n", text);
}

static size_t count(struct slice in, struct slice what)
{
	size_t n = 0, at;

	while ((at = slice_ifind(in, what)) != SIZE_MAX) {
		n++;
		in = slice_from(in, at + 1);
	}
	return (n);
}

/* Ends of DATA, by a scanner that knows nothing else; ends of BDAT, as often as the word occurs. */
static size_t true_ends(struct slice in)
{
	return (count(in, SLICE("\r\n.\r\n")) + count(in, SLICE("LAST")));
}

static void check(struct slice in, struct slice out)
{
	struct smtp_reply_in r;
	size_t accepted = 0, used;

	smtp_reply_in_init(&r);
	while (out.n > 0 && !slice_starts(out, SLICE("334 "))) {
		smtp_reply_in_reset(&r);
		if (smtp_reply_take(&r, out, &used) != TAKE_OK)
			abort();
		out = slice_from(out, used);
		if (slice_find(buf_slice(&r.text), SLICE(" as m-")) != SIZE_MAX)
			accepted++;
	}
	smtp_reply_in_free(&r);
	if (accepted > true_ends(in))
		abort();
}

static void on_store_closed(void *self)
{
	(void)self;
}

static void on_idle(void *self)
{
	*(bool *)self = true;
}

/* A real configuration, but for the folder: nothing is written. */
static void configure(struct cfg *ret)
{
	static const char text[] =
	    "hostname = \"mail.local.example\"\ndata = \"/\"\n[tls]\ncertificate = \"c\"\nkey = "
	    "\"k\"\n"
	    "[limits]\nsize = \"1 MiB\"\nrcpt = 5\n[filter.early-talker]\naction = \"off\"\n"
	    "[domain.\"local.example\"]\n[account.alice]\naddresses = [\"alice@local.example\"]\n";
	char path[] = "/tmp/fuzz-smtp-XXXXXX";
	int fd = mkstemp(path);
	const struct cfg *cfg;

	if (fd == -1 || write(fd, text, sizeof(text) - 1) != (ssize_t)sizeof(text) - 1 ||
	    close(fd) == -1 || (cfg = cfg_load(path, on_fault, NULL)) == NULL)
		abort();
	(void)unlink(path);
	*ret = *cfg; /* shares its arena, which lives as long as the process */
	ret->data = NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct cfg cfg;
	static bool ready;
	struct smtp_deps deps = { .cfg = &cfg };
	struct slice in;
	struct conn *c;
	struct smtp_server *server;
	struct err err = { 0 };
	size_t step;
	bool idle = false;

	if (n < 2)
		return (0);
	if (!ready) {
		work_setup();
		if (secret_init() == -1)
			abort();
		log_sink(on_line, NULL);
		configure(&cfg);
		ready = true;
	}
	in = (struct slice){ (const char *)data + 1, n - 1 };
	step = data[0] & 4 ? (size_t)(data[0] >> 3) + 1 : SIZE_MAX / 4;
	deps.loop = loop_new();
	deps.work = work_new(deps.loop);
	deps.store = store_open(deps.loop, deps.work, &cfg, &err);
	server = smtp_server_new(&deps, &err);
	c = fake_conn_new(deps.loop, data[0] & 2);
	if (data[0] & 1)
		smtp_accept_submission(server, c);
	else
		smtp_accept_mx(server, c);
	loop_run(deps.loop);
	for (struct slice rest = in; rest.n > 0; rest = slice_from(rest, step)) {
		fake_conn_feed(c, slice_head(rest, step));
		loop_run(deps.loop); /* until nothing is left to wait for */
	}
	fake_conn_hang_up(c);
	smtp_server_drain(server, on_idle, &idle);
	loop_run(deps.loop);
	if (!idle || !fake_conn_is_over(c))
		abort();
	check(in, fake_conn_output(c));
	fake_conn_free(c);
	smtp_server_free(server);
	store_close(deps.store, on_store_closed, NULL);
	work_free(deps.work);
	loop_free(deps.loop);
	return (0);
}
