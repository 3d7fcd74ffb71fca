#!/usr/bin/python3
"""Does the judge of IMAP responses (support/imap_grammar.py, imap_listener.py) take what is right and nothing else? Tables of both."""
import os, random, sys

sys.path.append(os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))
from imap_grammar import Grammar, is_mutf7, parse
from imap_listener import Listener

TEXT = '("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 5 1)'
LONG = '("text" "plain" NIL "<i@x>" "what" "base64" 5 1 NIL ("attachment" ("filename" "a\\"b")) ("en" "de") "http://x/")'
ENVELOPE = '("d" "s" (("Ann" NIL "a" "x.example")) NIL NIL ((NIL NIL "list" NIL)(NIL NIL "b" "x")(NIL NIL NIL NIL)) NIL NIL NIL "<m@x>")'

GOOD = [
    "* OK [CAPABILITY IMAP4rev1 IMAP4rev2 AUTH=PLAIN] hello", "a1 OK done", "a.b-c/d BAD no", "* BYE so long", "+ go on", "+ ", "+ VXNlcm5hbWU6",
    "* CAPABILITY IMAP4rev1 LITERAL+ APPENDLIMIT=5", "* ENABLED", "* ENABLED QRESYNC CONDSTORE", "* FLAGS (\\Seen $Junk x]y)".replace("]", "-"),
    "* OK [PERMANENTFLAGS (\\Seen a \\*)] kept", "* OK [PERMANENTFLAGS ()] none", "* 0 EXISTS", "* 4294967295 EXISTS", "* 3 RECENT", "* 3 EXPUNGE",
    "* LIST () \"/\" INBOX", "* LIST (\\HasNoChildren \\Junk) \"/\" \"a b\"", "* LIST (\\NonExistent) \"/\" x (\"CHILDINFO\" (\"SUBSCRIBED\"))",
    "* LIST (\\Noselect) \"/\" \"\"", "* LIST () NIL {3}\r\na\"b", "* LIST () \"/\" &AOk-t&AOk-", "* LIST () \"/\" a&-b", "* LSUB () \"/\" x",
    "* LIST () \"/\" new (OLDNAME (old))", "* STATUS x ()", "* STATUS \"x y\" (MESSAGES 3 UIDNEXT 4 SIZE 99999999999 MAILBOXID (F1) APPENDLIMIT NIL)",
    "* SEARCH", "* SEARCH 1 5 3", "* SEARCH 2 (MODSEQ 9)", "* SORT 5 1", "* THREAD", "* THREAD (1)", "* THREAD (2)(3 6 (4 23)(44 7 96))", "* THREAD ((3)(5))",
    "* ESEARCH", "* ESEARCH (TAG \"a1\") UID MIN 2 MAX 9 COUNT 3 ALL 2:3,9 MODSEQ 5", "* ESEARCH (TAG \"x\" MAILBOX \"b\" UIDVALIDITY 7) UID ALL 1",
    "* ESEARCH (TAG \"x\") PARTIAL (1:10 4,5)", "* ESEARCH (TAG \"x\") PARTIAL (-1:-10 NIL)", "* ESEARCH (TAG \"x\") UID ADDTO (0 32768:32769)", "* VANISHED 1:3,9",
    "* ESEARCH (TAG \"x\") UID ALL 1:2 RELEVANCY (100 3)", "* VANISHED (EARLIER) 41", "* NAMESPACE ((\"\" \"/\")) NIL NIL",
    "* ID NIL", "* ID (\"name\" \"Pennypost\" \"version\" NIL)", "* METADATA INBOX (/private/comment \"x\" /shared/a NIL)", "* METADATA \"\" /shared/comment",
    "* METADATA x (/private/b ~{3}\r\n\0\r\n)", "* QUOTA \"\" (STORAGE 10 512)", "* QUOTA \"\" ()", "* QUOTAROOT INBOX \"\"", "* ACL INBOX ann lrswipkxtea",
    "* MYRIGHTS INBOX lr", "* LISTRIGHTS x bob \"\" l r", "* 1 FETCH (FLAGS (\\Recent \\Seen x) UID 5)", "* 1 FETCH (FLAGS ())", "* 7 UIDFETCH (MODSEQ (4))",
    "* 1 FETCH (BODY[] {5}\r\na\r\nb\n)", "* 1 FETCH (BODY[HEADER.FIELDS (SUBJECT \"x y\")]<0> \"\" BODY[1.2.MIME] NIL BODY[1.HEADER] \"x\" BODY[TEXT]<9> \"\")",
    "* 1 FETCH (BINARY[1] ~{2}\r\n\0a BINARY.SIZE[1.2] 5 BINARY[2]<5> NIL)", "* 1 FETCH (INTERNALDATE \" 1-Feb-2020 11:00:00 +0000\" SAVEDATE NIL RFC822.SIZE 5)",
    f"* 1 FETCH (ENVELOPE {ENVELOPE})", f"* 1 FETCH (BODY {TEXT})", f"* 1 FETCH (BODYSTRUCTURE {LONG})", f"* 1 FETCH (BODY ({TEXT}{TEXT} \"mixed\"))",
    f"* 1 FETCH (BODYSTRUCTURE ({LONG} \"mixed\" (\"boundary\" \"b\") NIL NIL NIL))",
    f"* 1 FETCH (BODY (\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 99 {ENVELOPE} {TEXT} 4))", "* 1 FETCH (BODY (\"image\" \"png\" NIL NIL NIL \"base64\" 9))",
    "* 1 FETCH (EMAILID (M1) THREADID NIL PREVIEW \"x\")", "a OK [APPENDUID 1 5:7] kept", "a OK [COPYUID 1 5:7,9 1:4] copied", "a OK [MODIFIED 3,5] some",
    "a NO [BADCHARSET (US-ASCII UTF-8)] no", "a NO [METADATA MAXSIZE 5] no", "* OK [INPROGRESS (\"a\" 5 10)] busy", "* OK [INPROGRESS] busy",
    "a OK [METADATA LONGENTRIES 9] cut", "a OK [MAILBOXID (F9)] made", "a NO [BADURL imap://x/y] gone", "* OK [NOUPDATE \"a\"] no", "* OK [CLOSED] closed",
]
UTF8 = ["* LIST () \"/\" \"été\"", "* 1 FETCH (PREVIEW \"été\")", "* LIST () \"/\" \"a&b\""]

