"""Connection collisions (RFC 4271 section 6.8): always exactly one session remains."""

import itertools
import threading
import time

import pytest

from fabric import bgp, peers
from fabric.gate import Gate, offload_off
from fabric.topo import PERMIT, PODS, PEER_AS, WEFT_AS, Pair, timers
from fabric.wait import No, wait_until
from fabric.weft import Weft, config, peer

pytestmark = pytest.mark.patient

# Connection A is made by the speaker, B by weft; on each: TCP, our OPEN, our KEEPALIVE.
A, B = ("A tcp", "A open", "A keepalive"), ("B tcp", "B open", "B keepalive")
ROUNDS = 10
WEFT_ID = "10.9.0.1"


def interleavings():
    """All 20 orders of A's and B's three steps."""
    for places in itertools.combinations(range(6), 3):
        a, b = iter(A), iter(B)
        yield [next(a) if i in places else next(b) for i in range(6)]


class Run:
    """One peer of weft taken through one interleaving."""

    def __init__(self, ns, address, router_id, order):
        self.ns, self.address, self.router_id, self.order = ns, address, router_id, order
        self.conn = {"A": None, "B": None}
        self.up_at = {}
        self.why = None

    def step(self, which, what):
        c = self.conn[which]
        if what == "tcp":
            c = self.conn[which] = self.call() if which == "A" else self.answer()
            if c:
                c.wait(bgp.OPEN, 2)         # weft's own program knows of it now, too
        elif c and what == "open":
            c.send(bgp.OPEN, bgp.open_body(PEER_AS, self.router_id))
            c.wait(bgp.KEEPALIVE, 2)        # weft's verdict on our OPEN: go on, or close
        elif c and c.send(bgp.KEEPALIVE):
            c.poll(0.05)

    def call(self):
        try:
            return bgp.connect(self.ns, self.address, WEFT_ID)
        except OSError:
            return None                     # refused: weft has a session already

    def answer(self):
        """Let weft's connection in; it does not come when A is already the session."""
        with bgp.listener(self.ns, self.address) as s:
            s.settimeout(0.1)
            end = time.monotonic() + 8
            while time.monotonic() < end:
                try:
                    return bgp.Conn(s.accept()[0])
                except TimeoutError:
                    a = self.conn["A"]
                    if a and self.done("A"):
                        return None
        return None

    def done(self, which):
        """Our side saw this connection through: OPEN and KEEPALIVE both ways, still open."""
        c = self.conn[which]
        if c is None:
            return False
        c.poll()
        kinds = [k for k, _ in c.received]
        return not c.closed and bgp.OPEN in kinds and bgp.KEEPALIVE in kinds \
            and bgp.NOTIFICATION not in kinds

    def go(self):
        try:
            for text in self.order:
                self.step(*text.split())
            wait_until(self.settled, 5, f"one connection is left after {self.order}")
        except AssertionError as e:
            self.why = str(e)

    def settled(self):
        alive = [w for w in "AB" if self.done(w)]
        return len(alive) == 1 or No({w: c and (c.closed, c.received) for w, c in
                                      self.conn.items()})

    def survivor(self):
        return next(w for w in "AB" if self.done(w))

    def loser_was_told(self):
        """The connection that lost was closed with Cease / Connection Collision Resolution."""
        c = self.conn["B" if self.survivor() == "A" else "A"]
        return c is None or c.notification() in ((bgp.CEASE, bgp.COLLISION), None)


def expected(order, speaker_wins):
    """Which connection RFC 4271 keeps, given the order of events.

    A connection that is Established when the other's OPEN comes stays; else the one
    made by the speaker with the higher identifier.
    """
    for this, that in (("A", "B"), ("B", "A")):
        if order.index(f"{this} keepalive") < order.index(f"{that} open"):
            return this
    return "A" if speaker_wins else "B"


@pytest.mark.slow
@pytest.mark.parametrize("speaker_wins", [True, False], ids=["peer-higher", "weft-higher"])
def test_every_interleaving(lab, figure, speaker_wins):
    """200 peers, each through one of 20 interleavings, all at the same time."""
    w, s = lab.ns("weft"), lab.ns("speaker")
    lab.link(w, "eth0", s, "eth0", [f"{WEFT_ID}/16", "fd09::1/64"], ["10.9.100.1/16", "fd09::2/64"])
    orders = [o for o in interleavings() for _ in range(ROUNDS)]
    addresses = [f"10.9.1.{i + 1}" for i in range(len(orders))]
    s.batch([f"addr add {a}/16 dev eth0" for a in addresses])
    conf = config("weft", WEFT_AS, [WEFT_ID, "fd09::1"],
                  [peer(f"p{i}", a, PEER_AS, timers=timers(hold="90s", keepalive="30s"))
                   for i, a in enumerate(addresses)], PODS, PERMIT, kernel={"install": False})
    weft = Weft(w, conf).start()
    base = "192.168.1" if speaker_wins else "1.0.0"
    runs = [Run(s, a, f"{base}.{i + 1}", o) for i, (a, o) in enumerate(zip(addresses, orders))]
    threads = [threading.Thread(target=r.go) for r in runs]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    bad = [r.why for r in runs if r.why]
    assert not bad, f"{len(bad)} of {len(runs)}: {bad[0]}"
    check_survivors(runs, speaker_wins)
    states = [p["state"] for p in weft.peers().values()]
    assert states.count("Established") == len(runs), states
    kept = [r.survivor() for r in runs]
    figure(f"{len(runs)} runs: A kept {kept.count('A')} times, B {kept.count('B')} times")


def check_survivors(runs, speaker_wins):
    for r in runs:
        assert r.loser_was_told(), f"{r.order}: {r.conn}"
        both = r.conn["A"] and r.conn["B"]
        if both:
            assert r.survivor() == expected(r.order, speaker_wins), r.order


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(peers.ALL))
def test_both_syns_cross(lab, figure, name):
    """weft and a real daemon call each other at the same moment, five times."""
    kind = peers.ALL[name]
    pair = Pair(lab, kind, peers.networks(1, 2))
    gate = splice_gate(lab, pair)
    for _ in range(5):
        gate.rearm()
        pair.weft.start()
        pair.daemon.start()
        wait_until(gate.crossed.is_set, 30, "both sides have sent a SYN")
        pair.wait_up(deadline_s=20)
        pair.wait_counts({"ipv4": 2, "ipv6": 2})
        # A connection on which the peer says nothing beside the session is given up after 15 s.
        wait_until(lambda: connections(pair.w) == len(pair.weft_side), 60,
                   "only the session's connections are left")
        pair.daemon.kill()
        pair.weft.stop()
    gate.close()
    figure("5 of 5 crossed SYNs ended in one session")


def connections(ns):
    """Established TCP connections to or from port 179."""
    def count():
        return ns.run("ss", "-Htn", "state", "established", "( sport = :179 or dport = :179 )")
    return len(count().splitlines())


def splice_gate(lab, pair):
    """Replace the pair's link by two links joined by a Gate."""
    mid = lab.ns("gate", router=False)
    pair.w.ip("link", "del", "eth0")
    for i, (ns, e) in enumerate(((pair.w, pair.mine), (pair.p, pair.other))):
        lab.link(ns, "eth0", mid, f"port{i}", [f"{e[0]}/24", f"{e[1]}/64"])
        offload_off(ns, "eth0")
    return Gate(mid, "port0", "port1")
