"""A BGP speaker that says exactly what it is told and keeps what it hears, octet by octet.

It answers KEEPALIVEs by itself (a thread), and nothing else. rib maps a prefix to
{attribute type: (flags, value)} as the last UPDATE gave it; MP_REACH_NLRI is kept
with its next hop as the value.
"""

import ipaddress
import struct
import threading
import time

from fabric import bgp
from fabric.wait import wait_until

ORIGIN, AS_PATH, NEXT_HOP, MED, LOCAL_PREF, ATOMIC, AGGREGATOR, COMMUNITIES = range(1, 9)
ORIGINATOR_ID, CLUSTER_LIST, MP_REACH, MP_UNREACH, EXT_COMMUNITIES = 9, 10, 14, 15, 16
LARGE_COMMUNITIES, OTC = 32, 35
OPTIONAL, TRANSITIVE, PARTIAL = 0x80, 0x40, 0x20


def path(*asns):
    """AS_PATH of one sequence, 4-octet."""
    return struct.pack("!BB", 2, len(asns)) + b"".join(struct.pack("!I", a) for a in asns)


def asns(value):
    """AS numbers of an AS_PATH, flat."""
    found, at = [], 0
    while at < len(value):
        n = value[at + 1]
        found += struct.unpack_from(f"!{n}I", value, at + 2)
        at += 2 + 4 * n
    return found


def segments(value):
    """[(segment type, [AS numbers])] of an AS_PATH."""
    found, at = [], 0
    while at < len(value):
        kind, n = value[at], value[at + 1]
        found.append((kind, list(struct.unpack_from(f"!{n}I", value, at + 2))))
        at += 2 + 4 * n
    return found


def communities(value):
    return [f"{a}:{b}" for a, b in struct.iter_unpack("!HH", value)]


def large(value):
    return [f"{a}:{b}:{c}" for a, b, c in struct.iter_unpack("!III", value)]


def addresses(value):
    """IPv4 addresses of a CLUSTER_LIST or ORIGINATOR_ID."""
    return [str(ipaddress.IPv4Address(value[i:i + 4])) for i in range(0, len(value), 4)]


