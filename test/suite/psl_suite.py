"""psl_suite.py DRIVER SUITE: the vectors of the Public Suffix List. Names are compared as A-labels. Skipped (77) without them."""
import os
import subprocess
import sys


def a_label(name):
    return name if name == 'null' or name.isascii() else name.encode('idna').decode()


def main():
    driver, suite = sys.argv[1:]
    tests = os.path.join(suite, 'tests.txt')
    if not os.path.exists(tests):
        print('skipped: no vectors of the Public Suffix List beside the project')
        return 77
    with open(tests, encoding='utf-8') as f:
        rows = [line.split() for line in f if line.strip() and not line.startswith('//')]
    rows = [(given, want) for given, want in rows]
    names = ''.join(('' if given == 'null' else given) + '\n' for given, _ in rows)
    out = subprocess.run([driver, os.path.join(suite, 'public_suffix_list.dat')], input=names.encode(), stdout=subprocess.PIPE, check=True)
    wrong = 0
    for (given, want), answer in zip(rows, out.stdout.decode().split('\n')):
        if a_label(want.lower()) != answer:
            wrong += 1
            print(f'{given}: {answer}, expected {want}')
    print(f'{len(rows)} names, {wrong} wrong')
    return 1 if wrong or len(rows) < 78 else 0


sys.exit(main())
