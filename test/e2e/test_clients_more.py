"""Do more of the programs people use get along with it? offlineimap, fetchmail, getmail and aerc: those that know the server by its name."""
import glob, os, shutil, tempfile

import pytest

from clients import PASSWORD, SETTINGS, Tee, deliver, flag, in_terminal, letters_of, listing, need, numbers, run, text, uid_of, with_letters
from server import Server, wait_for


@pytest.fixture
def server():
    with Server(extra=SETTINGS) as s:
        yield s


@pytest.fixture
def tee(server, tmp_path):
    """The way of the programs, which compare the name: what is said to them is read strictly, and nothing they ask may be refused."""
    with Tee(server, tmp_path) as t:
        yield t
    assert not t.refused, t.refused
    assert any(b"LOGIN" in line or b"AUTHENTICATE" in line for line in t.said), t.said


def test_offlineimap_keeps_both_sides_equal(server, tee, tmp_path):
    need("offlineimap")
    deliver(server, 10)
    client = server.imap()
    rc = tmp_path / "rc"
    rc.write_text(f"""[general]
accounts = all
metadata = {tmp_path}/meta
ui = basic
[Account all]
localrepository = here
remoterepository = there
[Repository here]
type = Maildir
localfolders = {tmp_path}/mail
[Repository there]
type = IMAP
remotehost = localhost
remoteport = {tee.port}
remoteuser = ann
remotepass = {PASSWORD}
ssl = yes
sslcacertfile = {tee.certificate}
""")

    def sync():
        run("offlineimap", "-c", str(rc), "-o", "-u", "basic", env={"HOME": str(tmp_path)})

    sync()
    here = numbers(f"{tmp_path}/mail/INBOX")
    assert sorted(here) == list(range(10))
    # here: flags, a deletion, a new one elsewhere; there: flags, a move, new mail
    with_letters(here[1], "FS")
    os.unlink(here[2])
    (tmp_path / "mail/Archive/new/1700000000.1_1.here").write_bytes(text(100).replace(b"\r\n", b"\n"))
    flag(client, "INBOX", 3, "+FLAGS", "(\\Flagged)")
    assert client.uid("MOVE", uid_of(client, "INBOX", 4), "Archive")[0] == "OK"
    deliver(server, 2, 20)
    sync()
    sync()
    inbox, archive = listing(client, "INBOX"), listing(client, "Archive")
    assert inbox[1][0] == {"\\Seen", "\\Flagged"} and 2 not in inbox and archive.keys() == {4, 100}
    here = numbers(f"{tmp_path}/mail/INBOX")
    assert here.keys() == inbox.keys() and "F" in letters_of(here[3]) and numbers(f"{tmp_path}/mail/Archive").keys() == {4, 100}
    client.logout()


def test_fetchmail_takes_what_is_there(server, tee, tmp_path):
    need("fetchmail")
    deliver(server, 5)
    client = server.imap()
    taken = tmp_path / "taken"
    rc = tmp_path / "rc"
    rc.write_text(f"""poll localhost service {tee.port} protocol imap username "ann" password "{PASSWORD}" ssl sslcertck sslcertfile "{tee.certificate}" keep mda "cat >>{taken}"
""")
    rc.chmod(0o600)
    both = ("fetchmail", "-f", str(rc), "--nodetach", "--nosyslog", "--pidfile", f"{tmp_path}/pid")
    run(*both, env={"HOME": str(tmp_path)})
    got = taken.read_bytes()
    assert all(f"This is message number {n}.".encode() in got for n in range(5))
    assert all("\\Seen" in flags for flags, _ in listing(client, "INBOX").values())
    run(*both, code=1, env={"HOME": str(tmp_path)})  # nothing new
    assert taken.read_bytes() == got
    deliver(server, 1, 9)
    run(*both, "--nokeep", env={"HOME": str(tmp_path)})
    assert b"message number 9." in taken.read_bytes() and 9 not in listing(client, "INBOX")
    client.logout()


def test_getmail_takes_what_is_there(server, tee, tmp_path):
    need("getmail")
    deliver(server, 5)
    client = server.imap()
    top = tempfile.mkdtemp(prefix="pennypost-getmail-")  # it delivers as nobody, when root starts it, and looks at each folder above
    for part in ("", "/cur", "/new", "/tmp"):
        os.mkdir(f"{top}/mail{part}")
    user = ""
    if os.geteuid() == 0:
        user = "user = nobody\n"
        os.chmod(top, 0o755)
        for path in glob.glob(top + "/mail") + glob.glob(top + "/mail/*"):
            shutil.chown(path, "nobody")
    (tmp_path / "getmailrc").write_text(f"""[retriever]
type = SimpleIMAPSSLRetriever
server = localhost
port = {tee.port}
username = ann
password = {PASSWORD}
mailboxes = ("INBOX", "Archive")
ca_certs = {tee.certificate}
[destination]
type = Maildir
path = {top}/mail/
{user}[options]
read_all = false
delete = false
""")
    both = ("getmail", f"--getmaildir={tmp_path}")
    run(*both)
    assert sorted(numbers(f"{top}/mail")) == list(range(5))
    assert client.uid("MOVE", uid_of(client, "INBOX", 1), "Archive")[0] == "OK"
    deliver(server, 1, 9)
    run(*both, "--delete")
    assert len(glob.glob(f"{top}/mail/new/*")) == 7  # and 1 again, which is elsewhere now, and 9
    assert not listing(client, "INBOX") and not listing(client, "Archive")
    shutil.rmtree(top)
    client.logout()


AERC = """[ui]
sort=
mouse-enabled=false
[viewer]
pager=cat
[compose]
[filters]
text/plain=cat
"""
BINDS = """J = :next-folder<Enter>
[messages]
j = :next<Enter>
g = :select 0<Enter>
o = :view<Enter>
f = :flag<Enter>
m = :move Archive<Enter>
u = :move Junk<Enter>
q = :quit<Enter>
[view]
x = :close<Enter>
"""


def test_aerc_on_a_terminal(server, tee, tmp_path):
    need("aerc")
    deliver(server, 5)
    client = server.imap()
    top = tmp_path / "config/aerc"
    os.makedirs(top)
    secret = PASSWORD.replace(" ", "%20")
    (top / "accounts.conf").write_text(f"[ann]\nsource = imaps://ann:{secret}@localhost:{tee.port}\ndefault = INBOX\nfrom = ann@local.example\n")
    (top / "accounts.conf").chmod(0o600)
    (top / "aerc.conf").write_text(AERC)
    (top / "binds.conf").write_text(BINDS)
    # the newest first: 4 is read, 3 flagged, 2 goes to Archive, 1 to Junk
    watch = server.imap()
    in_terminal(["aerc"], {"HOME": str(tmp_path), "XDG_CONFIG_HOME": f"{tmp_path}/config", "SSL_CERT_FILE": tee.certificate}, [
        (rb"number 4", "o"),
        (lambda: "\\Seen" in listing(watch, "INBOX")[4][0], ":close\r"),
        (rb"number 3", "jf"),
        (lambda: "\\Flagged" in listing(watch, "INBOX")[3][0], "jm"),
        (lambda: 2 in listing(watch, "Archive"), "u"),
        (lambda: len(listing(watch, "Junk")) == 1, "q")])
    wait_for(lambda: "learned message as spam" in server.log_text())
    watch.logout()
    client.logout()
