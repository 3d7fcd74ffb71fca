"""A reputation of our own: what the mail of a network or a proved domain was like here, and what follows: Junk, 550, waiting, and how it mends.
Networks are parts of 127/8, names and keys come from a DNS of ours."""
import contextlib, json, select, smtplib, socket

import pytest

from dns import Dns
from server import Server, wait_for
from test_senders import PUBLIC, find, make, signed

GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X\r\n"
QUIET = '[score]\ngreylist = "off"\n[filter.reputation]\nslow_factor = 0\n'
BAD, MIXED, OTHER, FRIEND = "127.0.9.1", "127.0.10.1", "127.0.11.1", "127.0.10.77"


@pytest.fixture(scope="module")
def resolver():
    dns = Dns()
    for address in (BAD, MIXED, OTHER, FRIEND):
        a, b, c, d = address.split(".")
        dns.add(f"{d}.{c}.{b}.{a}.in-addr.arpa", "PTR", f"mail-{c}-{d}.host.example")
        dns.add(f"mail-{c}-{d}.host.example", "A", address)
    for domain in ("shop.example", "friend.example"):
        dns.add(f"k._domainkey.{domain}", "TXT", f"v=DKIM1; k=rsa; p={PUBLIC}")
        dns.add(f"_dmarc.{domain}", "TXT", "v=DMARC1; p=none")
    yield dns
    dns.close()


def serve(resolver, extra=QUIET):
    return Server(dns=f"127.0.0.1:{resolver.port}", extra=extra)


def send(server, source, messages, envelope="someone@far.example"):
    """The first refusal or the answer to the data of each, in one connection."""
    answers = []
    with smtplib.SMTP(server.address, server.port("smtp"), timeout=60, source_address=(source, 0)) as c:
        c.ehlo("mail.host.example")
        for message in messages:
            c.mail(envelope)
            answer = c.rcpt("ann@local.example")
            answers.append(c.data(message) if answer[0] == 250 else answer)
            c.rset()
    return answers


def spam(n):
    return [make(f"spam {i}", "someone@far.example", text=GTUBE) for i in range(n)]


def ham(n, name="ham", sender="someone@far.example"):
    return [make(f"{name} {i}", sender) for i in range(n)]


def known(server, of):
    """The row of a name, once what was sent before it is written (one lane does both)."""
    rows = json.loads(server.command("reputation", "--json", of).stdout)
    return rows[0] if rows else None


def codes(answers):
    return [a[0] for a in answers]


def test_spam_alone_ends_at_the_door(resolver):
    with serve(resolver) as s:
        assert codes(send(s, BAD, spam(19))) == [550] * 19
        row = known(s, BAD)
        assert row["of"] == "127.0.9.0/24" and row["score"] is None and row["messages"] > 18
        assert codes(send(s, BAD, ham(1, "the nineteen are silent"))) == [250]
        assert find(s, "the nineteen are silent")[0] == "INBOX"
        assert codes(send(s, BAD, spam(4))) == [550] * 4
        assert known(s, BAD)["score"] < 10
        (code, text), = send(s, BAD, ham(1, "at the door"))
        assert code == 550 and b"another mail host" in text
        assert codes(send(s, OTHER, ham(1, "from elsewhere"))) == [250]
        before = known(s, BAD)["messages"]
        assert codes(send(s, BAD, spam(3))) == [550] * 3  # refused at the door: no evidence
        assert known(s, BAD)["messages"] <= before
        why = json.loads(s.command("why", "--json", BAD).stdout)
        assert any("another mail host" in row["reply"] for row in why)
        # Its owner looks into Quarantine, and finds eight of them worth having: nothing that is refused is out of reach.
        with s.imap() as c:
            c.select("Quarantine")
            c.uid("MOVE", ",".join(c.uid("SEARCH", "ALL")[1][0].decode().split()[:8]), "INBOX")
        wait_for(lambda: known(s, BAD)["score"] > 70, 60)
        s.command("reputation", "forget", BAD)
        send(s, BAD, spam(25))
        # It is kept over a restart, and forgotten when told to.
        s.stop()
        s.start()
        assert codes(send(s, BAD, ham(1, "after the restart"))) == [550]
        assert "is unknown again" in s.command("reputation", "forget", BAD).stdout
        assert s.command("reputation", "forget", BAD, check=False).returncode != 0
        assert codes(send(s, BAD, ham(1, "forgotten"))) == [250]


def test_mostly_spam_is_junked_until_its_owner_says_otherwise(resolver):
    with serve(resolver) as s:
        send(s, MIXED, spam(12) + ham(8))
        assert known(s, MIXED)["score"] == 64
        assert codes(send(s, MIXED, ham(1, "junked for its network"))) == [250]
        folder, header = find(s, "junked for its network 0")
        assert folder == "Junk" and b"reputation: junk" in header
        facts = json.loads(json.loads(s.command("why", "--json", "1h").stdout)[0]["facts"])
        assert facts["reputation"] == 64 and facts["reputation_of"] == "127.0.10.0/24"
        # What only its reputation junked was no spam, so it does not lower it.
        assert known(s, MIXED)["score"] == 67
        # Moved out of Junk it weighs five times.
        with s.imap() as c:
            c.select("Junk")
            c.uid("MOVE", c.uid("SEARCH", "SUBJECT", '"junked for its network"')[1][0].decode(), "INBOX")
        wait_for(lambda: known(s, MIXED)["score"] == 77, 60)  # 12 of 25; the lesson is durable before the OK, its echo here a moment later
        send(s, MIXED, ham(1, "mended"))
        assert find(s, "mended 0")[0] == "INBOX"
        assert s.command("reputation").stdout.splitlines()[0].startswith("score")


