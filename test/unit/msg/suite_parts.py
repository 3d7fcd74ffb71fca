"""suite_parts.py: the part trees, texts and structures others saw in whole messages, against src/msg.

imap-bodystructure: BODY and BODYSTRUCTURE field by field, envelopes of attached messages among them.
stalwart-mail-parser: subject, addresses, date, part types, decoded texts and attachment names, in LF
and CRLF form. mime4j: the tree, the number of header fields and what each leaf decodes to.
Called by suite_drive.py. What is each server's own choice is masked where it is compared, with why.
"""
import json
import re
import xml.etree.ElementTree as ET

from suite_tally import SUITES

# (suite, which cases, why we mean to differ)
DEVIATIONS = [
    ("imap-bodystructure", lambda s: re.match(r"000 \w+\.3\.[12] ", s),
     "audio and image are not text, whatever holds them"),
    ("imap-bodystructure", lambda s: re.match(r"002 .*envelope.to", s),
     "a comment adds nothing to a name that is there"),
    ("imap-bodystructure", lambda s: re.match(r"008 \w+\.2", s),
     "a message in base64, which RFC 2046 5.2.1 forbids, is a leaf: BODY[2.1] would have to give octets that are nowhere"),
    ("imap-bodystructure", lambda s: re.match(r"009 .*(params|disposition)", s),
     "parameters stand as written, RFC 2231 pieces too: the client joins them"),
    ("imap-bodystructure", lambda s: s.startswith("014"),
     "an mbox line in front of the header is no field: all is body"),
    ("stalwart", lambda s: re.match(r"legacy/(001|005|034)\b", s),
     "UTF-7 is not read: browsers and the wary dropped it"),
    ("stalwart", lambda s: re.match(r"legacy/(010|017|020|022|027|052)\S* (subject|to|0 text)", s),
     "raw 8-bit of no named charset is UTF-8, else windows-1252, where theirs is U+FFFD"),
    ("stalwart", lambda s: re.match(r"legacy/(016|023|026)\S* \d (name|text)", s),
     "the same of file names and uuencode"),
    ("stalwart", lambda s: re.match(r"legacy/03[59]\S* \d name", s),
     "a backslash before a letter is one: old Windows paths"),
    ("stalwart", lambda s: s == "legacy/049 0 text", "a CR alone at the end of the file is text"),
    ("stalwart", lambda s: re.match(r"rfc/008\S* tree", s),
     "a message in base64 is a leaf, as above"),
    ("mime4j", lambda s: re.match(r"(badbound|missing-boundary|multipartnopart|missing-inner(-start)?-boundary) tree", s),
     "a multipart in which no boundary line was found is plain text: nothing in it is hidden"),
    ("mime4j", lambda s: re.match(r"(multi-2gifs-base64|bad-newlines-multiple-parts-base64|base64encoded-rfc822.*) tree", s),
     "a message in base64, which RFC 2046 5.2.1 forbids, is a leaf"),
    ("mime4j", lambda s: re.match(r"(frag 11|multi-frag 5) body", s),
     "base64 that breaks off gives the octets that are whole"),
    ("mime4j", lambda s: re.match(r"(hdr-fakeout|basic-plain-with-bad-header-separator|malformedHeader\S*|obsolete) 0 ", s),
     "a line that is no field ends the header before it, for every reader (SIN-21)"),
    ("mime4j", lambda s: s == "ending-boundaries tree",
     "text behind the boundary makes the line text, as mail programs read it"),
    ("mime4j", lambda s: re.match(r"(weird|very-long)-boundary tree", s),
     "a boundary cannot end in a blank (RFC 2046 5.1.1), and blanks behind one are padding"),
    ("mime4j", lambda s: s == "very-very-long-boundary tree",
     "a boundary of 7,000 octets is none: RFC 2046 allows 70"),
]


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
            stack[-1].append(re.sub(rb"\\(.)", rb"\1", m[1]))
            at = m.end()
        elif c == b"{":
            m = re.compile(rb"\{(\d+)\}\r?\n").match(data, at)
            at = m.end() + int(m[1])
            stack[-1].append(data[m.end():at])
        elif c.isspace():
            at += 1
        else:
            m = re.compile(rb"[^\s()]+").match(data, at)
            stack[-1].append(None if m[0] == b"NIL" else m[0])
            at = m.end()
    return stack[0][0]


ENVELOPE = ("date", "subject", "from", "sender", "reply-to", "to", "cc", "bcc", "in-reply-to", "message-id")


def lower(s):
    return s.lower() if isinstance(s, bytes) else s


def params(dump, v):
    v = v or []
    pairs = {v[i].lower(): dump("words", v[i + 1]) for i in range(0, len(v), 2)}  # theirs are encoded anew
    if lower(pairs.get(b"charset")) == b"us-ascii":
        del pairs[b"charset"]  # a default that one names and the other leaves out
    return pairs


