"""dkim_suite.py DRIVER SUITES: signed messages of three other projects with the keys that come with them; each must verify, and none
once an octet of its body is another. Skipped (77) without them."""
import json
import os
import re
import sys

import messages


def pem(path):
    with open(path, encoding='ascii') as f:
        return 'v=DKIM1; k=rsa; p=' + ''.join(line.strip() for line in f if not line.startswith('-'))


def tags(message, name):
    """Values of a tag in the DKIM-Signature fields, top first."""
    header = re.sub(rb'\r\n[ \t]+', b' ', message.split(b'\r\n\r\n')[0])
    return [re.search(rb'[;\s]' + name + rb'\s*=\s*([^;\s]+)', line).group(1).decode()
            for line in header.split(b'\r\n') if line.lower().startswith(b'dkim-signature:')]


def when(message):
    """The moment these messages were collected at, or that of the newest signature: one from the future does not verify."""
    header = message.split(b'\r\n\r\n')[0]
    return max([1667843664] + [int(t) for t in re.findall(rb'[;\s]t=(\d+)', header)])


def stalwart(path):
    with open(path, 'rb') as f:
        head, _, message = f.read().partition(b'\n\n')
    zone = dict(line.decode().split(None, 1) for line in head.split(b'\n'))
    return zone, messages.crlf(message)


def cases(suites):
    """(name, zone, message, which signatures must pass: 'all' or 'last')"""
    folder = os.path.join(suites, 'stalwart-mail-auth/dkim')
    for name in sorted(os.listdir(folder)):
        yield (name, *stalwart(os.path.join(folder, name)), 'last')
    keys_8463 = dict(list(stalwart(os.path.join(folder, '001.txt'))[0].items()))
    folder = os.path.join(suites, 'mimekit')
    for name in ('gmail.msg', 'related.msg', 'multipart-no-end-boundary.msg'):
        with open(os.path.join(folder, name), 'rb') as f:
            message = messages.crlf(f.read())
        zone = {f'{s}._domainkey.{d}': pem(os.path.join(folder, 'gmail.pub')) for s, d in zip(tags(message, b's'), tags(message, b'd'))}
        yield name, zone, message, 'all'
    with open(os.path.join(folder, 'rfc8463-example.msg'), 'rb') as f:
        yield 'rfc8463-example.msg', keys_8463, messages.crlf(f.read()), 'all'
    folder = os.path.join(suites, 'mailauth/ec')
    with open(os.path.join(folder, 'dns.json'), encoding='utf-8') as f:
        zone = {name: ''.join(row['TXT'][0]) for name, row in json.load(f).items()}
    with open(os.path.join(folder, 'signed.eml'), 'rb') as f:
        yield 'mailauth signed.eml', zone, messages.crlf(f.read()), 'all'


def changed(message):
    """Some octet of the body that counts in every canonical form."""
    at = message.index(b'\r\n\r\n') + 4
    at += re.search(rb'[A-Za-z]', message[at:]).start()
    return message[:at] + (b'x' if message[at:at + 1] != b'x' else b'y') + message[at + 1:]


def main():
    driver, suites = sys.argv[1:]
    if not os.path.isdir(suites):
        print('skipped: no DKIM messages beside the project')
        return 77
    total = wrong = 0
    for name, zone, message, which in cases(suites):
        zone = messages.txt_zone(zone)
        (good, _), (bad, _) = messages.check(driver, zone, [message, changed(message)], when(message))
        must = good[-1:] if which == 'last' else good
        total += 1
        if not must or any(s[0] != 'pass' for s in must):
            wrong += 1
            print(f'{name}: {good}')
        if any(s[0] == 'pass' for s in bad):
            wrong += 1
            print(f'{name}, changed: {bad}')
    print(f'{total} messages, {wrong} wrong')
    return 1 if wrong or total < 11 else 0


sys.exit(main())
