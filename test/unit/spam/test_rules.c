/* Each rule of the table on a message that shows its sign, and on one that nearly does. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "core/mem.h"
#include "spam/rules.h"

#define HTML "MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
#define PLAIN "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
#define FILE(name) "MIME-Version: 1.0\r\nContent-Type: application/octet-stream; name=\"" name "\"\r\n\r\n"
#define MIXED(text, name, encoding)                                                                  \
	"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n" text \
	"\r\n--b\r\nContent-Type: application/octet-stream; name=\"" name "\"\r\nContent-Transfer-Encoding: " encoding "\r\n\r\n"
#define END "\r\n--b--\r\n"
#define RCPT "ann@example.org"

struct row {
	const char *rule;
	bool fires;
	struct facts facts;
	struct slice message;
};
#define ROW(rule, fires, text) { rule, fires, { .rcpt = SLICE_INIT(RCPT) }, SLICE_INIT(text) }
#define KNOWN(rule, fires, text, ...) { rule, fires, { .rcpt = SLICE_INIT(RCPT), __VA_ARGS__ }, SLICE_INIT(text) }
/* A central file header: signature, versions, flags, 18 octets, name length, 16 octets, name. */
#define ENTRY(flags, length, name)                                                                   \
	"PK\x01\x02\x14\x03\x14\x00" flags "\x00" "123456789012345678"                                \
	length "\x00" "1234567890123456" name

