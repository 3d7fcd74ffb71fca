/* log.c: what happened, in one line that no peer can forge? Formats and escapes here; the writer
 * thread is the only one that waits for standard error. What a blocked reader leaves no room for
 * is counted, and the count is logged when there is room again. */
#include "core/log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/limits.h"
#include "core/mem.h"

enum { LINE_MAX_OCTETS = 32768, STOP_SECONDS = 2 };

/* The log sink: the one mutable global of the program. Everything behind the lock. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t more;
	enum log_level least;
	bool json, running, stopping;
	pthread_t writer;
	char *ring;   /* owned; NULL before log_start */
	size_t at, n; /* the oldest octet, and how many wait */
	uint64_t lost;
	void (*sink)(void *self, struct slice line);
	void *sink_self;
} state = {
	.lock = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER, .least = LOG_INFO
};

static const char *level_name(enum log_level level)
{
	switch (level) {
	case LOG_DEBUG: return ("debug");
	case LOG_INFO: return ("info");
	case LOG_WARN: return ("warn");
	case LOG_ERROR: return ("error");
	}
	return ("error");
}

static void write_all(const char *p, size_t n)
{
	while (n > 0) {
		ssize_t wrote = write(STDERR_FILENO, p, n);

		if (wrote > 0) {
			p += wrote;
			n -= (size_t)wrote;
		} else if (wrote == -1 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			(void)poll(&(struct pollfd){ STDERR_FILENO, POLLOUT, 0 }, 1, -1);
		} else if (wrote == 0 || errno != EINTR) {
			return; /* nobody to tell */
		}
	}
}

/* One well-formed character at p (RFC 3629 4): its length, or 0. */
static size_t utf8_take(const char *p, size_t n, uint32_t *ret)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *u = (const unsigned char *)p;
	size_t len = u[0] < 0x80 ? 1
	    : u[0] < 0xc2        ? 0
	    : u[0] < 0xe0        ? 2
	    : u[0] < 0xf0        ? 3
	    : u[0] < 0xf5        ? 4
				 : 0;
	uint32_t cp;

	if (len == 0 || len > n)
		return (0);
	cp = len == 1 ? u[0] : u[0] & (0x7fu >> len);
	for (size_t i = 1; i < len; i++) {
		if ((u[i] & 0xc0) != 0x80)
			return (0);
		cp = cp << 6 | (u[i] & 0x3f);
	}
	if (cp < least[len] || cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
		return (0);
	*ret = cp;
	return (len);
}

/* Characters that move the reader's eye or cursor: controls, line ends, direction marks. */
static bool is_unseen(uint32_t cp)
{
	return (cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || cp == 0xad || cp == 0x61c ||
	    (cp >= 0x200b && cp <= 0x200f) || (cp >= 0x2028 && cp <= 0x202e) ||
	    (cp >= 0x2060 && cp <= 0x206f) || cp == 0xfeff || (cp >= 0xfff9 && cp <= 0xfffb) ||
	    (cp >= 0xe0000 && cp <= 0xe0fff));
}

enum form { FORM_WORD, FORM_QUOTED, FORM_SENTENCE, FORM_JSON };

/* Adds one character, escaped for the form. At most 12 octets. */
static int escape_one(enum form form, const char *p, size_t len, uint32_t cp, char ret[16])
{
	bool json = form == FORM_JSON;

	if (len == 0) /* not UTF-8: JSON has no way to say an octet */
		return (json ? snprintf(ret, 16, "\\ufffd")
			     : snprintf(ret, 16, "\\x%02x", (unsigned char)*p));
	if (cp == '\n' || cp == '\r' || cp == '\t')
		return (snprintf(ret, 16, "\\%c", cp == '\n' ? 'n' : cp == '\r' ? 'r' : 't'));
	if (cp == '\\' || (cp == '"' && form != FORM_SENTENCE))
		return (snprintf(ret, 16, "\\%c", (char)cp));
	if (!is_unseen(cp)) {
		memcpy(ret, p, len);
		return ((int)len);
	}
	if (cp > 0xffff && json)
		return (snprintf(ret, 16, "\\u%04x\\u%04x", 0xd800 + ((cp - 0x10000) >> 10),
		    0xdc00 + ((cp - 0x10000) & 0x3ff)));
	if (cp < 0x80 && !json)
		return (snprintf(ret, 16, "\\x%02x", cp));
	return (snprintf(ret, 16, cp > 0xffff ? "\\U%08x" : "\\u%04x", cp));
}

