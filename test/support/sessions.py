"""Several sessions of one folder at random, each with a picture of it made from what it is told and nothing else; and a record of all that any of
them was told, so that one can be held against the other:

- a number means one UID until it is expunged, a UID means one message for ever, and what is gone for one never comes back for another;
- no EXPUNGE where RFC 9051 7.5.1 forbids it, no number in a session with UIDONLY, no VANISHED for one that did not ask;
- flags and modification sequence of a message go together, whoever is told, and the sequence never goes down (RFC 7162 3.1);
- UNCHANGEDSINCE does not overwrite what somebody was told before; a client that comes back is told all it missed;
- in the end every picture is the folder, and what is not there was told gone."""
import collections, os, random, re, socket, ssl, threading, time, zlib

from imap_listener import Listener
from server import trusting

FLAGS = ["\\Seen", "\\Flagged", "\\Answered", "\\Draft", "$Work", "other"]
ROOMY = """
[score]
reject = "off"
junk = "off"
[limits]
conn_per_source = 500
conn_guests = 500
conn_rate = 100000
free = "16 MiB"
"""
TLS = trusting()
KINDS = ["plain", "condstore", "qresync", "plain deflate", "qresync deflate", "uidonly"]


def spread(uids):
    found = set()
    for part in uids.decode().split(","):
        a, _, b = part.partition(":")
        found.update(range(min(int(a), int(b or a)), max(int(a), int(b or a)) + 1))
    return found


class Truth:
    """What any session was told of the folder they share."""

    def __init__(self):
        self.lock = threading.Lock()
        self.flags = collections.defaultdict(dict)  # uid: {modseq: flags}
        self.subject, self.given, self.seen, self.gone = {}, set(), set(), set()

    def told(self, who, uid, flags, modseq):
        with self.lock:
            self.seen.add(uid)
            if modseq is not None and flags is not None:
                known = self.flags[uid].setdefault(modseq, flags)
                assert known == flags, f"{who}: UID {uid} had {sorted(known)} at MODSEQ {modseq}, now {sorted(flags)}"

    def newest(self, uid):
        with self.lock:
            return max(self.flags[uid], default=0)

    def since(self, uid, modseq):
        """The flags it may have for one who was told all up to modseq; None: nobody knows."""
        with self.lock:
            at = max((m for m in self.flags[uid] if m <= modseq), default=None)
            return None if at is None else {f for m, f in self.flags[uid].items() if m >= at}

    def vanished(self, uids):
        with self.lock:
            self.gone |= uids

    def is_about(self, who, uid, subject):
        with self.lock:
            known = self.subject.setdefault(uid, subject)
        assert known == subject, f"{who}: UID {uid} was {known!r}, now {subject!r}"

    def new(self, who, uids):
        """UIDs that the server says it gave to what was put into the folder."""
        with self.lock:
            assert not self.given & uids, f"{who}: given twice: {self.given & uids}"
            self.given |= uids


class One:
    """A message as a session knows it."""
    __slots__ = ("uid", "flags", "modseq")

    def __init__(self, uid=None, flags=None, modseq=0):
        self.uid, self.flags, self.modseq = uid, flags, modseq


