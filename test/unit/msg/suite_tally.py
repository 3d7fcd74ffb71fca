"""What drivers of others' vectors share: the dump program kept running, and the tally of answers.

Every difference fails unless an argued deviation covers it; a deviation that covers nothing fails too.
"""
import pathlib
import os
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[3]
SUITES = pathlib.Path(os.environ.get("PENNYPOST_SUITES", ROOT / "../shared/suites"))


def text_of(v):
    return v["latin1"].encode("latin-1") if isinstance(v, dict) else v.encode()


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


def around(s, other):
    """All of what is short; of a long text what stands where it begins to differ."""
    if len(repr(s)) < 400 or not isinstance(s, (str, bytes)) or not isinstance(other, type(s)):
        return s
    at = next((i for i, (a, b) in enumerate(zip(s, other)) if a != b), min(len(s), len(other)))
    return s[max(0, at - 40):at + 80]


class Tally:
    def __init__(self, deviations):
        self.deviations = deviations  # (suite, which cases, why we mean to differ)
        self.used = set()
        self.lines = {}

    def deviation(self, suite, case):
        for i, (of, which, _) in enumerate(self.deviations):
            if of == suite and which(case):
                return i
        return None

    def check(self, suite, case, got, want):
        case = str(case)
        same, failed, deviating = self.lines.get(suite, (0, 0, 0))
        if got == want:
            same += 1
        elif self.deviation(suite, case) is not None:
            self.used.add(self.deviation(suite, case))
            deviating += 1
        else:
            failed += 1
            print(f"{suite}: {case!r}\n  got  {around(got, want)!r}\n  want {around(want, got)!r}")
        self.lines[suite] = (same, failed, deviating)

    def end(self):
        unused = [d[2] for i, d in enumerate(self.deviations) if i not in self.used]
        for reason in unused:
            print("deviation that is none any more:", reason)
        for suite, (same, failed, deviating) in self.lines.items():
            print(f"{suite}: {same} as expected, {deviating} deviations, {failed} failed")
        return 1 if unused or any(f for _, f, _ in self.lines.values()) else 0
