/* fuzz_send_on.c: laws: what bears our Received for an account never goes on for it again, whoever had it since and whatever stands below; what
 * names no field that speaks against it goes on; and what is said once is said again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "spam/send_on.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const char text[] =
    "hostname = \"mx.here.example\"\ndata = \"/tmp\"\n[tls]\ncertificate = \"c\"\nkey = \"k\"\n"
    "[domain.\"here.example\"]\n[account.ann]\naddresses = [\"ann@here.example\"]\n"
    "[[rule]]\nsubject = \"x\"\naction = \"forward\"\nforward = \"x@there.example\"\n";
static const char ours[] = "Received: from a (b [192.0.2.1])\r\n\tby mx.here.example with ESMTP\r\n\tid m-1\r\n\tfor <ann@here.example>;\r\n"
			   "\tMon, 1 Jan 2024 00:00:00 +0000\r\n";
static const char theirs[] = "Received: from mx.here.example by far.example with ESMTP id 7; Mon, 1 Jan 2024 00:00:01 +0000\r\n";

static const char *ask(struct arena *a, const struct cfg *cfg, struct slice message)
{
	struct facts f = { .mail_from = SLICE("z@far.example"), .account = "ann" };
	struct header h;

	header_parse(a, message, &h);
	f.header = &h;
	return (send_on_against(a, &f, cfg, cfg->rules));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const struct slice names[] = { SLICE_INIT("received"), SLICE_INIT("delivered-to"),
		SLICE_INIT("auto-submitted"), SLICE_INIT("content-type") };
	struct slice in = { (const char *)data, n };
	struct arena *a = arena_new(0);
	struct cfg *cfg = cfg_load_text("/etc/pennypost.toml", slice_of(text), NULL, NULL);
	struct buf round = BUF_INIT(n + sizeof(ours) + 2 * sizeof(theirs));
	const char *why;
	bool named = false;

	if (cfg == NULL)
		abort();
	why = ask(a, cfg, in);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		named = named || slice_ifind(in, names[i]) != SIZE_MAX;
	if (why != NULL && !named)
		abort();
	if (why != ask(a, cfg, in))
		abort();
	for (unsigned i = n > 0 ? data[0] % 3 : 0; i > 0; i--)
		(void)buf_addz(&round, theirs);
	(void)buf_addz(&round, ours);
	(void)buf_add_slice(&round, in);
	if (ask(a, cfg, buf_slice(&round)) == NULL)
		abort();
	buf_free(&round);
	cfg_free(cfg);
	arena_free(a);
	return (0);
}
