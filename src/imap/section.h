/* section.h: sections of messages, as FETCH asks for them and URLs name them. RFC 9051 6.4.5. */
#ifndef IMAP_SECTION_H
#define IMAP_SECTION_H

#include "core/limits.h"
#include "imap/args.h"
#include "store/mailbox.h"

enum section_text {
	SECTION_ALL,
	SECTION_HEADER,
	SECTION_FIELDS,
	SECTION_FIELDS_NOT,
	SECTION_TEXT,
	SECTION_MIME
};

enum {
	SECTION_PATH = 128,
	SECTION_FIELDS_MAX = 1000,
	SECTION_HEADER_MAX = L_HDR + 65536, /* octets of a header that is read whole */
};

struct section {
	const unsigned *path;
	size_t path_n;
	enum section_text text;
	const struct slice *fields;
	size_t fields_n;
	bool cached; /* header fields of the message that the index holds */
	bool partial;
	uint64_t from, count;
};

struct extent {
	uint64_t at, n;
};

/* section_take: what stands between the brackets; may be empty. ${binary}: part numbers only.
 * What it keeps is in the arena, or where the command is. */
bool section_take(struct arena *arena, struct args *a, struct section *sec, bool binary);
/* section_find: where the section's octets are, for fields: where the header is; before a partial
 * is applied. False: there is no such part. Of a visit with VISIT_MAP. */
bool section_find(
    const struct visit_message *m, const struct section *sec, struct extent *ret);
/* section_clip: of ${n} octets at ${at} those that the partial leaves. */
void section_clip(const struct section *sec, uint64_t *at, uint64_t *n);
/* section_fields: of the header ${lines} those fields that are asked for, and a blank line. */
void section_fields(const struct section *sec, struct slice lines, struct buf *out);
/* section_kept: the same for SECTION_FIELDS of ${lines} that are fields and nothing else, as the
 * index keeps them (VISIT_FIELDS); in one pass without memory of its own. */
void section_kept(const struct section *sec, struct slice lines, struct buf *out);

#endif
