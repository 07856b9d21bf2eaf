"""Long-lived stale routes (RFC 9494) and last known good: who is gone stays of use."""

import re
import time

import pytest

from fabric.peers import Bird, Frr, Gobgp, Neighbor, networks
from fabric.segment import Segment, addresses, pods, wait_kernel
from fabric.topo import timers
from fabric.traffic import Pinger, ping
from fabric.wait import No, holds_for, wait_until
from fabric.weft import Weft, config, peer

pytestmark = pytest.mark.patient

REFLECTORS = {"rr1": 1, "rr2": 2}
NODES = {"a": 10, "b": 11}
LONG_S = 6


class Cluster:
    """Two reflectors and two nodes; the first address of each pod range is on lo."""

    def __init__(self, lab, of_reflectors, of_nodes):
        seg = Segment(lab)
        self.rrs = [seg.reflector(name, n, NODES, 1, gracefulRestart=of_reflectors)
                    for name, n in REFLECTORS.items()]
        self.nodes = {name: seg.client(name, n, REFLECTORS, bgp={"gracefulRestart": of_nodes})
                      for name, n in NODES.items()}
        for name, w in self.nodes.items():
            w.ns.addr("lo", *self.pod(name))
            for p in w.config["peers"]:
                p["timers"] = timers(hold="3s", keepalive="1s")

    @staticmethod
    def pod(name):
        return [f"10.244.{NODES[name]}.1/32", f"fd00:10:244:{NODES[name]}::1/128"]

    def start(self):
        for w in (*self.rrs, *self.nodes.values()):
            w.start(wait=False)
        for name, w in self.nodes.items():
            wait_until(w.answers, 20, "weft answers")
            wait_kernel(w, pods(NODES["b" if name == "a" else "a"]))
        wait_until(lambda: ping(self.nodes["a"].ns, self.pod("b")[0].split("/")[0]), 10,
                   "pods reach each other")
        return self



def stale(weft, prefix):
    """Rows of a prefix, all of them long-lived stale."""
    rows = [r for r in weft.routes(prefix) if r["from"] in REFLECTORS]
    marked = rows and all(r["stale_of_s"] and r["long_lived_stale"] for r in rows)
    return marked and rows or No(rows)


@pytest.mark.parametrize("how", ["killed", "lost"])
def test_reflectors_gone(lab, figure, how):
    """Every reflector dies: traffic goes on for the time configured, which is shown; a real
    route wins at once; when the time is over the routes go."""
    gr = {"restartTime": "1s", "longLived": f"{LONG_S}s"}
    c = Cluster(lab, gr, gr).start()
    a, target = c.nodes["a"], c.pod("b")[0].split("/")[0]
    pinger = Pinger(a.ns, target)
    for rr in c.rrs:
        if how == "lost":
            rr.ns.run("iptables", "-A", "INPUT", "-p", "tcp", "-j", "DROP")
            rr.ns.run("iptables", "-A", "OUTPUT", "-p", "tcp", "-j", "DROP")
        else:
            rr.kill()
    for p in pods(NODES["b"]):
        rows = wait_until(lambda: stale(a, p), 15, "the routes are long-lived stale")
        assert all(r["stale"] and "llgr-stale" in r["communities"] for r in rows), rows
        assert 0 < rows[0]["stale_left_s"] <= LONG_S == rows[0]["stale_of_s"]
    shown = [x for x in a.weft("routes") .splitlines() if x.startswith("S>")]
    assert shown and all(re.search(r"stale, 00:00:0\d of 6s left", x) for x in shown), shown
    assert re.search(r"\d stale, 00:00:0\d of 6s left", a.weft("peers", check=False).stdout), "weft peers"

    # a real route wins at once
    real = time.monotonic()
    if how == "killed":
        c.rrs[0].start(wait=False)

        def fresh():
            rows = a.routes(pods(NODES["b"])[0])
            best = next((r for r in rows if r["best"]), None)
            return best and not best["stale"] or No(rows)
        wait_until(fresh, 10, "the reflector's route is the best again")
        figure(f"fresh route is used {time.monotonic() - real:.2f} s after the reflector's start")
        holds_for(lambda: ping(a.ns, target), 1, "traffic goes on")
        r = pinger.result()
        figure(f"{r['lost']} of {r['sent']} lost, longest gap {r['longest_gap_ms']} ms")
        assert r["lost"] == 0
        return

    def gone():
        return not any(r["dst"] == pods(NODES["b"])[0] for r in a.kernel_routes(4))
    assert not gone()
    wait_until(gone, LONG_S + 3, "the routes go when the time is over", every_s=0.02)
    r = pinger.result()
    # the first packet lost is the first one after the routes went
    figure(f"{r['sent'] - r['lost']} answered before the time was over, longest gap "
           f"{r['longest_gap_ms']} ms")
    assert r["first_lost"] >= r["received"] - 5, r


def test_last_known_good(lab):
    """Reflectors without graceful restart say goodbye: kept all the same where it is asked for."""
    off = {"enabled": False}
    c = Cluster(lab, off, {"restartTime": "1s", "longLived": "30s",
                           "longLivedWithoutPeer": True}).start()
    a = c.nodes["a"]
    c.rrs[0].kill()
    c.rrs[1].weft("peer", "a", "down")
    p = pods(NODES["b"])[0]
    wait_until(lambda: {r["from"] for r in stale(a, p)} == set(REFLECTORS), 10,
               "both reflectors' routes are kept")
    for rr in REFLECTORS:               # the operator ends it
        a.weft("peer", rr, "reset")
    wait_until(lambda: not any(r["dst"] == p for r in a.kernel_routes(4)), 5, "the routes go")


