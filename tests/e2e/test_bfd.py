"""BFD with FRR's bfdd and with BIRD: failures are seen at once, and only failures."""

import os
import signal
import time

import pytest
from fabric.peers import Bird, Frr, Neighbor
from fabric.topo import PERMIT, WEFT_AS, wire
from fabric.traffic import Pinger
from fabric.wait import No, holds_for, wait_until
from fabric.weft import Weft, config, peer

FAST = {"receiveInterval": 50, "transmitInterval": 50, "detectMultiplier": 3}
SLOW = {"receiveInterval": 300, "transmitInterval": 300, "detectMultiplier": 3}
SPINE_AS, TOR_AS = 65000, (65001, 65002)
POD = ["10.244.1.10", "fd00:10:244:1::10"]
GATEWAY = ["10.244.1.1", "fd00:10:244:1::1"]
PODS = ["10.244.1.0/24", "fd00:10:244:1::/64"]
FAR = [[f"172.20.0.{i}" for i in range(1, 9)], [f"fd20::{i}" for i in range(1, 9)]]
NETS = ["172.20.0.0/24", "fd20::/64"]


def bird_bfd(ms, mult=3, more=""):
    both = f"min rx interval {ms} ms; min tx interval {ms} ms; multiplier {mult}; {more}"
    return (f'protocol bfd {{ interface "*" {{ {both} }}; multihop {{ {both} }}; }}')


def frr_bfd(address, local, ms, mult=3):
    return (f" peer {address} local-address {local}\n  receive-interval {ms}\n"
            f"  transmit-interval {ms}\n  detect-multiplier {mult}\n  no shutdown\n exit")


def speaker(kind, ns, asn, sessions, ms=50, networks=(), others=(), **options):
    """FRR or BIRD with a BFD session for each of sessions: (own, weft's) addresses."""
    neighbors = [Neighbor(theirs, WEFT_AS, own, local6=own if ":" in own else "",
                          families=("ipv6" if ":" in own else "ipv4",),
                          extra=("bfd",) if kind is Frr else ("bfd on;",)) for own, theirs in sessions]
    text = {"bfd": "\n".join(frr_bfd(theirs, own, ms) for own, theirs in sessions)} \
        if kind is Frr else {"global": bird_bfd(ms)}
    return kind(ns, asn, f"10.255.0.{asn - 65000}", neighbors + list(others), networks,
                text=text, install=False, **options).start()


def bfd(weft):
    return {s["peer"]: s for s in weft.json("bfd")["bfd"]}


def wait_up(weft, *names, us=150000):
    """Until these sessions (all, if none is named) are up and have that detection time."""
    def all_up():
        got = bfd(weft)
        return all(got[n]["state"] == "Up" and got[n]["detection_us"] == us
                   for n in names or got) or No(got)
    wait_until(all_up, 20, f"BFD with {names} is up")


def node(ns, peers, **more):
    return Weft(ns, config("node", WEFT_AS, ["10.0.0.1", "fd00::1"], peers, PODS, PERMIT,
                           bfdProfiles={"fast": FAST, "slow": SLOW}, **more))


def events(weft, name):
    return [e for e in weft.events() if e["event"] == name]


class Pair:
    """weft and one speaker on a link."""

    def __init__(self, lab, kind=Bird, family=0, ms=50, profile="fast", **more):
        self.a, self.b = lab.ns("a"), lab.ns("b")
        self.a.addr("lo", "10.0.0.1/32", "fd00::1/128")
        ours, theirs = wire(lab, self.a, "eth0", self.b, "eth0", 1)
        self.mine, self.other = ours[family], theirs[family]
        if kind == "weft":
            self.tor = Weft(self.b, config("tor", TOR_AS[0], ["10.0.0.2", "fd00::2"], [
                peer("node", self.mine, WEFT_AS, bfd="fast")], [], PERMIT, bfdProfiles={"fast": FAST})).start()
        else:
            self.tor = speaker(kind, self.b, TOR_AS[0], [(self.other, self.mine)], ms, NETS)
        self.weft = node(self.a, [peer("tor", self.other, TOR_AS[0], bfd=profile, **more)])
        self.weft.start()
        self.weft.wait_established("tor")


