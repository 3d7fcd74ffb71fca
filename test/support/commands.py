"""Commands made at random, asked of us and of Dovecot with the same messages: FETCH of sections, SEARCH programs with their RETURN options, SORT, THREAD;
and sequences of changes to a folder of their own, after each of which what CONDSTORE and QRESYNC say is compared as relations, since the numbers
themselves are each server's own; LIST and its kin over the same folders.

A program's answer must follow from the answers to its leaves, ours always. So a difference is one of leaves, and a leaf's is in differ.py's list, or
one of the few reasons here."""
import contextlib, random, re, time

import differ, dovecot
from differ import FIRST_DATE, FLAGS, Ours, answered, append, explain, fetched
from server import Server

WORDS = ["ann", "bob", "example", "lunch", "tea", "needle", "kernel", "garden kernel", "x", "caf\u00e9", "gr\u00fc\u00df", "na\u00efve", "AAEC", "nobody", "fay", "re:",
         "(fwd)", "say", "no\\\"", "list", "coffee", "Q", "zebra", ".", "@", "bread"]
DAYS = [f"{d}-{m}-2020" for m, top in (("May", 31), ("Jun", 30)) for d in range(1, top + 1)]
FIELDS = ["From", "To", "Subject", "Date", "X-Mark", "References", "Message-ID", "Content-Type", "Received", "Cc", "MIME-Version", "Content-Disposition"]
SORTS = ["ARRIVAL", "CC", "DATE", "FROM", "SIZE", "SUBJECT", "TO", "DISPLAYFROM", "DISPLAYTO"]


def a_set(rng, n):
    parts = []
    for _ in range(rng.randrange(1, 4)):
        a, b = rng.randrange(1, n + 1), rng.randrange(1, n + 1)
        parts.append(rng.choice((f"{a}", f"{a}:{b}", f"{a}:*", "*")))
    return ",".join(parts)


def a_leaf(rng, n, dates):
    word = f'"{rng.choice(WORDS)}"'
    threshold = rng.randrange(FIRST_DATE, FIRST_DATE + 1400000)
    if min(abs(threshold - d) for d in dates) < 300:
        threshold = FIRST_DATE - 100000
    return rng.choice([
        lambda: rng.choice("ALL ANSWERED UNANSWERED DELETED UNDELETED DRAFT UNDRAFT FLAGGED UNFLAGGED SEEN UNSEEN".split()),
        lambda: f"{rng.choice(('', 'UN'))}KEYWORD {rng.choice(('$Work', '$work', 'other', 'none'))}",
        lambda: f"{rng.choice('FROM TO CC BCC SUBJECT'.split())} {word}", lambda: f"{rng.choice('FROM TO CC SUBJECT'.split())} {word}",
        lambda: f"{rng.choice(('TEXT', 'BODY'))} {word}",
        lambda: f'HEADER {rng.choice(FIELDS)} {rng.choice((word, chr(34) * 2))}',
        lambda: f"{rng.choice(('', 'SENT'))}{rng.choice(('SINCE', 'BEFORE', 'ON'))} {rng.choice(DAYS)}",
        lambda: f"{rng.choice(('LARGER', 'SMALLER'))} {rng.randrange(100, 3000)}",
        lambda: a_set(rng, n), lambda: f"UID {a_set(rng, n)}",
        lambda: f"{rng.choice(('OLDER', 'YOUNGER'))} {int(time.time()) - threshold}",
    ])()


def a_program(rng, leaves, depth):
    """(what is asked, a tree of it)"""
    kind = rng.random()
    if depth == 0 or kind < 0.25:
        leaf = rng.choice(leaves)
        return leaf, ("leaf", leaf)
    if kind < 0.45:
        text, tree = a_program(rng, leaves, depth - 1)
        return f"NOT {text}", ("not", tree)
    if kind < 0.7:
        (a, x), (b, y) = (a_program(rng, leaves, depth - 1) for _ in range(2))
        return f"OR {a} {b}", ("or", x, y)
    some = [a_program(rng, leaves, depth - 1) for _ in range(rng.randrange(1, 4))]
    return f"({' '.join(text for text, _ in some)})", ("and", *(tree for _, tree in some))


