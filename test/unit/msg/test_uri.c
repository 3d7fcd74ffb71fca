/* Where links lead: one URI as browsers read it, and which of them a message holds. */
#include "check.h"

#include <string.h>

#include "core/buf.h"
#include "core/domain.h"
#include "core/limits.h"
#include "core/mem.h"
#include "msg/uri.h"

static void a_uri_leads_where_a_click_would(void **state)
{
	static const struct {
		const char *uri, *host; /* NULL: nowhere */
	} cases[] = {
		{ "http://shop.example/", "shop.example" },
		{ "HTTPS://Shop.EXAMPLE", "shop.example" },
		{ "//shop.example/x", "shop.example" },
		{ " \t http://shop.example/x \r\n", "shop.example" },
		{ "ht\ntp://sh\top.exam\r\nple/", "shop.example" }, /* dropped inside too */
		{ "http:\\\\shop.example\\x", "shop.example" },
		{ "http:/shop.example", "shop.example" },
		{ "http:shop.example", "shop.example" },
		{ "http:////shop.example", "shop.example" },
		{ "http://shop.example:8080/?a=b", "shop.example" },
		{ "http://shop.example?bank.example", "shop.example" },
		{ "http://shop.example#@bank.example", "shop.example" },
		{ "http://bank.example@evil.example/", "evil.example" },
		{ "http://bank.example:80@evil.example:80/", "evil.example" },
		{ "http://a@b@evil.example/", "evil.example" },
		{ "http://bank.example%2f@evil.example/", "evil.example" },
		{ "http://evil%2Eexample/", "evil.example" },
		{ "http://%65vil.example/", "evil.example" },
		{ "http://evil.example./", "evil.example" },
		{ "http://evil\xe3\x80\x82"
		  "example\xef\xbd\xa1/",
		    "evil.example" }, /* ideographic full stops */
		{ "http://b\xc3\xbc"
		  "cher.example/",
		    "xn--bcher-kva.example" },
		{ "http://b%C3%BCcher.example/", "xn--bcher-kva.example" },
		{ "http://xn--bcher-kva.example/", "xn--bcher-kva.example" },
		{ "http://\xef\xbc\xa5vil.example/", "evil.example" }, /* a wide E */
		{ "http://e\xc2\xadvil.example/", "evil.example" },    /* a soft hyphen */
		{ "http://192.0.2.1/", "192.0.2.1" },
		{ "http://192.0.513/", "192.0.2.1" },
		{ "http://3221225985/", "192.0.2.1" },
		{ "http://0xC0000201/", "192.0.2.1" },
		{ "http://0300.0.02.0x1/", "192.0.2.1" },
		{ "http://[2001:DB8::1]:80/", "2001:db8::1" },
		{ "http://[::ffff:192.0.2.1]/", "192.0.2.1" },
		{ "ftp://files.example/", "files.example" },
		/* nowhere */
		{ "http://256.0.0.1/", NULL },
		{ "http://1.2.3.4.5/", NULL },
		{ "http://4294967296/", NULL },
		{ "http://shop.1/", NULL },
		{ "http://localhost/", NULL },
		{ "http://[shop.example]/", NULL },
		{ "http://[", NULL },
		{ "http://", NULL },
		{ "http://@/", NULL },
		{ "http://sh op.example/", NULL },
		{ "http://-shop-.example/", NULL },
		{ "mailto:a@shop.example", NULL },
		{ "cid:part@shop.example", NULL },
		{ "javascript://shop.example/", NULL },
		{ "shop.example/x", NULL }, /* a path, in a link */
		{ "/x", NULL },
		{ "", NULL },
	};
	struct arena *a = arena_new(0);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct uri_host h;
		bool leads = uri_host(a, slice_of(cases[i].uri), &h);

		if (leads != (cases[i].host != NULL) ||
		    (leads && !slice_eq(h.name, slice_of(cases[i].host))))
			fail_msg("\"%s\" leads to " SLICE_FMT, cases[i].uri, SLICE_ARG(h.name));
	}
	arena_free(a);
}

/* "name name", those without a scheme in parentheses. */
static const char *shown(struct arena *a, const struct uri_hosts *found)
{
	struct buf out = BUF_INIT(65536);
	const char *text;

	for (size_t i = 0; i < found->n; i++)
		(void)buf_fmt(&out, found->v[i].bare ? "%s(" SLICE_FMT ")" : "%s" SLICE_FMT,
		    i > 0 ? " " : "", SLICE_ARG(found->v[i].name));
	text = arena_strdup(a, buf_slice(&out));
	buf_free(&out);
	return (text);
}

static void texts_name_hosts(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "see http://a.example/x.", "a.example" },
		{ "(https://a.example), <http://b.example>;\"ftp://c.example\"",
		    "a.example b.example c.example" },
		{ "seehttp://a.example", "a.example" },
		{ "go to www.a.example/buy or b.example.", "(www.a.example) (b.example)" },
		{ "http://a.example and a.example", "a.example" },
		{ "a.example and http://a.example", "a.example" },
		{ "write to ann@a.example, or to b.example@c.example", "" },
		{ "version 1.2.3, e.g. now, 10.0.0.1, ... and so.on", "(so.on)" },
		{ "https://a.example/go?to=http://b.example/", "a.example b.example" },
		{ "https://a.example/go?to=http%3A%2F%2Fb.example%2F", "a.example b.example" },
		{ "http://a.example\xe5\x90\xa7", "a.example" }, /* no blank in this script */
		{ "http://", "" },
		{ "://a.example", "" },
		{ "", "" },
	};
	struct arena *a = arena_new(0);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct uri_hosts found = { .n = 0 };

		uri_find_text(a, slice_of(cases[i].text), &found);
		if (i != 10) /* more may be found there */
			assert_string_equal(shown(a, &found), cases[i].want);
		else
			assert_non_null(strstr(shown(a, &found), cases[i].want));
	}
	arena_free(a);
}

