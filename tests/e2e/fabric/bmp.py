"""A BMP collector under a test's full control, and what it understood.

Every octet is parsed and checked: framing, the per-peer header, TLVs, and the BGP
messages inside. RFC 7854 section 4, RFC 8671 section 4, RFC 9069 sections 4 and 5.
"""

import collections
import ipaddress
import select
import socket
import struct

from . import bgp

ROUTE, STATS, PEER_DOWN, PEER_UP, INITIATION, TERMINATION = range(6)
NAMES = ("route", "stats", "down", "up", "initiation", "termination")
IPV6, POST, AS2, OUT = 0x80, 0x40, 0x20, 0x10
GLOBAL, LOC_RIB = 0, 3
MP_REACH, MP_UNREACH, AS_PATH, NEXT_HOP, COMMUNITIES = 14, 15, 2, 3, 8

Header = collections.namedtuple("Header", "rib peer asn id time flags")
Message = collections.namedtuple("Message", "kind header body")
COUNTERS, GAUGES = {0, 1, 2, 3, 4, 5, 6, 11, 12, 13}, {7, 8, 9, 10}


class Malformed(AssertionError):
    """The stream broke a rule."""


def check(cond, what):
    if not cond:
        raise Malformed(what)


def tlvs(data):
    out = []
    while data:
        check(len(data) >= 4, "TLV header cut off")
        kind, length = struct.unpack("!HH", data[:4])
        check(len(data) >= 4 + length, "TLV cut off")
        out.append((kind, data[4:4 + length]))
        data = data[4 + length:]
    return out


def bgp_message(data):
    """(type, body, rest) of the BGP message in front."""
    check(len(data) >= 19 and data[:16] == bgp.MARKER, "no BGP header")
    length, kind = struct.unpack("!HB", data[16:19])
    check(19 <= length <= len(data), f"BGP message of {length} octets in {len(data)}")
    return kind, data[19:length], data[length:]


def prefixes(data, v6, addpath=False):
    """Prefixes of an NLRI field; with path ids as "PREFIX#ID" (RFC 7911 section 3)."""
    out = []
    while data:
        path_id = ""
        if addpath:
            check(len(data) > 4, "path id cut off")
            path_id, data = f"#{int.from_bytes(data[:4], 'big')}", data[4:]
        bits = data[0]
        octets = (bits + 7) // 8
        check(bits <= (128 if v6 else 32) and len(data) > octets, "bad prefix")
        packed = data[1:1 + octets].ljust(16 if v6 else 4, b"\0")
        out.append(str(ipaddress.ip_network((packed, bits))) + path_id)
        data = data[1 + octets:]
    return out


def attributes(data):
    out = {}
    while data:
        check(len(data) >= 3, "attribute header cut off")
        flags, kind = data[0], data[1]
        head = 4 if flags & 0x10 else 3
        length = struct.unpack("!H", data[2:4])[0] if flags & 0x10 else data[2]
        check(len(data) >= head + length, "attribute cut off")
        check(kind not in out, f"attribute {kind} twice")
        out[kind] = data[head:head + length]
        data = data[head + length:]
    return out


def as_path(data, as4=True):
    out, size = [], 4 if as4 else 2
    while data:
        n = data[1]
        check(len(data) >= 2 + n * size, "AS_PATH cut off")
        out += struct.unpack(f"!{n}{'I' if as4 else 'H'}", data[2:2 + n * size])
        data = data[2 + n * size:]
    return out


Update = collections.namedtuple("Update", "announced withdrawn eor attrs next_hop path")


