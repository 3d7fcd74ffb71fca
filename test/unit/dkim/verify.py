#!/usr/bin/python3
"""verify.py SIGNER: what we sign, dkimpy verifies; what is then changed or added, it refuses (AUT-10, AUT-14)."""
import subprocess
import sys
import tempfile

try:
    import dkim
except ImportError:
    print("python3-dkim and python3-nacl are not installed: skipped")
    sys.exit(77)

BASE = (b"Received: from a by b; Mon, 23 Nov 2026 04:00:00 +0000\r\nFrom: Ann  <ann@example.org>\r\n"
        b"To: bob@example.net\r\nSubject: a folded\r\n\t subject\t here \r\nDate: Mon, 23 Nov 2026 04:00:00 +0000\r\n"
        b"Message-ID: <1@example.org>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n")
BODIES = [b"", b"\r\n", b"  \r\n", b"hello  world \t\r\n\r\n\r\n", b"\tx\r\n", b"no end", b"a\r\n" + b"\r\n" * 100000,
          "gr\u00fc\u00dfe \u2014 8bit\r\n".encode(), b"x" * 70000 + b"\r\n", b". dot\r\n..\r\n"]
HEADERS = [BASE,
           BASE.replace(b"To:", b"List-Id: <l.example.org>\r\nList-Unsubscribe: <https://example.org/u>\r\nReferences: <a@b>\r\n <c@d>\r\nTo:"),
           b"FROM:ann@example.org\r\nsubject:\r\nTo:x@y.example\r\nTo:z@y.example\r\n\r\n"]


def check(signer, folder, message):
    r = subprocess.run([signer, folder], input=message, capture_output=True)
    assert r.returncode == 0, r.stderr
    head, signed = r.stdout.split(b"\n\n", 1)
    keys = dict(l.split(b" ", 2)[1:] for l in head.split(b"\n"))
    txt = lambda name, timeout=5: keys.get(name.rstrip(b"."))
    assert signed.endswith(message)
    assert all(len(l) <= 78 for l in signed[:-len(message)].split(b"\r\n"))
    return signed, lambda m: [dkim.DKIM(m).verify(idx=i, dnsfunc=txt) for i in range(2)]


def safe(verify, m):
    try:
        return verify(m)
    except dkim.DKIMException:
        return [False, False]


def main():
    signer, n = sys.argv[1], 0
    with tempfile.TemporaryDirectory() as folder:
        for h in HEADERS:
            for b in BODIES:
                signed, verify = check(signer, folder, h + b)
                assert verify(signed) == [True, True], (h, b[:60])
                n += 1
                if b.strip():
                    assert safe(verify, signed.rstrip() + b"!\r\n") == [False, False], b[:60]
        signed, verify = check(signer, folder, BASE + b"text\r\n")
        for name in (b"Subject", b"To", b"Cc", b"Reply-To", b"Sender", b"Content-Type", b"Date", b"From",
                     b"Content-Transfer-Encoding", b"In-Reply-To", b"References", b"MIME-Version", b"Message-ID"):
            added = name + b": x@example.net\r\n"
            assert safe(verify, added + signed) == [False, False], name
            assert safe(verify, signed.replace(b"\r\nFrom:", b"\r\n" + added + b"From:", 1)) == [False, False], name
            n += 2
        for was, now in ((b"a folded", b"A folded"), (b"bob@", b"rob@"), (b"text", b"Text"), (b"t=1795406400", b"t=1795406401")):
            assert was in signed and safe(verify, signed.replace(was, now)) == [False, False], was
            n += 1
        assert verify(b"Received: by x\r\nX-More: y\r\n" + signed) == [True, True]
    print("%d messages as expected" % n)


main()