class Session:
    """A picture of a folder: numbers to messages (with UIDONLY: a count, and messages by UID), changed by what the server says alone."""

    def __init__(self, server, name, truth=None, kind="plain"):
        self.server, self.name, self.truth = server, name, truth or Truth()
        self.qresync, self.condstore, self.uidonly = "qresync" in kind, "plain" not in kind, "uidonly" in kind
        self.deflated = "deflate" in kind
        self.picture, self.heard, self.lost, self.tag, self.last = None, collections.deque(maxlen=60), set(), 0, ""
        self.validity = self.modseq = self.exists = None
        self.connect()

    # --- the wire ------------------------------------------------------------------------------------------------------------------------

    def connect(self):
        self.input, self.inflate, self.deflate, self.listener = b"", None, None, Listener()
        self.sock = TLS.wrap_socket(socket.create_connection((self.server.address, self.server.port("imaps")), timeout=120))
        self.picture = None
        self.line()
        self.command('LOGIN ann "secret of ann"')
        if self.deflated:
            self.command("COMPRESS DEFLATE")
            self.inflate, self.deflate = zlib.decompressobj(-15), zlib.compressobj(9, zlib.DEFLATED, -15)
        for name in [n for n in ("qresync", "condstore", "uidonly") if getattr(self, n)]:
            self.command(f"ENABLE {name.upper()}")

    def send(self, text):
        octets = text if isinstance(text, bytes) else text.encode()
        self.listener.sent(octets)
        if self.deflate is not None:
            octets = self.deflate.compress(octets) + self.deflate.flush(zlib.Z_SYNC_FLUSH)
        self.sock.sendall(octets)

    def more(self):
        got = self.sock.recv(65536)
        if not got:
            raise ConnectionError(f"{self.name}: closed after {self.last}")
        got = got if self.inflate is None else self.inflate.decompress(got)
        self.listener.heard(got)
        self.input += got

    def line(self):
        """A whole response with its literals; what came of one stays when the wait for the rest is over."""
        at = 0
        while True:
            while (end := self.input.find(b"\r\n", at)) < 0:
                self.more()
            literal = re.search(rb"\{(\d+)\}$", self.input[at:end])
            at = end + 2
            if literal is None:
                whole, self.input = self.input[:at], self.input[at:]
                return whole
            at += int(literal.group(1))
            while len(self.input) < at:
                self.more()

    def command(self, text, ok=("OK",), literals=()):
        self.tag += 1
        self.last = text
        tag = f"{self.name}{self.tag}"
        self.send(f"{tag} {text}\r\n")
        for literal, rest in literals:
            while not (answer := self.line()).startswith(b"+"):
                assert not answer.startswith(tag.encode()), (text, answer)
                self.hear(answer)
            self.send(literal + rest + b"\r\n")
        no_expunge = re.match(r"(FETCH|STORE|SEARCH)\b", text)
        answers = []
        while True:
            answer = self.line()
            answers.append(answer)
            if answer.startswith(tag.encode() + b" "):
                assert answer.split()[1].decode() in ok, (text, answer)
                return answers
            assert text == "LOGOUT" or not answer.startswith(b"* BYE"), (text, answer)
            assert not (no_expunge and re.match(rb"\* (\d+ EXPUNGE|VANISHED )", answer)), (text, answer)
            self.hear(answer)

    def idle(self, rng):
        self.tag += 1
        self.last = "IDLE"
        tag = f"{self.name}{self.tag}".encode()
        self.send(tag + b" IDLE\r\n")
        end, going = time.monotonic() + rng.random() * 0.5, False
        while not going or time.monotonic() < end:
            try:
                self.sock.settimeout(0.05 if going else 120)
                answer = self.line()
            except (socket.timeout, ssl.SSLWantReadError):
                continue
            if answer.startswith(b"+"):
                going = True
            else:
                self.hear(answer)
        self.sock.settimeout(120)
        self.send(b"DONE\r\n")
        while not (answer := self.line()).startswith(tag + b" "):
            self.hear(answer)
        assert b" OK" in answer, answer

    def close(self):
        self.command("LOGOUT")
        self.sock.close()

    # --- what is told ---------------------------------------------------------------------------------------------------------------------

    def count(self):
        return self.exists if self.uidonly else len(self.picture)

    def ones(self):
        return list(self.picture.values()) if self.uidonly else self.picture

    def hear(self, answer):
        if re.match(rb"\* (\d+ EXISTS|\d+ EXPUNGE|VANISHED)|.*UIDNEXT", answer):
            self.heard.append(answer)
        if self.picture is None:
            return
        if found := re.match(rb"\* (\d+) EXISTS", answer):
            self.grown(int(found.group(1)))
        elif found := re.match(rb"\* (\d+) EXPUNGE", answer):
            assert not self.qresync and not self.uidonly, answer
            gone = self.picture.pop(int(found.group(1)) - 1).uid
            if gone is not None:
                self.forget({gone})
        elif found := re.match(rb"\* VANISHED ([\d,:]+)", answer):
            assert self.qresync or self.uidonly, answer
            gone = spread(found.group(1))
            for uid in sorted(gone):
                self.vanish(uid)
            self.forget(gone)
        elif found := re.match(rb"(?s)\* (\d+) (UID)?FETCH (.*)", answer):
            self.fetched(int(found.group(1)), bool(found.group(2)), found.group(3), answer)

    def grown(self, count):
        assert count >= self.count(), (self.name, self.last, count, self.count())
        if self.uidonly:
            self.exists = count
        else:
            self.picture += [One() for _ in range(count - len(self.picture))]

    def forget(self, uids):
        self.lost |= uids
        self.truth.vanished(uids)

    def vanish(self, uid):
        """By UID: a message counted but not yet asked for is one of those between its known neighbours (RFC 7162 3.2.10)."""
        if self.uidonly:
            self.picture.pop(uid, None)
            self.exists -= 1
            assert self.exists >= len(self.picture), (self.name, self.last, uid)
            return
        at = next((i for i, one in enumerate(self.picture) if one.uid == uid), None)
        if at is not None:
            del self.picture[at]
            return
        before = next((i + 1 for i in range(len(self.picture) - 1, -1, -1) if self.picture[i].uid is not None and self.picture[i].uid < uid), 0)
        around = [m.uid for m in self.picture[max(0, before - 2):before + 2]]
        assert before < len(self.picture) and self.picture[before].uid in (None, uid), (self.name, self.last, uid, around)
        del self.picture[before]

    def fetched(self, number, by_uid, items, answer):
        assert by_uid == self.uidonly, (self.name, self.last, answer)
        found = re.search(rb"\bUID (\d+)", items)
        uid = int(found.group(1)) if found else number if by_uid else None
        if by_uid:
            assert uid == number, answer
            one = self.picture.setdefault(uid, One())
        else:
            assert 1 <= number <= len(self.picture), (self.name, answer, len(self.picture))
            one = self.picture[number - 1]
        if uid is not None:
            assert one.uid in (None, uid), (self.name, self.last, answer, one.uid)
            assert uid not in self.lost, f"{self.name} {self.last}: UID {uid} was gone: {answer}"
            one.uid = uid
        flags = re.search(rb"\bFLAGS \(([^)]*)\)", items)
        modseq = re.search(rb"\bMODSEQ \((\d+)\)", items)
        if flags:
            one.flags = frozenset(flags.group(1).split()) - {b"\\Recent"}
            assert modseq or not self.condstore, f"{self.name} {self.last}: no MODSEQ (RFC 7162 3.2.3): {answer}"
        if modseq:
            assert self.condstore and int(modseq.group(1)) >= one.modseq, (self.name, self.last, answer, one.modseq)
            if int(modseq.group(1)) > one.modseq and not flags:
                one.flags = None
            one.modseq = int(modseq.group(1))
        if one.uid is not None:
            self.truth.told(f"{self.name} {self.last}", one.uid, one.flags, one.modseq if modseq else None)
            if subject := re.search(rb"\r\nSubject: ([^\r]*)\r", items):
                self.truth.is_about(f"{self.name} {self.last}", one.uid, subject.group(1))

    # --- to know the folder ------------------------------------------------------------------------------------------------------------------

    def note(self, answers):
        whole = b"".join(answers)
        self.validity = int(re.search(rb"UIDVALIDITY (\d+)", whole).group(1))
        modseq = int(re.search(rb"HIGHESTMODSEQ (\d+)", whole).group(1))
        assert self.modseq is None or modseq >= self.modseq, (self.name, self.modseq, modseq)
        self.modseq = modseq

    def select(self, folder="INBOX"):
        with self.truth.lock:
            gone = set(self.truth.gone)
        known = {one.uid for one in self.ones()} if self.picture is not None else set()
        self.picture, self.exists = {} if self.uidonly else [], 0
        self.note(self.command(f"SELECT {folder}"))
        self.know()
        now = {one.uid for one in self.ones()}
        assert not now & gone, f"{self.name} SELECT: told gone before: {now & gone}"
        self.forget({uid for uid in known - now if uid is not None})

    def resume(self, rng):
        """Away and back: what changed since the last SELECT is told, and makes the picture whole again (RFC 7162 3.2.5)."""
        known = {one.uid: one.flags for one in self.ones() if one.uid is not None and one.flags is not None}
        unsure = {one.uid for one in self.ones() if one.uid is not None} - set(known)
        self.picture = None
        how = rng.random()
        if how < 0.3:
            self.command("UNSELECT")
        elif how < 0.6:
            if rng.random() < 0.5:
                self.command("LOGOUT")
            self.sock.close()
            if rng.random() < 0.3:
                time.sleep(rng.random())
            self.connect()
        what = f" 1:{max(known)}" if known and rng.random() < 0.5 else ""
        answers = self.command(f"SELECT INBOX (QRESYNC ({self.validity} {self.modseq}{what}))")
        count, counts, earlier, later = 0, 0, set(), set()
        for answer in answers:
            if found := re.match(rb"\* (\d+) EXISTS", answer):
                count, counts = int(found.group(1)), counts + 1
            elif found := re.match(rb"\* VANISHED \(EARLIER\) ([\d,:]+)", answer):
                earlier |= spread(found.group(1))
            elif found := re.match(rb"\* VANISHED ([\d,:]+)", answer):
                later |= spread(found.group(1))
                count -= len(spread(found.group(1)))
            elif found := re.match(rb"\* \d+ FETCH .*\bUID (\d+)", answer):
                uid, flags = int(found.group(1)), frozenset(re.search(rb"FLAGS \(([^)]*)\)", answer).group(1).split()) - {b"\\Recent"}
                assert uid not in self.lost, f"{self.name} {self.last}: UID {uid} was gone: {answer}"
                self.truth.told(f"{self.name} {self.last}", uid, flags, int(re.search(rb"MODSEQ \((\d+)\)", answer).group(1)))
                known[uid] = flags
        assert not earlier & later, f"{self.last}: counted by EXISTS, and gone before: {earlier & later}"
        known = {uid: flags for uid, flags in known.items() if uid not in earlier | later}
        if not what and counts == 1 and not unsure - earlier - later - set(known) and len(known) != count:
            fresh = self.command("UID SEARCH ALL")
            raise AssertionError(f"{self.name} {self.last}: told of {len(known)} of {count}: {sorted(known)} of {fresh}; {b''.join(answers)}")
        with self.truth.lock:  # of what was gone long ago everything is said to be, and nothing is new
            gone = (earlier & self.truth.seen) | later
        self.forget(gone)
        self.note(answers)
        for uid, flags in known.items():
            may = self.truth.since(uid, self.modseq)
            assert may is None or flags in may, f"{self.name} {self.last}: UID {uid} has {sorted(flags)}, at {self.modseq} {may}"
        # those that came after what was asked about (RFC 7162 3.2.5.1) are counted only
        self.picture = [One(uid, known[uid]) for uid in sorted(known)] + [One() for _ in range(count - len(known))]
        newer = what and max(known, default=0) > int(what.rpartition(":")[2])
        if unsure - earlier - later or newer:  # what is known by UID alone has its place among them
            self.picture = [One() for _ in range(count)]
            self.know()

    def know(self):
        """Learn UID and flags of those only counted so far."""
        items = "UID FLAGS" + " MODSEQ" * self.condstore
        for _ in range(1000):
            if self.uidonly:
                if len(self.picture) == self.exists and all(one.flags is not None for one in self.ones()):
                    return
                self.command(f"UID FETCH 1:* ({items})")
                continue
            first = next((i for i, one in enumerate(self.picture) if one.uid is None or one.flags is None), None)
            if first is None:
                return
            answer = self.command(f"FETCH {first + 1}:* ({items})", ("OK", "NO"))[-1]
            if b" NO " in answer:  # somebody expunged one of them: only now may it be told (RFC 5530 3, RFC 9051 7.5.1)
                assert b"[EXPUNGEISSUED]" in answer, answer
                self.command("NOOP")
        raise AssertionError(f"{self.name}: {self.count()} counted, never all of them told: {len(self.ones())}")


