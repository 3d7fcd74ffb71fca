"""What can a stranger, or a thief with one password, do to the doors for mail? The attacks of the catalogue that need the whole
binary, several connections or a reload; those that are one conversation are dialogues (test/dialog/smtp). Sizes are small here and
limits are set low to match; nothing asserts a time."""
import base64, contextlib, glob, os, random, re, signal, smtplib, socket, ssl, struct, subprocess, threading, time

import pytest

from server import Server, trusting, wait_for

# A quarantine would make every size look like a leak.
SANITIZER = {"ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0:quarantine_size_mb=1:thread_local_quarantine_size_kb=16"}
WIDE = """
[limits]
conn_per_source = 400
conn_guests = 400
conn_rate = 100000
free = "16 MiB"
size = "4 MiB"
"""
SMALL = b"From: x@y.example\r\nSubject: small\r\n\r\nbody\r\n"
MIB = 1048576


class Talk:
    """One connection, spoken octet by octet."""

    def __init__(self, server, service="smtp", source=None, greeting=True, tls=False, timeout=60):
        self.server, self.input = server, b""
        self.sock = socket.create_connection((server.address, server.port(service)), timeout, (source or "127.0.0.1", 0))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls or service == "submissions":
            self.sock = trusting().wrap_socket(self.sock)
        if greeting:
            assert self.reply()[0] == 220

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def send(self, octets):
        with contextlib.suppress(BrokenPipeError, ConnectionResetError, ssl.SSLError):
            self.sock.sendall(octets)

    def line(self):
        while b"\r\n" not in self.input:
            try:
                more = self.sock.recv(65536)
            except (ConnectionResetError, ssl.SSLError):
                more = b""
            if not more:
                raise EOFError(self.input)
            self.input += more
        line, self.input = self.input.split(b"\r\n", 1)
        return line.decode("latin-1")

    def reply(self):
        text = self.line()
        while text[3:4] == "-":
            text = self.line()
        return int(text[:3]), text[4:]

    def say(self, line):
        self.send(line + b"\r\n")
        return self.reply()

    def hello(self):
        code, _ = self.say(b"EHLO client.example")
        assert code == 250
        return self

    def to_data(self, rcpt=b"ann@local.example"):
        self.hello()
        assert self.say(b"MAIL FROM:<x@y.example>")[0] == 250
        assert self.say(b"RCPT TO:<" + rcpt + b">")[0] == 250
        assert self.say(b"DATA")[0] == 354
        return self

    def secure(self):
        assert self.say(b"STARTTLS")[0] == 220
        self.sock = trusting().wrap_socket(self.sock)
        return self

    def login(self, name, password):
        return self.say(b"AUTH PLAIN " + base64.b64encode(f"\0{name}\0{password}".encode()))

    def ended(self):
        """Nothing more comes, and the server has closed."""
        try:
            return f"more came: {self.line()}"
        except EOFError as e:
            return "" if not e.args[0] else f"left: {e.args[0]}"


@pytest.fixture(scope="module")
def server():
    with Server(extra=WIDE, env=SANITIZER) as s:
        yield s


def files_of(server):
    return sorted(glob.glob(os.path.join(server.data, "mail/**/new/*"), recursive=True) +
                  glob.glob(os.path.join(server.data, "mail/*/.*/new/*")))


def leftovers(server):
    return [f for f in glob.glob(os.path.join(server.data, "**/tmp/*"), recursive=True)]


def descriptors(server):
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


def resident(server):
    with open(f"/proc/{server.process.pid}/status") as f:
        return int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1)) * 1024


def cpu_seconds(server):
    with open(f"/proc/{server.process.pid}/stat") as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def still_serves(server):
    with server.smtp() as client:
        client.sendmail("x@y.example", ["ann@local.example"], SMALL)


# --- content: size, lines, drops ----------------------------------------------------------------------------------------------------

def test_a_message_over_size_is_read_over_and_refused_in_step(server):  # SIN-14
    before, stored = resident(server), len(files_of(server))
    with Talk(server).to_data() as t:
        t.send(b"From: x@y.example\r\n\r\n")
        for _ in range(6):
            t.send((b"z" * 1022 + b"\r\n") * 1024)
        assert t.say(b".") == (552, "5.3.4 message larger than this server takes")
        assert t.say(b"NOOP")[0] == 250
        assert resident(server) - before < 16 * MIB
    assert len(files_of(server)) == stored and leftovers(server) == []


