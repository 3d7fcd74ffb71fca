/* listen.c: who may connect, and how many at once? All listeners share one set of caps, counted per source (ip_source), so
 * neither a second port nor the rest of a /64 is a way round. Whoever is over a cap is told so in clear and let go. When all
 * seats are taken, the stranger who has been silent longest gives his up. Leaves what is said to sessions.
 * Failures of binding: from errno, naming the address. Running out of descriptors cannot happen: the seats end before. */
#include "core/listen.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/conn_int.h"
#include "core/map.h"
#include "core/mem.h"

enum {
	BACKLOG = 1024,
	RESERVED_FILES = 64,	/* descriptors that connections never take */
	REFUSED_MAX = 64,	/* over-limit peers that are just being told so */
	SHED_SPARE = 32,	/* seats over the cap while shed connections close */
	SHED_SILENT_MS = 1000,	/* nobody who spoke within is shed */
	SOURCES_IDLE = 16384,	/* sources without connections that are remembered for their rate */
	RATE_MS = 60000,
	ACCEPTS = 16,		/* of a listener in one turn: a flood leaves time for others */
};

struct source {
	struct list node; /* on ${idle} while it has no connection */
	struct ip ip;
	unsigned conns, guests, rate;
	uint64_t rate_since;
};

struct seat { /* one counted connection */
	struct list node; /* on ${guests}, the longest silent first; trusted ones on no list */
	struct listeners *all; /* NULL once they are freed */
	struct source *source;
	struct conn *conn;
	uint64_t active_at;
	bool is_trusted;
	struct list every; /* on ${seats} */
};

struct refused {
	struct list node;
	struct listeners *all;
};

struct listener {
	struct owned owned;
	union {
		uv_stream_t stream;
		uv_tcp_t tcp;
		uv_pipe_t pipe;
	} h;
	struct listeners *all;
	struct listener *next;
	void (*on_conn)(void *self, struct conn *c);
	void *self;
	char *refusal, *path;
	unsigned port, accepts; /* accepts: in this turn */
	bool is_unix, is_open;
	bool is_owed; /* a connection waits for its uv_accept; until then libuv asks for no other */
};

struct listeners {
	struct loop *loop;
	struct listen_caps caps;
	uint64_t most; /* ${caps.conn} or what the descriptors allow */
	struct listener *first, **last;
	struct map *sources;
	struct list idle, guests, seats, refusals;
	size_t idle_n;
	unsigned count, refused;
	struct later turn; /* while anything was accepted in this one */
};

/* --- sources --- */

static struct slice key_of(const struct ip *ip)
{
	return ((struct slice){ (const char *)ip->octets, ip->is_v6 ? 16 : 4 });
}

static void forget_source(struct listeners *ls, struct source *s)
{
	list_drop(&s->node);
	ls->idle_n--;
	(void)map_drop(ls->sources, key_of(&s->ip));
	free(s);
}

static void forget_old_sources(struct listeners *ls, uint64_t now)
{
	while (!list_empty(&ls->idle)) {
		struct source *s = LIST_OWNER(ls->idle.next, struct source, node);

		if (ls->idle_n <= SOURCES_IDLE && now - s->rate_since < RATE_MS)
			return;
		forget_source(ls, s);
	}
}

static struct source *source_of(struct listeners *ls, const struct ip *peer, uint64_t now)
{
	struct ip ip = ip_source(peer);
	struct source *s;

	forget_old_sources(ls, now);
	if ((s = map_get(ls->sources, key_of(&ip))) == NULL) {
		s = NEW(struct source);
		s->ip = ip;
		s->rate_since = now;
		list_push(&ls->idle, &s->node);
		ls->idle_n++;
		(void)map_put(ls->sources, key_of(&s->ip), s);
	}
	if (now - s->rate_since >= RATE_MS) {
		s->rate_since = now;
		s->rate = 0;
	}
	return (s);
}

/* --- seats --- */

static void on_seat_active(void *self)
{
	struct seat *seat = self;

	seat->active_at = clock_ms();
	if (seat->all == NULL || seat->is_trusted)
		return;
	list_drop(&seat->node);
	list_push(&seat->all->guests, &seat->node);
}

