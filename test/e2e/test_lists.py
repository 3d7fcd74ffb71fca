"""Lists in the DNS: what they know of peers, senders and links; what becomes of lists that are dead, refuse, changed hands or list the world.
Every list is played by a DNS of ours; nobody keeps its answers."""
import imaplib, json, smtplib, time

import pytest

from dns import Dns
from server import Server, trusting

TEST_POINTS = {"address": ("2.0.0.127",), "name": ("test",), "uri": ("test", "2.0.0.127")}
WELL = {"bl.example": "address", "hard.example": "address", "told.example": "address", "turns.example": "address",
        "rhs.example": "name", "uri.example": "uri"}
CONFIG = """
[score]
greylist = "off"
junk = 6

[[filter.dnsbl]]
zone = "bl.example"
codes = { "127.0.0.2" = 1, "127.0.0.4-8" = 3.5, "127.0.0.10" = 7 }

[[filter.dnsbl]]
zone = "hard.example"
codes = ["127.0.0.2"]
action = "reject"

[[filter.dnsbl]]
zone = "told.example"
codes = ["127.0.0.2"]
action = "tag"

[[filter.dnsbl]]
zone = "turns.example"
codes = ["127.0.0.2"]

[[filter.dnsbl]]
zone = "refuses.example"
codes = ["127.0.0.0/16"]
action = "reject"

[[filter.dnsbl]]
zone = "world.example"
codes = ["127.0.0.2"]
action = "reject"

[[filter.dnsbl]]
zone = "hijacked.example"
codes = ["127.0.0.2"]
action = "reject"

[[filter.dnsbl]]
zone = "empty.example"
codes = ["127.0.0.2"]
action = "reject"

[[filter.dnsbl]]
zone = "silent.example"
codes = ["127.0.0.2"]
action = "reject"

[[filter.dnsbl]]
zone = "rhs.example"
kind = "name"
codes = ["127.0.1.2"]
points = 2.5

[[filter.dnsbl]]
zone = "uri.example"
kind = "uri"
codes = ["127.0.0.&64"]
points = 6.5

[[allow]]
domain = "friend.example"
"""


def entry(peer, zone):
    return f"{peer}.7.0.127.{zone}"


@pytest.fixture(scope="module")
def resolver():
    dns = Dns()
    dns.ttl = 0
    for zone, kind in WELL.items():
        for point in TEST_POINTS[kind]:
            dns.add(f"{point}.{zone}", "A", "127.0.0.2")
    for zone, answer in (("refuses.example", "127.255.255.254"), ("world.example", "127.0.0.2"), ("hijacked.example", "1.2.3.4")):
        dns.add("*." + zone, "A", answer)
    dns.add("somebody.empty.example", "A", "127.0.0.2")
    for point in ("2.0.0.127", "1.0.0.127"):
        dns.faults[f"{point}.silent.example"] = "SERVFAIL"
    dns.add(entry(10, "bl.example"), "A", "127.0.0.4")
    dns.add(entry(11, "bl.example"), "A", "127.0.0.2", "127.0.0.10", "127.0.0.4")
    dns.add(entry(12, "bl.example"), "A", "127.0.0.77")
    dns.faults[entry(13, "bl.example")] = "SERVFAIL"
    dns.faults[entry(13, "hard.example")] = "DROP"
    dns.add(entry(14, "hard.example"), "A", "127.0.0.2")
    dns.add(entry(15, "told.example"), "A", "127.0.0.2")
    dns.add("spam.example.rhs.example", "A", "127.0.1.2")
    dns.add("friend.example.rhs.example", "A", "127.0.1.2")
    for name in ("evil.example", "evil.com", "local.example", "friend.example", "9.7.0.127"):
        dns.add(f"{name}.uri.example", "A", "127.0.0.80")
    dns.add("other.example.uri.example", "A", "127.0.0.8")
    for peer in range(9, 40):
        dns.add(f"{peer}.7.0.127.in-addr.arpa", "PTR", f"h{peer}.hosts.example")
        dns.add(f"h{peer}.hosts.example", "A", f"127.0.7.{peer}")
    yield dns
    dns.close()


def states(server):
    return {row["zone"]: row for row in json.loads(server.command("status", "--json", check=False).stdout)["lists"]}


def wait_for(server, zone, state):
    for _ in range(600):
        row = states(server)[zone]
        if row["state"] == state:
            return row
        time.sleep(0.1)
    raise AssertionError((zone, row))


@pytest.fixture(scope="module")
def server(resolver):
    with Server(dns=f"127.0.0.1:{resolver.port}", extra=CONFIG) as s:
        for zone in WELL:
            wait_for(s, zone, "well")
        yield s


