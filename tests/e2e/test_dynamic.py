"""Peers out of a listenRange: who connects becomes a peer, up to a limit, and is forgotten."""

import contextlib
import resource
import socket

import pytest

from fabric import bgp
from fabric.topo import PERMIT, PODS, WEFT_AS
from fabric.wait import No, wait_until
from fabric.weft import Weft, config, peer

pytestmark = pytest.mark.patient

RACK_AS = 65010


def rack(name="rack", ranges=("10.9.1.0/24",), asn=RACK_AS, **more):
    return {"name": name, "listenRange": list(ranges), "asNumber": asn, **more}


class Net:
    """weft at 10.9.1.1 and a namespace that holds as many addresses of 10.9.1.0/24 as asked."""

    def __init__(self, lab, peers, hosts=3, **more):
        self.w, self.p = lab.ns("weft"), lab.ns("rack")
        self.conns = []
        self.hosts = [f"10.9.1.{i}" for i in range(2, 2 + hosts)]
        lab.link(self.w, "eth0", self.p, "eth0", ["10.9.1.1/24", "fd09:1::1/64"],
                 [*(f"{a}/24" for a in self.hosts), "fd09:1::2/64"])
        self.weft = Weft(self.w, config("weft", WEFT_AS, ["10.9.1.1", "fd09:1::1"], peers, PODS,
                                        PERMIT, **more)).start()

    def speak(self, host, asn=RACK_AS, router_id=None, remote="10.9.1.1", **kw):
        conn = bgp.connect(self.p, host, remote)
        self.conns.append(conn)         # else it would be closed at once
        return conn.establish(asn, router_id or host, **kw)

    def events(self, name):
        return [e for e in self.weft.events() if e["event"] == name]


def shut(conns):
    for c in conns:
        with contextlib.suppress(OSError):
            c.close()


@pytest.mark.slice
def test_a_rack_connects(lab, figure):
    """200 peers of a /24, one more than allowed; one update group; each with its own name."""
    net = Net(lab, [rack(maxPeers=200, timers={"hold": "180s"})], hosts=201)
    conns = [net.speak(h, hold=180) for h in net.hosts[:200]]
    for k, c in enumerate(conns[:20]):
        c.send(bgp.UPDATE, bgp.update_body([f"172.20.{k}.0/24"], next_hop=net.hosts[k],
                                           as_path=[RACK_AS]))

    def all_up():
        up = [p for p in net.weft.peers().values() if p["state"] == "Established"]
        return len(up) == 200 or No(len(up))
    wait_until(all_up, 15, "200 sessions are up")
    shown = net.weft.peers()
    assert set(shown) == {f"rack/{h}" for h in net.hosts[:200]}
    one = net.weft.peer("rack/10.9.1.7")
    assert one["as"] == RACK_AS and one["type"] == "ebgp" and one["address"] == "10.9.1.7"
    wait_until(lambda: net.weft.received("rack/10.9.1.2")["ipv4"] == 1, 5, "its route is there")
    groups = net.weft.status()["bgpd"]["update_groups"]
    figure(f"{groups} update groups for 200 peers and two families")
    assert groups <= 2
    # One over the limit: refused, and it says why.
    late = bgp.connect(net.p, net.hosts[200], "10.9.1.1")
    assert late.wait(bgp.OPEN, 2) is None and late.closed
    wait_until(lambda: any("200 peers already" in e["text"] for e in
                           net.events("connection-refused")), 5, "the refusal is an event")
    answer = net.weft.weft("peer", "rack", check=False)
    assert "listenRange" in answer.stdout + answer.stderr and "200 peers" in \
        answer.stdout + answer.stderr
    # An operator can reset one of them, and it comes back by connecting again.
    net.weft.weft("peer", "rack/10.9.1.7", "reset")
    assert conns[5].wait(bgp.NOTIFICATION, 5) is not None
    assert net.speak(net.hosts[5], hold=180)
    shut(conns)


