"""Functions that have no place in src/: no length, no way to fail, a shell, a stack that a peer sizes, a look-up that blocks."""
import re

import common

BANNED = {
    'strcpy strcat stpcpy sprintf vsprintf gets': 'has no length',
    'strtok strtok_r': 'changes its input',
    'atoi atol atoll atof': 'cannot fail: slice_u64 or take_u64',
    'alloca': 'a peer may size the stack',
    'system popen': 'runs a shell',
    'execl execlp execle execv execvp execvpe execve fexecve posix_spawn posix_spawnp': 'runs another program',
    'dlopen': 'loads code',
    'getaddrinfo gethostbyname gethostbyaddr getnameinfo': 'blocks: core/dns.h',
    'mktemp tmpnam tempnam': 'races',
    'rand random srand srandom drand48': 'can be guessed: core/secret.h',
    'setjmp longjmp': 'jumps over cleanup',
}
WORDS = {name: why for names, why in BANNED.items() for name in names.split()}
CALL = re.compile(r'(?<![\w.>])(' + '|'.join(WORDS) + r')[ \t]*\(')


def main():
    faults, n = [], 0
    for path in common.files('src'):
        n += 1
        source = common.without_comments(common.text(path), strings=False)
        for m in CALL.finditer(source):
            faults.append(f'{path}:{common.line_of(source, m.start())}: {m.group(1)} {WORDS[m.group(1)]}')
    common.end(faults, n)


main()
