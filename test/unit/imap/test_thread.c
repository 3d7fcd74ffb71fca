/* Threads: examples of RFC 5256, shapes real mailboxes have, and hostile ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "core/mem.h"
#include "imap/thread.h"

enum { MOST = 32, REFS = 128 };

/* "id<ref,ref subject@sent[!received]" for each message; ids are one letter, "-" none; a subject
 * in capitals is a reply; "." is the empty one. */
static size_t read_shape(const char *z, struct thread_message *m, uint64_t *refs)
{
	size_t n = 0;
	uint32_t refs_n = 0;

	while (*z != '\0') {
		struct thread_message *x = &m[n];
		char *end;

		*x = (struct thread_message){ .number = (uint32_t)++n, .refs_at = refs_n };
		x->id = *z == '-' ? 0 : (uint64_t)*z;
		for (z++; *z == '<' || *z == ','; z += 2) {
			refs[refs_n++] = (uint64_t)z[1];
			x->refs_n++;
		}
		z++; /* space */
		x->is_reply = *z >= 'A' && *z <= 'Z';
		x->subject = *z == '.' ? 0 : (uint64_t)(*z | 32);
		z += 2; /* subject, "@" */
		x->sent = x->received = strtol(z, &end, 10);
		z = end;
		if (*z == '!') {
			x->received = strtol(z + 1, &end, 10);
			z = end;
		}
		while (*z == ';' || *z == ' ')
			z++;
	}
	return (n);
}

