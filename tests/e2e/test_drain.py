"""Drain: a node, or one session, is taken out of service and no packet is lost.

    client -- tor (FRR, or BIRD told to honour the community) -- a, b: both announce ANYCAST

A scripted peer of node a writes down what goes over the wire, and when.
"""

import os
import signal
import struct
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
        return f"notification {body[0]}/{body[1]} {body[3:].decode()}"
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
        for k, n in enumerate((self.a, self.b), 1):     # the first one gets the traffic
            n.start()
            n.wait_established("tor", deadline_s=20)
            wait_until(lambda: " via 10.9." in n.ns.ip("route", "get", CLIENT), 10, "the way back")
            wait_until(lambda: self.tor_knows(k), 10, "the router knows its path")
        wait_until(lambda: self.used() == "a" or No(self.used()), 10, "node a has the traffic")
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


@pytest.mark.parametrize("kind,how", [(Frr, "command"), (Bird, "command"), (Frr, "SIGTERM")])
def test_nothing_is_lost(lab, figure, kind, how):
    """Traffic moves to the other node before anything is withdrawn; order on the wire."""
    s = Site(lab, kind)
    watcher = s.watch()
    watcher.wait("announce")
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


def test_ibgp_and_undrain(lab):
    """An iBGP peer hears LOCAL_PREF 0; undrained, everything is as before."""
    s = Site(lab, Bird, settle="200ms", watch_as=A_AS)
    watcher = s.watch(A_AS)
    watcher.wait("announce pref 100")
    assert s.a.weft("status", check=False).returncode == 0
    s.a.weft("drain", "--reason", "new kernel")
    watcher.wait("notification 6/2 new kernel")
    in_order(watcher.said, "announce pref 100", "gshut pref 0", "withdraw",
             "notification 6/2 new kernel")
    d = s.a.status()["drain"]
    assert (d["state"], d["of"], d["reason"]) == ("drained", "node", "new kernel")
    assert s.a.peer("tor")["reason"] == "drained: new kernel"
    p = s.a.weft("status", check=False)
    assert p.returncode == 0 and "new kernel" in p.stdout, "on purpose: nothing is down"
    assert "2 drained" in s.a.weft("peers")
    wait_until(lambda: s.used() == "b", 5, "the other node has it")

    s.a.weft("undrain")
    s.a.wait_established("tor")
    wait_until(lambda: s.tor_knows(2), 10, "both announce it")
    again = s.watch(A_AS)
    again.wait("announce pref 100")
    assert s.a.status()["drain"] is None and "gshut pref 0" not in again.texts()
    events = [e["event"] for e in s.a.events()]
    want = ["drain-signal", "drain-settle", "drain-withdraw", "drain-linger", "drain-close",
            "drained", "undrained"]
    assert [e for e in events if e in want] == want


def test_one_peer(lab):
    """Only that peer is left; reload and a restart of everything after it keep it so."""
    s = Site(lab, Bird, settle="200ms")
    watcher = s.watch()
    watcher.wait("announce")
    s.a.weft("drain", "--peer", "10.9.1.1", "--reason", "cable")
    wait_until(lambda: s.used() == "b", 5, "the router uses the other node")
    assert s.a.peer("tor")["drain"]["of"] == "peer" and not s.a.established("tor")
    assert s.a.established("watch") and watcher.texts() == ["announce"]
    assert s.a.status()["drain"] is None and s.a.status()["sessions"]["drained"] == 1
    s.a.weft("reload")
    for child in ("weft-bgpd", "weft-agent"):
        pid = s.a.pid("weft-bgpd")
        s.a.kill(child)
        wait_until(lambda: s.a.pid("weft-bgpd") != pid and s.a.answers(), 10, f"{child} is back")
        holds_for(lambda: not s.a.established("tor"), 0.5, "still drained")
        assert s.a.peer("tor")["reason"] == "drained: cable"
    s.a.weft("prepare-restart")
    assert s.a.stop() == 0
    s.a.start()
    wait_until(lambda: s.a.peer("tor")["reason"] == "drained: cable", 5, "drained after an upgrade")
    s.a.weft("undrain", "--peer", "tor")
    s.a.wait_established("tor")
    # an ordinary stop forgets it
    s.a.weft("drain", "--settle", "0")
    assert s.a.stop() == 0
    s.a.start()
    s.a.wait_established("tor")


@pytest.mark.patient
@pytest.mark.parametrize("child", ["weft-bgpd", "weft-agent"])
def test_interrupted(lab, figure, child):
    """It dies while traffic moves: peers hear of the drain again, and nothing is lost."""
    s = Site(lab, Bird, settle="5s")
    pinger = Pinger(s.client, ANYCAST)
    first = in_background(s.a, "drain", "--reason", "one")
    wait_until(lambda: s.used() == "b", 5, "the traffic has moved")
    second = s.a.weft("drain", "--reason", "two", "--no-wait", check=False)
    assert second.returncode == 0 and "being drained already: one" in second.stderr
    assert s.a.established("tor") and "draining" in s.a.weft("peers")
    s.a.kill(child)
    watcher = None

    def watched():
        nonlocal watcher
        watcher = s.watch()
        return True
    wait_until(watched, 10, "the new bgpd takes the scripted peer")
    watcher.wait("notification 6/2 one", 15)
    in_order(watcher.said, "gshut", "withdraw", "notification 6/2 one")
    wait_until(lambda: s.a.status()["drain"]["state"] == "drained", 5, "drained")
    wait_until(lambda: not first.alive(), 5, "the first command ends")
    if child == "weft-bgpd":
        assert "again after a restart" in first.text() and "drained" in first.text()
    else:
        assert "the agent was lost" in first.text()
    r = pinger.result()
    figure(f"{child} killed amid the drain: {r['lost']} of {r['sent']} lost")
    assert r["lost"] == 0