def people(dump, v):
    if v is None:
        return []
    out = []
    for name, route, mailbox, host in v:
        if host in (b"localhost", b"", None):
            mailbox = host = None  # an address without domain: their fallback is unknown@localhost, ours an empty host
        out.append((name and dump("words", name), route, mailbox, host))
    return [] if out == [(None, None, None, None)] else out


def flat(dump, b, path, ret):
    """The structure as {path: value}, without what is each server's own choice."""
    if isinstance(b[0], list):
        n = 0
        while n < len(b) and isinstance(b[n], list):
            flat(dump, b[n], f"{path}.{n + 1}", ret)
            n += 1
        ret[path + " type"] = b"multipart/" + b[n].lower()
        tail = b[n + 1:]
        if tail:
            ret[path + " params"] = params(dump, tail[0])
            tail = [None] + tail[1:]
    else:
        ret[path + " type"] = b[0].lower() + b"/" + (b[1] or b"rfc822").lower()
        ret[path + " params"] = params(dump, b[2])
        ret[path + " id"] = b[3]
        ret[path + " description"] = b[4] and dump("words", b[4])
        ret[path + " encoding"] = lower(b[5]) or b"7bit"  # RFC 9051 9: body-fld-enc is no nstring
        ret[path + " octets"] = b[6]
        at = 7
        if ret[path + " type"] in (b"message/rfc822", b"message/global") and len(b) > 8 and isinstance(b[7], list):
            for name, v in zip(ENVELOPE, b[7]):
                if name == "date":
                    v = v and dump("date", v)  # theirs is rewritten, ours is as it stands
                elif isinstance(v, list) or name in ENVELOPE[2:8]:
                    v = people(dump, v)
                ret[f"{path} envelope.{name}"] = v
            flat(dump, b[8], path + ".m", ret)
            at = 10  # their count of lines is always 0
        elif ret[path + " type"].startswith(b"text/"):
            ret[path + " lines"] = int(b[7])
            at = 8
        tail = b[at:]
        ret.setdefault(path + " lines", 0)
    for name, v in zip(("disposition", "language", "location"), tail[1:]):  # the MD5 is left out: they compute one
        ret[f"{path} {name}"] = [lower(v[0]), params(dump, v[1])] if name == "disposition" and v else v


def bodystructure(dump, tally):
    for message in sorted((SUITES / "imap-bodystructure").glob("[0-9]*.txt")):
        answers, raw = message.with_suffix(".imap").read_bytes(), message.read_bytes()
        for mode, item in (("body", rb"BODY"), ("structure", rb"BODYSTRUCTURE")):
            at = re.search(rb"(?m)^%s \(" % item, answers)
            got, want = {}, {}
            flat(dump, imap_list(dump(mode, raw)), "", got)
            flat(dump, imap_list(answers, at.end() - 1), "", want)
            for path in sorted(got.keys() | want.keys()):
                g, w = got.get(path), want.get(path)
                if path.endswith(" lines") and g is not None and w is not None and g == w + 1:
                    g = w  # a last line without its end: ours counts it
                tally.check("imap-bodystructure", f"{message.stem} {item.decode()}{path}", g, w)


def parts(dump, raw):
    """(depth, type, kind, fields, file name, text, octets) of each part."""
    out, texts, bodies = [], dump("texts", raw), dump("decoded", raw)
    for line in dump("tree", raw).split(b"\n")[:-1]:
        depth, kind_of, kind, _, _, _, _, fields, name = line.split(b"\t", 8)
        n, _, rest = texts.partition(b"\n")
        text, texts = rest[:int(n)], rest[int(n):]
        n, _, rest = bodies.partition(b"\n")
        body, bodies = rest[:int(n)], rest[int(n):]
        out.append((int(depth), kind_of.decode("latin-1").lower(), kind.decode(), int(fields), name.decode(), text, body))
    return out


def mailboxes(dump, field):
    """[(name, address)] with group members among the rest."""
    out = []
    for line in dump("addr", field).split(b"\n")[1:-1]:
        kind, name, local, domain, _ = line.split(b"\x1f")
        if kind == b"M":
            spec = local + b"@" + domain if domain else local
            out.append((dump("words", name).decode(), dump("words", spec).decode()))
    return out


def their_date(v):
    d = v["DateTime"]
    text = "%d %s %d %02d:%02d:%02d %s%02d%02d" % (
        d["day"], "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()[d["month"] - 1], d["year"], d["hour"],
        d["minute"], d["second"], "-" if d["tz_before_gmt"] else "+", d["tz_hour"], d["tz_minute"])
    return text


def their_people(v):
    lists = v["Address"].get("List")
    if lists is None:
        lists = [one for g in v["Address"]["Group"] for one in g["addresses"]]
    out = []
    for one in lists:
        name, address = one["name"] or "", one["address"] or ""
        out.append(("", name) if not address else (name, address))  # no address: theirs is a name, ours a local part
    return out


