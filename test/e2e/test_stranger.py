"""Out to a stranger: what was submitted reaches a second Pennypost and Debian's Postfix, each on an address of its own and found through MX; both signatures verify
with an implementation that is not ours, by the keys that "pennypost dns" says to publish. And the first refusal of a greylisting host is not the last word."""
import email, json, os, re, shutil, socket, subprocess, tempfile, time

import pytest

from dns import Dns
from server import Server, free_port_base, wait_for
from sink import Sink

dkim = pytest.importorskip("dkim", reason="python3-dkim is not installed")


def publish(resolver, server):
    """The records the owner is told to publish, as the resolver's."""
    for line in server.command("dns").stdout.splitlines():
        m = re.match(r"(\S+)\. IN (TXT|MX) (.*)$", line)
        if m and m.group(2) == "TXT":
            resolver.add(m.group(1), "TXT", "".join(re.findall(r'"([^"]*)"', m.group(3))))
        elif m:
            preference, host = m.group(3).split()
            resolver.add(m.group(1), "MX", (int(preference), host.rstrip(".")))


def keys(resolver):
    return lambda name, timeout=5: resolver.records.get((name.decode().rstrip("."), "TXT"), [""])[0].encode()


def signatures(raw, resolver, domain):
    """Algorithms of the signatures that verify; all must."""
    found = re.findall(rb"(?im)^dkim-signature:(?:.*\r?\n)(?:[ \t].*\r?\n)*", raw)
    for n in range(len(found)):
        assert dkim.DKIM(raw).verify(idx=n, dnsfunc=keys(resolver)), found[n]
        assert f"d={domain};".encode() in found[n]
    return sorted(re.search(rb"a=([a-z0-9-]+)", f).group(1).decode() for f in found)


class World:
    """Ours on 127.0.0.1, another of ours on 127.0.0.2, Postfix on 127.0.0.3: all take mail on one port number."""

    def __init__(self):
        self.dns = Dns()
        at = f"127.0.0.1:{self.dns.port}"
        self.away = Server(domain="second.example", accounts={"carol@second.example": "of carol"}, address="127.0.0.2", dns=at)
        self.port = self.away.port("smtp")
        self.home = Server(dns=at, base=free_port_base("127.0.0.1"))
        with open(self.home.config) as f:
            text = f.read()
        with open(self.home.config, "w") as f:
            f.write(text.replace("[outbound]\n", f"[outbound]\nport = {self.port}\n"))
        publish(self.dns, self.home)
        publish(self.dns, self.away)
        for name, address in (("mail.second.example", "127.0.0.2"), ("mail.local.example", "127.0.0.1"), ("mx.postfix.example", "127.0.0.3")):
            self.dns.add(name, "A", address)
        self.dns.add("postfix.example", "MX", (10, "mx.postfix.example"))

    def close(self):
        self.away.remove()
        self.home.remove()
        self.dns.close()


@pytest.fixture(scope="module")
def world():
    w = World()
    try:
        with w.away, w.home:
            yield w
    finally:
        w.close()


LETTER = ("From: Ann <ann@local.example>\r\nTo: {to}\r\nSubject: =?utf-8?q?gr=C3=BC=C3=9Fe?= {n}\r\nReply-To: ann@local.example\r\n"
          "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
          "From the start of a line\r\n.a dot\r\n..two\r\ntrailing blanks  \t\r\n\r\ngr\u00fc\u00dfe\r\n\r\n\r\n")


def submit(world, to, n=0):
    to = [to] if isinstance(to, str) else to
    with world.home.submission("ann@local.example") as client:
        client.sendmail("ann@local.example", to, LETTER.format(to=", ".join(to), n=n).encode(), ["BODY=8BITMIME"])


