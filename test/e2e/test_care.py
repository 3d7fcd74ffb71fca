"""Care for the one who runs it: what is not well is told, with the remedy and in the exit code; odd input is told by its name; nothing is
passed over, lost or taken for granted (P20, OPS-14, CFG-05, CFG-06, CFG-09)."""
import fcntl, hashlib, imaplib, json, os, shutil, signal, socket, sqlite3, subprocess, time

import pytest

from dns import Dns
from server import BINARY, Server, free_port_base, trusting, wait_for

NOBODY = 65534


def run(*arguments, cwd=None, input=None):
    return subprocess.run([BINARY, *arguments], capture_output=True, text=True, timeout=120, cwd=cwd, input=input)


def give_away(server):
    """A server that gave up root has nothing to complain of: the exit code speaks of what the test does."""
    if os.geteuid() == 0:
        for path, folders, files in os.walk(server.folder):
            for name in [".", *files]:
                os.chown(os.path.join(path, name), NOBODY, NOBODY)


def write(path, text):
    with open(path, "w") as f:
        f.write(text)


def read(path):
    with open(path) as f:
        return f.read()


@pytest.fixture
def stopped():
    resolver = Dns()
    resolver.add("dead.example", "MX", (10, "mx.dead.example"))
    resolver.add("mx.dead.example", "A", "127.0.99.1")  # nobody there
    s = Server(dns=f"127.0.0.1:{resolver.port}")
    yield s
    s.remove()
    resolver.close()


def told(server, words):
    """The reason is in the status within 5 s, in words and as JSON, and in the exit code and /health."""
    wait_for(lambda: any(words in d for d in server.status()["degraded"]), seconds=5)
    done = server.command("status", check=False)
    assert done.returncode == 1 and words in done.stdout and "all is well" not in done.stdout
    as_json = server.command("status", "--json", check=False)
    assert as_json.returncode == 1 and any(words in d for d in json.loads(as_json.stdout)["degraded"])
    assert server.get("/health") == (200, b"degraded\n")
    assert b"All is well" not in server.get("/")[1]


def well(server):
    wait_for(lambda: server.command("status", check=False).returncode == 0, seconds=10)
    assert server.get("/health") == (200, b"ok\n")


def send(server, to):
    with server.submission("ann@local.example") as client:
        client.sendmail("ann@local.example", [to], f"From: ann@local.example\r\nTo: {to}\r\nSubject: x\r\n\r\nwords\r\n")


# --- what is not well ---------------------------------------------------------------------------------------------------------------

def test_mail_that_waits_too_long_is_told(stopped):
    with stopped:
        send(stopped, "carl@dead.example")
        entries = json.loads(stopped.command("queue", "list", "--json").stdout)
        assert len(entries) == 1
        stopped.stop()
        with sqlite3.connect(stopped.data + "/queue.sqlite") as db:
            db.execute("UPDATE entry SET arrived = arrived - 5 * 3600")
        db.close()
        give_away(stopped)
        stopped.start()
        told(stopped, "mail has waited in the queue for 5 hours")
        assert "pennypost_degraded_reasons 1" in stopped.get("/metrics")[1].decode()
        stopped.command("queue", "delete", entries[0]["id"])
        well(stopped)


def test_a_disk_that_fills_up_is_told(stopped):
    text = read(stopped.config)
    give_away(stopped)
    with stopped:
        well(stopped)
        write(stopped.config, text + '\n[limits]\nfree = "1000 TiB"\n')
        stopped.command("reload")
        told(stopped, "disk below its reserve")
        write(stopped.config, text)
        stopped.command("reload")
        well(stopped)


def test_a_certificate_that_runs_out_is_told(stopped):
    tls = stopped.folder + "/tls"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "10", "-subj", "/CN=mail.local.example", "-keyout", tls + "/new.pem",
                    "-out", tls + "/new-certificate.pem"], check=True, capture_output=True)
    os.chmod(tls + "/new.pem", 0o600)
    shutil.copy(tls + "/key.pem", tls + "/old.pem")
    shutil.copy(tls + "/certificate.pem", tls + "/old-certificate.pem")
    give_away(stopped)
    with stopped:
        well(stopped)
        os.rename(tls + "/new.pem", tls + "/key.pem")
        os.rename(tls + "/new-certificate.pem", tls + "/certificate.pem")
        stopped.command("reload")
        told(stopped, "expires within 14 days")
        assert stopped.command("check", check=False).returncode == 1
        os.rename(tls + "/old.pem", tls + "/key.pem")
        if os.geteuid() == 0:
            os.chown(tls + "/old-certificate.pem", NOBODY, NOBODY)
            os.chown(tls + "/key.pem", NOBODY, NOBODY)
        os.rename(tls + "/old-certificate.pem", tls + "/certificate.pem")
        stopped.command("reload")
        well(stopped)


