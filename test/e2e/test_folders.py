"""Many folders, few watches: mail that another program puts into any of them is told to a client that asked for it with NOTIFY."""
import os, re

from server import Server

FOLDERS, WATCHES = 300, 20


def watches(server):
    """As the kernel counts them."""
    folder, count = f"/proc/{server.process.pid}/fdinfo", 0
    for name in os.listdir(folder):
        try:
            with open(os.path.join(folder, name)) as f:
                count += len(re.findall("^inotify wd", f.read(), re.M))
        except OSError:
            pass  # closed meanwhile
    return count


def drop(server, folder, name):
    """What mutt or a delivery agent does: written in tmp/, renamed into new/."""
    box = os.path.join(server.data, "mail", "ann", folder)
    with open(os.path.join(box, "tmp", name), "w") as f:
        f.write("Subject: dropped\n\nby another program\n")
    os.rename(os.path.join(box, "tmp", name), os.path.join(box, "new", name))


def test_mail_dropped_anywhere_is_told():
    with Server(extra=f"[limits]\nwatches = {WATCHES}") as server:
        client = server.imap()
        for i in range(FOLDERS):
            assert client.create(f"Box{i:03d}")[0] == "OK"
        client.send(b'n1 NOTIFY SET STATUS (personal (MessageNew MessageExpunge))\r\n')
        told = 0
        while not (line := client.readline()).startswith(b"n1 OK"):
            told += line.startswith(b"* STATUS")
        assert told >= FOLDERS
        assert 0 < watches(server) <= WATCHES
        for number, i in enumerate((FOLDERS - 1, 150, 150, 0)):  # far down the list, twice in the same, near its top
            drop(server, f".Box{i:03d}", f"17000000{number:02d}.x{number}.other")
            assert client.readline().startswith(b'* STATUS "Box%03d" (MESSAGES ' % i)  # in its turn; the socket's timeout ends a hang
        assert 0 < watches(server) <= WATCHES
        client.send(b"n2 LOGOUT\r\n")