def test_a_message_without_end_is_cut_off(server):  # SIN-14
    with Talk(server).to_data() as t:
        t.send(b"From: x@y.example\r\n\r\n")
        for _ in range(12):
            t.send((b"z" * 1022 + b"\r\n") * 1024)
        assert t.reply()[0] == 421
        assert t.ended() == ""
    assert leftovers(server) == []
    still_serves(server)


def test_a_line_of_many_mebioctets_costs_no_memory(server):  # SIN-19
    before = resident(server)
    with Talk(server).to_data() as t:
        t.send(b"From: x@y.example\r\n\r\n")
        for _ in range(7):
            t.send(b"z" * MIB)
        assert t.say(b"\r\n.")[0] == 554
        assert t.say(b"NOOP")[0] == 250
    with Talk(server).to_data() as t:
        t.send(b"From: x@y.example\r\n\r\n" + b"z" * 3 * MIB)
        assert t.say(b"\r\n.") == (554, "5.6.0 message holds a line that is too long")
        assert t.say(b"NOOP")[0] == 250
    assert resident(server) - before < 16 * MIB


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_a_connection_dropped_within_data_leaves_nothing(server, tls):  # SIN-24
    rng = random.Random(24)
    content = SMALL + b"".join(bytes(rng.choices(b"abc. \t", k=60)) + b"\r\n" for _ in range(10000))
    content = content.replace(b"\r\n.", b"\r\n..")
    stored, files = len(files_of(server)), descriptors(server)
    for _ in range(2):
        talks = [Talk(server, greeting=False) for _ in range(50)]
        for n, t in enumerate(talks):
            assert t.reply()[0] == 220
            if tls:
                t.hello().secure()
            t.to_data()
            t.send(content[:rng.choice((rng.randrange(len(content)), rng.randrange(200)))])
            if n % 3 == 0:  # a reset instead of an end
                t.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            t.close()
    wait_for(lambda: server.status()["smtp"]["live"] == 0)
    wait_for(lambda: descriptors(server) <= files + 2)
    assert len(files_of(server)) == stored and leftovers(server) == []
    assert not os.listdir(os.path.join(server.data, "queue/tmp")) if os.path.isdir(os.path.join(server.data, "queue/tmp")) else True


def test_an_end_without_close_notify_within_data_stores_nothing(server):  # TLS-07
    stored = len(files_of(server))
    t = Talk(server).hello().secure().to_data()
    t.send(SMALL + b".\r")  # one octet short
    raw = socket.socket(fileno=os.dup(t.sock.fileno()))
    raw.shutdown(socket.SHUT_WR)
    assert t.ended() == ""
    raw.close()
    t.close()
    assert len(files_of(server)) == stored


def test_the_same_message_twice_at_once_is_stored_twice(server):  # SIN-32
    stored = len(files_of(server))
    content = b"Message-ID: <one@y.example>\r\n" + SMALL
    talks = [Talk(server).to_data() for _ in range(2)]
    for t in talks:
        t.send(content)
    for t in talks:
        t.send(b".\r\n")
    assert [t.reply()[0] for t in talks] == [250, 250]
    assert len(files_of(server)) == stored + 2
    for t in talks:
        t.close()


# --- what a peer can make grow ------------------------------------------------------------------------------------------------------

def test_recipients_over_the_limit_grow_nothing_and_end(server):  # L_LATER
    before = resident(server)
    with Talk(server).hello() as t:
        assert t.say(b"MAIL FROM:<x@y.example>")[0] == 250
        codes = []
        with contextlib.suppress(EOFError):
            for _ in range(30):  # 30 * 100 refusals, each with two kilooctets to remember
                t.send(b"".join(b"RCPT TO:<ann@local.example>" + b" " * 1900 + b"\r\n" for _ in range(100)))
                for _ in range(100):
                    codes.append(t.reply()[0])
        assert codes[0] == 250 and codes[-1] == 421 and set(codes) == {250, 452, 421}
        assert t.ended() == ""
    assert resident(server) - before < 8 * MIB
    still_serves(server)


