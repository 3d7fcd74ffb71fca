"""Dovecot as a second opinion: its IMAP program on a Maildir of our making, spoken to over a pipe; and what is needed to compare the answers
of two servers, which may write the same thing in more than one way."""
import os, re, shutil, subprocess, tempfile

FLAG_LETTERS = {"\\Draft": "D", "\\Flagged": "F", "\\Answered": "R", "\\Seen": "S", "\\Deleted": "T"}
NOBODY = 65534
MAILBOXES = "".join(f"""  mailbox {name} {{
    auto = subscribe
    special_use = \\{name}
  }}
""" for name in ("Archive", "Drafts", "Junk", "Sent", "Trash"))
SETTINGS = """protocols = imap
base_dir = {folder}/run
state_dir = {folder}/run
log_path = {folder}/log
mail_location = maildir:{folder}/home/Maildir
ssl = no
default_internal_user = root
default_login_user = root
first_valid_uid = 0
first_valid_gid = 0
mail_uid = {nobody}
mail_gid = {nobody}
namespace inbox {{
  inbox = yes
  separator = /
{mailboxes}}}
service stats {{
  unix_listener stats-writer {{
    mode = 0
  }}
}}
"""


def missing():
    """Why there is no second opinion here, or None."""
    if shutil.which("doveadm") is None:
        return "doveadm is not installed (package dovecot-imapd)"
    if os.geteuid() != 0:
        return "doveadm exec imap needs root"
    version = subprocess.run([shutil.which("dovecot") or "/usr/sbin/dovecot", "--version"], capture_output=True, text=True, timeout=30).stdout
    if not version.startswith("2.3."):
        return f"the settings here are for Dovecot 2.3, this is {version.strip()}"
    return None


def read_response(file):
    """One response with its literals; the last CRLF is not part of it."""
    whole = b""
    while True:
        part = file.readline()
        if not part:
            raise ConnectionError(f"closed after {whole!r}")
        whole += part
        literal = re.search(rb"\{(\d+)\}\r\n$", part)
        if literal is None:
            return whole[:-2]
        whole += file.read(int(literal.group(1)))


TOKEN = re.compile(rb'\s*(?:(?P<open>\()|(?P<close>\))|"(?P<quoted>(?:[^"\\]|\\.)*)"|~?\{(?P<literal>\d+)\}\r\n|'
                   rb'(?P<atom>[^\s()"\[]*(?:\[[^\]]*\](?:<\d+>)?)?))', re.S)


def values(octets):
    """Lists as lists, strings and atoms as bytes, NIL as None: a quoted string and a literal of the same octets are the same."""
    stack, at = [[]], 0
    while at < len(octets):
        found = TOKEN.match(octets, at)
        assert found and found.end() > at, octets[at:at + 80]
        at = found.end()
        kind = found.lastgroup
        if kind == "open":
            stack.append([])
        elif kind == "close":
            done = stack.pop()
            stack[-1].append(done)
        elif kind == "quoted":
            stack[-1].append(re.sub(rb"(?s)\\(.)", rb"\1", found.group("quoted")))
        elif kind == "literal":
            size = int(found.group("literal"))
            stack[-1].append(octets[at:at + size])
            at += size
        elif found.group("atom"):
            stack[-1].append(None if found.group("atom").upper() == b"NIL" else found.group("atom"))
    assert len(stack) == 1, octets[-80:]
    return stack[0]


class Talk:
    """Commands and their answers. send: takes octets; file: gives lines."""

    def __init__(self, send, file):
        self.send, self.file = send, file
        read_response(file)

    def command(self, text, literal=None):
        """(the tagged answer, [untagged ones])"""
        line = f"x {text}" if isinstance(text, str) else b"x " + text
        line = line.encode() if isinstance(line, str) else line
        if literal is not None:
            line += b" {%d+}\r\n" % len(literal) + literal
        self.send(line + b"\r\n")
        untagged = []
        while True:
            answer = read_response(self.file)
            if answer.startswith(b"x "):
                return answer[2:], untagged
            untagged.append(answer)


class Dovecot:
    """mails: [(content, flags, internal date)], in the order of their UIDs."""

    def __init__(self, mails):
        self.folder = tempfile.mkdtemp(prefix="pennypost-dovecot-")
        self.process = None
        box = os.path.join(self.folder, "home/Maildir")
        for part in ("cur", "new", "tmp"):
            os.makedirs(os.path.join(box, part))
        for n, (content, flags, date) in enumerate(mails):
            path = f"{box}/cur/{1000000000 + n}.M{n}P1.host,S={len(content)}:2,{''.join(sorted(FLAG_LETTERS[f] for f in flags))}"
            with open(path, "wb") as f:
                f.write(content)
            os.utime(path, (date, date))
        with open(os.path.join(self.folder, "conf"), "w") as f:
            f.write(SETTINGS.format(folder=self.folder, nobody=NOBODY, mailboxes=MAILBOXES))
        os.chmod(self.folder, 0o755)
        for top, _, names in os.walk(os.path.join(self.folder, "home")):
            for path in [top, *(os.path.join(top, n) for n in names)]:
                os.chown(path, NOBODY, NOBODY)

    def __enter__(self):
        self.errors = open(os.path.join(self.folder, "errors"), "w+b")
        env = dict(os.environ, USER="ann", HOME=os.path.join(self.folder, "home"), TZ="UTC")
        self.process = subprocess.Popen(["doveadm", "-c", os.path.join(self.folder, "conf"), "exec", "imap"], env=env, cwd="/", stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=self.errors)
        try:
            self.command = Talk(self.send, self.process.stdout).command
        except ConnectionError as why:
            self.errors.seek(0)
            said = self.errors.read()
            self.__exit__()
            raise RuntimeError(f"dovecot: {said[-1000:]!r}") from why
        return self

    def send(self, octets):
        self.process.stdin.write(octets)
        self.process.stdin.flush()

    def __exit__(self, *_):
        self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.errors.close()
        shutil.rmtree(self.folder, ignore_errors=True)
