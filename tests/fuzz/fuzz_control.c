/*
 * A line on the control socket: it is a command with its arguments within bounds, or
 * there is an error text in one line.
 */
#include <string.h>

#include "agent/control_req.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
	struct control_req r = { .a = NULL };
	char err[256] = "";
	bool ok;

	if (len > 65536)
		return 0;
	ok = control_cmd_parse(&r, (const char *)(len ? in : (const uint8_t *)""), len, err, sizeof(err));
	HOLD(ok == (r.cmd != NULL && err[0] == '\0'));
	HOLD(memchr(err, '\0', sizeof(err)));
	if (!ok)
		return 0;
	HOLD(r.args.af == 0 || r.args.af == IP4 || r.args.af == IP6);
	HOLD(memchr(r.args.peer_name, '\0', sizeof(r.args.peer_name)));
	HOLD(memchr(r.args.reason, '\0', sizeof(r.args.reason)));
	HOLD(memchr(r.args.destination, '\0', sizeof(r.args.destination)));
	HOLD(r.args.prefix.af == 0 || r.args.prefix.len <= ip_af_bits(r.args.prefix.af));
	return 0;
}
