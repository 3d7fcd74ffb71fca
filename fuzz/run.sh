#!/bin/sh
# fuzz/run.sh BUILD [SECONDS] [TARGET...]: every fuzz target for a while; new finds go to BUILD/found/<target>, crashes to BUILD/crashes.
set -eu
build=$1; shift
seconds=${1:-60}; [ $# -eq 0 ] || shift
ninja -C "$build" >/dev/null || ninja -C "$build"
mkdir -p "$build/crashes"
[ $# -gt 0 ] || set -- $(cd fuzz && ls fuzz_*.c | sed 's/^fuzz_//; s/\.c$//')
passed=0 failed=0
for target; do
	dict=fuzz/dict/$target.dict
	found=$build/found/$target
	mkdir -p "$found"
	printf 'fuzz %s ... ' "$target"
	if "$build/fuzz/fuzz_$target" -max_total_time="$seconds" -timeout=5 -rss_limit_mb=512 -max_len=65536 -print_final_stats=1 \
	    -artifact_prefix="$build/crashes/$target-" $( [ -f "$dict" ] && printf -- '-dict=%s' "$dict" ) \
	    "$found" "fuzz/corpus/$target" >"$build/$target.log" 2>&1; then
		passed=$((passed + 1)); sed -n 's/^stat::number_of_executed_units: */runs /p' "$build/$target.log"
	else
		failed=$((failed + 1)); echo FAILED; tail -30 "$build/$target.log"
	fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
