/* The law: what was read and written again reads the same: local parts and domains come back, in order. */
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
		case ADDR_GROUP_END:
			(void)buf_addz(out, ";, ");
			break;
		case ADDR_MAILBOX:
			(void)write_quoted(out, v->name);
			(void)buf_addz(out, " <");
			(void)addr_write(out, v->local, v->domain);
			(void)buf_addz(out, ">, ");
			break;
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice in = { (const char *)data, n };
	struct arena *a = arena_new(0);
	struct buf one = BUF_INIT(1u << 24), two = BUF_INIT(1u << 24);
	struct addr_list first, second, third;
	size_t groups = 0, ends = 0;

	addr_parse(a, in, &first);
	if (first.n > L_ADDR + 1)
		abort();
	for (size_t i = 0; i < first.n; i++) {
		groups += first.v[i].kind == ADDR_GROUP ? 1 : 0;
		ends += first.v[i].kind == ADDR_GROUP_END ? 1 : 0;
	}
	if (groups != ends)
		abort();
	print(&first, &one);
	if (!first.cut) {
		addr_parse(a, buf_slice(&one), &second);
		print(&second, &two);
		if (second.n != first.n || !slice_eq(buf_slice(&one), buf_slice(&two))) {
			(void)fprintf(stderr, "[" SLICE_FMT "]\n[" SLICE_FMT "]\n", SLICE_ARG(buf_slice(&one)),
			    SLICE_ARG(buf_slice(&two)));
			abort();
		}
		if (second.faulty) /* what we write is well formed */
			abort();
		addr_parse(a, buf_slice(&two), &third);
		if (third.n != second.n)
			abort();
	}
	buf_free(&one);
	buf_free(&two);
	arena_free(a);
	return (0);
}
