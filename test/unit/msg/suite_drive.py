"""suite_drive.py DUMP: other people's header and message vectors against src/msg.

The vectors are no part of this project: PENNYPOST_SUITES names their folder, else ../shared/suites
beside the project; without them this says so and is skipped (77). Where we mean to differ, DEVIATIONS
says why; every other difference fails. Whole messages are suite_parts.py's, how fields are written and
cut up is suite_fields.py's, what they hold in encodings suite_codecs.py's.
"""
import json
import re
import sys

import suite_codecs
import suite_fields
import suite_parts
from suite_tally import SUITES, Dump, Tally, text_of


def unbalanced(s):
    plain = re.sub(r'\\.', "", s)
    return plain.count('"') % 2 or plain.count("(") != plain.count(")") or plain.count("<") != plain.count(">")


# (suite, which cases, why we mean to differ)
DEVIATIONS = [
    ("gmime/addresses", lambda s: s.endswith(".com.>"),
     "the final dot of a domain is kept: its reader judges (AUT-08)"),
    ("gmime/addresses", lambda s: "latin1" in s,
     "an octet that no charset gives is U+FFFD, not a control character"),
    ("gmime/addresses", lambda s: "c tert@wp.pl" in s,
     "a word before a bare address is its name; nothing is dropped"),
    ("gmime/addresses", lambda s: "Biznes" in s, "a blank that was encoded is kept"),
    ("dovecot/rfc2047", lambda s: "////" in s, "each invalid octet is one U+FFFD"),
    ("javamail/paramdata", lambda s: "title*3" in s,
     "a piece without those before it is left out, not shown raw"),
    ("javamail/addresses", unbalanced,
     "what is never closed is skipped and the rest still read (AUT-07)"),
    ("javamail/addresses", lambda s: re.fullmatch(r'[<>")@]*', s), "marks alone are no address"),
    ("javamail/addresses", lambda s: "/tmp/mail.out" in s, "blanks divide no addresses"),
    ("javamail/addresses", lambda s: "(john.doe" in s, "a comment is no address"),
    ("javamail/addresses", lambda s: "jsmith@" in s,
     "blanks after the @ are not part of the domain"),
    ("javamail/addresses", lambda s: s.endswith("@") or "@>" in s or "@ (" in s,
     "an @ without domain is not kept"),
    ("javamail/addresses", lambda s: re.search(r":;+@", s), "a group has no domain"),
    ("javamail/addresses", lambda s: s.startswith("\\"), "a backslash outside quotes escapes"),
    ("javamail/addresses", lambda s: s.startswith("55:55"),
     "a time of day is no group: each comma still divides"),
]


def rows(name):
    return json.loads((SUITES / "header-vectors" / name).read_text())


def squeezed(s):
    return re.sub(r"\s+", " ", s).strip()


