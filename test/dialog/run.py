#!/usr/bin/python3
"""Play the dialogues of a folder against a server: run.py [--real] SERVER FOLDER [NAME...]

SERVER is a program called as SERVER CONFIG SMTP SUBMISSION SUBMISSIONS that says "ready" and stops at SIGTERM.
A dialogue is a text file; one line, one step:
  C text          send text and CRLF              C+ text       send text as it is
  S prefix        read one whole reply; its last line begins so
  L text          some line of the last reply is exactly this      L! text   no line is
  eof             the server has closed           silent        nothing comes for 0.3 s
  connect [port]  a new connection (smtp, submission, submissions), whose greeting is read; connect! reads nothing
  starttls        handshake now                   close         hang up
  stored N        N messages were stored since the dialogue began; queued N likewise
  has text        the newest message stored or queued holds text; hasnt text; count N text
  in FOLDER       the newest message lies in mail/FOLDER/new
  only fake       skipped with --real: speaks of what only the store in memory does
  repeat N ...    N times the rest of the line
Escapes: \\r \\n \\t \\0 \\\\ \\xNN, and ${text*N} for N times text. A line of "#" is a comment. Each dialogue begins connected to smtp, greeting read,
unless its first step is a connect."""
import glob, os, re, socket, ssl, sys, tempfile, time

from under_test import Fault, each, free_ports, run, unescape

CONFIG = """
hostname = "mail.local.example"
data = "%(dir)s"
[tls]
certificate = "cert.pem"
key = "key.pem"
[limits]
size = "1 MiB"
queue = 4
[domain."local.example"]
[domain."xn--bcher-kva.example"]
[domain."keyless.example"]
[account.alice]
addresses = ["alice@local.example", "alice@xn--bcher-kva.example", "alice@keyless.example"]
[account.bob]
addresses = ["bob@local.example"]
[account.full]
addresses = ["full@local.example"]
quota = "1 KiB"
[alias]
"both@local.example" = ["alice", "bob"]
"""


