/* mem.h: small allocations of our own. They never return NULL: out of memory ends the process, which
 * loses nothing acknowledged. What a peer sizes goes through a buf or a limit instead. */
#ifndef CORE_MEM_H
#define CORE_MEM_H

#include <stddef.h>

void *mem_new(size_t n);			    /* zeroed */
void *mem_new_array(size_t count, size_t size);	    /* zeroed; overflow ends the process */
void *mem_grow(void *p, size_t count, size_t size); /* new part not zeroed */
char *mem_strdup(const char *z);
char *mem_strndup(const char *p, size_t n); /* adds the NUL */

#define NEW(type) ((type *)mem_new(sizeof(type)))
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#endif
