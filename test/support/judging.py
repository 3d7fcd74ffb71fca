"""The trial of judging: senders of every kind at addresses of their own, a DNS that may lie or be dark, and what becomes of their mail: the reply, the
folder, what our fields say, the row in the ledger. House and world are two network namespaces with a cable between them, so that addresses are public
ones and nothing is excused for being of this host; where namespaces cannot be made, loopback addresses play the peers."""
import base64, contextlib, ctypes, email, imaplib, ipaddress, json, os, re, smtplib, struct, subprocess, threading, time

import dkim
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from dns import Dns
from server import Server, trusting, wait_for

NEWNET = 0x40000000
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())
PUBLIC = base64.b64encode(KEY.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)).decode()
SIGNED = [b"From", b"To", b"Subject"]


# --- where it happens -------------------------------------------------------------------------------------------------------------------------------
class Loopback:
    name, house, resolver = "loopback", "127.0.0.1", "127.0.0.1"

    def peer(self, number):
        return f"127.0.{100 + number}.1"

    def close(self):
        pass

    at_house = at_world = staticmethod(contextlib.nullcontext)


class Namespaces:
    name, house, resolver = "namespaces", "198.18.0.1", "198.18.0.53"  # RFC 2544's: nobody's, and not private

    def __init__(self, peers):
        """OSError or CalledProcessError where they cannot be made."""
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.fds = []
        try:
            self.fds = [self.fresh() for _ in range(2)]
            with self.at_house():
                self.ip("link", "set", "lo", "up")
                self.ip("link", "add", "house", "type", "veth", "peer", "name", "world", "netns", f"/proc/{os.getpid()}/fd/{self.fds[1]}")
                self.ip("address", "add", f"{self.house}/15", "dev", "house")
                self.ip("link", "set", "house", "up")
            with self.at_world():
                self.ip("link", "set", "lo", "up")
                for address in [self.resolver] + [self.peer(n) for n in peers]:
                    self.ip("address", "add", f"{address}/15", "dev", "world")
                self.ip("link", "set", "world", "up")
        except BaseException:
            self.close()
            raise

    def peer(self, number):
        return f"198.18.{number}.1"  # each in a network of its own

    @staticmethod
    def ip(*arguments):
        subprocess.run(["ip", *arguments], check=True, capture_output=True, timeout=30)

    def fresh(self):
        """A new namespace, made by a thread that ends; the descriptor keeps it."""
        made = []

        def make():
            if self.libc.unshare(NEWNET) == -1:
                made.append(OSError(ctypes.get_errno(), "no network namespaces here"))
            else:
                made.append(os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC))
        thread = threading.Thread(target=make)
        thread.start()
        thread.join()
        if isinstance(made[0], OSError):
            raise made[0]
        return made[0]

    @contextlib.contextmanager
    def inside(self, fd):
        own = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            if self.libc.setns(fd, NEWNET) == -1:
                raise OSError(ctypes.get_errno(), "setns")
            yield
        finally:
            self.libc.setns(own, NEWNET)
            os.close(own)

    def at_house(self):
        return self.inside(self.fds[0])

    def at_world(self):
        return self.inside(self.fds[1])

    def close(self):
        for fd in self.fds:
            os.close(fd)
        self.fds = []


def place(say=lambda text: None):
    try:
        return Namespaces([s.number for s in SENDERS])
    except (OSError, subprocess.CalledProcessError) as why:
        say(f"no network namespaces here ({why}): on loopback addresses")
        return Loopback()


# --- the DNS out there ------------------------------------------------------------------------------------------------------------------------------
class World(Dns):
    """dark: None, or how every question fails: "DROP", "SERVFAIL", "REFUSED"."""
    dark = None

    def answer(self, data):
        if self.dark == "DROP":
            return None
        if self.dark is not None:
            return data[:2] + struct.pack("!HHHHH", 0x8080 | {"SERVFAIL": 2, "REFUSED": 5}[self.dark], 1, 0, 0, 0) + self.question(data)
        return super().answer(data)


