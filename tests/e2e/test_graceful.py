"""Graceful restart (RFC 4724, RFC 8538): our OPEN's bits, whom NOTIFICATIONs leave what, and
five agents of which one is gone while another one restarts."""

import re
import struct
import time

import pytest

from fabric import bgp
from fabric.peers import Bird, Frr, Gobgp, Neighbor, networks
from fabric.segment import AS, Segment, addresses, pods, wait_kernel
from fabric.topo import timers
from fabric.wait import No, holds_for, wait_until
from fabric.weft import Weft, config, peer

pytestmark = pytest.mark.patient

WEFT, PEER = "10.9.0.1", "10.9.0.2"
ROUTE = "172.16.1.0/24"
R, N, F = 0x8000, 0x4000, 0x80


def cap_gr_n(flags, families):
    """The capability with any flags."""
    value = struct.pack("!H", flags | 60)
    for afi in families:
        value += struct.pack("!HBB", afi, 1, F)
    return bytes((64, len(value))) + value


def gr_of(body):
    """(R and N bits, {afi: F bit}) of an OPEN's body."""
    at, found = 10, None
    while at < len(body):
        kind, length = body[at], body[at + 1]
        caps, at = body[at + 2:at + 2 + length], at + 2 + length
        while kind == 2 and caps:
            code, n = caps[0], caps[1]
            if code == 64:
                found = caps[2:2 + n]
            caps = caps[2 + n:]
    assert found, "no graceful restart in its OPEN"
    flags = struct.unpack_from("!H", found)[0]
    return flags & (R | N), {struct.unpack_from("!H", found, i)[0]: found[i + 3] & F
                             for i in range(2, len(found), 4)}


class Speaker:
    """A BGP speaker of ours beside weft, which waits for it to connect."""

    def __init__(self, lab, **bgp_options):
        self.w, self.p = lab.ns("weft"), lab.ns("peer")
        lab.link(self.w, "eth0", self.p, "eth0", [f"{WEFT}/24"], [f"{PEER}/24"])
        self.weft = Weft(self.w, config(
            "weft", 65001, [WEFT], [peer("peer", PEER, 65002, passive=True, timers=timers(),
                                         **{"import": "all"})],
            ["10.244.7.0/24"], ["172.16.0.0/12"], bgp=bgp_options))

    def session(self, flags=0, announce=True):
        """A new session; (Conn, weft's OPEN)."""
        caps = [bgp.cap_mp("ipv4"), bgp.cap_mp("ipv6"), bgp.cap_as4(65002),
                cap_gr_n(flags, (1, 2))]
        wait_until(lambda: self.w.run("ss", "-Htln", "sport", "=", "179"), 10, "weft listens")
        c = bgp.connect(self.p, PEER, WEFT)
        c.establish(65002, "10.0.0.2", caps=b"".join(caps))
        if announce:
            c.send(bgp.UPDATE, bgp.update_body([ROUTE], next_hop=PEER, as_path=[65002]))
        return c, c.wait(bgp.OPEN)

    def has_route(self):
        return any(r["dst"] == ROUTE for r in self.weft.kernel_routes(4))

    def wait_route(self, there=True, deadline_s=5):
        wait_until(lambda: self.has_route() == there, deadline_s,
                   f"the route is {'' if there else 'not '}in the kernel")

    def end_of_rib(self, c):
        for family in ("ipv4", "ipv6"):
            c.send(bgp.UPDATE, bgp.end_of_rib(family))


def test_bits_of_our_open(lab):
    """F if and only if routes of that family survived; R only on a restart."""
    s = Speaker(lab)
    s.weft.start()
    c, body = s.session()
    assert gr_of(body) == (N, {1: 0, 2: 0})
    s.end_of_rib(c)
    s.wait_route()
    c.close()                           # the session alone: forwarding goes on
    c, body = s.session(R)
    assert gr_of(body) == (N, {1: F, 2: F})
    s.weft.kill()                       # all of it; the kernel keeps IPv4 routes, of IPv6 there are none
    assert s.has_route()
    s.weft.start(wait=False)
    c, body = s.session(R, announce=False)
    assert gr_of(body) == (R | N, {1: F, 2: 0})
    holds_for(s.has_route, 0.5, "the route stays until End-of-RIB")
    s.end_of_rib(c)
    s.wait_route(False)
    c.close()
    c, body = s.session(R)              # no restart any more
    assert gr_of(body)[0] == N
    s.wait_route()
    s.weft.kill()
    for r in s.weft.kernel_routes(4):
        kind = [r["type"]] if r.get("type", "unicast") != "unicast" else []
        s.w.ip("route", "del", *kind, r["dst"], "proto", "212", "metric", str(r["metric"]))
    s.weft.start(wait=False)
    c, body = s.session(R)
    assert gr_of(body) == (N, {1: 0, 2: 0})


