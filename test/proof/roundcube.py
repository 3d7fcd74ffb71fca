"""Roundcube as Debian packages it, behind PHP's own web server: what its buttons do, over HTTP with cookies and tokens; checked on our side."""
import glob, html, http.cookiejar, json, os, re, shutil, socket, subprocess, tempfile, time, urllib.parse, urllib.request

import clients
from clients import PASSWORD, Tee, certificate, deliver, listing
from server import Server, wait_for

SETTINGS = clients.SETTINGS + """conn_per_source = 500
conn_rate = 100000
"""
CONFIG = """<?php
$config = [];
$config['db_dsnw'] = 'sqlite:///%(top)s/roundcube.db?mode=0600';
$config['imap_host'] = ['ssl://%(host)s:%(port)d'];
$config['imap_conn_options'] = ['ssl' => ['verify_peer' => true, 'verify_peer_name' => false, 'cafile' => '%(certificate)s']];
$config['smtp_host'] = 'ssl://127.0.0.1:%(submissions)d';
$config['smtp_conn_options'] = ['ssl' => ['verify_peer' => true, 'verify_peer_name' => false, 'cafile' => '%(certificate)s']];
$config['smtp_user'] = '%%u';
$config['smtp_pass'] = '%%p';
$config['des_key'] = 'twentyfour-octets-of-key';
$config['plugins'] = [];
$config['skin'] = 'elastic';
$config['temp_dir'] = $config['log_dir'] = '%(top)s';
$config['log_driver'] = 'file';
$config['imap_debug'] = true;
$config['mail_domain'] = 'local.example';
$config['junk_mbox'] = 'Junk';
$config['imap_cache'] = 'db';
$config['messages_cache'] = 'db';
$config['use_https'] = false;
$config['language'] = 'en_US';
$config['message_sort_col'] = 'date';
$config['message_threading_default'] = false;
"""


class Browser:
    def __init__(self, base):
        self.base, self.token = base, ""
        self.jar = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar))

    def get(self, **query):
        return self.ask(None, query)

    def post(self, form, **query):
        return self.ask(form, query)

    def ask(self, form, query):
        url = self.base + "?" + urllib.parse.urlencode(query)
        data = urllib.parse.urlencode(form, doseq=True).encode() if form is not None else None
        request = urllib.request.Request(url, data, {"X-Roundcube-Request": self.token, "X-Requested-With": "XMLHttpRequest" if "_remote" in query else ""})
        with self.opener.open(request, timeout=60) as answer:
            page = answer.read().decode("utf-8")
        if found := re.search(r'"request_token":"([^"]+)"', page) or re.search(r'name="_token" value="([^"]+)"', page):
            self.token = found.group(1)
        return page

    def act(self, action, form=None, **query):
        """What a button does: the script that Roundcube answers, as text."""
        answer = json.loads(self.ask({"_remote": 1, "_unlock": "x", **form} if form is not None else None, {"_task": "mail", "_action": action, "_remote": 1, **query}))
        script = answer.get("exec", "")
        assert '"error"' not in script and "Server Error" not in script and "An error occurred" not in script, script
        return script

    def rows(self, script):
        """UID -> what the list shows, with its flags"""
        found = re.findall(r'this\.add_message_row\((\d+),(\{.*?\}),(\{.*?\})', script)
        return {int(u): {**json.loads(row), "flags": json.loads(flags)} for u, row, flags in found}


def check(binary, say=print):
    for path in ("/usr/share/roundcube/index.php", "/usr/share/roundcube/SQL/sqlite.initial.sql"):
        assert os.path.exists(path), f"{path} is not there: packages roundcube-core, roundcube-sqlite3, php-cli"
    top = tempfile.mkdtemp(prefix="pennypost-roundcube-")
    web = None
    try:
        with Server(extra=SETTINGS, binary=binary) as server, Tee(server) as tee:
            os.makedirs(top + "/config")
            with open(top + "/config/config.inc.php", "w") as f:
                f.write(CONFIG % {"top": top, "host": "127.0.0.1", "port": tee.port, "submissions": server.port("submissions"), "certificate": certificate(server)})
            shutil.copy("/etc/roundcube/defaults.inc.php", top + "/config/")
            with open("/usr/share/roundcube/SQL/sqlite.initial.sql") as f:
                subprocess.run(["sqlite3", top + "/roundcube.db"], stdin=f, check=True)
            with socket.socket() as s:
                s.bind(("127.0.0.1", 0))
                port = s.getsockname()[1]
            log = open(top + "/web", "wb")
            web = subprocess.Popen(["php", "-d", "session.save_path=" + top, "-S", f"127.0.0.1:{port}", "-t", "/var/lib/roundcube/public_html"],
                                   env=dict(os.environ, ROUNDCUBE_CONFIG_DIR=top + "/config"), stdout=log, stderr=log)
            wait_for(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0)
            deliver(server, 8)
            use(Browser(f"http://127.0.0.1:{port}/"), server, say)
            wait_for(lambda: "LOGOUT" in b" ".join(tee.said).decode("latin1"))
        say(f"  {len(tee.said)} commands; refused: {[(c.decode('latin1')[:80], a) for c, a in tee.refused]}")
        errors = "".join(open(p).read() for p in glob.glob(top + "/errors*"))
        assert not errors, errors[:3000]
        assert not tee.refused, tee.refused
    except Exception:
        for path in glob.glob(top + "/*errors*") + [top + "/web"]:
            if os.path.exists(path):
                print(path, open(path, errors="replace").read()[-3000:])
        raise
    finally:
        if web is not None:
            web.terminate()
            web.wait()
        shutil.rmtree(top, ignore_errors=True)


