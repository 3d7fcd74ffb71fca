"""What can a client do to the door where mail is read? The attacks of the catalogue that need the whole binary, many connections or
a look from outside; those that are one conversation are dialogues (test/dialog/imap). Sizes are small here; nothing asserts a time."""
import base64, contextlib, glob, os, random, re, socket, ssl, struct, time

import pytest

from imap_grammar import Grammar
from imap_listener import Listener
from server import Server, trusting, wait_for

# A quarantine would make every size look like a leak.
SANITIZER = {"ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0:quarantine_size_mb=1:thread_local_quarantine_size_kb=16"}
WIDE = """
[limits]
conn_per_source = 700
conn_guests = 700
conn_rate = 100000
free = "16 MiB"
size = "4 MiB"
"""
MIB = 1048576
TLS = trusting()  # reading the certificates of the world takes longer than a handshake


class Response:
    """One response, read as RFC 9051 9 has it and no other way. data: atoms and strings as bytes, None for NIL, lists as lists."""

    def __init__(self, octets):
        self.octets, self.at = octets, 0
        self.tag = self.atom()
        self.data, self.code, self.text = [], None, None
        if self.tag == b"+":
            self.text = octets[self.at:]
            return
        self.space()
        first = self.atom()
        self.data.append(first)
        if first in (b"OK", b"NO", b"BAD", b"BYE", b"PREAUTH"):
            self.space()
            if self.peek() == b"[":
                end = self.octets.index(b"]", self.at)
                self.code, self.at = self.octets[self.at + 1:end], end + 1
                self.space()
            self.text = self.octets[self.at:]
            if not re.fullmatch(rb"[\x20-\x7e]+", self.text):
                raise Grammar(f"text: {self.octets!r}")
            return
        while self.at < len(self.octets):
            self.space()
            self.data.append(self.value())

    def peek(self):
        return self.octets[self.at:self.at + 1]

    def space(self):
        if self.peek() != b" ":
            raise Grammar(f"space expected at {self.at}: {self.octets[max(0, self.at - 60):self.at + 60]!r}")
        self.at += 1

    def atom(self):
        m = re.compile(rb"[^\x00-\x20\x7f-\xff(){%*\"\[\]]+(?:\[[^\]\r\n]*\](?:<\d+>)?)?|\*").match(self.octets, self.at)
        if m is None:
            raise Grammar(f"atom expected at {self.at}: {self.octets[max(0, self.at - 60):self.at + 60]!r}")
        self.at = m.end()
        return m.group(0)

    def string(self):
        if self.peek() == b'"':
            m = re.compile(rb'"((?:[^"\\\r\n\x00]|\\["\\])*)"').match(self.octets, self.at)
            if m is None:
                raise Grammar(f"quoted string at {self.at}: {self.octets[self.at:self.at + 80]!r}")
            self.at = m.end()
            return re.sub(rb"\\(.)", rb"\1", m.group(1))
        m = re.compile(rb"~?\{(\d+)\}\r\n").match(self.octets, self.at)
        if m is None:
            raise Grammar(f"literal at {self.at}: {self.octets[self.at:self.at + 80]!r}")
        self.at = m.end() + int(m.group(1))
        value = self.octets[m.end():self.at]
        if m.group(0)[:1] != b"~" and b"\0" in value:
            raise Grammar("NUL in a literal")
        return value

    def value(self):
        """Without recursion: a server that nests deeply must not break its judge."""
        stack = [[]]
        while True:
            c = self.peek()
            if c == b"(":
                self.at += 1
                stack.append([])
                continue
            if c == b")" and len(stack) > 1:
                self.at += 1
                done = stack.pop()
            elif c in (b'"', b"{", b"~"):
                done = self.string()
            else:
                done = self.atom()
                done = None if done == b"NIL" else done
            stack[-1].append(done)
            if len(stack) == 1:
                return stack[0][0]
            # in BODYSTRUCTURE and addresses lists follow each other without a space
            if self.peek() == b" ":
                self.at += 1
            elif self.peek() not in (b")", b"("):
                raise Grammar(f"in a list at {self.at}: {self.octets[max(0, self.at - 60):self.at + 60]!r}")


