"""No file of src/ over 600 lines; those over 400 are told."""
import common

MOST, MANY = 600, 400


def main():
    faults, n = [], 0
    for path in common.files('src'):
        n += 1
        lines = common.text(path).split('\n')
        if len(lines) - 1 > MOST:
            faults.append(f'{path}: {len(lines) - 1} lines, {MOST} at most: split it by question')
        elif len(lines) - 1 > MANY:
            print(f'note: {path}: {len(lines) - 1} lines')
    common.end(faults, n)


main()
