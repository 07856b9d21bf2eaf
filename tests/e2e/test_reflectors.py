"""Route reflectors (RFC 4456): two for one cluster, one is lost; and three in a ring."""

import time

import pytest

from fabric.monitor import Monitor
from fabric.peers import Bird, Frr, networks
from fabric.segment import Segment, addresses, pods, wait_kernel, wait_paths
from fabric.wait import No, holds_for, wait_until

CLIENTS = 20
REFLECTORS = {"rr1": 1, "rr2": 2}
RESTART_S = 3           # how long clients keep the routes of a reflector that is gone
SHARED = ["10.244.200.0/24", "fd00:10:244:200::/64"]    # announced by the first two clients


class Cluster:
    """Two reflectors, weft clients, one BIRD and one FRR client."""

    def __init__(self, lab, graceful):
        self.seg = Segment(lab)
        self.numbers = {f"node{i}": 10 + i for i in range(CLIENTS)}
        others = {"bird": 50, "frr": 51}
        clients = {**self.numbers, **others}
        self.rrs = {name: self.seg.reflector(
            name, n, clients, 1, {o: k for o, k in REFLECTORS.items() if o != name},
            gracefulRestart={"enabled": graceful, "restartTime": f"{RESTART_S}s"}) for name, n in REFLECTORS.items()}
        self.nodes = [self.seg.client(name, n, REFLECTORS) for name, n in self.numbers.items()]
        for w in self.nodes[:2]:
            w.config["advertisements"] = [{"type": "PodCIDR"}, {"type": "Prefix",
                                                                "prefixes": SHARED}]
        self.nets = {"bird": networks(1, 2), "frr": networks(2, 2)}
        self.others = [self.seg.daemon(kind, name, others[name], REFLECTORS, self.nets[name])
                       for name, kind in (("bird", Bird), ("frr", Frr))]
        self.all = {p for n in self.numbers.values() for p in pods(n)} | \
            {p for nets in self.nets.values() for p in nets}

    def start(self):
        for w in (*self.rrs.values(), *self.nodes):
            w.start(wait=False)
        for d in self.others:
            d.start()
        for w in (*self.rrs.values(), *self.nodes):
            wait_until(w.answers, 20, f"weft in {w.ns.name} answers")
        return self

    def wait_learned(self, reflectors):
        """Until everybody has everybody's prefixes, from each of these reflectors."""
        for (name, n), w in zip(self.numbers.items(), self.nodes):
            others = self.all - set(pods(n))
            wait_paths(w, others, reflectors)
            wait_kernel(w, others)
        for d in self.others:
            for r in reflectors:
                wait_until(lambda: self.got(d, r), 20, f"{d.package} got all from {r}")

    def wait_shared(self):
        """Until the clients have both next hops of what two of them announce, in one group."""
        for w in self.nodes[2:]:
            for p in SHARED:
                def both():
                    found = {h.get("gateway") for r in w.kernel_routes(6 if ":" in p else 4)
                             if r["dst"] == p for h in r.get("nexthops", [])}
                    return len(found) == 2 or No(found)
                wait_until(both, 10, f"{w.ns.name} shares {p} among two", every_s=0.1)

    def got(self, daemon, reflector):
        shared = 2 if daemon.package == "frr" else 1    # FRR offers to take several paths
        want = (len(self.all) - len(self.nets["bird"])) // 2 + shared
        got = daemon.received(addresses(REFLECTORS[reflector])[0])
        return got == {"ipv4": want, "ipv6": want} or No(f"{got}, not {want}")


@pytest.mark.parametrize("graceful", [True, False], ids=["stale", "at once"])
def test_reflector_lost(lab, figure, graceful):
    """All learn all; a reflector is killed and comes back: no client's kernel hears of it."""
    c = Cluster(lab, graceful).start()
    c.wait_learned(REFLECTORS)
    c.wait_shared()
    monitors = [Monitor(w.ns) for w in c.nodes]
    lost = c.rrs["rr1"]
    lost.kill()

    def forgotten(w):
        left = [r for r in w.routes() if r["from"] == "rr1"]
        return not left or No(f"{len(left)} of rr1, e.g. {left[0]}")
    begin = time.monotonic()
    for w in c.nodes:
        wait_until(lambda: forgotten(w), 15, f"{w.ns.name} has dropped rr1's paths", every_s=0.2)
    figure(f"the last client dropped rr1's paths after {time.monotonic() - begin:.1f} s")
    c.wait_learned(["rr2"])
    c.wait_shared()
    lost.start()
    c.wait_learned(REFLECTORS)
    for w, m in zip(c.nodes, monitors):
        assert m.seen() == [], f"{w.ns.name}: the kernel was touched"
        assert not w.fib("--diff")


