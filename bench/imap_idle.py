"""What does a phone in IDLE cost? Run by imap_idle.sh. Usage: imap_idle.py BINARY FOLDER; SESSIONS, SECONDS from the environment.
Memory: the process's own anonymous pages (PSS) by session, beyond those with one session. CPU: of the process while nothing happens. Told: from the 250 of a new
mail to when the last session's octets have come in, by epoll, so that the client's own work is not in it."""
import os, pathlib, select, shutil, smtplib, socket, ssl, subprocess, sys, time, zlib

BINARY, FOLDER = os.path.abspath(sys.argv[1]), pathlib.Path(sys.argv[2]).resolve()
SESSIONS = [int(n) for n in os.environ.get("SESSIONS", "1000 10000").split()]
SECONDS = float(os.environ.get("SECONDS", "30"))
BASE = 27000
MAILS = 5
CONTEXT = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
CONTEXT.check_hostname, CONTEXT.verify_mode = False, ssl.CERT_NONE
CONTEXT.minimum_version = ssl.TLSVersion.TLSv1_3


class Idler:
    def __init__(self, packed):
        self.sock = CONTEXT.wrap_socket(socket.create_connection(("127.0.0.1", BASE + 993), 60))
        self.inflate = self.deflate = None
        self.until(b"\r\n")
        self.say(b"a LOGIN ann secret\r\n", b"\r\na OK", b"a OK")
        if packed:
            self.say(b"b COMPRESS DEFLATE\r\n", b"b OK")
            self.deflate, self.inflate = zlib.compressobj(1, zlib.DEFLATED, -9, 1), zlib.decompressobj(-15)
        self.say(b"c SELECT INBOX\r\n", b"\nc OK")
        self.say(b"d IDLE\r\n", b"+ ")

    def until(self, *wanted):
        got = b""
        while not (got.endswith(b"\r\n") and any(w in got for w in wanted)):
            data = self.sock.recv(65536)
            if not data:
                raise ConnectionError(got)
            got += self.inflate.decompress(data) if self.inflate else data
        return got

    def say(self, line, *wanted):
        if self.deflate:
            line = self.deflate.compress(line) + self.deflate.flush(zlib.Z_SYNC_FLUSH)
        self.sock.sendall(line)
        return self.until(*wanted)


def memory(pid):
    lines = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return 1024 * sum(int(line.split()[1]) for line in lines if line.startswith(("Pss_Anon:", "SwapPss:")))


def cpu(pid):
    return sum(int(p.read_text().split()[0]) for p in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9


def deliver(number):
    with smtplib.SMTP("127.0.0.1", BASE + 25, local_hostname="bench.example") as smtp:
        smtp.ehlo()
        smtp.mail("friend@elsewhere.example")
        smtp.rcpt("ann@bench.example")
        code, text = smtp.data(f"From: friend@elsewhere.example\r\nTo: ann@bench.example\r\nSubject: {number}\r\nMessage-ID: <{time.time_ns()}@elsewhere.example>\r\n\r\nnews\r\n")
        done = time.perf_counter()
        if code != 250:
            raise RuntimeError(text)
    return done


def told(idlers):
    """Seconds from the 250 to the last session's news: the median of some mails."""
    look, took = select.epoll(), []
    for idler in idlers:
        look.register(idler.sock.fileno(), select.EPOLLIN | select.EPOLLET)
    look.poll(0)
    for number in range(MAILS):
        waiting, start = {i.sock.fileno() for i in idlers}, None
        start = deliver(number)
        while waiting:
            for fd, _ in look.poll(60, 65536):
                waiting.discard(fd)
        took.append(max(time.perf_counter() - start, 0))
        for idler in idlers:
            idler.until(b"EXISTS")
        time.sleep(1)
    look.close()
    return sorted(took)[MAILS // 2]


def run(count, packed):
    shutil.rmtree(FOLDER, ignore_errors=True)
    subprocess.run([BINARY, "init", "--dir", FOLDER, "--domain", "bench.example", "--accounts", "-", "--listen", "127.0.0.1", "--port-base", str(BASE), "--self-signed"],
                   input=b"ann@bench.example secret\n", check=True, stdout=subprocess.DEVNULL)
    with open(FOLDER / "pennypost.toml", "a") as f:
        f.write("\n[limits]\nconn = 20000\nconn_per_source = 20000\nconn_guests = 20000\nconn_rate = 1000000\n")
    server = subprocess.Popen([BINARY, "serve", "-c", FOLDER / "pennypost.toml"], stdout=subprocess.PIPE, stderr=open(FOLDER / "log", "w"))
    try:
        server.stdout.readline()
        idlers = [Idler(packed)]
        time.sleep(2)
        before = memory(server.pid)
        idlers += [Idler(packed) for _ in range(count - 1)]
        time.sleep(3)
        each = (memory(server.pid) - before) / max(count - 1, 1)
        spent, start = cpu(server.pid), time.monotonic()
        time.sleep(SECONDS)
        spent = (cpu(server.pid) - spent) / (time.monotonic() - start)
        news = told(idlers)
        print(f"  {count:8} {'yes' if packed else 'no':>8} {each / 1024:18.1f} {100 * spent:12.3f} {1000 * news:22.1f}", flush=True)
    finally:
        server.terminate()
        server.wait(60)


def main():
    print(f"imap_idle: sessions of one account in IDLE over TLS 1.3, {SECONDS:.0f} s of silence, median of {MAILS} mails")
    print(f"  {'sessions':>8} {'COMPRESS':>8} {'KiB of heap each':>18} {'CPU, %':>12} {'ms until all are told':>22}", flush=True)
    for count in SESSIONS:
        run(count, False)
    run(SESSIONS[0], True)
    shutil.rmtree(FOLDER, ignore_errors=True)


main()
