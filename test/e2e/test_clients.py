"""Do the programs people use get along with it? mbsync, neomutt, curl, swaks, msmtp and Python's own clients against the real binary."""
import email, glob, imaplib, os, random, re, shutil, smtplib, subprocess

import pytest

from clients import PASSWORD, SETTINGS, Tee, certificate, deliver, flag, in_terminal, letters_of, listing, need, numbers, run, text, uid_of, with_letters
from server import Server, trusting, wait_for


@pytest.fixture
def server():
    with Server(extra=SETTINGS) as s:
        yield s


@pytest.fixture
def tee(server):
    """The way of the programs that speak IMAP: what is said to them is read strictly, and nothing they ask may be refused."""
    with Tee(server) as t:
        yield t
    assert t.said and not t.refused, t.refused


# --- mbsync --------------------------------------------------------------------------------------------------------------------------------

LETTERS = {"S": "\\Seen", "F": "\\Flagged", "R": "\\Answered", "D": "\\Draft", "T": "\\Deleted"}


class Phone:
    """A Maildir somewhere else that mbsync keeps equal to the account."""

    def __init__(self, tee, top):
        self.top = str(top)
        self.rc = os.path.join(self.top, "rc")
        os.makedirs(os.path.join(self.top, "mail"))
        with open(self.rc, "w") as f:
            f.write(f"""IMAPAccount there
Host 127.0.0.1
Port {tee.port}
User ann
Pass "{PASSWORD}"
SSLType IMAPS
CertificateFile {tee.certificate}

IMAPStore there
Account there

MaildirStore here
Path {self.top}/mail/
Inbox {self.top}/mail/INBOX
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
CopyArrivalDate yes
""")

    def sync(self):
        return run("mbsync", "-c", self.rc, "-a", env={"HOME": self.top})

    def files(self, folder):
        """number -> (flags, path)"""
        return {n: ({LETTERS[c] for c in letters_of(path)}, path) for n, path in numbers(f"{self.top}/mail/{folder}").items()}

    def same_as(self, client, folder):
        there, here = listing(client, folder), self.files(folder)
        assert there.keys() == here.keys(), (folder, sorted(there), sorted(here))
        for n in there:
            assert there[n][0] - {"\\Recent"} == here[n][0], (folder, n, there[n][0], here[n])
            with open(here[n][1], "rb") as f:
                raw = re.sub(rb"(?m)^X-TUID: .*\n", b"", f.read())
            assert raw == re.sub(rb"(?m)^X-TUID: .*\n", b"", there[n][1].replace(b"\r\n", b"\n")), (folder, n)
        return len(there)


