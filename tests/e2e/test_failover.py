"""One of two ToRs is lost: traffic is back at once, with 10 routes as with 100,000.

A pod pings a host behind both ToRs, 1,000 times a second. Its packets go by tor1 at first; the
host answers by tor2, so that what is measured is this node's doing alone.
"""

import ipaddress
import re

import pytest

from fabric.peers import Bird, Frr, Neighbor, networks
from fabric.topo import PEER_AS, PERMIT, PODS, WEFT_AS, TwoTors, timers, wire
from fabric.traffic import Pinger
from fabric.wait import No, holds_for, wait_until
from fabric.weft import Weft, config, peer

FEW = networks(1, 5)
MANY = networks(1, 1) + \
    [str(n) for n in list(ipaddress.ip_network("172.24.0.0/13").subnets(new_prefix=29))[:60000]] + \
    [f"fd24:0:{i >> 8:x}:{i & 255:x}::/64" for i in range(40000)]
FAR = [[f"172.21.0.{i}" for i in range(1, 33)], [f"fd21::{i:x}" for i in range(1, 33)]]
POD = ["10.244.1.2", "fd00:10:244:1::2"]
NO_LIMIT = {"limit": "off"}


class Rack:
    """A node with a pod between two ToRs; `far` has addresses in the first test network."""

    def __init__(self, lab, nets, kinds, best=None, **weft):
        self.t = TwoTors(lab, nets, kinds=kinds, gr=False, **weft)
        for p in self.t.weft.config["peers"]:
            p["maxPrefixes"] = NO_LIMIT
        if best is not None:            # tor2 is worse: its paths are longer
            self.t.tors[1].neighbors[0].text["family"] = best
        self.node, self.weft, self.tors = self.t.node, self.t.weft, self.t.tors
        self._pod(lab)
        self._far(lab)

    def _pod(self, lab):
        self.pod = lab.ns("pod", router=False)
        lab.link(self.node, "pod0", self.pod, "eth0", ["169.254.1.1/32", "fd00:feed::1/64"],
                 [f"{POD[0]}/32", f"{POD[1]}/128", "fd00:feed::2/64"])
        self.node.ip("route", "add", f"{POD[0]}/32", "dev", "pod0")
        self.node.ip("-6", "route", "add", f"{POD[1]}/128", "via", "fd00:feed::2")
        self.pod.ip("route", "add", "169.254.1.1/32", "dev", "eth0")
        self.pod.ip("route", "add", "default", "via", "169.254.1.1", "src", POD[0])
        self.pod.ip("-6", "route", "add", "default", "via", "fd00:feed::1", "src", POD[1])

    def _far(self, lab):
        """Its answers take tor2, whose way to the pod does not depend on BGP."""
        self.far = lab.ns("far", router=False)
        for i, tor in enumerate(self.tors):
            k = i + 1
            lab.link(tor.ns, "far", self.far, f"eth{i}", [f"10.8.{k}.1/24", f"fd08:{k}::1/64"],
                     [f"10.8.{k}.2/24", f"fd08:{k}::2/64"])
            tor.ns.ip("route", "add", "172.21.0.0/24", "via", f"10.8.{k}.2", "metric", 1)
            tor.ns.ip("-6", "route", "add", "fd21::/64", "via", f"fd08:{k}::2", "metric", 1)
        mine = self.t.links[1][0]
        for to, via in zip(POD, mine):
            self.tors[1].ns.ip("route", "add", to, "via", via, "metric", 1)
        self.far.ip("route", "add", "default", "via", "10.8.2.1")
        self.far.ip("-6", "route", "add", "default", "via", "fd08:2::1")
        for v4, v6 in zip(*FAR):
            self.far.addr("lo", f"{v4}/32", f"{v6}/128")

    def start(self, n):
        """Until n routes of ours are in the kernel, with both legs where there are two."""
        self.t.start(30)

        def there():
            st = self.weft.status()
            have = sum(f["installed"] for f in st["families"].values())
            return st["fib"]["synced"] and have >= n or No((have, st["fib"]))
        wait_until(there, 20, f"{n} routes are installed", every_s=0.1)
        return self

    def by_tor1(self):
        """Addresses of far, one per family, that the pod's packets reach by tor1."""
        found = [[a for a in addrs if self.way(a) == "eth0"] for addrs in FAR]
        assert all(found), "no address goes by tor1"
        return [f[0] for f in found]

    def way(self, addr):
        """The interface that the pod's packets to addr take."""
        out = self.node.ip("route", "get", addr, "from", POD[":" in addr], "iif", "pod0")
        return re.search(r" dev (\S+)", out).group(1)

    def wait_way(self, addrs, dev):
        wait_until(lambda: all(self.way(a) == dev for a in addrs), 5, f"{addrs} by {dev}",
                   every_s=0.005)

    def pings(self, addrs):
        """Pings to addrs that are answered already."""
        pings = [Pinger(self.pod, a) for a in addrs]
        for a in addrs:
            self.pod.run("ping", "-n", "-q", "-c", 2, "-i", "0.2", "-W", 1, a)
        return pings


