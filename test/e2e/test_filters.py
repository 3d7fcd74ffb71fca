"""What a peer's address says: reverse names that lead back, that do not, that are not there, that DNS does not tell; and what the owner wants done then.
Peers are loopback addresses with names in a DNS of ours."""
import imaplib, json, smtplib, socket, time

import pytest

from dns import Dns
from server import Server, trusting

PEERS = {  # the last number of 127.0.7.x
    "good": 1, "nameless": 2, "unreachable": 3, "mismatch": 4, "home": 5, "slow": 6, "friend": 7, "halfway": 8,
}
TEXTS = {"home": b"no residential connections", "nameless": b"no rDNS is so 80s", "mismatch": b"no FCrDNS is so 80s"}
RULES = """
[[allow]]
from = "friend@hobby.example"
to = "ann@local.example"
ip = "127.0.7.7"

[[deny]]
from = "@nuisance.example"

[[deny]]
subject = "/win(ner)? .* million/"

[[rule]]
header = "List-Id: <choir.example>"
action = "folder"
folder = "Archive"
flag = "$Choir"
account = "ann"

[[rule]]
subject = "press release"
action = "junk"

[[rule]]
subject = "to a folder"
action = "folder"
folder = "Not There"
flag = "\\\\Flagged"
"""


def address(peer):
    return f"127.0.7.{PEERS[peer]}"


def reverse(peer):
    return f"{PEERS[peer]}.7.0.127.in-addr.arpa"


@pytest.fixture(scope="module")
def resolver():
    dns = Dns()
    for peer, name in (("good", "mail.good.example"), ("friend", "x.friend.example"), ("halfway", "mail.halfway.example"), ("mismatch", "mail.mismatch.example"),
                       ("home", "a-5.dyn.isp.example"), ("slow", "mail.slow.example")):
        dns.add(reverse(peer), "PTR", name)
        dns.add(name, "A", address(peer) if peer not in ("mismatch", "friend") else "127.0.7.99")
    dns.add("known.example", "TXT", f"v=spf1 ip4:{address('nameless')} -all")
    dns.faults[reverse("unreachable")] = "SERVFAIL"
    dns.faults["mail.halfway.example"] = "SERVFAIL"
    dns.faults[reverse("slow")] = 1.5
    yield dns
    dns.close()


def filters(action):
    return RULES + "".join(f'[filter.{name}]\naction = "{action}"\n' for name in ("early-talker", "rdns-pattern", "no-rdns", "no-fcrdns"))


@pytest.fixture(scope="module", params=["junk", "reject"])
def server(request, resolver):
    with Server(dns=f"127.0.0.1:{resolver.port}", extra=filters(request.param)) as s:
        s.action = request.param
        yield s


def send(server, peer, subject, sender="someone@far.example", rcpts=("ann@local.example",), more=""):
    """(code, text) of the first refusal, or of the end of the data."""
    message = f"From: <{sender}>\r\nTo: {rcpts[0]}\r\nSubject: {subject}\r\nMessage-ID: <{subject.replace(' ', '-')}@far.example>\r\n{more}\r\nshort\r\n"
    with smtplib.SMTP(server.address, server.port("smtp"), timeout=30, source_address=(address(peer), 0)) as c:
        c.ehlo("far.example")
        c.mail(sender)
        for rcpt in rcpts:
            code, text = c.rcpt(rcpt)
            if code >= 400:
                return code, text
        return c.data(message)


def where(server, subject, account="ann"):
    """{folder: [flags]} of the messages with this subject."""
    found = {}
    with imaplib.IMAP4(server.address, server.port("imap")) as c:
        c.starttls(trusting())
        c.login(f"{account}@local.example", f"secret of {account}")
        for folder in ("INBOX", "Junk", "Archive"):
            c.select(folder, readonly=True)
            for number in c.search(None, "SUBJECT", f'"{subject}"')[1][0].split():
                found[folder] = c.fetch(number, "(FLAGS BODY.PEEK[HEADER.FIELDS (X-Pennypost Received)])")[1][0]
    return found


@pytest.mark.parametrize("peer", ["nameless", "mismatch", "home"])
def test_a_bad_name_is_junked_or_refused_after_rcpt(server, peer):
    subject = f"bad name {peer} {server.action}"
    code, text = send(server, peer, subject)
    if server.action == "reject":
        assert (code, TEXTS[peer] in text) == (550, True), (code, text)
        assert where(server, subject) == {}
    else:
        assert code == 250, text
        found = where(server, subject)
        assert list(found) == ["Junk"]
        assert b": junk" in found["Junk"][1]  # the header says which filter


