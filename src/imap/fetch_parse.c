/* What does a FETCH ask, and what does answering it need? fetch-att, macros and modifiers; sections
 * are in fetch_body.c. RFC 9051 6.4.5, RFC 7162 3.1.4, RFC 8970, RFC 9394. */
#include "imap/fetch.h"

#include "core/mem.h"

static struct fetch_item *add_item(struct fetch *f, enum fetch_what what, const char *label)
{
	struct fetch_item *item = arena_alloc(f->arena, sizeof(*item));

	item->what = what;
	item->label = slice_of(label);
	*f->items_end = item;
	f->items_end = &item->next;
	f->items_n++;
	return (item);
}

static const struct {
	const char *name;
	enum fetch_what what;
} simple[] = {
	{ "UID", FETCH_UID },
	{ "FLAGS", FETCH_FLAGS },
	{ "INTERNALDATE", FETCH_INTERNALDATE },
	{ "RFC822.SIZE", FETCH_SIZE },
	{ "MODSEQ", FETCH_MODSEQ },
	{ "SAVEDATE", FETCH_SAVEDATE }, /* RFC 8514 */
	{ "EMAILID", FETCH_EMAILID },   /* RFC 8474 */
	{ "THREADID", FETCH_THREADID },
	{ "ENVELOPE", FETCH_ENVELOPE },
	{ "BODYSTRUCTURE", FETCH_BODYSTRUCTURE },
};

static bool is_name_char(char c)
{
	return (ascii_alnum(c) || c == '.');
}

static void add_rfc822(struct fetch *f, const char *label, enum section_text text, bool peek)
{
	struct fetch_item *item = add_item(f, FETCH_SECTION, label);

	item->section.text = text;
	item->peek = peek;
}

/* "PREVIEW" [SP "(" "LAZY" ")"]: the list may also be the modifiers of the command */
static void take_lazy(struct args *a)
{
	struct args was = *a;

	if (!args_sp(a) || !args_char(a, '(') || !args_word(a, "LAZY") || !args_char(a, ')'))
		*a = was;
}

/* fetch-att; the sections go on in fetch_body.c */
static bool take_item(struct fetch *f, struct args *a)
{
	struct fetch_item *item;
	struct slice name;

	if (f->items_n == FETCH_ITEMS || !take_run(&a->c, is_name_char, &name))
		return (false);
	for (size_t i = 0; i < COUNT_OF(simple); i++)
		if (slice_ieq(name, slice_of(simple[i].name))) {
			(void)add_item(f, simple[i].what, simple[i].name);
			return (true);
		}
	if (slice_ieq(name, SLICE("BODY")) && !args_peek(a, '['))
		(void)add_item(f, FETCH_BODY, "BODY");
	else if (slice_ieq(name, SLICE("BODY")) || slice_ieq(name, SLICE("BODY.PEEK"))) {
		item = add_item(f, FETCH_SECTION, "");
		item->peek = name.n > 4;
		return (fetch_take_section(f, a, item, "BODY"));
	} else if (slice_ieq(name, SLICE("BINARY")) || slice_ieq(name, SLICE("BINARY.PEEK"))) {
		item = add_item(f, FETCH_BINARY, "");
		item->peek = name.n > 6;
		return (fetch_take_section(f, a, item, "BINARY"));
	} else if (slice_ieq(name, SLICE("BINARY.SIZE"))) {
		item = add_item(f, FETCH_BINARY_SIZE, "");
		item->peek = true;
		return (fetch_take_section(f, a, item, "BINARY.SIZE"));
	} else if (slice_ieq(name, SLICE("PREVIEW"))) {
		(void)add_item(f, FETCH_PREVIEW, "PREVIEW");
		take_lazy(a);
	} else if (slice_ieq(name, SLICE("RFC822"))) /* RFC 3501 6.4.5 */
		add_rfc822(f, "RFC822", SECTION_ALL, false);
	else if (slice_ieq(name, SLICE("RFC822.HEADER")))
		add_rfc822(f, "RFC822.HEADER", SECTION_HEADER, true);
	else if (slice_ieq(name, SLICE("RFC822.TEXT")))
		add_rfc822(f, "RFC822.TEXT", SECTION_TEXT, false);
	else
		return (false);
	return (true);
}

