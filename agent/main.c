/*
 * weft-agent: started by weftd only (lib/launchmsg.h).
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "config.h"
#include "lib/logmain.h"
#include "lib/sanitized.h"

int
main(int argc, char **argv)
{
	bool observe;

	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		puts("weft-agent " PACKAGE_VERSION);
		return EXIT_SUCCESS;
	}
	observe = argc == 4 && strcmp(argv[3], "--observe") == 0;
	if (argc != 3 + observe || strcmp(argv[1], "--config") != 0) {
		fputs("usage: weft-agent --config NAME [--observe] (started by weftd, see weftd(8))\n", stderr);
		return 2;
	}
	/* weftd orders every stop through its channel; a signal to the whole group must not. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	log_main_init("agent", LOG_INFO, false);
	return agent_run(argv[2], observe);
}
