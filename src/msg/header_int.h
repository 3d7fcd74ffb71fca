/* header_int.h: for msg alone: reading the header of a part, which a boundary line may cut short.
 */
#ifndef MSG_HEADER_INT_H
#define MSG_HEADER_INT_H

#include "msg/header.h"

/* is_end is asked about each line that begins with "--" (line without its end); true: the header is
 * over before it. */
struct header_stop {
	bool (*is_end)(void *self, struct slice line);
	void *self;
};

/* As header_parse, from ${at} on, offsets counted in ${whole}. At most max_fields are kept, then
 * ${cut}. */
void header_parse_at(struct arena *a, struct slice whole, size_t at, size_t max_fields,
    const struct header_stop *stop, struct header *ret);

#endif