@pytest.mark.patient
@pytest.mark.slice
@pytest.mark.parametrize("family", [0, 1], ids=["ipv4", "ipv6"])
@pytest.mark.parametrize("kind", [Bird, Frr])
def test_up(lab, kind, family):
    p = Pair(lab, kind, family)
    wait_up(p.weft, "tor")
    row = bfd(p.weft)["tor"]
    assert row["address"] == p.other and row["local_address"] == p.mine, row
    assert not row["multihop"] and row["downs"] == 0 and not row["drops"], row
    assert p.weft.peer("tor")["bfd"]["state"] == "Up"


# ---- two ToRs ---------------------------------------------------------------------


class Racked:
    """pod - node - two ToRs - a host; everything but what weft installs is routed by hand."""

    def __init__(self, lab, kinds=(Frr, Bird), routes=0, profile="fast", ms=50):
        self.pod, self.node = lab.ns("pod", router=False), lab.ns("node")
        self.far, self.tors = lab.ns("far"), [lab.ns("tor1"), lab.ns("tor2")]
        self.node.addr("lo", "10.0.0.1/32", "fd00::1/128")
        lab.link(self.node, "pod", self.pod, "eth0", [f"{a}/{n}" for a, n in zip(GATEWAY, (24, 64))],
                 [f"{a}/{n}" for a, n in zip(POD, (24, 64))])
        for g in GATEWAY:
            self.pod.ip("route", "add", "default", "via", g)
        self.far.addr("lo", *[f"{a}/{n}" for v, n in zip(FAR, (32, 128)) for a in v])
        self.ends, self.up = [], []
        for i, tor in enumerate(self.tors):
            self.ends.append(wire(lab, self.node, f"eth{i}", tor, "node", 1 + i))
            self.up.append(wire(lab, tor, "far", self.far, f"eth{i}", 11 + i))
            for f in (0, 1):
                tor.ip("route", "add", NETS[f], "via", self.up[i][1][f])
                tor.ip("route", "add", PODS[f], "via", self.ends[i][0][f])
        self.reply_by(0)
        self.spine = Bird(self.far, SPINE_AS, "10.255.0.9",
                          [Neighbor(self.up[i][0][0], TOR_AS[i], self.up[i][1][0], self.up[i][1][1])
                           for i in (0, 1)],
                          [*NETS, *(f"172.{16 + (i >> 16)}.{i >> 8 & 255}.{i & 255}/32"
                                    for i in range(routes))], install=False).start()
        self.daemons = [speaker(k, self.tors[i], TOR_AS[i],
                                [(self.ends[i][1][f], self.ends[i][0][f]) for f in (0, 1)], ms,
                                others=[Neighbor(self.up[i][1][0], SPINE_AS, self.up[i][0][0],
                                                 self.up[i][0][1])])
                        for i, k in enumerate(kinds)]
        peers = [peer(f"tor{i + 1}-{f + 4 + f}", self.ends[i][1][f], TOR_AS[i], bfd=profile,
                      families=["ipv4" if f == 0 else "ipv6"], maxPrefixes={"limit": 1000000})
                 for i in (0, 1) for f in (0, 1)]
        self.weft = node(self.node, peers).start()
        self.n = routes + 1

    def ready(self, us=150000):
        """Everything is up, and the route to the far addresses has both legs."""
        self.weft.wait_established()
        wait_up(self.weft, us=us)
        wait_until(self.balanced, 60, "both ToRs are in use for everything")

    def balanced(self):
        for f in (0, 1):
            got = self.node.routes(NETS[f], family=6 if f else 4)
            if not got or len(self.group(got[0].get("nhid"))) != 2:
                return No(got)
        installed = self.weft.status()["families"]["ipv4"]["installed"]
        return installed >= self.n or No(installed)

    def group(self, nhid):
        """Members of a nexthop object."""
        return self.node.ipj("nexthop", "show", "id", nhid)[0].get("group", []) if nhid else []

    def reply_by(self, i):
        """Answers come by ToR i."""
        for f in (0, 1):
            self.far.ip("route", "replace", PODS[f], "via", self.up[i][0][f])

    def leg_of(self, address):
        """Which ToR pings to address go by."""
        def sent(i):
            return self.node.ipj("-s", "link", "show", "dev", f"eth{i}")[0]["stats64"]["tx"]["bytes"]
        before = [sent(0), sent(1)]
        self.pod.run("ping", "-n", "-q", "-i", "0.002", "-c", "20", "-s", "1000", "-W", "1", address)
        grown = [sent(i) - before[i] for i in (0, 1)]
        return grown.index(max(grown))

    def targets(self, leg):
        """An address of each family whose pings go by that ToR."""
        return [next(a for a in FAR[f] if self.leg_of(a) == leg) for f in (0, 1)]

    def cut(self, i, on=True):
        """Drop (or no longer) every packet between ToR i and the node, in one go per family."""
        rules = "".join(f"-A {chain} {way} node -j DROP\n" for chain, way in
                        (("INPUT", "-i"), ("OUTPUT", "-o"), ("FORWARD", "-i"), ("FORWARD", "-o")))
        for command in ("iptables-restore", "ip6tables-restore"):
            self.tors[i].run(command, stdin=f"*filter\n{rules if on else ''}COMMIT\n")


