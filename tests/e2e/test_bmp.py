"""BMP to a scripted collector that understands every octet, and to tshark."""

import os
import signal
import socket

import pytest

from fabric import bgp, mrt
from fabric.bmp import Collector
from fabric.topo import timers
from fabric.weft import Weft, config, peer
from fabric.wait import holds_for, wait_until

ALL = ["adj-rib-in-pre", "adj-rib-in-post", "adj-rib-out-post", "loc-rib"]
W, P, Q, C = "10.9.1.1", "10.9.1.2", "10.9.2.2", "10.9.3.2"
W2, W3 = "10.9.2.1", "10.9.3.1"


class Site:
    """weft between two scripted speakers, and a collector on a link of its own."""

    def __init__(self, lab, monitor=(), rcvbuf=None, start=True, **bmp):
        self.w, self.p, self.q, self.c = (lab.ns(n) for n in ("w", "p", "q", "c"))
        lab.link(self.w, "eth0", self.p, "eth0", [f"{W}/24", "fd00:1::1/64"], [f"{P}/24", "fd00:1::2/64"])
        lab.link(self.w, "eth1", self.q, "eth0", [f"{W2}/24", "fd00:2::1/64"], [f"{Q}/24", "fd00:2::2/64"])
        lab.link(self.w, "eth2", self.c, "eth0", [f"{W3}/24"], [f"{C}/24"])
        self.collector = Collector(self.c, C, rcvbuf=rcvbuf)
        entry = {"name": "watch", "address": C, "connectRetry": "1s", "statsInterval": "1s", **bmp}
        if monitor:
            entry["monitor"] = list(monitor)
        self.weft = Weft(self.w, config(
            "n1", 65000, [W, "fd00:1::1"],
            [peer("p", P, 65001, passive=True, timers=timers(), sourceAddress="none"),
             peer("q", Q, 65002, passive=True, timers=timers(), sourceAddress="none", export="all")],
            pod_cidrs=["10.20.0.0/24", "fd20::/64"], permit=["10.30.0.0/16", "fd30::/16"],
            bgp={"transit": True}, bmp=[entry]))
        if start:
            self.weft.start()
        self.speakers = {}

    def up(self, ns, me, other, asn, caps=None):
        """A session from a scripted speaker."""
        s = bgp.connect(ns, me, other)
        s.send(bgp.OPEN, bgp.open_body(asn, me, hold=0, caps=caps))     # no keepalives to be sent
        s.send(bgp.KEEPALIVE)
        wait_until(lambda: self.weft.established(me), 10, f"session with {me}")
        self.speakers[me] = s
        return s

    def both(self):
        return self.up(self.p, P, W, 65001), self.up(self.q, Q, W2, 65002)


def entry(weft):
    return weft.json("bmp")["bmp"][0]


def end_of_rib(*speakers):
    for s in speakers:
        for family in ("ipv4", "ipv6"):
            s.send(bgp.UPDATE, bgp.end_of_rib(family))


def announce(s, *prefixes, asn=65001, next_hop=P):
    assert s.send(bgp.UPDATE, bgp.update_body(prefixes, next_hop=next_hop, as_path=[asn, 64999]))


