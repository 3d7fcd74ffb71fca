"""What is in each section of a message, as another server saw it: sections, partials and BINARY of the public set suites/imap-bodystructure.

Its structures are test/unit/msg/suite_parts.py's. Every answer that differs must be one of DEVIATIONS, each with the words of the RFC that ask for
ours, and a deviation that is none any more fails too. Their messages end lines with LF: ours are stored with CRLF, so line ends are compared as one,
sizes without the CRs, and a partial with the same octets of their whole section."""
import collections, glob, os, re

import pytest

import dovecot
from differ import Ours, fetched
from server import SUITES, Server

Row = collections.namedtuple("Row", "item section start value")  # start: of a partial; value: octets, a number as octets, or None

HEAD = re.compile(rb"(BODY|BINARY|BINARY\.SIZE)\[([^\]]*)\](?:<(\d+)>)? (?:(NIL)|\{(\d+)\}\r?\n|(\d+))")
BETWEEN = re.compile(rb"\r?\n|-+\r?\n|\* NO \[UNKNOWN-CTE\][^\n]*\n")
PARTIAL = 25  # octets that they asked for, from the tenth on


def rows(answers):
    """The answers behind the structures, in their order; a section that they could not decode is left out."""
    at = answers.index(b"\nBODY[] ") + 1
    while at < len(answers):
        head = HEAD.match(answers, at)
        if head is None:
            at = BETWEEN.match(answers, at).end()
            continue
        item, section, start, nil, size, number = head.groups()
        at = head.end() + int(size or 0)
        value = None if nil else number if number else answers[head.end():at]
        yield Row(item.decode(), section.decode(), start and int(start), value)


def lf(octets):
    return octets.replace(b"\r\n", b"\n")


def crlf(octets):
    return lf(octets).replace(b"\n", b"\r\n")


def same(row, mine, whole, their_whole):
    """Does our answer say what theirs does?"""
    if mine is None or row.value is None:
        return mine is row.value
    if row.item == "BINARY.SIZE":
        return int(mine) - whole.count(b"\r\n") == int(row.value) - their_whole.count(b"\r\n")
    if row.start is not None:
        return mine == crlf(their_whole)[row.start:row.start + PARTIAL] and lf(row.value) == lf(their_whole)[row.start:row.start + PARTIAL]
    return lf(mine) == lf(row.value)


def kinds(part, path=""):
    """{path: "leaf", "message" or "multipart"} of a BODY, as RFC 9051 6.4.5 numbers parts."""
    if isinstance(part[0], list):
        inner = [p for p in part if isinstance(p, list)]
        found = {path: "multipart"}
        for i, p in enumerate(inner, 1):
            found.update(kinds(p, f"{path}.{i}" if path else str(i)))
        return found
    if part[0].lower() == b"message" and len(part) > 8 and isinstance(part[8], list):
        return {**content(part[8], path), path: "message"}
    return {path: "leaf"}


def content(body, path=""):
    """The same of what a message holds: without parts it is part 1."""
    if isinstance(body[0], list):
        return kinds(body, path)
    return kinds(body, f"{path}.1" if path else "1")


def names_alike(octets):
    return re.sub(rb"(?m)^[!-9;-~]+:", lambda m: m.group().lower(), lf(octets))


def of(name, pattern):
    return re.match(pattern, name) is not None


