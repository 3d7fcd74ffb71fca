/* arena.c: how is everything a transaction made freed at once? */
#include "core/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/mem.h"

enum { ARENA_BLOCK = 4096 - 64 };

struct block {
	struct block *next;
	size_t used, cap;
	alignas(max_align_t) char bytes[];
};

struct hook {
	struct hook *next;
	void (*run)(void *self);
	void *self;
};

struct arena {
	struct block *blocks; /* owned; the first has room */
	struct hook *hooks;   /* live in the arena itself */
	size_t used, block_size;
};

struct arena *arena_new(size_t first_block)
{
	struct arena *a = NEW(struct arena);

	a->block_size = first_block > 0 ? first_block : ARENA_BLOCK;
	return (a);
}

void arena_free(struct arena *a)
{
	if (a == NULL)
		return;
	for (struct hook *h = a->hooks; h != NULL; h = h->next)
		h->run(h->self);
	for (struct block *b = a->blocks, *next; b != NULL; b = next) {
		next = b->next;
		free(b);
	}
	free(a);
}

static struct block *block_for(struct arena *a, size_t n)
{
	size_t cap = n > a->block_size ? n : a->block_size;
	struct block *b = mem_new(sizeof(*b) + cap);

	b->cap = cap;
	if (a->blocks != NULL && cap == n) { /* a large one: keep filling the present block */
		b->next = a->blocks->next;
		a->blocks->next = b;
	} else {
		b->next = a->blocks;
		a->blocks = b;
	}
	return (b);
}

void *arena_alloc(struct arena *a, size_t n)
{
	struct block *b = a->blocks;
	size_t step = (n + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	void *p;

	if (step < n)
		abort();
	if (b == NULL || b->cap - b->used < step)
		b = block_for(a, step);
	p = b->bytes + b->used;
	b->used += step;
	a->used += step;
	return (p);
}

void *arena_array(struct arena *a, size_t count, size_t size)
{
	size_t n;

	if (__builtin_mul_overflow(count, size, &n))
		abort();
	return (arena_alloc(a, n));
}

struct slice arena_dup(struct arena *a, struct slice s)
{
	return ((struct slice){ arena_strdup(a, s), s.n });
}

char *arena_strdup(struct arena *a, struct slice s)
{
	char *p = arena_alloc(a, s.n + 1);

	if (s.n > 0)
		memcpy(p, s.p, s.n);
	return (p);
}

char *arena_fmt(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *p;
	int n;

	if (fmt == NULL)
		abort();
	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		abort();
	p = arena_alloc(a, (size_t)n + 1);
	va_start(ap, fmt);
	(void)vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return (p);
}

void arena_on_free(struct arena *a, void (*run)(void *self), void *self)
{
	struct hook *h = arena_alloc(a, sizeof(*h));

	h->run = run;
	h->self = self;
	h->next = a->hooks;
	a->hooks = h;
}

size_t arena_used(const struct arena *a)
{
	return (a->used);
}
