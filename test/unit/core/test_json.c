/* Is what is written valid JSON, whatever octets go in? */
#include "check.h"

#include "core/json.h"
#include "core/mem.h"

#include <math.h>

static void nesting_and_commas(void **state)
{
	struct buf out = BUF_INIT(4096);
	struct json j;

	(void)state;
	json_begin(&j, &out);
	json_open(&j, NULL, '{');
	json_put_string(&j, "a", SLICE("x"));
	json_open(&j, "list", '[');
	json_put_int(&j, NULL, -1);
	json_put_uint(&j, NULL, UINT64_MAX);
	json_open(&j, NULL, '{');
	json_close(&j, '}');
	json_put_bool(&j, NULL, true);
	json_close(&j, ']');
	json_put_stringz(&j, "none", NULL);
	json_put_real(&j, "r", 0.5);
	json_put_real(&j, "nan", NAN);
	json_put_int(&j, "least", INT64_MIN);
	json_close(&j, '}');
	assert_string_equal(buf_z(&out), "{\"a\":\"x\",\"list\":[-1,18446744073709551615,{},true],\"none\":null,"
	    "\"r\":0.5,\"nan\":null,\"least\":-9223372036854775808}");
	buf_free(&out);
}

static void strings_are_quoted(void **state)
{
	static const struct {
		struct slice in;
		const char *out;
	} cases[] = {
		{ SLICE_INIT(""), "\"\"" },
		{ SLICE_INIT("a\"b\\c"), "\"a\\\"b\\\\c\"" },
		{ SLICE_INIT("\r\n\t\0\x1f\x7f"), "\"\\r\\n\\t\\u0000\\u001f\\u007f\"" },
		{ SLICE_INIT("</script>&"), "\"\\u003c/script\\u003e\\u0026\"" },
		{ SLICE_INIT("f\xc3\xbcr \xf0\x9f\x93\xa7"), "\"f\xc3\xbcr \xf0\x9f\x93\xa7\"" },
		{ SLICE_INIT("\xc3"), "\"\xef\xbf\xbd\"" },
		{ SLICE_INIT("\xc0\xaf"), "\"\xef\xbf\xbd\xef\xbf\xbd\"" },		      /* overlong */
		{ SLICE_INIT("\xed\xa0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" }, /* surrogate */
		{ SLICE_INIT("\xf4\x90\x80\x80x"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdx\"" },
		{ SLICE_INIT("\xe2\x82z"), "\"\xef\xbf\xbd\xef\xbf\xbdz\"" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf out = BUF_INIT(4096);

		json_quote(&out, cases[i].in);
		assert_string_equal(buf_z(&out), cases[i].out);
		buf_free(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nesting_and_commas),
		cmocka_unit_test(strings_are_quoted),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
