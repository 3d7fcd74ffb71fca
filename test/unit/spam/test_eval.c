/* eval cannot see a label before its line is out, and labels that mean nothing ruin it. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/buf.h"
#include "spam/classifier.h"

enum { MESSAGES = 120 };

static uint64_t dice;

static unsigned roll(unsigned sides)
{
	dice = dice * 6364136223846793005 + 1442695040888963407;
	return ((unsigned)(dice >> 33) % sides);
}

static void write_messages(void)
{
	static const char *const words[2][6] = { { "meeting", "lunch", "report", "patch", "holiday",
						     "garden" },
		{ "casino", "winner", "viagra", "mortgage", "refinance", "lottery" } };
	char name[32];

	dice = 1;
	for (int i = 0; i < MESSAGES; i++) {
		FILE *f;

		(void)snprintf(name, sizeof(name), "m%d", i);
		assert_non_null(f = fopen(name, "w"));
		(void)fprintf(f, "Subject: note %u\n\n", roll(50));
		for (int w = 0; w < 30; w++)
			(void)fprintf(f, "%s w%u ",
			    words[roll(10) == 0 ? !(i % 2) : i % 2][roll(6)], roll(200));
		(void)fprintf(f, "\n");
		(void)fclose(f);
	}
}

/* Output of a run over the messages with these labels. */
static void run(const bool *spam, const char *policy, struct buf *out)
{
	struct eval_options o = { "index", policy };
	FILE *f = fopen("index", "w");
	char *room;
	ssize_t got;
	int fd, status;
	pid_t pid;

	assert_non_null(f);
	for (int i = 0; i < MESSAGES; i++)
		(void)fprintf(f, "%s\tm%d\tsource\n", spam[i] ? "spam" : "ham", i);
	(void)fclose(f);
	(void)fflush(stdout);
	if ((pid = fork()) == 0) {
		if ((fd = open("out", O_WRONLY | O_CREAT | O_TRUNC, 0600)) == -1 ||
		    dup2(fd, 1) == -1)
			_exit(99);
		status = spam_eval(&o);
		(void)fflush(stdout);
		_exit(status);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true((fd = open("out", O_RDONLY)) != -1);
	while ((room = buf_room(out, 65536)) != NULL && (got = read(fd, room, 65536)) > 0)
		buf_grew(out, (size_t)got);
	(void)close(fd);
}

/* Share of pairs of the second half, in percent, in which the message of spam words has the higher score. */
static unsigned well_ranked(struct slice out)
{
	double score[MESSAGES];
	unsigned good = 0, all = 0;

	for (int i = 0; i < MESSAGES; i++) {
		struct slice line, rest;

		assert_true(slice_cut(out, '\n', &line, &out));
		assert_true(slice_cut(line, '\t', &line, &rest));
		score[i] = strtod(rest.p, NULL);
	}
	for (int i = MESSAGES / 2; i < MESSAGES; i++)
		for (int k = MESSAGES / 2; k < MESSAGES; k++)
			if (i % 2 == 0 && k % 2 == 1) {
				good += score[k] > score[i];
				all++;
			}
	return (good * 100 / all);
}

static void shuffled_labels_ruin_it(void **state)
{
	bool right[MESSAGES], shuffled[MESSAGES];
	struct buf out = BUF_INIT(1 << 20);

	(void)state;
	for (int i = 0; i < MESSAGES; i++) {
		right[i] = i % 2;
		shuffled[i] = roll(2);
	}
	run(right, NULL, &out);
	assert_true(well_ranked(buf_slice(&out)) > 95);
	buf_reset(&out);
	run(shuffled, "toe", &out);
	assert_true(well_ranked(buf_slice(&out)) < 85);
	buf_free(&out);
}

static void what_is_printed_depends_on_earlier_labels_only(void **state)
{
	static const char *const policies[] = { "toe", "err", "lazy50", "lazy80", "own" };
	bool labels[MESSAGES];

	(void)state;
	for (unsigned p = 0; p < 5; p++) {
		struct buf one = BUF_INIT(1 << 20), two = BUF_INIT(1 << 20);
		struct slice a, b, x, y;

		for (int i = 0; i < MESSAGES; i++)
			labels[i] = i % 2;
		run(labels, policies[p], &one);
		for (int i = 60; i < MESSAGES; i++)
			labels[i] = !labels[i];
		run(labels, policies[p], &two);
		a = buf_slice(&one);
		b = buf_slice(&two);
		for (int i = 0; i <= 60; i++) {
			struct slice head;

			assert_true(slice_cut(a, '\n', &x, &a) && slice_cut(b, '\n', &y, &b));
			(void)slice_cut(x, '\t', &head, &x); /* the label itself */
			(void)slice_cut(y, '\t', &head, &y);
			assert_true(slice_eq(x, y));
		}
		buf_free(&one);
		buf_free(&two);
	}
}

static void bad_use_is_told(void **state)
{
	struct eval_options policy = { "index", "clever" }, index = { "nowhere", NULL };

	(void)state;
	assert_int_equal(spam_eval(&policy), 64);
	assert_int_equal(spam_eval(&index), 75);
}

static int setup(void **state)
{
	char dir[] = "/tmp/pennypost-eval-XXXXXX";

	(void)state;
	if (mkdtemp(dir) == NULL || chdir(dir) == -1)
		return (-1);
	write_messages();
	return (0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shuffled_labels_ruin_it),
		cmocka_unit_test(what_is_printed_depends_on_earlier_labels_only),
		cmocka_unit_test(bad_use_is_told),
	};

	return (cmocka_run_group_tests(tests, setup, NULL));
}
