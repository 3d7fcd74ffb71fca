"""compare.py SPF_DRIVER MESSAGES_DRIVER SUITES: the same verdicts as independent programs, pyspf and dkimpy, on generated records and on
messages of the suites that dkimpy signed, as they are and changed. Skipped (77) without them. A difference that is wanted stands in
WANTED with its reason; any other is a failure."""
import base64
import glob
import os
import random
import re
import subprocess
import sys

try:
    import dkim
    import spf
except ImportError:
    dkim = spf = None

import lying
import messages

WANTED = {
    'l=': 'l= leaves a part of the body unsigned: dkimpy passes, here policy',
    'added': 'a second field beside a signed one: dkimpy passes, here policy',
}


# --- SPF ---

def records(rng, domains):
    """A random record of ordinary terms and a few broken ones."""
    terms = ['a', 'mx', 'ptr', 'a:{d}', 'mx:{d}', 'include:{d}', 'exists:{d}', 'a:{d}/24', 'mx/30', 'a//64', 'ip4:192.0.2.0/24', 'ip4:192.0.2.1',
             'ip6:2001:db8::/32', 'exists:%{{i}}.{d}', 'exists:%{{ir}}.%{{v}}.{d}', 'include:%{{d2}}', 'a:%{{h}}', 'exists:%{{l}}.{d}',
             'moo=x', 'ip4:192.0.2.1/33', 'a:bad', 'exists:%{{q}}', 'ip6:192.0.2.1', 'all']
    words = [rng.choice(['', '', '+', '-', '~', '?']) + rng.choice(terms).format(d=rng.choice(domains)) for _ in range(rng.randint(0, 4))]
    if rng.random() < 0.5:
        words.append(rng.choice(['-all', '~all', '?all', '+all', 'redirect=' + rng.choice(domains)]))
    words = [re.sub(r'^[-+~?](?=moo)', '', w) for w in words]
    while words.count('moo=x') > 1:  # pyspf calls that an error; RFC 7208 6: ignored however often it stands there
        words.remove('moo=x')
    return ' '.join(['v=spf1'] + words)


def zone_of(rng):
    domains = [f'd{i}.example.com' for i in range(8)] + ['none.example.com']
    zone = {}
    for d in domains[:-1]:
        rows = [{'TXT': records(rng, domains)}]
        for kind, values in (('A', ['192.0.2.1', '198.51.100.7']), ('AAAA', ['2001:db8::1', '2001:db8:1::2'])):
            if rng.random() < 0.7:
                rows += [{kind: v} for v in rng.sample(values, rng.randint(1, 2))]
        if rng.random() < 0.6:
            rows += [{'MX': [i, rng.choice(domains)]} for i in range(rng.randint(1, 3))]
        zone[d] = rows
    zone['1.2.0.192.in-addr.arpa'] = [{'PTR': 'd0.example.com'}]
    return domains, zone


def pyspf_lookup(zone):
    """What pyspf asks instead of the DNS."""
    def lookup(name, kind, *_, **__):
        name = name.rstrip('.').lower()
        found = []
        for row in zone.get(name, []):
            for k, v in row.items():
                if k == kind:
                    value = (v.encode(),) if k == 'TXT' else tuple(v) if k == 'MX' else v
                    if k == 'AAAA':
                        import ipaddress
                        value = ipaddress.ip_address(v).packed
                    found.append(((name, k), value))
        return found
    return lookup


def compare_spf(driver):
    rng = random.Random(7208)
    total, differ = 0, []
    for _ in range(100):
        domains, zone = zone_of(rng)
        asks = [(ip, 'd0.example.com', 'user', d) for d in domains for ip in ('192.0.2.1', '203.0.113.9', '2001:db8::1')]
        lines = ''.join('\t'.join(a) + '\n' for a in asks).encode()
        ours = [line.split('\t') for line in lying.ask(zone, driver, lines).decode().splitlines()]
        spf.DNSLookup = pyspf_lookup(zone)
        for (ip, helo, local, domain), mine in zip(asks, ours):
            total += 1
            theirs = spf.query(i=ip, s=f'{local}@{domain}', h=helo, strict=True).check()[0]
            if theirs == mine[0]:
                continue
            # voids: pyspf counts each question, we one for each term (README of src/dkim)
            if theirs == 'permerror' and 'oid lookup limit' in str(spf.query(i=ip, s=f'{local}@{domain}', h=helo, strict=True).check()):
                continue
            differ.append((ip, domain, mine, theirs, zone[domain] if domain in zone else None))
    return total, differ


