/* cfg.c: does the configuration hold together? Reads the file, collects every fault, sorts them by
 * line. What each key means is cfg_keys.c's, who gets which mail cfg_who.c's. Nothing half read is
 * ever returned. */
#include "core/cfg.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/cfg_int.h"
#include "core/limits.h"
#include "core/map.h"
#include "core/mem.h"
#include "core/secret.h"

enum { NAME_DISTANCE = 64 }; /* longer names are compared no further */

int cfg_bad(struct cfg_load *l, unsigned line, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	if (l->faults_n++ >= L_CFG_ERRORS)
		return (-1);
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	l->faults[l->faults_n - 1] =
	    (struct cfg_fault){ line, arena_strdup(l->cfg->arena, slice_of(text)) };
	return (-1);
}

struct slice cfg_lower(struct arena *a, struct slice s)
{
	char *p = arena_strdup(a, s);

	for (size_t i = 0; i < s.n; i++)
		p[i] = ascii_lower(p[i]);
	return ((struct slice){ p, s.n });
}

/* Levenshtein's distance, by rows. */
static size_t distance(struct slice a, struct slice b)
{
	size_t row[NAME_DISTANCE + 1];

	a = slice_head(a, NAME_DISTANCE);
	b = slice_head(b, NAME_DISTANCE);
	for (size_t j = 0; j <= b.n; j++)
		row[j] = j;
	for (size_t i = 1; i <= a.n; i++) {
		size_t corner = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b.n; j++) {
			size_t same = corner + (ascii_lower(a.p[i - 1]) != b.p[j - 1]);
			size_t one = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;

			corner = row[j];
			row[j] = same < one ? same : one;
		}
	}
	return (row[b.n]);
}

const char *cfg_nearest(struct cfg_load *l, struct slice wrong, const char *const *names, size_t n)
{
	size_t best = SIZE_MAX, far = 1 + wrong.n / 3;
	const char *name = NULL;

	for (size_t i = 0; i < n; i++) {
		size_t d = distance(wrong, slice_of(names[i]));

		if (d < best && d <= far) {
			best = d;
			name = names[i];
		}
	}
	return (name == NULL ? "" : arena_fmt(l->cfg->arena, " (did you mean \"%s\"?)", name));
}

unsigned cfg_service_port(enum cfg_service s)
{
	static const unsigned ports[SERVICE_COUNT] = { 25, 587, 465, 143, 993 };

	return (ports[s]);
}

const char *cfg_service_name(enum cfg_service s)
{
	static const char *const names[SERVICE_COUNT] = { "smtp", "submission", "submissions",
		"imap", "imaps" };

	return (names[s]);
}

static int read_file(struct cfg_load *l, const char *path, struct buf *text)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must not hold us */
	ssize_t got = 1;

	if (fd == -1)
		return (cfg_bad(l, 0, "cannot be read: %s", strerror(errno)));
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)) {
		(void)close(fd);
		return (cfg_bad(l, 0, "is not a file"));
	}
	l->bad_mode = st.st_mode & (S_IRWXG | S_IRWXO);
	while (got > 0) {
		char *room = buf_room(text, 65536);

		if (room == NULL)
			break;
		if ((got = read(fd, room, 65536)) == -1 && errno == EINTR)
			got = 1;
		else if (got > 0)
			buf_grew(text, (size_t)got);
	}
	(void)close(fd);
	if (got == -1)
		return (cfg_bad(l, 0, "cannot be read: %s", strerror(errno)));
	if (text->failed || text->n > L_TOML)
		return (cfg_bad(l, 0, "is larger than %d octets", L_TOML));
	return (0);
}

/* The parser's "line N: text" as a fault of ours. */
static void note_syntax(struct cfg_load *l, const struct err *err)
{
	struct slice head, text, number;
	uint64_t line = 0;

	(void)slice_cut(slice_of(err->text), ':', &head, &text);
	number = slice_from(head, sizeof("line ") - 1);
	(void)slice_u64(number, UINT32_MAX, &line);
	(void)cfg_bad(l, (unsigned)line, "%s", slice_trim(text).p);
}

/* Without any [[listen]]: all five services, everywhere. */
static void listen_everywhere(struct cfg *c)
{
	struct cfg_listen **at = &c->listens;

	for (int s = SERVICE_SMTP; s < SERVICE_COUNT; s++, at = &(*at)->next) {
		*at = arena_alloc(c->arena, sizeof(**at));
		(*at)->service = (enum cfg_service)s;
		(*at)->any = true;
		(*at)->port = cfg_service_port((*at)->service);
	}
}

static void check_listens(struct cfg_load *l)
{
	for (const struct cfg_listen *a = l->cfg->listens; a != NULL; a = a->next) {
		for (const struct cfg_listen *b = l->cfg->listens; b != a; b = b->next)
			if (a->port == b->port &&
			    (a->any || b->any || ip_eq(&a->address, &b->address))) {
				(void)cfg_bad(l, a->line,
				    "port %u is taken by the [[listen]] on line %u already",
				    a->port, b->line);
				break;
			}
	}
}

