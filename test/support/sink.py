"""A mail host out there for tests: an SMTP server on loopback whose every answer can be scripted, hostile ones included. Only the standard library."""
import re, socket, ssl, threading


class Closed(Exception):
    pass


class Sink:
    """answers: {"banner" "EHLO" "HELO" "STARTTLS" "MAIL" "RCPT" "DATA" "dot" "QUIT": text without CRLF, bytes sent as they are, None (silence),
    "CLOSE" (hang up), or a function of the command line that gives one of these}. What came: commands, messages (sender, recipients, content)."""
    EXTENSIONS = ("PIPELINING", "SIZE 50000000", "8BITMIME", "SMTPUTF8", "DSN")

    def __init__(self, address, port, answers=None, extensions=EXTENSIONS, context=None, break_tls=False):
        self.answers, self.extensions, self.context, self.break_tls = dict(answers or {}), list(extensions), context, break_tls
        self.commands, self.messages, self.connections, self.tls, self.live, self.most = [], [], 0, 0, 0, 0
        self.lock, self.open = threading.Lock(), []
        self.close_in_body = False
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((address, port))
        self.listener.listen(200)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                conn, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                self.connections += 1
                self.live += 1
                self.most = max(self.most, self.live)
                self.open.append(conn)
            threading.Thread(target=self.serve, args=(conn,), daemon=True).start()

    def close(self):
        for sock in [self.listener] + self.open:  # closing alone would not wake the thread that waits on it
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            sock.close()

    def answer(self, conn, key, line, default):
        reply = self.answers.get(key, default)
        if callable(reply):
            reply = reply(line)
        if reply == "CLOSE":
            raise Closed
        if reply is None:
            return ""
        raw = reply if isinstance(reply, bytes) else reply.encode() + b"\r\n"
        conn.sendall(raw)
        return raw.decode("latin1")

    def serve(self, conn):
        try:
            self.session(conn)
        except (Closed, OSError, ssl.SSLError, ValueError):
            pass
        finally:
            with self.lock:
                self.live -= 1
            try:
                conn.close()
            except OSError:
                pass

    def session(self, conn):
        file = conn.makefile("rb")
        sender, to, secure = None, [], False
        self.answer(conn, "banner", "", "220 sink ready")
        while True:
            line = file.readline()
            if not line:
                return
            text = line.decode("utf-8", "replace").rstrip("\r\n")
            self.commands.append(text)
            verb = text.split(" ")[0].upper()
            if verb in ("EHLO", "HELO"):
                names = self.extensions + (["STARTTLS"] if self.context and not secure else [])
                lines = ["sink"] + (names if verb == "EHLO" else [])
                self.answer(conn, verb, text, "\r\n".join(f"250{' ' if i == len(lines) - 1 else '-'}{x}" for i, x in enumerate(lines)))
            elif verb == "STARTTLS":
                if self.answer(conn, verb, text, "220 go").startswith("220"):
                    if self.break_tls:
                        conn.sendall(b"no handshake here\r\n")
                        raise Closed
                    conn = self.context.wrap_socket(conn, server_side=True)
                    file, secure = conn.makefile("rb"), True
                    with self.lock:
                        self.tls += 1
            elif verb == "AUTH":
                self.answer(conn, verb, text, "235 2.7.0 welcome")
            elif verb == "MAIL":
                sender, to = re.search("<(.*?)>", text).group(1), []
                self.answer(conn, verb, text, "250 2.1.0 ok")
            elif verb == "RCPT":
                address = re.search("<(.*?)>", text).group(1)
                if self.answer(conn, verb, text, "250 2.1.5 ok").startswith("2"):
                    to.append(address)
            elif verb == "DATA":
                if not self.answer(conn, verb, text, "354 go").startswith("354"):
                    continue
                content = self.content(file)
                reply = self.answer(conn, "dot", "", "250 2.0.0 taken")
                if reply.startswith("2"):
                    with self.lock:
                        self.messages.append((sender, to, content))
            elif verb == "QUIT":
                self.answer(conn, verb, text, "221 bye")
                return
            else:
                self.answer(conn, verb, text, "250 ok" if verb in ("RSET", "NOOP") else "502 no")

    def content(self, file):
        lines = []
        while True:
            line = file.readline()
            if not line or self.close_in_body:
                raise Closed
            if line == b".\r\n":
                return b"".join(lines)
            if not line.endswith(b"\r\n"):
                raise ValueError("bare LF")
            lines.append(line[1:] if line.startswith(b".") else line)
