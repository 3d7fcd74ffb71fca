"""The sending half against hosts that behave, misbehave and attack: CATALOGUE 2.3. Each domain has a host of its own on 127.0.x.y."""
import email, email.policy, itertools, json, os, re, shutil, socket, ssl, subprocess, tempfile, time

import pytest

from dns import Dns
from server import Server, wait_for
from sink import Sink

numbers = itertools.count(2)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class World:
    def __init__(self, env=None, extra=""):
        self.dns, self.port, self.sinks = Dns(), free_port(), []
        self.server = Server(dns=f"127.0.0.1:{self.dns.port}", env=env, extra=extra)
        with open(self.server.config) as f:
            text = f.read()
        with open(self.server.config, "w") as f:
            f.write(text.replace("[outbound]\n", f"[outbound]\nport = {self.port}\n"))

    def address(self):
        n = next(numbers)
        return f"127.0.{1 + n // 200}.{n % 200 + 1}"

    def sink(self, *domains, preference=10, **options):
        address = self.address()
        sink = Sink(address, self.port, **options)
        sink.address = address
        self.sinks.append(sink)
        for domain in domains:
            host = f"mx{address.replace('.', '-')}.{domain}"
            self.dns.add(domain, "MX", (preference, host))
            self.dns.add(host, "A", address)
        return sink

    def send(self, *to, sender="ann@local.example", text="hello\r\n", subject="test", options=(), rcpt_options=(), headers="", raw=None):
        content = raw or (f"From: ann@local.example\r\nTo: {to[0]}\r\nSubject: {subject}\r\n{headers}\r\n{text}").encode()
        with self.server.submission("ann@local.example") as client:
            client.ehlo()
            code, reply = client.mail(sender, list(options))
            assert code == 250, reply
            for r in to:
                code, reply = client.rcpt(r, list(rcpt_options))
                assert code in (250, 251), reply
            code, reply = client.data(content)
            assert code == 250, reply

    def queue(self):
        return json.loads(self.server.command("queue", "list", "--json").stdout)

    def reports(self):
        found, folder = [], os.path.join(self.server.data, "mail/ann")
        for sub in ("new", "cur"):
            for name in sorted(os.listdir(os.path.join(folder, sub))):
                with open(os.path.join(folder, sub, name), "rb") as f:
                    message = email.message_from_bytes(f.read(), policy=email.policy.default)
                if message.get_content_type() == "multipart/report":
                    found.append(message)
        return found

    def report_on(self, address):
        """The one report about a recipient: its fields, once it is there."""
        def look():
            for r in self.reports():
                for fields in r.get_payload()[1].get_payload()[1:]:
                    if fields["Final-Recipient"].endswith(" " + address):
                        return r, fields
        return wait_for(look)

    def entry(self, address):
        return [e for e in self.entries() if address in json.dumps(e)]

    def entries(self):
        q = self.queue()
        return q if isinstance(q, list) else q.get("entries", q.get("queue", []))

    def log_of(self, address):
        return [line for line in self.server.log_text().splitlines() if " out " in line and f"to={address}" in line.replace('"', "")]

    def attempted(self, address, times=1):
        return wait_for(lambda: len(self.log_of(address)) >= times and self.log_of(address))

    def close(self):
        for s in self.sinks:
            s.close()
        self.dns.close()


@pytest.fixture(scope="module")
def world():
    w = World()
    with w.server:
        yield w
    w.close()


def test_delivers_content_and_dsn_parameters(world):
    sink = world.sink("plain.test")
    world.send("a@plain.test", "b@plain.test", options=["RET=FULL", "ENVID=q1"], rcpt_options=["NOTIFY=FAILURE,DELAY", "ORCPT=rfc822;x@plain.test"],
               text=".dot\r\n..two\r\n.\r\nend\r\n")
    wait_for(lambda: sink.messages)
    (sender, to, content), = sink.messages
    assert sender == "ann@local.example" and to == ["a@plain.test", "b@plain.test"]
    assert content.endswith(b"\r\n\r\n.dot\r\n..two\r\n.\r\nend\r\n") and b"DKIM-Signature:" in content
    mail = next(c for c in sink.commands if c.startswith("MAIL"))
    assert " RET=FULL" in mail and " ENVID=q1" in mail and " SIZE=" in mail
    assert any(c == "RCPT TO:<a@plain.test> NOTIFY=FAILURE,DELAY ORCPT=rfc822;x@plain.test" for c in sink.commands)
    wait_for(lambda: not world.entry("plain.test"))


