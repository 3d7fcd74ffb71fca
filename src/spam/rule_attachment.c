/* rule_attachment.c: what do the parts carry that is no text? Looks at what the octets are, beside what the
 * name says: programs, archives whose list names programs or that are locked, documents with macros, pages
 * that ask for something. Nothing is unpacked (MIM-10): a zip's list of names stands in clear. Linear; at
 * most LOOK_ALL octets of a message are decoded. APPNOTE.TXT 4.3.12 (zip); [MS-CFB] 2.2. */
#include "core/mem.h"
#include "msg/text.h"
#include "spam/rules.h"

enum {
	LOOK_FIRST = 4096,
	LOOK_ALL = 8388608,
	ENTRIES = 2000,
	ENTRY_HEAD = 46,
	NAME_FLAGS = 8,
	NAME_SIZE = 28
};

static const char *const programs[] = { ".exe", ".scr", ".pif", ".com", ".bat", ".cmd", ".vbs",
	".vbe", ".js", ".jse", ".wsf", ".wsh", ".hta", ".cpl", ".lnk", ".msi", ".msp", ".jar",
	".ps1", ".psm1", ".iqy", ".slk", ".scf", ".reg", ".dll", ".sys", ".ocx", ".gadget",
	".appref-ms", ".application", ".chm", ".library-ms", ".settingcontent-ms", ".xll", ".rdp",
	".ade", ".adp", ".mde", ".one" };
/* Containers and links that hide what is in them from most readers of mail. */
static const char *const boxes[] = { ".iso", ".img", ".ace", ".arj", ".lzh", ".lha", ".cab", ".vhd",
	".vhdx", ".uue", ".xxe", ".z", ".url", ".daa", ".udf", ".jnlp", ".r00", ".r01" };
static const char *const documents[] = { ".doc", ".docx", ".xls", ".xlsx", ".ppt", ".pdf", ".txt",
	".rtf", ".jpg", ".jpeg", ".png", ".gif", ".bmp", ".mp3", ".mp4", ".avi", ".htm", ".html",
	".zip", ".csv", ".xml", ".eml" };
static const char *const pages[] = { ".htm", ".html", ".shtml", ".xhtml", ".svg" };

static bool ends_in(struct slice name, const char *const *endings, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (slice_iends(name, slice_of(endings[i])))
			return (true);
	return (false);
}

/* Trailing blanks and dots are dropped by those who open it. */
static struct slice bare_name(struct slice name)
{
	name = slice_trim(name);
	while (name.n > 0 && (name.p[name.n - 1] == '.' || name.p[name.n - 1] == ' '))
		name.n--;
	return (name);
}

static bool is_program_name(struct slice name)
{
	return (ends_in(name, programs, COUNT_OF(programs)));
}

/* "invoice.pdf.exe", "invoice.pdf          .exe" */
static bool is_double(struct slice name)
{
	size_t dot = slice_rchr(name, '.');

	if (dot == SIZE_MAX || !is_program_name(name))
		return (false);
	return (ends_in(slice_trim(slice_head(name, dot)), documents, COUNT_OF(documents)));
}

/* U+202A to U+202E, U+2066 to U+2069: "exe.fdp" shown from the right as "pdf.exe" */
static bool turns_round(struct slice s)
{
	for (size_t i = 0; i + 2 < s.n; i++) {
		unsigned char b = (unsigned char)s.p[i + 1], c = (unsigned char)s.p[i + 2];

		if ((unsigned char)s.p[i] == 0xe2 &&
		    ((b == 0x80 && c >= 0xaa && c <= 0xae) ||
			(b == 0x81 && c >= 0xa6 && c <= 0xa9)))
			return (true);
	}
	return (false);
}

/* Windows, ELF and Mach-O programs, Java classes, links of Windows. */
static bool is_program(struct slice head)
{
	return ((slice_starts(head, SLICE("MZ")) && head.n >= 64) ||
	    slice_starts(head,
		SLICE("\x7f"
		      "ELF")) ||
	    slice_starts(head, SLICE("\xcf\xfa\xed\xfe")) ||
	    slice_starts(head, SLICE("\xca\xfe\xba\xbe")) ||
	    slice_starts(head, SLICE("L\0\0\0\x01\x14\x02\0")));
}

static unsigned little16(struct slice s, size_t at)
{
	return ((unsigned char)s.p[at] | (unsigned)(unsigned char)s.p[at + 1] << 8);
}

/* The list of names at a zip's end: central file headers. */
static void look_at_zip(struct slice zip, struct rule_parts *ret)
{
	struct slice rest = zip;
	size_t at;

	for (unsigned n = 0;
	     n < ENTRIES && (at = slice_find(rest, SLICE("PK\x01\x02"))) != SIZE_MAX; n++) {
		struct slice entry = slice_from(rest, at), name;

		rest = slice_from(rest, at + 4);
		if (entry.n < ENTRY_HEAD || entry.n - ENTRY_HEAD < little16(entry, NAME_SIZE))
			continue;
		name = bare_name(
		    slice_head(slice_from(entry, ENTRY_HEAD), little16(entry, NAME_SIZE)));
		ret->locked |= (little16(entry, NAME_FLAGS) & 1) != 0;
		ret->inside |= is_program_name(name);
		ret->macros |= slice_iends(name, SLICE("vbaProject.bin"));
	}
}

