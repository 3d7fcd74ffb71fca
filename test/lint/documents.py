"""Documents say what the code does: every configuration key with its default in conf/pennypost.toml and pennypost.toml(5) and no other,
every command in pennypost(1), an example that loads as it stands and with every key switched on, links that lead somewhere, and a
README in each folder that names its files. Usage: documents.py ROOT LIST_KEYS LIST_COMMANDS"""
import os
import re
import subprocess
import sys
import tempfile

import common

TOML, KEYS_PAGE, COMMANDS_PAGE, UNIT = 'conf/pennypost.toml', 'conf/pennypost.toml.5', 'conf/pennypost.1', 'conf/pennypost.service'


def rows(program):
    out = subprocess.run([program], capture_output=True, text=True, check=True).stdout
    return [line.split('\t') for line in out.splitlines()]


def table_of(header):
    """'domain."example.org"' is domain.*; 'limits' is limits."""
    first = header.split('.')[0]
    return f'{first}.*' if first in ('domain', 'account') and '.' in header else header


def example_keys(text):
    """(table.key, value as written, line, is active) for each 'key = value' or '#key = value'."""
    table = ''
    for number, line in enumerate(text.splitlines(), 1):
        if m := re.match(r'#?\[+([^\]]+)\]+$', line):
            table = table_of(m.group(1))
        elif m := re.match(r'(#?)("[^"]+"|\w+)\s*=\s*(.+)$', line):
            key = '*' if table == 'alias' else m.group(2)
            yield (f'{table}.{key}' if table else key), m.group(3), number, not m.group(1)


def page_keys(text):
    """(table.key, default or '', line) for each .TP below a table's .SS."""
    table, key, at, words = None, None, 0, ''
    for number, line in enumerate(text.splitlines() + ['.SH'], 1):
        line = line.replace(r'\-', '-').replace(r'\(dq', '"').replace(r'\e', '\\')
        if re.match(r'[.](SH|SS|TP)', line) and key is not None:
            found = re.findall(r'^Default: (.*?)[.]$', words, re.M)
            none = len(re.findall(r'^No default[.]$', words, re.M))
            yield key, found[0] if len(found) == 1 and none == 0 else '' if none == 1 and not found else None, at
            key, words = None, ''
        if line.startswith('.SS '):
            name = line[4:].strip('[]')
            table = '' if name == 'Top level' else re.sub(r'[.]NAME$', '.*', name)
        elif line.startswith('.SH'):
            table = None
        elif table is not None and (m := re.match(r'[.]BI (\S+) "', line)) and key is None:
            name = '*' if table == 'alias' else m.group(1)
            key, at = (f'{table}.{name}' if table else name), number
        elif key is not None:
            words += line + '\n'


def check_keys(faults, known):
    """known: name to default."""
    seen = {}
    for name, value, line, _ in example_keys(common.text(TOML)):
        where = f'{TOML}:{line}'
        if name not in known:
            faults.append(f'{where}: there is no key "{name}"')
        elif name in seen and name != 'alias.*' and not name.startswith('rule.'):  # shown by several
            faults.append(f'{where}: "{name}" stands on line {seen[name]} already')
        elif known[name] and value != known[name]:
            faults.append(f'{where}: the default of "{name}" is {known[name]}, not {value}')
        seen[name] = line
    faults.extend(f'{TOML}: "{name}" is missing' for name in known if name not in seen)
    seen = {}
    for name, default, line in page_keys(common.text(KEYS_PAGE)):
        where = f'{KEYS_PAGE}:{line}'
        if name not in known:
            faults.append(f'{where}: there is no key "{name}"')
        elif name in seen:
            faults.append(f'{where}: "{name}" stands on line {seen[name]} already')
        elif default != known[name]:
            faults.append(f'{where}: "{name}" has {known[name] or "no default"}; the page says {default or "something else"}')
        seen[name] = line
    faults.extend(f'{KEYS_PAGE}: "{name}" is missing' for name in known if name not in seen)


def check_loads(faults, list_keys):
    """The example as it stands, and with every key it shows switched on."""
    text = common.text(TOML)
    everything = re.sub(r'^#(?=\[|"[^"]+" *=|\w+ *= )', '', text, flags=re.M)
    for what, content in (('as it stands', text), ('with every key', everything)):
        with tempfile.TemporaryDirectory() as folder:
            open(os.path.join(folder, 'patterns'), 'w').close()  # the one file that is read with it
            with tempfile.NamedTemporaryFile('w', suffix='.toml', dir=folder) as f: # mode 0600, as a password in it demands
                f.write(content)
                f.flush()
                done = subprocess.run([list_keys, f.name], capture_output=True, text=True)
        if done.returncode != 0:
            faults.extend(f'{TOML}: {what}: {line.replace(f.name + ":", "line ")}' for line in done.stdout.splitlines() or ['cannot be read'])


