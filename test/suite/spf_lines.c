/* For spf_suite.py: each line of standard input, "address TAB helo TAB local TAB domain", gets a line "result TAB explanation TAB
 * lookups TAB voids TAB wide", in order. All are checked at once. */
#include "common.h"

#include "core/mem.h"
#include "dkim/spf.h"

enum { CASES_MAX = 20000 };

static struct buf answers[CASES_MAX];

static void on_result(void *self, const struct spf_answer *a)
{
	struct buf *out = self;

	(void)buf_fmt(out, "%s\t" SLICE_FMT "\t%u\t%u\t%d\t%s\n", spf_result_name(a->result),
	    SLICE_ARG(a->explanation), a->lookups, a->voids, a->wide, a->why != NULL ? a->why : "");
}

int main(int argc, char **argv)
{
	struct suite s = suite_open(argc, argv);
	struct buf in = BUF_INIT(1 << 26);
	struct slice line, rest;
	size_t n = 0;

	suite_read(&in);
	for (rest = buf_slice(&in); slice_cut(rest, '\n', &line, &rest) && n < CASES_MAX; n++) {
		struct spf_ask ask = { .receiver = "receiver.example", .explain = true };
		struct slice ip;

		(void)slice_cut(line, '\t', &ip, &line);
		(void)slice_cut(line, '\t', &ask.helo, &line);
		(void)slice_cut(line, '\t', &ask.local, &ask.domain);
		if (!ip_parse(ip, &ask.ip))
			return (2);
		buf_init(&answers[n], 4096);
		(void)spf_start(s.loop, s.dns, &ask, on_result, &answers[n]);
		if (answers[n].n > 0)
			return (3); /* called back before it returned */
	}
	loop_run(s.loop);
	for (size_t i = 0; i < n; i++) {
		(void)fputs(answers[i].n > 0 ? buf_z(&answers[i]) : "silent\n", stdout);
		buf_free(&answers[i]);
	}
	buf_free(&in);
	suite_close(&s);
	return (0);
}
