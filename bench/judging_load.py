"""Mail of strangers, signed, from many hosts, a connection a message: how fast is it taken? Beside it the DNS of their domains, which takes its time.
Usage: judging_load.py dns PORT DELAY_MS             answers until its input ends
       judging_load.py send PORT PID MAILDIR MESSAGES CONNECTIONS OCTETS    one line of JSON: seconds to the last 250, CPU seconds of PID and its children
Python with dkimpy and cryptography; the mail and its key are the same every time."""
import asyncio, base64, json, os, random, sys, time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../test/support"))
DOMAINS = 50
WORK = os.path.join(HERE, "../build/bench")


def address(n):
    return f"127.0.50.{n + 1}"


def key():
    """(PEM, public part for the DNS), made once."""
    from cryptography.hazmat.primitives import serialization as s
    from cryptography.hazmat.primitives.asymmetric import rsa
    path = os.path.join(WORK, "judging.pem")
    if not os.path.exists(path):
        made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        with open(path + ".tmp", "wb") as f:
            f.write(made.private_bytes(s.Encoding.PEM, s.PrivateFormat.TraditionalOpenSSL, s.NoEncryption()))
        os.rename(path + ".tmp", path)
    with open(path, "rb") as f:
        pem = f.read()
    public = s.load_pem_private_key(pem, None).public_key().public_bytes(s.Encoding.DER, s.PublicFormat.SubjectPublicKeyInfo)
    return pem, base64.b64encode(public).decode()


def serve_dns(port, delay):
    import dns

    class Door(asyncio.DatagramProtocol):  # one thread for all: its own cost must stay small
        def connection_made(self, transport):
            self.out = transport

        def datagram_received(self, data, whom):
            asyncio.get_running_loop().call_later(delay, lambda: self.out.sendto(far.answer(data), whom))
    far = dns.Dns()
    far.ttl = 2  # asked again and again, as of a world with more than fifty domains
    public = key()[1]
    for n in range(DOMAINS):
        domain = f"far{n}.example"
        far.add(f"{n + 1}.50.0.127.in-addr.arpa", "PTR", f"mail.{domain}")
        far.add(f"mail.{domain}", "A", address(n))
        far.add(domain, "TXT", f"v=spf1 ip4:{address(n)} -all")
        far.add(f"k._domainkey.{domain}", "TXT", f"v=DKIM1; k=rsa; p={public}")
        far.add(f"_dmarc.{domain}", "TXT", "v=DMARC1; p=reject")
    for zone in ("bl.example", "uri.example"):
        far.add(f"2.0.0.127.{zone}", "A", "127.0.0.2")
    for zone in ("rhs.example", "uri.example"):
        far.add(f"test.{zone}", "A", "127.0.0.2")

    async def serve():
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(Door, local_addr=("127.0.0.1", port))
        await loop.run_in_executor(None, sys.stdin.read)
    asyncio.run(serve())


def letters(octets):
    """One of each domain, signed; Message-ID is added as it is sent."""
    import dkim
    pem, dice, made = key()[0], random.Random(1), []
    words = ["garden", "train", "letter", "window", "coffee", "river", "Saturday", "music", "bread", "winter", "the", "and", "of", "with"]
    for n in range(DOMAINS):
        text, domain = f"see http://www.far{n}.example/ and http://pages.far{(n + 7) % DOMAINS}.example/x\r\n", f"far{n}.example"
        while len(text) < octets:
            text += " ".join(dice.choice(words) for _ in range(10)) + "\r\n"
        message = (f"From: Friend <friend@{domain}>\r\nTo: <ann@bench.example>\r\nSubject: letter of {domain}\r\n"
                   f"Date: {time.strftime('%a, %d %b %Y %H:%M:%S +0000', time.gmtime())}\r\n\r\n{text}").encode()
        made.append(dkim.sign(message, b"k", domain.encode(), pem, canonicalize=(b"relaxed", b"relaxed"), include_headers=[b"From", b"To", b"Subject", b"Date"]) + message)
    return made


async def send(port, number, letter):
    import smtp_load
    n = number % DOMAINS
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(address(n), 0))
    await smtp_load.reply(reader, b"220")
    for line, want in ((f"EHLO mail.far{n}.example", b"250"), (f"MAIL FROM:<friend@far{n}.example>", b"250"), ("RCPT TO:<ann@bench.example>", b"250"), ("DATA", b"354")):
        writer.write(line.encode() + b"\r\n")
        await smtp_load.reply(reader, want)
    writer.write(b"Message-ID: <%d.%d@far%d.example>\r\n%s.\r\n" % (number, os.getpid(), n, letter))
    await smtp_load.reply(reader, b"250")
    writer.write(b"QUIT\r\n")
    await smtp_load.reply(reader, b"221")
    writer.close()


async def measure(port, pids, maildir, messages, connections, octets):
    import smtp_load
    made, numbers = letters(octets), iter(range(messages))

    async def work():
        for number in numbers:
            await send(port, number, made[number % DOMAINS])
    there, spent, start = smtp_load.files(maildir), sum(map(smtp_load.cpu, pids)), time.monotonic()
    await asyncio.gather(*(work() for _ in range(connections)))
    accepted = time.monotonic() - start
    while smtp_load.files(maildir) < there + messages:
        if time.monotonic() - start > accepted + 60:
            raise RuntimeError(f"{smtp_load.files(maildir) - there} of {messages} in the inbox")
        await asyncio.sleep(0.02)
    print(json.dumps({"accepted": accepted, "stored": time.monotonic() - start, "cpu": sum(map(smtp_load.cpu, pids)) - spent}))


if __name__ == "__main__":
    os.makedirs(WORK, exist_ok=True)
    if sys.argv[1] == "dns":
        serve_dns(int(sys.argv[2]), float(sys.argv[3]) / 1000)
    else:
        asyncio.run(measure(int(sys.argv[2]), [int(p) for p in sys.argv[3].split(",")], sys.argv[4], *(int(a) for a in sys.argv[5:8])))
