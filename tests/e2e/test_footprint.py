"""How much memory weft takes and how soon it is ready."""

import time

import pytest

from fabric import bgp
from fabric.peers import Bird
from fabric.topo import PERMIT, PODS, WEFT_AS, TwoTors, timers, wire
from fabric.wait import No, wait_until
from fabric.weft import Weft, config, peer
from test_bfd import Pair, wait_up
from test_reconcile import MANY, count_fast

LIMIT_KB = 4 * 1024         # memory of our own
ANONYMOUS_KB = 2560         # of it, what no file stands behind


def awake(pids):
    """(how often they were woken up, CPU milliseconds) of these processes, so far."""
    times, cpu = 0, 0
    for pid in pids:
        with open(f"/proc/{pid}/status") as f:
            times += sum(int(x.split()[1]) for x in f if x.startswith("voluntary_ctxt_switches"))
        with open(f"/proc/{pid}/schedstat") as f:
            cpu += int(f.read().split()[0]) / 1e6
    return times, cpu


def rollup(pid):
    """(private, proportional, anonymous) kilobytes of a process."""
    fields = {}
    with open(f"/proc/{pid}/smaps_rollup") as f:
        for line in f:
            parts = line.split()
            if parts[0].endswith(":") and parts[1].isdigit():
                fields[parts[0][:-1]] = int(parts[1])
    return fields["Private_Clean"] + fields["Private_Dirty"], fields["Pss"], fields["Anonymous"]


@pytest.mark.release
def test_memory(lab, figure):
    """Two peers and 1,000 routes in the kernel: at most 4 MB of memory of our own, 2.5 anonymous."""
    t = TwoTors(lab, MANY, kinds=(Bird, Bird)).start()
    t.wait_installed(MANY)
    t.weft.wait_synced()
    small(t.weft, figure)


def small(weft, figure):
    """What all processes have must be little; returns it of each of them."""
    sizes = {c: rollup(weft.pid(c)) for c in weft.running()}
    private, pss, anonymous = (sum(s[i] for s in sizes.values()) for i in range(3))
    figure(f"private {private} kB, PSS {pss} kB, anonymous {anonymous} kB; "
           + ", ".join(f"{c} {'/'.join(map(str, s))}" for c, s in sizes.items()))
    assert private <= LIMIT_KB and anonymous <= ANONYMOUS_KB
    return sizes


@pytest.mark.release
def test_memory_with_bfd(lab, figure):
    """The memory of weft-bfdd is locked, but only what its sessions need."""
    p = Pair(lab, Bird, ms=300, profile="slow")
    wait_up(p.weft, "tor", us=900000)
    sizes = small(p.weft, figure)
    assert sizes["weft-bfdd"][1] <= 1024


class Ready:
    """A listening speaker that answers at once and notes when weft was Established.

    weft is Established when it sends its first UPDATE (routes or End-of-RIB).
    """

    def __init__(self, ns, address, asn, routes, next_hops):
        self.listener, self.asn, self.address = bgp.listener(ns, address), asn, address
        self.listener.settimeout(5)
        self.updates = [bgp.update_body(chunk, next_hop=next_hops[i], as_path=[asn])
                        for i, family in enumerate((routes[0], routes[1]))
                        for chunk in (family[:250], family[250:]) if chunk]

    def serve(self):
        """The handshake and all routes; returns when weft was Established (monotonic)."""
        c = bgp.Conn(self.listener.accept()[0])
        c.send(bgp.OPEN, bgp.open_body(self.asn, self.address))
        c.send(bgp.KEEPALIVE)
        assert c.wait(bgp.UPDATE, 5) is not None, c.received
        up = time.monotonic()
        for u in self.updates:
            c.send(bgp.UPDATE, u)
        for f in bgp.AFI:
            c.send(bgp.UPDATE, bgp.end_of_rib(f))
        self.conn = c
        return up


def two_speakers(lab, **more):
    """A weft node's namespace and configuration, and its two listening peers."""
    w = lab.ns("weft")
    speakers, peers_ = [], []
    routes = [[p for p in MANY if (":" in p) == v6] for v6 in (False, True)]
    for i in (0, 1):
        s = lab.ns(f"speaker{i}")
        mine, other = wire(lab, w, f"eth{i}", s, "eth0", i + 1)
        speakers.append(Ready(s, other[0], 65001 + i, routes, other))
        peers_.append(peer(f"p{i}", other[0], 65001 + i, timers=timers(**more)))
    conf = config("weft", WEFT_AS, mine, peers_, PODS, PERMIT, ops={"log": {"level": "info"}})
    return w, conf, speakers


@pytest.mark.release
def test_start_up(lab, figure):
    """Two listening peers: sessions within 50 ms of exec, 1,000 routes within 100 ms."""
    best = (9.0, 9.0)
    w, conf, speakers = two_speakers(lab)
    for _ in range(3):
        best = min(best, one_start(w, conf, speakers))
    figure(f"best of 3: sessions {best[0] * 1000:.0f} ms, routes {best[1] * 1000:.0f} ms "
           "after exec")
    assert best[0] < 0.05 and best[1] < 0.1


def one_start(w, conf, speakers):
    weft = Weft(w, conf)
    begin = time.monotonic()
    weft.start(wait=False)
    sessions = max(s.serve() for s in speakers) - begin
    want = [sum((":" in p) == v6 for p in MANY) for v6 in (False, True)]
    wait_until(lambda: [count_fast(w, f) for f in (4, 6)] == want
               or No([count_fast(w, f) for f in (4, 6)]), 5, "1,000 routes", every_s=0.001)
    installed = time.monotonic() - begin
    for s in speakers:
        s.conn.close()
    weft.stop()
    return sessions, installed


@pytest.mark.release
@pytest.mark.patient
def test_idle(lab, figure):
    """Two sessions, 1,000 routes, nothing to do: all processes together wake up 25 times in 30 s."""
    w, conf, speakers = two_speakers(lab, hold="90s", keepalive="30s")
    weft = Weft(w, conf)
    weft.start(wait=False)
    for s in speakers:
        s.serve()
    wait_until(lambda: count_fast(w, 4) == 500 or No(count_fast(w, 4)), 5, "the routes")
    weft.wait_synced()
    calm = []

    def settled():
        calm.append(awake(weft.pids())[0])
        return calm[-3:] == [calm[-1]] * 3 or No(calm)
    wait_until(settled, 30, "what follows from the start is over", every_s=0.7)
    begin, before = time.monotonic(), awake(weft.pids())
    wait_until(lambda: time.monotonic() - begin >= 30 or No("not yet"), 40, "30 s", every_s=1)
    after = awake(weft.pids())
    times, cpu = after[0] - before[0], after[1] - before[1]
    figure(f"woken up {times} times, {cpu:.2f} ms CPU in 30 s")
    for s in speakers:
        s.conn.close()
    weft.stop()
    assert times <= 25