/* At most L_LOG octets of escaped text; "..." says that there was more. */
static void add_escaped(struct buf *out, enum form form, struct slice s)
{
	size_t room = L_LOG;

	for (size_t i = 0; i < s.n;) {
		char one[16];
		uint32_t cp = 0;
		size_t len = utf8_take(s.p + i, s.n - i, &cp);
		int n = escape_one(form, s.p + i, len, cp, one);

		if (n < 0 || (size_t)n > room - 3) {
			(void)buf_addz(out, "...");
			return;
		}
		(void)buf_add(out, one, (size_t)n);
		room -= (size_t)n;
		i += len > 0 ? len : 1;
	}
}

static bool needs_quotes(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' || s.p[i] == '"' || s.p[i] == '=')
			return (true);
	return (s.n == 0);
}

static void add_pair(struct buf *out, bool json, const char *name, const char *value)
{
	struct slice v = slice_of(value);
	bool quoted = json || needs_quotes(v);

	(void)buf_fmt(out, json ? ",\"%s\":" : " %s=", name);
	if (quoted)
		(void)buf_addc(out, '"');
	add_escaped(out, json ? FORM_JSON : quoted ? FORM_QUOTED : FORM_WORD, v);
	if (quoted)
		(void)buf_addc(out, '"');
}

static void add_head(struct buf *out, bool json, enum log_level level, const char *id)
{
	struct timespec now;
	struct tm tm;
	char when[40];

	(void)clock_gettime(CLOCK_REALTIME, &now);
	(void)gmtime_r(&now.tv_sec, &tm);
	(void)snprintf(when, sizeof(when), "%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ",
	    tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
	    now.tv_nsec / 1000000);
	if (!json) {
		(void)buf_fmt(out, "%s %s ", when, level_name(level));
		add_escaped(out, FORM_WORD, slice_of(id != NULL ? id : "-"));
		(void)buf_addc(out, ' ');
		return;
	}
	(void)buf_fmt(out, "{\"time\":\"%s\",\"level\":\"%s\"", when, level_name(level));
	if (id != NULL)
		add_pair(out, true, "id", id);
}

static void ring_add(struct slice line)
{
	for (size_t done = 0; done < line.n;) {
		size_t to = (state.at + state.n) % L_LOG_RING;
		size_t n = L_LOG_RING - to < line.n - done ? L_LOG_RING - to : line.n - done;

		memcpy(state.ring + to, line.p + done, n);
		state.n += n;
		done += n;
	}
}

/* Holds the lock. ${line} has its line end. */
static void put_line(struct slice line)
{
	if (state.sink != NULL) {
		state.sink(state.sink_self, slice_head(line, line.n - 1));
	} else if (!state.running) {
		write_all(line.p, line.n);
	} else if (L_LOG_RING - state.n < line.n) {
		state.lost++;
	} else {
		ring_add(line);
		(void)pthread_cond_signal(&state.more);
	}
}

static void finish(struct buf *line, bool json)
{
	if (!line->failed && json)
		(void)buf_addc(line, '}');
	(void)buf_addc(line, '\n');
	(void)pthread_mutex_lock(&state.lock);
	if (line->failed)
		state.lost++;
	else
		put_line(buf_slice(line));
	(void)pthread_mutex_unlock(&state.lock);
	buf_free(line);
}

static bool is_wanted(enum log_level level, bool *ret_json)
{
	bool wanted;

	(void)pthread_mutex_lock(&state.lock);
	wanted = level >= state.least;
	*ret_json = state.json;
	(void)pthread_mutex_unlock(&state.lock);
	return (wanted);
}

void log_event(enum log_level level, const char *id, const char *event, ...)
{
	struct buf line = BUF_INIT(LINE_MAX_OCTETS);
	const char *name, *value;
	bool json;
	va_list ap;

	if (!is_wanted(level, &json))
		return;
	add_head(&line, json, level, id);
	if (json)
		add_pair(&line, true, "event", event);
	else
		add_escaped(&line, FORM_SENTENCE, slice_of(event));
	va_start(ap, event);
	while ((name = va_arg(ap, const char *)) != NULL) {
		if ((value = va_arg(ap, const char *)) != NULL)
			add_pair(&line, json, name, value);
	}
	va_end(ap);
	finish(&line, json);
}

