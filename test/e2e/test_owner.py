"""What the owner types, and what it says and leaves: every command, alone and against a running server, with its exit codes (DESIGN 7)."""
import hashlib, http.client, imaplib, json, os, re, signal, smtplib, socket, stat, subprocess, time

import pytest

from dns import Dns
from server import BINARY, Server, free_port_base, trusting, wait_for
from sink import Sink

COMMANDS = ("init", "serve", "check", "dns", "passwd", "queue", "why", "spam", "expect", "correspondents", "undelete", "trace", "status", "reload")


def run(*arguments, input=None, cwd=None):
    return subprocess.run([BINARY, *arguments], input=input, capture_output=True, text=True, timeout=120, cwd=cwd)


def tree(folder):
    """Every name, mode, time and content: what "changes nothing" is about."""
    h = hashlib.sha256()
    for path, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(folders + files):
            full = os.path.join(path, name)
            st = os.lstat(full)
            h.update(f"{os.path.relpath(full, folder)} {st.st_mode} {st.st_uid} {st.st_size} {st.st_mtime_ns}\n".encode())
            if stat.S_ISREG(st.st_mode):
                with open(full, "rb") as f:
                    h.update(f.read())
    return h.hexdigest()


def message(subject="hello", text="a few words", sender="Carl <carl@far.example>", ident=None):
    return f"From: {sender}\r\nTo: ann@local.example\r\nSubject: {subject}\r\nMessage-ID: <{ident or subject.replace(' ', '-')}@far.example>\r\n\r\n{text}\r\n"


@pytest.fixture(scope="module")
def server():
    resolver = Dns()
    resolver.add("dead.example", "MX", (10, "mx.dead.example"))
    resolver.add("mx.dead.example", "A", "127.0.99.1")  # nobody there
    s = Server(dns=f"127.0.0.1:{resolver.port}")
    with s:
        yield s
    resolver.close()


@pytest.fixture
def stopped(tmp_path):
    s = Server(folder=str(tmp_path / "data"))
    yield s
    s.kill()


# --- help and usage ---------------------------------------------------------------------------------------------------------------------------

def test_help_of_everything():
    top = run()
    assert top.returncode == 0 and run("help").stdout == run("--help").stdout == top.stdout
    for name in COMMANDS:
        assert re.search(rf"^  {name} ", top.stdout, re.M)
        own = run(name, "--help")
        assert own.returncode == 0 and own.stdout.startswith(f"pennypost {name}: ") and "-c FILE" in own.stdout
    assert re.fullmatch(r"pennypost \d+\.\d+\.\d+\n", run("--version").stdout)
    for wrong in (["nonsense"], ["queue", "dance"], ["queue", "retry"], ["spam"], ["spam", "train", "neither"], ["why"], ["passwd"], ["init"]):
        done = run(*wrong)
        assert done.returncode == 64 and done.stderr.startswith("pennypost: ") and not done.stdout, wrong


# --- init -------------------------------------------------------------------------------------------------------------------------------------------

def test_init_writes_what_the_manual_promises(tmp_path):
    folder, base = str(tmp_path / "made/for/it"), free_port_base()
    os.makedirs(os.path.dirname(folder))
    accounts = tmp_path / "accounts"
    accounts.write_text("# people\nAnn@local.example  two  blanks kept \nbob@local.example b\n")
    done = run("init", "--dir", folder, "--domain", "local.example", "--hostname", "mx1.local.example", "--accounts", str(accounts), "--listen", "127.0.0.1",
               f"--port-base={base}", "--self-signed", "--dns", "127.0.0.1:5300")
    assert done.returncode == 0, done.stderr
    config = open(folder + "/pennypost.toml").read()
    assert set(re.findall(r"^\[+(.*?)\]+$", config, re.M)) == {"tls", "dns", "outbound", "listen", 'domain."local.example"', 'account."ann"', 'account."bob"'}
    for line in ('hostname = "mx1.local.example"', f'data     = "{folder}"', 'forward = ["127.0.0.1:5300"]', 'trust_anchor = "none"', "allow_private = true",
                 *(f"port = {base + n}" for n in (25, 143, 465, 587, 993))):
        assert re.search(rf"^{re.escape(line)}\b|^{re.escape(line)}", config, re.M), line
    for record in ("local.example. IN MX 10 mx1.local.example.", 'TXT "v=spf1 mx -all"', "_dmarc.local.example.", "v=DKIM1; k=rsa", "v=DKIM1; k=ed25519"):
        assert record in done.stdout, record
    assert done.stdout.split("\n\n")[1].startswith("Next:")
    for path, folders, files in os.walk(folder):
        for name in files:
            assert name == "certificate.pem" or stat.S_IMODE(os.stat(os.path.join(path, name)).st_mode) & 0o077 == 0, os.path.join(path, name)
    assert "blanks" not in config + done.stdout
    before = tree(folder)
    again = run("init", "--dir", folder, "--domain", "local.example")
    assert again.returncode == 64 and "exists already" in again.stderr and tree(folder) == before
    assert run("dns", "-c", folder + "/pennypost.toml").stdout.strip() in done.stdout


