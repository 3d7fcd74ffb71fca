"""How long does a full house take to come back? Many messages in one mailbox, many in the queue, kill -9, and the clock."""
import os, re, time

from dns import Dns
from server import Server, wait_for

READY, REBUILD = 2.0, 30.0  # seconds: G-16, G-17


def fill(folder, count, first=0):
    """Mail as another delivery agent leaves it."""
    for n in range(first, first + count):
        with open(os.path.join(folder, f"{1700000000 + n}.{n}.elsewhere"), "wb") as f:
            f.write(b"From: a%d@far.example\nTo: ann@local.example\nSubject: message %d\nMessage-ID: <%d@far.example>\nDate: Tue, 14 Nov 2023 22:13:20 +0000\n\n"
                    b"text of message %d\n" % (n % 100, n, n, n))


def known(client):
    assert client.select("INBOX", readonly=True)[0] == "OK"
    rows = client.uid("FETCH", "1:*", "(UID FLAGS RFC822.SIZE)")[1]
    return {int(re.search(rb"UID (\d+)", r).group(1)): (re.search(rb"FLAGS \((.*?)\)", r).group(1).replace(b"\\Recent", b"").strip(),
                                                         re.search(rb"SIZE (\d+)", r).group(1)) for r in rows if r}


def ready(server):
    begin = time.monotonic()
    server.start(120)
    return time.monotonic() - begin


def measure(binary, messages, queued, say=lambda text: print("  " + text, flush=True)):
    resolver = Dns()
    resolver.faults["nowhere.example"] = "SERVFAIL"
    server = Server(binary=binary, dns=f"127.0.0.1:{resolver.port}")
    try:
        server.start()
        fill(os.path.join(server.data, "mail/ann/new"), messages)
        client = server.imap("ann@local.example")
        begin = time.monotonic()

        def count():
            return int(client.select("INBOX", readonly=True)[1][0]) == messages
        wait_for(count, 600, 0.5)
        found = time.monotonic() - begin
        before, delay = known(client), server.status()["loop_delay_ms"]
        say(f"{messages} messages another program brought: known after {found:.1f} s; worst loop delay {delay['max']:.0f} ms")
        assert len(before) == messages
        client.logout()
        begin = time.monotonic()
        with server.submission("ann@local.example") as sender:
            for n in range(queued):
                sender.sendmail("ann@local.example", [f"x{n}@nowhere.example"], f"From: ann@local.example\r\nSubject: {n}\r\n\r\nx\r\n")
        say(f"{queued} submitted in {time.monotonic() - begin:.1f} s")
        times = []
        for _ in range(3):
            server.kill()
            times.append(ready(server))
        assert server.status()["queue"]["entries"] == queued
        say(f"kill -9 to ready: {', '.join(f'{t * 1000:.0f}' for t in times)} ms")
        client = server.imap("ann@local.example")
        assert known(client) == before, "not the same UIDs and flags after a kill"
        client.logout()
        server.kill()
        for name in os.listdir(os.path.join(server.data, "mail/ann")):
            if name.startswith("index.sqlite"):
                os.unlink(os.path.join(server.data, "mail/ann", name))
        again = ready(server)
        begin = time.monotonic()
        client = server.imap("ann@local.example")
        wait_for(count, 600, 0.1)
        rebuilt = time.monotonic() - begin
        assert known(client) == before, "not the same UIDs and flags after the index was lost"
        delay = server.status()["loop_delay_ms"]
        say(f"index lost: ready in {again * 1000:.0f} ms, all {messages} there again in {rebuilt:.1f} s; worst loop delay {delay['max']:.0f} ms")
        client.logout()
        assert max(times) <= READY and rebuilt <= REBUILD, f"over {READY} s to ready or {REBUILD} s to rebuild"
    finally:
        server.remove()
        resolver.close()
