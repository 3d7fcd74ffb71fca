/* dns.c: what does the DNS say about this name? libunbound resolves, validates and caches in a thread of its own; its
 * descriptor is polled on the loop. At most L_DNS_FLIGHT questions are with it (with more, handing one over would block), the
 * rest wait here in order. Answers are collected first and told after ub_process has returned, so a callback may ask and
 * cancel as it likes. Leaves record data to dns_rr.c.
 * Failures: everything that is not a sound answer is DNS_TEMPORARY (P14), a bogus one above all, whatever data it carries. */
#include "core/dns.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unbound.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/limits.h"
#include "core/loop_int.h"
#include "core/mem.h"

enum { NAME_MAX_OCTETS = 253, LABEL_MAX = 63, CLASS_IN = 1, ESCAPED = 4 /* "\\DDD" */ };

struct dns {
	struct owned owned;
	uv_poll_t poll;
	struct loop *loop;
	struct ub_ctx *ub;
	FILE *debug; /* libunbound's own words go nowhere; ours are in the answers */
	uint64_t timeout_ms;
	struct list waiting, flight, answered;
	size_t waiting_n, flight_n;
	struct later tell;
};

enum query_state { QUERY_WAITING, QUERY_IN_FLIGHT, QUERY_ANSWERED };

struct dns_query {
	struct list node; /* on the list of its state */
	struct dns *dns;
	enum query_state state;
	enum dns_type type;
	bool odd; /* any octets in names */
	int id;
	struct timer *deadline;
	struct ub_result *result; /* owned; NULL: ${status} and ${why} say it all */
	enum dns_status status;
	const char *why;
	void (*on_answer)(void *self, const struct dns_answer *a);
	void *self;
	char name[ESCAPED * NAME_MAX_OCTETS + 1]; /* as libunbound reads it (RFC 1035 5.1) */
};

static void on_tell(void *self);

/* --- configuration --- */

/* Zones libunbound answers by itself. "localhost." stays so: it is our first question. */
static const char *const local_zones[] = {
	"test.", "invalid.", "onion.", "home.arpa.", "127.in-addr.arpa.", "10.in-addr.arpa.",
	"16.172.in-addr.arpa.", "17.172.in-addr.arpa.", "18.172.in-addr.arpa.", "19.172.in-addr.arpa.",
	"20.172.in-addr.arpa.", "21.172.in-addr.arpa.", "22.172.in-addr.arpa.", "23.172.in-addr.arpa.",
	"24.172.in-addr.arpa.", "25.172.in-addr.arpa.", "26.172.in-addr.arpa.", "27.172.in-addr.arpa.",
	"28.172.in-addr.arpa.", "29.172.in-addr.arpa.", "30.172.in-addr.arpa.", "31.172.in-addr.arpa.",
	"168.192.in-addr.arpa.", "0.in-addr.arpa.", "254.169.in-addr.arpa.", "2.0.192.in-addr.arpa.",
	"100.51.198.in-addr.arpa.", "113.0.203.in-addr.arpa.", "255.255.255.255.in-addr.arpa.",
	"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa.",
	"0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa.", "d.f.ip6.arpa.",
	"8.e.f.ip6.arpa.", "9.e.f.ip6.arpa.", "a.e.f.ip6.arpa.", "b.e.f.ip6.arpa.",
	"8.b.d.0.1.0.0.2.ip6.arpa.",
};

enum { SHARED_FIRST = 64, SHARED_LAST = 127 }; /* RFC 6598: 100.64.0.0/10 */

static int add_forwards(const struct dns_config *cfg, struct buf *out, struct err *err)
{
	(void)buf_addz(out, "forward-zone:\n name: \".\"\n");
	for (size_t i = 0; i < cfg->forward_n; i++) {
		char text[IP_TEXT];
		unsigned port;
		struct ip ip;

		if (!ip_parse_port(slice_of(cfg->forward[i]), 53, &ip, &port))
			return (err_set(err, ERR_PERMANENT, "forward DNS to %s: not an address with port",
			    cfg->forward[i]));
		(void)buf_fmt(out, " forward-addr: %s@%u\n", ip_text(&ip, text), port);
	}
	return (0);
}

