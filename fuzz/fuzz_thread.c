/* Threads over any references: six octets a message. The laws: each number is said once,
 * parentheses match, and what is said fits what was promised. */
#include <stdint.h>
#include <stdlib.h>

#include "imap/thread.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { MOST = 64, EACH = 6 };

static void check(const char *z, size_t n)
{
	bool seen[MOST + 1] = { false };
	size_t found = 0;
	int depth = 0;

	while (*z != '\0') {
		depth += *z == '(' ? 1 : *z == ')' ? -1 : 0;
		if (depth < 0)
			abort();
		if (*z >= '0' && *z <= '9') {
			char *end;
			unsigned long number = strtoul(z, &end, 10);

			if (number == 0 || number > n || seen[number] || depth == 0)
				abort();
			seen[number] = true;
			found++;
			z = end;
		} else
			z++;
	}
	if (depth != 0 || found != n)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct thread_message m[MOST];
	uint64_t refs[MOST * 3];
	uint32_t many = 0;

	for (; n >= EACH && many < MOST; n -= EACH, data += EACH, many++) {
		m[many] = (struct thread_message){ .number = many + 1,
			.id = data[0],
			.subject = data[1] & 15,
			.is_reply = (data[1] & 16) != 0,
			.refs_at = many * 3,
			.refs_n = (uint32_t)(data[1] >> 6),
			.sent = data[2] & 15,
			.received = data[2] >> 4 };
		for (uint32_t i = 0; i < 3; i++) /* a reference is the hash of something: not 0 */
			refs[many * 3 + i] = 1 + (uint64_t)data[3 + i] % 255;
	}
	for (unsigned kind = 0; kind < 3; kind++) {
		struct buf out = BUF_INIT((size_t)THREAD_NUMBER_OCTETS * (many + 1));

		thread_write((enum thread_kind)kind, m, many, refs, &out);
		if (out.failed)
			abort();
		check(buf_z(&out), many);
		buf_free(&out);
	}
	return (0);
}
