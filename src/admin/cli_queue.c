/* cli_queue.c: "pennypost queue ...". */
#include "admin/cli_ask.h"

#include <stdio.h>
#include <string.h>

#include "admin/client.h"
#include "core/clock.h"
#include "core/units.h"

static void print_when(int64_t at)
{
	struct buf out = BUF_INIT(64);
	int64_t in = at - clock_wall();

	if (in > 0)
		(void)units_add_duration(&out, (uint64_t)in * 1000);
	(void)printf("%s", in > 0 ? buf_z(&out) : "now");
	buf_free(&out);
}

static void print_entry(const struct json_value *e)
{
	const struct json_value *rcpts = json_get(e, "recipients");
	struct buf size = BUF_INIT(64), age = BUF_INIT(64);
	int64_t arrived = json_as_integer(json_get(e, "arrived")), now = clock_wall();

	(void)units_add_size(&size, (uint64_t)json_as_integer(json_get(e, "size")));
	(void)units_add_duration(&age, (uint64_t)(now > arrived ? now - arrived : 0) * 1000);
	(void)printf("%s  from <%s>  %s  waiting %s%s\n", json_textz(json_get(e, "id")),
	    json_textz(json_get(e, "from")), buf_z(&size), buf_z(&age),
	    json_as_true(json_get(e, "broken")) ? "  BROKEN: its file is damaged; set aside" : "");
	for (size_t i = 0; i < json_count(rcpts); i++) {
		const struct json_value *r = json_at(rcpts, i);

		(void)printf("    <%s>  %s", json_textz(json_get(r, "address")),
		    json_textz(json_get(r, "state")));
		if (strcmp(json_textz(json_get(r, "state")), "waiting") == 0) {
			(void)printf(", next try ");
			print_when(json_as_integer(json_get(r, "next_try")));
		}
		if (json_text(json_get(r, "last")).n > 0)
			(void)printf("\n        %s", json_textz(json_get(r, "last")));
		(void)putchar('\n');
	}
	buf_free(&size);
	buf_free(&age);
}

static void print_list(const struct json_value *root, bool one)
{
	if (one) {
		print_entry(root);
		return;
	}
	for (size_t i = 0; i < json_count(root); i++)
		print_entry(json_at(root, i));
	if (json_count(root) == 0)
		(void)puts("the queue is empty");
}

static int show_list(void *self, const struct json_value *root, bool print)
{
	if (print)
		print_list(root, *(const bool *)self);
	return (EXIT_OK);
}

static int show_act(void *self, const struct json_value *root, bool print)
{
	(void)self;
	if (print)
		(void)printf(
		    "%lld recipients\n", (long long)json_as_integer(json_get(root, "recipients")));
	return (EXIT_OK);
}

int cli_queue(const struct command_line *cl)
{
	const char *verb = cl->argc > 0 ? cl->argv[0] : "list",
		   *id = cl->argc > 1 ? cl->argv[1] : NULL;
	bool list = strcmp(verb, "list") == 0, show = strcmp(verb, "show") == 0;
	bool act = strcmp(verb, "retry") == 0 || strcmp(verb, "hold") == 0 ||
	    strcmp(verb, "release") == 0 || strcmp(verb, "delete") == 0;
	struct cli_request q = {
		.method = act ? "POST" : "GET", .show = act ? show_act : show_list, .self = &show
	};
	struct buf path = BUF_INIT(512);
	struct cfg *cfg;
	int rc;

	if ((!list && !show && !act) || (list ? cl->argc > 1 : cl->argc != 2))
		return (command_usage(cl, "say what to do, and with which message (or all)"));
	if ((cfg = command_cfg(cl)) == NULL)
		return (EXIT_CONFIG);
	(void)buf_addz(&path, "/queue");
	if (id != NULL) {
		(void)buf_addc(&path, '/');
		(void)client_escape(&path, slice_of(id));
	}
	if (act)
		(void)buf_fmt(&path, "/%s", verb);
	q.path = buf_z(&path);
	rc = cli_ask(cl, cfg, &q);
	buf_free(&path);
	cfg_free(cfg);
	return (rc);
}
