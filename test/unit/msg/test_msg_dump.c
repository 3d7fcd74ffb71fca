/* test_msg_dump.c: shows what src/msg makes of its input, for drivers that compare it with others'
 * answers.
 *
 * test_msg_dump MODE: stdin and stdout are records "<octets>\n<bytes>"; each input record is
 * answered by one. */
#include <stdio.h>
#include <stdlib.h>

#include "core/limits.h"
#include "msg/addr_int.h"
#include "msg/date.h"
#include "msg/envelope.h"
#include "msg/html.h"
#include "msg/mutf7.h"
#include "msg/subject.h"
#include "msg/text.h"
#include "msg/write.h"

static void dump_words(struct arena *a, struct slice in, struct buf *out)
{
	(void)buf_add_slice(out, text_words(a, in));
}

static void dump_addr(struct arena *a, struct slice in, struct buf *out)
{
	struct addr_list list;

	addr_parse(a, in, &list);
	(void)buf_fmt(out, "%zu %d %d\n", list.n, list.faulty, list.cut);
	for (size_t i = 0; i < list.n; i++) {
		const struct addr *v = &list.v[i];

		(void)buf_fmt(out,
		    "%c\x1f" SLICE_FMT "\x1f" SLICE_FMT "\x1f" SLICE_FMT "\x1f" SLICE_FMT "\n",
		    "MGE"[v->kind], SLICE_ARG(v->name), SLICE_ARG(v->local), SLICE_ARG(v->domain),
		    SLICE_ARG(v->route));
	}
}

static void dump_date(struct arena *a, struct slice in, struct buf *out)
{
	int64_t t;
	int zone;

	(void)a;
	if (date_parse(in, &t, &zone))
		(void)buf_fmt(out, "%lld %d", (long long)t, zone);
}

static void dump_param(struct arena *a, struct slice in, struct buf *out)
{
	struct mime_value v;

	mime_value_parse(a, in, &v);
	(void)buf_fmt(out, SLICE_FMT "/" SLICE_FMT "\n", SLICE_ARG(v.type), SLICE_ARG(v.subtype));
	for (size_t i = 0; i < v.params_n; i++)
		(void)buf_fmt(out, SLICE_FMT "=" SLICE_FMT "\n", SLICE_ARG(v.params[i].name),
		    SLICE_ARG(v.params[i].value));
}

static void dump_tree(struct arena *a, struct slice in, struct buf *out)
{
	struct mime m;

	mime_parse(a, in, &m);
	for (size_t i = 0; i < m.n; i++) {
		const struct mime_part *p = &m.parts[i];
		struct slice name = mime_filename(a, p);

		(void)buf_fmt(out,
		    "%u\t" SLICE_FMT "/" SLICE_FMT "\t%c\t%u\t%u\t%u\t%u\t%zu\t" SLICE_FMT "\n",
		    p->depth, SLICE_ARG(p->type.type), SLICE_ARG(p->type.subtype), "LMR"[p->kind],
		    p -> header_at, p -> body_at, p -> body_size, p -> body_lines, p -> header.n,
		    SLICE_ARG(name));
	}
}

static void dump_texts(struct arena *a, struct slice in, struct buf *out)
{
	struct mime m;

	mime_parse(a, in, &m);
	for (size_t i = 0; i < m.n; i++) {
		struct buf text = BUF_INIT(L_SIZE);

		if (mime_is(&m.parts[i], "text", NULL) && m.parts[i].kind == MIME_LEAF)
			(void)text_of_part(&m, &m.parts[i], &text);
		(void)buf_fmt(out, "%zu\n", text.n);
		(void)buf_add_slice(out, buf_slice(&text));
		buf_free(&text);
	}
}

/* Every leaf without its transfer encoding, as texts has the text ones without their charset too.
 */
static void dump_decoded(struct arena *a, struct slice in, struct buf *out)
{
	struct mime m;

	mime_parse(a, in, &m);
	for (size_t i = 0; i < m.n; i++) {
		struct buf body = BUF_INIT(L_SIZE);

		if (m.parts[i].kind == MIME_LEAF)
			(void)text_decode(m.parts[i].encoding, mime_body(&m, &m.parts[i]), &body);
		(void)buf_fmt(out, "%zu\n", body.n);
		(void)buf_add_slice(out, buf_slice(&body));
		buf_free(&body);
	}
}

static void dump_fields(struct arena *a, struct slice in, struct buf *out)
{
	struct header h;

	header_parse(a, in, &h);
	for (size_t i = 0; i < h.n; i++)
		(void)buf_fmt(out, SLICE_FMT "\x1f" SLICE_FMT "\n", SLICE_ARG(h.fields[i].name),
		    SLICE_ARG(header_unfold(a, h.fields[i].body)));
}

static void dump_structure(struct arena *a, struct slice in, struct buf *out)
{
	struct mime m;

	mime_parse(a, in, &m);
	(void)structure_write(out, &m, true);
}