# --- reload ---------------------------------------------------------------------------------------------------------------------------

def test_what_a_reload_cannot_change_is_refused_by_name(stopped):
    text = read(stopped.config)
    with stopped:
        for change, name in ((text.replace('trust_anchor = "none"', 'trust_anchor = "none"\ntimeout = "3s"'), "[dns]"),
                             (text + f'\n[status]\naddress = "127.0.0.1:{stopped.base + 99}"\n', "[status]")):
            assert change != text
            write(stopped.config, change)
            done = stopped.command("reload", check=False)
            assert done.returncode == 78 and f"{name} cannot change" in done.stderr and "restart" in done.stderr
        write(stopped.config, text)
        assert stopped.command("reload").stdout == "reloaded\n"
        assert not any("configuration" in d for d in stopped.status()["degraded"])


def test_hangups_in_a_storm(stopped):
    with stopped:
        for _ in range(500):
            stopped.process.send_signal(signal.SIGHUP)
        send(stopped, "bob@local.example")
        wait_for(lambda: "changed=no" in stopped.log_text())
        assert stopped.status()["ready"] and "reload refused" not in stopped.log_text()


def test_an_account_that_is_removed(stopped):
    """Its sessions end, its logins fail, its mail under way stays accounted for, and a report for it harms nothing."""
    text = read(stopped.config)
    with stopped:
        session = stopped.imap("ann@local.example")
        session.select("INBOX")
        send(stopped, "carl@dead.example")
        at = text.index('[account."ann"]')
        end = text.find("\n[", at + 1)
        write(stopped.config, text[:at] + (text[end + 1:] if end != -1 else ""))
        stopped.command("reload")
        assert stopped.status()["accounts"] == ["bob"]
        with pytest.raises(Exception):
            for _ in range(20):
                session.noop()
                session.append("INBOX", None, None, b"Subject: x\r\n\r\ny\r\n")
                time.sleep(0.05)
        with pytest.raises(Exception):
            stopped.imap("ann@local.example")
        [entry] = json.loads(stopped.command("queue", "list", "--json").stdout)
        assert entry["account"] == "ann" and stopped.command("queue", "retry", entry["id"]).returncode == 0
        assert os.path.isdir(stopped.data + "/mail/ann/cur")


def test_an_account_that_is_added(stopped):
    """Its tree is opened while the server serves; one whose tree cannot be leaves everything as it was; reloads take turns."""
    text = read(stopped.config)
    more = text + '\n[account."cid"]\naddresses = ["cid@local.example"]\n'
    with stopped:
        write(stopped.data + "/mail/cid", "in the way")
        write(stopped.config, more)
        done = stopped.command("reload", check=False)
        assert done.returncode == 78 and "mail/cid" in done.stderr and stopped.status()["accounts"] == ["ann", "bob"]
        told(stopped, "mail/cid")
        os.unlink(stopped.data + "/mail/cid")
        for _ in range(20):
            stopped.process.send_signal(signal.SIGHUP)
        stopped.command("reload")
        assert stopped.status()["accounts"] == ["ann", "bob", "cid"]
        stopped.command("passwd", "cid", input="secret of cid\n")
        send(stopped, "cid@local.example")
        stopped.accounts["cid@local.example"] = "secret of cid"
        session = stopped.imap("cid@local.example")
        wait_for(lambda: session.select("INBOX")[1] == [b"1"])
        session.logout()
        write(stopped.config, text)
        stopped.process.send_signal(signal.SIGHUP)  # and the stop comes while it is thought about


# --- starting ----------------------------------------------------------------------------------------------------------------------------

def test_a_port_in_use_names_the_setting(stopped):
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("127.0.0.1", stopped.port("submission")))
        s.listen()
        done = run("serve", "-c", stopped.config)
    assert done.returncode == 75 and not done.stdout
    assert "[[listen]]" in done.stderr and "submission" in done.stderr and str(stopped.port("submission")) in done.stderr and "in use" in done.stderr


def test_a_certificate_that_cannot_be_read_names_the_file(stopped):
    os.unlink(stopped.folder + "/tls/certificate.pem")
    done = run("serve", "-c", stopped.config)
    assert done.returncode in (75, 78) and not done.stdout and "tls/certificate.pem" in done.stderr
    assert run("check", "-c", stopped.config).returncode == 1


def test_newer_data_is_refused_and_left_alone(stopped):  # OPS-03
    name = stopped.data + "/queue.sqlite"
    with sqlite3.connect(name) as db:
        db.execute("PRAGMA user_version = 999")
    db.close()

    def digest():
        return hashlib.sha256(open(name, "rb").read()).hexdigest()
    before = digest()
    done = run("serve", "-c", stopped.config)
    assert done.returncode == 78 and not done.stdout and "newer" in done.stderr and digest() == before
    done = run("queue", "list", "-c", stopped.config)
    assert done.returncode in (75, 78) and "newer" in done.stderr and digest() == before


