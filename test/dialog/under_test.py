"""The server that dialogues are played against: on free ports, in a folder of its own, ended with SIGTERM."""
import os, re, shutil, signal, socket, subprocess


class Fault(Exception):
    pass


def unescape(text):
    """What a line of a dialogue stands for, as octets: the escapes that run.py lists."""
    def one(m):
        s = m.group(0)
        if s.startswith("${"):
            body, n = s[2:-1].rsplit("*", 1)
            return unescape(body).decode("latin-1") * int(n)
        if s.startswith("\\x"):
            return chr(int(s[2:], 16))
        return {"\\r": "\r", "\\n": "\n", "\\t": "\t", "\\0": "\0", "\\\\": "\\"}[s]
    pattern = r"\$\{[^}]*\*\d+\}|\\x[0-9a-fA-F]{2}|\\[rnt0\\]"
    # The file is UTF-8; what it holds literally goes out as those octets.
    return re.sub(pattern, one, text.encode().decode("latin-1")).encode("latin-1")


def free_ports(n):
    socks = [socket.socket() for _ in range(n)]
    for s in socks:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in socks]
    for s in socks:
        s.close()
    return ports


def run(server, dirname, config, ports, play, shown=60):
    """Writes the configuration, starts SERVER CONFIG PORT..., lets play(process, faults) work, ends and reports; the exit code. Removes the folder."""
    # The address sanitizer keeps 256 MB of what was freed unless told otherwise, and resident memory would say nothing.
    env = dict(os.environ, ASAN_OPTIONS=":".join(filter(None, [os.environ.get("ASAN_OPTIONS"), "quarantine_size_mb=16"])))
    path, log, faults = os.path.join(dirname, "pennypost.toml"), os.path.join(dirname, "log"), []
    with open(path, "w") as f:
        f.write(config)
    with open(log, "wb") as f:
        process = subprocess.Popen([server, path] + [str(n) for n in ports], stdout=subprocess.PIPE, stderr=f, env=env)
    try:
        if process.stdout.readline() != b"ready\n":
            faults.append("server did not start")
        else:
            play(process, faults)
    except Fault as e:
        faults.append(str(e))
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            code = "did not stop"
    if code != 0:
        faults.append("server ended with %s" % code)
    for fault in faults:
        print("not ok: " + fault[:4000])
    if faults:
        with open(log, errors="replace") as f:
            print("".join(f.readlines()[-shown:]))
    print("%d faults" % len(faults))
    shutil.rmtree(dirname)
    return 1 if faults else 0


def each(process, faults, paths, play_one):
    """play_one(n, path) for each; stops when the server has died."""
    for n, path in enumerate(paths):
        try:
            play_one(n, path)
        except Fault as e:
            faults.append(str(e))
        if process.poll() is not None:
            faults.append("server died during %s" % (path,))
            break
    print("%d dialogues" % len(paths))