# (which, why): of the name of a row, what kind of part their structure says it is about, what they and we answer
DEVIATIONS = [
    (lambda name, kind, theirs, mine: of(name, r"... BODY\[MIME") and mine == "absent",
     'MIME needs a part number: section-spec = section-msgtext / (section-part ["." section-text]), and section-msgtext has no MIME (RFC 9051 9)'),
    (lambda name, kind, theirs, mine: of(name, r"... BODY\[\d.*\.(HEADER|TEXT)\]") and kind in ("leaf", "multipart") and mine is None,
     "HEADER and TEXT of a part are those of the message in it, and there is none (RFC 9051 6.4.5)"),
    (lambda name, kind, theirs, mine: kind is None and (mine is None or of(name, r"... BINARY.SIZE") and mine == b"0"),
     "What is no multipart and no message has no parts (RFC 9051 6.4.5); where NIL is not in the grammar, of the size, that is 0"),
    (lambda name, kind, theirs, mine: kind == "multipart" and (of(name, r"... BINARY\[") and mine is None or of(name, r"... BINARY.SIZE") and mine == b"0"),
     "BINARY is for leaf parts (RFC 9051 6.4.5), so it ends in NO; theirs is the part with its header in front"),
    (lambda name, kind, theirs, mine: of(name, r"01[013] BINARY(.SIZE)?\[\]"),
     "Without a part number BINARY is of the whole message, as they too give it of most (RFC 9051 6.4.5)"),
    (lambda name, kind, theirs, mine: theirs == b"[binary content]" and mine,
     "Their file does not say what the part holds; the sizes are compared"),
    (lambda name, kind, theirs, mine: of(name, r"000 BINARY.SIZE\[3\.[12]\]"),
     "The size is that of what BINARY gives, which they refuse to decode (RFC 9051 6.4.5); what is no base64 is stepped over (RFC 2045 6.8)"),
    (lambda name, kind, theirs, mine: of(name, r"\d+ BODY\[(\d.*MIME|HEADER.FIELDS.NOT)") and mine and names_alike(mine) == names_alike(theirs),
     "The names of fields as they stand in the message: they write some anew (RFC 9051 6.4.5)"),
    (lambda name, kind, theirs, mine: of(name, r"... BODY\[1(\.2)?\.MIME\]") and mine and
     mine.endswith(b"\r\n\r\n") and set(lf(theirs).split(b"\n")) <= set(lf(mine).split(b"\n")),
     "All fields of the header, not only those of MIME (RFC 9051 6.4.5: the MIME header for this part)"),
    (lambda name, kind, theirs, mine: of(name, r"011 (BINARY(.SIZE)?\[1\]|BODY\[1.TEXT\])"),
     "What follows the end of the multipart belongs to the message: their BODY[1] has it, the rest leaves it out (RFC 9051 6.4.5)"),
    (lambda name, kind, theirs, mine: of(name, r"008 (BODY|BINARY|BINARY.SIZE)\[2[].]"),
     "A message in base64, which RFC 2046 5.2.1 forbids, is a leaf: BODY[2.1] would have to give octets that are nowhere"),
    (lambda name, kind, theirs, mine: of(name, r"014 "),
     "An mbox line in front of the header is no field: all is body (RFC 5322 2.2)"),
]


def ask(ours, n, row):
    item = row.item if row.item == "BINARY.SIZE" else row.item + ".PEEK"
    part = "" if row.start is None else f"<{row.start}.{PARTIAL}>"
    _, untagged = ours.command(f"FETCH {n} ({item}[{row.section}]{part})")
    start = "" if row.start is None else f"<{row.start}>"
    return fetched(untagged).get((n, f"{row.item}[{row.section}]{start}".encode()), "absent")


def answers_of(ours, n, path):
    """(name, kind, theirs, ours, alike) of each row, once message n is the one of that file."""
    with open(path.replace(".txt", ".imap"), "rb") as f:
        answers = f.read()
    parts = {**content(dovecot.values(answers[answers.index(b"("):answers.index(b"\n)\n") + 2])[0]), "": "message"}
    theirs = list(rows(answers))
    wholes = {(row.item, row.section): row.value for row in theirs if row.start is None}
    for row in theirs:
        mine, whole = ask(ours, n, row), b""
        if row.item == "BINARY.SIZE":
            whole = ask(ours, n, row._replace(item="BINARY"))
        alike = mine != "absent" and whole is not None and same(row, mine, whole, wholes.get((row.item.removesuffix(".SIZE"), row.section)) or b"")
        name = f"{os.path.basename(path)[:3]} {row.item}[{row.section}]" + ("" if row.start is None else f"<{row.start}>")
        yield name, parts.get(re.sub(r"\.?[A-Z].*", "", row.section)), row.value, mine, alike


def test_sections_are_those_that_others_saw():
    messages = sorted(glob.glob(os.path.join(SUITES, "imap-bodystructure/[0-9]*.txt")))
    if not messages:
        pytest.skip("the public set suites/imap-bodystructure is not beside this tree")
    left, counts = [], collections.Counter()
    with Server() as server:
        ours = Ours(server)
        assert ours.command("SELECT INBOX")[0].startswith(b"OK")
        for n, path in enumerate(messages, 1):
            with open(path, "rb") as f:
                assert ours.command("APPEND INBOX", f.read())[0].startswith(b"OK"), path
            for name, kind, theirs, mine, alike in answers_of(ours, n, path):
                reason = "as they say" if alike else next((r for holds, r in DEVIATIONS if holds(name, kind, theirs, mine)), None)
                counts[reason] += 1
                if reason is None:
                    left.append(f"{name} of a {kind}\n  ours   {mine!r:.400}\n  theirs {theirs!r:.400}")
        ours.close()
    print("", *(f"{n:4} {reason}" for reason, n in counts.most_common()), sep="\n")
    assert not left, "\n".join(left)
    assert not [reason for _, reason in DEVIATIONS if reason not in counts]
