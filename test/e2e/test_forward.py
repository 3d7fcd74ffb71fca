"""[[rule]] with action "forward": a copy goes to a host out there once it is safe here, in the account's own name, unchanged; never junk, reports or a circle."""
import json, smtplib, time

import dkim
import pytest

from server import wait_for
from test_explain import changed, replay
from test_outbound import World
from test_senders import PUBLIC, signed

GOOD, OTHER = "127.0.12.1", "127.0.12.2"
RULES = """
[score]
greylist = "off"

[limits]
queue = 8

[[rule]]
subject = "to two"
action = "forward"
forward = ["x@elsewhere.test", "Y@elsewhere.test"]
account = "ann"

[[rule]]
subject = "to a neighbour"
action = "forward"
forward = "bob@local.example"
flag = "\\\\Flagged"

[[rule]]
subject = "to nobody"
action = "forward"
forward = "gone@refusing.test"
account = "ann"

[[rule]]
subject = "to a full queue"
action = "forward"
forward = "z@slow.test"
account = "ann"

[[rule]]
subject = "send on"
action = "forward"
forward = "x@elsewhere.test"
"""


@pytest.fixture(scope="module")
def world():
    w = World(extra=RULES)
    for address in (GOOD, OTHER):
        last = address.rsplit(".", 1)[1]
        w.dns.add(f"{last}.12.0.127.in-addr.arpa", "PTR", f"mail{last}.host.example")
        w.dns.add(f"mail{last}.host.example", "A", address)
    for domain, policy in (("bank.example", "reject"), ("loose.example", "none"), ("plain.example", None)):
        w.dns.add(domain, "TXT", f"v=spf1 ip4:{GOOD} -all")
        w.dns.add(f"k._domainkey.{domain}", "TXT", f"v=DKIM1; k=rsa; p={PUBLIC}")
        if policy:
            w.dns.add(f"_dmarc.{domain}", "TXT", f"v=DMARC1; p={policy}")
    w.out = w.sink("elsewhere.test")
    with w.server:
        yield w
    w.close()


def make(subject, sender="a@plain.example", more="", text="A few words.\r\n"):
    return (f"From: <{sender}>\r\nTo: <ann@local.example>\r\nSubject: {subject}\r\nDate: {time.strftime('%a, %d %b %Y %H:%M:%S +0000', time.gmtime())}\r\n"
            f"Message-ID: <{subject.replace(' ', '.')}@x.example>\r\n{more}\r\n{text}").encode()


def send(world, message, envelope="a@plain.example", source=GOOD, rcpts=("ann@local.example",)):
    with smtplib.SMTP(world.server.address, world.server.port("smtp"), timeout=60, source_address=(source, 0)) as c:
        c.ehlo("mail.host.example")
        c.mail(envelope)
        for rcpt in rcpts:
            assert c.rcpt(rcpt)[0] == 250
        return c.data(message)[0]


def why(world, subject, account="ann"):
    """(the row, what is kept of it besides), once the ledger has it; and that is before the answer to SMTP could be read twice."""
    def look():
        done = world.server.command("why", "--json", f"{subject.replace(' ', '.')}@x.example", check=False)
        return [r for r in json.loads(done.stdout or "[]") if r.get("facts") and r["account"] == account]
    row = wait_for(look)[0]
    return row, json.loads(row["facts"])


def kept(world, subject, account="ann@local.example"):
    """{folder: flags} of the copies at home."""
    found, client = {}, world.server.imap(account)
    for folder in ("INBOX", "Junk"):
        client.select(folder, readonly=True)
        for number in client.search(None, "SUBJECT", f'"{subject}"')[1][0].split():
            found[folder] = client.fetch(number, "(FLAGS)")[1][0]
    client.logout()
    return found


def sent_on(world, subject):
    return [m for m in world.out.messages if f"Subject: {subject}\r\n".encode() in m[2]]