def populate(dns, where):
    dns.ttl = 0  # nobody keeps an answer over a black-out
    for s in SENDERS:
        address = where.peer(s.number)
        reverse = ipaddress.ip_address(address).reverse_pointer
        if s.reverse == "silent":
            dns.faults[reverse] = "DROP"
        elif s.reverse != "none":
            name = "a-5.dyn.isp.example" if s.reverse == "home" else f"mail{s.number}.hosts.example"
            dns.add(reverse, "PTR", name)
            dns.add(name, "A", where.peer(99) if s.reverse == "elsewhere" else address)
    for domain, policy in (("good.example", "reject"), ("bank.example", "reject"), ("shop.example", "quarantine"), ("local.example", "reject"),
                           ("list.example", None), ("forward.example", None), ("stranger.example", None)):
        dns.add(f"k._domainkey.{domain}", "TXT", f"v=DKIM1; k=rsa; p={PUBLIC}")
        if policy:
            dns.add(f"_dmarc.{domain}", "TXT", f"v=DMARC1; p={policy}")
    for domain, number in (("good.example", 1), ("list.example", 8)):
        dns.add(domain, "TXT", f"v=spf1 ip4:{where.peer(number)} -all")
    for domain in ("bank.example", "shop.example", "local.example"):
        dns.add(domain, "TXT", "v=spf1 -all")
    dns.add("2.0.0.127.bl.example", "A", "127.0.0.2")
    listed = ".".join(reversed(where.peer(6).split(".")))
    dns.add(f"{listed}.bl.example", "A", "127.0.0.4")


# --- what they send ---------------------------------------------------------------------------------------------------------------------------------
def letter(s, subject, more=""):
    return (f"From: <{s.writer}>\r\nTo: <ann@local.example>\r\nSubject: {subject}\r\nDate: {time.strftime('%a, %d %b %Y %H:%M:%S +0000', time.gmtime())}\r\n"
            f"Message-ID: <{subject.replace(' ', '.')}@x.example>\r\n{more}\r\nA few words about the garden.\r\n").encode()


def sign(message, domain):
    return dkim.sign(message, b"k", domain.encode(), PEM, canonicalize=(b"relaxed", b"relaxed"), include_headers=SIGNED) + message


def plain(s, subject):
    return letter(s, subject)


def through_a_list(s, subject):
    """Signed by its writer, changed by a list, which says who it is and signs what it made."""
    message = sign(letter(s, subject), s.writer.split("@")[1]).replace(b"A few", b"[talk] A few")
    return sign(b"List-Id: The list <talk.list.example>\r\nList-Post: <mailto:talk@list.example>\r\n" + message, "list.example")


def forwarded(found, sealer):
    """Signed by its writer, changed and sealed by a forwarder, who wrote what he had found."""
    def make(s, subject):
        domain = s.writer.split("@")[1]
        message = sign(letter(s, subject), domain).replace(b"A few", b"[Fwd] A few")
        message = f"Authentication-Results: mx.{sealer}; dmarc={found} header.from={domain}\r\n".encode() + message
        chain = dkim.arc_sign(message, b"k", sealer.encode(), PEM, f"mx.{sealer}".encode(), include_headers=SIGNED)
        return b"".join(chain) + message
    return make


class Sender:
    def __init__(self, number, name, reverse, writer, become, refused=None, facts=None, results=(), told="", envelope=None, make=plain):
        self.facts = facts or NAMED
        self.number, self.name, self.reverse, self.writer, self.become = number, name, reverse, writer, become
        self.refused, self.results, self.told, self.envelope, self.make = refused, results, told, envelope or writer, make


