#!/usr/bin/python3
"""Play the IMAP dialogues of a folder against a server: imap.py SERVER FOLDER [NAME...]

SERVER is a program called as SERVER CONFIG IMAP IMAPS that says "ready" and stops at SIGTERM. Each dialogue has an account of its own, ${user}, and
begins logged in over TLS, unless its first step is a connect. One line, one step; a digit behind the verb names another client (C2, S2, T2 ...):
  C text         send text and CRLF              C+ text       send text as it is
  S prefix       the next response begins so     S= text       is exactly this         S~ regex   matches whole
  T tag prefix   read up to the tagged answer, which begins so; the untagged before it are collected
  L prefix       some collected response begins so;  L= exactly;  L~ regex somewhere in it;  L! none begins so
  N n regex      n collected responses hold the regex
  A tag mailbox (flags) content     APPEND content, waiting for leave; the tagged OK is read and collected
  login [user]   connect over TLS and log in     connect [imap|imaps]   the greeting is read and collected
  deflate        COMPRESS was answered: compress from now on
  starttls       handshake now                   eof           the server has closed (untagged BYE may come before)
  silent         nothing comes for 0.3 s         close         hang up
  repeat N ...   N times the rest of the line; "%d" becomes the count
A response holds its literals, with their line ends. Escapes: \\r \\n \\t \\0 \\\\ \\xNN, and ${text*N}. A line of "#" is a comment; "#!" gives the account
a line of configuration. All that comes is read by support/imap_listener.py too."""
import glob, os, re, socket, ssl, sys, tempfile, zlib

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path += [HERE, os.path.join(os.path.dirname(HERE), "support")]
import imap_listener
from under_test import Fault, each, free_ports, run, unescape

CONFIG = """
hostname = "mail.local.example"
data = "%(dir)s"
[tls]
certificate = "cert.pem"
key = "key.pem"
[limits]
size = "1 MiB"
free = "1 MiB"
[domain."local.example"]
"""
ACCOUNT = """[account.u%(n)03d]
addresses = ["u%(n)03d@local.example"]
"""


class Client:
    """Reads responses; every octet of them also goes through the grammar."""

    def __init__(self, ports, kind):
        self.input, self.lines, self.grammar = b"", [], imap_listener.Listener()
        self.inflate = self.deflate = None
        self.gone, self.early = False, ""  # for imap_law.py
        self.sock = socket.create_connection(("127.0.0.1", ports[kind]), timeout=20)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if kind == "imaps":
            self.handshake()

    def handshake(self):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self.input = b""
        self.grammar.secured()
        self.sock = context.wrap_socket(self.sock, server_hostname="mail.local.example")

    def more(self):
        try:
            got = self.sock.recv(65536)
        except socket.timeout:
            raise Fault("no answer; left %r" % self.input[:200])
        except (ConnectionResetError, ssl.SSLError):
            got = b""
        try:
            if not got:
                self.grammar.closed()
                raise Fault("closed; left %r" % self.input[:200])
            got = got if self.inflate is None else self.inflate.decompress(got)
            self.grammar.heard(got)
        except imap_listener.Grammar as e:
            raise Fault("grammar: %s" % e)
        self.input += got

    def send(self, octets):
        self.grammar.sent(octets)
        if self.deflate is not None:
            octets = self.deflate.compress(octets) + self.deflate.flush(zlib.Z_SYNC_FLUSH)
        self.sock.sendall(octets)

    def response(self):
        whole = b""
        while True:
            while b"\r\n" not in self.input:
                self.more()
            line, self.input = self.input.split(b"\r\n", 1)
            whole += line
            literal = re.search(rb"\{(\d+)\}$", line)
            if literal is None:
                return whole.decode("latin-1")
            n = int(literal.group(1))
            while len(self.input) < n:
                self.more()
            whole += b"\r\n" + self.input[:n]
            self.input = self.input[n:]

    def tagged(self, tag, prefix):
        self.lines = []
        while True:
            line = self.response()
            self.lines.append(line)
            if line.startswith(tag + " "):
                break
        if not line.startswith(tag + " " + prefix):
            raise Fault("got %r" % self.lines[-5:])


