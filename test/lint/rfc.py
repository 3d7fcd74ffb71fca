"""Citations have one form, "RFC 5321 4.5.2", so that an index of them can be made: no "RFC5321", no "section 4.5.2" behind it."""
import re

import common

BAD = [
    (re.compile(r'\bRFC[-#]?\d'), 'write "RFC 5321", with a blank'),
    (re.compile(r'\brfc \d{3,4}\b'), 'write "RFC" in capitals'),
    (re.compile(r'\bRFC \d+,? ?(?:section|sect\.|sec\.|§)', re.I), 'write the section directly behind the number: RFC 5321 4.5.2'),
    (re.compile(r'§ ?\d'), 'write RFC 5321 4.5.2'),
]


def main():
    faults, n = [], 0
    for path in common.files('src'):
        n += 1
        source = common.text(path)
        # Names in file formats and on the wire, such as "message/rfc822", are strings.
        for pattern, why in BAD:
            for m in pattern.finditer(source):
                if m.group(0).startswith('RFC822') or m.group(0) == 'RFC8':
                    continue
                faults.append(f'{path}:{common.line_of(source, m.start())}: "{m.group(0)}": {why}')
    common.end(faults, n)


main()
