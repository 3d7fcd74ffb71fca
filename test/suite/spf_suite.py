"""spf_suite.py DRIVER SUITE: the public test suite of RFC 7208, over a name server that serves its tables. Skipped (77) without it."""
import sys

import lying
import scenarios


def main():
    driver, path = sys.argv[1:]
    if (found := scenarios.load(path, 'SPF')) is None:
        return scenarios.SKIPPED
    total = wrong = 0
    for scenario in found:
        names, lines = list(scenario['tests']), []
        for name in names:
            test = scenario['tests'][name]
            local, _, domain = (test.get('mailfrom') or '').rpartition('@')
            lines.append('\t'.join((test['host'], test.get('helo') or '', local, domain)))
        answers = lying.ask(scenario['zonedata'], driver, ('\n'.join(lines) + '\n').encode()).decode('latin1').split('\n')
        for name, answer in zip(names, answers):
            test = scenario['tests'][name]
            result, explanation = (answer.split('\t') + [''])[:2]
            want = test['result'] if isinstance(test['result'], list) else [test['result']]
            want_text = test.get('explanation')
            total += 1
            if result not in want or (want_text is not None and explanation != ('' if want_text == 'DEFAULT' else want_text)):
                wrong += 1
                print(f'{scenario["description"]}: {name}: {answer!r}, expected {want} {want_text!r}')
    print(f'{total} cases, {wrong} wrong')
    return 1 if wrong or total < 200 else 0


sys.exit(main())
