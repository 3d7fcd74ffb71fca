/* service.c: what does the service manager hear of us? The sd_notify protocol: datagrams of "NAME=value" to the socket that
 * NOTIFY_SOCKET names. Failures: ignored; a manager that cannot be told is no reason to stop serving mail. */
#include "core/service.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/slice.h"

static struct { /* set once by service_setup, before any thread; constant afterwards */
	int fd;
	uint64_t watchdog_ms;
} manager = { .fd = -1 };

static int connect_to(const char *name)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	size_t n = strlen(name);
	int fd;

	if (n < 2 || n >= sizeof(sun.sun_path) || (name[0] != '/' && name[0] != '@'))
		return (-1);
	memcpy(sun.sun_path, name, n);
	if (name[0] == '@')
		sun.sun_path[0] = '\0'; /* abstract name space */
	if ((fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) == -1)
		return (-1);
	if (connect(fd, (struct sockaddr *)&sun,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) == 0)
		return (fd);
	(void)close(fd);
	return (-1);
}

static uint64_t watchdog_of_env(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	uint64_t us, whose;

	if (usec == NULL || !slice_u64(slice_of(usec), UINT64_MAX, &us))
		return (0);
	if (pid != NULL && (!slice_u64(slice_of(pid), INT32_MAX, &whose) || (pid_t)whose != getpid()))
		return (0);
	return (us / 2000);
}

void service_setup(void)
{
	const char *name = getenv("NOTIFY_SOCKET");

	if (name == NULL || manager.fd != -1)
		return;
	manager.fd = connect_to(name);
	manager.watchdog_ms = watchdog_of_env();
	(void)unsetenv("NOTIFY_SOCKET");
	(void)unsetenv("WATCHDOG_USEC");
	(void)unsetenv("WATCHDOG_PID");
}

void service_tell(const char *state)
{
	if (manager.fd != -1)
		(void)send(manager.fd, state, strlen(state), MSG_NOSIGNAL | MSG_DONTWAIT);
}

uint64_t service_watchdog_ms(void)
{
	return (manager.fd != -1 ? manager.watchdog_ms : 0);
}
