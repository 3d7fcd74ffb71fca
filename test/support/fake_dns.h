/* fake_dns.h: the DNS that a test says, linked in instead of core/dns.c. Include it in one file; set fake.rows. Answers come on a
 * later turn of the loop, as the contract wants. */
#ifndef TEST_FAKE_DNS_H
#define TEST_FAKE_DNS_H

#include <stdlib.h>

#include "core/arena.h"
#include "core/dns.h"
#include "core/list.h"
#include "core/loop.h"
#include "core/mem.h"

struct fake_row {
	const char *name; /* NULL ends the table */
	enum dns_type type;
	const char *value;      /* an address, host or text; NULL: ${status} alone */
	enum dns_status status; /* DNS_OK is 0 */
};

static struct {
	struct loop *loop;
	const struct fake_row *rows;
	unsigned asked, pending;
	bool full;               /* questions cannot be put */
	bool silent;             /* no answer ever comes */
	struct slice everything; /* not empty: every question has this one text for its answer */
} fake;

struct dns_query {
	struct later *later;
	struct arena *arena;
	struct dns_record *records;
	struct dns_answer answer;
	void (*on_answer)(void *self, const struct dns_answer *a);
	void *self;
};

static inline void fake_free(struct dns_query *q)
{
	fake.pending--;
	arena_free(q->arena);
	free(q);
}

static inline void fake_tell(void *self)
{
	struct dns_query *q = self;

	q->later = NULL;
	q->on_answer(q->self, &q->answer);
	fake_free(q);
}

static inline void fake_add(struct dns_query *q, const struct fake_row *row)
{
	struct dns_record *r = &q->records[q->answer.n];

	if (row->value == NULL) {
		q->answer.status = row->status;
		q->answer.why = "server failure";
		return;
	}
	q->answer.status = DNS_OK;
	if (row->type == DNS_A || row->type == DNS_AAAA) {
		if (!ip_parse(slice_of(row->value), &r->u.ip))
			abort();
	} else if (row->type == DNS_MX) {
		r->u.mx.host = slice_of(row->value);
	} else {
		r->u.text = slice_of(row->value); /* u.name is the same place */
	}
	q->answer.n++;
}

struct dns_query *dns_ask(struct dns *d, struct slice name, enum dns_type type,
    void (*on_answer)(void *self, const struct dns_answer *a), void *self)
{
	struct dns_query *q;
	size_t n = 0;

	(void)d;
	if (fake.full)
		return (NULL);
	q = NEW(struct dns_query);
	fake.asked++;
	fake.pending++;
	q->arena = arena_new(0);
	q->on_answer = on_answer;
	q->self = self;
	q->answer.status = name.n > 0 ? DNS_NO_NAME : DNS_BAD_NAME;
	q->answer.why = "no such name";
	for (const struct fake_row *row = fake.rows; row != NULL && row->name != NULL; row++)
		n++;
	q->records = arena_array(q->arena, n + 1, sizeof(*q->records));
	q->answer.records = q->records;
	if (fake.everything.n > 0) {
		q->records[0].u.text = fake.everything;
		q->answer.n = 1;
		q->answer.status = DNS_OK;
	}
	for (size_t i = 0; i < n; i++) {
		if (!slice_ieq(slice_of(fake.rows[i].name), name))
			continue;
		if (q->answer.status == DNS_NO_NAME)
			q->answer.status = DNS_NO_DATA;
		if (fake.rows[i].type == type)
			fake_add(q, &fake.rows[i]);
	}
	q->later = fake.silent ? NULL : loop_later(fake.loop, fake_tell, q);
	return (q);
}

struct dns_query *dns_ask_odd(struct dns *d, struct slice name, enum dns_type type,
    void (*on_answer)(void *self, const struct dns_answer *a), void *self)
{
	return (dns_ask(d, name, type, on_answer, self));
}

void dns_cancel(struct dns_query *q)
{
	if (q == NULL)
		return;
	later_cancel(q->later);
	fake_free(q);
}

/* Of a group of tests. */
static inline int fake_begin(void **state)
{
	(void)state;
	fake.loop = loop_new();
	return (0);
}

static inline int fake_end(void **state)
{
	(void)state;
	loop_free(fake.loop);
	return (0);
}

#endif