static int write_config(const struct dns_config *cfg, struct buf *out, struct err *err)
{
	bool validates = cfg->trust_anchor == NULL || strcmp(cfg->trust_anchor, "none") != 0;

	(void)buf_fmt(out, "server:\n module-config: \"%s\"\n", validates ? "validator iterator" : "iterator");
	(void)buf_addz(out,
	    " use-syslog: no\n verbosity: 0\n outgoing-range: 512\n outgoing-num-tcp: 64\n"
	    " num-queries-per-thread: 4096\n msg-cache-size: 4m\n rrset-cache-size: 8m\n"
	    " key-cache-size: 2m\n edns-buffer-size: 1232\n qname-minimisation: yes\n"
	    " harden-below-nxdomain: yes\n harden-dnssec-stripped: yes\n aggressive-nsec: yes\n"
	    " cache-max-ttl: 86400\n cache-max-negative-ttl: 900\n prefetch: yes\n"
	    " infra-host-ttl: 60\n outbound-msg-retry: 2\n");
	if (cfg->forward_n == 0) {
		if (access("/usr/share/dns/root.hints", R_OK) == 0)
			(void)buf_addz(out, " root-hints: \"/usr/share/dns/root.hints\"\n");
		return (0);
	}
	(void)buf_addz(out, " do-not-query-localhost: no\n");
	for (size_t i = 0; i < COUNT_OF(local_zones); i++)
		(void)buf_fmt(out, " local-zone: \"%s\" nodefault\n", local_zones[i]);
	for (unsigned i = SHARED_FIRST; i <= SHARED_LAST; i++)
		(void)buf_fmt(out, " local-zone: \"%u.100.in-addr.arpa.\" nodefault\n", i);
	return (add_forwards(cfg, out, err));
}

static int apply_config(struct dns *d, const struct dns_config *cfg, struct err *err)
{
	struct buf text = BUF_INIT(65536), path = BUF_INIT(4096);
	int fd = -1, failed = -1, code;

	if (write_config(cfg, &text, err) != 0)
		goto out;
	(void)buf_fmt(&path, "%s/resolver.conf", cfg->run_dir);
	fd = open(buf_z(&path), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd == -1 || text.failed || write(fd, text.p, text.n) != (ssize_t)text.n) {
		(void)err_errno(err, "write %s", buf_z(&path));
		goto out;
	}
	if ((code = ub_ctx_config(d->ub, buf_z(&path))) != 0) {
		(void)err_set(err, ERR_PERMANENT, "configure the resolver: %s", ub_strerror(code));
		goto out;
	}
	failed = 0;
out:
	if (fd != -1)
		(void)close(fd);
	buf_free(&text);
	buf_free(&path);
	return (failed);
}

static int add_anchor(struct dns *d, const char *anchor, struct err *err)
{
	const char *path = anchor != NULL ? anchor : "/usr/share/dns/root.key";
	int code;

	if (anchor != NULL && strcmp(anchor, "none") == 0)
		return (0);
	if (access(path, R_OK) != 0)
		return (err_errno(err, "read trust anchor %s", path));
	if ((code = ub_ctx_add_ta_file(d->ub, path)) != 0)
		return (err_set(err, ERR_PERMANENT, "trust anchor %s: %s", path, ub_strerror(code)));
	return (0);
}

static void on_first(void *self, int code, struct ub_result *result)
{
	*(int *)self = code;
	ub_resolve_free(result);
}

