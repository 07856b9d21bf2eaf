"""What two speakers may agree on beyond plain BGP: refreshes with markers, long messages,
next hops of the other family."""

import dataclasses
import ipaddress
import json
import os
import signal
import struct
import time

import pytest

from fabric import bgp, peers
from fabric.topo import PEER_AS, PERMIT, PODS, WEFT_AS, Pair, timers, wire
from fabric.wait import No, wait_until
from fabric.weft import Weft, config, peer

pytestmark = pytest.mark.patient

NETS = 5
ENHANCED = struct.pack("!BB", 70, 0)
REFRESH = struct.pack("!BB", 2, 0)
EXTENDED = struct.pack("!BB", 6, 0)


def count(weft, name, direction, kind):
    return weft.peer(name)["messages"][direction][kind]


def caps(asn, *more):
    return bgp.cap_mp("ipv4") + bgp.cap_mp("ipv6") + bgp.cap_as4(asn) + b"".join(more)


class Scripted:
    """weft and a peer whose every octet the test writes: one link, one session."""

    def __init__(self, lab, *more, asn=PEER_AS, **peer_options):
        self.w, self.p = lab.ns("weft"), lab.ns("peer")
        self.mine, self.other = wire(lab, self.w, "eth0", self.p, "eth0", 1)
        options = {"passive": True, "timers": timers(), "import": "all", **peer_options}
        self.weft = Weft(self.w, config("weft", WEFT_AS, self.mine, [
            peer("peer", self.other[0], asn, **options)], PODS, PERMIT)).start()
        self.asn, self.more = asn, more

    def connect(self):
        conn = bgp.connect(self.p, self.other[0], self.mine[0])
        conn.establish(self.asn, self.other[0], caps=caps(self.asn, *self.more))
        self.weft.wait_established("peer")
        return conn

    def announce(self, conn, *prefixes):
        conn.send(bgp.UPDATE, bgp.update_body(prefixes, next_hop=self.other[0],
                                              as_path=[self.asn]))

    def wait_routes(self, *prefixes):
        def same():
            have = sorted(r["prefix"] for r in self.weft.routes("--peer", "peer"))
            return have == sorted(prefixes) or No(have)
        wait_until(same, 5, f"weft has exactly {prefixes}")


def end_of_rib(body):
    """The family whose End-of-RIB (RFC 4724 section 2) an UPDATE's body is, or None."""
    if body == bgp.end_of_rib("ipv4"):
        return "ipv4"
    plain = len(body) in (10, 11) and body[:2] == b"\0\0" and body[5] == 15
    return "ipv6" if plain and body[-3:] == b"\0\2\1" else None


def marker(af, subtype):
    return struct.pack("!HBB", bgp.AFI[af], subtype, 1)


@pytest.mark.slice
def test_route_left_out_between_markers(lab):
    """RFC 7313: what is not sent again between Begin-of-RR and End-of-RR goes, and only that."""
    s = Scripted(lab, REFRESH, ENHANCED)
    conn = s.connect()
    nets = ["172.20.1.0/24", "172.20.2.0/24", "172.20.3.0/24"]
    s.announce(conn, *nets)
    conn.send(bgp.UPDATE, bgp.end_of_rib("ipv4"))
    s.wait_routes(*nets)
    conn.send(bgp.REFRESH, marker("ipv4", 1))
    s.announce(conn, nets[0], nets[2])
    conn.send(bgp.REFRESH, marker("ipv6", 2))   # the other family's end, without a begin
    conn.send(bgp.REFRESH, marker("ipv4", 9))   # unknown: ignored
    wait_until(lambda: count(s.weft, "peer", "in", "route_refresh") == 3, 5,
               "the markers came in")
    s.wait_routes(*nets)
    conn.send(bgp.REFRESH, marker("ipv4", 2))
    s.wait_routes(nets[0], nets[2])
    assert not conn.closed and conn.notification() is None
    names = [e["event"] for e in s.weft.events()]
    assert "refresh-removed" in names and "refresh-error" in names


