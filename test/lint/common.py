"""What the lints share: which files there are, C without its comments and strings, and the verdict."""
import os
import re
import sys

ROOT = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else '.')
SKIP = {'.git', 'build', 'trial', '__pycache__', 'corpus', '.cache'}


def files(*folders, ext=('.c', '.h')):
    """Paths below the folders of the project, relative to it."""
    for folder in folders:
        for where, dirs, names in os.walk(os.path.join(ROOT, folder)):
            dirs[:] = sorted(d for d in dirs if d not in SKIP)
            for name in sorted(set(names) - SKIP):  # .git is a file in a working tree of its own
                if not ext or name.endswith(ext):
                    yield os.path.relpath(os.path.join(where, name), ROOT)


def text(path):
    with open(os.path.join(ROOT, path), encoding='utf-8', errors='replace') as f:
        return f.read()


def without_comments(source, strings=True):
    """Comments (and, unless strings is true, strings too) as blanks; line numbers stay."""
    def blank(m):
        if m.group(0)[0] in '"\'' and strings:
            return m.group(0)
        return re.sub(r'[^\n]', ' ', m.group(0))
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, source, flags=re.S)


def line_of(source, at):
    return source.count('\n', 0, at) + 1


def end(faults, looked_at):
    for fault in faults:
        print(fault)
    print(f'{looked_at} files, {len(faults)} faults')
    sys.exit(1 if faults else 0)