/* The whole sentence is escaped, but its quotes stay: they are ours as often as a peer's, and
 * nothing that reads a sentence looks for pairs in it. */
void log_text(enum log_level level, const char *id, const char *fmt, ...)
{
	struct buf line = BUF_INIT(LINE_MAX_OCTETS), text = BUF_INIT(LINE_MAX_OCTETS);
	bool json;
	va_list ap;

	if (!is_wanted(level, &json))
		return;
	va_start(ap, fmt);
	if (buf_vfmt(&text, fmt, ap) == -1) {
		buf_reset(&text);
		(void)buf_addz(&text, "(a text too long to log)");
	}
	va_end(ap);
	add_head(&line, json, level, id);
	if (json)
		add_pair(&line, true, "event", buf_z(&text));
	else
		add_escaped(&line, FORM_SENTENCE, buf_slice(&text));
	buf_free(&text);
	finish(&line, json);
}

static void say_lost(uint64_t lost)
{
	char count[32];

	(void)snprintf(count, sizeof(count), "%llu", (unsigned long long)lost);
	log_event(LOG_WARN, NULL, "log lines lost", "count", count, "why",
	    "the reader of standard error was too slow", NULL);
}

static void *write_ring(void *arg)
{
	char *mine = mem_new(L_LOG_RING);

	(void)arg;
	(void)pthread_mutex_lock(&state.lock);
	for (;;) {
		size_t n = state.n, first = L_LOG_RING - state.at < n ? L_LOG_RING - state.at : n;
		uint64_t lost = state.lost;

		if (n == 0 && lost == 0) {
			if (state.stopping)
				break;
			(void)pthread_cond_wait(&state.more, &state.lock);
			continue;
		}
		memcpy(mine, state.ring + state.at, first);
		memcpy(mine + first, state.ring, n - first);
		state.at = (state.at + n) % L_LOG_RING;
		state.n = 0;
		state.lost = 0;
		(void)pthread_mutex_unlock(&state.lock);
		write_all(mine, n);
		if (lost > 0)
			say_lost(lost);
		(void)pthread_mutex_lock(&state.lock);
	}
	(void)pthread_mutex_unlock(&state.lock);
	free(mine);
	return (NULL);
}

void log_setup(enum log_level least, bool json)
{
	(void)pthread_mutex_lock(&state.lock);
	state.least = least;
	state.json = json;
	(void)pthread_mutex_unlock(&state.lock);
}

void log_start(void)
{
	(void)pthread_mutex_lock(&state.lock);
	if (!state.running) {
		if (state.ring == NULL)
			state.ring = mem_new(L_LOG_RING);
		state.at = state.n = 0;
		state.stopping = false;
		/* Without a thread lines go out directly, as before. */
		state.running = pthread_create(&state.writer, NULL, write_ring, NULL) == 0;
	}
	(void)pthread_mutex_unlock(&state.lock);
}

void log_stop(void)
{
	struct timespec until;
	bool was_running;

	(void)pthread_mutex_lock(&state.lock);
	was_running = state.running;
	state.stopping = true;
	(void)pthread_cond_signal(&state.more);
	(void)pthread_mutex_unlock(&state.lock);
	if (!was_running)
		return;
	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += STOP_SECONDS;
	/* A reader that never reads must not keep us from ending; then thread and ring are left. */
	if (pthread_timedjoin_np(state.writer, NULL, &until) != 0) {
		(void)pthread_detach(state.writer);
		return;
	}
	(void)pthread_mutex_lock(&state.lock);
	state.running = false;
	free(state.ring);
	state.ring = NULL;
	(void)pthread_mutex_unlock(&state.lock);
}

void log_sink(void (*sink)(void *self, struct slice line), void *self)
{
	(void)pthread_mutex_lock(&state.lock);
	state.sink = sink;
	state.sink_self = self;
	(void)pthread_mutex_unlock(&state.lock);
}