static const struct row rows_of_fields[] = {
	ROW("reply-elsewhere", true, "From: <a@firm.example>\r\nReply-To: <b77@gmail.com>\r\n\r\n"),
	ROW("reply-elsewhere", false, "From: <a@firm.example>\r\nReply-To: <b@desk.firm.example>\r\n\r\n"),
	ROW("reply-elsewhere", false, "From: <a@gmail.com>\r\nReply-To: <b@yahoo.com>\r\n\r\n"),
	ROW("reply-elsewhere", false, "From: <a@firm.example>\r\nReply-To: <b@gmail.com>\r\nList-Id: <x.example>\r\n\r\n"),
	KNOWN("own-domain", true, "From: <boss@example.org>\r\n\r\n", .aligned = FACT_NO),
	KNOWN("own-domain", false, "From: <boss@example.org>\r\n\r\n", .aligned = FACT_UNKNOWN),
	KNOWN("own-domain", false, "From: <boss@example.org>\r\n\r\n", .aligned = FACT_NO, .indirect = true),
	KNOWN("own-domain", false, "From: <boss@example.net>\r\n\r\n", .aligned = FACT_NO),
	ROW("own-name", true, "From: \"Example.org support\" <x@elsewhere.example>\r\n\r\n"),
	ROW("own-name", false, "From: \"Example.org support\" <x@desk.example.org>\r\n\r\n"),
	KNOWN("own-name", false, "From: \"Example.org support\" <x@elsewhere.example>\r\n\r\n", .known_correspondent = FACT_YES),
	ROW("not-named", true, "To: <bob@example.org>\r\n\r\n"),
	ROW("not-named", false, "To: <bob@example.org>\r\nCc: Ann <ANN@example.org>\r\n\r\n"),
	ROW("not-named", false, "To: <all@x.example>\r\nList-Id: <all.x.example>\r\n\r\n"),
	ROW("not-named", false, "From: <x@x.example>\r\n\r\n"),
	ROW("undisclosed", true, "To: undisclosed-recipients:;\r\n\r\n"),
	ROW("undisclosed", false, "To: friends: a@b.example;\r\n\r\n"),
	KNOWN("from-is-to", true, "From: <ann@example.org>\r\nTo: <Ann@example.org>\r\n\r\n", .aligned = FACT_NO),
	ROW("from-is-to", false, "From: <ann@example.org>\r\nTo: <Ann@example.org>\r\n\r\n"), /* not known: P14 */
	ROW("from-is-to", false, "From: <ann@example.org>\r\nTo: <ann@example.org>, <b@b.example>\r\n\r\n"),
	KNOWN("from-is-to", false, "From: <ann@example.org>\r\nTo: <ann@example.org>\r\n\r\n", .aligned = FACT_YES),
	ROW("no-from-domain", true, "From: somebody\r\n\r\n"),
	ROW("no-from-domain", true, "From: <x@localhost>\r\n\r\n"),
	ROW("no-from-domain", false, "From: <x@b.example>\r\n\r\n"),
	ROW("false-outlook", true, "X-Mailer: Microsoft Outlook Express 5.00.2615.200\r\n\r\n"),
	ROW("false-outlook", false, "X-Mailer: Microsoft Outlook Express 5.00\r\nX-MimeOLE: Produced By\r\n\r\n"),
	ROW("false-outlook", false, "X-Mailer: Microsoft Outlook 16.0\r\n\r\n"),
	ROW("bulk-program", true, "X-Mailer: PHPMailer 5.2\r\n\r\n"),
	ROW("bulk-program", false, "X-Mailer: Mutt\r\n\r\n"),
	ROW("no-mime-version", true, "Content-Type: multipart/mixed; boundary=b\r\n\r\n"),
	ROW("no-mime-version", false, "Content-Type: text/plain\r\n\r\n"),
	ROW("odd-zone", true, "Date: Mon, 23 Nov 2026 10:00:00 -1900\r\n\r\n"),
	ROW("odd-zone", true, "Date: Mon, 23 Nov 2026 10:00:00 +0107\r\n\r\n"),
	ROW("odd-zone", false, "Date: Mon, 23 Nov 2026 10:00:00 +1400\r\n\r\n"),
	ROW("odd-zone", false, "Date: Mon, 23 Nov 2026 10:00:00 +0545\r\n\r\n"),
	ROW("needless-encoding", true, "Subject: =?utf-8?B?aGVsbG8=?=\r\n\r\n"),
	ROW("needless-encoding", false, "Subject: =?utf-8?B?w7xiZXI=?=\r\n\r\n"),
	ROW("needless-encoding", false, "Subject: hello\r\n\r\n"),
	ROW("loud", true, "X-Priority: 1 (Highest)\r\n\r\n"),
	ROW("loud", false, "X-Priority: 3\r\n\r\n"),
	ROW("shouting", true, "Subject: buy now!!\r\n\r\n"),
	ROW("shouting", false, "Subject: buy now! really?\r\n\r\n"),
	ROW("no-subject", true, "Subject: \r\n\r\n"),
	ROW("no-subject", false, "Subject: x\r\n\r\n"),
	ROW("subject-names-you", true, "Subject: Ann, cheap stuff\r\n\r\n"),
	ROW("subject-names-you", false, "Subject: Annual report\r\n\r\n"),
	KNOWN("helo-ours", true, "\r\n", .helo = SLICE_INIT("example.org"), .spf_pass = FACT_NO, .aligned = FACT_NO),
	KNOWN("helo-ours", false, "\r\n", .helo = SLICE_INIT("example.org"), .aligned = FACT_NO), /* SPF not known */
	KNOWN("helo-ours", false, "\r\n", .helo = SLICE_INIT("example.org"), .spf_pass = FACT_NO), /* DKIM not known */
	KNOWN("helo-ours", false, "\r\n", .helo = SLICE_INIT("mail.example.org")),
	KNOWN("helo-ours", false, "\r\n", .helo = SLICE_INIT("example.org"), .spf_pass = FACT_YES),
	KNOWN("spf-fail", true, "\r\n", .spf_fail = true, .aligned = FACT_NO),
	KNOWN("spf-fail", false, "\r\n", .spf_fail = true), /* a signature that cannot be checked now */
	KNOWN("spf-fail", false, "\r\n", .spf_fail = true, .aligned = FACT_YES),
	KNOWN("spf-fail", false, "\r\n", .spf_fail = true, .aligned = FACT_NO, .indirect = true),
};

