/* The laws: hosts are distinct, few, and names the DNS can hold or addresses; a link to a host that was found
 * leads to that host again; and wherever it stands in a text or page, it is found there. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/domain.h"
#include "core/limits.h"
#include "msg/uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static bool holds(const struct uri_hosts *found, struct slice name)
{
	for (size_t i = 0; i < found->n; i++)
		if (slice_eq(found->v[i].name, name))
			return (true);
	return (false);
}

static void look_again(struct arena *a, const struct uri_host *h)
{
	const char *form =
	    h->is_address && h->ip.is_v6 ? "http://[" SLICE_FMT "]/" : "http://" SLICE_FMT "/";
	struct uri_hosts text = { .n = 0 }, page = { .n = 0 };
	struct uri_host again;
	char url[300];

	must(snprintf(url, sizeof(url), form, SLICE_ARG(h->name)) < (int)sizeof(url));
	must(uri_host(a, slice_of(url), &again));
	must(slice_eq(again.name, h->name) && again.is_address == h->is_address);
	uri_find_text(a, slice_of(arena_fmt(a, "x %s y", url)), &text);
	must(holds(&text, h->name));
	uri_find_html(a, slice_of(arena_fmt(a, "<p><a href='%s'>x</a>", url)), &page);
	must(page.n == 1 && holds(&page, h->name));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice in = { (const char *)data, n };
	struct arena *a = arena_new(0);
	struct uri_hosts found = { .n = 0 };
	struct uri_host one;

	if (uri_host(a, in, &one))
		look_again(a, &one);
	uri_find_text(a, in, &found);
	uri_find_html(a, in, &found);
	must(found.n <= L_URI_FOUND);
	for (size_t i = 0; i < found.n; i++) {
		const struct uri_host *h = &found.v[i];

		must(h->is_address || (domain_ok(h->name) && slice_chr(h->name, '.') != SIZE_MAX));
		for (size_t k = 0; k < i; k++)
			must(!slice_eq(found.v[k].name, h->name));
		if (i < 8)
			look_again(a, h);
	}
	arena_free(a);
	return (0);
}