class Probe:
    """One session, made from namespace ns to a passive neighbour.

    internal: an iBGP session. caps: all capabilities; more_caps: beside the usual ones.
    path_ids: NLRI carry path identifiers, both ways (then rib's keys are (prefix, id)).
    """

    def __init__(self, ns, local, remote, asn, router_id, hold=90, caps=None, more_caps=b"",
                 internal=False, path_ids=False):
        self.asn, self.internal, self.local, self.path_ids = asn, internal, local, path_ids
        if caps is None:
            caps = bgp.cap_mp("ipv4") + bgp.cap_mp("ipv6") + bgp.cap_as4(asn) + \
                struct.pack("!BB", 2, 0) + more_caps
        self.rib, self.eor, self.read, self.refreshes = {}, set(), 0, []
        self.lock = threading.RLock()

        def connected():
            conn = bgp.connect(ns, local, remote)
            try:
                return conn.establish(asn, router_id, hold, caps, deadline_s=2)
            except AssertionError:
                conn.close()
                raise
        self.conn = wait_until(connected, 15, f"session of {local} with {remote}", every_s=0.1)
        self.thread = threading.Thread(target=self._live, daemon=True)
        self.thread.start()

    def _live(self):
        spoke = 0.0
        while not self.conn.closed:
            with self.lock:
                if time.monotonic() - spoke > 1:
                    self.conn.send(bgp.KEEPALIVE)
                    spoke = time.monotonic()
                self.conn.poll()
                self._take()
            time.sleep(0.02)

    def _take(self):
        for kind, body in self.conn.received[self.read:]:
            if kind == bgp.UPDATE:
                self._update(body)
            elif kind == bgp.REFRESH:
                self.refreshes.append(body)
        self.read = len(self.conn.received)

    def _update(self, body):
        nwithdrawn, = struct.unpack_from("!H", body)
        nattrs, = struct.unpack_from("!H", body, 2 + nwithdrawn)
        attrs, at, end = {}, 4 + nwithdrawn, 4 + nwithdrawn + nattrs
        while at < end:
            flags, kind = body[at], body[at + 1]
            if flags & 0x10:
                n, at = struct.unpack_from("!H", body, at + 2)[0], at + 4
            else:
                n, at = body[at + 2], at + 3
            attrs[kind] = (flags, body[at:at + n])
            at += n
        if not nwithdrawn and not nattrs and at == len(body):
            self.eor.add("ipv4")
        self._drop(body[2:2 + nwithdrawn], 4)
        reach, gone = attrs.pop(MP_REACH, None), attrs.pop(MP_UNREACH, None)
        if gone:
            if len(gone[1]) == 3 and not attrs:
                self.eor.add("ipv6" if gone[1][1] == 2 else "ipv4")
            self._drop(gone[1][3:], 6 if gone[1][1] == 2 else 4)
        self._keep(body[at:], 4, attrs)
        if reach:
            value = reach[1]
            hop = value[4:4 + value[3]]
            self._keep(value[5 + value[3]:], 6 if value[1] == 2 else 4,
                       {**attrs, MP_REACH: (reach[0], hop)})

    def _prefixes(self, data, version):
        at, kind = 0, ipaddress.IPv4Network if version == 4 else ipaddress.IPv6Network
        while at < len(data):
            ident = None
            if self.path_ids:
                ident, at = struct.unpack_from("!I", data, at)[0], at + 4
            bits = data[at]
            n = (bits + 7) // 8
            packed = data[at + 1:at + 1 + n] + bytes((4 if version == 4 else 16) - n)
            prefix = str(kind((packed, bits)))
            yield prefix if ident is None else (prefix, ident)
            at += 1 + n

    def _keep(self, data, version, attrs):
        for p in self._prefixes(data, version):
            self.rib[p] = attrs

    def _drop(self, data, version):
        for p in self._prefixes(data, version):
            self.rib.pop(p, None)

    # what a scenario asks for

    def announce(self, prefixes, as_path=(), next_hop=None, attrs=(), raw_path=None):
        """Send prefixes of one family; attrs: more (flags, type, value)."""
        v6 = ":" in prefixes[0]
        seq = as_path if self.internal or as_path else (self.asn,)
        head = [(0x40, ORIGIN, b"\0"),
                (0x40, AS_PATH, raw_path if raw_path is not None else path(*seq) if seq else b"")]
        hop = ipaddress.ip_address(next_hop or self.local).packed
        if self.internal and LOCAL_PREF not in [a[1] for a in attrs]:
            head.append((0x40, LOCAL_PREF, struct.pack("!I", 100)))
        if v6:
            head.append((0x80, MP_REACH, struct.pack("!HBB", 2, 1, len(hop)) + hop + b"\0"
                         + bgp.nlri(prefixes)))
        else:
            head.append((0x40, NEXT_HOP, hop))
        body = b"".join(bgp.attribute(*a) for a in sorted([*head, *attrs], key=lambda a: a[1]))
        self.send(bgp.UPDATE, b"\0\0" + struct.pack("!H", len(body)) + body +
                  (b"" if v6 else bgp.nlri(prefixes)))

    def withdraw(self, prefixes):
        self.send(bgp.UPDATE, bgp.update_body(withdrawn=prefixes))

    def end_of_rib(self):
        for f in bgp.AFI:
            self.send(bgp.UPDATE, bgp.end_of_rib(f))

    def send(self, kind, body=b""):
        with self.lock:
            assert self.conn.send(kind, body), f"{self.local}: the session is gone"

    def wait_route(self, prefix, deadline_s=8):
        """Attributes with which a prefix was heard."""
        return wait_until(lambda: self.rib.get(prefix), deadline_s, f"{self.local} hears {prefix}")

    def close(self):
        with self.lock:
            self.conn.close()