@pytest.mark.slice
def test_markers_around_our_routes(lab):
    """Asked for everything again, weft sends it between the markers, after End-of-RIB."""
    s = Scripted(lab, REFRESH, ENHANCED)
    conn = s.connect()

    def kinds():
        """IPv4 alone: updates, End-of-RIB, subtypes of markers."""
        conn.poll(0.1)
        found = []
        for kind, body in conn.received:
            if kind == bgp.REFRESH:
                found.append(body[2])
            elif kind == bgp.UPDATE and end_of_rib(body) == "ipv4":
                found.append("eor")
            elif kind == bgp.UPDATE and bgp.nlri(PODS[:1]) in body:
                found.append("update")
        return found
    wait_until(lambda: "eor" in kinds() or No(kinds()), 5, "End-of-RIB without graceful restart")
    assert kinds() == ["update", "eor"]
    conn.send(bgp.REFRESH, marker("ipv4", 0))
    wait_until(lambda: kinds()[2:] == [1, "update", 2] or No(kinds()), 5, "everything again")


@pytest.mark.slice
def test_end_of_rib_with_an_empty_table(lab):
    """Nothing to announce, no graceful restart: the markers come all the same."""
    s = Scripted(lab)
    s.weft.config["advertisements"] = []
    s.weft.write_config()
    s.weft.weft("reload")
    conn = s.connect()

    def ends():
        conn.poll(0.1)
        return [end_of_rib(b) for k, b in conn.received if k == bgp.UPDATE]
    wait_until(lambda: ends() == ["ipv4", "ipv6"] or No(ends()), 5, "End-of-RIB of both families")


def test_refresh_of_bad_length(lab):
    """RFC 7313 section 5: 7/1 with the whole message."""
    s = Scripted(lab, REFRESH, ENHANCED)
    conn = s.connect()
    conn.send(bgp.REFRESH, marker("ipv4", 1) + b"x")
    body = conn.wait(bgp.NOTIFICATION)
    assert body == b"\x07\x01" + bgp.message(bgp.REFRESH, marker("ipv4", 1) + b"x")


# OpenBGPD 7.7 ignores requests for refreshes ("AID IPv4 unicast not negotiated"), which its
# authors called a mistake; it takes our markers.
ANSWERS = ("bird", "frr")
EXTRA = {"openbgpd": ("announce enhanced refresh yes",)}


@pytest.mark.parametrize("name", ["bird", "frr", "openbgpd"])
def test_refresh_both_ways(lab, name):
    """Agreed on with daemons that have it; asked for in both directions, nothing is lost."""
    pair = Pair(lab, peers.ALL[name], peers.networks(1, NETS), extra=EXTRA.get(name, ()))
    pair.weft.start()
    pair.daemon.start()
    pair.wait_up()
    before = pair.wait_counts({"ipv4": NETS, "ipv6": NETS})
    for side in pair.weft_side:
        shown = pair.weft.peer(side)
        assert shown["capabilities"]["enhanced_route_refresh"], shown["capabilities"]
        markers = 4 if pair.kind.one_session else 2
        got = count(pair.weft, side, "in", "route_refresh") + markers
        pair.weft.weft("peer", shown["name"], "refresh", "in")
        if name in ANSWERS:
            wait_until(lambda: count(pair.weft, side, "in", "route_refresh") >= got, 10,
                       f"{name} answers between markers")
        sent = count(pair.weft, side, "out", "route_refresh")
        pair.weft.weft("peer", shown["name"], "refresh", "out")
        wait_until(lambda: count(pair.weft, side, "out", "route_refresh") >= sent + markers,
                   10, "weft sends between markers")
        assert pair.weft.peer(side)["flaps"] == 0
    assert pair.wait_counts({"ipv4": NETS, "ipv6": NETS}) == before


# ---- extended messages: RFC 8654 ---------------------------------------------------------------

FEED_AS, LONG, SHORT = 65077, "172.20.77.0/24", "172.20.78.0/24"


def communities(n):
    return [(FEED_AS, i) for i in range(n)]


def update(prefix, hop, med):
    attrs = bgp.attribute(0x40, 1, b"\0") + \
        bgp.attribute(0x40, 2, struct.pack("!BBI", 2, 1, FEED_AS)) + \
        bgp.attribute(0x40, 3, bytes(map(int, hop.split(".")))) + \
        bgp.attribute(0xc0, 8, struct.pack("!I", med))
    return struct.pack("!HH", 0, len(attrs)) + attrs + bgp.nlri([prefix])


def long_update(prefix, hop, n):
    """An UPDATE with n communities."""
    attrs = bgp.attribute(0x40, 1, b"\0") + \
        bgp.attribute(0x40, 2, struct.pack("!BBI", 2, 1, FEED_AS)) + \
        bgp.attribute(0x40, 3, bytes(map(int, hop.split(".")))) + \
        bgp.attribute(0xc0, 8, b"".join(struct.pack("!HH", *c) for c in communities(n)))
    return struct.pack("!HH", 0, len(attrs)) + attrs + bgp.nlri([prefix])


