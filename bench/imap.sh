#!/bin/sh
# imap.sh BINARY: how fast are IMAP commands on a folder of 100,000 messages, in seconds and in CPU, beside Debian's Dovecot?
# From the environment: SCALE (100000 messages), ROUNDS (5), ROWS (names or their beginnings, "select sort"; all), PEER=no (ours alone), FRESH=1
# (the mail is copied anew). What is made once stays below build/bench/imap-SCALE.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
binary=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
python=/usr/bin/python3
[ -x $python ] || python=python3
work=$here/../build/bench/imap-${SCALE:-100000}
[ -z "${FRESH:-}" ] || rm -rf "$work/ours" "$work/dovecot"
mkdir -p "$work"
exec $python "$here/imap_bench.py" "$binary" "$work"