# --- what they do --------------------------------------------------------------------------------------------------------------------------------

def some(s, rng, most):
    """A set of one to most messages and whether it is of UIDs; a message may be named twice, ranges too."""
    n, by_uid = s.count(), s.uidonly or rng.random() < 0.5
    numbers = [rng.randrange(1, n + 1) for _ in range(rng.randrange(1, most + 1))]
    uids = sorted(one.uid for one in s.ones())
    picked = [uids[i - 1] if by_uid else i for i in numbers]
    if len(picked) == 2 and rng.random() < 0.3 and abs(numbers[0] - numbers[1]) < 6:
        return f"{picked[0]}:{picked[1]}", by_uid
    return ",".join(map(str, picked)), by_uid


def uid_prefix(by_uid):
    return "UID " if by_uid else ""


def unsure(s, text, by_uid):
    """What was stored silently has flags we were not told."""
    numbers = spread(text.encode())
    for i, one in enumerate(s.ones()):
        if (one.uid if by_uid else i + 1) in numbers:
            one.flags = None


def do_store(s, rng, number):
    text, by_uid = some(s, rng, 3)
    flags = " ".join(rng.sample(FLAGS, rng.randrange(1, 3)))
    sign, silent = rng.choice("+-") if rng.random() < 0.8 else "", ".SILENT" if rng.random() < 0.2 else ""
    if s.condstore and rng.random() < 0.4 and re.fullmatch(r"\d+", text):
        one = next(one for i, one in enumerate(s.ones()) if (one.uid if by_uid else i + 1) == int(text))
        uid, known, newest = one.uid, one.modseq, s.truth.newest(one.uid)
        if known:
            answer = s.command(f"{uid_prefix(by_uid)}STORE {text} (UNCHANGEDSINCE {known}) {sign}FLAGS{silent} ({flags})", ("OK", "NO"))[-1]
            # RFC 7162 3.1.3: what others did since is not overwritten
            if by_uid and newest > known and b"MODIFIED" not in answer:
                said = s.last
                s.command("NOOP")
                assert uid in s.lost, f"{s.name} {said}: UID {uid} was at {newest}: {answer}"
                return
            assert newest <= known or re.search(rb"MODIFIED|EXPUNGEISSUED|NO ", answer), f"{s.name} {s.last}: UID {uid} was at {newest}: {answer}"
            if silent:
                unsure(s, text, by_uid)
            return
    s.command(f"{uid_prefix(by_uid)}STORE {text} {sign}FLAGS{silent} ({flags})", ("OK", "NO"))
    if silent:
        unsure(s, text, by_uid)


