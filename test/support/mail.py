"""Mail for tests: the public sets where they are beside the tree, mail of our own where they are not; a pump that sends it over SMTP on
several connections, and a reader that fetches it back over IMAP."""
import collections, email.utils, hashlib, os, queue, random, re, socket, tarfile, threading, time

from server import SUITES

Mail = collections.namedtuple("Mail", "name label content")  # content: the CRLF form as it is sent


def crlf(raw):
    """LF or CRLF to CRLF, without an mbox line in front; a CR alone stays what it is."""
    if raw.startswith(b"From "):
        raw = raw.partition(b"\n")[2]
    raw = re.sub(rb"\r?\n", b"\r\n", raw)
    return raw if raw.endswith(b"\r\n") else raw + b"\r\n"


def spamassassin():
    """The public corpus in its own order, or None without the suites."""
    folder = os.path.join(SUITES, "spamassassin")
    archive = os.path.join(folder, "spamassassin-public-corpus.tar.xz")
    if not os.path.exists(archive):
        return None
    with tarfile.open(archive) as tar:
        files = {m.name: tar.extractfile(m).read() for m in tar if m.isfile()}
    with open(os.path.join(folder, "INDEX.tsv")) as f:
        rows = [line.rstrip("\n").split("\t")[:2] for line in f]
    return [Mail(path, label, crlf(files[path])) for label, path in rows]


MAIL_FILES = re.compile(r"\.(eml|msg|mbox)$|:2,[A-Z]*$|/(broken|crypto|duplicate|html|mangling|threading|protected-headers|lkml|default|"
                        r"error_emails|mime_emails|plain_emails|rfc2822|multi_charset|multipart_report_emails|mailbox)/|/mbox\.rlug")


def mime_sets():
    """Every message of the other sets (odd, broken, bounced); None without the suites."""
    if not os.path.isdir(os.path.join(SUITES, "mime")):
        return None
    found = []
    for top in ("mime", "bounces"):
        for folder, folders, names in os.walk(os.path.join(SUITES, top)):
            folders.sort()
            for name in sorted(names):
                path = os.path.join(folder, name)
                short = os.path.relpath(path, SUITES)
                if not MAIL_FILES.search(short) or name.startswith(("LICENSE", "COPYING", "README")):
                    continue
                with open(path, "rb") as f:
                    raw = f.read()
                if re.search(r"/mailbox/|/mbox/|notmuch/.*mbox", short) and raw.count(b"\nFrom ") > 0:
                    parts = [p for p in re.split(rb"(?m)^(?=From \S+ .*\d{4}\s*$)", raw) if p]
                else:
                    parts = [raw]
                found += [Mail(f"{short}#{i}" if len(parts) > 1 else short, "", crlf(part)) for i, part in enumerate(parts)]
    return found


WORDS = {
    "ham": "train saturday coffee station book meeting compiler patch kernel branch review garden dinner mother photos holiday ticket school "
           "lecture draft server release bug report music concert bicycle repair neighbour keys bread recipe",
    "spam": "lottery prize winner million dollars viagra pills cheap mortgage refinance offer guaranteed investment casino bonus click unsubscribe "
            "limited account verify urgent transfer inheritance bank fee discount weight loss miracle earn cash home",
}
COMMON = "the a of to and in is it you that for on with as this we have will be are at not from your can all more if out so when there".split()


