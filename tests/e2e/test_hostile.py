"""A peer that means harm: whatever it sends, its neighbours stay up and weft-bgpd lives.

Every test has one weft node with two peers on one link: the hostile one (scripted)
and an innocent one, whose session a thread keeps alive.  After each attack the
innocent session must be the same one, weft-bgpd the same process, its memory and
descriptors back where they were, and its processor idle.
"""

import os
import select
import socket
import struct
import threading
import time

import pytest

from fabric import bgp
from fabric.topo import PEER_AS, PERMIT, PODS, WEFT_AS, timers, wire
from fabric.wait import No, wait_until
from fabric.weft import Weft, config, peer

GOOD_AS, GOOD_IP = 65003, "10.9.1.3"
FEED_AS, FEED_IP = 65004, "10.9.1.4"     # announces what the others are told
EVIL_IP, WEFT_IP = "10.9.1.2", "10.9.1.1"
SANITIZED = os.environ.get("WEFT_SANITIZED") == "1"
TICK = os.sysconf("SC_CLK_TCK")


class Innocent(threading.Thread):
    """An established session that only keeps itself alive and counts what it is told."""

    def __init__(self, ns, address=GOOD_IP, asn=GOOD_AS, caps=None):
        super().__init__(daemon=True)
        self.conn = bgp.connect(ns, address, WEFT_IP).establish(asn, address, hold=9, caps=caps)
        self.updates, self.done = 0, threading.Event()
        self.silence, self.last = 0.0, time.monotonic()     # longest time without any octet
        self.buf, self.why = self.conn.buf, None
        self.start()

    def run(self):
        sent = 0.0
        while not self.done.is_set() and not self.why:
            now = time.monotonic()
            if now - sent > 2:
                self.conn.send(bgp.KEEPALIVE)
                sent = now
            if select.select([self.conn.sock], [], [], 0.2)[0]:
                self.take(self.conn.sock.recv(1 << 18))

    def take(self, data):
        """Count the messages that are whole; NOTIFICATION or FIN is the end."""
        self.silence = max(self.silence, time.monotonic() - self.last)
        self.last, self.buf, at = time.monotonic(), self.buf + data, 0
        while len(self.buf) - at >= 19:
            length, kind = struct.unpack_from("!HB", self.buf, at + 16)
            if len(self.buf) - at < length:
                break
            if kind == bgp.NOTIFICATION:
                self.why = self.buf[at + 19:at + length]
            self.updates += kind == bgp.UPDATE
            at += length
        self.buf = self.buf[at:]
        if not data:
            self.why = self.why or "FIN"

    def up(self):
        return self.why is None or No(self.why)


