"""Is a list of messages answered from strips the same as from the messages? FETCH of odd mail is asked for with nothing kept, with all kept, with some damaged, after a
restart, beside new, flagged and expunged mail, and with the index lost; a FETCH of each message alone, which reads no strip, must say the same."""
import contextlib, glob, os, random, re, sqlite3

import pytest

from server import Server, wait_for

ANN = "ann@local.example"
ITEMS = ["(UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE)", "(FLAGS BODY.PEEK[HEADER.FIELDS (FROM subject TO Date X-Priority)])", "(BODY PREVIEW)",
         "(ENVELOPE EMAILID)", "(BODY.PEEK[HEADER.FIELDS (References)]<3.20> UID)", "(BODY.PEEK[HEADER.FIELDS (X-Nothing)])"]
MANY, KINDS = 150, 5


def message(dice, n):
    lines = [f"From: =?utf-8?q?=C3=9C?= \"{n}\" <a{n}@x.example>", f"Subject: {'s' * dice.randrange(200)} \"\\ {n}"]
    lines += [f"To: b@x.example,\r\n\tc{n}@x.example"] if dice.random() < 0.7 else []
    lines += [f"References: <{n}@id>\r\n  <x@id>"] if dice.random() < 0.5 else []
    lines += ["Date: Mon, 1 Jun 2020 10:00:00 +0000"] if dice.random() < 0.8 else []
    lines += ["X-Nothing: here", "X-Priority: 1"] if dice.random() < 0.3 else []
    if dice.random() < 0.3:
        lines += ["Content-Type: multipart/mixed; boundary=b", "", "--b", "", "one", "--b", "Content-Type: text/html", "", "<p>two", "--b--"]
    else:
        lines += ["", "first words " * dice.randrange(9)]
    return "\r\n".join(lines + [""]).encode()


def fetch(client, numbers, what):
    kind, data = client.fetch(numbers, what)
    assert kind == "OK", (what, data)
    said = [part if isinstance(part, bytes) else b" ".join(part) for part in data if part != b")"]
    return [re.sub(rb" ?\\Recent", b"", part) for part in said]


def together(client):
    return [fetch(client, "1:*", what) for what in ITEMS]


def alone(client, count):
    return [sum((fetch(client, str(n), what) for n in range(1, count + 1)), []) for what in ITEMS]


def index_of(server):
    return os.path.join(server.folder, "mail", "ann", "index.sqlite")


def kept(server):
    with contextlib.closing(sqlite3.connect(index_of(server), timeout=20)) as db:
        return dict(db.execute("SELECT kind, sum(length(data)) FROM pack WHERE kind >= 2 GROUP BY kind").fetchall())


def damage(server, dice):
    with contextlib.closing(sqlite3.connect(index_of(server), timeout=20)) as db:
        for folder, kind, uid, data in db.execute("SELECT folder, kind, uid, data FROM pack WHERE kind >= 2").fetchall():
            data = bytearray(data)
            how = dice.randrange(4)
            if how == 0:
                data = data[:dice.randrange(len(data))]
            elif how == 1:  # its first record says that it is of a UID far away
                data[:4] = (4294967295).to_bytes(4, "little")
            elif how == 2:  # or longer than all of it
                data[4:8] = (4294967295).to_bytes(4, "little")
            else:
                data = b""
            db.execute("UPDATE pack SET data = ? WHERE folder = ? AND kind = ? AND uid = ?", (bytes(data), folder, kind, uid))
        db.commit()


@pytest.fixture
def server():
    with Server() as s:
        yield s


def test_strips_say_what_the_messages_say(server):
    dice = random.Random(3501)
    client = server.imap(ANN)
    for n in range(MANY):
        assert client.append("INBOX", r"(\Seen)" if dice.random() < 0.3 else "()", None, message(dice, n))[0] == "OK"
    client.select("INBOX")
    first = alone(client, MANY)
    assert kept(server) == {}  # a message alone keeps nothing
    assert together(client) == first
    wait_for(lambda: len(kept(server)) == KINDS)
    octets = kept(server)
    assert together(client) == first and kept(server) == octets

    for _ in range(4):
        damage(server, dice)
        assert together(client) == first

    other = server.imap(ANN)
    other.select("INBOX")
    other.store("3:40", "+FLAGS.SILENT", r"(\Flagged)")
    other.store("5,17,140:149", "+FLAGS.SILENT", r"(\Deleted)")
    other.expunge()
    for n in range(MANY, MANY + 20):
        assert other.append("INBOX", "()", None, message(dice, n))[0] == "OK"
    other.logout()
    client.noop()
    client.response("FETCH")  # flags that were told unasked
    later = alone(client, MANY + 8)
    assert later != first and together(client) == later and together(client) == later
    client.logout()

    server.stop()
    server.start()
    client = server.imap(ANN)
    client.select("INBOX")
    assert together(client) == later
    client.logout()

    server.stop()
    for lost in glob.glob(index_of(server) + "*"):
        os.unlink(lost)
    server.start()
    client = server.imap(ANN)
    client.select("INBOX")
    assert together(client) == later and together(client) == later
    client.logout()


def test_what_another_session_expunges_is_not_damaged(server):
    dice = random.Random(2180)
    client = server.imap(ANN)
    for n in range(40):
        client.append("INBOX", "()", None, message(dice, n))
    client.select("INBOX")
    said = fetch(client, "1:*", ITEMS[0])
    wait_for(lambda: len(kept(server)) == 2)
    other = server.imap(ANN)
    other.select("INBOX")
    other.store("7,20", "+FLAGS.SILENT", r"(\Deleted)")
    other.expunge()
    kind, text = client.fetch("1:*", ITEMS[0])  # RFC 9051 7.5.1: no EXPUNGE is told during FETCH, so numbers stay
    left = [part for part in client.response("FETCH")[1] if re.sub(rb" ?\\Recent", b"", part) in said]
    assert kind == "NO" and b"[EXPUNGEISSUED]" in text[0] and len(left) == 38
    client.noop()
    client.response("FETCH")
    assert len(fetch(client, "1:*", ITEMS[0])) == 38
    other.logout()
    client.logout()
