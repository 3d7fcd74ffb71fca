/* mime_map.c: how is a part tree kept in a few octets a part, and a section found in it again?
 *
 * "\1", then as variable-length numbers: parts, octets of the whole, and for each part its distance
 * to its parent, kind and encoding, header's distance from the parent's body, header size, body
 * size; then four octets FNV-1a over all that. What comes back is checked like a stranger's: a
 * damaged index costs a second parse, never a read outside the message. */
#include "msg/mime.h"

#include "core/limits.h"

enum { MAP_VERSION = 1 };

static void put_number(struct buf *out, uint64_t v)
{
	while (v >= 128) {
		(void)buf_addc(out, (char)(v % 128 + 128));
		v /= 128;
	}
	(void)buf_addc(out, (char)v);
}

static bool take_number(struct slice *s, unsigned *ret)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 35; shift += 7) {
		unsigned char c;

		if (s->n == 0)
			return (false);
		c = (unsigned char)s->p[0];
		*s = slice_from(*s, 1);
		v |= (uint64_t)(c & 127) << shift;
		if (c < 128) {
			if (v >= MIME_NONE)
				return (false);
			*ret = (unsigned)v;
			return (true);
		}
	}
	return (false);
}

static uint32_t checksum(struct slice s)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (unsigned char)s.p[i]) * 16777619u;
	return (h);
}

int mime_map_pack(const struct mime *m, struct buf *out)
{
	size_t from = out->n;
	uint32_t sum;

	(void)buf_addc(out, MAP_VERSION);
	put_number(out, m->n);
	put_number(out, m->whole.n);
	for (size_t i = 0; i < m->n; i++) {
		const struct mime_part *p = &m->parts[i];
		size_t base = p->parent == MIME_NONE ? 0 : m->parts[p->parent].body_at;

		put_number(out, p->parent == MIME_NONE ? 0 : i - p->parent);
		(void)buf_addc(out, (char)((unsigned)p->kind * 16 + (unsigned)p->encoding));
		put_number(out, p->header_at - base);
		put_number(out, p->header_size);
		put_number(out, p->body_size);
	}
	if (out->failed)
		return (-1);
	sum = checksum(slice_from(buf_slice(out), from));
	for (unsigned shift = 0; shift < 32; shift += 8)
		(void)buf_addc(out, (char)(sum >> shift & 255));
	return (out->failed ? -1 : 0);
}

static bool part_unpack(
    struct slice *s, struct mime_map_part *parts, unsigned *last, size_t i, unsigned whole)
{
	struct mime_map_part *p = &parts[i], *up;
	unsigned back, code, at;
	uint64_t base, end;

	if (!take_number(s, &back) || !take_number(s, &code) || !take_number(s, &at) ||
	    !take_number(s, &p->header_size) || !take_number(s, &p->body_size))
		return (false);
	if (back > i || (back == 0) != (i == 0) || code / 16 > MIME_MESSAGE ||
	    code % 16 > MIME_UNKNOWN)
		return (false);
	p->kind = (enum mime_kind)(code / 16);
	p->encoding = (enum mime_encoding)(code % 16);
	p->parent = p->first = p->next = MIME_NONE;
	base = 0;
	end = whole;
	if (i > 0) {
		p->parent = (unsigned)i - back;
		up = &parts[p->parent];
		if (up->kind == MIME_LEAF || (up->kind == MIME_MESSAGE && up->first != MIME_NONE))
			return (false);
		if (up->first == MIME_NONE)
			up->first = (unsigned)i;
		else
			parts[last[p->parent]].next = (unsigned)i;
		last[p->parent] = (unsigned)i;
		base = up->body_at;
		/* An empty part's header may reach over the line end that belongs to a boundary
		 * line. */
		end = (uint64_t)up->body_at + up->body_size;
	}
	if (base + at + p->header_size > whole ||
	    (p->body_size > 0 && base + at + p->header_size + p->body_size > end))
		return (false);
	p->header_at = (unsigned)(base + at);
	p->body_at = p->header_at + p->header_size;
	return (true);
}

bool mime_map_unpack(
    struct arena *a, struct slice packed, struct mime_map_part **ret, size_t *ret_n)
{
	struct mime_map_part *parts;
	unsigned n, whole, *last;
	uint32_t sum = 0;
	struct slice s;

	if (packed.n < 5 || packed.p[0] != MAP_VERSION)
		return (false);
	for (unsigned i = 0; i < 4; i++)
		sum |= (uint32_t)(unsigned char)packed.p[packed.n - 4 + i] << (8 * i);
	s = slice_head(packed, packed.n - 4);
	if (checksum(s) != sum)
		return (false);
	s = slice_from(s, 1);
	if (!take_number(&s, &n) || n == 0 || n > L_PARTS || !take_number(&s, &whole))
		return (false);
	parts = arena_array(a, n, sizeof(*parts));
	last = arena_array(a, n, sizeof(*last));
	for (size_t i = 0; i < n; i++)
		if (!part_unpack(&s, parts, last, i, whole))
			return (false);
	if (s.n > 0)
		return (false);
	*ret = parts;
	*ret_n = n;
	return (true);
}

static const struct mime_map_part *nth_child(
    const struct mime_map_part *parts, size_t n, const struct mime_map_part *p, unsigned nth)
{
	unsigned at = p->first;

	/* next grows strictly, so this ends */
	while (at < n && nth > 1) {
		at = parts[at].next;
		nth--;
	}
	return (at < n && nth == 1 ? &parts[at] : NULL);
}

const struct mime_map_part *mime_map_find(
    const struct mime_map_part *parts, size_t n, const unsigned *path, size_t path_n)
{
	const struct mime_map_part *p = n > 0 ? &parts[0] : NULL;
	bool at_message = true; /* p is the top of a message, whose part 1 may be itself */

	for (size_t i = 0; i < path_n && p != NULL; i++) {
		if (!at_message && p->kind == MIME_MESSAGE) {
			p = nth_child(parts, n, p, 1);
			at_message = true;
			if (p == NULL)
				return (NULL);
		}
		if (p->kind == MIME_MULTIPART)
			p = nth_child(parts, n, p, path[i]);
		else if (!at_message || path[i] != 1) /* RFC 9051 6.4.5.1 */
			return (NULL);
		at_message = false;
	}
	return (p);
}
