"""Drain: a node, or one session, is taken out of service and no packet is lost.

    client -- tor (FRR, or BIRD told to honour the community) -- a, b: both announce ANYCAST

A scripted peer of node a writes down what goes over the wire, and when.
"""

import os
import signal
import struct
import subprocess
import threading
import time

import pytest

from fabric import bgp
from fabric.peers import Bird, Frr, Neighbor
from fabric.traffic import Pinger, ping
from fabric.wait import No, holds_for, wait_until
from fabric.weft import Weft, config, peer

TOR_AS, A_AS, B_AS, WATCH_AS = 65000, 4200000001, 4200000002, 65099
ANYCAST = "198.51.100.7"
CLIENT = "192.0.2.10"
GSHUT = (65535 << 16).to_bytes(4, "big")
HONOUR = {"family": "import filter { if (65535, 0) ~ bgp_community then bgp_local_pref = 0; "
                    "accept; };"}
PERMIT = ["192.0.2.0/24", "198.51.100.0/24"]


def attributes(data):
    """{type: value} of path attributes."""
    found, at = {}, 0
    while at < len(data):
        flags, kind = data[at], data[at + 1]
        long = flags & 0x10
        n = struct.unpack_from("!H" if long else "!B", data, at + 2)[0]
        at += 4 if long else 3
        found[kind] = data[at:at + n]
        at += n
    return found


def prefixes(data):
    found, at = [], 0
    while at < len(data):
        n = (data[at] + 7) // 8
        octets = data[at + 1:at + 1 + n] + bytes(4 - n)
        found.append(".".join(map(str, octets)) + f"/{data[at]}")
        at += 1 + n
    return found


def words(kind, body):
    """What a message says of ANYCAST, or that the session ends; None: nothing of interest."""
    if kind == bgp.NOTIFICATION:
        return f"notification {body[0]}/{body[1]} {body[3:3 + body[2]].decode()}"
    if kind != bgp.UPDATE:
        return None
    n = struct.unpack_from("!H", body)[0]
    withdrawn = prefixes(body[2:2 + n])
    m = struct.unpack_from("!H", body, 2 + n)[0]
    attrs = attributes(body[4 + n:4 + n + m])
    if f"{ANYCAST}/32" in withdrawn:
        return "withdraw"
    if f"{ANYCAST}/32" not in prefixes(body[4 + n + m:]):
        return None
    comm = attrs.get(8, b"")
    marked = any(comm[i:i + 4] == GSHUT for i in range(0, len(comm), 4))
    pref = struct.unpack("!I", attrs[5])[0] if 5 in attrs else None
    return ("gshut" if marked else "announce") + ("" if pref is None else f" pref {pref}")


class Watcher(threading.Thread):
    """A scripted peer; said: [(time, words)] of what concerns the prefix."""

    def __init__(self, ns, local, remote, asn=WATCH_AS):
        super().__init__(daemon=True)
        self.conn = bgp.connect(ns, local, remote)
        caps = bgp.cap_mp("ipv4") + bgp.cap_as4(asn)
        self.conn.establish(asn, local, caps=caps)
        self.said, self.seen = [], 0
        self.start()

    def run(self):
        alive = time.monotonic()
        while not self.conn.closed:
            self.conn.poll(0.02)
            for kind, body in self.conn.received[self.seen:]:
                self.seen += 1
                what = words(kind, body)
                if what:
                    self.said.append((time.monotonic(), what))
            if time.monotonic() - alive > 2:
                alive = time.monotonic()
                self.conn.send(bgp.KEEPALIVE)

    def texts(self):
        return [w for _, w in self.said]

    def wait(self, what, deadline_s=10):
        wait_until(lambda: what in self.texts() or No(self.texts()), deadline_s,
                   f"the scripted peer sees {what}")