static void on_seat_trusted(void *self)
{
	struct seat *seat = self;

	if (seat->is_trusted)
		return;
	seat->is_trusted = true;
	list_drop(&seat->node);
	if (seat->all != NULL)
		seat->source->guests--;
}

static void on_seat_gone(void *self)
{
	struct seat *seat = self;
	struct listeners *ls = seat->all;
	struct source *s = seat->source;

	list_drop(&seat->node);
	list_drop(&seat->every);
	if (ls != NULL) {
		ls->count--;
		s->conns--;
		s->guests -= seat->is_trusted ? 0 : 1;
		if (s->conns == 0) {
			list_push(&ls->idle, &s->node);
			ls->idle_n++;
		}
	}
	free(seat);
}

static void take_seat(struct listeners *ls, struct source *s, struct conn *c, uint64_t now)
{
	struct seat *seat = NEW(struct seat);

	seat->all = ls;
	seat->source = s;
	seat->conn = c;
	seat->active_at = now;
	if (s->conns == 0) {
		list_drop(&s->node);
		ls->idle_n--;
	}
	s->conns++;
	s->guests++;
	ls->count++;
	list_push(&ls->guests, &seat->node);
	list_push(&ls->seats, &seat->every);
	c->watch = (struct conn_watch){ on_seat_active, on_seat_trusted, on_seat_gone, seat };
}

static bool shed_one(struct listeners *ls, uint64_t now)
{
	struct seat *seat;

	if (ls->count >= ls->most + SHED_SPARE || list_empty(&ls->guests))
		return (false);
	seat = LIST_OWNER(ls->guests.next, struct seat, node);
	if (now - seat->active_at < SHED_SILENT_MS)
		return (false);
	list_drop(&seat->node); /* not twice */
	conn_abort(seat->conn, "shed: all connections are in use");
	return (true);
}

/* --- accepting --- */

static void on_refused_gone(void *self)
{
	struct refused *r = self;

	list_drop(&r->node);
	if (r->all != NULL)
		r->all->refused--;
	free(r);
}

static void refuse(struct listener *l, struct conn *c)
{
	struct listeners *ls = l->all;
	struct refused *r;

	if (l->refusal == NULL || ls->refused >= REFUSED_MAX) {
		conn_abort(c, "over limit");
		return;
	}
	r = NEW(struct refused);
	r->all = ls;
	ls->refused++;
	list_push(&ls->refusals, &r->node);
	c->watch = (struct conn_watch){ .on_gone = on_refused_gone, .self = r };
	conn_sendz(c, l->refusal);
	conn_close(c, "over limit");
}

static bool admit(struct listeners *ls, struct conn *c)
{
	uint64_t now = clock_ms();
	struct source *s = source_of(ls, &c->peer, now);

	/* Refused ones count too, else a flood of them would never be over its rate. */
	if (s->rate < UINT32_MAX)
		s->rate++;
	if (s->rate > ls->caps.conn_rate || s->conns >= ls->caps.conn_per_source ||
	    s->guests >= ls->caps.conn_guests)
		return (false);
	if (ls->count >= ls->most && !shed_one(ls, now))
		return (false);
	take_seat(ls, s, c, now);
	return (true);
}

static void take_one(struct listener *l)
{
	struct conn *c = conn_new(l->all->loop, l->is_unix);

	l->accepts++;
	loop_put(l->all->loop, &l->all->turn);
	if (uv_accept(&l->h.stream, &c->h.stream) != 0) {
		conn_abort(c, "accept failed");
		return;
	}
	conn_connected(c);
	if (!l->is_unix && !admit(l->all, c)) {
		refuse(l, c);
		return;
	}
	l->on_conn(l->self, c);
}

static void on_connection(uv_stream_t *h, int status)
{
	struct listener *l = h->data;

	if (status < 0)
		return; /* the peer left the backlog, or no descriptor: libuv has dealt with it */
	/* libuv would accept for as long as somebody knocks, and hear nobody else. */
	if (l->accepts >= ACCEPTS)
		l->is_owed = true;
	else
		take_one(l);
}

static void on_turn(void *self)
{
	struct listeners *ls = self;

	for (struct listener *l = ls->first; l != NULL; l = l->next) {
		l->accepts = 0;
		if (!l->is_owed)
			continue;
		l->is_owed = false;
		take_one(l);
	}
}