def pinged(pingers):
    return [p.result() for p in pingers]


def worst(results):
    return max(r["longest_gap_ms"] for r in results)


def lost(results):
    return sum(r["lost"] for r in results)


def fail_over(rack, leg):
    """Cut a leg under pings of both families that go by it; the longest gap in ms."""
    rack.reply_by(1 - leg)
    pingers = [Pinger(rack.pod, a) for a in rack.targets(leg)]
    time.sleep(0.2)     # pings flow; nothing to wait for
    rack.cut(leg)
    names = [f"tor{leg + 1}-4", f"tor{leg + 1}-6"]
    wait_until(lambda: all(not rack.weft.established(n) for n in names), 5, "sessions are closed")
    time.sleep(0.3)
    got = pinged(pingers)
    rack.cut(leg, False)
    return worst(got)


@pytest.mark.parametrize("kinds,routes", [((Frr, Bird), 10), ((Frr, Bird), 100000)],
                         ids=["10 routes", "100000 routes"])
def test_failover(lab, figure, kinds, routes):
    rack = Racked(lab, kinds, routes)
    for leg in (0, 1):
        rack.ready()
        gap = fail_over(rack, leg)
        figure(f"{kinds[leg].__name__} at 50 ms x 3, both families: gap {gap} ms")
        assert gap < 200
    down = events(rack.weft, "bfd-down")
    assert len(down) == 4 and all("effect=session-closed" in e["text"] for e in down), down
    assert "no packet for" in down[0]["text"], down


# ---- processes that die ------------------------------------------------------------


def kill_bfdd(rack):
    """Kill it under pings; what was lost of them, and how often sessions went down since."""
    pingers = [Pinger(rack.pod, a) for leg in (0, 1) for a in rack.targets(leg)]
    time.sleep(0.2)     # pings flow; nothing to wait for
    before = rack.weft.pid("weft-bfdd")
    rack.weft.kill("weft-bfdd")
    wait_until(lambda: rack.weft.pid("weft-bfdd") != before and all(
        s["resumed"] for s in bfd(rack.weft).values()), 5, "the next bfdd has taken over")
    time.sleep(1.2)     # longer than any detection time
    return pinged(pingers), len(events(rack.weft, "bfd-down"))


def up_since(text):
    """Seconds of the day: BIRD works them out anew each time, a millisecond more or less."""
    times = [line.split()[3].split(":") for line in text.splitlines() if " Up " in line]
    return [int(h) * 3600 + int(m) * 60 + float(s) for h, m, s in times]


