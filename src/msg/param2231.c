/* param2231.c: what do the pieces "name*0*=", "name*1=" of one parameter say together?
 *
 * Pieces are taken in the order of their numbers, from 0, until one is missing; a plain "name="
 * beside them is kept only where no piece could be used (MIM-09: one answer, the same for all). The
 * result is UTF-8. At most L_PARAM pieces come in; the joining is quadratic in that small number
 * only. RFC 2231 3, 4. */
#include "msg/mime_int.h"

#include "core/limits.h"
#include "msg/charset.h"
#include "msg/text_int.h"

void param2231_split(struct slice name, struct param2231 *ret)
{
	size_t star = slice_chr(name, '*');
	struct slice rest;
	uint64_t number;

	*ret = (struct param2231){ .base = name };
	if (star == SIZE_MAX || star == 0)
		return;
	rest = slice_from(name, star + 1);
	if (rest.n == 0) { /* name*= */
		ret->base = slice_head(name, star);
		ret->coded = true;
		return;
	}
	if (rest.p[rest.n - 1] == '*') {
		ret->coded = true;
		rest.n--;
	}
	if (rest.n == 0 || !slice_u64(rest, L_PARAM - 1, &number)) {
		ret->coded = false; /* not of this kind after all */
		return;
	}
	ret->base = slice_head(name, star);
	ret->numbered = true;
	ret->number = (unsigned)number;
}

static void add_percent_decoded(struct buf *out, struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '%' && i + 2 < s.n && text_hex(s.p[i + 1]) >= 0 &&
		    text_hex(s.p[i + 2]) >= 0) {
			(void)buf_addc(
			    out, (char)(text_hex(s.p[i + 1]) * 16 + text_hex(s.p[i + 2])));
			i += 2;
		} else {
			(void)buf_addc(out, s.p[i]);
		}
	}
}

/* charset'language'text; without both marks all of it is text. */
static struct slice take_charset(struct slice *value)
{
	size_t first = slice_chr(*value, '\''), second;
	struct slice charset;

	if (first == SIZE_MAX)
		return (SLICE(""));
	second = slice_chr(slice_from(*value, first + 1), '\'');
	if (second == SIZE_MAX)
		return (SLICE(""));
	charset = slice_head(*value, first);
	*value = slice_from(*value, first + second + 2);
	return (charset);
}

struct piece {
	const struct mime_param *param;
	struct param2231 name;
};

static const struct piece *piece_find(
    const struct piece *pieces, size_t n, struct slice base, bool numbered, unsigned number)
{
	for (size_t i = 0; i < n; i++)
		if (pieces[i].name.numbered == numbered && pieces[i].name.number == number &&
		    (numbered || pieces[i].name.coded) && slice_ieq(pieces[i].name.base, base))
			return (&pieces[i]);
	return (NULL);
}

/* The whole value of base; false when no piece can begin it. */
static bool join(
    struct arena *a, const struct piece *pieces, size_t n, struct slice base, struct slice *ret)
{
	struct buf octets = BUF_INIT(L_HDR1), text = BUF_INIT(L_HDR1 * 3);
	const struct piece *p = piece_find(pieces, n, base, true, 0);
	struct slice charset = SLICE("");
	bool coded;

	if (p == NULL)
		p = piece_find(pieces, n, base, false, 0);
	if (p == NULL)
		return (false);
	coded = p->name.coded;
	for (unsigned number = 0; p != NULL && number < L_PARAM; number++) {
		struct slice value = p->param->value;

		if (number == 0 && coded)
			charset = take_charset(&value);
		if (p->name.coded)
			add_percent_decoded(&octets, value);
		else
			(void)buf_add_slice(&octets, value);
		p = p->name.numbered ? piece_find(pieces, n, base, true, number + 1) : NULL;
	}
	if (coded) {
		(void)charset_to_utf8(charset, buf_slice(&octets), &text);
		*ret = arena_dup(a, buf_slice(&text));
	} else {
		*ret = arena_dup(a, buf_slice(&octets));
	}
	buf_free(&octets);
	buf_free(&text);
	return (true);
}

static bool is_named(const struct mime_param *params, size_t n, struct slice name)
{
	for (size_t i = 0; i < n; i++)
		if (slice_ieq(params[i].name, name))
			return (true);
	return (false);
}

size_t param2231_join(
    struct arena *a, const struct mime_param *params, size_t n, struct mime_param *out)
{
	struct piece pieces[L_PARAM];
	size_t out_n = 0;

	if (n > L_PARAM)
		n = L_PARAM;
	for (size_t i = 0; i < n; i++) {
		pieces[i].param = &params[i];
		param2231_split(params[i].name, &pieces[i].name);
	}
	for (size_t i = 0; i < n; i++) {
		const struct param2231 *name = &pieces[i].name;
		struct slice value;

		if (is_named(out, out_n, name->base))
			continue;
		if (join(a, pieces, n, name->base, &value))
			out[out_n++] = (struct mime_param){ name->base, value };
		else if (!name->numbered && !name->coded)
			out[out_n++] = params[i];
	}
	return (out_n);
}
