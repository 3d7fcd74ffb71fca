"""arc_suite.py DRIVER SUITE: the public ARC validation suite. Skipped (77) without it. A case without an expected state must not pass."""
import os
import sys

try:
    import yaml
except ImportError:
    yaml = None

import messages


def main():
    driver, path = sys.argv[1:]
    if yaml is None or not os.path.exists(path):
        print('skipped: no ARC suite beside the project, or no python3-yaml')
        return 77
    with open(path, encoding='utf-8') as f:
        scenarios = list(yaml.safe_load_all(f))
    total = wrong = 0
    for scenario in scenarios:
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
