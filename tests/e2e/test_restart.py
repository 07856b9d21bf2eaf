"""kill -9, restarts and upgrades under a 1 kHz ping between pods: nothing is lost.

Three sites side by side, each with another maker's daemon as the only helper:
FRR and BIRD forward as ToRs, GoBGP reflects between two nodes on one link.
"""

import os
import shutil
import signal

import pytest

from fabric.peers import Bird, Frr, Gobgp, Neighbor
from fabric.racks import Fabric
from fabric.segment import AS, Segment, addresses, pods
from fabric.topo import timers, wire
from fabric.traffic import Pinger, ping
from fabric.wait import No, holds_for, wait_until
from fabric.weft import BUILD, Weft, config, peer

MARK = ["172.30.1.0/24", "fd30:1::/64"]     # announced by the helper, withdrawn meanwhile
HOST = ["172.20.0.0/24", "fd20:0::/64"]     # behind a ToR
PERMIT = ["10.244.0.0/16", "fd00:10:244::/48", "172.16.0.0/12", "fd20::/11"]
PROTOCOLS = (212, 213)                      # before and after an upgrade
POD = 2                                     # the pod's host number in its node's range


def at(prefix, host):
    """A host's address with the prefix length of its range."""
    net, length = prefix.split("/")
    return f"{net[:-1] if net.endswith('.0') else net}{host}/{length}"


def stub(lab, router, name, ranges):
    """A namespace that knows nothing of routing on a link of its router; its addresses."""
    ns = lab.ns(name, router=False)
    lab.link(router, name[:15], ns, "eth0", [at(r, 1) for r in ranges], [at(r, POD) for r in ranges])
    for r in ranges:
        ns.ip("route", "add", "default", "via", at(r, 1).split("/")[0])
    return ns, [at(r, POD).split("/")[0] for r in ranges]


class Site:
    """A node that is restarted, its helper, and a pod at either end of the traffic.

    pod answers at addrs, far at far_addrs; helper announces MARK when told.
    """

    def start(self):
        self.helper.start()
        self.weft.start()

    def wait_up(self):
        self.weft.wait_established(deadline_s=20)
        self.wait_marked()
        for ns, addr in ((self.pod, self.far_addrs), (self.far, self.addrs)):
            for a in addr:
                wait_until(lambda: ping(ns, a), 15, f"{ns.name} reaches {a}")
        self.weft.wait_synced()

    def ping_both_ways(self):
        """IPv4 from the node's pod, IPv6 towards it; a question and its answer go both ways."""
        return Pinger(self.pod, self.far_addrs[0]), Pinger(self.far, self.addrs[1])

    def marked(self):
        """How many of the marked prefixes are in the node's kernel."""
        return sum(any(self.weft.ns.routes(p, "proto", n, family=6 if ":" in p else 4)
                       for n in PROTOCOLS) for p in MARK)

    other_settings = {}     # of the kernel, after an upgrade

    def upgrade(self, build):
        self.weft.build = build
        self.weft.config["kernel"].update(self.other_settings)

    def assert_upgraded(self):
        """The other version runs, and nothing is where the former one had it."""
        assert self.weft.status()["version"] == "0.1.9"
        want = self.other_settings
        number = want.get("protocol", PROTOCOLS[0])
        ours = {n: [r for f in (4, 6) for r in self.weft.kernel_routes(family=f, protocol=n)]
                for n in PROTOCOLS}
        learned = [r for r in ours.pop(number)
                   if r.get("type") not in ("blackhole", "unreachable")]
        assert learned and not any(ours.values()), ours
        if "protocol" in want:
            assert {n.get("protocol") for n in self.weft.ns.ipj("nexthop", "show")} \
                == {str(want["protocol"])}
        if "metric" in want:
            assert {r["metric"] for r in learned} == {want["metric"]}
        if want.get("nexthopObjects") == "off":
            assert not self.weft.ns.ipj("nexthop", "show")

    def wait_marked(self):
        wait_until(lambda: self.marked() == 2, 15, f"{self.name}: the marked routes are there")

    def wait_relearned(self):
        """Until the marked routes are gone; not before the session is up again."""
        def swept():
            left = self.marked()
            states = [p["state"] for p in self.weft.peers().values()]
            if left < 2:
                assert states == ["Established"], f"swept before the deferral ended: {states}"
            return left == 0 or No((left, states))
        wait_until(swept, 20, f"{self.name}: what was withdrawn meanwhile is gone")
        self.weft.wait_synced()


