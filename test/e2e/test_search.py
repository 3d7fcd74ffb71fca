"""Does the full-text index answer exactly as reading every message does? Two accounts hold the same mail, in many scripts and encodings; one has an index and one
has none. Thousands of needles cut from the mail itself must find the same messages in both: while the index is built, when it is whole, after
COPY, MOVE and EXPUNGE, after kill -9, with its file lost, damaged or on a full disk."""
import base64, contextlib, glob, imaplib, os, quopri, random, re, sqlite3, unicodedata
from email.header import Header

import pytest

from server import SUITES, Server, wait_for

FULL = os.environ.get("PENNYPOST_FULL")
ANN, BOB = "ann@local.example", "bob@local.example"
SENTENCES = [
    "the quick brown fox jumps over the lazy dog near example.org",
    "Grüße aus Köln, naïve señor, Straße und Žluťoučký kůň",
    "e\u0301tude de\u0301ja\u0300 vu, ﬁne ligatures ﬀ ﬃ and ＦＵＬＬ ｗｉｄｔｈ",
    "Привет, встреча завтра в Достопримечательностях",
    "会議の日程についてお知らせ。東京タワーでお会いしましょう",
    "我们明天下午三点在北京图书馆见面，请准时",
    "안녕하세요 회의 일정을 알려드립니다",
    "ขอเชิญประชุมวันจันทร์เวลาเก้าโมงเช้าที่ห้องใหญ่",
    "שלום עולם, نلتقي غدا في المكتب",
    "emoji 🎉🎊 party_time-now (really?) 100% C++ a.b.c x@y.z",
    "A" * 50 + "b" * 150 + "endofalongword",
    "достопримечательность" * 12,
    "図書館" * 80,
]


def messages(dice):
    made = []
    for n in range(60):
        some = [dice.choice(SENTENCES) for _ in range(dice.randint(1, 5))]
        some += ["".join(dice.choice("abcdefghij 0123.,@-é漢か") for _ in range(dice.randint(1, 300)))]
        text = "\n".join(some)
        kind = n % 6
        head = f"From: {subject(dice)} <sender{n}@example{n % 5}.org>\r\nTo: Ann <{ANN}>\r\nCc: {subject(dice)} <cc{n}@here.example>\r\nSubject: {subject(dice)}\r\n"
        head += f"X-Token: {dice.getrandbits(600):x}\r\nMessage-ID: <{n}.{dice.getrandbits(64):x}@mail.example>\r\nMIME-Version: 1.0\r\n"
        if kind == 0:
            part = f"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n".encode() + base64.encodebytes(text.encode()).replace(b"\n", b"\r\n")
        elif kind == 1:
            part = f"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n".encode() + quopri.encodestring(text.encode()).replace(b"\n", b"\r\n")
        elif kind == 2:
            html = "<html><style>p {x}</style><body><p>" + "</p>\n<p>".join(some).replace("é", "&eacute;") + "</p></body></html>"
            part = b"Content-Type: text/html; charset=utf-8\r\n\r\n" + html.encode().replace(b"\n", b"\r\n")
        elif kind == 3:
            word = dice.choice(["Привет встреча", "письмо друга"])
            part = b"Content-Type: text/plain; charset=koi8-r\r\n\r\n" + (word + " ascii").encode("koi8-r")
        elif kind == 4:
            inner = f"From: inner{n}@inside.example\r\nSubject: {subject(dice)}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n"
            part = ("Content-Type: multipart/mixed; boundary=zz\r\n\r\npreamble words\r\n--zz\r\nContent-Type: text/plain; charset=utf-8\r\nX-Part: partfield\r\n\r\n" + dice.choice(some)
                    + "\r\n--zz\r\nContent-Type: message/rfc822\r\n\r\n" + inner + "\r\n--zz\r\nContent-Type: application/octet-stream; name=datei.bin\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA\r\n--zz--\r\n").replace("\n", "\r\n").replace("\r\r\n", "\r\n").encode()
        else:
            part = b"Content-Type: text/plain; charset=iso-2022-jp\r\n\r\n" + "会議の日程についてお知らせ".encode("iso-2022-jp")
        made.append(head.encode() + part)
    found = sorted(f for d in ("mime", "header-vectors", "imap-bodystructure") for f in glob.glob(os.path.join(SUITES, d, "**", "*.eml"), recursive=True))
    dice.shuffle(found)
    for path in found[:400 if FULL else 60]:
        with open(path, "rb") as f:
            content = re.sub(rb"\r?\n", b"\r\n", f.read())
        if 0 < len(content) < 200000 and b"\0" not in content:
            made.append(content)
    return made