@pytest.mark.parametrize("how", ["twice", "stop", "gracefulRestart", "nobody"])
def test_stops(lab, how):
    """A second SIGTERM hurries; onSIGTERM; and no time where there is nothing to move."""
    s = Site(lab, Bird, settle="30s", onSIGTERM=how if how in ("stop", "gracefulRestart") else "drain")
    watcher = s.watch()
    watcher.wait("announce")
    if how == "nobody":
        s.a.weft("peer", "tor", "down")
        s.a.weft("peer", "watch", "down")
    began = time.monotonic()
    if how == "twice":
        os.kill(s.a.proc.pid, signal.SIGTERM)
        watcher.wait("gshut")
    assert s.a.stop() == 0
    assert time.monotonic() - began < 5
    wait_until(lambda: watcher.conn.closed, 5, "the session has ended")
    want = {"twice": ["announce", "gshut", "withdraw", "notification 6/2 weft is stopping"],
            "stop": ["announce", "withdraw", "notification 6/2 weft is stopping"],
            "gracefulRestart": ["announce"]}
    if how in want:
        assert watcher.texts() == want[how]


def test_bad_orders(lab):
    """Mistakes are named, and nothing is drained by them."""
    s = Site(lab, Bird, settle="0s")
    for words, code, text in (
            (["drain", "--peer", "tor9"], 1, 'no peer "tor9" is configured'),
            (["drain", "tor"], 2, 'unexpected argument "tor"'),
            (["drain", "--settle", "11m"], 2, "want a time of at most 10m"),
            (["drain", "--settle", "soon"], 2, "want a time of at most 10m"),
            (["drain", "--reason", "x" * 129], 2, "want a text of at most 128 octets"),
            (["drain", "--reason"], 2, "needs a value"),
            (["dra"], 2, "unknown command"),
            (["undrain", "--reason", "x"], 2, "takes no option --reason"),
            (["undrain", "--peer", "tor9"], 1, 'no peer "tor9" is configured')):
        p = s.a.weft(*words, check=False)
        assert (p.returncode, text in p.stderr) == (code, True), f"{words}: {p.stderr}"
    assert "not drained" in s.a.weft("undrain")
    s.a.wait_established("tor")
    assert not any(p["drain"] for p in s.a.peers().values())


def test_two_routers(lab, figure):
    """Our own packets leave a peer that is drained, and FRR that says `bgp graceful-shutdown`."""
    node, far = lab.ns("node"), lab.ns("far")
    far.addr("lo", f"{CLIENT}/32")
    routers, peers = [], []
    for k, kind in ((1, Frr), (2, Bird)):
        tor = lab.ns(f"tor{k}")
        lab.link(tor, "node", node, f"eth{k}", [f"10.9.{k}.1/24"], [f"10.9.{k}.2/24"])
        lab.link(tor, "far", far, f"eth{k}", [f"10.8.{k}.1/24"], [f"10.8.{k}.2/24"])
        tor.ip("route", "add", f"{CLIENT}/32", "via", f"10.8.{k}.2")
        far.ip("route", "add", f"10.9.{k}.0/24", "via", f"10.8.{k}.1")
        routers.append(kind(tor, TOR_AS + k, f"10.9.{k}.1",
                            [Neighbor(f"10.9.{k}.2", A_AS, f"10.9.{k}.1", families=("ipv4",))],
                            [f"{CLIENT}/32"]))
        peers.append(peer(f"tor{k}", f"10.9.{k}.1", TOR_AS + k))
    node.addr("lo", f"{ANYCAST}/32")
    weft = Weft(node, config("node", A_AS, ["10.9.1.2"], peers, permit=["192.0.2.0/24"],
                             advertisements=[{"type": "Interface", "interfaces": ["lo"]}]))
    weft.start()

    def by():
        return {k for k in (1, 2) if f"dev eth{k}" in node.ip("route", "show", CLIENT)}
    routers[0].start()
    weft.wait_established("tor1", deadline_s=20)
    wait_until(lambda: by() == {1}, 10, "FRR is the way")
    routers[1].start()
    weft.wait_established("tor2", deadline_s=20)
    wait_until(lambda: by() == {1, 2}, 10, "both are")
    pinger = Pinger(node, CLIENT)
    drain = in_background(weft, "drain", "--peer", "tor2", "--settle", "1")
    wait_until(lambda: by() == {1}, 5, "the peer that is drained is left first")
    assert weft.established("tor2")
    wait_until(lambda: not drain.alive(), 5, "drained")
    weft.weft("undrain", "--peer", "tor2")
    wait_until(lambda: by() == {1, 2}, 10, "both are again")
    routers[0].vtysh("conf t", f"router bgp {TOR_AS + 1}", "bgp graceful-shutdown")
    wait_until(lambda: by() == {2}, 10, "the other router is the way")
    routers[0].stop()
    r = pinger.result()
    figure(f"{r['lost']} of {r['sent']} lost")
    assert r["lost"] == 0
