#!/usr/bin/python3
"""Do the laws of the protocol hold whatever the client has enabled? imap_law.py SERVER FOLDER [NAME...]

Every command of every dialogue of the folder once more in each mode: IMAP4rev2, and all that takes message numbers away. What a dialogue expects of untagged
responses was written for RFC 3501 and is not looked at here; that each command has its one tagged answer, of the kind the dialogue says, and that
every octet is allowed in that mode (support/imap_listener.py) is. The few answers that differ are listed with their reason; one that no longer
differs is a fault too."""
import glob, os, re, sys, tempfile

import imap as dialog
from under_test import Fault, each, free_ports, run

MODES = {"rev2": "IMAP4rev2", "uidonly": "QRESYNC UTF8=ACCEPT UIDONLY"}
NAMES = "the names made before the dialogue's own ENABLE were UTF-8 from the beginning here, not modified UTF-7 (RFC 9051 5.1)"
# (mode, dialogue, tag) whose kind of answer is another one there
DIFFERENT = {("rev2", "notify-names", "l"): NAMES, ("rev2", "rfc-corners", "i3"): NAMES, ("rev2", "rfc-corners", "i9"): NAMES, ("rev2", "utf8", "f"): NAMES, ("rev2", "utf8", "i"): NAMES}


class Lawful(dialog.Player):
    def __init__(self, ports, user, folder, mode, name, different):
        super().__init__(ports, user, folder)
        self.mode, self.name, self.different = mode, name, different

    def login(self, name, user):
        super().login(name, user)
        self.clients[name].send(b"law ENABLE %s\r\n" % MODES[self.mode].encode())
        self.clients[name].tagged("law", "OK")

    def until(self, c, wanted):
        while True:
            line = c.response()
            if wanted(line):
                return line

    def step(self, verb, name, rest):
        c = self.clients.get(name)
        if verb[0] in "LN" and verb != "login" or verb == "silent":
            return
        if c is not None and c.gone and verb not in ("login", "connect", "close"):
            return
        try:
            if verb == "T" or verb[0] == "S" and re.match(r"[A-Za-z0-9]+ (OK|NO|BAD)", rest):
                tag, kind = rest.split(" ")[:2]
                if c.early == tag:
                    return
                got = self.until(c, lambda line: line.startswith(tag + " "))
                if got.split(" ")[1] != kind and self.mode != "uidonly":  # there numbers of messages are refused
                    self.different[self.mode, self.name, tag] = got
            elif verb[0] == "S":
                if rest.startswith("+"):
                    line = self.until(c, lambda line: not line.startswith("* "))
                    c.early = line.split(" ")[0]  # it may be refused at once
            elif verb == "eof":
                self.until(c, lambda line: False)
            else:
                super().step(verb, name, rest)
        except Fault as e:
            if not str(e).startswith("closed"):
                raise
            c.gone = True


def main():
    server, folder, names = sys.argv[1], sys.argv[2], sys.argv[3:]
    paths = [p for p in sorted(glob.glob(os.path.join(folder, "*.txt"))) if not names or os.path.basename(p)[:-4] in names]
    plays = [(mode, path) for mode in MODES for path in paths]
    dirname, different = tempfile.mkdtemp(prefix="dialog-imap-"), {}
    numbers = free_ports(2)
    ports = dict(zip(("imap", "imaps"), numbers))

    def play_one(n, play):
        mode, path = play
        user = "u%03d" % n
        try:
            Lawful(ports, user, os.path.join(dirname, "mail", user), mode, os.path.basename(path)[:-4], different).play(path)
        except Fault as e:
            raise Fault("%s: %s" % (mode, e)) from None

    def play(process, faults):
        each(process, faults, plays, play_one)
        if not names:
            faults.extend("%s: %s: another answer: %s" % (*key[:2], different[key]) for key in different if key not in DIFFERENT)
            faults.extend("no longer different: %s %s %s" % key for key in DIFFERENT if key not in different)

    config = dialog.CONFIG % {"dir": dirname} + "".join(dialog.ACCOUNT % {"n": n} + dialog.extra(p) for n, (_, p) in enumerate(plays))
    sys.exit(run(server, dirname, config, numbers, play))


if __name__ == "__main__":
    main()
