"""Does every real message that is taken come back as it was sent? Thousands of messages of other people through port 25 on 20
connections, read back over IMAP and compared byte by byte behind the stamped fields (P4); the odd and broken ones that are refused are
refused for a reason that can be seen in the message itself."""
import collections, os, random, re, time

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


def compare_views(server):
    """Header and text are the message, a piece of it is that piece, and its structure can be told: for every message there is."""
    client = server.imap()
    count = 0
    for folder in ("INBOX", "Junk"):
        whole = mail.fetch_all(client, folder)
        client.select(folder, readonly=True)
        for k in range(0, len(whole), 100):
            part = whole[k:k + 100]
            kind, data = client.uid("FETCH", f"{part[0][0]}:{part[-1][0]}", "(UID BODY.PEEK[HEADER] BODY.PEEK[TEXT] BODY.PEEK[]<100.5000>)")
            assert kind == "OK", data
            got, uid = {}, None
            for row in data:
                if isinstance(row, tuple):
                    found = re.search(rb"UID (\d+)", row[0])
                    uid = int(found.group(1)) if found else uid
                    got.setdefault(uid, []).append(row[1])
            for uid, raw in part:
                assert got[uid][0] + got[uid][1] == raw and got[uid][2] == raw[100:5100], (folder, uid, raw[:300])
            kind, data = client.uid("FETCH", f"{part[0][0]}:{part[-1][0]}", "(UID ENVELOPE BODYSTRUCTURE BODY.PEEK[1] BODY.PEEK[1.MIME])")
            assert kind == "OK", data
            count += len(part)
        if whole:
            for words in (("TEXT", '"the"'), ("SUBJECT", '"re"'), ("FROM", '"a"', "BODY", '"e"'), ("HEADER", "Received", '"by"')):
                assert client.uid("SEARCH", None, *words)[0] == "OK"
    client.logout()
    print(f"  {count} messages: header and text make the whole, structure and parts answered")


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
        compare_views(server)


def test_mail_of_our_own_comes_back_byte_for_byte():
    mails = mail.own(400)
    with Server(extra=SETTINGS) as server:
        taken, _ = deliver_and_compare(server, mails, "our own, sanitized build")
        compare_views(server)
    assert len(taken) == len(mails)


def test_large_mail_comes_back_whole_and_too_large_is_refused():
    """Round the edge of what is kept in memory, round the edges of buffers with dots on them, and round L-SIZE."""
    rng, mails = random.Random(5), []
    head = b"From: x@sender.example\r\nSubject: large\r\n\r\n"

    def add(name, size):
        lines, at = [head], len(head)
        while at < size:
            line = rng.choice((b".", b"..", b".x", b"")) + rng.randbytes(rng.randrange(0, 400)).hex().encode()[:max(0, size - at - 2 - 3)] + b"\r\n"
            lines.append(line)
            at += len(line)
        mails.append(mail.Mail(name, "", b"".join(lines)))

    for edge in (4096, 8192, 16384, 65536, 262144):
        for off in (-3, -2, -1, 0, 1, 2, 3):
            mails.append(mail.Mail(f"dot at {edge}{off:+}", "", head + b"x" * 60 + b"\r\n" +
                                   (b"y" * 998 + b"\r\n") * ((edge + off - len(head) - 62) // 1000) +
                                   b"z" * ((edge + off - len(head) - 62) % 1000 - 2) + b"\r\n." + b"w" * 5000 + b"\r\n.\r\n"))
    for size in (262140, 262144, 262150, 1 << 20, 5 << 20, 20 << 20):
        add(f"{size} octets", size)
    with Server(extra=SETTINGS) as server:
        taken, _ = deliver_and_compare(server, mails, "large mail, sanitized build")
        assert len(taken) == len(mails)
        edge = 4 << 20
        server.stop()
        with open(server.config) as f:
            text = f.read()
        with open(server.config, "w") as f:
            f.write(text.replace("[limits]", f"[limits]\nsize = \"4 MiB\""))
        server.start()
        talk = mail.Talk(server.address, server.port("smtp"))
        body = head + (b"x" * 998 + b"\r\n") * 5000
        for chunked in (False, True):
            exact = body[:edge - 2] + b"\r\n"
            assert talk.send("m1000@sender.example", ["bob@local.example"], exact, chunked)[0] == 250
            assert talk.send("m1001@sender.example", ["bob@local.example"], exact[:-2] + b"x\r\n", chunked)[0] == 552
        talk.close()
        client = server.imap("bob@local.example")
        assert [len(raw) > edge and raw.endswith(exact) for _, raw in mail.fetch_all(client, "INBOX")] == [True, True]
        client.logout()
