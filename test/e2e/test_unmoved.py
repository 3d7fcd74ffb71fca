"""Mail that nobody moved teaches too: an owner who moves nothing but missed spam gets a filter that junks and knows ham; what does not teach; each message
once, also after a kill; and a later move takes the place of what lying there taught."""
import os, re, sqlite3, time

import pytest

import learning, mail
from server import Server, wait_for

FAST = {"PENNYPOST_CLOCK_SCALE": 100}  # the first walk comes a minute after the start
HAM, SPAM = 1, 2
ANN = "ann@local.example"


@pytest.fixture
def server():
    s = Server(extra=learning.SETTINGS)
    yield s
    s.remove()


def again(server, env=None):
    return Server(folder=server.folder, base=server.base, env=env)


def sql(server, name, text, *values):
    with sqlite3.connect(os.path.join(server.data, name)) as db:
        return db.execute(text, values).fetchall()


def walked(text, name):
    return sum(int(n) for n in re.findall(rf'unmoved mail after="?{name}.*? delivered=(\d+)', text))


def time_passes(server, hours):
    """A stopped server's deliveries grow older; then it runs until all of them were looked at that are old enough."""
    sql(server, "ledger.sqlite", "UPDATE row SET at = at - ?", int(hours * 3600))
    due = {}
    for name, walk, age in (("6 h", "unmoved, read", 6), ("a while", "unmoved", 24)):
        done = sql(server, "state.sqlite", "SELECT value FROM progress WHERE name = ?", walk)
        due[name] = sql(server, "ledger.sqlite", "SELECT count(*) FROM row WHERE act IN('accept','junk') AND id > ? AND at < ?",
                        done[0][0] if done else 0, int(time.time()) - age * 3600)[0][0]
    begin = len(server.log_text())
    with again(server, FAST) as s:
        for name, n in due.items():
            wait_for(lambda: walked(server.log_text()[begin:], name) >= n, 60)
    text = server.log_text()[begin:]
    assert {name: walked(text, name) for name in due} == due
    assert "learned message" not in text  # only acts are told one by one
    return due


def lessons(server):
    """(class, weight) by the mark of the message."""
    contents = {c: int(re.match(r"m(\d+)@", f).group(1)) for c, f in sql(
        server, "ledger.sqlite", "SELECT hex(content), mail_from FROM row WHERE length(content) = 16")}
    return {contents[c]: (k, w) for c, k, w in sql(server, "state.sqlite", "SELECT hex(content), class, weight FROM lesson")}


def same_as_from_scratch(server):
    """Counts are made again from the lessons, and are the same."""
    known = learning.knowledge(server)
    learning.forget(server)
    with again(server) as s:
        wait_for(lambda: learning.stats(s)["pending"] == 0 and len(sql(server, "spam.sqlite", "SELECT 1 FROM applied")) == len(known["lessons"]), 60)
    made = learning.knowledge(server)
    assert learning.difference(known, made) is None, learning.difference(known, made)


def deliver(s, mails, first):
    talk = mail.Talk(s.address, s.port("smtp"))
    for i, m in enumerate(mails):
        assert talk.send(f"m{first + i}@sender.example", [ANN], m.content)[0] == 250
    talk.close()


def look(client, folder):
    return {mail.mark_of(raw): uid for uid, raw in mail.fetch_all(client, folder, "BODY.PEEK[HEADER.FIELDS (RETURN-PATH)]")}


def test_an_owner_who_moves_nothing_but_missed_spam(server):
    mails = mail.deduplicated(mail.own(140, 11))
    days, size = 5, 28
    found = []
    for day in range(days):
        part = mails[day * size:(day + 1) * size]
        with again(server) as s:
            deliver(s, part, day * size)
            client = s.imap(ANN)
            junk, inbox = look(client, "Junk"), look(client, "INBOX")
            today = range(day * size, day * size + len(part))
            spam = [i for i in today if mails[i].label == "spam"]
            missed = [i for i in spam if i in inbox]
            wrong = [i for i in today if mails[i].label == "ham" and i in junk]
            found.append((len(spam), len(missed), len(wrong)))
            client.select("INBOX")
            if missed:
                assert client.uid("MOVE", ",".join(str(inbox[i]) for i in missed), "Junk")[0] == "OK"
            client.logout()
        time_passes(server, 25)
    taught = lessons(server)
    print(f"\nof each day: (spam, missed, ham in Junk): {found}; {len(taught)} lessons of {len(mails)} messages")
    assert not [i for i, (k, w) in taught.items() if (k == HAM) != (mails[i].label == "ham")]
    assert sum(k == HAM and w == 1 for k, w in taught.values()) > 10  # nobody ever moved ham
    assert {w for k, w in taught.values() if k == SPAM} >= {4}
    assert sum(f[2] for f in found) == 0
    assert found[0][1] == found[0][0] and found[-1][1] <= found[-1][0] // 2, found
    same_as_from_scratch(server)


