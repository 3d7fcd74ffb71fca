"""toml_suite.py DECODER SUITE: runs the public toml-test cases of TOML 1.0.0 through toml_decode. A valid file must
decode to its tagged JSON, an invalid one must be refused with a line number. Skipped (77) without the suite."""
import json
import os
import re
import subprocess
import sys

# Valid TOML that is refused on purpose: a string holds no U+0000 here.
REFUSED_ON_PURPOSE = {'valid/key/quoted-unicode.toml', 'valid/string/quoted-unicode.toml',
                      'valid/string/unicode-escape.toml'}


def plain(value):
    """The tagged form with numbers and dates in one spelling."""
    if isinstance(value, list):
        return [plain(v) for v in value]
    if not (isinstance(value, dict) and set(value) == {'type', 'value'} and isinstance(value['type'], str)):
        return {k: plain(v) for k, v in value.items()}
    kind, text = value['type'], value['value']
    if kind == 'float':
        return kind, repr(float(text)) if 'nan' not in text else 'nan'
    if kind.startswith(('date', 'time')):
        text = re.sub(r'(\.\d*?)0+(?=\D|$)', r'\1', text.upper().replace(' ', 'T'))
        return 'datetime', re.sub(r'\.(?=\D|$)', '', text)
    return kind, text


def main():
    decoder, suite = sys.argv[1:]
    listing = os.path.join(suite, 'files-toml-1.0.0')
    if not os.path.exists(listing):
        print('skipped: no toml-test suite beside the project')
        return 77
    with open(listing, encoding='utf-8') as f:
        names = [n for n in f.read().split() if n.endswith('.toml')]
    paths = ''.join(os.path.join(suite, n) + '\n' for n in names)
    run = subprocess.run([decoder], input=paths.encode(), stdout=subprocess.PIPE, check=True)
    answers = run.stdout.decode('utf-8').splitlines()
    if len(answers) != len(names):
        print(f'{len(names)} files asked, {len(answers)} answered')
        return 1
    failed = on_purpose = 0
    for name, line in zip(names, answers):
        answer, fault = json.loads(line), None
        if name.startswith('invalid/'):
            if 'error' not in answer:
                fault = 'accepted: ' + line[:200]
            elif not re.match(r'line [1-9]\d*: .', answer['error']):
                fault = 'no line number: ' + answer['error']
        elif name in REFUSED_ON_PURPOSE:
            on_purpose += 1
            if 'U+0000' not in answer.get('error', ''):
                fault = 'should be refused for U+0000'
        elif 'error' in answer:
            fault = 'refused: ' + answer['error']
        else:
            with open(os.path.join(suite, name[:-5] + '.json'), encoding='utf-8') as f:
                want = plain(json.load(f))
            if plain(answer['value']) != want:
                fault = f'decoded to {line[:300]}'
        if fault:
            failed += 1
            print(f'{name}: {fault}')
    print(f'{len(names)} files, {failed} wrong, {on_purpose} refused on purpose')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
