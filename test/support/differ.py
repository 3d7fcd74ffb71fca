"""Our answers beside Dovecot's on the same messages: the messages, fixed commands, and the short list of differences, each with its reason.
Commands made at random are commands.py's. What RFC 9051 lets a server choose (quoted or literal, the order of flags, the case of media types, the
zone of an internal date) is taken out before comparing."""
import base64, email.utils, random, re, socket, time

import dovecot
import mail
from imap_listener import Watched
from server import trusting

SETTINGS = """
[limits]
free = "16 MiB"
"""
FIRST_DATE = 1590000000
FLAGS = list(dovecot.FLAG_LETTERS)

# --- the messages ----------------------------------------------------------------------------------------------------------------------------

SUBJECTS = ["lunch", "Re: lunch", "RE: [x] lunch", "[x] lunch", "Fwd: lunch", "lunch (fwd)", "[Fwd: lunch]", "=?utf-8?q?Gr=C3=BC=C3=9Fe?=", "tea",
            "Re: =?utf-8?q?gr=C3=BC=C3=9Fe?=", "Re[2]: tea", "fw: tea", "", "Re:", "zebra", "apple", "[a] [b]", "Tea  time", "re : Tea time",
            "=?iso-8859-1?q?caf=E9?=\r\n =?utf-8?b?w6k=?=", 'say "no" \\ never', "folded\r\n over\r\n\tthree lines"]
PEOPLE = ["Ann <zz@a.example>", "bob@b.example", '"Cy, D" <Cy@c.example>', "=?utf-8?q?=C3=84nne?= <x@y.example>", "list: a@b.example, c@d.example;",
          "(comment) dan@e.example", "", "Ann <ann@local.example>, bob@b.example", '"Quo\\"te" <q@z.example>', "fay@f.example (Fay F)"]
WORDS = "bread garden kernel holiday station patch coffee needle".split()


def a_text(rng):
    return "\r\n".join(" ".join(rng.choice(WORDS) for _ in range(rng.randrange(1, 8))) for _ in range(rng.randrange(1, 9))) + "\r\n"


def a_part(rng, depth):
    """Fields and body of a part; depth bounds the nesting."""
    kind = rng.randrange(9 if depth else 6)
    if kind == 0:
        return "", a_text(rng)
    if kind == 1:
        return "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n", "caf=C3=A9 =\r\n" + a_text(rng)
    if kind == 2:
        return ("Content-Type: text/html; charset=\"iso-8859-1\"\r\nContent-Transfer-Encoding: base64\r\nContent-Language: en, de\r\n",
                base64.encodebytes(f"<p>na\xefve {a_text(rng)}</p>".encode("latin-1")).decode().replace("\n", "\r\n"))
    if kind == 3:
        return (f"Content-Type: application/octet-stream; name=\"a {rng.randrange(9)}.bin\"\r\nContent-Transfer-Encoding: base64\r\n"
                "Content-Disposition: attachment; filename=a.bin; size=3\r\nContent-ID: <part@x.example>\r\nContent-Description: three octets\r\n", "AAEC\r\n")
    if kind == 4:
        return "Content-Type: TEXT/Plain; Format=Flowed; charset=US-ASCII\r\nContent-MD5: Q2hlY2sgSW50ZWdyaXR5IQ==\r\nContent-Location: http://x.example/\r\n", a_text(rng)
    if kind == 5:
        return "Content-Type: image/png\r\nContent-Disposition: inline\r\nContent-Transfer-Encoding: base64\r\n", "iVBORw0KGgo=\r\n"
    if kind == 6:
        return "Content-Type: message/rfc822\r\n", a_message(rng, rng.randrange(1000), depth - 1)
    boundary = f"b{depth}-{rng.randrange(1000)}"
    parts = [a_part(rng, depth - 1) for _ in range(rng.randrange(1, 4))]
    body = "".join(f"--{boundary}\r\n{fields}\r\n{text}\r\n" for fields, text in parts)
    preamble, end = rng.choice(("", "preamble\r\n")), rng.choice(("", "epilogue\r\n"))
    return f"Content-Type: multipart/{rng.choice(('mixed', 'alternative'))}; boundary=\"{boundary}\"\r\n", f"{preamble}{body}--{boundary}--\r\n{end}"


