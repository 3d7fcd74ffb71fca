"""How fast are IMAP commands, beside Debian's Dovecot? Run by imap.sh. The rows stand in one table below; a new one is a line there.
Usage: imap_bench.py BINARY WORK; SCALE, ROUNDS, ROWS, PEER from the environment.
Both servers have the same messages in a Maildir of their own on the same disk, are spoken to over TLS 1.3, and take turns. Wall: from sending a command to its
tagged answer. CPU: of all the server's processes, from sending until they are quiet again, so that work put off counts too."""
import os, pathlib, random, re, selectors, shutil, signal, socket, ssl, statistics, subprocess, sys, time

BINARY, WORK = os.path.abspath(sys.argv[1]), pathlib.Path(sys.argv[2]).resolve()
SCALE = int(os.environ.get("SCALE", "100000"))
ROUNDS = int(os.environ.get("ROUNDS", "5"))
ROWS = os.environ.get("ROWS", "").split()
PEER = os.environ.get("PEER", "yes") != "no"
TENTH = max(SCALE // 10, 1)
APPENDS = max(SCALE // 100, 1)
CLIENTS, STEPS = 200, 10
SLOW = 60  # seconds of one server's rounds, after which a row has no more of them
TICK = os.sysconf("SC_CLK_TCK")
NOBODY = 65534

FULL = "(UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE)"


class Row:
    """before, run, after: commands, of which only run is timed. {n}: the round, {tenth}: a tenth of the messages. fresh: on a connection that
    has selected nothing; first: the server starts anew; cold: without its index. act: a function of (client, server) in place of run."""

    def __init__(self, name, run=(), before=(), after=(), fresh=False, cold=False, act=None, first=False):
        self.name, self.run, self.before, self.after = name, [run] if isinstance(run, str) else run, before, after
        self.fresh, self.first, self.cold, self.act = fresh or first or cold, first, cold, act


def aside(name):
    """A folder with a tenth of the messages, selected; and its end."""
    return [f"CREATE {name}", f"COPY 1:{TENTH} {name}", f"SELECT {name}"], ["SELECT INBOX", f"DELETE {name}"]


def append(client, _server):
    text = b"From: Ann <ann@bench.example>\r\nSubject: kept\r\nDate: Mon, 23 Nov 2026 04:00:00 +0000\r\n\r\n" + b"and so to bed, as ever and ever\r\n" * 100
    for _ in range(APPENDS):
        client.command("APPEND appended (\\Seen)", text)


def mixed(_client, server):
    crowd(server)


ROW_TABLE = [
    Row("select", "SELECT INBOX", fresh=True),
    Row("first-select", "SELECT INBOX", first=True),
    Row("select-again", ["SELECT INBOX", "SELECT small", "SELECT INBOX"], before=["CREATE small"], after=["SELECT INBOX", "DELETE small"]),
    Row("status", "STATUS INBOX (MESSAGES UNSEEN UIDNEXT UIDVALIDITY HIGHESTMODSEQ)", fresh=True),
    Row("fetch-flags", "FETCH 1:* (UID FLAGS)"),
    Row("fetch-full", f"FETCH 1:* {FULL}"),
    Row("fetch-header", "FETCH 1:* (UID BODY.PEEK[HEADER.FIELDS (FROM TO SUBJECT DATE)])"),
    Row("search-from-rare", "UID SEARCH FROM zebulon"),
    Row("search-from-common", "UID SEARCH FROM smith"),
    Row("search-subject-rare", "UID SEARCH SUBJECT xylophone"),
    Row("search-subject-common", "UID SEARCH SUBJECT invoice"),
    Row("search-text-rare", "UID SEARCH TEXT quetzal"),
    Row("search-text-common", "UID SEARCH TEXT meeting"),
    Row("search-body-rare", "UID SEARCH BODY quetzal"),
    Row("search-body-common", "UID SEARCH BODY meeting"),
    Row("search-unseen", "UID SEARCH UNSEEN"),
    Row("sort-date", "UID SORT (DATE) UTF-8 ALL"),
    Row("sort-arrival", "UID SORT (REVERSE ARRIVAL) UTF-8 ALL"),
    Row("sort-subject", "UID SORT (SUBJECT) UTF-8 ALL"),
    Row("sort-from", "UID SORT (FROM DATE) UTF-8 ALL"),
    Row("thread-references", "UID THREAD REFERENCES UTF-8 ALL"),
    Row("store", f"STORE 1:{TENTH} +FLAGS (\\Flagged)", after=[f"STORE 1:{TENTH} -FLAGS.SILENT (\\Flagged)"]),
    Row("copy", f"COPY 1:{TENTH} copies", before=["CREATE copies"], after=["DELETE copies"]),
    Row("move", f"MOVE 1:{TENTH} there", before=["CREATE there", *aside("here")[0]], after=[*aside("here")[1], "DELETE there"]),
    Row("expunge", "EXPUNGE", before=[*aside("waste")[0], "STORE 1:* +FLAGS.SILENT (\\Deleted)"], after=aside("waste")[1]),
    Row("append", before=["CREATE appended"], after=["DELETE appended"], act=append),
    Row("download", f"FETCH 1:{TENTH} (UID BODY.PEEK[])"),
    Row("clients", act=mixed, fresh=True),
    Row("cold-select", "SELECT INBOX", cold=True),
    Row("cold-full", ["SELECT INBOX", f"FETCH 1:* {FULL}"], cold=True),
    Row("cold-sort", ["SELECT INBOX", "UID SORT (DATE) UTF-8 ALL"], cold=True),
]

# --- a client that costs little ---

CONTEXT = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
CONTEXT.check_hostname, CONTEXT.verify_mode = False, ssl.CERT_NONE
ROOM = memoryview(bytearray(1 << 20))
TAIL = 4096  # octets that a tagged answer fits in, with all capabilities


class Client:
    def __init__(self, server):
        raw = socket.create_connection(("127.0.0.1", server.port), 30)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.sock = CONTEXT.wrap_socket(raw)
        self.sock.settimeout(600)
        self.number, self.octets = 0, 0
        while not self.sock.recv(65536).endswith(b"\r\n"):
            pass
        self.command("LOGIN ann secret")

    def line(self, text):
        self.number += 1
        self.tag = b"tQ7x%d " % self.number
        self.octets, self.tail = 0, b""
        return self.tag + text.encode()

    def take(self):
        """Some of the answer; True when it has ended."""
        n = self.sock.recv_into(ROOM)
        if n == 0:
            raise ConnectionError("closed")
        self.octets += n
        self.tail = (self.tail + ROOM[:n] if n < TAIL else b"" + ROOM[n - TAIL:n])[-TAIL:]
        if not self.tail.endswith(b"\r\n"):
            return False
        at = self.tail.rfind(self.tag)
        if at < 0 or (at > 0 and self.tail[at - 1:at] != b"\n"):
            return False
        if not self.tail.startswith(b"OK", at + len(self.tag)):
            raise RuntimeError(self.tail[at:].decode(errors="replace"))
        return True

    def command(self, text, literal=None):
        line = self.line(text)
        self.sock.sendall(line + (b"\r\n" if literal is None else b" {%d+}\r\n" % len(literal) + literal + b"\r\n"))
        while not self.take():
            pass

    def try_command(self, text):
        try:
            self.command(text)
        except RuntimeError:
            pass

    def close(self):
        self.sock.close()


def script(dice):
    """What a phone and a desktop do all day."""
    for _ in range(STEPS):
        at = dice.randint(1, max(SCALE - 60, 1))
        yield dice.choice((
            "NOOP", "STATUS INBOX (MESSAGES UNSEEN)", f"FETCH {at}:{min(at + 49, SCALE)} (UID FLAGS ENVELOPE)", f"FETCH {at} (UID BODY.PEEK[])",
            f"FETCH {max(SCALE - 99, 1)}:{SCALE} (UID FLAGS)", f"FETCH {at}:{min(at + 9, SCALE)} (UID BODYSTRUCTURE INTERNALDATE)", f"UID SEARCH UNSEEN {at}:{min(at + 5000, SCALE)}",
            f"STORE {at} +FLAGS (\\Flagged)", f"STORE {at} -FLAGS (\\Flagged)", f"UID SEARCH {at}:{min(at + 500, SCALE)} SUBJECT invoice"))


def crowd(server):
    """All of them at once, each with its next command when it has the answer to the last."""
    look, waiting = selectors.DefaultSelector(), len(server.crowd)
    for n, client in enumerate(server.crowd):
        client.script = iter(["SELECT INBOX", *script(random.Random(n))])
        client.sock.setblocking(False)
        look.register(client.sock, selectors.EVENT_READ, client)
        client.sock.send(client.line(next(client.script)) + b"\r\n")
    while waiting > 0:
        for key, _ in look.select():
            client = key.data
            try:
                while not client.take():
                    pass
            except (ssl.SSLWantReadError, BlockingIOError):
                continue
            text = next(client.script, None)
            if text is None:
                look.unregister(client.sock)
                waiting -= 1
            else:
                client.sock.send(client.line(text) + b"\r\n")
    look.close()


# --- servers ---

def cpu_of(master):
    """Seconds, of a process, its children and those of them that have ended."""
    total = 0.0
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            words = pathlib.Path(f"/proc/{name}/stat").read_text().rsplit(")", 1)[1].split()
            if int(name) != master and int(words[1]) != master:
                continue
            if int(name) == master:
                total += sum(map(int, words[13:15])) / TICK
            for task in os.listdir(f"/proc/{name}/task"):
                total += int(pathlib.Path(f"/proc/{name}/task/{task}/schedstat").read_text().split()[0]) / 1e9
        except OSError:
            continue
    return total


class Server:
    def __init__(self, folder, port):
        self.folder, self.port, self.process, self.crowd = folder, port, None, []

    def wait(self):
        for _ in range(600):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError(f"{self.name} does not listen; see {self.folder}")

    def cpu(self):
        return cpu_of(self.process.pid)

    def quiet(self):
        """What has been spent once nothing more is: with 30 ms of next to nothing."""
        last = self.cpu()
        for _ in range(400):
            time.sleep(0.03)
            now = self.cpu()
            if now - last < 0.001:
                return now
            last = now
        return last

    def settle(self):
        """Until nothing was spent for two seconds: what is built in the background, and waits for those who read, is none of a row's business."""
        for _ in range(300):
            last = self.cpu()
            time.sleep(2)
            if self.cpu() - last < 0.02:
                return

    def stop(self):
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)
            self.process = None


class Ours(Server):
    name = "pennypost"

    def prepare(self, mail):
        if not (self.folder / "pennypost.toml").exists():
            subprocess.run([BINARY, "init", "--dir", self.folder, "--domain", "bench.example", "--accounts", "-", "--listen", "127.0.0.1", "--port-base", str(self.port - 993),
                            "--self-signed"], input=b"ann@bench.example secret\n", check=True, stdout=subprocess.DEVNULL)
            with open(self.folder / "pennypost.toml", "a") as f:
                f.write("\n[limits]\nconn_per_source = 10000\nconn_guests = 10000\nconn_rate = 100000\n")
        box = self.folder / "mail/ann"
        if not (box / "cur").exists() or not any((box / "cur").iterdir()):
            for part in ("cur", "new"):
                shutil.rmtree(box / part, ignore_errors=True)
            subprocess.run(["cp", "-a", mail / "cur", mail / "new", box], check=True)
        for path in (box / "expunged").glob("*"):
            path.unlink()

    def start(self):
        self.log = open(self.folder / "log", "w")
        self.process = subprocess.Popen([BINARY, "serve", "-c", self.folder / "pennypost.toml"], stdout=subprocess.DEVNULL, stderr=self.log)
        self.wait()

    def forget(self):
        for path in (self.folder / "mail/ann").glob("*.sqlite*"):
            path.unlink()


class Dovecot(Server):
    name = "dovecot"

    def missing(self):
        if shutil.which("dovecot") is None:
            return "Dovecot is not installed (package dovecot-imapd)"
        if os.geteuid() != 0:
            return "Dovecot needs root to start"
        if not subprocess.run(["dovecot", "--version"], capture_output=True, text=True).stdout.startswith("2.3."):
            return "the settings here are for Dovecot 2.3"
        return None

    def prepare(self, mail, certificate):
        box = self.folder / "home/Maildir"
        if not box.exists():
            box.mkdir(parents=True)
            subprocess.run(["cp", "-a", mail / "cur", mail / "new", mail / "tmp", box], check=True)
            subprocess.run(["chown", "-R", f"{NOBODY}:{NOBODY}", self.folder / "home"], check=True)
        shutil.copytree(certificate, self.folder / "tls", dirs_exist_ok=True)
        # Debian's settings as they come, but for where things lie, who is who, and how many may come.
        (self.folder / "conf").write_text(f"""protocols = imap
base_dir = {self.folder}/run
state_dir = {self.folder}/run
log_path = {self.folder}/log
mail_location = maildir:{box}
mail_uid = {NOBODY}
mail_gid = {NOBODY}
ssl = required
ssl_cert = <{self.folder}/tls/certificate.pem
ssl_key = <{self.folder}/tls/key.pem
mail_max_userip_connections = 10000
namespace inbox {{
  inbox = yes
  separator = /
}}
passdb {{
  driver = static
  args = password=secret
}}
userdb {{
  driver = static
  args = uid={NOBODY} gid={NOBODY} home={self.folder}/home
}}
service imap-login {{
  chroot =
  process_limit = 1000
  inet_listener imap {{
    port = 0
  }}
  inet_listener imaps {{
    address = 127.0.0.1
    port = {self.port}
    ssl = yes
  }}
}}
service imap {{
  process_limit = 1000
}}
service anvil {{
  client_limit = 10000
  chroot =
}}
service auth {{
  client_limit = 10000
}}
service stats {{
  client_limit = 10000
  chroot =
}}
""")

    def start(self):
        self.process = subprocess.Popen(["dovecot", "-F", "-c", self.folder / "conf"], stdout=subprocess.DEVNULL, stderr=open(self.folder / "errors", "w"))
        self.wait()

    def forget(self):
        for path in (self.folder / "home/Maildir").rglob("dovecot.*index*"):
            path.unlink()


# --- measuring ---

class Session:
    """One server's part of one row."""

    def __init__(self, row, server):
        self.row, self.server, self.client, self.times = row, server, None, []

    def connect(self):
        if self.client is not None:
            return
        self.client = Client(self.server)
        if not self.row.fresh:
            self.client.command("SELECT INBOX")

    def disconnect(self):
        if self.client is not None:
            self.client.close()
            self.client = None

    def once(self):
        row, server = self.row, self.server
        if row.first or row.cold:
            server.stop()
            if row.cold:
                server.forget()
            server.start()
        self.connect()
        for text in row.before:
            self.client.try_command(text) if text.startswith("CREATE") else self.client.command(text)
        if row.act is mixed:
            server.crowd = [Client(server) for _ in range(CLIENTS)]
        spent, start = server.quiet(), time.perf_counter()
        if row.act is not None:
            row.act(self.client, server)
        for text in row.run:
            self.client.command(text)
        wall = time.perf_counter() - start
        spent = server.quiet() - spent
        self.octets = self.client.octets
        for text in row.after:
            self.client.command(text)
        for client in server.crowd:
            client.close()
        server.crowd = []
        if row.fresh:
            self.disconnect()
        server.quiet()
        return wall, spent

    def total(self):
        return sum(wall for wall, _ in self.times)


def measure(row, servers):
    """{server: (wall, CPU, octets of the last answer)}: medians of rounds in turn, after one that does not count."""
    sessions = [Session(row, server) for server in servers]
    for turn in range(ROUNDS + (0 if row.cold else 1)):
        for s in sessions:
            if s.total() > SLOW and len(s.times) >= 1:
                continue
            times = s.once()
            if turn > 0 or row.cold or times[0] > SLOW:
                s.times.append(times)
    for s in sessions:
        s.disconnect()
    return {s.server.name: (*(statistics.median(one[i] for one in s.times) for i in (0, 1)), s.octets) for s in sessions}


def say(row, got):
    a, b = got["pennypost"], got.get("dovecot")
    line = f"  {row.name:22} {a[0]:9.4f} {a[1]:9.4f}"
    if b is not None:
        line += f" {b[0]:9.4f} {b[1]:9.4f} {b[0] / a[0]:8.2f} {b[1] / max(a[1], 1e-6):8.2f}"
        if row.name.startswith("search") and abs(a[2] - b[2]) > 200:
            line += f"   answers differ: {a[2]} and {b[2]} octets"
    print(line, flush=True)


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    rows = [r for r in ROW_TABLE if not ROWS or any(re.match(want + "($|-)", r.name) for want in ROWS)]
    if not rows:
        sys.exit(f"imap: no such rows; there are: {' '.join(r.name for r in ROW_TABLE)}")
    mail = WORK / "mail"
    if not mail.exists():
        print(f"imap: making {SCALE} messages, once", flush=True)
        subprocess.run([sys.executable, pathlib.Path(__file__).with_name("imap_mail.py"), WORK / "mail.part", str(SCALE)], check=True)
        (WORK / "mail.part").rename(mail)
    ours, dovecot = Ours(WORK / "ours", 25000 + 993), Dovecot(WORK / "dovecot", 25000 + 1993)
    why = dovecot.missing() if PEER else "not asked for"
    servers = [ours] if why else [ours, dovecot]
    ours.prepare(mail)
    if not why:
        dovecot.prepare(mail, ours.folder / "tls")
    try:
        for server in servers:
            server.start()
            start = time.perf_counter()
            client = Client(server)
            for text in ("SELECT INBOX", f"FETCH 1:* {FULL}", "FETCH 1:* (BODY.PEEK[HEADER.FIELDS (MESSAGE-ID REFERENCES IN-REPLY-TO)])"):
                client.command(text)
            client.close()
            print(f"  {server.name}: ready after {time.perf_counter() - start:.1f} s", flush=True)
            if not all(row.cold for row in rows):
                server.settle()
        print(f"imap: {SCALE} messages, median of {ROUNDS} rounds in turn, seconds; ratio above 1: pennypost is ahead")
        print(f"  {'':22} {'pennypost':>19} {'dovecot':>19} {'ratio':>17}")
        print(f"  {'row':22} {'wall':>9} {'CPU':>9} {'wall':>9} {'CPU':>9} {'wall':>8} {'CPU':>8}", flush=True)
        for row in rows:
            say(row, measure(row, servers))
        if why:
            print(f"  no comparison: {why}")
    finally:
        for server in servers:
            server.stop()


main()