def subject(dice):
    text = dice.choice(SENTENCES)[:dice.randint(3, 40)].strip()
    return text if text.isascii() else Header(text, "utf-8").encode().replace("\n", "\r\n")


def unaccented(text):
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


def needles(dice, mails, n):
    texts = SENTENCES + [m.decode("utf-8", "replace") for m in mails]
    for _ in range(n):
        text = dice.choice(SENTENCES if dice.random() < 0.5 else texts)
        at = dice.randrange(len(text))
        cut = text[at:at + dice.choice((1, 2, 3, 3, 4, 5, 6, 8, 12, 20, 45, 60, 100, 140))]
        if dice.random() < 0.1:
            cut = cut[:-1] + dice.choice("xyzé漢")
        if dice.random() < 0.3:
            cut = cut.swapcase()
        if dice.random() < 0.1:
            cut = unaccented(cut)
        if dice.random() < 0.1:
            cut = " ".join(reversed(cut.split()))
        cut = cut.replace("\0", "")
        if cut:
            yield cut.encode("utf-8", "replace")


def literal(octets):
    return b"{%d+}\r\n%s" % (len(octets), octets)


FUZZY = [b"FUZZY BODY", b"FUZZY TEXT", b"FUZZY SUBJECT", b"FUZZY FROM", b"FUZZY HEADER X-Token", b"FUZZY HEADER Cc"]
KEYS = FUZZY + [b"BODY", b"TEXT", b"TEXT", b"BODY", b"SUBJECT", b"FROM", b"TO", b"CC", b"BCC", b"HEADER Message-ID", b"HEADER X-Token", b"HEADER Subject", b"HEADER Content-Type"]


def program(dice, pool):
    key = lambda: dice.choice(KEYS) + b" " + literal(next(pool))
    shape = dice.random()
    if shape < 0.6:
        return key()
    if shape < 0.7:
        return b"NOT " + key()
    if shape < 0.8:
        return b"OR " + key() + b" " + key()
    if shape < 0.9:
        return key() + b" NOT (" + key() + b" " + key() + b")"
    return b"OR (NOT " + key() + b" SEEN) (UNSEEN " + key() + b")"


def found(client, what):
    kind, data = client.search("UTF-8", what)  # numbers: after a crash the two may give other UIDs
    assert kind == "OK", (what, data)
    return [int(u) for u in data[0].split()]


RANKED = [(b"SEARCH", b"RETURN (RELEVANCY ALL) CHARSET UTF-8 ")]
RANKED += [(b"SORT", b"RETURN (RELEVANCY ALL) (" + order + b") UTF-8 ") for order in (b"RELEVANCY", b"REVERSE RELEVANCY SUBJECT", b"SUBJECT")]


def ranked(client, command, what):
    """Of a FUZZY search: who, in what order, and how relevant (RFC 6203)."""
    client.untagged_responses.clear()
    kind, data = client.xatom(command[0].decode(), command[1] + what)
    assert kind == "OK", (what, data)
    return client.response("ESEARCH")[1][0].split(b")", 1)[1]


class Pair:
    """Two clients that do the same."""
    def __init__(self, server):
        self.server, self.both = server, [server.imap(ANN), server.imap(BOB)]
        self.select("INBOX")

    def select(self, folder):
        for client in self.both:
            assert client.select(folder)[0] == "OK"

    def uid(self, *what):
        for client in self.both:
            kind, data = client.uid(*what)
            assert kind == "OK", (what, data)

    def compare(self, dice, mails, n):
        pool, hits = needles(dice, mails, 10 * n), 0
        for _ in range(n):
            what = program(dice, pool)
            with_index, without = found(self.both[0], what), found(self.both[1], what)
            assert with_index == without, (what, sorted(set(with_index) ^ set(without)))
            hits += bool(without)
            if dice.random() < 0.3:
                command, what = dice.choice(RANKED), dice.choice(FUZZY) + b" " + literal(next(pool))
                if dice.random() < 0.5:
                    what = b"OR " + what + b" FUZZY TEXT " + literal(next(pool))
                with_index, without = (ranked(client, command, what) for client in self.both)
                assert with_index == without, (command, what)
        assert hits > n // 10  # the needles are of this mail

    def close(self):
        for client in self.both:
            client.logout()


