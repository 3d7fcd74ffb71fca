/* items.c: what is rendered of a message once, so that lists open no file? ENVELOPE,
 * BODYSTRUCTURE, BODY, PREVIEW, THREADID, the part map and the raw lines of the fields clients ask for. Any thread;
 * the row is written on the account's lane. Failures: none; what does not fit its buffer is left
 * out and rendered on need. */
#include <sodium.h>

#include "msg/envelope.h"
#include "msg/mime.h"
#include "msg/preview.h"
#include "msg/subject.h"
#include "store/mail_int.h"

enum { ITEM_MAX = 4 * L_HDR };

const char *const mailbox_cached_fields[] = { "Date", "From", "Sender", "Reply-To", "To", "Cc",
	"Bcc", "Subject", "Message-ID", "In-Reply-To", "References", "List-Id", "List-Unsubscribe",
	"Content-Type", "X-Priority", "Importance", "Delivered-To", NULL };

static bool is_cached(struct slice name)
{
	for (size_t i = 0; mailbox_cached_fields[i] != NULL; i++)
		if (slice_ieq(name, slice_of(mailbox_cached_fields[i])))
			return (true);
	return (false);
}

void items_fields(const struct header *h, struct buf *out)
{
	for (size_t i = 0; i < h->n; i++)
		if (is_cached(h->fields[i].name))
			(void)buf_add_slice(out, h->fields[i].raw);
}

void items_render(struct items *it, struct slice wire, bool has_preview)
{
	struct arena *a = arena_new(0);
	struct mime mime;
	unsigned char digest[crypto_hash_sha256_BYTES];
	const struct header *h;
	struct slice root;

	*it = (struct items){ BUF_INIT(ITEM_MAX), BUF_INIT(ITEM_MAX), BUF_INIT(ITEM_MAX),
		BUF_INIT(ITEM_MAX), BUF_INIT(ITEM_MAX), BUF_INIT(4 * PREVIEW_CHARACTERS),
		BUF_INIT(16), has_preview };
	mime_parse(a, wire, &mime);
	h = &mime.parts[0].header;
	(void)envelope_write(&it->envelope, h);
	(void)structure_write(&it->structure, &mime, true);
	(void)structure_write(&it->body, &mime, false);
	(void)mime_map_pack(&mime, &it->map);
	items_fields(h, &it->fields);
	if (has_preview)
		(void)preview_write(
		    slice_head(wire, (size_t)mime.parts[0].body_at + PREVIEW_READ), &it->preview);
	if (msgid_root(a, h, &root)) {
		(void)crypto_hash_sha256(digest, (const unsigned char *)root.p, root.n);
		(void)buf_add(&it->thread, (const char *)digest, 16);
	}
	arena_free(a);
}

size_t items_octets(const struct items *it)
{
	return (it->envelope.cap + it->structure.cap + it->body.cap + it->map.cap + it->fields.cap +
	    it->preview.cap);
}

void items_free(struct items *it)
{
	buf_free(&it->envelope);
	buf_free(&it->structure);
	buf_free(&it->body);
	buf_free(&it->map);
	buf_free(&it->fields);
	buf_free(&it->preview);
	buf_free(&it->thread);
}

int index_items_put(struct mail *m, const unsigned char cid[16], const struct items *it)
{
	if (it->envelope.failed || it->structure.failed || it->body.failed || it->map.failed ||
	    it->fields.failed || it->preview.failed || it->thread.failed)
		return (0);
	if (m->index == NULL || m->no_tx ||
	    sql_do(m->index,
		"INSERT INTO item(cid, envelope, structure, body, map, fields, preview, thread) "
		"VALUES(?1, ?2, ?3, ?4, ?5, ?6, CASE WHEN ?9 THEN ?7 END, ?8) ON CONFLICT(cid) DO "
		"UPDATE SET preview = ifnull(preview, excluded.preview), thread = "
		"excluded.thread WHERE preview IS NULL OR thread IS NULL",
		NULL, "bbbbbbbbi", (struct slice){ (const char *)cid, 16 }, buf_slice(&it->envelope),
		buf_slice(&it->structure), buf_slice(&it->body), buf_slice(&it->map),
		buf_slice(&it->fields), buf_slice(&it->preview), buf_slice(&it->thread),
		(int64_t)it->has_preview) != 0) {
		m->index_failed = true;
		return (-1);
	}
	return (0);
}
