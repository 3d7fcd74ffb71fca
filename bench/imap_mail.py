"""Makes a Maildir of mail as people have it, the same at every run: threads, replies, HTML beside text, attachments, several charsets.
Usage: imap_mail.py FOLDER COUNT
Words to look for: "quetzal" stands in 10 bodies, "meeting" in a fifth; "xylophone" in 10 subjects and the replies to them, "invoice" in a tenth; "zebulon" sent 10, "smith" a tenth."""
import base64, os, quopri, random, sys, time
from email.header import Header

START = 1262304000  # 2010: what the first message was sent at
PEOPLE, LINES = 400, 4000
SYLLABLES = "ka lo mi ren sa tu ve dor an el is or un gra ble con ter pha sto wing ly ness ing er est".split()
CHARSETS = [("us-ascii", ""), ("us-ascii", ""), ("us-ascii", ""), ("utf-8", "grüße naïve señor žluťoučký"), ("iso-8859-1", "déjà größe año"), ("koi8-r", "привет встреча письмо"),
            ("iso-2022-jp", "会議の日程 お知らせ"), ("windows-1252", "“quoted” – café")]


class Mail:
    def __init__(self, count):
        self.dice = random.Random(20100101)
        dice, words = self.dice, set()
        while len(words) < 20000:
            words.add("".join(dice.choice(SYLLABLES) for _ in range(dice.randint(1, 4))))
        self.words = sorted(words)
        dice.shuffle(self.words)
        self.lines = [" ".join(self.word() for _ in range(dice.randint(6, 12))) for _ in range(LINES)]
        self.people = [(f"{self.word().title()} {self.word().title()}", f"{self.word()}{n}@{self.word()}.example") for n in range(PEOPLE)]
        self.blob = base64.encodebytes(dice.randbytes(400000)).decode().splitlines(True)
        self.count, self.threads = count, []

    def word(self):
        """Few are said often: the rank falls off as people's words do."""
        return self.words[int(len(self.words) ** self.dice.random()) - 1]

    def person(self, n):
        if n % (self.count // 10 or 1) == 7:
            return "Zebulon Q. Rare", "zebulon@rare.example"
        if self.dice.random() < 0.1:
            return f"{self.word().title()} Smith", f"smith{self.dice.randrange(50)}@work.example"
        return self.people[int(PEOPLE ** self.dice.random()) - 1]

    def text(self, n, sample):
        dice = self.dice
        lines = [dice.choice(self.lines) for _ in range(dice.randint(4, 60))]
        if dice.random() < 0.2:
            lines.insert(dice.randrange(len(lines)), "see you at the meeting, as ever")
        if n % (self.count // 10 or 1) == 3:
            lines.append("we saw a quetzal there")
        if sample:
            lines.insert(0, sample)
        return "\n".join(lines) + "\n"

    def header(self, n, when):
        """Header lines but for MIME's, and what is to be remembered of a thread."""
        dice = self.dice
        (name, address), message_id = self.person(n), f"<{n}.{dice.getrandbits(48):x}@mail.example>"
        rare = n % (self.count // 10 or 1) == 5
        reply = bool(self.threads) and not rare and dice.random() < 0.6
        if reply:
            subject, refs = self.threads[-1 - int(min(len(self.threads), 300) ** dice.random()) + 1]
        else:
            subject, refs = " ".join(self.word() for _ in range(dice.randint(2, 7))).capitalize(), []
            if dice.random() < 0.1:
                subject = f"invoice {n}: {subject}"
            if rare:
                subject += " xylophone"
            sample = dice.choice(CHARSETS)
            if sample[1]:
                subject = Header(sample[1] + " " + subject if sample[0] != "windows-1252" else sample[1], sample[0], maxlinelen=70).encode()
        self.threads.append((subject, (refs + [message_id])[-12:]))
        if len(self.threads) > 2000:
            del self.threads[:1000]
        stamp = time.strftime("%a, %d %b %Y %H:%M:%S", time.gmtime(when)) + dice.choice((" +0000", " +0200", " -0500", " +0000 (UTC)"))
        lines = [f"Return-Path: <{address}>", f"Received: from mx.{address.split('@')[1]} (mx.{address.split('@')[1]} [192.0.2.{n % 250}])",
                 f"\tby mail.bench.example with ESMTPS id {n:x}", f"\tfor <ann@bench.example>; {stamp}", f"From: {name} <{address}>", "To: Ann <ann@bench.example>"]
        if dice.random() < 0.3:
            lines.append("Cc: " + ",\n\t".join(f"{a} <{b}>" for a, b in dice.sample(self.people, dice.randint(1, 4))))
        lines += [f"Subject: {'Re: ' if reply else ''}{subject}", f"Date: {stamp}", f"Message-ID: {message_id}", "MIME-Version: 1.0", f"X-Mailer: Trumpet {dice.randint(1, 9)}.0"]
        if reply:
            lines += [f"In-Reply-To: {refs[-1]}", "References: " + "\n\t".join(refs)]
        if dice.random() < 0.15:
            lines.append(f"List-Id: <{self.people[n % 20][1].replace('@', '.')}>")
        return lines

    def text_part(self, n):
        charset, sample = self.dice.choice(CHARSETS)
        octets = self.text(n, sample).encode(charset, "replace")
        coding = "7bit" if charset in ("us-ascii", "iso-2022-jp") else "quoted-printable"
        body = octets if coding == "7bit" else quopri.encodestring(octets)
        return f"Content-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: {coding}\n\n".encode() + body

    def body(self, n):
        dice, part = self.dice, self.text_part(n)
        if dice.random() < 0.4:
            html = "".join(f"<p style=\"margin:0\">{dice.choice(self.lines)}</p>\n" for _ in range(dice.randint(5, 80)))
            part = b"".join([b"Content-Type: multipart/alternative; boundary=\"alt\"\n\n--alt\n", part,
                             f"--alt\nContent-Type: text/html; charset=utf-8\n\n<html><body>\n{html}</body></html>\n--alt--\n".encode()])
        if dice.random() < 0.1:
            start, lines = dice.randrange(1000), dice.randint(60, 1200)
            part = b"".join([b"Content-Type: multipart/mixed; boundary=\"mix\"\n\n--mix\n", part,
                             f"--mix\nContent-Type: application/pdf; name=\"{self.word()}.pdf\"\nContent-Disposition: attachment; filename=\"{self.word()}.pdf\"\n"
                             f"Content-Transfer-Encoding: base64\n\n{''.join(self.blob[start:start + lines])}--mix--\n".encode()])
        return part

    def message(self, n):
        when = START + n * 5000 + self.dice.randint(-4000, 4000) # nearly in order, as mail comes
        lines = self.header(n, when)
        return when, "\n".join(lines).encode() + b"\n" + self.body(n)


def main():
    folder, count = sys.argv[1], int(sys.argv[2])
    mail = Mail(count)
    for part in ("cur", "new", "tmp"):
        os.makedirs(os.path.join(folder, part))
    for n in range(count):
        when, content = mail.message(n)
        flags = "".join(letter for letter, share in (("F", 0.03), ("R", 0.2), ("S", 0.9)) if mail.dice.random() < share)
        path = f"{folder}/cur/{START + n * 5000}.M{n}P1.bench,S={len(content)},W={len(content) + content.count(10)}:2,{flags}"
        with open(path, "wb", 0) as f:
            f.write(content)
        os.utime(path, (when, when))


main()