static void dump_body(struct arena *a, struct slice in, struct buf *out)
{
	struct mime m;

	mime_parse(a, in, &m);
	(void)structure_write(out, &m, false);
}

static void dump_envelope(struct arena *a, struct slice in, struct buf *out)
{
	struct mime m;

	mime_parse(a, in, &m);
	(void)envelope_write(out, &m.parts[0].header);
}

static void dump_check(struct arena *a, struct slice in, struct buf *out)
{
	struct header h;
	struct err err = { 0 };

	header_parse(a, in, &h);
	(void)buf_addz(out, header_check(a, &h, L_HOP, &err) == 0 ? "ok" : err.text);
}

static void dump_html(struct arena *a, struct slice in, struct buf *out)
{
	(void)a;
	(void)html_text(in, out);
}

static void dump_field(struct arena *a, struct slice in, struct buf *out)
{
	(void)a;
	(void)write_field(out, "Subject", in);
}

static void dump_unfold(struct arena *a, struct slice in, struct buf *out)
{
	(void)buf_add_slice(out, header_unfold(a, in));
}

static void dump_phrase(struct arena *a, struct slice in, struct buf *out)
{
	(void)a;
	(void)write_phrase(out, in);
}

static void dump_ids(struct arena *a, struct slice in, struct buf *out)
{
	struct cursor c = cursor_of(in);
	struct slice id;

	while (msgid_take(a, &c, &id))
		(void)buf_fmt(out, SLICE_FMT "\n", SLICE_ARG(id));
}

/* Words, quoted strings and marks, as they stand; a last line for what went wrong. */
static void dump_tokens(struct arena *a, struct slice in, struct buf *out)
{
	struct lexer x = { .s = in };

	(void)a;
	while (addr_lex(&x, false) != T_END)
		(void)buf_fmt(out, "%c" SLICE_FMT "\x1f", "-WQL.CM"[x.token],
		    SLICE_ARG(slice_between(in.p + x.from, in.p + x.to)));
	(void)buf_addz(out, x.faulty ? "faulty" : "");
}

static void dump_from_mutf7(struct arena *a, struct slice in, struct buf *out)
{
	(void)a;
	if (mutf7_to_utf8(in, out) == -1) {
		out->n = 0;
		(void)buf_addz(out, "\xff");
	}
}

static void dump_to_mutf7(struct arena *a, struct slice in, struct buf *out)
{
	(void)a;
	if (mutf7_from_utf8(in, out) == -1) {
		out->n = 0;
		(void)buf_addz(out, "\xff");
	}
}

static void dump_to_base64(struct arena *a, struct slice in, struct buf *out)
{
	(void)a;
	(void)text_encode_base64(in, out);
}

static void dump_to_qp(struct arena *a, struct slice in, struct buf *out)
{
	(void)a;
	(void)text_encode_qp(in, out);
}

static const struct {
	const char *name;
	void (*dump)(struct arena *a, struct slice in, struct buf *out);
} modes[] = {
	{ "words", dump_words },
	{ "addr", dump_addr },
	{ "date", dump_date },
	{ "param", dump_param },
	{ "tree", dump_tree },
	{ "texts", dump_texts },
	{ "decoded", dump_decoded },
	{ "fields", dump_fields },
	{ "structure", dump_structure },
	{ "body", dump_body },
	{ "envelope", dump_envelope },
	{ "check", dump_check },
	{ "html", dump_html },
	{ "field", dump_field },
	{ "unfold", dump_unfold },
	{ "phrase", dump_phrase },
	{ "ids", dump_ids },
	{ "tokens", dump_tokens },
	{ "from-mutf7", dump_from_mutf7 },
	{ "to-mutf7", dump_to_mutf7 },
	{ "to-base64", dump_to_base64 },
	{ "to-quoted-printable", dump_to_qp },
};

static int run(void (*dump)(struct arena *a, struct slice in, struct buf *out))
{
	size_t n;

	while (scanf("%zu", &n) == 1 && getchar() == '\n' && n <= 2u * L_SIZE) {
		char *p = malloc(n > 0 ? n : 1); /* exact size: an over-read is seen */
		struct buf out = BUF_INIT(256u << 20);
		struct arena *a = arena_new(0);

		if (p == NULL || fread(p, 1, n, stdin) != n)
			return (1);
		dump(a, (struct slice){ p, n }, &out);
		(void)printf("%zu\n", out.n);
		(void)fwrite(out.n > 0 ? out.p : "", 1, out.n, stdout);
		(void)fflush(stdout);
		arena_free(a);
		buf_free(&out);
		free(p);
	}
	return (0);
}

int main(int argc, char **argv)
{
	for (size_t i = 0; argc == 2 && i < sizeof(modes) / sizeof(modes[0]); i++)
		if (strcmp(argv[1], modes[i].name) == 0)
			return (run(modes[i].dump));
	(void)fprintf(stderr, "usage: test_msg_dump MODE\n");
	return (2);
}
