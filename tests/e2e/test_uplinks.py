"""Links without addresses: neighbours found by router advertisements, both used, either pulled."""

import os
import signal
import socket
import struct

import pytest

from fabric.peers import Bird, Frr, Gobgp
from fabric.traffic import Capture, Pinger, ping, udp_flows
from fabric.unnumbered import (FLOWS, TOR_AS, Node, Unnumbered, found, link_local, loopbacks,
                               pod_addrs, pods)
from fabric.wait import No, holds_for, wait_until

BOTH = {"eth0", "eth1"}


def legs(node, prefix):
    """Devices that a prefix's kernel route uses; none: it has no such route."""
    hops = [h for r in node.ns.routes(prefix, "proto", 212, family=6 if ":" in prefix else 4)
            for h in r.get("nexthops", [r])]
    return {h["dev"] for h in hops if "dev" in h}


def wait_legs(node, want, deadline_s=15):
    """Until everything that the other node announces is reached by those interfaces."""
    n = 3 - node.n
    prefixes = [f"{a}/128" if ":" in a else a for a in loopbacks(n)] + pods(n)

    def same():
        got = {p: legs(node, p) for p in prefixes}
        return all(g == want for g in got.values()) or No(got)
    wait_until(same, deadline_s, f"{node.ns.name} uses {sorted(want)}")


def sessions(weft):
    """What must not change while strangers shout: state, address, number of sessions so far."""
    return {n: (p["state"], p["address"], p["flaps"]) for n, p in weft.peers().items()}


@pytest.mark.slice
def test_nodes_and_pods_reach_each_other(lab):
    """No address on any link: loopbacks and pods answer, over both legs, from the loopback."""
    f = Unnumbered(lab).start().wait_up()
    for node in f.nodes:
        wait_legs(node, BOTH)
    one, two = f.nodes
    for dev in BOTH:
        scopes = {a["scope"] for a in one.ns.ipj("addr", "show", "dev", dev)[0]["addr_info"]}
        assert scopes == {"link"}
    for addr in [*loopbacks(2), *pod_addrs(2)]:
        got = one.ns.ipj("route", "get", addr)[0]
        assert got["prefsrc"] == loopbacks(1)[":" in addr]
        wait_until(lambda a=addr: ping(one.ns, a), 10, f"{addr} answers")
    for src, dst in zip(loopbacks(1), loopbacks(2)):
        assert ping(one.ns, dst, source=src)
    for addr in pod_addrs(2):
        assert ping(one.pod, addr)
    wires = [Capture(one.ns, dev, "udp port 9") for dev in sorted(BOTH)]
    udp_flows(one.ns, pod_addrs(2)[0], 40)
    wait_until(lambda: all(len(w.packets()) > 5 for w in wires), 5, "flows take both links")
    shown = one.weft.peers()["eth0"]
    assert shown["address"] == link_local(f.tors[0], "node1") + "%eth0"
    assert "eth0" in one.weft.weft("peers")


def lost_while(f, pull):
    """The longest gap of eight flows between the pods while pull() happens, and its packets."""
    pings = [Pinger(f.nodes[0].pod, a) for k in FLOWS for a in pod_addrs(2, k)]
    holds_for(lambda: True, 0.3, "a moment of traffic")
    pull()
    holds_for(lambda: True, 1.2, "what was lost is seen")
    for p in pings:     # all at once: each still waits for its last answers
        os.kill(p.proc.pid, signal.SIGTERM)
    results = [p.result() for p in pings]
    return max(r["longest_gap_ms"] for r in results), sum(r["lost"] for r in results)


def both_legs(f):
    for node in f.nodes:
        wait_legs(node, BOTH)


def pull(f, figure, dev, at, most_ms):
    """Take a link of node1 down; `at` is (namespace, interface)."""
    ns, theirs = at
    gap, lost = lost_while(f, lambda: ns.ip("link", "set", theirs, "down"))
    figure(f"{dev} pulled at {ns.name}: longest gap {gap:.0f} ms, {lost} packets of 8 flows lost")
    wait_legs(f.nodes[0], BOTH - {dev}, 5)
    assert gap < most_ms


def test_pull_either_link(lab, figure):
    """One link after the other is pulled: pods lose less than a second, then use both again."""
    f = Unnumbered(lab).start().wait_up()
    both_legs(f)
    one = f.nodes[0]
    pull(f, figure, "eth0", (one.ns, "eth0"), 1000)
    one.ns.ip("link", "set", "eth0", "up")
    both_legs(f)
    pull(f, figure, "eth1", (f.tors[1], "node1"), 1000)


FAST = {"receiveInterval": 50, "transmitInterval": 50, "detectMultiplier": 3}