def test_mbsync_keeps_both_sides_equal(server, tee, tmp_path):
    need("mbsync")
    deliver(server, 25)
    client = server.imap()
    flag(client, "INBOX", 3, "+FLAGS", "(\\Seen \\Flagged)")
    flag(client, "INBOX", 4, "+FLAGS", "(\\Answered)")
    phone = Phone(tee, tmp_path / "phone")
    phone.sync()
    assert phone.same_as(client, "INBOX") == 25
    # here: flags, a deletion, a new message, a message put elsewhere, a new folder
    here = phone.files("INBOX")
    for number, letters in ((5, "FS"), (3, "S"), (6, "RS"), (7, "T")):
        with_letters(here[number][1], letters)
    with open(f"{tmp_path}/phone/mail/Archive/new/1700000000.1_1.here", "wb") as f:
        f.write(text(100).replace(b"\r\n", b"\n"))
    shutil.move(here[8][1], f"{tmp_path}/phone/mail/Archive/cur/1700000000.2_1.here:2,S")
    for part in ("cur", "new", "tmp"):
        os.makedirs(f"{tmp_path}/phone/mail/Made here/{part}")
    with open(f"{tmp_path}/phone/mail/Made here/cur/1700000000.3_1.here:2,FS", "wb") as f:
        f.write(text(101).replace(b"\r\n", b"\n"))
    phone.sync()
    inbox, archive = listing(client, "INBOX"), listing(client, "Archive")
    assert inbox[5][0] == {"\\Seen", "\\Flagged"} and inbox[3][0] == {"\\Seen"} and inbox[6][0] == {"\\Answered", "\\Seen"}
    assert 7 not in inbox and 8 not in inbox and archive.keys() == {8, 100} and archive[8][0] == {"\\Seen"}
    assert listing(client, "Made here")[101][0] == {"\\Seen", "\\Flagged"}
    # there: flags, a deletion, a move, new mail
    flag(client, "INBOX", 10, "+FLAGS", "(\\Flagged)")
    flag(client, "INBOX", 5, "-FLAGS", "(\\Flagged)")
    client.select("INBOX")
    for number, words in ((11, ("STORE", "+FLAGS", "(\\Deleted)")), (12, ("MOVE", "Archive"))):
        uid = client.uid("SEARCH", "HEADER", "Message-ID", f"<n{number}@far.example>")[1][0].decode()
        assert client.uid(words[0], uid, *words[1:])[0] == "OK"
    client.expunge()
    deliver(server, 5, 200)
    phone.sync()
    here = phone.files("INBOX")
    assert here[10][0] == {"\\Flagged"} and here[5][0] == {"\\Seen"} and 11 not in here and 12 not in here and {200, 204} <= here.keys()
    assert 12 in phone.files("Archive")
    # both at once, then nothing more to do
    flag(client, "INBOX", 13, "+FLAGS", "(\\Seen)")
    with_letters(here[14][1], "S")
    phone.sync()
    for folder in ("INBOX", "Archive", "Made here", "Sent", "Drafts", "Junk", "Trash"):
        phone.same_as(client, folder)
    before = {p: os.stat(p).st_mtime_ns for p in glob.glob(f"{tmp_path}/phone/mail/*/cur/*")}
    server_before = {f: listing(client, f) for f in ("INBOX", "Archive")}
    phone.sync()
    assert before == {p: os.stat(p).st_mtime_ns for p in glob.glob(f"{tmp_path}/phone/mail/*/cur/*")}
    assert server_before == {f: listing(client, f) for f in ("INBOX", "Archive")}
    # a second phone sees what the first one did
    other = Phone(tee, tmp_path / "other")
    other.sync()
    assert other.same_as(client, "INBOX") == len(server_before["INBOX"])
    client.logout()


def test_mbsync_while_both_sides_change(server, tee, tmp_path):
    """Flags, moves, deletions, renamed folders on either side and on both, again and again: in the end both sides are the same."""
    need("mbsync")
    deliver(server, 20)
    client = server.imap()
    rng = random.Random(5)
    phone = Phone(tee, tmp_path)
    phone.sync()
    fresh = 200
    for round in range(4):
        near = {n: path for n, (_, path) in phone.files("INBOX").items()}
        some = rng.sample(sorted(near), 6)
        with_letters(near[some[0]], "FS")
        with_letters(near[some[1]], "ST")  # deleted on both
        with_letters(near[some[2]], "S")  # and flagged by the other side
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
        phone.sync()
        if round:  # a name that goes away there, a new one that comes
            assert client.rename(f"round{round}", f"renamed{round}")[0] == "OK"
        phone.sync()
        phone.sync()
        for folder in ("INBOX", "Archive", f"renamed{round}" if round else "round0"):
            phone.same_as(client, folder)
        inbox = phone.files("INBOX")
        assert some[1] not in inbox and inbox[some[2]][0] == {"\\Flagged", "\\Seen"} and {some[3], some[4]} <= phone.files("Archive").keys()
    before = {f: listing(client, f) for f in ("INBOX", "Archive")}
    phone.sync()
    assert before == {f: listing(client, f) for f in before}
    client.logout()


# --- neomutt ---------------------------------------------------------------------------------------------------------------------------------

