/* text_index.h: which messages of a folder may have a needle? The full-text index of an account, which
 * opens no message. Built in the background; what it does not know is said to be unknown, and then
 * the message must be read. On the loop unless said otherwise. */
#ifndef STORE_TEXT_INDEX_H
#define STORE_TEXT_INDEX_H

#include "core/err.h"
#include "core/slice.h"

struct account;
struct fuzzy;
struct folder;
struct store_op;

enum text_field {
	TEXT_IN_BODY, /* RFC 9051 6.4.4: BODY */
	TEXT_IN_ALL,  /* TEXT */
	TEXT_IN_SUBJECT,
	TEXT_IN_FROM,
	TEXT_IN_TO,
	TEXT_IN_CC,
	TEXT_IN_BCC,
	TEXT_IN_OTHER, /* some other header field: the index knows only who has it nowhere */
};

struct text_key {
	enum text_field field;
	struct slice needle; /* folded (msg/fold.h); borrowed until text_ask returns */
	const struct fuzzy *fuzzy; /* in place of the needle: its words; NULL; the same */
};

enum text_answer { TEXT_NO, TEXT_YES, TEXT_UNKNOWN };

struct text_found; /* an answer; unchanging, so any thread may ask it */

/* text_ask: on_found comes once, later; what it gets is the caller's. Never fails: a key the index
 * cannot help with, or a message it has not read, is TEXT_UNKNOWN. Cancelled by store_op_cancel.
 * NULL: there is no index, nothing follows. At most TEXT_KEYS keys are looked at. */
enum { TEXT_KEYS = 64 };
struct store_op *text_ask(struct folder *f, const struct text_key *keys, size_t n,
    void (*on_found)(void *self, struct text_found *found), void *self);
enum text_answer text_found_get(const struct text_found *f, size_t key, uint32_t uid);
void text_found_free(struct text_found *f); /* accepts NULL */

/* How far is it? As of the last look. */
enum text_state { TEXT_OFF, TEXT_BUILDING, TEXT_COMPLETE, TEXT_HELD };
struct text_status {
	enum text_state state;
	uint64_t octets;             /* on disk */
	uint64_t documents;          /* contents that are indexed */
	uint64_t messages, messages_done; /* of all folders */
	uint64_t missed;             /* of these, messages whose files were not there */
	char why[160];               /* HELD: what stopped it */
};
void text_status(const struct account *a, struct text_status *ret);
const char *text_state_name(enum text_state s);

#endif