@pytest.mark.parametrize("dev", sorted(BOTH))
def test_pull_a_link_with_bfd(lab, figure, dev):
    """With BFD every 50 ms, to neighbours that were found: less than 200 ms."""
    f = Unnumbered(lab, bfd=True).start(bfdProfiles={"fast": FAST}, uplinks=[
        {"interface": d, "bfd": "fast"} for d in sorted(BOTH)]).wait_up()
    both_legs(f)
    for node in f.nodes:
        wait_until(lambda w=node.weft: all(p["bfd"]["state"] == "Up" for p in w.peers().values()), 15,
                   "BFD is up")
    pull(f, figure, dev, (f.nodes[0].ns, dev) if dev == "eth0" else (f.tors[1], "node1"), 200)


class Pair:
    """One node, and one router of that kind on eth0; eth1 leads to a namespace without a router."""

    def __init__(self, lab, kind, **neighbor):
        self.node, self.tor, self.other = Node(lab, 1), lab.ns("tor"), lab.ns("other")
        lab.link(self.node.ns, "eth0", self.tor, "node")
        lab.link(self.node.ns, "eth1", self.other, "node")
        ll = wait_until(lambda: link_local(self.tor, "node"), 5, "the link has its address")
        n = found("node", ll, **neighbor)
        n.asn = self.node.asn
        self.router = kind(self.tor, TOR_AS, "10.255.0.1", [n],
                           ["10.244.99.0/24", "fd00:10:244:99::/64"])

    def start(self, **more):
        self.router.start()
        self.node.start(**more)
        self.node.weft.wait_established("eth0", deadline_s=20)
        return self


@pytest.mark.patient
def test_bird_and_nobody(lab):
    """BIRD is found, too; where nobody sends advertisements the reason says so in words."""
    p = Pair(lab, Bird).start()
    weft = p.node.weft
    for prefix in p.router.networks:
        wait_until(lambda x=prefix: legs(p.node, x) == {"eth0"}, 10, f"{prefix} goes by eth0")
    wait_until(lambda: p.router.received("node") == {"ipv4": 2, "ipv6": 2}, 10,
               "BIRD has loopbacks and pods")
    assert weft.peers()["eth1"]["reason"].startswith("no router advertisement heard on eth1 for ")
    for view in ("peers", "status"):
        assert "no router advertisement heard on eth1" in weft.weft(view, check=False).stdout, view
    p.node.ns.ip("link", "set", "eth1", "down")
    wait_until(lambda: "eth1 is down" in weft.weft("peers", check=False).stdout, 5, "the link's state is told")


@pytest.mark.patient
def test_gobgp(lab):
    """It sends no advertisements and looks into the kernel's table of neighbours: it is taken as it calls."""
    p = Pair(lab, Gobgp)
    wait_until(lambda: ping(p.tor, link_local(p.node.ns, "eth0") + "%node"), 5, "the kernel knows the node")
    p.start()
    for prefix in p.router.networks:
        wait_until(lambda x=prefix: legs(p.node, x) == {"eth0"}, 10, f"{prefix} goes by eth0")
    assert p.node.weft.peers()["eth0"]["address"] == link_local(p.tor, "node") + "%eth0"


@pytest.mark.patient
def test_new_links_and_a_new_bgpd(lab):
    """The interface goes and comes with another index, and bgpd is killed: found again."""
    p = Pair(lab, Frr).start()
    weft = p.node.weft
    p.node.ns.ip("link", "del", "eth0")
    wait_until(lambda: "eth0 is not there" in weft.peers()["eth0"]["reason"], 5, "it is missed")
    lab.link(p.node.ns, "eth0", p.tor, "node")
    weft.wait_established("eth0", deadline_s=20)
    weft.kill("weft-bgpd")
    wait_until(lambda: weft.pid("weft-bgpd") and weft.answers(), 10, "bgpd is back")
    weft.wait_established("eth0", deadline_s=20)


@pytest.mark.patient
def test_bfd_goes_on_under_a_new_agent(lab):
    """The next agent has to find the router anew; the BFD session with it is kept meanwhile."""
    p = Pair(lab, Frr, extra=("bfd", "bfd profile fast"))
    p.router.options["text"] = {"bfd": " profile fast\n  receive-interval 50\n  transmit-interval 50\n exit"}
    p.start(bfdProfiles={"fast": FAST}, uplinks=[{"interface": "eth0", "bfd": "fast"}])
    weft = p.node.weft

    def row():
        rows = weft.json("bfd")["bfd"]
        return rows[0] if rows and rows[0]["state"] == "Up" and rows[0]["ups"] else No(rows)
    before, agent = wait_until(row, 15, "BFD is up"), weft.pid("weft-agent")
    weft.kill("weft-agent")
    wait_until(lambda: weft.pid("weft-agent") != agent and weft.answers(), 10, "another agent answers")
    weft.wait_established("eth0", deadline_s=20)
    after = wait_until(row, 5, "BFD is known to be up")
    for key in ("ups", "downs", "discriminator", "remote_discriminator"):
        assert after[key] == before[key], (key, before, after)
    assert not [e for e in weft.events() if "BFD Down" in e["text"]]


