#!/bin/sh
# smtp_in.sh BINARY [MESSAGES [CONNECTIONS [OCTETS]]]: how many messages a second are taken durably, and what does one cost?
# Pennypost and Debian's Postfix, where it is installed (it needs root to start), on the same disk, with the same load, taking turns for
# three rounds, of which the median counts.
# Both answer 250 when the message is synced; Pennypost has then judged it and put it into the Maildir, Postfix has queued it
# and puts it there afterwards: so both moments are shown. PEER=no: our figures alone.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
binary=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
messages=${2:-2000} connections=${3:-16} octets=${4:-4096}
. "$here/taking.sh"

# measure PORT PID MAILDIR: a short run first, so that nothing is counted that happens only once
measure() {
	$python "$here/smtp_load.py" "$1" "$2" ann@bench.example "$3" $((connections * 4)) "$connections" "$octets" >/dev/null
	$python "$here/smtp_load.py" "$1" "$2" ann@bench.example "$3" "$messages" "$connections" "$octets"
}

base=24000
ours ours $base </dev/null
pid=$!
postfix_start $((base + 1025)) </dev/null

for round in 1 2 3; do
	measure $((base + 25)) $pid "$dir/ours/mail/ann" >>"$dir/ours.json" || { tail -5 "$dir/ours.log" >&2; exit 1; }
	[ -n "$postfix" ] || continue
	measure $((base + 1025)) "$master" "$theirs_dir/mail/ann" >>"$dir/theirs.json" || { tail -5 "$theirs_dir/log" >&2; exit 1; }
done

report "smtp_in: $messages messages of $octets octets on $connections connections" "ours=pennypost" "theirs=postfix"
[ -z "$postfix" ] || echo "  (pennypost judges each message, postfix does not)"
