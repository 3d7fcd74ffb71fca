"""Mail that is refused at the end of the data leaves a copy in Quarantine: what it is, what may be done with it, what taking it out means."""
import glob, imaplib, json, os, smtplib, time

import pytest

from dns import Dns
from server import Server, trusting, wait_for

GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
HOST, ELSEWHERE = "127.0.9.1", "127.0.9.2"


@pytest.fixture(scope="module")
def resolver():
    dns = Dns()
    dns.add("1.9.0.127.in-addr.arpa", "PTR", "mail.host.example")
    dns.add("mail.host.example", "A", HOST)
    for domain in ("friend.example", "other.example", "third.example", "fourth.example"):
        dns.add(domain, "TXT", f"v=spf1 ip4:{HOST} -all")
    dns.add("bank.example", "TXT", f"v=spf1 ip4:{HOST} -all")
    dns.add("_dmarc.bank.example", "TXT", "v=DMARC1; p=reject")
    yield dns
    dns.close()


RULES = """
[[deny]]
subject = "denied words"

[[rule]]
subject = "ruled out"
action = "reject"

[[rule]]
account = "ann"
subject = "only ann"
action = "reject"
"""


@pytest.fixture
def server(resolver):
    with Server(dns=f"127.0.0.1:{resolver.port}", extra=RULES) as s:
        yield s


def send(server, subject, sender="uncle@friend.example", source=HOST, rcpts=("ann@local.example",), text=GTUBE, more=""):
    message = (f"From: <{sender}>\r\nTo: <{rcpts[0]}>\r\nSubject: {subject}\r\nDate: {time.strftime('%a, %d %b %Y %H:%M:%S +0000', time.gmtime())}\r\n"
               f"Message-ID: <{subject.replace(' ', '.')}@x.example>\r\n{more}\r\n{text}\r\n")
    with smtplib.SMTP(server.address, server.port("smtp"), timeout=60, source_address=(source, 0)) as c:
        c.ehlo("mail.host.example")
        c.mail(sender)
        for rcpt in rcpts:
            assert c.rcpt(rcpt)[0] == 250
        return c.data(message.encode())


def client(server, account="ann"):
    c = server.imap(f"{account}@local.example")
    return c


