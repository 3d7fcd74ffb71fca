/* hash.c: a 64-bit keyed hash, so that nobody outside can choose words that collide. SipHash-2-4 over two strings with a NUL
 * between them. Pure. */
#include "spam/words.h"

struct sip {
	uint64_t v0, v1, v2, v3, word;
	unsigned fill;
	uint64_t length;
};

static uint64_t rotl(uint64_t x, unsigned n)
{
	return (x << n | x >> (64 - n));
}

static void round_once(struct sip *s)
{
	s->v0 += s->v1;
	s->v2 += s->v3;
	s->v1 = rotl(s->v1, 13) ^ s->v0;
	s->v3 = rotl(s->v3, 16) ^ s->v2;
	s->v0 = rotl(s->v0, 32) + s->v3;
	s->v2 += s->v1;
	s->v1 = rotl(s->v1, 17) ^ s->v2;
	s->v3 = rotl(s->v3, 21) ^ s->v0;
	s->v2 = rotl(s->v2, 32);
}

static void take_word(struct sip *s)
{
	s->v3 ^= s->word;
	round_once(s);
	round_once(s);
	s->v0 ^= s->word;
	s->word = 0;
	s->fill = 0;
}

static void take(struct sip *s, struct slice in)
{
	for (size_t i = 0; i < in.n; i++) {
		s->word |= (uint64_t)(unsigned char)in.p[i] << (8 * s->fill);
		if (++s->fill == 8)
			take_word(s);
	}
	s->length += in.n;
}

static uint64_t key_half(const unsigned char *p)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < 8; i++)
		v |= (uint64_t)p[i] << (8 * i);
	return (v);
}

uint64_t words_hash(const unsigned char key[16], struct slice a, struct slice b)
{
	uint64_t k0 = key_half(key), k1 = key_half(key + 8);
	struct sip s = { k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261,
		k1 ^ 0x7465646279746573, 0, 0, 0 };

	take(&s, a);
	take(&s, (struct slice){ "", 1 });
	take(&s, b);
	s.word |= s.length << 56;
	take_word(&s);
	s.v2 ^= 0xff;
	for (unsigned i = 0; i < 4; i++)
		round_once(&s);
	return (s.v0 ^ s.v1 ^ s.v2 ^ s.v3);
}