def own(count, seed=1):
    """Mail of our own making: two kinds that differ as people's and senders' of rubbish do, with shapes a store may stumble over."""
    rng = random.Random(seed)
    made = []
    for i in range(count):
        label = "spam" if rng.random() < 0.35 else "ham"
        pool = WORDS[label].split()
        words = [rng.choice(pool if rng.random() < 0.3 else COMMON) for _ in range(rng.randrange(20, 160))]
        text = "\r\n".join(" ".join(words[k:k + 12]) for k in range(0, len(words), 12))
        who = f"{rng.choice(pool)}@{rng.choice(('friends', 'work', 'list') if label == 'ham' else ('offers', 'deals', 'promo'))}.example"
        head = (f"From: {who}\r\nTo: ann@local.example\r\nSubject: {' '.join(rng.sample(pool, 3))}\r\n"
                f"Date: {email.utils.formatdate(1700000000 + i * 60)}\r\nMessage-ID: <own-{seed}-{i}@{who.split('@')[1]}>\r\n")
        shape = i % 8
        if shape == 1:
            head += "Content-Type: text/html; charset=utf-8\r\n"
            text = f"<html><body><p>{text}</p><a href='http://{who.split('@')[1]}/x'>{pool[0]}</a></body></html>"
        elif shape == 2:
            head += "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"b\"\r\n"
            text = f"preamble\r\n--b\r\n\r\n{text}\r\n--b\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\nAAEC\r\n--b--\r\n"
        elif shape == 3:
            text = ".\r\n..dots\r\n. \r\n" + text + "\r\n.\r\n...\r\n.last"
        elif shape == 4:
            head += "X-Pennypost: forged\r\nX-Pennypost-Other: forged\r\n too\r\nX-Kept: yes\r\n"
        elif shape == 5:
            head += "Subject-Also: =?utf-8?q?caf=C3=A9?=\r\n"
            text += "\r\n" + "x" * 5000
        elif shape == 6:
            text = text + "\r\n" * 40
        elif shape == 7:
            head = ("Authentication-Results: mail.local.example; spf=pass\r\nAUTHENTICATION-RESULTS:\r\n (comment) Mail.Local.Example 1;\r\n dkim=pass\r\n"
                    "Authentication-Results: mail.local.example.other.example; spf=pass\r\nReturn-Path: <forged@other.example>\r\n") + head
        made.append(Mail(f"own/{i}", label, (head + "\r\n" + text + "\r\n").encode()))
    return made


def deduplicated(mails):
    """Without those whose body repeats an earlier one: they would flatter a filter."""
    seen, kept = set(), []
    for m in mails:
        key = hashlib.sha256(m.content.partition(b"\r\n\r\n")[2]).digest()
        if key not in seen:
            seen.add(key)
            kept.append(m)
    return kept


# --- what must come back ----------------------------------------------------------------------------------------------------------------

STAMPED = ["return-path", "delivered-to", "authentication-results", "x-pennypost", "received"]


def without_forgeries(content, hostname):
    """The content less the inbound fields only the server may write (P4)."""
    out, at, dropping = [], 0, False
    while at < len(content):
        end = content.index(b"\r\n", at) + 2
        line = content[at:end]
        if line == b"\r\n" or (line[:1] not in b" \t" and not re.match(rb"[!-9;-~]+[ \t]*:", line)):
            break
        if line[:1] not in b" \t" or at == 0:
            whole = line
            k = end
            while content[k:k + 1] in (b" ", b"\t"):
                more = content.index(b"\r\n", k) + 2
                whole += content[k:more]
                k = more
            ours = re.match(rb"(?is)authentication-results[ \t]*:(?:\s|\([^()]*\))*\"?" + re.escape(hostname.encode()) + rb"[\s;\"]", whole)
            dropping = bool(re.match(rb"(?i)x-pennypost", whole)) or bool(ours)
        if not dropping:
            out.append(line)
        at = end
    return b"".join(out) + content[at:]


def stamped_names(prefix):
    return [line.split(b":")[0].decode().lower() for line in prefix.split(b"\r\n") if line and line[:1] not in b" \t"]


# --- the pump -----------------------------------------------------------------------------------------------------------------------------

