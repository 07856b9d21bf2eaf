/*
 * The service manager's notification socket, by hand: one datagram for each
 * state (sd_notify(3)); the library would bring three compressors along.
 */
#include "launch/weftd.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static struct sockaddr_un notify_addr;
static socklen_t notify_addr_len; /* 0: nobody wants to know */
static uint64_t notify_watchdog;

/* A socket's name begins with '/', or with '@' in the abstract namespace (NUL in the kernel). */
static void
notify_set_socket(const char *name)
{
	size_t len = strlen(name);

	if ((name[0] != '/' && name[0] != '@') || len < 2 || len >= sizeof(notify_addr.sun_path))
		return;
	notify_addr.sun_family = AF_UNIX;
	memcpy(notify_addr.sun_path, name, len);
	if (name[0] == '@')
		notify_addr.sun_path[0] = '\0';
	notify_addr_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
}

/* Reads the environment and takes the variables out of it: they are not for the children. */
void
notify_init(void)
{
	const char *socket_name = getenv("NOTIFY_SOCKET"), *usec = getenv("WATCHDOG_USEC");
	const char *pid = getenv("WATCHDOG_PID");

	if (socket_name)
		notify_set_socket(socket_name);
	if (usec && (!pid || strtol(pid, NULL, 10) == getpid()))
		notify_watchdog = strtoull(usec, NULL, 10) / 2;
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

uint64_t
notify_watchdog_us(void)
{
	return notify_addr_len > 0 ? notify_watchdog : 0;
}

void
notify_send(const char *fmt, ...)
{
	char text[512];
	va_list ap;
	int fd, n;

	if (notify_addr_len == 0)
		return;
	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return;
	/* Nothing is lost that the next state would not say. */
	(void)sendto(fd, text, strnlen(text, sizeof(text)), MSG_NOSIGNAL,
	    (struct sockaddr *)&notify_addr, notify_addr_len);
	close(fd);
}
