"""Do several sessions of one folder agree on it? Each keeps its own picture from the untagged news alone, while all of them and the door for
new mail change the folder; in the end every picture is the folder. No EXPUNGE comes where RFC 9051 7.5.1 forbids it."""
import collections, os, random, re, socket, threading

import pytest

import mail
from server import Server, trusting, wait_for

SETTINGS = """
[score]
reject = "off"
junk = "off"
[limits]
conn_per_source = 500
conn_guests = 500
conn_rate = 100000
free = "16 MiB"
"""
FLAGS = ["\\Seen", "\\Flagged", "\\Answered", "\\Draft", "$Work", "other"]


def spread(uids):
    found = set()
    for part in uids.decode().split(","):
        a, _, b = part.partition(":")
        found.update(range(int(a), int(b or a) + 1))
    return found


class Session:
    """A picture of a folder: numbers to UIDs and flags, changed by what the server says and nothing else."""

    def __init__(self, server, name, qresync=False):
        raw = socket.create_connection((server.address, server.port("imaps")), timeout=120)
        self.sock = trusting().wrap_socket(raw)
        self.file = self.sock.makefile("rb")
        self.name, self.tag, self.picture, self.heard = name, 0, [], collections.deque(maxlen=60)
        self.file.readline()
        self.command('LOGIN ann "secret of ann"')
        if qresync:
            self.command("ENABLE QRESYNC")
        self.qresync = qresync

    def line(self):
        """A whole response with its literals."""
        whole = b""
        while True:
            part = self.file.readline()
            if not part:
                raise ConnectionError(f"{self.name}: closed after {self.last}")
            whole += part
            found = re.search(rb"\{(\d+)\}\r\n$", part)
            if not found:
                return whole
            whole += self.file.read(int(found.group(1)))

    def command(self, text, ok=("OK",), literal=None):
        self.tag += 1
        self.last = text
        tag = f"{self.name}{self.tag}"
        self.sock.sendall(f"{tag} {text}\r\n".encode())
        if literal is not None:
            while not self.hear_until(b"+"):
                pass
            self.sock.sendall(literal + b"\r\n")
        no_expunge = re.match(r"(FETCH|STORE|SEARCH)\b", text)
        answers = []
        while True:
            answer = self.line()
            if answer.startswith(tag.encode() + b" "):
                assert answer.split()[1].decode() in ok, (text, answer)
                answers.append(answer)
                return answers
            assert not (no_expunge and re.match(rb"\* (\d+ EXPUNGE|VANISHED )", answer)), (text, answer)
            self.hear(answer)
            answers.append(answer)

    def hear_until(self, start):
        answer = self.line()
        if answer.startswith(start):
            return True
        self.hear(answer)
        return False

    def hear(self, answer):
        if re.match(rb"\* (\d+ EXISTS|\d+ EXPUNGE|VANISHED)|.*UIDNEXT", answer):
            self.heard.append(answer)
        if self.picture is None:
            return
        if found := re.match(rb"\* (\d+) EXISTS", answer):
            count = int(found.group(1))
            assert count >= len(self.picture), (self.name, answer, len(self.picture))
            self.picture += [[None, None] for _ in range(count - len(self.picture))]
        elif found := re.match(rb"\* (\d+) EXPUNGE", answer):
            assert not self.qresync, answer
            del self.picture[int(found.group(1)) - 1]
        elif found := re.match(rb"\* VANISHED ([\d,:]+)", answer):
            assert self.qresync, answer
            gone = spread(found.group(1))
            for uid in sorted(gone):
                self.vanish(uid)
        elif found := re.match(rb"(?s)\* (\d+) FETCH (.*)", answer):
            number, items = int(found.group(1)), found.group(2)
            assert number <= len(self.picture), (self.name, answer, len(self.picture))
            one = self.picture[number - 1]
            if uid := re.search(rb"\bUID (\d+)", items):
                assert one[0] in (None, int(uid.group(1))), (self.name, self.last, answer, one)
                one[0] = int(uid.group(1))
            if flags := re.search(rb"\bFLAGS \(([^)]*)\)", items):
                one[1] = frozenset(flags.group(1).split()) - {b"\\Recent"}

    def vanish(self, uid):
        """By UID: a message counted but not yet asked for is one of those between its known neighbours (RFC 7162 3.2.10)."""
        before = next((i + 1 for i in range(len(self.picture) - 1, -1, -1) if self.picture[i][0] is not None and self.picture[i][0] < uid), 0)
        assert before < len(self.picture) and self.picture[before][0] in (None, uid), (self.name, self.last, uid, self.picture[before - 2:before + 2])
        del self.picture[before]

    def note(self, answers):
        whole = b"".join(answers)
        self.validity = int(re.search(rb"UIDVALIDITY (\d+)", whole).group(1))
        self.modseq = int(re.search(rb"HIGHESTMODSEQ (\d+)", whole).group(1))
        return whole

    def select(self, folder):
        self.picture = []
        self.note(self.command(f"SELECT {folder}"))
        self.know()

    def resume(self, folder, rng):
        """Away and back: what changed since the last SELECT is told, and makes the picture whole again (RFC 7162 3.2.5)."""
        known = {uid: flags for uid, flags in self.picture if uid is not None and flags is not None}
        self.picture = None
        if rng.random() < 0.5:
            self.command("UNSELECT")
        what = f" 1:{max(known)}" if known and rng.random() < 0.5 else ""
        answers = self.command(f"SELECT {folder} (QRESYNC ({self.validity} {self.modseq}{what}))")
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
                known[int(found.group(1))] = frozenset(re.search(rb"FLAGS \(([^)]*)\)", answer).group(1).split()) - {b"\\Recent"}
        assert not earlier & later, f"{self.last}: counted by EXISTS, and gone before: {earlier & later}"
        known = {uid: flags for uid, flags in known.items() if uid not in earlier | later}
        if not what and counts == 1 and len(known) != count:
            fresh = self.command("UID SEARCH ALL")
            raise AssertionError(f"{self.name} {self.last}: told of {len(known)} of {count}: {sorted(known)} of {fresh}; {b''.join(answers)}")
        self.note(answers)
        # those that came after what was asked about (RFC 7162 3.2.5.1) are counted only
        self.picture = [[uid, known[uid]] for uid in sorted(known)] + [[None, None] for _ in range(count - len(known))]

    def know(self):
        """Learn UID and flags of those only counted so far."""
        while any(m[0] is None or m[1] is None for m in self.picture):
            first = next(i for i, m in enumerate(self.picture) if m[0] is None or m[1] is None)
            answer = self.command(f"FETCH {first + 1}:* (UID FLAGS)", ("OK", "NO"))[-1]
            if b" NO " in answer:  # somebody expunged one of them: only now may it be told (RFC 5530 3, RFC 9051 7.5.1)
                assert b"[EXPUNGEISSUED]" in answer, answer
                self.command("NOOP")

    def close(self):
        self.command("LOGOUT")
        self.file.close()
        self.sock.close()