def test_bfdd_killed(lab, figure):
    """300 ms x 3: nobody notices."""
    rack = Racked(lab, profile="slow", ms=300)
    rack.ready(us=900000)
    bird_before = rack.daemons[1].birdc("show", "bfd", "sessions")
    got, downs = kill_bfdd(rack)
    figure(f"bfdd killed at 300 ms x 3: {lost(got)} lost, gap {worst(got)} ms")
    assert lost(got) == 0 and downs == 0
    frr = rack.daemons[0].vtysh("show bfd peers counters json", daemon="bfdd")
    assert '"session-down":0' in frr.replace(" ", ""), frr
    after = rack.daemons[1].birdc("show", "bfd", "sessions")
    for was, now in zip(up_since(bird_before), up_since(after), strict=True):
        assert abs(was - now) < 0.1, f"{bird_before}\n{after}"
    assert not events(rack.weft, "peer-down")


def test_killed_fast(lab, figure):
    """50 ms x 3: one leg at most, for a moment, and nothing when it is the agent that dies."""
    rack = Racked(lab)
    rack.ready()
    got, downs = kill_bfdd(rack)
    figure(f"bfdd killed at 50 ms x 3: {lost(got)} lost, gap {worst(got)} ms, {downs} sessions went down")
    legs = {e["peer"].split("-")[0] for e in events(rack.weft, "peer-down")}
    assert len(legs) <= 1, legs
    rack.ready()
    kill_agent(rack, figure)
    kill_all(rack, figure)


def kill_agent(rack, figure):
    """The same bfdd goes on under the next agent, and nothing is lost."""
    pingers = [Pinger(rack.pod, a) for leg in (0, 1) for a in rack.targets(leg)]
    time.sleep(0.2)     # pings flow; nothing to wait for
    before, downs = rack.weft.pid("weft-bfdd"), {n: s["downs"] for n, s in bfd(rack.weft).items()}
    agent = rack.weft.pid("weft-agent")
    rack.weft.kill("weft-agent")
    wait_until(lambda: rack.weft.pid("weft-agent") != agent and rack.weft.answers(), 10,
               "another agent answers")
    rack.ready()
    got = pinged(pingers)
    figure(f"agent killed at 50 ms x 3: {lost(got)} lost, gap {worst(got)} ms")
    assert rack.weft.pid("weft-bfdd") == before and lost(got) == 0
    assert downs == {n: s["downs"] for n, s in bfd(rack.weft).items()}


def kill_all(rack, figure):
    """Everything dies, BFD as well, and comes back: the routes were there all the time."""
    pingers = [Pinger(rack.pod, a) for leg in (0, 1) for a in rack.targets(leg)]
    time.sleep(0.2)     # pings flow; nothing to wait for
    rack.weft.kill()
    time.sleep(0.5)     # longer than the peers' detection time
    rack.weft.start()
    rack.ready()
    got = pinged(pingers)
    figure(f"weft killed at 50 ms x 3: {lost(got)} lost, gap {worst(got)} ms")
    assert lost(got) == 0


@pytest.mark.patient
def test_bfdd_hangs(lab):
    """One that does not answer is replaced, and the next one goes on with its sessions."""
    p = Pair(lab, profile="slow", ms=300)
    wait_up(p.weft, "tor", us=900000)
    before = p.weft.pid("weft-bfdd")
    os.kill(before, signal.SIGSTOP)
    wait_until(lambda: p.weft.pid("weft-bfdd") != before, 20, "another bfdd is there")
    assert events(p.weft, "bfdd-hung")
    wait_up(p.weft, "tor", us=900000)


# ---- no failures -------------------------------------------------------------------


def ended_by_us(p):
    """Did the other side get our NOTIFICATION, and not end the session itself by BFD?

    FRR notes BFD's end as the last reason although the session is gone already.
    """
    if isinstance(p.tor, Frr):
        n = p.tor.json(f"show bgp neighbors {p.mine}")[p.mine]["messageStats"]
        return (n["notificationsRecv"] >= 1 and n["notificationsSent"] == 0) or No(n)
    with open(f"{p.tor.dir}/bird.log") as f:
        text = f.read()
    return ("Received: Administrative shutdown" in text and "BFD session down" not in text) or No(text)


