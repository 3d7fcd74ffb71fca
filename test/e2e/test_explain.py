"""What the owner is told when he asks: why this message (explain), why that one then (why), and what another configuration would do (replay)."""
import glob, json, os, smtplib, time

import pytest

from dns import Dns
from server import Server

GOOD, OTHER = "127.0.9.1", "127.0.9.2"


@pytest.fixture(scope="module")
def resolver():
    dns = Dns()
    dns.add("1.9.0.127.in-addr.arpa", "PTR", "mail.good.example")
    dns.add("mail.good.example", "A", GOOD)
    dns.add("good.example", "TXT", f"v=spf1 ip4:{GOOD} -all")
    dns.add("_dmarc.good.example", "TXT", "v=DMARC1; p=reject")
    yield dns
    dns.close()


@pytest.fixture(scope="module")
def server(resolver):
    with Server(dns=f"127.0.0.1:{resolver.port}", extra='[score]\ngreylist = "off"') as s:
        yield s


def make(subject, sender, more="", text="A few words.\r\n"):
    return (f"From: <{sender}>\r\nTo: <ann@local.example>\r\nSubject: {subject}\r\nDate: {time.strftime('%a, %d %b %Y %H:%M:%S +0000', time.gmtime())}\r\n"
            f"Message-ID: <{subject.replace(' ', '.')}@x.example>\r\n{more}\r\n{text}").encode()


def send(server, message, envelope, source=GOOD, to="ann@local.example"):
    with smtplib.SMTP(server.address, server.port("smtp"), timeout=60, source_address=(source, 0)) as c:
        c.ehlo("mail.good.example")
        c.mail(envelope)
        c.rcpt(to)
        return c.data(message)


def delivered(server, subject):
    for path in glob.glob(os.path.join(server.folder, "mail/ann/**/*,S=*"), recursive=True, include_hidden=True):
        if f"Subject: {subject}\n".encode() in open(path, "rb").read():
            return path
    return None


def explain(server, path, *options, input=None):
    return json.loads(server.command("explain", path, "--json", *options, input=input).stdout)


def test_a_delivered_message_says_itself_who_brought_it(server):
    assert send(server, make("from a friend", "a@good.example"), "a@good.example")[0] == 250
    e = explain(server, delivered(server, "from a friend"))
    assert (e["account"], e["peer"], e["helo"], e["mail_from"], e["rcpt"]) == ("ann", GOOD, "mail.good.example", "a@good.example", "ann@local.example")
    assert e["proofs"]["spf"] == "pass" and e["proofs"]["dmarc"] == "pass" and e["facts"]["aligned"] is True and e["facts"]["fcrdns"] is True
    assert e["verdict"] == "accept" and e["delivered"]["told"].startswith("accept; score") and abs(e["delivered"]["at"] - time.time()) < 600
    row = json.loads(server.command("why", "from.a.friend@x.example", "--json").stdout)[0]
    facts = json.loads(row["facts"])
    for gone in ("tls", "early_talker"):  # only the connection knew
        e["facts"].pop(gone)
    assert {k: facts[k] for k in e["facts"]} == e["facts"]  # the very same road
    told = server.command("explain", delivered(server, "from a friend")).stdout
    assert "verdict: accept" in told and "SPF            pass for good.example" in told and "sender-proved" in told


def test_the_envelope_can_be_given(server, tmp_path):
    path = tmp_path / "m.eml"
    path.write_bytes(make("saved", "a@good.example"))
    e = explain(server, str(path))
    assert e["delivered"] is None and e["peer"] is None and e["facts"]["spf"] is None and e["facts"]["dmarc"] is None and e["verdict"] == "accept"
    e = explain(server, str(path), "--ip", OTHER, "--helo", "elsewhere", "--from", "b@other.example", "--account", "bob")
    assert (e["verdict"], e["account"], e["facts"]["dmarc"], e["facts"]["wish"]) == ("reject", "bob", False, "reject")
    assert "helo-bare" in [p["rule"] for p in e["points"]] and "dmarc: reject" in e["notes"]
    e = explain(server, str(path), "--ip", OTHER, "--from", "b@other.example", "--offline")
    assert e["proofs"] is None and e["facts"]["dmarc"] is None and e["verdict"] == "accept"
    e = explain(server, "-", "--ip", GOOD, "--from", "a@good.example", input=path.read_bytes())
    assert e["verdict"] == "accept" and e["facts"]["spf"] is True