@pytest.mark.parametrize("flags", [N, 0], ids=["n-bit", "plain"])
def test_what_we_say(lab, flags):
    """A planned restart is told to those with the N bit alone; a stop is a Hard Reset to them."""
    s = Speaker(lab)
    s.weft.start()
    c, _ = s.session(flags)
    s.wait_route()
    s.weft.weft("prepare-restart")
    assert s.weft.stop() == 0
    wait_until(lambda: c.poll() or c.closed, 5, "the connection ends")
    assert c.notification() == ((6, 4) if flags else None)
    assert s.has_route()
    s.weft.start()
    c, _ = s.session(flags)
    s.wait_route()
    assert s.weft.stop() == 0
    wait_until(lambda: c.poll() or c.closed, 5, "the connection ends")
    said = c.wait(bgp.NOTIFICATION)
    assert said[:4] == bytes((6, 9, 6, 2)) if flags else said[:2] == bytes((6, 2)), said
    s.wait_route(False)


@pytest.mark.parametrize("flags", [N, 0], ids=["n-bit", "plain"])
def test_what_we_hear(lab, flags):
    """With the N bit a NOTIFICATION, and a hold timer that expires, leave the routes."""
    s = Speaker(lab)
    s.weft.start()
    c, _ = s.session(flags)
    s.wait_route()
    c.send(bgp.NOTIFICATION, bytes((6, 4)))
    if not flags:
        s.wait_route(False)
        return
    holds_for(s.has_route, 0.5, "the route stays")
    row = s.weft.routes(ROUTE)[0]
    assert row["stale"] and 0 < row["stale_left_s"] <= 60, row
    c, _ = s.session(flags, announce=False)
    s.end_of_rib(c)
    s.wait_route(False)
    c.send(bgp.UPDATE, bgp.update_body([ROUTE], next_hop=PEER, as_path=[65002]))
    s.wait_route()
    c.send(bgp.NOTIFICATION, bytes((6, 9, 6, 2)))
    s.wait_route(False)


# -- with other makers' daemons ------------------------------------------------------------

TEXT = {
    Frr: ({"text": {"router": " bgp graceful-restart notification\n"
                             " no bgp hard-administrative-reset"}}, {}),
    Bird: ({}, {}),
    Gobgp: ({}, {"session": "  [neighbors.graceful-restart.config]\n    enabled = true\n"
                            "    restart-time = 30\n    notification-enabled = true",
                 "family": "    [neighbors.afi-safis.mp-graceful-restart.config]\n"
                           "      enabled = true"}),
}


class Pair:
    """weft and one daemon, eBGP."""

    def __init__(self, lab, kind):
        w, p = lab.ns("weft"), lab.ns("peer")
        lab.link(w, "eth0", p, "eth0", [f"{WEFT}/24", "fd09::1/64"], [f"{PEER}/24", "fd09::2/64"])
        more, text = TEXT[kind]
        n = Neighbor(WEFT, 65001, PEER, "fd09::2", text=text, gr=kind is not Gobgp)
        self.nets = networks(1, 2)
        self.daemon = kind(p, 65002, "10.0.0.2", [n], self.nets, **more)
        self.weft = Weft(w, config(
            "weft", 65001, [WEFT, "fd09::1"],
            [peer("peer", PEER, 65002, timers=timers(), **{"import": "all"})],
            ["10.244.7.0/24", "fd00:10:244:7::/64"], ["172.16.0.0/12", "fd20::/11"]))

    def start(self):
        self.weft.start()
        self.daemon.start()
        self.weft.wait_established("peer", deadline_s=20)
        wait_kernel(self.weft, self.nets)
        return self

    def ours(self):
        return {r["dst"] for f in (4, 6) for r in self.weft.kernel_routes(f)} & set(self.nets)


