"""Who is really writing: SPF, DKIM, DMARC and ARC of mail from strangers with a DNS of ours, and what follows: 550, 451, Junk, Inbox, trust."""
import base64, imaplib, json, smtplib, time

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from dns import Dns
from server import Server, trusting

GOOD, OTHER = "127.0.8.1", "127.0.8.2"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())
PUBLIC = base64.b64encode(KEY.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)).decode()


@pytest.fixture(scope="module")
def resolver():
    dns = Dns()
    for address in (GOOD, OTHER):
        last = address.rsplit(".", 1)[1]
        dns.add(f"{last}.8.0.127.in-addr.arpa", "PTR", f"mail{last}.host.example")
        dns.add(f"mail{last}.host.example", "A", address)
    for domain, policy in (("bank.example", "reject"), ("shop.example", "quarantine"), ("plain.example", "none"), ("list.example", None)):
        dns.add(domain, "TXT", f"v=spf1 ip4:{GOOD} -all")
        dns.add(f"k._domainkey.{domain}", "TXT", f"v=DKIM1; k=rsa; p={PUBLIC}")
        if policy:
            dns.add(f"_dmarc.{domain}", "TXT", f"v=DMARC1; p={policy}")
    dns.add("_dmarc.silent.example", "TXT", "v=DMARC1; p=reject")
    dns.faults["silent.example"] = "SERVFAIL"
    dns.add("open.example", "TXT", "v=spf1 ip4:0.0.0.0/1 -all")
    dns.add("_dmarc.open.example", "TXT", "v=DMARC1; p=none")
    yield dns
    dns.close()


@pytest.fixture(scope="module")
def server(resolver):
    with Server(dns=f"127.0.0.1:{resolver.port}", extra='[score]\ngreylist = "off"') as s:
        yield s


def signed(message, domain):
    return dkim.sign(message, b"k", domain.encode(), PEM, canonicalize=(b"relaxed", b"relaxed"), include_headers=[b"From", b"To", b"Subject"]) + message


def make(subject, sender, more="", text="A few words.\r\n"):
    return (f"From: <{sender}>\r\nTo: <ann@local.example>\r\nSubject: {subject}\r\nDate: {time.strftime('%a, %d %b %Y %H:%M:%S +0000', time.gmtime())}\r\n"
            f"Message-ID: <{subject.replace(' ', '.')}@x.example>\r\n{more}\r\n{text}").encode()


def send(server, message, envelope, source=GOOD):
    with smtplib.SMTP(server.address, server.port("smtp"), timeout=60, source_address=(source, 0)) as c:
        c.ehlo("mail.host.example")
        c.mail(envelope)
        c.rcpt("ann@local.example")
        return c.data(message)


def find(server, subject):
    """(folder, header) of the message with this subject, or (None, b"")."""
    with imaplib.IMAP4(server.address, server.port("imap")) as c:
        c.starttls(trusting())
        c.login("ann@local.example", "secret of ann")
        for folder in ("INBOX", "Junk"):
            c.select(folder, readonly=True)
            numbers = c.search(None, "SUBJECT", f'"{subject}"')[1][0].split()
            if numbers:
                return folder, c.fetch(numbers[-1], "(BODY.PEEK[HEADER])")[1][0][1]
    return None, b""


def test_spf_speaks_for_the_envelope(server):
    assert send(server, make("spf pass", "a@bank.example"), "a@bank.example")[0] == 250
    folder, header = find(server, "spf pass")
    assert folder == "INBOX"
    assert b"spf=pass" in header and b"dmarc=pass" in header and b"Received-SPF: pass" in header


def test_dkim_speaks_for_the_writer_wherever_it_comes_from(server):
    assert send(server, signed(make("dkim pass", "a@bank.example"), "bank.example"), "b@elsewhere.example", OTHER)[0] == 250
    folder, header = find(server, "dkim pass")
    assert folder == "INBOX"
    assert b"dkim=pass" in header and b"dmarc=pass" in header


def test_a_forger_meets_the_policy_of_the_domain(server):
    code, text = send(server, make("forged bank", "a@bank.example"), "b@elsewhere.example", OTHER)
    assert (code, b"5.7.26" in text) == (550, True)
    assert find(server, "forged bank") == (None, b"")
    assert send(server, make("forged shop", "a@shop.example"), "b@elsewhere.example", OTHER)[0] == 250
    assert find(server, "forged shop")[0] == "Junk"
    assert send(server, make("forged plain", "a@plain.example"), "b@elsewhere.example", OTHER)[0] == 250
    folder, header = find(server, "forged plain")
    assert folder == "INBOX" and b"dmarc=fail" in header


