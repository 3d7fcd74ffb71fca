/* name.h (inside store): what a file name says of its message, both ways (pennypost-maildir(7)):
 * <time>.M<usec>P<pid>Q<n>.<data set>,S=<disk octets>,W=<octets as
 * CRLF>,P=<uid>.<uidvalidity>,I=<content id>:2,<flags> */
#ifndef STORE_NAME_H
#define STORE_NAME_H

#include "core/buf.h"

enum { NAME_MAX_FILE = 255, NAME_UNIQUE_MAX = 100, NAME_INFO_MAX = 40 };

struct name { /* slices point into the file name */
	struct slice base;   /* without the info */
	struct slice unique; /* up to the first comma */
	struct slice info;   /* from ":2," on, or empty */
	int64_t time; /* leading digits; 0: none */
	bool has_s, has_w, has_p, has_i;
	uint64_t s, w;
	uint32_t uid, uidvalidity;
	unsigned char cid[16];
	uint32_t flags; /* FLAG_... of mailbox.h */
};

/* False: no message: empty, begins with ".", holds "/" or NUL, too long. All else parses; what
 * is malformed is as if absent. */
bool name_parse(struct slice file, struct name *ret);
/* name_base: base of a message of ours. ${unique} is kept when it is fit for it
 * (name_unique_ok). */
int name_base(struct buf *out, struct slice unique, uint64_t s, uint64_t w, uint32_t uid,
    uint32_t uidvalidity, const unsigned char cid[16]);
bool name_unique_ok(struct slice unique);
/* name_info: ":2," and the letters of flags, sorted. */
void name_info(char ret[NAME_INFO_MAX], uint32_t flags);
/* name_unique: "<time>.M<usec>P<pid>Q<n>.<data set>". */
void name_unique(
    char ret[NAME_UNIQUE_MAX + 1], int64_t wall_us, unsigned serial, const char *data_set);

#endif
