"""Kill the server again and again under mixed load, and hold what it kept against a ledger of what it promised.

The ledger lives here, outside the server: an intent before the last octet of a message is sent, an ack when the last octet of its 250 (or OK) was read. After each restart:
  acknowledged              exactly one copy in each recipient's mailbox, less what was moved and expunged since: else lost, or duplicated
  neither yes nor no        nobody has it, or everybody: else torn
  refused                   nobody has it
UIDs never mean another message, UIDVALIDITY stays, MODSEQ does not go back, and the files in the Maildir say what IMAP says. At the end of a run the index is thrown away
(same UIDs and flags), the newest message expunged and the index lost (its UID is not given again), and the host out there has every submitted message at least once,
or the sender a report.

The IMAP clients act on acknowledged messages only: a message may be shown before its other recipients have it, and be taken back by a crash."""
import base64, collections, imaplib, os, random, re, socket, sqlite3, subprocess, threading, time, traceback

from dns import Dns
from server import Server, trusting, wait_for
from sink import Sink

DOMAIN = "local.example"
ACCOUNTS = ("ann", "bob", "cat")
FOLDERS = ("INBOX", "Archive", "Junk", "Work")
FLAGS = ("\\Seen", "\\Flagged", "\\Answered", "$Work")
STAMPED = (b"return-path", b"delivered-to", b"authentication-results", b"x-pennypost", b"received", b"received-spf")
KINDS = ("lost", "duplicated", "torn", "uid reused", "numbers went back", "flags")
REFUSED, REPORT = "refused@sink.example", "report"  # an address the host out there does not have; the id of what is said about it
CONFIG = """
[score]
reject = "off"
junk = "off"
greylist = "off" # of several recipients of one message, only some may ask for patience; theirs would go to Junk

[limits]
conn_per_source = 1000
conn_guests = 1000
conn_rate = 100000
"""