def test_last_known_good_over_a_restart(lab):
    """All reflectors are dead and a node starts again: what its kernel has stays until one is back."""
    gr = {"restartTime": "1s", "longLived": "30s", "longLivedWithoutPeer": True}
    c = Cluster(lab, gr, gr).start()
    a, p = c.nodes["a"], pods(NODES["b"])[0]
    for rr in c.rrs:
        rr.kill()
    a.kill()
    a.start()
    wait_until(lambda: "last-known-good" in a.text(), 5, "it says that it keeps them")

    def there():
        return any(r["dst"] == p for r in a.kernel_routes(4))
    holds_for(there, 1, "the route stays")
    c.rrs[0].start(wait=False)

    def fresh():
        assert there()
        return any(r["best"] and not r["stale"] for r in a.routes(p)) or No(a.routes(p))
    wait_until(fresh, 15, "the reflector's route is there")
    assert there()


# -- other makers' daemons -----------------------------------------------------------------

WEFT, PEER = "10.9.0.1", "10.9.0.2"
LLGR = {
    Frr: {"text": {"router": " bgp long-lived-graceful-restart stale-time 40\n"
                             " bgp graceful-restart restart-time 2"}},
    Bird: {},
    Gobgp: {},
}
OF_NEIGHBOR = {
    Frr: {},
    Bird: {"session": "graceful restart time 2; long lived graceful restart on; "
                      "long lived stale time 40;"},
    Gobgp: {"session": "  [neighbors.graceful-restart.config]\n    enabled = true\n"
                       "    restart-time = 2\n    long-lived-enabled = true",
            "family": "    [neighbors.afi-safis.mp-graceful-restart.config]\n      enabled = true\n"
                      "    [neighbors.afi-safis.long-lived-graceful-restart.config]\n"
                      "      enabled = true\n      restart-time = 40"},
}


class Pair:
    """weft and one daemon, eBGP."""

    def __init__(self, lab, kind):
        w, p = lab.ns("weft"), lab.ns("peer")
        lab.link(w, "eth0", p, "eth0", [f"{WEFT}/24", "fd09::1/64"], [f"{PEER}/24", "fd09::2/64"])
        self.nets = networks(1, 2)
        n = Neighbor(WEFT, 65001, PEER, "fd09::2", text=OF_NEIGHBOR[kind], gr=kind is not Gobgp)
        self.daemon = kind(p, 65002, "10.0.0.2", [n], self.nets, **LLGR[kind])
        self.weft = Weft(w, config(
            "weft", 65001, [WEFT, "fd09::1"],
            [peer("peer", PEER, 65002, timers=timers(), **{"import": "all"})],
            ["10.244.7.0/24", "fd00:10:244:7::/64"], ["172.16.0.0/12", "fd20::/11"],
            bgp={"gracefulRestart": {"restartTime": "2s", "longLived": "60s"}}))

    def start(self):
        self.weft.start()
        self.daemon.start()
        self.weft.wait_established("peer", deadline_s=20)

        def learned():
            rows = self.weft.routes("--best")
            have = {r["prefix"] for r in rows if r["from"] == "peer"}
            return have >= set(self.nets) or No(have)
        wait_until(learned, 15, "weft has the daemon's routes")
        return self


@pytest.mark.parametrize("kind", [Frr, Bird, Gobgp], ids=["frr", "bird", "gobgp"])
def test_daemon_stays_away(lab, kind):
    """Its Long-Lived Stale Time counts; its routes are fresh when it is back."""
    t = Pair(lab, kind).start()
    row = t.weft.peer("peer")
    assert row["capabilities"]["long_lived_graceful_restart"], row["capabilities"]
    assert row["families"]["ipv4"]["llgr_peer_s"] == 40, row["families"]["ipv4"]
    t.daemon.kill()

    def kept():
        rows = [r for r in t.weft.routes() if r["from"] == "peer" and not r["rejected"]]
        return len(rows) == len(t.nets) and all(
            r["stale_of_s"] == 40 and r["best"] for r in rows) or No(rows[:1])
    wait_until(kept, 10, "its routes are long-lived stale")


def helper_has(daemon, prefix):
    """What the daemon knows of a prefix of ours, as text."""
    if isinstance(daemon, Frr):
        return daemon.vtysh(f"show bgp ipv4 unicast {prefix}")
    if isinstance(daemon, Bird):
        return daemon.birdc("show", "route", "all", "for", prefix)
    return daemon.gobgp("global", "rib", prefix)


@pytest.mark.parametrize("kind", [Frr, Bird, Gobgp], ids=["frr", "bird", "gobgp"])
def test_weft_stays_away(lab, kind):
    """Its routes are kept by others as a last resort, and are fresh when it is back."""
    t = Pair(lab, kind).start()
    p = "10.244.7.0/24"
    marks = {Frr: "llgr-stale", Bird: "65535,6", Gobgp: "llgr-stale"}
    wait_until(lambda: p.split("/")[0] in helper_has(t.daemon, p), 10, "it has our prefix")
    t.weft.kill()
    wait_until(lambda: marks[kind] in helper_has(t.daemon, p) or No(helper_has(t.daemon, p)), 15,
               "our route is marked llgr-stale")
    t.weft.start()
    t.weft.wait_established("peer", deadline_s=20)
    wait_until(lambda: p.split("/")[0] in helper_has(t.daemon, p) and
               marks[kind] not in helper_has(t.daemon, p) or No(helper_has(t.daemon, p)), 15,
               "our route is fresh")
