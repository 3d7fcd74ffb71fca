"""One door per library: which header of a library may be included where."""
import re

import common

ONE_FOLDER = [
    (r'uv\.h', 'core'), (r'uv/.*', 'core'), (r'openssl/ssl\.h', 'core'), (r'unbound\.h', 'core'),
    (r'curl/.*', 'core'), (r'seccomp\.h', 'core'), (r'sqlite3\.h', 'store'),
]
ONE_FILE = ['jansson.h', 'iconv.h', 'pcre2.h', 'utf8proc.h', 'idn2.h', 'libpsl.h', 'zlib.h', 'unbound.h', 'sasl.h']


def main():
    faults, n, users = [], 0, {}
    for path in common.files('src'):
        n += 1
        folder = path.split('/')[1]
        source = common.without_comments(common.text(path))
        for m in re.finditer(r'^[ \t]*#[ \t]*include[ \t]*<([^>]+)>', source, re.M):
            header = m.group(1)
            for pattern, home in ONE_FOLDER:
                if re.fullmatch(pattern, header) and folder != home:
                    faults.append(f'{path}:{common.line_of(source, m.start())}: <{header}> belongs to src/{home} alone')
            if header in ONE_FILE:
                users.setdefault(header, []).append(path)
    for header, paths in sorted(users.items()):
        if len(paths) > 1:
            faults.append(f'<{header}> is included by {len(paths)} files, one may: {" ".join(paths)}')
    common.end(faults, n)


main()
