"""What the process does at the level of system calls: nothing is said to be kept before it is durable (STO-05), and no other program is ever started (P16)."""
import os, re, shutil, signal, subprocess

import pytest

from server import BINARY, Server

CALLS = "openat,open,unlink,unlinkat,rename,renameat,renameat2,link,linkat,fsync,fdatasync,sync_file_range,syncfs,write,writev,pwrite64,sendto,sendmsg,close,execve,execveat,fork,vfork,clone,clone3"
LINE = re.compile(r"^(\d+) +([\d.]+) (\w+)\((.*)\) += (-?\d+)(.*)$")


class Traced:
    """A server under strace: [(time, call, arguments, result)] of all its threads, in order."""

    def __init__(self, folder):
        self.trace = os.path.join(folder, "trace")
        self.server = Server(binary=os.environ.get("PENNYPOST_RELEASE", BINARY))  # without leak checkers, which dislike a tracer
        self.server.start()
        self.tracer = subprocess.Popen(["strace", "-f", "-y", "-ttt", "-s", "200", "-e", "trace=" + CALLS, "-o", self.trace, "-p", str(self.server.process.pid)],
                                       stderr=subprocess.PIPE, text=True)
        line = self.tracer.stderr.readline()
        if "attached" not in line:
            self.tracer.kill()
            self.server.remove()
            pytest.skip("strace cannot attach here: " + line)

    def end(self):
        self.tracer.send_signal(signal.SIGINT)
        self.tracer.wait(20)
        self.server.stop()
        self.server.remove()
        calls, begun = [], {}
        for line in open(self.trace, errors="replace"):
            unfinished = re.match(r"^(\d+) +([\d.]+) (\w+)\((.*) <unfinished \.\.\.>$", line)
            resumed = re.match(r"^(\d+) +([\d.]+) <\.\.\. (\w+) resumed>(.*)$", line)
            if unfinished:
                begun[unfinished.group(1)] = unfinished.groups()
                continue
            if resumed and resumed.group(1) in begun:
                _, at, call, arguments = begun.pop(resumed.group(1))
                line = f"{resumed.group(1)} {resumed.group(2)} {call}({arguments}{resumed.group(4)}"  # counted when it ended
            m = LINE.match(line)
            if m:
                calls.append((float(m.group(2)), m.group(3), m.group(4), int(m.group(5))))
        return sorted(calls)


@pytest.fixture
def traced(tmp_path):
    if not shutil.which("strace"):
        pytest.skip("strace is not installed")
    return Traced(str(tmp_path))


def index_of(calls, test, after=-1):
    return next((n for n, call in enumerate(calls) if n > after and test(*call[1:])), None)


def order_of_one(calls, folder, reply):
    """sync of the file, its name, sync of the directory, and only then the reply; the places in the trace."""
    named = index_of(calls, lambda call, text, ret: call.startswith(("rename", "link")) and ret == 0 and re.search(rf'/{folder}>, "[^"]*,P=|"{folder}/[^"]*,P=', text))
    assert named is not None, "no name was made in " + folder
    source = re.search(r'"([^"]*)"', calls[named][2]).group(1)
    synced = index_of(calls, lambda call, text, ret: call in ("fsync", "fdatasync") and ret == 0 and source in text)
    directory = index_of(calls, lambda call, text, ret: call == "fsync" and ret == 0 and re.search(rf"/{folder}>", text), named)
    said = index_of(calls, lambda call, text, ret: call in ("write", "writev", "sendto", "sendmsg") and reply in text)
    assert synced is not None and directory is not None, (synced, named, directory)
    assert said is None or synced < named < directory < said, (synced, named, directory, said)
    assert synced < named < directory
    return said


def test_a_reply_comes_after_the_disk(traced):  # STO-05
    server = traced.server
    with server.smtp() as client:
        client.sendmail("carl@far.example", ["ann@local.example"], "From: carl@far.example\r\nSubject: order\r\n\r\nx\r\n")
    calls = traced.end()
    assert order_of_one(calls, "mail/ann/new", "250 2.0.0") is not None


def test_two_recipients_are_one_promise(traced):
    with traced.server.smtp() as client:
        client.sendmail("carl@far.example", ["ann@local.example", "bob@local.example"], "From: carl@far.example\r\nSubject: order\r\n\r\nx\r\n")
    calls = traced.end()
    assert order_of_one(calls, "mail/ann/new", "250 2.0.0") is not None and order_of_one(calls, "mail/bob/new", "250 2.0.0") is not None
    first_name = index_of(calls, lambda call, text, ret: call.startswith(("rename", "link")) and "/new>, " in text)
    noted = [n for n, (_, call, text, ret) in enumerate(calls) if call in ("fsync", "fdatasync") and "queue.sqlite" in text]
    assert noted and noted[0] < first_name  # the intent is durable before the first name
    said = index_of(calls, lambda call, text, ret: call in ("write", "writev", "sendto") and "250 2.0.0" in text)
    assert any(first_name < n < said for n in noted)  # and durably gone before the reply


def test_no_program_is_started(traced):
    server = traced.server
    with server.smtp(tls=True) as client:
        client.sendmail("carl@far.example", ["ann@local.example"], "From: carl@far.example\r\nSubject: `id` $(id) | id\r\n\r\nx\r\n")
    client = server.imap()
    client.select("INBOX")
    client.uid("MOVE", "1", "Junk")
    client.logout()
    with server.submission() as client:
        client.sendmail("ann@local.example", ["bob@local.example"], "From: ann@local.example\r\nSubject: x\r\n\r\nx\r\n")
    server.command("status", check=False)
    calls = traced.end()
    assert len(calls) > 20 and not [c for c in calls if c[1] in ("execve", "execveat", "fork", "vfork")]


def test_binary_is_hardened():  # OPS-10
    binary = os.environ.get("PENNYPOST_RELEASE", BINARY)
    header = subprocess.run(["readelf", "-hldW", binary], capture_output=True, text=True).stdout
    assert "DYN (" in header and "BIND_NOW" in header and "GNU_RELRO" in header and not re.search(r"R(UN)?PATH", header)
    assert re.search(r"GNU_STACK .* RW ", header)
    symbols = subprocess.run(["readelf", "-sW", "--dyn-syms", binary], capture_output=True, text=True).stdout
    assert "__stack_chk_fail" in symbols and re.search(r"__\w+_chk", symbols)
    assert not re.search(r" (system|popen|execve?|execvp|execlp?|posix_spawnp?|dlopen)(@|$)", symbols, re.M)  # G-29
