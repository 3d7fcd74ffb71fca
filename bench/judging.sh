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
. "$here/taking.sh"

base=26000
dns=$((base + 53))
mkfifo "$dir/hold"
$python "$here/judging_load.py" dns $dns 20 <"$dir/hold" >/dev/null 2>"$dir/dns.log" &
pids="$pids $!"
exec 8>"$dir/hold"

limits='[limits]
conn_rate = 1000000
conn_guests = 1000
conn_per_source = 1000'
ours all $base --dns 127.0.0.1:$dns <<-END
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
	$limits
END
all=$!
# Without a DNS of theirs nobody asks about loopback peers: no names, no proofs.
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
	$limits
END
none=$!

rspamd=
if [ "${PEER:-yes}" != no ] && { ! command -v rspamd >/dev/null || ! command -v redis-server >/dev/null; }; then
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

report "judging: $messages messages of $octets octets on $connections connections, one each, DNS of 20 ms" \
    "all=pennypost, all filters" "none=pennypost, filters off" "theirs=postfix with rspamd"