@pytest.mark.parametrize("options,accounts", [
    (["--domain", "nodot"], None), (["--domain", "local.example", "--port-base", "70000"], None), (["--domain", "local.example", "--listen", "here"], None),
    (["--domain", "local.example", "--dns", "resolver:53"], None), (["--domain", "local.example", "--accounts", "-"], "ann@local.example x\nAnn@local.example y\n"),
    (["--domain", "local.example", "--accounts", "-"], "ann@else.example x\n"), (["--domain", "local.example", "--accounts", "-"], "ann@local.example\n"),
    (["--domain", "local.example", "--accounts", "-"], "a/b@local.example x\n"), (["--domain", "local.example", "--what"], None),
])
def test_init_refuses_whole(tmp_path, options, accounts):
    folder = str(tmp_path / "data")
    done = run("init", "--dir", folder, *options, input=accounts)
    assert done.returncode == 64 and done.stderr and not os.path.exists(folder + "/pennypost.toml")


def test_init_with_the_least(tmp_path):
    folder = str(tmp_path)
    done = run("init", "--dir", folder, "--domain", "local.example")
    assert done.returncode == 0, done.stderr
    config = open(folder + "/pennypost.toml").read()
    assert 'hostname = "mail.local.example"' in config and "[[listen]]" not in config and "[dns]" not in config and 'account."postmaster"' in config
    assert "passwd" in done.stdout  # it has no password yet, and that is said
    assert "self-signed" in done.stdout


# --- serve and check --------------------------------------------------------------------------------------------------------------------------------

