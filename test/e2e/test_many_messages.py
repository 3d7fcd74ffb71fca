"""A command over hundreds of messages that is broken off in the middle: killed, or stopped by a full disk (CATALOGUE IMP-09, IMP-18)."""
import contextlib, imaplib, os, re, sqlite3

import pytest

from server import Server, wait_for

ANN = "ann@local.example"
MANY = 512
COUNTED = re.compile(rb"(?:MESSAGES|HIGHESTMODSEQ|UIDNEXT) \d+")


@contextlib.contextmanager
def filled():
    """A server that has stopped, with so many messages in INBOX."""
    with Server() as server:
        client = server.imap(ANN)
        assert client.append("INBOX", "", None, b"From: a@b.example\r\nSubject: one of many\r\n\r\nhello\r\n")[0] == "OK"
        client.select("INBOX")
        for _ in range(MANY.bit_length() - 1):
            assert client.copy("1:*", "INBOX")[0] == "OK"
            client.noop()
        assert client.create("Copies")[0] == "OK"
        client.logout()
        assert server.stop() == 0
        yield server


def numbers(client, mailbox):
    answer = client.status(mailbox, "(MESSAGES HIGHESTMODSEQ UIDNEXT)")[1][0]
    return {k.decode(): int(v) for k, v in (item.split() for item in COUNTED.findall(answer))}


def modseqs(client):
    rows = client.uid("FETCH", "1:*", "(FLAGS MODSEQ)")[1]
    return {int(re.search(rb"UID (\d+)", r)[1]): (b"\\Seen" in r, int(re.search(rb"MODSEQ \((\d+)\)", r)[1])) for r in rows}


def test_a_store_killed_in_the_middle_is_done_by_asking_again():  # IMP-09
    with filled() as server:
        server.env["PENNYPOST_FAULT"] = f"rename:{MANY // 2}:kill"
        server.start()
        client = server.imap(ANN)
        client.select("INBOX")
        before, was = numbers(client, "INBOX"), modseqs(client)
        with contextlib.suppress(OSError, imaplib.IMAP4.error):
            client.store("1:*", "+FLAGS.SILENT", "(\\Seen)")
        wait_for(lambda: server.process is None or server.process.poll() is not None)
        server.kill()
        server.env.clear()
        server.start()
        client = server.imap(ANN)
        client.select("INBOX")
        half, now = numbers(client, "INBOX"), modseqs(client)
        assert now.keys() == was.keys() and 0 < sum(seen for seen, _ in now.values()) < MANY
        for uid, (seen, modseq) in now.items():
            assert modseq > was[uid][1] if seen else modseq >= was[uid][1], uid
        assert half["HIGHESTMODSEQ"] >= max(m for _, m in now.values()) >= before["HIGHESTMODSEQ"] and half["UIDNEXT"] == before["UIDNEXT"]
        assert client.store("1:*", "+FLAGS.SILENT", "(\\Seen)")[0] == "OK"
        assert all(seen and modseq >= now[uid][1] for uid, (seen, modseq) in modseqs(client).items())
        assert numbers(client, "INBOX")["HIGHESTMODSEQ"] > half["HIGHESTMODSEQ"]
        client.logout()


def test_a_long_list_is_kept_in_parts_while_it_is_told():  # IMP-08: what was told of 2,048 long envelopes does not wait for the last
    long = ", ".join(f"{n}{'x' * 40}@far.example" for n in range(150)).replace(", ", ",\r\n ")
    with Server() as server:
        client = server.imap(ANN)
        assert client.append("INBOX", "", None, f"From: a@b.example\r\nTo: {long}\r\n\r\nhello\r\n".encode())[0] == "OK"
        client.select("INBOX")
        for _ in range(11):
            assert client.copy("1:*", "INBOX")[0] == "OK"
            client.noop()
        client.send(b"f FETCH 1:* (UID ENVELOPE)\r\n")
        while not client.readline().startswith(b"* 1536 FETCH"):
            pass
        with contextlib.closing(sqlite3.connect(os.path.join(server.folder, "mail", "ann", "index.sqlite"), timeout=20)) as db:
            wait_for(lambda: db.execute("SELECT count(*) FROM pack WHERE kind >= 2").fetchone()[0] > 0)
        while not client.readline().startswith(b"f OK"):
            pass
        client.logout()


def test_a_store_that_fails_in_the_middle_tells_what_it_changed():  # RFC 9051 6.4.6 says NO; what is so all the same is told
    with filled() as server:
        server.env["PENNYPOST_FAULT"] = f"rename:{MANY // 2}:5"
        server.start()
        client = server.imap(ANN)
        client.select("INBOX")
        kind, _ = client.store("1:*", "+FLAGS.SILENT", "(\\Seen)")
        assert kind == "NO"
        told = {int(row.split()[0]) for row in client.response("FETCH")[1] if row is not None and b"\\Seen" in row}
        assert told == {uid for uid, (seen, _) in modseqs(client).items() if seen} and 0 < len(told) < MANY
        client.logout()


@pytest.mark.parametrize("fault", [f"link:{MANY // 2}:28", "fsync:1:28"])
def test_a_copy_that_the_disk_cannot_hold_leaves_nothing(fault):  # IMP-18
    with filled() as server:
        server.env["PENNYPOST_FAULT"] = fault
        server.start()
        client = server.imap(ANN)
        client.select("INBOX")
        was = modseqs(client)
        kind, answer = client.copy("1:*", "Copies")
        assert kind == "NO" and re.match(rb"\[(OVERQUOTA|UNAVAILABLE)\]", answer[0]), answer
        assert numbers(client, "Copies")["MESSAGES"] == 0 and modseqs(client) == was
        client.logout()
        assert server.stop() == 0
        server.env.clear()
        server.start()  # nor is anything found later
        client = server.imap(ANN)
        client.select("INBOX")
        assert numbers(client, "Copies")["MESSAGES"] == 0 and modseqs(client) == was
        assert client.copy("1:*", "Copies")[0] == "OK"
        assert numbers(client, "Copies")["MESSAGES"] == MANY
        client.logout()