class Player:
    def __init__(self, ports, user, folder):
        self.ports, self.user, self.folder, self.clients = ports, user, folder, {}

    def login(self, name, user):
        c = self.clients[name] = Client(self.ports, "imaps")
        c.response()
        c.send(b"l LOGIN %s secret\r\n" % user.encode())
        c.tagged("l", "OK")

    def step(self, verb, name, rest):
        if verb == "login":
            self.login(name, rest or self.user)
            return
        if verb == "connect":
            c = self.clients[name] = Client(self.ports, rest or "imaps")
            c.lines = [c.response()]
            return
        c = self.clients[name]
        if verb in ("C", "C+"):
            try:
                c.send(unescape(rest) + (b"\r\n" if verb == "C" else b""))
            except (ConnectionResetError, BrokenPipeError, ssl.SSLError):
                pass
        elif verb in ("S", "S=", "S~"):
            got = c.response()
            want = rest if verb == "S~" else unescape(rest).decode("latin-1")
            ok = {"S": got.startswith(want), "S=": got == want, "S~": re.fullmatch(rest, got, re.S) is not None if verb == "S~" else False}[verb]
            if not ok:
                raise Fault("got %r" % got[:600])
        elif verb == "T":
            tag, _, prefix = rest.partition(" ")
            c.tagged(tag, prefix)
        elif verb in ("L", "L=", "L~", "L!"):
            want = rest if verb == "L~" else unescape(rest).decode("latin-1")
            found = any({"L": l.startswith(want), "L=": l == want, "L!": l.startswith(want)}.get(verb, False) or
                        (verb == "L~" and re.search(rest, l, re.S)) for l in c.lines)
            if bool(found) == (verb == "L!"):
                raise Fault("among %r" % [l[:300] for l in c.lines[-12:]])
        elif verb == "N":
            n, _, regex = rest.partition(" ")
            found = sum(1 for l in c.lines if re.search(regex, l, re.S))
            if found != int(n):
                raise Fault("%d among %r" % (found, c.lines[-12:]))
        elif verb == "A":
            tag, mailbox, rest = rest.split(" ", 2)
            flags, content = re.match(r"(\([^)]*\)) (.*)", rest).groups()
            content = unescape(content)
            c.send(unescape("%s APPEND %s %s {%d}\r\n" % (tag, mailbox, flags, len(content))))
            got = c.response()
            if not got.startswith("+ "):
                raise Fault("got %r" % got)
            c.send(content + b"\r\n")
            c.tagged(tag, "OK")
        elif verb == "deflate":
            c.inflate, c.deflate = zlib.decompressobj(-15), zlib.compressobj(6, zlib.DEFLATED, -15)
        elif verb == "starttls":
            c.handshake()
        elif verb == "eof":
            try:
                while True:
                    got = c.response()
                    if not got.startswith("* BYE"):
                        raise Fault("expected the end, got %r" % got)
            except Fault as e:
                if not str(e).startswith("closed"):
                    raise
        elif verb == "silent":
            c.sock.settimeout(0.3)
            try:
                got = c.response()
            except Fault as e:
                if not str(e).startswith("no answer"):
                    raise
            else:
                raise Fault("expected silence, got %r" % got)
            c.sock.settimeout(20)
        elif verb == "close":
            c.sock.close()
        elif verb == "repeat":
            n, again, more = rest.split(" ", 2)
            for i in range(int(n)):
                self.step(again, name, more.replace("%d", str(i)))
        else:
            raise Fault("unknown step")

    def play(self, path):
        with open(path, encoding="utf-8") as f:
            steps = [(n, l.rstrip("\n")) for n, l in enumerate(f, 1)]
        steps = [(n, l) for n, l in steps if l.strip() and not l.startswith("#")]
        if not steps[0][1].startswith("connect"):
            self.login("", self.user)
        for n, text in steps:
            text = text.replace("${user}", self.user)
            verb, _, rest = text.partition(" ")
            m = re.fullmatch(r"([A-Za-z]+)(\d?)([=~!+]?)", verb)
            try:
                self.step(m.group(1) + m.group(3), m.group(2), rest)
            except (Fault, OSError) as e:
                raise Fault("%s:%d: %s: %s" % (os.path.basename(path), n, text[:120], e))
        for c in self.clients.values():
            c.sock.close()


def extra(path):
    with open(path, encoding="utf-8") as f:
        return "".join(line[2:].strip() + "\n" for line in f if line.startswith("#!"))


def main():
    server, folder, names = sys.argv[1], sys.argv[2], sys.argv[3:]
    paths = [p for p in sorted(glob.glob(os.path.join(folder, "*.txt"))) if not names or os.path.basename(p)[:-4] in names]
    dirname = tempfile.mkdtemp(prefix="dialog-imap-")
    numbers = free_ports(2)
    ports = dict(zip(("imap", "imaps"), numbers))

    def play_one(n, path):
        Player(ports, "u%03d" % n, os.path.join(dirname, "mail", "u%03d" % n)).play(path)

    config = CONFIG % {"dir": dirname} + "".join(ACCOUNT % {"n": n} + extra(p) for n, p in enumerate(paths))
    sys.exit(run(server, dirname, config, numbers, lambda process, faults: each(process, faults, paths, play_one)))


if __name__ == "__main__":
    main()
