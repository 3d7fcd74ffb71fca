/* What did they say? For a while, for one account, each session's lines go to a file of their own:
 * "2026-11-23T08:44:34.123456Z C a1 NOOP". A file begins between two commands, is bounded, and its
 * last line says why it ended; what may stand in it is trace_mask.c's. Lines are gathered here and
 * written by jobs of one lane, one a file at a time; what finds no room is counted and said.
 * Off, it costs a session one look at an empty list a command. Failures: the file ends, and the log
 * says why; the session never notices. */
#include "imap/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/limits.h"
#include "core/log.h"
#include "core/mem.h"
#include "imap/session.h"
#include "imap/trace_mask.h"

enum { LAST_LINE = 256 }; /* octets of a file kept for it */

struct wanted { /* an account that is traced */
	struct list node;
	struct traces *traces;
	struct account *account;
	struct timer *timer;
	int64_t until; /* wall seconds */
	unsigned files;
};

struct traces {
	struct imap_server *server;
	struct lane *lane;
	struct list wanted;
	struct list all;   /* struct trace; also those that have ended, while their session lasts */
	unsigned writing;  /* jobs under way */
};

struct trace {
	struct list node;
	struct traces *traces;
	struct imap *session; /* NULL: it is gone, or may begin another file */
	struct account *account;
	struct conn_tap tap;
	struct mask mask;
	struct buf out;	 /* lines that wait */
	uint64_t missed; /* lines there was no room for */
	bool writing, ended, closed;
	char last[LAST_LINE]; /* once ended */
	char path[320];
	/* the lane's */
	int fd; /* -1: not open yet */
	uint64_t octets;
};

struct writing {
	struct job job;
	struct trace *trace;
	char *text;
	size_t n;
	bool last, full;
	struct err err;
};

static void write_more(struct trace *t);

/* --- on the lane --- */