def test_forgotten_and_back(lab):
    """A peer goes some time after its session, later when its routes are kept (RFC 4724)."""
    net = Net(lab, [rack(forgetAfter="1s")])
    a, b = net.hosts[:2]
    first = net.speak(a)
    caps = bgp.cap_mp("ipv4") + bgp.cap_as4(RACK_AS) + bgp.cap_gr(6, ["ipv4"])
    second = net.speak(b, caps=caps)
    for conn, prefix, hop in ((first, "172.20.1.0/24", a), (second, "172.20.2.0/24", b)):
        conn.send(bgp.UPDATE, bgp.update_body([prefix], next_hop=hop, as_path=[RACK_AS]))
    wait_until(lambda: len(net.weft.kernel_routes()) >= 2 and
               {"172.20.1.0/24", "172.20.2.0/24"} <= {r["dst"] for r in net.weft.kernel_routes()},
               5, "both routes are installed")
    shut([first, second])
    wait_until(lambda: set(net.weft.peers()) == {f"rack/{b}"}, 8, "only the restarting one is kept")
    assert net.weft.peer(f"rack/{b}")["families"]["ipv4"]["stale"] == 1
    assert "172.20.2.0/24" in {r["dst"] for r in net.weft.kernel_routes()}
    wait_until(lambda: not net.weft.peers(), 15, "and it goes when its time is over")
    wait_until(lambda: "172.20.2.0/24" not in {r["dst"] for r in net.weft.kernel_routes()}, 5,
               "with its route")
    net.speak(a)
    wait_until(lambda: net.weft.established(f"rack/{a}"), 5, "it is welcome again")


def test_who_belongs_where(lab):
    """A configured peer wins over a range, the longest prefix over a shorter one; others out."""
    net = Net(lab, [rack(), rack("half", ["10.9.1.0/30"], asn=65011),
                    rack("six", ["fd09:1::/64"], asn="external"),
                    peer("tor", "10.9.1.4", 65012, passive=True)], hosts=5)
    for host, asn, name in (("10.9.1.2", 65011, "half/10.9.1.2"), ("10.9.1.4", 65012, "tor"),
                            ("10.9.1.6", RACK_AS, "rack/10.9.1.6")):
        net.speak(host, asn)
        wait_until(lambda: net.weft.established(name), 5, f"{name} is up")
    net.speak("fd09:1::2", 65020, "10.9.1.66", remote="fd09:1::1")
    wait_until(lambda: net.weft.established("six/fd09:1::2"), 5, "IPv6 as well")
    # The wrong AS number: refused, shown, with the reason.
    conn = bgp.connect(net.p, "10.9.1.5", "10.9.1.1")
    conn.send(bgp.OPEN, bgp.open_body(65099, "10.9.1.5"))
    assert conn.wait(bgp.NOTIFICATION)[:2] == b"\2\2"
    wait_until(lambda: "we expect AS 65010, its OPEN says 65099" in
               (net.weft.peer("rack/10.9.1.5")["reason"] or ""), 5, "the reason is shown")