class Relay:
    """A feeder (scripted) -> weft -> a daemon, and a scripted observer without extended messages."""

    def __init__(self, lab, kind, extra, hold="30s", **timing):
        self.w, self.f, self.d = lab.ns("weft"), lab.ns("feed"), lab.ns("daemon")
        self.mine, self.feed = wire(lab, self.w, "eth0", self.f, "eth0", 1)
        mine2, self.other = wire(lab, self.w, "eth1", self.d, "eth0", 2)
        self.f.addr("eth0", "10.9.1.3/24")
        all_ = {"passive": True, "timers": timers(hold=hold), "import": "all", "export": "all"}
        self.weft = Weft(self.w, config("weft", WEFT_AS, self.mine, [
            peer("feed", self.feed[0], FEED_AS, **all_),
            peer("plain", "10.9.1.3", 65078, **all_),
            peer("daemon", self.other[0], PEER_AS, **{
                **all_, "timers": timers(hold=hold, **timing)})], PODS, PERMIT,
            bgp={"asNumber": WEFT_AS, "routerID": self.mine[0], "transit": True},
            kernel={"permit": PERMIT, "install": False})).start()
        self.daemon = kind(self.d, PEER_AS, self.other[0], [
            peers.Neighbor(mine2[0], WEFT_AS, self.other[0], self.other[1], transit=False,
                           extra=extra, hold=int(hold[:-1]))]).start()
        self.conn = bgp.connect(self.f, self.feed[0], self.mine[0])
        self.conn.establish(FEED_AS, self.feed[0], 240, caps=caps(FEED_AS, EXTENDED))
        self.plain = bgp.connect(self.f, "10.9.1.3", self.mine[0])
        self.plain.establish(65078, "10.9.1.3", 240, caps=caps(65078))
        self.weft.wait_established()

    def told(self, prefix):
        """What the observer was told of a prefix, in order: announced or withdrawn."""
        self.plain.poll(0.1)
        found = []
        for kind, body in self.plain.received:
            if kind != bgp.UPDATE:
                continue
            gone = 2 + struct.unpack_from("!H", body)[0]
            attrs = struct.unpack_from("!H", body, gone)[0]
            if bgp.nlri([prefix]) in body[2:gone]:
                found.append("withdrawn")
            if bgp.nlri([prefix]) in body[gone + 2 + attrs:]:
                found.append("announced")
        return found


EXT_EXTRA = {"bird": ("enable extended messages;",), "frr": ()}


@pytest.mark.parametrize("name", sorted(EXT_EXTRA))
def test_extended_messages(lab, name):
    """A set of 40 KB reaches the daemon that takes it; the one without loses what it had."""
    r = Relay(lab, peers.ALL[name], EXT_EXTRA[name])
    for side in ("feed", "daemon"):
        assert r.weft.peer(side)["capabilities"]["extended_message"], side
    assert not r.weft.peer("plain")["capabilities"]["extended_message"]
    for prefix in (LONG, SHORT):
        r.conn.send(bgp.UPDATE, long_update(prefix, r.feed[0], 10))
    wait_until(lambda: r.told(LONG) == ["announced"] or No(r.told(LONG)), 5, "both had it")
    r.conn.send(bgp.UPDATE, long_update(LONG, r.feed[0], 10000))
    last = {"bird": f"({FEED_AS},9999)", "frr": f"{FEED_AS}:9999"}[name]

    def there():
        if name == "bird":
            return last in r.daemon.route(LONG)
        return last in r.daemon.vtysh(f"show bgp ipv4 unicast {LONG} json")
    wait_until(there, 10, f"{name} has all 10000 communities")
    wait_until(lambda: r.told(LONG) == ["announced", "withdrawn"] or No(r.told(LONG)), 5,
               "the one that takes 4096 octets has it no more")
    assert r.told(SHORT) == ["announced"]
    assert "update-too-large" in [e["event"] for e in r.weft.events()]
    for side in ("feed", "plain", "daemon"):
        assert r.weft.peer(side)["flaps"] == 0, side