/* The first question closes the configuration, reads what it names and starts the thread: now, while the sandbox is open. */
static int ask_first(struct dns *d, struct err *err)
{
	int answer = -1000, id, code;

	code = ub_resolve_async(d->ub, "localhost.", DNS_A, CLASS_IN, &answer, on_first, &id);
	if (code == 0)
		code = ub_wait(d->ub);
	if (code == 0)
		code = answer;
	if (code != 0)
		return (err_set(err, ERR_PERMANENT, "start the resolver: %s", ub_strerror(code)));
	return (0);
}

static void on_poll_closed(uv_handle_t *h)
{
	free(h->data);
}

static void on_readable(uv_poll_t *h, int status, int events);

static void free_context(struct dns *d)
{
	ub_ctx_delete(d->ub);
	if (d->debug != NULL)
		(void)fclose(d->debug);
}

struct dns *dns_new(struct loop *l, const struct dns_config *cfg, struct err *err)
{
	struct dns *d = NEW(struct dns);

	d->owned.on_close = on_poll_closed;
	d->loop = l;
	d->timeout_ms = cfg->timeout_ms > 0 ? cfg->timeout_ms : (uint64_t)L_DNS_SECONDS * 1000;
	list_init(&d->waiting);
	list_init(&d->flight);
	list_init(&d->answered);
	d->tell = (struct later){ .on_turn = on_tell, .self = d };
	if ((d->ub = ub_ctx_create()) == NULL) {
		free(d);
		(void)err_set(err, ERR_TEMPORARY, "start the resolver: out of memory");
		return (NULL);
	}
	if ((d->debug = fopen("/dev/null", "we")) != NULL)
		(void)ub_ctx_debugout(d->ub, d->debug);
	(void)ub_ctx_async(d->ub, 1); /* a thread; 0 would fork */
	if (apply_config(d, cfg, err) != 0 || add_anchor(d, cfg->trust_anchor, err) != 0 ||
	    ask_first(d, err) != 0) {
		free_context(d);
		free(d);
		return (NULL);
	}
	(void)uv_poll_init(&l->uv, &d->poll, ub_fd(d->ub));
	d->poll.data = d;
	(void)uv_poll_start(&d->poll, UV_READABLE, on_readable);
	uv_unref((uv_handle_t *)&d->poll); /* a question's deadline keeps the loop; the resolver alone does not */
	return (d);
}

/* --- answers --- */

static int mx_order(const void *a, const void *b)
{
	const struct dns_record *x = a, *y = b;

	return (x->u.mx.preference < y->u.mx.preference ? -1 : x->u.mx.preference > y->u.mx.preference);
}

/* Records that cannot be read: for a reverse name that is as if there were none, for all else nobody knows. */
static void decode(struct arena *arena, const struct dns_query *q, struct dns_answer *a)
{
	const struct ub_result *r = q->result;
	enum dns_type type = q->type;
	struct dns_record *records;
	size_t total = 0, n = 0;

	while (r->data[total] != NULL && total <= L_DNS_RECORDS)
		total++;
	if (total > L_DNS_RECORDS) {
		a->why = "too many records";
		return;
	}
	records = arena_array(arena, total + 1, sizeof(*records));
	for (size_t i = 0; i < total; i++) {
		struct slice rdata = { r->data[i], r->len[i] > 0 ? (size_t)r->len[i] : 0 };

		if (type == DNS_MX && q->odd ? dns_rr_decode_odd_mx(arena, rdata, &records[n])
					     : dns_rr_decode(arena, type, rdata, &records[n]))
			n++;
		else if (type != DNS_PTR && type != DNS_MX && type != DNS_CNAME) {
			a->why = "malformed record";
			return;
		}
	}
	if (n == 0) {
		a->status = type == DNS_PTR ? DNS_NO_DATA : DNS_TEMPORARY;
		a->why = "no readable record";
		return;
	}
	if (type == DNS_MX)
		qsort(records, n, sizeof(*records), mx_order);
	a->status = DNS_OK;
	a->records = records;
	a->n = n;
	a->why = NULL;
}