def update(body, as4=True, addpath=False):
    gone_len = struct.unpack("!H", body[:2])[0]
    gone = body[2:2 + gone_len]
    rest = body[2 + gone_len:]
    attr_len = struct.unpack("!H", rest[:2])[0]
    check(len(rest) >= 2 + attr_len, "attributes cut off")
    attrs = attributes(rest[2:2 + attr_len])
    announced = prefixes(rest[2 + attr_len:], False, addpath)
    withdrawn = prefixes(gone, False, addpath)
    hop = attrs.get(NEXT_HOP)
    eor = "ipv4" if len(body) == 4 else None
    if MP_REACH in attrs:
        mp = attrs[MP_REACH]
        afi, safi, n = struct.unpack("!HBB", mp[:4])
        check((afi, safi) == (2, 1) and n in (16, 32), f"MP_REACH of {afi}/{safi}, next hop {n}")
        hop = mp[4:20]
        announced += prefixes(mp[5 + n:], True)
    if MP_UNREACH in attrs:
        afi, safi = struct.unpack("!HB", attrs[MP_UNREACH][:3])
        check((afi, safi) == (2, 1), f"MP_UNREACH of {afi}/{safi}")
        gone6 = prefixes(attrs[MP_UNREACH][3:], True)
        eor = "ipv6" if not gone6 and len(attrs) == 1 else eor
        withdrawn += gone6
    return Update(announced, withdrawn, eor, attrs, str(ipaddress.ip_address(hop)) if hop else None,
                  as_path(attrs.get(AS_PATH, b""), as4))


def header(data):
    check(len(data) >= 42, "per-peer header cut off")
    kind, flags, rd = data[0], data[1], data[2:10]
    asn, ident, s, us = struct.unpack("!I4sII", data[26:42])
    check(kind in (GLOBAL, LOC_RIB) and rd == bytes(8), f"peer type {kind}")
    check(us < 1000000, "microseconds")
    if kind == LOC_RIB:
        check(flags == 0 and data[10:26] == bytes(16), "Loc-RIB header")
        peer, rib = None, "loc"
    else:
        check(flags & 0x0f == 0, f"flags {flags:#x}")
        v6 = bool(flags & IPV6)
        check(v6 or data[10:22] == bytes(12), "IPv4 address")
        peer = str(ipaddress.ip_address(data[10:26] if v6 else data[22:26]))
        rib = "out" if flags & OUT else "post" if flags & POST else "pre"
    return Header(rib, peer, asn, socket.inet_ntoa(ident), s + us / 1e6, flags)