@pytest.mark.patient
@pytest.mark.parametrize("kind", [Bird, Frr])
def test_down_by_command(lab, kind):
    """An operator's peer down is told as AdminDown; up again brings BFD back, too."""
    p = Pair(lab, kind)
    wait_up(p.weft, "tor")
    p.weft.weft("peer", "tor", "down", "--reason", "maintenance")
    wait_until(lambda: bfd(p.weft)["tor"]["state"] == "AdminDown", 5, "BFD is AdminDown")
    wait_until(lambda: not p.tor.established(p.mine), 5, "the session is closed")
    assert not events(p.weft, "bfd-down") or "effect=none" in events(p.weft, "bfd-down")[0]["text"]
    p.weft.weft("peer", "tor", "up")
    p.weft.wait_established("tor")
    wait_up(p.weft, "tor")


@pytest.mark.patient
def test_peer_takes_bfd_down(lab):
    """The other side's AdminDown says nothing about the path: the session stays."""
    p = Pair(lab, Frr)
    wait_up(p.weft, "tor")
    p.tor.vtysh("configure terminal", "bfd", f"peer {p.mine} local-address {p.other}", "shutdown",
                daemon="bfdd")
    wait_until(lambda: bfd(p.weft)["tor"]["reason"] == "the peer has taken BFD down", 5,
               "the peer says AdminDown")
    assert "effect=none" in events(p.weft, "bfd-down")[0]["text"]
    holds_for(lambda: p.weft.established("tor"), 1, "the session stays up")
    assert not bfd(p.weft)["tor"]["address_down"]


@pytest.mark.patient
@pytest.mark.parametrize("kind", [Bird, Frr])
def test_stop(lab, kind):
    """An ordered stop ends the BGP session by itself, and BFD is no reason."""
    p = Pair(lab, kind)
    wait_up(p.weft, "tor")
    assert p.weft.stop() == 0
    wait_until(lambda: not p.tor.established(p.mine), 5, "the session is closed")
    wait_until(lambda: ended_by_us(p), 2, "the other side has our NOTIFICATION")


@pytest.mark.patient
def test_comes_and_goes_with_the_configuration(lab):
    """BFD is added and removed by a reload, and the process with it; the session stays up.

    The other side is weft, too: FRR and BIRD end their BGP session when BFD is taken down.
    """
    p = Pair(lab, "weft", profile=False)
    assert p.weft.json("bfd")["bfd"] == [] and not p.weft.peer("tor")["bfd"]
    with open(f"{p.weft.run_dir}/weft-bfdd.pid") as f:
        assert f.read() == ""
    p.weft.config["peers"][0]["bfd"] = "fast"
    p.weft.write_config()
    p.weft.weft("reload")
    wait_up(p.weft, "tor")
    pid = p.weft.pid("weft-bfdd")
    p.weft.config["peers"][0]["bfd"] = False
    p.weft.write_config()
    p.weft.weft("reload")
    wait_until(lambda: not os.path.exists(f"/proc/{pid}"), 5, "bfdd has ended")
    holds_for(lambda: p.weft.established("tor"), 1, "the session stays up")
    assert not events(p.weft, "peer-down") and not events(p.weft, "bfdd-ended")
    assert bfd(p.tor)["node"]["reason"] == "the peer has taken BFD down"


@pytest.mark.patient
def test_everything_of_a_peer_dies(lab):
    """BGP is lost first: its BFD ends with it, and says nothing (the C bit is clear)."""
    p = Pair(lab, "weft")
    wait_up(p.weft, "tor")
    p.tor.kill()
    wait_until(lambda: bfd(p.weft)["tor"]["state"] == "Down", 5, "BFD is down")
    assert all("effect=none" in e["text"] for e in events(p.weft, "bfd-down"))
    assert not bfd(p.weft)["tor"]["address_down"]
    assert "routes=stale" in events(p.weft, "peer-down")[0]["text"]
    p.tor.start()
    p.weft.wait_established("tor")
    wait_up(p.weft, "tor")