def test_who_reads_no_answers_is_not_buffered_for(server):
    before = resident(server)
    with Talk(server).hello() as t:
        t.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        t.sock.settimeout(1)
        with contextlib.suppress(socket.timeout, ConnectionResetError, BrokenPipeError):
            for _ in range(200):
                t.sock.sendall(b"MAIL FROM:<x@y.example>\r\nRCPT TO:<ann@local.example>\r\n" * 200 + b"HELP\r\n" * 20)
    assert resident(server) - before < 16 * MIB
    still_serves(server)


def test_resets_and_half_closed_sockets_make_no_spin(server):  # RES-12, short
    for n in range(1500):
        s = socket.create_connection((server.address, server.port(("smtp", "submission", "submissions")[n % 3])), 10)
        if n % 2:
            with contextlib.suppress(OSError):
                s.sendall(b"EHLO a.example\r\n")
        if n % 5 == 0:
            with contextlib.suppress(OSError):
                s.shutdown(socket.SHUT_WR)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", n % 7 > 0, 0))
        s.close()
    wait_for(lambda: server.status()["smtp"]["live"] == 0, 40)
    before = cpu_seconds(server)
    time.sleep(1)
    assert cpu_seconds(server) - before < 0.2
    still_serves(server)


# --- people's passwords -------------------------------------------------------------------------------------------------------------

