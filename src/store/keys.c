/* keys.c: what does a message sort and thread by? Dates in seconds, texts decoded and folded by
 * i;unicode-casemap (RFC 5255 4.2, I18NLEVEL=1), ids as hashes; read from its header lines once and
 * kept in packs. Leaves which message is asked to visit_keys.c, and orders to imap. Failures: a
 * damaged pack, which is read from the messages again. */
#include "store/keys.h"

#include <sodium.h>
#include <string.h>

#include "core/limits.h"
#include "msg/addr.h"
#include "msg/date.h"
#include "msg/fold.h"
#include "msg/header.h"
#include "msg/subject.h"
#include "msg/text.h"

/* --- what a message says --- */

static struct slice fold(struct arena *a, struct slice text, size_t most)
{
	struct buf folded = BUF_INIT(32 * most);
	struct slice ret;

	(void)fold_text(slice_head(text, most), &folded);
	ret = arena_dup(a, slice_head(buf_slice(&folded), most));
	buf_free(&folded);
	return (ret);
}

/* Kept on disk, so under no key of the process: whoever needs one hashes this again. */
static uint64_t hash_of(struct slice s)
{
	unsigned char digest[crypto_generichash_BYTES_MIN];
	uint64_t ret;

	(void)crypto_generichash(digest, sizeof(digest), (const unsigned char *)s.p, s.n, NULL, 0);
	memcpy(&ret, digest, sizeof(ret));
	return (ret == 0 ? 1 : ret);
}

/* addr-mailbox of the first address, and its name for people: RFC 5256 3 (CC FROM TO), RFC 5957. */
static void addresses(struct arena *a, const struct header *h, struct slice field,
    struct slice *mailbox, struct slice *shown)
{
	const struct field *f = header_first(h, field);
	const struct addr *first;
	struct addr_list all;

	if (f == NULL)
		return;
	/* the first of them stands in the first octets */
	addr_parse(a, slice_head(f->body, 16384), &all);
	if (all.n == 0)
		return;
	first = &all.v[0];
	/* ENVELOPE shows a group's name as addr-mailbox */
	*mailbox = fold(a, first->kind == ADDR_GROUP ? first->name : first->local, L_ISORT_TEXT);
	if (shown == NULL)
		return;
	if (first->kind == ADDR_GROUP || first->name.n > 0)
		*shown = fold(a, text_words(a, first->name), L_ISORT_TEXT);
	else
		*shown = fold(a,
		    slice_of(arena_fmt(a, SLICE_FMT "@" SLICE_FMT, SLICE_ARG(first->local),
			SLICE_ARG(first->domain))),
		    L_ISORT_TEXT);
}

/* The last references are the nearest: of too many, those are kept. */
static void references(struct arena *a, const struct header *h, struct sort_keys *k)
{
	const struct field *f = header_first(h, SLICE("References"));
	uint64_t last[L_IREFS], *refs;
	size_t n = 0, kept;
	struct cursor c;
	struct slice id;

	if (f != NULL)
		for (c = cursor_of(f->body); msgid_take(a, &c, &id); n++)
			last[n % L_IREFS] = hash_of(id);
	/* RFC 5256 3: without one that is valid, the first of In-Reply-To */
	if (n == 0 && (f = header_first(h, SLICE("In-Reply-To"))) != NULL) {
		c = cursor_of(f->body);
		if (msgid_take(a, &c, &id))
			last[n++] = hash_of(id);
	}
	kept = n < L_IREFS ? n : L_IREFS;
	refs = arena_array(a, kept + 1, sizeof(*refs));
	for (size_t i = 0; i < kept; i++)
		refs[i] = last[(n - kept + i) % L_IREFS];
	k->refs = refs;
	k->refs_n = kept;
}

void keys_read(
    struct arena *a, struct slice fields, const struct view_message *m, struct sort_keys *ret)
{
	const struct field *f;
	struct header h;
	struct cursor c;
	struct slice text;
	int64_t when;
	int zone;

	header_parse(a, fields, &h);
	*ret = (struct sort_keys){ .sent = m->internal_date };
	/* RFC 5256 2.2: the Date field, or when it came. */
	if (date_parse(header_value(a, &h, SLICE("Date")), &when, &zone))
		ret->sent = when;
	if ((f = header_first(&h, SLICE("Message-ID"))) != NULL) {
		c = cursor_of(f->body);
		if (msgid_take(a, &c, &text))
			ret->id = hash_of(text);
	}
	references(a, &h, ret);
	if ((f = header_first(&h, SLICE("Subject"))) != NULL) {
		text = subject_base(a, f->body, &ret->is_reply);
		ret->text[SORT_TEXT_SUBJECT] = text = fold(a, text, L_ISORT_TEXT);
		ret->subject = text.n == 0 ? 0 : hash_of(text);
	}
	addresses(
	    a, &h, SLICE("From"), &ret->text[SORT_TEXT_FROM], &ret->text[SORT_TEXT_DISPLAYFROM]);
	addresses(a, &h, SLICE("To"), &ret->text[SORT_TEXT_TO], &ret->text[SORT_TEXT_DISPLAYTO]);
	addresses(a, &h, SLICE("Cc"), &ret->text[SORT_TEXT_CC], NULL);
}

/* --- packs --- */

/* As kept, before the references; octets in the machine's order, because an index does not travel. */
struct number {
	uint32_t uid, size;
	int64_t received, sent;
	uint64_t id, subject;
	uint8_t is_reply, refs_n, spare[6];
};
_Static_assert(sizeof(struct number) % sizeof(uint64_t) == 0, "references are aligned");

