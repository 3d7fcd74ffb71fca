"""Do more of the programs people use get along with it? offlineimap, aerc, fetchmail, getmail, and mbsync while others change both of its sides. Each
speaks through a tee: what the server says is read strictly, and a command that is refused must be on the short list of the test."""
import glob, os, random, re, shutil, tempfile

import pytest

from clients import PASSWORD, SETTINGS, Tee, deliver, flag, in_terminal, listing, need, run, text, uid_of
from server import Server, wait_for


@pytest.fixture
def server():
    with Server(extra=SETTINGS) as s:
        yield s


def accepted(tee):
    assert not tee.refused, tee.refused
    assert any(b"LOGIN" in line or b"AUTHENTICATE" in line for line in tee.said), tee.said


def numbers(folder):
    """number -> path of the files of a Maildir"""
    found = {}
    for path in glob.glob(folder + "/new/*") + glob.glob(folder + "/cur/*"):
        with open(path, "rb") as f:
            found[int(re.search(rb"(?im)^Message-ID: <n(\d+)@", f.read()).group(1))] = path
    return found


def flags_of(path):
    return set(path.rpartition(":2,")[2]) if ":2," in path else set()


def with_flags(path, letters):
    os.rename(path, re.sub(r"/new/", "/cur/", path).partition(":2,")[0] + ":2," + letters)


def test_offlineimap_keeps_both_sides_equal(server, tmp_path):
    need("offlineimap")
    deliver(server, 10)
    client = server.imap()
    with Tee(server, tmp_path) as tee:
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
        with_flags(here[1], "FS")
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
        assert here.keys() == inbox.keys() and "F" in flags_of(here[3]) and numbers(f"{tmp_path}/mail/Archive").keys() == {4, 100}
    accepted(tee)
    client.logout()


def test_fetchmail_takes_what_is_there(server, tmp_path):
    need("fetchmail")
    deliver(server, 5)
    client = server.imap()
    taken = tmp_path / "taken"
    with Tee(server, tmp_path) as tee:
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
    accepted(tee)
    client.logout()


def test_getmail_takes_what_is_there(server, tmp_path):
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
    with Tee(server, tmp_path) as tee:
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
        assert 9 in numbers(f"{top}/mail")
        assert not listing(client, "INBOX") and not listing(client, "Archive")
    accepted(tee)
    shutil.rmtree(top)
    client.logout()


LETTERS = {"\\Seen": "S", "\\Flagged": "F", "\\Answered": "R", "\\Draft": "D", "\\Deleted": "T"}
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


def test_aerc_on_a_terminal(server, tmp_path):
    need("aerc")
    deliver(server, 5)
    client = server.imap()
    top = tmp_path / "config/aerc"
    os.makedirs(top)
    with Tee(server, tmp_path) as tee:
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
    accepted(tee)
    client.logout()


def test_mbsync_while_both_sides_change(server, tmp_path):
    """Flags, moves, deletions, renamed folders on either side and on both, again and again: in the end both sides are the same."""
    need("mbsync")
    deliver(server, 20)
    client = server.imap()
    rng = random.Random(5)
    with Tee(server) as tee:
        (tmp_path / "mail").mkdir()
        rc = tmp_path / "rc"
        rc.write_text(f"""IMAPAccount there
Host 127.0.0.1
Port {tee.port}
User ann
Pass "{PASSWORD}"
SSLType IMAPS
CertificateFile {tee.certificate}

IMAPStore there
Account there

MaildirStore here
Path {tmp_path}/mail/
Inbox {tmp_path}/mail/INBOX
SubFolders Verbatim

Channel all
Far :there:
Near :here:
Patterns *
Create Both
Expunge Both
Remove Near
SyncState *
Sync All
""")

        def sync():
            run("mbsync", "-c", str(rc), "-a", env={"HOME": str(tmp_path)})

        def there(folder):
            return {n: {LETTERS[f] for f in flags if f in LETTERS} for n, (flags, _) in listing(client, folder).items()}

        def here(folder):
            return {n: flags_of(path) for n, path in numbers(f"{tmp_path}/mail/{folder}").items()}

        sync()
        fresh = 200
        for round in range(4):
            near, far = numbers(f"{tmp_path}/mail/INBOX"), sorted(listing(client, "INBOX"))
            some = rng.sample(sorted(near), 6)
            with_flags(near[some[0]], "FS")
            with_flags(near[some[1]], "ST")  # deleted on both
            with_flags(near[some[2]], "S")  # and flagged by the other side
            shutil.move(near[some[3]], f"{tmp_path}/mail/Archive/new/170000000{round}.1_{round}.here")  # and deleted by the other side
            flag(client, "INBOX", some[1], "+FLAGS", "(\\Deleted)")
            flag(client, "INBOX", some[2], "+FLAGS", "(\\Flagged)")
            flag(client, "INBOX", some[3], "+FLAGS", "(\\Deleted)")
            client.expunge()
            assert client.uid("MOVE", uid_of(client, "INBOX", some[4]), "Archive")[0] == "OK"
            flag(client, "INBOX", some[5], "+FLAGS", "(\\Answered)")
            client.close()
            deliver(server, 3, fresh)
            fresh += 3
            assert client.create(f"round{round}")[0] == "OK" and client.append(f"round{round}", None, None, text(fresh + 500))[0] == "OK"
            sync()
            if round:  # a name that goes away there, a new one that comes
                assert client.rename(f"round{round}", f"renamed{round}")[0] == "OK"
            sync()
            sync()
            for folder in ("INBOX", "Archive", "renamed1" if round else "round0"):
                assert there(folder) == here(folder), (round, folder)
            assert some[1] not in here("INBOX") and here("INBOX")[some[2]] == {"F", "S"} and {some[3], some[4]} <= here("Archive").keys() and far
        before = {f: there(f) for f in ("INBOX", "Archive")}
        sync()
        assert before == {f: there(f) for f in before}
    accepted(tee)
    client.logout()
