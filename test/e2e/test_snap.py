"""Is what an open folder's view is read from ever stale? The index keeps it in blobs, a run of UIDs each; the law is that a blob which is there says what the rows say. Random
commands, files renamed and removed by others, stops and kill -9 in between; then the law is looked up in the index, and a client that opens the folder must hear the
same with the blobs as without them."""
import contextlib, glob, os, random, sqlite3, struct

import pytest

from server import Server

ANN = "ann@local.example"
HEAD, RECORD, BITS = struct.Struct("=QQqqII"), struct.Struct("=6I"), 10
MANY, ROUNDS = 140, 8


@pytest.fixture
def server():
    with Server() as s:
        yield s


def folder_of(server):
    return os.path.join(server.folder, "mail", "ann")


@contextlib.contextmanager
def index_of(server):
    with contextlib.closing(sqlite3.connect(os.path.join(folder_of(server), "index.sqlite"), timeout=20)) as db:
        yield db
        db.commit()


def kept(server):
    """How many blobs there are, each of them looked up in the rows."""
    with index_of(server) as db:
        blobs = db.execute("SELECT folder, run, data FROM snap").fetchall()
        for folder, run, data in blobs:
            _, modseq, internal, saved, first, n = HEAD.unpack_from(data)
            assert first == run << BITS and len(data) == HEAD.size + n * RECORD.size
            said = [(first + r[5], r[0], r[1], modseq + r[2], internal + r[3], saved + r[4]) for r in RECORD.iter_unpack(data[HEAD.size:])]
            rows = db.execute("SELECT uid, flags, size, modseq, internal, saved FROM msg WHERE folder = ? AND uid BETWEEN ? AND ? ORDER BY uid",
                              (folder, first, first + (1 << BITS) - 1)).fetchall()
            assert said == rows
    return len(blobs)


def told(server, name="INBOX"):
    client = server.imap(ANN)
    assert client.select(name, readonly=True)[0] == "OK"
    kind, said = client.uid("FETCH", "1:*", "(FLAGS MODSEQ INTERNALDATE RFC822.SIZE SAVEDATE)")
    assert kind == "OK"
    client.logout()
    return [line.replace(b" \\Recent", b"").replace(b"\\Recent", b"") for line in said if line]


def act(client, dice, left):
    numbers = f"{dice.randrange(1, left // 2)}:{dice.randrange(left // 2, left)}"
    one = str(dice.randrange(1, left))
    flag = dice.choice([r"(\Seen)", r"(\Flagged)", "($Later)", r"(\Answered)"])
    what = dice.randrange(6)
    if what == 0:
        client.store(numbers, dice.choice(["+FLAGS.SILENT", "-FLAGS.SILENT", "FLAGS.SILENT"]), flag)
    elif what == 1:
        client.store(one, "+FLAGS.SILENT", flag)
    elif what == 2:
        client.store(one, "+FLAGS.SILENT", r"(\Deleted)")
        client.expunge()
    elif what == 3:
        client.append("INBOX", "()", None, b"Subject: later\r\n\r\nwords\r\n" * dice.randrange(1, 9))
    elif what == 4:
        client.copy(numbers, "other")
    else:
        client._simple_command("MOVE", one, "other")


def others(server, dice):
    """What another program does while nobody looks: flags in a name, a message taken away."""
    files = sorted(glob.glob(os.path.join(folder_of(server), "cur", "*:2,*")))
    for path in dice.sample(files, 3):
        os.rename(path, path.rpartition(":")[0] + dice.choice([":2,F", ":2,S", ":2,"]))
    os.unlink(dice.choice(sorted(glob.glob(os.path.join(folder_of(server), "cur", "*")))))


def test_a_stale_blob_is_never_believed(server):
    dice = random.Random(6851)
    client = server.imap(ANN)
    client.create("other")
    for n in range(MANY):
        client.append("INBOX", r"(\Seen)" if n % 3 else "()", None, b"Subject: %d\r\n\r\nwords\r\n" % n + b"x" * (n % 60))
    client.logout()
    first = told(server)
    assert len(first) == MANY
    server.stop()
    assert kept(server) == 1
    for turn in range(ROUNDS):
        server.start()
        assert told(server) == first
        client = server.imap(ANN)
        client.select("INBOX")
        for _ in range(dice.randrange(1, 5)):
            act(client, dice, int(client.status("INBOX", "(MESSAGES)")[1][0].split()[-1].strip(b")")))
        first, is_killed = told(server), dice.random() < 0.4
        if is_killed:
            server.kill()
        else:
            client.logout()
            server.stop()
        assert kept(server) >= (0 if is_killed else 1)
        if dice.random() < 0.4:
            others(server, dice)
            server.start()
            first = told(server)
            server.stop()
            assert kept(server) >= 1
        with index_of(server) as db:  # and the same without them
            kept_blobs = db.execute("SELECT * FROM snap").fetchall()
            db.execute("DELETE FROM snap")
        server.start()
        assert told(server) == first
        server.stop()
        with index_of(server) as db:  # what a stop writes is what was there before, where it was there
            assert set(kept_blobs) <= set(db.execute("SELECT * FROM snap").fetchall())


def test_a_damaged_blob_is_read_from_rows(server):
    client = server.imap(ANN)
    for n in range(MANY):
        client.append("INBOX", "()", None, b"Subject: %d\r\n\r\nwords\r\n" % n)
    client.logout()
    first = told(server)
    for way in (lambda b: b[:-7], lambda b: b[:50] + bytes([b[50] ^ 1]) + b[51:], lambda b: b"", lambda b: b + b[-RECORD.size:], lambda b: b"\xff" * len(b)):
        server.stop()
        assert kept(server) == 1
        with index_of(server) as db:
            (data,) = db.execute("SELECT data FROM snap").fetchone()
            db.execute("UPDATE snap SET data = ?", (way(data),))
        server.start()
        assert told(server) == first
