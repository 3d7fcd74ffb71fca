#!/bin/sh
# bench/run.sh BINARY [NAME...]: runs the measurements there are, or those named, and says which.
set -eu
binary=$(cd "$(dirname "$1")" && pwd)/$(basename "$1"); shift
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- $(cd bench && ls ./*.sh | sed 's/^\.\///; s/\.sh$//; /^run$/d; /^taking$/d')
echo "measurements: $*"
passed=0 failed=0
for name; do
	if sh "bench/$name.sh" "$binary"; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "$name FAILED"; fi
done
echo "$passed ran, $failed failed"
[ "$failed" -eq 0 ]