static void check_smarthost(struct cfg_load *l)
{
	const struct cfg *c = l->cfg;

	if (c->smarthost.host == NULL) {
		if (c->smarthost.username != NULL || c->smarthost.password != NULL)
			(void)cfg_bad(l, 0,
			    "[smarthost] has no host: add host = \"...\" or remove "
			    "the table");
		return;
	}
	if ((c->smarthost.username == NULL) != (c->smarthost.password == NULL))
		(void)cfg_bad(l, 0, "[smarthost] needs username and password together");
	if (c->smarthost.password != NULL && !c->smarthost.tls_required)
		(void)cfg_bad(l, 0,
		    "[smarthost] would send its password in the clear: remove "
		    "tls = \"opportunistic\"");
	if (c->smarthost.password != NULL && l->bad_mode != 0)
		(void)cfg_bad(l, 0, "holds a password that others can read: chmod 600 %s", c->path);
}

static void check_rules(struct cfg_load *l, struct cfg_rule *r)
{
	for (; r != NULL; r = r->next) {
		const struct cfg_account *acc =
		    r->account != NULL ? cfg_login(l->cfg, slice_of(r->account)) : NULL;

		if (acc != NULL)
			r->account = acc->name; /* an address of theirs may have been given */
		else if (r->account != NULL)
			(void)cfg_bad(l, r->line, "there is no account \"%s\"", r->account);
		cfg_check_send_on(l, r);
	}
}

static void check_whole(struct cfg_load *l)
{
	struct cfg *c = l->cfg;

	check_listens(l);
	check_smarthost(l);
	cfg_index(l);
	check_rules(l, c->allows);
	check_rules(l, c->denies);
	check_rules(l, c->rules);
	if (c->listens == NULL)
		listen_everywhere(c);
}

static void report(struct cfg_load *l, const char *path,
    void (*on_fault)(void *self, const char *text), void *self)
{
	size_t n = l->faults_n < L_CFG_ERRORS ? l->faults_n : L_CFG_ERRORS;

	for (size_t i = 1; i < n; i++) { /* stable, by line */
		struct cfg_fault f = l->faults[i];
		size_t at = i;

		for (; at > 0 && l->faults[at - 1].line > f.line; at--)
			l->faults[at] = l->faults[at - 1];
		l->faults[at] = f;
	}
	if (l->faults_n > L_CFG_ERRORS) {
		l->faults[n - 1].line = 0;
		l->faults[n - 1].text =
		    arena_fmt(l->cfg->arena, "and %zu faults more", l->faults_n - L_CFG_ERRORS + 1);
	}
	for (size_t i = 0; i < n; i++) {
		const struct cfg_fault *f = &l->faults[i];

		if (f->line > 0)
			on_fault(
			    self, arena_fmt(l->cfg->arena, "%s:%u: %s", path, f->line, f->text));
		else
			on_fault(self, arena_fmt(l->cfg->arena, "%s: %s", path, f->text));
	}
}

/* The absolute path of the file and its folder: a reload comes after the process has moved. */
static int find_place(struct cfg_load *l, const char *path)
{
	char *real = realpath(path, NULL);

	if (real == NULL)
		return (cfg_bad(l, 0, "cannot be read: %s", strerror(errno)));
	l->cfg->path = arena_strdup(l->cfg->arena, slice_of(real));
	l->dir = arena_strdup(
	    l->cfg->arena, slice_head(slice_of(real), slice_rchr(slice_of(real), '/')));
	free(real);
	return (0);
}

/* The text of the file, or the one that was given. */
static int take_text(
    struct cfg_load *l, const char *path, const struct slice *given, struct buf *text)
{
	if (given == NULL)
		return (find_place(l, path) == 0 ? read_file(l, path, text) : -1);
	l->cfg->path = arena_strdup(l->cfg->arena, slice_of(path));
	l->dir = arena_strdup(
	    l->cfg->arena, slice_head(slice_of(path), slice_rchr(slice_of(path), '/')));
	if (given->n > L_TOML)
		return (cfg_bad(l, 0, "is larger than %d octets", L_TOML));
	return (buf_add_slice(text, *given));
}

static struct cfg *load(const char *path, const struct slice *given,
    void (*on_fault)(void *self, const char *text), void *self)
{
	struct arena *a = arena_new(0);
	struct cfg_load *l = arena_alloc(a, sizeof(*l));
	struct buf text = BUF_INIT(L_TOML + 65536);
	struct err err = { .kind = ERR_NONE };
	struct toml *root;

	l->cfg = arena_alloc(a, sizeof(*l->cfg));
	l->cfg->arena = a;
	if (take_text(l, path, given, &text) == 0) {
		l->cfg->text_hash = map_hash(buf_slice(&text));
		if ((root = toml_parse(a, buf_slice(&text), &err)) == NULL) {
			note_syntax(l, &err);
		} else {
			cfg_read_tree(l, root);
			check_whole(l);
		}
	}
	secret_wipe(text.p, text.n); /* it may hold a password */
	buf_free(&text);
	if (l->faults_n == 0)
		return (l->cfg);
	report(l, path, on_fault, self);
	arena_free(a);
	return (NULL);
}

struct cfg *cfg_load(const char *path, void (*on_fault)(void *self, const char *text), void *self)
{
	return (load(path, NULL, on_fault, self));
}

struct cfg *cfg_load_text(const char *path, struct slice text,
    void (*on_fault)(void *self, const char *text), void *self)
{
	return (load(path, &text, on_fault, self));
}

void cfg_free(struct cfg *c)
{
	if (c != NULL)
		arena_free(c->arena); /* c itself lives in it */
}