def test_reload(lab):
    """What changes in the entry changes for its peers as it does for configured ones."""
    net = Net(lab, [rack()])
    conn = net.speak(net.hosts[0])
    name = f"rack/{net.hosts[0]}"
    conn.send(bgp.UPDATE, bgp.update_body([f"172.20.{k}.0/24" for k in range(5)],
                                          next_hop=net.hosts[0], as_path=[RACK_AS]))
    wait_until(lambda: net.weft.accepted(name)["ipv4"] == 5, 5, "five routes")

    def reload(*peers):
        net.weft.config["peers"] = list(peers)
        net.weft.write_config()
        net.weft.weft("reload")
    # A limit that only warns: nothing happens to the session.
    reload(rack(maxPrefixes={"limit": 3, "action": "warn"}))
    wait_until(lambda: any("rack/" in (e["peer"] or "") for e in net.events("prefix-limit")) or
               No(net.weft.events()[-3:]), 5, "the new limit is applied")
    assert net.weft.peer(name)["state"] == "Established"
    assert net.weft.peer(name)["established_count"] == 1
    # A timer: the session starts again.
    reload(rack(timers={"hold": "30s"}))
    assert conn.wait(bgp.NOTIFICATION, 5)[:2] == b"\6\6"
    conn = net.speak(net.hosts[0])
    wait_until(lambda: net.weft.peer(name)["hold_s"] == 30, 5, "the new hold time")
    # The entry goes, and so do its peers.
    reload(peer("other", "10.9.1.99", 65099))
    assert conn.wait(bgp.NOTIFICATION, 5)[:2] == b"\6\3"
    wait_until(lambda: set(net.weft.peers()) == {"other"}, 5, "its peer is gone")
    with pytest.raises(AssertionError):
        net.speak(net.hosts[0], deadline_s=1)


def test_bgpd_restarts(lab):
    """weft-bgpd is killed: its dynamic peers are known to the next one and come back."""
    net = Net(lab, [rack(), peer("tor", "10.9.1.4", 65012, passive=True)])
    net.speak(net.hosts[0])
    wait_until(lambda: net.weft.established(f"rack/{net.hosts[0]}"), 5, "up")
    net.weft.kill("weft-bgpd")
    wait_until(lambda: net.weft.peers()[f"rack/{net.hosts[0]}"]["state"] != "Established", 10,
               "the peer is down, and known")

    def back():
        with contextlib.suppress(OSError, socket.timeout, AssertionError):
            return net.speak(net.hosts[0], deadline_s=1)
    wait_until(back, 10, "it connects again")
    wait_until(lambda: net.weft.established(f"rack/{net.hosts[0]}"), 5, "and is up again")


def test_link_local_range(lab):
    """A range of link-local addresses on one interface."""
    net = Net(lab, [rack("ll", ["fe80::/10"], asn="external", interface="eth0")])
    out = net.p.ipj("addr", "show", "dev", "eth0")
    mine = net.w.ipj("addr", "show", "dev", "eth0")

    def ll(link):
        return next(a["local"] for a in link[0]["addr_info"] if a["local"].startswith("fe80"))
    here, there = ll(out), ll(mine)
    with net.p.entered():
        s = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
        index = socket.if_nametoindex("eth0")
        s.settimeout(5)
        s.connect((there, 179, 0, index))
    conn = bgp.Conn(s)
    conn.establish(65020, "10.9.1.66")
    wait_until(lambda: net.weft.established(f"ll/{here}%eth0") or No(list(net.weft.peers())), 5, "up")


@pytest.mark.slice
def test_more_connections_than_descriptors(lab):
    """Strangers within a range use up what descriptors there are: who is there stays."""
    net = Net(lab, [rack(maxPeers=200)], hosts=120)
    resource.prlimit(net.weft.proc.pid, resource.RLIMIT_NOFILE, (90, 90))
    before, first = net.weft.pid("weft-bgpd"), net.hosts[0]
    net.weft.kill("weft-bgpd")          # the next one has that limit

    def another():
        return net.weft.pid("weft-bgpd") != before
    wait_until(another, 10, "another weft-bgpd")
    net.w.wait_port(179)
    wait_until(lambda: net.weft.weft("peers", check=False).returncode == 0, 5, "it answers")
    pid = net.weft.pid("weft-bgpd")
    net.speak(first)
    net.weft.wait_established(f"rack/{first}")
    silent = [bgp.connect(net.p, h, "10.9.1.1") for h in net.hosts[1:]]
    wait_until(lambda: 'why="too many open descriptors"' in net.weft.text(), 5, "it says so")
    assert net.weft.pid("weft-bgpd") == pid and net.weft.established(f"rack/{first}")
    shut(silent)