NAMED, NAMELESS, UNKNOWN, MISMATCH = ({"rdns": r, "fcrdns": f} for r, f in ((True, True), (False, None), (None, None), (True, False)))
INBOX, JUNK, DMARC = ("INBOX", None), ("Junk", None), ("Quarantine", "5.7.26")  # a copy waits where the end of the data was refused
SENDERS = [
    # number, who, reverse name, From, what becomes of it; with action = "reject": the reply; facts of the peer; what our fields say
    Sender(1, "good DNS", "good", "a@good.example", INBOX, None, NAMED, ("spf=pass", "dmarc=pass"), "sender-proved"),
    Sender(2, "no reverse name", "none", "a@stranger.example", JUNK, "no rDNS is so 80s", NAMELESS, (), "no-rdns: junk"),
    Sender(3, "DNS that times out", "silent", "a@stranger.example", INBOX, None, UNKNOWN),
    Sender(4, "forward mismatch", "elsewhere", "a@stranger.example", JUNK, "no FCrDNS is so 80s", MISMATCH, (), "no-fcrdns: junk"),
    Sender(5, "residential name", "home", "a@stranger.example", JUNK, "no residential connections", NAMED, (), "rdns-pattern: junk"),
    Sender(6, "a listed address", "good", "a@stranger.example", JUNK, "is listed by bl.example", NAMED, (), "listed by bl.example (127.0.0.4)"),
    Sender(7, "a forger of our domain", "good", "bob@local.example", DMARC, None, NAMED, (), "dmarc: reject", "b@stranger.example"),
    Sender(8, "a list that broke the signature", "good", "a@bank.example", JUNK, None, NAMED, ("dmarc=fail", "dkim=pass", "dkim=fail"),
           "dmarc: broken on its way", "bounce@list.example", through_a_list),
    Sender(9, "a forwarder whose seal is trusted", "good", "a@bank.example", JUNK, None, NAMED, ("arc=pass", "dmarc=fail"),
           "dmarc: broken on its way", "b@elsewhere.example", forwarded("pass", "forward.example")),
    Sender(10, "the same, of a domain that asks for Junk", "good", "a@shop.example", INBOX, None, NAMED, ("arc=pass", "dmarc=fail"),
           "dmarc: broken on its way", "b@elsewhere.example", forwarded("pass", "forward.example")),
    Sender(11, "a forwarder nobody trusts", "good", "a@bank.example", DMARC, None, NAMED, ("arc=pass",), "dmarc: reject", "b@elsewhere.example",
           forwarded("pass", "stranger.example")),
    Sender(12, "a trusted one who saw a forgery", "good", "a@bank.example", DMARC, None, NAMED, ("arc=pass",), "dmarc: reject", "b@elsewhere.example",
           forwarded("fail", "forward.example")),
    Sender(13, "a friend behind a bad host, allowed", "elsewhere", "friend@stranger.example", INBOX, None, MISMATCH, (), "allow: line"),
    Sender(14, "somebody else from there", "elsewhere", "other@stranger.example", JUNK, "no FCrDNS is so 80s", MISMATCH, (), "no-fcrdns: junk"),
]
FRIENDS = (13, 14)  # one host


def config(where, action):
    return f"""
[filter.arc]
trusted_sealers = ["forward.example"]
{''.join(f'[filter.{name}]{chr(10)}action = "{action}"{chr(10)}' for name in ("rdns-pattern", "no-rdns", "no-fcrdns"))}
[[filter.dnsbl]]
zone = "bl.example"
codes = ["127.0.0.2-11"]
action = "{action}"

[[allow]]
from = "friend@stranger.example"
ip = "{where.peer(FRIENDS[0])}"
"""


