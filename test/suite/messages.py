"""What the suites of messages share: the driver's answers as Python."""
import lying


def crlf(message):
    return message.replace(b'\r\n', b'\n').replace(b'\n', b'\r\n')


def txt_zone(records):
    return {name: [{'TXT': value}] for name, value in records.items()}


def check(driver, zone, messages, now=1667843664, piece=977):
    """For each message (octets, CRLF): ([signature lines as lists], [arc line as a list])."""
    lines = b''.join(b'%d\n%s' % (len(m), m) for m in messages)
    out = lying.ask(zone, driver, lines, str(now), str(piece)).decode('utf-8', 'replace')
    answers = []
    for block in out.split('\n\n')[:len(messages)]:
        rows = [line.split('\t') for line in block.strip('\n').split('\n')]
        answers.append(([r[1:] for r in rows if r[0] == 'dkim'], [r[1:] for r in rows if r[0] == 'arc'][0]))
    if len(answers) != len(messages):
        raise SystemExit(f'{len(messages)} messages, {len(answers)} answers')
    return answers
