"""Every unit test, fuzz target and source file is named in the meson.build that builds it."""
import os
import re

import common


def main():
    faults, n = [], 0
    for path in common.files('test/unit', 'fuzz', 'src', ext=('.c',)):
        n += 1
        folder, name = os.path.split(path)
        build = os.path.join(folder, 'meson.build')
        if not os.path.exists(os.path.join(common.ROOT, build)):
            build = os.path.join(os.path.dirname(folder), 'meson.build')
        names = re.findall(r"'([^']*)'", common.text(build))
        stem = re.sub(r'^(test|fuzz)_|[.]c$', '', name)
        if name not in names and stem not in names and os.path.relpath(path, os.path.dirname(build)) not in names:
            faults.append(f'{path}: not in {build}')
        if name.startswith('fuzz_') and not os.path.isdir(os.path.join(common.ROOT, 'fuzz/corpus', stem)):
            faults.append(f'{path}: has no corpus in fuzz/corpus/{stem}')
    common.end(faults, n)


main()