def follows(tree, sets, everything):
    kind, *below = tree
    if kind == "leaf":
        return sets[below[0]]
    found = [follows(t, sets, everything) for t in below]
    return everything - found[0] if kind == "not" else found[0] | found[1] if kind == "or" else set.intersection(*found)


def leaves_of(tree):
    return {tree[1]} if tree[0] == "leaf" else set().union(*(leaves_of(t) for t in tree[1:]))


def a_section(rng):
    path = [str(rng.randrange(1, 4) if k else rng.randrange(1, 3)) for k in range(rng.choice((0, 0, 1, 1, 1, 2, 2, 3)))]
    names = " ".join(rng.sample(FIELDS, rng.randrange(1, 5)))
    ends = ["HEADER", "TEXT", f"HEADER.FIELDS ({names})", f"HEADER.FIELDS.NOT ({names})", ""] + ["MIME"] * bool(path)
    section = ".".join(path + [e for e in [rng.choice(ends)] if e])
    return section


def an_item(rng):
    partial = f"<{rng.choice((0, 0, 1, 7, 50, 300, 100000))}.{rng.choice((1, 5, 80, 4000))}>" if rng.random() < 0.4 else ""
    kind = rng.random()
    if kind < 0.15:
        return rng.choice("FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODY BODYSTRUCTURE UID RFC822.HEADER".split())
    if kind < 0.3:
        path = ".".join(str(rng.randrange(1, 3)) for _ in range(rng.randrange(1, 3)))
        return rng.choice((f"BINARY.PEEK[{path}]{partial}", f"BINARY.SIZE[{path}]"))
    return f"BODY.PEEK[{a_section(rng)}]{partial}"


# --- answers side by side -----------------------------------------------------------------------------------------------------------------------

