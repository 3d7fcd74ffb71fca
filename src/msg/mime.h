/* mime.h: the part tree of a message, with offsets into its CRLF form and line counts. RFC 2045,
 * 2046. No recursion; beyond L_DEPTH or L_PARTS the rest is one opaque part. First of doubled
 * fields and parameters wins (MIM-08). Never fails. */
#ifndef MSG_MIME_H
#define MSG_MIME_H

#include "core/arena.h"
#include "core/buf.h"
#include "msg/header.h"

enum mime_kind { MIME_LEAF, MIME_MULTIPART, MIME_MESSAGE };
enum mime_encoding { MIME_7BIT, MIME_8BIT, MIME_BINARY, MIME_BASE64, MIME_QP, MIME_UNKNOWN };

struct mime_param {
	struct slice name;  /* as written */
	struct slice value; /* raw value: quotes resolved; RFC 2231 pieces joined and decoded to
			       UTF-8 where they were used */
};

struct mime_value {                 /* a parsed Content-Type or Content-Disposition */
	struct slice type, subtype; /* as written; disposition: type only */
	const struct mime_param *params;
	size_t params_n;
	bool present;
};

enum { MIME_NONE = 0xffffffff };

struct mime_part {
	unsigned parent, first, next; /* indices into parts, or MIME_NONE */
	unsigned number;              /* among its siblings, from 1 */
	unsigned depth;
	enum mime_kind kind;
	enum mime_encoding encoding;
	struct mime_value type, disposition;
	struct slice encoding_text, id, description, md5, language,
	    location; /* unfolded; empty: absent */
	struct header
	    header; /* of the part; for the root and for MIME_MESSAGE's child: that message's */
	unsigned header_at, header_size, body_at,
	    body_size;       /* octets in the whole; body without the boundary's line end */
	unsigned body_lines; /* line ends in the body, plus one for an unfinished last line */
	bool opaque;         /* a limit was hit: shown as a leaf */
};

struct mime {
	struct slice whole; /* as given: CRLF form */
	struct mime_part
	    *parts; /* in the arena; [0] is the message itself; a MIME_MESSAGE part has one child */
	size_t n;
	bool ambiguous; /* doubled Content-Type, boundary or encoding (MIM-08) */
};

/* mime_parse: ${whole} must stay valid as long as the tree. LF input works too; offsets are then of
 * the LF form. */
void mime_parse(struct arena *a, struct slice whole, struct mime *ret);
struct slice mime_body(const struct mime *m, const struct mime_part *p); /* still encoded */
struct slice mime_header_bytes(const struct mime *m, const struct mime_part *p);
/* Parameter by name, case folded; empty slice with p NULL when absent. */
struct slice mime_param(const struct mime_value *v, struct slice name);
bool mime_is(const struct mime_part *p, const char *type,
    const char *subtype); /* subtype NULL: any; defaults applied */
/* The attachment's file name (disposition filename, else type name), decoded to UTF-8; empty: none.
 * Never used as a path. */
struct slice mime_filename(struct arena *a, const struct mime_part *p);
/* Parse the value of a Content-Type or Content-Disposition like field. */
void mime_value_parse(struct arena *a, struct slice field_body, struct mime_value *ret);

/* The part map: what is needed later to find a section without parsing again; small, versioned,
 * checked on the way back. */
struct mime_map_part {
	unsigned parent, first, next, header_at, header_size, body_at, body_size;
	enum mime_kind kind;
	enum mime_encoding encoding;
};
int mime_map_pack(const struct mime *m, struct buf *out);
/* False when damaged (read the message again then). */
bool mime_map_unpack(
    struct arena *a, struct slice packed, struct mime_map_part **ret, size_t *ret_n);
/* The part at an IMAP section path {2,1,3} (RFC 9051 6.4.5: a non-multipart's part 1 is itself;
 * numbers go through message/rfc822); NULL: none. */
const struct mime_map_part *mime_map_find(
    const struct mime_map_part *parts, size_t n, const unsigned *path, size_t path_n);

#endif