static void pages_name_hosts(void **state)
{
	static const struct {
		const char *html, *want;
	} cases[] = {
		{ "<a href='http://a.example/'>x</a>", "a.example" },
		{ "<a href=http&#58;&#47;&#47;a.example>http://b.example</a>",
		    "a.example b.example" },
		{ "<form action='https://a.example/'><input formaction=//b.example>",
		    "a.example b.example" },
		{ "<img src='http://a.example/1.gif'><table background='http://b.example/'>",
		    "a.example b.example" },
		{ "<base href='http://a.example/'><a href='x.html'>click</a>", "a.example" },
		{ "<iframe src=//a.example></iframe><link href=//b.example>",
		    "a.example b.example" },
		{ "ev<b></b>il.example", "(evil.example)" },
		{ "<p style='display:none'>http://a.example</p>", "" }, /* nobody sees it */
		{ "<!-- http://a.example -->", "" },
		{ "<a href='mailto:a@b.example'>a@b.example</a>", "" },
		{ "<a href='https://a.example/r?u=https%3a%2f%2fb.example'>x</a>",
		    "a.example b.example" },
	};
	struct arena *a = arena_new(0);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct uri_hosts found = { .n = 0 };

		uri_find_html(a, slice_of(cases[i].html), &found);
		assert_string_equal(shown(a, &found), cases[i].want);
	}
	arena_free(a);
}

static void parts_are_decoded_and_attachments_are_not_links(void **state)
{
	static const char message[] =
	    "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
	    "--b\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n"
	    "aHR0cDovL2EuZXhhbXBsZS8=\r\n" /* http://a.example/ */
	    "--b\r\nContent-Type: text/html; charset=utf-16be\r\n"
	    "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
	    "=00<=00a=00 =00h=00r=00e=00f=00=3D=00/=00/=00b=00.=00e=00x=00>\r\n"
	    "--b\r\nContent-Type: text/plain\r\nContent-Disposition: attachment\r\n\r\n"
	    "http://c.example/\r\n"
	    "--b\r\nContent-Type: image/png\r\n\r\nhttp://d.example/\r\n"
	    "--b--\r\n";
	struct arena *a = arena_new(0);
	struct uri_hosts found = { .n = 0 };
	struct mime m;

	(void)state;
	mime_parse(a, slice_of(message), &m);
	uri_find(a, &m, &found);
	assert_string_equal(shown(a, &found), "a.example b.ex");
	arena_free(a);
}

static void of_too_many_the_ends_are_kept(void **state)
{
	struct arena *a = arena_new(0);
	struct uri_hosts found = { .n = 0 };
	struct buf text = BUF_INIT(1 << 20);
	bool first = false, last = false;

	(void)state;
	for (unsigned i = 0; i < 10 * L_URI_FOUND; i++)
		(void)buf_fmt(&text, "http://h%u.example/ ", i);
	uri_find_text(a, buf_slice(&text), &found);
	assert_int_equal(found.n, L_URI_FOUND);
	for (size_t i = 0; i < found.n; i++) {
		first = first || slice_eq(found.v[i].name, SLICE("h0.example"));
		last = last || slice_eq(found.v[i].name, SLICE("h1999.example"));
	}
	assert_true(first && last);
	/* In their order, whatever place they were given. */
	assert_true(slice_eq(uri_hosts_at(&found, 0)->name, SLICE("h0.example")));
	assert_true(slice_eq(uri_hosts_at(&found, L_URI_FOUND / 2 - 1)->name, SLICE("h99.example")));
	assert_true(slice_eq(uri_hosts_at(&found, L_URI_FOUND / 2)->name, SLICE("h1900.example")));
	assert_true(slice_eq(uri_hosts_at(&found, L_URI_FOUND - 1)->name, SLICE("h1999.example")));
	buf_free(&text);
	arena_free(a);
}

static void signs_without_end_cost_what_they_measure(void **state)
{
	static const char *const signs[] = { "://", "http://", "http://a.example/" };
	struct uri_hosts found;
	struct arena *a;

	(void)state;
	for (size_t k = 0; k < COUNT_OF(signs); k++) {
		struct buf text = BUF_INIT(1 << 17);

		while (text.n < 1 << 16) { /* words as long as are looked at */
			size_t from = text.n;

			while (text.n - from < L_URI - 20)
				(void)buf_addz(&text, signs[k]);
			(void)buf_addz(&text, " ");
		}
		a = arena_new(0);
		found = (struct uri_hosts){ .n = 0 };
		uri_find_text(a, buf_slice(&text), &found);
		assert_int_equal(found.n, k == 2);
		assert_true(arena_used(a) < 1 << 16);
		arena_free(a);
		buf_free(&text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_uri_leads_where_a_click_would),
		cmocka_unit_test(texts_name_hosts),
		cmocka_unit_test(pages_name_hosts),
		cmocka_unit_test(parts_are_decoded_and_attachments_are_not_links),
		cmocka_unit_test(of_too_many_the_ends_are_kept),
		cmocka_unit_test(signs_without_end_cost_what_they_measure),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
