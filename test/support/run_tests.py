"""Runs everything and ends with "N passed, N failed": meson's units, lints and fuzz replays, then the end-to-end tests with pytest.
Usage: run_tests.py BUILD RELEASE [PYTEST ARGUMENT...]   (with arguments only the end-to-end tests they name run)"""
import json, os, subprocess, sys, time
import xml.etree.ElementTree as tree

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def meson(build):
    log = os.path.join(build, "meson-logs/testlog.json")
    if os.path.exists(log):
        os.unlink(log)
    subprocess.run(["meson", "test", "-C", build, "--no-rebuild", "--print-errorlogs", "--num-processes", str(os.cpu_count())])
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    if not os.path.exists(log):
        return {"passed": 0, "failed": 1, "skipped": 0}
    with open(log) as f:
        for line in f:
            result = json.loads(line)["result"]
            counts["passed" if result in ("OK", "EXPECTEDFAIL") else "skipped" if result == "SKIP" else "failed"] += 1
    return counts


def pytest(build, release, arguments):
    report = os.path.join(build, "e2e.xml")
    if os.path.exists(report):
        os.unlink(report)
    env = dict(os.environ, PENNYPOST=os.path.join(build, "src/pennypost"), PENNYPOST_RELEASE=os.path.join(release, "pennypost"),
               PYTHONPATH=os.path.join(TOP, "test/support"), PYTHONDONTWRITEBYTECODE="1", ASAN_OPTIONS="detect_leaks=1:abort_on_error=0",
               UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-rs", "--durations=10", f"--junit-xml={report}"]
    subprocess.run(command + (arguments or ["test/e2e"]), cwd=TOP, env=env)
    if not os.path.exists(report):
        return {"passed": 0, "failed": 1, "skipped": 0}
    suite = next(tree.parse(report).getroot().iter("testsuite"))
    total, bad = int(suite.get("tests")), int(suite.get("failures")) + int(suite.get("errors"))
    skipped = int(suite.get("skipped"))
    return {"passed": total - bad - skipped, "failed": bad, "skipped": skipped}


def main():
    build, release = (os.path.abspath(p) for p in sys.argv[1:3])
    arguments = sys.argv[3:]
    os.environ.setdefault("PENNYPOST_SUITES", os.path.join(TOP, "../shared/suites"))
    if not os.path.isdir(os.environ["PENNYPOST_SUITES"]):
        print("the public suites are not beside this tree: tests that need them are skipped and say so", flush=True)
    start = time.monotonic()
    counts = [] if arguments else [meson(build)]
    counts.append(pytest(build, release, arguments))
    total = {k: sum(c[k] for c in counts) for k in ("passed", "failed", "skipped")}
    print(f"all of it took {time.monotonic() - start:.0f} s; {total['skipped']} skipped")
    print(f"{total['passed']} passed, {total['failed']} failed", flush=True)
    return 1 if total["failed"] or not total["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