@pytest.mark.slice
@pytest.mark.parametrize("offered", [True, False])
def test_message_of_4097_octets(lab, offered):
    """Taken when both offered it; without, 1/2 with the length, as ever."""
    s = Scripted(lab, EXTENDED, asn=FEED_AS, extendedMessages=offered)
    conn = s.connect()
    assert (EXTENDED in conn.wait(bgp.OPEN)) == offered
    body = long_update("172.20.1.0/24", s.other[0], 1000)
    fill = bgp.attribute(0xc0, 99, b"x" * (4097 - 19 - len(body) - 3))
    attrs = len(body) - 4 - 4 + len(fill)
    body = struct.pack("!HH", 0, attrs) + body[4:-4] + fill + body[-4:]
    assert len(bgp.message(bgp.UPDATE, body)) == 4097
    conn.send(bgp.UPDATE, body)
    if offered:
        s.wait_routes("172.20.1.0/24")
    else:
        assert conn.wait(bgp.NOTIFICATION) == b"\1\2\x10\x01"


# ---- the send hold timer: RFC 9687 ---------------------------------------------------------------

def rss_kb(pid):
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))


def test_a_stopped_peer(lab, figure):
    """SIGSTOP while there is much to tell: down by the send hold timer, the others unharmed."""
    r = Relay(lab, peers.Bird, (), hold="240s", sendHold="4s")
    nets = [f"20.{n >> 8}.{n & 255}.0/24" for n in range(20000)]

    def pass_of(med):
        """Every prefix once, each with attributes of its own, so that none is packed."""
        r.conn.sock.settimeout(60)
        r.conn.sock.sendall(b"".join(bgp.message(bgp.UPDATE, update(p, r.feed[0], med + i))
                                     for i, p in enumerate(nets)))

    def daemon():
        return r.weft.peer("daemon")
    pass_of(1)
    wait_until(lambda: daemon()["families"]["ipv4"]["advertised"] >= len(nets), 20, "a first pass")
    bgpd, begin = r.weft.pid("weft-bgpd"), rss_kb(r.weft.pid("weft-bgpd"))
    for p in r.daemon.procs:
        os.kill(p.pid, signal.SIGSTOP)
    try:
        high, start, passes = begin, time.monotonic(), 1
        while daemon()["state"] == "Established":
            assert time.monotonic() < start + 60, f"still up after {passes} passes"
            passes += 1
            pass_of(passes * len(nets))
            r.plain.send(bgp.KEEPALIVE)
            high = max(high, rss_kb(bgpd))
        figure(f"down after {time.monotonic() - start:.1f} s and {passes} passes; "
               f"bgpd's memory {begin} KB, at most {high} KB")
    finally:
        for p in r.daemon.procs:
            os.kill(p.pid, signal.SIGCONT)
    assert "send hold timer" in r.weft.text()
    if os.environ.get("WEFT_SANITIZED") != "1":    # which keeps what was freed
        assert high < begin + 8192
    r.plain.poll(0.1)
    assert not r.plain.closed and r.plain.notification() is None
    for side in ("feed", "plain"):
        assert r.weft.peer(side)["flaps"] == 0, side
    wait_until(lambda: r.weft.established("daemon"), 30, "BIRD comes back")


# ---- IPv4 over IPv6 next hops: RFC 8950 ------------------------------------------------------------

V6ONLY = {"bird": ("extended next hop on;",), "frr": ("capability extended-nexthop",),
          "gobgp": ()}      # offers it by itself


class Bird6(peers.Bird):
    """BIRD whose IPv4 channel takes IPv6 next hops."""

    def _neighbor(self, i, n):
        plain = dataclasses.replace(n, extra=())
        return super()._neighbor(i, plain).replace(
            "ipv4 { import all;", "ipv4 { extended next hop on; import all;")


class OverIPv6:
    """weft and a daemon on a link that has IPv6 addresses only, each with a loopback address."""

    MINE, THEIRS = "10.244.1.1", "172.20.0.1"

    def __init__(self, lab, name, mine="fd09:1::1", other="fd09:1::2", nodes=None):
        self.w, self.p = nodes or (lab.ns("weft"), lab.ns("peer"))
        scope = "%eth0" if nodes else ""
        if not nodes:
            lab.link(self.w, "eth0", self.p, "eth0", [f"{mine}/64"], [f"{other}/64"])
        self.w.addr("lo", f"{self.MINE}/32")
        self.p.addr("lo", f"{self.THEIRS}/32")
        kind = Bird6 if name == "bird" else peers.ALL[name]
        self.weft = Weft(self.w, config(
            "weft", WEFT_AS, [self.MINE] + ([] if nodes else [mine]),
            [peer("peer", other + scope, PEER_AS, timers=timers())], permit=PERMIT,
            advertisements=[{"type": "Interface", "interfaces": ["lo"]}]))
        self.daemon = kind(self.p, PEER_AS, "10.0.0.2", [
            peers.Neighbor(mine + scope, WEFT_AS, other, other, transit=False,
                           extra=V6ONLY[name])],
            [f"{self.THEIRS}/32"])

    def start(self):
        self.daemon.start()
        self.weft.start()
        self.weft.wait_established()
        return self

    def installed(self):
        return any(r["dst"] in (self.THEIRS, f"{self.THEIRS}/32")
                   for r in self.weft.kernel_routes())

    def pings(self):
        done = self.w.run("ping", "-c1", "-W1", "-I", self.MINE, self.THEIRS, check=False)
        return done.returncode == 0 or No(done.stdout)