class Collector:
    """Listens in a namespace; take() reads what has come and keeps its state.

    ribs: {(rib, peer): {prefix: Update}} as the messages leave it; up: {peer: (sent,
    received)} OPEN bodies; downs: [(peer, reason, data)]; eors: {(rib, peer, family)}.
    """

    def __init__(self, ns, address, port=11019, rcvbuf=None):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with ns.entered():
            self.listener = socket.socket(family, socket.SOCK_STREAM)
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if rcvbuf:
                self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
            self.listener.bind((address, port))
            self.listener.listen(4)
        self.sock = None
        self.addpath = set()    # peers whose IPv4 prefixes come with path ids
        self.raw = b""
        self.reset()

    def reset(self):
        self.buf, self.closed = b"", False
        self.messages, self.ribs, self.up, self.downs = [], {}, {}, []
        self.eors, self.stats, self.info, self.loc_rib = set(), {}, {}, None
        self.terminated = None

    def accept(self, timeout=15):
        """The next connection; everything known before is forgotten."""
        self.drop()
        check(select.select([self.listener], [], [], timeout)[0], "weft did not connect")
        self.sock = self.listener.accept()[0]
        self.reset()
        return self

    def drop(self):
        if self.sock:
            self.sock.close()
        self.sock = None

    def close(self):
        self.drop()
        self.listener.close()

    def take(self, timeout=0.0):
        """Read and understand what is there; waits up to timeout for the first octet."""
        while not self.closed and select.select([self.sock], [], [], timeout)[0]:
            timeout = 0.0
            try:
                data = self.sock.recv(1 << 18)
            except ConnectionError:
                data = b""
            self.closed = not data
            self.raw += data
            self.buf += data
            self._messages()
        return self

    def _messages(self):
        at = 0
        while len(self.buf) - at >= 6:
            version, length, kind = struct.unpack("!BIB", self.buf[at:at + 6])
            check(version == 3 and kind <= TERMINATION, f"version {version}, type {kind}")
            check(6 <= length < 1 << 18, f"length {length}")
            if len(self.buf) - at < length:
                break
            self._take_one(kind, self.buf[at + 6:at + length])
            at += length
        self.buf = self.buf[at:]

    def _take_one(self, kind, body):
        head = None
        check(self.messages or kind == INITIATION, "the first message is no Initiation")
        check(not self.terminated, "a message after the Termination")
        if kind <= PEER_UP:
            head, body = header(body), body[42:]
        self.messages.append(Message(NAMES[kind], head, len(body)))
        getattr(self, "_" + NAMES[kind])(head, body)

    def _initiation(self, _, body):
        self.info = {k: v.decode() for k, v in tlvs(body)}
        check({1, 2} <= set(self.info), "sysDescr and sysName")

    def _termination(self, _, body):
        self.terminated = dict(tlvs(body))
        check(1 in self.terminated, "a reason")

    def _up(self, head, body):
        local_port, remote_port = struct.unpack("!HH", body[16:20])
        kind, sent, rest = bgp_message(body[20:])
        check(kind == bgp.OPEN, "sent OPEN")
        kind, received, rest = bgp_message(rest)
        check(kind == bgp.OPEN, "received OPEN")
        if head.rib == "loc":
            check(tlvs(rest) == [(3, b"global")], "table name")
            check(local_port == remote_port == 0 and sent == received, "Loc-RIB OPENs")
            self.loc_rib = sent
            return
        check(not rest, "octets after the OPENs")
        check(head.peer not in self.up, f"{head.peer} is up twice")
        check(local_port and remote_port, "ports")
        self.up[head.peer] = (sent, received)

    def _down(self, head, body):
        reason, data = body[0], body[1:]
        if head.rib == "loc":
            check(reason == 6 and tlvs(data) == [(3, b"global")], "Loc-RIB down")
            return
        check(head.peer in self.up, f"{head.peer} is down and was not up")
        check({1: data[:16] == bgp.MARKER, 2: len(data) == 2, 3: data[:16] == bgp.MARKER,
               4: not data}.get(reason), f"reason {reason} with {data}")
        del self.up[head.peer]
        for key in [k for k in self.ribs if k[1] == head.peer]:
            del self.ribs[key]
        self.eors = {e for e in self.eors if e[1] != head.peer}
        self.downs.append((head.peer, reason, data))

    def _route(self, head, body):
        check(head.rib == "loc" or head.peer in self.up, f"routes of {head.peer}, which is not up")
        check(head.rib != "loc" or self.loc_rib, "routes of the Loc-RIB before it is up")
        kind, inner, rest = bgp_message(body)
        check(kind == bgp.UPDATE and not rest, "not one UPDATE")
        u = update(inner, not head.flags & AS2,
                   head.rib in ("pre", "post") and head.peer in self.addpath)
        table = self.ribs.setdefault((head.rib, head.peer), {})
        for p in u.withdrawn:
            table.pop(p, None)
        for p in u.announced:
            table[p] = u
        if u.eor:
            self.eors.add((head.rib, head.peer, u.eor))

    def _stats(self, head, body):
        n, body = struct.unpack("!I", body[:4])[0], body[4:]
        found = tlvs(body)
        check(len(found) == n, "number of statistics")
        for kind, value in found:
            check(kind in COUNTERS and len(value) == 4 or kind in (7, 8) and len(value) == 8
                  or kind in (9, 10) and len(value) == 11, f"statistic {kind} of {len(value)}")
        self.stats[head.peer] = {(k, v[:3] if k in (9, 10) else None):
                                 int.from_bytes(v[3:] if k in (9, 10) else v, "big")
                                 for k, v in found}

    def table(self, rib, peer=None):
        return self.ribs.get((rib, peer), {})

    def await_(self, fn, deadline_s, why):
        """Take until fn() is true."""
        from .wait import wait_until

        def probe():
            self.take(0.1)
            return fn()
        broken = []

        def guarded():
            try:
                return probe()
            except Malformed as e:
                broken.append(e)
                return True
        wait_until(guarded, deadline_s, why)
        if broken:
            raise broken[0]
