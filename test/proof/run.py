"""The long proofs: what takes more than half a minute or asserts a time. Usage: run.py BUILD RELEASE [NAME...] [--minutes N]; ends with
"N passed, N failed". --minutes is for those that go on as long as one likes.
BUILD holds the binary with sanitizers and test hooks, RELEASE the one that is shipped."""
import os, sys, time, traceback

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(TOP, "test/support"))
CYCLES = int(os.environ.get("PENNYPOST_CYCLES", "500"))
ERA = 50  # cycles on one data folder


def kill_loop(binary, cycles):
    """CATALOGUE 3.3 and G-02; each fifty cycles with data of their own, since all of it is compared after each."""
    import crash
    total = {}
    begin = time.time_ns()
    for n, first in enumerate(range(0, cycles, ERA)):
        rig = crash.run(binary, min(ERA, cycles - first), seed=begin + n, say=lambda text: print("  " + text, flush=True))
        for name, value in (("cycles", min(ERA, cycles - first)), ("kills", rig.kills), ("acks", rig.ledger.acks), ("sent twice", rig.repeated),
                            *((kind, len(rig.faults.get(kind, ()))) for kind in crash.KINDS)):
            total[name] = total.get(name, 0) + value
        total["slowest restart, ms"] = max(total.get("slowest restart, ms", 0), round(rig.slowest * 1000))
        assert not any(rig.faults.values()), f"seed {begin + n}: {dict(rig.faults)}"
    print("  " + ", ".join(f"{k} {v}" for k, v in total.items()), flush=True)


def proof_crash(build, release):
    """500 kill -9 under mixed load, the binary that is shipped."""
    kill_loop(os.path.join(release, "pennypost"), CYCLES)


def proof_crash_sanitized(build, release):
    """The same with sanitizers, a fifth as often: what breaks while it recovers is seen at once."""
    kill_loop(os.path.join(build, "src/pennypost"), max(1, CYCLES // 5))


def proof_restart(build, release):
    """kill -9 to ready in 2 s with 100,000 messages and 10,000 queued (G-16); the index of 100,000 made anew in 30 s with the same UIDs (G-17)."""
    import restart
    restart.measure(os.path.join(release, "pennypost"), int(os.environ.get("PENNYPOST_MESSAGES", "100000")), int(os.environ.get("PENNYPOST_QUEUED", "10000")))


def proof_learning(build, release):
    """10,000 random acts of an owner equal training from scratch, exactly."""
    import learning, mail
    from server import Server
    seed, acts = time.time_ns() % 1000000, int(os.environ.get("PENNYPOST_ACTS", "10000"))
    mails = mail.deduplicated(mail.own(400, seed))
    owner, known, again, fresh = learning.reversal(
        lambda: Server(binary=os.path.join(release, "pennypost"), extra=learning.SETTINGS), mails, acts, seed, 8)
    for name, other in (("training from scratch", fresh), ("the lessons counted again", again)):
        different = learning.difference(known, other)
        assert different is None, f"seed {seed}: not equal to {name}: {different}"
    print(f"  seed {seed}: {owner.acts} acts ({dict(owner.kinds)}) on {len(mails)} messages; {len(owner.taught)} lessons stand; "
          f"{len(known['features'])} counts equal", flush=True)


def proof_timing(build, release):
    """Names that exist and names that do not take the same time, within 5 % of the median (G-23)."""
    import attacks_timing
    attacks_timing.measure(os.path.join(release, "pennypost"))


def proof_sessions(build, release):
    """Twelve sessions of one folder at random, of every kind, and another program on its Maildir: nobody is told what is not so (IMP-14, IMP-19)."""
    import mail, sessions, threading
    from server import Server
    seed, minutes = int(os.environ.get("PENNYPOST_SEED", time.time_ns() % (1 << 30))), float(os.environ.get("PENNYPOST_MINUTES", "10"))
    with Server(binary=os.path.join(build, "src/pennypost"), extra=sessions.ROOMY) as server:
        mail.pump(server, mail.own(40), connections=2)
        end = time.monotonic() + 60 * minutes
        door = threading.Thread(target=lambda: mail.pump(server, mail.own(500, 9), connections=1))
        them, truth, done = sessions.play(server, seed, 12, lambda number: time.monotonic() > end, [door], 0.2)
        count = sessions.agree(server, seed, them, truth)
        print(f"  seed {seed}, {minutes:g} minutes: {sum(done.values())} acts of 12 sessions "
              f"({', '.join(f'{k} {v}' for k, v in sorted(done.items()))}); {len(truth.seen)} messages came, {len(truth.gone)} went, "
              f"{count} in the end; {sum(map(len, truth.flags.values()))} states told; no contradiction", flush=True)


def proof_judging(build, release):
    """Every kind of sender gets exactly what is his, in network namespaces; four ways of a dark DNS refuse nobody (DNS-01)."""
    import judging
    judging.run(os.path.join(release, "pennypost"), lambda text: print("  " + text, flush=True))


def proof_clients(build, release):
    """Thunderbird on a virtual screen and Roundcube behind PHP: listed, read, moved to Junk and learned, searched."""
    import roundcube, thunderbird
    for name, what in (("Roundcube", roundcube), ("Thunderbird", thunderbird)):
        print(f"  {name}", flush=True)
        what.check(os.path.join(release, "pennypost"), lambda text: print("  " + text, flush=True))


def proof_dovecot(build, release):
    """Thousands of commands, the same of us and of Debian's Dovecot; every difference is in a list (test/support/differ.py) or fails."""
    import commands, differ, dovecot
    if dovecot.missing():
        print(f"  skipped: {dovecot.missing()}")
        return
    first = int(os.environ.get("PENNYPOST_SEED", time.time_ns() % (1 << 30)))
    for seed in (20, 21, first, first + 1):
        left, told = commands.play(differ.generated(), "generated", seed, leaves=300, programs=600, fetches=1000, steps=300, lists=300)
        print(f"  seed {seed}: {told}", flush=True)
        assert not left, f"seed {seed}\n" + "\n".join(left[:20])


def main():
    build, release = (os.path.abspath(p) for p in sys.argv[1:3])
    os.environ.update(PENNYPOST=os.path.join(build, "src/pennypost"), PENNYPOST_RELEASE=os.path.join(release, "pennypost"))
    proofs = {name[6:].replace("_", "-"): what for name, what in globals().items() if name.startswith("proof_")}
    wanted = sys.argv[3:]
    if "--minutes" in wanted:
        at = wanted.index("--minutes")
        os.environ["PENNYPOST_MINUTES"] = wanted[at + 1]
        del wanted[at:at + 2]
    wanted = wanted or list(proofs)
    unknown = [name for name in wanted if name not in proofs]
    if unknown:
        sys.exit(f"there is no proof {unknown[0]}; there are: {' '.join(proofs)}")
    failed = 0
    for name in wanted:
        print(f"{name}: {proofs[name].__doc__}", flush=True)
        begin = time.monotonic()
        try:
            proofs[name](build, release)
            print(f"{name}: passed in {time.monotonic() - begin:.0f} s", flush=True)
        except Exception:
            failed += 1
            traceback.print_exc()
            print(f"{name}: FAILED after {time.monotonic() - begin:.0f} s", flush=True)
    print(f"{len(wanted) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
