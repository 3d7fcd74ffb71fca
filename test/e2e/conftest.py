"""What a passing test printed is a figure worth reading: it is shown at the end, under the test's name."""
LINES = 20


def pytest_terminal_summary(terminalreporter):
    told = [r for r in terminalreporter.stats.get("passed", []) if r.when == "call" and r.capstdout.strip()]
    if told:
        terminalreporter.section("figures")
    for report in told:
        terminalreporter.write_line(report.nodeid.split("::")[-1].replace("_", " ") + ":")
        for line in report.capstdout.strip().splitlines()[:LINES]:
            terminalreporter.write_line("    " + line.strip()[:240])