def subjects(c, folder):
    if c.select(folder, readonly=True)[0] != "OK":
        return None
    return {c.fetch(n, "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1][0][1].split(b":", 1)[1].strip().decode(): n for n in c.search(None, "ALL")[1][0].split()}


def known(server, account="ann"):
    return {k["address"]: k["letters"] for k in json.loads(server.command("correspondents", "--json", account).stdout)}


def test_a_refused_message_leaves_a_copy_for_each_recipient(server):
    with client(server) as c:
        assert b"Quarantine" not in b"".join(c.list()[1])
        code, text = send(server, "plain spam", rcpts=("ann@local.example", "bob@local.example"))
        assert (code, b"5.7.1" in text, b"plain note" in text) == (550, True, True)
        for account in ("ann", "bob"):
            with client(server, account) as other:
                assert list(subjects(other, "Quarantine")) == ["plain spam"]
                assert subjects(other, "INBOX") == {} == subjects(other, "Junk")
        listed = [row for row in c.list()[1] if b"Quarantine" in row]
        assert len(listed) == 1 and b"\\HasNoChildren" in listed[0]
        assert not [row for row in c.lsub()[1] if row and b"Quarantine" in row]
        c.select("Quarantine")
        header = c.fetch("1", "(BODY.PEEK[HEADER])")[1][0][1]
        assert b"X-Pennypost: reject;" in header and b"X-Pennypost-Sender: uncle@friend.example\r\n" in header and b"spf=pass" in header
    rows = [r for r in json.loads(server.command("why", "--json", "plain.spam@x.example").stdout)]
    assert {(r["act"], r["account"], r["folder"]) for r in rows} == {("reject", "ann", "Quarantine"), ("reject", "bob", "Quarantine")}
    assert {json.loads(r["facts"])["quarantine"] for r in rows} == {"ann/1", "bob/1"}
    assert "copy in Quarantine" in server.command("why", "plain.spam@x.example").stdout


def test_what_is_refused_for_whatever_is_judged_has_a_copy(server):
    for subject, kind in (("denied words", {"text": "short"}), ("this is ruled out", {"text": "short"}),
                          ("forged", {"sender": "boss@bank.example", "source": ELSEWHERE, "text": "short"})):
        assert send(server, subject, **kind)[0] == 550, subject
    assert send(server, "a loop", text="short", more="Delivered-To: ann@local.example\r\n")[0] == 554
    with client(server) as c:
        found = subjects(c, "Quarantine")
        assert sorted(found) == ["denied words", "forged", "this is ruled out"]
        assert b"X-Pennypost-Sender" not in c.fetch(found["forged"], "(BODY.PEEK[HEADER])")[1][0][1]


def test_verdicts_that_differ_give_the_harsher_junk(server):
    code, _ = send(server, "only ann", text="short", rcpts=("ann@local.example", "bob@local.example"))
    assert code == 250
    with client(server) as c:
        assert (subjects(c, "Quarantine"), list(subjects(c, "Junk")), subjects(c, "INBOX")) == (None, ["only ann"], {})
    with client(server, "bob") as c:
        assert list(subjects(c, "INBOX")) == ["only ann"]
    assert send(server, "only ann", text="short")[0] == 550


def test_nothing_is_put_there_and_it_stays(server):
    assert send(server, "one")[0] == 550
    assert send(server, "two", text="short")[0] == 250
    with client(server) as c:
        for answer in (c.append("Quarantine", None, None, b"Subject: mine\r\n\r\nx\r\n"), c.rename("Quarantine", "Elsewhere"), c.delete("Quarantine")):
            assert answer[0] == "NO" and b"[CANNOT]" in answer[1][0], answer
        c.select("INBOX")
        for verb in ("COPY", "MOVE"):
            kind, words = c.uid(verb, "1", "Quarantine")
            assert kind == "NO" and b"[CANNOT]" in words[0], words
        assert c.myrights("Quarantine")[1][0].split()[-1] == b"lrswtea"
        assert list(subjects(c, "Quarantine")) == ["one"] and list(subjects(c, "INBOX")) == ["two"]
        c.select("Quarantine")
        c.store("1", "+FLAGS", "\\Deleted")
        c.expunge()
        assert subjects(c, "Quarantine") == {}
    assert known(server) == {} and "learned" not in server.log_text()


def test_only_refused_mail_is_undeleted_into_it(server):
    assert send(server, "refused")[0] == 550 and send(server, "plain", text="short")[0] == 250
    with client(server) as c:
        for folder in ("Quarantine", "INBOX"):
            c.select(folder)
            c.store("1", "+FLAGS", "\\Deleted")
            c.expunge()
    done = server.command("undelete", "ann", "--subject", "plain", "--into", "Quarantine", check=False)
    assert done.returncode != 0 and "only refused mail comes here" in done.stderr, done
    server.command("undelete", "ann", "--all")
    with client(server) as c:
        assert list(subjects(c, "Quarantine")) == ["refused"] and list(subjects(c, "INBOX")) == ["plain"]


def test_a_copy_says_itself_why_it_was_refused(server):
    assert send(server, "proved")[0] == 550
    [path] = glob.glob(os.path.join(server.folder, "mail/ann/.Quarantine/*/*,S=*"))
    e = json.loads(server.command("explain", path, "--json").stdout)
    assert (e["peer"], e["mail_from"], e["account"]) == (HOST, "uncle@friend.example", "ann") and e["delivered"]["told"].startswith("reject; score")
    assert e["facts"]["aligned"] is True and e["verdict"] == "reject"


def test_taking_it_out_teaches_and_allows_who_was_proved(server):
    assert send(server, "moved")[0] == 550
    assert send(server, "copied", "aunt@other.example")[0] == 550
    assert send(server, "unproved", "aunt@third.example", ELSEWHERE)[0] == 550
    assert send(server, "binned", "cousin@fourth.example")[0] == 550
    assert send(server, "agreed", "nephew@fourth.example")[0] == 550
    assert send(server, "claimed", "niece@third.example", ELSEWHERE, more="X-Pennypost-Sender: niece@third.example\r\n")[0] == 550
    with client(server) as c:
        found = subjects(c, "Quarantine")
        c.select("Quarantine")
        uid = {s: c.fetch(n, "(UID)")[1][0].split()[-1].strip(b")").decode() for s, n in found.items()}
        assert c.uid("MOVE", uid["moved"], "INBOX")[0] == "OK"
        assert known(server) == {"uncle@friend.example": 0}  # by the time of the OK
        assert c.uid("COPY", uid["copied"], "Archive")[0] == "OK"
        assert c.uid("MOVE", uid["unproved"], "INBOX")[0] == "OK"
        assert c.uid("MOVE", uid["claimed"], "INBOX")[0] == "OK"
        assert c.uid("MOVE", uid["binned"], "Trash")[0] == "OK"
        assert c.uid("MOVE", uid["agreed"], "Junk")[0] == "OK"
    assert known(server) == {"uncle@friend.example": 0, "aunt@other.example": 0}
    wait_for(lambda: "learned message as spam: <agreed@x.example>" in server.log_text())  # the last of them, and its echo
    log = server.log_text()
    for subject in ("moved", "copied", "unproved", "claimed"):
        assert f"learned message as ham: <{subject}@x.example>" in log
    assert "<binned@x.example>" not in log.split("learned", 1)[1]
    # One who is allowed meets Junk with the worst there is, and no longer the refusal.
    assert send(server, "again")[0] == 250
    assert send(server, "again", "stranger@friend.example")[0] == 550
    with client(server) as c:
        assert list(subjects(c, "Junk")) == ["agreed", "again"]
    assert "stranger again" in server.command("correspondents", "ann", "forget", "uncle@friend.example").stdout
    assert send(server, "and again")[0] == 550


def test_it_is_listed_and_released_by_command(server):
    assert "nothing" in server.command("quarantine").stdout
    assert send(server, "first", rcpts=("ann@local.example", "bob@local.example"))[0] == 550
    assert send(server, "second\tof=?utf-8?q?_=C3=A4?=", "aunt@third.example", ELSEWHERE)[0] == 550
    told = json.loads(server.command("quarantine", "--json", "ann").stdout)["messages"]
    assert [(m["id"], m["sender_proved"]) for m in told] == [("ann/1", "uncle@friend.example"), ("ann/2", None)]
    assert told[0]["why"].startswith("reject; score") and told[0]["subject"] == "first"
    everybody = server.command("quarantine").stdout
    assert "ann/1" in everybody and "bob/1" in everybody and "aunt@third.example" in everybody
    done = server.command("quarantine", "release", "ann/1").stdout
    assert "INBOX" in done and "uncle@friend.example" in done
    assert known(server) == {"uncle@friend.example": 0} and known(server, "bob") == {}
    assert "not proved" in server.command("quarantine", "release", "ann/2").stdout
    assert known(server) == {"uncle@friend.example": 0}
    for what in ("ann/1", "ann/99", "nobody/1"):
        assert server.command("quarantine", "release", what, check=False).returncode != 0
    for what in ("ann", "ann/x", "ann/0"):
        assert server.command("quarantine", "release", what, check=False).returncode == 64
    with client(server) as c:
        assert len(subjects(c, "INBOX")) == 2 and subjects(c, "Quarantine") == {}
    assert server.status()  # and it is well
    server.stop()
    assert "bob/1" in server.command("quarantine").stdout  # without a server too
    assert "INBOX" in server.command("quarantine", "release", "bob/1").stdout
    server.start()
    assert known(server, "bob") == {"uncle@friend.example": 0}
    assert [json.loads(line)["class"] for line in server.command("spam", "export", "bob").stdout.splitlines()[1:]] == ["ham"]


def test_an_ordinary_folder_of_that_name_stays_the_owners(server):
    with client(server) as c:
        assert c.create("Quarantine")[0] == "OK"
        assert send(server, "elsewhere")[0] == 550
        assert subjects(c, "Quarantine") == {} and list(subjects(c, '"Refused mail"')) == ["elsewhere"]
        assert c.append("Quarantine", None, None, b"Subject: mine\r\n\r\nx\r\n")[0] == "OK"
    server.stop()
    server.start()
    assert send(server, "after a restart")[0] == 550
    with client(server) as c:
        assert sorted(subjects(c, '"Refused mail"')) == ["after a restart", "elsewhere"]


def test_a_full_account_and_a_short_disk_change_no_answer(resolver):
    with Server(dns=f"127.0.0.1:{resolver.port}", extra="") as s:
        with open(s.config) as f:
            text = f.read()
        with open(s.config, "w") as f:
            f.write(text.replace('[account."ann"]', '[account."ann"]\nquota = "2 KiB"', 1))
        s.command("reload")
        for i in range(4):
            assert send(s, f"outside the quota {i}")[0] == 550
        with client(s) as c:
            assert len(subjects(c, "Quarantine")) == 4
            assert b"STORAGE 0 2" in c.getquotaroot("INBOX")[1][1][0]  # none of it counts
            c.select("Quarantine")
            assert c.uid("MOVE", "1:4", "INBOX")[0] == "NO"  # there it counts
            assert 1 <= len(subjects(c, "INBOX")) < 4
        with open(s.config) as f:
            text = f.read()
        with open(s.config, "w") as f:
            f.write(text + '\n[limits]\nfree = "900 TiB"\n')
        with smtplib.SMTP(s.address, s.port("smtp"), timeout=60, source_address=(HOST, 0)) as c:
            c.ehlo("x.example")
            c.mail("uncle@other.example")
            c.rcpt("ann@local.example")
            s.command("reload")
            wait_for(lambda: s.status()["degraded"])
            code, _ = c.data(f"From: <uncle@other.example>\r\nMessage-ID: <no.room@x.example>\r\n\r\n{GTUBE}\r\n".encode())
            assert code == 550  # not 250, not 4xx
        told = json.loads(s.command("why", "--json", "no.room@x.example").stdout)
        assert "reserve" in json.loads(told[0]["facts"])["no_copy"] and "folder" not in told[0]
        assert "no copy" in s.command("why", "no.room@x.example").stdout