def test_big_body_of_dots_arrives_as_it_is(world):  # OUT-08
    sink = world.sink("dots.test")
    lines = ["." * (1 + n % 7) for n in range(60000)] + ["." * 997] * 3000 + ["x" * 990 + "." * n for n in range(8)]
    text = "\r\n".join(lines) + "\r\n"
    world.send("a@dots.test", text=text)
    wait_for(lambda: sink.messages, 60)
    assert sink.messages[0][2].partition(b"\r\n\r\n")[2] == text.encode()


def test_each_recipient_has_its_own_fate(world):  # OUT-09
    replies = {"r250": "250 ok", "r450": "450 4.2.1 later", "r550": "550 5.1.1 no such user", "r552": "552 too many", "r421": "421 4.3.2 soon"}
    sink = world.sink("mixed.test", answers={"RCPT": lambda line: replies[re.search("<(.*?)@", line).group(1)]})
    to = [f"{name}@mixed.test" for name in replies]
    world.send(*to)
    report, fields = world.report_on("r550@mixed.test")
    assert sink.messages[0][1] == ["r250@mixed.test"]
    assert len(report.get_payload()[1].get_payload()) == 2 and fields["Status"] == "5.1.1" and fields["Action"] == "failed"
    assert "550 5.1.1 no such user" in fields["Diagnostic-Code"]
    assert report["Return-Path"] == "<>" and "Mail could not be delivered" in report["Subject"]
    assert report.get_payload()[2].get_content_type() == "text/rfc822-headers" and "Subject: test" in report.get_payload()[2].get_payload()
    left = json.dumps(wait_for(lambda: world.entry("mixed.test")))
    sink.answers["RCPT"] = "250 ok"
    world.server.command("queue", "retry", "--all", check=False)
    if len(sink.messages) < 2:
        world.server.command("queue", "retry", world.entry("mixed.test")[0]["id"])
    wait_for(lambda: len(sink.messages) == 2)
    assert sorted(sink.messages[1][1]) == ["r421@mixed.test", "r450@mixed.test", "r552@mixed.test"], left


def test_next_host_when_the_first_refuses(world):  # OUT-05
    for n, banner in enumerate(["554 go away", "421 busy", "no smtp at all", "CLOSE"]):
        domain = f"second{n}.test"
        first = world.sink(domain, preference=5, answers={"banner": banner})
        second = world.sink(domain, preference=10)
        world.send(f"a@{domain}")
        wait_for(lambda: second.messages)
        assert first.connections == 1 and not first.messages


def test_all_hosts_refuse_is_a_bounce_one_temporary_is_not(world):  # OUT-05
    for preference in (5, 10):
        world.sink("nobody.test", preference=preference, answers={"banner": "554 5.7.1 not you"})
    world.send("a@nobody.test")
    _, fields = world.report_on("a@nobody.test")
    assert "554" in fields.as_string() or fields["Status"].startswith("5.")
    world.sink("half.test", preference=5, answers={"banner": "554 no"})
    world.sink("half.test", preference=10, answers={"banner": "421 later"})
    world.send("a@half.test")
    world.attempted("a@half.test")
    assert world.entry("half.test")


def test_old_host_without_ehlo(world):  # OUT-06
    sink = world.sink("old.test", answers={"EHLO": "502 what"})
    world.send("a@old.test")
    wait_for(lambda: sink.messages)
    assert [c.split(" ")[0] for c in sink.commands[:5]] == ["EHLO", "HELO", "MAIL", "RCPT", "DATA"]
    assert "MAIL FROM:<ann@local.example>" in sink.commands


@pytest.mark.parametrize("name,extensions,status,options,text", [
    ("size", ["SIZE 1000"], "5.3.4", [], "x" * 80 + "\r\n" * 1000),
    ("eight", ["SIZE 100000"], "5.6.3", ["BODY=8BITMIME"], "gr\u00fc\u00dfe\r\n"),
    ("utf", ["8BITMIME"], "5.6.7", ["SMTPUTF8", "BODY=8BITMIME"], "hello\r\n"),
])
def test_what_a_host_cannot_take_is_not_offered(world, name, extensions, status, options, text):  # OUT-07
    sink = world.sink(f"{name}.test", extensions=extensions)
    subject = "gr\u00fc\u00dfe" if name == "utf" else "plain"
    world.send(f"a@{name}.test", options=options, subject=subject, text=text)
    report, fields = world.report_on(f"a@{name}.test")
    assert fields["Status"] == status
    assert not any(c.startswith("MAIL") for c in sink.commands)


