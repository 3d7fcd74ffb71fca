"""Does an IMAP server say only what it may, when it may? Listener follows one connection: what was sent is told to it with sent(), what came with
heard(). Each octet is read by imap_grammar.py; and without a model of the mailbox a server is held to this: a greeting first; each tag answered
once, in order, and never one that was not sent; nothing behind a BYE; no message number that changes while it is used; no response that has been
replaced by what the client enabled. Watched and ImapLib are a socket and Python's client with a listener inside."""
import collections, imaplib, re

from imap_grammar import BASE64, Grammar, More, Reader

RESPONSE_MOST = 1 << 27
ENDS = re.compile(rb"(~?)\{(\d+)(\+?)\}$")
NO_EXPUNGE = frozenset(b"FETCH STORE SEARCH SORT THREAD".split())  # RFC 9051 7.5.1, RFC 5256 3


class Command:
    def __init__(self, tag, name, line):
        self.tag, self.name, self.line, self.lines = tag, name, line, 0

    def takes_line(self, line):
        """What is sent while it runs and is no command: the end of IDLE, the answers of AUTHENTICATE."""
        self.lines += 1
        return self.name == b"IDLE" and self.lines == 1 or self.name == b"AUTHENTICATE" and b" " not in line

    def __repr__(self):
        return f"{self.tag!r} {self.name!r}"


