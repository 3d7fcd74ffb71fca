/* taglist.c: which tags stand here? RFC 6376 3.2. Leaves what they mean to those who ask. Failures: false, and no tag of it
 * counts. Linear in the input times L_TAGS. */
#include "dkim/taglist.h"

#include "core/base64.h"
#include "core/limits.h"

/* FWS = [*WSP CRLF] 1*WSP; a field's end was taken away before, so a line end without a blank behind it is a fault. */
static bool white_is_folding(struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\n')
			return (false);
		if (s.p[i] != '\r')
			continue;
		if (i + 2 >= s.n || s.p[i + 1] != '\n' || (s.p[i + 2] != ' ' && s.p[i + 2] != '\t'))
			return (false);
		i += 2;
	}
	return (true);
}

/* tag-name = ALPHA *(ALPHA / DIGIT / "_") */
static bool is_tag_name(struct slice s)
{
	if (s.n == 0 || !ascii_alpha(s.p[0]))
		return (false);
	for (size_t i = 1; i < s.n; i++)
		if (!ascii_alnum(s.p[i]) && s.p[i] != '_')
			return (false);
	return (true);
}

/* VALCHAR = %x21-3A / %x3C-7E, and octets of UTF-8 (RFC 8616 5). */
static bool is_tag_value(struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if ((c < 0x21 && !ascii_white(s.p[i])) || c == 0x7f)
			return (false);
	}
	return (white_is_folding(s));
}

static bool take_tag(struct slice part, struct tag *ret)
{
	if (!slice_cut(part, '=', &ret->name, &ret->raw) || !white_is_folding(ret->name))
		return (false);
	ret->name = slice_trim(ret->name);
	ret->value = slice_trim(ret->raw);
	return (is_tag_name(ret->name) && is_tag_value(ret->raw));
}

static const struct tag *find(const struct tag *v, size_t n, struct slice name)
{
	for (size_t i = 0; i < n; i++)
		if (slice_eq(v[i].name, name))
			return (&v[i]);
	return (NULL);
}

bool taglist_parse(struct arena *a, struct slice s, enum taglist_manner how, struct taglist *ret)
{
	struct tag *v = arena_array(a, L_TAGS, sizeof(*v));
	struct slice part, rest = s;
	bool more = true;
	size_t n = 0;

	ret->v = v;
	ret->n = 0;
	while (more) {
		struct tag t;

		more = slice_cut(rest, ';', &part, &rest);
		/* tag-list = tag-spec *( ";" tag-spec ) [ ";" ]: empty only behind the last semicolon */
		if (!more && n > 0 && slice_trim(part).n == 0)
			break;
		if (!take_tag(part, &t)) {
			if (how == TAGLIST_STRICT)
				return (false);
			continue;
		}
		if (find(v, n, t.name) != NULL) {
			if (how == TAGLIST_STRICT)
				return (false); /* RFC 6376 3.2: MUST NOT occur twice */
			continue;
		}
		if (n == L_TAGS)
			return (false);
		v[n++] = t;
	}
	ret->n = n;
	return (true);
}

const struct tag *taglist_get(const struct taglist *l, const char *name)
{
	return (find(l->v, l->n, slice_of(name)));
}

int taglist_base64(struct slice value, struct buf *out)
{
	struct buf tight = BUF_INIT(value.n + 4);
	int r = -1;

	for (size_t i = 0; i < value.n; i++)
		if (!ascii_white(value.p[i]))
			(void)buf_addc(&tight, value.p[i]);
	if (tight.n > 0 && !tight.failed)
		r = base64_decode(buf_slice(&tight), out);
	buf_free(&tight);
	return (r);
}

bool taglist_item(struct slice *rest, bool *more, struct slice *ret_item)
{
	if (!*more)
		return (false);
	*more = slice_cut(*rest, ':', ret_item, rest);
	*ret_item = slice_trim(*ret_item);
	return (true);
}
