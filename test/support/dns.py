"""A small authoritative DNS server for tests and trials: UDP and TCP on loopback, answers from a table, can lie, be slow or silent.
Only the standard library. Usage as a program: dns.py PORT FILE, lines "name TYPE value [value...]"."""
import socket, socketserver, struct, sys, threading, time

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28, "TLSA": 52}
NAMES = {v: k for k, v in TYPES.items()}


def pack_name(name):
    out = b""
    for label in name.rstrip(".").split("."):
        if label:
            raw = label.encode("latin1")
            out += bytes([len(raw)]) + raw
    return out + b"\0"


def pack_value(kind, value):
    if kind == "A":
        return socket.inet_aton(value)
    if kind == "AAAA":
        return socket.inet_pton(socket.AF_INET6, value)
    if kind in ("NS", "CNAME", "PTR"):
        return pack_name(value)
    if kind == "MX":
        preference, host = value
        return struct.pack("!H", preference) + pack_name(host)
    if kind == "TXT":
        raw = value.encode("latin1")
        parts = [raw[i:i + 255] for i in range(0, len(raw), 255)] or [b""]
        return b"".join(bytes([len(p)]) + p for p in parts)
    if kind == "SOA":
        return pack_name("ns.test.") + pack_name("root.test.") + struct.pack("!5I", 1, 60, 60, 60, 1)
    raise ValueError(kind)


class Dns:
    """records: {(name, type): [value...]}, "*.zone" for all below it; ttl: of all answers, 0: nobody keeps them;
    faults: {name: "SERVFAIL" | "DROP" | seconds of delay}."""

    def __init__(self, records=None, address="127.0.0.1", port=0):
        self.records, self.faults, self.asked = {}, {}, []
        self.ttl = 30
        for (name, kind), values in (records or {}).items():
            self.add(name, kind, *values)
        outer = self

        class Udp(socketserver.BaseRequestHandler):
            def handle(self):
                data, sock = self.request
                answer = outer.answer(data)
                if answer:
                    sock.sendto(answer if len(answer) <= 1232 else answer[:2] + bytes([answer[2] | 2]) + answer[3:4] + data[4:6] + b"\0" * 6 + outer.question(data), self.client_address)

        class Tcp(socketserver.BaseRequestHandler):
            def handle(self):
                head = self.request.recv(2)
                if len(head) < 2:
                    return
                data = self.request.recv(struct.unpack("!H", head)[0])
                answer = outer.answer(data)
                if answer:
                    self.request.sendall(struct.pack("!H", len(answer)) + answer)

        for _ in range(50):  # the same port for both
            self.udp = socketserver.ThreadingUDPServer((address, port), Udp)
            self.port = self.udp.server_address[1]
            try:
                self.tcp = socketserver.ThreadingTCPServer((address, self.port), Tcp)
                break
            except OSError:
                self.udp.server_close()
        self.udp.daemon_threads = self.tcp.daemon_threads = True
        self.address = address
        for server in (self.udp, self.tcp):
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def add(self, name, kind, *values):
        self.records.setdefault((name.rstrip(".").lower(), kind), []).extend(values)

    @property
    def wild(self):
        """Types for which a name "*.zone" stands for all below it."""
        return {("*", kind) for name, kind in self.records if name.startswith("*.")}

    def replace(self, name, kind, *values):
        self.records[(name.rstrip(".").lower(), kind)] = list(values)

    def close(self):
        for server in (self.udp, self.tcp):
            server.shutdown()
            server.server_close()

    @staticmethod
    def question(data):
        at = 12
        while data[at]:
            at += data[at] + 1
        return data[12:at + 5]

    def answer(self, data):
        at, labels = 12, []
        try:
            while data[at]:
                labels.append(data[at + 1:at + 1 + data[at]].decode("latin1"))
                at += data[at] + 1
            qtype, _ = struct.unpack("!HH", data[at + 1:at + 5])
        except (IndexError, struct.error):
            return None
        name, kind = ".".join(labels).lower(), NAMES.get(qtype, str(qtype))
        self.asked.append((name, kind))
        fault = self.faults.get(name)
        if fault == "DROP":
            return None
        if isinstance(fault, (int, float)):
            time.sleep(fault)
        rcode, answers, seen = 0, b"", 0
        if fault == "SERVFAIL":
            rcode = 2
        else:
            owner = name
            for _ in range(8):
                values = self.records.get((owner, kind))
                for cut in range(owner.count(".")) if values is None and ("*", kind) in self.wild else ():
                    values = values or self.records.get(("*." + owner.split(".", cut + 1)[-1], kind))
                if values is None and (owner, "CNAME") in self.records and kind != "CNAME":
                    target = self.records[(owner, "CNAME")][0]
                    raw = pack_value("CNAME", target)
                    answers += pack_name(owner) + struct.pack("!HHIH", 5, 1, self.ttl, len(raw)) + raw
                    seen += 1
                    owner = target.rstrip(".").lower()
                    continue
                for value in values or []:
                    raw = pack_value(kind, value)
                    answers += pack_name(owner) + struct.pack("!HHIH", qtype, 1, self.ttl, len(raw)) + raw
                    seen += 1
                break
            if not seen and not any(n == name or n.endswith("." + name) for n, _ in self.records):
                rcode = 3
        soa = b""
        if not seen:
            raw = pack_value("SOA", None)
            soa = pack_name(labels[-1] if labels else "") + struct.pack("!HHIH", 6, 1, self.ttl, len(raw)) + raw
        flags = 0x8480 | (struct.unpack("!H", data[2:4])[0] & 0x0100) | rcode
        return data[:2] + struct.pack("!HHHHH", flags, 1, seen, 1 if soa else 0, 0) + data[12:at + 5] + answers + soa


def main():
    port, path = int(sys.argv[1]), sys.argv[2]
    server = Dns(port=port)
    with open(path) as f:
        for line in f:
            words = line.split("#")[0].split(None, 2)
            if len(words) == 3:
                name, kind, value = words[0], words[1], words[2].strip()
                if kind == "MX":
                    preference, host = value.split()
                    value = (int(preference), host)
                server.add(name, kind, value)
    print(f"ready {server.port}", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
