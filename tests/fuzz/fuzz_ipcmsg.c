/*
 * IPC messages. The first octet says from which side (bit 0: bgpd, bit 7: bfdd, else the agent)
 * and on which channel (bits 1 and 2) the others come. What decodes encodes to the same octets.
 */
#include <string.h>

#include "lib/ipcmsg.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
	static uint8_t again[IPC_MAX_OCTETS];
	static struct ipc_msg msg;
	enum ipc_side from;
	enum ipc_chan chan;

	if (len == 0)
		return 0;
	from = in[0] & 0x80 ? IPC_BFDD : in[0] & 1 ? IPC_BGPD : IPC_AGENT;
	chan = (enum ipc_chan)(in[0] >> 1 & 3);
	if (ipcmsg_decode(from, chan, in + 1, len - 1, &msg))
		return 0;
	HOLD(ipcmsg_encode(&msg, again, sizeof(again)) == len - 1);
	HOLD(memcmp(again, in + 1, len - 1) == 0);
	return 0;
}