@pytest.mark.patient
def test_link_local(lab):
    """On a link without other addresses, and failure takes out the leg of that interface."""
    a, b = lab.ns("a"), lab.ns("b")
    a.addr("lo", "10.0.0.1/32", "fd00::1/128")
    lab.link(a, "eth0", b, "eth0", ["fe80::1/64"], ["fe80::2/64"])
    n = Neighbor("fe80::1", WEFT_AS, "fe80::2", extra=('interface "eth0";', "bfd on;",),
                 families=("ipv6",))
    Bird(b, TOR_AS[0], "10.255.0.1", [n], NETS, text={"global": bird_bfd(50)}, install=False).start()
    weft = node(a, [peer("tor", "fe80::2%eth0", TOR_AS[0], bfd="fast")]).start()
    weft.wait_established("tor")
    wait_up(weft, "tor")
    row = bfd(weft)["tor"]
    assert (row["address"], row["local_address"]) == ("fe80::2%eth0", "fe80::1%eth0"), row
    wait_until(lambda: weft.fib(), 5, "its route is there")
    b.run("ip6tables-restore", stdin="*filter\n-A INPUT -i eth0 -j DROP\n-A OUTPUT -o eth0 -j DROP\nCOMMIT\n")
    wait_until(lambda: bfd(weft)["tor"]["address_down"], 2, "its address is out")
    b.run("ip6tables-restore", stdin="*filter\nCOMMIT\n")
    weft.wait_established("tor")
    wait_up(weft, "tor")
    assert not bfd(weft)["tor"]["address_down"]


@pytest.mark.patient
def test_bgp_comes_back_without_bfd(lab):
    """The peer's BFD has died: its routes go at once, and are used again when only BGP is back."""
    p = Pair(lab, Frr)
    wait_up(p.weft, "tor")
    for proc in p.tor.procs:
        if "bfdd" in str(proc.popen.args):
            proc.kill()
    wait_until(lambda: bfd(p.weft)["tor"]["address_down"], 2, "its address is out")
    wait_until(lambda: "BFD: no packet" in (p.weft.peer("tor")["last_error"] or ""), 5,
               "the session was closed")
    assert any("(see: weft bfd)" in w for w in p.weft.status()["warnings"])
    p.weft.wait_established("tor")
    wait_until(lambda: events(p.weft, "bfd-ignored"), 10, "it is seen that BFD does not come back")
    assert not bfd(p.weft)["tor"]["address_down"]


# ---- settings -----------------------------------------------------------------------


@pytest.mark.patient
def test_key(lab):
    """With another key BFD does not come up, and says why; with the right one it does."""
    p = Pair(lab, profile=False)
    text = p.tor.options["text"]
    text["global"] = bird_bfd(50, more='authentication meticulous keyed sha1; password "sesame" { id 7; };')
    p.tor.configure()
    p.tor.birdc("configure")
    key = f"{p.a.dir}/bfd.key"
    with open(key, "w") as f:
        f.write("open\n")
    p.weft.config["bfdProfiles"]["signed"] = {**FAST, "authentication": {
        "type": "meticulous-sha1", "keyID": 7, "password": {"file": key}}}
    p.weft.config["peers"][0]["bfd"] = "signed"
    p.weft.write_config()
    p.weft.weft("reload")
    wait_until(lambda: bfd(p.weft)["tor"]["drops"].get("auth-digest", 0) > 1, 5, "packets are refused")
    assert bfd(p.weft)["tor"]["state"] == "Down"
    with open(key, "w") as f:
        f.write("sesame\n")
    p.weft.weft("reload")
    wait_up(p.weft, "tor")
    assert p.weft.established("tor")
    os.unlink(key)
    p.weft.weft("reload")
    wait_until(lambda: "bfd.key" in (bfd(p.weft)["tor"]["reason"] or ""), 5, "the missing key is named")