@pytest.mark.parametrize("name,answers", [
    ("lines", {"banner": b"".join(b"220-x\r\n" for _ in range(120)) + b"220 x\r\n"}),
    ("octets", {"banner": b"220 " + b"x" * 70000 + b"\r\n"}),
    ("code", {"banner": "2a0 hello"}), ("short", {"banner": "99 hello"}), ("long", {"banner": "1000 hello"}), ("empty", {"banner": ""}),
    ("change", {"EHLO": b"250-sink\r\n550 no\r\n"}), ("bare", {"EHLO": b"250\r\n"}),
    ("mail354", {"MAIL": "354 go"}), ("data250", {"DATA": "250 ok"}), ("mail334", {"MAIL": "334 "}), ("badrcpt", {"RCPT": b"\r\n"}),
    ("dot354", {"dot": "354 more"}), ("early", {"DATA": b"354 go\r\n250 taken\r\n"}),
])
def test_nonsense_is_neither_delivery_nor_bounce(world, name, answers):  # OUT-04, OUT-20
    sink = world.sink(f"{name}.bad.test", answers=answers)
    world.send(f"a@{name}.bad.test")
    line, = world.attempted(f"a@{name}.bad.test")
    assert "sent=0" in line and "failed" not in line and "again in" in line, line
    assert world.entry(f"{name}.bad.test") and not sink.messages
    assert not any(f"@{name}.bad.test" in r.as_string() for r in world.reports())


@pytest.mark.parametrize("where", ["MAIL", "RCPT", "DATA", "body", "dot"])
def test_hangup_is_retried_for_the_unfinished(world, where):  # OUT-10
    sink = world.sink(f"cut-{where.lower()}.test", answers={} if where == "body" else {where: "CLOSE"})
    sink.close_in_body = where == "body"
    world.send(f"a@cut-{where.lower()}.test", f"b@cut-{where.lower()}.test")
    world.attempted(f"a@cut-{where.lower()}.test +1")
    assert not sink.messages
    sink.answers.clear()
    sink.close_in_body = False
    world.server.command("queue", "retry", world.entry(f"cut-{where.lower()}.test")[0]["id"])
    wait_for(lambda: sink.messages)
    assert [m[1] for m in sink.messages] == [[f"a@cut-{where.lower()}.test", f"b@cut-{where.lower()}.test"]]


def test_routes(world):  # OUT-12
    world.dns.add("null.test", "MX", (0, "."))
    world.dns.faults["servfail.test"] = "SERVFAIL"
    only_a = world.sink()
    world.dns.add("only-a.test", "A", only_a.address)
    cname = world.sink()
    world.dns.add("cname.test", "MX", (10, "alias.cname.test"))
    world.dns.add("alias.cname.test", "CNAME", "real.cname.test")
    world.dns.add("real.cname.test", "A", cname.address)
    world.dns.add("us.test", "MX", (10, world.server.hostname))
    for domain in ("null", "missing", "servfail", "only-a", "cname", "us"):
        world.send(f"a@{domain}.test")
    assert world.report_on("a@null.test")[1]["Status"] == "5.1.10"
    assert world.report_on("a@missing.test")[1]["Status"] == "5.1.2"
    assert world.report_on("a@us.test")[1]["Status"] == "5.4.6"
    wait_for(lambda: only_a.messages and cname.messages)
    line, = world.attempted("a@servfail.test")
    assert "again in" in line and world.entry("servfail.test")


def test_five_addresses_an_attempt(world):  # OUT-13
    hosts = [world.sink("many.test", preference=n, answers={"banner": "421 no"}) for n in range(12)]
    world.send("a@many.test")
    world.attempted("a@many.test")
    assert [h.connections for h in hosts] == [1] * 5 + [0] * 7


def test_a_report_is_clean_whatever_the_host_said(world):  # OUT-14
    said = b"550 5.1.1 no\x1b[31m <script>\xff " + b"y" * 2000 + b"\r\n"
    world.sink("dirty.test", answers={"RCPT": said})
    world.send("a@dirty.test")
    report, fields = world.report_on("a@dirty.test")
    code = fields["Diagnostic-Code"]
    assert "<script>" in code and "\x1b" not in code and len(code) < 560 and report.get_payload()[1].get_content_type() == "message/delivery-status"
    assert not report.defects and all(ord(c) < 128 for c in report.get_payload()[0].get_payload())
    world.sink("inject.test", answers={"RCPT": b"550 no\rX-Evil: yes\r\n"})
    world.send("a@inject.test")
    assert "again in" in world.attempted("a@inject.test")[0]  # a bare CR is no reply


