"""Whom an account wrote to, told by its sent mail: what clients append, what another program puts there, what lay there before; and what tells nothing."""
import json, os, sqlite3, time

import pytest

from server import Server, wait_for

MONTH = 30 * 86400


@pytest.fixture
def server():
    s = Server()
    yield s
    s.remove()


def again(server):
    return Server(folder=server.folder, base=server.base)


def letter(to, more="", crlf="\r\n", subject="hello"):
    lines = ["From: Ann <ann@local.example>", f"To: {to}", f"Subject: {subject}", "Date: Mon, 5 Jan 2026 10:00:00 +0000", f"Message-ID: <{abs(hash((to, more, subject)))}@x>"]
    return crlf.join(lines + [l for l in more.split("\n") if l] + ["", "A few words.", ""]).encode()


def known(s, account="ann"):
    return {k["address"]: k for k in json.loads(s.command("correspondents", "--json", account).stdout)}


def progress(server):
    with sqlite3.connect(os.path.join(server.data, "state.sqlite")) as db:
        return dict(db.execute("SELECT name, value FROM progress WHERE name LIKE 'wrote %'").fetchall())


def test_sent_mail_makes_correspondents(server):
    folder = os.path.join(server.data, "mail", "ann", ".Sent")
    with again(server) as s:
        client = s.imap("ann@local.example")
        when = time.time() - MONTH
        at = '"' + time.strftime("%d-%b-%Y %H:%M:%S +0000", time.gmtime(when)) + '"'
        put = lambda folder, flags, message, at=None: client.append(folder, flags, at, message)
        assert put("Drafts", "(\\Draft)", letter("draft@other.example"))[0] == "OK"
        assert put("INBOX", None, letter("inbox@other.example"))[0] == "OK"
        assert put("Sent", "(\\Draft)", letter("unsent@other.example"))[0] == "OK"
        assert put("Sent", None, letter("planted@other.example", "Return-Path: <mallory@x.example>"))[0] == "OK"
        assert put("Sent", None, letter("planted2@other.example", "Delivered-To: ann@local.example"))[0] == "OK"
        assert known(s) == {}
        assert put("Sent", "(\\Seen)", letter('"Uncle, Bob" <Bob@Family.example>, group: x@group.example;', "Cc: aunt@family.example\nBcc: secret@family.example"), at)[0] == "OK"
        assert put("Sent", "(\\Seen)", letter("bob@family.example", subject="once more"))[0] == "OK"
        assert put("Sent", None, letter("not an address, @nobody.example"))[0] == "OK"
        people = {"bob@family.example", "aunt@family.example", "secret@family.example", "x@group.example"}
        wait_for(lambda: known(s).keys() >= people and list(progress(server).values()) == [6])
        assert known(s).keys() == people
        bob = known(s)["bob@family.example"]
        assert bob["letters"] == 1 and abs(bob["first"] - when) < 5 and bob["last"] > when + MONTH - 600
        assert abs(known(s)["aunt@family.example"]["last"] - when) < 5
        assert known(s, "bob") == {}
        s.command("correspondents", "ann", "forget", "aunt@family.example")
        # another program, while we run
        for i in range(150):
            many = ", ".join(f"p{i}.{k}@many.example" for k in range(20))
            with open(os.path.join(folder, "tmp", f"{i}.extern"), "wb") as f:
                f.write(letter(many, crlf="\n"))
            os.rename(f.name, os.path.join(folder, "new", f"{i}.extern"))
        client.select("Sent")
        wait_for(lambda: sum("many.example" in a for a in known(s)) == 3000, 60)
        client.logout()
    # and while we do not
    with open(os.path.join(folder, "cur", "later.extern:2,S"), "wb") as f:
        f.write(letter("later@other.example", crlf="\n"))
    with again(server) as s:
        wait_for(lambda: "later@other.example" in known(s))
        assert "aunt@family.example" not in known(s)  # each message is read once, so who was forgotten stays so
    assert list(progress(server).values()) == [157]


def test_a_letter_with_more_addressees_than_any(server):
    with again(server) as s:
        client = s.imap("ann@local.example")
        many = [f"p{i}@many.example" for i in range(700)]
        long = [f"{'q' * 60}{i}@{'l' * 60}.example" for i in range(900)]  # beyond what is read of a message
        client.append("Sent", None, None, letter(",\r\n ".join(many)))
        client.append("Sent", None, None, letter("last@other.example"))
        wait_for(lambda: "last@other.example" in known(s))
        assert known(s).keys() == set(many[:500]) | {"last@other.example"}
        client.append("Sent", None, None, letter("first@other.example", "Cc: " + ",\n ".join(long)))
        client.append("Sent", None, None, letter("end@other.example"))
        wait_for(lambda: "end@other.example" in known(s))
        assert known(s).keys() == set(many[:500]) | {"last@other.example", "first@other.example", "end@other.example"}
        client.logout()