def test_an_owner_gets_in_while_strangers_guess(server):  # SUB-07
    outcomes, stop = [], threading.Event()

    def guess(k):
        while not stop.is_set() and len(outcomes) < 1000:
            with contextlib.suppress(OSError, EOFError):
                with Talk(server, "submissions", source="127.0.7.7", timeout=3) as t:  # who is made to wait comes again
                    t.hello()
                    for n in range(9):
                        outcomes.append(t.login("ann@local.example", f"guess {k} {n}")[0])

    threads = [threading.Thread(target=guess, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    try:
        wait_for(lambda: outcomes.count(454) > 100)
        with Talk(server, "submissions", source="127.0.7.8").hello() as t:
            assert t.login("ann@local.example", "secret of ann")[0] == 235
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert set(outcomes) <= {535, 454} and outcomes.count(535) <= 40


def test_many_logins_at_once_are_answered_later(server):  # SUB-08
    with server.imap() as idle:
        talks = [Talk(server, "submissions", source=f"127.0.8.{n % 60 + 1}").hello() for n in range(150)]
        before = resident(server)
        for n, t in enumerate(talks):
            t.send(b"AUTH PLAIN " + base64.b64encode(f"\0nobody{n}@local.example\0x".encode()) + b"\r\n")
        most = 0
        for _ in range(5):
            assert idle.noop()[0] == "OK"
            most = max(most, resident(server))
        codes = [t.reply()[0] for t in talks]
        for t in talks:
            t.close()
    assert set(codes) == {535, 454} and codes.count(454) >= 50
    assert most - before < 2 * 19 * MIB + 32 * MIB


def test_a_thief_is_held_to_an_hourly_number_of_recipients(server):  # SUB-15
    codes = []
    with Talk(server, "submissions").hello() as t:
        assert t.login("bob@local.example", "secret of bob")[0] == 235
        for round in range(5):
            assert t.say(b"MAIL FROM:<bob@local.example>")[0] == 250
            t.send(b"".join(b"RCPT TO:<u%d.%d@foreign.example>\r\n" % (round, n) for n in range(501)))
            codes.append([t.reply() for _ in range(501)])
            assert t.say(b"RSET")[0] == 250
    assert [c for c, _ in codes[0]] == [250] * 500 + [452]
    assert codes[4][-2] == (451, "4.7.1 too many recipients within an hour, try again later")
    with Talk(server, "submissions").hello() as t:
        assert t.login("ann@local.example", "secret of ann")[0] == 235
        assert t.say(b"MAIL FROM:<ann@local.example>")[0] == 250
        assert t.say(b"RCPT TO:<u@foreign.example>")[0] == 250


def test_recipients_elsewhere_that_differ_in_case_are_two(server):
    with server.submission("ann@local.example") as client:
        client.sendmail("ann@local.example", ["u@foreign.example", "U@foreign.example"], b"From: ann@local.example\r\n\r\nx\r\n")
    listed = server.command("queue").stdout
    assert "u@foreign.example" in listed and "U@foreign.example" in listed


def test_a_header_that_cannot_be_signed_is_refused_for_good(server):
    content = b"".join(b"Resent-To: u%d@foreign.example\r\n" % n for n in range(300)) + b"From: ann@local.example\r\n\r\nx\r\n"
    with server.submission("ann@local.example") as client:
        with pytest.raises(smtplib.SMTPDataError) as refused:
            client.sendmail("ann@local.example", ["u@foreign.example"], content)
    assert refused.value.smtp_code == 554 and b"fields to sign" in refused.value.smtp_error


# --- TLS ----------------------------------------------------------------------------------------------------------------------------

def handshake(server, service, alpn):
    context = trusting()
    if alpn:
        context.set_alpn_protocols([alpn])
    with socket.create_connection((server.address, server.port(service)), 30) as s:
        try:
            with context.wrap_socket(s) as t:
                return t.selected_alpn_protocol(), t.recv(4)
        except ssl.SSLError as e:
            return str(e), b""


def test_alpn_of_another_protocol_is_a_fatal_alert(server):  # TLS-06
    for service, own in (("submissions", "smtp"), ("imaps", "imap")):
        other = {"smtp": "imap", "imap": "smtp"}[own]
        assert handshake(server, service, own)[0] == own
        assert handshake(server, service, None)[1] != b""
        for wrong in ("http/1.1", "h2", other):
            assert "alert no application protocol" in handshake(server, service, wrong)[0]


def test_half_a_handshake_and_clear_text_reach_nobody(server):  # TLS-03, TLS-04
    with socket.create_connection((server.address, server.port("submissions")), 30) as s:
        s.sendall(b"EHLO a.example\r\nQUIT\r\n")
        assert b"220" not in s.recv(4096)
    hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64)
    for service in ("smtp", "submission"):
        with Talk(server, service) as t:
            t.send(hello)
            assert t.reply() == (421, "4.7.0 this is a mail server, closing") and t.ended() == ""
    with Talk(server, "submissions") as t:
        t.send(b"POST / HTTP/1.1\r\n")
        assert t.reply() == (421, "4.7.0 this is a mail server, closing") and t.ended() == ""
    still_serves(server)


def test_one_octet_records_carry_a_message(server):  # TLS-08
    t = Talk(server).hello().secure()
    for line in (b"EHLO a.example", b"MAIL FROM:<x@y.example>", b"RCPT TO:<ann@local.example>", b"DATA"):
        for octet in line + b"\r\n":
            t.send(bytes([octet]))
        assert t.reply()[0] in (250, 354)
    for octet in SMALL + b".\r\n":
        t.send(bytes([octet]))
    assert t.reply()[0] == 250
    t.close()


def test_a_new_certificate_is_used_at_once_and_old_sessions_live_on():  # TLS-09
    with Server(extra=WIDE, env=SANITIZER) as server:
        def certificate():
            with socket.create_connection((server.address, server.port("submissions")), 30) as s:
                with trusting().wrap_socket(s) as t:
                    return t.getpeercert(True)

        old = certificate()
        talks = [Talk(server, "submissions").hello() for _ in range(60)]
        mail = Talk(server).hello().secure().to_data()
        text = open(server.config).read()
        place = {k: os.path.join(server.folder, re.search(rf'(?m)^{k} *= *"([^"]+)"', text).group(1)) for k in ("certificate", "key")}
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                        "-subj", "/CN=new.local.example", "-keyout", place["key"] + ".x", "-out", place["certificate"] + ".x"],
                       check=True, capture_output=True)
        os.chmod(place["key"] + ".x", 0o600)
        # A key of another certificate is refused, and the old pair stays (TLS-10).
        os.rename(place["key"], place["key"] + ".old")
        os.rename(place["key"] + ".x", place["key"])
        assert server.command("reload", check=False).returncode != 0
        assert certificate() == old
        os.rename(place["certificate"] + ".x", place["certificate"])
        server.command("reload")
        assert certificate() != old
        assert [t.say(b"NOOP")[0] for t in talks] == [250] * 60
        mail.send(SMALL)
        assert mail.say(b".")[0] == 250
        for t in talks + [mail]:
            t.close()


