/* rule_body.c: what does the content tell by its make, not by its words (those are the classifier's)? Looks once at the parts and at the
 * start of the text, then answers the tests. Bounded: LOOK octets of each of the first text and the first HTML part. */
#include "core/mem.h"
#include "msg/html.h"
#include "msg/text.h"
#include "spam/rules.h"

enum { LOOK = 131072 };

static const struct slice gtube =
    SLICE_INIT("XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X");

static struct slice host_of(struct slice url) /* of "scheme://host/...", else empty */
{
	size_t at = slice_find(url, SLICE("://"));
	struct slice s = at == SIZE_MAX ? (struct slice){ "", 0 } : slice_from(url, at + 3);

	for (size_t i = 0; i < s.n; i++)
		if (strchr("/?#:\\ \t\r\n", s.p[i]) != NULL)
			s.n = i;
	if (slice_istarts(s, SLICE("www.")))
		s = slice_from(s, 4);
	return (s);
}

/* The last two labels: close enough to "the same people" for a sign of half a point. */
static struct slice tail_of(struct slice host)
{
	size_t dot = slice_rchr(host, '.');

	if (dot == SIZE_MAX || (dot = slice_rchr(slice_head(host, dot), '.')) == SIZE_MAX)
		return (host);
	return (slice_from(host, dot + 1));
}

static void on_link(void *self, struct slice href, struct slice shown)
{
	struct slice to = host_of(href), said = host_of(slice_trim(shown));
	struct rule_case *c = self;

	c->links++;
	rule_html_link(c, href);
	if (to.n > 0 && said.n > 0 && slice_chr(said, '.') != SIZE_MAX &&
	    !slice_ieq(tail_of(to), tail_of(said)))
		c->links_false++;
}

static void on_text(void *self, struct slice utf8, bool hidden)
{
	struct rule_case *c = self;
	size_t n = slice_trim(utf8).n;

	if (hidden)
		c->hidden += (unsigned)n;
	else
		c->seen += n;
	rule_letters_look(&c->letters, utf8);
}

static void on_tag(void *self, struct slice name)
{
	rule_html_tag(self, name);
}

static void read_part(const struct mime *m, const struct mime_part *p, struct buf *out)
{
	struct mime_part head = *p;

	if (head.body_size > LOOK)
		head.body_size = LOOK;
	(void)text_of_part(m, &head, out);
}

void rule_body_look(struct rule_case *c)
{
	static const struct html_events events = {
		.on_text = on_text, .on_link = on_link, .on_tag = on_tag
	};
	const struct mime *m = c->f->mime;

	for (size_t i = 0; m != NULL && i < m->n && !(c->has_text && c->has_html); i++) {
		const struct mime_part *p = &m->parts[i];
		bool html = mime_is(p, "text", "html");
		struct buf b = BUF_INIT(8 * (size_t)LOOK);

		if (p->kind != MIME_LEAF || (!html && !mime_is(p, "text", "plain")) ||
		    (html ? c->has_html : c->has_text) ||
		    slice_ieq(p->disposition.type, SLICE("attachment")))
			continue;
		read_part(m, p, &b);
		if (html) {
			c->has_html = true;
			c->html_size = b.n;
			html_read(buf_slice(&b), &events, c);
		} else {
			c->has_text = true;
			c->text = arena_dup(c->arena, slice_head(buf_slice(&b), LOOK));
			rule_letters_look(&c->letters, c->text);
			rule_html_plain(c);
		}
		buf_free(&b);
	}
}

double rule_gtube(
    const struct rule_case *c) /* the agreed test: whoever sends it wants to be rejected */
{
	return (slice_find(c->text, gtube) != SIZE_MAX);
}

double rule_html_only(const struct rule_case *c)
{
	return (c->has_html && !c->has_text);
}

double rule_hidden_text(const struct rule_case *c) /* preheaders are hidden too, but short */
{
	return (c->hidden > 400 && c->hidden > c->seen / 2);
}

double rule_false_link(const struct rule_case *c)
{
	return (c->links_false > 0);
}

double rule_image_only(const struct rule_case *c)
{
	return (c->has_html && !c->has_text && c->links > 0 && c->seen < 100 && c->html_size > 200);
}

double rule_ambiguous_mime(
    const struct rule_case *c) /* readers would see different messages (MIM-08) */
{
	return (c->f->mime != NULL && c->f->mime->ambiguous);
}

/* Plain ASCII wrapped in base64: to hide words from filters that do not decode. */
double rule_text_in_base64(const struct rule_case *c)
{
	const struct mime *m = c->f->mime;

	for (size_t i = 0; m != NULL && i < m->n; i++) {
		const struct mime_part *p = &m->parts[i];
		struct slice charset = mime_param(&p->type, SLICE("charset"));

		if (p->kind == MIME_LEAF && p->encoding == MIME_BASE64 &&
		    mime_is(p, "text", NULL) &&
		    !slice_ieq(p->disposition.type, SLICE("attachment")) &&
		    (charset.n == 0 || slice_ieq(charset, SLICE("us-ascii"))))
			return (1);
	}
	return (0);
}
