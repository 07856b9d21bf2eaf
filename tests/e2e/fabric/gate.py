"""A wire that holds SYNs: two interfaces joined by a thread that copies frames.

Until both sides have sent a TCP SYN to port 179, SYNs wait; then both are let go at
once, so that the two connections cross on the wire. Everything else passes.
"""

import array
import fcntl
import select
import socket
import struct
import threading

SIOCETHTOOL, ETHTOOL_STXCSUM, ETHTOOL_STSO, ETHTOOL_SGSO = 0x8946, 0x17, 0x1f, 0x24
ETH_P_ALL = 3


def offload_off(ns, dev):
    """Checksums must be in the frames when they are copied by a program."""
    with ns.entered(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        for command in (ETHTOOL_STXCSUM, ETHTOOL_STSO, ETHTOOL_SGSO):
            value = array.array("B", struct.pack("II", command, 0))
            fcntl.ioctl(s, SIOCETHTOOL,
                        struct.pack("16sP", dev.encode(), value.buffer_info()[0]))


def is_syn(frame):
    """A first SYN (no ACK) to port 179, IPv4 or IPv6?"""
    ether = struct.unpack_from("!H", frame, 12)[0]
    ip = frame[14:]
    if ether == 0x0800 and ip[9] == 6:
        tcp = ip[(ip[0] & 15) * 4:]
    elif ether == 0x86dd and ip[6] == 6:
        tcp = ip[40:]
    else:
        return False
    return struct.unpack_from("!H", tcp, 2)[0] == 179 and tcp[13] & 0x12 == 0x02


class Gate:
    """Joins two interfaces of one namespace; crossed is set once both SYNs were let go."""

    def __init__(self, ns, dev_a, dev_b):
        with ns.entered():
            self.socks = []
            for dev in (dev_a, dev_b):
                s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
                s.bind((dev, 0))
                self.socks.append(s)
        self.held = [None, None]
        self.crossed = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._copy, daemon=True)
        self._thread.start()

    def _copy(self):
        while not self._stop.is_set():
            for s in select.select(self.socks, [], [], 0.1)[0]:
                try:
                    frame, address = s.recvfrom(65536)
                except OSError:             # the far end went down
                    continue
                if address[2] != socket.PACKET_OUTGOING:
                    self._pass(self.socks.index(s), frame)

    def _pass(self, side, frame):
        if not self.crossed.is_set() and is_syn(frame):
            self.held[side] = frame
            if not all(self.held):
                return
            for i, f in enumerate(self.held):
                self.socks[1 - i].send(f)
            self.crossed.set()
        else:
            self.socks[1 - side].send(frame)

    def rearm(self):
        self.held = [None, None]
        self.crossed.clear()

    def close(self):
        self._stop.set()
        self._thread.join()
        for s in self.socks:
            s.close()
