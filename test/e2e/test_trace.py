"""Can an owner have it written down what a mail program and the server say, and stands no secret in it?"""
import glob, os, stat, time

from server import Server, wait_for

LIMIT = 1048576


def files(server, account="ann"):
    return sorted(glob.glob(os.path.join(server.data, "run/trace", f"{account}-*.log")))


def text_of(path):
    with open(path) as f:
        return f.read()


def ended(path, why):
    return wait_for(lambda: text_of(path) if text_of(path).endswith(f"- end of trace: {why}\n") else None)


def test_a_traced_account_is_written_down_without_its_secrets():
    with Server() as server:
        early = server.imap()
        server.command("trace", "ann", "--minutes", "5")
        assert [(t["account"], t["files"]) for t in server.status()["trace"]] == [("ann", 1)]
        assert "ann: on until" in server.command("status", check=False).stdout
        early.noop()
        ann, bob = server.imap(), server.imap(f"bob@{server.domain}")
        ann.select()
        ann.append("INBOX", None, None, b"Subject: hidden\r\n\r\nthe hidden words\r\n")
        ann.fetch("1", "(BODY[])")
        bob.select()
        bob.noop()
        ann.logout(), bob.logout()
        later = wait_for(lambda: [p for p in files(server) if "BODY[]" in text_of(p)])[0]
        both = wait_for(lambda: files(server) if len(files(server)) == 2 else None)
        text = wait_for(lambda: text_of(later) if "end of trace" in text_of(later) else None)
        assert " C " in text and "APPEND INBOX {" in text and " octets}" in text and "+ Go on" in text and "FETCH (BODY[] {" in text
        assert text.index(" SELECT ") < text.index(" EXISTS")
        for path in both:
            assert "secret" not in text_of(path) and "hidden" not in text_of(path) and "LOGIN" not in text_of(path)
            assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
        assert stat.S_IMODE(os.stat(os.path.join(server.data, "run/trace")).st_mode) == 0o700
        assert files(server, "bob") == []
        server.command("trace", "ann", "--off")
        first = next(p for p in both if p != later)
        ended(first, "it was switched off")
        size = os.path.getsize(first)
        early.noop()
        assert server.status()["trace"] == [] and os.path.getsize(first) == size
        early.logout()


def test_a_file_is_bounded_and_a_session_that_becomes_nobodys_ends_it():
    with Server() as server:
        server.command("trace", "ann")
        ann, other = server.imap(), server.imap()
        other.noop()
        other.xatom("UNAUTHENTICATE")
        other.state = "NONAUTH"
        other.login(*next(iter(server.accounts.items())))
        # the same session is ann's again at once: a new trace may follow in the file already
        path = wait_for(lambda: [p for p in files(server) if "- end of trace: UNAUTHENTICATE\n" in text_of(p)])[0]
        assert "LOGIN" not in text_of(path)
        # ann's file ends when it is full, and she never notices
        ann.select()
        for _ in range(400):
            assert ann.search(None, "SUBJECT", "x" * 4000)[0] == "OK"
        full = wait_for(lambda: [p for p in files(server) if "the file is full" in text_of(p)])[0]
        ann.noop()
        assert os.path.getsize(full) <= LIMIT and "secret" not in text_of(full) + text_of(path)
        server.command("trace", "ann", "--off")
        for wrong in (["trace", "nobody"], ["trace", "ann", "--minutes", "61"], ["trace", "ann", "--minutes", "x"]):
            assert server.command(*wrong, check=False).returncode == 64
        assert server.get("/trace?account=ann&minutes=61", "POST")[0] == 400
        assert server.get("/trace?account=nobody", "POST")[0] == 404
        assert server.command("trace", "ann", "--off").returncode == 0


def test_a_trace_ends_by_itself_and_old_files_go():
    with Server(env={"PENNYPOST_CLOCK_SCALE": 20}) as server:
        folder = os.path.join(server.data, "run/trace")
        os.makedirs(folder, exist_ok=True)
        for name, days in (("bob-i-old.log", 8), ("bob-i-young.log", 6)):
            with open(os.path.join(folder, name), "w") as f:
                f.write("x\n")
            os.utime(f.name, (time.time() - days * 86400,) * 2)
        ann = server.imap()
        assert server.get("/trace?account=ann&minutes=1", "POST")[0] == 200
        path = wait_for(lambda: files(server))[0]
        ended(path, "its time is over")
        wait_for(lambda: [os.path.basename(p) for p in files(server, "bob")] == ["bob-i-young.log"])
        assert server.status()["trace"] == []
        ann.noop()