class Player:
    def __init__(self, dirname, ports):
        self.dir, self.ports = dirname, ports
        self.sock, self.input, self.lines = None, b"", []
        self.seen = {"mail": set(self.files("mail")), "queue": set(self.files("queue"))}

    def files(self, kind):
        pattern = {"mail": "mail/**/new/*", "queue": "queue/*"}[kind]
        found = glob.glob(os.path.join(self.dir, pattern), recursive=True)
        found += glob.glob(os.path.join(self.dir, "mail/*/.*/new/*")) if kind == "mail" else []
        return [f for f in set(found) if os.path.isfile(f) and ".sqlite" not in f and not f.endswith(".lock")]

    def fresh(self, kind):
        return [f for f in self.files(kind) if f not in self.seen[kind]]

    def newest(self):
        found = self.fresh("mail") + self.fresh("queue")
        if not found:
            raise Fault("nothing was stored")
        name = max(found, key=lambda f: (os.stat(f).st_ctime_ns, f))
        with open(name, "rb") as f:
            return name, f.read()

    def connect(self, port, greeting):
        self.hang_up()
        self.sock = socket.create_connection(("127.0.0.1", self.ports[port]), timeout=10)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if port == "submissions":
            self.handshake()
        if greeting:
            self.reply("220")

    def handshake(self):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self.input = b""
        self.sock = context.wrap_socket(self.sock, server_hostname="mail.local.example")

    def hang_up(self):
        if self.sock is not None:
            self.sock.close()
        self.sock, self.input = None, b""

    def line(self):
        while b"\r\n" not in self.input:
            try:
                more = self.sock.recv(65536)
            except socket.timeout:
                raise Fault("no reply")
            except (ConnectionResetError, ssl.SSLError):
                more = b""
            if not more:
                raise Fault("closed; left %r" % self.input)
            self.input += more
        line, self.input = self.input.split(b"\r\n", 1)
        return line.decode("latin-1")

    def reply(self, prefix):
        self.lines = [self.line()]
        while len(self.lines[-1]) > 3 and self.lines[-1][3] == "-":
            self.lines.append(self.line())
        if not all(re.match(r"[2-5][0-5][0-9][ -]", l) and l[:3] == self.lines[0][:3] for l in self.lines):
            raise Fault("no reply: %r" % self.lines)
        if not self.lines[-1].startswith(prefix):
            raise Fault("expected %r, got %r" % (prefix, self.lines))

    def step(self, verb, rest):
        if verb in ("C", "C+"):
            try:
                self.sock.sendall(unescape(rest) + (b"\r\n" if verb == "C" else b""))
            except (ConnectionResetError, BrokenPipeError, ssl.SSLError):
                pass
        elif verb == "S":
            self.reply(rest)
        elif verb in ("L", "L!"):
            if (rest in [l[4:] for l in self.lines]) != (verb == "L"):
                raise Fault("%s in %r" % (rest, self.lines))
        elif verb == "eof":
            try:
                got = self.line()
            except Fault as e:
                if not str(e).startswith("closed"):
                    raise
            else:
                raise Fault("expected the end, got %r" % got)
        elif verb == "silent":
            self.sock.settimeout(0.3)
            try:
                got = self.line()
            except Fault as e:
                if str(e) != "no reply":
                    raise
            else:
                raise Fault("expected silence, got %r" % got)
            self.sock.settimeout(10)
        elif verb in ("connect", "connect!"):
            self.connect(rest or "smtp", verb == "connect")
        elif verb == "starttls":
            self.handshake()
        elif verb == "close":
            self.hang_up()
            time.sleep(0.1)
        elif verb in ("stored", "queued"):
            n = len(self.fresh("mail" if verb == "stored" else "queue"))
            if n != int(rest):
                raise Fault("%s %d" % (verb, n))
        elif verb in ("has", "hasnt"):
            name, content = self.newest()
            if (unescape(rest) in content) != (verb == "has"):
                raise Fault("%s: %s" % (name, content[:2000].decode("latin-1")))
        elif verb == "count":
            n, text = rest.split(" ", 1)
            if self.newest()[1].count(unescape(text)) != int(n):
                raise Fault("%s: %s" % (rest, self.newest()[1][:2000].decode("latin-1")))
        elif verb == "in":
            if not self.newest()[0].startswith(os.path.join(self.dir, "mail", rest, "new")):
                raise Fault("lies in %s" % self.newest()[0])
        elif verb == "repeat":
            n, again, *more = rest.split(" ", 2)
            for _ in range(int(n)):
                self.step(again, more[0] if more else "")
        else:
            raise Fault("unknown step")

    def play(self, path):
        with open(path, encoding="utf-8") as f:
            steps = [(n, l.rstrip("\n")) for n, l in enumerate(f, 1)]
        steps = [(n, l) for n, l in steps if l.strip() and not l.startswith("#") and l != "only fake"]
        if not steps[0][1].startswith("connect"):
            self.connect("smtp", True)
        for n, text in steps:
            verb, _, rest = text.partition(" ")
            try:
                self.step(verb, rest)
            except (Fault, OSError) as e:
                raise Fault("%s:%d: %s: %s" % (os.path.basename(path), n, text[:80], e))
        self.hang_up()


def main():
    real = sys.argv[1] == "--real"
    server, folder, *names = sys.argv[2 if real else 1:]
    dirname = tempfile.mkdtemp(prefix="dialog-")
    numbers = free_ports(3)
    ports = dict(zip(("smtp", "submission", "submissions"), numbers))

    def is_wanted(path):
        with open(path) as f:
            return (not names or os.path.basename(path)[:-4] in names) and not (real and any(l.strip() == "only fake" for l in f))

    def play(process, faults):
        paths = [p for p in sorted(glob.glob(os.path.join(folder, "*.txt"))) if is_wanted(p)]
        each(process, faults, paths, lambda n, path: Player(dirname, ports).play(path))

    sys.exit(run(server, dirname, CONFIG % {"dir": dirname}, numbers, play))


if __name__ == "__main__":
    main()