def test_who_talks_before_the_greeting_is_junked_or_refused(server):
    subject = f"could not wait {server.action}"
    for _ in range(50):  # whoever was not let run for half the pause was not early for sure
        begin = time.monotonic()
        s = socket.create_connection((server.address, server.port("smtp")), 30, (address("good"), 0))
        s.sendall(b"EHLO far.example\r\n")
        if time.monotonic() - begin < 0.1:
            break
        s.close()
    with s, s.makefile("rb") as f:
        first = f.readline()
        if server.action == "reject":
            assert first.startswith(b"554 5.5.0"), first
            return
        assert first.startswith(b"220 "), first
        while not f.readline().startswith(b"250 "):
            pass
        message = f"From: <a@far.example>\r\nSubject: {subject}\r\n\r\nshort\r\n.\r\n".encode()
        for line, code in ((b"MAIL FROM:<a@far.example>\r\n", b"250"), (b"RCPT TO:<ann@local.example>\r\n", b"250"), (b"DATA\r\n", b"354"), (message, b"250")):
            s.sendall(line)
            answer = f.readline()
            assert answer.startswith(code), (line, answer)
    found = where(server, subject)
    assert list(found) == ["Junk"] and b"early-talker: junk" in found["Junk"][1]


def test_a_bad_name_is_only_told_or_comes_again(resolver):
    actions = '[filter.no-rdns]\naction = "tag"\n[filter.rdns-pattern]\naction = "greylist"\n'
    with Server(dns=f"127.0.0.1:{resolver.port}", extra=actions) as s:
        assert send(s, "nameless", "only told")[0] == 250
        found = where(s, "only told")
        assert list(found) == ["INBOX"] and b"no-rdns: tag" in found["INBOX"][1]
        code, text = send(s, "home", "comes again")
        assert (code, b"4.7.1" in text) == (451, True)
        s.command("expect", "10m")
        assert send(s, "home", "comes again")[0] == 250
        found = where(s, "comes again")
        assert list(found) == ["INBOX"] and b"rdns-pattern: greylist" in found["INBOX"][1]


@pytest.mark.parametrize("peer", ["good", "unreachable", "halfway", "slow"])
def test_good_names_and_silent_dns_harm_nobody(server, peer):
    subject = f"no harm {peer} {server.action}"
    code, text = send(server, peer, subject)
    assert code == 250, text
    found = where(server, subject)
    assert list(found) == ["INBOX"]
    assert (b"mail.good.example" in found["INBOX"][1]) == (peer == "good")  # in Received: the name that leads back


def test_a_friend_behind_a_bad_host_is_let_in(server):
    assert send(server, "friend", f"friend in {server.action}", "friend@hobby.example")[0] == 250
    assert list(where(server, f"friend in {server.action}")) == ["INBOX"]
    code, _ = send(server, "friend", f"stranger from there {server.action}", "other@hobby.example")
    assert code == (550 if server.action == "reject" else 250)
    assert "INBOX" not in where(server, f"stranger from there {server.action}")
    # The allow is for ann alone.
    code, _ = send(server, "friend", f"friend to bob {server.action}", "friend@hobby.example", ("bob@local.example",))
    assert code == (550 if server.action == "reject" else 250)
    assert "INBOX" not in where(server, f"friend to bob {server.action}", "bob")


def test_a_known_correspondent_goes_before_a_filter_that_refuses(server):
    subject = f"hello from a friend {server.action}"
    with server.submission() as c:
        c.sendmail("ann@local.example", ["Uncle@Known.example"], "From: <ann@local.example>\r\nTo: <uncle@known.example>\r\nSubject: hello\r\n\r\nshort\r\n")
    assert send(server, "nameless", subject, "uncle@known.example")[0] == 250
    assert list(where(server, subject)) == ["INBOX"]
    # Who only says so is heard to the end, and then meets the filter; a host below the domain is heard too.
    for peer, sender in (("mismatch", "uncle@known.example"), ("nameless", "other@known.example"), ("mismatch", "uncle@mail.known.example")):
        code, text = send(server, peer, f"not the friend {server.action}", sender)
        assert (code, b"80s" in text) == ((550, True) if server.action == "reject" else (250, False))
        assert "INBOX" not in where(server, f"not the friend {server.action}")
    if server.action == "reject":
        with smtplib.SMTP(server.address, server.port("smtp"), timeout=30, source_address=(address("nameless"), 0)) as c:
            c.ehlo("far.example")
            for sender, code in (("uncle@known.example", 250), ("a@far.example", 550), ("", 550), ("uncle@unknown.example", 550), ("x@mail.known.example", 250)):
                c.rset()
                c.mail(sender)
                assert c.rcpt("ann@local.example")[0] == code, sender
                assert c.rcpt("bob@local.example")[0] == code, sender