@pytest.mark.slice
def test_tables_and_changes(lab):
    """Everything there is, then every change, in all four tables; state as `weft routes` has it."""
    site = Site(lab, ALL)
    p, q = site.both()
    announce(p, "10.30.1.0/24", "10.40.0.0/16")     # the second one is outside kernel.permit
    announce(p, "fd30:1::/48", next_hop="fd00:1::2")
    end_of_rib(p, q)
    wait_until(lambda: len(site.weft.routes("--received")) == 3, 5, "weft has the routes")
    c = site.collector.accept()
    c.await_(lambda: ("loc", None, "ipv6") in c.eors and ("out", Q, "ipv6") in c.eors
             and ("pre", P, "ipv6") in c.eors, 10, "the dump is complete")
    assert c.info[2] == "n1" and c.info[1].startswith("weft")
    assert set(c.up) == {P, Q}
    assert set(c.table("pre", P)) == {"10.30.1.0/24", "10.40.0.0/16", "fd30:1::/48"}
    assert set(c.table("post", P)) == {"10.30.1.0/24", "fd30:1::/48"}
    assert c.table("pre", P)["10.30.1.0/24"].path == [65001, 64999]
    assert c.table("pre", P)["10.30.1.0/24"].next_hop == P
    assert c.table("pre", P)["fd30:1::/48"].next_hop == "fd00:1::2"
    assert 5 not in c.table("pre", P)["10.30.1.0/24"].attrs     # no LOCAL_PREF that nobody sent
    best = {r["prefix"] for r in site.weft.routes("--best")}
    assert set(c.table("loc")) == best >= {"10.30.1.0/24", "10.20.0.0/24", "fd20::/64"}
    wait_until(lambda: {r["prefix"] for r in site.weft.routes("--advertised", "--peer", "q")}
               >= {"10.20.0.0/24", "10.30.1.0/24"}, 5, "q is told")
    c.await_(lambda: set(c.table("out", Q)) == {
        r["prefix"] for r in site.weft.routes("--advertised", "--peer", "q")}, 5, "what q is told")
    assert c.table("out", Q)["10.30.1.0/24"].path == [65000, 65001, 64999]
    assert set(c.table("out", P)) == {"10.20.0.0/24", "fd20::/64"}
    # both OPENs, as they were on the wire
    sent, received = c.up[P]
    assert received == bgp.open_body(65001, P, hold=0)
    assert sent == next(b for k, b in site.speakers[P].take_all() if k == bgp.OPEN)

    announce(p, "10.30.2.0/24")
    c.await_(lambda: all("10.30.2.0/24" in c.table(*t) for t in
                         (("pre", P), ("post", P), ("loc",), ("out", Q))), 5, "a new route")
    p.send(bgp.UPDATE, bgp.update_body(withdrawn=["10.30.1.0/24"]))
    c.await_(lambda: not any("10.30.1.0/24" in c.table(*t) for t in
                             (("pre", P), ("post", P), ("loc",), ("out", Q))), 5, "a withdrawn route")
    c.await_(lambda: c.stats.get(P, {}).get((7, None)) == 3, 5, "statistics: Adj-RIB-In")
    c.await_(lambda: c.stats.get(None, {}).get((8, None)) == len(c.table("loc")), 5, "and Loc-RIB")
    assert c.stats[P][(0, None)] == 1
    row = entry(site.weft)
    assert row["state"] == "up" and row["connected"] and row["peers"] == 2
    assert row["messages"] >= len(c.messages) > 20 and row["dropped"] == 0
    assert site.weft.weft("bmp").count("watch") == 1


def add_path_cap():
    """We send several paths of IPv4 unicast: RFC 7911 section 4."""
    return bytes([69, 4, 0, 1, 1, 2])


def path_update(prefix, path_id, *as_path, withdraw=False):
    nlri = path_id.to_bytes(4, "big") + bgp.nlri([prefix])
    if withdraw:
        return len(nlri).to_bytes(2, "big") + nlri + bytes(2)
    return bgp.update_body([prefix], next_hop=P, as_path=as_path)[:-len(bgp.nlri([prefix]))] + nlri


def test_add_path(lab):
    """Path ids of a peer that sends several paths (RFC 7911), in BMP and in MRT (RFC 8050)."""
    site = Site(lab, ["adj-rib-in-pre", "adj-rib-in-post"], start=False)
    site.weft.config["peers"][0]["addPath"] = {"receive": True}
    site.weft.start()
    caps = bgp.cap_mp("ipv4") + bgp.cap_as4(65001) + add_path_cap()
    p = site.up(site.p, P, W, 65001, caps)
    c = site.collector.accept()
    c.addpath = {P}
    for path_id in (7, 8):
        p.send(bgp.UPDATE, path_update("10.30.1.0/24", path_id, 65001, 64900 + path_id))
    c.await_(lambda: set(c.table("post", P)) == {"10.30.1.0/24#7", "10.30.1.0/24#8"}, 5, "two paths")
    assert c.table("pre", P)["10.30.1.0/24#8"].path == [65001, 64908]
    file = f"{site.w.dir}/x.mrt"
    site.weft.weft("mrt", "rib", file)
    with open(file, "rb") as f:
        paths = [x for x in mrt.table(f.read())[1] if x.prefix == "10.30.1.0/24"]
    assert sorted(x.path[1] for x in paths) == [64907, 64908]
    assert site.w.run("bgpdump", "-m", file).count("|10.30.1.0/24|") == 2
    p.send(bgp.UPDATE, path_update("10.30.1.0/24", 7, withdraw=True))
    c.await_(lambda: set(c.table("post", P)) == set(c.table("pre", P)) == {"10.30.1.0/24#8"}, 5, "one is gone")