def one_step(s, rng, number):
    s.know()
    n = len(s.picture)
    kind = rng.random()
    if s.qresync and kind < 0.06:
        s.resume("INBOX", rng)
    elif n == 0 or kind < 0.10:
        s.command("NOOP")
    elif kind < 0.30:
        some = ",".join(str(rng.randrange(1, n + 1)) for _ in range(rng.randrange(1, 4)))
        flags = " ".join(rng.sample(FLAGS, rng.randrange(1, 3)))
        s.command(f"STORE {some} {rng.choice('+-') if rng.random() < 0.8 else ''}FLAGS ({flags})", ("OK", "NO"))
    elif kind < 0.40:
        s.command(f"FETCH {rng.randrange(1, n + 1)} (UID FLAGS BODY[])", ("OK", "NO"))
    elif kind < 0.50:
        s.command("UID SEARCH FLAGGED")
        s.command("SEARCH 1:* NOT SEEN")
    elif kind < 0.60:
        uid = s.picture[rng.randrange(n)][0]
        s.command(f"UID STORE {uid} +FLAGS (\\Deleted)", ("OK", "NO"))
        s.command(rng.choice(("EXPUNGE", f"UID EXPUNGE {uid}")), ("OK", "NO"))
    elif kind < 0.72:
        uids = ",".join(str(rng.choice(s.picture)[0]) for _ in range(rng.randrange(1, 3)))
        s.command(f"UID MOVE {uids} {rng.choice(('Archive', 'Archive', 'Trash'))}", ("OK", "NO"))
    elif kind < 0.82:
        s.command(f"COPY {rng.randrange(1, n + 1)} {rng.choice(('INBOX', 'Archive'))}", ("OK", "NO"))
    else:
        text = f"From: {s.name}@x.example\r\nSubject: {number}\r\n\r\n{s.name} {number}\r\n".encode()
        s.command(f"APPEND INBOX (\\Seen) {{{len(text)}}}", literal=text)