def neomutt(top, settings, folder, keys):
    """Runs it on a terminal of its own; its keys end with leaving it."""
    rc = os.path.join(top, "muttrc")
    with open(rc, "w") as f:
        f.write(f"""set header_cache = "" tmpdir = "{top}" wait_key = no pipe_decode = no delete = yes quit = yes confirmappend = no confirmcreate = no
set mark_old = no move = no abort_unmodified = no sort = date mail_check = 60 timeout = 60 use_domain = no beep = no sleep_time = 0
set pipe_split = yes pipe_sep = ""
{settings}
push "{keys}"
""")
    return in_terminal(["neomutt", "-n", "-F", rc, "-f", folder], {"HOME": top})


# flag the 1st, show the 2nd, save the 3rd elsewhere, delete the 4th, pipe all that is left into a file
def keys(out, archive):
    return ("<enter-command>unset resolve<enter><first-entry><flag-message><next-entry><display-message><exit><next-entry>"
            f"<save-message>{archive}<enter><next-entry><delete-message><tag-pattern>~A<enter><tag-prefix><pipe-message>cat >>{out}<enter>"
            "<untag-pattern>~A<enter><quit>")


def check_what_neomutt_did(server, out):
    client = server.imap()
    inbox, archive = listing(client, "INBOX"), listing(client, "Archive")
    client.logout()
    assert sorted(inbox) == [0, 1, 4, 5] and sorted(archive) == [2], (sorted(inbox), sorted(archive))
    assert "\\Flagged" in inbox[0][0] and "\\Seen" in inbox[1][0] and "\\Seen" not in inbox[5][0]
    with open(out, "rb") as f:
        piped = f.read()
    for n in range(6):
        assert f"This is message number {n}.\n".encode() in piped, n


def test_neomutt_over_imap(server, tee, tmp_path):
    need("neomutt")
    deliver(server, 6)
    settings = f"""set folder = "imaps://127.0.0.1:{tee.port}/" imap_user = "ann" imap_pass = "{PASSWORD}"
set certificate_file = "{certificate(server)}" ssl_verify_host = no ssl_verify_dates = no"""
    out = f"{tmp_path}/out"
    neomutt(str(tmp_path), settings, f"imaps://127.0.0.1:{tee.port}/INBOX", keys(out, "=Archive"))
    check_what_neomutt_did(server, out)


def test_neomutt_on_the_maildir_itself(server, tmp_path):
    need("neomutt")
    deliver(server, 6)
    client = server.imap()
    before = {n: raw for n, (_, raw) in listing(client, "INBOX").items()}
    box = os.path.join(server.data, "mail", "ann")
    out = f"{tmp_path}/out"
    shown = neomutt(str(tmp_path), f'set mbox_type = Maildir folder = "{box}" maildir_trash = no', box, keys(out, f"{box}/.Archive"))

    def seen():  # the session that was there all the time hears of it
        client.noop()
        return sorted(listing(client, "INBOX")) == [0, 1, 4, 5]

    try:
        wait_for(seen, 20)
    except AssertionError:
        files = sorted(glob.glob(f"{box}/*/*") + glob.glob(f"{box}/.Archive/*/*"))
        raise AssertionError("\n".join([str({n: f for n, (f, _) in listing(client, "INBOX").items()}), *files, shown[-3000:].decode("latin1")]))
    check_what_neomutt_did(server, out)
    after = {n: raw for n, (_, raw) in listing(client, "INBOX").items()}
    assert all(after[n] == before[n] for n in after)
    client.logout()


# --- curl ----------------------------------------------------------------------------------------------------------------------------------

