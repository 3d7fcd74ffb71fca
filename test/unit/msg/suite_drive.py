"""suite_drive.py DUMP: other people's header and message vectors against src/msg.

The vectors are no part of this project: PENNYPOST_SUITES names their folder, else ../shared/suites beside the project; without
them this says so and is skipped (77). Where we mean to differ, DEVIATIONS says why; every other difference fails.
"""
import json
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
SUITES = pathlib.Path(os.environ.get("PENNYPOST_SUITES", ROOT / "../shared/suites"))

def unbalanced(s):
    plain = re.sub(r'\\.', "", s)
    return plain.count('"') % 2 or plain.count("(") != plain.count(")") or plain.count("<") != plain.count(">")


# (suite, which cases, why we mean to differ)
DEVIATIONS = [
    ("gmime/addresses", lambda s: s.endswith(".com.>"), "the final dot of a domain is kept: its reader judges (AUT-08)"),
    ("gmime/addresses", lambda s: "latin1" in s, "an octet that no charset gives is U+FFFD, not a control character"),
    ("gmime/addresses", lambda s: "c tert@wp.pl" in s, "a word before a bare address is its name; nothing is dropped"),
    ("gmime/addresses", lambda s: "Biznes" in s, "a blank that was encoded is kept"),
    ("dovecot/rfc2047", lambda s: "////" in s, "each invalid octet is one U+FFFD"),
    ("imap-bodystructure", lambda s: s == "014", "an mbox line in front of the header is no field: all is body"),
    ("javamail/paramdata", lambda s: "title*3" in s, "a piece without those before it is left out, not shown raw"),
    ("javamail/addresses", unbalanced, "what is never closed is skipped and the rest still read (AUT-07)"),
    ("javamail/addresses", lambda s: re.fullmatch(r'[<>")@]*', s), "marks alone are no address"),
    ("javamail/addresses", lambda s: "/tmp/mail.out" in s, "blanks divide no addresses"),
    ("javamail/addresses", lambda s: "(john.doe" in s, "a comment is no address"),
    ("javamail/addresses", lambda s: "jsmith@" in s, "blanks after the @ are not part of the domain"),
    ("javamail/addresses", lambda s: s.endswith("@") or "@>" in s or "@ (" in s, "an @ without domain is not kept"),
    ("javamail/addresses", lambda s: re.search(r":;+@", s), "a group has no domain"),
    ("javamail/addresses", lambda s: s.startswith("\\"), "a backslash outside quotes escapes"),
    ("javamail/addresses", lambda s: s.startswith("55:55"), "a time of day is no group: each comma still divides"),
]


def deviation(suite, case):
    for i, (of, which, _) in enumerate(DEVIATIONS):
        if of == suite and which(case):
            return i
    return None


class Dump:
    def __init__(self, program):
        self.program = program
        self.running = {}

    def __call__(self, mode, data):
        if isinstance(data, dict):
            data = text_of(data)
        if isinstance(data, str):
            data = data.encode()
        p = self.running.get(mode)
        if p is None:
            p = self.running[mode] = subprocess.Popen(
                [self.program, mode], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        p.stdin.write(b"%d\n%s" % (len(data), data))
        p.stdin.flush()
        return p.stdout.read(int(p.stdout.readline()))

    def close(self):
        for p in self.running.values():
            p.stdin.close()
            if p.wait() != 0:
                raise SystemExit("test_msg_dump failed")


class Tally:
    def __init__(self):
        self.same = self.failed = 0
        self.used = set()
        self.lines = {}

    def check(self, suite, case, got, want):
        case = str(case)
        same, failed, deviating = self.lines.get(suite, (0, 0, 0))
        if got == want:
            same += 1
        elif deviation(suite, case) is not None:
            self.used.add(deviation(suite, case))
            deviating += 1
        else:
            failed += 1
            print(f"{suite}: {case!r}\n  got  {got!r}\n  want {want!r}")
        self.lines[suite] = (same, failed, deviating)

    def end(self):
        unused = [d[2] for i, d in enumerate(DEVIATIONS) if i not in self.used]
        for reason in unused:
            print("deviation that is none any more:", reason)
        for suite, (same, failed, deviating) in self.lines.items():
            print(f"{suite}: {same} as expected, {deviating} deviations, {failed} failed")
        return 1 if unused or any(f for _, f, _ in self.lines.values()) else 0


def rows(name):
    return json.loads((SUITES / "header-vectors" / name).read_text())


def text_of(v):
    return v["latin1"].encode("latin-1") if isinstance(v, dict) else v.encode()


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


def imap_list(data, at=0):
    """The value of a parenthesised IMAP list of octets, iteratively."""
    stack = [[]]
    while at < len(data):
        c = data[at:at + 1]
        if c == b"(":
            stack.append([])
            at += 1
        elif c == b")":
            done = stack.pop()
            stack[-1].append(done)
            at += 1
            if len(stack) == 1:
                break
        elif c == b'"':
            m = re.compile(rb'"((?:[^"\\]|\\.)*)"', re.S).match(data, at)
            stack[-1].append(m[1])
            at = m.end()
        elif c == b"{":
            m = re.compile(rb"\{(\d+)\}\r?\n").match(data, at)
            at = m.end() + int(m[1])
            stack[-1].append(data[m.end():at])
        elif c.isspace():
            at += 1
        else:
            m = re.compile(rb"[^\s()]+").match(data, at)
            stack[-1].append(m[0])
            at = m.end()
    return stack[0][0]


def sizes(body):
    """Octets of each leaf and the nesting, which is what two servers must agree on; the rest is their choice."""
    if isinstance(body[0], list):
        return [sizes(b) for b in body if isinstance(b, list) and b and isinstance(b[0], (list, bytes))
                and (isinstance(b[0], list) or len(b) > 6)]
    return int(body[6])


def bodystructure(dump, tally):
    for message in sorted((SUITES / "imap-bodystructure").glob("*.txt")):
        if not message.stem.isdigit():
            continue
        answers = message.with_suffix(".imap").read_bytes()
        at = re.search(rb"(?m)^BODY \(", answers)
        if at is None:
            continue
        raw = message.read_bytes()
        tally.check("imap-bodystructure", message.stem, sizes(imap_list(dump("body", raw))),
                    sizes(imap_list(answers, at.end() - 1)))


def main():
    if not SUITES.is_dir():
        print(f"no vectors at {SUITES}: skipped")
        return 77
    dump, tally = Dump(sys.argv[1]), Tally()
    gmime(dump, tally)
    dovecot(dump, tally)
    javamail(dump, tally)
    bodystructure(dump, tally)
    dump.close()
    return tally.end()


if __name__ == "__main__":
    sys.exit(main())