def do_fetch(s, rng, number):
    text, by_uid = some(s, rng, 2)
    what = rng.choice(("BODY.PEEK[]", "BODY.PEEK[HEADER]", "BODY[]", "ENVELOPE BODYSTRUCTURE BODY.PEEK[HEADER]"))
    items = f"UID FLAGS{' MODSEQ' * s.condstore} {what}"
    s.command(f"{uid_prefix(by_uid)}FETCH {text} ({items})", ("OK", "NO"))


def do_search(s, rng, number):
    if s.uidonly or rng.random() < 0.5:
        found = s.command(rng.choice(("UID SEARCH FLAGGED", "UID SEARCH ALL", "UID SEARCH NOT SEEN", "UID SEARCH RETURN (ALL COUNT) SUBJECT a")))
    else:
        found = s.command(rng.choice(("SEARCH 1:* NOT SEEN", "SEARCH ALL", "SEARCH RETURN (MIN MAX ALL) FLAGGED", "SORT (SUBJECT) UTF-8 ALL")))
        for answer in found:
            if m := re.match(rb"\* SEARCH((?: \d+)*)", answer):
                assert all(int(n) <= s.count() for n in m.group(1).split()), (s.name, s.last, answer, s.count())


def note_expunged(s, answer):
    if s.qresync and (m := re.search(rb"OK \[HIGHESTMODSEQ (\d+)\]", answer)):
        s.modseq = max(s.modseq, int(m.group(1)))