def test_peer_down_says_why(lab):
    """RFC 7854 section 4.9: who ended the session, and with what."""
    site = Site(lab, ["adj-rib-in-pre"])
    p, q = site.both()
    c = site.collector.accept()
    c.await_(lambda: set(c.up) == {P, Q}, 10, "both are up")
    note = bytes([6, 2])
    p.send(bgp.NOTIFICATION, note)
    c.await_(lambda: c.downs, 5, "p is down")
    assert c.downs[0] == (P, 3, bgp.message(bgp.NOTIFICATION, note))
    q.sock.close()
    c.await_(lambda: len(c.downs) == 2, 5, "q is down")
    assert c.downs[1][:2] == (Q, 4)
    site.up(site.p, P, W, 65001)
    c.await_(lambda: P in c.up, 5, "p is back")
    site.weft.weft("peer", "p", "reset", "--reason", "test")
    c.await_(lambda: len(c.downs) == 3, 5, "p was reset")
    assert c.downs[2][1] == 1 and c.downs[2][2][19:21] == bytes([6, 4])


def test_reconnect(lab):
    """A collector that comes back is told everything again, and nothing that is gone."""
    site = Site(lab, ["adj-rib-in-pre", "loc-rib"])
    p = site.up(site.p, P, W, 65001)
    announce(p, "10.30.1.0/24", "10.30.2.0/24")
    c = site.collector.accept()
    c.await_(lambda: len(c.table("pre", P)) == 2, 10, "both routes")
    c.drop()
    wait_until(lambda: not entry(site.weft)["connected"], 5, "weft notices")
    assert "closed" in entry(site.weft)["reason"]
    assert site.weft.weft("bmp", check=False).returncode == 1
    p.send(bgp.UPDATE, bgp.update_body(withdrawn=["10.30.1.0/24"]))
    c.accept()
    c.await_(lambda: ("pre", P, "ipv4") in c.eors and ("loc", None, "ipv4") in c.eors, 10, "again")
    assert set(c.table("pre", P)) == {"10.30.2.0/24"}
    assert "10.30.2.0/24" in c.table("loc")
    assert entry(site.weft)["connects"] == 2
    assert "weft_bmp_connects_total{collector=\"watch\"} 2" in metrics(site)


def metrics(site):
    with site.w.entered():
        s = socket.create_connection(("127.0.0.1", 9179), 5)
    s.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
    text = b""
    while data := s.recv(65536):
        text += data
    return text.decode()


def test_nobody_listens(lab):
    site = Site(lab, start=False)
    site.collector.close()
    site.weft.start()
    wait_until(lambda: entry(site.weft)["reason"], 10, "a reason")
    assert entry(site.weft)["reason"] == f"nothing listens on {C} port 11019"
    assert "nothing listens" in site.weft.weft("bmp", check=False).stdout


def rss_kb(pid):
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))


def flood(s, rounds, routes):
    """Announce and withdraw blocks of prefixes, again and again."""
    blocks = [[f"10.30.{k // 64}.{k % 64 * 4}/30" for k in range(n, n + 250)]
              for n in range(0, routes, 250)]
    for _ in range(rounds):
        for b in blocks:
            s.send(bgp.UPDATE, bgp.update_body(b, next_hop=P, as_path=[65001]))
            s.send(bgp.UPDATE, bgp.update_body(withdrawn=b))


@pytest.mark.release     # the memory of a build with sanitizers says nothing
def test_collector_that_stops_reading(lab, figure):
    """It is given up with an event and costs no memory; sessions go on; later it is told again."""
    site = Site(lab, ALL, rcvbuf=4096, stallTimeout="2s")
    p, q = site.both()
    announce(p, "10.30.255.0/24")
    c = site.collector.accept()
    c.await_(lambda: ("loc", None, "ipv4") in c.eors, 10, "the dump")
    pid = site.weft.pid("weft-bgpd")
    flood(p, 2, 5000)
    wait_until(lambda: site.weft.peer("p")["families"]["ipv4"]["received"] == 1, 20, "taken in")
    before = rss_kb(pid)
    for _ in range(40):
        flood(p, 1, 5000)
        q.poll()
    wait_until(lambda: entry(site.weft)["overflows"] >= 1, 20, "it was given up")
    grown = rss_kb(pid) - before
    row = entry(site.weft)
    assert row["queued_octets"] <= 2 << 20
    why = [e["text"] for e in site.weft.events() if e["event"] == "bmp-down"]
    assert why and all("reads too slowly" in t or "stopped reading" in t for t in why)
    figure(f"bgpd grew by {grown} KB while 400,000 changes waited; {row['dropped']} messages dropped")
    assert grown < 8192
    assert site.weft.established("p") and site.weft.established("q")
    c.accept(20)

    def again():
        if c.closed:    # one of those that were given up while they waited for us
            c.accept(20)
        q.poll()
        return ("loc", None, "ipv4") in c.eors
    c.await_(again, 30, "everything again")
    c.await_(lambda: set(c.table("pre", P)) == {"10.30.255.0/24"}, 20, "and nothing else")