static int file_open(struct trace *t, struct err *err)
{
	struct stat st;

	if (mkdir(STORE_TRACES, 0700) == -1 && errno != EEXIST)
		return (err_errno(err, "make %s", STORE_TRACES));
	t->fd = open(
	    t->path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (t->fd == -1 || fstat(t->fd, &st) == -1)
		return (err_errno(err, "open %s", t->path));
	t->octets = (uint64_t)st.st_size; /* a session that was traced before goes on */
	return (0);
}

static int file_add(struct trace *t, struct slice text, struct err *err)
{
	while (text.n > 0) {
		ssize_t n = write(t->fd, text.p, text.n);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return (err_errno(err, "write %s", t->path));
		t->octets += (uint64_t)n;
		text = slice_from(text, (size_t)n);
	}
	return (0);
}

/* As many whole lines as the file may still hold. */
static struct slice that_fits(const struct trace *t, struct slice text)
{
	uint64_t most = L_TRACE_OCTETS - LAST_LINE;
	uint64_t room = t->octets < most ? most - t->octets : 0;
	size_t at;

	if (text.n <= room)
		return (text);
	at = slice_rchr(slice_head(text, (size_t)room), '\n');
	return (slice_head(text, at == SIZE_MAX ? 0 : at + 1));
}

static void write_run(struct job *j)
{
	struct writing *w = (struct writing *)j;
	struct trace *t = w->trace;
	struct slice text = { w->text, w->n }, fits;

	if (t->fd == -1 && file_open(t, &w->err) == -1)
		return;
	fits = that_fits(t, text);
	w->full = fits.n < text.n;
	if (file_add(t, fits, &w->err) == -1 || !w->last)
		return;
	if (t->octets + slice_of(t->last).n <= L_TRACE_OCTETS)
		(void)file_add(t, slice_of(t->last), &w->err);
}

/* --- on the loop --- */

static void stamp(char ret[64])
{
	int64_t us = clock_wall_us();
	time_t at = (time_t)(us / 1000000);
	struct tm tm;
	char day[32];

	(void)strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", gmtime_r(&at, &tm));
	(void)snprintf(ret, 64, "%s.%06uZ", day, (unsigned)(us % 1000000));
}

static void add_line(struct trace *t, char who, struct slice line)
{
	char when[64];

	stamp(when);
	if (t->out.n + line.n + sizeof(when) + 4 > L_TRACE_QUEUED) {
		t->missed++;
		return;
	}
	(void)buf_fmt(&t->out, "%s %c ", when, who);
	(void)buf_add_slice(&t->out, line);
	(void)buf_addc(&t->out, '\n');
}

static void add_missed(struct trace *t)
{
	char text[96];
	uint64_t n = t->missed;

	if (n == 0)
		return;
	(void)snprintf(text, sizeof(text), "%llu lines are missing here: the disk was slower",
	    (unsigned long long)n);
	t->missed = 0;
	add_line(t, '-', slice_of(text));
	if (t->missed > 0)
		t->missed = n; /* later */
}

static void end(struct trace *t, const char *why)
{
	char when[64];

	if (t->ended)
		return;
	t->ended = true;
	if (t->session != NULL)
		conn_tap(t->session->conn, NULL);
	mask_done(&t->mask);
	stamp(when);
	(void)snprintf(t->last, sizeof(t->last), "%s - end of trace: %.160s\n", when, why);
	write_more(t);
}

static void forget(struct trace *t)
{
	if (!t->closed || t->session != NULL)
		return;
	list_drop(&t->node);
	buf_free(&t->out);
	free(t);
}

static void write_done(struct job *j)
{
	struct writing *w = (struct writing *)j;
	struct trace *t = w->trace;
	struct traces *ts = t->traces;
	bool failed = w->err.kind != ERR_NONE;

	ts->writing--;
	t->writing = false;
	if (failed)
		log_event(LOG_WARN, NULL, "trace", "file", t->path, "why", w->err.text, "next",
		    "this session is not traced further", NULL);
	if (w->last || failed) {
		if (t->fd != -1)
			(void)close(t->fd);
		t->fd = -1;
		t->closed = true;
	}
	if (failed && !w->last)
		end(t, "it could not be written");
	else if (w->full && !w->last)
		end(t, "the file is full");
	free(w->text);
	free(w);
	if (!t->closed)
		write_more(t);
	forget(t);
	server_look_idle(ts->server);
}

static uint64_t lines_of(struct slice text)
{
	uint64_t n = 0;

	for (size_t i = 0; i < text.n; i++)
		n += text.p[i] == '\n';
	return (n);
}

static void write_more(struct trace *t)
{
	struct writing *w;

	if (t->writing || t->closed || (t->out.n == 0 && t->missed == 0 && !t->ended))
		return;
	w = NEW(struct writing);
	w->job.run = write_run;
	w->job.done = write_done;
	w->trace = t;
	w->last = t->ended;
	w->text = buf_steal(&t->out, &w->n);
	buf_init(&t->out, L_TRACE_QUEUED);
	if (w->last) {
		lane_force(t->traces->lane, &w->job);
	} else if (lane_put(t->traces->lane, &w->job) == -1) {
		t->missed += lines_of((struct slice){ w->text, w->n });
		free(w->text);
		free(w);
		return;
	}
	t->writing = true;
	t->traces->writing++;
	add_missed(t);
}

static void on_line(void *self, enum mask_who who, struct slice line)
{
	add_line(self, who == MASK_CLIENT ? 'C' : 'S', line);
}

static void on_taken(void *self, struct slice s)
{
	struct trace *t = self;

	mask_take(&t->mask, MASK_CLIENT, s);
	write_more(t);
}

static void on_sent(void *self, struct slice s)
{
	struct trace *t = self;

	mask_take(&t->mask, MASK_SERVER, s);
	write_more(t);
}

/* --- which sessions --- */

/* Nothing is half said, by either side. */
static bool is_between(const struct imap *s)
{
	const struct imap_call *call = &s->call;

	if (s->closing || s->out.n > 0)
		return (false);
	if (s->idling && s->reading == READING_LINE)
		return (call->step == NULL && call->op == NULL && call->visit == NULL &&
		    !call->is_ending);
	return (call->row == NULL && s->reading == READING_COMMAND &&
	    s->reader.state == READER_LINE && s->reader.text.n == 0 && s->reader.line_n == 0);
}

static struct wanted *wanted_of(const struct traces *ts, const struct account *a)
{
	LIST_EACH(&ts->wanted, it)
	{
		struct wanted *w = LIST_OWNER(it, struct wanted, node);

		if (w->account == a)
			return (w);
	}
	return (NULL);
}

static struct trace *trace_of(const struct traces *ts, const struct imap *s)
{
	LIST_EACH(&ts->all, it)
	{
		struct trace *t = LIST_OWNER(it, struct trace, node);

		if (t->session == s)
			return (t);
	}
	return (NULL);
}

static bool is_open(const struct traces *ts, const char *path)
{
	LIST_EACH(&ts->all, it)
	{
		const struct trace *t = LIST_OWNER(it, struct trace, node);

		if (!t->closed && slice_eq(slice_of(t->path), slice_of(path)))
			return (true);
	}
	return (false);
}

static void begin(struct traces *ts, struct wanted *w, struct imap *s)
{
	struct trace *t = NEW(struct trace);
	char text[128];

	(void)snprintf(t->path, sizeof(t->path), STORE_TRACES "/%.255s-%s.log",
	    account_name(s->account), s->id);
	if (is_open(ts, t->path)) { /* this session's file before is not written yet */
		free(t);
		return;
	}
	w->files++;
	t->traces = ts;
	t->session = s;
	t->account = s->account;
	t->fd = -1;
	buf_init(&t->out, L_TRACE_QUEUED);
	mask_init(&t->mask, s->idling, on_line, t);
	list_push(&ts->all, &t->node);
	t->tap = (struct conn_tap){ on_taken, on_sent, t };
	conn_tap(s->conn, &t->tap);
	(void)snprintf(text, sizeof(text), "trace of session %s; C: the client, S: the server",
	    s->id);
	add_line(t, '-', slice_of(text));
	write_more(t);
}

void trace_look(struct imap *s)
{
	struct traces *ts = s->server->traces;
	struct wanted *w;

	if (list_empty(&ts->wanted) || s->account == NULL || !is_between(s))
		return;
	w = wanted_of(ts, s->account);
	if (w != NULL && w->files < L_TRACE_FILES && trace_of(ts, s) == NULL)
		begin(ts, w, s);
}

void trace_gone(struct imap *s, const char *why)
{
	struct trace *t = s->server == NULL ? NULL : trace_of(s->server->traces, s);

	if (t == NULL)
		return;
	end(t, why);
	t->session = NULL;
	forget(t);
}

/* --- which accounts --- */

static void want_end(struct wanted *w, const char *why)
{
	LIST_EACH(&w->traces->all, it)
	{
		struct trace *t = LIST_OWNER(it, struct trace, node);

		if (t->account != w->account || t->session == NULL)
			continue;
		end(t, why);
		t->session = NULL; /* asked again, it begins again */
		forget(t);
	}
	log_event(LOG_INFO, NULL, "trace off", "user", account_name(w->account), "why", why, NULL);
	timer_cancel(w->timer);
	list_drop(&w->node);
	free(w);
}

static void on_time(void *self)
{
	struct wanted *w = self;

	w->timer = NULL;
	want_end(w, "its time is over");
}

static unsigned count(const struct list *l)
{
	unsigned n = 0;

	for (const struct list *it = l->next; it != l; it = it->next)
		n++;
	return (n);
}

int imap_server_trace(
    struct imap_server *srv, struct slice account, unsigned minutes, struct err *err)
{
	struct account *a = store_account(srv->store, account);
	struct traces *ts = srv->traces;
	struct wanted *w;

	if (a == NULL || account_is_gone(a))
		return (err_set(err, ERR_NOT_FOUND, "no account \"%.*s\" in the configuration",
		    SLICE_ARG(slice_head(account, 64))));
	if (minutes > L_TRACE_MINUTES)
		return (err_set(err, ERR_PEER, "a trace lasts %d minutes at most; ask again then",
		    L_TRACE_MINUTES));
	w = wanted_of(ts, a);
	if (minutes == 0) {
		if (w != NULL)
			want_end(w, "it was switched off");
		return (0);
	}
	if (w == NULL && count(&ts->wanted) >= L_TRACE_ACCOUNTS)
		return (err_set(err, ERR_LIMIT,
		    "%d accounts are traced already; switch one off first", L_TRACE_ACCOUNTS));
	if (w == NULL) {
		w = NEW(struct wanted);
		w->traces = ts;
		w->account = a;
		list_push(&ts->wanted, &w->node);
	}
	timer_cancel(w->timer);
	w->timer = timer_start(srv->loop, (uint64_t)minutes * 60000, on_time, w);
	w->until = clock_wall() + (int64_t)minutes * 60;
	log_event(LOG_INFO, NULL, "trace on", "user", account_name(a), NULL);
	LIST_EACH(&srv->sessions, it)
	{
		trace_look(LIST_OWNER(it, struct imap, node));
	}
	return (0);
}

void imap_server_each_trace(const struct imap_server *srv,
    void (*on_trace)(void *arg, const char *account, int64_t until, unsigned files), void *arg)
{
	LIST_EACH(&srv->traces->wanted, it)
	{
		const struct wanted *w = LIST_OWNER(it, struct wanted, node);

		on_trace(arg, account_name(w->account), w->until, w->files);
	}
}

/* --- of a server --- */

struct traces *traces_new(struct imap_server *srv, struct work *w)
{
	struct traces *ts = NEW(struct traces);

	ts->server = srv;
	ts->lane = lane_new(w, WORK_READ, 1, L_JOBS);
	list_init(&ts->wanted);
	list_init(&ts->all);
	return (ts);
}

bool traces_idle(const struct traces *ts)
{
	return (ts->writing == 0);
}

void traces_reload(struct traces *ts)
{
	LIST_EACH(&ts->wanted, it)
	{
		struct wanted *w = LIST_OWNER(it, struct wanted, node);

		if (account_is_gone(w->account))
			want_end(w, "the account is gone");
	}
}

void traces_free(struct traces *ts)
{
	if (ts == NULL)
		return;
	LIST_EACH(&ts->wanted, it)
	{
		struct wanted *w = LIST_OWNER(it, struct wanted, node);

		timer_cancel(w->timer);
		free(w);
	}
	lane_free(ts->lane);
	free(ts);
}