def a_message(rng, n, depth):
    def some(chance, name, value):
        return f"{name}: {value}\r\n" if rng.random() < chance else ""
    head = some(0.95, "Message-ID", f"<{rng.choice([n] * 6 + [rng.randrange(n + 1)])}@x.example>")
    head += some(0.95, "From", rng.choice(PEOPLE)) + some(1, "To", rng.choice(PEOPLE)) + some(0.3, "Cc", rng.choice(PEOPLE))
    head += some(0.1, "Reply-To", rng.choice(PEOPLE)) + some(0.1, "Sender", "bob@b.example") + some(0.1, "Bcc", "hidden@h.example")
    head += some(0.9, "Date", f"{rng.randrange(1, 10)} Jun 2020 {rng.randrange(24):02}:{rng.randrange(60):02}:00 {rng.choice(('+0000', '-0500', '+0200', 'EST'))}")
    head += some(0.9, "Subject", rng.choice(SUBJECTS)) + some(0.3, "X-Mark", rng.choice(WORDS))
    earlier = [f"<{rng.randrange(max(0, n - 12), n + 1)}@x.example>" for _ in range(rng.randrange(1, 5))]
    how = rng.random()
    head += some(how < 0.5, "References", "\r\n ".join(earlier)) + some(0.5 <= how < 0.7, "In-Reply-To", earlier[0])
    fields, body = a_part(rng, depth)
    return head + ("MIME-Version: 1.0\r\n" if fields else "") + fields + "\r\n" + body


def generated():
    rng = random.Random(20)
    return [mail.Mail(f"generated/{n}", "", a_message(rng, n, 3).encode()) for n in range(200)]


def public():
    return [m for m in mail.mime_sets() or [] if m.name.startswith(("mime/mime4j/", "mime/rubymail/")) and len(m.content) < 100000]


# --- both servers -------------------------------------------------------------------------------------------------------------------------------

class Ours(dovecot.Talk):
    def __init__(self, server):
        watched = Watched(trusting().wrap_socket(socket.create_connection((server.address, server.port("imaps")), timeout=60)))
        super().__init__(watched.sendall, watched)
        assert self.command('LOGIN ann "secret of ann"')[0].startswith(b"OK")

    def close(self):
        self.command("LOGOUT")
        self.file.close()


def append(client, mails):
    """Those taken, as (mail, flags, internal date)."""
    rng, taken = random.Random(21), []
    for n, one in enumerate(mails):
        flags, date = rng.sample(FLAGS, rng.randrange(4)), FIRST_DATE + n * 7000 + rng.randrange(7000)
        when = time.strftime("%d-%b-%Y %H:%M:%S +0000", time.gmtime(date))
        answer, _ = client.command(f'APPEND INBOX ({" ".join(flags)}) "{when}"', one.content)
        if answer.startswith(b"OK"):
            taken.append((one, flags, date))
        else:
            assert answer.startswith((b"NO", b"BAD")), answer
    return taken


# --- what both may say in their own way -----------------------------------------------------------------------------------------------------------

def lower(value):
    return value.lower() if value is not None else None


def parameters(pairs, text=False):
    """Of text: without a charset it is us-ascii (RFC 2046 4.1.2), and charsets are compared without case."""
    found = {lower(k): v for k, v in zip((pairs or [])[::2], (pairs or [])[1::2])}
    if text:
        found[b"charset"] = lower(found.get(b"charset", b"us-ascii"))
    return sorted(found.items()) or None


def disposition(value):
    return [lower(value[0]), parameters(value[1])] if value else None


def structure(body):
    """A BODY or BODYSTRUCTURE with what is compared without case in lower case (RFC 2045 5.1)."""
    parts = [part for part in body if isinstance(part, list)] if isinstance(body[0], list) else []
    if parts:
        count = next(k for k, part in enumerate(body) if not isinstance(part, list))
        rest = body[count:]
        return [[structure(part) for part in body[:count]], lower(rest[0]), *map(parameters, rest[1:2]), *map(disposition, rest[2:3]), *rest[3:]]
    kind = (lower(body[0]), lower(body[1]))
    fixed = [*kind, parameters(body[2], kind[0] == b"text"), body[3], body[4], lower(body[5]), body[6]]
    rest = body[7:]
    if kind == (b"message", b"rfc822"):
        fixed += [rest[0], structure(rest[1]), rest[2]]
        rest = rest[3:]
    elif kind[0] == b"text":
        fixed.append(rest.pop(0))
    return fixed + rest[:1] + [disposition(d) for d in rest[1:2]] + rest[2:]


