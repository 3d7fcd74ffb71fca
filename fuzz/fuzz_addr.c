/* The laws: groups open and close; what was read and written again is well formed and reads the
 * same, kind by kind, name, local part and domain, whatever state the first text was in. Only
 * octets that no field may hold come back as
 * "?". No octet is used often. Routes are not written. A faulty first text may hold anything, but
 * what was found in it is still sayable. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/buf.h"
#include "core/limits.h"
#include "msg/addr.h"
#include "msg/write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void print(const struct addr_list *l, struct buf *out)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct addr *v = &l->v[i];

		switch (v->kind) {
		case ADDR_GROUP:
			(void)write_quoted(out, v->name);
			(void)buf_addz(out, ": ");
			break;
		case ADDR_GROUP_END: (void)buf_addz(out, ";, "); break;
		case ADDR_MAILBOX:
			(void)write_quoted(out, v->name);
			(void)buf_addz(out, " <");
			(void)addr_write(out, v->local, v->domain);
			(void)buf_addz(out, ">, ");
			break;
		}
	}
}

/* Equal but for what cannot be written: ${controls} are "?" in names, CR, LF and NUL elsewhere too.
 */
static bool is_said(struct slice was, struct slice is, bool controls)
{
	if (was.n != is.n)
		return (false);
	for (size_t i = 0; i < was.n; i++) {
		unsigned char c = (unsigned char)was.p[i];
		bool lost = c == 0 || c == '\r' || c == '\n' ||
		    (controls && ((c < 32 && c != '\t') || c == 127));

		if (is.p[i] != (lost ? '?' : was.p[i]))
			return (false);
	}
	return (true);
}

static void must_agree(const struct addr_list *was, const struct addr_list *is)
{
	struct slice one, two;

	if (was->n != is->n || is->faulty || is->cut)
		abort();
	for (size_t i = 0; i < was->n; i++) {
		const struct addr *a = &was->v[i], *b = &is->v[i];

		if (a->kind != b->kind || !is_said(a->name, b->name, true) ||
		    !is_said(a->local, b->local, false) || !is_said(a->domain, b->domain, false))
			abort();
	}
	if (addr_single_domain(was, &one) && !(addr_single_domain(is, &two) && one.n == two.n))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice in = { (const char *)data, n };
	struct arena *a = arena_new(0);
	struct buf one = BUF_INIT(1u << 24), two = BUF_INIT(1u << 24);
	struct addr_list first, second, third;
	size_t groups = 0, ends = 0, octets = 0;

	addr_parse(a, in, &first);
	if (first.n > L_ADDR + 1)
		abort();
	for (size_t i = 0; i < first.n; i++) {
		octets += first.v[i].name.n + first.v[i].local.n + first.v[i].domain.n +
		    first.v[i].route.n;
		groups += first.v[i].kind == ADDR_GROUP ? 1 : 0;
		ends += first.v[i].kind == ADDR_GROUP_END ? 1 : 0;
	}
	if (groups != ends)
		abort();
	if (octets > 3 * n) /* MIM-03: nothing is told of more than a few elements */
		abort();
	print(&first, &one);
	if (!first.cut) {
		addr_parse(a, buf_slice(&one), &second);
		print(&second, &two);
		if (second.n != first.n || !slice_eq(buf_slice(&one), buf_slice(&two))) {
			(void)fprintf(stderr, "[" SLICE_FMT "]\n[" SLICE_FMT "]\n",
			    SLICE_ARG(buf_slice(&one)), SLICE_ARG(buf_slice(&two)));
			abort();
		}
		must_agree(&first, &second);
		addr_parse(a, buf_slice(&two), &third);
		must_agree(&second, &third);
	}
	buf_free(&one);
	buf_free(&two);
	arena_free(a);
	return (0);
}