def test_curl_over_imaps_and_smtps(server, tee, tmp_path):
    need("curl")
    deliver(server, 3)
    client = server.imap()
    want = listing(client, "INBOX")
    base = ("curl", "-sS", "--cacert", certificate(server), "--connect-to", f"::127.0.0.1:", "-u", f"ann:{PASSWORD}")
    url = f"imaps://{server.hostname}:{tee.port}"
    assert run(*base, f"{url}/INBOX;MAILINDEX=2") == want[1][1]
    uid = client.uid("SEARCH", "HEADER", "Message-ID", "<n2@far.example>")[1][0].decode()
    assert run(*base, f"{url}/INBOX;UID={uid}") == want[2][1]
    assert b"number 2" in run(*base, f"{url}/INBOX;UID={uid};SECTION=HEADER.FIELDS%20(SUBJECT)")
    assert b"INBOX" in run(*base, url) and b"\\Junk" in run(*base, url, "-X", 'LIST "" *')
    assert run(*base, f"{url}/INBOX?SUBJECT%20number").split()[2:] == [b"1", b"2", b"3"]
    assert run(*base, f"{url}/INBOX", "-X", "STATUS INBOX (MESSAGES UNSEEN)").strip()
    path = tmp_path / "one"
    path.write_bytes(text(50))
    run(*base, "-T", str(path), f"{url}/Archive")
    assert listing(client, "Archive")[50][1] == text(50)
    # STARTTLS on the plain port, and sending
    plain = f"imap://{server.hostname}:{server.port('imap')}"
    assert run(*base, "--ssl-reqd", f"{plain}/INBOX;MAILINDEX=1") == want[0][1]
    path.write_bytes(text(51, sender="ann@local.example"))
    run(*base, f"smtps://{server.hostname}:{server.port('submissions')}/laptop.example", "--mail-from", "ann@local.example", "--mail-rcpt", "ann@local.example",
        "-T", str(path))
    wait_for(lambda: 51 in listing(client, "INBOX"))
    client.logout()


# --- swaks, msmtp -------------------------------------------------------------------------------------------------------------------------------

def bobs(server, number):
    client = server.imap("bob@local.example")
    try:
        return listing(client, "INBOX").get(number)
    finally:
        client.logout()


@pytest.mark.parametrize("way", ["starttls PLAIN", "starttls LOGIN", "implicit PLAIN", "implicit LOGIN"])
def test_swaks_submits(server, tmp_path, way):
    need("swaks")
    if b"TLS supported" not in run("swaks", "--support"):
        pytest.skip("swaks without TLS: libnet-ssleay-perl is not installed")
    tls, method = way.split()
    port = ("--port", str(server.port("submission")), "-tls") if tls == "starttls" else ("--port", str(server.port("submissions")), "-tlsc")
    path = tmp_path / "one"
    path.write_bytes(text(60, sender="ann@local.example").replace(b"\r\n", b"\n"))
    run("swaks", "--server", "127.0.0.1", *port, "--auth", method, "--auth-user", "ann@local.example", "--auth-password", PASSWORD,
        "--from", "ann@local.example", "--to", "bob@local.example", "--helo", "laptop.example", "--data", f"@{path}")
    got = wait_for(lambda: bobs(server, 60))[1]
    assert b"This is message number 60.\r\n" in got and re.search(rb"with ESMTPSA", got)
    # a wrong password ends it, with the reply that says so
    done = subprocess.run(["swaks", "--server", "127.0.0.1", *port, "--auth", method, "--auth-user", "ann@local.example", "--auth-password", "wrong",
                           "--from", "ann@local.example", "--to", "bob@local.example", "--helo", "laptop.example"], capture_output=True, timeout=60)
    assert done.returncode == 28 and b"535 5.7.8" in done.stdout, done.stdout


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_msmtp_submits(server, tmp_path, tls):
    need("msmtp")
    rc = tmp_path / "rc"
    rc.write_text(f"""account default
host 127.0.0.1
port {server.port('submission' if tls == 'starttls' else 'submissions')}
tls on
tls_starttls {'on' if tls == 'starttls' else 'off'}
tls_trust_file {certificate(server)}
tls_host_override {server.hostname}
auth on
user ann
password "{PASSWORD}"
from ann@local.example
domain laptop.example
""")
    rc.chmod(0o600)
    content = b"From: Ann <ann@local.example>\nTo: bob@local.example\nSubject: from msmtp\nMessage-ID: <n70@far.example>\n\n.a dot\n..\nno date was given\n"
    run("msmtp", "-C", str(rc), "-t", input=content)
    got = wait_for(lambda: bobs(server, 70))[1]
    assert got.endswith(b"\r\n\r\n.a dot\r\n..\r\nno date was given\r\n") and len(re.findall(rb"(?m)^Date: ", got)) == 1