def content(ident, to="ann@local.example"):
    """A message that follows from its id: from one octet to 600 KiB, some with dots and octets above 127."""
    rng = random.Random(ident)
    kind = rng.random()
    size = rng.choice((1, 2, 3)) if kind < 0.1 else rng.randrange(100, 2000) if kind < 0.7 else rng.randrange(2000, 40000) if kind < 0.97 else rng.randrange(
        100000, 600000)
    text = base64.encodebytes(rng.randbytes(size * 3 // 4)).replace(b"\n", b"\r\n") if size > 3 else b"x" * size + b"\r\n"
    if rng.random() < 0.1:
        text += b".\r\n..\r\n. gr\xc3\xbc\xc3\x9fe\r\n.\r\n"
    return b"From: ann@local.example\r\nTo: %s\r\nSubject: crash %s\r\nX-Crash-Id: %s\r\n\r\n%s" % (to.encode(), ident.encode(), ident.encode(), text)


def body_of(raw):
    return raw.partition(b"\r\n\r\n")[2]


def is_whole(ident, raw, submitted):
    """What was sent, behind stamped fields; a submitted message has gained fields of its own."""
    sent = content(ident)
    if submitted:
        return body_of(raw) == body_of(sent) and b"\r\nX-Crash-Id: " + ident.encode() + b"\r\n" in raw
    if not raw.endswith(sent):
        return False
    return all(line[:1] in (b" ", b"\t") or line.split(b":")[0].lower() in STAMPED for line in raw[:-len(sent)].split(b"\r\n") if line)


class Ledger:
    def __init__(self):
        self.lock, self.state, self.to, self.serial, self.submitted, self.acks = threading.Lock(), {}, {}, 0, set(), 0

    def intent(self, kind, to):
        with self.lock:
            self.serial += 1
            ident = f"{kind}{self.serial}"
            self.state[ident], self.to[ident] = "doubt", tuple(to)
            if kind == "sub":
                self.submitted.add(ident)
            return ident

    def outcome(self, ident, state):
        with self.lock:
            self.state[ident] = state
            self.acks += state == "ack"

    def acknowledged(self, ident):
        return self.state.get(ident) == "ack"


# --- load ------------------------------------------------------------------------------------------------------------------------------------

class Smtp:
    def __init__(self, address, port, tls, login=None):
        self.sock = socket.create_connection((address, port), timeout=30)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls == "implicit":
            self.sock = trusting().wrap_socket(self.sock)
        self.file = self.sock.makefile("rb")
        self.expect(220)
        self.say(b"EHLO load.example", 250)
        if tls == "starttls":
            self.say(b"STARTTLS", 220)
            self.sock = trusting().wrap_socket(self.sock)
            self.file = self.sock.makefile("rb")
            self.say(b"EHLO load.example", 250)
        if login:
            self.say(b"AUTH PLAIN " + base64.b64encode(b"\0%s\0%s" % (login[0].encode(), login[1].encode())), 235)

    def reply(self):
        while True:
            line = self.file.readline()
            if not line.endswith(b"\r\n"):
                raise ConnectionError("closed")
            if line[3:4] != b"-":
                return int(line[:3])

    def expect(self, *codes):
        code = self.reply()
        if code not in codes:
            raise ConnectionError(f"{code} in place of {codes}")

    def say(self, line, *codes):
        self.sock.sendall(line + b"\r\n")
        self.expect(*codes)

    def close(self):
        self.file.close()
        self.sock.close()


class Load:
    """Everything that talks to the server until it is killed."""

    def __init__(self, rig, seed):
        self.rig, self.stop, self.threads, self.faults = rig, threading.Event(), [], []
        jobs = [(self.send, mode) for mode in ("plain", "pipelined", "chunked", "starttls", "plain", "pipelined")] + [(self.submit, None)]
        jobs += [(self.imap, account) for account in ("ann", "bob")]
        for n, (what, how) in enumerate(jobs):
            t = threading.Thread(target=self.run, args=(what, how, random.Random(f"{seed}/{n}")), daemon=True)
            self.threads.append(t)
            t.start()

    def run(self, what, how, rng):
        while not self.stop.is_set():
            try:
                what(how, rng)
            except (OSError, imaplib.IMAP4.abort, EOFError, ValueError):
                if self.stop.wait(0.05):
                    return
            except Exception as why:  # a bug of this test, or an answer nobody foresaw
                self.faults.append("".join(traceback.format_exception(why))[-1500:])
                return

    def end(self):
        self.stop.set()
        for t in self.threads:
            t.join(60)
            assert not t.is_alive()
        assert not self.faults, "\n".join(self.faults)

    def one(self, c, sender, to, ident, mode, answer_to):
        raw = content(ident)
        lines = [f"MAIL FROM:<{sender}> BODY=8BITMIME".encode()] + [f"RCPT TO:<{r}>".encode() for r in to]
        ledger = self.rig.ledger
        if mode == "chunked":
            cut = len(raw) // 3
            c.sock.sendall(b"\r\n".join(lines) + b"\r\n" + b"BDAT %d\r\n" % cut + raw[:cut] + b"BDAT %d LAST\r\n" % (len(raw) - cut) + raw[cut:])
            codes = [c.reply() for _ in range(len(lines) + 2)]
        else:
            if mode == "plain":
                codes = []
                for line in lines:
                    c.sock.sendall(line + b"\r\n")
                    codes.append(c.reply())
                c.sock.sendall(b"DATA\r\n")
            else:
                c.sock.sendall(b"\r\n".join(lines) + b"\r\nDATA\r\n")
                codes = [c.reply() for _ in lines]
            codes.append(c.reply())
            if codes[-1] == 354:
                c.sock.sendall(re.sub(rb"(?m)^\.", b"..", raw) + b".\r\n")
                codes.append(c.reply())
        if codes[-1] == 250 and all(code in (250, 251, 354) for code in codes):
            ledger.outcome(ident, "ack")
            return
        ledger.outcome(ident, "nack")
        self.rig.refusals[codes[-1]] += 1
        if codes[-1] == 421:
            raise ConnectionError("421")
        c.say(b"RSET", 250)

    def send(self, mode, rng):
        server = self.rig.server
        c = Smtp(server.address, server.port("smtp"), "starttls" if mode == "starttls" else None)
        try:
            while not self.stop.is_set():
                to = rng.sample(ACCOUNTS, rng.randrange(1, 4))
                ident = self.rig.ledger.intent("in", to)
                self.one(c, "world@far.example", [f"{a}@{DOMAIN}" for a in to], ident, mode, None)
                self.stop.wait(rng.random() * self.rig.pause)
        finally:
            c.close()

    def submit(self, mode, rng):
        server = self.rig.server
        c = Smtp(server.address, server.port("submissions"), "implicit", (f"ann@{DOMAIN}", server.accounts[f"ann@{DOMAIN}"]))
        try:
            while not self.stop.is_set():
                here = rng.sample(("bob", "cat"), rng.choice((0, 0, 1, 2)))
                away = [f"r{n}@sink.example" for n in range(rng.randrange(1, 4))] + ([REFUSED] if rng.random() < 0.25 else [])
                ident = self.rig.ledger.intent("sub", here)
                self.rig.away[ident] = away
                self.one(c, f"ann@{DOMAIN}", away + [f"{a}@{DOMAIN}" for a in here], ident, rng.choice(("plain", "pipelined", "chunked")), None)
                self.stop.wait(rng.random() * self.rig.pause * 4)
        finally:
            c.close()

    def imap(self, account, rng):
        box = self.rig.boxes[account]
        c = self.rig.server.imap(f"{account}@{DOMAIN}")
        try:
            while not self.stop.is_set():
                box.act(c, rng)
                self.stop.wait(rng.random() * self.rig.pause)
        finally:
            c.shutdown()


# --- what one account should hold ---------------------------------------------------------------------------------------------------------------

Row = collections.namedtuple("Row", "ident flags modseq")


def ok(answer):
    if answer[0] != "OK":
        raise AssertionError(f"refused: {answer}")
    return b" ".join(x for x in answer[1] if isinstance(x, bytes))


def listed(c, what, items="UID FLAGS MODSEQ BODY.PEEK[HEADER.FIELDS (X-Crash-Id)]"):
    """{uid: Row} of the selected folder."""
    kind, data = c.uid("FETCH", what, f"({items})")
    assert kind == "OK", data
    found = {}
    for n, part in enumerate(data):
        if not isinstance(part, tuple):
            continue
        text = part[0] + b" " + (data[n + 1] if n + 1 < len(data) and isinstance(data[n + 1], bytes) else b"")
        uid, flags = int(re.search(rb"UID (\d+)", text).group(1)), re.search(rb"FLAGS \((.*?)\)", text).group(1).decode().split()
        ident = re.search(rb"X-Crash-Id: (\S+)", part[1])
        found[uid] = Row(ident.group(1).decode() if ident else REPORT, frozenset(flags) - {"\\Recent"}, int(re.search(rb"MODSEQ \((\d+)\)", text).group(1)))
    return found


def numbers(text):
    """b"1:3,7" to [1, 2, 3, 7]."""
    found = []
    for part in text.decode().split(","):
        first, _, last = part.partition(":")
        found += range(int(first), int(last or first) + 1)
    return found


def copied(c, how, uids, other):
    """{UID here: UID in the other folder}."""
    c.untagged_responses.clear()
    ok(c.uid(how, ",".join(map(str, uids)), other))
    words = c.response("COPYUID")[1][-1].split()
    found = dict(zip(numbers(words[1]), numbers(words[2])))
    assert sorted(found) == sorted(uids), (uids, words)
    return found


class Box:
    def __init__(self, rig, account):
        self.rig, self.account = rig, account
        self.known = {f: {} for f in FOLDERS}    # uid: Row, as acknowledged
        self.seen = {f: {} for f in FOLDERS}     # uid: id, whatever was ever shown
        self.whole = {f: set() for f in FOLDERS}  # uids whose octets were compared
        self.top = {f: (None, 0, 0) for f in FOLDERS}  # UIDVALIDITY, highest UID, highest MODSEQ ever seen
        self.arrived, self.doubt = set(), None

    def note(self, folder, uid, ident):
        was = self.seen[folder].setdefault(uid, ident)
        if was != ident:
            self.rig.fault("uid reused", f"{self.account}/{folder} {uid}: {was} is now {ident}")
        validity, top, modseq = self.top[folder]
        self.top[folder] = (validity, max(top, uid), modseq)

    def learn(self, folder, uid, ident, flags=frozenset(), modseq=0):
        self.note(folder, uid, ident)
        self.known[folder][uid] = Row(ident, flags, modseq)

    # --- acting: one command; in doubt while it runs ---
    def act(self, c, rng):
        folder = rng.choice(FOLDERS)
        ok(c.select(folder))
        if folder == "INBOX":
            last = max(self.known["INBOX"], default=0)
            for uid, row in listed(c, f"{last + 1}:*").items():
                self.note("INBOX", uid, row.ident)
                if uid > last and self.rig.ledger.acknowledged(row.ident) and row.ident not in self.arrived:
                    self.arrived.add(row.ident)
                    self.learn("INBOX", uid, row.ident, row.flags)
        for _ in range(rng.randrange(1, 6)):
            rows = [uid for uid, row in self.known[folder].items() if row.ident != REPORT]
            what = rng.choice(("append", "copy", "move", "move", "store", "store", "expunge"))
            if what == "append":
                self.append(c, folder, rng)
            elif rows:
                uid = rng.choice(rows)
                other = rng.choice([f for f in FOLDERS if f != folder])
                getattr(self, what)(c, folder, uid, other, rng)
            self.rig.acts[what] += 1

    def append(self, c, folder, rng):
        ident = self.rig.ledger.intent("app", ())
        flags = frozenset(rng.sample(FLAGS, rng.randrange(0, 3)))
        self.doubt = ("append", folder, ident, flags)
        text = ok(c.append(folder, f"({' '.join(sorted(flags))})" if flags else None, None, content(ident)))
        uid = int(re.search(rb"APPENDUID \d+ (\d+)", text).group(1))
        self.rig.ledger.outcome(ident, "ack")
        self.learn(folder, uid, ident, flags)
        self.doubt = None

    def several(self, folder, uid, rng):
        rows = [u for u, row in self.known[folder].items() if row.ident != REPORT]
        return sorted({uid, *rng.sample(rows, min(len(rows), rng.choice((0, 0, 1, 3))))})

    def copy(self, c, folder, uid, other, rng):
        uids = self.several(folder, uid, rng)
        self.doubt = ("copy", folder, uids, other, [self.known[folder][u].ident for u in uids])
        for u, to in copied(c, "COPY", uids, other).items():
            self.learn(other, to, self.known[folder][u].ident, self.known[folder][u].flags)
        self.doubt, self.rig.ledger.acks = None, self.rig.ledger.acks + 1

    def move(self, c, folder, uid, other, rng):
        uids = self.several(folder, uid, rng)
        self.doubt = ("move", folder, uids, other, [self.known[folder][u].ident for u in uids])
        for u, to in copied(c, "MOVE", uids, other).items():
            row = self.known[folder].pop(u)
            self.learn(other, to, row.ident, row.flags)
        self.doubt, self.rig.ledger.acks = None, self.rig.ledger.acks + 1

    def store(self, c, folder, uid, other, rng):
        row, flag = self.known[folder][uid], rng.choice(FLAGS)
        add = flag not in row.flags
        flags = row.flags | {flag} if add else row.flags - {flag}
        self.doubt = ("store", folder, [uid], flags)
        ok(c.uid("STORE", str(uid), "+FLAGS" if add else "-FLAGS", f"({flag})"))
        self.known[folder][uid] = row._replace(flags=flags)
        self.doubt, self.rig.ledger.acks = None, self.rig.ledger.acks + 1

    def expunge(self, c, folder, uid, other, rng):
        row = self.known[folder][uid]
        flags = row.flags | {"\\Deleted"}
        self.doubt = ("store", folder, [uid], flags)
        ok(c.uid("STORE", str(uid), "+FLAGS.SILENT", "(\\Deleted)"))
        self.known[folder][uid] = row._replace(flags=flags)
        self.doubt = ("expunge", folder, [uid])
        ok(c.uid("EXPUNGE", str(uid)))
        del self.known[folder][uid]
        self.doubt, self.rig.ledger.acks = None, self.rig.ledger.acks + 1

    # --- comparing ---
    def compare(self, all_octets=False):
        c = self.rig.server.imap(f"{self.account}@{DOMAIN}")
        doubt, self.doubt = self.doubt, None
        actual = {}
        for folder in FOLDERS:
            text = ok(c.status(folder, "(UIDVALIDITY UIDNEXT HIGHESTMODSEQ)"))
            number = {k: int(re.search(k.encode() + rb" (\d+)", text).group(1)) for k in ("UIDVALIDITY", "UIDNEXT", "HIGHESTMODSEQ")}
            validity, top, modseq = self.top[folder]
            if validity not in (None, number["UIDVALIDITY"]) or number["UIDNEXT"] <= top or number["HIGHESTMODSEQ"] < modseq:
                self.rig.fault("numbers went back", f"{self.account}/{folder}: {self.top[folder]} is now {number}")
            self.top[folder] = (number["UIDVALIDITY"], max(top, number["UIDNEXT"] - 1), max(modseq, number["HIGHESTMODSEQ"]))
            ok(c.select(folder, readonly=True))
            actual[folder] = listed(c, "1:*")
        self.explain(actual, doubt)
        for folder in FOLDERS:
            for uid, row in actual[folder].items():
                self.note(folder, uid, row.ident)
                was = self.known[folder].get(uid)
                if was and row.modseq < was.modseq:
                    self.rig.fault("numbers went back", f"{self.account}/{folder} {uid}: MODSEQ {was.modseq} is now {row.modseq}")
            self.known[folder] = actual[folder]
            self.octets(c, folder, all_octets)
        c.logout()
        self.files()

    def explain(self, actual, doubt):
        ledger = self.rig.ledger
        kind = doubt[0] if doubt else None
        moved, came = [], []  # ids
        for folder in FOLDERS:
            for uid, was in self.known[folder].items():
                row, where = actual[folder].get(uid), f"{self.account}/{folder} {uid} {was.ident}"
                about = kind in ("store", "expunge", "move") and folder == doubt[1] and uid in doubt[2]
                if row is None:
                    if about and kind == "move":
                        moved.append(was.ident)
                    elif not (about and kind == "expunge"):
                        self.rig.fault("lost", where)
                elif row.ident != was.ident:
                    self.rig.fault("uid reused", f"{where} is now {row.ident}")
                elif row.flags != was.flags and not (about and kind == "store" and row.flags == doubt[3]):
                    self.rig.fault("flags", f"{where}: {sorted(was.flags)} is now {sorted(row.flags)}")
        may_come = {"append": lambda: doubt[2:3], "copy": lambda: list(doubt[4]), "move": lambda: list(moved)}.get(kind, list)()
        for folder in FOLDERS:
            for uid, row in actual[folder].items():
                if uid in self.known[folder]:
                    continue
                state, where = ledger.state.get(row.ident), f"{self.account}/{folder} {uid} {row.ident}"
                if may_come and row.ident in may_come and folder == (doubt[1] if kind == "append" else doubt[3]):
                    may_come = [i for i in may_come if i != row.ident] + [row.ident] * (may_come.count(row.ident) - 1)
                    came.append(row.ident)
                elif folder == "INBOX" and row.ident not in self.arrived and self.account in ledger.to.get(row.ident, ()) and state in ("ack", "doubt"):
                    self.arrived.add(row.ident)
                elif folder == "INBOX" and self.account == "ann" and row.ident == REPORT:
                    pass  # counted once the queue is empty
                else:
                    self.rig.fault("duplicated", f"{where}: {state}, nobody put it there")
        if kind == "append" and came:
            ledger.outcome(came[0], "ack")
        if kind == "copy" and came and may_come:
            self.rig.fault("torn", f"{self.account}: of a COPY only {came} came, not {may_come}")
        if kind == "move" and may_come:
            self.rig.fault("lost", f"{self.account}: {may_come} went in a MOVE and did not come")

    def octets(self, c, folder, everything):
        uids = sorted(u for u in self.known[folder] if everything or u not in self.whole[folder])
        ok(c.select(folder, readonly=True))
        for k in range(0, len(uids), 100):
            kind, data = c.uid("FETCH", ",".join(map(str, uids[k:k + 100])), "(UID BODY.PEEK[])")
            assert kind == "OK", data
            got = {int(re.search(rb"UID (\d+)", p[0]).group(1)): p[1] for p in data if isinstance(p, tuple)}
            for uid in uids[k:k + 100]:
                ident = self.known[folder][uid].ident
                if ident == REPORT and uid in got:
                    self.report(uid, got[uid])
                elif uid not in got or not is_whole(ident, got[uid], ident.startswith("sub")):
                    self.rig.fault("torn", f"{self.account}/{folder} {uid} {ident}: its octets are not what was sent")
                self.whole[folder].add(uid)

    def report(self, uid, raw):
        about = re.search(rb"\r\nX-Crash-Id: (\S+)\r\n", raw)
        if about and b"report-type=delivery-status" in raw and b"\r\nFinal-Recipient: rfc822; " + REFUSED.encode() + b"\r\n" in raw and raw.endswith(b"--\r\n"):
            self.rig.reports[uid] = about.group(1).decode()
        else:
            self.rig.fault("torn", f"{self.account}/INBOX {uid}: neither a message nor a whole report: {raw[:300]}")

    def files(self):
        """The Maildir itself, without the server's help: the same UIDs, sizes as the names say."""
        for folder in FOLDERS:
            path, found = os.path.join(self.rig.server.data, "mail", self.account, "" if folder == "INBOX" else "." + folder), {}
            for sub in ("new", "cur"):
                for name in os.listdir(os.path.join(path, sub)):
                    uid = int(re.search(r",P=(\d+)\.", name).group(1))
                    if uid in found:
                        self.rig.fault("duplicated", f"{self.account}/{folder} {uid}: two files")
                    found[uid] = name
                    if os.stat(os.path.join(path, sub, name)).st_size != int(re.search(r",S=(\d+)", name).group(1)):
                        self.rig.fault("torn", f"{path}/{sub}/{name}: not as long as its name says")
            news = {u for u in found if u > self.top[folder][1]}  # reports may arrive while this looks
            if set(found) - news != set(self.known[folder]) or (news and (self.account, folder) != ("ann", "INBOX")):
                self.rig.fault("lost", f"{self.account}/{folder}: files and IMAP differ: {sorted(set(found) ^ set(self.known[folder]))}")


# --- the run ---------------------------------------------------------------------------------------------------------------------------------------

class Rig:
    def __init__(self, binary, seed=1, longest=1.0, pause=0.02):
        self.rng, self.longest, self.pause, self.seed = random.Random(seed), longest, pause, seed
        self.ledger, self.refusals, self.acts, self.faults, self.away = Ledger(), collections.Counter(), collections.Counter(), collections.defaultdict(list), {}
        self.kills, self.slowest, self.repeated, self.reports = 0, 0.0, 0, {}
        self.dns = Dns()
        with socket.socket() as s:
            s.bind(("127.0.0.2", 0))
            port = s.getsockname()[1]
        self.sink = Sink("127.0.0.2", port, answers={"RCPT": lambda line: "550 5.1.1 nobody" if REFUSED in line else "250 2.1.5 ok"})
        self.dns.add("sink.example", "MX", (10, "mx.sink.example"))
        self.dns.add("mx.sink.example", "A", "127.0.0.2")
        self.server = Server(domain=DOMAIN, accounts={f"{a}@{DOMAIN}": f"secret of {a}" for a in ACCOUNTS}, dns=f"127.0.0.1:{self.dns.port}", extra=CONFIG, binary=binary)
        with open(self.server.config) as f:
            text = f.read()
        with open(self.server.config, "w") as f:
            f.write(text.replace("[outbound]\n", f"[outbound]\nport = {port}\n"))
        self.boxes = {a: Box(self, a) for a in ACCOUNTS}

    def fault(self, kind, what):
        self.faults[kind].append(what)

    def start(self):
        begin = time.monotonic()
        self.server.start()
        self.slowest = max(self.slowest, time.monotonic() - begin)

    def prepare(self):
        self.start()
        for account in ACCOUNTS:
            c = self.server.imap(f"{account}@{DOMAIN}")
            ok(c.create("Work"))
            c.logout()

    def kill(self):
        self.server.kill()
        self.kills += 1

    def cycle(self, number):
        load = Load(self, f"{self.seed}/{number}")
        time.sleep(self.rng.uniform(0.02, self.longest))
        if self.rng.random() < 0.1:  # now and then a clean stop: what it leaves must bear a crash later
            assert self.server.stop() == 0
        else:
            self.kill()
        load.end()
        if self.rng.random() < 0.05:
            self.forget()
        while self.rng.random() < 0.1:  # and again, while it recovers
            process = subprocess.Popen([self.server.binary, "serve", "-c", self.server.config], stdout=subprocess.DEVNULL, stderr=open(self.server.log_path, "ab"))
            time.sleep(self.rng.uniform(0, 0.1))
            process.kill()
            process.wait()
            self.kills += 1
        self.start()
        self.compare()

    def compare(self, all_octets=False):
        for box in self.boxes.values():
            box.compare(all_octets)
        for ident, state in list(self.ledger.state.items()):
            have = [a for a in self.ledger.to[ident] if ident in self.boxes[a].arrived]
            if state == "ack" and len(have) < len(self.ledger.to[ident]):
                self.fault("lost", f"{ident}: acknowledged for {self.ledger.to[ident]}, there for {have}")
            elif state == "nack" and have:
                self.fault("duplicated", f"{ident}: refused, there for {have}")
            elif state == "doubt":
                if have and len(have) < len(self.ledger.to[ident]):
                    self.fault("torn", f"{ident}: for {self.ledger.to[ident]}, there for {have} only")
                # submitted to hosts only: the queue alone knows, and drained() asks it
                self.ledger.state[ident] = "kept" if have or (ident in self.ledger.submitted and not self.ledger.to[ident]) else "gone"
            if self.ledger.state[ident] in ("ack", "gone", "nack") and ident not in self.ledger.submitted:
                del self.ledger.state[ident]  # settled; whatever comes of it now nobody put there
                self.ledger.to.pop(ident)

    def drained(self):
        """Everything submitted is out there, or its sender knows why not: once, and once more for each kill at most."""
        self.server.command("queue", "release", "all", check=False)
        self.server.command("queue", "retry", "all", check=False)
        wait_for(lambda: self.server.status()["queue"]["entries"] == 0, 120)
        self.compare(all_octets=True)
        count = collections.Counter((ident, REFUSED) for ident in self.reports.values())
        for _, to, raw in list(self.sink.messages):
            ident = re.search(rb"X-Crash-Id: (\S+)", raw).group(1).decode()
            if not is_whole(ident, raw, True):
                self.fault("torn", f"{ident}: as the host out there got it")
            count.update((ident, r) for r in to)
        for ident in self.ledger.submitted:
            state, got = self.ledger.state.get(ident), [count.pop((ident, r), 0) for r in self.away[ident]]
            if state == "ack" and 0 in got:
                self.fault("lost", f"{ident}: submitted, {got} at {self.away[ident]}")
            if state == "kept" and 0 in got and (any(got) or self.ledger.to[ident]):
                self.fault("torn", f"{ident}: here, and {got} out there")
            if state in ("nack", "gone") and any(got):
                self.fault("duplicated", f"{ident}: {state}, and yet {got} out there")
            if max(got) > 1 + self.kills:
                self.fault("duplicated", f"{ident}: {got} out there after {self.kills} kills")
            self.repeated += sum(n - 1 for n in got if n > 1)
        if count:
            self.fault("duplicated", f"at the host out there, submitted by nobody: {list(count)[:5]}")

    def finish(self):
        self.drained()
        for database in ("queue/queue.sqlite", "state.sqlite", "ledger.sqlite", "spam.sqlite", *(f"mail/{a}/index.sqlite" for a in ACCOUNTS)):
            for path in (os.path.join(self.server.data, database), os.path.join(self.server.data, os.path.basename(database))):
                if os.path.exists(path):
                    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
                        assert db.execute("pragma integrity_check").fetchall() == [("ok",)], path
        # the index is a cache
        self.kill()
        self.forget()
        self.start()
        self.compare()
        # the newest goes, and the index with it
        for account in ACCOUNTS:
            c = self.server.imap(f"{account}@{DOMAIN}")
            box = self.boxes[account]
            for folder in FOLDERS:
                ok(c.select(folder))
                if box.known[folder]:
                    newest = max(box.known[folder])
                    ok(c.uid("STORE", str(newest), "+FLAGS.SILENT", "(\\Deleted)"))
                    ok(c.uid("EXPUNGE", str(newest)))
                    del box.known[folder][newest]
            c.shutdown()
        self.kill()
        self.forget()
        self.start()
        for account in ACCOUNTS:
            c = self.server.imap(f"{account}@{DOMAIN}")
            for folder in FOLDERS:
                self.boxes[account].append(c, folder, self.rng)
            c.logout()
        self.compare()

    def forget(self):
        """The indexes are gone, as if somebody had removed them."""
        for account in ACCOUNTS:
            folder = os.path.join(self.server.data, "mail", account)
            gone = [n for n in os.listdir(folder) if n.startswith("index.sqlite")]
            assert gone
            for name in gone:
                os.unlink(os.path.join(folder, name))

    def close(self):
        self.server.remove()
        self.sink.close()
        self.dns.close()

    def report(self, cycles, seconds):
        counts = ", ".join(f"{kind} {len(self.faults.get(kind, ()))}" for kind in KINDS)
        return (f"{cycles} cycles, {self.kills} kills, {self.ledger.acks} acks ({dict(self.acts)}): {counts}; "
                f"{len(self.reports)} reports, told or sent twice {self.repeated}; refusals {dict(self.refusals)}; slowest restart {self.slowest * 1000:.0f} ms; took {seconds:.0f} s")


def run(binary, cycles, seed=1, longest=1.0, say=print):
    """So many cycles on one data folder; the report, and what was found, kinds to places."""
    begin = time.monotonic()
    rig = Rig(binary, seed, longest)
    keep = True
    try:
        rig.prepare()
        for n in range(cycles):
            rig.cycle(n)
            if any(rig.faults.values()):
                say(f"cycle {n}: {({k: v[:3] for k, v in rig.faults.items()})}")
                break
        else:
            rig.finish()
        say(rig.report(n + 1, time.monotonic() - begin))
        keep = any(rig.faults.values())
        text = rig.server.log_text()
        assert not re.search("ERROR: AddressSanitizer|runtime error:|assertion", text), text[-8000:]
        return rig
    finally:
        if keep and rig.server.own_folder:
            rig.server.own_folder = False  # for whoever looks for the cause
            say(f"its data stays in {rig.server.folder}, the log in {rig.server.log_path}")
        rig.close()
