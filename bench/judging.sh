#!/bin/sh
# judging.sh BINARY [MESSAGES [CONNECTIONS [OCTETS]]]: what does it cost to know who is writing?
# Signed mail of fifty domains from fifty hosts, a connection a message, and a DNS that takes 20 ms for each answer and lets nobody keep it
# for longer than 2 s. Pennypost with all its filters (names, SPF, DKIM, DMARC, three lists, reputation, rules, classifier), the same with
# the filters off and nobody asked, and Debian's Postfix with Rspamd as its milter, where they are installed: in turn, three rounds,
# of which the median counts. PEER=no: our figures alone. Rspamd compiles its patterns when it is started for the first time: minutes.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
binary=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
messages=${2:-3000} connections=${3:-256} octets=${4:-4096}
python=/usr/bin/python3
[ -x $python ] || python=python3
work=$here/../build/bench
mkdir -p "$work"
dir=$(mktemp -d "$work/judging.XXXXXX")
pids= postfix= theirs_dir=
cleanup() {
	[ -z "$postfix" ] || postfix -c "$postfix" stop >/dev/null 2>&1 || true
	for p in $pids; do kill "$p" 2>/dev/null || true; done
	for p in $pids; do wait "$p" 2>/dev/null || true; done
	rm -rf "$dir" "$theirs_dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM
. "$here/postfix.sh"

base=26000
dns=$((base + 53))
mkfifo "$dir/hold"
$python "$here/judging_load.py" dns $dns 20 <"$dir/hold" >/dev/null 2>"$dir/dns.log" &
pids="$pids $!"
exec 8>"$dir/hold"

# ours NAME PORT-BASE: one of our servers, the rest of its configuration from standard input
ours() {
	echo 'ann@bench.example secret of ann' |
	    "$binary" init --dir "$dir/$1" --domain bench.example --accounts - --listen 127.0.0.1 --port-base "$2" --self-signed --dns 127.0.0.1:$dns >/dev/null
	cat >>"$dir/$1/pennypost.toml"
	cat >>"$dir/$1/pennypost.toml" <<-END
		[limits]
		conn_rate = 1000000
		conn_guests = 1000
		conn_per_source = 1000
	END
	"$binary" serve -c "$dir/$1/pennypost.toml" >/dev/null 2>"$dir/$1.log" &
	pids="$pids $!"
	wait_port $(($2 + 25))
}
ours all $base <<-END
	[[filter.dnsbl]]
	zone = "bl.example"
	codes = ["127.0.0.2"]
	[[filter.dnsbl]]
	zone = "rhs.example"
	codes = ["127.0.0.2"]
	kind = "name"
	[[filter.dnsbl]]
	zone = "uri.example"
	codes = ["127.0.0.2"]
	kind = "uri"
END
all=$!
ours none $((base + 1000)) <<-END
	[filter.early-talker]
	action = "off"
	[filter.rdns-pattern]
	action = "off"
	[filter.no-rdns]
	action = "off"
	[filter.no-fcrdns]
	action = "off"
	[filter.reputation]
	action = "off"
END
none=$!
# Nobody asks about loopback peers then: no names, no proofs.
kill $none; wait $none || true
sed -i 's/allow_private = true/allow_private = false/' "$dir/none/pennypost.toml"
"$binary" serve -c "$dir/none/pennypost.toml" >/dev/null 2>"$dir/none.log" &
none=$!
pids="$pids $none"
wait_port $((base + 1025))

theirs= rspamd=
if [ "${PEER:-yes}" = no ]; then
	theirs="not asked for"
elif ! command -v rspamd >/dev/null || ! command -v redis-server >/dev/null; then
	theirs="Rspamd or Redis is not installed"
else
	postfix_start $((base + 2025)) <<-END
		smtpd_milters = inet:127.0.0.1:$((base + 2099))
		milter_default_action = tempfail
		milter_connect_macros = j {daemon_name} {daemon_addr} v _
	END
fi
if [ -n "$postfix" ]; then
	mkdir -p "$theirs_dir/rspamd"
	redis-server --port $((base + 2079)) --bind 127.0.0.1 --save '' --dir "$theirs_dir/rspamd" >/dev/null 2>&1 &
	redis=$!
	pids="$pids $redis"
	cat >"$theirs_dir/rspamd/rspamd.conf" <<-END
		.include "/etc/rspamd/common.conf"
		options {
			pidfile = "$theirs_dir/rspamd/pid";
			.include "/etc/rspamd/options.inc"
			dns { nameserver = ["127.0.0.1:$dns"]; timeout = 2s; retransmits = 3; }
			local_addrs = [];
			local_networks = [];
		}
		logging { type = "file"; filename = "$theirs_dir/rspamd/log"; level = "warning"; }
		redis { servers = "127.0.0.1:$((base + 2079))"; }
		fuzzy_check { enabled = false; }
		worker "rspamd_proxy" {
			bind_socket = "127.0.0.1:$((base + 2099))";
			milter = yes;
			timeout = 60s;
			count = 2;
			upstream "local" { default = yes; self_scan = yes; }
		}
	END
	chown -R _rspamd "$theirs_dir/rspamd"
	rspamd -f -u _rspamd -g _rspamd -c "$theirs_dir/rspamd/rspamd.conf" >"$dir/rspamd.log" 2>&1 &
	rspamd=$!
	pids="$pids $rspamd"
	wait_port $((base + 2099)) 3000
fi

# measure PORT PID[,PID] MAILDIR: a short run first, so that nothing is counted that happens only once
measure() {
	$python "$here/judging_load.py" send "$1" "$2" "$3" 128 "$connections" "$octets" >/dev/null
	$python "$here/judging_load.py" send "$1" "$2" "$3" "$messages" "$connections" "$octets"
}
for round in 1 2 3; do
	measure $((base + 25)) $all "$dir/all/mail/ann" >>"$dir/all.json" || { tail -5 "$dir/all.log" >&2; exit 1; }
	measure $((base + 1025)) $none "$dir/none/mail/ann" >>"$dir/none.json" || { tail -5 "$dir/none.log" >&2; exit 1; }
	[ -n "$rspamd" ] || continue
	measure $((base + 2025)) "$master,$rspamd,$redis" "$theirs_dir/mail/ann" >>"$dir/theirs.json" ||
	    { theirs="Postfix with Rspamd did not take it: $(tail -1 "$theirs_dir/log")"; rspamd=; rm -f "$dir/theirs.json"; }
done

$python - "$dir" "$messages" "$connections" "$octets" "$theirs" <<'END'
import json, os, statistics, sys
folder, messages, connections, octets, why = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4], sys.argv[5]
print(f"judging: {messages} messages of {octets} octets on {connections} connections, one each, DNS of 20 ms, median of 3 rounds")
print(f"  {'':24} {'250 a second':>13} {'in Maildir a second':>20} {'CPU ms a message':>17}")
got = {}
for name, label in (("all", "pennypost, all filters"), ("none", "pennypost, filters off"), ("theirs", "postfix with rspamd")):
    path = os.path.join(folder, name + ".json")
    if os.path.exists(path) and os.path.getsize(path):
        rounds = [json.loads(line) for line in open(path)]
        r = {key: statistics.median(one[key] for one in rounds) for key in rounds[0]}
        got[name] = (messages / r["accepted"], messages / r["stored"], 1000 * r["cpu"] / messages)
        print(f"  {label:24} {got[name][0]:13.0f} {got[name][1]:20.0f} {got[name][2]:17.2f}")
for a, b, label in (("all", "none", "all to off"), ("all", "theirs", "all to postfix, rspamd")):
    if a in got and b in got:
        print(f"  {label:24} " + " ".join(f"{x / y:{w}.2f}" for x, y, w in zip(got[a], got[b], (13, 20, 17))))
if why:
    print(f"  no comparison: {why}")
END
