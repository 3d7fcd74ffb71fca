/* mail_bench.h: a whole store with real mailboxes in a folder of its own, and its asynchronous
 * calls turned into plain ones by running the loop. */
#ifndef TEST_MAIL_BENCH_H
#define TEST_MAIL_BENCH_H

#include "core/cfg.h"
#include "core/loop.h"
#include "store/mail_int.h"
#include "store/undelete.h"

enum { BENCH_ACCOUNTS = 3 };

struct mail_bench {
	struct loop *loop;
	struct work *work;
	struct store *store;
	struct cfg cfg;
	struct cfg_account accounts[BENCH_ACCOUNTS]; /* ann bob cid */
	char top[64];
	bool rings;
	/* the last answer */
	struct err err; /* ERR_NONE: it went well */
	uint32_t uids[64], to_uids[64], to_uidvalidity;
	size_t n, backs;
	uint64_t modseq;
	bool complete;
	struct folder_status st;
	struct view *view;
	/* events heard */
	struct store_watch watch;
	struct {
		enum store_event_kind kind;
		enum store_cause cause;
		size_t n;
		bool known, has_keyword;
		enum folder_role from;
	} events[64];
	size_t events_n;
	/* what a visit read */
	struct buf text, items;
	bool unreadable;
};

void mail_bench_dir(struct mail_bench *b);   /* make ${top}, go there */
void mail_bench_start(struct mail_bench *b); /* the process stands in DATA: loop, work, store */
void mail_bench_stop(struct mail_bench *b);
void mail_bench_remove(struct mail_bench *b);
void mail_bench_reopen(struct mail_bench *b);
/* For cmocka: a bench of its own for each test. */
int mail_bench_setup(void **state);
int mail_bench_teardown(void **state);
void mail_bench_put(const char *path, const char *text); /* a file as another program makes it */
struct account *mail_account(struct mail_bench *b, const char *name);
struct folder *mail_folder(struct mail_bench *b, const char *account, const char *name);
/* Deliver to the first ${n} accounts' INBOX; one: into this folder, as APPEND. */
void mail_deliver(struct mail_bench *b, const char *text, size_t n);
void mail_submit(struct mail_bench *b, const char *text); /* to bob here, and into the queue */
void mail_append(
    struct mail_bench *b, struct folder *f, const char *text, unsigned flags, const char *keyword);
/* ${n} messages of their own in one act (MULTIAPPEND), at most 8; or one in place of a uid of the same folder (REPLACE; 0: no). */
void mail_append_all(
    struct mail_bench *b, struct folder *f, const char *text, size_t n, uint32_t replaces);
struct view *mail_view(struct mail_bench *b, struct folder *f);
void mail_look(struct mail_bench *b, struct view *v);
/* Of one message; uid 0: of all. */
void mail_flags(struct mail_bench *b, struct view *v, uint32_t uid, enum flags_mode mode,
    unsigned flags, const char *keyword, uint64_t unchanged_since);
void mail_expunge(struct mail_bench *b, struct view *v);
/* All that can come back: counted in ${n}, of these back in ${backs}; ${into} as undelete_start's, NULL:
 * only listed. */
void mail_undelete(struct mail_bench *b, const char *account, const char *folder, const char *into);
void mail_copy(
    struct mail_bench *b, struct view *v, struct folder *to, bool move); /* all of them */
void mail_vanished(struct mail_bench *b, struct view *v, uint64_t since);
void mail_create(struct mail_bench *b, const char *account, const char *name);
void mail_delete(struct mail_bench *b, const char *account, const char *name);
void mail_rename(struct mail_bench *b, const char *account, const char *from, const char *to);
void mail_status(struct mail_bench *b, struct folder *f);
void mail_read(struct mail_bench *b, struct folder *f,
    uint32_t uid); /* ${text}: all octets; ${items}: the envelope */
void mail_preview(struct mail_bench *b, struct folder *f, uint32_t uid); /* ${items} */
void mail_thread(struct mail_bench *b, struct folder *f, uint32_t uid);  /* ${items}: 16 octets */

#endif