@pytest.mark.patient
def test_one_address_for_all_routers(lab):
    """Routers that call themselves fe80::aa on each link; listening on one address; a reload."""
    f = Unnumbered(lab)
    for tor in f.tors:
        tor.ip("addr", "del", link_local(tor, "node1") + "/64", "dev", "node1")
        tor.ip("addr", "add", "fe80::aa/64", "dev", "node1", "nodad")
    for r in f.routers:
        r.start()
    one, two = f.nodes
    one.start(bgp={"asNumber": 4200000001, "listen": {"addresses": [loopbacks(1)[0]]}}, uplinks=["eth0"])
    two.start()
    one.weft.wait_established("eth0", deadline_s=20)
    one.weft.write_config({**one.weft.config, "uplinks": ["eth0", "eth1"]})
    one.weft.weft("reload")
    one.weft.wait_established("eth1", deadline_s=20)
    both_legs(f)
    listening = one.ns.run("ss", "-Htln", "sport = :179")
    assert "%eth0:179" in listening and "%eth1:179" in listening
    one.weft.write_config({**one.weft.config, "uplinks": ["eth1"]})
    one.weft.weft("reload")
    wait_legs(one, {"eth1"}, 5)
    assert sessions(one.weft) == {"eth1": ("Established", "fe80::aa%eth1", 0)}


@pytest.mark.patient
def test_password(lab):
    """With an MD5 password the session comes up, and nobody else of the link gets in without."""
    p = Pair(lab, Frr, password="fabric")
    secret = f"{p.node.ns.dir}/key"
    with open(secret, "w") as f:
        f.write("fabric\n")
    p.start(uplinks=[{"interface": "eth0", "password": {"file": secret}}])
    p.tor.ip("addr", "add", "fe80::bad/64", "dev", "node", "nodad")
    scope = p.tor.ipj("link", "show", "node")[0]["ifindex"]
    with p.tor.entered(), socket.socket(socket.AF_INET6) as s:
        s.settimeout(5)
        s.bind(("fe80::bad", 0, 0, scope))
        s.connect((link_local(p.node.ns, "eth0"), 179, 0, scope))
        assert s.recv(100) == b""
    assert any("has a password" in e["text"] for e in p.node.weft.events())
    assert p.node.weft.established("eth0")


# ---- strangers ----------------------------------------------------------------------------------

ROUTER_ADVERT = bytes([134, 0, 0, 0, 64, 0, 7, 8]) + bytes(8)


def checksum(src, dst, body):
    data = src + dst + struct.pack("!IHBB", len(body), 0, 0, 58) + body
    total = sum(struct.unpack(f"!{len(data) // 2}H", data)) if len(data) % 2 == 0 else \
        sum(struct.unpack(f"!{len(data) // 2 + 1}H", data + b"\0"))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def advert(src, hops=255, body=ROUTER_ADVERT, good=True):
    """An Ethernet frame with a router advertisement to all nodes."""
    src, dst = socket.inet_pton(socket.AF_INET6, src), socket.inet_pton(socket.AF_INET6, "ff02::1")
    value = checksum(src, dst, body) ^ (0 if good else 0x55)
    body = body[:2] + struct.pack("!H", value) + body[4:]
    return (bytes.fromhex("333300000001020000000099") + b"\x86\xdd" +
            struct.pack("!IHBB", 6 << 28, len(body), 58, hops) + src + dst + body)


@pytest.mark.slice
def test_hostile_advertisements(lab, figure):
    """Not from the link, malformed, 10,000 routers: the session stays as it is, so does memory."""
    p = Pair(lab, Frr).start()
    weft = p.node.weft
    before, events = sessions(weft), len(weft.events())
    bad = [advert("2001:db8::1"), advert("::"), advert("fe80::2", hops=64), advert("fe80::3", good=False),
           advert("fe80::4", body=ROUTER_ADVERT[:15]),
           advert("fe80::5", body=ROUTER_ADVERT + bytes(8)),
           advert("fe80::6", body=ROUTER_ADVERT + bytes([1, 200]) + bytes(6)),
           advert("fe80::7", body=ROUTER_ADVERT + bytes([1])),
           advert("fe80::8", body=bytes([134, 7]) + ROUTER_ADVERT[2:]),
           advert("fe80::9", body=ROUTER_ADVERT + os.urandom(1300))]
    rss = resident(weft.pid("weft-bgpd"))
    for ns, dev in ((p.tor, "node"), (p.other, "node")):
        with ns.entered(), socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
            s.bind((dev, 0))
            for frame in bad * 20:
                s.send(frame)
            if ns is p.tor:
                for i in range(10000):
                    s.send(advert(f"fe80::99:{i:x}"))
    wait_until(lambda: any(e["event"] == "second-router" for e in weft.events()), 5,
               "another router is told of")
    holds_for(lambda: sessions(weft) == before, 1, "no session notices", every_s=0.2)
    grown = resident(weft.pid("weft-bgpd")) - rss
    told = len(weft.events()) - events
    figure(f"10,000 routers on the link: {told} events, bgpd {grown} KiB larger")
    if os.environ.get("WEFT_SANITIZED") != "1":     # which keeps what was freed
        assert grown < 512
    assert told < 10


def resident(pid):
    """Memory of a process in KiB."""
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))
