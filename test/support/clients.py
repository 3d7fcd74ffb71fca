"""What tests with other people's mail programs share: mail whose Message-ID says its number, what a folder holds by that number, a terminal for
programs that want one, and a tee between a program and the server that reads all that is said and keeps what was refused."""
import fcntl, glob, imaplib, os, pty, re, select, shutil, signal, socket, ssl, struct, subprocess, termios, threading, time, zlib

import pytest

from imap_listener import Grammar, Listener
from server import trusting

# Nothing is judged where a client is what is tried. A table may follow: [limits] is the last.
SETTINGS = """
[score]
reject = "off"
junk = "off"
[limits]
free = "16 MiB"
"""
PASSWORD = "secret of ann"


def need(program):
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")


def run(*command, input=None, env=None, code=0, timeout=120):
    done = subprocess.run(command, input=input, capture_output=True, timeout=timeout, env=dict(os.environ, **(env or {})))
    assert done.returncode == code, f"{command}: {done.returncode}\n{done.stdout[-3000:].decode('latin1')}\n{done.stderr[-3000:].decode('latin1')}"
    return done.stdout


def text(number, subject=None, sender="bob@far.example"):
    return (f"From: Bob <{sender}>\r\nTo: ann@local.example\r\nSubject: {subject or f'number {number}'}\r\nDate: Mon, 6 Jul 2026 10:{number % 60:02}:00 +0000\r\n"
            f"Message-ID: <n{number}@far.example>\r\n\r\nThis is message number {number}.\r\n").encode()


def deliver(server, count, first=0):
    with server.smtp() as client:
        for n in range(first, first + count):
            client.sendmail("bob@far.example", ["ann@local.example"], text(n))


def listing(client, folder):
    """Message-ID number -> (flags, octets) of a folder."""
    kind, _ = client.select(f'"{folder}"', readonly=True)
    assert kind == "OK"
    kind, data = client.fetch("1:*", "(FLAGS BODY.PEEK[])") if int(client.response("EXISTS")[1][-1] or 0) else ("OK", [])
    found = {}
    for row in data:
        if isinstance(row, tuple):
            flags = {f.decode() for f in imaplib.ParseFlags(row[0])} - {"\\Recent"}
            number = int(re.search(rb"(?im)^Message-ID: <n(\d+)@", row[1]).group(1))
            assert number not in found, f"{number} twice in {folder}"
            found[number] = (flags, row[1])
    return found


def numbers(maildir):
    """number -> path of the files of a Maildir"""
    found = {}
    for path in glob.glob(f"{maildir}/new/*") + glob.glob(f"{maildir}/cur/*"):
        with open(path, "rb") as f:
            number = int(re.search(rb"(?im)^Message-ID: <n(\d+)@", f.read()).group(1))
        assert number not in found, f"{number} twice in {maildir}"
        found[number] = path
    return found


def letters_of(path):
    return set(path.rpartition(":2,")[2]) if ":2," in path else set()


def with_letters(path, letters):
    os.rename(path, path.replace("/new/", "/cur/").partition(":2,")[0] + ":2," + letters)


def uid_of(client, folder, number):
    client.select(f'"{folder}"')
    uid = client.uid("SEARCH", "HEADER", "Message-ID", f"<n{number}@far.example>")[1][0].decode()
    assert uid, (folder, number)
    return uid


def flag(client, folder, number, change, flags):
    kind, data = client.uid("STORE", uid_of(client, folder, number), change, flags)
    assert kind == "OK", data


def certificate(server):
    return os.path.join(server.data, server_tls(server)[0])


def server_tls(server):
    """The self-signed certificate of the trial and its key."""
    found = sorted(glob.glob(os.path.join(server.data, "tls", "*")))
    return next(p for p in found if "cert" in os.path.basename(p)), next(p for p in found if "key" in os.path.basename(p))