static void shapes_thread_as_the_rfc_says(void **state)
{
	static const struct {
		enum thread_kind kind;
		const char *shape, *want;
	} cases[] = {
		{ THREAD_REFERENCES, "", "" },
		{ THREAD_REFERENCES, "a x@1; b y@2", "(1)(2)" },
		{ THREAD_REFERENCES, "a x@1; b<a X@2; c<a,b X@3", "(1 2 3)" },
		/* RFC 5256 4: "(3 6 (4 23)(44 7 96))" */
		{ THREAD_REFERENCES,
		    "b y@1; c x@2; d<c,f X@4; f<c X@3; g<c,f,d X@5; h<c,f X@6; i<c,f,h X@7; "
		    "j<c,f,h,i X@8",
		    "(1)(2 4 (3 5)(6 7 8))" },
		/* the parent is not here: two children hang on a dummy, an only one is promoted */
		{ THREAD_REFERENCES, "a<z X@1; b<z Y@2", "((1)(2))" },
		{ THREAD_REFERENCES, "a<z X@1", "(1)" },
		{ THREAD_REFERENCES, "a<y,z X@1; b<y X@2", "((1)(2))" },
		/* a dummy inside gives its children to its parent */
		{ THREAD_REFERENCES, "a x@1; b<a,z X@2; c<a,z X@3", "(1 (2)(3))" },
		{ THREAD_REFERENCES, "a x@1; b<a,y,z X@2", "(1 2)" },
		/* siblings by when they were sent, then by number */
		{ THREAD_REFERENCES, "a x@9; b<a X@8; c<a X@7; d<a X@8", "(1 (3)(2)(4))" },
		{ THREAD_REFERENCES, "a x@5; b y@3; c z@3", "(2)(3)(1)" },
		/* same subject, no references: a reply goes under what is none */
		{ THREAD_REFERENCES, "a x@1; b X@2; c X@3", "(1 (2)(3))" },
		{ THREAD_REFERENCES, "a X@1; b x@2", "(2 1)" },
		{ THREAD_REFERENCES, "a x@1; b x@2; c X@3", "((1)(2)(3))" },
		{ THREAD_REFERENCES, "a X@1; b X@2", "((1)(2))" },
		{ THREAD_REFERENCES, "a .@1; b .@2", "(1)(2)" },
		/* two dummies of one subject become one */
		{ THREAD_REFERENCES, "a<y X@1; b<y X@2; c<z X@3; d<z X@4; e x@5",
		    "((1)(2)(3)(4)(5))" },
		/* loops, self-references, doubled ids */
		{ THREAD_REFERENCES, "a<a x@1", "(1)" },
		{ THREAD_REFERENCES, "a<b x@1; b<a y@2", "(2 1)" },
		{ THREAD_REFERENCES, "a<c x@1; b<a y@2; c<b z@3", "(3 1 2)" },
		{ THREAD_REFERENCES, "a x@1; a y@2; b<a z@3", "(1 3)(2)" },
		{ THREAD_REFERENCES, "- x@1; - y@2", "(1)(2)" },
		{ THREAD_REFERENCES, "b<a,a,b,a X@1; a x@2", "(2 1)" },
		/* its own References win over what another says of it */
		{ THREAD_REFERENCES, "c<a,b X@3; b y@1; a x@2", "(2 1)(3)" },
		{ THREAD_REFERENCES, "d<b,c x@1; c<a y@2; a z@3; b w@4", "(3 2 1)(4)" },
		/* one who has a parent keeps it, whatever a later message says */
		{ THREAD_REFERENCES, "a x@1; d y@2; b<a z@3; c<d,b w@4", "(1 3 4)(2)" },
		/* an only child is promoted before subjects are gathered */
		{ THREAD_REFERENCES, "a<z X@1; b x@2", "(2 1)" },
		/* REFS: subjects do not matter; the thread with the newest message is last */
		{ THREAD_REFS, "a x@1; b X@2; c<a X@3", "(2)(1 3)" },
		{ THREAD_REFS, "a x@1!9; b y@2!3", "(2)(1)" },
		{ THREAD_REFS, "a<z X@1; b<z Y@2", "((1)(2))" },
		{ THREAD_ORDEREDSUBJECT, "a x@1; b<a y@2; c X@3; d x@4; e y@5", "(1 (3)(4))(2 5)" },
		{ THREAD_ORDEREDSUBJECT, "a x@5; b y@4; c x@3", "(3 1)(2)" },
		{ THREAD_ORDEREDSUBJECT, "", "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct thread_message m[MOST];
		uint64_t refs[REFS];
		size_t n = read_shape(cases[i].shape, m, refs);
		struct buf out = BUF_INIT(THREAD_NUMBER_OCTETS * (n + 1));

		thread_write(cases[i].kind, m, n, refs, &out);
		if (strcmp(buf_z(&out), cases[i].want) != 0)
			fail_msg("%s: got %s, not %s", cases[i].shape, buf_z(&out), cases[i].want);
		buf_free(&out);
	}
}

/* Whatever refers to whatever: each number is said once and the parentheses match. */
static void every_message_is_said_once(void **state)
{
	unsigned seed = 7;

	(void)state;
	for (unsigned round = 0; round < 3000; round++) {
		enum { N = 24 };
		struct thread_message m[N];
		uint64_t refs[N * 4];
		struct buf out = BUF_INIT(THREAD_NUMBER_OCTETS * (N + 1));
		unsigned seen[N + 1] = { 0 };
		int depth = 0;

		for (uint32_t i = 0; i < N; i++) {
			m[i] = (struct thread_message){ .number = i + 1, .refs_at = i * 4 };
			seed = seed * 1103515245 + 12345;
			m[i].id = seed >> 16 & 31;
			m[i].subject = seed >> 21 & 3;
			m[i].is_reply = (seed >> 24 & 1) != 0;
			m[i].refs_n = seed >> 25 & 3;
			m[i].sent = m[i].received = seed >> 27 & 7;
			for (uint32_t k = 0; k < 4; k++) {
				seed = seed * 1103515245 + 12345;
				refs[i * 4 + k] = 1 + (seed >> 16 & 31);
			}
		}
		thread_write((enum thread_kind)(round % 3), m, N, refs, &out);
		assert_false(out.failed);
		for (const char *p = buf_z(&out); *p != '\0';) {
			depth += *p == '(' ? 1 : *p == ')' ? -1 : 0;
			assert_true(depth >= 0);
			if (*p >= '0' && *p <= '9') {
				char *end;

				seen[strtoul(p, &end, 10)]++;
				p = end;
			} else
				p++;
		}
		assert_int_equal(depth, 0);
		for (unsigned i = 1; i <= N; i++)
			assert_int_equal(seen[i], 1);
		buf_free(&out);
	}
}

static void chains_of_many_messages_end(void **state)
{
	enum { N = 60000 };
	struct thread_message *m = mem_new_array(N, sizeof(*m));
	uint64_t *refs = mem_new_array(N, sizeof(*refs));
	struct buf out = BUF_INIT(THREAD_NUMBER_OCTETS * (N + 1));

	(void)state;
	for (unsigned way = 0; way < 3; way++) {
		for (uint32_t i = 0; i < N; i++) {
			uint64_t prev = way == 0 ? i : way == 1 ? i + 2 : (i * 7919U) % N + 1;

			m[i] = (struct thread_message){ i + 1, i, i, i + 1, 1, i, 1, true };
			refs[i] = prev;
		}
		buf_reset(&out);
		thread_write(THREAD_REFERENCES, m, N, refs, &out);
		assert_false(out.failed);
		buf_reset(&out);
		thread_write(THREAD_REFS, m, N, refs, &out);
		assert_false(out.failed);
	}
	buf_free(&out);
	free(m);
	free(refs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shapes_thread_as_the_rfc_says),
		cmocka_unit_test(every_message_is_said_once),
		cmocka_unit_test(chains_of_many_messages_end),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