class Watch:
    """What the kernel says about nexthop objects and routes, in the meantime."""

    count = 0

    def __init__(self, ns):
        Watch.count += 1
        # Else the kernel tells of every route by a group that was changed.
        ns.sysctl(net__ipv4__nexthop_compat_mode=0)
        self.proc = ns.spawn("ip", "-ts", "monitor", "nexthop", "route", log=f"watch{Watch.count}")
        wait_until(lambda: ns.run("ss", "-Hf", "netlink").count(str(self.proc.pid)), 5,
                   "ip monitor listens")

    def counts(self):
        """(messages on our nexthop groups, on our legs, on our routes)."""
        lines = [x for x in self.proc.text().splitlines() if "proto 212" in x]
        groups = [x for x in lines if re.search(r"\bid \d+ group", x)]
        legs_ = [x for x in lines if re.search(r"\bid \d+ via", x)]
        return len(groups), len(legs_), len(lines) - len(groups) - len(legs_)


def gaps(pings):
    return [p.result() for p in pings]


def check_gaps(results, limit_ms, figure, what):
    text = ", ".join(f"{r['longest_gap_ms']:.1f} ms, {r['lost']} lost" for r in results)
    figure(f"{what}: {text} (IPv4, IPv6)")
    assert max(r["longest_gap_ms"] for r in results) < limit_ms, results


@pytest.mark.parametrize("kinds,nets", [((Frr, Frr), FEW), ((Bird, Bird), MANY)],
                         ids=["10", "100000"])
def test_far_end_down(lab, figure, kinds, nets):
    """Carrier is lost at the ToR's side; then it is there again."""
    r = Rack(lab, nets, kinds).start(len(nets))
    addrs = r.by_tor1()
    pings, watch = r.pings(addrs), Watch(r.node)
    r.tors[0].ns.ip("link", "set", "eth0", "down")
    r.wait_way(addrs, "eth1")

    def ended():
        p = r.weft.peer("tor1")
        return p["state"] != "Established" and "no carrier" in p["last_error"] or No(p)
    wait_until(ended, 1, "the session has ended")
    check_gaps(gaps(pings), 50, figure, f"link down, {len(nets)} routes")
    wait_until(lambda: r.weft.status()["fib"]["synced"], 5, "nothing is left to do")
    groups, _, routes = watch.counts()
    figure(f"messages: {groups} on groups, {routes} on routes")
    assert routes == 0
    r.tors[0].ns.addr("eth0", f"{r.t.links[0][1][1]}/64")   # going down took it away
    wait_until(r.by_tor1, 30, "both legs are there again", every_s=0.2)


def test_peer_killed_with_100000_routes(lab, figure):
    """The session with one ToR ends: a message for each group, and none for a route."""
    r = Rack(lab, MANY, (Bird, Bird)).start(len(MANY))
    addrs = r.by_tor1()
    pings, watch = r.pings(addrs), Watch(r.node)
    r.tors[0].kill()
    r.wait_way(addrs, "eth1")
    wait_until(lambda: r.weft.received("tor1") == {"ipv4": 0, "ipv6": 0}, 10, "its paths are gone")
    wait_until(lambda: r.weft.status()["fib"]["synced"], 5, "nothing is left to do")
    check_gaps(gaps(pings), 50, figure, "peer killed")
    groups, _, routes = watch.counts()
    figure(f"messages: {groups} on groups, {routes} on routes")
    assert (groups, routes) == (2, 0)   # IPv4 and IPv6


def test_backup_is_one_message(lab, figure):
    """tor2 is worse; when tor1 is killed, its set becomes tor2's by one message a family."""
    r = Rack(lab, FEW, (Bird, Bird), best="export filter { bgp_path.prepend(65002); accept; };"
             ).start(len(FEW))
    addrs = [a[0] for a in FAR]
    r.wait_way(addrs, "eth0")
    watch = Watch(r.node)
    r.tors[0].kill()
    r.wait_way(addrs, "eth1")
    wait_until(lambda: r.weft.status()["fib"]["synced"], 5, "nothing is left to do")
    holds_for(lambda: watch.counts()[2] == 0, 0.5, "no route changes", every_s=0.1)
    groups, _, routes = watch.counts()
    figure(f"messages: {groups} on groups, {routes} on routes")
    assert (groups, routes) == (2, 0)


