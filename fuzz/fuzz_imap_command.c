/* The reader of IMAP commands, before and after login, and what is read of a search. The first
 * octet chooses the limits and the size of the slices. The laws: slices give the events the whole
 * gives; each turn consumes or asks; memory stays within the limit; a search that parses is
 * answered. */
#include <stdint.h>
#include <stdlib.h>

#include "imap/relevancy.h"
#include "imap/token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void look_at(struct slice text)
{
	struct arena *a = arena_new(0);
	struct args args = { cursor_of(text), a };
	const struct view_message m = { .uid = 7, .flags = FLAG_SEEN, .size = 10, .modseq = 3 };
	enum search_fault fault;
	struct search *q = search_parse(&args, NULL, 5, &fault);

	if (q != NULL) {
		enum search_answer answer;
		unsigned char *values;

		if (q->is_fuzzy)
			relevancy_prepare(q);
		values = search_values(q);

		for (size_t i = 0; i < q->keys_n; i++)
			seqset_fix(&q->keys[i].uids, 9);
		answer = search_match_view(q, &m, values);
		if (q->keys_n == 0 || answer > ANSWER_UNKNOWN)
			abort();
		if (answer == ANSWER_YES &&
		    (relevancy_of(q, values) - 1 > 99 || !relevancy_is_known(q, values)))
			abort();
		free(values);
		search_free(q);
	}
	arena_free(a);
}

/* Everything that is told, as text. */
static void play(struct slice in, bool after, size_t piece, struct buf *told)
{
	const struct reader_limits *limits = after ? &reader_after_login : &reader_before_login;
	struct reader r;
	size_t at = 0, used;

	reader_init(&r, limits);
	while (at < in.n) {
		struct slice now = slice_head(slice_from(in, at), piece);
		enum reader_event ev = reader_take(&r, now, &used);

		if (used > now.n || (used == 0 && ev == READER_MORE) ||
		    (ev == READER_MORE && used != now.n))
			abort();
		at += used;
		if (r.text.n > limits->total + 8 || r.text.cap > 4 * limits->total + 4096)
			abort();
		if (ev == READER_MORE)
			continue;
		(void)buf_fmt(told, "%d ", (int)ev);
		if (ev == READER_COMMAND || ev == READER_MESSAGE) {
			struct slice tag, rest, name, args;

			(void)buf_add_slice(told, reader_text(&r));
			(void)slice_cut(reader_text(&r), ' ', &tag, &rest);
			(void)slice_cut(rest, ' ', &name, &args);
			if (ev == READER_COMMAND && piece == SIZE_MAX)
				look_at(args);
		} else if (ev != READER_CONTINUE)
			(void)buf_addz(told, r.fault);
		if (ev == READER_CLOSE)
			break;
		if (ev != READER_CONTINUE)
			reader_next(&r);
	}
	reader_done(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice in = { (const char *)data + 1, n - 1 };
	struct buf whole = BUF_INIT(1 << 24), cut = BUF_INIT(1 << 24);

	if (n == 0)
		return (0);
	play(in, data[0] & 1, SIZE_MAX, &whole);
	play(in, data[0] & 1, 1 + (data[0] >> 1) % 16, &cut);
	if (!slice_eq(buf_slice(&whole), buf_slice(&cut)))
		abort();
	buf_free(&whole);
	buf_free(&cut);
	return (0);
}
