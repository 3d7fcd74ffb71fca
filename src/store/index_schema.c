/* index_schema.c: what does an account's index look like? Numbered steps; each leads from one
 * user_version to the next. The index is a cache: whatever it holds can be read again from names
 * and messages, but for the history of expunges. */
#include "store/mail_int.h"

const char *const index_schema[] = {
	"CREATE TABLE folder(id INTEGER PRIMARY KEY, leaf TEXT NOT NULL UNIQUE, role INTEGER NOT "
	"NULL, uidvalidity INTEGER NOT NULL,"
	" floor INTEGER NOT NULL, uidnext INTEGER NOT NULL, modseq INTEGER NOT NULL, new_ns "
	"INTEGER NOT NULL, cur_ns INTEGER NOT NULL,"
	" noted_ns INTEGER NOT NULL) STRICT;"
	"CREATE TABLE msg(folder INTEGER NOT NULL, uid INTEGER NOT NULL, flags INTEGER NOT NULL, "
	"modseq INTEGER NOT NULL,"
	" size INTEGER NOT NULL, disk INTEGER NOT NULL, internal INTEGER NOT NULL, saved INTEGER "
	"NOT NULL, place INTEGER NOT NULL,"
	" base TEXT NOT NULL, info TEXT NOT NULL, cid BLOB NOT NULL, PRIMARY KEY(folder, uid)) "
	"STRICT, WITHOUT ROWID;"
	"CREATE INDEX msg_cid ON msg(cid);"
	"CREATE TABLE gone(folder INTEGER NOT NULL, uid INTEGER NOT NULL, modseq INTEGER NOT NULL, "
	"at INTEGER NOT NULL,"
	" cid BLOB NOT NULL, PRIMARY KEY(folder, uid)) STRICT, WITHOUT ROWID;"
	"CREATE INDEX gone_modseq ON gone(folder, modseq);"
	"CREATE INDEX gone_cid ON gone(cid);"
	/* Keyed by content, so that copies share and moves touch nothing here. */
	"CREATE TABLE item(cid BLOB NOT NULL UNIQUE, envelope BLOB NOT NULL, structure BLOB NOT "
	"NULL, body BLOB NOT NULL,"
	" map BLOB NOT NULL, fields BLOB NOT NULL) STRICT;",
	/* NULL: rendered before there was one; made when it is asked for. */
	"ALTER TABLE item ADD COLUMN preview BLOB;",
	/* The same. Empty: the message names no other and not itself. */
	"ALTER TABLE item ADD COLUMN thread BLOB;",
	/* What messages sort and thread by, a run of UIDs a row: keys.h. */
	"CREATE TABLE pack(folder INTEGER NOT NULL, kind INTEGER NOT NULL, uid INTEGER NOT NULL, "
	"data BLOB NOT NULL,"
	" PRIMARY KEY(folder, kind, uid)) STRICT, WITHOUT ROWID;",
	/* What went, as runs of UIDs that went at once; and where a content was last. */
	"CREATE TABLE vanished(folder INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, "
	"modseq INTEGER NOT NULL, PRIMARY KEY(folder, first)) STRICT, WITHOUT ROWID;"
	"CREATE INDEX vanished_modseq ON vanished(folder, modseq);"
	"CREATE TABLE departed(cid BLOB NOT NULL PRIMARY KEY, folder INTEGER NOT NULL, modseq INTEGER "
	"NOT NULL) STRICT, WITHOUT ROWID;"
	"INSERT INTO vanished SELECT folder, min(uid), max(uid), modseq FROM (SELECT folder, uid, modseq, "
	"uid - row_number() OVER (PARTITION BY folder, modseq ORDER BY uid) AS run FROM gone) GROUP BY "
	"folder, modseq, run;"
	"INSERT OR REPLACE INTO departed SELECT cid, folder, modseq FROM gone ORDER BY at;"
	"DROP TABLE gone;",
	/* What a view knows of the messages of a run of UIDs: index_view.c. */
	("CREATE TABLE snap(folder INTEGER NOT NULL, run INTEGER NOT NULL, data BLOB NOT NULL, PRIMARY "
	 "KEY(folder, run)) STRICT, WITHOUT ROWID;"),
};
const unsigned index_schema_n = COUNT_OF(index_schema);