def check_commands(faults, commands):
    page = common.text(COMMANDS_PAGE).replace(r'\-', '-').replace(r'\(dq', '"')
    named = set(re.findall(r'^[.]SS (\w+)$', page, re.M))
    faults.extend(f'{COMMANDS_PAGE}: the command "{c}" is missing' for c, _, _ in commands if c not in named)
    faults.extend(f'{COMMANDS_PAGE}: there is no command "{c}"' for c in sorted(named - {c for c, _, _ in commands}))
    for name, arguments, _ in commands:
        section = re.search(rf'^[.]SS {name}$(.*?)^[.]S[SH]', page, re.M | re.S)
        for word in re.findall(r'--[a-z-]+|\b[a-z]{3,}\b', arguments):
            if section and word not in section.group(1):
                faults.append(f'{COMMANDS_PAGE}: "{name}" takes "{word}", which is not explained')


def check_page(faults, path):
    done = subprocess.run(['sh', '-c', f'command -v groff >/dev/null || exit 0; groff -man -ww -Tutf8 -z "{os.path.join(common.ROOT, path)}"'],
                          capture_output=True, text=True)
    faults.extend(f'{path}: {line}' for line in (done.stderr + done.stdout).splitlines())


def check_unit(faults, path):
    """The unit gives up what it can: an exposure of at most 1.5 by systemd's own count, where systemd is installed."""
    command = ['systemd-analyze', 'security', '--offline=true', '--threshold=15', '--no-pager', os.path.join(common.ROOT, path)]
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        return
    if done.returncode != 0:
        faults.append(f'{path}: {(done.stdout + done.stderr).strip().splitlines()[-1]}')


def check_links(faults, path):
    text = common.text(path)
    for m in re.finditer(r'\]\(([^)#\s]+)(?:#[^)]*)?\)', text):
        if '://' not in m.group(1) and not os.path.exists(os.path.join(common.ROOT, os.path.dirname(path), m.group(1))):
            faults.append(f'{path}:{common.line_of(text, m.start())}: the link to {m.group(1)} leads nowhere')


def check_names(faults, path, everywhere):
    """A README of a source folder names each file there and none that is nowhere. x.c stands for x.h and x_int.h too; a name with an
    underscore needs no ending."""
    folder = os.path.dirname(path)
    here = {n for n in os.listdir(os.path.join(common.ROOT, folder)) if n.endswith(('.c', '.h'))}
    text, named = common.text(path), set()
    for name in re.findall(r'(?<![\w*.-])([a-z][a-z0-9_]*[.](?:c\b|h\b|\[ch\]|\[hc\]))', text):
        stem, _, ends = name.partition('.')
        named.add(stem)
        if any(f'{stem}.{e}' not in everywhere for e in ends.strip('[]')):
            faults.append(f'{path}: {name} is not there')
    named |= set(re.findall(r'(?<![\w*.-])[a-z][a-z0-9]*_[a-z0-9_]+(?![\w*(])', text))
    for name in sorted(here):
        stem = name[:-2]
        if stem not in named and not (name.endswith('_int.h') or name.endswith('.h') and f'{stem}.c' in here):
            faults.append(f'{path}: {name} is not named')


def main():
    faults, n = [], 0
    everywhere = {os.path.basename(p) for p in common.files('src', 'test', 'fuzz')}
    known = {name: default for name, _, default, _ in rows(sys.argv[2])}
    check_keys(faults, known)
    check_loads(faults, sys.argv[2])
    check_commands(faults, rows(sys.argv[3]))
    for path in common.files('conf', ext=('.1', '.5', '.7')):
        n += 1
        check_page(faults, path)
    check_unit(faults, UNIT)
    for path in common.files('.', ext=('.md',)):
        n += 1
        path = os.path.normpath(path)
        check_links(faults, path)
        if os.path.dirname(path).startswith('src/'):
            check_names(faults, path, everywhere)
    for folder in sorted(os.listdir(os.path.join(common.ROOT, 'src'))):
        if os.path.isdir(os.path.join(common.ROOT, 'src', folder)) and not os.path.exists(os.path.join(common.ROOT, 'src', folder, 'README.md')):
            faults.append(f'src/{folder}: has no README.md')
    common.end(faults, n)


main()