# --- reload and stop ----------------------------------------------------------------------------------------------------------------

def set_limit(server, name, value):
    with open(server.config) as f:
        text = f.read()
    text, n = re.subn(rf"(?m)^{name} *=.*$", f"{name} = {value}", text)
    if n == 0:
        text = text.replace("[limits]", f"[limits]\n{name} = {value}", 1)
    with open(server.config, "w") as f:
        f.write(text)


def test_limits_and_accounts_change_under_open_sessions():  # SUB-16
    with Server(extra=WIDE, env=SANITIZER) as server:
        def size():
            with Talk(server) as t:
                t.send(b"EHLO a.example\r\n")
                lines = [t.line()]
                while lines[-1][3] == "-":
                    lines.append(t.line())
                return next(l[9:] for l in lines if "SIZE" in l)

        assert size() == str(4 * MIB)
        open_one = Talk(server).to_data()
        open_one.send(b"From: x@y.example\r\n\r\n")
        for n, value in enumerate(('"2 MiB"', '"1 MiB"')):
            set_limit(server, "size", value)
            if n == 0:
                server.command("reload")
            else:
                server.process.send_signal(signal.SIGHUP)
            wait_for(lambda: size() == str((2 - n) * MIB))
        # What began under the old limit ends under it or is refused in step, never stored in half.
        for _ in range(3):
            open_one.send((b"z" * 1022 + b"\r\n") * 1024)
        code, _ = open_one.say(b".")
        assert code in (250, 552) or code == 421
        with open(server.config, "a") as f:
            f.write("\nnonsense = {\n")
        assert server.command("reload", check=False).returncode != 0
        assert size() == str(MIB)
        # An account that goes ends its sessions at their next command, in a transaction or not.
        with open(server.config) as f:
            text = f.read().replace("\nnonsense = {\n", "")
        talks = [Talk(server, "submissions").hello() for _ in range(3)]
        for t in talks:
            assert t.login("bob@local.example", "secret of bob")[0] == 235
        assert talks[1].say(b"MAIL FROM:<bob@local.example>")[0] == 250
        assert talks[2].say(b"MAIL FROM:<bob@local.example>")[0] == 250
        assert talks[2].say(b"RCPT TO:<ann@local.example>")[0] == 250
        assert talks[2].say(b"DATA")[0] == 354
        waiting = Talk(server).hello()  # mail to bob, under way
        assert waiting.say(b"MAIL FROM:<x@y.example>")[0] == 250
        assert waiting.say(b"RCPT TO:<bob@local.example>")[0] == 250
        with open(server.config, "w") as f:
            f.write(re.sub(r"(?ms)^\[account\.\"?bob.*?(?=^\[|\Z)", "", text))
        server.command("reload")
        for t in talks[:2]:
            assert t.say(b"NOOP") == (421, "4.7.0 this account is no more, closing")
            assert t.ended() == ""
        talks[2].send(b"From: bob@local.example\r\n\r\nx\r\n")
        assert talks[2].say(b".")[0] == 451
        assert talks[2].say(b"NOOP")[0] == 421
        with Talk(server).hello() as t:
            assert t.say(b"MAIL FROM:<x@y.example>")[0] == 250
            assert t.say(b"RCPT TO:<bob@local.example>")[0] == 550
        assert waiting.say(b"DATA")[0] == 354
        waiting.send(SMALL)
        assert waiting.say(b".")[0] in (250, 451)
        for t in talks + [waiting, open_one]:
            t.close()