def send(server, peer, subject, body="short", sender="someone@far.example", helo="far.example", kind="text/plain"):
    message = (f"From: <{sender}>\r\nTo: ann@local.example\r\nSubject: {subject}\r\nMessage-ID: <{subject.replace(' ', '-')}@far.example>\r\n"
               f"MIME-Version: 1.0\r\nContent-Type: {kind}\r\n\r\n{body}\r\n")
    with smtplib.SMTP(server.address, server.port("smtp"), timeout=60, source_address=(f"127.0.7.{peer}", 0)) as c:
        c.ehlo(helo)
        c.mail(sender)
        code, text = c.rcpt("ann@local.example")
        return (code, text) if code >= 400 else c.data(message)


def where(server, subject):
    with imaplib.IMAP4(server.address, server.port("imap")) as c:
        c.starttls(trusting())
        c.login("ann@local.example", "secret of ann")
        for folder in ("INBOX", "Junk"):
            c.select(folder, readonly=True)
            for number in c.search(None, "SUBJECT", f'"{subject}"')[1][0].split():
                field = c.fetch(number, "(BODY.PEEK[HEADER.FIELDS (X-Pennypost)])")[1][0][1]
                return folder, " ".join(field.decode().split())
    return None, ""


def test_a_listed_peer_gets_the_points_of_the_answer(server):
    assert send(server, 10, "some points")[0] == 250
    folder, why = where(server, "some points")
    assert folder == "INBOX" and "listed-address 3.5" in why and "listed by bl.example (127.0.0.4): 127.0.7.10" in why
    assert send(server, 11, "most points")[0] == 250
    folder, why = where(server, "most points")
    assert folder == "Junk" and "listed-address 7.0" in why and "(127.0.0.10)" in why


@pytest.mark.parametrize("peer", [9, 12, 13])
def test_undocumented_answers_and_silence_cost_nothing(server, peer):
    assert send(server, peer, f"no points {peer}")[0] == 250
    folder, why = where(server, f"no points {peer}")
    assert folder == "INBOX" and "listed" not in why
    told = json.dumps(json.loads(server.command("why", "--json", f"127.0.7.{peer}").stdout))
    assert "listed" not in told


def test_a_refused_peer_is_told_by_whom(server):
    code, text = send(server, 14, "not taken")
    assert (code, b"127.0.7.14 is listed by hard.example" in text, b"score" in text) == (550, True, False)
    assert where(server, "not taken") == (None, "")


def test_a_list_may_only_tell(server):
    assert send(server, 15, "only told")[0] == 250
    folder, why = where(server, "only told")
    assert folder == "INBOX" and "listed by told.example" in why and "listed-address" not in why


def test_senders_are_looked_up_by_their_organisation(server):
    assert send(server, 9, "bad sender", sender="a@mail.spam.example")[0] == 250
    folder, why = where(server, "bad sender")
    assert folder == "INBOX" and "listed-name 2.5" in why and "listed by rhs.example (127.0.1.2): spam.example" in why
    assert send(server, 9, "bad greeting", helo="mx.spam.example")[0] == 250
    assert "listed-name 2.5" in where(server, "bad greeting")[1]
    assert send(server, 9, "a friend", sender="a@friend.example")[0] == 250
    assert "listed" not in where(server, "a friend")[1]  # whom the owner allows nobody is asked about


LINKS = {
    "plain": ("see http://www.evil.example/x", "text/plain"),
    "bare": ("see www.evil.com", "text/plain"),  # only what ends in a public suffix
    "form": ("<form action='https://pay.evil.example/'>", "text/html"),
    "escaped": ("<a href='http://bank.example%2f@ev%69l.example:80/'>bank.example</a>", "text/html"),
    "wrapped": ("<a href='https://good.example/r?to=https%3A%2F%2Fevil.example'>x</a>", "text/html"),
    "number": ("http://0x7f000709/", "text/plain"),
}


@pytest.mark.parametrize("form", LINKS)
def test_links_are_found_in_every_form(server, form):
    # A link to an address of this machine leads nowhere, so it is not asked about.
    body, kind = LINKS[form]
    assert send(server, 9, f"link {form}", body, kind=kind)[0] == 250
    folder, why = where(server, f"link {form}")
    if form == "number":
        assert folder == "INBOX" and "listed" not in why
    else:
        assert folder == "Junk" and "listed-uri 6.5" in why and "listed by uri.example (127.0.0.80): evil." in why