static const struct row rows_of_text[] = {
	ROW("mixed-words", true, "From: \"P\xd0\xb0yPal\" <x@x.example>\r\n\r\n"),
	ROW("mixed-words", false, "From: \"\xd0\x9f\xd0\xb0\xd1\x83\xd0\xbb PayPal\" <x@x.example>\r\n\r\n"),
	ROW("mixed-text", true, PLAIN "p\xd0\xb0y n\xd0\xbew s\xd0\xb0ve\r\n"),
	ROW("mixed-text", false, PLAIN "p\xd0\xb0y n\xd0\xbew \xd1\x81\xd0\xb0 save\r\n"),
	ROW("hidden-letters", true, PLAIN "vi\xe2\x80\x8b" "ag l\xe2\x80\x8do" "an c\xe2\x81\xa0" "asino\r\n"),
	ROW("hidden-letters", false, PLAIN "vi\xe2\x80\x8b" "ag l\xe2\x80\x8do" "an \xe2\x81\xa0" "casino\r\n"),
	ROW("hidden-letters", true, "Subject: c\xe2\x80\x8b" "asino\r\n\r\n"),
	ROW("hidden-letters", false, "Subject: \xe2\x80\x8b" "casino\r\n\r\n"),
	ROW("turned-text", true, PLAIN "see \xe2\x80\xae" "gpj.exe\r\n"),
	ROW("turned-text", false, PLAIN "see \xe2\x80\xaa" "exe\xe2\x80\xac\r\n"),
	ROW("false-charset", true, "Content-Type: text/plain; charset=us-ascii\r\n\r\ngr\xfc\xdf\r\n"),
	ROW("false-charset", false, "Content-Type: text/plain; charset=us-ascii\r\n\r\nhello\r\n"),
	ROW("link-address", true, HTML "<a href=\"http://192.0.2.1/x\">x</a>"),
	ROW("link-address", true, HTML "<a href=\"http://3221225985/x\">x</a>"),
	ROW("link-address", true, PLAIN "see http://192.0.2.1:8080/x\r\n"),
	ROW("link-address", false, HTML "<a href=\"http://192.example.org/x\">x</a>"),
	ROW("link-user", true, HTML "<a href=\"http://bank.example@evil.example/\">x</a>"),
	ROW("link-user", false, HTML "<a href=\"http://bank.example/@someone\">x</a> <a href=\"mailto:a@b.example\">y</a>"),
	ROW("link-escaped", true, HTML "<a href=\"http://%65vil.example/\">x</a>"),
	ROW("link-escaped", false, HTML "<a href=\"http://evil.example/%65\">x</a>"),
	ROW("link-code", true, HTML "<a href=\"data:text/html;base64,PGI+\">x</a>"),
	ROW("link-code", false, HTML "<a href=\"http://x.example/data:\">x</a>"),
	ROW("html-form", true, HTML "<form action=x><input></form>"),
	ROW("html-form", false, HTML "<p>form</p>"),
	ROW("html-script", true, HTML "<script>x()</script>"),
	ROW("html-script", false, HTML "<pre>script</pre>"),
	ROW("html-base", true, HTML "<base href=\"http://x.example/\">"),
	ROW("html-base", false, HTML "<b>base</b>"),
};