BAD = [
    "", "a", "a OK", "a OK ", "a OK  ", "OK done", "a PREAUTH x", "a ok done", "* OK [ALERT]", "* OK [ALERT] ", "* OK [READ-ONLY]x", "* OK [MADEUP] x",
    "* OK a\tb", "* OK \xe9", "* OK a\0b", "+", "+go", "a+b OK done", "a{ OK done", "* MADEUP", "* CAPABILITY IDLE", "* CAPABILITY IMAP4rev1 IDLE IDLE",
    "* CAPABILITY  IMAP4rev1", "* CAPABILITY IMAP4rev1 ", "* FLAGS \\Seen", "* FLAGS (\\Seen  x)", "* FLAGS (\\Recent)", "* FLAGS (\\*)", "* FLAGS (\\Mine)",
    "* FLAGS (x x)", "* FLAGS (x\"y)", "* FLAGS (" + "k" * 65 + ")", "* OK [PERMANENTFLAGS (\\Recent)] x", "* 01 EXISTS", "* -1 EXISTS", "* 4294967296 EXISTS",
    "* 0 EXPUNGE", "* 3 EXPUNGE ", "* 3 exists", "* EXISTS", "* 3 FETCH", "* 3 FETCH ()", "* 0 FETCH (UID 5)", "* 3 FETCH (UID 0)", "* 3 FETCH (UID 5 UID 5)",
    "* 3 FETCH (UID 5) ", "* 3 FETCH (UID 5", "* 3 FETCH (UID 5))", "* 3 FETCH ( UID 5)", "* 3 FETCH (UID 5 )", "* 3 FETCH (UID  5)", "* 3 FETCH (MADEUP 5)",
    "* 3 FETCH (MODSEQ 5)", "* 3 FETCH (MODSEQ (0))", "* 3 FETCH (BODY[] {5}\r\nab\0de)", "* 3 FETCH (BODY[] ~{2}\r\nab)", "* 3 FETCH (BODY[] {2}ab)",
    "* 3 FETCH (BODY[] {+2}\r\nab)", "* 3 FETCH (BODY[] {02}\r\nab)", "* 3 FETCH (BODY[] {1}\r\nab)", "* 3 FETCH (BODY[] x)", "* 3 FETCH (BODY[]\"x\")",
    "* 3 FETCH (BODY[0] \"x\")", "* 3 FETCH (BODY[1.] \"x\")", "* 3 FETCH (BODY[MIME] \"x\")", "* 3 FETCH (BODY[HEADER.FIELDS ()] \"x\")", "* 3 FETCH (BODY[]<> \"\")",
    "* 3 FETCH (BODY[TEXT]<0.5> \"\")", "* 3 FETCH (BINARY.SIZE[1] NIL)", "* 3 FETCH (BODY.PEEK[] \"\")", "* 3 FETCH (INTERNALDATE \"1-Feb-2020 11:00:00 +0000\")",
    "* 3 FETCH (INTERNALDATE \"41-Feb-2020 11:00:00 +0000\")", "* 3 FETCH (INTERNALDATE \"01-feb-2020 11:00:00 +0000\")", "* 3 FETCH (INTERNALDATE NIL)",
    "* 3 FETCH (PREVIEW \"a\rb\")", "* 3 FETCH (PREVIEW \"a\nb\")", "* 3 FETCH (PREVIEW \"a\\b\")", "* 3 FETCH (PREVIEW \"\xe9\")", "* 3 FETCH (PREVIEW \"" + "a" * 2200 + "\")",
    "* 3 FETCH (ENVELOPE (NIL NIL NIL NIL NIL NIL NIL NIL NIL))", "* 3 FETCH (ENVELOPE (NIL NIL () NIL NIL NIL NIL NIL NIL NIL))",
    "* 3 FETCH (ENVELOPE (NIL NIL ((NIL NIL NIL NIL)) NIL NIL NIL NIL NIL NIL NIL))", "* 3 FETCH (ENVELOPE (NIL NIL ((NIL NIL \"a\")) NIL NIL NIL NIL NIL NIL NIL))",
    "* 3 FETCH (ENVELOPE (NIL NIL ((NIL NIL \"a\" \"b\") (NIL NIL \"a\" \"b\")) NIL NIL NIL NIL NIL NIL NIL))", "* 3 FETCH (ENVELOPE NIL)",
    f"* 3 FETCH (BODY {LONG})", f"* 3 FETCH (BODYSTRUCTURE {TEXT})", "* 3 FETCH (BODY (\"text\" \"plain\" NIL NIL NIL \"7bit\" 5))", "* 3 FETCH (BODY ())",
    "* 3 FETCH (BODY (\"text\" \"plain\" () NIL NIL \"7bit\" 5 1))", "* 3 FETCH (BODY (\"text\" \"plain\" (\"a\") NIL NIL \"7bit\" 5 1))",
    "* 3 FETCH (BODY (\"text\" \"plain\" NIL NIL NIL NIL 5 1))", "* 3 FETCH (BODY (\"image\" \"png\" NIL NIL NIL \"base64\" 9 1))", f"* 3 FETCH (BODY ({TEXT} {TEXT} \"mixed\"))",
    "* 3 FETCH (BODY (\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 9))", "* 3 FETCH (BODY (text plain NIL NIL NIL \"7bit\" 5 1))", "* 3 FETCH (BODY (\"mixed\"))",
    "* 3 FETCH (BODY " + "(" * 300 + ")" * 300 + ")", "* LIST \"/\" INBOX", "* LIST () / INBOX", "* LIST () \"//\" INBOX", "* LIST () \"/\" Inbox", "* LIST () \"/\" a b",
    "* LIST () \"/\" \"\xe9\"", "* LIST () \"/\" {1}\r\n\xe9", "* LIST () \"/\" a&b", "* LIST () \"/\" &AGE-", "* LIST () \"/\" a*", "* LIST (\\Madeup) \"/\" x", "* LIST (Seen) \"/\" x",
    "* LIST (\\HasChildren \\HasNoChildren) \"/\" x", "* LIST (\\Junk \\Junk) \"/\" x", "* LIST () \"/\" x (CHILDINFO (SUBSCRIBED))", "* LIST () \"/\" x (OTHER (a))",
    "* STATUS x", "* STATUS x (MESSAGES)", "* STATUS x (MESSAGES 1 MESSAGES 1)", "* STATUS x (MADEUP 1)", "* STATUS x (UIDNEXT 0)", "* STATUS x (MAILBOXID F1)",
    "* SEARCH ", "* SEARCH 0", "* SEARCH 1 1", "* SEARCH 1:3", "* SEARCH 1,3", "* SEARCH (MODSEQ 5)", "* SEARCH 1 (MODSEQ 0)", "* SEARCH  1", "* THREAD ()", "* THREAD (1)(1)",
    "* THREAD (1 (2))", "* THREAD (1", "* THREAD 1", "* THREAD (1 (2)(3) 4)", "* THREAD (1) (2)", "* THREAD ((3))", "* THREAD ( 1)", "* THREAD (1 )",
    "* ESEARCH (TAG x", "* ESEARCH UID UID", "* ESEARCH MIN 0", "* ESEARCH ALL *", "* ESEARCH ALL 1:*", "* ESEARCH ALL", "* ESEARCH COUNT 3 ALL 1:2", "* ESEARCH COUNT 1 COUNT 1",
    "* ESEARCH (MAILBOX x) UID ALL 1", "* ESEARCH (TAG \"a\" TAG \"a\")", "* ESEARCH MIN 1 MAX 1 COUNT 0", "* ESEARCH PARTIAL 1:10 4", "* ESEARCH ADDTO 0 5", "* ESEARCH RELEVANCY (101)",
    "* VANISHED", "* VANISHED *", "* VANISHED 1:*", "* VANISHED (LATER) 1", "* VANISHED 1,", "* VANISHED 4294967296", "* NAMESPACE NIL NIL", "* NAMESPACE (\"\" \"/\") NIL NIL",
    "* NAMESPACE () NIL NIL", "* ID", "* ID (\"name\")", "* ID (name \"x\")", "* METADATA INBOX", "* METADATA INBOX ()", "* METADATA INBOX (/other/x \"y\")", "* METADATA INBOX (/private/a y)",
    "* METADATA INBOX (/private//a \"y\")", "* QUOTA \"\" STORAGE 1 2", "* QUOTA \"\" (STORAGE 1)", "* QUOTA \"\" (MADEUP 1 2)", "* QUOTAROOT", "* MYRIGHTS INBOX \"\xe9\"", "* MYRIGHTS INBOX LR",
    "* ACL INBOX ann", "a OK [APPENDUID 1 *] x", "a OK [APPENDUID 0 1] x", "a OK [COPYUID 1 1:2 1:3] x", "a OK [COPYUID 1 1:2] x", "a OK [UIDNEXT 0] x", "a OK [UIDNEXT] x",
    "a OK [MAILBOXID F1] x", "a OK [MODIFIED] x", "* OK [INPROGRESS (\"a\" 11 10)] x", "* OK [INPROGRESS (a 1 2)] x", "* BYE", "* OK x\ny", "* OK x\ry", "a OK x\r",
    "* LIST () \"/\" " + "x" * 500, "a" * 500 + " OK x",
]
# What each side says in turn, "C" and "S"; the last S of a bad one is what must be refused.
TALK_GOOD = [
    ["S * OK hi", "C a NOOP", "S * 3 EXISTS", "S a OK x", "C b LOGOUT", "S * BYE x", "S b OK x"],
    ["S * OK hi", "C a NOOP", "C b NOOP", "S a OK x", "S b OK x"],
    ["S * OK hi", "C a LOGIN {3}", "S + go", "C ann {3}", "S + go", "C xyz", "S a OK x"],
    ["S * OK hi", "C a LOGIN {9}", "S a NO x", "C b NOOP", "S b OK x"],
    ["S * OK hi", "C a APPEND x {0}", "S a NO x", "C b NOOP", "S b OK x"],
    ["S * OK hi", "C a AUTHENTICATE LOGIN", "S + VXNlcg==", "C YW5u", "S + ", "C eA==", "S a OK x", "C b IDLE", "S + idling", "S * 3 EXPUNGE", "C DONE", "S b OK x"],
    ["S * OK hi", "C a ENABLE QRESYNC", "S * ENABLED QRESYNC", "S a OK x", "C b EXPUNGE", "S * VANISHED 3", "S b OK x", "C c UNAUTHENTICATE", "S c OK x",
     "C d EXPUNGE", "S * 3 EXPUNGE", "S d OK x"],
    ["S * OK hi", "C a UID SEARCH 1:*", "S * 3 EXPUNGE", "S * ESEARCH (TAG \"a\") UID", "S a OK x"],
    ["S * OK hi", "C a ENABLE IMAP4rev2", "S * ENABLED IMAP4rev2", "S a OK x", "C b LIST \"\" *", "S * LIST () \"/\" \"é\"", "S b OK x"],
]
TALK_BAD = [
    ["S a OK hi"], ["S * 3 EXISTS"], ["S * OK hi", "S a OK x"], ["S * OK hi", "C a NOOP", "S b OK x"], ["S * OK hi", "C a NOOP", "S a OK x", "S a OK x"],
    ["S * OK hi", "C a NOOP", "C b NOOP", "S b OK x", "S a OK x"], ["S * OK hi", "S * BYE x", "S * 3 EXISTS"], ["S * OK hi", "C a NOOP", "S * BYE x", "S a OK x"],
    ["S * OK hi", "C a LOGOUT", "S a OK x"], ["S * OK hi", "C a LOGOUT", "S * BYE x", "S a OK x", "S * OK x"], ["S * OK hi", "S + go"], ["S * OK hi", "S * PREAUTH x"],
    ["S * OK hi", "C a AUTHENTICATE LOGIN", "S + not base64!"], ["S * OK hi", "C a FETCH 1 UID", "S * 3 EXPUNGE"], ["S * OK hi", "C a SORT (DATE) UTF-8 ALL", "S * 3 EXPUNGE"],
    ["S * OK hi", "S * VANISHED 3"], ["S * OK hi", "S * ENABLED QRESYNC", "S * 3 EXPUNGE"], ["S * OK hi", "S * ENABLED UIDONLY", "S * 3 FETCH (UID 4)"],
    ["S * OK hi", "S * 3 UIDFETCH (FLAGS ())"], ["S * OK hi", "S * ENABLED IMAP4rev2", "S * 1 RECENT"], ["S * OK hi", "S * ENABLED IMAP4rev2", "S * SEARCH 1"],
    ["S * OK hi", "C a SEARCH 1", "S * ESEARCH (TAG \"b\")"], ["S * OK hi", "C a NOOP", "S a OK [NONEXISTENT] x"], ["S * OK hi", "S * LIST () \"/\" \"é\""],
]