/* --- binding --- */

static void on_listener_closed(uv_handle_t *h)
{
	struct listener *l = h->data;

	free(l->refusal);
	free(l->path);
	free(l);
}

static struct listener *add(struct listeners *ls, void (*on_conn)(void *self, struct conn *c), void *self,
    const char *refusal)
{
	struct listener *l = NEW(struct listener);

	l->owned.on_close = on_listener_closed;
	l->all = ls;
	l->on_conn = on_conn;
	l->self = self;
	l->refusal = refusal != NULL ? mem_strdup(refusal) : NULL;
	*ls->last = l;
	ls->last = &l->next;
	return (l);
}

struct listeners *listeners_new(struct loop *l, const struct listen_caps *caps)
{
	struct listeners *ls = NEW(struct listeners);

	ls->loop = l;
	ls->last = &ls->first;
	ls->turn = (struct later){ .on_turn = on_turn, .self = ls };
	ls->sources = map_new();
	list_init(&ls->idle);
	list_init(&ls->guests);
	list_init(&ls->seats);
	list_init(&ls->refusals);
	listeners_set_caps(ls, caps);
	return (ls);
}

void listeners_set_caps(struct listeners *ls, const struct listen_caps *caps)
{
	struct rlimit files;

	ls->caps = *caps;
	ls->most = caps->conn;
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur != RLIM_INFINITY) {
		uint64_t kept = RESERVED_FILES + SHED_SPARE + REFUSED_MAX;
		uint64_t can = files.rlim_cur > 2 * kept ? files.rlim_cur - kept : files.rlim_cur / 4;

		if (ls->most > can)
			ls->most = can;
	}
}

static unsigned bound_port(int fd)
{
	struct sockaddr_storage ss;
	socklen_t n = sizeof(ss);

	if (getsockname(fd, (struct sockaddr *)&ss, &n) != 0)
		return (0);
	return (ntohs(ss.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)(void *)&ss)->sin6_port :
						 ((struct sockaddr_in *)(void *)&ss)->sin_port));
}

/* Own calls, not libuv's, which keeps EADDRINUSE back until it listens. The kernel completes connections from here on;
 * we accept none before listeners_start. */
static int bind_tcp(const struct ip *ip, unsigned port)
{
	struct sockaddr_storage ss;
	socklen_t n = ip_to_sockaddr(ip, port, &ss);
	int on = 1, number;
	int fd = socket(ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd == -1)
		return (-1);
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
	    (!ip->is_v6 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) == 0) &&
	    bind(fd, (struct sockaddr *)&ss, n) == 0 && listen(fd, BACKLOG) == 0)
		return (fd);
	number = errno;
	(void)close(fd);
	errno = number;
	return (-1);
}

static int add_tcp(struct listeners *ls, const struct ip *ip, unsigned port,
    void (*on_conn)(void *self, struct conn *c), void *self, const char *refusal, struct err *err)
{
	struct listener *l;
	char text[IP_TEXT];
	int fd = bind_tcp(ip, port);

	if (fd == -1)
		return (err_errno(err, ip->is_v6 ? "listen on [%s]:%u" : "listen on %s:%u",
		    ip_text(ip, text), port));
	l = add(ls, on_conn, self, refusal);
	(void)uv_tcp_init(&ls->loop->uv, &l->h.tcp);
	l->h.stream.data = l;
	l->is_open = true;
	l->port = bound_port(fd);
	if (uv_tcp_open(&l->h.tcp, fd) != 0)
		abort(); /* a listening socket of our own making */
	return (0);
}

int listen_bind(struct listeners *ls, bool any, const struct ip *address, unsigned port,
    void (*on_conn)(void *self, struct conn *c), void *self, const char *refusal, struct err *err)
{
	struct ip v4 = { .is_v6 = false }, v6 = { .is_v6 = true };

	if (!any)
		return (add_tcp(ls, address, port, on_conn, self, refusal, err));
	if (add_tcp(ls, &v4, port, on_conn, self, refusal, err) != 0)
		return (-1);
	/* A host without IPv6 at all is no fault; a port taken there is. */
	if (add_tcp(ls, &v6, port, on_conn, self, refusal, err) != 0 && errno != EAFNOSUPPORT &&
	    errno != EADDRNOTAVAIL)
		return (-1);
	return (0);
}