def test_what_teaches_once_and_what_does_not(server):
    mails = [m for m in mail.deduplicated(mail.own(40, 5)) if m.label == "ham"][:12]
    with again(server) as s:
        deliver(s, mails, 0)
        client = s.imap(ANN)
        client.create("Work")
        client.append("INBOX", None, None, mails[0].content.replace(b"Message-ID: <", b"Message-ID: <appended-"))
        uid = look(client, "INBOX")
        client.select("INBOX")
        for word, marks in (("\\Answered", [0]), ("\\Seen", [1]), ("\\Deleted", [2])):
            client.uid("STORE", ",".join(str(uid[i]) for i in marks), "+FLAGS", f"({word})")
        for folder, mark in (("Trash", 3), ("Work", 4), ("Archive", 5), ("Junk", 6)):
            assert client.uid("MOVE", str(uid[mark]), folder)[0] == "OK"
        client.logout()
    assert lessons(server) == {6: (SPAM, 4)}
    time_passes(server, 7)  # what was read, or more than that
    assert lessons(server) == {0: (HAM, 2), 1: (HAM, 1), 4: (HAM, 2), 5: (HAM, 2), 6: (SPAM, 4)}
    time_passes(server, 20)
    known = lessons(server)
    assert {i: known.get(i) for i in range(7)} == {0: (HAM, 2), 1: (HAM, 1), 2: None, 3: None, 4: (HAM, 2), 5: (HAM, 2), 6: (SPAM, 4)}
    assert set(known.values()) == {(HAM, 1), (HAM, 2), (SPAM, 4)}
    before = learning.knowledge(server)
    assert time_passes(server, 30) == {"6 h": 0, "a while": 0}  # each once
    sql(server, "state.sqlite", "DELETE FROM progress")  # as if killed behind the lessons
    time_passes(server, 0)
    assert {i: w for i, w in lessons(server).items() if i in known} == known
    assert learning.difference(before, learning.knowledge(server)) is None
    # a later move takes its place
    with again(server) as s:
        client = s.imap(ANN)
        for folder, mark, target in (("INBOX", 1, "Junk"), ("Work", 4, "Junk")):
            uid = look(client, folder)
            client.select(folder)
            assert client.uid("MOVE", str(uid[mark]), target)[0] == "OK"
        client.logout()
    assert lessons(server) == known | {1: (SPAM, 4), 4: (SPAM, 4)}
    time_passes(server, 30)
    known |= {1: (SPAM, 4), 4: (SPAM, 4)}
    assert lessons(server) == known
    same_as_from_scratch(server)
    relearned(server, len(known))


def relearned(server, n):
    """What is learned again is the same; without a message it is what the others teach, and undoing that lesson later undoes nothing."""
    before = learning.knowledge(server)
    with again(server) as s:
        assert s.command("spam", "relearn").stdout == f"ann: learned again from {n} of {n} lessons\nbob: learned again from 0 of 0 lessons\n"
    assert learning.difference(before, learning.knowledge(server)) is None
    with again(server) as s:
        client = s.imap(ANN)
        uid = look(client, "Junk")
        client.select("Junk")
        client.uid("STORE", str(uid[6]), "+FLAGS", "(\\Deleted)")
        client.expunge()
        client.logout()
        assert s.command("spam", "relearn", "ann").stdout == f"ann: learned again from {n - 1} of {n} lessons; the messages of the others are gone\n"
        assert s.command("spam", "relearn", "zoe", check=False).returncode == 64
    assert server.command("spam", "relearn", "ann").stdout.startswith(f"ann: learned again from {n - 1} of {n} lessons")  # with no server running too
    after = learning.knowledge(server)
    assert after["lessons"] == before["lessons"] and len(after["applied"]) == n - 1 and len(after["features"]) < len(before["features"])


def test_only_moves_teach_when_the_owner_says_so(server):
    with open(server.config, "a") as f:
        f.write('\n[learn]\nunmoved = "off"\n')
    with again(server) as s:
        deliver(s, mail.own(3, 5), 0)
    sql(server, "ledger.sqlite", "UPDATE row SET at = at - 900000")
    with again(server, FAST) as s:
        begin = time.monotonic()
        wait_for(lambda: time.monotonic() - begin > 2)  # the first walk would come after 0.6 s
        assert "unmoved mail" not in s.log_text()
    assert lessons(server) == {}