class Ring:
    """Three reflectors, each a client of the other two, two clients of its own on each.

    one_way: each tells only the next one what it learned, so that everything goes
    round; else it stops half way, where both directions meet.
    """

    NAMES = {"rr1": 1, "rr2": 2, "rr3": 3}

    def __init__(self, lab, one_way):
        self.seg, self.rrs, self.nodes = Segment(lab), {}, {}
        for name, n in self.NAMES.items():
            mine = {f"node{k}": k for k in (10 * n, 10 * n + 1)}
            around = {o: k for o, k in self.NAMES.items() if o != name}
            silent = [o for o, k in around.items() if one_way and (n - k) % 3 == 1]
            self.rrs[name] = self.seg.reflector(name, n, {**mine, **around}, n, silent=silent)
            for node, k in mine.items():
                self.nodes[node] = (k, self.seg.client(node, k, {name: n}))

    def own(self, name):
        """Prefixes of a reflector's own clients."""
        return {p for k, _ in self.nodes.values() if k // 10 == self.NAMES[name] for p in pods(k)}

    def refused(self, name):
        return {r["prefix"] for r in self.rrs[name].routes("--rejected")
                if "our cluster id is in its CLUSTER_LIST" in r["reject_reason"]}

    def start(self):
        everybody = [*self.rrs.values(), *(w for _, w in self.nodes.values())]
        for w in everybody:
            w.start(wait=False)
        for w in everybody:
            wait_until(w.answers, 20, f"weft in {w.ns.name} answers")
        return self

    def wait_all_but(self, gone):
        """Until every client has what the others announce, and nothing of `gone`."""
        for k, w in self.nodes.values():
            want = {p for n, _ in self.nodes.values() if n not in (k, gone) for p in pods(n)}

            def same():
                have = {r["prefix"] for r in w.routes() if r["from"] != "local"}
                return have == want or No(f"{len(have)} instead of {len(want)} prefixes")
            wait_until(same, 20, f"{w.ns.name} has the prefixes of all others", every_s=0.1)

    def updates(self):
        """UPDATEs that every session between reflectors has received."""
        return {(name, p["name"]): p["messages"]["in"]["update"]
                for name, rr in self.rrs.items() for p in rr.peers().values()}

    def wait_rest(self):
        """Until no reflector gets UPDATEs any more; returns the counts."""
        for _ in range(10):
            before = self.updates()
            try:
                holds_for(lambda: self.updates() == before, 1, "no more UPDATEs", every_s=0.2)
                return before
            except AssertionError:
                continue
        raise AssertionError(f"UPDATEs go on: {before} became {self.updates()}")


@pytest.mark.parametrize("one_way", [True, False], ids=["one way", "both ways"])
def test_ring(lab, figure, one_way):
    """Reflectors in a ring: what comes round again is refused, and UPDATEs come to rest."""
    ring = Ring(lab, one_way).start()
    ring.wait_all_but(None)
    for name in ring.rrs:
        def refused():
            got, want = ring.refused(name), ring.own(name) if one_way else set()
            return got == want or No(f"{sorted(got)}, not {sorted(want)}")
        wait_until(refused, 10, f"{name} refuses what it told itself, and nothing else")
    counts = ring.wait_rest()
    figure(f"at rest after at most {max(counts.values())} UPDATEs in a session")
    k, leaver = ring.nodes["node10"]
    leaver.write_config({**leaver.config, "advertisements": []})
    leaver.weft("reload")
    ring.wait_all_but(k)
    ring.wait_rest()
    for name, rr in ring.rrs.items():
        left = [r for r in rr.routes() + rr.routes("--rejected") if r["prefix"] in pods(k)]
        assert not left, f"{name} still has {left[0]}"
