#!/bin/sh
# smtp_in.sh BINARY [MESSAGES [CONNECTIONS [OCTETS]]]: how many messages a second are taken durably, and what does one cost?
# Pennypost and Debian's Postfix, where it is installed (it needs root to start), on the same disk, with the same load, taking turns for
# three rounds, of which the median counts.
# Both answer 250 when the message is synced; Pennypost has then judged it and put it into the Maildir, Postfix has queued it
# and puts it there afterwards: so both moments are shown.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
binary=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
messages=${2:-2000} connections=${3:-16} octets=${4:-4096}
python=/usr/bin/python3
[ -x $python ] || python=python3
work=$here/../build/bench
mkdir -p "$work"
dir=$(mktemp -d "$work/smtp_in.XXXXXX")
pid= postfix=
cleanup() {
	[ -z "$pid" ] || kill "$pid" 2>/dev/null || true
	[ -z "$postfix" ] || postfix -c "$postfix" stop >/dev/null 2>&1 || true
	[ -z "$pid" ] || wait "$pid" 2>/dev/null || true
	rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

wait_port() {
	for _ in $(seq 100); do
		$python -c "import socket; socket.create_connection(('127.0.0.1', $1), 1).close()" 2>/dev/null && return
		sleep 0.1
	done
	echo "smtp_in: nothing listens on port $1" >&2
	exit 1
}

# measure PORT PID MAILDIR: a short run first, so that nothing is counted that happens only once
measure() {
	$python "$here/smtp_load.py" "$1" "$2" ann@bench.example "$3" $((connections * 4)) "$connections" "$octets" >/dev/null
	$python "$here/smtp_load.py" "$1" "$2" ann@bench.example "$3" "$messages" "$connections" "$octets"
}

base=24000
echo 'ann@bench.example secret of ann' |
    "$binary" init --dir "$dir/ours" --domain bench.example --accounts - --listen 127.0.0.1 --port-base $base --self-signed >/dev/null
"$binary" serve -c "$dir/ours/pennypost.toml" >/dev/null 2>"$dir/ours.log" &
pid=$!
wait_port $((base + 25))

theirs=
if ! command -v postfix >/dev/null; then
	theirs="Postfix is not installed"
elif [ "$(id -u)" != 0 ]; then
	theirs="Postfix needs root to start"
else
	# Postfix's own users walk down to here.
	theirs_dir=$(mktemp -d /var/tmp/pennypost-bench.XXXXXX)
	[ "$(stat -c %d /var/tmp)" = "$(stat -c %d "$dir")" ] || echo "smtp_in: /var/tmp is another file system than $work: the comparison is not fair" >&2
	trap 'cleanup; rm -rf "$theirs_dir"' EXIT
	chmod 755 "$theirs_dir"
	mkdir "$theirs_dir/conf" "$theirs_dir/queue" "$theirs_dir/data" "$theirs_dir/mail"
	chown postfix "$theirs_dir/data" "$theirs_dir/mail"
	cat >"$theirs_dir/conf/main.cf" <<-END
		compatibility_level = 3.6
		queue_directory = $theirs_dir/queue
		data_directory = $theirs_dir/data
		multi_instance_name = postfix-bench
		myhostname = mail.bench.example
		inet_interfaces = 127.0.0.1
		inet_protocols = ipv4
		mynetworks =
		mydestination =
		maillog_file = /var/tmp/$(basename "$theirs_dir")/log
		maillog_file_prefixes = /var
		virtual_mailbox_domains = bench.example
		virtual_mailbox_base = $theirs_dir/mail
		virtual_mailbox_maps = static:ann/
		virtual_minimum_uid = 1
		virtual_uid_maps = static:$(id -u postfix)
		virtual_gid_maps = static:$(id -g postfix)
		smtpd_recipient_restrictions = reject_unauth_destination
		smtpd_client_connection_count_limit = 0
		smtpd_client_connection_rate_limit = 0
		smtpd_peername_lookup = no
	END
	sed "s/^smtp  *inet/127.0.0.1:$((base + 1025)) inet/; s/^\([^#]*inet  *n  *-  *\)y/\1n/" /etc/postfix/master.cf >"$theirs_dir/conf/master.cf"
	sed -i '/^[a-z]/s/^\([^ ]*  *[a-z]*  *[-yn]  *[-yn]  *\)y/\1n/' "$theirs_dir/conf/master.cf" # nothing in chroot: the folder is bare
	cp /etc/postfix/dynamicmaps.cf "$theirs_dir/conf/" 2>/dev/null || true
	if postfix -c "$theirs_dir/conf" start >"$dir/postfix.log" 2>&1; then
		postfix=$theirs_dir/conf
		wait_port $((base + 1025))
		master=$(tr -d ' ' <"$theirs_dir/queue/pid/master.pid")
	else
		theirs="Postfix did not start: $(tail -1 "$dir/postfix.log")"
	fi
fi

for round in 1 2 3; do
	measure $((base + 25)) $pid "$dir/ours/mail/ann" >>"$dir/ours.json" || { tail -5 "$dir/ours.log" >&2; exit 1; }
	[ -n "$postfix" ] || continue
	measure $((base + 1025)) "$master" "$theirs_dir/mail/ann" >>"$dir/theirs.json" || { tail -5 "$theirs_dir/log" >&2; exit 1; }
done

$python - "$dir" "$messages" "$connections" "$octets" "$theirs" <<'END'
import json, os, statistics, sys
folder, messages, connections, octets, why = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4], sys.argv[5]
print(f"smtp_in: {messages} messages of {octets} octets on {connections} connections, median of 3 rounds")
print(f"  {'':10} {'250 a second':>13} {'in Maildir a second':>20} {'CPU ms a message':>17}")
got = {}
for name, label in (("ours", "pennypost"), ("theirs", "postfix")):
    path = os.path.join(folder, name + ".json")
    if os.path.exists(path) and os.path.getsize(path):
        rounds = [json.loads(line) for line in open(path)]
        r = {key: statistics.median(one[key] for one in rounds) for key in rounds[0]}
        got[name] = (messages / r["accepted"], messages / r["stored"], 1000 * r["cpu"] / messages)
        print(f"  {label:10} {got[name][0]:13.0f} {got[name][1]:20.0f} {got[name][2]:17.2f}")
if len(got) == 2:
    a, b = got["ours"], got["theirs"]
    print(f"  {'ratio':10} {a[0] / b[0]:13.2f} {a[1] / b[1]:20.2f} {a[2] / b[2]:17.2f}   (pennypost judges each message, postfix does not)")
else:
    print(f"  no comparison: {why}")
END