class Talk:
    """One connection, spoken octet by octet."""

    def __init__(self, server, service="imaps", greeting=True, timeout=60):
        self.server, self.input, self.n, self.listener = server, b"", 0, Listener()
        self.sock = socket.create_connection((server.address, server.port(service)), timeout)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if service == "imaps":
            self.sock = TLS.wrap_socket(self.sock)
        if greeting:
            assert self.response().data[0] == b"OK"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def reset(self):
        """Away without a goodbye."""
        raw = self.sock
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raw.close()

    def send(self, octets):
        self.listener.sent(octets)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError, ssl.SSLError):
            self.sock.sendall(octets)

    def more(self):
        try:
            got = self.sock.recv(65536)
        except (ConnectionResetError, ssl.SSLError):
            got = b""
        if not got:
            self.listener.closed()
            raise EOFError(self.input)
        self.listener.heard(got)
        self.input += got

    def raw(self):
        whole = b""
        while True:
            while b"\r\n" not in self.input:
                self.more()
            line, self.input = self.input.split(b"\r\n", 1)
            whole += line
            m = re.search(rb"\{(\d+)\}$", line)
            if m is None:
                return whole
            while len(self.input) < int(m.group(1)):
                self.more()
            whole += b"\r\n" + self.input[:int(m.group(1))]
            self.input = self.input[int(m.group(1)):]

    def response(self):
        return Response(self.raw())

    def until(self, tag):
        heard = []
        while True:
            r = self.response()
            if r.tag == tag:
                return r, heard
            heard.append(r)

    def say(self, command):
        self.n += 1
        tag = b"t%d" % self.n
        self.send(tag + b" " + command + b"\r\n")
        return self.until(tag)

    def ok(self, command):
        r, heard = self.say(command)
        assert r.data[0] == b"OK", r.octets
        return heard

    def login(self, account="ann@local.example"):
        self.ok(b"LOGIN %s \"%s\"" % (account.encode(), self.server.accounts[account].encode()))
        return self

    def append(self, content, mailbox=b"INBOX"):
        self.n += 1
        tag = b"t%d" % self.n
        self.send(tag + b" APPEND %s {%d+}\r\n" % (mailbox, len(content)) + content + b"\r\n")
        r, _ = self.until(tag)
        assert r.data[0] == b"OK", r.octets

    def ended(self):
        """Nothing but a BYE comes, and the server has closed."""
        try:
            while True:
                r = self.response()
                if r.data[0] != b"BYE":
                    return f"more came: {r.octets[:200]!r}"
        except EOFError as e:
            return "" if not e.args[0] else f"left: {e.args[0]!r}"


@pytest.fixture(scope="module")
def server():
    with Server(extra=WIDE, env=SANITIZER) as s:
        yield s


@pytest.fixture
def ann(server):
    with Talk(server) as t:
        yield t.login()


def leftovers(server):
    return glob.glob(os.path.join(server.data, "**/tmp/*"), recursive=True)


def descriptors(server):
    names = {}
    for fd in os.listdir(f"/proc/{server.process.pid}/fd"):
        with contextlib.suppress(OSError):
            name = re.sub(r"\d+", "N", os.readlink(f"/proc/{server.process.pid}/fd/{fd}"))
            names[name] = names.get(name, 0) + 1
    return names


def resident(server):
    with open(f"/proc/{server.process.pid}/status") as f:
        return int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1)) * 1024


def sessions(server):
    return server.status()["imap"]


MAIL = b"From: A <a@b.example>\r\nSubject: part\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=q\r\n\r\n--q\r\n" \
    b"Content-Type: text/plain\r\n\r\nhello\r\n--q\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n" \
    b"\r\n" + base64.encodebytes(b"x" * 300000).replace(b"\n", b"\r\n") + b"--q--\r\n"

