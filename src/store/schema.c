/* schema.c: what do the databases of DATA hold, and how did they come to? One list of numbered
 * steps a database; a step once released is never changed, the next one is added below it.
 * Running them is sql.c's business. The index of an account is not here: it is a cache of the
 * mailbox half. */
#include "core/mem.h"
#include "store/store_int.h"

static const char *const state_steps[] = {
	"CREATE TABLE password(account TEXT PRIMARY KEY, hash TEXT NOT NULL, at INTEGER NOT NULL)"
	" STRICT, WITHOUT ROWID;"
	"CREATE TABLE lesson(account TEXT NOT NULL, content BLOB NOT NULL, class INTEGER NOT NULL,"
	" version INTEGER NOT NULL, weight INTEGER NOT NULL, at INTEGER NOT NULL,"
	" PRIMARY KEY(account, content)) STRICT, WITHOUT ROWID;",
	"CREATE TABLE correspondent(account TEXT NOT NULL, address TEXT NOT NULL,"
	" first INTEGER NOT NULL, last INTEGER NOT NULL, letters INTEGER NOT NULL,"
	" PRIMARY KEY(account, address)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE greylist(net BLOB NOT NULL, domain TEXT NOT NULL, first INTEGER NOT NULL,"
	" last INTEGER NOT NULL, passed INTEGER NOT NULL, PRIMARY KEY(net, domain)) STRICT;"
	"CREATE INDEX greylist_last ON greylist(last);"
	"CREATE TABLE greylist_door(id INTEGER PRIMARY KEY, until INTEGER NOT NULL) STRICT;",
	"CREATE INDEX correspondent_domain ON correspondent(substr(address, instr(address, '@') + 1));",
	/* Until here every lesson was an act, and weighed 1: learn.h has the units since. */
	"UPDATE lesson SET weight=4;",
	/* How far mail was looked at that nobody moved. */
	"CREATE TABLE progress(name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;",
};

static const char *const queue_steps[] = {
	"CREATE TABLE intent(id INTEGER PRIMARY KEY, kind TEXT NOT NULL, names TEXT NOT NULL)"
	" STRICT;"
	"CREATE TABLE entry(seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, sender TEXT NOT NULL,"
	" account TEXT NOT NULL, envid TEXT NOT NULL, ret_full INTEGER NOT NULL,"
	" smtputf8 INTEGER NOT NULL, eightbit INTEGER NOT NULL, not_before INTEGER NOT NULL,"
	" arrived INTEGER NOT NULL, expires INTEGER NOT NULL, size INTEGER NOT NULL,"
	" stored INTEGER NOT NULL, broken INTEGER NOT NULL DEFAULT 0,"
	" work INTEGER NOT NULL DEFAULT 0, crashes INTEGER NOT NULL DEFAULT 0) STRICT;"
	"CREATE INDEX entry_in_work ON entry(work) WHERE work > 0;"
	"CREATE TABLE rcpt(id INTEGER PRIMARY KEY,"
	" entry INTEGER NOT NULL REFERENCES entry(seq) ON DELETE CASCADE, address TEXT NOT NULL,"
	" orcpt TEXT NOT NULL, notify INTEGER NOT NULL, next_try INTEGER NOT NULL,"
	" tries INTEGER NOT NULL DEFAULT 0, warned INTEGER NOT NULL DEFAULT 0,"
	" last TEXT NOT NULL DEFAULT '', state INTEGER NOT NULL DEFAULT 0) STRICT;"
	"CREATE INDEX rcpt_of_entry ON rcpt(entry);"
	"CREATE INDEX rcpt_due ON rcpt(state, next_try);",
};