class Beside:
    def __init__(self, ours, theirs, taken):
        self.ours, self.theirs, self.mails, self.dates = ours, theirs, [one for one, _, _ in taken], [date for _, _, date in taken]
        self.content = [(one.content, flags, date) for one, flags, date in taken]
        self.rows, self.left, self.asked, self.own_way = [], [], 0, 0

    def both(self, text, literal=None):
        self.asked += 1
        octets = text.encode()
        return self.ours.command(octets, literal), self.theirs.command(octets, literal)

    def differs(self, what, a, b):
        self.left.append(f"{what}:\n  ours     {str(a)[:700]}\n  dovecot  {str(b)[:700]}")

    def fetch(self, rng, n, count):
        for _ in range(count):
            number, items = rng.randrange(1, n + 1), [an_item(rng) for _ in range(rng.choice((1, 1, 2)))]
            items = " ".join({re.sub(r"\.PEEK|\.\d+>$", "", item): item for item in items}.values())  # each answer but once
            (tag_a, mine), (tag_b, other) = self.both(f"FETCH {number} ({items})")
            a, b = fetched(mine), fetched(other)
            if b"[CANNOT]" in tag_a and tag_b[:2] == b"OK":
                continue  # BINARY is of leaves (RFC 9051 6.4.5.1): of a multipart it is refused, and Dovecot finds something
            if tag_a[:2] != tag_b[:2]:
                self.rows.append((f"FETCH {items}", number, tag_a, tag_b))
                continue
            for key in sorted(set(a) | set(b)):
                if key[1].startswith(b"BINARY") and b"message/rfc822" in self.mails[key[0] - 1].content:
                    continue  # Dovecot decodes what is in the parts of a message within, too; a section has one encoding (RFC 3516 4.3)
                if (a.get(key), b.get(key)) == (b"\n", b"\r") and self.is_last_octet(*key):
                    continue
                if a.get(key, "absent") != b.get(key, "absent"):
                    self.rows.append((key[1].decode(), key[0], a.get(key, "absent"), b.get(key, "absent")))

    def is_last_octet(self, number, item):
        """Is this the last octet of a section made of fields, the LF of its empty line? The first time Dovecot is asked for those fields of that
        message from there on it says CR; its whole section, and its second answer, say as we do."""
        section = re.fullmatch(r"BODY(\[.*HEADER\.FIELDS .*\])<(\d+)>", item.decode())
        if section is None:
            return False
        (_, mine), (_, other) = self.both(f"FETCH {number} (BODY.PEEK{section.group(1)})")
        whole = [list(fetched(untagged).values()) for untagged in (mine, other)]
        return whole[0] == whole[1] and whole[0][0][int(section.group(2)):] == b"\n"

    def search(self, rng, n, leaves, programs):
        everything, mine, other = set(range(1, n + 1)), {}, {}
        for leaf in leaves:
            a, b = (answered(untagged) for _, untagged in self.both(f"SEARCH CHARSET UTF-8 {leaf}"))
            mine[leaf], other[leaf] = set(a[0][1]), set(b[0][1])
            self.rows += [(f"SEARCH {leaf}", k, k in mine[leaf], k in other[leaf]) for k in sorted(mine[leaf] ^ other[leaf])]
        for _ in range(programs):
            text, tree = a_program(rng, leaves, rng.randrange(1, 6))
            options = rng.choice((None, None, "", "MIN", "MAX", "COUNT", "ALL", "MIN MAX", "MIN MAX COUNT ALL", "ALL COUNT"))
            uid = rng.choice(("", "UID "))
            returning = "" if options is None else f"RETURN ({options}) "
            a, b = (answered(untagged)[0][1] for _, untagged in self.both(f"{uid}SEARCH {returning}CHARSET UTF-8 {text}"))
            want, theirs = sorted(follows(tree, mine, everything)), sorted(follows(tree, other, everything))
            if not says(a, options, want):
                self.differs(f"{uid}SEARCH {returning}{text} does not follow from its leaves", a, want)
            elif not says(b, options, theirs):
                self.own_way += 1  # Dovecot does not follow from its own leaves
            elif want == theirs and a != b:
                self.differs(f"{uid}SEARCH {returning}{text}", a, b)
            if rng.random() < 0.4 and want == theirs and want:
                self.order(rng, text, want)

    def order(self, rng, text, among):
        keys = " ".join(("REVERSE " if rng.random() < 0.4 else "") + k for k in rng.sample(SORTS, rng.randrange(1, 4)))
        command = rng.choice((f"SORT ({keys}) UTF-8 {text}", f"UID SORT ({keys}) UTF-8 {text}", f"SORT RETURN (ALL MIN COUNT) ({keys}) UTF-8 {text}",
                              f"THREAD REFERENCES UTF-8 {text}", f"THREAD ORDEREDSUBJECT UTF-8 {text}", f"UID THREAD REFERENCES UTF-8 {text}"))
        a, b = (answered(untagged) for _, untagged in self.both(command))
        if a != b:
            if "REFERENCES" in command:
                # Dovecot threads all there are and shows those found; RFC 5256 3 is of those found. So all of them are compared.
                c, d = (answered(client.command(command.removesuffix(text).encode() + b"ALL")[1]) for client in (self.ours, self.theirs))
            else:  # what a Dovecot has sorted before changes the order in which it puts equals: one that has sorted nothing decides
                with dovecot.Dovecot(self.content) as fresh:
                    for before in (b"SELECT INBOX", b"STORE 1:20 +FLAGS.SILENT ($Work)"):
                        fresh.command(before)
                    c, d = a, answered(fresh.command(command.encode())[1])
            if c == d:
                self.own_way += 1
            else:
                self.differs(command, a, b)

    # --- a folder that changes ---------------------------------------------------------------------------------------------------------------

    def told(self, untagged, uids=True):
        """Flags by UID, and what vanished, earlier and now; MODSEQ is each server's own."""
        flags, gone, earlier = {}, set(), set()
        for answer in untagged:
            if m := re.match(rb"\* \d+ FETCH .*\bUID (\d+)", answer):
                f = re.search(rb"FLAGS \(([^)]*)\)", answer)
                if f:
                    flags[int(m.group(1))] = sorted(set(f.group(1).split()) - {b"\\Recent"})
            elif m := re.match(rb"\* VANISHED (\(EARLIER\) )?([\d:,]+)", answer):
                (earlier if m.group(1) else gone).update(differ.numbers(m.group(2)))
        return flags, sorted(gone), sorted(earlier)

    def alike(self, text, literal=None, forms=None, known=None):
        """Asked of both (forms: what each is asked when the numbers in it are its own); what they told must be the same."""
        if forms:
            self.asked += 1
            (ta, ua), (tb, ub) = self.ours.command(forms[0]), self.theirs.command(forms[1])
        else:
            (ta, ua), (tb, ub) = self.both(text, literal)
        a, b = [list(self.told(u)) for u in (ua, ub)]
        if re.search(r"STORE .*FLAGS \(", forms[0] if forms else text):  # Dovecot is silent of what was so before; RFC 9051 6.4.6 is not
            a[0] = {uid: f for uid, f in a[0].items() if uid in b[0]}
        for side in (a, b):
            if known is not None:  # an earlier one that never was known says nothing
                side[2] = [u for u in side[2] if u in known]
        codes = [code_of(t, u) for t, u in ((ta, ua), (tb, ub))]
        if a != b or codes[0] != codes[1]:
            self.differs(text if not forms else f"{forms[0]} | {forms[1]}", (codes[0], a), (codes[1], b))
        return ta, ua

    def folders_change(self, rng, steps):
        for text in ("CREATE changing", "CREATE aside", "ENABLE QRESYNC", "SELECT changing"):
            self.both(text)
        number, uids, marks = 0, [], []
        for step in range(steps):
            kind = rng.random()
            some = ",".join(map(str, sorted(rng.sample(uids, min(len(uids), rng.randrange(1, 4)))))) if uids else ""
            flags = " ".join(rng.sample(FLAGS[:4] + ["\\Deleted", "$Work", "other"], rng.randrange(1, 3)))
            if len(uids) < 4 or kind < 0.15:
                number += 1
                self.alike("APPEND changing (\\Seen)", b"Subject: %d\r\n\r\n%d\r\n" % (number, number))
                self.alike("NOOP")
            elif kind < 0.4:
                self.alike(f"UID STORE {some} {rng.choice(('', '+', '-'))}FLAGS{rng.choice(('', '.SILENT'))} ({flags})")
            elif kind < 0.5:
                self.alike(f"UID STORE {some} +FLAGS.SILENT (\\Deleted)")
                self.alike(rng.choice(("EXPUNGE", f"UID EXPUNGE {some}")))
            elif kind < 0.57:
                self.alike(f"UID COPY {some} {rng.choice(('aside', 'changing', 'aside', 'nowhere'))}")
                self.alike("NOOP")
            elif kind < 0.62:
                self.alike(f"UID MOVE {some} {rng.choice(('aside', 'nowhere'))}")
            elif marks and kind < 0.75:
                a, b, _ = rng.choice(marks)
                what = f"{rng.choice('+-')}FLAGS ({flags})"
                self.alike("", forms=[f"UID STORE {some} (UNCHANGEDSINCE {m}) {what}" for m in (a, b)])
            elif marks and kind < 0.88:
                a, b, known = rng.choice(marks)
                forms = rng.choice(("UID FETCH 1:* (FLAGS) (CHANGEDSINCE {m} VANISHED)", "UID FETCH 1:* (FLAGS) (CHANGEDSINCE {m})",
                                    "UID SEARCH RETURN (COUNT) MODSEQ {n}"))
                self.alike("", forms=[forms.format(m=m, n=m + 1) for m in (a, b)], known=known)
            elif marks:
                a, b, known = rng.choice(marks)
                what = rng.choice(("", f" 1:{max(known)}" if known else ""))
                self.both("UNSELECT")
                self.alike("", forms=[f"SELECT changing (QRESYNC ({v} {m}{what}))" for v, m in zip(self.validities(), (a, b))], known=known)
            a, b = (self.told(client.command("UID FETCH 1:* (FLAGS)")[1])[0] for client in (self.ours, self.theirs))
            if a != b:
                self.differs(f"step {step}: the folder", a, b)
                return
            uids = sorted(a)
            if rng.random() < 0.3:
                marks.append((*self.highest(), set(uids)))
        for client in (self.ours, self.theirs):
            client.command("UNSELECT")

    def status(self, item):
        return [int(re.search(item + rb" (\d+)", b"".join(client.command(f"STATUS changing ({item.decode()})")[1])).group(1))
                for client in (self.ours, self.theirs)]

    def highest(self):
        return self.status(b"HIGHESTMODSEQ")

    def validities(self):
        return self.status(b"UIDVALIDITY")

    # --- the tree of folders -------------------------------------------------------------------------------------------------------------------

    def lists(self, rng, count):
        # a parent made on the way is a folder here and a name there; one with children is deleted here and refused there (RFC 9051 6.3.4, 6.3.5)
        names = ["a", "a/b", "a/b/c", "a/d", "e", "e/f", "g", "Gr\u00fc\u00dfe", "Gr\u00fc\u00dfe/x", "g h", "a%", "INBOX/sub"]
        for name in names:
            coded = name.encode("utf-7").replace(b"+", b"&").decode() if not name.isascii() else name
            self.both(f'CREATE "{coded}"')
        subscribed = rng.sample(names, 4)
        for name in subscribed:
            self.both(f'SUBSCRIBE "{name}"' if name.isascii() else "NOOP")
        self.both("SUBSCRIBE INBOX")
        self.both("SUBSCRIBE gone/away")
        for _ in range(count):
            select = rng.choice(("", "", "(SUBSCRIBED) ", "(SUBSCRIBED RECURSIVEMATCH) ", "(SPECIAL-USE) ", "(REMOTE) "))
            pattern = rng.choice(("*", "%", "a/%", "a*", "a/*", "%/%", "INBOX", "inbox", "nothing", "g%", "e", "e/%", "%f", "(a/% g*)", "(% %/%)", "a/b", "Sent"))
            back = rng.choice(("", "", " RETURN (CHILDREN)", " RETURN (SUBSCRIBED)", " RETURN (SPECIAL-USE)", " RETURN (SUBSCRIBED CHILDREN)",
                               " RETURN (STATUS (MESSAGES UNSEEN))", " RETURN (CHILDREN STATUS (MESSAGES))"))
            quoted = pattern if pattern.startswith("(") else f'"{pattern}"'
            text = f'LIST {select}"" {quoted}{back}' if rng.random() < 0.9 else f'LSUB "" {quoted}' if quoted[0] == '"' else 'LIST "" ""'
            (ta, ua), (tb, ub) = self.both(text)
            a, b = listed(ua, text), listed(ub, text)
            for kind, name in list(b):  # Dovecot says that there is more below also when all of it is told (RFC 9051 6.3.9.6: SHOULD NOT)
                below = [s for s in subscribed if s.startswith(name.decode() + "/")]
                if kind == b"info" and all((b"LIST", s.encode()) in a for s in below):
                    del b[kind, name]
            for kind, name in list(a):  # and ours of each level above what is not told, Dovecot of the nearest
                if kind == b"info" and any(k == b"info" and n.startswith(name + b"/") for k, n in b):
                    for side in (a, b):
                        side.pop((kind, name), None)
                        side.pop((b"LIST", name), None)
            if ta[:2] != tb[:2] or a != b:
                self.differs(text, (ta[:2], sorted(a.items() - b.items())), (tb[:2], sorted(b.items() - a.items())))