def test_own_and_allowed_links_and_other_bits_are_no_matter(server, resolver):
    assert send(server, 9, "good links", "http://www.local.example/ http://friend.example/ http://other.example/ report.txt")[0] == 250
    folder, why = where(server, "good links")
    assert folder == "INBOX" and "listed" not in why
    asked = {name for name, _ in resolver.asked}
    assert "other.example.uri.example" in asked
    assert not asked & {"local.example.uri.example", "friend.example.uri.example", "report.txt.uri.example"}


def test_many_links_ask_a_bounded_number_of_questions(server, resolver):
    before = len([name for name, _ in resolver.asked if name.endswith(".uri.example")])
    body = "\r\n".join(f"http://host{i}.h{i}.example/" for i in range(500)) + "\r\nhttp://evil.example/"
    assert send(server, 9, "many links", body)[0] == 250
    assert where(server, "many links")[0] == "Junk"  # the last ones are asked about too
    assert len([name for name, _ in resolver.asked if name.endswith(".uri.example")]) - before <= 2 * 16


def explained(server, *options, sender="someone@far.example", body="short", helo="far.example"):
    message = f"From: <{sender}>\r\nTo: ann@local.example\r\nSubject: explained\r\nMessage-ID: <e@far.example>\r\n\r\n{body}\r\n"
    return json.loads(server.command("explain", "-", "--json", "--from", sender, "--helo", helo, *options, input=message.encode()).stdout)


def test_explain_asks_the_same_lists(server, resolver):
    e = explained(server, "--ip", "127.0.7.11", sender="a@mail.spam.example", body="see http://www.evil.com/x")
    points = {p["rule"]: p["points"] for p in e["points"]}
    assert (points["listed-address"], points["listed-name"], points["listed-uri"]) == (7, 2.5, 6.5), e
    assert "listed by uri.example (127.0.0.80): evil.com" in e["notes"]
    assert explained(server, "--ip", "127.0.7.14")["verdict"] == "reject"  # as it would be after RCPT
    e = explained(server, body="see http://evil.com/x")  # nobody knows who brought it
    assert {p["rule"] for p in e["points"] if p["rule"].startswith("listed")} == {"listed-uri"}
    asked = len(resolver.asked)
    e = explained(server, "--ip", "127.0.7.11", "--offline", body="see http://evil.com/x")
    assert not [p for p in e["points"] if p["rule"].startswith("listed")] and len(resolver.asked) == asked


def test_lists_that_are_not_well_harm_nobody_and_are_shown(server, resolver):
    rows = {zone: wait_for(server, zone, "off") for zone in ("refuses.example", "world.example", "hijacked.example", "empty.example")}
    wait_for(server, "silent.example", "waiting")
    assert "127.255.255.254" in rows["refuses.example"]["why"]
    assert "whole world" in rows["world.example"]["why"]
    assert "1.2.3.4" in rows["hijacked.example"]["why"]
    assert "does not list 127.0.0.2" in rows["empty.example"]["why"]
    assert send(server, 9, "in spite of them")[0] == 250
    assert where(server, "in spite of them")[0] == "INBOX"
    told = server.command("status", check=False)
    assert told.returncode == 1 and "the list refuses.example is not asked" in told.stdout and "list       bl.example (address): well" in told.stdout
    assert "list" in server.log_text() and "whole world" in server.log_text()


def test_metrics_name_the_lists(server):
    text = server.get("/metrics")[1].decode()
    assert 'pennypost_list_well{zone="bl.example",kind="address"} 1' in text
    assert 'pennypost_list_well{zone="world.example",kind="address"} 0' in text


def test_a_list_that_turns_is_off_until_it_is_well_again(server, resolver):
    resolver.replace(entry(20, "turns.example"), "A", "127.0.0.2")
    assert send(server, 20, "before it turned")[0] == 250
    assert "listed by turns.example" in where(server, "before it turned")[1]
    for name in (entry(20, "turns.example"), "2.0.0.127.turns.example"):
        resolver.replace(name, "A", "127.255.255.255")
    assert send(server, 20, "after it turned")[0] == 250
    assert "listed" not in where(server, "after it turned")[1]
    row = wait_for(server, "turns.example", "off")
    assert "127.255.255.255" in row["why"]
    assert "turns.example" in server.command("why", "--json", "10m").stdout
    server.command("reload")  # as the hour between two tests
    time.sleep(0.5)
    assert states(server)["turns.example"]["state"] == "off"  # still
    resolver.replace("2.0.0.127.turns.example", "A", "127.0.0.2")
    resolver.replace(entry(20, "turns.example"), "A", "127.0.0.2")
    server.command("reload")
    wait_for(server, "turns.example", "well")
    assert send(server, 20, "well again")[0] == 250
    assert "listed by turns.example" in where(server, "well again")[1]