STAGES = {  # what is under way when the client goes away
    "greeting": (False, b""),
    "a command without end": (False, b"a NOO"),
    "a literal before login": (False, b"a LOGIN {300}\r\nabc"),
    "a mechanism": (False, b"a AUTHENTICATE PLAIN\r\n"),
    "logged in": (True, b""),
    "select": (True, b"a SELECT INBOX\r\n"),
    "fetch": (True, b"a SELECT INBOX\r\nb FETCH 1:* (ENVELOPE BODYSTRUCTURE BODY.PEEK[])\r\n"),
    "a decoded part": (True, b"a SELECT INBOX\r\nb FETCH 1:* BINARY.PEEK[2]\r\n"),
    "search": (True, b"a SELECT INBOX\r\nb SEARCH TEXT nowhere BODY nothing\r\n"),
    "store": (True, b"a SELECT INBOX\r\nb STORE 1:* +FLAGS (\\Flagged)\r\nc STORE 1:* -FLAGS (\\Flagged)\r\n"),
    "copy": (True, b"a SELECT Sent\r\nb UID COPY 1:* Sent\r\n"),
    "idle": (True, b"a SELECT INBOX\r\nb IDLE\r\n"),
    "append, no leave yet": (True, b"a APPEND Trash {200000}\r\n"),
    "append, half": (True, b"a APPEND Trash {200000+}\r\n" + b"Subject: half\r\n\r\n" + b"y" * 70000),
    "append, no end of line": (True, b"a APPEND Trash {20+}\r\nSubject: half\r\n\r\nxx\r"),
    "list": (True, b"a LIST \"\" * RETURN (STATUS (MESSAGES SIZE))\r\n"),
    "status": (True, b"a STATUS INBOX (MESSAGES)\r\nb STATUS Sent (SIZE)\r\n"),
    "logout": (True, b"a LOGOUT\r\n"),
}


def test_a_client_that_vanishes_at_any_stage_leaves_nothing(server):  # IMP-26
    chance = random.Random(26)
    with Talk(server).login() as t:
        for _ in range(4):
            t.append(MAIL)

    def round_of_all():
        stages = list(STAGES.values())
        chance.shuffle(stages)
        for logged_in, words in stages:
            t = Talk(server)
            if logged_in:
                t.login()
            t.send(words)
            if chance.random() < 0.5:
                with contextlib.suppress(EOFError, socket.timeout, ssl.SSLError, OSError):
                    t.sock.settimeout(chance.random() * 0.01)
                    t.sock.recv(1 << chance.randrange(16))
            chance.choice((t.close, t.reset))()

    def settle():
        wait_for(lambda: sessions(server)["live"] == 0)
        return {k: n for k, n in descriptors(server).items() if "index.sqlite" not in k}

    for _ in range(2):  # lanes have their threads
        round_of_all()
    before, heap = settle(), resident(server)
    for _ in range(3):
        round_of_all()
    wait_for(lambda: all(n <= before.get(k, 0) for k, n in settle().items()))  # what lingers closes by itself
    # an account's index keeps a few readers open for the next one
    assert all(n <= 5 for k, n in descriptors(server).items() if "index.sqlite" in k)
    wait_for(lambda: leftovers(server) == [])
    assert resident(server) - heap < 24 * MIB


def test_a_hundred_strangers_who_only_open_parentheses_cost_little(server):  # IMP-01
    before = resident(server)
    talks = [Talk(server, "imap") for _ in range(100)]
    for t in talks:
        t.send(b"a NOOP " + b"(" * 8000)
    assert resident(server) - before < 100 * 65536
    for t in talks:
        t.send(b"\r\n")
        assert t.response().octets.startswith(b"a BAD")
    for t in talks:
        t.close()


def test_a_stranger_is_shown_the_door_after_three_bad_commands(server):  # IMP-01
    with Talk(server, "imap") as t:
        for _ in range(3):
            t.send(b"a NOOP " + b"(" * 8000 + b"\r\n")
            assert t.response().data[0] == b"BAD"
        assert t.ended() == ""


def test_what_was_said_before_tls_is_never_done_behind_it(server):  # IMP-05
    with Talk(server, "imap") as t:
        t.send(b"a STARTTLS\r\nb LOGIN ann@local.example \"secret of ann\"\r\nc SELECT INBOX\r\n")
        assert t.ended() == ""
    with Talk(server, "imap") as t:
        r, _ = t.say(b"LOGIN ann@local.example \"secret of ann\"")
        assert r.code == b"PRIVACYREQUIRED"
        assert t.say(b"SELECT INBOX")[0].data[0] == b"BAD"
        r, heard = t.say(b"CAPABILITY")
        assert b"LOGINDISABLED" in heard[0].data and b"STARTTLS" in heard[0].data
        t.ok(b"STARTTLS")
        t.sock = TLS.wrap_socket(t.sock)
        r, heard = t.say(b"CAPABILITY")
        assert b"AUTH=PLAIN" in heard[0].data and b"STARTTLS" not in heard[0].data
        t.login()