def test_serve_says_ready_and_nothing_else(stopped):
    process = subprocess.Popen([BINARY, "serve", "-c", stopped.config], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout.readline() == b"ready\n"
    for service in ("smtp", "submission", "imap"):  # ready means: now
        with socket.create_connection(("127.0.0.1", stopped.port(service)), timeout=20) as s:
            assert s.recv(4)
    second = run("serve", "-c", stopped.config)  # two at once: refused, and the first lives
    assert second.returncode not in (0, None) and second.stdout == ""
    process.send_signal(signal.SIGTERM)
    out, log = process.communicate(timeout=30)
    assert process.returncode == 0 and out == b""
    assert all(line.strip() for line in log.decode().splitlines()) and b"ready" in log


def test_check_changes_nothing(stopped):
    before = tree(stopped.folder)
    done = stopped.command("check")
    assert done.returncode == 0 and "is well" in done.stdout and tree(stopped.folder) == before
    with stopped:
        assert stopped.command("check").returncode == 0  # beside it: the socket and its databases are its own
    before = tree(stopped.folder)
    assert stopped.command("check").returncode == 0 and tree(stopped.folder) == before


def test_check_tells_all_faults_with_their_lines(stopped):
    with open(stopped.config, "a") as f:
        f.write('\n[limits]\nrcptt = 5\nsize = "many"\n[score]\njunk = []\n')
    lines = open(stopped.config).read().split("\n")
    before = tree(stopped.folder)
    for command in ("check", "serve", "status", "queue"):
        done = run(command, "-c", stopped.config)
        assert done.returncode == 78 and done.stdout == "", (command, done)
        for word, near in (("rcptt", "rcpt"), ("size", ""), ("junk", "")):
            line = next(n for n, text in enumerate(lines, 1) if text.startswith(word))
            assert any(f":{line}:" in fault and near in fault for fault in done.stderr.splitlines()), (command, word, done.stderr)
    assert tree(stopped.folder) == before
    assert run("check", "-c", stopped.folder + "/absent.toml").returncode == 78


def test_check_finds_what_is_missing(stopped):
    os.rename(stopped.folder + "/dkim/local.example", stopped.folder + "/dkim/elsewhere")
    assert stopped.command("check", check=False).returncode == 1
    os.rename(stopped.folder + "/dkim/elsewhere", stopped.folder + "/dkim/local.example")
    os.rename(stopped.folder + "/tls/key.pem", stopped.folder + "/tls/lost.pem")
    done = stopped.command("check", check=False)
    assert done.returncode == 1 and "key.pem" in done.stderr


# --- passwords ----------------------------------------------------------------------------------------------------------------------------------------

def login(server, address, password):
    with imaplib.IMAP4_SSL(server.address, server.port("imaps"), ssl_context=trusting(), timeout=60) as client:
        try:
            return client.login(address, password)[0] == "OK"
        except imaplib.IMAP4.error:
            return False


def test_passwd_running_and_not(stopped):
    assert "changed" in stopped.command("passwd", "ann", input="while stopped\n").stdout
    with Server(folder=stopped.folder, base=stopped.base) as s:
        assert login(s, "ann@local.example", "while stopped") and not login(s, "ann@local.example", "secret of ann")
        assert login(s, "bob", "secret of bob")
        assert s.command("passwd", "bob@local.example", input="while running\n").returncode == 0
        assert login(s, "bob", "while running") and not login(s, "bob", "secret of bob")
        assert s.command("passwd", "nobody", input="x\n", check=False).returncode == 64
        assert s.command("passwd", "ann", input="", check=False).returncode == 64
        assert login(s, "ann", "while stopped")
        for word in ("while stopped", "while running", "secret of"):
            assert word not in s.log_text()


# --- status -------------------------------------------------------------------------------------------------------------------------------------------

def test_status_not_running(stopped):
    done = stopped.command("status", check=False)
    assert done.returncode == 69 and "no server is running" in done.stderr
    assert stopped.command("reload", check=False).returncode == 69


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give the data to somebody")
def test_root_is_given_up_in_every_thread_and_status_is_well():  # OPS-07
    s = Server()
    nobody = 65534
    for path, folders, files in os.walk(s.folder):
        for name in [".", *files]:
            os.chown(os.path.join(path, name), nobody, nobody)
    with s:
        task = f"/proc/{s.process.pid}/task"
        threads = os.listdir(task)
        assert len(threads) > 1
        for thread in threads:
            facts = dict(line.split(":\t", 1) for line in open(f"{task}/{thread}/status").read().splitlines() if ":\t" in line)
            assert facts["Uid"].split() == facts["Gid"].split() == [str(nobody)] * 4 and not facts["Groups"].split(), facts
            assert all(int(facts[c], 16) == 0 for c in ("CapEff", "CapPrm", "CapInh", "CapBnd", "CapAmb")), facts
            assert facts["NoNewPrivs"] == "1" and facts["Seccomp"] == "2", facts
        done = s.command("status")
        assert done.returncode == 0 and "all is well" in done.stdout
        assert s.status()["sandbox"]["root"] is False and s.status()["sandbox"]["seccomp"] is True
        assert s.get("/health") == (200, b"ok\n")
        with s.smtp() as client:
            client.sendmail("carl@far.example", ["ann@local.example"], message())
        assert len(os.listdir(s.folder + "/mail/ann/new")) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root is degraded by being root")
def test_status_degraded_is_exit_1(server):
    done = server.command("status", check=False)
    assert done.returncode == 1 and "degraded" in done.stdout and "root" in done.stdout
    as_json = server.command("status", "--json", check=False)
    assert as_json.returncode == 1 and json.loads(as_json.stdout)["degraded"]
    assert server.get("/health") == (200, b"degraded\n")


def test_status_pages(server):
    status = server.status()
    assert status["ready"] is True and status["accounts"] == ["ann", "bob"] and status["loop_delay_ms"]["max"] >= status["loop_delay_ms"]["p999"] >= 0
    assert set(status) >= {"version", "ready", "degraded", "loop_delay_ms", "queue", "sandbox", "smtp", "imap", "sender", "connections"}
    code, page = server.get("/")
    assert code == 200 and b"<h1>Pennypost on mail.local.example</h1>" in page and b"<script" not in page
    code, metrics = server.get("/metrics")
    lines = metrics.decode().splitlines()
    assert code == 200 and all(re.fullmatch(r'# TYPE [a-z_0-9]+ (gauge|counter)|[a-z_0-9]+(\{[a-z]+="[^"]*"\})? [0-9.e+-]+', line) for line in lines), lines
    names = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert len(names) == len(set(names)) and "pennypost_smtp_accepted_total" in names
    assert stat.S_IMODE(os.stat(server.data + "/run/status.sock").st_mode) == 0o600


def raw_http(server, text):
    here = os.getcwd()
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(30)
    os.chdir(server.data)
    try:
        s.connect("run/status.sock")
    finally:
        os.chdir(here)
    with s:
        s.sendall(text)
        s.shutdown(socket.SHUT_WR)
        found = b""
        while True:
            piece = s.recv(65536)
            if not piece:
                break
            found += piece
    return int(found[9:12]) if found.startswith(b"HTTP/1.1 ") else None


@pytest.mark.parametrize("request_text,codes", [
    (b"GET /health HTTP/1.1\r\nHost: pennypost\r\n\r\n", (200,)),
    (b"GET /health HTTP/1.1\r\nHost: evil.example\r\n\r\n", (421,)),
    (b"GET /health HTTP/1.1\r\nHost: pennypost\r\nOrigin: http://evil.example\r\n\r\n", (403,)),
    (b"GET /reload HTTP/1.1\r\nHost: pennypost\r\n\r\n", (405,)),
    (b"GET /queue/all/delete HTTP/1.1\r\nHost: pennypost\r\n\r\n", (404, 405)),
    (b"GET /spam/learn HTTP/1.1\r\nHost: pennypost\r\n\r\n", (405,)),
    (b"DELETE /queue HTTP/1.1\r\nHost: pennypost\r\n\r\n", (405, 501)),
    (b"FOO / HTTP/1.1\r\nHost: pennypost\r\n\r\n", (405, 501)),
    (b"GET /nothing HTTP/1.1\r\nHost: pennypost\r\n\r\n", (404,)),
    (b"GET /../pennypost.toml HTTP/1.1\r\nHost: pennypost\r\n\r\n", (400, 404)),
    (b"GET / HTTP/1.1\r\nHost: pennypost\r\nX: " + b"y" * 9000 + b"\r\n\r\n", (431,)),
    (b"GET /" + b"x" * 5000 + b" HTTP/1.1\r\nHost: pennypost\r\n\r\n", (414, 431)),
    (b"POST /reload HTTP/1.1\r\nHost: pennypost\r\nContent-Length: 0\r\nContent-Length: 1\r\n\r\n", (400,)),
    (b"POST /reload HTTP/1.1\r\nHost: pennypost\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", (400, 501)),
    (b"POST /spam/classify HTTP/1.1\r\nHost: pennypost\r\nContent-Length: 4294967296\r\n\r\n", (413,)),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (400, 405, 501, 505)),
    (b"GET /\r\n", (400, 505, None)),
    (bytes(range(256)) * 4, (400, 405, 501, 505, None)),
])
def test_http_hygiene(server, request_text, codes):  # WEB-02 to WEB-04
    assert raw_http(server, request_text) in codes
    assert server.get("/health")[0] == 200


