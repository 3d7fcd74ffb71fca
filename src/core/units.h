/* units.h: durations and sizes with units, as the configuration and people write them. */
#ifndef CORE_UNITS_H
#define CORE_UNITS_H

#include "core/buf.h"

/* "5d" "4h" "10m" "30s" "250ms"; one number and one unit. Result in milliseconds. */
bool units_duration(struct slice s, uint64_t *ret_ms);
/* "50 MiB" "64KiB" "1 GiB" "512 B" "10 MB"; blanks before the unit allowed. Result in octets. */
bool units_size(struct slice s, uint64_t *ret);
/* For people: "4 h", "2 d 3 h"; "1.5 MiB". */
int units_add_duration(struct buf *out, uint64_t ms);
int units_add_size(struct buf *out, uint64_t octets);

#endif