def use(b, server, say):
    client = server.imap()
    b.get()
    page = b.post({"_token": b.token, "_task": "login", "_action": "login", "_timezone": "UTC", "_url": "", "_user": "ann@local.example", "_pass": PASSWORD}, _task="login")
    assert "rcmail" in page and 'name="_pass"' not in page, page[:2000]
    # folders, with their uses
    for name in ("INBOX", "Drafts", "Sent", "Junk", "Trash", "Archive"):
        assert re.search(rf'\b{name}\b', page), name
    # the list, as the page asks for it
    rows = b.rows(b.act("list", _mbox="INBOX", _page=1, _refresh=1))
    assert len(rows) == 8 and {r["subject"] for r in rows.values()} == {html.escape(f"number {n}") for n in range(8)}, rows
    uid = {int(r["subject"].split()[1]): u for u, r in rows.items()}
    b.act("list", _mbox="INBOX", _page=1, _sort="subject_ASC")
    # one is read
    page = b.get(_task="mail", _action="show", _uid=uid[3], _mbox="INBOX")
    assert "This is message number 3." in page
    wait_for(lambda: "\\Seen" in listing(client, "INBOX")[3][0])
    # marked, archived, deleted, moved to Junk
    b.act("mark", {"_uid": uid[1], "_mbox": "INBOX", "_flag": "flagged"})
    b.act("move", {"_uid": f"{uid[2]},{uid[5]}", "_mbox": "INBOX", "_target_mbox": "Archive"})
    b.act("move", {"_uid": uid[6], "_mbox": "INBOX", "_target_mbox": "Trash"})
    b.act("move", {"_uid": uid[7], "_mbox": "INBOX", "_target_mbox": "Junk"})
    wait_for(lambda: "learned message as spam: <n7@far.example>" in server.log_text())
    assert listing(client, "INBOX").keys() == {0, 1, 3, 4} and listing(client, "Archive").keys() == {2, 5}
    assert listing(client, "Trash").keys() == {6} and listing(client, "Junk").keys() == {7} and "\\Flagged" in listing(client, "INBOX")[1][0]
    # searched: the subject, the whole text, in all folders
    assert set(b.rows(b.act("search", _q="number 4", _headers="subject", _mbox="INBOX", _scope="base"))) == {uid[4]}
    assert set(b.rows(b.act("search", _q="message number 0", _headers="text", _mbox="INBOX", _scope="base"))) == {uid[0]}
    found = b.act("search", _q="number 5", _headers="subject", _mbox="INBOX", _scope="all")
    assert "number 5" in found and "number 4" not in found
    # threads, a new folder, new mail
    b.act("list", _mbox="INBOX", _page=1, _threads=1, _layout="widescreen")
    b.post({"_token": b.token, "_name": "Caf\xe9 & Co", "_parent": "", "_mbox": ""}, _task="settings", _action="save-folder")
    wait_for(lambda: b'"Caf&AOk- &- Co"' in b" ".join(x for x in client.list()[1]))
    deliver(server, 1, 50)
    wait_for(lambda: "number 50" in b.act("refresh", {"_mbox": "INBOX", "_folderlist": 1, "_list": 1, "_last": int(time.time()) - 60}))
    # written and sent
    page = b.get(_task="mail", _action="compose", _to="bob@local.example")
    compose = re.search(r'name="_id" value="([^"]+)"', page).group(1)
    identity = re.search(r'(?s)name="_from".*?<option value="(\d+)"', page).group(1)
    answer = b.post({"_token": b.token, "_task": "mail", "_action": "send", "_id": compose, "_attachments": "", "_from": identity, "_to": "bob@local.example", "_subject": "from the web",
            "_message": "Written in a browser.", "_is_html": 0, "_store_target": "Sent", "_framed": 1, "_remote": 0}, _task="mail", _unlock="x", _framed=1)

    assert "messages sent" in answer.lower() or "sent_successfully" in answer or "confirmation" in answer, answer[-1500:]
    other = server.imap("bob@local.example")
    wait_for(lambda: other.select("INBOX") and other.search(None, "SUBJECT", '"from the web"')[1][0].split())
    other.logout()
    client.select("Sent")
    assert client.search(None, "SUBJECT", '"from the web"')[1][0].split(), "no copy in Sent"
    # read again from its cache, after a change on our side
    client.select("INBOX")
    client.uid("STORE", str(uid[0]), "+FLAGS", "(\\Seen \\Answered)")
    rows = b.rows(b.act("list", _mbox="INBOX", _page=1, _refresh=1))
    assert rows[uid[0]]["flags"].get("seen") and rows[uid[0]]["flags"].get("answered"), rows[uid[0]]
    b.get(_task="logout", _token=b.token)
    client.logout()
    say("  logged in, listed, read, marked, moved, learned from, searched, threaded, sent")


if __name__ == "__main__":
    import sys
    check(os.path.abspath(sys.argv[1]))