def test_no_report_about_a_report(world):  # OUT-15
    world.sink("refuses.test", answers={"RCPT": "550 5.1.1 no"})
    before = world.server.status()
    world.send("a@refuses.test", sender="")
    line, = world.attempted("a@refuses.test")
    assert "begets no report" in line
    wait_for(lambda: not world.entry("refuses.test"))
    assert not any("refuses.test" in r.as_string() for r in world.reports())
    del before


def test_notify_never_and_success(world):  # RFC 3461
    world.sink("never.test", answers={"RCPT": "550 5.1.1 no"})
    world.send("a@never.test", rcpt_options=["NOTIFY=NEVER"])
    world.attempted("a@never.test")
    wait_for(lambda: not world.entry("never.test"))
    assert not any("never.test" in r.as_string() for r in world.reports())
    world.sink("relay.test", extensions=["8BITMIME"])
    world.send("a@relay.test", options=["ENVID=a+2Bb"], rcpt_options=["NOTIFY=SUCCESS", "ORCPT=rfc822;o+2Bp@relay.test"])
    report, fields = world.report_on("a@relay.test")
    assert fields["Action"] == "relayed" and fields["Original-Recipient"] == "rfc822; o+p@relay.test"
    assert report.get_payload()[1].get_payload()[0]["Original-Envelope-Id"] == "a+b"
    world.sink("full.test", answers={"RCPT": "550 no"})
    world.send("a@full.test", options=["RET=FULL"], text="the whole of it\r\n")
    assert "the whole of it" in world.report_on("a@full.test")[0].get_payload()[2].as_string()


@pytest.fixture(scope="module")
def certificate():
    folder = tempfile.mkdtemp(prefix="pennypost-cert-")
    names = [os.path.join(folder, n) for n in ("cert.pem", "key.pem")]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=smart.test", "-addext",
                    "subjectAltName=DNS:smart.test", "-out", names[0], "-keyout", names[1]], check=True, capture_output=True)
    yield names
    shutil.rmtree(folder)


