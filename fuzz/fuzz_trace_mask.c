/* A session in pieces of any size. The input chooses what is said, from things with a secret in them (a password, a
 * SASL response, a literal, all of them Q) and without; everything else in it has no Q. The law: no Q comes out. */
#include <stdint.h>
#include <stdlib.h>

#include "core/mem.h"
#include "imap/trace_mask.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void on_line(void *self, enum mask_who who, struct slice line)
{
	(void)self;
	(void)who;
	if (slice_chr(line, 'Q') != SIZE_MAX)
		abort();
	for (size_t i = 0; i < line.n; i++)
		if (line.p[i] < ' ' || line.p[i] > '~')
			abort();
}

struct talk {
	struct mask m;
	size_t cut;
};

static void say(struct talk *t, enum mask_who who, struct slice s)
{
	for (; s.n > 0; s = slice_from(s, t->cut))
		mask_take(&t->m, who, slice_head(s, t->cut));
}

static void literal(struct talk *t, enum mask_who who, size_t octets, bool waits)
{
	struct buf out = BUF_INIT(1024);

	(void)buf_fmt(&out, "{%zu%s}\r\n", octets, waits || who == MASK_SERVER ? "" : "+");
	say(t, who, buf_slice(&out));
	if (waits && who == MASK_CLIENT)
		say(t, MASK_SERVER, SLICE("* 1 EXISTS\r\n+ go on\r\n"));
	buf_reset(&out);
	for (size_t i = 0; i < octets; i++)
		(void)buf_addz(&out, i % 7 != 5 ? "Q" : (i & 1) ? "\n" : "\r\n");
	say(t, who, slice_head(buf_slice(&out), octets));
	buf_free(&out);
}

/* Words of the input: no end of a line, and nothing that would make it another kind of line. */
static void words(struct talk *t, enum mask_who who, const uint8_t *data, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char c = (char)data[i];

		if (c == '\n' || c == 'Q')
			c = 'q';
		mask_take(&t->m, who, (struct slice){ &c, 1 });
	}
	say(t, who, SLICE("x"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct talk t = { .cut = n > 0 ? 1 + data[0] % 40 : 1 };

	mask_init(&t.m, false, on_line, NULL);
	while (n >= 3) {
		size_t octets = data[1], more = data[2] % 16;
		bool waits = (data[0] & 64) != 0;

		n -= 3;
		data += 3;
		more = more < n ? more : n;
		switch (data[-3] % 8) {
		case 0: say(&t, MASK_CLIENT, SLICE("a LOGIN ann \"QQQ\"\r\n")); break;
		case 1:
			say(&t, MASK_CLIENT, SLICE("a login "));
			literal(&t, MASK_CLIENT, octets, waits);
			say(&t, MASK_CLIENT, SLICE(" Q "));
			literal(&t, MASK_CLIENT, octets, !waits);
			say(&t, MASK_CLIENT, SLICE("Q\r\n"));
			break;
		case 2:
			say(&t, MASK_CLIENT, SLICE("a AUTHENTICATE PLAIN\r\n"));
			say(&t, MASK_SERVER, SLICE("+ \r\n"));
			say(&t, MASK_CLIENT, SLICE("QQQ{9}\r\n"));
			break;
		case 3:
		case 4:
			say(&t, MASK_CLIENT, SLICE("a append "));
			words(&t, MASK_CLIENT, data, more);
			literal(&t, MASK_CLIENT, octets, waits);
			words(&t, MASK_CLIENT, data, more);
			say(&t, MASK_CLIENT, SLICE("\r\n"));
			break;
		case 5:
			say(&t, MASK_SERVER, SLICE("* 1 FETCH ("));
			words(&t, MASK_SERVER, data, more);
			literal(&t, MASK_SERVER, octets, waits);
			words(&t, MASK_SERVER, data, more);
			say(&t, MASK_SERVER, SLICE(")\r\n"));
			break;
		case 6:
			say(&t, MASK_CLIENT, SLICE("a IDLE\r\n"));
			say(&t, MASK_SERVER, SLICE("+ idling\r\n"));
			say(&t, MASK_CLIENT, SLICE("DONE {200+}\r\n"));
			say(&t, MASK_SERVER, SLICE("a BAD what {77}\r\n"));
			break;
		case 7:
			say(&t, MASK_CLIENT, SLICE("a X {99}\r\n"));
			say(&t, MASK_SERVER, SLICE("a NO refused\r\n"));
			break;
		}
		data += more;
		n -= more;
	}
	mask_done(&t.m);
	return (0);
}
