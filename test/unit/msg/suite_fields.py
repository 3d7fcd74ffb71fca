"""suite_fields.py: folding, unfolding, quoting, tokens, message ids and modified UTF-7 as others saw them, against src/msg.

Called by suite_drive.py. What is compared in a form of its own says so where it is.
"""
import json
import re

from suite_tally import SUITES, text_of

# (suite, which cases, why we mean to differ)
DEVIATIONS = [
    ("gmime/folding", lambda s: "01234567 0123456789" in s,
     "a word of 77 stays whole and as it was written: 78 is a wish, 998 the limit (RFC 5322 2.1.1)"),
    ("gmime/qstrings", lambda s: s.startswith("quoted") and '\\"' in s,
     "a quote is no atext, so a phrase with one is a quoted-string (RFC 5322 3.2.3, 3.2.4)"),
    ("javamail/unfold", lambda s: "\\" in s,
     "a backslash is no sign of folding: the line end goes, whatever stands before it (RFC 5322 2.2.3)"),
    ("javamail/unfold", lambda s: s.strip() != s,
     "blanks and line ends around a value are not the value's"),
    ("javamail/fold", lambda s: re.fullmatch("a{71,72} xxx", s),
     "the name is on the first line too, which ends before 78 (RFC 5322 2.1.1)"),
    ("javamail/fold", lambda s: re.search("[\r\n]", s),
     "a line end in a value that a peer chose begins no line, not even a folded one (RFC 5322 2.2)"),
    ("javamail/tokens", lambda s: s == ")", "a parenthesis that closes nothing is stepped over"),
]


def rows(name):
    return json.loads((SUITES / "header-vectors" / name).read_text())


def folding(dump, tally):
    for r in rows("gmime/header_folding.json"):
        got = dump("field", r["input"].removeprefix("Subject: ")).decode()
        tally.check("gmime/folding", r["input"][-90:], got.replace("\r\n", "\n"), r["folded"])


def quoting(dump, tally):
    for r in rows("gmime/qstrings.json"):
        name = dump("addr", r["input"] + " <a@b.example>").split(b"\n")[1].split(b"\x1f")[1]
        tally.check("gmime/qstrings", "unquoted " + r["input"], name.decode(), r["unquoted"])
        tally.check("gmime/qstrings", "quoted " + r["input"], dump("phrase", r["unquoted"]).decode(), r["quoted"])


def references(dump, tally):
    for r in rows("gmime/references.json"):
        tally.check("gmime/references", r["input"], dump("ids", r["input"]).decode().split("\n"), [i or "" for i in r["ids"]])


def names(dump, tally):
    for r in rows("dovecot/imap-utf7.json"):
        for mode, of, to in (("to-mutf7", "utf8", "mutf7"), ("from-mutf7", "mutf7", "utf8")):
            if r[of] is not None:
                tally.check("dovecot/imap-utf7", f"{mode} {r[of]}", dump(mode, r[of]), b"\xff" if r[to] is None else text_of(r[to]))


def folddata():
    """(what to do, value, expectation) of each case."""
    text = (SUITES / "header-vectors/javamail/folddata").read_bytes().decode("latin-1")
    for m in re.finditer(r"(?ms)^(FOLD|UNFOLD|BOTH)\n(.*?)\$\n(?:EXPECT\n(.*?)\$\n)?", text):
        yield m[1], m[2], m[3]


def fold(dump, value):
    return dump("field", value.encode("latin-1")).decode("latin-1").removeprefix("Subject: ").removesuffix("\r\n")


def unfold(dump, value):
    return dump("unfold", value.encode("latin-1")).decode("latin-1")


def javamail_folds(dump, tally):
    for what, value, want in folddata():
        if what == "FOLD":
            tally.check("javamail/fold", value, fold(dump, value).replace("\r\n", "\n"), want.replace("\r\n", "\n"))
        elif what == "UNFOLD":
            tally.check("javamail/unfold", value, unfold(dump, value), want)
        else:
            tally.check("javamail/fold", "both " + value, unfold(dump, fold(dump, value)), value)


def their_tokens(want):
    kinds = {"ATOM": "W", "QUOTEDSTRING": "Q", "SPECIAL": "M"}
    return [kinds[kind] + text for kind, text in (w.split("\t", 1) for w in want)]


def tokens(dump, tally, cases):
    for _, value, _, want in cases("tokenlist"):
        *got, fault = dump("tokens", value.encode("latin-1")).decode("latin-1").split("\x1f")
        if want is None:
            tally.check("javamail/tokens", value, fault, "faulty")
            continue
        got = [re.sub(r'\AQ"(.*)"\Z', r"Q\1", t, flags=re.S) for t in got if t[0] != "C"]
        tally.check("javamail/tokens", value, got, their_tokens(want))


def compare(dump, tally, javamail_cases):
    folding(dump, tally)
    quoting(dump, tally)
    references(dump, tally)
    names(dump, tally)
    javamail_folds(dump, tally)
    tokens(dump, tally, javamail_cases)
