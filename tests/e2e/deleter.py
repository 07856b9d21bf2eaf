"""Deletes routes again and again, as a program does that takes them for strays.

    deleter.py NAME TIMES PREFIX...

As the process NAME it deletes these routes (protocol 212) TIMES times; each time it
waits until the first of them is back, and prints how many seconds that took.
"""

import ipaddress
import os
import socket
import struct
import sys
import time

RTM_DELROUTE, RTM_GETROUTE = 25, 26
NLM_F_REQUEST, NLM_F_ACK = 1, 4
RTA_DST, RTM_F_FIB_MATCH = 1, 0x2000
NLMSG_ERROR = 2


def message(kind, prefix, flags=0, protocol=0, rtm_flags=0):
    net = ipaddress.ip_network(prefix)
    family = socket.AF_INET if net.version == 4 else socket.AF_INET6
    dst = net.network_address.packed
    plen = net.max_prefixlen if kind == RTM_GETROUTE else net.prefixlen
    rtm = struct.pack("BBBBBBBBI", family, plen, 0, 0, 0 if kind == RTM_GETROUTE else 254, protocol,
                      0, 0, rtm_flags)
    body = rtm + struct.pack("HH", 4 + len(dst), RTA_DST) + dst
    return struct.pack("IHHII", 16 + len(body), kind, NLM_F_REQUEST | flags, 1, 0) + body


def ask(sock, octets):
    """(type, body) of the answer."""
    sock.send(octets)
    data = sock.recv(65536)
    return struct.unpack_from("H", data, 4)[0], data[16:]


def delete(sock, prefix):
    kind, body = ask(sock, message(RTM_DELROUTE, prefix, NLM_F_ACK, protocol=212))
    return kind == NLMSG_ERROR and struct.unpack_from("i", body)[0] == 0


def there(sock, prefix):
    kind, body = ask(sock, message(RTM_GETROUTE, prefix, rtm_flags=RTM_F_FIB_MATCH))
    return kind != NLMSG_ERROR and body[1] == ipaddress.ip_network(prefix).prefixlen and \
        body[5] == 212


def main(name, times, prefixes):
    with open("/proc/self/comm", "w") as f:
        f.write(name)
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
    sock.bind((os.getpid(), 0))
    for _ in range(times):
        while not there(sock, prefixes[0]):
            time.sleep(0.001)
        began = time.monotonic()
        for p in prefixes:
            delete(sock, p)
        while not there(sock, prefixes[0]):
            time.sleep(0.001)
        print(f"{time.monotonic() - began:.4f}", flush=True)
    sys.stdin.read()        # stay, to be looked at


main(sys.argv[1], int(sys.argv[2]), sys.argv[3:])