def test_a_hundred_who_idle_all_hear_of_one_mail(server):  # IMP-15
    idlers = []
    for _ in range(100):
        t = Talk(server).login()
        t.ok(b"SELECT Archive")
        t.send(b"i IDLE\r\n")
        assert t.response().tag == b"+"
        idlers.append(t)
    with Talk(server).login() as t:
        t.append(MAIL, b"Archive")
        for i in idlers:
            assert i.response().octets == b"* 1 EXISTS"
        t.ok(b"SELECT Archive")
        t.ok(b"STORE 1 +FLAGS.SILENT (\\Deleted)")
        t.ok(b"EXPUNGE")
    for i in idlers:
        i.send(b"DONE junk\r\n")
        r, heard = i.until(b"i")
        assert r.data[0] == b"BAD" and heard[-1].octets == b"* 1 EXPUNGE"
        i.close()


def test_a_thousand_commands_in_one_write_are_done_in_order(server, ann):  # IMP-16
    for n in range(4):
        ann.append(b"From: a@b.example\r\nSubject: %d\r\n\r\n%d\r\n" % (n, n), b"Drafts")
    heard = ann.ok(b"SELECT Drafts")
    words = [b"NOOP", b"SEARCH ALL", b"STORE 1:* +FLAGS (\\Flagged)", b"STORE 1:* -FLAGS (\\Flagged)", b"FETCH 1:* (UID FLAGS)", b"EXPUNGE",
             b"UID SEARCH FLAGGED", b"STATUS INBOX (MESSAGES)"]
    ann.send(b"".join(b"p%d %s\r\n" % (n, words[n % len(words)]) for n in range(1000)))
    for n in range(1000):
        r, heard = ann.until(b"p%d" % n)
        assert r.data[0] == b"OK", r.octets
        word = words[n % len(words)]
        if word.startswith(b"STORE"):
            assert len(heard) == 4 and all((b"\\Flagged" in h.data[2][3]) == (b"+" in word) for h in heard), heard
        elif word == b"SEARCH ALL":
            assert [h.octets for h in heard] == [b"* SEARCH 1 2 3 4"]
        elif word.startswith(b"UID SEARCH"):
            assert [h.octets for h in heard] == [b"* SEARCH"]


def test_what_an_append_is_refused_for_leaves_nothing(server, ann):  # IMP-17
    ann.send(b"a APPEND INBOX {4194305}\r\n")
    assert ann.response().code == b"TOOBIG"
    for words in (b"INBOX (\\Recent) {3}", b"INBOX \"31-Feb-2020 00:00:00 +0000\" {3}", b"INBOX \"01-Jan-99999 00:00:00 +0000\" {3}",
                  b"INBOX (\\Seen {3}", b"INBOX"):
        assert ann.say(b"APPEND " + words)[0].data[0] == b"BAD", words
    nul = b"Subject: nul\r\n\r\na\0b\r\n"
    ann.send(b"n APPEND INBOX ~{%d+}\r\n%s\r\n" % (len(nul), nul))
    assert ann.until(b"n")[0].data[0] == b"NO"
    ann.append(b"Subject: lf\n\nbare\rcr\nend\r\n", b"Trash")
    ann.ok(b"SELECT Trash")
    heard = ann.ok(b"FETCH * BODY.PEEK[]")
    assert heard[0].data[2] == [b"BODY[]", b"Subject: lf\r\n\r\nbare\rcr\r\nend\r\n"]
    wait_for(lambda: leftovers(server) == [])


def test_what_a_client_says_of_itself_cannot_forge_the_log(server, ann):  # IMP-20
    ann.ok(b"ID (\"name\" \"\x1b[31mred\" \"v\" {8+}\r\na\r\nb\nc d)")
    assert ann.say(b"ID (" + b" ".join(b'"k%d" "v"' % n for n in range(31)) + b")")[0].data[0] == b"BAD"
    assert ann.say(b"ID (\"name\" {10240+}\r\n" + b"v" * 10240 + b")")[0].data[0] == b"BAD"
    wait_for(lambda: "imap id" in server.log_text())
    assert "\x1b" not in server.log_text() and "\nb" not in server.log_text()


