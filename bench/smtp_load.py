"""Sends messages over SMTP on several connections and measures a server while it takes them. Only the standard library.
Usage: smtp_load.py PORT PID RECIPIENT MAILDIR MESSAGES CONNECTIONS OCTETS
Prints one line of JSON: seconds until the last 250, seconds until all lie in MAILDIR, and CPU seconds of PID and its children until then."""
import asyncio, json, os, random, sys, time

TICK = os.sysconf("SC_CLK_TCK")


def cpu(pid):
    """Of the process, its living children and those that have ended."""
    total = 0.0
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat") as f:
                words = f.read().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(name) == pid:
            total += sum(map(int, words[11:15])) / TICK
        elif int(words[1]) == pid:
            total += sum(map(int, words[11:13])) / TICK
    return total


def files(maildir):
    return sum(len(os.listdir(os.path.join(maildir, d))) for d in ("new", "cur") if os.path.isdir(os.path.join(maildir, d)))


async def reply(reader, want):
    while True:
        line = await reader.readline()
        if line[3:4] != b"-":
            if not line.startswith(want):
                raise RuntimeError(f"wanted {want.decode()}, got {line!r}")
            return


async def sender(port, recipient, numbers, body):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await reply(reader, b"220")
    writer.write(b"EHLO bench.example\r\n")
    await reply(reader, b"250")
    for number in numbers:
        writer.write(b"MAIL FROM:<friend@elsewhere.example>\r\nRCPT TO:<%s>\r\nDATA\r\n" % recipient)
        for want in (b"250", b"250", b"354"):
            await reply(reader, want)
        writer.write(b"From: Friend <friend@elsewhere.example>\r\nTo: <%s>\r\nSubject: letter %d\r\nDate: Mon, 23 Nov 2026 04:00:00 +0000\r\n"
                     b"Message-ID: <%d.%d@elsewhere.example>\r\n\r\n%s\r\n.\r\n" % (recipient, number, number, os.getpid(), body))
        await reply(reader, b"250")
    writer.write(b"QUIT\r\n")
    await reply(reader, b"221")
    writer.close()


async def main():
    port, pid = int(sys.argv[1]), int(sys.argv[2])
    recipient, maildir = sys.argv[3].encode(), sys.argv[4]
    messages, connections, octets = (int(a) for a in sys.argv[5:8])
    dice = random.Random(1)
    words = ["garden", "train", "letter", "window", "coffee", "river", "Saturday", "music", "bread", "winter", "the", "and", "of", "with"]
    text, line = [], ""
    while sum(map(len, text)) < octets:
        line = " ".join(dice.choice(words) for _ in range(10))
        text.append(line + "\r\n")
    body = "".join(text)[:octets].rstrip().encode()
    there, spent, start = files(maildir), cpu(pid), time.monotonic()
    await asyncio.gather(*(sender(port, recipient, range(i, messages, connections), body) for i in range(connections)))
    accepted = time.monotonic() - start
    while files(maildir) < there + messages:
        if time.monotonic() - start > accepted + 120:
            raise RuntimeError(f"{files(maildir) - there} of {messages} arrived")
        await asyncio.sleep(0.02)
    stored = time.monotonic() - start
    print(json.dumps({"accepted": accepted, "stored": stored, "cpu": cpu(pid) - spent}))


if __name__ == "__main__":
    asyncio.run(main())
