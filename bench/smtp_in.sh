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
pid= postfix= theirs_dir=
cleanup() {
	[ -z "$pid" ] || kill "$pid" 2>/dev/null || true
	[ -z "$postfix" ] || postfix -c "$postfix" stop >/dev/null 2>&1 || true
	[ -z "$pid" ] || wait "$pid" 2>/dev/null || true
	rm -rf "$dir" "$theirs_dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

. "$here/postfix.sh"

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
postfix_start $((base + 1025)) </dev/null

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
