/* What is a message about, and what does it answer? Marks of replies, forwards and lists are peeled
 * off the subject from both ends. Each octet is looked at a fixed number of times. RFC 5256 2.1, 5.
 * Failures: none; what cannot be decoded stays as text_words leaves it. */
#include "msg/subject.h"

#include "core/mem.h"
#include "msg/text.h"

/* Step 1: decoded, and every run of blanks is one space. */
static struct slice decoded(struct arena *a, struct slice body)
{
	struct slice in = text_words(a, body);
	char *out = arena_alloc(a, in.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < in.n; i++) {
		bool blank = strchr(" \t\r\n", in.p[i]) != NULL && in.p[i] != '\0';

		if (!blank)
			out[n++] = in.p[i];
		else if (n > 0 && out[n - 1] != ' ')
			out[n++] = ' ';
	}
	return ((struct slice){ out, n });
}

static struct slice skip_blanks(struct slice s)
{
	while (s.n > 0 && (*s.p == ' ' || *s.p == '\t'))
		s = slice_from(s, 1);
	return (s);
}

/* subj-trailer = "(fwd)" / WSP */
static struct slice without_trailers(struct slice s, bool *is_reply)
{
	for (;;) {
		if (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
			s.n--;
		else if (slice_iends(s, SLICE("(fwd)"))) {
			s.n -= 5;
			*is_reply = true;
		} else
			return (s);
	}
}

/* subj-blob = "[" *BLOBCHAR "]" *WSP; BLOBCHAR is anything but "[" and "]" */
static bool take_blob(struct slice *s)
{
	if (s->n == 0 || *s->p != '[')
		return (false);
	for (size_t i = 1; i < s->n; i++) {
		if (s->p[i] == '[')
			return (false);
		if (s->p[i] == ']') {
			*s = skip_blanks(slice_from(*s, i + 1));
			return (true);
		}
	}
	return (false);
}

/* subj-refwd = ("re" / ("fw" ["d"])) *WSP [subj-blob] ":" */
static bool take_refwd(struct slice *s)
{
	struct slice rest;

	if (slice_istarts(*s, SLICE("re")))
		rest = slice_from(*s, 2);
	else if (slice_istarts(*s, SLICE("fwd")))
		rest = slice_from(*s, 3);
	else if (slice_istarts(*s, SLICE("fw")))
		rest = slice_from(*s, 2);
	else
		return (false);
	rest = skip_blanks(rest);
	(void)take_blob(&rest);
	if (rest.n == 0 || *rest.p != ':')
		return (false);
	*s = slice_from(rest, 1);
	return (true);
}

/* Steps 3 to 5: subj-leader = (*subj-blob subj-refwd) / WSP; then a blob, where something is left
 * behind it. A run of blobs is read once: what is no leader before its first blob is none before
 * its second. */
static struct slice without_leaders(struct slice s, bool *is_reply)
{
	for (;;) {
		struct slice behind, last;

		s = skip_blanks(s);
		behind = last = s;
		for (struct slice was = s; take_blob(&behind); was = behind)
			last = was;
		if (take_refwd(&behind)) {
			*is_reply = true;
			s = behind;
			continue;
		}
		/* "[a] [b]": b is all that is left to be the subject, subj-base */
		return (behind.n > 0 ? behind : last);
	}
}

struct slice subject_base(struct arena *a, struct slice field_body, bool *ret_is_reply)
{
	struct slice s = decoded(a, field_body);

	*ret_is_reply = false;
	for (;;) {
		s = without_trailers(s, ret_is_reply);
		s = without_leaders(s, ret_is_reply);
		/* step 6: subj-fwd-hdr = "[fwd:", subj-fwd-trl = "]" */
		if (!slice_istarts(s, SLICE("[fwd:")) || !slice_ends(s, SLICE("]")))
			return (s);
		s = (struct slice){ s.p + 5, s.n - 6 };
		*ret_is_reply = true;
	}
}

/* --- identifiers --- */

/* From behind "<" to the ">" that is not in quotes. */
static bool find_end(const struct cursor *c, const char **ret, bool *ret_quoted, bool *ret_bad)
{
	bool in_quotes = false;

	*ret_quoted = *ret_bad = false;
	for (const char *p = c->p; p < c->end; p++) {
		if (in_quotes && *p == '\\' && p + 1 < c->end)
			p++;
		else if (*p == '"') {
			in_quotes = !in_quotes;
			*ret_quoted = true;
		} else if (!in_quotes && *p == '<') { /* the one before was never closed */
			*ret = p;
			*ret_bad = true;
			return (true);
		} else if (!in_quotes && *p == '>') {
			*ret = p;
			return (true);
		}
	}
	return (false);
}

/* Quotes and blanks of folding are not part of it: <"a"@b> is <a@b>. */
static struct slice plain(struct arena *a, struct slice s)
{
	char *out = arena_alloc(a, s.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\r' || s.p[i] == '\n' || s.p[i] == ' ' ||
		    s.p[i] == '\t')
			continue;
		if (s.p[i] == '\\' && i + 1 < s.n)
			i++;
		out[n++] = s.p[i];
	}
	return ((struct slice){ out, n });
}

bool msgid_take(struct arena *a, struct cursor *c, struct slice *ret)
{
	struct slice before;
	const char *end;
	bool quoted, bad;

	while (take_until(c, '<', &before)) {
		size_t at;

		c->p++;
		if (!find_end(c, &end, &quoted, &bad))
			break;
		*ret = slice_between(c->p, end);
		c->p = bad ? end : end + 1;
		at = slice_chr(*ret, '@'); /* id-left "@" id-right */
		if (bad || at == SIZE_MAX || at == 0 || at + 1 == ret->n)
			continue;
		if (quoted || slice_chr(*ret, ' ') != SIZE_MAX || slice_chr(*ret, '\n') != SIZE_MAX)
			*ret = plain(a, *ret);
		return (true);
	}
	c->p = c->end;
	return (false);
}

bool msgid_root(struct arena *a, const struct header *h, struct slice *ret)
{
	static const struct slice fields[] = { SLICE_INIT("References"), SLICE_INIT("In-Reply-To"),
		SLICE_INIT("Message-ID") };

	for (size_t i = 0; i < COUNT_OF(fields); i++) {
		const struct field *f = header_first(h, fields[i]);
		struct cursor c;

		if (f == NULL)
			continue;
		c = cursor_of(f->body);
		if (msgid_take(a, &c, ret))
			return (true);
	}
	return (false);
}
