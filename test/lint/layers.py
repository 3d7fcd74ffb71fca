"""Who may include whom: the layers of the house, checked at every #include of ours."""
import re

import common

ALLOWED = {
    'core': 'core',
    'msg': 'msg core',
    'dkim': 'dkim msg core',
    'store': 'store msg core',
    'spam': 'spam dkim store msg core',
    'smtp': 'smtp spam dkim store msg core',
    'imap': 'imap store msg core',
    'admin': 'admin spam dkim store msg core',
    'serve': 'serve core msg dkim store spam smtp imap admin',
    'main.c': 'serve core msg dkim store spam smtp imap admin',
}


def main():
    faults, n = [], 0
    for path in common.files('src'):
        n += 1
        folder = path.split('/')[1]
        allowed = ALLOWED.get(folder)
        source = common.without_comments(common.text(path))
        if allowed is None:
            faults.append(f'{path}: folder {folder} is no layer')
            continue
        for m in re.finditer(r'^[ \t]*#[ \t]*include[ \t]*"([^"]+)"', source, re.M):
            where = f'{path}:{common.line_of(source, m.start())}'
            target = m.group(1)
            other = target.split('/')[0]
            if '/' not in target or '..' in target:
                faults.append(f'{where}: write "folder/{target}"')
            elif other not in allowed.split():
                faults.append(f'{where}: {folder} may not include {target}')
            elif target.endswith('_int.h') and other != folder:
                faults.append(f'{where}: {target} is for {other}/ alone')
            elif target.endswith('.c'):
                faults.append(f'{where}: {target} is no header')
    common.end(faults, n)


main()