def instant(text):
    return email.utils.mktime_tz(email.utils.parsedate_tz(text.decode().strip().replace("-", " ", 2)))


MEANING = {b"FLAGS": lambda flags: sorted(set(flags) - {b"\\Recent"}), b"INTERNALDATE": instant, b"BODY": structure, b"BODYSTRUCTURE": structure}


def fetched(untagged):
    """{(number, item): value}"""
    found = {}
    for answer in untagged:
        words = dovecot.values(answer)
        if len(words) == 4 and words[2] == b"FETCH":
            for item, value in zip(words[3][::2], words[3][1::2]):
                found[int(words[1]), item.upper()] = MEANING.get(item.upper(), lambda v: v)(value)
    return found


def numbers(text):
    """A set of numbers, in the order it is written."""
    found = []
    for part in text.decode().split(","):
        first, _, last = part.partition(":")
        first, last = int(first), int(last or first)
        found += range(first, last + 1) if first <= last else range(first, last - 1, -1)
    return found


def trees(text):
    """The threads of a THREAD answer, in their order."""
    found, depth, start = [], 0, 0
    for at, octet in enumerate(text):
        depth += (octet == ord("(")) - (octet == ord(")"))
        if depth == 0 and octet == ord(")"):
            found.append(text[start:at + 1].strip())
            start = at + 1
    return found


def answered(untagged):
    """What SEARCH, SORT, THREAD, ESEARCH and STATUS say, in a form that compares."""
    found = []
    for answer in untagged:
        kind, _, rest = answer[2:].partition(b" ")
        kind = kind.upper()
        if kind in (b"SEARCH", b"SORT"):
            found.append((kind, [int(n) for n in rest.split()]))
        elif kind == b"THREAD":
            found.append((kind, trees(rest)))
        elif kind == b"ESEARCH":
            words = dovecot.values(rest)
            rest = words[2:] if words[1:2] == [b"UID"] else words[1:]
            pairs = {k.upper(): v for k, v in zip(rest[::2], rest[1::2])}
            found.append((kind, {k: numbers(v) if k == b"ALL" else v for k, v in pairs.items()}))
        elif kind == b"STATUS":
            words = dovecot.values(rest)[1]
            found.append((kind, dict(zip(words[::2], words[1::2]))))
    return found


# --- the commands -------------------------------------------------------------------------------------------------------------------------------

FETCHES = ["FLAGS INTERNALDATE RFC822.SIZE UID", "ENVELOPE", "BODY", "BODYSTRUCTURE", "BODY.PEEK[]", "BODY.PEEK[HEADER]", "BODY.PEEK[TEXT]",
           "BODY.PEEK[1]", "BODY.PEEK[1.MIME]", "BODY.PEEK[2]", "BODY.PEEK[1.1]", "BODY.PEEK[1.HEADER]", "BODY.PEEK[1.TEXT]", "BODY.PEEK[2.MIME]", "RFC822.HEADER",
           "BODY.PEEK[HEADER.FIELDS (From to SUBJECT Date References X-Mark)]", "BODY.PEEK[HEADER.FIELDS.NOT (Received Subject)]",
           "BODY.PEEK[]<0.100>", "BODY.PEEK[TEXT]<10.20>", "BODY.PEEK[1]<5.7>", "BODY.PEEK[]<50.0>", "BODY.PEEK[HEADER]<20.40>", "BODY.PEEK[TEXT]<100000.10>"]