def test_status_on_a_loopback_port(stopped):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    with open(stopped.config, "a") as f:
        f.write(f'\n[status]\naddress = "127.0.0.1:{port}"\n')
    with stopped:
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        client.request("GET", "/status.json", headers={"Host": f"127.0.0.1:{port}"})
        assert client.getresponse().status == 200
    with open(stopped.config) as f:
        text = f.read()
    with open(stopped.config, "w") as f:
        f.write(text.replace(f'"127.0.0.1:{port}"', f'"0.0.0.0:{port}"'))
    assert run("check", "-c", stopped.config).returncode == 78


# --- why ----------------------------------------------------------------------------------------------------------------------------------------------

def test_why(server):
    with server.smtp(helo="mail.far.example") as client:
        client.sendmail("carl@far.example", ["ann@local.example"], message("a question", ident="why-1"))
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            client.sendmail("carl@far.example", ["nobody@local.example"], message())
    done = wait_for(lambda: (d := server.command("why", "<why-1@far.example>", check=False)).returncode == 0 and d)
    assert "accepted" in done.stdout and "for <ann@local.example>" in done.stdout and "Subject: a question" in done.stdout and "mail.far.example" in done.stdout
    rows = json.loads(server.command("why", "--json", "why-1@far.example").stdout)
    assert len(rows) == 1 and rows[0]["rcpt"] == "ann@local.example" and "score" in rows[0]
    by_id = json.loads(server.command("why", "--json", rows[0]["message"]).stdout)
    assert any(r["message_id"] == rows[0]["message_id"] for r in by_id)
    refused = wait_for(lambda: [r for r in json.loads(server.command("why", "--json", "nobody@local.example", check=False).stdout) if r["act"] != "accepted"])
    assert refused[0]["reply"].startswith("550 5.1.1 no such mailbox")
    for what in ("carl@far.example", "127.0.0.1", "2h"):
        assert json.loads(server.command("why", "--json", what).stdout), what
    nothing = server.command("why", "never@seen.example", check=False)
    assert nothing.returncode == 1 and nothing.stdout == "" and "nothing is known" in nothing.stderr
    injected = server.command("why", "'; drop table ledger; --", check=False)
    assert injected.returncode == 1 and json.loads(server.command("why", "--json", "2h").stdout)