def test_a_copy_goes_on_in_the_accounts_name_and_nothing_signed_is_changed(world):
    message = signed(make("to two, signed", "a@bank.example", text="line\r\n.dot\r\n" * 40000), "bank.example")
    assert send(world, message, "bounces@bank.example") == 250
    (sender, to, content), = wait_for(lambda: sent_on(world, "to two, signed"))
    assert (sender, to) == ("ann@local.example", ["x@elsewhere.test", "Y@elsewhere.test"])  # the case elsewhere is theirs
    assert content.endswith(message)
    ours = content[:-len(message)].decode()
    assert [line.split(":")[0] for line in ours.split("\r\n") if line and line[0] not in "\t "] == ["Received"]
    assert dkim.verify(content, dnsfunc=lambda name, timeout=5: f"v=DKIM1; k=rsa; p={PUBLIC}".encode())
    assert list(kept(world, "to two, signed")) == ["INBOX"]  # and it is at home
    row, facts = why(world, "to two, signed")
    assert row["act"] == "accept" and row["folder"] == "INBOX"
    assert facts["forwarded"].startswith("x@elsewhere.test, Y@elsewhere.test as m-") and "not_forwarded" not in facts
    assert "    forwarded to x@elsewhere.test, Y@elsewhere.test as m-" in world.server.command("why", row["message_id"]).stdout
    queue_id = facts["forwarded"].rpartition(" ")[2]
    told = wait_for(lambda: json.loads(world.server.command("why", "--json", queue_id, check=False).stdout or "[]"))
    assert {(r["act"], r["rcpt"], r["account"]) for r in told} == {("sent", "x@elsewhere.test", "ann"), ("sent", "Y@elsewhere.test", "ann")}


def test_each_account_sends_on_for_itself_and_only_its_own_rules(world):
    assert send(world, make("send on for both"), rcpts=("ann@local.example", "bob@local.example")) == 250
    wait_for(lambda: len(sent_on(world, "send on for both")) == 2)
    assert sorted(m[0] for m in sent_on(world, "send on for both")) == ["ann@local.example", "bob@local.example"]
    assert send(world, make("to two, but for bob"), rcpts=("bob@local.example",)) == 250
    assert "forwarded" not in why(world, "to two, but for bob", "bob")[1]


def test_to_a_neighbour_and_never_to_oneself(world):
    assert send(world, make("to a neighbour")) == 250
    wait_for(lambda: list(kept(world, "to a neighbour", "bob@local.example")) == ["INBOX"])
    assert b"\\Flagged" in kept(world, "to a neighbour")["INBOX"]  # flag goes with any action
    assert send(world, make("to a neighbour who is it"), rcpts=("bob@local.example",)) == 250
    row, facts = why(world, "to a neighbour who is it", "bob")
    assert "not forwarded: the address is this account's own" in row["points"] and "forwarded" not in facts
    assert len(kept(world, "to a neighbour who is it", "bob@local.example")) == 1


@pytest.mark.parametrize("what,message,options,told", [
    ("junk", make("send on junk", text="XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X\r\n"), {}, "the verdict is reject"),
    ("forged", make("send on forged", "a@loose.example"), {"source": OTHER}, "it failed DMARC"),
    ("report", make("send on report"), {"envelope": ""}, "it is a report"),
    ("answer", make("send on answer", more="Auto-Submitted: auto-replied (vacation)\r\n"), {}, "it is an automatic answer"),
    ("receipt", make("send on receipt", more="Content-Type: multipart/report; report-type=disposition-notification; boundary=b\r\n",
                     text="--b\r\n\r\nread\r\n--b\r\nContent-Type: message/disposition-notification\r\n\r\nFinal-Recipient: rfc822; a@x.example\r\n\r\n--b--\r\n"), {}, "it is a report"),
    ("back", make("send on back", more="Delivered-To: x@elsewhere.test\r\n"), {}, "it comes from there"),
    ("hops", make("send on hops", more="".join(f"Received: from a by h{n}.example; Mon, 1 Jan 2024 00:00:00 +0000\r\n" for n in range(50))), {},
     "it went through as many hosts as a message may"),
], ids=["junk", "forged", "report", "answer", "receipt", "back", "hops"])
def test_what_does_not_go_on_is_told(world, what, message, options, told):
    subject = f"send on {what}"
    rejected = what == "junk"
    assert send(world, message, **options) == (550 if rejected else 250)
    row, facts = why(world, subject)
    assert f"not forwarded: {told}" in row["points"] and "forwarded" not in facts
    assert bool(kept(world, subject)) != rejected
    assert not sent_on(world, subject)