void pack_init(struct pack *p, uint32_t uid)
{
	memset(p, 0, sizeof(*p));
	p->first = uid - uid % PACK_UIDS;
	buf_init(&p->numbers, PACK_OCTETS);
	buf_init(&p->texts, PACK_OCTETS);
}

void pack_free(struct pack *p)
{
	buf_free(&p->numbers);
	buf_free(&p->texts);
}

/* Octets of the record at ${at}, its UID; 0: there is none, or no whole one. */
static size_t number_size(const struct buf *b, size_t at, uint32_t *ret_uid)
{
	struct number n;

	if (b->n - at < sizeof(n))
		return (0);
	memcpy(&n, b->p + at, sizeof(n));
	*ret_uid = n.uid;
	if (n.refs_n > L_IREFS || (b->n - at - sizeof(n)) / sizeof(uint64_t) < n.refs_n)
		return (0);
	return (sizeof(n) + n.refs_n * sizeof(uint64_t));
}

static size_t text_size(const struct buf *b, size_t at, uint32_t *ret_uid)
{
	uint16_t lengths[SORT_TEXTS];
	size_t n = sizeof(uint32_t) + sizeof(lengths);

	if (b->n - at < n)
		return (0);
	memcpy(ret_uid, b->p + at, sizeof(*ret_uid));
	memcpy(lengths, b->p + at + sizeof(uint32_t), sizeof(lengths));
	for (unsigned i = 0; i < SORT_TEXTS; i++) {
		if (lengths[i] > L_ISORT_TEXT)
			return (0);
		n += lengths[i];
	}
	return (n <= b->n - at ? n : 0);
}

static void find_all(struct buf *b, uint32_t first, uint32_t *at,
    size_t (*size)(const struct buf *, size_t, uint32_t *))
{
	size_t from = 0, n;
	uint32_t uid;

	memset(at, 0, PACK_UIDS * sizeof(*at));
	while ((n = size(b, from, &uid)) > 0 && uid - first < PACK_UIDS) {
		at[uid - first] = (uint32_t)from + 1;
		from += n;
	}
	buf_cut(b, from);
}

void pack_index(struct pack *p)
{
	find_all(&p->numbers, p->first, p->number_at, number_size);
	find_all(&p->texts, p->first, p->text_at, text_size);
}

bool pack_find(const struct pack *p, uint32_t uid, bool wants_texts, struct view_message *ret_m,
    struct sort_keys *ret)
{
	uint32_t nth = uid - p->first;
	struct number n;
	const char *at;

	if (nth >= PACK_UIDS || p->number_at[nth] == 0 || (wants_texts && p->text_at[nth] == 0))
		return (false);
	at = p->numbers.p + p->number_at[nth] - 1;
	memcpy(&n, at, sizeof(n));
	*ret_m = (struct view_message){ .uid = uid, .size = n.size, .internal_date = n.received };
	*ret = (struct sort_keys){
		.sent = n.sent,
		.id = n.id,
		.subject = n.subject,
		.is_reply = n.is_reply,
		.refs_n = n.refs_n,
		.refs = (const uint64_t *)(const void *)(at + sizeof(n)) /* records are of eights */
	};
	if (wants_texts) {
		uint16_t lengths[SORT_TEXTS];

		at = p->texts.p + p->text_at[nth] - 1 + sizeof(uint32_t);
		memcpy(lengths, at, sizeof(lengths));
		at += sizeof(lengths);
		for (unsigned i = 0; i < SORT_TEXTS; at += lengths[i++])
			ret->text[i] = (struct slice){ at, lengths[i] };
	}
	return (true);
}

bool pack_add(struct pack *p, const struct view_message *m, const struct sort_keys *k)
{
	struct number n = { .uid = m->uid,
		.size = m->size,
		.received = m->internal_date,
		.sent = k->sent,
		.id = k->id,
		.subject = k->subject,
		.is_reply = k->is_reply,
		.refs_n = (uint8_t)k->refs_n };
	uint32_t nth = m->uid - p->first;
	size_t numbers = p->numbers.n, texts = p->texts.n;
	uint16_t lengths[SORT_TEXTS];

	if (nth >= PACK_UIDS || (p->number_at[nth] != 0 && p->text_at[nth] != 0))
		return (false);
	for (unsigned i = 0; i < SORT_TEXTS; i++)
		lengths[i] = (uint16_t)k->text[i].n;
	if (p->number_at[nth] == 0) {
		(void)buf_add(&p->numbers, &n, sizeof(n));
		(void)buf_add(&p->numbers, k->refs, k->refs_n * sizeof(*k->refs));
	}
	if (p->text_at[nth] == 0) {
		(void)buf_add(&p->texts, &m->uid, sizeof(m->uid));
		(void)buf_add(&p->texts, lengths, sizeof(lengths));
		for (unsigned i = 0; i < SORT_TEXTS; i++)
			(void)buf_add_slice(&p->texts, k->text[i]);
	}
	if (p->numbers.failed || p->texts.failed) {
		p->numbers.failed = p->texts.failed = false;
		buf_cut(&p->numbers, numbers);
		buf_cut(&p->texts, texts);
		return (false);
	}
	if (p->number_at[nth] == 0)
		p->number_at[nth] = (uint32_t)numbers + 1;
	if (p->text_at[nth] == 0)
		p->text_at[nth] = (uint32_t)texts + 1;
	return (true);
}