def test_what_would_not_be_taken_is_said(server, tmp_path):
    path = tmp_path / "m.eml"
    path.write_bytes(make("twice", "a@good.example", "From: <c@other.example>\r\n"))
    e = explain(server, str(path))
    assert e["verdict"] == "refuse" and "From" in e["refused"]
    path.write_bytes(b"")
    assert server.command("explain", str(path), check=False).returncode == 64
    path.write_bytes(b"x")
    assert server.command("explain", str(path), "--ip", "nonsense", check=False).returncode == 64
    assert server.command("explain", str(path), "--account", "nobody", check=False).returncode == 1


def test_the_words_that_said_most_are_told(server, tmp_path):
    for i in range(6):
        for kind, text in (("spam", "cheap pills now"), ("ham", "garden club meeting")):
            body = f"From: a@{kind}.example\r\nSubject: {text.split()[0]} {i}\r\n\r\n{text} number{i}\r\n".encode()
            assert server.get(f"/spam/learn?class={kind}&account=ann", "POST", body)[0] == 200
    path = tmp_path / "m.eml"
    path.write_bytes(b"From: b@new.example\r\nSubject: hello\r\n\r\ncheap p\xd0\xb0lls garden pills today\r\n")
    e = explain(server, str(path), "--account", "ann", "--offline")
    spam, ham = ({w["word"]: w for w in e[f"words_for_{kind}"]} for kind in ("spam", "ham"))
    assert spam["cheap"]["spam"] == 6 and spam["cheap"]["ham"] == 0 and spam["cheap"]["pull"] > 0 and "garden" in ham and "garden" not in spam
    assert list(spam.values()) == sorted(spam.values(), key=lambda w: -w["pull"]) and "today" not in {**spam, **ham}
    told = server.command("explain", str(path), "--account", "ann", "--offline").stdout
    assert "words that speak for spam" in told and "  cheap\n" in told
    assert server.command("spam", "explain", str(path), "--account", "ann", "--offline").stdout == told
    assert server.command("spam", "--account", "ann", "explain", str(path), "--offline").stdout == told
    assert server.command("spam", "explain", check=False).returncode == 64
    for i in range(6):
        for kind, text in (("spam", "cheap pills now"), ("ham", "garden club meeting")):
            body = f"From: a@{kind}.example\r\nSubject: {text.split()[0]} {i}\r\n\r\n{text} number{i}\r\n".encode()
            assert server.get("/spam/learn?class=none&account=ann", "POST", body)[0] == 200


def test_nothing_is_kept(server, tmp_path):
    before = json.loads(server.command("spam", "stats", "--json").stdout), len(json.loads(server.command("why", "1d", "--json").stdout))
    path = tmp_path / "m.eml"
    path.write_bytes(make("not kept", "a@unknown.example"))
    explain(server, str(path), "--ip", OTHER, "--from", "x@unknown.example")
    assert before == (json.loads(server.command("spam", "stats", "--json").stdout), len(json.loads(server.command("why", "1d", "--json").stdout)))
    assert delivered(server, "not kept") is None


def test_without_a_server(resolver, tmp_path):
    server = Server(dns=f"127.0.0.1:{resolver.port}")
    try:
        path = tmp_path / "m.eml"
        path.write_bytes(make("alone", "a@good.example"))
        e = explain(server, str(path), "--ip", GOOD, "--from", "a@good.example")
        assert e["facts"]["spf"] is True and e["facts"]["aligned"] is True and e["verdict"] == "accept"
    finally:
        server.remove()