def test_two_commands_at_once_wait_for_each_other(stopped):
    with open(stopped.data + "/lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        child = subprocess.Popen([BINARY, "queue", "list", "-c", stopped.config], stdout=subprocess.PIPE, text=True)
        with pytest.raises(subprocess.TimeoutExpired):
            child.wait(0.5)
        fcntl.flock(lock, fcntl.LOCK_UN)
        assert child.communicate(timeout=60)[0] == "the queue is empty\n" and child.returncode == 0
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = run("queue", "list", "-c", stopped.config)
        assert done.returncode == 75 and "another process has this data folder open" in done.stderr


# --- commands -----------------------------------------------------------------------------------------------------------------------------

def test_what_is_not_understood_is_not_passed_over(stopped):
    for wrong in (["serve", "--config", stopped.config], ["status", "now"], ["check", "-c"], ["reload", "--jsno"], ["dns", "x"]):
        done = run(*wrong)
        assert done.returncode == 64 and "what is" in done.stderr and not done.stdout, (wrong, done)


def test_a_configuration_named_from_where_one_stands(stopped):
    folder, above = stopped.folder, os.path.dirname(stopped.folder)
    write(above + "/one.eml", "Subject: one\n\nwords of one\n")
    write(above + "/two.eml", "Subject: two\n\nwords of two\n")
    name = os.path.relpath(stopped.config, above)
    done = run("spam", "train", "ham", "one.eml", "two.eml", "-c", name, cwd=above)
    assert done.returncode == 0 and done.stdout == "one.eml: learned\ntwo.eml: learned\n", done.stderr
    child = subprocess.Popen([BINARY, "serve", "-c", name], cwd=above, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        assert child.stdout.readline() == b"ready\n"
        assert run("spam", "untrain", "two.eml", "one.eml", "-c", name, cwd=above).stdout == "two.eml: learned\none.eml: learned\n"
        write(stopped.config, read(stopped.config) + "\n[log]\nlevel = \"debug\"\n")
        assert run("reload", "-c", os.path.basename(stopped.config), cwd=folder).returncode == 0
    finally:
        child.terminate()
        assert child.wait(20) == 0


def test_passwords_are_the_rest_of_the_line(tmp_path):
    words = {"ann": "  two  blanks, a tab\tand a blank at the end ", "bob": "päßwörd ☂", "cat": "one\ttwo"}
    text = "\r\n".join(["\ufeff# people".lstrip("\ufeff"), "", *(f"{n}@local.example {w}" for n, w in list(words.items())[:2]),
                        f"cat@local.example\t{words['cat']}"]) + "\r\n"
    accounts = tmp_path / "accounts"
    accounts.write_bytes(text.encode())
    folder = str(tmp_path / "data")
    arguments = ("init", "--dir", folder, "--domain", "local.example", "--listen", "127.0.0.1", "--port-base", str(free_port_base()), "--self-signed",
                 "--accounts", str(accounts))
    done = run(*arguments)
    assert done.returncode == 0, done.stderr
    before = read(folder + "/pennypost.toml")
    again = run(*arguments)
    assert again.returncode == 64 and "exists already" in again.stderr and read(folder + "/pennypost.toml") == before
    s = Server(folder=folder, accounts={f"{n}@local.example": w for n, w in words.items()})
    s.base = int(arguments[8])
    with s:
        for name, word in words.items():
            # imaplib quotes its arguments as ASCII: the octets go as AUTHENTICATE PLAIN sends them
            client = imaplib.IMAP4_SSL("127.0.0.1", s.port("imaps"), ssl_context=trusting())
            client.authenticate("PLAIN", lambda _, n=name, w=word: b"\0" + n.encode() + b"\0" + w.encode())
            client.logout()


# --- the status socket ------------------------------------------------------------------------------------------------------------------

def ask_and_leave(server, path, body):
    """A client that goes away while it is thought about."""
    here = os.getcwd()
    s = socket.socket(socket.AF_UNIX)
    os.chdir(server.data)
    try:
        s.connect("run/status.sock")
    finally:
        os.chdir(here)
    s.sendall(f"POST {path} HTTP/1.1\r\nHost: pennypost\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
    s.close()


def test_a_client_that_leaves_and_a_stop_while_it_is_thought_about():
    body = b"Subject: long\n\n" + b"".join(b"word%d and some more of them\n" % (i * 7919) for i in range(200000))
    with Server() as stopped:  # its end looks for the sanitizers' reports
        for path in ("/spam/classify", "/spam/learn?class=spam&account=ann", "/spam/stats", "/queue/all/retry"):
            ask_and_leave(stopped, path, body)
        assert stopped.get("/health")[0] == 200
        for _ in range(6):
            ask_and_leave(stopped, "/spam/classify", body)
