"""arc_suite.py DRIVER SUITE: the public ARC validation suite. Skipped (77) without it. A case without an expected state must not pass."""
import sys

import messages
import scenarios


def main():
    driver, path = sys.argv[1:]
    if (found := scenarios.load(path, 'ARC')) is None:
        return scenarios.SKIPPED
    total = wrong = 0
    for scenario in found:
        names = list(scenario['tests'])
        given = [messages.crlf(scenario['tests'][n]['message'].encode('utf-8')) for n in names]
        for name, (_, arc) in zip(names, messages.check(driver, messages.txt_zone(scenario['txt-records']), given)):
            want = (scenario['tests'][name]['cv'] or 'Fail').lower()
            total += 1
            if arc[0] != want:
                wrong += 1
                print(f'{scenario["description"]}: {name}: {arc}, expected {want}')
    print(f'{total} cases, {wrong} wrong')
    return 1 if wrong or total < 171 else 0


sys.exit(main())