def changed(server, name, more, less=""):
    path = os.path.join(server.folder, name)
    with open(path, "w") as f:
        f.write(open(server.config).read().replace(less, "") + more)
    os.chmod(path, 0o600)
    return path


def run_replay(server, path, *options):
    import subprocess
    return subprocess.run([server.binary, "replay", "-c", path, *options], capture_output=True, text=True, timeout=120)


def replay(server, path, *options):
    done = run_replay(server, path, "--json", *options)
    return done.returncode, json.loads(done.stdout or "null"), done.stderr


def test_replay_shows_what_would_flip(server):
    for subject, sender, source in (("keep me", "k@good.example", GOOD), ("sell you", "s@shop.example", OTHER), ("tagged", "t@shop.example", OTHER)):
        more = "X-Campaign: autumn sale\r\n" if subject == "tagged" else ""
        assert send(server, make(subject, sender, more), sender, source)[0] == 250
    code, answer, _ = replay(server, server.config)
    assert (code, answer["flips"], answer["unknown"], answer["rows"]) == (0, 0, 0, []) and answer["same"] == answer["judged"] > 2
    path = changed(server, "deny.toml", '\n[[deny]]\nfrom = "@shop.example"\n')
    code, answer, _ = replay(server, path)
    assert code == 1 and answer["flips"] == 2 and answer["changes"] == [{"was": "junk", "would": "reject", "messages": 2}]
    assert {r["subject"] for r in answer["rows"]} == {"sell you", "tagged"} and "deny" in answer["rows"][0]["would"]["why"]
    # A field that only the message has: found in the Maildir.
    path = changed(server, "header.toml", '\n[[rule]]\nheader = "X-Campaign: autumn"\naction = "reject"\n')
    code, answer, _ = replay(server, path, "--days", "1")
    assert code == 1 and [r["subject"] for r in answer["rows"]] == ["tagged"] and answer["unknown"] == 0
    path = changed(server, "subject.toml", '\n[[rule]]\nsubject = "keep"\naction = "folder"\nfolder = "Archive"\n')
    code, answer, _ = replay(server, path)
    assert code == 1 and [(r["subject"], r["would"]["folder"]) for r in answer["rows"]] == [("keep me", "Archive")] and answer["filed_elsewhere"] == 1
    path = changed(server, "filter.toml", '\n[filter.no-fcrdns]\naction = "off"\n[filter.no-rdns]\naction = "reject"\n')
    code, answer, _ = replay(server, path)
    assert code == 1 and {r["subject"] for r in answer["rows"]} >= {"sell you", "tagged"} and "keep me" not in {r["subject"] for r in answer["rows"]}
    # The mail is gone: not known any more, and said so.
    os.unlink(delivered(server, "tagged"))
    code, answer, _ = replay(server, changed(server, "header.toml", '\n[[rule]]\nheader = "X-Campaign: autumn"\naction = "reject"\n'))
    assert code == 0 and answer["flips"] == 0 and answer["unknown"] == 1


def test_replay_refuses_what_it_cannot_read(server):
    code, _, told = replay(server, changed(server, "bad.toml", "\n[nonsense]\nx = 1\n"))
    assert code == 78 and "nonsense" in told
    code, _, told = replay(server, server.config, "--days", "0")
    assert code != 0 and "days" in told


def test_replay_without_a_server():
    server = Server()
    try:
        assert server.command("replay", check=False).returncode == 69
    finally:
        server.remove()


def test_rules_are_measured_on_labelled_mail(tmp_path):
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.write_bytes(make("lunch", "a@b.example"))
    bad.write_bytes(make("EARN MONEY FAST TODAY!!", "a@b.example"))
    index = f"ham\t{good}\nspam\t{bad}\nspam\t{bad}\n"
    server = Server()
    try:
        lines = dict(line.split("\t", 1) for line in server.command("spam", "rules", "--index", "-", input=index).stdout.splitlines() if "\t" in line)
        assert lines["caps-subject"] == "0.6\t0.00\t100.00" and lines["shouting"].endswith("\t0.00\t100.00") and lines["html-only"].endswith("0.00\t0.00")
        assert server.command("spam", "rules", check=False).returncode == 64
        assert server.command("spam", "rules", "--index", str(tmp_path / "none"), check=False).returncode == 75
    finally:
        server.remove()


