"""gmime_drive.py ORACLE: does GMime see the same parts as src/msg in every message of other people's sets?

The vectors are no part of this project (suite_tally.py says where they are looked for); without them this is
skipped (77). Each message in which we mean to differ is named here with the reason; any other that differs
fails, and so does a named one that no longer does.
"""
import re
import subprocess
import sys

from suite_tally import SUITES

EMPTY_PART = "nothing between two boundary lines is an empty part (RFC 2046 5.1.1), not none"
BLANK_END = "a boundary cannot end in a blank (RFC 2046 5.1.1), and blanks behind one are padding"
EMPTY_MESSAGE = "an attached message without a body has an empty text all the same: IMAP wants one"
DEVIATIONS = {
    "mime/mime4j/mimetools-testmsgs/multi-digest.msg":
        "a Content-Type that cannot be read is text/plain (RFC 2045 5.2), not octets",
    "mime/mime4j/mimetools-testmsgs/multi-bad.msg": EMPTY_PART,
    "mime/mime4j/mimetools-testmsgs/2002_06_12_doublebound.msg": EMPTY_PART,
    "mime/mime4j/mimetools-testmsgs/double-bound.msg": EMPTY_PART,
    "mime/mime4j/testmsgs/multipartemptypart.msg": EMPTY_PART,
    "mime/mime4j/testmsgs/weird-boundary.msg": BLANK_END,
    "mime/mime4j/testmsgs/very-long-boundary.msg": BLANK_END,
    "mime/kmime/mails/bug392239.mbox": "a part that ends with its header is a part",
    "mime/rubymail/error_emails/multiple_content_types.eml":
        "the first of two Content-Type fields counts (MIM-08)",
    "bounces/maildir/dos/lhost-postfix-01.eml": EMPTY_MESSAGE,
    "bounces/maildir/bsd/lhost-postfix-01.eml": EMPTY_MESSAGE,
    "bounces/maildir/bsd/rfc3464-35.eml": EMPTY_MESSAGE,
}
NO_MESSAGE = re.compile(r"codec_|/mbox/|\.(json|xml|out|txt|bin|html|yml|md|json)$|/(LICENSE|NOTICE|COPYING|README)")


def messages():
    for folder in ("mime", "bounces/maildir"):
        for path in sorted((SUITES / folder).rglob("*")):
            if path.is_file() and not NO_MESSAGE.search(str(path)):
                yield path


def main():
    if not SUITES.is_dir():
        print(f"no vectors at {SUITES}: skipped")
        return 77
    paths = list(messages())
    run = subprocess.run(sys.argv[1:], input="".join(f"{p}\n" for p in paths).encode(), capture_output=True)
    out = run.stdout.decode(errors="replace")
    if run.returncode != 0:
        print(out[-2000:], run.stderr.decode(errors="replace")[-2000:])
        return 1
    said = re.split(rf"(?m)^{re.escape(str(SUITES))}/(.*)\n", out)
    differ = dict(zip(said[1::2], said[2::2]))
    for name in differ.keys() - DEVIATIONS.keys():
        print(f"{name}\n{differ[name]}")
    for name in DEVIATIONS.keys() - differ.keys():
        print("deviation that is none any more:", name)
    print(f"{len(paths)} messages, {len(differ)} differ, {len(DEVIATIONS)} are meant to")
    return 0 if differ.keys() == DEVIATIONS.keys() else 1


if __name__ == "__main__":
    sys.exit(main())