class Trial:
    def __init__(self, where, action="junk", binary=None):
        self.where, self.action = where, action
        with where.at_world():
            self.dns = World(address=where.resolver)
        populate(self.dns, where)
        with where.at_house():
            self.server = Server(binary=binary, address=where.house, dns=f"{where.resolver}:{self.dns.port}", extra=config(where, action))
            text = open(self.server.config).read().replace("[dns]\n", '[dns]\ntimeout = "3s"\n')
            if where.name == "namespaces":
                text = text.replace("allow_private = true", "allow_private = false")
            with open(self.server.config, "w") as f:
                f.write(text)
            self.server.start()
        wait_for(lambda: all(r["state"] == "well" for r in self.server.status()["lists"]), 60)

    def close(self, failed=False):
        try:
            self.server.__exit__(None if not failed else RuntimeError, None, None)
        finally:
            self.dns.close()

    def send(self, s, subject):
        """(code, text): of the first refusal, or of the end of the data."""
        number = FRIENDS[0] if s.number in FRIENDS else s.number
        with self.where.at_world(), smtplib.SMTP(self.server.address, self.server.port("smtp"), timeout=60,
                                                 source_address=(self.where.peer(number), 0)) as c:
            c.ehlo(f"mail{s.number}.hosts.example")
            for code, text in (c.mail(s.envelope), c.rcpt("ann@local.example")):
                if code >= 400:
                    return code, text.decode()
            code, text = c.data(s.make(s, subject))
            return code, text.decode()

    def find(self, subject):
        """(folder, header), or (None, None)."""
        with self.where.at_house():
            c = imaplib.IMAP4(self.server.address, self.server.port("imap"), timeout=60)
        with c:
            c.starttls(trusting())
            c.login("ann@local.example", "secret of ann")
            for folder in ("INBOX", "Junk", "Quarantine"):
                if c.select(folder, readonly=True)[0] != "OK":
                    continue
                found = c.search(None, "SUBJECT", f'"{subject}"')[1][0].split()
                if found:
                    return folder, email.message_from_bytes(c.fetch(found[-1], "(BODY.PEEK[HEADER])")[1][0][1])
        return None, None

    def why(self, s, subject):
        number = FRIENDS[0] if s.number in FRIENDS else s.number
        rows = wait_for(lambda: json.loads(self.server.command("why", "--json", self.where.peer(number), check=False).stdout or "[]"))
        return [r for r in rows if subject.replace(" ", ".") in json.dumps(r)] or rows

    def expected(self, s):
        """(code, words of the reply, folder)"""
        if s.become == DMARC:
            return 550, s.become[1], s.become[0]
        if self.action == "reject" and s.refused:
            # After RCPT, so that nothing came that could be kept; but a From that an [[allow]] names is waited for from the host it names.
            return 550, s.refused, "Quarantine" if s.number in FRIENDS else None
        return 250, "", s.become[0]

    def check(self, s):
        subject = f"trial {self.action} {s.number}"
        code, text = self.send(s, subject)
        want, words, folder = self.expected(s)
        mark = s.told.replace(": junk", f": {self.action}")
        assert (code, words in text) == (want, True), (s.name, code, text)
        assert "score" not in text and "line" not in text, text  # a peer is not told which rule
        found, header = self.find(subject)
        assert found == folder, (s.name, found, dict(header or {}))
        if header is not None:
            results = " ".join(" ".join(header.get_all("Authentication-Results")).split())
            for word in s.results:
                assert word in results, (s.name, word, results)
            told = " ".join(header["X-Pennypost"].split())
            assert mark in told, (s.name, told)
            assert len(header.get_all("X-Pennypost")) == 1 and (code != 250 or len(header.get_all("Received-SPF")) == 1), s.name
        row = self.why(s, subject)[0]
        assert row["peer"] == self.where.peer(FRIENDS[0] if s.number in FRIENDS else s.number), row
        act = {None: "refuse", "Quarantine": "reject", "Junk": "junk", "INBOX": "accept"}[folder]
        assert row["act"] == act, (s.name, row)
        assert (text in row["reply"] if code >= 400 else mark in row["points"]), (s.name, row)
        if row.get("facts"):
            facts = json.loads(row["facts"])
            assert {k: facts.get(k) for k in s.facts} == s.facts, (s.name, facts)
        return f"{s.name}: {code} {text[:60] if code >= 400 else ''}-> {folder or 'nowhere'}"

    def black_out(self, how):
        """CATALOGUE DNS-01: facts are unknown, no points, no 5xx. "dead": nobody listens any more."""
        if how == "dead":
            self.dns.close()
        else:
            self.dns.dark = how
        answers, threads = {}, []
        for s in SENDERS:
            threads.append(threading.Thread(target=lambda s=s: answers.__setitem__(s.number, self.send(s, f"dark {how} {s.number}"))))
            threads[-1].start()
        for thread in threads:
            thread.join(120)
        for s in SENDERS:
            assert s.number in answers, (how, s.name, "no answer")
            code, text = answers[s.number]
            assert code == 250, (how, s.name, code, text)
            folder, header = self.find(f"dark {how} {s.number}")
            told = " ".join(header["X-Pennypost"].split())
            assert folder == "INBOX" and not re.search(r"rdns|listed|dmarc: (reject|broken)|spf-fail", told), (how, s.name, folder, told)
        return f"{how}: {len(SENDERS)} senders, all taken and judged on the rest"


def run(binary, say=print):
    """All of it, every form of darkness, both ways of acting."""
    where = place(say)
    try:
        for action in ("junk", "reject"):
            for how in ("REFUSED", "SERVFAIL", "DROP", "dead"):
                trial, failed = Trial(where, action, binary), True
                try:
                    for s in SENDERS:
                        told = trial.check(s)
                        if how == "REFUSED":
                            say(f"{where.name}, {action}: {told}")
                    say(f"{where.name}, {action}: {trial.black_out(how)}")
                    failed = False
                finally:
                    trial.close(failed)
    finally:
        where.close()