static const struct row rows_of_parts[] = {
	ROW("bad-attachment", true, FILE("run me.EXE. ") "x"),
	ROW("bad-attachment", true, FILE("x.lnk") "x"),
	ROW("bad-attachment", false, FILE("exe.txt") "x"),
	ROW("double-name", true, FILE("bill.pdf.scr") "x"),
	ROW("double-name", true, FILE("bill.pdf            .exe") "x"),
	ROW("double-name", true, FILE("bill\xe2\x80\xae" "fdp.exe") "x"),
	ROW("double-name", true, FILE("bill\xe2\x81\xa7" "fdp.exe") "x"),
	ROW("double-name", false, FILE("bill.v2.pdf") "x"),
	ROW("double-name", false, FILE("bill.pdf.txt") "x"),
	ROW("double-name", false, FILE("setup.exe") "x"),
	ROW("false-type", true, FILE("photo.jpg") "MZ\x90\x00" "123456789012345678901234567890123456789012345678901234567890\r\n"),
	ROW("false-type", false, FILE("photo.jpg") "MZ is a short word\r\n"),
	ROW("false-type", false, FILE("a.exe") "MZ\x90\x00" "123456789012345678901234567890123456789012345678901234567890\r\n"),
	ROW("false-type", true, FILE("photo.jpg") "\x7f" "ELF\x02\x01\x01"),
	ROW("false-type", false, FILE("photo.jpg") "ELF\x02\x01\x01"),
	ROW("false-type", true, FILE("photo.jpg") "\xcf\xfa\xed\xfe\x07"),
	ROW("false-type", true, FILE("photo.jpg") "\xca\xfe\xba\xbe\x00"),
	ROW("false-type", true, FILE("photo.jpg") "L\0\0\0\x01\x14\x02\0"),
	ROW("false-type", false, FILE("photo.jpg") "L\0\0\0\x01\x14\x03\0"),
	ROW("program-inside", true, FILE("a.zip") "PK\x03\x04" ENTRY("\x00", "\x05", "a.txt") ENTRY("\x00", "\x05", "b.exe")),
	ROW("program-inside", false, FILE("a.zip") "PK\x03\x04" ENTRY("\x00", "\x05", "a.txt") ENTRY("\x00", "\x05", "exe.b")),
	ROW("program-inside", false, FILE("a.zip") "PK\x03\x04" ENTRY("\x00", "\xff", "b.exe")), /* cut off */
	ROW("program-inside", false, FILE("a.bin") ENTRY("\x00", "\x05", "b.exe")),
	ROW("odd-container", true, FILE("disk.iso") "x"),
	ROW("odd-container", false, FILE("iso.txt") "x"),
	ROW("macros", true, FILE("a.docm") "PK\x03\x04" ENTRY("\x00", "\x13", "word/vbaProject.bin")),
	ROW("macros", true, FILE("a.doc") "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 x _\0V\0B\0A\0_\0P\0R\0O\0J\0E\0C\0T\0"),
	ROW("macros", false, FILE("a.docx") "PK\x03\x04" ENTRY("\x00", "\x11", "word/document.xml")),
	ROW("macros", false, FILE("a.doc") "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 x VBA_PROJECT"),
	ROW("locked", true, FILE("a.zip") "PK\x03\x04" ENTRY("\x01", "\x05", "a.txt")),
	ROW("locked", false, FILE("a.zip") "PK\x03\x04" ENTRY("\x08", "\x05", "a.txt")),
	ROW("locked", true, FILE("a.rar") "Rar!\x1a\x07\x01\x00\x90\x73\x04\0\0\x0d"),
	ROW("locked", false, FILE("a.rar") "Rar!\x1a\x07\x01\x00\x90\x73\x05\0\0\x0d"),
	ROW("locked", true, FILE("a.docx") "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e\0"),
	ROW("locked", false, FILE("a.docx") "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 EncryptedPackage"),
	ROW("locked-with-key", true, MIXED("the password is 123", "a.zip", "8bit") "PK\x03\x04" ENTRY("\x01", "\x05", "a.txt") END),
	ROW("locked-with-key", false, MIXED("ring me up for it", "a.zip", "8bit") "PK\x03\x04" ENTRY("\x01", "\x05", "a.txt") END),
	ROW("locked-with-key", false, MIXED("the password is 123", "a.zip", "8bit") "PK\x03\x04" ENTRY("\x00", "\x05", "a.txt") END),
	ROW("live-page", true, MIXED("see", "bill.html", "base64") "PGZvcm0gYWN0aW9uPXg+" END),
	ROW("live-page", true, MIXED("see", "bill.svg", "8bit") "<SCRIPT>x</script>" END),
	ROW("live-page", true, MIXED("see", "bill.htm", "8bit") "<p>eval(x)" END),
	ROW("live-page", true, MIXED("see", "bill.htm", "8bit") "<p>unescape(x)" END),
	ROW("live-page", true, MIXED("see", "bill.htm", "8bit") "<p>atob(x)" END),
	ROW("live-page", true, MIXED("see", "bill.htm", "8bit") "<meta http-equiv=\"refresh\">" END),
	ROW("live-page", true, MIXED("see", "bill.htm", "8bit") "<p onload=x>" END),
	ROW("live-page", false, MIXED("see", "bill.txt", "8bit") "<form>" END),
	ROW("live-page", false, MIXED("see", "bill.html", "base64") "PHA+aGVsbG88L3A+" END),
	ROW("only-attachment", true, MIXED(" ", "a.pdf", "8bit") "x" END),
	ROW("only-attachment", false, MIXED("here is the bill you asked for", "a.pdf", "8bit") "x" END),
};

