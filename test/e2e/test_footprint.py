"""How much memory does an idle server keep, and is its loop ever held up?"""
import os

from server import BINARY, Server, wait_for

RELEASE = os.environ.get("PENNYPOST_RELEASE", BINARY)
PSS_KIB = 20 * 1024


def pss(pid):
    with open(f"/proc/{pid}/smaps_rollup") as f:
        return int(next(line for line in f if line.startswith("Pss:")).split()[1])


def test_an_idle_server_keeps_less_than_20_mib():
    with Server(binary=RELEASE) as server:
        wait_for(lambda: server.status()["ready"])
        fresh = pss(server.process.pid)
        client = server.smtp()
        client.sendmail("x@sender.example", ["ann@local.example"], b"From: x@sender.example\r\nSubject: one\r\n\r\nhello\r\n")
        client.quit()
        reader = server.imap()
        reader.select("INBOX")
        reader.logout()
        used = pss(server.process.pid)
        status = server.status()
        delay = status["loop_delay_ms"]
        print(f"\nPSS of the idle process: {fresh / 1024:.1f} MiB after start, {used / 1024:.1f} MiB after a message and a login (argon2id takes 19 MiB "
              f"while it runs); worst loop delay {delay['max']} ms, p99.9 {delay['p999']} ms")
        assert fresh < PSS_KIB
        assert used < PSS_KIB
