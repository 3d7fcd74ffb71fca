"""Thunderbird as Debian packages it, on a virtual screen: an account as its settings would make it, then its own functions, through Marionette.
Checked on our side: what it read is seen, what it moved to Junk is learned. Pictures of the screen go to PENNYPOST_PICTURES, if that is a folder."""
import json, os, shutil, socket, subprocess, tempfile

import clients
from clients import PASSWORD, Tee, deliver, listing
from server import Server, wait_for

SETTINGS = clients.SETTINGS
PREFS = {
    "mail.account.account1.identities": "id1", "mail.account.account1.server": "server1", "mail.accountmanager.accounts": "account1,account2",
    "mail.account.account2.server": "server2", "mail.server.server2.type": "none", "mail.server.server2.hostname": "Local Folders",
    "mail.server.server2.userName": "nobody", "mail.server.server2.name": "Local Folders", "mail.accountmanager.localfoldersserver": "server2",
    "mail.accountmanager.defaultaccount": "account1", "mail.identity.id1.fullName": "Ann", "mail.identity.id1.useremail": "ann@local.example",
    "mail.identity.id1.valid": True, "mail.server.server1.type": "imap", "mail.server.server1.hostname": "127.0.0.1", "mail.server.server1.name": "ann",
    "mail.server.server1.userName": "ann", "mail.server.server1.socketType": 3, "mail.server.server1.authMethod": 3, "mail.server.server1.login_at_startup": False,
    "mail.server.server1.check_new_mail": False, "mail.provider.suppress_dialog_on_startup": True, "mail.spotlight.firstRunDone": True, "mail.winsearch.firstRunDone": True,
    "mailnews.start_page.enabled": False, "mailnews.start_page_override.mstone": "ignore", "mail.shell.checkDefaultClient": False, "app.donation.eoy.version.viewed": 999,
    "datareporting.policy.dataSubmissionEnabled": False, "datareporting.policy.dataSubmissionPolicyBypassNotification": True, "toolkit.telemetry.reportingpolicy.firstRun": False,
    "app.update.enabled": False, "extensions.update.enabled": False, "browser.safebrowsing.malware.enabled": False, "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False, "mail.rights.version": 1, "mailnews.ui.threadpane.version": 9999, "calendar.timezone.local": "UTC",
    "mail.inappnotifications.enabled": False, "mail.autoComplete.highlightNonMatches": False, "app.normandy.enabled": False, "signon.rememberSignons": True,
}
# What a person does with the mouse, said with the functions behind it. Each script gets resolve(value); a failure comes back as {error}.
BEGIN = """
const [path, port, user, password] = arguments;
const done = arguments[arguments.length - 1];
(async () => {
  const db = Cc["@mozilla.org/security/x509certdb;1"].getService(Ci.nsIX509CertDB);
  const cert = db.constructX509FromBase64(path);
  const overrides = Cc["@mozilla.org/security/certoverride;1"].getService(Ci.nsICertOverrideService);
  overrides.rememberValidityOverride("127.0.0.1", port, {}, cert, false);
  const login = Cc["@mozilla.org/login-manager/loginInfo;1"].createInstance(Ci.nsILoginInfo);
  login.init("imap://127.0.0.1", null, "imap://127.0.0.1", user, password, "", "");
  await Services.logins.addLoginAsync(login);
  return "ready";
})().then(done, e => done({error: String(e) + e.stack}));
"""
COMMON = """
const { MailServices } = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");
const { MailUtils } = ChromeUtils.importESModule("resource:///modules/MailUtils.sys.mjs");
const done = arguments[arguments.length - 1];
const server = MailServices.accounts.getAccount("account1").incomingServer;
const folder = name => name == "INBOX" ? server.rootFolder.getFolderWithFlags(Ci.nsMsgFolderFlags.Inbox) : server.rootFolder.getChildNamed(name);
const headers = f => [...f.messages];
const found = (f, subject) => headers(f).find(h => h.mime2DecodedSubject == subject);
const work = async () => { %s };
work().then(v => done(v === undefined ? true : v), e => done({error: String(e) + (e.stack || "")}));
"""
FOLDERS = """
  server.performExpand(window.msgWindow);
  if (folder("INBOX"))
    folder("INBOX").updateFolder(window.msgWindow);  // as a click on it does
  return server.rootFolder.descendants.map(f => f.prettyName || f.localizedName || f.name);
"""
LIST = """
  folder("INBOX").updateFolder(window.msgWindow);
  return headers(folder("INBOX")).map(h => h.mime2DecodedSubject);
"""
READ = """
  const tab = document.getElementById("tabmail");
  const h = found(folder("INBOX"), "number 3");
  await MailUtils.displayMessageInFolderTab(h);
  return h.mime2DecodedSubject;
"""
SHOWN = """
  const b = document.getElementById("tabmail").currentAboutMessage;
  const c = b && b.getMessagePaneBrowser && b.getMessagePaneBrowser();
  return c && c.contentDocument && c.contentDocument.body ? c.contentDocument.body.textContent : "";
"""
JUNK = """
  const inbox = folder("INBOX"), junk = server.rootFolder.getFolderWithFlags(Ci.nsMsgFolderFlags.Junk);
  await new Promise((resolve, reject) => MailServices.copy.copyMessages(inbox, [found(inbox, "number 5")], junk, true, {
    QueryInterface: ChromeUtils.generateQI(["nsIMsgCopyServiceListener"]), onStartCopy() {}, onProgress() {}, setMessageKey() {}, getMessageId() { return null; },
    onStopCopy(code) { code ? reject(new Error("copy " + code)) : resolve(); } }, window.msgWindow, false));
"""
FLAG = """
  const inbox = folder("INBOX"), h = found(inbox, "number 1");
  inbox.markMessagesFlagged([h], true);
  inbox.addKeywordsToMessages([h], "$label1");
"""
SEARCH = """
  const session = Cc["@mozilla.org/messenger/searchSession;1"].createInstance(Ci.nsIMsgSearchSession);
  session.addScopeTerm(Ci.nsMsgSearchScope.onlineMail, folder("INBOX"));
  const term = session.createTerm(), value = term.value;
  value.attrib = Ci.nsMsgSearchAttrib.Body; value.str = "message number 2";
  term.value = value; term.attrib = Ci.nsMsgSearchAttrib.Body; term.op = Ci.nsMsgSearchOp.Contains; term.booleanAnd = true;
  session.appendTerm(term);
  const hits = [];
  await new Promise(resolve => {
    session.registerListener({ onSearchHit(h) { hits.push(h.mime2DecodedSubject); }, onSearchDone() { resolve(); }, onNewSearch() {} });
    session.search(window.msgWindow);
  });
  return hits;
"""
CREATE = """
  await new Promise((resolve, reject) => {
    server.rootFolder.QueryInterface(Ci.nsIMsgImapMailFolder);
    const l = { QueryInterface: ChromeUtils.generateQI(["nsIFolderListener"]), onFolderAdded(p, c) { MailServices.mailSession.RemoveFolderListener(l); resolve(); } };
    MailServices.mailSession.AddFolderListener(l, Ci.nsIFolderListener.added);
    server.rootFolder.createSubfolder("Caf\\u00e9 & Co", window.msgWindow);
  });
"""