ODD = [b"plain", b"with \\ and \"", b"\xc3\xa9t\xc3\xa9", b"\xff\xfe8bit", b"tab\there", b"=?utf-8?q?=0D=0AX-In: jected?=", b"(paren", b"{3}", b"]", b"NIL", b"",
       b"%s" % (b"long " * 300), b"a\rb"]


def test_no_content_breaks_out_of_a_response(server, ann):  # IMP-23
    ann.ok(b"CREATE Odd")
    for odd in ODD:
        quoted = odd.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
        ann.append(b"From: \"" + quoted + b"\" <\"" + quoted + b"\"@b.example>\r\nTo: " + odd + b":;, " + odd + b"\r\nSubject: " + odd +
                   b"\r\nMessage-ID: <" + odd + b">\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"q\"; x=\"" + quoted +
                   b"\"\r\nContent-Language: " + odd + b", (x)\r\n\r\n--q\r\nContent-Type: text/" + odd + b"; name=\"" + quoted +
                   b"\"\r\nContent-Disposition: " + odd + b"; filename=\"" + quoted + b"\"\r\nContent-ID: " + odd + b"\r\nContent-Description: " +
                   odd + b"\r\nContent-Transfer-Encoding: " + odd + b"\r\n\r\nx\r\n--q\r\nContent-Type: message/rfc822\r\n\r\nSubject: " + odd +
                   b"\r\n\r\ninner\r\n--q--\r\n", b"Odd")
    ann.ok(b"SELECT Odd")
    heard = ann.ok(b"FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODY BODYSTRUCTURE)")
    assert len(heard) == len(ODD)
    for r in heard:
        items = dict(zip(r.data[2][::2], r.data[2][1::2]))
        assert len(items[b"ENVELOPE"]) == 10 and len(items) == 7, r.octets
        assert all(a is None or all(len(x) == 4 for x in a) for a in items[b"ENVELOPE"][2:8])
        for body in (items[b"BODY"], items[b"BODYSTRUCTURE"]):
            parts = [p for p in body if isinstance(p, list) and p and isinstance(p[0], bytes) and p[0].lower() in (b"text", b"message", b"application")]
            assert parts, r.octets
    for name in (b"a\"b\\c", b"(list)", b"{5}", b"100%", b"sp ace", b"]", b"&AOk-t&AOk-", b"NIL", b"~t"):
        quoted = b'"' + name.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'
        r, _ = ann.say(b"CREATE " + quoted)
        if r.data[0] != b"OK":  # some names cannot be; then they are said so and are not there
            assert r.code == b"CANNOT", r.octets
            continue
        assert ann.ok(b"LIST \"\" " + quoted.replace(b"%", b"%"))[0].data[-1] == name
        assert ann.ok(b"STATUS " + quoted + b" (MESSAGES)")[0].data[1] == name
        ann.ok(b"DELETE " + quoted)


def test_a_client_that_does_not_read_costs_one_buffer(server, ann):  # IMP-25
    for _ in range(3):
        ann.append(b"Subject: large\r\n\r\n" + (b"z" * 70 + b"\r\n") * 50000, b"Junk")
    ann.ok(b"SELECT Junk")
    before = resident(server)
    ann.send(b"a FETCH 1:* BODY.PEEK[]\r\nb FETCH 1:* BODY.PEEK[]\r\nc FETCH 1:* BODY.PEEK[]\r\n")
    time.sleep(1)
    assert resident(server) - before < 16 * MIB
    assert sum(len(r.data[2][1]) for tag in (b"a", b"b", b"c") for r in ann.until(tag)[1]) == 9 * (18 + 50000 * 72)