def says(answer, options, numbers):
    """Is this answer to SEARCH, or with RETURN (options), of these?"""
    if options is None:
        return answer == numbers
    want = {}
    for name in (options or "ALL").split():
        if name == "COUNT":
            want[b"COUNT"] = str(len(numbers)).encode()
        elif numbers:
            want[name.encode()] = numbers if name == "ALL" else str(numbers[0] if name == "MIN" else numbers[-1]).encode()
    return answer == want


def code_of(tagged, untagged):
    """OK, NO or BAD, with the response code that has the same meaning on both sides."""
    whole = b"\n".join([tagged, *untagged])
    kind = tagged[:2].decode()
    for name, form in ((b"MODIFIED", rb"MODIFIED ([\d,:]+)"), (b"COPYUID", rb"COPYUID \d+ (\S+ [^\]]+)"), (b"APPENDUID", rb"APPENDUID \d+ (\d+)"),
                       (b"TRYCREATE", rb"(TRYCREATE)")):
        if m := re.search(form, whole):
            sets = [tuple(differ.numbers(part)) for part in m.group(1).split()] if name != b"TRYCREATE" else []
            return kind, name, sets
    return kind, None, [answer for answer in untagged if answer.startswith(b"* ESEARCH")] and [re.sub(rb"\(TAG \"[^\"]*\"\)|MODSEQ \d+", b"", a) for a in untagged
                                                                                              if a.startswith(b"* ESEARCH")]


