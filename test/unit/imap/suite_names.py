"""suite_names.py DUMP: other people's LIST patterns and sets of UIDs against src/imap.

The vectors are no part of this project: PENNYPOST_SUITES names their folder, else ../shared/suites
beside the project; without them this says so and is skipped (77). Where we mean to differ, DEVIATIONS
says why; every other difference fails.
"""
import json
import pathlib
import re
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "msg"))
from suite_tally import SUITES, Dump, Tally

# (suite, which cases, why we mean to differ)
DEVIATIONS = [
    ("dovecot/list-match.json", lambda s: s == "inbox INBOX", "INBOX is one name in any case (RFC 9051 5.1); their next file has it so"),
    ("dovecot/list-match.json", lambda s: s == "ha* ha\u0305",
     "a sign that combines is a character too, and \"*\" stands for any (RFC 9051 6.3.9)"),
]


def patterns(dump, tally):
    """Theirs tell too when only a parent or children of a name match: those are no match of the name itself."""
    for name in ("list-match.json", "list-match-inbox.json"):
        for r in json.loads((SUITES / "header-vectors/dovecot" / name).read_text()):
            got = dump("match", r["pattern"] + "\x1f" + r["name"]).decode()
            tally.check("dovecot/" + name, f"{r['pattern']} {r['name']}", got, "yes" if r["result"] == "IMAP_MATCH_YES" else "no")


def sets(dump, tally):
    """The numbers of a set, and the same numbers as a set; of those up to the highest where theirs names it."""
    text = (SUITES / "header-vectors/javamail/uiddata").read_text()
    for m in re.finditer(r"TEST (.*)\nDATA (.*)\n(?:MAX (\d+)(?: (.*))?\n)?EXPECT (.*)\n", text + "\n"):
        title, data, most, first, want = m.groups()
        if data == "EMPTY":
            tally.check("javamail/uiddata", title, dump("set", "").decode(), "bad")  # sequence-set is never empty (RFC 9051 9)
            continue
        numbers, *written = dump("set", data).decode().split("\n")
        found = [u for u in numbers.split() if most is None or int(u) <= int(most)]
        tally.check("javamail/uiddata", title, found, want.split())
        tally.check("javamail/uiddata", title + ", written", written[len(found) - 1], first or data)


def main():
    if not SUITES.is_dir():
        print(f"no vectors at {SUITES}: skipped")
        return 77
    dump, tally = Dump(sys.argv[1]), Tally(DEVIATIONS)
    patterns(dump, tally)
    sets(dump, tally)
    dump.close()
    return tally.end()


if __name__ == "__main__":
    sys.exit(main())
