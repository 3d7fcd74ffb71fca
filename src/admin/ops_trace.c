/* ops_trace.c: whose IMAP sessions are written down, and for how long? What they say is imap's to
 * write; it comes through struct ops. */
#include "admin/ops_int.h"
#include "core/json_read.h"

enum { MINUTES = 10, MINUTES_MOST = 100000 };

static void put_trace(void *arg, const char *account, int64_t until, unsigned files)
{
	struct json *j = arg;

	json_open(j, NULL, '{');
	json_put_stringz(j, "account", account);
	json_put_int(j, "until", until);
	json_put_uint(j, "files", files);
	json_close(j, '}');
}

void ops_trace_write(struct ops *o, struct json *j)
{
	json_open(j, "trace", '[');
	if (o->each_trace != NULL)
		o->each_trace(o->self, put_trace, j);
	json_close(j, ']');
}

struct asked {
	struct slice account;
	uint64_t minutes;
	bool off;
};

/* In the body as JSON, or in the query. */
static int read_asked(struct ops_call *c, struct asked *ret)
{
	struct slice minutes = ops_param(c, "minutes");
	const struct json_value *root, *given;
	struct json_doc *doc;

	*ret = (struct asked){ .account = ops_param(c, "account"), .minutes = MINUTES };
	ret->off = ops_param(c, "off").n > 0;
	if (minutes.n > 0 && !slice_u64(minutes, MINUTES_MOST, &ret->minutes))
		return (err_set(&c->err, ERR_PEER, "minutes is a number"));
	if (c->q.body.n > 0) {
		if ((doc = json_read(c->q.body, &c->err)) == NULL)
			return (-1);
		root = json_root(doc);
		ret->account = arena_dup(c->arena, json_text(json_get(root, "account")));
		ret->off = json_as_true(json_get(root, "off"));
		if ((given = json_get(root, "minutes")) != NULL) {
			int64_t n = json_as_integer(given);

			ret->minutes = n > 0 && n <= MINUTES_MOST ? (uint64_t)n : 0;
		}
		json_doc_free(doc);
	}
	if (!ret->off && ret->minutes == 0)
		return (err_set(&c->err, ERR_PEER, "a trace lasts at least a minute"));
	return (0);
}

void ops_trace(struct ops_call *c)
{
	struct ops *o = c->ops;
	struct asked asked;
	struct json j;

	if (o->trace == NULL)
		(void)err_set(&c->err, ERR_CANNOT, "no server is running");
	else if (read_asked(c, &asked) == 0 &&
	    o->trace(o->self, asked.account, asked.off ? 0 : (unsigned)asked.minutes, &c->err) ==
		0) {
		json_begin(&j, &c->out);
		json_open(&j, NULL, '{');
		ops_trace_write(o, &j);
		json_close(&j, '}');
		ops_reply_json(c);
		return;
	}
	ops_fail(c, &c->err);
}
