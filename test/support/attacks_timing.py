"""Can a stranger tell by the clock who lives here? Medians of replies for names that exist and names that do not, shuffled
(SIN-17, SUB-05), and how long an owner waits while others guess (SUB-07). For test/proof; no test asserts a time."""
import base64, random, statistics, time

from server import Server, trusting

import smtplib

WIDE = '[limits]\nconn_per_source = 400\nconn_guests = 400\nconn_rate = 100000\njunk = 1000\nfree = "16 MiB"\n'


def compare(name, ask, known, unknown, count):
    """Medians in microseconds of ask(known()) and ask(unknown()), in random order, and their difference in percent."""
    took = {"known": [], "unknown": []}
    turns = ["known", "unknown"] * count
    random.shuffle(turns)
    for turn in turns:
        what = known() if turn == "known" else unknown()
        begin = time.perf_counter()
        ask(what)
        took[turn].append(time.perf_counter() - begin)
    a, b = (statistics.median(took[k]) * 1e6 for k in ("known", "unknown"))
    difference = abs(a - b) / max(a, b) * 100
    print(f"  {name}: known {a:.0f} us, unknown {b:.0f} us, {difference:.1f} % apart, n = {count} each", flush=True)
    return difference


def measure(binary, count=500):
    found = {}
    with Server(binary=binary, extra=WIDE) as server:
        with server.smtp() as client:
            client.ehlo()
            found["VRFY"] = compare("VRFY", lambda w: client.docmd("VRFY", w), lambda: "ann@local.example", lambda: "nob@local.example", count)
        sources = iter(range(1, 60000))

        def attempt(name):
            """A source of its own for each guess, else what is measured is the delay that guessing earns."""
            n = next(sources)
            with smtplib.SMTP_SSL(server.address, server.port("submissions"), local_hostname="client.example", timeout=60, context=trusting(),
                                  source_address=(f"127.1.{n >> 8}.{n & 255}", 0)) as client:
                client.ehlo()
                blob = base64.b64encode(f"\0{name}\0not the password".encode()).decode()
                begin = time.perf_counter()
                answer = client.docmd("AUTH PLAIN", blob)
                took = time.perf_counter() - begin
            return took, answer

        took, answers = {"ann": [], "nob": []}, set()
        turns = ["ann", "nob"] * count
        random.shuffle(turns)
        for turn in turns:
            seconds, answer = attempt(f"{turn}@local.example")
            took[turn].append(seconds)
            answers.add(answer)
        a, b = (statistics.median(took[k]) * 1e6 for k in ("ann", "nob"))
        found["AUTH"] = abs(a - b) / max(a, b) * 100
        print(f"  AUTH: known {a:.0f} us, unknown {b:.0f} us, {found['AUTH']:.1f} % apart, n = {count} each", flush=True)
        assert len(answers) == 1, answers
    assert all(v < 5 for v in found.values()), found
    return found