def other_program(server, rng, ended):
    """A mail reader on the Maildir itself: marks, removes and files mail, and delivers some, by renaming files."""
    box, number = os.path.join(server.data, "mail/ann"), 0
    while not ended.wait(0.01):
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


@pytest.mark.parametrize("shared", [pytest.param(False, id="alone"), pytest.param(True, id="shared with another program")])
def test_all_sessions_of_a_folder_see_the_same_in_the_end(shared):
    seed = int(os.environ.get("PENNYPOST_SEED", random.randrange(1 << 30)))
    steps, failures = 120, []
    print(f"\nseed {seed}")
    with Server(extra=SETTINGS) as server:
        mail.pump(server, mail.own(40), connections=4)
        sessions = [Session(server, name, qresync=k % 3 == 2) for k, name in enumerate("abcdef")]
        for s in sessions:
            s.select("INBOX")

        def work(s, k):
            rng = random.Random(seed + k)
            try:
                for number in range(steps):
                    one_step(s, rng, number)
            except Exception as why:
                failures.append(f"seed {seed}, {s.name}, {s.last}: {type(why).__name__} {why}; heard {list(s.heard)}; "
                                f"picture {[m[0] for m in s.picture or []]}")

        threads = [threading.Thread(target=work, args=(s, k)) for k, s in enumerate(sessions)]
        threads.append(threading.Thread(target=lambda: mail.pump(server, mail.own(60, 9), connections=2)))
        ended = threading.Event()
        other = threading.Thread(target=other_program, args=(server, random.Random(seed), ended))
        for t in threads + [other] * shared:
            t.start()
        for t in threads:
            t.join()
        ended.set()
        if shared:
            other.join()
        assert not failures, "\n".join(failures)
        fresh = Session(server, "z")
        fresh.select("INBOX")

        def seen():  # what another program did last may take the server a moment
            for s in (fresh, *sessions):
                s.command("NOOP")
            files = [n for part in ("new", "cur") for n in os.listdir(f"{server.data}/mail/ann/{part}")]
            return len(files) == len(fresh.picture) and all(len(s.picture) == len(files) for s in sessions)

        try:
            wait_for(seen, float(os.environ.get("PENNYPOST_PATIENCE", "90")))
        except AssertionError:
            files = {n: part for part in ("new", "cur") for n in os.listdir(f"{server.data}/mail/ann/{part}")}
            uids = {int(u.group(1)): n for n in files if (u := re.search(r",P=(\d+)\.", n))}
            shown = {m[0] for m in fresh.picture}
            raise AssertionError(f"seed {seed}: {len(files)} files, pictures of {[(s.name, len(s.picture)) for s in (fresh, *sessions)]}; without a UID: "
                                 f"{[n for n in files if ',P=' not in n]}; not shown: {[uids[u] for u in uids if u not in shown]}; not there: "
                                 f"{sorted(u for u in shown if u not in uids)}; twice: {len(files) - len(uids)}\n{server.log_text()[-1500:]}") from None
        fresh.command("NOOP")
        fresh.know()
        fresh.command("FETCH 1:* (UID FLAGS)")
        truth = [tuple(m) for m in fresh.picture]
        for s in sessions:
            s.command("NOOP")
            s.know()
            mine = [tuple(m) for m in s.picture]
            assert [m[0] for m in mine] == [m[0] for m in truth], (seed, s.name, s.qresync)
            assert mine == truth, (seed, s.name, [(a, b) for a, b in zip(mine, truth) if a != b][:5])
        print(f"6 sessions, {6 * steps} steps, {len(truth)} messages in the end; every picture is the folder")
        for s in (*sessions, fresh):
            s.close()