# --- the queue ------------------------------------------------------------------------------------------------------------------------------------------

def test_queue(server):
    assert "the queue is empty" in server.command("queue").stdout
    for n in range(2):
        with server.submission() as client:
            client.sendmail("ann@local.example", [f"x{n}@dead.example"], f"From: ann@local.example\r\nTo: x@dead.example\r\nSubject: {n}\r\n\r\nx\r\n")

    def entries():
        return json.loads(server.command("queue", "list", "--json").stdout)
    waiting = wait_for(lambda: (e := entries()) and len(e) == 2 and all(r["tries"] >= 1 for x in e for r in x["recipients"]) and e)
    assert all(r["state"] == "waiting" and r["next_try"] > time.time() and r["last"] for e in waiting for r in e["recipients"])
    first, second = waiting[0]["id"], waiting[1]["id"]
    text = server.command("queue", "list").stdout
    assert first in text and "<x0@dead.example>" in text and "next try" in text
    assert json.loads(server.command("queue", "show", first, "--json").stdout)["id"] == first and first in server.command("queue", "show", first).stdout
    assert server.command("queue", "show", "nonexistent", check=False).returncode == 1
    assert server.command("queue", "delete", "nonexistent", check=False).returncode == 1

    def states(ident):
        return [r["state"] for e in entries() if e["id"] == ident for r in e["recipients"]]
    server.command("queue", "hold", first)
    assert states(first) == ["held"] and states(second) == ["waiting"] and server.status()["queue"]["held"] == 1
    tries = [e["recipients"][0]["tries"] for e in entries() if e["id"] == second][0]
    server.command("queue", "retry", "all")
    wait_for(lambda: [e["recipients"][0]["tries"] for e in entries() if e["id"] == second][0] > tries)
    assert states(first) == ["held"]
    server.command("queue", "release", first)
    wait_for(lambda: states(first) == ["waiting"])
    assert json.loads(server.command("queue", "delete", first, "--json").stdout)["recipients"] == 1
    assert not states(first) and states(second) and not os.path.exists(f"{server.data}/queue/{first}")
    server.command("queue", "delete", "all")
    wait_for(lambda: entries() == [])
    assert server.status()["queue"]["entries"] == 0


def test_queue_without_a_server(stopped):
    assert json.loads(stopped.command("queue", "list", "--json").stdout) == []


# --- the filter -----------------------------------------------------------------------------------------------------------------------------------------

