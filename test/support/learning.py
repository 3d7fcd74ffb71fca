"""What must the filter know after these acts? A random owner who moves, copies, marks and renames mail, the account of what each act should
have taught, and the counts read from the databases of a stopped server."""
import collections, glob, json, os, random, re, sqlite3, struct

import mail
from server import wait_for

SETTINGS = """
[score]
reject = "off"
greylist = "off"
[limits]
conn_per_source = 500
conn_guests = 500
conn_rate = 100000
free = "16 MiB"
"""
FOLDERS = ["INBOX", "Junk", "Archive", "Trash", "Friends"]


def on_disk(server, folder, account="ann"):
    return os.path.join(server.data, "mail", account, "" if folder == "INBOX" else "." + folder)


def lesson(source, target):
    """DESIGN section 5's table: what does coming from one folder to another teach?"""
    if source == target:
        return None
    if target == "Junk":
        return "spam"
    if source == "Junk" and target != "Trash":
        return "ham"
    return None


class Owner:
    """An owner of mail delivered by mail.pump(); knows where each message is and what was taught last."""

    def __init__(self, server, seed):
        self.server, self.random = server, random.Random(seed)
        self.client = server.imap()
        self.client.create("Friends")
        self.uids = {f: {} for f in FOLDERS}  # uid -> mark
        self.taught, self.acts, self.selected, self.kinds = {}, 0, None, collections.Counter()
        for folder in FOLDERS:
            self.look(folder)

    def select(self, folder):
        if self.selected != folder:
            kind, data = self.client.select(folder)
            assert kind == "OK", data
            self.selected = folder

    def look(self, folder):
        self.selected = None
        found = mail.fetch_all(self.client, folder, "BODY.PEEK[HEADER.FIELDS (RETURN-PATH)]")
        self.uids[folder] = {uid: mail.mark_of(raw) for uid, raw in found}

    def where(self, mark):
        return [f for f in FOLDERS if mark in self.uids[f].values()]

    def pick(self, most):
        source = self.random.choice([f for f in FOLDERS if self.uids[f]])
        target = self.random.choice([f for f in FOLDERS if f != source])
        some = self.random.sample(sorted(self.uids[source]), min(len(self.uids[source]), self.random.randrange(1, most + 1)))
        return source, target, sorted(some)

    def teach(self, marks, what):
        if what:
            self.taught.update((m, what) for m in marks)

    def move(self, source, target, uids):
        self.select(source)
        self.client.untagged_responses.clear()
        kind, data = self.client.uid("MOVE", ",".join(map(str, uids)), target)
        assert kind == "OK", data
        text = b" ".join(x for x in self.client.untagged_responses.get("COPYUID", []) + data if x).decode()
        found = re.search(r"(?:COPYUID )?\d+ ([\d,:]+) ([\d,:]+)", text)
        assert found, text
        old, new = (spread(found.group(k)) for k in (1, 2))
        assert old == uids and len(new) == len(old), (uids, text)
        marks = [self.uids[source].pop(u) for u in old]
        self.uids[target].update(zip(new, marks))
        self.teach(marks, lesson(source, target))
        self.acts += len(uids)

    def rename(self, source, target, uids):
        """As another program does: rename the files, some to a name of its own; the server sees it when it next looks."""
        marks = []
        for uid in uids:
            found = [p for part in ("new", "cur") for p in glob.glob(glob.escape(os.path.join(on_disk(self.server, source), part)) + "/*")
                     if re.search(rf",P={uid}\.\d+", p)]
            assert len(found) == 1, (source, uid, found)
            name = os.path.basename(found[0])
            if self.random.random() < 0.5:
                name = f"{1700000000 + self.acts}.R{self.random.getrandbits(40)}.other" + (":2,S" if self.random.random() < 0.5 else ":2,")
            os.rename(found[0], os.path.join(on_disk(self.server, target), "cur", name if ":2," in name else name + ":2,"))
            marks.append(self.uids[source].pop(uid))
            self.acts += 1
        self.teach(marks, lesson(source, target))
        for folder in self.random.sample([source, target], 2):  # the server must not depend on which it reads first
            self.look(folder)
        assert all(m in self.uids[target].values() for m in marks), (source, target, marks)

    def mark(self, source, uids):
        word = self.random.choice(("$Junk", "$NotJunk"))
        self.select(source)
        for sign, w in (("-", "$Junk $NotJunk"), ("+", word)):
            kind, data = self.client.uid("STORE", ",".join(map(str, uids)), sign + "FLAGS.SILENT", f"({w})")
            assert kind == "OK", data
        if not (word == "$NotJunk" and source == "Trash"):
            self.teach([self.uids[source][u] for u in uids], "spam" if word == "$Junk" else "ham")
        self.acts += len(uids)

    def copy_out(self, source, target, uids):
        """A copy teaches as a move does; the copy is then removed, which teaches nothing."""
        self.select(source)
        kind, data = self.client.uid("COPY", ",".join(map(str, uids)), target)
        assert kind == "OK", data
        self.teach([self.uids[source][u] for u in uids], lesson(source, target))
        self.acts += len(uids)
        before = set(self.uids[target])
        self.look(target)
        self.select(target)
        extra = ",".join(str(u) for u in self.uids[target] if u not in before)
        self.client.uid("STORE", extra, "+FLAGS.SILENT", "(\\Deleted)")
        self.client.uid("EXPUNGE", extra)
        self.uids[target] = {u: m for u, m in self.uids[target].items() if u in before}

    def act(self, acts, most=5):
        """Random acts until that many messages were touched."""
        end = self.acts + acts
        while self.acts < end:
            source, target, uids = self.pick(most)
            kind = self.random.random()
            before = self.acts
            if kind < 0.70:
                what = "move"
                self.move(source, target, uids)
            elif kind < 0.84:
                what = "rename"
                self.rename(source, target, uids)
            elif kind < 0.92:
                what = "mark"
                self.mark(source, uids)
            else:
                what = "copy"
                self.copy_out(source, target, uids)
            self.kinds[what] += self.acts - before

    def messages(self):
        """mark -> the message as it is stored, in CRLF form."""
        found = {}
        for folder in FOLDERS:
            self.selected = None
            for _, raw in mail.fetch_all(self.client, folder):
                found[mail.mark_of(raw)] = raw
        return found


