/* For the suites of messages: NAMESERVER FOLDER NOW PIECE; standard input holds messages, each as "octets LF" and its octets in
 * CRLF form. For each: a line a signature, "dkim TAB result TAB domain TAB selector TAB algorithm TAB bits TAB partial TAB why", one
 * "arc TAB state TAB sets TAB why", and an empty line. Bodies are given in pieces of PIECE octets. */
#include "common.h"

#include "dkim/arc.h"
#include "dkim/verify.h"

static void on_dkim(void *self, const struct dkim_verdicts *v)
{
	*(bool *)self = true;
	for (size_t i = 0; i < v->n; i++)
		(void)printf("dkim\t%s\t" SLICE_FMT "\t" SLICE_FMT "\t%s\t%u\t%d\t%s\n",
		    dkim_result_name(v->v[i].result), SLICE_ARG(v->v[i].domain),
		    SLICE_ARG(v->v[i].selector), v->v[i].algorithm != NULL ? v->v[i].algorithm : "",
		    v->v[i].key_bits, v->v[i].partial, v->v[i].why != NULL ? v->v[i].why : "");
	for (size_t i = 0; i < v->ignored; i++)
		(void)printf("dkim\tignored\n");
}

static void on_arc(void *self, const struct arc_verdict *v)
{
	*(bool *)self = true;
	(void)printf(
	    "arc\t%s\t%zu\t%s\n", arc_state_name(v->state), v->n, v->why != NULL ? v->why : "");
}

static void check(struct suite *s, struct slice message, int64_t now, size_t piece)
{
	struct bodyhash *body = bodyhash_new();
	struct arena *a = arena_new(0);
	bool dkim = false, arc = false;
	struct dkim_verify *verify;
	struct arc_verify *chain;
	struct header h;

	header_parse(a, message, &h);
	verify = dkim_verify_start(s->loop, s->dns, NULL, &h, body, now);
	chain = arc_verify_start(s->loop, s->dns, NULL, &h, body);
	message = slice_from(message, h.size);
	arena_free(a);
	for (; message.n > 0; message = slice_from(message, piece))
		bodyhash_add(body, slice_head(message, piece));
	bodyhash_end(body);
	dkim_verify_end(verify, on_dkim, &dkim);
	arc_verify_end(chain, on_arc, &arc);
	if (dkim || arc)
		exit(3); /* called back before it returned */
	loop_run(s->loop);
	if (!dkim || !arc)
		exit(4);
	bodyhash_free(body);
	(void)printf("\n");
}

int main(int argc, char **argv)
{
	struct suite s = suite_open(argc, argv);
	struct buf in = BUF_INIT(1 << 28);
	uint64_t now, piece, n;
	struct slice rest, line;

	if (argc < 5 || !slice_u64(slice_of(argv[3]), INT64_MAX, &now) ||
	    !slice_u64(slice_of(argv[4]), 1 << 30, &piece))
		return (2);
	suite_read(&in);
	for (rest = buf_slice(&in);
	     slice_cut(rest, '\n', &line, &rest) && slice_u64(line, rest.n, &n);
	     rest = slice_from(rest, (size_t)n)) {
		struct slice message = slice_head(rest, (size_t)n);
		char *own = malloc(message.n > 0 ? message.n : 1); /* exact: an over-read is seen */

		if (own == NULL)
			return (1);
		memcpy(own, message.p, message.n);
		check(&s, (struct slice){ own, message.n }, (int64_t)now, (size_t)piece);
		free(own);
	}
	buf_free(&in);
	suite_close(&s);
	return (0);
}
