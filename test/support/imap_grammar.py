"""Is every octet the server sends one that RFC 9051 section 9 (RFC 3501 before ENABLE, and the extensions that are announced) lets it send?

parse() reads one response; the first octet out of place raises Grammar with its position and the text around it. Reader reads from a buffer that
may not hold all of it yet. Left to others: which response may come when (imap_listener.py), and what the numbers mean (test_sessions, imap_state)."""
import re

ATOM_MOST, QUOTED_MOST, LINE_MOST, DEPTH_MOST = 400, 2100, 1 << 20, 220
U32, I63 = (1 << 32) - 1, (1 << 63) - 1


class Grammar(AssertionError):
    pass


class More(Exception):
    """The response is not there as a whole; args[0]: how many octets there must be before it is worth another look."""


def rx(pattern):
    return re.compile(pattern, re.S)


# RFC 9051 9: atom-specials are ( ) { SP CTL % * " \ ]; ASTRING-CHAR has "]" again
ATOM = rx(rb"[^\x00-\x20\x7f-\xff(){%*\"\\\]]+")
ASTRING = rx(rb"[^\x00-\x20\x7f-\xff(){%*\"\\]+")
TAG = rx(rb"[^\x00-\x20\x7f-\xff(){%*\"\\+]+")
WORD = rx(rb"[A-Z][A-Z0-9.=-]*")
QUOTED = rx(rb'"((?:[^"\\\r\n\x00\x80-\xff]|\\["\\])*)"')
QUOTED_UTF8 = rx(rb'"((?:[^"\\\r\n\x00]|\\["\\])*)"')
LITERAL = rx(rb"(~?)\{(0|[1-9]\d*)\}\r\n")
TEXT = rx(rb"[\x21-\x7e][\x20-\x7e]*")
NUMBER = rx(rb"0|[1-9]\d*")
SEQUENCE = rx(rb"[1-9]\d*(?::[1-9]\d*)?(?:,[1-9]\d*(?::[1-9]\d*)?)*")
BASE64 = rx(rb"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
DATE = rx(rb'"([ 0-3]\d)-(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)-(\d{4}) ([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60) [+-]\d\d[0-5]\d"')
PART = rx(rb"[1-9]\d*(?:\.[1-9]\d*)*")
OBJECTID = rx(rb"[A-Za-z0-9_-]{1,255}")  # RFC 8474 7
PARTIAL = rx(rb"-?[1-9]\d*:-?[1-9]\d*")

SYSTEM_FLAGS = frozenset((b"\\Answered", b"\\Flagged", b"\\Deleted", b"\\Seen", b"\\Draft"))
LIST_FLAGS = frozenset(b"\\Noinferiors \\Noselect \\Marked \\Unmarked \\NonExistent \\Subscribed \\Remote \\HasChildren \\HasNoChildren \\All \\Archive "
                       b"\\Drafts \\Flagged \\Junk \\Sent \\Trash \\Important".split())
OPPOSITES = ((b"\\HasChildren", b"\\HasNoChildren"), (b"\\Marked", b"\\Unmarked"), (b"\\NonExistent", b"\\Marked"), (b"\\Noselect", b"\\Marked"))
# RFC 9051 7.1, 5530, 7162, 7889, 4469, 4978, 5465, 6154, 5464, 9586: codes that stand alone
PLAIN_CODES = frozenset(b"""ALERT PARSE READ-ONLY READ-WRITE TRYCREATE UIDNOTSTICKY UNAVAILABLE AUTHENTICATIONFAILED AUTHORIZATIONFAILED EXPIRED
 PRIVACYREQUIRED CONTACTADMIN NOPERM INUSE EXPUNGEISSUED CORRUPTION SERVERBUG CLIENTBUG CANNOT LIMIT OVERQUOTA ALREADYEXISTS NONEXISTENT NOTSAVED
 HASCHILDREN CLOSED UNKNOWN-CTE NOMODSEQ TOOBIG COMPRESSIONACTIVE USEATTR UIDREQUIRED NOTIFICATIONOVERFLOW BADCOMPARATOR""".split())
NUMBER_CODES = {b"UIDNEXT": U32, b"UIDVALIDITY": U32, b"UNSEEN": U32, b"HIGHESTMODSEQ": I63}
STATUS_ITEMS = {b"MESSAGES": (0, U32), b"UIDNEXT": (1, U32), b"UIDVALIDITY": (1, U32), b"UNSEEN": (0, U32), b"DELETED": (0, U32), b"RECENT": (0, U32),
                b"SIZE": (0, I63), b"HIGHESTMODSEQ": (0, I63), b"DELETED-STORAGE": (0, I63)}
RIGHTS = rx(rb"[a-z0-9]+")


def is_mutf7(name):
    """RFC 3501 5.1.3: printable ASCII stands for itself, "&" opens modified base64 of what is not printable, and there is one way to write it."""
    at = 0
    while at < len(name):
        c = name[at]
        if not 0x20 <= c <= 0x7e:
            return False
        if c != 0x26:
            at += 1
            continue
        end = name.find(b"-", at)
        if end < 0:
            return False
        inside = name[at + 1:end]
        at = end + 1
        if not inside:
            continue
        if not re.fullmatch(rb"[A-Za-z0-9+,]+", inside) or len(inside) % 4 == 1 or name[at:at + 1] == b"&" and name[at:at + 2] != b"&-":
            return False
        bits = "".join(f"{b'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,'.index(x):06b}" for x in inside)
        whole = len(bits) // 16 * 16
        try:
            text = int(bits[:whole] or "0", 2).to_bytes(whole // 8, "big").decode("utf-16-be")
        except UnicodeDecodeError:
            return False
        if "1" in bits[whole:] or not text or any(" " <= x <= "~" for x in text):
            return False
    return True


def count_of(octets):
    """How many numbers a set without "*" names."""
    return sum(abs(int(b or a) - int(a)) + 1 for a, _, b in (piece.partition(b":") for piece in octets.split(b",")))


class Reader:
    """One response behind `at` in `octets`. utf8: quoted strings and names may be UTF-8 (RFC 9051, or RFC 6855 after ENABLE)."""

    def __init__(self, octets, utf8=False):
        self.octets, self.at, self.utf8 = octets, 0, utf8

    # --- the small pieces ---

    def fail(self, wanted, at=None):
        if self.octets.find(b"\n", self.at) < 0 and len(self.octets) - self.at < LINE_MOST:
            self.more()  # judged when the line is there
        at = self.at if at is None else at
        around = bytes(self.octets[max(0, at - 100):at]), bytes(self.octets[at:at + 100])
        raise Grammar(f"octet {at}: {wanted} expected; {around[0]!r} then {around[1]!r}")

    def more(self, n=None):
        raise More(n if n is not None else len(self.octets) + 1)

    def peek(self, n=1):
        if self.at + n > len(self.octets):
            self.more(self.at + n)
        return bytes(self.octets[self.at:self.at + n])

    def eat(self, text):
        if self.peek() != text[:1] or self.peek(len(text)) != text:
            self.fail(repr(text))
        self.at += len(text)

    def try_eat(self, text):
        if self.peek() == text[:1] and (len(text) == 1 or self.peek(len(text)) == text):
            self.at += len(text)
            return True
        return False

    def sp(self):
        self.eat(b" ")

    def match(self, pattern, what, most=ATOM_MOST):
        m = pattern.match(self.octets, self.at)
        if m is None:
            self.peek()
            self.fail(what)
        if m.end() == len(self.octets):
            self.more()
        if m.end() - self.at > most:
            self.fail(f"{what} of at most {most} octets")
        self.at = m.end()
        return m.group(0)

    def word(self, what="a word"):
        return self.match(WORD, what)

    def number(self, least=0, most=U32):
        at = self.at
        n = int(self.match(NUMBER, "a number"))
        if not least <= n <= most:
            self.fail(f"a number from {least} to {most}", at)
        if self.peek().isdigit():
            self.fail("no leading zero", at)
        return n

    def sequence(self):
        at = self.at
        octets = self.match(SEQUENCE, "a set of numbers", LINE_MOST)
        if any(int(n) > U32 for n in re.split(rb"[:,]", octets)):
            self.fail("numbers of 32 bits", at)
        return octets

    def text(self):
        return self.match(TEXT, "text", 1000)

    # --- strings ---

    def quoted(self):
        m = (QUOTED_UTF8 if self.utf8 else QUOTED).match(self.octets, self.at)
        if m is None:
            self.fail("a quoted string")
        if m.end() - self.at > QUOTED_MOST:
            self.fail(f"a quoted string of at most {QUOTED_MOST} octets")
        value = re.sub(rb"\\(.)", rb"\1", m.group(1))
        try:
            value.decode("utf-8")
        except UnicodeDecodeError:
            self.fail("UTF-8")
        self.at = m.end()
        return value

    def literal(self, eight=False):
        m = LITERAL.match(self.octets, self.at)
        if m is None:
            self.fail("a literal")
        if m.group(1) and not eight:
            self.fail("no literal8 here")
        n = int(m.group(2))
        if n > I63:
            self.fail("a length of 63 bits")
        if m.end() + n > len(self.octets):
            self.more(m.end() + n)
        value = bytes(self.octets[m.end():m.end() + n])
        if not m.group(1) and b"\0" in value:  # CHAR8 is %x01-ff
            self.fail("no NUL in a literal", m.end() + value.index(b"\0"))
        self.at = m.end() + n
        return value

    def string(self, eight=False):
        c = self.peek()
        if c == b'"':
            return self.quoted()
        if c == b"{" or c == b"~" and eight:
            return self.literal(eight)
        self.fail("a string")

    def nstring(self, eight=False):
        if self.peek() == b"N":
            self.eat(b"NIL")
            return None
        return self.string(eight)

    def astring(self):
        if self.peek() in b'"{':
            return self.string()
        return self.match(ASTRING, "an astring")

    def mailbox(self):
        at = self.at
        name = self.astring()
        if name.upper() == b"INBOX" and name != b"INBOX":
            self.fail("INBOX in capitals", at)
        if self.utf8:
            try:
                name.decode("utf-8")
            except UnicodeDecodeError:
                self.fail("a mailbox name in UTF-8", at)
        elif not is_mutf7(name):
            self.fail("a mailbox name in modified UTF-7", at)
        return name

    def bag(self, one, least=0, gap=b" "):
        """ "(" [one *(SP one)] ")" """
        self.eat(b"(")
        found = []
        while not self.try_eat(b")"):
            if found and gap:
                self.eat(gap)
            found.append(one())
        if len(found) < least:
            self.fail(f"a list of at least {least}")
        return found

    def distinct(self, found, at):
        folded = [f.lower() for f in found]
        if len(set(folded)) != len(folded):
            self.fail("each once", at)
        return found

    def flag(self, recent=False, star=False):
        at = self.at
        if not self.try_eat(b"\\"):
            return self.match(ATOM, "a keyword", 64)
        if star and self.try_eat(b"*"):
            return b"\\*"
        name = b"\\" + self.match(ATOM, "a flag", 64)
        if name not in SYSTEM_FLAGS and not (recent and name == b"\\Recent"):
            self.fail("a flag of RFC 9051 2.3.2", at)
        return name

    def flags(self, **what):
        at = self.at
        return self.distinct(self.bag(lambda: self.flag(**what)), at)

    def date_time(self):
        at = self.at
        m = DATE.match(self.octets, at)
        if m is None:
            self.peek(28)
            self.fail("a date-time")
        if not 1 <= int(m.group(1)) <= 31:
            self.fail("a day of a month")
        self.at = m.end()
        return m.group(0)[1:-1]

    def in_parentheses(self, one):
        self.eat(b"(")
        value = one()
        self.eat(b")")
        return value

    def objectid(self):
        return self.match(OBJECTID, "an objectid")

    # --- responses ---

    def response(self):
        """What came: ("+", text), (tag, "OK", code, text) or ("*", name, ...)."""
        if self.try_eat(b"+"):
            return self.continuation()
        if self.try_eat(b"*"):
            self.sp()
            found = self.untagged()
            self.end()
            return ("*", *found)
        tag = self.match(TAG, "a tag")
        self.sp()
        name = self.word("OK, NO or BAD")
        if name not in (b"OK", b"NO", b"BAD"):
            self.fail("OK, NO or BAD", self.at - len(name))
        return (tag.decode(), *self.condition(name))

    def end(self):
        self.eat(b"\r\n")

    def continuation(self):
        self.sp()
        if self.try_eat(b"\r\n"):
            return ("+", b"")
        if self.peek() == b"[":
            return ("+", *self.condition(b"+", sp=False)[1:])
        text = self.text()
        self.end()
        return ("+", text)

    def condition(self, name, sp=True):
        """resp-text; the text behind a code is never empty: RFC 3501 9, and clients count on it"""
        if sp:
            self.sp()
        code = None
        if self.try_eat(b"["):
            code = self.code()
            self.eat(b"]")
            self.sp()
        text = self.text()
        self.end()
        return (name.decode(), code, text)

    def code(self):
        at = self.at
        name = self.word("a response code")
        if name in PLAIN_CODES:
            return (name,)
        if name in NUMBER_CODES:
            self.sp()
            return (name, self.number(1, NUMBER_CODES[name]))
        if name == b"CAPABILITY":
            return (name, self.capabilities())
        if name == b"PERMANENTFLAGS":
            self.sp()
            return (name, self.flags(star=True))
        if name == b"BADCHARSET":
            return (name, self.try_eat(b" ") and self.bag(self.astring, 1))
        if name == b"APPENDUID":  # RFC 4315 3; a set for MULTIAPPEND
            self.sp()
            validity = self.number(1)
            self.sp()
            return (name, validity, self.sequence())
        if name == b"COPYUID":
            self.sp()
            validity = self.number(1)
            self.sp()
            one = self.sequence()
            self.sp()
            two = self.sequence()
            if count_of(one) != count_of(two):
                self.fail("as many UIDs there as here", at)
            return (name, validity, one, two)
        if name == b"MODIFIED":
            self.sp()
            return (name, self.sequence())
        if name == b"MAILBOXID":
            self.sp()
            return (name, self.in_parentheses(self.objectid))
        if name == b"METADATA":  # RFC 5464 5
            self.sp()
            what = self.word()
            if what not in (b"LONGENTRIES", b"MAXSIZE", b"TOOMANY", b"NOPRIVATE"):
                self.fail("a METADATA code", at)
            if what in (b"LONGENTRIES", b"MAXSIZE"):
                self.sp()
                return (name, what, self.number())
            return (name, what)
        if name == b"INPROGRESS":  # RFC 9585 4
            if not self.try_eat(b" "):
                return (name,)
            return (name, self.in_parentheses(self.progress))
        if name == b"BADURL":  # RFC 4469 5: url-resp-text
            self.sp()
            return (name, self.match(rx(rb"[\x21-\x5a\x5c\x5e-\x7e]+"), "a URL", 2000))
        if name == b"BADEVENT":  # RFC 5465 8
            self.sp()
            return (name, self.bag(lambda: self.match(ATOM, "an event"), 1))
        if name == b"NOUPDATE":  # RFC 5267 4.3.1
            self.sp()
            return (name, self.quoted())
        if name == b"MESSAGELIMIT":  # RFC 9738 5
            self.sp()
            most = self.number(1)
            return (name, most, self.try_eat(b" ") and self.number(1))
        self.fail("a known response code", at)

    def progress(self):
        tag = self.quoted() if self.peek() == b'"' else self.eat(b"NIL")
        self.sp()
        done = self.number() if self.peek().isdigit() else self.eat(b"NIL")
        self.sp()
        goal = self.number(1) if self.peek().isdigit() else self.eat(b"NIL")
        if done is not None and goal is not None and done > goal:
            self.fail("no more done than there is to do")
        return (tag, done, goal)

    def capabilities(self):
        found, at = [], self.at
        while self.try_eat(b" "):
            found.append(self.match(ATOM, "a capability"))
        self.distinct(found, at)
        if b"IMAP4rev1" not in found and b"IMAP4rev2" not in found:
            self.fail("IMAP4rev1 or IMAP4rev2 among the capabilities", at)
        return found

    def untagged(self):
        if self.peek().isdigit():
            number = self.number()
            self.sp()
            at = self.at
            name = self.word()
            if name in (b"EXISTS", b"RECENT"):
                return (name.decode(), number)
            if number == 0:
                self.fail("a message number", at)
            if name == b"EXPUNGE":
                return ("EXPUNGE", number)
            if name in (b"FETCH", b"UIDFETCH"):
                self.sp()
                return (name.decode(), number, self.items())
            self.fail("EXISTS, RECENT, EXPUNGE or FETCH", at)
        at = self.at
        name = self.word("the name of a response")
        if name in (b"OK", b"NO", b"BAD", b"BYE", b"PREAUTH"):
            found = self.condition(name)
            self.at -= 2  # the end is read by response()
            return found
        what = getattr(self, "on_" + name.decode().lower(), None)
        if what is None:
            self.fail("a known response", at)
        return (name.decode(), *what())

    def on_capability(self):
        return (self.capabilities(),)

    def on_enabled(self):
        found = []
        while self.try_eat(b" "):
            found.append(self.match(ATOM, "a capability"))
        return (self.distinct(found, self.at),)

    def on_flags(self):
        self.sp()
        return (self.flags(),)

    def on_list(self):
        self.sp()
        at = self.at
        flags = self.distinct(self.bag(lambda: self.match(rx(rb"\\[A-Za-z]+"), "a mailbox attribute")), at)
        for one in flags:
            if one not in LIST_FLAGS:
                self.fail("known mailbox attributes", at)
        for one, other in OPPOSITES:
            if one in flags and other in flags:
                self.fail(f"not {one} and {other} together", at)
        self.sp()
        if self.peek() == b'"':
            if len(self.quoted()) != 1:
                self.fail("a delimiter of one octet")
        else:
            self.eat(b"NIL")
        self.sp()
        name = self.mailbox() if self.peek(2) != b'""' else self.quoted()
        extended = self.bag(self.list_extended) if self.try_eat(b" ") else []
        return (flags, name, extended)

    def list_extended(self):
        at = self.at
        tag = self.astring()
        self.sp()
        if tag == b"CHILDINFO":  # RFC 5258 6: the options are quoted
            found = self.bag(self.quoted, 1)
            if any(x not in (b"SUBSCRIBED", b"SPECIAL-USE", b"REMOTE", b"RECURSIVEMATCH") for x in found):
                self.fail("a selection option", at)
            return (tag, found)
        if tag == b"OLDNAME":
            return (tag, self.in_parentheses(self.mailbox))
        self.fail("CHILDINFO or OLDNAME", at)

    on_lsub = on_list

    def on_status(self):
        self.sp()
        name = self.mailbox()
        self.sp()
        at = self.at
        found = self.bag(self.status_item)
        self.distinct([f[0] for f in found], at)
        return (name, dict(found))

    def status_item(self):
        at = self.at
        name = self.word("a status item")
        self.sp()
        if name == b"MAILBOXID":
            return (name, self.in_parentheses(self.objectid))
        if name == b"APPENDLIMIT":
            return (name, self.number() if self.peek().isdigit() else self.eat(b"NIL"))
        if name not in STATUS_ITEMS:
            self.fail("a known status item", at)
        return (name, self.number(*STATUS_ITEMS[name]))

    def mod_sequence(self):
        self.eat(b"MODSEQ")
        self.sp()
        return self.number(1, I63)

    def on_search(self):
        """Also SORT: numbers, then (MODSEQ n), RFC 7162 3.1.5"""
        found, modseq = [], None
        while self.try_eat(b" "):
            if self.peek() == b"(":
                modseq = self.in_parentheses(self.mod_sequence)
                break
            found.append(self.number(1))
        if modseq is not None and not found:
            self.fail("no MODSEQ of nothing")
        if len(set(found)) != len(found):
            self.fail("each number once")
        return (found, modseq)

    on_sort = on_search

    def on_thread(self):
        """thread-list, RFC 5256 5: members then, nested, two lists or more. Without recursion."""
        if not self.try_eat(b" "):
            return ([],)
        stack, seen = [], []  # of [members, lists inside]
        while True:
            if self.try_eat(b"("):
                stack.append([0, 0])
            elif self.try_eat(b")"):
                if not stack or stack[-1] == [0, 0] or stack[-1][1] == 1:
                    self.fail("a thread with members, or with branches", self.at - 1)
                stack.pop()
                if stack:
                    stack[-1][1] += 1
            elif stack and self.peek() in b" 0123456789":
                if stack[-1][1]:
                    self.fail("no member behind a branch")
                if stack[-1][0]:
                    self.sp()
                    if self.peek() == b"(":
                        continue
                seen.append(self.number(1))
                stack[-1][0] += 1
            elif not stack:
                break
            else:
                self.fail("a thread")
        if not seen or len(set(seen)) != len(seen):
            self.fail("each message once")
        return (seen,)

    def on_esearch(self):
        about = {}
        at = self.at
        if self.peek(2) == b" (":
            self.sp()
            pairs = self.bag(self.correlator, 1)
            self.distinct([p[0] for p in pairs], at)
            about = dict(pairs)
        uid, found = False, {}
        while self.try_eat(b" "):
            at = self.at
            name = self.word("search data")
            if name == b"UID" and not uid and not found:
                uid = True
                continue
            self.sp()
            if name in found and name not in (b"ADDTO", b"REMOVEFROM"):
                self.fail("each once", at)
            found[name] = self.search_data(name, at)
        if {b"MAILBOX", b"UIDVALIDITY"} & about.keys() and not ({b"MAILBOX", b"UIDVALIDITY"} <= about.keys() and uid):
            self.fail("MAILBOX, UIDVALIDITY and UID together (RFC 7377 2.1)", at)
        if b"ALL" in found and b"COUNT" in found and count_of(found[b"ALL"]) != found[b"COUNT"]:
            self.fail("as many in ALL as COUNT says", at)
        if b"MIN" in found and b"MAX" in found and found.get(b"COUNT") == 0:
            self.fail("no MIN of nothing", at)
        return (about, uid, found)

    def correlator(self):
        at = self.at
        name = self.word()
        self.sp()
        if name == b"TAG":
            return (name, self.astring())
        if name == b"MAILBOX":
            return (name, self.mailbox())
        if name == b"UIDVALIDITY":
            return (name, self.number(1))
        self.fail("TAG, MAILBOX or UIDVALIDITY", at)

    def search_data(self, name, at):
        if name in (b"MIN", b"MAX"):
            return self.number(1)
        if name == b"COUNT":
            return self.number()
        if name == b"MODSEQ":
            return self.number(1, I63)
        if name == b"ALL":
            return self.sequence()
        if name == b"PARTIAL":  # RFC 9394 3.1
            self.eat(b"(")
            window = self.match(PARTIAL, "a range")
            self.sp()
            which = self.sequence() if self.peek().isdigit() else self.eat(b"NIL")
            self.eat(b")")
            return (window, which)
        if name == b"RELEVANCY":  # RFC 6203 4
            return self.bag(lambda: self.number(1, 100))
        if name in (b"ADDTO", b"REMOVEFROM"):  # RFC 5267 4.3
            return self.bag(self.context_change, 1)
        self.fail("known search data", at)

    def context_change(self):
        position = self.number()
        self.sp()
        return (position, self.sequence())

    def on_vanished(self):
        self.sp()
        earlier = self.try_eat(b"(EARLIER) ")
        return (earlier, self.sequence())

    def on_namespace(self):
        found = []
        for _ in range(3):
            self.sp()
            found.append(self.eat(b"NIL") if self.peek() == b"N" else self.bag(lambda: self.in_parentheses(self.namespace), 1, b""))
        return (found,)

    def namespace(self):
        prefix = self.string()
        self.sp()
        return (prefix, self.quoted() if self.peek() == b'"' else self.eat(b"NIL"))

    def on_id(self):
        self.sp()
        if self.peek() == b"N":
            self.eat(b"NIL")
            return ([],)
        return (self.bag(self.id_pair),)

    def id_pair(self):
        field = self.string()
        self.sp()
        value = self.nstring()
        if len(field) > 30 or len(value or b"") > 1024:  # RFC 2971 3.3
            self.fail("an ID field of 30 and a value of 1024 octets")
        return (field, value)

    def on_metadata(self):
        self.sp()
        name = b"" if self.try_eat(b'""') else self.mailbox()
        self.sp()
        if self.peek() == b"(":
            return (name, dict(self.bag(self.metadata_pair, 1)))
        found = [self.entry()]
        while self.try_eat(b" "):
            found.append(self.entry())
        return (name, found)

    def entry(self):
        at = self.at
        name = self.astring()
        if not re.fullmatch(rb"/(?:private|shared)(?:/[\x20-\x24\x26-\x29\x2b-\x2e\x30-\x7e]+)+", name, re.I) or b"//" in name:
            self.fail("an entry name (RFC 5464 3.2)", at)
        return name

    def metadata_pair(self):
        name = self.entry()
        self.sp()
        return (name, self.nstring(eight=True))

    def on_quota(self):
        self.sp()
        root = self.astring()
        self.sp()
        return (root, self.bag(self.resource))

    def resource(self):
        at = self.at
        name = self.word()
        if name not in (b"STORAGE", b"MESSAGE", b"MAILBOX", b"ANNOTATION-STORAGE"):
            self.fail("a resource of RFC 9208 5", at)
        self.sp()
        used = self.number(0, I63)
        self.sp()
        return (name, used, self.number(0, I63))

    def on_quotaroot(self):
        self.sp()
        name, roots = self.mailbox(), []
        while self.try_eat(b" "):
            roots.append(self.astring())
        return (name, roots)

    def rights(self):
        at = self.at
        found = self.astring()
        if not RIGHTS.fullmatch(found) and found != b"" or len(set(found)) != len(found):
            self.fail("rights (RFC 4314 2.1)", at)
        return found

    def on_acl(self):
        self.sp()
        name, found = self.mailbox(), []
        while self.try_eat(b" "):
            who = self.astring()
            self.sp()
            found.append((who, self.rights()))
        return (name, found)

    def on_myrights(self):
        self.sp()
        name = self.mailbox()
        self.sp()
        return (name, self.rights())

    def on_listrights(self):
        self.sp()
        name = self.mailbox()
        self.sp()
        who = self.astring()
        self.sp()
        found = [self.rights()]
        while self.try_eat(b" "):
            found.append(self.rights())
        return (name, who, found)

    # --- FETCH ---

    def items(self):
        """msg-att, each item once"""
        found, at = {}, self.at
        for name, value in self.bag(self.item, 1):
            if name in found:
                self.fail(f"{name} once", at)
            found[name] = value
        return found

    def item(self):
        at = self.at
        name = self.word("a FETCH item")
        if name in (b"BODY", b"BINARY", b"BINARY.SIZE") and self.peek() == b"[":
            name += self.section(name)
            self.sp()
            if name.startswith(b"BINARY.SIZE"):
                return (name, self.number())
            return (name, self.nstring(eight=name.startswith(b"BINARY")))
        self.sp()
        if name == b"FLAGS":
            return (name, self.flags(recent=True))
        if name == b"UID":
            return (name, self.number(1))
        if name == b"MODSEQ":
            return (name, self.in_parentheses(lambda: self.number(1, I63)))
        if name == b"RFC822.SIZE":
            return (name, self.number(0, I63))
        if name == b"INTERNALDATE":
            return (name, self.date_time())
        if name == b"SAVEDATE":
            return (name, self.date_time() if self.peek() == b'"' else self.eat(b"NIL"))
        if name == b"ENVELOPE":
            return (name, self.envelope())
        if name in (b"BODY", b"BODYSTRUCTURE"):
            return (name, self.body(name == b"BODYSTRUCTURE", 0))
        if name in (b"RFC822", b"RFC822.HEADER", b"RFC822.TEXT", b"PREVIEW"):
            return (name, self.nstring())
        if name == b"EMAILID":
            return (name, self.in_parentheses(self.objectid))
        if name == b"THREADID":
            return (name, self.in_parentheses(self.objectid) if self.peek() == b"(" else self.eat(b"NIL"))
        self.fail("a known FETCH item", at)

    def section(self, name):
        """section or section-binary, with its origin octet"""
        at = self.at
        self.eat(b"[")
        part = self.peek().isdigit() and self.match(PART, "a part", 2000)
        if name == b"BODY" and self.peek() != b"]":
            if part:
                self.eat(b".")
            word_at = self.at
            word = self.word("HEADER, TEXT or MIME")
            if word not in (b"HEADER", b"HEADER.FIELDS", b"HEADER.FIELDS.NOT", b"TEXT") and not (part and word == b"MIME"):
                self.fail("HEADER, TEXT or MIME", word_at)
            if word.startswith(b"HEADER.FIELDS"):
                self.sp()
                self.bag(self.astring, 1)
        self.eat(b"]")
        if name != b"BINARY.SIZE" and self.try_eat(b"<"):
            self.number()
            self.eat(b">")
        return bytes(self.octets[at:self.at])

    def addresses(self):
        if self.peek() == b"N":
            return self.eat(b"NIL")
        found = self.bag(self.address, 1, b"")
        inside = False
        for _, _, mailbox, host in found:  # RFC 9051 7.5.2: a group is opened by a name without host, closed by two NIL
            if host is None and (mailbox is None) != inside:
                self.fail("groups that open and close")
            inside = mailbox is not None if host is None else inside
        return found

    def address(self):
        self.eat(b"(")
        found = [self.nstring()]
        for _ in range(3):
            self.sp()
            found.append(self.nstring())
        self.eat(b")")
        return found

    def envelope(self):
        self.eat(b"(")
        found = [self.nstring()]
        self.sp()
        found.append(self.nstring())
        for _ in range(6):
            self.sp()
            found.append(self.addresses())
        for _ in range(2):
            self.sp()
            found.append(self.nstring())
        self.eat(b")")
        return found

    def parameters(self):
        if self.peek() == b"N":
            return self.eat(b"NIL")
        found = self.bag(self.string, 2)
        if len(found) % 2:
            self.fail("names and values in pairs")
        return found

    def disposition(self):
        if self.peek() == b"N":
            return self.eat(b"NIL")
        self.eat(b"(")
        kind = self.string()
        self.sp()
        found = self.parameters()
        self.eat(b")")
        return (kind, found)

    def language(self):
        return self.bag(self.string, 1) if self.peek() == b"(" else self.nstring()

    def body(self, extended, depth):
        """BODYSTRUCTURE tells all extension data, BODY none of it"""
        if depth > DEPTH_MOST:
            self.fail(f"at most {DEPTH_MOST} levels")
        self.eat(b"(")
        if self.peek() == b"(":
            parts = []
            while self.peek() == b"(":
                parts.append(self.body(extended, depth + 1))
            self.sp()
            found = [parts, self.string()]
            rest = (self.parameters, self.disposition, self.language, self.nstring)
        else:
            kind = self.string()
            self.sp()
            subtype = self.string()
            found = [kind, subtype]
            for one in (self.parameters, self.nstring, self.nstring, self.string, self.number):
                self.sp()
                found.append(one())
            lowered = (kind.lower(), subtype.lower())
            if lowered in ((b"message", b"rfc822"), (b"message", b"global")):
                self.sp()
                found.append(self.envelope())
                self.sp()
                found.append(self.body(extended, depth + 1))
            if lowered[0] == b"text" or len(found) > 7:
                self.sp()
                found.append(self.number(0, I63))
            rest = (self.nstring, self.disposition, self.language, self.nstring)
        for one in rest if extended else ():
            self.sp()
            found.append(one())
        self.eat(b")")
        return found


def parse(octets, utf8=False):
    """One whole response, CRLF included."""
    reader = Reader(octets, utf8)
    try:
        found = reader.response()
    except More:
        raise Grammar(f"incomplete: {bytes(octets[-200:])!r}") from None
    if reader.at != len(octets):
        reader.fail("the end")
    return found