class Siege:
    """One weft node, the innocent session, and what weft-bgpd looked like before."""

    def __init__(self, lab, good=None, more=None, good_caps=None, **evil):
        self.w, self.p = lab.ns("weft"), lab.ns("peer")
        mine, _ = wire(lab, self.w, "eth0", self.p, "eth0", 1)
        self.p.addr("eth0", f"{GOOD_IP}/24", "fd09:1::3/64")
        self.p.addr("eth0", f"{FEED_IP}/24")
        usual = {"passive": True, "timers": timers(hold="60s"), "maxPrefixes": {"limit": 2000000}}
        peers = [peer("evil", EVIL_IP, PEER_AS, **{**usual, **evil}),
                 peer("good", GOOD_IP, GOOD_AS, **{**usual, **(good or {})}),
                 peer("feed", FEED_IP, FEED_AS, **usual)]
        self.weft = Weft(self.w, config("weft", WEFT_AS, mine, peers, PODS,
                                        [*PERMIT, "16.0.0.0/4"],
                                        **{"kernel": {"install": False},
                                           "ops": {"log": {"level": "info"}}, **(more or {})})).start()
        self.w.wait_port(179)
        self.good = Innocent(self.p, caps=good_caps)
        self.weft.wait_established("good")
        self.pid = self.weft.pid("weft-bgpd")
        self.fds, self.rss = self.count_fds(), self.memory()

    def count_fds(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def feed(self):
        """A session that announces; with hold time 90 it needs no KEEPALIVE for a test's time."""
        return bgp.connect(self.p, FEED_IP, WEFT_IP).establish(FEED_AS, FEED_IP, hold=90)

    def memory(self):
        """Resident octets of weft-bgpd."""
        with open(f"/proc/{self.pid}/statm") as f:
            return int(f.read().split()[1]) * 4096

    def cpu(self):
        """Seconds of processor time of weft-bgpd."""
        with open(f"/proc/{self.pid}/stat") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def dial(self, timeout=5):
        return bgp.connect(self.p, EVIL_IP, WEFT_IP, timeout=timeout)

    def session(self, **kw):
        """An established session of the hostile peer."""
        return self.dial().establish(PEER_AS, EVIL_IP, **{"hold": 9, **kw})

    def check(self, grown=8 << 20):
        """What must hold after every attack."""
        assert self.weft.pid("weft-bgpd") == self.pid, f"weft-bgpd ended:\n{self.weft.text()[-2000:]}"
        assert self.good.up(), self.good.up()
        peers = self.weft.peers()
        assert peers["good"]["state"] == "Established", peers["good"]
        wait_until(lambda: self.count_fds() <= self.fds + 1 or No(self.count_fds()), 5,
                   f"descriptors are back at {self.fds}")
        if not SANITIZED:
            assert self.memory() < self.rss + grown, f"{self.rss} grew to {self.memory()}"
        self.idle()

    def idle(self):
        """Soon the processor rests: under 5 % in half a second."""
        def rests():
            before, at = self.cpu(), time.monotonic()
            self.good.done.wait(0.5)
            share = (self.cpu() - before) / (time.monotonic() - at)
            return share < 0.05 or No(f"{share:.0%}")
        wait_until(rests, 15, "weft-bgpd is idle")


def ends_with(c, deadline_s=3):
    """(code, subcode) and data of the NOTIFICATION that ends c."""
    body = c.wait(bgp.NOTIFICATION, deadline_s)
    assert body is not None, f"no NOTIFICATION: {c.received} closed={c.closed}"
    wait_until(lambda: c.poll() or c.closed, 3, "closed after the NOTIFICATION")
    c.close()
    return (body[0], body[1]), body[2:]


def raw(kind, body=b"", marker=b"\xff" * 16, length=None):
    return marker + struct.pack("!HB", 19 + len(body) if length is None else length, kind) + body


def good_open(asn=PEER_AS, **kw):
    return bgp.open_body(asn, EVIL_IP, 9, **kw)


AS4 = bgp.cap_as4(PEER_AS)
V4, V6 = bgp.cap_mp("ipv4"), bgp.cap_mp("ipv6")


def open_with(version=4, asn=bgp.AS_TRANS, hold=9, router_id=EVIL_IP, params=None):
    if params is None:
        params = b"\x02" + bytes([len(V4 + AS4)]) + V4 + AS4
    return struct.pack("!BHH4sB", version, asn, hold, socket.inet_aton(router_id),
                       len(params)) + params


BAD_HEADERS = [
    ("marker", raw(1, good_open(), marker=b"\xff" * 15 + b"\xfe"), (1, 1), b""),
    ("length 18", raw(1, b"", length=18), (1, 2), struct.pack("!H", 18)),
    ("length 0", raw(1, b"", length=0), (1, 2), b"\0\0"),
    ("length 4097", raw(2, b"", length=4097), (1, 2), struct.pack("!H", 4097)),
    ("length 65535", raw(2, b"", length=65535), (1, 2), b"\xff\xff"),
    ("OPEN of 28", raw(1, b"\x04" * 9), (1, 2), struct.pack("!H", 28)),
    ("KEEPALIVE of 20", raw(4, b"\0"), (1, 2), struct.pack("!H", 20)),
    ("UPDATE of 22", raw(2, b"\0" * 3), (1, 2), struct.pack("!H", 22)),
    ("NOTIFICATION of 20", raw(3, b"\6"), (1, 2), struct.pack("!H", 20)),
    ("type 0", raw(0), (1, 3), b"\0"),
    ("type 6", raw(6), (1, 3), b"\6"),
    ("type 255", raw(255), (1, 3), b"\xff"),
]

BAD_OPENS = [
    ("version 3", open_with(version=3), (2, 1), b"\0\4"),
    ("version 5", open_with(version=5), (2, 1), b"\0\4"),
    ("AS 0", open_with(asn=0), (2, 2), None),
    ("AS 0 in the capability", open_with(params=b"\x02\x06" + bgp.cap_as4(0)), (2, 2), None),
    ("another AS", open_with(params=b"\x02\x06" + bgp.cap_as4(65009)), (2, 2), None),
    ("hold time 1", open_with(hold=1), (2, 6), None),
    ("hold time 2", open_with(hold=2), (2, 6), None),
    ("identifier 0", open_with(router_id="0.0.0.0"), (2, 3), None),
    ("parameter 1", open_with(params=b"\x01\x00"), (2, 4), None),
    ("parameter overruns", open_with(params=b"\x02\xc8\x41\x04"), (2, 0), None),
    ("capability overruns", open_with(params=b"\x02\x03\x41\x04\x00"), (2, 0), None),
    ("parameters shorter than said", open_with()[:9] + b"\x40" + b"\x02\x00", (2, 0), None),
    ("parameters longer than said", open_with()[:9] + b"\x02" + b"\x02\x00\x02\x00", (2, 0), None),
    ("no family in common", open_with(params=b"\x02\x0c" + b"\x01\x04\0\x63\0\x01" + AS4),
     (2, 7), None),
    ("AS4 of 3", open_with(params=b"\x02\x05\x41\x03\0\0\1"), (2, 0), None),
    ("extended length overruns", open_with()[:9] + b"\xff\xff\xff\xff\x02", (2, 0), None),
]


@pytest.mark.slice
def test_bad_headers_and_opens(lab):
    """RFC 4271 sections 6.1 and 6.2: each mistake has its code, subcode and data."""
    s = Siege(lab)
    wrong = []
    for name, octets, want, data in BAD_HEADERS + [(n, raw(1, b), w, d) for n, b, w, d in BAD_OPENS]:
        c = s.dial()
        c.sock.sendall(octets)
        got, more = ends_with(c)
        if got != want or (data is not None and more != data):
            wrong.append((name, got, more, want))
    assert not wrong
    s.check()


@pytest.mark.slice
def test_messages_in_wrong_states(lab):
    """RFC 6608: FSM errors say in which state; the data is the message's type."""
    s = Siege(lab)
    update = bgp.update_body(["20.0.0.0/24"], next_hop=EVIL_IP, as_path=[PEER_AS])
    refresh = struct.pack("!HBB", 1, 0, 1)
    for kind, body in ((bgp.UPDATE, update), (bgp.KEEPALIVE, b""), (bgp.REFRESH, refresh)):
        c = s.dial()
        c.send(kind, body)
        assert ends_with(c) == ((5, 1), bytes([kind])), ("OpenSent", kind)
    for kind, body in ((bgp.UPDATE, update), (bgp.OPEN, good_open()), (bgp.REFRESH, refresh)):
        c = s.dial()
        c.send(bgp.OPEN, good_open())
        assert c.wait(bgp.KEEPALIVE) is not None
        c.send(kind, body)
        assert ends_with(c) == ((5, 2), bytes([kind])), ("OpenConfirm", kind)
    c = s.session()
    c.send(bgp.OPEN, good_open())
    assert ends_with(c) == ((5, 3), bytes([bgp.OPEN]))
    s.check()


def attrs_of(*attrs, nlri=("20.0.0.0/24",), withdrawn=()):
    a, gone = b"".join(attrs), bgp.nlri(withdrawn)
    return struct.pack("!H", len(gone)) + gone + struct.pack("!H", len(a)) + a + bgp.nlri(nlri)


ORIGIN = bgp.attribute(0x40, 1, b"\0")
PATH = bgp.attribute(0x40, 2, struct.pack("!BBI", 2, 1, PEER_AS))
HOP = bgp.attribute(0x40, 3, socket.inet_aton(EVIL_IP))
BASE = (ORIGIN, PATH, HOP)
GOOD_V6 = bgp.attribute(0x80, 14, struct.pack("!HBB", 2, 1, 16) + socket.inet_pton(
    socket.AF_INET6, "fd09:1::2") + b"\0" + b"\x40" + bytes.fromhex("fd00001002440077"))
NONE_HOP = bgp.attribute(0x40, 3, b"\0\0\0\0")

WITHDRAW = [  # RFC 7606 section 7: treat-as-withdraw; the session stays
    ("ORIGIN 3", (bgp.attribute(0x40, 1, b"\3"), PATH, HOP)),
    ("ORIGIN of 2", (bgp.attribute(0x40, 1, b"\0\0"), PATH, HOP)),
    ("no ORIGIN", (PATH, HOP)),
    ("no AS_PATH", (ORIGIN, HOP)),
    ("no NEXT_HOP", (ORIGIN, PATH)),
    ("ORIGIN optional", (bgp.attribute(0xc0, 1, b"\0"), PATH, HOP)),
    ("AS_PATH type 9", (ORIGIN, bgp.attribute(0x40, 2, struct.pack("!BBI", 9, 1, PEER_AS)), HOP)),
    ("AS_PATH empty segment", (ORIGIN, bgp.attribute(0x40, 2, b"\2\0"), HOP)),
    ("AS_PATH overruns", (ORIGIN, bgp.attribute(0x40, 2, struct.pack("!BBI", 2, 9, PEER_AS)), HOP)),
    ("AS_PATH one octet left", (ORIGIN, bgp.attribute(0x40, 2, PATH[3:] + b"\2"), HOP)),
    ("AS_PATH with AS 0", (ORIGIN, bgp.attribute(0x40, 2, struct.pack("!BBII", 2, 2, PEER_AS, 0)),
                           HOP)),
    ("AS_PATH with confederation", (ORIGIN, bgp.attribute(0x40, 2, struct.pack(
        "!BBI", 3, 1, PEER_AS)), HOP)),
    ("NEXT_HOP of 3", (ORIGIN, PATH, bgp.attribute(0x40, 3, b"\1\2\3"))),
    ("NEXT_HOP of 16", (ORIGIN, PATH, bgp.attribute(0x40, 3, b"\1" * 16))),
    ("NEXT_HOP 0.0.0.0", (ORIGIN, PATH, NONE_HOP)),
    ("NEXT_HOP ours", (ORIGIN, PATH, bgp.attribute(0x40, 3, socket.inet_aton(WEFT_IP)))),
    ("NEXT_HOP multicast", (ORIGIN, PATH, bgp.attribute(0x40, 3, b"\xe0\0\0\5"))),
    ("NEXT_HOP loopback", (ORIGIN, PATH, bgp.attribute(0x40, 3, b"\x7f\0\0\1"))),
    ("MED of 3", (*BASE, bgp.attribute(0x80, 4, b"\0\0\0"))),
    ("MED transitive", (*BASE, bgp.attribute(0xc0, 4, b"\0\0\0\0"))),
    ("COMMUNITIES of 0", (*BASE, bgp.attribute(0xc0, 8, b""))),
    ("COMMUNITIES of 5", (*BASE, bgp.attribute(0xc0, 8, b"\0" * 5))),
    ("EXTENDED of 7", (*BASE, bgp.attribute(0xc0, 16, b"\0" * 7))),
    ("LARGE of 11", (*BASE, bgp.attribute(0xc0, 32, b"\0" * 11))),
    ("LARGE of 0", (*BASE, bgp.attribute(0xc0, 32, b""))),
    ("last attribute overruns", (*BASE, b"\xc0\x08\xff\0\0")),
    ("one octet left", (*BASE, b"\xc0")),
]

DISCARD = [  # the attribute goes, the route stays
    ("ATOMIC_AGGREGATE of 1", (*BASE, bgp.attribute(0x40, 6, b"\0"))),
    ("AGGREGATOR of 6", (*BASE, bgp.attribute(0xc0, 7, b"\0" * 6))),
    ("AGGREGATOR with AS 0", (*BASE, bgp.attribute(0xc0, 7, b"\0" * 8))),
    ("LOCAL_PREF from outside", (*BASE, bgp.attribute(0x40, 5, b"\0\0\1\0"))),
    ("LOCAL_PREF of 3 from outside", (*BASE, bgp.attribute(0x40, 5, b"\0\0\1"))),
    ("ORIGINATOR_ID from outside", (*BASE, bgp.attribute(0x80, 9, b"\1\2\3"))),
    ("CLUSTER_LIST from outside", (*BASE, bgp.attribute(0x80, 10, b"\1\2\3"))),
    ("AS4_PATH between AS4 speakers", (*BASE, bgp.attribute(0xc0, 17, b"\1\2\3"))),
    ("AS4_AGGREGATOR of 7", (*BASE, bgp.attribute(0xc0, 18, b"\0" * 7))),
    ("ORIGIN twice", (*BASE, bgp.attribute(0x40, 1, b"\7"))),
    ("AS_PATH twice", (*BASE, bgp.attribute(0x40, 2, b"\xff\xff\xff"))),
    ("unknown, twice", (*BASE, bgp.attribute(0xc0, 99, b"x"), bgp.attribute(0xc0, 99, b"y"))),
    ("unknown of nothing", (*BASE, bgp.attribute(0xc0, 99, b""))),
    ("unknown, not transitive", (*BASE, bgp.attribute(0x80, 98, b"z" * 300))),
]

RESET = [  # RFC 4271 section 6.3, RFC 7606 sections 3, 5.3 and 7.11
    ("unknown well-known", (3, 2), attrs_of(*BASE, bgp.attribute(0x40, 99, b"x"))),
    ("MP_REACH twice", (3, 1), attrs_of(*BASE, GOOD_V6, GOOD_V6)),
    ("MP_REACH next hop of 5", (3, 9), attrs_of(*BASE, bgp.attribute(
        0x80, 14, struct.pack("!HBB", 2, 1, 5) + b"\1" * 5 + b"\0"))),
    ("MP_REACH of 2", (3, 9), attrs_of(*BASE, bgp.attribute(0x80, 14, b"\0\2"))),
    ("MP_REACH overruns", (3, 5), attrs_of(*BASE, b"\x80\x0e\xff\0\2\1")),
    ("MP_REACH /129", (3, 9), attrs_of(*BASE, bgp.attribute(
        0x80, 14, struct.pack("!HBB", 2, 1, 16) + b"\x20" * 16 + b"\0\x81" + b"\1" * 17))),
    ("MP_UNREACH of 2", (3, 9), attrs_of(*BASE, bgp.attribute(0x80, 15, b"\0\2"))),
    ("NLRI /33", (3, 10), attrs_of(*BASE, nlri=()) + b"\x21\1\2\3\4\5"),
    ("NLRI cut off", (3, 10), attrs_of(*BASE, nlri=()) + b"\x18\1\2"),
    ("withdrawn /33", (3, 10), b"\0\6\x21\1\2\3\4\5\0\0"),
    ("withdrawn overruns", (3, 1), b"\xff\xff\0\0"),
    ("attributes overrun", (3, 1), b"\0\0\xff\xff"),
    ("malformed and nothing to withdraw", (3, 6), attrs_of(
        bgp.attribute(0x40, 1, b"\7"), PATH, HOP, nlri=())),
]


def routes_of(s, view="--received"):
    return {r["prefix"] for r in s.weft.routes("--peer", "evil", view)}


@pytest.mark.slice
def test_malformed_attributes(lab):
    """RFC 7606: what a mistake costs is the route, the attribute, or the session, as it says."""
    s = Siege(lab)
    c = s.session()
    wrong = []
    plain = attrs_of(*BASE)
    for want, cases in (((), WITHDRAW), (("20.0.0.0/24",), DISCARD)):
        for name, attrs in cases:
            c.send(bgp.UPDATE, plain)       # there is a route to lose
            c.send(bgp.UPDATE, attrs_of(*attrs))
            c.send(bgp.UPDATE, attrs_of(*BASE, nlri=["20.1.0.0/24"]))
            c.send(bgp.UPDATE, attrs_of(*BASE, nlri=["20.2.0.0/24"]))
            wait_until(lambda: "20.2.0.0/24" in routes_of(s), 5, f"{name}: session goes on")
            got = routes_of(s) - {"20.1.0.0/24", "20.2.0.0/24"}
            if got != set(want):
                wrong.append((name, got))
            c.send(bgp.UPDATE, attrs_of(nlri=(), withdrawn=["20.2.0.0/24", "20.0.0.0/24"]))
            wait_until(lambda: "20.2.0.0/24" not in routes_of(s), 5, f"{name}: withdrawn")
    assert not wrong
    c.close()
    for name, want, body in RESET:
        c = s.session()
        c.send(bgp.UPDATE, body)
        got, _ = ends_with(c)
        if got != want:
            wrong.append((name, got, want))
    assert not wrong
    s.check()


@pytest.mark.slice
def test_next_hop_without_nlri_is_ignored(lab):
    """RFC 4760 section 3: NEXT_HOP beside MP_REACH_NLRI alone says nothing."""
    s = Siege(lab)
    c = s.session()
    c.send(bgp.UPDATE, attrs_of(ORIGIN, PATH, NONE_HOP, GOOD_V6, nlri=()))
    wait_until(lambda: "fd00:10:244:77::/64" in routes_of(s), 5, "the IPv6 route is there")
    c.send(bgp.UPDATE, attrs_of(ORIGIN, PATH, NONE_HOP, nlri=(), withdrawn=["20.0.0.0/24"]))
    c.send(bgp.UPDATE, attrs_of(*BASE))
    wait_until(lambda: "20.0.0.0/24" in routes_of(s), 5, "the session goes on")
    s.check()


# -- connections ----------------------------------------------------------------


def dial_raw(ns, local, timeout=2, port=0):
    with ns.entered():
        k = socket.socket()
    k.settimeout(timeout)
    k.bind((local, port))
    k.connect((WEFT_IP, 179))
    return k


@pytest.mark.slice
def test_octet_by_octet(lab):
    """Messages that arrive in single octets are messages."""
    s = Siege(lab)
    c = s.dial()
    update = bgp.update_body(["20.0.0.0/24"], next_hop=EVIL_IP, as_path=[PEER_AS])
    for octet in bgp.message(bgp.OPEN, good_open()):
        c.sock.send(bytes([octet]))
    assert c.wait(bgp.KEEPALIVE) is not None
    for octet in bgp.message(bgp.KEEPALIVE) + bgp.message(bgp.UPDATE, update):
        c.sock.send(bytes([octet]))
    wait_until(lambda: "20.0.0.0/24" in routes_of(s), 5, "the route is there")
    c.close()
    s.check()


def test_half_a_message_does_not_keep_alive(lab):
    """The hold timer asks for messages: octets of one that never ends do not count."""
    s = Siege(lab, timers=timers(hold="3s", keepalive="1s"))
    c = s.session(hold=3)
    whole = bgp.message(bgp.UPDATE, b"\0" * 4077)

    def dribble():
        nonlocal whole
        try:
            c.sock.send(whole[:1])
        except OSError:
            pass
        whole = whole[1:]
        c.poll()
        return c.notification()
    assert wait_until(dribble, 6, "the hold timer expires", every_s=0.1) == (4, 0)
    c.close()
    s.check()


@pytest.mark.slice
def test_connections_opened_and_dropped(lab):
    """Many connections, each gone at once: by reset, by close, after half an OPEN."""
    s = Siege(lab)
    reset = struct.pack("ii", 1, 0)
    for i in range(600 if SANITIZED else 10000):
        k = dial_raw(s.p, EVIL_IP if i % 4 else "10.9.1.2")
        if i % 3 == 0:
            k.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
        elif i % 3 == 1:
            k.send(bgp.message(bgp.OPEN, good_open())[:i % 40 + 1])
        k.close()
    s.check()
    s.session().close()


@pytest.mark.slice
def test_connections_kept_open(lab):
    """A peer that opens connections and never closes one: no more than two are kept."""
    s = Siege(lab)
    up = s.session()
    kept = [dial_raw(s.p, EVIL_IP) for _ in range(800)]
    wait_until(lambda: s.count_fds() <= s.fds + 4 or No(s.count_fds()), 10, "the rest is closed")
    up.poll()
    assert not up.closed
    for k in kept:
        k.close()
    up.close()
    s.check()


def test_half_open_sockets(lab):
    """Connections whose other end vanished without a word do not pile up."""
    s = Siege(lab)
    s.p.run("iptables", "-A", "OUTPUT", "-s", EVIL_IP, "-p", "tcp", "--tcp-flags", "FIN,RST", "FIN",
            "-j", "DROP")
    s.p.run("iptables", "-A", "OUTPUT", "-s", EVIL_IP, "-p", "tcp", "--tcp-flags", "RST", "RST",
            "-j", "DROP")
    for i in range(300):
        dial_raw(s.p, EVIL_IP, port=20000 + i).close()
    wait_until(lambda: s.count_fds() <= s.fds + 4 or No(s.count_fds()), 10, "they are closed")
    s.p.run("iptables", "-F")
    s.session().close()
    s.check()


def test_two_sessions_from_one_address(lab):
    """The second one is examined; a session that answers stays."""
    s = Siege(lab)
    first = s.session()
    for _ in range(3):
        second = s.dial()
        second.send(bgp.OPEN, good_open())
        first.send(bgp.KEEPALIVE)
        got = second.wait(bgp.NOTIFICATION, 4)
        assert got and got[:2] == bytes([6, 7]), second.received
        second.close()
        first.poll()
        assert not first.closed, first.received
    first.close()
    s.check()


@pytest.mark.slice
def test_flapping(lab):
    """A session that comes and goes all the time, with routes."""
    s = Siege(lab)
    update = bgp.update_body([f"20.0.{i}.0/24" for i in range(200)], next_hop=EVIL_IP,
                             as_path=[PEER_AS])
    for i in range(60 if SANITIZED else 500):
        c = s.session()
        c.send(bgp.UPDATE, update)
        if i % 2:
            c.send(bgp.NOTIFICATION, b"\6\4")
        c.close()
    s.check()
    wait_until(lambda: not routes_of(s), 5, "no route is left")


@pytest.mark.slice
def test_notifications_with_odd_data(lab):
    """Whatever stands in it: nothing of it reaches a terminal raw, and no answer follows."""
    s = Siege(lab)
    csi = "\x1b[31m\x07\x9b31m\u202e\u0085 end"
    odd = [b"", b"\6", b"\6\2", b"\6\2\xff", b"\6\2\5ab", b"\6\2\0", b"\xff\xff" + b"\0" * 4000,
           b"\6\2\xff" + b"A" * 255, b"\6\2\x80" + b"\xc3" * 128, b"\2\7\xff\xff",
           b"\6\1" + b"\0" * 3, b"\3\1" + b"\xff" * 4000, b"\6\2\xff" + "\u20ac".encode() * 85,
           b"\6\2\xfea" + "\u20ac".encode() * 84 + b"b", b"\6\2\xff" + b"%s%n\"\\" * 42 + b"%n%"]
    odd += [b"\6\4" + bytes([len(csi.encode())]) + csi.encode()]
    for body in odd:
        c = s.session()
        c.sock.sendall(raw(bgp.NOTIFICATION, body))
        wait_until(lambda: c.poll() or c.closed, 5, f"closed after {body[:9]}")
        want = (1, 2) if len(body) < 2 else None
        assert c.notification() == want, body[:9]
        c.close()
        s.weft.events()     # it is JSON, whatever the text was
    wait_until(lambda: "end" in s.weft.peer("evil")["last_error"], 5, "the last one was read")
    shown = "".join(s.weft.weft(*w, check=False).stdout for w in (
        ("peers",), ("peer", "evil"), ("events",), ("peer", "evil", "-o", "json"))) + s.weft.text()
    bad = {ch for ch in shown if (ord(ch) < 32 and ch not in "\n\t") or 0x7f <= ord(ch) < 0xa0
           or 0x202a <= ord(ch) <= 0x202e or 0x2066 <= ord(ch) <= 0x2069}
    assert not bad, [hex(ord(ch)) for ch in bad]
    s.check()


# -- floods -----------------------------------------------------------------------

MANY = 4000 if SANITIZED else 100000


def prefix_octets(n):
    """The n-th /24 of 16.0.0.0/4, as NLRI."""
    return b"\x18" + struct.pack("!I", 16 << 16 | n)[1:]


def packed(n, distinct=False, path=(PEER_AS,), hop=EVIL_IP, med=0):
    """n prefixes as a stream of UPDATEs: packed full, or each with attributes of its own."""
    base = ORIGIN + bgp.attribute(0x40, 2, struct.pack("!BB", 2, len(path)) + b"".join(
        struct.pack("!I", a) for a in path)) + bgp.attribute(0x40, 3, socket.inet_aton(hop)) + \
        bgp.attribute(0x80, 4, struct.pack("!I", med))
    out, step = [], 1 if distinct else 900
    for at in range(0, n, step):
        attrs = base + (bgp.attribute(0xc0, 8, struct.pack("!I", at)) if distinct else b"")
        tail = b"".join(prefix_octets(i) for i in range(at, min(at + step, n)))
        out.append(raw(2, struct.pack("!HH", 0, len(attrs)) + attrs + tail))
    return b"".join(out)


def unpacked(n):
    """The same prefixes withdrawn."""
    out = []
    for at in range(0, n, 900):
        gone = b"".join(prefix_octets(i) for i in range(at, min(at + 900, n)))
        out.append(raw(2, struct.pack("!H", len(gone)) + gone + b"\0\0"))
    return b"".join(out)


def pour(c, stream, deadline_s=60):
    """Send a stream as fast as it is taken, and take in what comes back; seconds it took."""
    start, view = time.monotonic(), memoryview(stream)
    c.sock.setblocking(False)
    while view:
        assert time.monotonic() < start + deadline_s, f"{len(view)} octets are left"
        r, w, _ = select.select([c.sock], [c.sock], [], 1)
        if r:
            assert c.sock.recv(1 << 18), "closed"
        if w:
            try:
                view = view[c.sock.send(view[:1 << 18]):]
            except BlockingIOError:
                pass
    c.sock.setblocking(True)
    return time.monotonic() - start


def counted(s, name, want, key="received", deadline_s=60):
    """Until weft counts so many IPv4 prefixes of (or to) that peer."""
    def same():
        n = s.weft.peer(name)["families"]["ipv4"].get(key)
        return n == want or No(n)
    wait_until(same, deadline_s, f"{name}: {want} {key}", every_s=0.05)


class Keeper(threading.Thread):
    """KEEPALIVEs on a connection that another thread reads, or nobody does."""

    def __init__(self, c):
        super().__init__(daemon=True)
        self.c, self.done = c, threading.Event()
        self.start()

    def run(self):
        while not self.done.wait(2):
            self.c.send(bgp.KEEPALIVE)

    def stop(self):
        self.done.set()
        self.join()


ALL = {"more": {"bgp": {"asNumber": WEFT_AS, "routerID": WEFT_IP, "transit": True}},
       "good": {"export": "all"}, "export": "all"}


@pytest.mark.slice
def test_attributes_by_the_hundred_thousand(lab, figure):
    """Every prefix with attributes of its own, announced, changed and withdrawn, three times."""
    s = Siege(lab)
    c = s.session(hold=90)
    left = []
    for i in range(3):
        at = time.monotonic()
        pour(c, packed(MANY, distinct=True, med=i))
        counted(s, "evil", MANY)
        took = time.monotonic() - at
        pour(c, packed(MANY, distinct=True, med=i + 10))
        pour(c, unpacked(MANY))
        counted(s, "evil", 0)
        left.append(s.memory())
        figure(f"round {i}: {MANY} prefixes in {took:.1f} s; {left[-1] >> 20} MiB after withdrawal")
    if not SANITIZED:
        assert left[2] < left[0] * 1.1, f"memory grows: {left}"
    c.close()
    s.check(grown=128 << 20)
    assert s.good.silence < 5


@pytest.mark.slice
def test_refresh_flood(lab, figure):
    """ROUTE-REFRESH again and again, with a full table to tell: others are still served."""
    s = Siege(lab, **ALL)
    feed = s.feed()
    pour(feed, packed(MANY, path=(FEED_AS,), hop=FEED_IP))
    c = s.session(hold=90)
    counted(s, "feed", MANY)
    counted(s, "evil", MANY + 1, "advertised")
    s.good.silence, before = 0.0, s.cpu()
    took = pour(c, raw(bgp.REFRESH, struct.pack("!HBB", 1, 0, 1)) * (400 if SANITIZED else 20000))
    c.send(bgp.UPDATE, attrs_of(*BASE, nlri=["20.255.0.0/24"]))
    at = time.monotonic()
    counted(s, "evil", 1)
    took += time.monotonic() - at
    figure(f"taken in {took:.1f} s with {s.cpu() - before:.1f} s of processor")
    assert s.good.silence < 5
    assert SANITIZED or s.cpu() - before < 2
    c.close()
    feed.close()
    s.check(grown=128 << 20)


REFRESHES = b"\x02\0\x46\0"             # RFC 2918, RFC 7313
LONG = b"\x06\0"                         # RFC 8654
IDS_IN, IDS_OUT = (b"\x45\x04\0\1\1" + bytes([way]) for way in (1, 2))   # RFC 7911


def with_ids(first, paths, prefixes, med):
    """So many paths to each of the first prefixes, their ids from first on."""
    out = []
    for k in range(paths):
        attrs = attrs_of(ORIGIN, bgp.attribute(0x40, 2, struct.pack("!BBI", 2, 1, PEER_AS)),
                         bgp.attribute(0x40, 3, socket.inet_aton(EVIL_IP)),
                         bgp.attribute(0x80, 4, struct.pack("!I", med + k)), nlri=())
        ids = struct.pack("!I", first + k)
        for at in range(0, prefixes, 400):
            out.append(raw(2, attrs + b"".join(ids + prefix_octets(n) for n in
                                               range(at, min(at + 400, prefixes)))))
    return b"".join(out)


@pytest.mark.slice
def test_path_ids_without_end(lab, figure):
    """As many paths per prefix as are taken, and more, changed, refreshed without an end, and lost."""
    prefixes, paths, rounds = (20, 100, 2) if SANITIZED else (200, 300, 6)
    s = Siege(lab, good={**ALL["good"], "addPath": {"send": "all", "maxPaths": 255}},
              more=ALL["more"], export="all", addPath={"receive": True},
              good_caps=V4 + bgp.cap_as4(GOOD_AS) + IDS_IN)
    caps, sizes = V4 + AS4 + REFRESHES + IDS_OUT, []
    for i in range(rounds):
        c = s.session(hold=90, caps=caps)
        took = 0
        for k in range(3):
            took += pour(c, with_ids(1000 * k, paths, prefixes, i + k))
            took += pour(c, raw(bgp.REFRESH, struct.pack("!HBB", 1, 1, 1)) * 2000)
            took += pour(c, with_ids(1000 * k, 1, prefixes, 500 + i) +
                         raw(bgp.REFRESH, struct.pack("!HBB", 1, 2, 1)))
        counted(s, "evil", prefixes)    # what came between the last begin and the end
        sizes.append(s.memory())
        figure(f"round {i}: sent in {took:.1f} s, {s.good.silence:.1f} s of silence, "
               f"{sizes[-1] >> 20} MiB")
        c.close()
        counted(s, "evil", 0)
    if not SANITIZED:
        assert sizes[-1] < sizes[-3] * 1.2 and sizes[-1] < s.rss + (64 << 20), sizes
    s.check(grown=256 << 20)
    assert s.good.silence < 5


@pytest.mark.slice
def test_long_messages_without_end(lab, figure):
    """UPDATEs of 65,535 octets, each of its own attributes, while others take 4,096."""
    s = Siege(lab, **ALL)
    c = s.session(hold=90, caps=V4 + AS4 + LONG)
    base = ORIGIN + bgp.attribute(0x40, 3, socket.inet_aton(EVIL_IP))
    count, sizes = 30 if SANITIZED else 600, []

    def one(n, i):
        segment = struct.pack("!BB", 2, 255) + struct.pack("!I", PEER_AS) * 255
        path = bgp.attribute(0x50, 2, segment * 30)
        comms = bgp.attribute(0xc0, 8, b"".join(struct.pack("!HH", i, k) for k in range(8000)))
        room = 65535 - 23 - len(base + path + comms) - 8
        unknown = bgp.attribute(0xd0, 99, struct.pack("!I", n) + b"x" * (room - 4 - 4))
        attrs = base + path + comms + unknown
        return raw(2, struct.pack("!HH", 0, len(attrs)) + attrs + prefix_octets(n))
    assert 65500 < len(one(0, 0)) <= 65535
    for i in range(4):
        took = pour(c, b"".join(one(n, i) for n in range(count)))
        counted(s, "evil", count)
        sizes.append(s.memory())
        figure(f"round {i}: {count} in {took:.1f} s, {sizes[-1] >> 20} MiB")
    assert s.weft.text().count("update-too-large") <= 20
    if not SANITIZED:
        assert sizes[-1] < sizes[-2] * 1.2 and sizes[-1] < s.rss + count * 65536 * 5 // 2, sizes
    pour(c, unpacked(count))
    counted(s, "evil", 0)
    c.close()
    s.check(grown=128 << 20)
    assert s.good.silence < 5


@pytest.mark.slice
def test_long_paths_for_many_rules(lab, figure):
    """An AS path of 15,000 hops for as many prefixes as fit beside it, and rules that look for each AS."""
    rules = [{"asPathContains": [70000 + i], "action": "Reject"} for i in range(50)]
    rules.append({"cidr": "16.0.0.0/4", "operations": [{"addCommunities": ["65000:1"]}],
                  "action": "Accept"})
    s = Siege(lab, good=ALL["good"], more={**ALL["more"], "filters": {"f": {"import": rules}}},
              export="all", filters=["f"])
    c = s.session(hold=90, caps=V4 + AS4 + LONG)
    segment = struct.pack("!BB", 2, 255) + struct.pack("!I", PEER_AS) * 255
    base = ORIGIN + bgp.attribute(0x50, 2, segment * 58) + \
        bgp.attribute(0x40, 3, socket.inet_aton(EVIL_IP))
    each, s.good.silence, before = 1200, 0.0, s.cpu()

    def one(n):
        attrs = base + bgp.attribute(0x80, 4, struct.pack("!I", n))
        return raw(2, struct.pack("!HH", 0, len(attrs)) + attrs + b"".join(
            b"\x20" + struct.pack("!I", (16 << 24) + each * n + k) for k in range(each)))
    pour(c, b"".join(one(n) for n in range(10)))
    counted(s, "evil", 10 * each)
    figure(f"{10 * each} prefixes with {s.cpu() - before:.2f} s of processor")
    assert SANITIZED or s.cpu() - before < 2
    c.close()
    s.check(grown=64 << 20)
    assert s.good.silence < 5


@pytest.mark.slice
def test_many_communities_for_many_prefixes(lab, figure):
    """14,500 communities, none of them known, for as many prefixes as fit beside them."""
    s = Siege(lab, **ALL)
    c = s.session(hold=90, caps=V4 + AS4 + LONG)
    base = b"".join(BASE) + bgp.attribute(0xc0, 8, b"".join(
        struct.pack("!I", 65536 + k) for k in range(14500)))
    each, s.good.silence, before = 1400, 0.0, s.cpu()

    def one(n):
        attrs = base + bgp.attribute(0x80, 4, struct.pack("!I", n))
        return raw(2, struct.pack("!HH", 0, len(attrs)) + attrs + b"".join(
            b"\x20" + struct.pack("!I", (16 << 24) + each * n + k) for k in range(each)))
    pour(c, b"".join(one(n) for n in range(20)))
    counted(s, "evil", 20 * each)
    s.idle()
    figure(f"{20 * each} prefixes with {s.cpu() - before:.2f} s of processor")
    assert SANITIZED or s.cpu() - before < 1
    c.close()
    s.check(grown=64 << 20)


@pytest.mark.slice
def test_peer_that_stops_reading(lab, figure):
    """A peer that is told much and reads nothing: no queue grows, nobody waits for it."""
    s = Siege(lab, **ALL)
    feed, c = s.feed(), s.session(hold=90)
    sizes = []
    for i in range(4):
        s.good.updates = 0
        pour(feed, packed(MANY, distinct=True, path=(FEED_AS, 65100 + i), hop=FEED_IP, med=i))
        counted(s, "feed", MANY)
        wait_until(lambda: s.good.updates >= MANY or No(s.good.updates), 30, "the innocent is told")
        sizes.append(s.memory())
    figure(f"memory after each change: {[m >> 20 for m in sizes]} MiB")
    if not SANITIZED:
        assert sizes[3] < sizes[1] * 1.15, sizes
    c.close()
    feed.close()
    s.check(grown=256 << 20)


@pytest.mark.slice
def test_next_hop_elsewhere(lab):
    """RFC 4271 section 5.1.3: one hop away, a peer sends nobody's packets past the shared link."""
    s = Siege(lab, more={"kernel": {"install": True}})
    s.w.ip("route", "add", "default", "via", GOOD_IP)
    c = s.session(hold=90)
    for prefix, hop in (("20.1.0.0/24", EVIL_IP), ("20.2.0.0/24", "10.9.1.77"),
                        ("20.3.0.0/24", "198.51.100.1")):
        c.send(bgp.UPDATE, bgp.update_body([prefix], next_hop=hop, as_path=[PEER_AS]))

    def best():
        return {r["prefix"] for r in s.weft.routes("--peer", "evil", "--best")}
    wait_until(lambda: best() == {"20.1.0.0/24", "20.2.0.0/24"} or No(best()), 5,
               "the peer's own and a third party's on the link are used, the other is not")
    assert "20.3.0.0/24" in routes_of(s)
    assert "no link shared" in s.weft.weft("route", "20.3.0.0/24", check=False).stdout
    c.close()
    s.check()


@pytest.mark.slice
def test_messages_of_4096_octets(lab):
    """Attributes that fit on the way in and not on the way out: withdrawn there, and said ten times."""
    s = Siege(lab, **ALL)
    feed = s.feed()
    path = bgp.attribute(0x40, 2, struct.pack("!BBI", 2, 1, FEED_AS))
    hop = bgp.attribute(0x40, 3, socket.inet_aton(FEED_IP))
    room = 4096 - 23 - len(ORIGIN + path + hop) - 4 - 4     # for an unknown attribute's value
    c = s.session(hold=90)

    def large(n, octets):
        unknown = bgp.attribute(0xc0, 99, struct.pack("!I", n) + b"x" * (octets - 4))
        return raw(2, attrs_of(ORIGIN, path, hop, unknown, nlri=[f"20.{n >> 8}.{n & 255}.0/24"]))
    assert len(large(0, room)) == 4096
    count = 300
    pour(feed, b"".join(large(n, room - 4 + n % 5) for n in range(count)))
    counted(s, "feed", count)
    # AS_PATH grows by four octets on the way out: what had as much left still goes
    def told():
        c.poll(0.1)
        got = [len(b) + 19 for k, b in c.received if k == bgp.UPDATE and len(b) > 3000]
        return len(got) == count // 5 and max(got) == 4096 or No((len(got), got[-1:]))
    wait_until(told, 20, "what still fits is told")
    said = s.weft.text().count("update-too-large")
    assert 1 <= said <= 20, said
    pour(feed, raw(2, attrs_of(ORIGIN, path, hop, bgp.attribute(0xc0, 99, b"y" * (room + 1)))[:4077],
                   length=4097))
    assert feed.wait(bgp.NOTIFICATION)[:2] == b"\1\2"
    feed.close()
    c.close()
    s.check()


@pytest.mark.slice
def test_next_hops_by_the_ten_thousand(lab, figure):
    """Every route with a next hop of its own, none of which resolves; twice."""
    s = Siege(lab)
    c = s.session(hold=90)
    n = MANY // 4
    out = [[], []]
    for i in range(n):
        for j in range(2):
            hop = bgp.attribute(0x40, 3, struct.pack("!I", (172 << 24 | 16 << 16) + i + j * n))
            out[j].append(raw(2, struct.pack("!HH", 0, len(ORIGIN + PATH + hop)) + ORIGIN + PATH
                              + hop + prefix_octets(i)))
    agent = s.weft.pid("weft-agent")
    for j in range(2):
        took = pour(c, b"".join(out[j]))
        counted(s, "evil", n)
        at = time.monotonic()
        s.idle()
        with open(f"/proc/{agent}/statm") as f:
            rss = int(f.read().split()[1]) * 4096
        figure(f"{n} next hops: taken in {took:.1f} s, idle {time.monotonic() - at:.1f} s later; "
               f"bgpd {s.memory() >> 20} MiB, agent {rss >> 20} MiB")
    c.close()
    s.check(grown=64 << 20)
    assert s.good.silence < 5


# -- promises about time -----------------------------------------------------------


def test_promised_times(lab, figure):
    """Passive: up within 3 s of the first SYN; active: 1 s; a failed connect: again within 2 s."""
    s = Siege(lab, passive=False, timers=timers(connectRetry="2s"))
    at = time.monotonic()
    c = s.session()
    passive = time.monotonic() - at
    assert passive < 3
    c.close()
    tries = []
    with bgp.listener(s.p, EVIL_IP) as door:        # weft dials: refuse once, then let it in
        door.settimeout(10)
        k, _ = door.accept()
        k.close()
        tries.append(time.monotonic())
    wait_until(lambda: "refused" in s.weft.peer("evil")["reason"] or No(s.weft.peer("evil")), 8,
               "the refusal is the reason shown", every_s=0.01)
    with bgp.listener(s.p, EVIL_IP) as door:
        door.settimeout(10)
        at = time.monotonic()
        k, _ = door.accept()
        again = time.monotonic() - at
        at = time.monotonic()
        bgp.Conn(k).establish(PEER_AS, EVIL_IP, hold=9)
        active = time.monotonic() - at
        k.close()
    assert again < 2.3 and active < 1
    figure(f"passive {passive:.3f} s, active {active:.3f} s, retry after {again:.2f} s")
    s.check()


@pytest.mark.parametrize("answer", ["close", "cease", "unsupported parameter"])
def test_refused_without_spinning(lab, figure, answer):
    """A peer that refuses every OPEN is dialled less and less often."""
    bodies = {"cease": b"\6\5", "unsupported parameter": b"\2\4"}
    s = Siege(lab, passive=False, timers=timers(connectRetry="1s"))
    before, dials, end = s.cpu(), 0, time.monotonic() + 5
    with bgp.listener(s.p, EVIL_IP) as door:
        door.settimeout(0.2)
        while time.monotonic() < end:
            try:
                c = bgp.Conn(door.accept()[0])
            except TimeoutError:
                continue
            dials += 1
            c.wait(bgp.OPEN, 2)
            if answer in bodies:
                c.send(bgp.NOTIFICATION, bodies[answer])
            c.close()
    figure(f"{answer}: dialled {dials} times in 5 s, {s.cpu() - before:.2f} s of processor")
    assert 1 <= dials <= 9 and s.cpu() - before < 0.5
    s.check()