def their_parts(message, ret):
    """Part list of their model in order: (type, name, text or None)."""
    todo = [(message, 0)]
    while todo:
        m, at = todo.pop()
        part = m["parts"][at]
        fields = {h["name"]: h["value"] for h in reversed(part["headers"]) if isinstance(h["name"], str)}
        kind = fields.get("content_type")
        value = kind["ContentType"] if isinstance(kind, dict) and "ContentType" in kind else None
        kind = f"{value['c_type']}/{value['c_subtype'] or ''}".lower() if value else None
        names = [None, None]
        for i, (field, wanted) in enumerate((("content_disposition", "filename"), ("content_type", "name"))):
            v = fields.get(field)
            for p in (v["ContentType"]["attributes"] or []) if isinstance(v, dict) and "ContentType" in v else []:
                if p["name"] == wanted and names[i] is None:
                    names[i] = p["value"]
        body = part["body"]
        ret.append((kind, names[0] or names[1] or "", body.get("Text", body.get("Html"))))
        if "Multipart" in body:
            todo += [(m, i) for i in reversed(body["Multipart"])]
        elif "Message" in body:
            todo.append((body["Message"], 0))


def stalwart(dump, tally):
    for want_file in sorted((SUITES / "mime/stalwart-mail-parser").glob("*/*.json")):
        crlf = want_file.name.endswith(".crlf.json")
        raw = want_file.with_name(want_file.name.split(".")[0] + ".eml").read_bytes()
        if crlf:
            raw = re.sub(rb"\r?\n", b"\r\n", raw)
        want = json.loads(want_file.read_text())
        case = f"{want_file.parent.name}/{want_file.name.removesuffix('.json')}"
        fields = {}
        for line in dump("fields", raw).split(b"\n")[:-1]:
            name, _, value = line.partition(b"\x1f")
            fields.setdefault(name.decode().lower().replace("-", "_"), value)
        seen = set()
        for h in reversed(want["parts"][0]["headers"]):
            name, value = h["name"], h["value"]
            if not isinstance(name, str) or name in seen or not isinstance(value, dict):
                continue
            seen.add(name)
            mine = fields.get(name, b"")
            if name in ("subject", "comments", "content_description"):
                tally.check("stalwart", f"{case} {name}", dump("words", mine).decode(), value.get("Text"))
            elif name in ("from", "to", "cc", "bcc", "sender", "reply_to"):
                tally.check("stalwart", f"{case} {name}", mailboxes(dump, mine), their_people(value))
            elif name == "date":
                tally.check("stalwart", f"{case} date", dump("date", mine), dump("date", their_date(value)))
        theirs = []
        their_parts(want, theirs)
        mine = parts(dump, raw)
        tally.check("stalwart", f"{case} tree", [p[1] for p in mine],
                    [t[0] or (m[1] if m else None) for t, m in zip(theirs, mine + [None] * len(theirs))])
        if len(theirs) == len(mine):
            for i, (m, t) in enumerate(zip(mine, theirs)):
                tally.check("stalwart", f"{case} {i} name", m[4], t[1])
                if t[2] is not None and m[2] == "L" and m[1].startswith("text/"):
                    tally.check("stalwart", f"{case} {i} text", lines(m[5].decode()), lines(t[2]))


def mime4j_tree(path):
    """(depth, kind, fields, decoded octets or None) of each entity."""
    out = []
    todo = [(ET.fromstring(path.read_bytes()), 0)]
    while todo:
        e, depth = todo.pop()
        children = {c.tag: c for c in e}
        fields = len(children["header"].findall("field"))
        if "multipart" in children:
            out.append((depth, "M", fields, None))
            inner = children["multipart"].findall("body-part")
            todo += [(c, depth + 1) for c in reversed(inner)]
        elif "message" in children:
            out.append((depth, "R", fields, None))
            todo.append((children["message"], depth + 1))
        else:
            leaf = children.get("text-body", children.get("binary-body"))
            out.append((depth, "L", fields, path.with_name(leaf.get("name")).read_bytes()))
    return out


def mime4j(dump, tally):
    for message in sorted((SUITES / "mime/mime4j").glob("*/*.msg")):
        want = mime4j_tree(message.with_name(message.stem + "_decoded.xml"))
        mine = parts(dump, re.sub(rb"\AFrom [^\n]*\n", b"", message.read_bytes()))  # out of a mailbox
        case = message.stem
        tally.check("mime4j", f"{case} tree", [(p[0], p[2]) for p in mine], [w[:2] for w in want])
        if [(p[0], p[2]) for p in mine] != [w[:2] for w in want]:
            continue
        for i, (m, w) in enumerate(zip(mine, want)):
            tally.check("mime4j", f"{case} {i} fields", m[3], w[2])
            if w[3] is not None:
                tally.check("mime4j", f"{case} {i} body", lines(m[6].decode("latin-1")), lines(w[3].decode("latin-1")))


def lines(s):
    """Line ends alike: quoted-printable gives CRLF whatever form the message came in."""
    return s.replace("\r\n", "\n")


def compare(dump, tally):
    bodystructure(dump, tally)
    stalwart(dump, tally)
    mime4j(dump, tally)