def test_a_proved_domain_answers_for_itself(resolver):
    def from_shop(n, name):
        return [signed(m, "shop.example") for m in ham(n, name, "a@shop.example")]

    with serve(resolver) as s:
        assert codes(send(s, OTHER, from_shop(20, "shop"))) == [250] * 20
        assert known(s, "shop.example")["score"] == 100
        send(s, MIXED, spam(12) + ham(8))
        send(s, MIXED, from_shop(1, "proved") + ham(1, "only said", "a@shop.example"))
        assert find(s, "proved 0")[0] == "INBOX"
        assert find(s, "only said 0")[0] == "Junk"
        # Nobody who cannot prove it is able to harm it.
        send(s, MIXED, [make(f"forged {i}", "a@shop.example", text=GTUBE) for i in range(5)])
        assert known(s, "shop.example")["score"] == 100
        # Past the door too, when the envelope names it: at the end of the data it may prove itself.
        send(s, BAD, spam(25))
        assert codes(send(s, BAD, from_shop(1, "past the door"), "b@shop.example")) == [250]
        assert find(s, "past the door 0")[0] == "INBOX"
        assert codes(send(s, BAD, ham(1, "only named"), "b@shop.example")) == [550]


def test_where_a_correspondent_writes_from_nobody_is_judged_by_the_network(resolver):
    with serve(resolver) as s:
        with s.submission() as c:
            c.sendmail("ann@local.example", ["kim@friend.example"], "From: ann@local.example\r\nTo: kim@friend.example\r\nSubject: hello\r\n\r\nhello\r\n")
        send(s, BAD, spam(25))
        assert codes(send(s, BAD, ham(1, "a stranger"))) == [550]
        message = signed(make("from kim", "kim@friend.example"), "friend.example")
        assert codes(send(s, BAD, [message], "kim@friend.example")) == [250]
        assert find(s, "from kim")[0] == "INBOX"
        assert known(s, BAD)["friend"] is True
        assert codes(send(s, BAD, ham(1, "a neighbour of kim"))) == [250]


def slowed(server):
    return next(int(float(line.split()[-1])) for line in server.get("/metrics")[1].decode().splitlines() if line.startswith("pennypost_smtp_slowed "))


def test_who_sends_mostly_spam_waits_and_nobody_else_does(resolver):
    rules = QUIET.replace("slow_factor = 0", "slow_factor = 60000") + f'[[allow]]\nip = "{FRIEND}"\n'
    with serve(resolver) as s:
        send(s, MIXED, spam(12) + ham(8))
        assert known(s, MIXED)["score"] == 64
        with open(s.config) as f:
            text = f.read()
        with open(s.config, "w") as f:
            f.write(text.replace(QUIET, rules))
        s.command("reload")
        with contextlib.ExitStack() as stack:
            waiting = stack.enter_context(socket.create_connection((s.address, s.port("smtp")), 60, (MIXED, 0)))
            wait_for(lambda: slowed(s) == 1)
            # Others come, speak and go while it waits for its greeting.
            assert codes(send(s, OTHER, ham(1, "not slowed"))) == [250]
            assert codes(send(s, FRIEND, ham(1, "allowed"))) == [250]
            with s.submission() as c:
                c.noop()
            assert slowed(s) == 1
            assert select.select([waiting], [], [], 0)[0] == []
            waiting.close()
            wait_for(lambda: slowed(s) == 0)
            # A hundred wait at most; one more is served at once.
            for n in range(100):
                stack.enter_context(socket.create_connection((s.address, s.port("smtp")), 60, (f"127.0.10.{2 + n // 10}", 0)))
            wait_for(lambda: slowed(s) == 100)
            more = stack.enter_context(socket.create_connection((s.address, s.port("smtp")), 60, (MIXED, 0)))
            wait_for(lambda: select.select([more], [], [], 0)[0] or slowed(s) != 100)
            assert slowed(s) == 100 and more.recv(4) == b"220 "
        wait_for(lambda: slowed(s) == 0)
        with contextlib.ExitStack() as stack:
            # A stop does not wait for those that wait.
            stack.enter_context(socket.create_connection((s.address, s.port("smtp")), 60, (MIXED, 0)))
            wait_for(lambda: slowed(s) == 1)
            s.stop()
            s.start()
            assert slowed(s) == 0


def test_each_line_waits_and_a_good_name_ends_it(resolver):
    rules = QUIET.replace("slow_factor = 0", "slow_factor = 1000")
    with serve(resolver) as s:
        send(s, OTHER, [signed(m, "shop.example") for m in ham(20, "shop", "a@shop.example")])
        send(s, MIXED, spam(12) + ham(8))
        with open(s.config) as f:
            text = f.read()
        with open(s.config, "w") as f:
            f.write(text.replace(QUIET, rules))
        s.command("reload")
        with smtplib.SMTP(s.address, s.port("smtp"), timeout=60, source_address=(MIXED, 0)) as c:
            c.ehlo("mail.host.example")
            # Several lines at once are answered one after the other, in order.
            c.send("MAIL FROM:<b@far.example>\r\nRCPT TO:<ann@local.example>\r\nRSET\r\nNOOP\r\n")
            assert [c.getreply()[0] for _ in range(4)] == [250] * 4
            assert slowed(s) == 1
            c.sendmail("b@far.example", ["ann@local.example"], signed(make("good name", "a@shop.example"), "shop.example"))
            assert slowed(s) == 0
            assert c.noop()[0] == 250
            assert slowed(s) == 0