@pytest.mark.parametrize("written, code", [
    ("<a@bank.example> x", 550), ("a@bank.example;", 550), ("Bank <a@bank.example", 550), ("a@bank.example (x", 550), ("a@bank.example evil", 550),
    ("<a@bank.example>>", 550), ("a@bank.example,,b", 550), ("<a@bank.example.>", 550), ("<a@bank.example>, <>", 550), ("<a@bank.example>, <b@bank.example.>", 550),
    ('"Bank <a@bank.example>', 550), ('"a@bank.example"', 554), ("a@bank.example <>", 550), ("a@bank.example\r\n\t<x>", 550),
])
def test_a_from_that_is_badly_written_hides_nobody(server, written, code):
    message = make("badly written", "a@bank.example").replace(b"From: <a@bank.example>", b"From: " + written.encode())
    assert send(server, message, "b@elsewhere.example", OTHER)[0] == code


def test_a_changed_body_proves_nothing(server):
    message = signed(make("tampered", "a@bank.example"), "bank.example").replace(b"A few words", b"Other words")
    code, text = send(server, message, "b@elsewhere.example", OTHER)
    assert (code, b"5.7.26" in text) == (550, True)


def test_a_from_behind_a_very_long_header_is_looked_at(server):
    message = make("long header", "a@bank.example", text="A few words.\r\n" * 5000)
    field = "".join(f" {'x' * 900}\r\n" for _ in range(200))
    more = "".join(f"X-Filler-{i}: a\r\n{field}" for i in range(5))
    last = 1048500 - len(more) - message.index(b"\r\n\r\n") - 30
    more += "X-Last: a\r\n" + "".join(f" {'x' * 900}\r\n" for _ in range(last // 903)) + "X-End: " + "x" * (last % 903) + "\r\n"
    code, text = send(server, more.encode() + message, "b@elsewhere.example", OTHER)
    assert (code, b"5.7.26" in text) == (550, True), (code, text)


def test_a_large_body_is_hashed_as_it_comes(server):
    text = "".join(f"line {i} of a long letter\r\n" for i in range(40000))
    assert send(server, signed(make("long letter", "a@bank.example", text=text), "bank.example"), "b@elsewhere.example", OTHER)[0] == 250
    assert b"dkim=pass" in find(server, "long letter")[1]


def test_a_list_that_broke_the_signature_is_no_forger(server):
    message = signed(make("from the list", "a@bank.example"), "bank.example").replace(b"A few words", b"[list] A few words")
    message = b"List-Id: The list <talk.list.example>\r\nList-Post: <mailto:talk@list.example>\r\n" + message
    assert send(server, signed(message, "list.example"), "bounce@list.example")[0] == 250
    assert find(server, "from the list")[0] == "Junk"  # one step less than the 550 that is asked for


@pytest.mark.parametrize("fields, domain, envelope, source", [
    ("List-Id: <talk.list.example>\r\nList-Post: <mailto:x@list.example>\r\n", None, "b@elsewhere.example", OTHER),  # nobody proves anything
    ("List-Id: <talk.list.example>\r\nList-Post: <mailto:x@list.example>\r\n", "plain.example", "b@plain.example", GOOD),  # another's name
    ("List-Id: <talk.list.example>\r\n", "list.example", "b@list.example", GOOD),  # a name, and nothing that lists write
    ("List-Post: <mailto:x@list.example>\r\nPrecedence: list\r\n", "list.example", "b@list.example", GOOD),  # no name
    ("List-Id: list.example\r\nPrecedence: list\r\n", "list.example", "b@list.example", GOOD),
    ("List-Id: <evillist.example>\r\nPrecedence: bulk\r\n", "list.example", "b@list.example", GOOD),
])
def test_who_calls_himself_a_list_is_none(server, fields, domain, envelope, source):
    message = fields.encode() + make("false list", "a@bank.example")
    code, text = send(server, signed(message, domain) if domain else message, envelope, source)
    assert (code, b"5.7.26" in text) == (550, True)


def test_silence_of_the_dns_is_no_verdict(server):
    code, text = send(server, make("silent", "a@silent.example"), "a@silent.example", OTHER)
    assert (code, b"4.4.3" in text) == (451, True)  # a policy of reject is known, SPF is not


def test_forged_results_are_removed(server):
    more = "Authentication-Results: mail.local.example; dkim=pass header.d=bank.example\r\n"
    assert send(server, make("claims", "a@plain.example", more), "b@elsewhere.example", OTHER)[0] == 250
    _, header = find(server, "claims")
    assert b"dkim=pass" not in header and header.count(b"Authentication-Results: mail.local.example") == 1


def test_who_was_written_to_is_trusted_when_he_proves_himself(server, resolver):
    nameless = "127.0.8.77"
    with smtplib.SMTP_SSL(server.address, server.port("submissions"), context=trusting()) as c:
        c.login("ann@local.example", "secret of ann")
        c.sendmail("ann@local.example", ["Friend@List.Example"], make("hello friend", "ann@local.example").replace(b"<ann@local.example>\r\nSubject", b"<friend@list.example>\r\nSubject"))
    assert send(server, make("a stranger", "stranger@list.example"), "stranger@list.example", nameless)[0] == 250
    assert find(server, "a stranger")[0] == "Junk"  # no reverse name
    assert send(server, signed(make("a friend", "friend@list.example"), "list.example"), "friend@list.example", nameless)[0] == 250
    assert find(server, "a friend")[0] == "INBOX"
    assert send(server, make("a false friend", "friend@list.example"), "friend@list.example", nameless)[0] == 250
    assert find(server, "a false friend")[0] == "Junk"


def submit(server, sender, message, envelope, rcpt):
    with smtplib.SMTP_SSL(server.address, server.port("submissions"), context=trusting()) as c:
        c.login(sender, "secret of " + sender.split("@")[0])
        c.sendmail(envelope, [rcpt], message)


def test_a_record_that_lets_everybody_in_earns_no_trust(server):
    submit(server, "ann@local.example", make("hello open", "ann@local.example"), "ann@local.example", "friend@open.example")
    assert send(server, make("anybody", "friend@open.example"), "friend@open.example", "127.0.8.77")[0] == 250
    folder, header = find(server, "anybody")
    assert b"dmarc=pass" in header and folder == "Junk"  # no reverse name, and nothing that makes up for it


def test_what_a_program_answers_makes_no_friends(server):
    for more, envelope in (("Auto-Submitted: auto-replied\r\n", "bob@local.example"), ("Content-Type: multipart/report; boundary=b\r\n", "bob@local.example"),
                           ("", "")):
        submit(server, "bob@local.example", make("receipt", "bob@local.example", more), envelope, "spammer@far.example")
    submit(server, "bob@local.example", make("letter", "bob@local.example", "Auto-Submitted: no\r\n"), "bob@local.example", "uncle@family.example")
    told = json.loads(server.command("correspondents", "--json", "bob").stdout)
    assert [k["address"] for k in told] == ["uncle@family.example"]
    server.command("correspondents", "bob", "forget", "uncle@family.example")


def test_a_doubtful_stranger_comes_again(resolver):
    doubtful = "X: y\r\n"
    with Server(dns=f"127.0.0.1:{resolver.port}", extra='[score]\ngreylist = 0.1\njunk = "off"') as s:
        def come(subject, sender="someone@nowhere.example", source=OTHER):
            message = make(subject, sender, doubtful).replace(b"Message-ID", b"X-Was-Message-ID")  # a small sign: 0.6
            return send(s, message, sender, source)

        code, text = come("first time")
        assert (code, b"4.7.1" in text) == (451, True)
        assert come("proved", "a@plain.example", GOOD)[0] == 250  # who proves his domain is no stranger
        s.command("expect", "10m")
        assert come("in the meantime")[0] == 250
        s.command("expect", "off")
        assert come("again")[0] == 250  # came in once
        assert come("another", "other@elsewhere.example")[0] == 451
        assert s.command("expect", "soon", check=False).returncode == 64


def test_correspondents_are_shown_and_forgotten(server):
    with smtplib.SMTP_SSL(server.address, server.port("submissions"), context=trusting()) as c:
        c.login("bob@local.example", "secret of bob")
        for _ in range(2):
            c.sendmail("bob@local.example", ["Aunt@Family.example"], make("letter", "bob@local.example"))
    assert "aunt@family.example" in server.command("correspondents", "bob").stdout
    told = json.loads(server.command("correspondents", "--json", "bob@local.example").stdout)
    assert [(k["address"], k["letters"]) for k in told] == [("aunt@family.example", 2)]
    assert "stranger again" in server.command("correspondents", "bob", "forget", "aunt@family.example").stdout
    assert server.command("correspondents", "bob", "forget", "aunt@family.example", check=False).returncode != 0
    assert json.loads(server.command("correspondents", "--json", "bob").stdout) == []
    assert server.command("correspondents", "nobody", check=False).returncode == 64
