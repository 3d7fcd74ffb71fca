/* arena.h: memory freed in one go. Everything a transaction or command makes lives in its arena;
 * what is not memory is undone by hooks, last registered first, before the memory goes. */
#ifndef CORE_ARENA_H
#define CORE_ARENA_H

#include "core/slice.h"

struct arena;

struct arena *arena_new(size_t first_block); /* 0: a default */
void arena_free(struct arena *a);	     /* runs the hooks, then frees; accepts NULL */
void *arena_alloc(struct arena *a, size_t n); /* zeroed, aligned for any type; never NULL */
void *arena_array(struct arena *a, size_t count, size_t size);
struct slice arena_dup(struct arena *a, struct slice s); /* also NUL-terminated one past its end */
char *arena_strdup(struct arena *a, struct slice s);
char *arena_fmt(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void arena_on_free(struct arena *a, void (*hook)(void *self), void *self);
size_t arena_used(const struct arena *a); /* octets handed out, for limits and tests */

#endif
