"""Hop limits and hops: TTL security (RFC 5082) both ways, multihop, source address, hold 3 s."""

import contextlib
import socket
import time

import pytest

from fabric import bgp
from fabric.peers import Bird, Neighbor
from fabric.topo import PERMIT, PODS, WEFT_AS
from fabric.wait import No, wait_until
from fabric.weft import Weft, config, peer

from test_dynamic import Net

pytestmark = pytest.mark.patient

TOR_AS = 65010
IP_MINTTL = 21
FAST = {"connectRetry": "1s", "hold": "9s"}


def tried(net, ttl, host="10.9.1.2"):
    """A speaker that sends with that TTL: its connection, after its OPEN."""
    conn = bgp.connect(net.p, host, "10.9.1.1", ttl=ttl)
    conn.send(bgp.OPEN, bgp.open_body(TOR_AS, host))
    return conn


@pytest.mark.parametrize("hops,ttl,comes_up", [(1, 255, True), (1, 254, False), (2, 254, True),
                                               (2, 253, False), (254, 2, True), (254, 1, False)])
def test_ttl_security_in(lab, hops, ttl, comes_up):
    """A peer that may be N hops away has to send at least 256 - N, no more and no less."""
    net = Net(lab, [peer("tor", "10.9.1.2", TOR_AS, passive=True, ttlSecurity=hops)])
    conn = tried(net, ttl)
    if comes_up:
        assert conn.wait(bgp.OPEN) and conn.send(bgp.KEEPALIVE)
        wait_until(lambda: net.weft.established("tor"), 5, "the session is up")
        return

    def told():
        p = net.weft.peer("tor")
        assert p["state"] != "Established"
        return f"ttlSecurity: the kernel drops segments with a hop limit below {256 - hops}; the " \
            "peer has to send 255" in (p["reason"] or "") or No(p["reason"])
    wait_until(told, 10, "the reason is told")
    assert not any(kind == bgp.KEEPALIVE for kind, _ in conn.received)


@pytest.mark.parametrize("more,ttl", [({"ttlSecurity": 1}, 255), ({"ttlSecurity": 3}, 255), ({}, 1),
                                      ({"ebgpMultihop": 7}, 7), ({"ebgpMultihop": True}, 255)])
def test_ttl_sent(lab, more, ttl):
    """TTL of what we send: 255 with TTL security, 1 to eBGP peers, or as many hops as are given."""
    net = Net(lab, [peer("tor", "10.9.1.2", TOR_AS, passive=True, timers=FAST, **more)])
    with net.p.entered():
        raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
    raw.settimeout(5)
    conn = bgp.connect(net.p, "10.9.1.2", "10.9.1.1", ttl=255)
    conn.establish(TOR_AS, "10.9.1.2")
    port = conn.sock.getsockname()[1]
    seen = set()
    end = time.monotonic() + 5
    while time.monotonic() < end and not seen:
        packet = raw.recv(2048)
        head = (packet[0] & 15) * 4
        data = packet[head + (packet[head + 12] >> 4) * 4:]
        if int.from_bytes(packet[head + 2:head + 4], "big") == port and data[:16] == bgp.MARKER:
            seen.add(packet[8])
    assert seen == {ttl}


def test_ttl_security_there(lab):
    """A peer whose kernel drops our TTL 1: the reason says so, and ttlSecurity heals it."""
    net = Net(lab, [peer("tor", "10.9.1.2", TOR_AS, timers=FAST)])
    server = bgp.listener(net.p, "10.9.1.2")
    server.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 255)
    server.setsockopt(socket.IPPROTO_IP, IP_MINTTL, 255)

    def said():
        reason = net.weft.peer("tor")["reason"] or ""
        return "we send TTL 1: a peer with TTL security drops that, ttlSecurity here would send 255" \
            in reason or No(reason)
    wait_until(said, 10, "the hint is shown")
    net.weft.config["peers"][0]["ttlSecurity"] = 1
    net.weft.write_config()
    net.weft.weft("reload")
    server.settimeout(10)
    end = time.monotonic() + 10
    while not net.weft.established("tor") and time.monotonic() < end:
        sock = server.accept()[0]           # an older one is dropped already
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 255)
        conn = bgp.Conn(sock)
        if conn.send(bgp.OPEN, bgp.open_body(TOR_AS, "10.9.1.2")) and conn.wait(bgp.OPEN, 3):
            conn.send(bgp.KEEPALIVE)
            with contextlib.suppress(AssertionError):
                wait_until(lambda: net.weft.established("tor"), 2, "up")
    assert net.weft.established("tor")


class Chain:
    """weft, a router, and BIRD two hops away."""

    def __init__(self, lab, **more):
        self.w, self.r, self.b = lab.ns("weft"), lab.ns("router"), lab.ns("bird")
        lab.link(self.w, "eth0", self.r, "eth0", ["10.9.1.1/24"], ["10.9.1.254/24"])
        lab.link(self.r, "eth1", self.b, "eth0", ["10.9.2.254/24"], ["10.9.2.2/24"])
        self.w.ip("route", "add", "default", "via", "10.9.1.254")
        self.b.ip("route", "add", "default", "via", "10.9.2.254")
        self.w.addr("lo", "10.0.0.1/32")
        self.r.ip("route", "add", "10.0.0.1/32", "via", "10.9.1.1")
        source = more.pop("source", "10.9.1.1")
        self.bird = Bird(self.b, TOR_AS, "10.9.2.2", [
            Neighbor(source, WEFT_AS, "10.9.2.2", families=("ipv4",), multihop=True, passive=True)],
            ["172.20.0.0/24"]).start()
        self.weft = Weft(self.w, config("weft", WEFT_AS, ["10.9.1.1"], [
            peer("far", "10.9.2.2", TOR_AS, timers=FAST, **more)], PODS, PERMIT)).start()