def test_spam_commands_running_and_not(stopped, tmp_path):
    ham, spam = tmp_path / "ham.eml", tmp_path / "spam.eml"
    ham.write_text(message("lunch", "shall we meet for coffee at the station on saturday"))
    spam.write_text(message("prize", "you won the lottery claim your million dollars now"))

    def exercise(s):
        before = json.loads(s.command("spam", "stats", "--json").stdout)
        assert "learned" in s.command("spam", "train", "spam", str(spam)).stdout
        assert "known already" in s.command("spam", "train", "spam", str(spam)).stdout
        s.command("spam", "train", "ham", str(ham))
        now = json.loads(s.command("spam", "stats", "--json").stdout)
        assert now["spam"] == before["spam"] + 1 and now["ham"] == before["ham"] + 1
        found = {name: json.loads(s.command("spam", "classify", "--json", str(path)).stdout) for name, path in (("ham", ham), ("spam", spam))}
        assert found["spam"]["probability"] > found["ham"]["probability"] and found["spam"]["learned"] and {"score", "verdict", "points"} <= set(found["ham"])
        assert "score" in s.command("spam", "classify", str(ham), str(spam)).stdout and s.command("spam", "classify", input=ham.read_text()).returncode == 0
        s.command("spam", "untrain", str(spam), str(ham))
        assert json.loads(s.command("spam", "stats", "--json").stdout) == before
        assert s.command("spam", "classify", str(tmp_path / "absent"), check=False).returncode == 75
        assert s.command("spam", "classify", "--account", "nobody", str(ham), check=False).returncode in (1, 64)
        s.command("spam", "train", "ham", "--account", "ann", str(ham))
        assert json.loads(s.command("spam", "stats", "--account", "ann", "--json").stdout)["ham"] >= 1
        s.command("spam", "untrain", "--account", "ann", str(ham))
    exercise(stopped)
    with stopped:
        exercise(stopped)


def test_spam_eval_needs_no_configuration(tmp_path):
    rows = []
    for n in range(20):
        for label, text in (("ham", "coffee with friends at the station on saturday morning"), ("spam", "claim your lottery million dollars now click here")):
            path = tmp_path / f"{label}{n}.eml"
            path.write_text(message(f"{label} {n}", f"{text} {n}"))
            rows.append(f"{label}\t{path}\tmore columns\n")
    (tmp_path / "index").write_text("".join(rows))
    for arguments, text in ((["--index", str(tmp_path / "index")], None), (["--index", "-"], "".join(rows))):
        done = run("spam", "eval", *arguments, input=text)
        found = [line.split("\t") for line in done.stdout.splitlines()]
        assert done.returncode == 0 and [f[0] for f in found] == ["ham", "spam"] * 20, done.stderr
        assert all(re.fullmatch(r"-?[0-9.]+(e-?\d+)?", f[1]) and f[2] in ("ham", "spam", "unsure") for f in found)
        assert [f[3] for f in found] == [r.split("\t")[1] for r in rows]
        late = found[-10:]
        assert max(float(f[1]) for f in late if f[0] == "ham") < min(float(f[1]) for f in late if f[0] == "spam")
        assert all(f[2] in (f[0], "unsure") for f in late)


# --- reload, signals and the end ----------------------------------------------------------------------------------------------------------------------

def test_reload_good_and_broken(stopped):  # CFG-05
    with open(stopped.config) as f:
        original = f.read()

    def write(text):
        with open(stopped.config, "w") as f:
            f.write(text)

    def size():
        with stopped.smtp() as client:
            client.ehlo()
            return client.esmtp_features["size"]
    with stopped:
        assert size() == str(50 * 1024 * 1024)
        imap = stopped.imap()  # a session from before
        write(original + '\n[limits]\nsize = "1 MiB"\n')
        assert "reloaded" in stopped.command("reload").stdout and size() == str(1024 * 1024)
        assert imap.noop()[0] == "OK"
        write(original + '\n[limits]\nsize = "2 MiB"\nunknown = 1\n')
        done = stopped.command("reload", check=False)
        assert done.returncode == 78 and "unknown" in done.stderr and size() == str(1024 * 1024)
        stopped.process.send_signal(signal.SIGHUP)
        wait_for(lambda: "reload refused" in stopped.log_text())
        assert size() == str(1024 * 1024) and any("configuration" in d for d in stopped.status()["degraded"])
        write(original + '\n[limits]\nsize = "2 MiB"\n')
        stopped.process.send_signal(signal.SIGHUP)
        wait_for(lambda: size() == str(2 * 1024 * 1024))
        assert not any("configuration" in d for d in stopped.status()["degraded"])
        write(original.replace(f"port = {stopped.base + 25}\n", f"port = {stopped.base + 26}\n"))
        done = stopped.command("reload", check=False)
        assert done.returncode == 78 and "restart" in done.stderr
        write(original + '\n[account.cat]\naddresses = ["cat@local.example"]\n')
        stopped.command("reload")
        stopped.command("passwd", "cat", input="of cat\n")
        with stopped.smtp() as client:
            client.sendmail("carl@far.example", ["cat@local.example"], message())
        assert login(stopped, "cat", "of cat") and len(os.listdir(stopped.data + "/mail/cat/new")) == 1
        assert imap.noop()[0] == "OK"
        imap.logout()


