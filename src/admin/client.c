/* client.c: how does a command ask the running server? HTTP/1.1 on the status socket, one request,
 * blocking. */
#include "admin/client.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "admin/commands.h"
#include "core/json_read.h"

enum { ANSWER_MAX = 80 << 20, ANSWER_SECONDS = 120, BUSY_WAIT_MS = 100, BUSY_WAITS = 50 };

static int socket_open(const struct cfg *cfg, struct err *err)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX, .sun_path = "run/status.sock" };
	struct timeval wait = { .tv_sec = ANSWER_SECONDS };
	int fd;

	if (chdir(cfg->data) == -1)
		return (err_errno(err, "enter the data folder %s", cfg->data));
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1)
		return (err_errno(err, "make a socket"));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1) {
		if (errno == ENOENT || errno == ECONNREFUSED)
			(void)err_set(err, ERR_NOT_FOUND, "no server is running in %s", cfg->data);
		else
			(void)err_errno(err, "connect to %s/run/status.sock", cfg->data);
		(void)close(fd);
		return (-1);
	}
	return (fd);
}

static int write_all(int fd, struct slice s, struct err *err)
{
	while (s.n > 0) {
		ssize_t n = send(fd, s.p, s.n, MSG_NOSIGNAL);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return (err_errno(err, "ask the server"));
		s = slice_from(s, (size_t)n);
	}
	return (0);
}

static int read_all(int fd, struct buf *in, struct err *err)
{
	for (;;) {
		char *at = buf_room(in, 65536);
		ssize_t n;

		if (at == NULL)
			return (err_set(err, ERR_LIMIT, "the server's answer is too large"));
		n = recv(fd, at, 65536, 0);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return (err_errno(err, "read the server's answer"));
		if (n == 0)
			return (0);
		buf_grew(in, (size_t)n);
	}
}

/* "HTTP/1.1 200 OK" ... blank line, body until the end of the stream. */
static int answer_read(struct buf *in, struct client_answer *ret, struct err *err)
{
	struct slice all = buf_slice(in);
	size_t head = slice_find(all, SLICE("\r\n\r\n"));
	uint64_t status;

	if (head == SIZE_MAX || !slice_starts(all, SLICE("HTTP/1.1 ")) ||
	    !slice_u64(slice_head(slice_from(all, 9), 3), 999, &status))
		return (err_set(err, ERR_TEMPORARY, "the server's answer cannot be read"));
	ret->status = (int)status;
	buf_drop(in, head + 4);
	ret->body = *in;
	buf_init(in, 0);
	return (0);
}

int client_ask(const struct cfg *cfg, const char *method, const char *path, struct slice body,
    struct client_answer *ret, struct err *err)
{
	struct buf head = BUF_INIT(16384), in = BUF_INIT(ANSWER_MAX);
	int fd, rc = -1;

	if ((fd = socket_open(cfg, err)) == -1)
		return (-1);
	(void)buf_fmt(&head,
	    "%s %s HTTP/1.1\r\nHost: pennypost\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n",
	    method, path, body.n);
	if (head.failed)
		(void)err_set(err, ERR_PEER, "what is asked is too long");
	else if (write_all(fd, buf_slice(&head), err) == 0 && write_all(fd, body, err) == 0 &&
	    read_all(fd, &in, err) == 0)
		rc = answer_read(&in, ret, err);
	(void)close(fd);
	buf_free(&head);
	buf_free(&in);
	return (rc);
}

int client_ask_or_do(const struct cfg *cfg, const char *method, const char *path, struct slice body,
    struct client_answer *ret, struct err *err)
{
	static const struct timespec pause = { .tv_nsec = BUSY_WAIT_MS * 1000000L };

	/* Another command has the data open, or a server that does not listen yet: both pass. */
	for (int i = 0;; i++) {
		if (client_ask(cfg, method, path, body, ret, err) == 0)
			return (0);
		if (err->kind != ERR_NOT_FOUND)
			return (-1);
		if (local_do(cfg, method, path, body, ret, err) == 0)
			return (0);
		if (err->kind != ERR_BUSY || i == BUSY_WAITS)
			return (-1);
		(void)nanosleep(&pause, NULL);
	}
}

int client_escape(struct buf *out, struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (ascii_alnum(s.p[i]) || slice_chr(SLICE("-._~"), s.p[i]) != SIZE_MAX)
			(void)buf_addc(out, s.p[i]);
		else
			(void)buf_fmt(out, "%%%02X", (unsigned char)s.p[i]);
	}
	return (out->failed ? -1 : 0);
}

int client_complain(const struct client_answer *answer)
{
	struct json_doc *doc = json_read(buf_slice(&answer->body), NULL);
	struct slice words = json_text(json_get(json_root(doc), "error"));

	if (words.n == 0)
		words = slice_trim(buf_slice(&answer->body));
	(void)fprintf(stderr, "pennypost: %.*s\n", SLICE_ARG(words));
	json_doc_free(doc);
	return (answer->status >= 500   ? EXIT_TEMPORARY
		: answer->status == 404 ? EXIT_FOUND
					: EXIT_USAGE);
}