/* A compound file's directory has names in UTF-16: is there one of a macro project? */
static void look_at_compound(struct slice file, struct rule_parts *ret)
{
	static const struct slice project = SLICE_INIT("_\0V\0B\0A\0_\0P\0R\0O\0J\0E\0C\0T\0");
	static const struct slice package =
	    SLICE_INIT("E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e\0");

	ret->macros |= slice_find(file, project) != SIZE_MAX;
	ret->locked |= slice_find(file, package) != SIZE_MAX; /* a document under a password */
}

static void look_at_page(struct slice text, struct rule_parts *ret)
{
	static const char *const signs[] = { "<form", "<script", "eval(", "unescape(", "atob(",
		"http-equiv=\"refresh", "onload=" };

	for (size_t i = 0; i < COUNT_OF(signs); i++)
		ret->page |= slice_ifind(text, slice_of(signs[i])) != SIZE_MAX;
}

static void decode(const struct mime *m, const struct mime_part *p, size_t most, struct buf *out)
{
	/* Base64 takes 4 octets for 3, and line ends. */
	(void)text_decode(p->encoding, slice_head(mime_body(m, p), most), out);
}

static void look_at_octets(const struct mime *m, const struct mime_part *p, struct slice name,
    size_t *left, struct rule_parts *ret)
{
	struct buf b = BUF_INIT((size_t)LOOK_ALL + LOOK_FIRST);
	bool zip, compound, page = ends_in(name, pages, COUNT_OF(pages));
	struct slice head;

	decode(m, p, LOOK_FIRST, &b);
	head = buf_slice(&b);
	zip = slice_starts(head, SLICE("PK\x03\x04"));
	compound = slice_starts(head, SLICE("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"));
	if (is_program(head)) {
		ret->programs = true;
		ret->lies |= name.n > 0 && !is_program_name(name);
	}
	ret->locked |= slice_starts(head, SLICE("Rar!")) &&
	    slice_find(slice_head(head, 64), SLICE("\x04\0\0")) != SIZE_MAX;
	if ((zip || compound || page) && p->body_size <= *left) {
		*left -= p->body_size;
		buf_reset(&b);
		decode(m, p, p->body_size, &b);
		if (zip)
			look_at_zip(buf_slice(&b), ret);
		else if (compound)
			look_at_compound(buf_slice(&b), ret);
		else
			look_at_page(buf_slice(&b), ret);
	}
	buf_free(&b);
}

void rule_parts_look(struct rule_case *c)
{
	const struct mime *m = c->f->mime;
	size_t left = LOOK_ALL;

	for (size_t i = 0; m != NULL && i < m->n; i++) {
		const struct mime_part *p = &m->parts[i];
		struct slice name;
		bool text;

		if (p->kind != MIME_LEAF)
			continue;
		name = bare_name(mime_filename(c->arena, p));
		text = mime_is(p, "text", NULL) && name.n == 0;
		if (text && !slice_ieq(p->disposition.type, SLICE("attachment")))
			continue;
		c->parts.n++;
		c->parts.programs |= is_program_name(name);
		c->parts.twice |= is_double(name);
		c->parts.turned |= turns_round(name);
		c->parts.boxes |= ends_in(name, boxes, COUNT_OF(boxes));
		if (!text)
			look_at_octets(m, p, name, &left, &c->parts);
	}
}

double rule_bad_attachment(const struct rule_case *c) /* what runs when it is opened */
{
	return (c->parts.programs);
}

double rule_double_name(const struct rule_case *c)
{
	return (c->parts.twice || c->parts.turned);
}

double rule_false_type(const struct rule_case *c) /* a program under another name */
{
	return (c->parts.lies);
}

double rule_program_inside(const struct rule_case *c)
{
	return (c->parts.inside);
}

double rule_odd_container(const struct rule_case *c)
{
	return (c->parts.boxes);
}

double rule_macros(const struct rule_case *c)
{
	return (c->parts.macros);
}

double rule_locked(const struct rule_case *c)
{
	return (c->parts.locked);
}

/* Its key is in the same letter: to keep filters out, not strangers. */
double rule_locked_with_key(const struct rule_case *c)
{
	static const char *const words[] = { "password", "passwort", "kennwort", "mot de passe",
		"contrase", "pass code", "passcode", "parola", "senha", "wachtwoord" };

	for (size_t i = 0; c->parts.locked && i < COUNT_OF(words); i++)
		if (slice_ifind(c->text, slice_of(words[i])) != SIZE_MAX)
			return (1);
	return (0);
}

double rule_live_page(
    const struct rule_case *c) /* a page to be opened outside of the mail program */
{
	return (c->parts.page);
}

double rule_only_attachment(const struct rule_case *c)
{
	return (c->parts.n > 0 && (c->has_text || c->has_html) && slice_trim(c->text).n < 10 &&
	    c->seen < 10);
}