SEARCHES = ["ALL", "ANSWERED", "UNANSWERED", "DELETED", "UNDELETED", "DRAFT", "UNDRAFT", "FLAGGED", "UNFLAGGED", "SEEN", "UNSEEN",
            "KEYWORD $Work", "UNKEYWORD $Work",
            "FROM ann", 'FROM "b.example"', 'FROM "\\"te"', 'FROM "\u00e4nne"', 'FROM "Cy, D"', "TO ann", 'TO "list"', "CC bob", "BCC hidden", 'FROM ""',
            "SUBJECT lunch", 'SUBJECT "gr\u00fc\u00dfe"', 'SUBJECT "caf\u00e9\u00e9"', 'SUBJECT ""', 'SUBJECT "over three"', "SUBJECT re",
            'SUBJECT "say \\"no\\""',
            "TEXT needle", 'TEXT "caf\u00e9"', 'TEXT "na\u00efve"', "TEXT x.example", "TEXT boundary", "TEXT preamble", "TEXT AAEC", "TEXT octets",
            "BODY needle", 'BODY "caf\u00e9"', "BODY lunch", "BODY AAEC", "BODY preamble", "BODY iVBOR", 'BODY "garden kernel"', 'BODY "<p>"', "BODY epilogue",
            'BODY "bread garden"',
            'HEADER X-Mark ""', "HEADER x-mark KERNEL", "HEADER Message-ID <7@x.example>", 'HEADER References "<3@x"', 'HEADER Received ""',
            'HEADER Content-Type "plain"',
            "SINCE 1-Jun-2020", "BEFORE 1-Jun-2020", "ON 25-May-2020", "SENTSINCE 5-Jun-2020", "SENTBEFORE 5-Jun-2020", "SENTON 4-Jun-2020",
            "LARGER 1000", "SMALLER 300", "NOT LARGER 1000", "UID 3:9,20,30:*", "2:4,*", "NOT 2:4", "OR SEEN FLAGGED", "NOT (SEEN FLAGGED)",
            "OR (FROM ann SUBJECT tea) NOT (TO bob)",
            "SEEN NOT DELETED SINCE 26-May-2020 SUBJECT lunch", "OR OR FROM fay CC bob BODY kernel", "150:* UNSEEN"]
RETURNS = ["", "MIN", "MAX", "COUNT", "ALL", "MIN MAX COUNT ALL"]
KEYS = ["ARRIVAL", "DATE", "SUBJECT", "FROM", "TO", "CC", "SIZE", "DISPLAYFROM", "DISPLAYTO", "REVERSE SUBJECT", "SUBJECT REVERSE DATE", "REVERSE SIZE"]
OTHERS = ([f"SEARCH RETURN ({r}) {k}" for r in RETURNS for k in ("SEEN", "SUBJECT lunch", "KEYWORD nobody", "10:20 NOT SEEN")] +
          [f"SORT ({k}) UTF-8 ALL" for k in KEYS] + ["SORT (SUBJECT) UTF-8 FROM bob", "SORT (DATE) UTF-8 KEYWORD nobody"] +
          [f"SORT RETURN ({r}) (SUBJECT) UTF-8 ALL" for r in ("MIN MAX COUNT", "ALL", "PARTIAL 3:9")] +
          [f"THREAD {how} UTF-8 {k}" for how in ("REFERENCES", "ORDEREDSUBJECT", "REFS") for k in ("ALL", "SUBJECT tea", "KEYWORD nobody")] +
          ["STATUS INBOX (MESSAGES UIDNEXT UNSEEN)", "STATUS INBOX (SIZE)"])


def searched(ours, theirs, keys, differs):
    text = f"SEARCH CHARSET UTF-8 {keys}".encode()
    mine, other = answered(ours.command(text)[1]), answered(theirs.command(text)[1])
    assert [k for k, _ in mine] == [k for k, _ in other] == [b"SEARCH"], (keys, mine, other)
    for number in sorted(set(mine[0][1]) ^ set(other[0][1])):
        differs(f"SEARCH {keys}", number, number in mine[0][1], number in other[0][1])


def ordered(ours, theirs, text, differs):
    mine, other = answered(ours.command(text)[1]), answered(theirs.command(text)[1])
    assert mine and other, (text, mine, other)
    if "THREAD REFS" in text:  # roots by internal date here: the set is compared
        mine, other = ([(k, sorted(v)) for k, v in side] for side in (mine, other))
    if mine != other:
        differs(text, None, mine, other)


def compare(ours, theirs, differs):
    for client in (ours, theirs):
        assert client.command("SELECT INBOX")[0].startswith(b"OK")
        assert client.command("STORE 1:20 +FLAGS.SILENT ($Work)")[0].startswith(b"OK")
    for items in FETCHES:
        mine, other = (fetched(client.command(f"FETCH 1:* ({items})")[1]) for client in (ours, theirs))
        assert mine or other, items
        for number, item in sorted(set(mine) | set(other)):
            a, b = mine.get((number, item), "absent"), other.get((number, item), "absent")
            if a != b:
                differs(item.decode(), number, a, b)
    for keys in SEARCHES:
        searched(ours, theirs, keys, differs)
    for text in OTHERS:
        ordered(ours, theirs, text, differs)


