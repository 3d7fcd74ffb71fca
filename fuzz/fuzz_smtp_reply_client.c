/* The client of out_client.c against a host that says anything. Laws: the content is asked for
 * only by a 354; a recipient is sent only by a 2xx behind the content; an end that settles
 * leaves nobody open, one that does not has said nothing of the message; the password is said
 * under TLS only; what is said are whole lines. Input: options, size of pieces, then what the
 * host says. */
#include <stdint.h>
#include <stdlib.h>

#include "core/secret.h"
#include "smtp/out_client.h"
#include "store/queue.h"

enum { MOST = 4 };

static size_t occurrences(struct slice s, struct slice needle)
{
	size_t n = 0, at;

	while ((at = slice_find(s, needle)) != SIZE_MAX) {
		s = slice_from(s, at + needle.n);
		n++;
	}
	return (n);
}

/* Does what the host said up to here end in a line of such a reply? */
static bool last_line_is(struct slice said, const char *digits)
{
	size_t at;

	if (!slice_ends(said, SLICE("\r\n")))
		return (false);
	said = slice_head(said, said.n - 2);
	at = slice_rchr(said, '\n');
	return (slice_starts(at == SIZE_MAX ? said : slice_from(said, at + 1), slice_of(digits)));
}

struct run {
	struct out_client *c;
	struct buf said; /* all we said */
	bool is_tls, body_done;
	size_t body_at; /* input consumed when the content was complete */
};

static void flush(struct run *r)
{
	struct buf *out = out_client_output(r->c);

	if (out->n > 0 && !slice_ends(buf_slice(out), SLICE("\r\n")))
		abort();
	if (!r->is_tls && (slice_find(buf_slice(out), SLICE("AUTH")) != SIZE_MAX))
		abort();
	buf_add_slice(&r->said, buf_slice(out));
	buf_reset(out);
}

static void check(const struct run *r, const struct client_job *job, struct slice said, size_t used)
{
	bool settled = out_client_end(r->c) == CLIENT_SETTLED;
	struct slice ours = buf_slice(&r->said);

	for (size_t i = 0; i < job->n; i++) {
		const struct out_rcpt *to = &job->rcpts[i];

		if (settled ? to->fate == OUT_OPEN : to->fate != OUT_OPEN)
			abort();
		if (to->fate == OUT_SENT &&
		    (!r->body_done || !to->accepted || used <= r->body_at ||
			!last_line_is(slice_head(said, used), "2")))
			abort();
		if (to->reply.n > 600 || slice_chr(to->reply, '\n') != SIZE_MAX ||
		    slice_chr(to->reply, '\r') != SIZE_MAX)
			abort();
	}
	if (!settled && slice_find(ours, SLICE("MAIL FROM")) != SIZE_MAX)
		abort();
	if (occurrences(ours, SLICE("\r\nDATA\r\n")) > 1)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char *const addresses[MOST] = { "a@b.test", "\xc3\xa9@b.test", "c@b.test",
		"d@b.test" };
	struct run r = { .said = BUF_INIT(1 << 20) };
	struct queue_envelope env = { .from = SLICE("me@here.test"), .envid = SLICE("q+2B1") };
	struct out_rcpt rcpts[MOST] = { { 0 } };
	struct client_job job = { .helo = "here.test", .env = &env, .size = 5000, .rcpts = rcpts };
	struct slice said;
	size_t used = 0, fed = 0, step;
	enum client_wants wants = CLIENT_READS;

	if (n < 2 || n > 131072 || secret_init() == -1)
		return (0);
	job.arena = arena_new(0);
	job.n = 1 + (data[0] & 3);
	env.smtputf8 = (data[0] & 4) != 0;
	job.header_8bit = (data[0] & 8) != 0;
	job.body_8bit = (data[0] & 16) != 0;
	job.tls_wanted = (data[0] & 32) != 0;
	job.tls_required = (data[0] & 64) != 0;
	job.user = (data[0] & 128) != 0 ? "user" : NULL;
	job.password = "pass";
	for (size_t i = 0; i < job.n; i++)
		rcpts[i] =
		    (struct out_rcpt){ .address = slice_of(addresses[(i + (data[0] >> 6)) % MOST]),
			    .notify = (unsigned)i };
	step = data[1] == 0 ? n : data[1];
	said = (struct slice){ (const char *)data + 2, n - 2 };
	r.c = out_client_new(&job, false);
	while (wants != CLIENT_OVER && fed < said.n) {
		fed = fed + step < said.n ? fed + step : said.n;
		for (bool again = true; again && wants != CLIENT_OVER;) {
			size_t took;

			wants =
			    out_client_take(r.c, slice_between(said.p + used, said.p + fed), &took);
			used += took;
			flush(&r);
			again = false;
			if (wants == CLIENT_TLS) {
				r.is_tls = true;
				wants = out_client_secured(r.c);
				flush(&r);
				again = used < fed;
			} else if (wants == CLIENT_BODY) {
				if (!last_line_is(slice_head(said, used), "354"))
					abort();
				if (used < fed) {
					again =
					    true; /* it speaks already: the content is not complete */
					continue;
				}
				out_client_sent(r.c);
				r.body_done = true;
				r.body_at = used;
			}
		}
	}
	if (wants != CLIENT_OVER)
		out_client_lost(r.c, "closed");
	check(&r, &job, said, used);
	out_client_free(r.c);
	buf_free(&r.said);
	arena_free(job.arena);
	return (0);
}