def do_expunge(s, rng, number):
    uids = sorted({rng.choice(s.ones()).uid for _ in range(rng.randrange(1, 4))})
    text = ",".join(map(str, uids))
    s.command(f"UID STORE {text} +FLAGS{rng.choice(('', '.SILENT'))} (\\Deleted)", ("OK", "NO"))
    unsure(s, text, True)
    note_expunged(s, s.command(rng.choice(("EXPUNGE", f"UID EXPUNGE {text}")), ("OK", "NO"))[-1])


def copied(s, answers):
    for answer in answers:
        if m := re.search(rb"\[COPYUID (\d+) (\S+) (\S+)\]", answer):
            source, target = spread(m.group(2)), spread(m.group(3))
            assert len(source) == len(target), answer
            return int(m.group(1)), target
    return 0, set()


def do_move(s, rng, number):
    text, by_uid = some(s, rng, 2)
    s.command(f"{uid_prefix(by_uid)}MOVE {text} {rng.choice(('Archive', 'Archive', 'Trash'))}", ("OK", "NO"))


def do_copy(s, rng, number):
    text, by_uid = some(s, rng, 2)
    where = rng.choice(("INBOX", "INBOX", "Archive"))
    validity, new = copied(s, s.command(f"{uid_prefix(by_uid)}COPY {text} {where}", ("OK", "NO")))
    if where == "INBOX" and new:
        assert validity == s.validity
        s.truth.new(f"{s.name} {s.last}", new)