def test_a_copy_that_comes_back_is_kept_and_goes_no_further(world):
    assert send(world, make("send on round")) == 250
    (_, _, content), = wait_for(lambda: sent_on(world, "send on round"))
    assert send(world, content, "srs0=x@elsewhere.test", rcpts=("ann+again@local.example",)) == 250
    rows = wait_for(lambda: [r for r in json.loads(world.server.command("why", "--json", "send.on.round@x.example").stdout) if "again" in r["rcpt"]])
    assert "not forwarded: it was in this account's mailbox before" in rows[0]["points"]
    assert len(sent_on(world, "send on round")) == 1


def test_what_cannot_be_delivered_is_told_to_the_account_once(world):
    world.sink("refusing.test", answers={"RCPT": "550 5.1.1 nobody here"})
    assert send(world, make("to nobody, send on")) == 250
    report, fields = world.report_on("gone@refusing.test")
    assert fields["Status"] == "5.1.1" and report["To"] == "ann@local.example" and report["Return-Path"] == "<>"
    wait_for(lambda: not world.entry("refusing.test"))
    assert len([r for r in world.reports() if "gone@refusing.test" in r.as_string()]) == 1
    assert not sent_on(world, "to nobody, send on")


def test_a_full_queue_keeps_no_mail_away(world):
    world.sink("slow.test", answers={"banner": "421 later"})
    for n in range(9):
        assert send(world, make(f"to a full queue {n}")) == 250
        if n < 8:
            wait_for(lambda: len(world.entry("slow.test")) == n + 1)
    row, facts = why(world, "to a full queue 8")
    assert row["act"] == "accept" and facts["not_forwarded"] == "the queue is full" and "forwarded" not in facts
    assert "    not forwarded: the queue is full" in world.server.command("why", row["message_id"]).stdout
    assert "not forwarded" in world.server.log_text() and list(kept(world, "to a full queue 8")) == ["INBOX"]
    for entry in world.entry("slow.test"):
        world.server.command("queue", "delete", entry["id"])


def test_the_owner_is_told_beforehand(world, tmp_path):
    path = tmp_path / "m.eml"
    path.write_bytes(make("send on this one"))
    ask = ("explain", str(path), "--ip", GOOD, "--from", "a@plain.example", "--account", "ann")
    assert json.loads(world.server.command(*ask, "--json").stdout)["forward"] == "x@elsewhere.test"
    assert "forward a copy to x@elsewhere.test" in " ".join(world.server.command(*ask).stdout.split())
    assert not sent_on(world, "send on this one")
    path = changed(world.server, "next.toml", "")
    with open(path) as f:
        text = f.read()
    with open(path, "w") as f:
        f.write(text.replace('forward = "x@elsewhere.test"', 'forward = "other@elsewhere.test"'))
    _, answer, _ = replay(world.server, path)
    rows = {r["subject"]: r for r in answer["rows"]}
    assert rows["send on for both"]["was"]["forward"] == "x@elsewhere.test" and rows["send on for both"]["would"]["forward"] == "other@elsewhere.test"


def test_an_hour_has_its_limit(world):
    """The last test here: ann's hour is used up."""
    with smtplib.SMTP(world.server.address, world.server.port("smtp"), timeout=60, source_address=(GOOD, 0)) as c:
        c.ehlo("mail.host.example")
        for n in range(600):  # a slow machine gets some of its hour back meanwhile
            c.mail("a@plain.example")
            c.rcpt("ann@local.example")
            if n % 4 == 0:
                wait_for(lambda: len(world.entries()) < 4)
            assert c.data(make(f"send on {n} of many"))[0] == 250
            if "too many messages were forwarded" in world.server.log_text():
                break
        else:
            raise AssertionError("no limit")
    assert n > 100
    assert "in the last hour" in why(world, f"send on {n} of many")[1]["not_forwarded"]
