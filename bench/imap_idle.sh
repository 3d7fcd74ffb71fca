#!/bin/sh
# imap_idle.sh BINARY: what do 1,000 and 10,000 phones in IDLE cost, in memory and CPU, and how soon do all of one account hear of a new mail?
# From the environment: SESSIONS ("1000 10000"; the first also with COMPRESS), SECONDS of silence (30). No peer: Dovecot has a process for each.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
binary=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
python=/usr/bin/python3
[ -x $python ] || python=python3
mkdir -p "$here/../build/bench"
ulimit -n "$(ulimit -H -n)"
exec $python "$here/imap_idle.py" "$binary" "$here/../build/bench/imap_idle"