class Listener:
    """One connection, from its greeting. Keeps one response and what was asked and is not answered."""

    def __init__(self):
        self.input, self.wanted = bytearray(), 0
        self.greeted = self.bye = self.over = False
        self.enabled, self.notify = set(), False
        self.line, self.inside, self.skip, self.skipped, self.pending = b"", False, 0, False, []
        self.responses, self.compressed = 0, False
        self.said, self.refused = collections.deque(maxlen=2000), collections.deque(maxlen=200)  # command lines; (line, answer) where it was not OK

    # --- what the client says: only so much of it as is needed to know its tags ---

    def sent(self, octets):
        octets = bytes(octets)
        while octets:
            if self.skip:
                n = min(self.skip, len(octets))
                self.skip, self.skipped, octets = self.skip - n, True, octets[n:]
                continue
            at = octets.find(b"\n")
            if at < 0:
                self.line += octets
                return
            self.command((self.line + octets[:at]).removesuffix(b"\r"))
            self.line, octets = b"", octets[at + 1:]

    def command(self, line):
        """A line. A command is waited for from its first line on, since its literal may be refused."""
        goes_on, literal = self.inside, ENDS.search(line)
        self.inside = literal is not None and int(literal.group(2)) <= 1 << 26
        if self.inside:
            self.skip, self.skipped = int(literal.group(2)), bool(literal.group(3))
        last = self.pending[-1] if self.pending else None
        if goes_on or last and last.takes_line(line):
            return
        words = line.split(b" ")
        name = words[1].upper() if len(words) > 1 else b""
        if name == b"UID" and len(words) > 2:
            name = b"UID " + words[2].upper()
        self.pending.append(Command(words[0], name, line))
        self.said.append(line)
        self.notify |= name == b"NOTIFY"

    def secured(self):
        """TLS begins: what was sent before it in clear is not answered."""
        self.closed()
        self.pending, self.line, self.inside, self.skip = [], b"", False, 0

    # --- what the server says ---

    def heard(self, octets):
        """Raises Grammar; what is complete is taken, the rest waits."""
        self.input += octets
        while self.input and len(self.input) >= self.wanted:
            reader = Reader(self.input, bool(self.enabled & {b"IMAP4REV2", b"UTF8=ACCEPT"}))
            try:
                found = reader.response()
            except More as more:
                self.wanted = more.args[0]
                if self.wanted > RESPONSE_MOST:
                    reader.fail("a response of a reasonable size")
                return
            self.judge(found, bytes(self.input[:min(reader.at, 300)]))
            del self.input[:reader.at]
            self.wanted, self.responses = 0, self.responses + 1

    def closed(self):
        if self.input:
            raise Grammar(f"closed in the middle of a response: {bytes(self.input[:300])!r}")

    def judge(self, found, octets):
        def no(why):
            raise Grammar(f"{why}: {octets!r} while {self.pending[:3]!r}")

        if self.over:
            no("nothing comes behind the answer to LOGOUT")
        if not self.greeted:
            if found[0] != "*" or found[1] not in ("OK", "PREAUTH", "BYE"):
                no("the greeting is OK, PREAUTH or BYE")
            self.greeted = True
        if found[0] == "*":
            self.judge_untagged(found, no)
        elif self.bye and self.current() != b"LOGOUT":
            no("nothing comes behind a BYE")
        elif found[0] == "+":
            if not self.pending:
                no("nobody waits for leave to go on")
            if self.current() == b"AUTHENTICATE" and not BASE64.fullmatch(found[1]):
                no("a challenge is base64")
        else:
            self.answered(found, no)

    def current(self):
        return self.pending[0].name if self.pending else b""

    def judge_untagged(self, found, no):
        name = found[1]
        if self.bye:
            no("nothing comes behind a BYE")
        if name == "BYE":
            self.bye = True
        elif name == "PREAUTH" and self.responses:
            no("PREAUTH is a greeting")
        elif name == "ENABLED":
            self.enabled |= {x.upper() for x in found[2]}
        elif name in ("RECENT", "SEARCH") and b"IMAP4REV2" in self.enabled:
            no("RFC 9051 has no " + name)
        elif name == "EXPUNGE" and self.enabled & {b"QRESYNC", b"UIDONLY"}:
            no("VANISHED is said instead (RFC 7162 3.2.10, RFC 9586 3.3)")
        elif name == "FETCH" and b"UIDONLY" in self.enabled:
            no("UIDFETCH is said instead (RFC 9586 3.3)")
        elif name == "UIDFETCH" and b"UIDONLY" not in self.enabled:
            no("UIDFETCH needs UIDONLY")
        elif name == "VANISHED" and not found[2] and not self.enabled & {b"QRESYNC", b"UIDONLY"}:
            no("VANISHED needs QRESYNC")
        elif name == "ESEARCH" and not {b"ADDTO", b"REMOVEFROM"} & found[4].keys():
            if found[2].get(b"TAG", self.pending and self.pending[0].tag) not in [one.tag for one in self.pending]:
                no("a TAG that waits for no answer")
        if not self.notify and self.current() in NO_EXPUNGE and (name == "EXPUNGE" or name == "VANISHED" and not found[2]):
            no("message numbers change while they are used")

    def answered(self, found, no):
        tag = found[0].encode()
        at = next((n for n, one in enumerate(self.pending) if one.tag == tag), None)
        if at is None:
            no("a tag that waits for no answer")
        name = self.pending[at].name
        if found[1] != "OK":
            self.refused.append((self.pending[at].line, found[1:]))
        self.compressed |= name == b"COMPRESS" and found[1] == "OK"
        del self.pending[:at + 1]
        if self.inside and not self.skipped and not self.pending:
            self.skip, self.inside = 0, False  # the literal was not taken and will not be sent
        if name == b"LOGOUT" and found[1] == "OK":
            if not self.bye:
                no("BYE comes before the answer to LOGOUT (RFC 9051 6.1.3)")
            self.over = True
        if name == b"UNAUTHENTICATE" and found[1] == "OK":
            self.enabled.clear()
            self.notify = False
        if found[1] == "OK" and found[2] is not None and found[2][0] in (b"TRYCREATE", b"NONEXISTENT", b"CANNOT"):
            no("what failed is not OK")


class Watched:
    """A connected socket and its file at once: sendall, readline, read, close."""

    def __init__(self, sock):
        self.sock, self.listener, self.input = sock, Listener(), b""

    def sendall(self, octets):
        self.listener.sent(octets)
        self.sock.sendall(octets)

    def more(self):
        got = self.sock.recv(65536)
        if got:
            self.listener.heard(got)
        else:
            self.listener.closed()
        self.input += got
        return bool(got)

    def readline(self):
        while b"\n" not in self.input and self.more():
            pass
        at = self.input.find(b"\n") + 1 or len(self.input)
        return self.taken(at)

    def read(self, n):
        while len(self.input) < n and self.more():
            pass
        return self.taken(n)

    def taken(self, n):
        found, self.input = self.input[:n], self.input[n:]
        return found

    def close(self):
        self.sock.close()


class ImapLib(imaplib.IMAP4_SSL):
    def __init__(self, *arguments, **options):
        self.listener = Listener()
        super().__init__(*arguments, **options)

    def send(self, data):
        self.listener.sent(data)
        super().send(data)

    def readline(self):
        got = super().readline()
        self.listener.heard(got)
        return got

    def read(self, size):
        got = super().read(size)
        self.listener.heard(got)
        return got