@pytest.mark.parametrize("objects", ["on", "off"])
@pytest.mark.parametrize("name", ["bird", "frr"])
def test_ipv4_over_ipv6(lab, name, objects):
    """No IPv4 address on the link: pings go between loopback addresses all the same."""
    t = OverIPv6(lab, name)
    t.weft.config["kernel"]["nexthopObjects"] = objects
    t.start()
    assert t.weft.peer("peer")["capabilities"]["extended_next_hop"]
    wait_until(lambda: t.installed() or No(t.weft.fib()), 10, "the IPv4 route is in the kernel")
    wait_until(t.pings, 10, "loopback to loopback over an IPv6-only link")
    # nobody offers it any more: neither side may use IPv6 next hops for IPv4
    t.weft.config["peers"][0]["extendedNextHop"] = False
    t.weft.write_config()
    t.weft.weft("reload")
    wait_until(lambda: t.weft.peer("peer")["capabilities"]["extended_next_hop"] is False
               and t.weft.established("peer"), 20, "a new session without it")
    wait_until(lambda: not t.installed() or No(t.weft.kernel_routes()), 10,
               "the IPv4 route is gone")


def test_ipv4_over_ipv6_with_a_speaker(lab):
    """GoBGP has no kernel: the route is installed here and known there."""
    t = OverIPv6(lab, "gobgp").start()
    assert t.weft.peer("peer")["capabilities"]["extended_next_hop"]
    wait_until(lambda: t.installed() or No(t.weft.fib()), 10, "the IPv4 route is in the kernel")
    wait_until(lambda: t.daemon.received("fd09:1::1")["ipv4"] == 1, 10, "and ours is there")
    assert "fd09:1::1" in t.daemon.gobgp("global", "rib")


def link_local(ns):
    """The link-local address of eth0, once it may be used."""
    def usable():
        out = json.loads(ns.run("ip", "-j", "-6", "addr", "show", "dev", "eth0", "scope", "link"))
        return next((a["local"] for i in out for a in i.get("addr_info", ())
                     if not a.get("tentative")), None)
    return wait_until(usable, 10, "a link-local address")


def test_ipv4_over_link_local(lab):
    """Not even a global IPv6 address: the session and the next hops are link-local."""
    w, p = lab.ns("weft"), lab.ns("peer")
    lab.link(w, "eth0", p, "eth0", [], [])
    t = OverIPv6(lab, "bird", link_local(w), link_local(p), nodes=(w, p))
    t.start()
    wait_until(lambda: t.installed() or No(t.weft.fib()), 10, "the IPv4 route is in the kernel")
    wait_until(t.pings, 10, "loopback to loopback over a link without addresses")


def test_given_next_hop(lab):
    """peers[].nextHop instead of our own address, changed under the session."""
    s = Scripted(lab)
    s.weft.config["peers"][0]["nextHop"] = {"ipv4": "10.9.1.77", "ipv6": "fd09:1::77"}
    s.weft.write_config()
    s.weft.weft("reload")
    conn = s.connect()

    def hops():
        conn.poll(0.1)
        bodies = [b for k, b in conn.received if k == bgp.UPDATE and end_of_rib(b) is None]
        return [[h for h in ("10.9.1.77", "10.9.1.78", "fd09:1::77")
                 if ipaddress.ip_address(h).packed in b] for b in bodies]
    wait_until(lambda: sorted(hops()) == [["10.9.1.77"], ["fd09:1::77"]] or No(hops()), 5,
               "both families carry the given address")
    s.weft.config["peers"][0]["nextHop"]["ipv4"] = "10.9.1.78"
    s.weft.write_config()
    s.weft.weft("reload")
    wait_until(lambda: hops()[2:] == [["10.9.1.78"]] or No(hops()), 5, "said again")
    assert s.weft.peer("peer")["flaps"] == 0 and not conn.closed