def in_terminal(command, env=None, keys=(), seconds=60, width=120):
    """Runs a program on a terminal of its own until it ends; keys: (what must be shown since the last one, or a
    function that must become true; what is typed then). What it showed."""
    child, terminal = pty.fork()
    if child == 0:
        os.execvpe(command[0], list(command), dict(os.environ, TERM="xterm", LINES="40", COLUMNS=str(width), **(env or {})))
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, width, 0, 0))
    shown, since, waiting, end = b"", 0, list(keys), time.monotonic() + seconds
    try:
        while True:
            ready, _, _ = select.select([terminal], [], [], 0.5)
            if ready:
                try:
                    piece = os.read(terminal, 65536)
                except OSError:
                    break
                if not piece:
                    break
                shown += piece
            while waiting and (waiting[0][0]() if callable(waiting[0][0]) else re.search(waiting[0][0], shown[since:], re.S)):
                since = len(shown)
                os.write(terminal, waiting.pop(0)[1].encode())
            if time.monotonic() > end:
                os.kill(child, signal.SIGKILL)
                raise AssertionError(f"{command[0]} did not end; waiting for {waiting[:1]}: " + shown[-3000:].decode("latin1"))
    finally:
        os.close(terminal)
        _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0, shown[-3000:].decode("latin1")
    return shown


class Tee:
    """Between a program and the server's IMAP over TLS, with the server's own certificate, or, for programs that compare the name, one for localhost
    in that folder. faults: what the strict reader found; refused: (command, answer) for each NO and BAD; said: every command."""

    def __init__(self, server, folder=None):
        self.server, self.faults, self.listeners = server, [], []
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.certificate, key = server_tls(server) if folder is None else (f"{folder}/tee-cert.pem", f"{folder}/tee-key.pem")
        if folder is not None:
            run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", "/CN=localhost",
                "-addext", "subjectAltName=DNS:localhost", "-out", self.certificate, "-keyout", key)
        self.context.load_cert_chain(self.certificate, key)
        self.door = socket.create_server(("127.0.0.1", 0))
        self.port = self.door.getsockname()[1]
        self.ended, self.threads = threading.Event(), []
        self.threads.append(threading.Thread(target=self.accept, daemon=True))
        self.threads[0].start()

    said = property(lambda self: [line for one in self.listeners for line in list(one.said)])
    refused = property(lambda self: [pair for one in self.listeners for pair in list(one.refused)])

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.ended.set()
        self.door.close()
        for t in self.threads:
            t.join(10)
        if kind is None:
            assert not self.faults, "\n".join(self.faults)

    def accept(self):
        self.door.settimeout(0.2)
        while not self.ended.is_set():
            try:
                near, _ = self.door.accept()
            except (socket.timeout, OSError):
                continue
            self.threads.append(threading.Thread(target=self.carry, args=(near,), daemon=True))
            self.threads[-1].start()

    def carry(self, near):
        listener = Listener()
        self.listeners.append(listener)
        try:
            near.settimeout(60)
            near = self.context.wrap_socket(near, server_side=True)
            far = trusting().wrap_socket(socket.create_connection((self.server.address, self.server.port("imaps")), timeout=60))
        except OSError:
            near.close()
            return
        try:
            self.copy(near, far, listener)
        except Grammar as fault:
            self.faults.append(str(fault))
        except OSError:
            pass
        finally:
            for s in (near, far):
                s.close()

    def copy(self, near, far, listener):
        inflate = None
        while not self.ended.is_set():
            ready = [s for s in (near, far) if s.pending()] or select.select([near, far], [], [], 0.2)[0]
            for s in ready:
                octets = s.recv(65536)
                if not octets:
                    return
                if inflate is None and listener.compressed:
                    inflate = {near: zlib.decompressobj(-15), far: zlib.decompressobj(-15)}
                plain = octets if inflate is None else inflate[s].decompress(octets)
                if s is near:
                    listener.sent(plain)
                    far.sendall(octets)
                else:
                    near.sendall(octets)
                    listener.heard(plain)