class Site:
    """The picture above. settle: of the nodes' drains."""

    def __init__(self, lab, kind=Frr, settle="1s", watch_as=WATCH_AS, **drain):
        self.lab = lab
        self.tor, self.client = lab.ns("tor"), lab.ns("client", router=False)
        lab.link(self.tor, "client", self.client, "eth0", ["192.0.2.1/24"], [f"{CLIENT}/24"])
        self.client.ip("route", "add", "default", "via", "192.0.2.1")
        drain = {"settle": settle, **drain}
        self.a = self._node("a", 1, A_AS, drain, watch_as)
        self.b = self._node("b", 2, B_AS, drain)
        text = HONOUR if kind is Bird else {}
        ns = [Neighbor(f"10.9.{k}.2", asn, f"10.9.{k}.1", families=("ipv4",), text=text)
              for k, asn in ((1, A_AS), (2, B_AS))]
        self.router = kind(self.tor, TOR_AS, "10.9.0.1", ns, ["192.0.2.0/24"])
        self.router.start()
        for n in (self.a, self.b):
            n.start()
        for n in (self.a, self.b):
            self.wait_ready(n)
        wait_until(lambda: self.used() in ("a", "b") or No(self.used()), 10, "a way to the prefix")
        wait_until(lambda: ping(self.client, ANYCAST), 10, "the prefix answers")

    def _node(self, name, k, asn, drain, watch_as=None):
        ns = self.lab.ns(name)
        self.lab.link(self.tor, f"to-{name}", ns, "eth0", [f"10.9.{k}.1/24"], [f"10.9.{k}.2/24"])
        ns.addr("lo", f"{ANYCAST}/32")
        peers = [peer("tor", f"10.9.{k}.1", TOR_AS)]
        if watch_as:
            watch = self.lab.ns("watch")
            self.lab.link(ns, "eth1", watch, "eth0", ["10.9.9.1/24"], ["10.9.9.2/24"])
            peers.append(peer("watch", "10.9.9.2", watch_as, passive=True))
        return Weft(ns, config(name, asn, [f"10.9.{k}.2"], peers, permit=PERMIT, drain=drain,
                               advertisements=[{"type": "Interface", "interfaces": ["lo"]}]))

    def watch(self, asn=WATCH_AS):
        return Watcher(self.lab.nodes["watch"], "10.9.9.2", "10.9.9.1", asn)

    def used(self):
        """The node that the ToR sends ANYCAST to."""
        out = self.tor.run("ip", "route", "get", ANYCAST, check=False).stdout
        return next((n for n, k in (("a", 1), ("b", 2)) if f"via 10.9.{k}.2 " in out), out)

    @staticmethod
    def wait_ready(node):
        """It could carry the traffic: its session is up, and it knows the way back."""
        node.wait_established("tor", deadline_s=20)
        wait_until(lambda: " via 10.9." in node.ns.ip("route", "get", CLIENT), 10, "the way back")

    def move_to_a(self):
        """Node a has the traffic, node b could take it."""
        self.b.stop()
        wait_until(lambda: self.used() == "a" or No(self.used()), 10, "node a has the traffic")
        self.b.start()
        self.wait_ready(self.b)
        wait_until(lambda: self.b.established("tor") and self.tor_knows(2), 10, "two paths")

    def tor_knows(self, n):
        """Does the ToR have n paths to the prefix?"""
        counts = [self.router.received(f"10.9.{k}.2")["ipv4"] for k in (1, 2)]
        return sum(counts) == n or No(counts)


def in_background(weft, *args):
    return weft.ns.spawn(f"{weft.build}/ctl/weft", "--run-dir", weft.run_dir, *args,
                         log="drain.out")


def in_order(said, *want):
    """The texts of want come in this order, each at least once; returns the time of each first."""
    at, times = 0, []
    for w in want:
        hit = next((i for i in range(at, len(said)) if said[i][1] == w), None)
        assert hit is not None, f"no {w!r} after {want[:len(times)]}: {[x for _, x in said]}"
        times.append(said[hit][0])
        at = hit
    return times


@pytest.mark.parametrize("kind", [Frr, Bird], ids=["FRR", "BIRD"])
@pytest.mark.parametrize("how", ["command", "SIGTERM"])
def test_nothing_is_lost(lab, figure, kind, how):
    """Traffic moves to the other node before anything is withdrawn; order on the wire."""
    s = Site(lab, kind)
    watcher = s.watch()
    watcher.wait("announce")
    s.move_to_a()
    pinger = Pinger(s.client, ANYCAST)
    if how == "command":
        out = s.a.weft("drain", "--reason", "new kernel")
        text = "notification 6/2 new kernel"
        assert "GRACEFUL_SHUTDOWN" in out and "withdrawn" in out and "drained" in out
    else:
        assert s.a.stop() == 0
        text = "notification 6/2 weft is stopping"
    watcher.wait(text)
    assert s.used() == "b"
    r = pinger.result()
    figure(f"{kind.package}, {how}: {r['lost']} of {r['sent']} lost, longest gap "
           f"{r['longest_gap_ms']} ms")
    told, gone, closed = in_order(watcher.said, "gshut", "withdraw", text)
    assert gone - told >= 0.95, "traffic was given its second to move"
    assert closed >= gone
    assert r["lost"] == 0 and r["sent"] > 500