def test_reaches_a_second_pennypost_signed_twice(world):
    submit(world, "carol@second.example")
    client = world.away.imap("carol@second.example")

    def look():
        client.select("INBOX")
        return client.uid("SEARCH", None, "ALL")[1][0].split()
    uid = wait_for(look)[0]
    raw = client.uid("FETCH", uid, "(BODY.PEEK[])")[1][0][1]
    client.logout()
    assert signatures(raw, world.dns, "local.example") == ["ed25519-sha256", "rsa-sha256"]
    assert raw.partition(b"\r\n\r\n")[2] == LETTER.format(to="", n="").partition("\r\n\r\n")[2].encode()
    head = email.message_from_bytes(raw)
    assert head["Return-Path"] == "<ann@local.example>" and head["Message-ID"] and head["Date"] and head["Delivered-To"] == "carol@second.example"
    assert len(head.get_all("Received")) == 2 and "127.0.0.1" in head.get_all("Received")[0]
    assert re.search(r"with ESMTPS", head.get_all("Received")[0])  # encrypted, since it was offered
    assert not re.search(r"secret|127\.0\.0\.1.*submission", head.get_all("Received")[1])
    # every field that says who and what is signed once more than it is there, so none can be added
    for field in re.findall(rb"(?im)^dkim-signature:(?:.*\r?\n)(?:[ \t].*\r?\n)*", raw):
        names = re.sub(rb"\s", b"", re.search(rb"h=([^;]*)", field).group(1)).lower().split(b":")
        for name in (b"from", b"subject", b"to", b"date"):
            assert names.count(name) == 2, (name, names)


def test_a_changed_message_does_not_verify(world):
    raw = None
    folder = os.path.join(world.away.data, "mail/carol/new")
    submit(world, "carol@second.example", 1)
    for name in wait_for(lambda: len(os.listdir(folder)) > 1 and os.listdir(folder)):
        with open(os.path.join(folder, name), "rb") as f:
            raw = f.read().replace(b"\n", b"\r\n")
        for changed in (raw.replace(b"a dot", b"a dog"), raw.replace(b"\r\nSubject:", b"\r\nSubject: x\r\nSubject:"), raw.replace(b"\r\nTo:", b"\r\nFrom: e@evil.example\r\nTo:")):
            assert dkim.verify(raw, dnsfunc=keys(world.dns)) and changed != raw and not dkim.verify(changed, dnsfunc=keys(world.dns))


