/*
 * pause: do nothing until SIGTERM or SIGINT, as the first process of a pod or of a machine.
 *
 * Orphans of its process namespace are reaped by the kernel.
 */
#include <signal.h>
#include <unistd.h>

static void
end(int sig)
{
	(void)sig;
	_exit(0);
}

int
main(void)
{
	signal(SIGCHLD, SIG_IGN);
	signal(SIGTERM, end);
	signal(SIGINT, end);
	for (;;)
		pause();
}