class Talk:
    """One SMTP connection, pipelining, as fast as Python goes."""

    def __init__(self, address, port, helo="pump.example"):
        self.sock = socket.create_connection((address, port), timeout=120)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.sock.makefile("rb")
        self.reply()
        self.sock.sendall(f"EHLO {helo}\r\n".encode())
        self.reply()

    def reply(self):
        lines = []
        while True:
            line = self.file.readline()
            if not line:
                raise ConnectionError("closed")
            lines.append(line.decode("utf-8", "replace").rstrip("\r\n"))
            if line[3:4] != b"-":
                return int(line[:3]), " ".join(x[4:] for x in lines)

    def send(self, sender, rcpts, content, chunked=False):
        """The last reply: of the message, or of the first command that failed."""
        head = f"MAIL FROM:<{sender}> BODY=8BITMIME\r\n" + "".join(f"RCPT TO:<{r}>\r\n" for r in rcpts)
        if chunked:
            cuts = [0, len(content) // 3, len(content) // 2, len(content)]
            pieces = [content[a:b] for a, b in zip(cuts, cuts[1:])]
            self.sock.sendall(head.encode() + b"".join(b"BDAT %d%s\r\n" % (len(p), b" LAST" * (k == 2)) + p for k, p in enumerate(pieces)))
            replies = [self.reply() for _ in range(len(rcpts) + 4)]
            bad = [r for r in replies if r[0] >= 400]
        else:
            self.sock.sendall(head.encode() + b"DATA\r\n")
            replies = [self.reply() for _ in range(len(rcpts) + 2)]
            bad = [r for r in replies if r[0] >= 400]
            if replies[-1][0] == 354:
                self.sock.sendall(re.sub(rb"(?m)^\.", b"..", content) + b".\r\n")
                replies.append(self.reply())
                if replies[-1][0] >= 400:
                    bad.append(replies[-1])
        if bad:
            self.sock.sendall(b"RSET\r\n")
            self.reply()
            return bad[0]
        return replies[-1]

    def close(self):
        try:
            self.sock.sendall(b"QUIT\r\n")
            self.reply()
        except OSError:
            pass
        self.file.close()
        self.sock.close()


def pump(server, mails, rcpt="ann@local.example", connections=20):
    """Sends all; every second connection in chunks (BDAT). Each message can be told by its Return-Path: m<index>@sender.example.
    (replies by index, seconds)"""
    waiting, replies, failures = queue.SimpleQueue(), {}, []
    for i in range(len(mails)):
        waiting.put(i)

    def work(number):
        talk, i = None, None
        try:
            talk = Talk(server.address, server.port("smtp"))
            while True:
                try:
                    i = waiting.get_nowait()
                except queue.Empty:
                    break
                replies[i] = talk.send(f"m{i}@sender.example", [rcpt], mails[i].content, number % 2 == 1)
                if replies[i][0] == 421:
                    talk.sock.close()
                    talk = Talk(server.address, server.port("smtp"))
            talk.close()
        except Exception as why:
            failures.append(f"connection {number}, message {i} ({mails[i].name if i is not None else ''}): {why!r}")

    begin = time.monotonic()
    threads = [threading.Thread(target=work, args=(n,)) for n in range(connections)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not failures, failures
    return replies, time.monotonic() - begin


def fetch_all(client, folder, items="BODY.PEEK[]", step=200):
    """[(uid, bytes)] of a folder."""
    kind, data = client.select(f'"{folder}"', readonly=True)
    assert kind == "OK", data
    uids = [int(u) for u in client.uid("SEARCH", None, "ALL")[1][0].split()]
    found = []
    for k in range(0, len(uids), step):
        part = uids[k:k + step]
        kind, data = client.uid("FETCH", f"{part[0]}:{part[-1]}", f"(UID RFC822.SIZE {items})")
        assert kind == "OK", data
        for row in data:
            if isinstance(row, tuple):
                head = row[0]
                uid, size = (int(re.search(name + rb" (\d+)", head).group(1)) for name in (b"UID", b"RFC822.SIZE"))
                assert items != "BODY.PEEK[]" or size == len(row[1]), (folder, uid, size, len(row[1]))
                found.append((uid, row[1]))
    assert sorted(u for u, _ in found) == uids
    return found


def mark_of(raw):
    """Which of the pump's messages is it?"""
    found = re.match(rb"Return-Path: <m(\d+)@sender\.example>\r\n", raw)
    return int(found.group(1)) if found else None