class TorSite(Site):
    """pod -- node (weft) -- ToR (the helper, which installs and forwards) -- host."""

    def __init__(self, lab, name, kind, k):
        self.name, tor = name, lab.ns(f"{name}-tor")
        ns = lab.ns(f"{name}-node")
        mine, other = wire(lab, ns, "eth0", tor, "eth0", k)
        self.addresses = mine
        self.pod, self.addrs = stub(lab, ns, f"{name}-pod", pods(k))
        self.far, self.far_addrs = stub(lab, tor, f"{name}-host", HOST)
        self.weft = Weft(ns, config(name, 65001, mine, [peer("tor", other[0], 65002,
                                                            timers=timers())], pods(k), PERMIT))
        self.helper = kind(tor, 65002, other[0], [Neighbor(mine[0], 65001, other[0], other[1])],
                           HOST + MARK)

    def announce(self, marks):
        self.helper.reconfigure(HOST + marks)


class ReflectorSite(Site):
    """Two nodes on one link with a GoBGP that reflects between them; the first is restarted."""

    def __init__(self, lab):
        self.name, s = "gobgp", Segment(lab)
        self.weft, self.other = (s.client(f"node{n}", n, {"gobgp": 9}) for n in (1, 2))
        self.pod, self.addrs = stub(lab, self.weft.ns, "pod1", pods(1))
        self.far, self.far_addrs = stub(lab, self.other.ns, "pod2", pods(2))
        v4, v6 = addresses(9)
        client = {"session": "  [neighbors.route-reflector.config]\n"
                             "    route-reflector-client = true\n"
                             '    route-reflector-cluster-id = "10.255.0.1"'}
        self.helper = Gobgp(s.ns("gobgp", 9), AS, v4,
                            [Neighbor(addresses(n)[0], AS, v4, v6, text=client) for n in (1, 2)],
                            MARK)

    def start(self):
        super().start()
        self.other.start()

    def announce(self, marks):
        for p in MARK:
            if p in marks:
                self.helper.announce(p)
            else:
                self.helper.gobgp("global", "rib", "del", "-a", "ipv6" if ":" in p else "ipv4", p)


def other_build(lab):
    """What is to be upgraded to: the same programs by another version, in a place of their own."""
    path = f"{lab.dir}/upgraded"
    os.makedirs(f"{path}/ctl")
    programs = [p for p in ("weftd", "weft-agent", "weft-bgpd", "weft-bfdd", "ctl/weft")
                if os.path.exists(f"{BUILD}/{p}")]
    for program in programs:
        with open(f"{BUILD}/{program}", "rb") as f:
            text = f.read()
        with open(f"{path}/{program}", "wb") as f:
            f.write(text.replace(b"0.1.0", b"0.1.9"))
        shutil.copymode(f"{BUILD}/{program}", f"{path}/{program}")
    return path


class Outage:
    """Part of a node's weft is dead between stop() and resume()."""

    def __init__(self, site, how, build=None):
        self.site, self.weft, self.how, self.build = site, site.weft, how, build
        self.launcher = self.weft.pid("weftd")

    def stop(self):
        if self.how in ("weft-bgpd", "weft-agent"):
            os.kill(self.launcher, signal.SIGSTOP)      # else it comes back at once
            os.kill(self.weft.pid(self.how), signal.SIGKILL)
        elif self.how == "everything":
            self.weft.kill()
        else:
            self.weft.weft("prepare-restart")
            assert self.weft.stop() == 0

    def resume(self):
        if self.how in ("weft-bgpd", "weft-agent"):
            os.kill(self.launcher, signal.SIGCONT)
            return
        if self.how == "upgrade":
            self.site.upgrade(self.build)
        self.weft.start(wait=False)


def round_of(sites, how, build, figure):
    """One outage at every site at once, with traffic through it."""
    pingers = [p for s in sites for p in s.ping_both_ways()]
    outages = [Outage(s, how, build) for s in sites]
    for o in outages:
        o.stop()
    for s in sites:
        s.announce([])
    holds_for(lambda: all(s.marked() == 2 for s in sites), 0.5,
              "withdrawn routes stay while nobody is there")
    for o in outages:
        o.resume()
    for s in sites:
        s.wait_relearned()
    results = [p.result() for p in pingers]
    lost = [r["lost"] for r in results]
    figure(f"{how}: {sum(lost)} of {sum(r['sent'] for r in results)} lost, longest gap "
           f"{max(r['longest_gap_ms'] for r in results)} ms")
    assert lost == [0] * len(lost), (how, [s.name for s in sites], lost)
    assert min(r["sent"] for r in results) > 500
    for s in sites:
        s.announce(MARK)
        s.wait_marked()


