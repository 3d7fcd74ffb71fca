/* date.h: dates both ways: RFC 5322 3.3 with obsolete zones, IMAP date and date-time (RFC 9051 9).
 */
#ifndef MSG_DATE_H
#define MSG_DATE_H

#include "core/buf.h"

/* A Date field's body: seconds since 1970 UTC and zone in minutes; false when it cannot be read or
 * is out of year 1900..9999. */
bool date_parse(struct slice s, int64_t *ret_time, int *ret_zone);
int date_write(
    struct buf *out, int64_t t); /* "Mon, 23 Nov 2026 04:00:00 +0000": local zone's offset */
/* IMAP date-time "23-Nov-2026 04:00:00 +0000" without quotes; strict: 31-Feb is refused (IMP-17).
 */
bool date_parse_imap(struct slice s, int64_t *ret_time);
int date_write_imap(struct buf *out, int64_t t); /* in UTC */
/* IMAP date "1-Feb-2026": days since 1970, for SEARCH. */
bool date_parse_imap_day(struct slice s, int64_t *ret_day);
int64_t date_day(int64_t t, int zone_minutes); /* days since 1970 in that zone (floor) */

#endif