def config_of_postfix(folder, port, resolver):
    """The least Postfix that takes mail for one domain, all of it in one folder."""
    os.makedirs(folder + "/etc")
    os.makedirs(folder + "/queue")
    os.makedirs(folder + "/data")
    os.makedirs(folder + "/mail")
    shutil.chown(folder + "/data", "postfix")
    shutil.chown(folder + "/mail", "postfix")
    os.chmod(folder, 0o755)
    with open("/etc/passwd") as f:
        uid, gid = next(line.split(":")[2:4] for line in f if line.startswith("postfix:"))
    main = {
        "compatibility_level": "3.6", "queue_directory": folder + "/queue", "data_directory": folder + "/data", "command_directory": "/usr/sbin",
        "daemon_directory": "/usr/lib/postfix/sbin", "mail_owner": "postfix", "setgid_group": "postdrop", "myhostname": "mx.postfix.example", "mydestination": "",
        "inet_interfaces": "127.0.0.1", "inet_protocols": "ipv4", "mynetworks": "127.0.0.1/32", "virtual_mailbox_domains": "postfix.example",
        "virtual_mailbox_maps": "static:box/", "virtual_mailbox_base": folder + "/mail", "virtual_minimum_uid": "1", "virtual_uid_maps": "static:" + uid,
        "virtual_gid_maps": "static:" + gid, "virtual_mailbox_limit": "0", "maillog_file": folder + "/log", "maillog_file_prefixes": folder, "local_header_rewrite_clients": "", "alias_maps": "",
        "alias_database": "", "local_recipient_maps": "", "smtputf8_enable": "yes", "smtpd_tls_security_level": "may", "smtpd_tls_cert_file": folder + "/cert.pem",
        "smtpd_tls_key_file": folder + "/key.pem", "smtpd_tls_loglevel": "1", "shlib_directory": "/usr/lib/postfix", "meta_directory": "/etc/postfix", "smtpd_peername_lookup": "no",
        "message_size_limit": "60000000",
    }
    with open(folder + "/etc/main.cf", "w") as f:
        f.writelines(f"{k} = {v}\n" for k, v in main.items())
    services = [(f"127.0.0.3:{port}", "inet", "n", "smtpd"), ("pickup", "unix", "n", "pickup"), ("cleanup", "unix", "n", "cleanup"), ("qmgr", "unix", "n", "qmgr"),
                ("tlsmgr", "unix", "-", "tlsmgr"), ("rewrite", "unix", "-", "trivial-rewrite"), ("bounce", "unix", "-", "bounce"), ("defer", "unix", "-", "bounce"),
                ("trace", "unix", "-", "bounce"), ("verify", "unix", "-", "verify"), ("proxymap", "unix", "-", "proxymap"), ("virtual", "unix", "-", "virtual"),
                ("error", "unix", "-", "error"), ("retry", "unix", "-", "error"), ("anvil", "unix", "-", "anvil"), ("postlog", "unix-dgram", "n", "postlogd"),
                ("smtp", "unix", "-", "smtp"), ("flush", "unix", "n", "flush"), ("showq", "unix", "n", "showq"), ("scache", "unix", "-", "scache")]
    with open(folder + "/etc/master.cf", "w") as f:
        for name, kind, private, program in services:
            unprivileged = "n" if program in ("virtual", "proxymap") else "-"
            wake = {"pickup": "60", "qmgr": "300", "tlsmgr": "1000?"}.get(name, "-")
            limit = "1" if program in ("pickup", "qmgr", "tlsmgr", "postlogd", "verify", "anvil", "scache") else "0" if program in ("cleanup", "bounce", "flush") else "-"
            f.write(f"{name} {kind} {private} {unprivileged} n {wake} {limit} {program}\n")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=mx.postfix.example", "-out", folder + "/cert.pem", "-keyout",
                    folder + "/key.pem"], check=True, capture_output=True)


@pytest.fixture(scope="module")
def postfix(world):
    if not shutil.which("postfix") or os.geteuid() != 0:
        pytest.skip("Postfix is not installed, or this is not root, which it needs")
    folder = tempfile.mkdtemp(prefix="pennypost-postfix-", dir="/tmp")
    config_of_postfix(folder, world.port, world.dns)
    command = ["postfix", "-c", folder + "/etc"]
    started = subprocess.run([*command, "start"], capture_output=True, text=True)
    assert started.returncode == 0, started.stderr

    def up():
        try:
            with socket.create_connection(("127.0.0.3", world.port), timeout=5) as s:
                return s.recv(3) == b"220"
        except OSError:
            return False
    try:
        wait_for(up)
        yield folder
    finally:
        subprocess.run([*command, "stop"], capture_output=True)
        shutil.rmtree(folder, ignore_errors=True)


def test_reaches_postfix_signed_twice(world, postfix):
    submit(world, "dan@postfix.example", 2)
    folder = postfix + "/mail/box/new"
    try:
        name = wait_for(lambda: os.path.isdir(folder) and os.listdir(folder), 60)[0]
    except AssertionError:
        raise AssertionError(open(postfix + "/log").read()[-3000:] + world.home.log_text()[-2000:])
    with open(os.path.join(folder, name), "rb") as f:
        raw = f.read().replace(b"\n", b"\r\n")
    assert signatures(raw, world.dns, "local.example") == ["ed25519-sha256", "rsa-sha256"]
    assert raw.partition(b"\r\n\r\n")[2] == LETTER.format(to="", n="").partition("\r\n\r\n")[2].encode()
    log = open(postfix + "/log").read()
    assert "TLS connection established from" in log and "status=sent" in log
    line = wait_for(lambda: [x for x in world.home.log_text().splitlines() if " out " in x and "dan@postfix.example" in x])[0]
    assert "sent=1" in line and "TLS1.3" in line