# --- Python's own -------------------------------------------------------------------------------------------------------------------------------

def test_smtplib_submits_on_both_ports_and_is_refused_what_is_not_its_own(server):
    for implicit, number in ((True, 80), (False, 81)):
        with server.submission(implicit=implicit) as client:
            client.sendmail("ann@local.example", ["bob@local.example"], text(number, sender="ann@local.example"))
            with pytest.raises(smtplib.SMTPException):
                client.sendmail("ann@local.example", ["bob@local.example"], text(90, sender="bob@local.example"))
            with pytest.raises(smtplib.SMTPException):
                client.sendmail("bob@local.example", ["ann@local.example"], text(91, sender="bob@local.example"))
        wait_for(lambda: bobs(server, number))
    with smtplib.SMTP("127.0.0.1", server.port("submission"), timeout=60) as client:
        client.ehlo()
        assert not client.has_extn("auth")
        with pytest.raises(smtplib.SMTPException):
            client.login("ann", PASSWORD)
    assert bobs(server, 90) is None and bobs(server, 91) is None


def test_imaplib_does_what_people_do(server):
    deliver(server, 4)
    client = imaplib.IMAP4("127.0.0.1", server.port("imap"), timeout=60)
    with pytest.raises(imaplib.IMAP4.error):
        client.login("ann", PASSWORD)  # not without TLS
    client.starttls(trusting())
    with pytest.raises(imaplib.IMAP4.error):
        client.login("ann", "wrong")
    client.authenticate("PLAIN", lambda _: f"\0ann@local.example\0{PASSWORD}".encode())
    assert client.namespace()[1] == [b'(("" "/")) NIL NIL']
    names = b"\n".join(client.list()[1])
    for use in (b"\\Sent", b"\\Drafts", b"\\Junk", b"\\Trash", b"\\Archive"):
        assert use in names
    for name in ('"Projects/2026/&AOk-t&AOk-"', '"a b"', "Plain"):
        assert client.create(name)[0] == "OK"
        assert client.append(name, "(\\Seen hello)", imaplib.Time2Internaldate(1700000000), text(1))[0] == "OK"
        assert client.subscribe(name)[0] == "OK"
    assert len(client.lsub()[1]) >= 3
    assert client.rename("Plain", "Renamed")[0] == "OK"
    assert client.status("Renamed", "(MESSAGES UIDNEXT UNSEEN)")[1][0].replace(b'"', b"").startswith(b"Renamed (MESSAGES 1")
    client.select("Renamed")
    flags = client.fetch("1", "(FLAGS INTERNALDATE)")[1][0]
    assert b"hello" in flags and b"14-Nov-2023" in flags
    client.select("INBOX")
    assert client.search(None, "SUBJECT", '"number 2"')[1] == [b"3"]
    assert client.copy("1:2", "Archive")[0] == "OK" and client.uid("MOVE", "4", "Trash")[0] == "OK"
    assert client.store("1", "+FLAGS", "(\\Deleted)")[0] == "OK" and client.expunge()[1][-1] == b"1"
    watcher = server.imap()
    watcher.select("INBOX")
    client.store("1", "+FLAGS", "(\\Flagged Mine)")
    watcher.noop()
    assert b"Mine" in watcher.response("FETCH")[1][-1]
    structure = client.fetch("1", "(BODYSTRUCTURE ENVELOPE RFC822.SIZE)")[1][0]
    assert b'"text" "plain"' in structure.lower() and b"number 1" in structure
    message = email.message_from_bytes(client.fetch("1", "(RFC822)")[1][0][1])
    assert message["Subject"] == "number 1" and message["Delivered-To"] == "ann@local.example"
    assert client.delete("Renamed")[0] == "OK" and client.delete("INBOX")[0] == "NO"
    for c in (client, watcher):
        assert c.logout()[0] == "BYE"
