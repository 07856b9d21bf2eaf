/*
 * weft: look at and steer the routed pod fabric of this node.
 */
#include <locale.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "ctl/ctl.h"

int
main(int argc, char **argv)
{
	struct ctl c = { .out = stdout, .err = stderr, .err_tty = isatty(STDERR_FILENO) };
	struct winsize ws;
	int status;

	setlocale(LC_TIME, "");
	if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == 0) {
		c.columns = ws.ws_col;
		c.lines = ws.ws_row;
	}
	status = ctl_main(&c, argc, argv, getenv("WEFT_RUN_DIR"));
	/* A full disk must not look like success. */
	if (fflush(stdout) != 0 && status == CTL_OK)
		status = CTL_DOWN;
	return status;
}
