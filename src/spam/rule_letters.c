/* rule_letters.c: are the letters what they look like? Signs that people do not see, letters of one script
 * for those of another, text that turns round, octets that the charset does not have. UTF-8 is what
 * msg/text.c made. Linear; failures: none. */
#include "msg/text.h"
#include "spam/rules.h"

static bool is_invisible(struct slice s, size_t at) /* U+200B to U+200D, U+2060, U+FEFF */
{
	unsigned char a, b, c;

	if (s.n - at < 3)
		return (false);
	a = (unsigned char)s.p[at];
	b = (unsigned char)s.p[at + 1];
	c = (unsigned char)s.p[at + 2];
	return ((a == 0xe2 && b == 0x80 && c >= 0x8b && c <= 0x8d) ||
	    (a == 0xe2 && b == 0x81 && c == 0xa0) || (a == 0xef && b == 0xbb && c == 0xbf));
}

static bool turns(
    struct slice s, size_t at) /* U+202D, U+202E: letters from the right that are not */
{
	return (s.n - at >= 3 && (unsigned char)s.p[at] == 0xe2 &&
	    (unsigned char)s.p[at + 1] == 0x80 &&
	    ((unsigned char)s.p[at + 2] == 0xad || (unsigned char)s.p[at + 2] == 0xae));
}

/* Between two Latin letters: no script that needs such signs is written there. */
static bool is_inside_word(struct slice s, size_t at)
{
	return (at > 0 && at + 3 < s.n && ascii_alpha(s.p[at - 1]) && ascii_alpha(s.p[at + 3]));
}

void rule_letters_look(struct rule_letters *l, struct slice utf8)
{
	bool latin = false, other = false, told = false;

	for (size_t i = 0; i < utf8.n; i++) {
		unsigned char ch = (unsigned char)utf8.p[i];

		if (ch >= 0xe2) {
			l->hidden += is_invisible(utf8, i) && is_inside_word(utf8, i);
			l->turned += turns(utf8, i);
		}
		if (ascii_alpha(utf8.p[i]))
			latin = true;
		else if (ch >= 0xcd && ch <= 0xd4) /* U+0340 to U+053F: Greek, Cyrillic */
			other = true;
		else if (ch < 0x80)
			latin = other = told = false;
		if (latin && other && !told) {
			l->mixed++;
			told = true;
		}
	}
}

static struct rule_letters of_field(const struct rule_case *c, const char *name)
{
	const struct field *f = header_first(c->f->header, slice_of(name));
	struct rule_letters l = { 0 };

	if (f != NULL)
		rule_letters_look(&l, text_words(c->arena, slice_head(f->body, 1000)));
	return (l);
}

/* Latin and Cyrillic or Greek letters in one word: letters chosen for their looks. */
double rule_mixed_words(const struct rule_case *c)
{
	return (of_field(c, "Subject").mixed > 0 || of_field(c, "From").mixed > 0);
}

double rule_mixed_text(const struct rule_case *c)
{
	return (c->letters.mixed >= 3);
}

double rule_hidden_letters(const struct rule_case *c)
{
	struct rule_letters subject = of_field(c, "Subject"), from = of_field(c, "From");

	return (c->letters.hidden >= 3 || subject.hidden > 0 || from.hidden > 0);
}

double rule_turned_text(const struct rule_case *c)
{
	struct rule_letters subject = of_field(c, "Subject"), from = of_field(c, "From");

	return (c->letters.turned > 0 || subject.turned > 0 || from.turned > 0);
}

/* 8-bit octets in a text that says it has none. RFC 2045 2.8, 6.2. */
double rule_false_charset(const struct rule_case *c)
{
	const struct mime *m = c->f->mime;

	for (size_t i = 0; m != NULL && i < m->n; i++) {
		const struct mime_part *p = &m->parts[i];
		struct slice charset = mime_param(&p->type, SLICE("charset")), body;

		if (p->kind != MIME_LEAF || !mime_is(p, "text", NULL) ||
		    p->encoding == MIME_BASE64 || p->encoding == MIME_QP ||
		    !slice_ieq(charset, SLICE("us-ascii")))
			continue;
		body = slice_head(mime_body(m, p), 65536);
		for (size_t k = 0; k < body.n; k++)
			if ((unsigned char)body.p[k] >= 0x80)
				return (1);
	}
	return (0);
}