static void check(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct arena *a = arena_new(0);
		struct facts f = rows[i].facts;
		struct rule_case c;
		struct header h;
		struct mime m;
		bool found = false;

		header_parse(a, rows[i].message, &h);
		mime_parse(a, rows[i].message, &m);
		f.header = &h;
		f.mime = &m;
		rule_case_begin(&c, a, &f);
		for (size_t k = 0; k < rules_n; k++) {
			if (strcmp(rules[k].name, rows[i].rule) != 0)
				continue;
			found = true;
			if ((rules[k].test(&c) != 0) != rows[i].fires)
				fail_msg("row %zu: %s %s", i, rows[i].rule, rows[i].fires ? "is not seen" : "is seen");
		}
		if (!found)
			fail_msg("row %zu: no rule is called %s", i, rows[i].rule);
		arena_free(a);
	}
}

static void fields_are_looked_at(void **state)
{
	(void)state;
	check(rows_of_fields, COUNT_OF(rows_of_fields));
}

static void text_and_links_are_looked_at(void **state)
{
	(void)state;
	check(rows_of_text, COUNT_OF(rows_of_text));
}

static void attachments_are_looked_at(void **state)
{
	(void)state;
	check(rows_of_parts, COUNT_OF(rows_of_parts));
}

/* Two pages, of which the second asks for something: 8 MiB of a message are looked at. */
static void no_more_than_so_much_is_looked_at(void **state)
{
	static const struct {
		size_t first;
		bool fires;
	} cases[] = { { 1 << 20, true }, { 9 << 19, false } };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf b = BUF_INIT(16 << 20);
		struct row row = { "live-page", cases[i].fires, { .rcpt = SLICE_INIT(RCPT) }, { 0 } };

		(void)buf_addz(&b, MIXED("see", "one.htm", "8bit"));
		for (size_t k = 0; k < cases[i].first / 64; k++)
			(void)buf_addz(&b, "<p>nothing to see here, and nothing to be asked for either</p>\r\n");
		(void)buf_addz(&b, "\r\n--b\r\nContent-Type: application/octet-stream; name=\"two.htm\"\r\n\r\n");
		for (size_t k = 0; k < (9 << 19) / 64; k++)
			(void)buf_addz(&b, "<p>nothing to see here, and nothing to be asked for either</p>\r\n");
		(void)buf_addz(&b, "<form>" END);
		row.message = buf_slice(&b);
		check(&row, 1);
		buf_free(&b);
	}
}

/* Every rule of this kind in the table has a row that fires and one that does not; no honest message is junked by what it looks like,
 * so no rule but those of programs is worth half of what junks. */
static void each_rule_is_small_and_tested(void **state)
{
	static const char *const large[] = { "gtube", "bad-attachment", "program-inside" };
	const struct row *all[] = { rows_of_fields, rows_of_text, rows_of_parts };
	const size_t n[] = { COUNT_OF(rows_of_fields), COUNT_OF(rows_of_text), COUNT_OF(rows_of_parts) };

	(void)state;
	for (size_t g = 0; g < COUNT_OF(all); g++)
		for (size_t i = 0; i < n[g]; i++) {
			bool both[2] = { false, false };

			for (size_t k = 0; k < n[g]; k++)
				if (strcmp(all[g][k].rule, all[g][i].rule) == 0)
					both[all[g][k].fires] = true;
			if (!both[0] || !both[1])
				fail_msg("%s has but one kind of row", all[g][i].rule);
		}
	for (size_t k = 0; k < rules_n; k++) {
		bool may = rules[k].points <= 2;

		for (size_t i = 0; i < COUNT_OF(large); i++)
			may = may || strcmp(rules[k].name, large[i]) == 0;
		if (!may)
			fail_msg("%s is worth %.1f points", rules[k].name, rules[k].points);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_are_looked_at),
		cmocka_unit_test(text_and_links_are_looked_at),
		cmocka_unit_test(attachments_are_looked_at),
		cmocka_unit_test(no_more_than_so_much_is_looked_at),
		cmocka_unit_test(each_rule_is_small_and_tested),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