# --- the differences there are ----------------------------------------------------------------------------------------------------------------------
# Two kinds. A look changes what both said, and what is then the same was the same but for that. A reason says of what is left: what was asked,
# of which message (None: of the folder), what we answered and what Dovecot did. "both" must occur in each set of mail, the others in theirs.

def deep(change, value):
    return [deep(change, v) for v in value] if isinstance(value, (list, tuple)) else change(value)


def without_lines(value):
    """A structure without its counts of lines."""
    if not isinstance(value, list):
        return value
    value = [without_lines(v) for v in value]
    if len(value) > 7 and value[0] == b"text":
        value[7] = None
    elif len(value) > 9 and value[:2] == [b"message", b"rfc822"]:
        value[9] = None
    return value


STRUCTURED = ("ENVELOPE", "BODY", "BODYSTRUCTURE")
LOOKS = [
    ("both", "Unfolding takes out the CRLF and nothing else (RFC 5322 2.2.3); Dovecot makes every run of blanks one space.",
     lambda v: deep(lambda x: b" ".join(x.split()) if isinstance(x, bytes) else x, v)),
    ("public", "What an address does not have is empty here: a string where NIL would mean a group (RFC 9051 7.5.2); Dovecot invents names.",
     lambda v: deep(lambda x: b"" if x in (b"MISSING_DOMAIN", b"MISSING_MAILBOX") else x, v)),
    ("public", "A last line without its CRLF is a line of text here; Dovecot counts the CRLFs. RFC 9051 7.5.2 speaks of lines.", without_lines),
]


def header_ends_early(content):
    """Is there a line in the header that is no field?"""
    header = (b"\r\n" + content).partition(b"\r\n\r\n")[0][2:]
    return any(not re.match(rb"[!-9;-~]+[ \t]*:", line) and (line[:1] not in b" \t" or not line.strip()) for line in header.split(b"\r\n") if line)


def written_date(content):
    found = re.search(rb"(?im)^date[ \t]*:((?:[^\r\n]|\r\n[ \t])*)", content.partition(b"\r\n\r\n")[0])
    return found and re.sub(r"\([^()]*\)", "", " ".join(found.group(1).decode("latin1").split()))


def is_date(text):
    return bool(text and email.utils.parsedate(text)) and not re.search(r" [A-Z]\d+$", text)  # a zone like H0500 is none


def of_html(content):
    return re.search(rb"(?i)content-type:\s*text/html", content) is not None