def tls_context(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


def test_tls_where_offered_plain_where_broken(world, certificate):  # OUT-02, OUT-03
    good = world.sink("tls.test", context=tls_context(certificate))
    world.send("a@tls.test")
    wait_for(lambda: good.messages)
    assert good.tls == 1 and "TLS1" in world.attempted("a@tls.test")[0]
    for name, options in (("broken", {"break_tls": True}), ("refused", {"answers": {"STARTTLS": "454 4.7.0 not now"}}),
                          ("injected", {"answers": {"STARTTLS": b"220 go\r\n250 injected\r\n"}})):
        sink = world.sink(f"{name}.tls.test", context=tls_context(certificate), **options)
        world.send(f"a@{name}.tls.test")
        wait_for(lambda: sink.messages)
        assert sink.connections == 2 and sink.tls == 0
        starttls = sink.commands.index("STARTTLS")
        assert not any(c.startswith("MAIL") for c in sink.commands[:starttls])


def test_a_dead_host_holds_up_nobody(world):  # OUT-18
    hole = world.sink("hole.test", answers={"banner": None})
    for n in range(40):
        world.send(f"a{n}@hole.test")
    wait_for(lambda: hole.live >= 2)
    live = world.sink("live.test")
    world.send("a@live.test")
    wait_for(lambda: live.messages)
    assert hole.most <= 5
    hole.close()
    wait_for(lambda: sum("@hole.test" in line for line in world.server.log_text().splitlines() if " out " in line) >= 40, 60)
    assert hole.connections <= 10  # the others were told without trying


def test_broken_entry_is_set_aside(world):  # OUT-17
    world.sink("poison.test", answers={"MAIL": "451 later"})
    world.send("a@poison.test")
    world.attempted("a@poison.test")
    entry = world.entry("poison.test")[0]["id"]
    with open(os.path.join(world.server.data, "queue", entry), "r+b") as f:
        f.truncate(10)
    world.server.command("queue", "retry", entry, check=False)
    after = world.sink("after-poison.test")
    world.send("a@after-poison.test")
    wait_for(lambda: after.messages)
    assert len(world.log_of("a@poison.test")) == 1 and world.entry("poison.test")
    world.server.command("queue", "delete", entry)


def test_stop_and_crash_lose_nothing_and_repeat_nothing():
    w = World()
    slow = w.sink("slow.test", answers={"MAIL": None})
    done = w.sink("done.test")
    w.server.start()
    w.send("a@slow.test")
    w.send("a@done.test", "b@slow.test")
    wait_for(lambda: done.messages and sum(c.startswith("MAIL") for c in slow.commands) == 2)
    wait_for(lambda: w.log_of("a@done.test"))
    assert w.server.stop() == 0
    assert "AddressSanitizer" not in w.server.log_text() and "LeakSanitizer" not in w.server.log_text()
    w.server.start()
    wait_for(lambda: sum(c.startswith("MAIL") for c in slow.commands) == 4)
    w.server.kill()
    slow.answers.clear()
    with w.server:
        wait_for(lambda: len(slow.messages) == 2)
        assert len(done.messages) == 1
    w.close()


def test_five_days_then_one_report_and_a_notice_before():
    w = World()
    w.dns.add("gone.test", "MX", (10, "mx.gone.test"))
    w.dns.add("mx.gone.test", "A", w.address())  # nobody listens there
    w.server.start()
    w.send("a@gone.test", rcpt_options=["NOTIFY=FAILURE,DELAY"])
    w.attempted("a@gone.test")
    assert w.server.stop() == 0
    w.server.env["PENNYPOST_CLOCK_SCALE"] = "20000"
    with w.server:
        found = wait_for(lambda: [r for r in w.reports() if "could not be delivered" in r["Subject"]], 90)
        delayed = [r for r in w.reports() if "delayed" in r["Subject"]]
        assert len(found) == 1 and len(delayed) == 1
        assert delayed[0].get_payload()[1].get_payload()[1]["Action"] == "delayed" and "Will-Retry-Until" in delayed[0].as_string()
        assert found[0].get_payload()[1].get_payload()[1]["Status"] == "4.4.7"
        wait_for(lambda: not w.entries())
        attempts = len(w.log_of("a@gone.test"))
        assert 25 <= attempts <= 38, attempts
    w.close()


def test_patience_after_the_dot_and_with_drips():  # OUT-11, OUT-19
    w = World()
    late, stuck, full = (w.sink(name, answers={"banner": "421 later"}) for name in ("late.test", "stuck.test", "full.test"))
    w.server.start()
    for name in ("late.test", "stuck.test", "full.test"):
        w.send(f"a@{name}", text="x" * 70 + "\r\n" if name != "full.test" else ("x" * 70 + "\r\n") * 150000)
        w.attempted(f"a@{name}")
    assert w.server.stop() == 0
    late.answers = {"dot": lambda line: time.sleep(5.9) or "250 taken"}  # 9 min 50 s of the server's time
    stuck.answers = {"EHLO": lambda line: [stuck.open[-1].sendall(b"2") or time.sleep(0.6) for _ in range(8)] and "CLOSE"}
    full.answers = {"DATA": lambda line: full.open[-1].sendall(b"354 go\r\n") or time.sleep(8) or "CLOSE"}  # reads nothing
    w.server.env["PENNYPOST_CLOCK_SCALE"] = "100"
    with w.server:
        wait_for(lambda: late.messages, 40)
        assert "sent=1" in w.attempted("a@late.test", 2)[1] and len(late.messages) == 1
        assert any("EHLO" in line for line in w.attempted("a@stuck.test", 2)[1:])
        assert "timeout" in w.attempted("a@full.test", 2)[1] and not full.messages
        assert w.entry("stuck.test") and w.entry("full.test")
    w.close()


def test_smarthost_with_password_and_proven_certificate(certificate):
    port = free_port()
    w = World(env={"SSL_CERT_FILE": certificate[0]}, extra=f'[smarthost]\nhost = "smart.test"\nport = {port}\nusername = "me"\npassword = "pass"\n')
    os.chmod(w.server.config, 0o600)
    address = w.address()
    w.dns.add("smart.test", "A", address)
    sink = Sink(address, port, extensions=["AUTH PLAIN LOGIN", "PIPELINING"], context=tls_context(certificate))
    w.sinks.append(sink)
    with w.server:
        w.send("a@one.test", "b@two.test")
        wait_for(lambda: sink.messages or w.log_of("a@one.test +1"))
        assert sink.messages, w.server.log_text()[-2000:]
        assert "AUTH PLAIN AG1lAHBhc3M=" in sink.commands and sink.messages[0][1] == ["a@one.test", "b@two.test"]
        sink.answers["AUTH"] = "535 5.7.8 no"
        w.send("c@one.test")
        assert "again in" in w.attempted("c@one.test")[0]
    w.close()