/* A socket file whose server is gone refuses; one that is alive accepts. */
static int make_way(const struct sockaddr_un *sun, struct err *err)
{
	struct stat st;
	int fd, failed, number;

	if (lstat(sun->sun_path, &st) != 0)
		return (errno == ENOENT ? 0 : err_errno(err, "look at %s", sun->sun_path));
	if (!S_ISSOCK(st.st_mode))
		return (err_set(err, ERR_EXISTS, "listen on %s: there is a file of that name",
		    sun->sun_path));
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) == -1)
		return (err_errno(err, "make a socket"));
	failed = connect(fd, (const struct sockaddr *)sun, sizeof(*sun));
	number = errno;
	(void)close(fd);
	if (failed == 0 || number != ECONNREFUSED)
		return (err_set(err, ERR_EXISTS, "listen on %s: another server answers there",
		    sun->sun_path));
	if (unlink(sun->sun_path) != 0)
		return (err_errno(err, "remove dead socket %s", sun->sun_path));
	return (0);
}

int listen_unix(struct listeners *ls, const char *path, void (*on_conn)(void *self, struct conn *c), void *self,
    struct err *err)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct listener *l;
	mode_t mask;
	int fd, bound;

	if (strlen(path) >= sizeof(sun.sun_path))
		return (err_set(err, ERR_PERMANENT, "listen on %s: path too long", path));
	memcpy(sun.sun_path, path, strlen(path) + 1);
	if (make_way(&sun, err) != 0)
		return (-1);
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) == -1)
		return (err_errno(err, "make a socket"));
	mask = umask(0177); /* 0600 from its first moment; start-up has one thread */
	bound = bind(fd, (struct sockaddr *)&sun, sizeof(sun));
	(void)umask(mask);
	if (bound != 0 || listen(fd, BACKLOG) != 0) {
		(void)err_errno(err, "listen on %s", path);
		(void)close(fd);
		return (-1);
	}
	l = add(ls, on_conn, self, NULL);
	l->is_unix = true;
	l->path = mem_strdup(path);
	(void)uv_pipe_init(&ls->loop->uv, &l->h.pipe, 0);
	l->h.stream.data = l;
	l->is_open = true;
	if (uv_pipe_open(&l->h.pipe, fd) != 0)
		abort();
	return (0);
}

void listeners_start(struct listeners *ls)
{
	for (struct listener *l = ls->first; l != NULL; l = l->next)
		if (l->is_open && uv_listen(&l->h.stream, BACKLOG, on_connection) != 0)
			abort(); /* it listens already; libuv only begins to look */
}

void listeners_stop(struct listeners *ls)
{
	struct listener *l = ls->first, *next;

	for (; l != NULL; l = next) {
		next = l->next;
		if (l->path != NULL)
			(void)unlink(l->path);
		uv_close((uv_handle_t *)&l->h.stream, on_listener_closed);
	}
	ls->first = NULL;
	ls->last = &ls->first;
}

void listeners_free(struct listeners *ls)
{
	size_t at = 0;
	struct slice key;
	void *value;

	if (ls == NULL)
		return;
	listeners_stop(ls);
	loop_drop(&ls->turn);
	LIST_EACH(&ls->seats, node) {
		struct seat *seat = LIST_OWNER(node, struct seat, every);

		list_drop(&seat->node);
		list_drop(&seat->every);
		seat->all = NULL;
	}
	LIST_EACH(&ls->refusals, node) {
		LIST_OWNER(node, struct refused, node)->all = NULL;
		list_drop(node);
	}
	while (map_next(ls->sources, &at, &key, &value))
		free(value);
	map_free(ls->sources);
	free(ls);
}

unsigned listeners_count(const struct listeners *ls)
{
	return (ls->count);
}

unsigned listeners_port(const struct listeners *ls, size_t index)
{
	const struct listener *l = ls->first;

	for (; l != NULL && index > 0; index--)
		l = l->next;
	return (l != NULL ? l->port : 0);
}