static void read_result(struct arena *arena, const struct dns_query *q, struct dns_answer *a)
{
	const struct ub_result *r = q->result;

	a->status = DNS_TEMPORARY;
	/* Before anything else: a bogus answer carries the forger's data and a good rcode. */
	if (r->bogus) {
		a->why = r->why_bogus != NULL ? r->why_bogus : "bogus";
		return;
	}
	if (r->nxdomain || r->rcode == 3) {
		a->status = DNS_NO_NAME;
		a->why = "no such name";
	} else if (r->rcode != 0) {
		a->why = r->rcode == 2 ? "server failure" : r->rcode == 5 ? "refused" : "server error";
		return;
	} else if (!r->havedata) {
		a->status = DNS_NO_DATA;
		a->why = "no record of this type";
	} else {
		decode(arena, q, a);
	}
	a->secure = r->secure != 0;
}

static void tell(struct dns_query *q)
{
	struct dns_answer a = { .status = q->status, .why = q->why };
	struct arena *arena = arena_new(0);

	list_drop(&q->node);
	timer_cancel(q->deadline);
	if (q->result != NULL)
		read_result(arena, q, &a);
	q->on_answer(q->self, &a);
	arena_free(arena);
	ub_resolve_free(q->result);
	free(q);
}

static void on_tell(void *self)
{
	struct dns *d = self;
	struct list batch;

	/* What a callback makes ready comes on another turn. Cancelling may empty the batch under our hands. */
	list_init(&batch);
	if (!list_empty(&d->answered)) {
		list_add_before(&d->answered, &batch);
		list_drop(&d->answered);
	}
	while (!list_empty(&batch))
		tell(LIST_OWNER(batch.next, struct dns_query, node));
}

static void have_answer(struct dns_query *q, enum dns_status status, const char *why)
{
	struct dns *d = q->dns;

	list_drop(&q->node);
	if (q->state == QUERY_WAITING)
		d->waiting_n--;
	if (q->state == QUERY_IN_FLIGHT)
		d->flight_n--;
	q->state = QUERY_ANSWERED;
	q->status = status;
	q->why = why;
	list_push(&d->answered, &q->node);
	loop_put(d->loop, &d->tell);
}

static void on_ub_answer(void *self, int code, struct ub_result *result)
{
	struct dns_query *q = self;

	if (code != 0) {
		ub_resolve_free(result);
		have_answer(q, DNS_TEMPORARY, ub_strerror(code));
		return;
	}
	q->result = result;
	have_answer(q, DNS_TEMPORARY, NULL);
}

static void pump(struct dns *d)
{
	while (d->flight_n < L_DNS_FLIGHT && !list_empty(&d->waiting)) {
		struct dns_query *q = LIST_OWNER(d->waiting.next, struct dns_query, node);
		int code = ub_resolve_async(d->ub, q->name, (int)q->type, CLASS_IN, q, on_ub_answer, &q->id);

		if (code != 0) {
			have_answer(q, DNS_TEMPORARY, ub_strerror(code));
			continue;
		}
		list_drop(&q->node);
		d->waiting_n--;
		q->state = QUERY_IN_FLIGHT;
		d->flight_n++;
		list_push(&d->flight, &q->node);
	}
}

static void on_readable(uv_poll_t *h, int status, int events)
{
	struct dns *d = h->data;

	(void)status;
	(void)events;
	(void)ub_process(d->ub);
	pump(d);
}

/* --- asking --- */

static bool is_plain(char c)
{
	return (ascii_alnum(c) || c == '-' || c == '_');
}