def gmime(dump, tally):
    for name in ("rfc2047_text.json", "broken_rfc2047_text.json"):
        for r in rows("gmime/" + name):
            tally.check("gmime/rfc2047", r["input"], dump("words", r["input"]).decode(), r["decoded"])
    for r in rows("gmime/dates.json"):
        got = dump("date", r["input"]).decode()
        tz = r["tz"]
        minutes = (abs(tz) // 100 * 60 + abs(tz) % 100) * (1 if tz >= 0 else -1)
        want = "" if r["input"] == "nonsense" else f"{r['unixtime']} {minutes}"
        tally.check("gmime/dates", r["input"], got, want)
    for name in ("addrspec.json", "broken_addrspec.json"):
        for r in rows("gmime/" + name):
            tally.check("gmime/addresses", r["input"], shown(dump, r["input"]), unquoted(r["display"]))


def unquoted(s):
    return s.replace('"', "").replace("\\", "")


def shown(dump, field):
    """An address list as GMime displays it, without quotes."""
    out, group = [], None
    for line in dump("addr", field).split(b"\n")[1:-1]:
        kind, name, local, domain, _ = line.split(b"\x1f")
        kind, name, local, domain = (dump("words", s).decode() for s in (kind, name, local, domain))
        if kind == "G":
            group = [name, []]
        elif kind == "E":
            out.append(f"{group[0]}: {', '.join(group[1])};")
            group = None
        else:
            spec = f"{local}@{domain}" if domain else local
            one = f"{name} <{spec}>" if name else spec
            (group[1] if group else out).append(one)
    return unquoted(", ".join(out))


def dovecot(dump, tally):
    for r in rows("dovecot/date.json"):
        want = f"{r['unixtime']} {r['tz']}" if r["ret"] else ""
        tally.check("dovecot/dates", r["input"], dump("date", r["input"]).decode(), want)
    for r in rows("dovecot/header-decode.json"):
        got = dump("words", text_of(r["input"])).decode()
        # ours unfolds and trims; theirs leaves both to the caller
        tally.check("dovecot/rfc2047", str(r["input"]), got, re.sub(r"\r?\n", "", r["decoded"]).strip())


def javamail_cases(name):
    """(field name, value, flags, expectation) of each case: a list of results, or None for an exception."""
    text = (SUITES / "header-vectors/javamail" / name).read_text(encoding="latin-1")
    text = text[text.index("\nFrom "):]
    lines = text.split("\n")[2:]
    cases, strict, header, i = [], True, None, 0
    while i < len(lines):
        line = lines[i]
        i += 1
        m = re.match(r"([A-Za-z-]+):\s?(.*)", line)
        if m is None:
            continue
        value = m[2]
        if m[1] == "Expect":
            if value.startswith("Exception"):
                cases.append((*header, strict, None))
                continue
            n = int(value)
            got = []
            while i < len(lines) and lines[i].startswith((" ", "\t")) and len(got) < n:
                got.append(lines[i].strip())
                i += 1
            cases.append((*header, strict, got))
            continue
        while i < len(lines) and lines[i][:1] in (" ", "\t"):
            value += "\r\n" + lines[i]
            i += 1
        if m[1] == "Strict":
            strict = value.strip() == "true"
        elif m[1] not in ("Comment", "Description", "Keep"):
            header = (m[1], value)
    return cases


def javamail(dump, tally):
    for name in ("paramdata", "paramdatanostrict"):
        for _, value, _, want in javamail_cases(name):
            if want is None:
                continue  # ours never refuses: what it makes of it is not theirs to say
            got = dump("param", value.encode("latin-1")).decode().split("\n")[1:-1]
            tally.check("javamail/" + name, squeezed(value), sorted(got), sorted(unescaped(w) for w in want))
    for _, value, _, want in javamail_cases("addrlist"):
        if want is None:
            continue
        got = []
        for line in dump("addr", value.encode("latin-1")).decode("latin-1").split("\n")[1:-1]:
            kind, _, local, domain, route = line.split("\x1f")
            if kind == "M":
                got.append(unquoted(f"{local}@{domain}" if domain else local))
        tally.check("javamail/addresses", squeezed(value), got, members(want))


def unescaped(s):
    return re.sub(r"\\u([0-9a-f]{4})", lambda m: chr(int(m[1], 16)), s)


def members(want):
    """The addresses, those of groups among them: we list a group's members, they the group as one."""
    out = []
    for w in want:
        m = re.fullmatch(r"[^:<\"]+:(.*);", w)
        out += [spec_only(one) for one in m[1].split(",") if one] if m else [spec_only(w)]
    return out


def spec_only(s):
    m = re.search(r"<(?:@[^:]*:)?([^<>]*)>\s*$", s)
    return unquoted(m[1] if m else s)


def main():
    if not SUITES.is_dir():
        print(f"no vectors at {SUITES}: skipped")
        return 77
    dump, tally = Dump(sys.argv[1]), Tally(DEVIATIONS + suite_codecs.DEVIATIONS + suite_fields.DEVIATIONS + suite_parts.DEVIATIONS)
    gmime(dump, tally)
    dovecot(dump, tally)
    javamail(dump, tally)
    suite_codecs.compare(dump, tally)
    suite_fields.compare(dump, tally, javamail_cases)
    suite_parts.compare(dump, tally)
    dump.close()
    return tally.end()


if __name__ == "__main__":
    sys.exit(main())
