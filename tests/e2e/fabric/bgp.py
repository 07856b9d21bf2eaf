"""A BGP speaker under a test's full control: every message is sent when told.

Conn is one TCP connection (made or accepted) with its own receive buffer; nothing is
answered by itself. Message layouts: RFC 4271 section 4, capabilities RFC 5492,
4-octet AS RFC 6793, multiprotocol RFC 4760, graceful restart RFC 4724.
"""

import ipaddress
import select
import socket
import struct
import time

OPEN, UPDATE, NOTIFICATION, KEEPALIVE, REFRESH = 1, 2, 3, 4, 5
CEASE, COLLISION = 6, 7
AFI = {"ipv4": 1, "ipv6": 2}
MARKER = b"\xff" * 16
AS_TRANS = 23456
TCP_MD5SIG = 14


def message(kind, body=b""):
    return MARKER + struct.pack("!HB", 19 + len(body), kind) + body


def cap_mp(family):
    return struct.pack("!BBHBB", 1, 4, AFI[family], 0, 1)


def cap_as4(asn):
    return struct.pack("!BBI", 65, 4, asn)


def cap_gr(seconds, families=(), restarting=False, forwarding=True):
    body = struct.pack("!H", (0x8000 if restarting else 0) | seconds)
    for f in families:
        body += struct.pack("!HBB", AFI[f], 1, 0x80 if forwarding else 0)
    return struct.pack("!BB", 64, len(body)) + body


def open_body(asn, router_id, hold=90, caps=None):
    """OPEN with one optional parameter that holds all capabilities."""
    if caps is None:
        caps = cap_mp("ipv4") + cap_mp("ipv6") + cap_as4(asn)
    params = struct.pack("!BB", 2, len(caps)) + caps if caps else b""
    return struct.pack("!BHH4sB", 4, asn if asn < 65536 else AS_TRANS, hold,
                       socket.inet_aton(router_id), len(params)) + params


def nlri(prefixes):
    out = b""
    for p in map(ipaddress.ip_network, prefixes):
        out += bytes([p.prefixlen]) + p.network_address.packed[:(p.prefixlen + 7) // 8]
    return out


def attribute(flags, kind, value):
    if len(value) > 255:
        return struct.pack("!BBH", flags | 0x10, kind, len(value)) + value
    return struct.pack("!BBB", flags, kind, len(value)) + value


def update_body(prefixes=(), withdrawn=(), next_hop="0.0.0.0", as_path=()):
    """UPDATE for IPv4 (classic NLRI) or IPv6 (MP_REACH/MP_UNREACH), by the first prefix."""
    v6 = any(":" in p for p in (*prefixes, *withdrawn))
    attrs = b""
    if prefixes:
        path = struct.pack("!BB", 2, len(as_path)) + b"".join(struct.pack("!I", a) for a in as_path)
        attrs = attribute(0x40, 1, b"\0") + attribute(0x40, 2, path if as_path else b"")
        hop = ipaddress.ip_address(next_hop).packed
        if v6:
            attrs += attribute(0x80, 14, struct.pack("!HBB", 2, 1, len(hop)) + hop + b"\0"
                               + nlri(prefixes))
        else:
            attrs += attribute(0x40, 3, hop)
    if withdrawn and v6:
        attrs += attribute(0x80, 15, struct.pack("!HB", 2, 1) + nlri(withdrawn))
    gone = b"" if v6 else nlri(withdrawn)
    tail = b"" if v6 else nlri(prefixes)
    return struct.pack("!H", len(gone)) + gone + struct.pack("!H", len(attrs)) + attrs + tail


def end_of_rib(family):
    if family == "ipv4":
        return struct.pack("!HH", 0, 0)
    attrs = attribute(0x80, 15, struct.pack("!HB", AFI[family], 1))
    return struct.pack("!HH", 0, len(attrs)) + attrs


def set_md5(sock, address, password):
    """TCP MD5 key (RFC 2385) towards an address, or none for ""; also on an established socket."""
    ip = ipaddress.ip_address(address)
    addr = struct.pack("=HH4s", socket.AF_INET, 0, ip.packed) if ip.version == 4 else \
        struct.pack("=HHI16sI", socket.AF_INET6, 0, 0, ip.packed, 0)
    key = password.encode()
    sock.setsockopt(socket.IPPROTO_TCP, TCP_MD5SIG,
                    struct.pack("=128sBBHI80s", addr, 0, 0, len(key), 0, key))


def listener(ns, address, port=179, backlog=16):
    """A listening socket in a namespace."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with ns.entered():
        s = socket.socket(family, socket.SOCK_STREAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind((address, port))
        s.listen(backlog)
    return s


def connect(ns, local, remote, port=179, timeout=5, password="", ttl=0):
    """A connection made from a namespace; ttl 0 is the kernel's."""
    family = socket.AF_INET6 if ":" in remote else socket.AF_INET
    with ns.entered():
        s = socket.socket(family, socket.SOCK_STREAM)
        s.bind((local, 0))
        s.settimeout(timeout)
        if password:
            set_md5(s, remote, password)
        if ttl:
            s.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)
    s.connect((remote, port))
    return Conn(s)


class Conn:
    """One BGP connection; closed becomes true when the other side ended it."""

    def __init__(self, sock):
        self.sock, self.buf = sock, b""
        self.received = []              # (kind, body), in order
        self.closed = False
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, kind, body=b""):
        """Send one message; False when the connection is gone."""
        try:
            self.sock.sendall(message(kind, body))
            return True
        except OSError:
            self.poll()
            self.closed = True
            return False

    def poll(self, timeout=0.0):
        """Take in what has arrived (waiting up to timeout for the first octet)."""
        while not self.closed and select.select([self.sock], [], [], timeout)[0]:
            try:
                data = self.sock.recv(65536)
            except OSError:
                data = b""
            if not data:
                self.closed = True
            self.buf += data
            timeout = 0.0
        while len(self.buf) >= 19:
            length, kind = struct.unpack_from("!HB", self.buf, 16)
            if len(self.buf) < length:
                break
            self.received.append((kind, self.buf[19:length]))
            self.buf = self.buf[length:]

    def wait(self, kind, deadline_s=5):
        """Until a message of that kind has come; its body, or None (closed, too late)."""
        end = time.monotonic() + deadline_s
        while True:
            for k, body in self.received:
                if k == kind:
                    return body
            if self.closed or time.monotonic() > end:
                return None
            self.poll(0.05)

    def notification(self):
        """(code, subcode) it closed with, or None."""
        self.poll()
        for kind, body in self.received:
            if kind == NOTIFICATION:
                return body[0], body[1]
        return None

    def establish(self, asn, router_id, hold=90, caps=None, deadline_s=5):
        """The whole handshake; asserts that it succeeds."""
        assert self.send(OPEN, open_body(asn, router_id, hold, caps))
        assert self.wait(OPEN, deadline_s), f"no OPEN: {self.received} closed={self.closed}"
        assert self.send(KEEPALIVE)
        assert self.wait(KEEPALIVE, deadline_s) is not None, f"no KEEPALIVE: {self.received}"
        return self

    def take_all(self):
        """Every message that has come so far, as (kind, body)."""
        self.poll()
        return list(self.received)

    def close(self):
        self.sock.close()
        self.closed = True