@pytest.mark.patient
def test_multihop(lab):
    """Between loopback addresses, with BIRD."""
    a, b = lab.ns("a"), lab.ns("b")
    a.addr("lo", "10.0.0.1/32", "fd00::1/128")
    b.addr("lo", "10.0.0.2/32")
    mine, other = wire(lab, a, "eth0", b, "eth0", 1)
    a.ip("route", "add", "10.0.0.2/32", "via", other[0])
    b.ip("route", "add", "10.0.0.1/32", "via", mine[0])
    n = Neighbor("10.0.0.1", WEFT_AS, "10.0.0.2", families=("ipv4",), multihop=True,
                 extra=("bfd on;",))
    Bird(b, TOR_AS[0], "10.255.0.1", [n], NETS, text={"global": bird_bfd(50)}, install=False).start()
    weft = node(a, [peer("far", "10.0.0.2", TOR_AS[0], bfd="fast", ebgpMultihop=True)]).start()
    weft.wait_established("far")
    wait_until(lambda: "minimum-ttl" in bfd(weft)["far"]["reason"], 5, "BIRD's TTL of 64 is refused")
    weft.config["bfdProfiles"]["fast"]["minimumTtl"] = 60
    weft.write_config()
    weft.weft("reload")
    wait_up(weft, "far")
    row = bfd(weft)["far"]
    assert row["multihop"] and row["local_address"] == "10.0.0.1" and row["minimum_ttl"] == 60, row


@pytest.mark.patient
def test_passive(lab):
    """It waits for the peer's first packet, and then comes up."""
    p = Pair(lab, profile=False)
    p.tor.options["text"]["global"] = ""
    p.tor.neighbors[0].extra = ()
    p.tor.configure()
    p.tor.birdc("configure")
    p.weft.config["bfdProfiles"]["passive"] = {**FAST, "passiveMode": True}
    p.weft.config["peers"][0]["bfd"] = "passive"
    p.weft.write_config()
    p.weft.weft("reload")
    p.weft.wait_established("tor")
    row = bfd(p.weft)["tor"]
    assert row["packets_out"] == 0 and row["reason"] == "the peer has sent no packet yet", row
    p.tor.options["text"]["global"] = bird_bfd(50)
    p.tor.neighbors[0].extra = ("bfd on;",)
    p.tor.configure()
    p.tor.birdc("configure")
    wait_up(p.weft, "tor")


# ---- many sessions, busy processors ---------------------------------------------------


def cpu_s(pid):
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.soak
def test_many_sessions(lab, figure):
    """100 sessions at 300 ms cost little, and none goes down while all processors are busy."""
    seconds = 600 if os.environ.get("WEFT_SOAK") == "1" else 20
    a, b = lab.ns("a"), lab.ns("b")
    a.addr("lo", "10.0.0.1/32", "fd00::1/128")
    ids = range(1, 101)     # BIRD wants addresses of its own for each session at both ends
    lab.link(a, "eth0", b, "eth0", [f"10.9.1.{i}/16" for i in ids], [f"10.9.2.{i}/16" for i in ids])
    routes = [f"172.{16 + (i >> 16)}.{i >> 8 & 255}.{i & 255}/32" for i in range(200000)]
    neighbors = [Neighbor(f"10.9.1.{i}", WEFT_AS, f"10.9.2.{i}", families=("ipv4",),
                          extra=("bfd on;",), text={} if i == 1 else {"family": "export none;"})
                 for i in ids]
    bird = Bird(b, TOR_AS[0], "10.255.0.1", neighbors, [], text={"global": bird_bfd(300)},
                install=False).start()
    weft = node(a, [peer(f"p{i}", f"10.9.2.{i}", TOR_AS[0], bfd="slow", families=["ipv4"],
                         sourceAddress=f"10.9.1.{i}", maxPrefixes={"limit": 1000000})
                    for i in ids]).start()
    weft.wait_established(deadline_s=30)
    wait_up(weft, us=900000)
    pid, start, used = weft.pid("weft-bfdd"), time.monotonic(), cpu_s(weft.pid("weft-bfdd"))
    holds_for(lambda: not events(weft, "bfd-down"), 3, "no session goes down", every_s=1)
    share = (cpu_s(pid) - used) / (time.monotonic() - start)
    figure(f"100 sessions at 300 ms: {100 * share:.2f} % of a core")
    assert share < 0.03
    burners = [a.spawn("python3", "-c", "while True: pass") for _ in range(os.cpu_count())]
    bird.reconfigure(routes)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        holds_for(lambda: not events(weft, "bfd-down"), 1, "no session goes down", every_s=1)
    for p in burners:
        p.kill()
    assert weft.accepted("p1")["ipv4"] > 0
    assert all(s["downs"] == 0 for s in bfd(weft).values())
    figure(f"no session went down in {seconds} s with every processor busy")
