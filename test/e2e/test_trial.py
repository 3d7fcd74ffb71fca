"""./dev run's one screen: every step happens, then how to connect; started again in the same folder it goes on with what it has."""
import os, re, subprocess, sys

import server

STEPS = ("two servers listen", "mail came in over SMTP with STARTTLS", "judged", "stored in Maildir", "read over IMAP with TLS", "moved to Junk, learned at once",
         "submitted over TLS with a password", "delivered to stranger.test through its MX")


def test_every_step_on_one_screen(tmp_path):
    binary, folder = os.environ.get("PENNYPOST_RELEASE", server.BINARY), str(tmp_path / "trial")
    for again in range(2):
        done = subprocess.run([sys.executable, os.path.join(server.TOP, "test/support/trial.py"), binary, folder, "--listen", "127.0.0.1", "--once"],
                              capture_output=True, text=True, timeout=180)
        assert done.returncode == 0, done.stdout + done.stderr
        at = -1
        for n, step in enumerate(STEPS, 1):
            found = re.search(rf"^  ok \[█{{{n * 20 // len(STEPS)}}}░*\] {re.escape(step)}", done.stdout, re.M)
            assert found and found.start() > at, step + "\n" + done.stdout
            at = found.start()
        before, after = map(float, re.search(r"probability of the next such message ([\d.]+) -> ([\d.]+)", done.stdout).groups())
        assert after > before or again
        assert "signed ed25519-sha256 and rsa-sha256" in done.stdout
        password = re.search(r"password +(\S+)", done.stdout).group(1)
        assert password == open(folder + "/password").read() and "ann@penny.test" in done.stdout
        assert len(done.stdout.splitlines()) <= 40  # one screen
        log = open(folder + "/home.log").read()
        assert password not in log and not re.search(r"^\S+ error ", log, re.M)
