"""Start and stop the real binary in a folder of its own, on loopback, as its owner would."""
import contextlib, http.client, json, os, select, signal, smtplib, socket, ssl, subprocess, tempfile, shutil, time

from imap_listener import ImapLib

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BINARY = os.path.abspath(os.environ.get("PENNYPOST", os.path.join(TOP, "build/test/src/pennypost")))
SUITES = os.environ.get("PENNYPOST_SUITES", os.path.join(TOP, "../shared/suites"))
PORTS = {"smtp": 25, "submission": 587, "submissions": 465, "imap": 143, "imaps": 993}


def trusting():
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def free_port_base(address="127.0.0.1", above=None):
    """A base for which all five ports are free just now; below those that the kernel gives to whoever connects, so that they are free again
    when the server is started anew."""
    for base in range(above + 1000 if above else 10000 + (os.getpid() * 37) % 10000, 31700, 1000):
        try:
            for port in PORTS.values():
                with socket.socket() as s:
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    s.bind((address, base + port))
            return base
        except OSError:
            continue
    raise RuntimeError("no free ports")


class Server:
    def __init__(self, folder=None, domain="local.example", accounts=None, address="127.0.0.1", dns=None, extra="", env=None,
                 binary=None, base=None, hostname=None):
        self.binary = binary or BINARY
        self.folder = folder or tempfile.mkdtemp(prefix="pennypost-test-")
        self.own_folder = folder is None
        self.domain, self.address = domain, address
        self.hostname = hostname or f"mail.{domain}"
        self.accounts = accounts or {f"ann@{domain}": "secret of ann", f"bob@{domain}": "secret of bob"}
        self.base = base or free_port_base(address)
        self.dns, self.env = dns, env or {}
        self.process, self.log_path = None, self.folder + ".log"
        self.code = 0  # of its last stop
        self.data = self.folder
        if not os.path.exists(os.path.join(self.folder, "pennypost.toml")):
            self.init()
            if extra:
                with open(self.config, "a") as f:
                    f.write("\n" + extra + "\n")

    config = property(lambda self: os.path.join(self.folder, "pennypost.toml"))

    def port(self, service):
        return self.base + PORTS[service]

    def init(self):
        arguments = [self.binary, "init", "--dir", self.folder, "--domain", self.domain, "--hostname", self.hostname, "--accounts", "-",
                     "--listen", self.address, "--port-base", str(self.base), "--self-signed"]
        if self.dns:
            arguments += ["--dns", self.dns]
        text = "".join(f"{a} {p}\n" for a, p in self.accounts.items())
        done = subprocess.run(arguments, input=text, text=True, capture_output=True, timeout=120)
        if done.returncode != 0:
            raise RuntimeError(f"init: {done.returncode} {done.stderr}")
        self.init_output = done.stdout

    def command(self, *arguments, input=None, check=True, timeout=120):
        done = subprocess.run([self.binary, arguments[0], "-c", self.config, *arguments[1:]], input=input, capture_output=True, timeout=timeout,
                              text=not isinstance(input, bytes))
        if check and done.returncode != 0:
            raise RuntimeError(f"{arguments}: {done.returncode} {done.stdout} {done.stderr}")
        return done

    def start(self, wait=30):
        self.log = open(self.log_path, "ab")
        env = dict(os.environ, **{k: str(v) for k, v in self.env.items()})
        self.process = subprocess.Popen([self.binary, "serve", "-c", self.config], stdout=subprocess.PIPE, stderr=self.log, env=env)
        ready, _, _ = select.select([self.process.stdout], [], [], wait)
        line = self.process.stdout.readline() if ready else b""
        if line != b"ready\n":
            self.kill()
            raise RuntimeError(f"not ready: {line!r}\n{self.log_text()[-4000:]}")
        return self

    def log_text(self):
        with open(self.log_path, errors="replace") as f:
            return f.read()

    def stop(self, wait=20):
        if self.process is None:
            return None
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(wait)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
            raise RuntimeError("did not stop: " + self.log_text()[-3000:])
        finally:
            self.process.stdout.close()
            self.process = None
            self.log.close()
        self.code = code
        return code

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()
            self.process = None
            self.log.close()

    def remove(self):
        self.kill()
        if self.own_folder:
            shutil.rmtree(self.folder, ignore_errors=True)
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.log_path)

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, value, trace):
        try:
            if kind is None:
                code = self.code if self.process is None else self.stop()
                text = self.log_text()
                assert code == 0, f"exit {code}: {text[-6000:]}"
                found = [text.find(w) for w in ("ERROR: AddressSanitizer", "runtime error:", "ERROR: LeakSanitizer") if w in text]
                assert not found, "sanitizer report:\n" + text[max(0, min(found) - 1000):min(found) + 7000]
        finally:
            self.remove()

    # --- clients ------------------------------------------------------------------------------------------------------------------
    def smtp(self, helo="client.example", tls=False):
        client = smtplib.SMTP(self.address, self.port("smtp"), local_hostname=helo, timeout=60)
        if tls:
            client.starttls(context=trusting())
        return client

    def submission(self, account=None, implicit=True):
        address = account or next(iter(self.accounts))
        if implicit:
            client = smtplib.SMTP_SSL(self.address, self.port("submissions"), local_hostname="client.example", timeout=60, context=trusting())
        else:
            client = smtplib.SMTP(self.address, self.port("submission"), local_hostname="client.example", timeout=60)
            client.starttls(context=trusting())
        client.login(address, self.accounts[address])
        return client

    def imap(self, account=None):
        address = account or next(iter(self.accounts))
        client = ImapLib(self.address, self.port("imaps"), ssl_context=trusting(), timeout=120)
        client.login(address, self.accounts[address])
        return client

    def get(self, path, method="GET", body=b""):
        here = os.getcwd()
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(30)
        os.chdir(self.data)
        try:
            sock.connect("run/status.sock")
        finally:
            os.chdir(here)
        client = http.client.HTTPConnection("pennypost")
        client.sock = sock
        client.request(method, path, body, {"Host": "pennypost"})
        answer = client.getresponse()
        text = answer.read()
        client.close()
        return answer.status, text

    def status(self):
        return json.loads(self.get("/status.json")[1])


def wait_for(what, seconds=20.0, step=0.05):
    """Until what() is true; its value. No timing is asserted: the limit is only a way out of a hang."""
    end = time.monotonic() + seconds
    while True:
        value = what()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError("waited in vain")
        time.sleep(step)
