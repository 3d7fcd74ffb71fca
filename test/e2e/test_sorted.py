"""Is a SORT or THREAD from keys or orders that are kept the same as one from the messages? Answers about odd mail are asked for with nothing kept, with all kept, with some
damaged, after a restart, beside new and expunged mail, and with the index lost; nobody may see a difference."""
import contextlib, glob, os, random, sqlite3

import pytest

from server import Server, wait_for

ANN = "ann@local.example"
PARTS = [("SORT", "(SUBJECT) UTF-8 UNSEEN"), ("SORT", "(REVERSE DATE) UTF-8 SEEN"), ("SORT", "(SIZE CC) UTF-8 2:30"), ("SORT", "(SUBJECT) UTF-8 2:4,50:*")]
ASKED = PARTS + [("SORT", f"({key}) UTF-8 ALL") for key in (
    "DATE", "REVERSE DATE", "SUBJECT", "REVERSE SUBJECT FROM", "FROM", "TO DATE", "CC", "DISPLAYFROM", "REVERSE DISPLAYTO SUBJECT", "ARRIVAL", "SIZE CC", "ARRIVAL SUBJECT")]
ASKED += [("THREAD", f"{how} UTF-8 ALL") for how in ("REFERENCES", "REFS", "ORDEREDSUBJECT")]
ASKED += [("SORT", "(SUBJECT) UTF-8 TEXT green"), ("SORT", "(DATE FROM) UTF-8 UNSEEN"), ("THREAD", "REFERENCES UTF-8 OR SEEN SUBJECT b")]
ASKED += PARTS  # at first sorted for themselves, then picked from the orders of all


def message(dice, n):
    person = lambda: dice.choice(["ann@x.example", "Zoe <ann@x.example>", '"Bo, B" <bo@y.example>', "Team: c@x.example, d@x.example;", "=?utf-8?q?=C3=9Cber?= <u@x.example>", "", "<>", "@"])
    subject = dice.choice(["", "Re: ", "RE: [list] ", "Fwd: "]) + dice.choice(["a", "b", "A", "=?utf-8?q?=C3=84?=", "", "x" * 600 + dice.choice("abc"), "a (fwd)"])
    ids = [f"<{dice.randrange(40)}@id>" for _ in range(dice.choice((0, 0, 1, 2, 3, 90)))]
    lines = [f"From: {person()}", f"To: {person()}", f"Subject: {subject}"]
    lines += [f"Cc: {person()}"] if dice.random() < 0.4 else []
    lines += [f"Date: {dice.choice(['Mon, 1 Jun 2020 10:00:00 +0000', f'Tue, 2 Jun 2020 1{n % 10}:00:00 -0300', 'soon', 'Sat, 1 Jan 0000 00:00:00 +0000'])}"] if dice.random() < 0.9 else []
    lines += [f"Message-ID: <{n}@id>"] if dice.random() < 0.9 else []
    lines += ["References: " + "\r\n ".join(ids)] if ids else []
    lines += [f"In-Reply-To: <{dice.randrange(40)}@id>"] if dice.random() < 0.4 else []
    return "\r\n".join(lines + ["", dice.choice(["green", "red"]) * dice.randrange(1, 9), ""]).encode()


def answers(client):
    ret = []
    for command, what in ASKED:
        kind, data = client.xatom(command, what)
        assert kind == "OK", (command, what, data)
        ret.append(client.response(command)[1])
    assert ret[:len(PARTS)] == ret[-len(PARTS):]
    return ret


def index_of(server):
    return os.path.join(server.folder, "mail", "ann", "index.sqlite")


def kept(server):
    """Octets of numbers and of texts."""
    with contextlib.closing(sqlite3.connect(index_of(server), timeout=20)) as db:
        return dict(db.execute("SELECT kind, sum(length(data)) FROM pack GROUP BY kind").fetchall())


def damage(server, dice):
    with contextlib.closing(sqlite3.connect(index_of(server), timeout=20)) as db:
        for folder, kind, uid, data in db.execute("SELECT folder, kind, uid, data FROM pack").fetchall():
            data = bytearray(data)
            how = dice.randrange(3)
            if how == 0:
                data = data[:dice.randrange(len(data))]
            elif how == 1:  # its first record says that it is of a UID far away
                data[:4] = (4294967295).to_bytes(4, "little")
            else:
                data = b""
            db.execute("UPDATE pack SET data = ? WHERE folder = ? AND kind = ? AND uid = ?", (bytes(data), folder, kind, uid))
        db.commit()


@pytest.fixture
def server():
    with Server() as s:
        yield s


def test_kept_keys_sort_as_the_messages_do(server):
    dice = random.Random(5256)
    client = server.imap(ANN)
    for n in range(60):
        assert client.append("INBOX", r"(\Seen)" if dice.random() < 0.3 else "()", None, message(dice, n))[0] == "OK"
    client.select("INBOX")
    first = answers(client)
    wait_for(lambda: len(kept(server)) == 2)  # numbers and texts
    octets = kept(server)
    assert answers(client) == first and kept(server) == octets

    for _ in range(6):
        client.logout()
        server.stop()  # orders are kept while it runs
        damage(server, dice)
        server.start()
        client = server.imap(ANN)
        client.select("INBOX")
        assert answers(client) == first
        wait_for(lambda: kept(server) == octets)

    for n in range(60, 70):
        assert client.append("INBOX", "()", None, message(dice, n))[0] == "OK"
    client.noop()
    client.store("3,7,9", "+FLAGS.SILENT", r"(\Deleted)")
    client.expunge()
    later = answers(client)
    assert later != first and answers(client) == later
    client.logout()

    server.stop()
    server.start()
    client = server.imap(ANN)
    client.select("INBOX")
    assert answers(client) == later
    client.logout()

    server.stop()
    for lost in glob.glob(index_of(server) + "*"):
        os.unlink(lost)
    server.start()
    client = server.imap(ANN)
    client.select("INBOX")
    assert answers(client) == later and answers(client) == later
    client.logout()
