/* The laws: parts lie inside their parents, in order and without overlap; the map packs and unpacks
 * to the same; with LF for CRLF the tree is the same; ENVELOPE and BODYSTRUCTURE are well-formed
 * IMAP lists. */
#include <stdint.h>
#include <stdlib.h>

#include "core/limits.h"
#include "msg/envelope.h"
#include "msg/mime.h"
#include "msg/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_ranges(const struct mime *m)
{
	must(m->n >= 1 && m->n <= L_PARTS);
	for (size_t i = 0; i < m->n; i++) {
		const struct mime_part *p = &m->parts[i], *up, *next;

		must(p->body_at == p->header_at + p->header_size);
		must((size_t)p->body_at + p->body_size <= m->whole.n);
		must(p->kind != MIME_LEAF || p->first == MIME_NONE);
		must(p->kind == MIME_LEAF || p->first == i + 1);
		must(p->depth <= L_DEPTH);
		if (p->parent == MIME_NONE) {
			must(i == 0 && p->next == MIME_NONE);
			continue;
		}
		up = &m->parts[p->parent];
		must(p->parent < i && p->depth == up->depth + 1 && p->header_at >= up->body_at);
		must(p->body_size == 0 || p->body_at + p->body_size <= up->body_at + up->body_size);
		if (p->next != MIME_NONE) {
			next = &m->parts[p->next];
			must(up->kind == MIME_MULTIPART && next->parent == p->parent);
			must(next->number == p->number + 1 &&
			    next->header_at >= p->body_at + p->body_size);
		}
	}
}

static void check_map(struct arena *a, const struct mime *m)
{
	struct buf packed = BUF_INIT(1u << 20);
	struct mime_map_part *parts;
	size_t n;

	must(mime_map_pack(m, &packed) == 0);
	must(mime_map_unpack(a, buf_slice(&packed), &parts, &n));
	must(n == m->n);
	for (size_t i = 0; i < n; i++) {
		const struct mime_part *p = &m->parts[i];

		must(parts[i].parent == p->parent && parts[i].first == p->first &&
		    parts[i].next == p->next);
		must(parts[i].header_at == p->header_at && parts[i].header_size == p->header_size);
		must(parts[i].body_at == p->body_at && parts[i].body_size == p->body_size);
		must(parts[i].kind == p->kind && parts[i].encoding == p->encoding);
	}
	packed.p[packed.n / 2] ^= 1;
	must(!mime_map_unpack(a, buf_slice(&packed), &parts, &n));
	buf_free(&packed);
}

/* A strict little reader of parenthesised lists: strings, literals, numbers, NIL, single blanks. */
static void check_list(struct slice s)
{
	size_t i = 0, open = 0;

	while (i < s.n) {
		char c = s.p[i];

		if (c == '(') {
			open++;
			i++;
			must(i < s.n && s.p[i] != ' ');
		} else if (c == ')') {
			must(open-- > 0);
			i++;
			must(i == s.n || s.p[i] == ' ' || s.p[i] == ')' || s.p[i] == '(');
		} else if (c == ' ') {
			i++;
			must(i < s.n && s.p[i] != ' ' && s.p[i] != ')');
		} else if (c == '"') {
			for (i++; must(i < s.n), s.p[i] != '"'; i++) {
				if (s.p[i] == '\\')
					i++;
				must(i < s.n && s.p[i] != '\r' && s.p[i] != '\n' &&
				    (s.p[i] & 0x80) == 0 && s.p[i] != 0);
			}
			i++;
			must(i < s.n && (s.p[i] == ' ' || s.p[i] == ')'));
		} else if (c == '{') {
			uint64_t size;
			size_t close = slice_chr(slice_from(s, i), '}');

			must(close != SIZE_MAX);
			must(slice_u64(slice_head(slice_from(s, i + 1), close - 1), s.n, &size));
			i += close + 1;
			must(slice_starts(slice_from(s, i), SLICE("\r\n")));
			i += 2;
			must(i + size < s.n && memchr(s.p + i, 0, size) == NULL);
			i += size;
			must(s.p[i] == ' ' || s.p[i] == ')');
		} else {
			size_t from = i;

			while (i < s.n && ascii_alnum(s.p[i]))
				i++;
			must(i > from &&
			    (slice_eq(slice_between(s.p + from, s.p + i), SLICE("NIL")) ||
				ascii_digit(s.p[from])));
			must(i < s.n && (s.p[i] == ' ' || s.p[i] == ')'));
		}
		must(open > 0 || i == s.n);
	}
	must(open == 0 && s.n > 0);
}

static void check_lf(struct arena *a, const struct mime *m)
{
	struct buf crlf = BUF_INIT(1u << 26);
	struct mime other;

	if (slice_chr(m->whole, '\r') != SIZE_MAX)
		return;
	for (size_t i = 0; i < m->whole.n; i++) {
		if (m->whole.p[i] == '\n')
			(void)buf_addc(&crlf, '\r');
		(void)buf_addc(&crlf, m->whole.p[i]);
	}
	mime_parse(a, buf_slice(&crlf), &other);
	if (m->whole.n < L_HDR1 / 2) { /* limits count octets */
		must(other.n == m->n);
		for (size_t i = 0; i < m->n; i++)
			must(other.parts[i].parent == m->parts[i].parent &&
			    other.parts[i].kind == m->parts[i].kind &&
			    other.parts[i].body_lines == m->parts[i].body_lines);
	}
	buf_free(&crlf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena *a = arena_new(0);
	struct buf out = BUF_INIT(1u << 28);
	struct mime m;

	mime_parse(a, (struct slice){ (const char *)data, n }, &m);
	check_ranges(&m);
	check_map(a, &m);
	check_lf(a, &m);
	must(structure_write(&out, &m, true) == 0);
	check_list(buf_slice(&out));
	buf_reset(&out);
	must(structure_write(&out, &m, false) == 0);
	check_list(buf_slice(&out));
	buf_reset(&out);
	must(envelope_write(&out, &m.parts[0].header) == 0);
	check_list(buf_slice(&out));
	for (size_t i = 0; i < m.n && i < 50; i++) {
		buf_reset(&out);
		must(text_of_part(&m, &m.parts[i], &out) == 0);
		(void)mime_filename(a, &m.parts[i]);
	}
	buf_free(&out);
	arena_free(a);
	return (0);
}