def play(lines, cut):
    """What came, in pieces of `cut` octets."""
    listener = Listener()
    for line in lines:
        octets = line[2:].encode("utf-8") + b"\r\n"
        for at in range(0, len(octets), cut):
            (listener.sent if line[0] == "C" else listener.heard)(octets[at:at + cut])
    listener.closed()


def refused(what):
    try:
        what()
    except Grammar:
        return True
    return False


def main():
    faults = []
    for line in GOOD + UTF8:
        try:
            parse((line + "\r\n").encode("utf-8" if line in UTF8 else "latin-1"), line in UTF8)
        except Grammar as e:
            faults.append("refused: %r: %s" % (line, e))
    for line in BAD + UTF8[:2]:
        if not refused(lambda: parse((line + "\r\n").encode("utf-8" if line in UTF8 else "latin-1"))):
            faults.append("taken: %r" % line)
    for line in GOOD:  # no octet of a response is idle: without its CRLF, or with more behind, it is another
        octets = line.encode("latin-1")
        for changed in (octets, octets + b"\n", octets + b"\r", octets + b"\r\n\r\n", b" " + octets + b"\r\n"):
            if not refused(lambda: parse(changed)):
                faults.append("taken: %r" % changed)
    for cut in (1, 3, 1000):
        for talk in TALK_GOOD:
            try:
                play(talk, cut)
            except Grammar as e:
                faults.append("refused in pieces of %d: %r: %s" % (cut, talk, e))
        for talk in TALK_BAD:
            if refused(lambda: play(talk[:-1], cut)) or not refused(lambda: play(talk, cut)):
                faults.append("taken in pieces of %d, or refused too early: %r" % (cut, talk))
    chance = random.Random(7)
    for n in range(3000):  # whatever comes: read, refused, or waited for; nothing else
        octets = bytearray((chance.choice(GOOD) + "\r\n").encode("latin-1"))
        for _ in range(chance.randrange(1, 4)):
            octets[chance.randrange(len(octets))] = chance.choice(b"\0\r\n\"\\(){}[]<>~ *%09AaNz\x7f\xe9")
        refused(lambda: parse(octets))
    for name, good in ((b"a&b", False), (b"&-", True), (b"&AOk-", True), (b"&AOk", False), (b"&AGE-", False), (b"&AOkA6Q-", True), (b"&AOk-&AOk-", False), (b"\xe9", False),
                       (b"&2D3eCg-", True), (b"&2D0-", False), (b"&A-", False), (b"&AOl-", False), (b"\x07", False)):
        if is_mutf7(name) != good:
            faults.append("mUTF-7: %r" % name)
    for fault in faults:
        print("not ok: " + fault[:600])
    print("%d good, %d bad, %d talks; %d faults" % (len(GOOD + UTF8), len(BAD), len(TALK_GOOD + TALK_BAD), len(faults)))
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