# Broken mail of the public sets, each broken in its own way: whatever differs there differs for this.
NAMED = {
    "Addresses outside the grammar: what can be read is read, no address is invented for an empty place, and none is dropped.":
        ["missing_body.eml", "weird_to_header.eml", "mix_caps_content_type.eml", "raw_email_with_at_display_name.eml", "example11.eml"],
    "Two of a field there may be one of (RFC 5322 3.6): the first Subject, the addresses of every From.":
        ["raw_email_with_binary_encoded.eml", "raw_email_with_multipart_mixed_quoted_boundary.eml", "raw_email_multiple_from.eml"],
    "Octets in a header that are no UTF-8: ENVELOPE may only hold UTF-8 (RFC 9051 4.3), so they are decoded as Windows-1252.":
        ["invalid_subject_characters.eml"],
    "A multipart must have a part (body-type-mpart, RFC 9051 9); without a single delimiter it is text, all of which can be read. Dovecot makes an empty part.":
        ["badbound.msg", "missing-boundary.msg", "missing-inner-boundary.msg", "missing-inner-start-boundary.msg", "multipartnopart.msg", "missing_body.eml",
         "bad_date_header2.eml", "empty_in_reply_to.eml", "must_supply_encoding.eml"],
    "Delimiters that are ended, lengthened or repeated in odd places: blanks behind one are padding (RFC 2046 5.1.1) and nothing behind the last is a part.":
        ["ending-boundaries.msg", "very-long-boundary.msg", "very-very-long-boundary.msg", "weird-boundary.msg", "raw_email4.eml", "raw_email_with_illegal_boundary.eml",
         "raw_email_bad_time.eml", "raw_email_with_binary_encoded.eml"],
    "The CRLF before a delimiter is the delimiter's (RFC 2046 5.1.1), also after the end of a multipart within.":
        ["boundary-name-clash.msg", "attachment_message_rfc822_inline_image.eml"],
    "A Content-Type, disposition or encoding outside the grammar: what was meant where it is plain, else the default or as it is written.":
        ["double-semicolon.msg", "multi-digest.msg", "attachment_with_unquoted_name.eml", "content_transfer_encoding_qp_with_space.eml",
         "content_transfer_encoding_text-html.eml", "content_transfer_encoding_with_semi_colon.eml", "missing_content_disposition.eml",
         "multiple_invalid_content_dispositions.eml", "multi-2evil.msg"],
    "An empty Content-Description is as good as none.":
        ["infinite.msg"],
    "The pieces of a parameter (RFC 2231 3) as they were sent, for the client to join.":
        ["japanese_attachment_long_name.eml"],
}
REASONS = [
    ("both", "A part that is not there is NIL (nstring, RFC 9051 6.4.5); Dovecot says an empty string, or for 1.1 of a leaf the leaf.",
     lambda what, content, a, b: re.match(r"(BODY|BINARY)\[\d", what) and a is None and b is not None or
     re.match(r"BINARY.SIZE\[\d", what) and a == b"0" and b != "absent"),
    ("both", "A partial of no octets is not in the grammar (nz-number64, RFC 9051 9): refused.",
     lambda what, content, a, b: what == "BODY[]<50>" and a == "absent" and b == b""),
    ("both", "Dovecot's: it takes NOT (SEEN FLAGGED) for something that begins where SEEN and FLAGGED do.",
     lambda what, content, a, b: what == "SEARCH NOT (SEEN FLAGGED)" and a),
    ("both", "A message without a Date that can be read was not sent before any day (RFC 9051 6.4.4); Dovecot takes it for 1970.",
     lambda what, content, a, b: what.startswith("SEARCH SENTBEFORE") and b and not is_date(written_date(content))),
    ("both", "HTML is searched as it is read, without its tags (RFC 9051 6.4.4 lets searching be flexible); Dovecot searches the source.",
     lambda what, content, a, b: re.match("SEARCH.* (BODY|TEXT)", what) and of_html(content)),
    ("generated", "The header of a message within is text of the outer body; Dovecot's BODY leaves it out.",
     lambda what, content, a, b: re.match("SEARCH.* BODY", what) and a and b"message/rfc822" in content),
    ("generated", "A tab of folding is a tab (RFC 5322 2.2.3), not a space.",
     lambda what, content, a, b: what == 'SEARCH SUBJECT "over three"' and b and b"over\r\n\tthree" in content),
    ("public", "A day before 1970 or after 3000 is one all the same.",
     lambda what, content, a, b: what.startswith("SEARCH SENT") and re.search(r"19[0-6]\d|3609", written_date(content) or "")),
    ("public", "Dovecot puts quotes round a name before it searches; the message has none.",
     lambda what, content, a, b: what == 'SEARCH FROM "\\"te"' and b and b'"te' not in content.lower()),
    ("public", "A line that is no field ends the header, as for every other reader here (one parser, one truth); Dovecot steps over it.",
     lambda what, content, a, b: header_ends_early(content)),
]


def explain(kind, taken, found):
    """What nothing explains, and which explanations were needed."""
    left, used, odd = [], set(), set()
    for what, number, a, b in found:
        if number is None:
            continue
        one = taken[number - 1][0]
        x, y, looks = a, b, set()
        if what in STRUCTURED:
            for text_of, reason, look in LOOKS:
                was, (x, y) = (x, y), (look(x), look(y))
                if (x == y) != (was[0] == was[1]) or x != was[0] or y != was[1]:
                    looks.add(reason)
        if x == y:
            used |= looks
            continue
        if what == "ENVELOPE" or what.startswith("SEARCH SENT"):
            odd.add(number)
        reason = next((r for _, r, holds in REASONS if holds(what, one.content, a, b)), None)
        file = one.name.rpartition("/")[2]
        by_name = [] if reason else [r for r, names in NAMED.items() if file in names]
        used |= {reason} | {(r, file) for r in by_name}
        if not reason and not by_name:
            left.append((what, one.name, x, y))
    return left, used, odd


def without(odd, answer):
    """An order, or who is in a thread with whom, without the messages whose fields the two read differently."""
    kind, value = answer[0]
    if kind == b"THREAD":
        return sorted(rest for rest in (sorted({int(n) for n in re.findall(rb"\d+", tree)} - odd) for tree in value) if rest)
    numbered = value.get(b"ALL") if isinstance(value, dict) else value
    return value if numbered is None else [n for n in numbered if n not in odd]