def do_append(s, rng, number):
    mails = []
    for k in range(rng.choice((1, 1, 1, 2, 3))):
        subject = f"{s.name} {number} {k}"
        mails.append((f"From: {s.name}@x.example\r\nSubject: {subject}\r\n\r\n" + "a line\r\n" * rng.randrange(30)).encode())
    first, *others = mails
    literals = [(one, b" (\\Flagged) {%d}" % len(after)) for one, after in zip(mails, others)] + [(mails[-1], b"")]
    answer = s.command(f"APPEND INBOX (\\Seen) {{{len(first)}}}", literals=literals)[-1]
    m = re.search(rb"\[APPENDUID (\d+) (\S+)\]", answer)
    uids = sorted(spread(m.group(2)))
    assert len(uids) == len(mails) and int(m.group(1)) == s.validity, answer
    s.truth.new(f"{s.name} {s.last}", set(uids))
    for uid, mail in zip(uids, mails):
        s.truth.is_about(s.name, uid, re.search(rb"Subject: ([^\r]*)", mail).group(1))


def do_replace(s, rng, number):
    uid, subject = rng.choice(s.ones()).uid, f"{s.name} {number} instead"
    mail = f"From: {s.name}@x.example\r\nSubject: {subject}\r\n\r\nb\r\n".encode()
    s.tag += 1
    s.last, tag = f"UID REPLACE {uid}", f"{s.name}{s.tag}".encode()
    s.send(tag + b" UID REPLACE %d INBOX {%d+}\r\n" % (uid, len(mail)) + mail + b"\r\n")
    while not (answer := s.line()).startswith(tag):
        if m := re.search(rb"\[APPENDUID (\d+) (\d+)\]", answer):
            s.truth.new(f"{s.name} {s.last}", {int(m.group(2))})
            s.truth.is_about(s.name, int(m.group(2)), subject.encode())
        s.hear(answer)