def whole(server, account="ann"):
    def is_whole():
        s = server.status()["search"][account]
        return s if s["state"] == "complete" else None
    return wait_for(is_whole, 120)


def no_index(server, account="bob"):
    with open(server.config) as f:
        text = f.read()
    with open(server.config, "w") as f:
        f.write(re.sub(rf'(?m)^\[account."{account}"\]$', r"\g<0>\nsearch = false", text, count=1))


def append_all(server, mails):
    for account in (ANN, BOB):
        client = server.imap(account)
        for m in mails:
            assert client.append("INBOX", "", None, m)[0] == "OK"
        client.logout()


def test_the_index_answers_as_a_scan():
    dice, n = random.Random(20240601), 1500 if FULL else 120
    mails = messages(dice)
    server = Server()
    no_index(server)
    with server:
        append_all(server, mails[:20])
        pair = Pair(server)
        pair.compare(dice, mails, n // 4)
        append_all(server, mails[20:])
        pair.select("INBOX")
        pair.compare(dice, mails, n)  # while it is built
        whole(server)
        pair.compare(dice, mails, n)
        assert server.status()["search"]["bob"]["state"] == "off"
        # copies share, moves take along
        pair.uid("COPY", "5:20", "Archive")
        pair.uid("MOVE", "21:40", "Archive")
        pair.select("Archive")
        pair.compare(dice, mails, n // 2)
        whole(server)
        pair.compare(dice, mails, n // 2)
        pair.close()
        server.kill()
        server.start()
        pair = Pair(server)
        pair.compare(dice, mails, n // 2)
        whole(server)
        # most of it goes: the rest is merged without it
        pair.uid("STORE", "41:110", "+FLAGS.SILENT", "(\\Deleted)")
        for client in pair.both:
            client.expunge()
        pair.compare(dice, mails, n // 4)
        pair.close()
        assert server.stop() == 0
        server.start()
        before = whole(server)
        wait_for(lambda: server.status()["search"]["ann"]["documents"] < len(mails) - 20, 60)
        pair = Pair(server)
        pair.compare(dice, mails, n // 2)
        pair.select("Archive")
        pair.compare(dice, mails, n // 2)
        pair.close()
        assert before["octets"] > 0
        # a burst does not stay in the log
        wait_for(lambda: os.path.getsize(os.path.join(server.folder, "mail", "ann", "search.sqlite-wal")) == 0, 60)


def test_the_index_may_be_lost_or_damaged():
    dice, n = random.Random(77), 400 if FULL else 60
    mails = messages(dice)
    server = Server()
    no_index(server)
    path = os.path.join(server.folder, "mail", "ann", "search.sqlite")
    with server:
        append_all(server, mails)
        whole(server)
        assert server.stop() == 0
        os.unlink(path)
        server.start()
        pair = Pair(server)
        pair.compare(dice, mails, n)
        whole(server)
        pair.compare(dice, mails, n)
        pair.close()
        for damage in (0, 100, 4096 + 30, 5 * 4096 + 500, os.path.getsize(path) // 2):
            assert server.stop() == 0
            with open(path, "r+b") as f:
                f.seek(damage)
                f.write(bytes(b ^ 0x55 for b in b"damage" * 50))
            server.start()
            pair = Pair(server)
            pair.compare(dice, mails, n)
            whole(server)
            pair.compare(dice, mails, n)
            pair.close()


DAMAGES = [
    "UPDATE place SET uids = substr(uids, 1, length(uids) - 3)",
    "UPDATE words SET sum = sum + 1",
    "UPDATE posts SET sum = sum + 1",
    "INSERT INTO document VALUES (-900, x'01', 1, x'')",
    "INSERT INTO document VALUES (1 << 40, x'01', 1, x'')",
    "UPDATE segment SET first = -900",
    "DELETE FROM note",
]


def test_an_index_that_contradicts_itself_is_made_anew():
    server = Server()
    folder = os.path.join(server.folder, "mail", "ann")
    mail = lambda n: f"Subject: number {n}\r\n\r\nfindable words {n}\r\n".encode()
    with server:
        append_all(server, [mail(0)])
        whole(server)
        for n, damage in enumerate(DAMAGES, 1):
            assert server.stop() == 0
            aside = len(glob.glob(os.path.join(folder, "search.sqlite.*")))
            with contextlib.closing(sqlite3.connect(os.path.join(folder, "search.sqlite"))) as db:
                with db:
                    db.execute(damage)
            server.start()
            client = server_client(server, ANN)
            everything = list(range(1, n + 1))
            assert found(client, b"BODY findable") == everything, damage
            client.append("INBOX", "", None, mail(n))
            client.noop()
            assert found(client, b"BODY findable") == everything + [n + 1], damage
            assert found(client, b"SUBJECT number") == everything + [n + 1], damage
            client.logout()
            wait_for(lambda: len(glob.glob(os.path.join(folder, "search.sqlite.*"))) > aside, 60)
            wait_for(lambda: whole(server)["documents"] == n + 1, 60)


@pytest.mark.parametrize("fault", ["text:1:28", "text:2:28", "text:1:kill", "text:2:kill"])
def test_a_full_disk_or_a_crash_harms_no_search(fault):
    dice, n = random.Random(fault), 200 if FULL else 25
    mails = messages(dice)[:70]
    server = Server()
    no_index(server)
    with server:
        append_all(server, mails[:40])
        pair = Pair(server)
        assert server.stop() == 0
        os.unlink(os.path.join(server.folder, "mail", "ann", "search.sqlite"))
        server.env["PENNYPOST_FAULT"] = fault
        if fault.endswith("kill"):
            with contextlib.suppress(RuntimeError, OSError, imaplib.IMAP4.error):
                server.start()
                append_all(server, mails[40:])
            wait_for(lambda: server.process is None or server.process.poll() is not None)
            server.kill()
            server.env.clear()
            server.start()
            missing = [len(found(server_client(server, a), b"ALL")) for a in (ANN, BOB)]
            for account, there in zip((ANN, BOB), missing):
                client = server.imap(account)
                for m in mails[there:]:
                    assert client.append("INBOX", "", None, m)[0] == "OK"
                client.logout()
        else:
            server.start()
            append_all(server, mails[40:])
            held = wait_for(lambda: server.status()["search"]["ann"] if server.status()["search"]["ann"]["state"] == "held" else None)
            assert "disk is full" in held["why"]
        pair = Pair(server)
        pair.compare(dice, mails, n)
        pair.close()
        if not fault.endswith("kill"):
            assert server.stop() == 0
            server.env.clear()
            server.start()
        whole(server)
        pair = Pair(server)
        pair.compare(dice, mails, n)
        pair.close()


def server_client(server, account):
    client = server.imap(account)
    client.select("INBOX")
    return client


def test_the_index_is_switched_off_and_on():
    server = Server()
    path = os.path.join(server.folder, "mail", "ann", "search.sqlite")
    with server:
        append_all(server, [b"Subject: one\r\n\r\nfindable words\r\n"])
        whole(server)
        assert os.path.exists(path)
        no_index(server, "ann")
        server.command("reload")
        wait_for(lambda: not os.path.exists(path))
        wait_for(lambda: server.status()["search"]["ann"]["state"] == "off")
        client = server.imap(ANN)
        client.select("INBOX")
        assert found(client, b"BODY findable") == [1]
        client.logout()
        with open(server.config) as f:
            text = f.read()
        with open(server.config, "w") as f:
            f.write(text.replace("search = false\n", ""))
        server.command("reload")
        wait_for(lambda: os.path.exists(path))
        whole(server)
        assert "search" in server.command("status", check=False).stdout