def test_a_reload_that_fails_half_way_changes_nothing():
    with Server(extra=WIDE, env=SANITIZER) as server:
        session = Talk(server, "submissions").hello()
        assert session.login("ann@local.example", "secret of ann")[0] == 235
        # The new account's folder cannot be made: its name is taken by a file.
        name = os.path.join(server.data, "mail/carl")
        with open(name, "w") as f:
            f.write("in the way")
        with open(server.config, "a") as f:
            f.write('\n[account.carl]\naddresses = ["carl@local.example"]\n')
        assert server.command("reload", check=False).returncode != 0
        assert session.say(b"MAIL FROM:<ann@local.example>")[0] == 250
        assert session.say(b"RCPT TO:<bob@local.example>")[0] == 250
        session.close()
        for _ in range(3):
            still_serves(server)
            with Talk(server).hello() as t:
                assert t.say(b"MAIL FROM:<x@y.example>")[0] == 250
                assert t.say(b"RCPT TO:<carl@local.example>")[0] == 550
        os.unlink(name)
        server.command("reload")
        with Talk(server).hello() as t:
            assert t.say(b"MAIL FROM:<x@y.example>")[0] == 250
            assert t.say(b"RCPT TO:<carl@local.example>")[0] == 250


def test_a_stop_under_load_loses_nothing_it_promised():
    server = Server(extra=WIDE, env=SANITIZER).start()
    promised, lock = [], threading.Lock()

    def send(k):
        n = 0
        while True:
            try:
                with Talk(server) as t:
                    while True:
                        n += 1
                        mark = f"<{k}.{n}@y.example>".encode()
                        t.to_data()
                        t.send(b"Message-ID: " + mark + b"\r\n" + SMALL)
                        if t.say(b".")[0] == 250:
                            with lock:
                                promised.append(mark)
            except (OSError, EOFError, AssertionError):
                if server.process is None or server.process.poll() is not None or stopping.is_set():
                    return

    stopping = threading.Event()
    threads = [threading.Thread(target=send, args=(k,)) for k in range(6)]
    idle = [Talk(server).hello() for _ in range(5)]
    handshaking = [socket.create_connection((server.address, server.port("submissions"))) for _ in range(5)]
    for thread in threads:
        thread.start()
    wait_for(lambda: len(promised) > 50)
    stopping.set()
    code = server.stop()
    for thread in threads:
        thread.join()
    try:
        assert code == 0
        text = server.log_text()
        assert "Sanitizer" not in text and "runtime error" not in text, text[-4000:]
        assert "sessions were still open" not in text
        assert {t.reply()[0] for t in idle} == {421}
        stored = b"".join(open(f, "rb").read() for f in files_of(server))
        assert [m for m in promised if m not in stored] == []
        assert leftovers(server) == []
        server.start()
        assert server.stop() == 0
    finally:
        for t in idle + handshaking:
            t.close()
        server.remove()


# --- caps ---------------------------------------------------------------------------------------------------------------------------

def test_one_source_has_its_share_of_connections_and_no_more():  # RES-03
    caps = "[limits]\nconn_per_source = 12\nconn_guests = 8\nconn_rate = 25\nfree = \"16 MiB\"\n"
    with Server(extra=caps, env=SANITIZER) as server:
        mine = [Talk(server, source="127.0.3.1") for _ in range(8)]
        with Talk(server, source="127.0.3.1", greeting=False) as t:
            assert t.reply()[0] == 421 and t.ended() == ""
        with Talk(server, source="127.0.3.2").hello() as t:
            assert t.say(b"NOOP")[0] == 250
        for t in mine:
            t.close()
        wait_for(lambda: server.status()["smtp"]["live"] == 0)
        codes = []
        for _ in range(20):
            with Talk(server, source="127.0.3.1", greeting=False) as t:
                codes.append(t.reply()[0])
                with contextlib.suppress(EOFError):
                    t.say(b"QUIT")
        assert codes[0] == 220 and codes[-1] == 421
        still_serves(server)


def test_few_descriptors_are_enough():  # RES-05
    server = Server(extra=WIDE, env=SANITIZER)
    script = os.path.join(server.folder + ".sh")
    with open(script, "w") as f:
        f.write(f'#!/bin/sh\nulimit -n 256\nexec "{server.binary}" "$@"\n')
    os.chmod(script, 0o700)
    server.binary = script
    try:
        with server:
            under_way = Talk(server).to_data()
            held, refused = [], 0
            for n in range(400):
                try:
                    held.append(socket.create_connection((server.address, server.port("smtp")), 5, (f"127.0.5.{n % 40 + 1}", 0)))
                except OSError:
                    refused += 1
            before = cpu_seconds(server)
            time.sleep(1)
            assert cpu_seconds(server) - before < 0.5
            assert descriptors(server) < 256 - 32
            under_way.send(SMALL)
            assert under_way.say(b".")[0] == 250
            under_way.close()
            for s in held:
                s.close()
            wait_for(lambda: server.status()["smtp"]["live"] == 0)
            still_serves(server)
    finally:
        os.unlink(script)