def test_sigterm_drains(stopped):  # OPS-01
    stopped.start()
    idle = stopped.imap()
    idle.select("INBOX")
    idle.send(b"a1 IDLE\r\n")
    assert idle.readline().startswith(b"+")
    waiting, sending = stopped.smtp(), stopped.smtp()
    waiting.ehlo()
    sending.ehlo()
    sending.mail("carl@far.example")
    sending.rcpt("ann@local.example")
    sending.putcmd("data")
    assert sending.getreply()[0] == 354
    sending.send(b"From: carl@far.example\r\nSubject: the last\r\n\r\n")
    stopped.process.send_signal(signal.SIGTERM)
    assert waiting.getreply()[0] == 421  # said to those who do nothing
    rest = b"".join(iter(idle.readline, b""))
    assert b"* BYE" in rest
    sending.send(b"in flight\r\n.\r\n")
    assert sending.getreply()[0] == 250
    assert stopped.stop() == 0
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", stopped.port("smtp")), timeout=5)
    files = os.listdir(stopped.data + "/mail/ann/new")
    assert len(files) == 1 and "in flight" in open(os.path.join(stopped.data, "mail/ann/new", files[0])).read()
    assert "AddressSanitizer" not in stopped.log_text() and "LeakSanitizer" not in stopped.log_text()


def test_start_refuses_what_it_cannot_do(stopped):  # CFG-06, CFG-08
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", stopped.port("imap")))
        taken.listen()
        done = run("serve", "-c", stopped.config)
        assert done.returncode not in (0, None) and done.stdout == "" and str(stopped.port("imap")) in done.stderr
    with open(stopped.config) as f:
        original = f.read()
    for change, word in ((("127.0.0.1", ""), "address"), (('[domain."local.example"]', '[domain.""]'), "domain"), (("certificate = \"", "certificate = \"/absent"), "absent"),
                         (('addresses = ["bob', 'addresses = ["ann'), "ann@local.example")):
        with open(stopped.config, "w") as f:
            f.write(original.replace(*change))
        done = run("serve", "-c", stopped.config)
        assert done.returncode not in (0, None) and done.stdout == "" and word in done.stderr, (change, done)
    with open(stopped.config, "w") as f:
        f.write(original + '\n[smarthost]\nhost = "relay.example"\nusername = "me"\npassword = "canary-4711"\n')
    os.chmod(stopped.config, 0o644)
    done = run("serve", "-c", stopped.config)
    assert done.returncode == 78 and "chmod" in done.stderr and "canary-4711" not in done.stderr
    os.chmod(stopped.config, 0o600)
    with Server(folder=stopped.folder, base=stopped.base) as s:
        assert "canary-4711" not in s.get("/status.json")[1].decode() + s.get("/")[1].decode() + s.log_text()


def test_status_socket_bears_a_crowd(server):  # WEB-02
    here, crowd = os.getcwd(), []
    os.chdir(server.data)
    try:
        for n in range(100):
            s = socket.socket(socket.AF_UNIX)
            s.settimeout(30)
            s.connect("run/status.sock")
            s.sendall((b"", b"GET / HT", b"POST /spam/classify HTTP/1.1\r\nHost: pennypost\r\nContent-Length: 1000\r\n\r\nhalf", b"\0\xff" * 500)[n % 4])
            crowd.append(s)
    finally:
        os.chdir(here)
    for s in crowd:
        s.close()
    wait_for(lambda: server.get("/health")[0] == 200)
    assert server.status()["ready"]