def do_changed(s, rng, number):
    """All that changed since the last SELECT, with CHANGEDSINCE: then no flags are old (RFC 7162 3.1.4.1)."""
    s.command(f"UID FETCH 1:* (UID FLAGS MODSEQ) (CHANGEDSINCE {s.modseq}{' VANISHED' * s.qresync})")


def do_back(s, rng, number):
    """To Archive, and some of it back."""
    known, s.picture = {one.uid for one in s.ones()}, None
    answers = b"".join(s.command("SELECT Archive"))
    count = int(re.search(rb"\* (\d+) EXISTS", answers).group(1))
    if count > 300:
        s.command("UID STORE 1:* +FLAGS.SILENT (\\Deleted)", ("OK", "NO"))
        s.command("EXPUNGE", ("OK", "NO"))
    elif count:
        first = re.search(rb"ALL (\d+)", b"".join(s.command("UID SEARCH RETURN (ALL) ALL")))
        if first:
            f = int(first.group(1))
            _, new = copied(s, s.command(f"UID MOVE {f}:{f + 4} INBOX", ("OK", "NO")))
            s.truth.new(f"{s.name} {s.last}", new)
    s.modseq = None
    s.select()
    s.forget({uid for uid in known - {one.uid for one in s.ones()} if uid is not None})


def do_reconnect(s, rng, number):
    if s.qresync:
        s.resume(rng)
        return
    known = {one.uid for one in s.ones()}
    if rng.random() < 0.5:
        s.command("LOGOUT")
    s.sock.close()
    s.connect()
    s.select()
    s.forget({uid for uid in known - {one.uid for one in s.ones()} if uid is not None})


ACTS = [(do_store, 22), (do_fetch, 10), (do_search, 8), (do_copy, 8), (do_append, 14), (do_replace, 3), (do_move, 8), (do_expunge, 8),
        (do_changed, 4), (do_back, 2), (do_reconnect, 5)]
FEWER, MORE = (do_move, do_expunge), (do_append, do_copy, do_back)


def one_step(s, rng, number):
    """One act; its name."""
    s.know()
    n = s.count()
    if n == 0:
        do_append(s, rng, number)
        return "append"
    if rng.random() < 0.08:
        s.command("NOOP")
        return "noop"
    if rng.random() < 0.03:
        s.idle(rng)
        return "idle"
    weights = [w * (4 if act in FEWER and n > 150 else 0.2 if act in MORE and n > 150 else 1) for act, w in ACTS]
    act = rng.choices([a for a, _ in ACTS], weights)[0]
    if act is do_changed and not s.condstore:
        act = do_search
    act(s, rng, number)
    return act.__name__[3:]


def other_program(server, rng, ended, pause=0.01):
    """A mail reader on the Maildir itself: marks, removes and files mail, and delivers some, by renaming files."""
    box, number = os.path.join(server.data, "mail/ann"), 0
    while not ended.wait(pause):
        number += 1
        kind = rng.random()
        if kind < 0.3:
            with open(f"{box}/tmp/{number}.other", "w") as f:
                f.write(f"From: other@x.example\nSubject: other {number}\n\nother {number}\n")
            os.rename(f"{box}/tmp/{number}.other", f"{box}/new/17{number:08}.other" if rng.random() < 0.5 else f"{box}/cur/17{number:08}.other:2,S")
            continue
        names = [f"{part}/{name}" for part in ("new", "cur") for name in os.listdir(f"{box}/{part}")]
        if not names:
            continue
        name = rng.choice(names)
        try:
            if kind < 0.8:
                letters = "".join(sorted(rng.sample("DFRS", rng.randrange(0, 4))))
                os.rename(f"{box}/{name}", f"{box}/cur/{os.path.basename(name).partition(':2,')[0]}:2,{letters}")
            elif kind < 0.9:
                os.unlink(f"{box}/{name}")
            else:
                os.rename(f"{box}/{name}", f"{box}/.Archive/cur/{os.path.basename(name).partition(':2,')[0]}:2,")
        except FileNotFoundError:
            pass  # the server was first