def listed(untagged, text):
    found = {}
    for answer in untagged:
        words = dovecot.values(answer)
        if words[1] in (b"LIST", b"LSUB"):
            attributes = {a.lower() for a in words[2]} - {b"\\marked", b"\\unmarked", b"\\noinferiors"}
            if b"\\noselect" in attributes or b"\\nonexistent" in attributes:
                attributes = attributes - {b"\\noselect", b"\\nonexistent"} | {b"none"}
            if "CHILDREN" not in text:  # a server may say it all the same (RFC 9051 7.3.1)
                attributes -= {b"\\haschildren", b"\\hasnochildren"}
            if "SUBSCRIBED" not in text:
                attributes -= {b"\\subscribed"}
            uses = {b"\\sent", b"\\drafts", b"\\junk", b"\\trash", b"\\archive", b"\\flagged", b"\\all"}
            found[words[1], words[4]] = tuple(sorted(attributes - (uses if "SPECIAL-USE" not in text else set())))
            if len(words) > 5:
                found[b"info", words[4]] = str(words[5])
        elif words[1] == b"STATUS":
            found[b"STATUS", words[2]] = tuple(words[3])
    return found


def play(mails, kind, seed, leaves, programs, fetches, steps, lists=60):
    """-> (what nothing explains, a line about what was done)"""
    rng = random.Random(seed)
    with Server(extra=differ.SETTINGS, env={"TZ": "UTC"}) as server:
        ours = Ours(server)
        taken = append(ours, mails)
        with dovecot.Dovecot([(one.content, flags, date) for one, flags, date in taken]) as theirs:
            beside = Beside(ours, theirs, taken)
            for client in (ours, theirs):
                assert client.command("SELECT INBOX")[0].startswith(b"OK")
                assert client.command("STORE 1:20 +FLAGS.SILENT ($Work)")[0].startswith(b"OK")
            beside.fetch(rng, len(taken), fetches)
            beside.search(rng, len(taken), [a_leaf(rng, len(taken), beside.dates) for _ in range(leaves)], programs)
            for client in (ours, theirs):
                client.command("UNSELECT")
            beside.lists(rng, lists)
            beside.folders_change(rng, steps)
        with contextlib.suppress(ConnectionError):
            ours.close()
    unexplained, _, odd = explain(kind, taken, beside.rows)
    left = [f"{what}, {name}:\n  ours     {str(a)[:600]}\n  dovecot  {str(b)[:600]}" for what, name, a, b in unexplained] + beside.left
    return left, (f"{beside.asked} commands on {len(taken)} messages; {len(beside.rows)} answers differ of parts and leaves, {len(left)} for no reason we know; "
                  f"{beside.own_way} programs in which Dovecot is not of one mind with itself")