@pytest.mark.parametrize("kind", [Frr, Bird, Gobgp], ids=["frr", "bird", "gobgp"])
def test_daemon_restarts(lab, kind):
    """Killed and started again with a route less: that one goes when it has told the others."""
    t = Pair(lab, kind).start()
    left, kept = t.nets[0], set(t.nets[1:])
    t.daemon.kill()
    wait_until(lambda: t.weft.peer("peer")["families"]["ipv4"]["stale"] > 0, 10, "its routes are stale")
    holds_for(lambda: t.ours() == set(t.nets), 0.5, "the kernel has all of them")
    t.daemon.networks = t.nets[1:]
    t.daemon.options["recover"] = True
    t.daemon.start()

    def back():
        assert kept <= t.ours(), "a route that is announced again went meanwhile"
        return left not in t.ours()
    wait_until(back, 30, "the route that was withdrawn is gone", every_s=0.01)
    wait_until(lambda: t.weft.peer("peer")["families"]["ipv4"]["stale"] == 0, 15, "nothing is stale")
    assert t.ours() == kept


@pytest.mark.parametrize("kind", [Frr, Gobgp], ids=["frr", "gobgp"])
def test_n_bit(lab, kind):
    """An operator resets the session at the daemon: the routes stay."""
    t = Pair(lab, kind).start()
    if not t.weft.peer("peer")["gr"]["notification"]:
        pytest.skip(f"{t.daemon.package} does not offer the N bit")
    if kind is Frr:
        t.daemon.vtysh("clear bgp *")
    else:
        t.daemon.gobgp("neighbor", WEFT, "reset")
    wait_until(lambda: t.weft.peer("peer")["flaps"] == 1, 5, "the session ends")
    assert "Administrative Reset (6/4)" in t.weft.peer("peer")["last_error"]
    assert re.search(r"peer-down peer=peer why=\S.* routes=stale", t.weft.text())
    if kind is Gobgp:                   # it takes its time to come back
        holds_for(lambda: t.ours() == set(t.nets), 0.5, "the kernel has all of them")
        return
    # FRR says that it has lost its forwarding state: what it announces again counts
    t.weft.wait_established("peer", deadline_s=15)
    wait_until(lambda: t.ours() == set(t.nets), 5, "all are there")


# -- five agents ----------------------------------------------------------------------------

def test_mesh_of_five(lab, figure):
    """One is stopped; another one restarts: it announces and has everything within 3 s."""
    seg, numbers = Segment(lab), {f"n{i}": 10 + i for i in range(5)}
    nodes = {name: Weft(seg.ns(name, n), config(
        name, AS, addresses(n),
        [peer(o, addresses(k)[0], "internal", timers=timers()) for o, k in numbers.items()
         if o != name], pods(n), ["10.244.0.0/16", "fd00:10:244::/48"], ops={"metrics": "off"}))
        for name, n in numbers.items()}
    for w in nodes.values():
        w.start(wait=False)
    for name, w in nodes.items():
        wait_until(w.answers, 20, "weft answers")
        wait_kernel(w, {p for o, n in numbers.items() if o != name for p in pods(n)})
    nodes["n4"].kill()
    me, other = nodes["n0"], nodes["n1"]
    alive = {p for o, n in numbers.items() if o not in ("n0", "n4") for p in pods(n)}
    me.kill()
    for p in alive:                     # a real start: nothing is left in the kernel
        me.ns.ip("route", "del", p, "proto", "212")
    assert not alive & {r["dst"] for f in (4, 6) for r in me.kernel_routes(f)}
    mine = set(pods(numbers["n0"]))

    def is_stale():
        rows = [r for r in other.routes() if r["from"] == "n0"]
        return rows and all(r["stale"] for r in rows)
    wait_until(is_stale, 5, "the others keep its routes")
    begin = time.monotonic()
    me.start(wait=False)

    def done():
        fresh = {r["prefix"] for r in other.routes() if r["from"] == "n0" and not r["stale"]}
        have = {r["dst"] for f in (4, 6) for r in me.kernel_routes(f)}
        return fresh >= mine and have >= alive or No((fresh, alive - have))
    wait_until(done, 10, "it has announced its prefixes and installed the others'")
    took = time.monotonic() - begin
    figure(f"announced and installed {took:.2f} s after its start")
    assert took < 3