def test_link_bandwidth(lab):
    """Two FRR ToRs announce 10 and 40 Gbit/s: weights 1 and 4, in the kernel and in the views."""
    nets = networks(1, 2)
    t = TwoTors(lab, nets, kinds=(Frr, Frr), gr=False)
    for tor, mbit in zip(t.tors, (1000, 4000)):
        tor.options["attributes"] = {p: f" set extcommunity bandwidth {mbit}" for p in nets}
    t.start(30)

    def weights():
        got = {p: {n["dev"]: n["weight"] for r in t.node.routes(p, "proto", 212,
                                                               family=6 if ":" in p else 4)
                   for n in r.get("nexthops", ())} for p in nets}
        return all(w == {"eth0": 1, "eth1": 4} for w in got.values()) or No(got)
    wait_until(weights, 10, "the kernel has the weights")
    assert "weight 4" in t.weft.weft("fib") and "weight 4" in t.weft.weft("route", nets[0])
    row = next(r for r in t.weft.fib() if r["prefix"] == nets[0])
    assert "weight 1" in row["have"] and "weight 4" in row["have"]
    path = t.weft.route(nets[0])["paths"][0]
    assert "lb:" in str(path), path


def test_fib_verdict_in_the_protocol(lab):
    """What the kernel does not have is not announced further, and the CLI says why."""
    nets = networks(1, 2)
    t = TwoTors(lab, (nets, []), kinds=(Bird, Bird), bgp={"transit": True})
    for p in t.weft.config["peers"]:
        p["export"] = "all"
    foreign, free = nets[0], nets[1]
    place = [foreign, "dev", "lo", "metric", "20", "proto", "static"]
    t.node.ip("route", "add", *place)
    t.start()
    t.wait_installed([free])

    def told():
        return {p for p in nets[:2] if f"{p} " in t.tors[1].birdc("show", "route")}
    wait_until(lambda: told() == {free} or No(told()), 5, "what is installed is passed on")
    out = t.weft.weft("route", foreign)
    assert "not sent to  tor2: not announced: somebody else's route has its place" in out, out
    assert "not sent to" not in (out := t.weft.weft("route", free)), out
    t.node.ip("route", "del", *place)
    wait_until(lambda: told() == {foreign, free} or No(told()), 5, "the place is free")
    t.node.ip("route", "del", "blackhole", "10.244.1.0/24", "metric", 4294967293)
    wait_until(lambda: [r for r in t.weft.kernel_routes() if r["dst"] == "10.244.1.0/24"], 2,
               "the own range's route is back")


@pytest.mark.parametrize("fast", [True, False])
def test_own_address_is_lost(lab, fast):
    """A session between loopbacks ends with our address; without fastFallover it goes on."""
    w, p = lab.ns("weft"), lab.ns("peer")
    mine, other = wire(lab, w, "eth0", p, "eth0", 1)
    for ns, own, to, via in ((w, "10.0.0.1", "10.0.0.2", other), (p, "10.0.0.2", "10.0.0.1", mine)):
        ns.addr("lo", f"{own}/32")
        ns.ip("route", "add", f"{to}/32", "via", via[0])
    bird = Bird(p, PEER_AS, "10.0.0.2", [Neighbor("10.0.0.1", WEFT_AS, "10.0.0.2", multihop=True,
                                                  families=("ipv4",))])
    weft = Weft(w, config("weft", WEFT_AS, ["10.0.0.1"], [
        peer("peer", "10.0.0.2", PEER_AS, ebgpMultihop=True, sourceAddress="10.0.0.1",
             families=["ipv4"], fastFallover=fast, timers=timers())], PODS[:1], PERMIT[:1]))
    bird.start()
    weft.start()
    weft.wait_established("peer")
    w.ip("addr", "del", "10.0.0.1/32", "dev", "lo")
    if not fast:
        holds_for(lambda: weft.established("peer"), 1, "the session lives until its hold time")
        return

    def ended():
        row = weft.peer("peer")
        return "link lost: this node no longer has the address 10.0.0.1" in \
            (row["last_error"] or "") or No(row)
    wait_until(ended, 1, "the session has ended")
