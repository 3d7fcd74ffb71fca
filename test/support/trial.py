"""./dev run: a trial server in a folder, a second one as the stranger out there, a few real messages through every step on one screen, then how to
connect a phone; stays up until Ctrl-C. Only the standard library. Usage: trial.py BINARY FOLDER [--listen ADDRESS] [--once]"""
import email.utils, os, re, secrets, signal, smtplib, subprocess, sys, threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import dns as fake_dns
from server import Server, free_port_base, trusting, wait_for

DOMAIN, STRANGER = "penny.test", "stranger.test"
BOX = {"ok": "\033[32m✓\033[0m", "no": "\033[31m✗\033[0m"} if sys.stdout.isatty() else {"ok": "ok", "no": "FAILED"}
STEPS = 8
done = 0


def step(text, value=""):
    global done
    done += 1
    bar = "█" * (done * 20 // STEPS) + "░" * (20 - done * 20 // STEPS)
    print(f"  {BOX['ok']} [{bar}] {text}{': ' + value if value else ''}", flush=True)


def message(sender, to, subject, text, headers=""):
    return (f"From: {sender}\r\nTo: {to}\r\nSubject: {subject}\r\nDate: {email.utils.formatdate()}\r\n"
            f"Message-ID: <{secrets.token_hex(8)}@{sender.rsplit('@')[-1].strip('>')}>\r\n{headers}\r\n{text}\r\n").encode()


SPAM = ("Dear friend, you have WON the lottery of 5,000,000 dollars. Claim your prize money now, click http://prize.example/claim , "
        "send your bank account and a small transfer fee today. Cheap pills without prescription, limited offer, act now!")
HAM = "Hello Ann, the train on Saturday leaves at ten. Shall we meet for coffee at the station before? Bring the book. Yours, Bob"


def search(client, folder, subject):
    client.select(folder)
    return client.uid("SEARCH", None, "SUBJECT", f'"{subject}"')[1][0].split()


def main():
    binary, folder = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    arguments = sys.argv[3:]
    once = "--once" in arguments
    address = arguments[arguments.index("--listen") + 1] if "--listen" in arguments else "0.0.0.0"
    os.makedirs(folder, exist_ok=True)
    secret_file = os.path.join(folder, "password")
    if not os.path.exists(secret_file):
        with open(os.open(secret_file, os.O_CREAT | os.O_WRONLY, 0o600), "w") as f:
            f.write(secrets.token_urlsafe(9))
    password = open(secret_file).read()
    local = "127.0.0.1" if address in ("0.0.0.0", "::") else address
    dns_port_file = os.path.join(folder, "dns-port")
    dns_port = int(open(dns_port_file).read()) if os.path.exists(dns_port_file) else 0
    try:
        resolver = fake_dns.Dns(port=dns_port)
    except OSError:
        sys.exit(f"port {dns_port} of an earlier trial is in use: is it still running? Otherwise remove {folder} and run again.")
    with open(dns_port_file, "w") as f:
        f.write(str(resolver.port))
    resolver.add(STRANGER, "MX", (10, "mx." + STRANGER))
    resolver.add("mx." + STRANGER, "A", "127.0.0.2")
    resolver.add(DOMAIN, "MX", (10, "mail." + DOMAIN))
    resolver.add("mail." + DOMAIN, "A", "127.0.0.1")
    servers = []

    def end(*_):
        for s in servers:
            if s.process:
                s.process.send_signal(signal.SIGTERM)
        for s in servers:
            if s.process:
                s.process.wait(20)
        resolver.close()

    try:
        print(f"\nPennypost trial in {folder}\n")
        base_file = os.path.join(folder, "port-bases")
        if not os.path.exists(base_file):
            first = free_port_base(address)
            with open(base_file, "w") as f:
                f.write(f"{first} {free_port_base('127.0.0.2', above=first)}")
        bases = [int(n) for n in open(base_file).read().split()]
        resolver_at = f"127.0.0.1:{resolver.port}"
        me = Server(os.path.join(folder, "home"), DOMAIN, {f"ann@{DOMAIN}": password}, address, resolver_at, binary=binary, base=bases[0])
        out = Server(os.path.join(folder, "stranger"), STRANGER, {f"bob@{STRANGER}": password}, "127.0.0.2", resolver_at, binary=binary, base=bases[1])
        configure_port(me, out)
        servers += [me, out]
        me.start()
        me.address = local
        out.start()
        step("two servers listen", f"{DOMAIN} is yours, {STRANGER} plays the world")

        serial = secrets.token_hex(3)
        with smtplib.SMTP(local, me.port("smtp"), local_hostname="mx.stranger.test", timeout=30) as client:
            client.starttls(context=trusting())
            for subject, text in ((f"Saturday {serial}", HAM), (f"You have won {serial}", SPAM)):
                client.sendmail(f"bob@{STRANGER}", [f"ann@{DOMAIN}"], message(f"Bob <bob@{STRANGER}>", f"ann@{DOMAIN}", subject, text))
        step("mail came in over SMTP with STARTTLS", "2 messages, each 250 means durable on disk")

        imap = me.imap()
        uid = wait_for(lambda: search(imap, "INBOX", f"Saturday {serial}"))[0]
        fields = imap.uid("FETCH", uid, "(BODY.PEEK[HEADER.FIELDS (X-Pennypost)])")[1][0][1].decode().strip()
        step("judged", " ".join(fields.split())[:90])
        names = [n for n in os.listdir(os.path.join(me.folder, "mail/ann/new"))]
        step("stored in Maildir", f"mail/ann/new/ holds {len(names)} file{'s' if len(names) != 1 else ''}")
        body = imap.uid("FETCH", uid, "(BODY.PEEK[TEXT])")[1][0][1].decode()
        step("read over IMAP with TLS", body[:50].strip() + " ...")

        before = classify(me, message(f"x@{STRANGER}", f"ann@{DOMAIN}", "prize", SPAM))
        found = search(imap, "INBOX", f"You have won {serial}")
        if found:
            imap.uid("MOVE", found[0], "Junk")
        wait_for(lambda: "learned message as spam" in me.log_text() or not found)
        after = classify(me, message(f"x@{STRANGER}", f"ann@{DOMAIN}", "prize", SPAM))
        step("moved to Junk, learned at once", f"spam probability of the next such message {before:.2f} -> {after:.2f}")

        with me.submission() as client:
            client.sendmail(f"ann@{DOMAIN}", [f"bob@{STRANGER}"], message(f"Ann <ann@{DOMAIN}>", f"bob@{STRANGER}", f"Re: Saturday {serial}", "Ten it is. Ann"))
        step("submitted over TLS with a password", "DKIM-signed (RSA and Ed25519) and queued")
        away = out.imap()
        got = wait_for(lambda: search(away, "INBOX", f"Re: Saturday {serial}"), 60)[0]
        header = away.uid("FETCH", got, "(BODY.PEEK[HEADER])")[1][0][1].decode()
        signatures = re.findall(r"a=(\S+?);", header)
        step(f"delivered to {STRANGER} through its MX", "signed " + " and ".join(sorted(set(signatures))))
        away.logout()
        imap.logout()
    except Exception as why:
        print(f"  {BOX['no']} {why}")
        for s in servers:
            print(f"\nlast lines of {s.log_path}:\n" + "\n".join(s.log_text().splitlines()[-15:]))
        end()
        return 1

    hosts = [local] if address == local else subprocess.run(["hostname", "-I"], capture_output=True, text=True).stdout.split() or [local]
    print(f"""
Connect a phone, Thunderbird or mutt (the certificate is self-signed: accept it once):

    account    ann@{DOMAIN}
    password   {password}
    IMAP       {hosts[0]} port {me.port('imaps')} (SSL/TLS)   or {me.port('imap')} (STARTTLS)
    SMTP out   {hosts[0]} port {me.port('submissions')} (SSL/TLS)   or {me.port('submission')} (STARTTLS)

Mail for ann@{DOMAIN} comes in on port {me.port('smtp')}. mutt on the same machine: mutt -f {me.folder}/mail/ann
Ask it:  {os.path.relpath(binary)} why 10m -c {os.path.relpath(me.config)}   and   status, queue, spam stats
The log: {os.path.relpath(me.log_path)}""")
    if local == address:
        print(f"It listens on {address} only; for a phone elsewhere: remove {os.path.relpath(folder)}, then run again without --listen")
    else:
        print("It listens on every address of this machine, so that a phone can reach it; ./dev run --listen 127.0.0.1 keeps a new trial to yourself")
    if not once:
        print("\nIt stays up. Ctrl-C ends it.", flush=True)
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        while not stop.wait(0.5):
            if any(s.process.poll() is not None for s in servers):
                print("a server ended by itself; see its log")
                break
    end()
    return 0


def classify(server, text):
    import json
    done = server.command("spam", "classify", "--json", "--account", "ann", input=text)
    return json.loads(done.stdout)["probability"]


def configure_port(me, out):
    """Both deliver to the other's port instead of 25, which is not free for a trial."""
    for a, b in ((me, out), (out, me)):
        with open(a.config) as f:
            text = f.read()
        if "port = " not in text.split("[outbound]")[1].split("[")[0]:
            with open(a.config, "w") as f:
                f.write(text.replace("[outbound]\n", f"[outbound]\nport = {b.port('smtp')}\n"))


if __name__ == "__main__":
    sys.exit(main())
