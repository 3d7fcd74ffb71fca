"""Does every real message that is taken come back as it was sent? Thousands of messages of other people through port 25 on 20
connections, read back over IMAP and compared byte by byte behind the stamped fields (P4); the odd and broken ones that are refused are
refused for a reason that can be seen in the message itself."""
import collections, os, re, time

import pytest

import mail
from server import BINARY, Server

RELEASE = os.environ.get("PENNYPOST_RELEASE", BINARY)
SETTINGS = """
[score]
reject = "off"
[limits]
conn_per_source = 500
conn_guests = 500
conn_rate = 100000
free = "16 MiB"
"""

# Why a message may be refused: words of the reply, the row of the catalogue of attacks, and how to see it in the message without our parser.
def froms(content):
    """The From fields, and whether a line that is no field ends the header before its time."""
    header, found = re.split(rb"\r\n\r\n", b"\r\n" + content, 1)[0][2:], []
    for line in re.sub(rb"\r\n([ \t])", rb"\1", header).removesuffix(b"\r\n").split(b"\r\n"):
        if not re.match(rb"[!-9;-~]+[ \t]*:", line):
            return found, True
        if re.match(rb"(?i)from[ \t]*:", line):
            found.append(line)
    return found, False


REASONS = [
    ("exactly one From field", "AUT-05, AUT-06, SIN-22", lambda c: len(froms(c)[0]) != 1),
    ("From addresses must all be in one domain", "AUT-07", lambda c: len(froms(c)[0]) == 1 and froms(c)[0][0].count(b"@") > 1),
    ("domain of the From address is not a valid name", "AUT-08", lambda c: len(froms(c)[0]) == 1),
    ("no blank may stand before the colon", "SIN-21", lambda c: re.search(rb"(?im)^(from|sender|to|cc|date|subject|message-id|content-[a-z-]+)[ \t]+:", c)),
    ("header line that should be", "SIN-21", lambda c: froms(c)[1]),
    ("NUL", "SIN-20", lambda c: b"\0" in c),
    ("line end|bare|CRLF", "SIN-01", lambda c: re.search(rb"\r(?!\n)|(?<!\r)\n", c)),
    ("line.* too long|octets a line|longer than", "SIN-19", lambda c: max(map(len, c.split(b"\r\n"))) > 65536),
    ("header too large", "MIM-04", lambda c: len(c.partition(b"\r\n\r\n")[0]) > 262144 or c.count(b"\r\n") > 2000),
    ("too many hops", "SIN-18", lambda c: len(re.findall(rb"(?im)^received:", c)) > 50),
    ("been here before", "SIN-18", lambda c: re.search(rb"(?im)^delivered-to:", c)),
]


def deliver_and_compare(server, mails, what):
    replies, seconds = mail.pump(server, mails)
    taken = {i for i, r in replies.items() if r[0] == 250}
    refused = collections.defaultdict(list)
    for i, (code, text) in replies.items():
        if code == 250:
            continue
        for words, row, visible in REASONS:
            if re.search(words, text):
                assert code == 554 and visible(mails[i].content), (mails[i].name, code, text)
                refused[f"{row}: {code} {re.sub(r'has [0-9]+', 'has N', text)[:90]}"].append(mails[i].name)
                break
        else:
            raise AssertionError(f"{mails[i].name}: refused for a reason nobody named: {code} {text}")
    begin = time.monotonic()
    back, folders = {}, collections.Counter()
    client = server.imap()
    for folder in ("INBOX", "Junk"):
        for _, raw in mail.fetch_all(client, folder):
            i = mail.mark_of(raw)
            assert i is not None and i not in back, f"{folder}: twice or nobody's: {raw[:200]!r}"
            want = mail.without_forgeries(mails[i].content, server.hostname)
            assert raw.endswith(want), f"{mails[i].name}: {len(mails[i].content)} octets sent, {len(raw)} read back, not the same"
            prefix = raw[:len(raw) - len(want)]
            assert mail.stamped_names(prefix) == mail.STAMPED, (mails[i].name, prefix)
            back[i] = folder
            folders[folder] += 1
    client.logout()
    assert set(back) == taken, f"lost {sorted(taken - set(back))[:10]}, from nowhere {sorted(set(back) - taken)[:10]}"
    delay = server.status()["loop_delay_ms"]
    print(f"\n{what}: {len(mails)} sent on 20 connections in {seconds:.1f} s, {len(mails) / seconds:.0f} messages/s; {len(taken)} taken "
          f"({', '.join(f'{n} {f}' for f, n in sorted(folders.items()))}), {len(mails) - len(taken)} refused; all read back byte for byte in "
          f"{time.monotonic() - begin:.1f} s; worst loop delay {delay['max']} ms, p99.9 {delay['p999']} ms")
    for reason, names in sorted(refused.items()):
        print(f"  {len(names):5} {reason}   e.g. {names[0]}")
    return taken, refused


def test_spamassassin_corpus_comes_back_byte_for_byte():
    mails = mail.spamassassin()
    if mails is None:
        pytest.skip("the public corpus (../shared/suites/spamassassin) is not beside this tree")
    with Server(binary=RELEASE, extra=SETTINGS) as server:
        taken, _ = deliver_and_compare(server, mails, "SpamAssassin corpus, release build")
    assert len(taken) > 0.97 * len(mails)


def test_odd_and_bounced_mail_comes_back_or_is_refused_for_a_named_reason():
    mails = mail.mime_sets()
    if mails is None:
        pytest.skip("the public mail sets (../shared/suites/mime and bounces) are not beside this tree")
    with Server(extra=SETTINGS) as server:
        deliver_and_compare(server, mails, "odd, broken and bounced mail, sanitized build")


def test_mail_of_our_own_comes_back_byte_for_byte():
    mails = mail.own(400)
    with Server(extra=SETTINGS) as server:
        taken, _ = deliver_and_compare(server, mails, "our own, sanitized build")
    assert len(taken) == len(mails)
