"""What is kept and for how long: expunged mail and deleted folders come back, old mail of Junk and Trash goes, and a clock that jumped is not believed."""
import glob, json, os, re, time

import pytest

from server import Server, wait_for

ANN = "ann@local.example"


@pytest.fixture
def server():
    with Server() as s:
        yield s


@pytest.fixture
def stopped():
    s = Server()
    yield s
    s.remove()


def message(n, sender="Carl Far <carl@far.example>", subject=None):
    return (f"From: {sender}\r\nTo: {ANN}\r\nSubject: {subject or f'letter {n}'}\r\nDate: Mon, 23 Nov 2026 04:00:0{n % 10} +0000\r\n"
            f"Message-ID: <m{n}@far.example>\r\n\r\ntext {n}\r\n").encode()


def uids(session, folder, criterion="ALL"):
    assert session.select(folder)[0] == "OK"
    return session.uid("SEARCH", criterion)[1][0].split()


def fetch(session, folder):
    """(subject, flags, internaldate) of all, by UID."""
    assert session.select(folder, readonly=True)[0] == "OK"
    status, data = session.uid("FETCH", "1:*", "(FLAGS INTERNALDATE BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
    out = []
    for item in data:
        if isinstance(item, tuple):
            head = item[0].decode()
            out.append((re.search(r"Subject: (.*?)\r", item[1].decode()).group(1),
                        tuple(sorted(f for f in re.search(r"FLAGS \((.*?)\)", head).group(1).split() if f != "\\Recent")),
                        re.search(r'INTERNALDATE "(.*?)"', head).group(1)))
    return out


def fill(server, folder="INBOX", n=3, **more):
    session = server.imap(ANN)
    for i in range(n):
        session.append(folder, "(\\Seen $Work)" if i % 2 else "", f'"0{i + 1}-Feb-2024 10:00:00 +0000"', message(i, **more))
    return session


def expunge(session, folder, criterion="ALL"):
    chosen = uids(session, folder, criterion)
    session.uid("STORE", b",".join(chosen).decode(), "+FLAGS", "(\\Deleted)")
    session.expunge()
    return chosen


def listed(server, *filters):
    return json.loads(server.command("undelete", "ann", "--json", *filters).stdout)["messages"]


# --- undelete ---------------------------------------------------------------------------------------------------------------------------

def test_mail_comes_back_as_it_was(server):
    session = fill(server)
    before = fetch(session, "INBOX")
    old = expunge(session, "INBOX")
    assert fetch(session, "INBOX") == []
    gone = listed(server)
    assert [m["folder"] for m in gone] == ["INBOX"] * 3 and {m["subject"] for m in gone} == {"letter 0", "letter 1", "letter 2"}
    assert all(m["from"] == "Carl Far <carl@far.example>" and m["date"].startswith("Mon, 23 Nov 2026") and abs(m["expunged"] - time.time()) < 600 for m in gone)
    watcher = server.imap(ANN)
    watcher.select("INBOX")
    done = server.command("undelete", "ann", "--folder", "inbox", "--since", "1d", "--from", "CARL", "--subject", "lett")
    assert done.stdout.count("letter") == 3 and done.stdout.endswith("3 messages came back\n")
    watcher.noop()
    assert watcher.response("EXISTS")[1][-1] == b"3"  # at once
    assert sorted(fetch(session, "INBOX")) == sorted(before) and ("letter 1", ("$Work", "\\Seen"), "02-Feb-2024 10:00:00 +0000") in before
    assert not set(old) & set(uids(session, "INBOX"))  # RFC 9051 2.3.1.1
    again = server.command("undelete", "ann", "--all", check=False)
    assert again.returncode == 1 and again.stdout == "0 messages came back\n" and len(uids(session, "INBOX")) == 3
    assert server.command("undelete", "ann").stdout == "nothing that can come back\n"
    assert "learned message" not in server.log_text()


def test_only_what_was_asked_for(server):
    session = fill(server)
    fill(server, "Sent", 2, sender="Ann <ann@local.example>", subject="=?utf-8?q?Stra=C3=9Fe?=")
    expunge(session, "INBOX")
    expunge(session, "Sent")
    assert len(listed(server)) == 5 and len(listed(server, "--folder", "Sent", "--dry-run")) == 2
    assert {m["subject"] for m in listed(server, "--subject", "STRAßE", "--dry-run")} == {"Straße"}
    assert listed(server, "--from", "nobody", "--dry-run") == [] and len(listed(server)) == 5
    assert server.command("undelete", "ann", "--from", "nobody", check=False).returncode == 1
    server.command("undelete", "ann", "--subject", "letter 2", "--into", "Found/again")
    assert [m[0] for m in fetch(session, '"Found/again"')] == ["letter 2"] and len(listed(server)) == 4
    for wrong, code in ((["undelete"], 64), (["undelete", "ann", "--since", "yesterday"], 64), (["undelete", "ann", "--into", "X"], 64), (["undelete", "zoe"], 64),
                        (["undelete", "ann", "--all", "--into", "a//b"], 64), (["undelete", "ann", "bob"], 64)):
        done = server.command(*wrong, check=False)
        assert done.returncode == code and done.stderr.startswith("pennypost: "), (wrong, done)
    assert server.get("/undelete?account=ann", "POST")[0] == 400 and len(listed(server)) == 4  # not everything by a slip


def test_a_deleted_folder_comes_back(server):
    session = server.imap(ANN)
    session.create('"Trips/Rome &AOQ-"')
    fill(server, '"Trips/Rome &AOQ-"', 3)
    before = fetch(session, '"Trips/Rome &AOQ-"')
    expunge(session, '"Trips/Rome &AOQ-"', 'SUBJECT "letter 1"')
    session.create("Never")
    session.select("INBOX")
    assert session.delete('"Trips/Rome &AOQ-"')[0] == session.delete("Never")[0] == "OK"
    assert {m["folder"] for m in listed(server)} == {"Trips/Rome ä"} and len(listed(server)) == 3
    wait_for(lambda: len(glob.glob(server.data + "/mail/ann/deleted/*")) == 1)
    server.stop()
    server.start()  # a start sweeps nothing of it
    server.command("undelete", "ann", "--folder", "Trips/Rome ä")
    session = server.imap(ANN)
    assert sorted(fetch(session, '"Trips/Rome &AOQ-"')) == sorted(before)
    assert listed(server) == []


def test_without_a_server(stopped):
    with Server(folder=stopped.folder, base=stopped.base) as s:
        session = fill(s)
        expunge(session, "INBOX")
    assert len(listed(stopped)) == 3
    done = stopped.command("undelete", "ann", "--subject", "letter 0")
    assert done.stdout.endswith("1 message came back\n")
    assert stopped.command("undelete", "ann@local.example", "--all").stdout.endswith("2 messages came back\n")
    assert stopped.command("undelete", "ann", "--all", check=False).returncode == 1
    with Server(folder=stopped.folder, base=stopped.base) as s:
        assert len(uids(s.imap(ANN), "INBOX")) == 3


def test_an_account_that_is_full_says_so(stopped):
    with Server(folder=stopped.folder, base=stopped.base) as s:
        session = s.imap(ANN)
        for i in range(3):
            session.append("INBOX", None, None, message(i) + b"x" * 3000)
        expunge(session, "INBOX")
    with open(stopped.config) as f:
        text = f.read()
    with open(stopped.config, "w") as f:
        f.write(text.replace('[account."ann"]', '[account."ann"]\nquota = "7 KiB"'))
    done = stopped.command("undelete", "ann", "--all", check=False)
    assert done.returncode == 75 and "mailbox is full" in done.stderr and "2 messages came back" in done.stdout
    with open(stopped.config, "w") as f:
        f.write(text)
    assert "1 message came back" in stopped.command("undelete", "ann", "--all").stdout


# --- expiry -----------------------------------------------------------------------------------------------------------------------------

def backdate(server, folder, days):
    """As if all in it had come so many days ago: SAVEDATE is the beginning of a name."""
    for path in glob.glob(f"{server.data}/mail/ann/.{folder}/*/*.*,*"):
        where, name = os.path.split(path)
        os.rename(path, where + "/" + re.sub(r"^(\d+)", lambda m: str(int(m.group(1)) - days * 86400), name))


def backdate_gone(server, what, days):
    """As if it had gone so many days ago: a time is the beginning of a name, in seconds or, of a deleted folder, in microseconds."""
    for path in glob.glob(f"{server.data}/mail/ann/{what}"):
        where, name = os.path.split(path)
        number = re.match(r"\d+", name).group(0)
        os.rename(path, f"{where}/{int(number) - days * (86400 if len(number) < 12 else 86400 * 10**6)}{name[len(number):]}")


def look_at_clock(server, seconds_ago, held=0):
    with open(server.data + "/clock", "w") as f:
        f.write(f"{int(time.time()) - seconds_ago} {held}\n")


def status_line(server):
    return re.search(r"^expire .*\n(?: {10}.*\n)?", server.command("status", check=False).stdout, re.M).group(0)


def test_old_mail_goes_by_folder_and_period(stopped):
    """Junk by default, Trash by the account's own word; then it can come back. The clock runs 60 times as fast, so that upkeep comes after a second."""
    with open(stopped.config) as f:
        text = f.read()
    with open(stopped.config, "w") as f:
        f.write(text.replace('[account."ann"]', '[account."ann"]\nexpire_trash = "2d"'))
    with Server(folder=stopped.folder, base=stopped.base) as s:
        for folder in ("Junk", "Trash", "Archive"):
            fill(s, folder, 2, subject=folder)
        session = fill(s, "INBOX", 1)
        expunge(session, "INBOX")
        for folder in ("Old", "Young"):
            session.create(folder)
            fill(s, folder, 1, subject=folder)
        assert session.select("INBOX")[0] == session.delete("Old")[0] == "OK"
        backdate_gone(stopped, "deleted/*", 20)
        backdate_gone(stopped, "expunged/*", 20)
        assert session.delete("Young")[0] == "OK"
        assert sorted(m["folder"] for m in listed(s)) == ["INBOX", "Old", "Young"]
    for folder, days in (("Junk", 31), ("Trash", 3), ("Archive", 900)):
        backdate(stopped, folder, days)
    with Server(folder=stopped.folder, base=stopped.base) as s:
        fill(s, "Junk", 1, subject="fresh")  # its Date and INTERNALDATE are years ago: that does not count
    look_at_clock(stopped, 3600)
    with Server(folder=stopped.folder, base=stopped.base, env={"PENNYPOST_CLOCK_SCALE": 60}) as s:
        wait_for(lambda: s.log_text().count(" expired ") == 2, seconds=60)
        assert "junk 30 d trash off undelete 14 d; ann junk 30 d trash 2 d" in status_line(s) and s.status()["expire"]["held"] == 0
        wait_for(lambda: len(glob.glob(stopped.data + "/mail/ann/deleted/*")) == 1)  # what went 20 days ago is for nobody any more
    with Server(folder=stopped.folder, base=stopped.base) as s:
        session = s.imap(ANN)
        assert [len(uids(session, f)) for f in ("Junk", "Trash", "Archive")] == [1, 0, 2]
        assert sorted(m["folder"] for m in listed(s)) == ["Junk", "Junk", "Trash", "Trash", "Young"]
        assert "expired" in s.command("why", "1d").stdout and "learned message" not in s.log_text()
        s.command("undelete", "ann", "--folder", "Junk")
        day_before = time.strftime("%d-%b-%Y", time.gmtime(time.time() - 2 * 86400))
        assert len(uids(session, "Junk", f"SAVEDSINCE {day_before}")) == 3  # it is there from now on, and does not go again at once


@pytest.mark.parametrize("ago,held", [(400 * 86400, 0), (-400 * 86400, 0), (3600, 3 * 86400), (None, 0)])
def test_a_clock_that_jumped_is_not_believed(stopped, ago, held):
    with Server(folder=stopped.folder, base=stopped.base) as s:
        fill(s, "Junk", 2)
        expunge(fill(s, "INBOX", 1), "INBOX")
    backdate(stopped, "Junk", 400)
    backdate_gone(stopped, "expunged/*", 100)
    if ago is None:
        if os.path.exists(stopped.data + "/clock"):
            os.unlink(stopped.data + "/clock")
    else:
        look_at_clock(stopped, ago, held)
    with Server(folder=stopped.folder, base=stopped.base, env={"PENNYPOST_CLOCK_SCALE": 60}) as s:
        wait_for(lambda: "nothing expires" in s.log_text(), seconds=60)
        assert "nothing goes for" in status_line(s)
    with Server(folder=stopped.folder, base=stopped.base) as s:
        assert len(uids(s.imap(ANN), "Junk")) == 2 and len(listed(s)) == 1