def test_an_international_domain_is_one_name(resolver):
    with Server(dns=f"127.0.0.1:{resolver.port}", extra='[[deny]]\nfrom = "@b\u00fccher.example"\n[[deny]]\nfrom = "ann@xn--mnchen-3ya.example"\n') as s:
        for sender in ("a@b\u00fccher.example", "a@B\u00dcCHER.example", "a@xn--bcher-kva.example", "a@XN--BCHER-KVA.example", "ann@m\u00fcnchen.example", "Ann@M\u00dcNCHEN.example"):
            with smtplib.SMTP(s.address, s.port("smtp"), timeout=30, source_address=(address("good"), 0)) as c:
                c.ehlo("far.example")
                c.command_encoding = "utf-8"
                assert c.docmd(f"MAIL FROM:<{sender}> SMTPUTF8")[0] == 250, sender
                assert c.rcpt("ann@local.example")[0] == 550, sender


def test_deny_refuses_at_rcpt_or_at_the_end(server):
    code, text = send(server, "good", "not wanted", "anybody@nuisance.example")
    assert (code, b"does not take mail from here" in text) == (550, True)
    code, text = send(server, "good", "You are a winner of one million", "anybody@far.example")
    assert (code, b"does not take mail from here" in text) == (550, True)
    assert where(server, "not wanted") == where(server, "winner") == {}


def test_rules_file_and_flag(server):
    assert send(server, "good", f"rehearsal {server.action}", more="List-Id: The choir <choir.example>\r\n")[0] == 250
    found = where(server, f"rehearsal {server.action}")
    assert list(found) == ["Archive"] and b"$Choir" in found["Archive"][0]
    assert send(server, "good", f"rehearsal for bob {server.action}", rcpts=("bob@local.example",), more="List-Id: The choir <choir.example>\r\n")[0] == 250
    assert list(where(server, f"rehearsal for bob {server.action}", "bob")) == ["INBOX"]  # the rule is ann's
    assert send(server, "good", f"A Press Release {server.action}")[0] == 250
    assert list(where(server, f"Press Release {server.action}")) == ["Junk"]
    assert send(server, "good", f"to a folder that is not there {server.action}")[0] == 250
    found = where(server, f"to a folder that is not there {server.action}")
    assert list(found) == ["INBOX"] and b"\\Flagged" in found["INBOX"][0]  # nothing is lost, and the log says so
    assert "there is no such folder" in server.log_text()
    told = json.dumps(json.loads(server.command("why", "--json", "to-a-folder-that-is-not-there-" + server.action + "@far.example").stdout))
    assert "INBOX" in told and "Not There" not in told


def test_a_peer_that_sends_before_the_answer_gets_its_answers_in_order(server):
    with smtplib.SMTP(server.address, server.port("smtp"), timeout=30, source_address=(address("slow"), 0)) as c:
        c.ehlo("far.example")
        c.sock.sendall(b"MAIL FROM:<a@far.example>\r\nRCPT TO:<ann@local.example>\r\nRCPT TO:<nobody@other.example>\r\nRSET\r\nNOOP\r\n")
        assert [c.getreply()[0] for _ in range(5)] == [250, 250, 550, 250, 250]


def test_a_peer_that_leaves_meanwhile_leaves_nothing_behind(server):
    for _ in range(5):
        c = smtplib.SMTP(server.address, server.port("smtp"), timeout=30, source_address=(address("slow"), 0))
        c.ehlo("far.example")
        c.sock.sendall(b"MAIL FROM:<a@far.example>\r\nRCPT TO:<ann@local.example>\r\n")
        time.sleep(0.05)
        c.close()
    assert send(server, "good", f"still well {server.action}")[0] == 250


def test_why_names_the_filter(server):
    send(server, "nameless", f"asked why {server.action}")
    told = json.loads(server.command("why", "--json", address("nameless")).stdout)
    wanted = [row for row in told if ("no-rdns: junk" in row["points"] if server.action == "junk" else "no rDNS" in row["reply"])]
    assert wanted and wanted[0]["peer"] == address("nameless")


def test_a_changed_file_of_patterns_comes_with_a_reload(resolver, tmp_path):
    patterns = tmp_path / "elsewhere" / "patterns"  # the sandbox must let it be read again
    patterns.parent.mkdir()
    patterns.write_text("# nothing yet\n")
    with Server(dns=f"127.0.0.1:{resolver.port}", extra=f'[filter.rdns-pattern]\nfile = "{patterns}"\n') as s:
        assert send(s, "good", "before the change")[0] == 250
        assert list(where(s, "before the change")) == ["INBOX"]
        patterns.write_text("^MAIL[.]good[.]\n")
        s.command("reload")
        assert send(s, "good", "after the change")[0] == 250
        assert list(where(s, "after the change")) == ["Junk"]
        patterns.write_text("(\n")
        refused = s.command("reload", check=False)
        assert refused.returncode != 0 and "line 1" in refused.stderr + refused.stdout
        assert list(where(s, "after the change")) == ["Junk"]
