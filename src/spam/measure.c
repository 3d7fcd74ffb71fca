/* measure.c: how often does each rule fire on labelled mail? For README.md's table: no configuration, no
 * store, no session. What depends on the day is judged as of the first Received field's date. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/limits.h"
#include "core/mem.h"
#include "msg/date.h"
#include "spam/classifier.h"
#include "spam/rules.h"
#include "spam/verdict.h"

enum { EXIT_GOOD = 0, EXIT_TEMPORARY = 75, LINE_LENGTH = 8192, STEPS = 8 };

struct measure {
	uint64_t n[2];
	uint64_t (*fired)[2];     /* by rule */
	uint64_t reach[STEPS][2]; /* messages with at least so many points */
	double most;              /* points of the worst ham */
	char worst[LINE_LENGTH];
};

static int read_whole(const char *path, struct buf *out)
{
	FILE *f = fopen(path, "rb");
	size_t n = 1;

	while (f != NULL && n > 0) {
		char *at = buf_room(out, 65536);

		n = at != NULL ? fread(at, 1, 65536, f) : 0;
		buf_grew(out, n);
	}
	if (f == NULL || ferror(f))
		out->failed = true;
	if (f != NULL)
		(void)fclose(f);
	return (out->failed ? -1 : 0);
}

static int64_t arrival(struct arena *a, const struct header *h)
{
	struct slice text = header_value(a, h, SLICE("Received"));
	size_t at = slice_rchr(text, ';');
	int64_t t;
	int zone;

	if (at != SIZE_MAX && date_parse(slice_trim(slice_from(text, at + 1)), &t, &zone))
		return (t);
	return (date_parse(header_value(a, h, SLICE("Date")), &t, &zone) ? t : 0);
}

static void judge(struct measure *m, struct slice file, bool spam, const char *path)
{
	struct arena *a = arena_new(0);
	struct facts f = { .aligned = FACT_NO }; /* as of a stranger */
	struct header h;
	struct mime mime;
	struct rule_case c;
	double points = 0;

	file = message_form(a, file);
	header_parse(a, file, &h);
	mime_parse(a, file, &mime);
	f.header = &h;
	f.mime = &mime;
	f.arrived = arrival(a, &h);
	rule_case_begin(&c, a, &f);
	m->n[spam]++;
	for (size_t i = 0; i < rules_n; i++) {
		double times = rules[i].test(&c);

		m->fired[i][spam] += times != 0;
		points += times * rules[i].points;
	}
	for (size_t i = 0; i < STEPS; i++)
		m->reach[i][spam] += points >= (double)(i + 1);
	if (!spam && points > m->most) {
		m->most = points;
		(void)snprintf(m->worst, sizeof(m->worst), "%s", path);
	}
	arena_free(a);
}

static int one_line(struct measure *m, struct slice line)
{
	struct buf in = BUF_INIT(2 * (size_t)L_SIZE);
	struct slice label, rest, path, more;
	char *name;
	int r;

	(void)slice_cut(line, '\t', &label, &rest);
	(void)slice_cut(rest, '\t', &path, &more);
	name = mem_strndup(path.p, path.n);
	if ((r = read_whole(name, &in)) == -1)
		(void)fprintf(stderr, "pennypost: cannot read %s\n", name);
	else
		judge(m, buf_slice(&in), slice_eq(label, SLICE("spam")), name);
	buf_free(&in);
	free(name);
	return (r);
}

static double share(uint64_t part, uint64_t all)
{
	return (all == 0 ? 0 : 100.0 * (double)part / (double)all);
}

static void print(const struct measure *m)
{
	(void)printf("rule\tpoints\tham %%\tspam %%\n");
	for (size_t i = 0; i < rules_n; i++)
		(void)printf("%s\t%.1f\t%.2f\t%.2f\n", rules[i].name, rules[i].points,
		    share(m->fired[i][0], m->n[0]), share(m->fired[i][1], m->n[1]));
	for (size_t i = 0; i < STEPS; i++)
		(void)printf("at least %zu points: %llu of %llu ham, %llu of %llu spam\n", i + 1,
		    (unsigned long long)m->reach[i][0], (unsigned long long)m->n[0],
		    (unsigned long long)m->reach[i][1], (unsigned long long)m->n[1]);
	(void)printf("worst ham: %.1f points, %s\n", m->most, m->worst);
}

int spam_measure(const char *index)
{
	struct measure *m = NEW(struct measure);
	FILE *f = strcmp(index, "-") == 0 ? stdin : fopen(index, "r");
	char line[LINE_LENGTH];
	int r = EXIT_GOOD;

	if (f == NULL) {
		(void)fprintf(stderr, "pennypost: cannot open %s\n", index);
		free(m);
		return (EXIT_TEMPORARY);
	}
	m->fired = mem_new_array(rules_n, sizeof(*m->fired));
	while (r == EXIT_GOOD && fgets(line, sizeof(line), f) != NULL) {
		struct slice s = slice_trim(slice_of(line));

		if (s.n > 0 && one_line(m, s) == -1)
			r = EXIT_TEMPORARY;
	}
	print(m);
	if (f != stdin)
		(void)fclose(f);
	free(m->fired);
	free(m);
	return (r);
}
