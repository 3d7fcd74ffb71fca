# postfix.sh: for measurements, to be read with ".": Debian's Postfix in an instance of its own below /var/tmp, as the package sets it up.
# Needs $dir, $work, $python; the caller's cleanup stops $postfix and removes $theirs_dir.

# wait_port PORT [TENTHS OF A SECOND]
wait_port() {
	for _ in $(seq "${2:-100}"); do
		$python -c "import socket; socket.create_connection(('127.0.0.1', $1), 1).close()" 2>/dev/null && return
		sleep 0.1
	done
	echo "nothing listens on port $1" >&2
	exit 1
}

# postfix_start PORT: more lines of main.cf come from standard input. Sets postfix (its folder of configuration; empty: not started, and
# theirs says why), master, its process, and theirs_dir, with mail/ann.
postfix_start() {
	if ! command -v postfix >/dev/null; then
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