def test_reload_and_stop(lab):
    """Another set of tables is another connection; the end is said with a Termination."""
    site = Site(lab, ["adj-rib-in-pre"])
    site.up(site.p, P, W, 65001)
    c = site.collector.accept()
    c.await_(lambda: c.up, 10, "p is up")
    site.weft.config["peers"][0]["description"] = "changed"
    site.weft.write_config()
    site.weft.weft("reload")
    holds_for(lambda: not c.take().terminated, 0.5, "the connection stays")
    site.weft.config["bmp"][0]["monitor"] = ["loc-rib"]
    site.weft.write_config()
    site.weft.weft("reload")
    c.await_(lambda: c.closed, 5, "closed")
    assert c.terminated[1] == bytes(2)
    c.accept()
    c.await_(lambda: ("loc", None, "ipv6") in c.eors, 10, "the Loc-RIB")
    assert not c.up
    site.weft.stop()
    c.await_(lambda: c.closed, 5, "closed")
    assert c.terminated is not None


def test_bgpd_killed(lab):
    """A new bgpd connects again by itself."""
    site = Site(lab, ["loc-rib"])
    c = site.collector.accept()
    c.await_(lambda: c.loc_rib, 10, "connected")
    os.kill(site.weft.pid("weft-bgpd"), signal.SIGKILL)
    c.await_(lambda: c.closed, 5, "gone")
    c.accept(20)
    c.await_(lambda: c.table("loc"), 10, "the own routes")


class Wire:
    """tcpdump at a collector, and tshark's reading of what it saw."""

    def __init__(self, ns):
        self.ns, self.file = ns, f"{ns.dir}/bmp.pcap"
        self.proc = ns.spawn("tcpdump", "--immediate-mode", "-i", "eth0", "-U", "-s0",
                             "-w", self.file, "tcp port 11019")
        wait_until(lambda: os.path.getsize(self.file), 5, "tcpdump runs")

    def end(self):
        self.proc.kill(signal.SIGINT)

    def tshark(self, display, *fields):
        """Fields of the packets that match, one list for each packet."""
        more = [w for f in fields for w in ("-e", f)]
        text = self.ns.run("tshark", "-d", "tcp.port==11019,bmp", "-r", self.file, "-Y", display,
                           "-T", "fields", *more, timeout=120)
        return [line.replace("\t", ",").split(",") for line in text.splitlines()]

    def malformed(self):
        return self.tshark("_ws.malformed", "frame.number")


@pytest.mark.parametrize("monitor", [ALL[:3], ALL[3:]], ids=["sessions", "loc-rib"])
def test_tshark_finds_nothing_malformed(lab, monitor):
    """Wireshark's reading of the same stream: every message, none malformed."""
    site = Site(lab, monitor, start=False)
    wire = Wire(site.c)
    site.weft.start()
    p, q = site.both()
    announce(p, *[f"10.30.{k}.0/24" for k in range(50)])
    announce(p, "fd30:1::/48", next_hop="fd00:1::2")
    end_of_rib(p, q)
    sessions = "loc-rib" not in monitor
    c = site.collector.accept()
    c.await_(lambda: len(c.table("out", Q) if sessions else c.table("loc")) >= 51, 10, "the dump")
    c.await_(lambda: c.stats, 5, "statistics")
    p.send(bgp.NOTIFICATION, bytes([6, 2]))
    c.await_(lambda: c.downs if sessions else len(c.table("loc")) == 2, 5, "p is down")
    site.weft.stop()
    c.await_(lambda: c.closed, 5, "the end")
    wire.end()
    kinds = [k for packet in wire.tshark("bmp", "bmp.type") for k in packet]
    assert set(kinds) == set("012345")
    assert len(kinds) == len(c.messages)
    # tshark 4.0 takes the table's name behind a Loc-RIB's OPENs (RFC 9069 section 5.2) for a
    # third BGP message; there is one such Peer Up.
    assert len(wire.malformed()) == (0 if sessions else 1)
    if not sessions:
        assert wire.malformed() == wire.tshark("bmp.type == 3", "frame.number")