def test_two_hops_away(lab):
    """Without ebgpMultihop the reason says what is missing; with it, and a loopback, it works."""
    net = Chain(lab, source="10.0.0.1")

    def said():
        reason = net.weft.peer("far")["reason"] or ""
        return "it is on no link of this node, and we send TTL 1 to eBGP peers: ebgpMultihop lets " \
            "us reach it" in reason or No(reason)
    wait_until(said, 10, "the hint is shown")
    net.weft.config["peers"][0].update(ebgpMultihop=3, sourceAddress="lo")
    net.weft.write_config()
    net.weft.weft("reload")
    net.weft.wait_established("far")
    assert net.weft.peer("far")["local_address"] == "10.0.0.1"
    # An address of ours that is not there: said so.
    net.weft.config["peers"][0]["sourceAddress"] = "10.0.0.99"
    net.weft.write_config()
    net.weft.weft("reload")
    wait_until(lambda: "source address 10.0.0.99 is not on this node" in
               (net.weft.peer("far")["reason"] or "") or No(net.weft.peer("far")["reason"]), 10,
               "the reason names the address")


def test_hold_of_three_seconds(lab):
    """The shortest hold time there is: kept alive, and over in three seconds without."""
    net = Net(lab, [peer("tor", "10.9.1.2", TOR_AS, passive=True, timers={"hold": "3s"})])
    conn = net.speak("10.9.1.2", TOR_AS, hold=90)
    assert net.weft.peer("tor")["hold_s"] == 3
    end = time.monotonic() + 5
    while time.monotonic() < end:
        conn.poll(0.2)
        conn.send(bgp.KEEPALIVE)
    assert net.weft.established("tor") and net.weft.peer("tor")["established_count"] == 1
    quiet = time.monotonic()
    assert conn.wait(bgp.NOTIFICATION, 6)[:1] == b"\4"
    assert 2.5 < time.monotonic() - quiet < 5
    assert "hold timer expired: nothing heard for 3 s" in net.weft.peer("tor")["last_error"]


def test_a_peer_that_is_down_always_says_why(lab):
    """A peer that refuses us again and again: each moment has a reason and what comes next."""
    net = Net(lab, [peer("tor", "10.9.1.2", TOR_AS, timers={"connectRetry": "1s", "hold": "9s"})])
    server = bgp.listener(net.p, "10.9.1.2")
    server.settimeout(0.05)
    waits, empty, connects = set(), [], 0
    end = time.monotonic() + 17
    while time.monotonic() < end:
        try:
            conn = bgp.Conn(server.accept()[0])
            connects += 1
            conn.send(bgp.NOTIFICATION, b"\2\2")
            conn.close()
        except (TimeoutError, socket.timeout):
            pass
        p = net.weft.peer("tor")
        reason = p["reason"] or ""
        if "Bad Peer AS" in reason and "next attempt in" in reason:
            waits.add(int(reason.split("next attempt in ")[1].split()[0]))
        if not reason:
            empty.append(p["state"])
    assert not empty
    assert connects >= 4 and max(waits) <= 30 and len(waits) > 3, (connects, waits)


ACTIONS = ["warn", "discard", "restart", "idle"]


@pytest.mark.parametrize("action", ACTIONS)
def test_prefix_limits(lab, action):
    """BIRD sends 4 IPv4 and 4 IPv6 prefixes; IPv4 may be 2, IPv6 100: each family by itself."""
    w, b = lab.ns("weft"), lab.ns("bird")
    lab.link(w, "eth0", b, "eth0", ["10.9.1.1/24", "fd09:1::1/64"], ["10.9.1.2/24", "fd09:1::2/64"])
    nets = [f"172.20.{i}.0/24" for i in range(4)] + [f"fd20:{i}::/64" for i in range(4)]
    Bird(b, TOR_AS, "10.9.1.2", [Neighbor("10.9.1.1", WEFT_AS, "10.9.1.2", "fd09:1::2")], nets).start()
    weft = Weft(w, config("weft", WEFT_AS, ["10.9.1.1", "fd09:1::1"], [
        peer("tor", "10.9.1.2", TOR_AS, timers=FAST, maxPrefixes={
            "action": action, "after": "4s", "ipv4": {"limit": 2}, "ipv6": {"limit": 100}})],
        PODS, PERMIT)).start()

    def limit(e):
        return e["event"] == "prefix-limit" and "family=ipv4-unicast limit=2" in e["text"]
    wait_until(lambda: any(map(limit, weft.events())), 15, "the limit is an event")
    if action in ("warn", "discard"):
        kept = 4 if action == "warn" else 2
        wait_until(lambda: weft.received("tor") == {"ipv4": kept, "ipv6": 4} or
                   No(weft.received("tor")), 10, "what is kept")
        assert weft.peer("tor")["state"] == "Established"
        assert weft.peer("tor")["established_count"] == 1
        return
    why = "prefix limit: it announces more than our limit of 2 ipv4-unicast prefixes"

    def down():
        p = weft.peer("tor")
        return p["state"] == "Idle" and why in p["reason"] and p["reason"] or No(p["reason"])
    said = wait_until(down, 10, "down, with the reason")
    if action == "restart":
        assert "next attempt in" in said
        wait_until(lambda: weft.peer("tor")["established_count"] >= 2, 15, "tried again after 4 s")
    else:
        assert "stays down until it is reset by command" in said
        weft.config["peers"][0]["maxPrefixes"]["ipv4"]["limit"] = 10
        weft.write_config()
        weft.weft("reload")
        weft.weft("peer", "tor", "reset")
        wait_until(lambda: weft.received("tor") == {"ipv4": 4, "ipv6": 4}, 15, "back, under the limit")
