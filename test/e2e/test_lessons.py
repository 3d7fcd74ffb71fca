"""Lessons leave as a file and come back: the same counts, where the mail is; what is wrong in such a file, and what it names that is not there."""
import json, os, sqlite3

import pytest

import learning, mail
from server import Server

ANN = "ann@local.example"


@pytest.fixture
def server():
    s = Server(extra=learning.SETTINGS)
    yield s
    s.remove()


def again(server):
    return Server(folder=server.folder, base=server.base)


def put(server, name, lines):
    path = os.path.join(server.folder, name)
    with open(path, "w") as f:
        f.write("\n".join(lines) + "\n")
    return path


def wipe(server):
    learning.forget(server)
    with sqlite3.connect(os.path.join(server.data, "state.sqlite")) as db:
        db.execute("DELETE FROM lesson")
    db.close()


def test_lessons_leave_and_come_back(server):
    mails = mail.deduplicated(mail.own(30, 3))[:16]
    with again(server) as s:
        talk = mail.Talk(s.address, s.port("smtp"))
        for i, m in enumerate(mails):
            assert talk.send(f"m{i}@sender.example", [ANN], m.content)[0] == 250
        talk.close()
        client = s.imap(ANN)
        client.create("Work")
        client.select("INBOX")
        assert client.uid("MOVE", "1:6", "Junk")[0] == "OK"
        client.select("Junk")
        assert client.uid("MOVE", "1:3", "Work")[0] == "OK"
        client.logout()
        lines = s.command("spam", "export", "ann").stdout.splitlines()
        assert s.command("spam", "export").stdout.splitlines() == lines
        assert len(s.command("spam", "export", "bob").stdout.splitlines()) == 1
        assert s.command("spam", "export", "zoe", check=False).returncode == 64
    assert server.command("spam", "export").stdout.splitlines() == lines  # without a server too
    first, *told = map(json.loads, lines)
    assert first["pennypost-lessons"] == 1 and first["tokeniser"] > 0
    assert [sorted(l["class"] for l in told)] == [["ham"] * 3 + ["spam"] * 3]
    assert all(l["account"] == "ann" and l["weight"] == 4 and len(l["content"]) == 32 and l["tokeniser"] == first["tokeniser"] for l in told)
    known = learning.knowledge(server)
    wipe(server)
    with again(server) as s:
        # wrong anywhere: nothing is learned
        for wrong, words in ((lines + ['{"account":"ann"}'], f"line {len(lines) + 1}: "), (lines + lines[1:2], f"line {len(lines) + 1}: the same lesson"),
                             (lines[1:], "line 1: ")):
            done = s.command("spam", "import", put(server, "wrong.jsonl", wrong), check=False)
            assert done.returncode != 0 and words in done.stderr and "nothing was learned" in done.stderr, done
        assert s.command("spam", "import", "/nowhere/at/all", check=False).returncode != 0
        assert len(s.command("spam", "export").stdout.splitlines()) == 1
        others = [json.dumps(json.loads(lines[1]) | change) for change in ({"account": "bob"}, {"account": "zoe"}, {"account": ""}, {"content": "0" * 32})]
        done = s.command("spam", "import", put(server, "good.jsonl", lines + others))
        assert done.stdout == "learned 6 of 10 lessons; the messages of the other 4 are not in these accounts\n"
        assert s.command("spam", "export").stdout.splitlines() == lines  # with their times
    made = learning.knowledge(server)
    assert learning.difference(known, made) is None, learning.difference(known, made)
    # twice changes nothing, and neither does what weighs less than what is known
    lighter = [json.dumps(json.loads(l) | {"class": "ham", "weight": 1}) for l in lines[1:]]
    assert server.command("spam", "import", put(server, "good.jsonl", lines), check=False).returncode == 69  # who reads the mail?
    with again(server) as s:
        assert s.command("spam", "import", put(server, "good.jsonl", lines)).stdout == "learned 6 of 6 lessons\n"
        s.command("spam", "import", put(server, "lighter.jsonl", lines[:1] + lighter))
        assert s.command("spam", "export").stdout.splitlines() == lines
    assert learning.difference(known, learning.knowledge(server)) is None
