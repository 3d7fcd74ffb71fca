/* The laws: whatever records there are, a check ends once and never inside its start; it asks at most L_SPF_QUESTIONS things
 * and one for an explanation; its result is never temperror when the DNS answers; an explanation is short and
 * printable; nothing is left waiting. The input is a table, "type text" a line, that answers question after question. */
#include <stdint.h>
#include <stdlib.h>

#include "core/arena.h"
#include "core/dns.h"
#include "core/limits.h"
#include "core/loop.h"
#include "core/mem.h"
#include "dkim/spf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct {
	struct loop *loop;
	struct slice rest;
	unsigned asked, pending, ended;
} it;

struct dns_query {
	struct later *later;
	struct dns_record records[L_SPF_NAMES + 2];
	struct dns_answer answer;
	void (*on_answer)(void *self, const struct dns_answer *a);
	void *self;
};

static void tell(void *self)
{
	struct dns_query *q = self;

	q->on_answer(q->self, &q->answer);
	it.pending--;
	free(q);
}

/* One line of the input: how many records, then what they say. */
struct dns_query *dns_ask_odd(struct dns *d, struct slice name, enum dns_type type,
    void (*on_answer)(void *self, const struct dns_answer *a), void *self)
{
	struct dns_query *q = NEW(struct dns_query);
	struct slice line;

	(void)d;
	it.asked++;
	it.pending++;
	(void)slice_cut(it.rest, '\n', &line, &it.rest);
	q->answer.n = line.n > 0 ? (unsigned char)line.p[0] % COUNT_OF(q->records) : 0;
	line = slice_from(line, 1);
	for (size_t i = 0; i < q->answer.n; i++) {
		if (type == DNS_A || type == DNS_AAAA) {
			q->records[i].u.ip.is_v6 = type == DNS_AAAA;
			memcpy(q->records[i].u.ip.octets, "\xc0\0\2\1", 4);
			if (line.n > 0)
				q->records[i].u.ip.octets[3] = (unsigned char)line.p[0];
		} else if (type == DNS_MX) {
			q->records[i].u.mx.host = line;
		} else {
			q->records[i].u.text = line;
		}
	}
	q->answer.status = q->answer.n > 0 ? DNS_OK : name.n % 2 ? DNS_NO_DATA : DNS_NO_NAME;
	q->answer.records = q->records;
	q->on_answer = on_answer;
	q->self = self;
	q->later = loop_later(it.loop, tell, q);
	return (q);
}

void dns_cancel(struct dns_query *q)
{
	if (q != NULL)
		abort(); /* nothing is slow here */
}

static void on_result(void *self, const struct spf_answer *a)
{
	(void)self;
	it.ended++;
	if (a->result == SPF_TEMPERROR || a->lookups > L_SPF || a->explanation.n > L_SPF_TEXT ||
	    (a->explanation.n > 0 && a->result != SPF_FAIL) || (a->wide && a->result != SPF_PASS))
		abort();
	for (size_t i = 0; i < a->explanation.n; i++)
		if (a->explanation.p[i] < ' ' || a->explanation.p[i] > '~')
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct spf_ask ask = { .receiver = "mx.example", .explain = true };
	struct slice line;

	if (n < 1)
		return (0);
	it.loop = loop_new();
	it.rest = (struct slice){ (const char *)data + 1, n - 1 };
	it.asked = it.ended = 0;
	(void)slice_cut(it.rest, '\n', &line, &it.rest);
	(void)slice_cut(line, '@', &ask.local, &ask.domain);
	ask.helo = SLICE("helo.example");
	(void)ip_parse(data[0] & 1 ? SLICE("2001:db8::1") : SLICE("192.0.2.1"), &ask.ip);
	(void)spf_start(it.loop, NULL, &ask, on_result, NULL);
	if (it.ended != 0)
		abort();
	loop_run(it.loop);
	if (it.ended != 1 || it.pending != 0 || it.asked > L_SPF_QUESTIONS + 1)
		abort();
	loop_free(it.loop);
	return (0);
}