def test_all_of_a_folder_is_told_in_little_memory(server, ann):  # IMP-08
    ann.ok(b"CREATE Whole")
    ann.append(b"Subject: one of many\r\n\r\n" + (b"z" * 70 + b"\r\n") * 1000, b"Whole")
    ann.ok(b"SELECT Whole")
    for _ in range(10):
        ann.ok(b"COPY 1:* Whole")
    ann.ok(b"FETCH 1:* (ENVELOPE)")
    before = resident(server)
    for items in (b"ALL", b"BODY.PEEK[]"):
        ann.send(b"a FETCH 1:* %s\r\n" % items)
        told = most = 0
        while not (line := ann.raw()).startswith(b"a "):
            told += line.startswith(b"* %d FETCH (" % (told + 1))
            most = max(most, resident(server)) if told % 64 == 0 else most
        assert line.startswith(b"a OK") and told == 1024
        assert most - before < 20 * MIB
    ann.ok(b"CLOSE")
    ann.ok(b"DELETE Whole")


def test_what_cannot_be_read_leaves_no_result(server, ann):
    ann.ok(b"CREATE Damaged")
    ann.append(b"Subject: x\r\n\r\nhello\r\n", b"Damaged")
    ann.ok(b"SELECT Damaged")
    ann.ok(b"UID SEARCH RETURN (UPDATE COUNT) OR KEYWORD Now BODY hello")
    path, = (os.path.join(top, name) for top, _, names in os.walk(os.path.join(server.data, "mail")) for name in names
             if "Damaged/" in top and "S=" in name)
    with open(path, "r+b") as f:
        f.truncate(5)
    ann.ok(b"STORE 1 +FLAGS.SILENT (\\Answered)")
    ann.ok(b"FETCH 1 (BODYSTRUCTURE)")
    heard = [r.octets for _ in range(20) for r in ann.ok(b"NOOP") if time.sleep(0.02) is None]
    assert not [o for o in heard if b"REMOVEFROM" in o]
    ann.ok(b"CLOSE")


def test_a_message_expunged_while_it_is_sent_keeps_its_names(server, ann):
    """More than any socket holds, so the end of the response is made after the message went."""
    ann.ok(b"CREATE Leaving")
    ann.append(b"Subject: large\r\n\r\n" + (b"z" * 70 + b"\r\n") * 50000, b"Leaving")
    ann.ok(b"SELECT Leaving")
    names = ann.ok(b"FETCH 1 (EMAILID THREADID)")[0].data[2]
    pieces = b" ".join(b"BODY.PEEK[]<%d.3600000>" % i for i in range(5))
    ann.send(b"a FETCH 1 (" + pieces + b" EMAILID THREADID)\r\n")
    ann.more()
    with Talk(server).login() as other:
        other.ok(b"SELECT Leaving")
        other.ok(b"STORE 1 +FLAGS (\\Deleted)")
        other.ok(b"EXPUNGE")
    r, heard = ann.until(b"a")
    assert r.data[0] in (b"OK", b"NO")
    assert [h.data[2][-4:] for h in heard if b"EMAILID" in (h.data[2] if len(h.data) > 2 else ())] == [names]
    ann.ok(b"NOOP")


def test_a_folder_deleted_under_a_session_is_gone_and_nothing_else(server, ann):  # IMP-28
    ann.ok(b"CREATE Short")
    ann.append(MAIL, b"Short")
    with Talk(server).login() as other, Talk(server).login() as idler:
        other.ok(b"SELECT Short")
        idler.ok(b"SELECT Short")
        idler.send(b"i IDLE\r\n")
        assert idler.response().tag == b"+"
        ann.ok(b"DELETE Short")
        for words in (b"FETCH 1 UID", b"UID SEARCH ALL", b"STORE 1 +FLAGS (\\Seen)", b"UID COPY 1 INBOX", b"EXPUNGE", b"CHECK", b"UID MOVE 1 Trash"):
            r, _ = other.say(words)
            assert r.code == b"NONEXISTENT", r.octets
        other.ok(b"NOOP")
        other.ok(b"STATUS INBOX (MESSAGES)")
        other.ok(b"CLOSE")
        other.ok(b"SELECT INBOX")
        idler.send(b"DONE\r\n")
        r, heard = idler.until(b"i")
        assert r.data[0] == b"OK" and heard[0].code == b"NONEXISTENT"
        idler.ok(b"SELECT INBOX")
        # one of the same name is another one
        ann.ok(b"CREATE Short")
        assert b"* 0 EXISTS" in [r.octets for r in other.ok(b"SELECT Short")]
        ann.ok(b"DELETE Short")
