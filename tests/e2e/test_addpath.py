"""Several paths per prefix (RFC 7911): clients of a reflector share traffic, whoever reflects.

Two weft clients announce one anycast prefix of each family. What a client of the
reflector gets of it are two paths, told apart by path ids, and two next hops in its
kernel; with weft as the reflector, and with every other daemon that can be one.
"""

import json
import re

import pytest

from fabric.peers import FAMILIES, Bird, Exabgp, Frr, Gobgp, Openbgpd, family_of
from fabric.segment import AS, Segment, addresses
from fabric.topo import timers
from fabric.wait import No, wait_until
from fabric.weft import peer

pytestmark = pytest.mark.patient

ANYCAST = ["10.244.200.0/24", "fd00:10:244:200::/64"]
BOTH = {"receive": True, "send": "all"}
A, B, C, RR, OTHER = 11, 12, 13, 1, 50


# -- the other daemons, with add-path in both directions -------------------------------------
# option reflect: they are the reflector, their neighbours its clients

class AddPathBird(Bird):
    def _neighbor(self, i, n):
        text = super()._neighbor(i, n).replace("import all;", "add paths on; import all;")
        if self.options.get("reflect"):
            text = re.sub(r"next hop (self|address \S+);", "next hop keep;", text)
            text = text.replace("{\n", "{\n  rr client;\n", 1)
        return text


class AddPathFrr(Frr):
    def _activate(self, n, family):
        c = [*super()._activate(n, family), f"  neighbor {n.addr} addpath-tx-all-paths"]
        if self.options.get("reflect"):
            c.append(f"  neighbor {n.addr} route-reflector-client")
        return c


class AddPathGobgp(Gobgp):
    def _neighbor(self, n):
        c = []
        for line in super()._neighbor(n):
            c.append(line)
            if "afi-safi-name" in line:
                c += ["    [neighbors.afi-safis.add-paths.config]", "      receive = true",
                      "      send-max = 16"]
        if self.options.get("reflect"):
            c += ["  [neighbors.route-reflector.config]", "    route-reflector-client = true",
                  f'    route-reflector-cluster-id = "{self.router_id}"']
        return c

    def _counts(self, addr, table):
        """Paths, not prefixes: each prefix has a list of them."""
        found = {}
        for f in FAMILIES:
            rib = json.loads(self.gobgp("neighbor", addr, table, "-a", f, "-j"))
            found[f] = sum(len(v) if isinstance(v, list) else 1
                           for v in (rib.values() if isinstance(rib, dict) else rib))
        return found


class AddPathOpenbgpd(Openbgpd):
    def _neighbor(self, n):
        c = super()._neighbor(n)
        more = ["\tannounce add-path recv yes", "\tannounce add-path send all"]
        if self.options.get("reflect"):
            more.append("\troute-reflector")
        return c[:-1] + more + c[-1:]


class AddPathExabgp(Exabgp):
    """Not a reflector: it announces the anycast prefixes itself, once for each next hop."""

    def _neighbor(self, n):
        c = "\n".join(super()._neighbor(n)).replace(
            "asn4 enable;", "asn4 enable; add-path send/receive;")
        routes = " ".join(f"route {p} next-hop {hop} path-information 0.0.0.{i + 1};"
                          for p in self.options.get("reflect") or ()
                          for i, hop in enumerate(next_hops(p)))
        return [c.replace("static {", f"static {{ {routes}")]

    def _apply(self, update, table):
        def paths(routes):
            return {(r["nlri"], r.get("path-information")) for r in routes if "nlri" in r}

        for f in FAMILIES:
            for routes in update.get("announce", {}).get(f"{f} unicast", {}).values():
                table[f] |= paths(routes)
            table[f] -= paths(update.get("withdraw", {}).get(f"{f} unicast", []))


KINDS = [AddPathBird, AddPathFrr, AddPathGobgp, AddPathOpenbgpd, AddPathExabgp]


# -- what is asked -----------------------------------------------------------------------------

def next_hops(prefix):
    """The next hops that the two announcers of an anycast prefix have."""
    return {addresses(k)[family_of(prefix) == "ipv6"] for k in (A, B)}


def gateways(ns, prefix):
    """Next hops of the kernel's route for a prefix."""
    found = set()
    for r in ns.routes(prefix, "proto", 212, family=6 if ":" in prefix else 4):
        for hop in [r, *r.get("nexthops", ())]:
            found.add(hop.get("gateway") or hop.get("via", {}).get("host"))
    return found - {None}


def wait_shared(w):
    """Until the kernel uses both announcers, and the views tell the paths apart."""
    for prefix in ANYCAST:
        def both():
            got = gateways(w.ns, prefix)
            return got == next_hops(prefix) or No(got)
        wait_until(both, 15, f"{w.ns.name}: {prefix} by two next hops")
        rows = w.route(prefix)["paths"]
        assert len(rows) == 2 and {r["next_hop"] for r in rows} == next_hops(prefix)
        assert len({r["path_id"] for r in rows}) == 2, rows
        assert sorted(r["best"] for r in rows) == [False, True]


def wait_count(ask, n, what):
    def same():
        got = ask()
        return got == {"ipv4": n, "ipv6": n} or No(got)
    wait_until(same, 15, what)


def announcer(seg, name, n, reflectors):
    return seg.client(name, n, reflectors, node={"podCIDRs": ANYCAST})


# -- weft reflects ---------------------------------------------------------------------------------