class Marionette:
    """The remote control that Mozilla programs bring: length, colon, JSON."""

    def __init__(self, port):
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=120)
        self.file, self.n = self.sock.makefile("rb"), 0
        self.read()
        self.ask("WebDriver:NewSession", {"capabilities": {"alwaysMatch": {"acceptInsecureCerts": False}}})
        self.ask("Marionette:SetContext", {"value": "chrome"})
        self.ask("WebDriver:SetTimeouts", {"script": 60000})

    def read(self):
        size = b""
        while (c := self.file.read(1)) != b":":
            assert c, "Thunderbird hung up"
            size += c
        return json.loads(self.file.read(int(size)))

    def ask(self, command, parameters):
        self.n += 1
        text = json.dumps([0, self.n, command, parameters]).encode()
        self.sock.sendall(b"%d:" % len(text) + text)
        _, _, error, result = self.read()
        assert error is None, (command, error)
        return result

    def script(self, text, *arguments):
        value = self.ask("WebDriver:ExecuteAsyncScript", {"script": text, "args": list(arguments), "sandbox": "system", "newSandbox": True})["value"]
        assert not (isinstance(value, dict) and "error" in value), value
        return value

    def work(self, text):
        return self.script(COMMON % text)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def reachable(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


def check(binary, say=print):
    for program in ("thunderbird", "Xvfb"):
        assert shutil.which(program), f"{program} is not there: packages thunderbird, xvfb"
    top, started = tempfile.mkdtemp(prefix="pennypost-thunderbird-"), []
    display = next(n for n in range(50, 500) if not os.path.exists(f"/tmp/.X11-unix/X{n}"))
    try:
        with Server(extra=SETTINGS, binary=binary) as server, Tee(server) as tee, open(top + "/log", "wb") as log:
            deliver(server, 8)
            profile, control = top + "/profile", free_port()
            os.mkdir(profile)
            prefs = {**PREFS, "mail.server.server1.port": tee.port, "marionette.port": control, "mail.root.imap": top + "/imap"}
            with open(profile + "/user.js", "w") as f:
                f.writelines(f"user_pref({json.dumps(k)}, {json.dumps(v)});\n" for k, v in prefs.items())
            started.append(subprocess.Popen(["Xvfb", f":{display}", "-screen", "0", "1280x900x24", "-nolisten", "tcp"], stdout=log, stderr=log))
            wait_for(lambda: os.path.exists(f"/tmp/.X11-unix/X{display}"), 30)
            env = dict(os.environ, HOME=top, DISPLAY=f":{display}", MOZ_DISABLE_CONTENT_SANDBOX="1", MOZ_CRASHREPORTER_DISABLE="1", LANG="C.UTF-8")
            env.pop("DBUS_SESSION_BUS_ADDRESS", None)
            started.append(subprocess.Popen(["thunderbird", "--profile", profile, "--no-remote", "--marionette", "--remote-allow-system-access"], env=env, stdout=log, stderr=log))
            wait_for(lambda: reachable(control), 120)
            try:
                remote = Marionette(control)
            except OSError:
                picture(env, "thunderbird-started")
                raise
            use(remote, server, tee, say, env)
            for p in reversed(started):
                p.terminate()
                p.wait(30)
            started.clear()
        say(f"  {len(tee.said)} commands; refused: {[(c.decode('latin1')[:100], a) for c, a in tee.refused]}")
        assert not tee.refused, tee.refused
    except Exception:
        if os.path.exists(top + "/log"):
            print(open(top + "/log", errors="replace").read()[-3000:])
        raise
    finally:
        for p in reversed(started):
            p.kill()
            p.wait()
        shutil.rmtree(top, ignore_errors=True)


def picture(env, name):
    folder = os.environ.get("PENNYPOST_PICTURES", "")
    if os.path.isdir(folder) and shutil.which("import"):
        subprocess.run(["import", "-window", "root", os.path.join(folder, name + ".png")], env=env, capture_output=True)


def use(m, server, tee, say, env):
    client = server.imap()
    with open(os.path.join(server.data, "tls", next(n for n in os.listdir(server.data + "/tls") if "cert" in n))) as f:
        der = "".join(line.strip() for line in f.read().split("-----BEGIN CERTIFICATE-----")[1].split("-----END")[0].splitlines())
    m.script(BEGIN, der, tee.port, "ann", PASSWORD)

    def folders():
        names = m.work(FOLDERS)
        return names if {"Inbox", "Drafts", "Sent", "Junk", "Trash", "Archive"} <= {n.replace("Archives", "Archive").replace("Spam", "Junk") for n in names} else None
    try:
        names = wait_for(folders, 30, 1)
        wait_for(lambda: len(m.work(LIST)) == 8, 60, 1)
        m.work(READ)
        wait_for(lambda: "This is message number 3." in m.work(SHOWN), 60, 0.5)
        wait_for(lambda: "\\Seen" in listing(client, "INBOX")[3][0], 60, 0.5)
        picture(env, "thunderbird-read")
        m.work(JUNK)
        wait_for(lambda: "learned message as spam: <n5@far.example>" in server.log_text(), 60)
        assert listing(client, "Junk").keys() == {5} and 5 not in listing(client, "INBOX")
        m.work(FLAG)
        wait_for(lambda: {"\\Flagged", "$label1"} <= {f.lower() if f[0] == "$" else f for f in listing(client, "INBOX")[1][0]}, 60, 0.5)
        assert m.work(SEARCH) == ["number 2"]
        m.work(CREATE)
        assert any(b'"Caf&AOk- &- Co"' in x for x in client.list()[1])
        deliver(server, 1, 30)  # IDLE brings it
        wait_for(lambda: m.work('return headers(folder("INBOX")).some(h => h.mime2DecodedSubject == "number 30");'), 60, 0.5)
        picture(env, "thunderbird-end")
    except Exception:
        picture(env, "thunderbird-failed")
        print(f"  folders: {m.work(FOLDERS)}; {len(tee.threads) - 1} connections; {server.log_text()[-1500:]}")
        print(f"  said: {[c.decode('latin1')[:90] for c in tee.said]}")
        raise
    client.logout()
    say(f"  folders {', '.join(names)}; read, moved to Junk and learned, flagged and tagged, searched on the server, folder made, new mail announced")


if __name__ == "__main__":
    import sys
    check(os.path.abspath(sys.argv[1]))
