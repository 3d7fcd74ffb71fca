"""Words that have no place in the tree: notes to oneself, and paths of one machine."""
import os
import re

import common

# Put together here so that this file does not name them.
WORDS = [r'\b(?:' + '|'.join(['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X', 'HA' + 'CK']) + r')\b',
         r'(?<![\w.-])/' + r'(?:work|home/\w+|root)/']
FOUND = re.compile('|'.join(WORDS))
SKIP_EXT = ('.png', '.jpg', '.gz', '.der', '.pem', '.sqlite')


def main():
    faults, n = [], 0
    for path in common.files('.', ext=()):
        if path.endswith(SKIP_EXT) or os.path.islink(os.path.join(common.ROOT, path)):
            continue
        n += 1
        content = common.text(path)
        for m in FOUND.finditer(content):
            faults.append(f'{path}:{common.line_of(content, m.start())}: "{m.group(0)}"')
    common.end(faults, n)


main()