def reflector(seg, clients):
    """weft, that sends what is equal to everybody who asks for it."""
    return seg.reflector("rr", RR, clients, 1, addPath={"receive": True, "send": "equal"})


@pytest.mark.slice
def test_client_of_weft_shares_traffic(lab):
    """Two equal paths by one session become two next hops; without add-path it is one."""
    seg = Segment(lab)
    rr = reflector(seg, {"a": A, "b": B, "c": C, "d": C + 1}).start()
    a, b = (announcer(seg, name, n, {"rr": RR}).start() for name, n in (("a", A), ("b", B)))
    c = seg.client("c", C, {"rr": RR}, bgp={"addPath": {"receive": True}}).start()
    d = seg.client("d", C + 1, {"rr": RR}, bgp={}).start()
    wait_shared(c)
    f = c.peer("rr")["families"]["ipv4"]
    assert f["add_path_receive"] and not f["add_path_send"]
    assert rr.peer("c")["families"]["ipv6"]["add_path_send"]
    assert rr.advertised("c") == c.received("rr")
    assert "PATH ID" in c.weft("routes")
    for prefix in ANYCAST:
        assert len(d.route(prefix)["paths"]) == 1 and len(gateways(d.ns, prefix)) == 1

    # one announcer goes: so does its path and no other
    a.stop()
    for prefix in ANYCAST:
        def one():
            got = gateways(c.ns, prefix)
            return got == {addresses(B)[family_of(prefix) == "ipv6"]} or No(got)
        wait_until(one, 15, f"{prefix} by the one that is left")
    a.start()
    wait_shared(c)
    assert b.peer("rr")["flaps"] == 0 and c.peer("rr")["flaps"] == 0


@pytest.mark.slice
@pytest.mark.parametrize("how", ["kill bgpd", "change maxPaths"])
def test_sessions_and_settings(lab, how):
    """A restarted speaker gets and gives the paths again; maxPaths works on a live session."""
    seg = Segment(lab)
    rr = reflector(seg, {"a": A, "b": B, "c": C}).start()
    for name, n in (("a", A), ("b", B)):
        announcer(seg, name, n, {"rr": RR}).start()
    c = seg.client("c", C, {"rr": RR}, bgp={"addPath": {"receive": True}}).start()
    wait_shared(c)
    if how == "kill bgpd":
        for w in (rr, c):
            w.kill("weft-bgpd")
            wait_until(lambda: c.peer("rr")["state"] == "Established", 20, "the session is back")
            wait_shared(c)
        return
    before = c.peer("rr")["established_count"]
    for most, want in ((1, 1), (2, 2)):
        rr.config["bgp"]["addPath"]["maxPaths"] = most
        rr.write_config()
        rr.weft("reload")
        wait_count(lambda: {f: len(c.route(p)["paths"]) for f, p in zip(FAMILIES, ANYCAST)}, want,
                   f"{want} paths")
    assert c.peer("rr")["established_count"] == before


def plug(seg, kind, role, clients, **options):
    """Another maker's daemon on the segment with these weft nodes ({name: number})."""
    d = seg.daemon(kind, role, OTHER, clients, [])
    for n in d.neighbors:
        n.transit = True
    d.options.update(options)
    return d


def split_families(kind, d):
    """OpenBGPD wants a session per family; here IPv4 is enough for it."""
    if not kind.one_session:
        for n in d.neighbors:
            n.families = ("ipv4",)


@pytest.mark.slice
@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.package)
def test_daemon_as_client(lab, kind):
    """Every daemon that asks for them gets both paths from weft: counted on both ends."""
    seg = Segment(lab)
    rr = reflector(seg, {"a": A, "b": B, "other": OTHER}).start()
    for name, n in (("a", A), ("b", B)):
        announcer(seg, name, n, {"rr": RR}).start()
    d = plug(seg, kind, "other", {"rr": RR})
    split_families(kind, d)
    d.start()
    rr.wait_established("other", deadline_s=30)
    families = FAMILIES if kind.one_session else ("ipv4",)
    want = {f: 2 if f in families else 0 for f in FAMILIES}

    def both():
        got = rr.advertised("other"), d.received(addresses(RR)[0])
        return got == (want, want) or No(got)
    wait_until(both, 15, "two paths on both ends")


@pytest.mark.slice
@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.package)
def test_daemon_sends_to_weft(lab, kind):
    """Every daemon sends weft both paths, which share the traffic: counted on both ends."""
    seg = Segment(lab)
    nodes = {"a": A, "b": B, "c": C}
    families = FAMILIES if kind.one_session else ("ipv4",)
    other = {"other": OTHER}
    if kind is AddPathExabgp:
        nodes = {"c": C}
    for name, n in nodes.items():
        if name != "c":
            announcer(seg, name, n, other).start()
    c = seg.client("c", C, other, bgp={"addPath": {"receive": True}}).start()
    d = plug(seg, kind, "other", nodes,
             reflect=ANYCAST if kind is AddPathExabgp else True)
    split_families(kind, d)
    d.start()
    c.wait_established("other", deadline_s=30)

    def shared():
        got = {p: gateways(c.ns, p) for p in ANYCAST if family_of(p) in families}
        return all(got[p] == next_hops(p) for p in got) or No(got)
    wait_until(shared, 20, "two next hops")
    want = {f: 2 if f in families else 0 for f in FAMILIES}
    assert c.received("other") == want
    if kind is not AddPathExabgp:
        def sent():
            got = d.advertised(addresses(C)[0])
            return all(got[f] >= 2 for f in families) or No(got)
        wait_until(sent, 10, "and the daemon counts them, too")