def spread(text):
    found = []
    for part in text.split(","):
        a, _, b = part.partition(":")
        found += range(int(a), int(b or a) + 1)
    return found


# --- what the databases of a stopped server say ---------------------------------------------------------------------------------------------

def numbers(packed):
    """Seven bits an octet, the lowest first; the eighth bit says that more follows."""
    n = shift = 0
    for c in packed:
        n |= (c & 127) << shift
        shift += 7
        if c < 128:
            yield n
            n = shift = 0


def counted(spam):
    """(model, feature, ham, spam): the counts as last written as a whole, and the lessons since."""
    sums = collections.Counter()
    for name, packed in spam.execute("SELECT m.name, c.octets FROM counts c JOIN model m ON m.id = c.model"):
        feature, n = 0, numbers(packed)
        for step, ham, junk in zip(n, n, n):
            feature += step
            sums[name, feature, 0] += ham
            sums[name, feature, 1] += junk
    for name, ham, junk, packed in spam.execute("SELECT m.name, f.ham, f.spam, f.features FROM fresh f JOIN model m ON m.id = f.model"):
        for (feature,) in struct.iter_unpack("=I", packed):
            sums[name, feature, 0] += ham
            sums[name, feature, 1] += junk
    return [(name, feature, sums[name, feature, 0], sums[name, feature, 1]) for name, feature in {k[:2] for k in sums}
            if sums[name, feature, 0] or sums[name, feature, 1]]


def knowledge(server):
    """Everything the filter counted: totals, every feature's counts, what was applied, and the lessons."""
    with sqlite3.connect(os.path.join(server.data, "spam.sqlite")) as spam, sqlite3.connect(os.path.join(server.data, "state.sqlite")) as state:
        totals = sorted(spam.execute("SELECT name, ham, spam FROM model WHERE ham > 0 OR spam > 0"))
        features = sorted(counted(spam))
        applied = sorted(spam.execute("SELECT account, hex(content), class FROM applied WHERE class > 0"))
        lessons = sorted(state.execute("SELECT account, hex(content), class FROM lesson WHERE class > 0"))
    return {"totals": totals, "features": features, "applied": applied, "lessons": lessons}


def key(server, value=None):
    """The key of the features of a stopped server: two servers count alike only under one key."""
    with sqlite3.connect(os.path.join(server.data, "spam.sqlite")) as spam:
        if value is not None:
            spam.execute("INSERT OR REPLACE INTO setting VALUES('key', ?)", (value,))
        return spam.execute("SELECT value FROM setting WHERE name = 'key'").fetchone()[0]


def forget(server):
    """A stopped server loses every count, as if spam.sqlite were of yesterday; its key stays."""
    with sqlite3.connect(os.path.join(server.data, "spam.sqlite")) as spam:
        for table in ("counts", "fresh", "applied", "model"):
            spam.execute(f"DELETE FROM {table}")


def stats(server):
    return json.loads(server.get("/spam/stats?account=ann")[1])


def difference(a, b):
    """None, or in words what differs first."""
    for what in a:
        if a[what] != b[what]:
            one, two = set(a[what]) - set(b[what]), set(b[what]) - set(a[what])
            return f"{what}: {len(one)} only in the first, {len(two)} only in the second, such as {sorted(one)[:3]} and {sorted(two)[:3]}"
    return None


def reversal(make_server, mails, acts, seed, most=5):
    """Random acts on one server, and what training from scratch makes on another. (owner, what the first knows, what it knows after its
    counts were lost and made again from the lessons, what the second knows)"""
    with make_server() as first:
        replies, _ = mail.pump(first, mails)
        assert all(r[0] == 250 for r in replies.values()), replies
        owner = Owner(first, seed)
        owner.act(acts, most)
        stored = owner.messages()
        owner.client.logout()
        first.stop()
        known, its_key = knowledge(first), key(first)
        forget(first)
        first.start()
        wait_for(lambda: stats(first)["ham"] + stats(first)["spam"] == len(owner.taught), 60)
        first.stop()
        again = knowledge(first)
        first.start()
    with make_server() as second:
        second.stop()
        key(second, its_key)
        second.start()
        order = sorted(owner.taught)
        random.Random(seed + 1).shuffle(order)
        for mark in order:
            status, text = second.get(f"/spam/learn?class={owner.taught[mark]}&account=ann", "POST", stored[mark])
            assert status == 200, text
        second.stop()
        fresh = knowledge(second)
        second.start()
    return owner, known, again, fresh