def why(server, *arguments):
    done = server.command("why", *arguments, "--json", check=False)
    return done.returncode, json.loads(done.stdout or "null")


def test_why_by_every_key(server):
    import imaplib
    from server import trusting
    message = make("found by all", "w@good.example").replace(b"From: <w@good.example>", b'From: "W. of Good" <w@good.example>')
    assert send(server, message, "bounce@good.example")[0] == 250
    code, rows = why(server, "found.by.all@x.example")
    assert code == 0 and len(rows) == 1 and rows[0]["subject"] == "found by all" and rows[0]["folder"] == "INBOX"
    with imaplib.IMAP4(server.address, server.port("imap")) as c:
        c.starttls(trusting())
        c.login("ann@local.example", "secret of ann")
        c.select("INBOX", readonly=True)
        number = c.search(None, "SUBJECT", '"found by all"')[1][0].split()[0].decode()
        email_id = c.fetch(number, "(EMAILID)")[1][0].decode().split("EMAILID (")[1].split(")")[0]
    assert rows[0]["email_id"] == email_id
    day = time.strftime("%Y-%m-%d", time.gmtime(rows[0]["at"]))
    minute = time.strftime("%Y-%m-%dT%H:%M", time.gmtime(rows[0]["at"]))
    for what in ("<found.by.all@x.example>", email_id, rows[0]["message"], rows[0]["session"], "w@good.example", "bounce@good.example",
                 "ann@local.example", "ann", GOOD, "127.0.9.0/24", "1h", day, minute):
        code, found = why(server, what)
        assert code == 0 and rows[0] in found, what
        assert [r["at"] for r in found] == sorted((r["at"] for r in found), reverse=True)
    for bounds in (("--since", "1h"), ("--at", minute), ("--at", "1m"), ("--at", day), ("--since", "1h", "--until", minute), ("--until", day, "w@good.example")):
        code, found = why(server, *bounds)
        assert code == 0 and rows[0] in found, bounds
    for bounds in (("--until", "1h"), ("w@good.example", "--until", "2020-01-01"), ("--at", "2h"), ("w@good.example", "--since", "2099-01-01")):
        code, found = why(server, *bounds)
        assert code == 1 and found == [], bounds
    assert len(why(server, "ann", "--max", "1")[1]) == 1
    assert why(server)[0] == 64 and why(server, "--since", "nonsense")[0] == 64


def test_what_strangers_wrote_does_nothing_to_a_terminal(server, tmp_path):
    import base64
    subject = base64.b64encode("red \x1b[31m\x07\r\n    told: 250 yours \x7f\u009b2J \\u001b".encode()).decode()
    message = make("wild", "w@good.example").replace(b"Subject: wild", f"Subject: =?utf-8?B?{subject}?=".encode())
    message = message.replace(b"From: <w@good.example>", b'From: "\x1b[2J" <"\x1b[1m"@good.example>')
    assert send(server, message, "w@good.example")[0] == 250
    path = tmp_path / "wild.eml"
    path.write_bytes(message)
    next_one = changed(server, "wild.toml", '\n[[deny]]\nfrom = "w@good.example"\n')
    answers = [server.command("why", "wild@x.example").stdout, run_replay(server, next_one).stdout,
               server.command("explain", str(path), "--helo", "\x1b[5m").stdout]
    assert all("red ?" in told for told in answers[:2])
    for told in answers:
        assert not [c for c in told if c != "\n" and (c < " " or "\x7f" <= c < "\xa0")], told
        assert not [line for line in told.splitlines() if line.startswith("    told: 250 yours")]