def test_one_message_to_both_and_to_one_of_our_own(world, postfix):
    submit(world, ["carol@second.example", "dan@postfix.example", "bob@local.example"], 3)
    places = (os.path.join(world.away.data, "mail/carol/new"), postfix + "/mail/box/new", os.path.join(world.home.data, "mail/bob/new"))

    def there(folder):
        for name in os.listdir(folder) if os.path.isdir(folder) else ():
            with open(os.path.join(folder, name), "rb") as f:
                raw = f.read()
            if b"=?utf-8?q?gr=C3=BC=C3=9Fe?= 3" in raw:
                return raw
        return None
    for folder in places[:2]:
        raw = wait_for(lambda: there(folder), 60)
        assert signatures(raw.replace(b"\n", b"\r\n"), world.dns, "local.example") == ["ed25519-sha256", "rsa-sha256"]
    assert there(places[2])  # in the same commit as the queue's entry
    wait_for(lambda: json.loads(world.home.command("queue", "list", "--json").stdout) == [])


def test_postfix_refuses_for_good_and_the_sender_is_told(world, postfix):
    with open(postfix + "/etc/main.cf", "a") as f:
        f.write("smtpd_recipient_restrictions = check_recipient_access inline:{refused@postfix.example=REJECT}, reject_unauth_destination\n")
    subprocess.run(["postfix", "-c", postfix + "/etc", "reload"], check=True, capture_output=True)
    wait_for(lambda: "reload" in open(postfix + "/log").read())
    submit(world, "refused@postfix.example", 4)
    client = world.home.imap("ann@local.example")

    def look():
        client.select("INBOX")
        return client.uid("SEARCH", None, "SUBJECT", '"could not be delivered"')[1][0].split()
    raw = client.uid("FETCH", wait_for(look, 60)[0], "(BODY.PEEK[])")[1][0][1]
    client.logout()
    report = email.message_from_bytes(raw)
    assert report.get_content_type() == "multipart/report" and report.get_param("report-type") == "delivery-status" and report["Return-Path"] == "<>"
    words, status, returned = report.get_payload()
    per_message, per_recipient = status.get_payload()
    assert per_message["Reporting-MTA"] == "dns; mail.local.example" and per_recipient["Action"] == "failed" and per_recipient["Status"].startswith("5.")
    assert per_recipient["Final-Recipient"] == "rfc822; refused@postfix.example" and per_recipient["Remote-MTA"].endswith("mx.postfix.example")
    assert per_recipient["Diagnostic-Code"].startswith("smtp; 55") and "refused@postfix.example" in words.get_payload()
    assert returned.get_content_type() in ("message/rfc822", "text/rfc822-headers") and "=?utf-8?q?gr" in returned.as_string()


def test_greylisting_is_waited_out():
    resolver, seen = Dns(), []
    with socket.socket() as s:
        s.bind(("127.0.0.4", 0))
        port = s.getsockname()[1]

    def rcpt(line):
        seen.append(time.monotonic())
        return "451 4.7.1 greylisted, come back later" if len(seen) == 1 else "250 2.1.5 ok"
    sink = Sink("127.0.0.4", port, answers={"RCPT": rcpt})
    resolver.add("grey.example", "MX", (10, "mx.grey.example"))
    resolver.add("mx.grey.example", "A", "127.0.0.4")
    server = Server(dns=f"127.0.0.1:{resolver.port}", env={"PENNYPOST_CLOCK_SCALE": "200"})
    with open(server.config) as f:
        text = f.read()
    with open(server.config, "w") as f:
        f.write(text.replace("[outbound]\n", f"[outbound]\nport = {port}\n"))
    with server:
        with server.submission("ann@local.example") as client:
            client.sendmail("ann@local.example", ["x@grey.example"], "From: ann@local.example\r\nTo: x@grey.example\r\nSubject: grey\r\n\r\nx\r\n")
        wait_for(lambda: sink.messages, 60)
        wait_for(lambda: server.status()["queue"]["entries"] == 0)
        folder = os.path.join(server.data, "mail/ann/new")
        assert len(seen) == 2 and len(sink.messages) == 1 and os.listdir(folder) == []
    sink.close()
    resolver.close()