/* DNS-12: what cannot be a host or service name is never sent. */
static bool name_is_good(struct slice name, bool odd)
{
	struct slice label, rest = name;
	bool more = true;

	if (name.n == 0 || name.n > NAME_MAX_OCTETS)
		return (false);
	while (more) {
		more = slice_cut(rest, '.', &label, &rest);
		if (label.n == 0 || label.n > LABEL_MAX)
			return (false);
		for (size_t i = 0; i < label.n; i++)
			if (!is_plain(label.p[i]) &&
			    (!odd || label.p[i] < ' ' || label.p[i] == 127 || label.p[i] == '\\'))
				return (false);
	}
	return (true);
}

static void write_name(struct slice name, char *ret)
{
	for (size_t i = 0; i < name.n; i++) {
		unsigned char c = (unsigned char)name.p[i];

		if (is_plain(name.p[i]) || c == '.') {
			*ret++ = name.p[i];
			continue;
		}
		*ret++ = '\\';
		*ret++ = (char)('0' + c / 100);
		*ret++ = (char)('0' + c / 10 % 10);
		*ret++ = (char)('0' + c % 10);
	}
	*ret = '\0';
}

static void on_deadline(void *self)
{
	struct dns_query *q = self;
	struct dns *d = q->dns;

	q->deadline = NULL;
	if (q->state == QUERY_ANSWERED)
		return; /* it is on its way */
	if (q->state == QUERY_IN_FLIGHT)
		(void)ub_cancel(d->ub, q->id);
	have_answer(q, DNS_TEMPORARY, "timeout");
	pump(d);
}

static struct dns_query *ask(struct dns *d, struct slice name, enum dns_type type, bool odd,
    void (*on_answer)(void *self, const struct dns_answer *a), void *self)
{
	struct dns_query *q;

	loop_assert(d->loop);
	if (d->waiting_n >= L_DNS_WAIT)
		return (NULL);
	q = NEW(struct dns_query);
	q->dns = d;
	q->type = type;
	q->odd = odd;
	q->on_answer = on_answer;
	q->self = self;
	q->state = QUERY_WAITING;
	list_push(&d->waiting, &q->node);
	d->waiting_n++;
	if (slice_ends(name, SLICE(".")))
		name.n--;
	if (!name_is_good(name, odd)) {
		have_answer(q, DNS_BAD_NAME, "not a name that can be asked");
		return (q);
	}
	write_name(name, q->name);
	q->deadline = timer_start(d->loop, d->timeout_ms, on_deadline, q);
	pump(d);
	return (q);
}

struct dns_query *dns_ask(struct dns *d, struct slice name, enum dns_type type,
    void (*on_answer)(void *self, const struct dns_answer *a), void *self)
{
	return (ask(d, name, type, false, on_answer, self));
}

struct dns_query *dns_ask_odd(struct dns *d, struct slice name, enum dns_type type,
    void (*on_answer)(void *self, const struct dns_answer *a), void *self)
{
	return (ask(d, name, type, true, on_answer, self));
}

void dns_cancel(struct dns_query *q)
{
	struct dns *d;

	if (q == NULL)
		return;
	d = q->dns;
	if (q->state == QUERY_IN_FLIGHT) {
		(void)ub_cancel(d->ub, q->id);
		d->flight_n--;
	}
	if (q->state == QUERY_WAITING)
		d->waiting_n--;
	list_drop(&q->node);
	timer_cancel(q->deadline);
	ub_resolve_free(q->result);
	free(q);
	/* A place in flight that came free is taken at the next answer, deadline or question. */
	pump(d);
}

static void drop_all(struct list *head)
{
	while (!list_empty(head))
		dns_cancel(LIST_OWNER(head->next, struct dns_query, node));
}

void dns_free(struct dns *d)
{
	if (d == NULL)
		return;
	drop_all(&d->waiting); /* first: what is cancelled in flight makes room for these */
	drop_all(&d->flight);
	drop_all(&d->answered);
	loop_drop(&d->tell);
	(void)uv_poll_stop(&d->poll);
	uv_close((uv_handle_t *)&d->poll, on_poll_closed);
	free_context(d);
}