static bool take_macro(struct fetch *f, struct args *a)
{
	bool all = args_word(a, "ALL"), full = !all && args_word(a, "FULL");

	if (!all && !full && !args_word(a, "FAST"))
		return (false);
	(void)add_item(f, FETCH_FLAGS, "FLAGS");
	(void)add_item(f, FETCH_INTERNALDATE, "INTERNALDATE");
	(void)add_item(f, FETCH_SIZE, "RFC822.SIZE");
	if (all || full)
		(void)add_item(f, FETCH_ENVELOPE, "ENVELOPE");
	if (full)
		(void)add_item(f, FETCH_BODY, "BODY");
	return (true);
}

static bool take_modifiers(struct fetch *f, struct args *a)
{
	if (!args_char(a, '('))
		return (false);
	do {
		if (args_word(a, "CHANGEDSINCE")) {
			if (f->has_changed_since || !args_sp(a) ||
			    !args_u64(a, INT64_MAX, &f->changed_since))
				return (false);
			f->has_changed_since = true;
		} else if (args_word(a, "VANISHED"))
			f->vanished = true;
		else if (f->window.from == 0 && args_word(a, "PARTIAL")) { /* RFC 9394 3.3 */
			if (!args_sp(a) || !window_take(a, &f->window))
				return (false);
		} else
			return (false);
	} while (args_sp(a));
	return (args_char(a, ')'));
}

bool fetch_take_list(struct fetch *f, struct args *a)
{
	if (!args_char(a, '('))
		return (false);
	do {
		if (!take_item(f, a))
			return (false);
	} while (args_sp(a));
	return (args_char(a, ')'));
}

bool fetch_take_items(struct fetch *f, struct args *a)
{
	if (args_peek(a, '(')) {
		if (!fetch_take_list(f, a))
			return (false);
	} else if (!take_macro(f, a) && !take_item(f, a))
		return (false);
	if (args_sp(a) && !take_modifiers(f, a))
		return (false);
	return (args_end(a));
}

bool fetch_has_item(const struct fetch *f, enum fetch_what what)
{
	for (const struct fetch_item *i = f->items; i != NULL; i = i->next)
		if (i->what == what)
			return (true);
	return (false);
}

void fetch_plan(struct imap *s, struct fetch *f)
{
	bool fields = false;

	f->on_loop = true;
	f->want |= VISIT_LIGHT;
	for (const struct fetch_item *i = f->items; i != NULL; i = i->next) {
		switch (i->what) {
		case FETCH_UID:
		case FETCH_FLAGS:
		case FETCH_INTERNALDATE:
		case FETCH_SIZE:
		case FETCH_MODSEQ:
		case FETCH_SAVEDATE: continue;
		case FETCH_EMAILID: f->want &= ~(unsigned)VISIT_LIGHT; break;
		case FETCH_THREADID:
			f->want |= VISIT_THREAD;
			f->want &= ~(unsigned)VISIT_LIGHT;
			break;
		case FETCH_PREVIEW: f->want |= VISIT_PREVIEW; break;
		case FETCH_ENVELOPE: f->want |= VISIT_ENVELOPE; break;
		case FETCH_BODY: f->want |= VISIT_BODY; break;
		case FETCH_BODYSTRUCTURE: f->want |= VISIT_STRUCTURE; break;
		case FETCH_SECTION:
		case FETCH_BINARY:
		case FETCH_BINARY_SIZE:
			if (i->section.cached)
				fields = true;
			else
				f->want |= VISIT_MAP | VISIT_FILE;
			f->sees |= !i->peek;
			break;
		}
		f->on_loop = false;
	}
	if (fields && !(f->want & VISIT_FILE))
		f->want |= VISIT_FIELDS;
	/* RFC 9051 6.4.5: every answer to UID FETCH has the UID; RFC 7162 3.1.4: MODSEQ with
	 * CHANGEDSINCE */
	if ((s->call.is_uid || s->qresync) && !s->uid_only && !fetch_has_item(f, FETCH_UID))
		(void)add_item(f, FETCH_UID, "UID");
	if (f->has_changed_since && !fetch_has_item(f, FETCH_MODSEQ))
		(void)add_item(f, FETCH_MODSEQ, "MODSEQ");
	f->sees &= !s->read_only;
	if (f->sees && !fetch_has_item(f, FETCH_FLAGS))
		(void)add_item(f, FETCH_FLAGS, "FLAGS");
	/* \Seen changes a modseq, which CONDSTORE wants to hear with the flags: RFC 7162 3.1 */
	if (f->sees && s->condstore && !fetch_has_item(f, FETCH_MODSEQ))
		(void)add_item(f, FETCH_MODSEQ, "MODSEQ");
}