def play(server, seed, count, enough, beside=(), pause=None):
    """count sessions act until enough(number of acts done by one) says so, beside other threads; pause: with another program on the Maildir.
    -> (sessions, truth, acts by name); raises what any of them found."""
    truth, failures, done = Truth(), [], collections.Counter()
    sessions = [Session(server, name, truth, KINDS[k % len(KINDS)]) for k, name in enumerate("abcdefghijklmnop"[:count])]
    for s in sessions:
        s.select()

    def work(s, rng):
        number = 0
        try:
            while not enough(number) and not failures:
                done[one_step(s, rng, number)] += 1
                number += 1
        except Exception as why:
            picture = [one.uid for one in s.ones()] if s.picture is not None else None
            failures.append(f"seed {seed}, {s.name}, {s.last}: {type(why).__name__} {why}; heard {list(s.heard)}; picture {picture}")

    threads = [threading.Thread(target=work, args=(s, random.Random(seed + k))) for k, s in enumerate(sessions)] + list(beside)
    ended = threading.Event()
    other = threading.Thread(target=other_program, args=(server, random.Random(seed), ended, pause))
    for t in threads + [other] * (pause is not None):
        t.start()
    for t in threads:
        t.join()
    ended.set()
    if pause is not None:
        other.join()
    assert not failures, "\n".join(failures)
    return sessions, truth, done


def agree(server, seed, sessions, truth, patience=90):
    """Every picture is the folder, and what anybody knew and is not there was told gone. -> how many messages there are"""
    fresh = Session(server, "z", truth)
    fresh.select()
    box = f"{server.data}/mail/ann"

    def files():
        return {name: part for part in ("new", "cur") for name in os.listdir(f"{box}/{part}")}

    end = time.monotonic() + patience
    while True:  # what another program did last may take the server a moment
        for s in (fresh, *sessions):
            s.command("NOOP")
            s.know()
        now = files()
        if all(s.count() == len(now) for s in (fresh, *sessions)):
            break
        if time.monotonic() > end:
            uids = {int(u.group(1)): n for n in now if (u := re.search(r",P=(\d+)\.", n))}
            shown = {one.uid for one in fresh.ones()}
            raise AssertionError(f"seed {seed}: {len(now)} files, pictures of {[(s.name, s.count()) for s in (fresh, *sessions)]}; without a UID: "
                                 f"{[n for n in now if ',P=' not in n]}; not shown: {[n for u, n in uids.items() if u not in shown]}; not there: "
                                 f"{sorted(u for u in shown if u not in uids)}; twice: {len(now) - len(uids)}\n{server.log_text()[-1500:]}")
        time.sleep(0.05)
    fresh.command("FETCH 1:* (UID FLAGS)")
    is_so = {one.uid: one.flags for one in fresh.ones()}
    for s in sessions:
        s.command("NOOP")
        s.know()
        mine = {one.uid: one.flags for one in s.ones()}
        assert sorted(mine) == sorted(is_so), (seed, s.name, sorted(set(mine) ^ set(is_so)))
        assert s.uidonly or [one.uid for one in s.ones()] == sorted(is_so), (seed, s.name)
        assert mine == is_so, (seed, s.name, [(u, mine[u], is_so[u]) for u in mine if mine[u] != is_so[u]][:5])
    assert not truth.gone & set(is_so), f"seed {seed}: told gone, and there: {truth.gone & set(is_so)}"
    assert truth.seen - truth.gone == set(is_so), f"seed {seed}: not there, and nobody was told: {truth.seen - truth.gone - set(is_so)}"
    for s in (*sessions, fresh):
        s.close()
    return len(is_so)
