# taking.sh: for measurements of mail that is taken, to be read with ".", $here and $binary set: a folder, an end that leaves nothing behind, our
# servers, Debian's Postfix in an instance of its own below /var/tmp, as the package sets it up, and what is printed.

python=/usr/bin/python3
[ -x $python ] || python=python3
work=$here/../build/bench
mkdir -p "$work"
dir=$(mktemp -d "$work/taking.XXXXXX")
pids= postfix= theirs= theirs_dir=
cleanup() {
	[ -z "$postfix" ] || postfix -c "$postfix" stop >/dev/null 2>&1 || true
	for p in $pids; do kill "$p" 2>/dev/null || true; done
	for p in $pids; do wait "$p" 2>/dev/null || true; done
	rm -rf "$dir" "$theirs_dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

# wait_port PORT [TENTHS OF A SECOND]
wait_port() {
	for _ in $(seq "${2:-100}"); do
		$python -c "import socket; socket.create_connection(('127.0.0.1', $1), 1).close()" 2>/dev/null && return
		sleep 0.1
	done
	echo "nothing listens on port $1" >&2
	exit 1
}

# ours NAME PORT-BASE [OPTION OF INIT...]: one of our servers, the rest of its configuration from standard input; $! is its process
ours() {
	name=$1 ports=$2
	shift 2
	echo 'ann@bench.example secret of ann' |
	    "$binary" init --dir "$dir/$name" --domain bench.example --accounts - --listen 127.0.0.1 --port-base "$ports" --self-signed "$@" >/dev/null
	cat >>"$dir/$name/pennypost.toml"
	"$binary" serve -c "$dir/$name/pennypost.toml" >/dev/null 2>"$dir/$name.log" &
	pids="$pids $!"
	wait_port $((ports + 25))
}

# report TITLE NAME=LABEL...: the medians of $dir/NAME.json, and the first of them to each other
report() {
	$python - "$dir" "$messages" "$theirs" "$@" <<-'END'
		import json, os, statistics, sys
		folder, messages, why, title = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
		print(f"{title}, median of 3 rounds")
		print(f"  {'':24} {'250 a second':>13} {'in Maildir a second':>20} {'CPU ms a message':>17}")
		rows = []
		for name, label in (word.split("=") for word in sys.argv[5:]):
		    path = os.path.join(folder, name + ".json")
		    if os.path.exists(path) and os.path.getsize(path):
		        rounds = [json.loads(line) for line in open(path)]
		        r = {key: statistics.median(one[key] for one in rounds) for key in rounds[0]}
		        rows.append((label, messages / r["accepted"], messages / r["stored"], 1000 * r["cpu"] / messages))
		for row in rows:
		    print("  {:24} {:13.0f} {:20.0f} {:17.2f}".format(*row))
		for other in rows[1:]:
		    print("  {:24} {:13.2f} {:20.2f} {:17.2f}".format("to " + other[0], *(a / b for a, b in zip(rows[0][1:], other[1:]))))
		if why:
		    print(f"  no comparison: {why}")
	END
}

# postfix_start PORT: more lines of main.cf come from standard input. Sets postfix (its folder of configuration; empty: not started, and
# theirs says why), master, its process, and theirs_dir, with mail/ann. PEER=no: not asked for.
postfix_start() {
	if [ "${PEER:-yes}" = no ]; then
		theirs="not asked for"
		return
	elif ! command -v postfix >/dev/null; then
		theirs="Postfix is not installed"
		return
	elif [ "$(id -u)" != 0 ]; then
		theirs="Postfix needs root to start"
		return
	fi
	# Postfix's own users walk down to here.
	theirs_dir=$(mktemp -d /var/tmp/pennypost-bench.XXXXXX)
	[ "$(stat -c %d /var/tmp)" = "$(stat -c %d "$dir")" ] || echo "/var/tmp is another file system than $work: the comparison is not fair" >&2
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
	cat >>"$theirs_dir/conf/main.cf"
	sed "s/^smtp  *inet/127.0.0.1:$1 inet/; s/^\([^#]*inet  *n  *-  *\)y/\1n/" /etc/postfix/master.cf >"$theirs_dir/conf/master.cf"
	sed -i '/^[a-z]/s/^\([^ ]*  *[a-z]*  *[-yn]  *[-yn]  *\)y/\1n/' "$theirs_dir/conf/master.cf" # nothing in chroot: the folder is bare
	cp /etc/postfix/dynamicmaps.cf "$theirs_dir/conf/" 2>/dev/null || true
	if postfix -c "$theirs_dir/conf" start >"$dir/postfix.log" 2>&1; then
		postfix=$theirs_dir/conf
		wait_port "$1"
		master=$(tr -d ' ' <"$theirs_dir/queue/pid/master.pid")
	else
		theirs="Postfix did not start: $(tail -1 "$dir/postfix.log")"
	fi
}