# --- DKIM ---

def make_key(bits):
    pem = subprocess.run(['openssl', 'genrsa', '-traditional', str(bits)], capture_output=True, check=True).stdout
    der = subprocess.run(['openssl', 'rsa', '-pubout', '-outform', 'DER'], input=pem, capture_output=True, check=True).stdout
    return pem, 'v=DKIM1; k=rsa; p=' + base64.b64encode(der).decode()


def bodies(suites):
    paths = sorted(glob.glob(os.path.join(suites, 'dkim/mailauth/*.eml')) + glob.glob(os.path.join(suites, 'mime/mime4j/**/*.msg'), recursive=True) +
                   glob.glob(os.path.join(suites, 'mime/stalwart-mail-parser/**/*.eml'), recursive=True))
    for path in paths:
        with open(path, 'rb') as f:
            message = messages.crlf(f.read())
        head = message.split(b'\r\n\r\n')[0]
        clean = all(re.match(rb'[!-9;-~]+[ \t]*:|[ \t]', line) for line in head.split(b'\r\n')) and not head.startswith((b' ', b'\t'))
        if clean and len(re.findall(rb'(?mi)^from[ \t]*:', head)) == 1 and b'\r' not in message.replace(b'\r\n', b'') and len(message) < 300000:
            yield os.path.basename(path), message


def changes(rng, message):
    """(what, message): as it is and changed in ways that count or do not."""
    head, _, body = message.partition(b'\r\n\r\n')
    yield 'same', message
    yield 'blank lines at the end', message + b'\r\n\r\n'
    yield 'added', b'Subject: another\r\n' + message
    yield 'appended', message + b'more\r\n'
    yield 'octet', message[:-10] + bytes([message[-10] ^ 1 if message[-10:-9] not in b'\r\n' else message[-10]]) + message[-9:] if len(body) > 12 else message
    yield 'folded', re.sub(rb'(?m)^(To|Subject): ', rb'\1:\r\n\t', head, count=1) + b'\r\n\r\n' + body
    yield 'blanks', head + b'\r\n\r\n' + body.replace(b' ', b'  ', 1)


def compare_dkim(driver, suites):
    rng = random.Random(6376)
    pem, record = make_key(1024)
    name = 's._domainkey.example.com'
    given, total, differ, wanted = [], 0, [], {}
    for source, message in bodies(suites):
        for form in ((b'relaxed', b'relaxed'), (b'simple', b'simple'), (b'relaxed', b'simple'), (b'simple', b'relaxed')):
            length = rng.random() < 0.2
            try:
                field = dkim.sign(message, b's', b'example.com', pem, canonicalize=form, include_headers=[b'From', b'To', b'Subject', b'Date'], length=length)
            except dkim.DKIMException:
                continue
            for what, text in changes(rng, field + message):
                given.append((source, form, length, what, text))
    answers = messages.check(driver, messages.txt_zone({name: record}), [g[-1] for g in given], now=int(2e9))
    for (source, form, length, what, text), (signatures, _) in zip(given, answers):
        total += 1
        try:
            theirs = dkim.verify(text, dnsfunc=lambda n, timeout=5: record.encode() if n.rstrip(b'.') == name.encode() else None)
        except Exception:
            theirs = False
        mine = signatures[0][0] if signatures else 'none'
        if (mine == 'pass') == bool(theirs):
            continue
        if theirs and mine == 'policy' and signatures[0][5] == '1':
            wanted['l='] = wanted.get('l=', 0) + 1
        elif theirs and mine == 'policy' and 'added' in signatures[0][6]:
            wanted['added'] = wanted.get('added', 0) + 1
        else:
            differ.append((source, form, length, what, signatures, theirs))
    return total, differ, wanted


def main():
    spf_driver, messages_driver, suites = sys.argv[1:]
    if dkim is None or not os.path.isdir(suites):
        print('skipped: python3-dkim, python3-spf or the suites are not there')
        return 77
    total, differ = compare_spf(spf_driver)
    for d in differ[:20]:
        print('SPF', d)
    dkim_total, dkim_differ, wanted = compare_dkim(messages_driver, suites)
    for d in dkim_differ[:20]:
        print('DKIM', d)
    for what, n in wanted.items():
        print(f'wanted, {n} times: {WANTED[what]}')
    print(f'{total} SPF checks, {len(differ)} differ; {dkim_total} signed messages, {len(dkim_differ)} differ')
    return 1 if differ or dkim_differ else 0


sys.exit(main())