def test_stop_with_two_hundred_sessions(tmp_path):  # OPS-01
    resolver = Dns()
    resolver.add("slow.example", "MX", (10, "mx.slow.example"))
    resolver.add("mx.slow.example", "A", "127.0.98.1")
    with socket.socket() as probe:
        probe.bind(("127.0.98.1", 0))
        port = probe.getsockname()[1]
    sink = Sink("127.0.98.1", port, answers={"dot": lambda line: time.sleep(2) or "250 taken"})
    s = Server(folder=str(tmp_path / "data"), dns=f"127.0.0.1:{resolver.port}", extra="[limits]\nconn_per_source = 1000\nconn_guests = 1000\nconn_rate = 100000")
    with open(s.config) as f:
        text = f.read()
    with open(s.config, "w") as f:
        f.write(text.replace("[outbound]\n", f"[outbound]\nport = {port}\n"))
    s.start()

    def talk(service):
        c = socket.create_connection(("127.0.0.1", s.port(service)), timeout=60)
        return c, c.makefile("rb")

    def say(c, line):
        c[0].sendall(line)
        return c[1].readline()
    idle = [talk(service) for service in ("smtp", "submission", "imap") for _ in range(60)]
    assert all(c[1].readline()[:3] in (b"220", b"* O") for c in idle)
    sending = [talk("smtp") for _ in range(20)]
    for n, c in enumerate(sending):
        c[1].readline()
        for line in (b"HELO x\r\n", b"MAIL FROM:<carl@far.example>\r\n", b"RCPT TO:<ann@local.example>\r\n"):
            assert say(c, line).startswith(b"250")
        assert say(c, b"DATA\r\n").startswith(b"354")
        c[0].sendall(b"From: carl@far.example\r\nSubject: %d\r\n\r\nhalf" % n)
    with s.submission() as client:
        for n in range(5):
            client.sendmail("ann@local.example", [f"x@slow.example"], f"From: ann@local.example\r\nSubject: {n}\r\n\r\nx\r\n")
    wait_for(lambda: sink.live and any(c == "DATA" for c in sink.commands))
    s.process.send_signal(signal.SIGTERM)
    told = [c[1].readline() for c in idle]
    assert all(t.startswith((b"421 4.3.2", b"* BYE")) for t in told), set(told)
    for c in sending[:15]:  # these finish; the others never do
        assert say(c, b" and whole\r\n.\r\n").startswith(b"250")
    assert s.stop() == 0
    assert len(os.listdir(s.data + "/mail/ann/new")) == 15 and "AddressSanitizer" not in s.log_text()
    for c in idle + sending:
        c[0].close()
    with Server(folder=s.folder, base=s.base) as again:
        wait_for(lambda: len(sink.messages) >= 5 and again.status()["queue"]["entries"] == 0, 60)
        assert len(sink.messages) == 5  # what was under way was heard out, so nobody got it twice
        assert len(os.listdir(s.data + "/mail/ann/new")) == 15
    sink.close()
    resolver.close()


def test_facts_as_json(server, tmp_path):
    path = tmp_path / "one.eml"
    path.write_text(message("json", "a few words for json"))
    commands = (["status"], ["queue"], ["queue", "list"], ["queue", "hold", "all"], ["why", "24h"], ["spam", "classify", str(path)], ["spam", "train", "ham", str(path)],
                ["spam", "untrain", str(path)], ["spam", "stats"], ["check"], ["dns"], ["reload"], ["passwd", "bob"])
    for command in commands:
        done = server.command(*command, "--json", check=False, input=server.accounts["bob@local.example"] + "\n")
        assert done.returncode in (0, 1) and isinstance(json.loads(done.stdout), (dict, list)), (command, done)
    records = json.loads(server.command("dns", "--json").stdout)
    assert {"name": "local.example", "type": "MX", "value": "10 mail.local.example."} in records
    lines = [re.match(r"(\S+)\. IN TXT (.*)", x) for x in server.command("dns").stdout.splitlines()]
    zone = {(m.group(1), "".join(re.findall(r'"([^"]*)"', m.group(2)))) for m in lines if m}
    assert zone == {(r["name"], r["value"]) for r in records if r["type"] == "TXT"} and len(zone) == 4


def test_log_is_one_event_a_line(server):  # OPS-05
    with server.smtp(helo="x\x1b[31m") as client:
        client.docmd("EHLO", "bad\x07\x1b[2Jname")
        client.docmd("MAIL", "FROM:<\x7fevil@far.example>")
    text = server.log_text()
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", text)