# --- the status socket --------------------------------------------------------------------------------------------------------------

def ask(server, octets, wait=10):
    here = os.getcwd()
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(wait)
    os.chdir(server.data)
    try:
        s.connect("run/status.sock")
    finally:
        os.chdir(here)
    if octets is None:
        return s
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        s.sendall(octets)
    got = b""
    with contextlib.suppress(ConnectionResetError):
        while more := s.recv(65536):
            got += more
    s.close()
    return got


def test_the_status_socket_is_its_owners_alone(server):  # WEB-01
    assert os.stat(os.path.join(server.data, "run/status.sock")).st_mode & 0o777 == 0o600


@pytest.mark.parametrize("octets,status", [
    (b"GET / HTTP/1.1\r\nHost: pennypost\r\nX: " + b"a" * 8192 + b"\r\n\r\n", 431),
    (b"GET /" + b"a" * 4096 + b" HTTP/1.1\r\nHost: pennypost\r\n\r\n", 414),
    (b"FOO / HTTP/1.1\r\nHost: pennypost\r\n\r\n", 405),
    (b"GET /\r\n\r\n", 400),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    (b"POST / HTTP/1.1\r\nHost: pennypost\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx", 400),
    (b"POST / HTTP/1.1\r\nHost: pennypost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nx", 400),
    (b"GET /status.json HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421),
    (b"GET /status.json HTTP/1.1\r\nHost: pennypost\r\nOrigin: http://evil.example\r\n\r\n", 403),
    (b"POST /reload HTTP/1.1\r\nHost: pennypost\r\nContent-Length: 4294967296\r\n\r\n", 413),
    (b"GET /reload HTTP/1.1\r\nHost: pennypost\r\nConnection: close\r\n\r\n", (404, 405)),
    (b"\x16\x03\x01\x02\x00\x01\x00", 400),
])
def test_http_that_two_readers_could_read_in_two_ways_is_refused(server, octets, status):  # WEB-03, WEB-04
    got = ask(server, octets)
    code = int(got[9:12]) if got.startswith(b"HTTP/1.1 ") else got
    assert code == status or (isinstance(status, tuple) and code in status), got[:200]


def test_the_status_socket_has_room_for_so_many_and_survives_noise(server):  # WEB-02, WEB-03
    rng = random.Random(2)
    slow = [ask(server, None) for _ in range(64)]
    for s in slow:
        s.sendall(b"GET /status.json HTTP/1.1\r\nHost: penny")
    assert ask(server, b"").startswith(b"HTTP/1.1 503 ")
    for s in slow[:50]:
        s.close()  # in mid-message
    for s in slow[50:]:
        s.sendall(rng.randbytes(9000))
        s.close()
    wait_for(lambda: ask(server, b"GET /status.json HTTP/1.1\r\nHost: pennypost\r\nConnection: close\r\n\r\n").startswith(b"HTTP/1.1 200 "))


def test_what_strangers_say_is_data_in_what_the_owner_reads(server):  # WEB-05
    with Talk(server) as t:
        assert t.say(b"EHLO a.example")[0] == 250
        assert t.say(b'MAIL FROM:<"<script>alert(1)</script>"@y.example>')[0] == 250
        assert t.say(b"RCPT TO:<ann@local.example>")[0] == 250
        assert t.say(b"DATA")[0] == 354
        t.send(b"From: x@y.example\r\nSubject: <img src=x onerror=alert(1)>\r\n\r\nx\r\n")
        assert t.say(b".")[0] == 250
    for path in ("/", "/status.json", "/log", "/why"):
        got = ask(server, b"GET %s HTTP/1.1\r\nHost: pennypost\r\nConnection: close\r\n\r\n" % path.encode())
        head, _, body = got.partition(b"\r\n\r\n")
        assert b"<script>alert" not in body and b"<img src=x" not in body
        assert b"nosniff" in head and b"default-src 'none'" in head
