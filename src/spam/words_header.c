/* words_header.c: which words of the header tell who sent this? Each under its field's name. Left out is what we stamp ourselves,
 * since it tells about our day, not about the sender, and what only this message can hold. Leaves the cutting to words.c. */
#include "core/limits.h"
#include "core/mem.h"
#include "msg/addr.h"
#include "msg/text.h"
#include "spam/words.h"

enum { FIELD_HEAD = 512, FIELDS = 200 };

enum how { HOW_SKIP, HOW_WORDS, HOW_TEXT, HOW_ADDRESS, HOW_ID, HOW_DATE, HOW_RECEIVED };

static const struct row {
	struct slice name;
	enum how how;
} rows[] = {
	{ SLICE_INIT("Return-Path"), HOW_SKIP },
	{ SLICE_INIT("Delivered-To"), HOW_SKIP },
	{ SLICE_INIT("Authentication-Results"), HOW_SKIP },
	{ SLICE_INIT("X-Original-To"), HOW_SKIP },
	{ SLICE_INIT("Content-Length"), HOW_SKIP },
	{ SLICE_INIT("DKIM-Signature"), HOW_SKIP }, /* random; its domain is in others */
	{ SLICE_INIT("ARC-Seal"), HOW_SKIP },
	{ SLICE_INIT("ARC-Message-Signature"), HOW_SKIP },
	{ SLICE_INIT("Subject"), HOW_TEXT },
	{ SLICE_INIT("Comments"), HOW_TEXT },
	{ SLICE_INIT("From"), HOW_ADDRESS },
	{ SLICE_INIT("To"), HOW_ADDRESS },
	{ SLICE_INIT("Cc"), HOW_ADDRESS },
	{ SLICE_INIT("Reply-To"), HOW_ADDRESS },
	{ SLICE_INIT("Sender"), HOW_ADDRESS },
	{ SLICE_INIT("Errors-To"), HOW_ADDRESS },
	{ SLICE_INIT("Message-ID"), HOW_ID },
	{ SLICE_INIT("In-Reply-To"), HOW_ID },
	{ SLICE_INIT("References"), HOW_ID },
	{ SLICE_INIT("Date"), HOW_DATE },
	{ SLICE_INIT("Received"), HOW_RECEIVED },
};

static enum how how_to_read(struct slice name)
{
	if (slice_istarts(name, SLICE("X-Pennypost")))
		return (HOW_SKIP);
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (slice_ieq(name, rows[i].name))
			return (rows[i].how);
	return (HOW_WORDS);
}

/* Is it our own trace field: "by <hostname>"? */
static bool is_our_trace(struct slice body, const char *hostname)
{
	struct slice own = slice_of(hostname), rest = body;
	size_t at;

	while (own.n > 0 && (at = slice_ifind(rest, own)) != SIZE_MAX) {
		if (at >= 3 && slice_ieq(slice_head(slice_from(rest, at - 3), 3), SLICE("by ")))
			return (true);
		rest = slice_from(rest, at + own.n);
	}
	return (false);
}

static void read_address(struct words *w, struct arena *a, const struct field *f)
{
	struct addr_list list;

	words_text(w, text_words(a, slice_head(f->body, FIELD_HEAD)));
	addr_parse(a, slice_head(f->body, FIELD_HEAD), &list);
	words_alone(w, SLICE("addresses:"),
	    list.n > 1        ? SLICE("many")
		: list.n == 1 ? SLICE("one")
			      : SLICE("none"));
	for (size_t i = 0; i < list.n && i < 8; i++)
		if (list.v[i].domain.n > 0)
			words_host(w, w->prefix, list.v[i].domain);
}

/* What a person reads: under the field's name, and as if the text said it. */
static void read_phrase(struct words *w, struct slice utf8)
{
	struct buf plain = BUF_INIT(utf8.n + 1);

	words_plain(w, utf8, &plain);
	words_text(w, buf_slice(&plain));
	words_section(w, SLICE(""));
	words_text(w, buf_slice(&plain));
	buf_free(&plain);
}

static void read_id(struct words *w, struct slice body)
{
	struct slice left, right;

	(void)slice_cut(slice_trim(body), '@', &left, &right);
	words_shape(w, SLICE("id-left:"), left);
	words_shape(w, SLICE("id-right:"), right);
	words_text(w, slice_head(body, 256));
}

static void read_date(struct words *w, struct slice body)
{
	struct slice rest = slice_trim(body), word;

	for (unsigned i = 0; slice_word(&rest, &word) && i < 8; i++)
		if (i == 0 || i > 4)
			words_token(w, word); /* day of the week as written, zone, comment */
	words_shape(w, SLICE("date:"), slice_trim(body));
}

static void read_field(
    struct words *w, struct arena *a, const struct field *f, enum how how, const char *hostname)
{
	char prefix[L_TOKEN];
	size_t n = f->name.n < sizeof(prefix) - 1 ? f->name.n : sizeof(prefix) - 1;

	for (size_t i = 0; i < n; i++)
		prefix[i] = ascii_lower(f->name.p[i]);
	prefix[n] = ':';
	words_section(w, (struct slice){ prefix, n + 1 });
	switch (how) {
	case HOW_SKIP: break;
	case HOW_TEXT: read_phrase(w, text_words(a, slice_head(f->body, 4 * FIELD_HEAD))); break;
	case HOW_ADDRESS: read_address(w, a, f); break;
	case HOW_ID: read_id(w, f->body); break;
	case HOW_DATE: read_date(w, f->body); break;
	case HOW_RECEIVED:
		if (!is_our_trace(f->body, hostname))
			words_text(w, slice_head(f->body, FIELD_HEAD));
		break;
	case HOW_WORDS: words_text(w, slice_head(f->body, FIELD_HEAD)); break;
	}
	w->prefix = SLICE(""); /* the name on our stack ends here */
}

void words_header(struct words *w, const struct header *h, const char *hostname)
{
	struct arena *a = arena_new(0);

	for (size_t i = 0; i < h->n && i < FIELDS; i++) {
		enum how how = how_to_read(h->fields[i].name);

		if (how != HOW_SKIP)
			read_field(w, a, &h->fields[i], how, hostname);
	}
	words_section(
	    w, SLICE("header:")); /* names in their order and spelling: which program made it */
	for (size_t i = 0; i < h->n && i < FIELDS; i++)
		if (how_to_read(h->fields[i].name) != HOW_SKIP &&
		    !(slice_ieq(h->fields[i].name, SLICE("Received")) &&
			is_our_trace(h->fields[i].body, hostname)))
			words_token(w, h->fields[i].name);
	arena_free(a);
}