@pytest.mark.slice
def test_no_packet_lost(lab, figure):
    """Each process killed, all of them, a prepared restart with another build and other settings;
    with each helper."""
    sites = [TorSite(lab, "frr", Frr, 1), TorSite(lab, "bird", Bird, 2), ReflectorSite(lab)]
    build = other_build(lab)
    for s, settings in zip(sites, ({"metric": 77}, {"protocol": 213}, {"nexthopObjects": "off"})):
        s.other_settings = settings
    for s in sites:
        s.start()
    for s in sites:
        s.wait_up()
    for how in ("weft-bgpd", "weft-agent", "everything", "upgrade"):
        round_of(sites, how, build, figure)
    for s in sites:
        s.assert_upgraded()


@pytest.mark.slow
def test_comes_back_by_itself(lab):
    """A killed child is started again by the launcher, and the launcher says so."""
    f = Fabric(lab, racks=1, nodes_per_rack=1)
    for r in f.routers.values():
        r.start()
    f.nodes[0].start()
    weft = f.nodes[0].daemon
    weft.wait_established(deadline_s=20)
    for child in ("weft-bgpd", "weft-agent"):
        old = weft.pid(child)
        weft.kill(child)
        wait_until(lambda: weft.pid(child) != old and weft.answers(), 10, f"{child} is back")
        weft.wait_established(deadline_s=20)
        weft.wait_synced()


@pytest.mark.patient
@pytest.mark.parametrize("on_stop", ["keep", "flush"])
def test_on_stop(lab, on_stop):
    """A plain stop: the peer is told, and our routes stay or go."""
    site = TorSite(lab, "bird", Bird, 1)
    site.weft.config["kernel"]["onStop"] = on_stop
    site.start()
    site.wait_up()
    before = {f: site.weft.kernel_routes(f) for f in (4, 6)}
    assert site.weft.stop() == 0
    after = {f: site.weft.kernel_routes(f) for f in (4, 6)}
    assert after == (before if on_stop == "keep" else {4: [], 6: []})
    wait_until(lambda: not site.helper.established(site.addresses[0]), 5, "the peer knows")
    if on_stop == "keep":
        site.weft.start()
        assert any(e["event"] == "routes-adopted" for e in site.weft.events())
        site.weft.wait_established(deadline_s=20)
        site.weft.wait_synced()


@pytest.mark.patient
def test_second_weft(lab):
    """One that would own the same routes does not start; one with a number of its own does."""
    site = TorSite(lab, "bird", Bird, 1)
    site.start()
    site.wait_up()
    ns, first = site.weft.ns, site.weft
    second = Weft(ns, config("second", 65003, site.addresses, [], [], PERMIT,
                             bgp={"listen": {"enabled": False}}, ops={"metrics": "off"}))
    second.run_dir, second.file = f"{ns.dir}/run2", f"{ns.dir}/second.yaml"
    before = first.kernel_routes()
    second.start(wait=False)
    wait_until(lambda: not second.proc.alive(), 10, "the second weft ends")
    assert second.proc.popen.returncode == 1
    said = second.proc.text()
    assert f"another weft (weftd's pid is {first.pid('weftd')}) owns the routes with protocol " \
        "number 212" in said, said
    second.config["kernel"]["protocol"] = 213
    second.start()
    assert first.kernel_routes() == before and first.peer("tor")["state"] == "Established"
    second.config["kernel"]["protocol"] = 212       # nor by a reload
    second.write_config()
    assert "another weft" in second.weft("reload", check=False).stdout + \
        second.weft("reload", check=False).stderr
    second.stop()
    assert first.kernel_routes() == before


@pytest.mark.patient
def test_hung_children(lab):
    """A child that answers nothing is killed and started again, and nothing is lost."""
    site = TorSite(lab, "bird", Bird, 1)
    site.weft.options = ["--child-timeout", "2"]
    site.start()
    site.wait_up()
    pingers = site.ping_both_ways()
    for child in ("weft-bgpd", "weft-agent"):
        old = site.weft.pid(child)
        os.kill(old, signal.SIGSTOP)
        wait_until(lambda: site.weft.pid(child) != old and site.weft.answers(), 10,
                   f"{child} is another one")
        site.weft.wait_established(deadline_s=20)
        site.weft.wait_synced()
        if child == "weft-bgpd":
            assert any(e["event"] == "bgpd-hung" for e in site.weft.events())
    assert [p.result()["lost"] for p in pingers] == [0, 0]
    assert not any(e["event"] == "crashed-by-message" for e in site.weft.events())