static const char *const ledger_steps[] = {
	"CREATE TABLE row(id INTEGER PRIMARY KEY, at INTEGER NOT NULL, session TEXT NOT NULL,"
	" message TEXT NOT NULL, act TEXT NOT NULL, peer TEXT NOT NULL, rdns TEXT NOT NULL,"
	" helo TEXT NOT NULL, mail_from TEXT NOT NULL COLLATE NOCASE,"
	" rcpt TEXT NOT NULL COLLATE NOCASE, account TEXT NOT NULL, folder TEXT NOT NULL,"
	" message_id TEXT NOT NULL, subject TEXT NOT NULL,"
	" header_from TEXT NOT NULL COLLATE NOCASE, content BLOB NOT NULL, reply TEXT NOT NULL,"
	" facts TEXT NOT NULL, points TEXT NOT NULL, score REAL) STRICT;"
	"CREATE INDEX row_at ON row(at);"
	"CREATE INDEX row_session ON row(session) WHERE session <> '';"
	"CREATE INDEX row_message ON row(message) WHERE message <> '';"
	"CREATE INDEX row_message_id ON row(message_id) WHERE message_id <> '';"
	"CREATE INDEX row_peer ON row(peer) WHERE peer <> '';"
	"CREATE INDEX row_mail_from ON row(mail_from) WHERE mail_from <> '';"
	"CREATE INDEX row_rcpt ON row(rcpt) WHERE rcpt <> '';"
	"CREATE INDEX row_header_from ON row(header_from) WHERE header_from <> '';"
	"CREATE INDEX row_account ON row(account) WHERE account <> '';",
	"CREATE TABLE standing(name TEXT PRIMARY KEY, ham REAL NOT NULL, spam REAL NOT NULL,"
	" mails REAL NOT NULL, at INTEGER NOT NULL, friend_at INTEGER NOT NULL,"
	" until INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE INDEX standing_until ON standing(until);"
	"CREATE TABLE evidence(account TEXT NOT NULL, content BLOB NOT NULL, net TEXT NOT NULL,"
	" domain TEXT NOT NULL, judged INTEGER NOT NULL, lesson INTEGER NOT NULL,"
	" share REAL NOT NULL, at INTEGER NOT NULL, lesson_at INTEGER NOT NULL,"
	" PRIMARY KEY(account, content)) STRICT, WITHOUT ROWID;"
	"CREATE INDEX evidence_at ON evidence(at);",
	"ALTER TABLE row ADD COLUMN peer_key BLOB NOT NULL DEFAULT x'';"
	"ALTER TABLE row ADD COLUMN from_address TEXT NOT NULL DEFAULT '' COLLATE NOCASE;"
	"CREATE INDEX row_peer_key ON row(peer_key) WHERE peer_key <> x'';"
	"CREATE INDEX row_from_address ON row(from_address) WHERE from_address <> '';"
	"CREATE INDEX row_content ON row(content) WHERE content <> x'';",
};

static const char *const spam_steps[] = {
	"CREATE TABLE setting(name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE TABLE model(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
	" ham INTEGER NOT NULL DEFAULT 0, spam INTEGER NOT NULL DEFAULT 0) STRICT;"
	"CREATE TABLE feature(model INTEGER NOT NULL, feature INTEGER NOT NULL,"
	" ham INTEGER NOT NULL, spam INTEGER NOT NULL, PRIMARY KEY(model, feature))"
	" STRICT, WITHOUT ROWID;"
	"CREATE TABLE applied(account TEXT NOT NULL, content BLOB NOT NULL, class INTEGER NOT NULL,"
	" version INTEGER NOT NULL, PRIMARY KEY(account, content)) STRICT, WITHOUT ROWID;",
	/* Counts are of units from here on, not of messages: made again from the lessons. */
	"DELETE FROM feature; DELETE FROM model; DROP TABLE applied;"
	"CREATE TABLE applied(account TEXT NOT NULL, content BLOB NOT NULL, class INTEGER NOT NULL,"
	" weight INTEGER NOT NULL, version INTEGER NOT NULL, PRIMARY KEY(account, content))"
	" STRICT, WITHOUT ROWID;",
	/* Counts as a whole in parts, and the lessons since. */
	"DROP TABLE feature; DROP TABLE model; DELETE FROM applied;"
	"CREATE TABLE model(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
	" ham INTEGER NOT NULL DEFAULT 0, spam INTEGER NOT NULL DEFAULT 0,"
	" hams INTEGER NOT NULL DEFAULT 0, spams INTEGER NOT NULL DEFAULT 0) STRICT;"
	"CREATE TABLE counts(model INTEGER NOT NULL, part INTEGER NOT NULL, octets BLOB NOT NULL,"
	" PRIMARY KEY(model, part)) STRICT;"
	"CREATE TABLE fresh(id INTEGER PRIMARY KEY, model INTEGER NOT NULL, ham INTEGER NOT NULL,"
	" spam INTEGER NOT NULL, features BLOB NOT NULL) STRICT;"
	"CREATE INDEX fresh_model ON fresh(model);",
};

static const struct schema schemas[STORE_LANES] = {
	[STORE_STATE] = { "state.sqlite", SQL_FULL, false, state_steps, COUNT_OF(state_steps) },
	[STORE_QUEUE] = { "queue.sqlite", SQL_FULL, false, queue_steps, COUNT_OF(queue_steps) },
	[STORE_LEDGER] = { "ledger.sqlite", SQL_NORMAL, true, ledger_steps,
	    COUNT_OF(ledger_steps) },
	[STORE_SPAM] = { "spam.sqlite", SQL_NORMAL, true, spam_steps, COUNT_OF(spam_steps) },
};

const struct schema *schema_of(enum store_lane which)
{
	return (&schemas[which]);
}
